"""Scenes at junctions of a real city: a neighbourhood cut out of the default city of the eclipse-sumo wheel."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from marque.common import Bools, Floats, Records
from marque.driving.importers import default_city, load_map
from marque.driving.map import model
from marque.driving.map.model import Colour, MapArrays, Turn, Yield
from marque.simulation.library.actors import CAR, drive
from marque.simulation.library.roads import PRIORITY_SIGN, YIELD_SIGN, Incoming, Lanelet, Light, Road, distances, rounded
from marque.simulation.library.scene import Scene, task

_TAGS = ("urban", "intersection", "simulated")
_RADIUS_M = 130.0
_BEFORE_M, _AFTER_M = 75.0, 75.0
"""How far a way reaches before and behind the junction."""
_SLOWEST_MPS, _FASTEST_MPS = 6.0, 14.0
_LONGEST_TURN_M = 40.0
_SHARPEST_PER_M = 0.1
"""Whoever crosses at a constant speed takes no sharper bend on the way."""
_TIGHTEST_PER_M = 0.22
"""The ego is asked for no tighter turn than a car makes: 11 m from kerb to kerb leave the body's middle a radius of 4.2 m."""
_LAP_M = 0.005
"""Connections are wider by this on each side: SUMO rounds to centimetres, and those side by side shall leave no slit between them."""
_FLUSH_M = 0.5
"""Lanes side by side whose ends are nearer to each other than this end together."""
_WELDED_M = 0.1
"""The next point of a border is no nearer to the corner that lanes share."""
_COLOURS = {
    Colour.OFF: "inactive",
    Colour.RED: "red",
    Colour.RED_AMBER: "redYellow",
    Colour.AMBER: "yellow",
    Colour.GREEN: "green",
    Colour.GREEN_PROTECTED: "green",
}


@dataclass(frozen=True, slots=True, eq=False)
class _City:
    """A road map, as far as it is needed here, and which lanes are for cars and do not turn back."""

    arrays: MapArrays
    lane_ids: tuple[str, ...]
    junction_ids: tuple[str, ...]
    signal_ids: tuple[str, ...]
    junction_kinds: tuple[str, ...]
    drivable: Bools


@dataclass(frozen=True, slots=True)
class _Way:
    """A path through a junction: lanes of the city, and where on the path the connection begins, m."""

    lanes: tuple[int, ...]
    connection: int
    path: Floats
    junction_m: float


def follow(*, pick: int) -> Scene:
    """Behind a car that turns at a junction of the city and slows down for it."""
    city = _city()
    turning = (way for way in _ways(city, "priority") if _turn(city, way) is not Turn.STRAIGHT and not _owes(city, way.connection))
    ego = _nth(_one_each(city, turning), pick)
    slow, fast = _limits(city, ego)
    profile = [(1.0, slow), (3.0, 4.5), (6.0, 4.5), (10.0, slow)]
    ahead = drive(CAR, ego.path, ego.junction_m - 30.0, profile)
    asked = task(ego.path, ego.junction_m - 55.0, ego.junction_m + 45.0, slow, fast, 7.0)
    return Scene(_cut(city, ego), [ahead], *asked, (*_TAGS, "lane_following"))


def give_way(*, pick: int) -> Scene:
    """A car with the right of way crosses at a junction of the city."""
    city = _city()
    ways = (way for kind in ("right_before_left", "priority") for way in _ways(city, kind) if next(_rivals(city, way), None))
    ego = _nth(_one_each(city, ways), pick)
    other, enter_m = next(_rivals(city, ego))
    slow, fast = _limits(city, ego)
    there_s = 55.0 / slow  # when the ego would be at the junction
    coming = drive(CAR, other.path, max(3.0, other.junction_m + enter_m - 7.0 * there_s), [(0.0, 7.0)])
    asked = task(ego.path, ego.junction_m - 55.0, ego.junction_m + 45.0, slow, fast, 9.0)
    return Scene(_cut(city, ego), [coming], *asked, (*_TAGS, "comfort"))


