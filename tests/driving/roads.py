"""Hand-laid roads and a closed loop for the pilot's tests."""

import itertools

import numpy as np

from marque.driving.goal import Goal
from marque.driving.map import Colour, Road, Turn
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import LaneSpec, RoadSpec, SignalSpec
from marque.driving.observation import Observation
from marque.driving.pilot import Pilot
from marque.vehicle import BMW_320I, VehicleState, boxes_overlap, step


def lane(name, points, *, width=3.5, limit=13.9, **words):
    """A lane along a line of points, its borders half a width to either side."""
    centre = np.asarray(points, float)
    along = np.gradient(centre, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    left = np.column_stack((-along[:, 1], along[:, 0])) * 0.5 * width
    return LaneSpec(name, centre, centre + left, centre - left, Road.CAR, limit, **words)


def straight(x0, y0, x1, y1, n=30):
    return np.column_stack((np.linspace(x0, x1, n), np.linspace(y0, y1, n)))


def rounded(points, radius=15.0):
    """A line of points, 2 m apart or less, whose corners, right angles all, are arcs."""
    points = np.asarray(points, float)
    out = [points[:1]]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        ahead, aside = (corner - before) / np.linalg.norm(corner - before), (after - corner) / np.linalg.norm(after - corner)
        angle = np.linspace(0.0, np.pi / 2, 13)[:, None]
        out.append(corner - radius * ahead + radius * (np.sin(angle) * ahead + (1.0 - np.cos(angle)) * aside))
    line = np.concatenate([*out, points[-1:]])
    along = np.append(0.0, np.cumsum(np.hypot(*np.diff(line, axis=0).T)))
    even = np.linspace(0.0, along[-1], int(along[-1] / 2.0) + 2)
    return np.column_stack([np.interp(even, along, line[:, k]) for k in (0, 1)])


def two_lanes(length=400.0):
    right = lane("right", straight(0, 0, length, 0), left_neighbour="left")
    left = lane("left", straight(0, 3.5, length, 3.5), right_neighbour="right")
    return build_road_map(RoadSpec("two lanes", "test", [right, left]))


def bend(radius=12.0):
    angle = np.linspace(-np.pi / 2, 0, 25)
    arc = np.column_stack((80 + radius * np.cos(angle), radius + radius * np.sin(angle)))
    onward = straight(80 + radius, radius, 80 + radius, radius + 120)
    lanes = [lane("in", straight(0, 0, 80, 0), successors=["bend"]), lane("bend", arc, successors=["out"]), lane("out", onward)]
    return build_road_map(RoadSpec("bend", "test", lanes))


def light(colour):
    lanes = [
        lane("before", straight(0, 0, 100, 0), successors=["inside"]),
        lane("inside", straight(100, 0, 115, 0, 5), junction="j", signal="s", successors=["behind"]),
        lane("behind", straight(115, 0, 300, 0)),
    ]
    return build_road_map(RoadSpec("light", "test", lanes, signals=[SignalSpec("s", [(60.0, colour)])]))


def crossroads(*, ego_yields, their_mps=13.9):
    """East-bound (ours) meets south-bound at (100, 0)."""
    from marque.driving.map import Yield

    ours, theirs = (Yield.YIELD, Yield.NONE) if ego_yields else (Yield.NONE, Yield.YIELD)
    lanes = [
        lane("west", straight(0, 0, 90, 0), successors=["across"]),
        lane("across", straight(90, 0, 110, 0, 8), junction="j", successors=["east"]),
        lane("east", straight(110, 0, 300, 0)),
        lane("north", straight(100, 150, 100, 10), limit=their_mps, successors=["down"]),
        lane("down", straight(100, 10, 100, -10, 8), limit=their_mps, junction="j", successors=["south"]),
        lane("south", straight(100, -10, 100, -150), limit=their_mps),
    ]
    yields = {("across", "down"): ours, ("down", "across"): theirs}
    return build_road_map(RoadSpec("crossroads", "test", lanes, yields=yields))


def observation(time_s, road_map, *others, colour=Colour.OFF, loud=()):
    """others: (id, kind, x, y, heading, speed, length, width). loud: ids of those with a siren."""
    table = np.array(others, float).reshape(-1, 8).T
    signals = np.full(len(road_map.signal_ids), int(colour), np.uint8)
    columns = [np.ascontiguousarray(column) for column in table[2:]]
    sirens = np.array([(one[2], one[3]) for one in others if one[0] in loud], float).reshape(-1, 2)
    return Observation(time_s, table[0].astype(np.int32), table[1].astype(np.uint8), *columns, signals, sirens=sirens)


def to_lane(road_map, name):
    return (Goal((0.0, np.inf), lanes=(road_map.lane_ids.index(name),)),)


def drive(
    road_map, goals, state, seconds, others=lambda _t: (), colour=lambda _t: Colour.OFF, watch=lambda _t, _state: None, loud=(), **of_pilot
):  # fmt: skip
    """Drive in closed loop; returns the states and, per step, whether the car touched somebody.

    watch: is told where the car is. loud: ids of those with a siren. of_pilot: what else the pilot is made with.
    """
    pilot = Pilot(road_map, **of_pilot)
    pilot.begin(goals)
    states, touched = [state], []
    for k in range(round(seconds / 0.1)):
        watch(0.1 * k, state)
        here = others(0.1 * k)
        command = pilot.cycle(state, observation(0.1 * k, road_map, *here, colour=colour(0.1 * k), loud=loud))
        state = step(state, command, 0.1, BMW_320I)
        states.append(VehicleState(*state))
        ego = (state.x_m, state.y_m, state.heading_rad, BMW_320I.length_m, BMW_320I.width_m)
        touched.append(any(boxes_overlap(*ego, o[2], o[3], o[4], o[6], o[7]) for o in others(0.1 * (k + 1))))
    return pilot, states, touched


def two_way(length=300.0):
    """Ours eastwards, theirs westwards on its left."""
    ours = lane("ours", straight(0, 0, length, 0))
    theirs = lane("theirs", straight(length, 3.5, 0, 3.5))
    return build_road_map(RoadSpec("two-way road", "test", [ours, theirs]))


def last_chance(length=200.0, *, out=""):
    """The right lane leads into a blind alley, the left one leads on; the right lane's end is a junction's.

    out: what leads out of the alley: "detour", of kilometres, "back", a turn on the spot, or nothing.
    """
    far = rounded([(length + 60, -3), (length + 3000, -3), (length + 3000, 60), (length - 30, 60), (length - 30, 3.5), (length + 15, 3.5)])
    turn = np.linspace(np.pi / 2, -np.pi / 2, 25)
    spot = np.column_stack((length + 60 + 1.75 * np.cos(turn), -4.75 + 1.75 * np.sin(turn)))
    home = [(length + 60, -6.5), (-20, -6.5), (-20, 0), (0, 0)]
    around = {
        "": [],
        "detour": [lane("detour", far, successors=["on"])],
        "back": [lane("back", spot, junction="k", successors=["home"]), lane("home", home, successors=["right"])],
    }[out]
    lanes = [
        lane("right", straight(0, 0, length, 0), left_neighbour="left", successors=["alley"]),
        lane("left", straight(0, 3.5, length, 3.5), right_neighbour="right", successors=["across"]),
        lane("alley", straight(length, 0, length + 15, -3, 8), junction="j", successors=["blind"]),
        lane("across", straight(length, 3.5, length + 15, 3.5, 8), junction="j", successors=["on"]),
        lane("blind", straight(length + 15, -3, length + 60, -3), successors=[out] if out else []),
        lane("on", straight(length + 15, 3.5, length + 150, 3.5)),
        *around,
    ]
    return build_road_map(RoadSpec("last chance", "test", lanes))


def fork(parts=1):
    """A lane that goes straight on, or turns back on the street within the same junction, by way of so many lanes."""
    backs, edges = ["back", "back 2", "back 3"][:parts], np.linspace(-np.pi / 2, np.pi / 2, parts + 1)
    spans = [np.linspace(low, high, 25) for low, high in itertools.pairwise(edges)]
    arcs = [np.column_stack((100 + 1.75 * np.cos(span), 1.75 + 1.75 * np.sin(span))) for span in spans]
    turns = zip(backs, arcs, [*backs[1:], "home"], strict=True)
    lanes = [
        lane("in", straight(0, 0, 100, 0), successors=["straight", "back"]),
        lane("straight", straight(100, 0, 115, 0, 8), junction="j", successors=["out"]),
        *(lane(name, arc, junction="j", turn=Turn.BACK, successors=[on]) for name, arc, on in turns),
        lane("out", straight(115, 0, 250, 0)),
        lane("home", straight(100, 3.5, 0, 3.5)),
    ]
    return build_road_map(RoadSpec("fork", "test", lanes))


def left_turn_crossroads():
    """Ours comes from the west and goes straight on; from the east one turns left across it."""
    angle = np.linspace(0.0, np.pi / 2, 15)
    turn = np.column_stack((110 - 20 * np.sin(angle), 3.5 - 13.5 + 13.5 * np.cos(angle)))
    lanes = [
        lane("west", straight(0, 0, 90, 0), successors=["across"]),
        lane("across", straight(90, 0, 110, 0, 8), junction="j", successors=["east"]),
        lane("east", straight(110, 0, 300, 0)),
        lane("coming", straight(250, 3.5, 110, 3.5), successors=["left"]),
        lane("left", turn, junction="j", successors=["south"]),
        lane("south", straight(90, -10, 90, -100)),
    ]
    return build_road_map(RoadSpec("left turn", "test", lanes))
