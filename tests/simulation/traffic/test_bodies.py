"""Where bodies are: never in each other, always on their lanes, never too fast. And the collision check sees what there is to see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loops import eight, merge, ring
from oracle import common_area, corners, overlapping

from marque.driving.importers import default_city, load_map
from marque.driving.observation import Kind
from marque.simulation.frame import Frame
from marque.simulation.traffic import GuestStates, Traffic
from marque.simulation.traffic.collisions import build_hash, find_contacts
from marque.simulation.traffic.network import build_network
from marque.simulation.traffic.state import BODY, CLOCK, CONTACT
from small_town import small_town

MAPS = {"small town": (small_town, 30, 8), "ring": (lambda: ring(2), 30, 0), "eight": (eight, 24, 0), "merge": (merge, 30, 0)}


@pytest.fixture(params=MAPS)
def traffic(request):
    lay, vehicles, pedestrians = MAPS[request.param]
    return Traffic(lay(), vehicles=vehicles, pedestrians=pedestrians, seed=11)


def test_no_two_bodies_overlap_and_the_collision_check_says_so(traffic):
    assert overlapping(traffic.frame()) == []
    for _ in range(250):
        traffic.step(steps=10)
        assert overlapping(traffic.frame()) == []
    assert len(traffic.collisions()) == 0


def test_vehicles_stay_on_their_lanes(traffic):
    """Both axles within 10 cm of the centre line of a lane that traffic uses, but for those who are changing lanes."""
    arrays, lanes = traffic.road_map.arrays, traffic.network.lanes
    used = np.flatnonzero(lanes["used"])
    pieces = []
    for lane in used:
        first, count = arrays.lanes["point_first"][lane], arrays.lanes["point_count"][lane]
        line = np.column_stack([arrays.points["x"], arrays.points["y"]])[first : first + count]
        pieces.append(np.hstack([line[:-1], line[1:]]))
    a, b = np.split(np.vstack(pieces), 2, axis=1)
    for _ in range(60):
        traffic.step(steps=25)
        body, vehicles = traffic.state.bodies[0][: traffic.state.vehicles.shape[1]], traffic.state.vehicles[0]
        for half in (-0.5, 0.5):
            reach = half * traffic.state.drivers["wheelbase"][0]
            axle = np.column_stack([body["x"] + reach * body["ux"], body["y"] + reach * body["uy"]])
            share = np.clip(np.einsum("nkd,kd->nk", axle[:, None] - a, b - a) / np.sum((b - a) ** 2, axis=1), 0.0, 1.0)
            off = np.linalg.norm(a + share[..., None] * (b - a) - axle[:, None], axis=2).min(axis=1)
            assert off[vehicles["change_span"] == 0.0].max() < 0.1
            assert off.max() < 3.5


def test_from_lane_to_lane_only_along_the_map(traffic):
    lanes, network = traffic.road_map.arrays.lanes, traffic.network
    onward = {
        int(k): {int(n) for n in traffic.road_map.arrays.successors[lane["successor_first"] :][: lane["successor_count"]]}
        for k, lane in enumerate(lanes)
    }
    beside = {int(k): {int(lane[side]) for side in ("left", "right") if lane[f"may_change_{side}"]} for k, lane in enumerate(lanes)}
    before, steps = traffic.state.vehicles["lane"][0].copy(), 0
    for _ in range(1200):
        traffic.step()
        now = traffic.state.vehicles["lane"][0]
        for was, is_ in zip(before[before != now], now[before != now], strict=True):
            allowed = onward[int(was)] | beside[int(was)]
            allowed |= {far for near in allowed if near >= 0 for far in onward[near]}  # changed and passed its end at once
            assert int(is_) in allowed
            assert network.lanes["used"][is_]
            steps += 1
        before = now.copy()
    assert steps > 20


def test_nobody_is_faster_than_the_limit_times_the_driver_s_factor(traffic):
    lanes, drivers = traffic.network.lanes, traffic.state.drivers[0]
    fastest = 0.0
    for _ in range(1500):
        traffic.step()
        speed, lane = traffic.state.bodies["speed"][0][: drivers.size], traffic.state.vehicles["lane"][0]
        allowed = traffic.road_map.arrays.lanes["speed_limit"][lane] * drivers["factor"]
        assert (speed - allowed).max() < 0.05
        fastest = max(fastest, float((speed / allowed).max()))
    assert fastest > 0.9
    assert lanes.size


def _frame(rows):
    x, y, heading, length, width, kinds = np.array(rows, float).T
    ids = np.arange(len(rows), dtype=np.int32)
    return Frame(0.0, ids, kinds.astype(np.uint8), x, y, heading, np.zeros(len(rows)), length, width, ids, ids, {})


BOX = st.tuples(
    st.floats(-20.0, 180.0), st.floats(-20.0, 180.0), st.floats(-np.pi, np.pi), st.floats(0.4, 12.0), st.floats(0.4, 2.6),
    st.just(float(Kind.CAR)),
)  # fmt: skip


@settings(max_examples=150)
@given(cars=st.lists(BOX, min_size=2, max_size=40), walkers=st.lists(BOX, max_size=6), squeeze=st.floats(0.05, 1.0))
def test_the_collision_check_finds_exactly_what_shares_ground(cars, walkers, squeeze):
    rows = [(squeeze * x, squeeze * y, *rest) for x, y, *rest in cars] + [
        (squeeze * x, squeeze * y, h, 0.5, 0.5, 0.0) for x, y, h, *_ in walkers
    ]
    rows = [(*row[:5], float(Kind.PEDESTRIAN) if n >= len(cars) else row[5]) for n, row in enumerate(rows)]
    frame = _frame(rows)
    bodies = np.zeros(len(rows), BODY)
    for name, column in (("x", frame.x_m), ("y", frame.y_m), ("length", frame.length_m), ("width", frame.width_m)):
        bodies[name] = column
    bodies["ux"], bodies["uy"] = np.cos(frame.heading_rad), np.sin(frame.heading_rad)
    clock, contacts = np.zeros(1, CLOCK), np.zeros(2000, CONTACT)
    find_contacts(bodies, len(walkers), build_hash(small_town(), len(rows)), clock[0], contacts, 7)
    found = contacts[: clock["contacts"][0]]
    pairs = {tuple(sorted(pair)) for pair in zip(found["a"].tolist(), found["b"].tolist(), strict=True)}
    assert len(pairs) == len(found)
    for a, b in pairs ^ set(overlapping(frame, 0.0)):  # but for touches finer than rounding
        assert common_area(corners(frame, a), corners(frame, b)) < 1e-9
    assert (found["step"] == 7).all()


def test_a_lasting_touch_is_one_contact():
    bodies = np.zeros(2, BODY)
    bodies["ux"], bodies["length"], bodies["width"], bodies["x"] = 1.0, 4.0, 2.0, [10.0, 13.0]
    clock, contacts, grid = np.zeros(1, CLOCK), np.zeros(8, CONTACT), build_hash(small_town(), 2)
    for step in range(5):
        find_contacts(bodies, 0, grid, clock[0], contacts, step)
    bodies["x"][1] = 20.0
    find_contacts(bodies, 0, grid, clock[0], contacts, 5)
    bodies["x"][1] = 13.0
    find_contacts(bodies, 0, grid, clock[0], contacts, 6)
    assert clock["contacts"][0] == 2
    assert contacts[:2].tolist() == [(0, 0, 1, 4), (6, 0, 1, 6)]


def distance_to_lanes(road_map, x, y, lanes):
    """From a place to the nearest centre line of some lanes."""
    points, nearest = road_map.arrays.points, np.inf
    for lane in road_map.arrays.lanes[lanes]:
        line = points[lane["point_first"] :][: lane["point_count"]]
        a = np.column_stack([line["x"], line["y"]])
        along = np.diff(a, axis=0)
        share = np.clip(((np.array([x, y]) - a[:-1]) * along).sum(1) / np.maximum((along**2).sum(1), 1e-9), 0.0, 1.0)
        nearest = min(nearest, np.hypot(*(a[:-1] + share[:, None] * along - [x, y]).T).min())
    return nearest


def test_who_waits_or_turns_up_at_a_crossing_stands_beside_every_lane_that_can_be_driven():
    road_map = load_map(default_city())
    network = build_network(road_map)
    lanes = np.flatnonzero(road_map.arrays.lanes["component"] == 0)
    points = road_map.arrays.points
    firsts = road_map.arrays.lanes["point_first"][lanes]
    middle = np.column_stack([points["x"][firsts], points["y"][firsts]])
    assert len(network.walkable) > 50
    for way in network.footways[network.walkable[:: len(network.walkable) // 20]]:
        for q in (-way["apron0"], 0.0, way["length"], way["length"] + way["apron1"]):
            for side in (-way["side"], way["side"]):
                x, y = way["x"] + q * way["ux"] - side * way["uy"], way["y"] + q * way["uy"] + side * way["ux"]
                near = lanes[np.hypot(*(middle - [x, y]).T) < 150.0]
                assert distance_to_lanes(road_map, x, y, near) > 2.2


def test_nobody_turns_up_where_a_car_is():
    network = build_network(small_town())
    way = network.footways[network.walkable[0]]
    x, y = way["x"] - way["apron0"] * way["ux"], way["y"] - way["apron0"] * way["uy"]
    one = lambda value: np.array([[value]], float)  # noqa: E731
    routes = np.full((1, 1, 1), -1, np.int32)
    standing = one(x), one(y), one(0.0), one(0.0), one(4.6), one(1.9)
    car = GuestStates(np.array([[True]]), np.array([[Kind.CAR]], np.uint8), *standing, routes)
    traffic = Traffic(small_town(), vehicles=12, pedestrians=40, guests=1, seed=5)
    known, turned_up = set(traffic.frame().ids.tolist()), 0
    for _ in range(600):
        traffic.step(car)
        frame = traffic.frame()
        for who in np.flatnonzero((frame.kinds == Kind.PEDESTRIAN) & ~np.isin(frame.ids, list(known))):
            turned_up += 1
            assert np.hypot(frame.x_m[who] - x, frame.y_m[who] - y) > 2.3 + 2.5
        known |= set(frame.ids.tolist())
    assert turned_up > 20


@pytest.mark.slow
def test_in_adlershof_no_two_bodies_overlap_for_ten_minutes():
    traffic = Traffic(load_map(default_city()), vehicles=400, pedestrians=60, seed=1)
    for _ in range(200):
        traffic.step(steps=30)
        frame = traffic.frame()
        cars = frame.kinds != Kind.PEDESTRIAN
        assert [pair for pair in overlapping(frame) if max(pair) < 400] == []
        assert cars.sum() == 400
    contacts = traffic.collisions()
    assert contacts[(contacts["a"] < 400) & (contacts["b"] < 400)].size == 0
    assert traffic.state.clock["metres"][0] / (400 * 600.0) > 3.0