def red_light(*, pick: int, red_s: float) -> Scene:
    """A red light of the city turns green, by its own program, for the car that waits ahead."""
    city = _city()
    ego = _nth(_one_each(city, (way for way in _ways(city, "traffic_light") if _turn(city, way) is Turn.STRAIGHT)), pick)
    slow, fast = _limits(city, ego)
    road = _cut(city, ego, _green_begins(city, ego.connection) - red_s)
    goes_s = red_s + 1.0
    waiting = drive(CAR, ego.path, ego.junction_m - 1.5 - 0.5 * CAR.length_m, [(goes_s, 0.0), (goes_s + 5.0, slow)])
    asked = task(ego.path, ego.junction_m - 65.0, ego.junction_m + 45.0, slow - 2.0, fast, red_s + 5.0)
    return Scene(road, [waiting], *asked, (*_TAGS, "comfort"))


# -- ways ----------------------------------------------------------------------------------------------------------------------------------


@functools.cache
def _city() -> _City:
    found = load_map(default_city())
    lanes = found.arrays.lanes
    drivable = (lanes["road"] & model.Road.CAR > 0) & (lanes["turn"] != Turn.BACK)
    return _City(found.arrays, found.lane_ids, found.junction_ids, found.signal_ids, found.junction_kinds, drivable)


def _ways(city: _City, kind: str) -> Iterator[_Way]:
    """Ways through junctions of a kind, in the order of the junctions' names, one for each connection."""
    lanes = city.arrays.lanes
    ordered = sorted(np.flatnonzero(city.drivable & (lanes["junction"] >= 0)).tolist(), key=lambda lane: city.lane_ids[lane])
    for lane in ordered:
        quick = _SLOWEST_MPS <= lanes[lane]["speed_limit"] <= _FASTEST_MPS and lanes[lane]["length"] <= _LONGEST_TURN_M
        if city.junction_kinds[lanes[lane]["junction"]] == kind and quick:
            way = _way(city, lane)
            if way is not None and _bent(way.path) < _TIGHTEST_PER_M:
                yield way


def _way(city: _City, connection: int) -> _Way | None:
    """Straight on as far as can be, before and behind; None where the way is too short."""
    lanes = [connection]
    before = after = 0.0
    while before < _BEFORE_M:
        found = [lane for lane in _beyond(city, lanes[0], "predecessor") if lane not in lanes]
        if not found:
            return None
        lanes.insert(0, found[0])
        before += float(city.arrays.lanes[found[0]]["length"])
    while after < _AFTER_M:
        found = [lane for lane in _beyond(city, lanes[-1], "successor") if lane not in lanes]
        if not found:
            return None
        lanes.append(found[0])
        after += float(city.arrays.lanes[found[0]]["length"])
    pieces = [_centre(city, lane) for lane in lanes]
    return _Way(tuple(lanes), connection, rounded(np.vstack([pieces[0], *(piece[1:] for piece in pieces[1:])])), before)


def _beyond(city: _City, lane: int, side: str) -> list[int]:
    """Where a lane comes from or leads to, by car; straight on first, never back."""
    record, drivable = city.arrays.lanes[lane], city.drivable
    linked = city.arrays.predecessors if side == "predecessor" else city.arrays.successors
    first, count = int(record[f"{side}_first"]), int(record[f"{side}_count"])
    return sorted((int(other) for other in linked[first : first + count] if drivable[other]), key=lambda other: (_bend(city, other), other))


def _bend(city: _City, lane: int) -> int:
    return int(city.arrays.lanes[lane]["turn"])


def _one_each(city: _City, ways: Iterable[_Way]) -> Iterator[_Way]:
    """The first way through each junction."""
    passed = set()
    for way in ways:
        junction = int(city.arrays.lanes[way.connection]["junction"])
        if junction not in passed:
            passed.add(junction)
            yield way


def _nth(ways: Iterator[_Way], pick: int) -> _Way:
    return next(itertools.islice(ways, pick, None))


def _rivals(city: _City, ego: _Way) -> Iterator[tuple[_Way, float]]:
    """Ways straight on that a way has to give way to, and how far on their connection they meet, m."""
    for conflict in _conflicts(city, ego.connection):
        if conflict["yields"] == Yield.YIELD and city.arrays.lanes[conflict["other"]]["turn"] == Turn.STRAIGHT:
            other = _way(city, int(conflict["other"])) if city.drivable[conflict["other"]] else None
            if other is not None and not set(other.lanes) & set(ego.lanes) and _bent(other.path) < _SHARPEST_PER_M:
                yield other, float(conflict["other_enter_s"])


def _conflicts(city: _City, lane: int) -> Records:
    record = city.arrays.lanes[lane]
    return city.arrays.conflicts[record["conflict_first"] : record["conflict_first"] + record["conflict_count"]]


def _owes(city: _City, lane: int) -> bool:
    return any(conflict["yields"] in {Yield.YIELD, Yield.STOP} for conflict in _conflicts(city, lane) if city.drivable[conflict["other"]])


def _turn(city: _City, way: _Way) -> Turn:
    return Turn(int(city.arrays.lanes[way.connection]["turn"]))


def _limits(city: _City, way: _Way) -> tuple[float, float]:
    """The lowest and the highest speed limit on a way."""
    limits = city.arrays.lanes["speed_limit"][list(way.lanes)]
    return float(limits.min()), float(limits.max())


def _centre(city: _City, lane: int) -> Floats:
    record = city.arrays.lanes[lane]
    points = city.arrays.points[record["point_first"] : record["point_first"] + record["point_count"]]
    return np.column_stack([points["x"], points["y"], np.unwrap(np.arctan2(points["tangent_y"], points["tangent_x"]))])


def _bent(path: Floats) -> float:
    """The sharpest curvature, 1/m."""
    return float(np.max(np.abs(np.diff(path[:, 2])) / np.diff(distances(path))))


# -- the neighbourhood ---------------------------------------------------------------------------------------------------------------------


def _cut(city: _City, way: _Way, clock_s: float = 0.0) -> Road:
    """The lanes for cars around a way's junction, with their junctions, signs and lights; the lights' clock stands at clock_s."""
    lanes, points = city.arrays.lanes, city.arrays.points
    middle = _centre(city, way.connection)[0, :2]
    near = np.zeros(len(lanes), bool)
    near[points["lane"][np.hypot(points["x"] - middle[0], points["y"] - middle[1]) < _RADIUS_M]] = True
    near[list(way.lanes)] = True
    near &= city.drivable
    inside = lanes["junction"] >= 0
    while True:  # a connection needs both ends
        loose = [
            lane
            for lane in np.flatnonzero(near & inside).tolist()
            if not all(_kept(city, near, lane, side) for side in ("predecessor", "successor"))
        ]
        if not loose:
            break
        near[loose] = False
    road, chosen = Road(), np.flatnonzero(near).tolist()
    for lane in chosen:
        road.lanelets[city.lane_ids[lane]] = _lanelet(city, lane, near)
    _weld(road, {city.lane_ids[lane] for lane in chosen if inside[lane]})
    for junction in dict.fromkeys(int(lanes[lane]["junction"]) for lane in chosen if inside[lane]):
        _junction(city, road, junction, [lane for lane in chosen if lanes[lane]["junction"] == junction], near, clock_s)
    return road


def _kept(city: _City, near: Bools, lane: int, side: str) -> list[int]:
    return [other for other in _beyond(city, lane, side) if near[other]]


def _lanelet(city: _City, lane: int, near: Bools) -> Lanelet:
    record, names = city.arrays.lanes[lane], city.lane_ids
    points = city.arrays.points[record["point_first"] : record["point_first"] + record["point_count"]]
    left, right = np.column_stack([points["left_x"], points["left_y"]]), np.column_stack([points["right_x"], points["right_y"]])
    if record["junction"] >= 0:
        across = _LAP_M * (left - right) / np.hypot(*(left - right).T)[:, None]
        left, right = left + across, right - across
    lanelet = Lanelet(names[lane], _centre(city, lane), left, right, float(record["speed_limit"]), "urban")
    lanelet.successors = [names[other] for other in _kept(city, near, lane, "successor")]
    if record["left"] >= 0 and near[record["left"]]:
        lanelet.left_side = names[record["left"]]
        lanelet.left_marking = "dashed" if record["may_change_left"] else "solid"
    elif record["oncoming"] >= 0 and near[record["oncoming"]]:
        lanelet.left_side, lanelet.faces, lanelet.left_marking = names[record["oncoming"]], True, "dashed"
    if record["right"] >= 0 and near[record["right"]]:
        lanelet.right_side = names[record["right"]]
        lanelet.right_marking = "dashed" if record["may_change_right"] else "solid"
    return lanelet


def _weld(road: Road, connections: set[str]) -> None:
    """Lanes side by side, and lanes that follow each other, share the corners where they meet, as CommonRoad has it.

    The city ends each lane square to its own direction: where it bends, a wedge opens beside the road. A connection takes over the corners
    of the street and loses the points that lie before or behind them.
    """
    for lanelet in road.lanelets.values():
        if lanelet.left_side is not None:
            beside = road.lanelets[lanelet.left_side]
            border = beside.left[::-1] if lanelet.faces else beside.right
            for end in (0, -1):
                if np.hypot(*(lanelet.left[end] - border[end])) < _FLUSH_M:
                    lanelet.left[end] = border[end]
    for before in road.lanelets.values():
        for after in (road.lanelets[name] for name in before.successors):
            if before.name in connections and after.name not in connections:
                _end_at(before, after, -1, 0)
            else:
                _end_at(after, before, 0, -1)


def _end_at(lanelet: Lanelet, other: Lanelet, end: int, other_end: int) -> None:
    """An end (0 or −1) of a lanelet comes to lie on another's."""
    order = slice(None, None, 1 if end == 0 else -1)
    left, right, path = lanelet.left[order], lanelet.right[order], lanelet.path[order]
    corner, opposite = other.left[other_end], other.right[other_end]
    across = opposite - corner
    inward = np.array([-across[1], across[0]]) / np.hypot(*across) * (1.0 if end == 0 else -1.0)
    inside = ((left - corner) @ inward > _WELDED_M) & ((right - opposite) @ inward > _WELDED_M)
    first = 1 + int(np.argmax(inside[1:])) if inside[1:].any() else len(inside) - 1
    lanelet.left = np.vstack([corner, left[first:]])[order]
    lanelet.right = np.vstack([opposite, right[first:]])[order]
    lanelet.path = np.vstack([path[0], path[first:]])[order]


def _junction(city: _City, road: Road, junction: int, connections: list[int], near: Bools, clock_s: float) -> None:
    """Incomings by street; yield and priority signs where the city's rules rank the streets; lights where it has them."""
    arms: dict[str, Incoming] = {}
    owing: dict[str, bool] = {}
    for lane in sorted(connections, key=lambda lane: _bend(city, lane)):
        for before in _kept(city, near, lane, "predecessor"):
            if city.arrays.lanes[before]["junction"] == junction:
                continue
            name, street = city.lane_ids[before], city.lane_ids[before].rpartition("_")[0]
            arm = arms.setdefault(street, Incoming(street, []))
            if name not in arm.lanes:
                arm.lanes.append(name)
            {Turn.RIGHT: arm.right, Turn.LEFT: arm.left}.get(Turn(_bend(city, lane)), arm.straight).append(city.lane_ids[lane])
            owing.setdefault(street, _owes(city, lane))  # by the straightest way through
            signal = int(city.arrays.lanes[lane]["signal"])
            if signal >= 0 and road.lanelets[name].light is None:
                road.lanelets[name].light = light = city.signal_ids[signal]
                road.lanelets[name].stops = True
                road.lights[light] = _light(city, signal, clock_s)
    if city.junction_kinds[junction] == "priority" and len(set(owing.values())) > 1:
        for street, arm in arms.items():
            for name in arm.lanes:
                road.lanelets[name].sign = YIELD_SIGN if owing[street] else PRIORITY_SIGN
                road.lanelets[name].stops = owing[street]
    road.junctions[city.junction_ids[junction]] = list(arms.values())


def _phases(city: _City, signal: int) -> list[tuple[float, Colour]]:
    """(end s, colour) from the start of the cycle."""
    record = city.arrays.signals[signal]
    phases = city.arrays.phases[record["phase_first"] : record["phase_first"] + record["phase_count"]]
    return [(float(phase["end_s"]), Colour(int(phase["colour"]))) for phase in phases]


def _light(city: _City, signal: int, clock_s: float) -> Light:
    phases = _phases(city, signal)
    begins = [0.0, *(end for end, _ in phases)]
    lasts = tuple((_COLOURS[colour], end - begin) for (end, colour), begin in zip(phases, begins, strict=False))
    return Light(lasts, float(city.arrays.signals[signal]["offset_s"]) - clock_s)


def _green_begins(city: _City, connection: int) -> float:
    """When a connection's light turns green, s on the city's clock."""
    signal = int(city.arrays.lanes[connection]["signal"])
    phases = _phases(city, signal)
    before = [phases[-1], *phases[:-1]]
    green = (Colour.GREEN, Colour.GREEN_PROTECTED)
    place = next(i for i, (_, colour) in enumerate(phases) if colour in green and before[i][1] not in green)
    begin = phases[place - 1][0] if place else 0.0
    return begin + float(city.arrays.signals[signal]["offset_s"])
