"""Bodies that somebody else drives are followed, given way to, waited for."""

from __future__ import annotations

import numpy as np
import pytest
from loops import eight, ring
from oracle import fronts, overlapping

from marque.driving.importers import default_city, load_map
from marque.driving.map import Colour
from marque.driving.map.query import pose_at
from marque.driving.observation import Kind
from marque.simulation.traffic import GuestStates, Traffic
from small_town import small_town

LENGTH_M, WIDTH_M = 4.6, 1.9
GEOMETRY = "x_m", "y_m", "heading_rad", "speed_mps", "length_m", "width_m"


class Course:
    """The centre line of some lanes, one after the other."""

    def __init__(self, road_map, names):
        self.lanes = [road_map.lane_ids.index(name) for name in names]
        lanes, points = road_map.arrays.lanes, road_map.arrays.points
        parts = [points[lanes[k]["point_first"] :][: lanes[k]["point_count"]] for k in self.lanes]
        self.line = np.concatenate(
            [np.column_stack([part["x"], part["y"]])[: -1 if n + 1 < len(parts) else None] for n, part in enumerate(parts)]
        )
        self.s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(self.line, axis=0), axis=1))])

    def guest(self, s, speed):
        """The one guest of one world, s m along the course."""
        x, y = (np.interp([s - 0.5, s, s + 0.5], self.s, self.line[:, axis]) for axis in (0, 1))
        heading = np.arctan2(y[2] - y[0], x[2] - x[0])
        one = lambda value: np.array([[value]], float)  # noqa: E731
        kinds = np.array([[Kind.CAR]], np.uint8)
        routes = np.array([[self.lanes]], np.int32)
        return GuestStates(np.array([[True]]), kinds, one(x[1]), one(y[1]), one(heading), one(speed), one(LENGTH_M), one(WIDTH_M), routes)


def absent(guest):
    return guest._replace(present=np.array([[False]]))


@pytest.mark.parametrize("seed", range(3))
def test_a_guest_that_stands_is_queued_behind_and_left_when_it_goes(seed):
    traffic = Traffic(ring(), vehicles=12, guests=1, seed=seed)
    course = Course(ring(), [f"q{k}_0" for k in range(4)])
    frame = traffic.frame()
    places = np.arange(10.0, 480.0, 5.0)
    where = np.array([[np.interp(s, course.s, course.line[:, axis]) for axis in (0, 1)] for s in places])
    room = np.hypot(where[:, None, 0] - frame.x_m, where[:, None, 1] - frame.y_m).min(axis=1)
    guest = course.guest(float(places[np.argmax(room)]), 0.0)
    for _ in range(120):
        traffic.step(guest, steps=10)
        assert overlapping(traffic.frame()) == []
    frame = traffic.frame()
    cars, it = frame.ids < 12, int(np.flatnonzero(frame.ids == 12)[0])
    assert frame.speed_mps[cars].max() < 0.05
    rear = 2.0 * np.array([frame.x_m[it], frame.y_m[it]]) - fronts(frame)[it]
    gap = np.hypot(*(fronts(frame)[cars] - rear).T).min()
    assert 1.0 < gap < 4.0
    traffic.step(absent(guest), steps=300)
    assert traffic.frame().speed_mps.min() > 3.0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("route", [["street0", "bend0"], []], ids=["known route", "unknown route"])
def test_pedestrians_wait_before_a_guest_that_stands_on_their_crossing(seed, route):
    traffic = Traffic(small_town(), vehicles=0, pedestrians=6, guests=1, seed=seed)
    course = Course(small_town(), ["street0"])
    guest = course.guest(70.0, 0.0)
    guest = guest._replace(routes=np.array([[[small_town().lane_ids.index(name) for name in route] or [-1]]], np.int32))
    while np.abs(traffic.frame().y_m).min() > 2.5:  # somebody is on the crossing already, beside where it comes to stand
        traffic.step(absent(guest))
    for _ in range(600):
        traffic.step(guest)
        assert overlapping(traffic.frame()) == []
    generation = traffic.state.walkers["generation"][0].copy()
    traffic.step(absent(guest), steps=1500)
    assert (traffic.state.walkers["generation"][0] > generation).all()


def passes(seed, names, start_m, end_m, speed, may_start):
    """One guest drives over the crossing and looks at nobody, from when it may start.

    Returns whether anybody touched it, and whether somebody would have without knowing of it: in the same world where it is absent.
    """
    course = Course(eight(), names)
    told, untold = (Traffic(eight(), vehicles=4, guests=1, seed=seed) for _ in range(2))
    nobody = absent(course.guest(0.0, 0.0))
    for _ in range(1500):
        if may_start(told.state, course.lanes):
            break
        told.step(nobody)
        untold.step(nobody)
    else:
        return False, False
    touched = would_be_touched = False
    for s in np.arange(start_m, end_m, 0.1 * speed):
        guest = course.guest(s, speed)
        told.step(guest)
        untold.step(nobody)
        touched |= overlapping(told.frame()) != []
        would_be_touched |= overlapping(beside(untold.frame(), guest)) != []
    return touched, would_be_touched


def beside(frame, guest):
    """A frame and a guest that it does not know."""
    x, y, heading, speed, length, width = (np.append(getattr(frame, name), getattr(guest, name)) for name in GEOMETRY)
    return frame._replace(
        ids=np.append(frame.ids, 99), kinds=np.append(frame.kinds, guest.kinds), x_m=x, y_m=y, heading_rad=heading, speed_mps=speed,
        length_m=length, width_m=width,
    )  # fmt: skip


def comes_together_with(state, course):
    """Somebody will reach the crossing from the north at the moment the guest does; the guest's own road is empty."""
    lane, s = state.vehicles["lane"][0], state.nodes["s"][0][: state.vehicles.shape[1]]
    comes = (lane == eight().lane_ids.index("loop_east")) & (np.abs(s - 200.0) < 15.0)
    return comes.any() and not np.isin(lane, course).any()


def finds_nobody_near(state, course):
    west, across = eight().lane_ids.index("west"), eight().lane_ids.index("across")
    return not np.isin(state.vehicles["lane"][0], [*course, west, across]).any()


def test_a_guest_with_priority_is_given_way_to():
    road = ["loop_west", "west", "across", "east"]
    results = [
        passes(seed, road, start_m, 395.0, 9.0, comes_together_with) for seed in range(12) for start_m in (190.0, 205.0, 220.0, 235.0)
    ]
    assert not any(touched for touched, _ in results)
    assert sum(would_be_touched for _, would_be_touched in results) >= 2


def test_a_guest_that_crawls_over_the_crossing_without_priority_is_waited_for():
    results = [passes(seed, ["gate", "north", "down", "south"], 42.0, 85.0, 1.0, finds_nobody_near) for seed in range(16)]
    assert not any(touched for touched, _ in results)
    assert sum(would_be_touched for _, would_be_touched in results) >= 4


SOUTHBOUND = ["loop_east", "gate", "north", "down", "south"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("road", "before"),
    [(eight(light=Colour.RED), "down"), (eight(gate=Colour.GREEN), "gate"), (eight(), "down")],
    ids=["at a red light", "before another junction", "where there is no room behind"],
)
def test_nobody_waits_for_a_guest_that_cannot_come(seed, road, before):
    """It stands there for three minutes; eastbound has priority, and who comes along there drives on."""
    course = Course(road, SOUTHBOUND)
    starts = dict(zip(SOUTHBOUND, np.cumsum([0.0, *road.arrays.lanes["length"][course.lanes]]), strict=False))
    waits, blocks = course.guest(starts[before] - 4.0, 0.0), course.guest(starts["south"] + 4.0, 0.0)
    if road is not eight():
        blocks = absent(blocks)
    both = GuestStates(*(np.concatenate(pair, axis=1) for pair in zip(waits, blocks, strict=True)))
    traffic = Traffic(road, vehicles=4, guests=2, seed=seed)
    for _ in range(180):
        traffic.step(both, steps=10)
    vehicles = traffic.state.vehicles["lane"][0]
    assert not np.isin(vehicles, [road.lane_ids.index("west"), road.lane_ids.index("across")]).any()
    assert overlapping(traffic.frame()) == []


@pytest.mark.parametrize(("seed", "vehicles"), [(2, 8), (3, 12), (5, 8)])
def test_who_has_let_a_guest_go_waits_until_it_has_got_going(seed, vehicles):
    """Somebody has stood with priority for a guest that has waited long; it sets off as slowly as a car does that looks about."""
    course, across = Course(eight(), SOUTHBOUND), eight().lane_ids.index("across")
    line_m = eight().arrays.lanes["length"][course.lanes][: SOUTHBOUND.index("down")].sum()
    traffic = Traffic(eight(), vehicles=vehicles, guests=1, seed=seed)
    traffic.step(course.guest(line_m - 0.5 * LENGTH_M - 1.0, 0.0), steps=450)
    where = traffic.state.vehicles["lane"][0]
    assert (where == eight().lane_ids.index("west")).any()
    for s in np.arange(0.0, 2.8, 0.07):
        traffic.step(course.guest(line_m - 0.5 * LENGTH_M - 1.0 + s, 0.7))
        assert not (traffic.state.vehicles["lane"][0] == across).any()


def stand_anywhere(road_map, rng, count):
    """Guests in or before junctions, each with the lanes ahead as its route."""
    lanes, successors, predecessors = road_map.arrays.lanes, road_map.arrays.successors, road_map.arrays.predecessors
    inside = np.flatnonzero((lanes["junction"] >= 0) & (lanes["conflict_count"] > 0) & (lanes["length"] > 4.0) & (lanes["component"] == 0))
    places, routes = np.zeros((3, 1, count)), np.full((1, count, 4), -1, np.int32)
    for g, lane in enumerate(rng.choice(inside, count)):
        before = predecessors[lanes["predecessor_first"][lane]] if rng.random() < 0.5 and lanes["predecessor_count"][lane] else lane
        s = rng.uniform(0.0, lanes["length"][lane]) if before == lane else max(0.0, lanes["length"][before] - rng.uniform(1.5, 4.0))
        places[:, 0, g] = pose_at(road_map.arrays, before, s, 0.0, lanes["point_first"][before])[:3]
        for k in range(4):
            routes[0, g, k] = before
            if lanes["successor_count"][before] == 0:
                break
            before = successors[lanes["successor_first"][before]]
    one = np.ones((1, count))
    kinds = np.full((1, count), Kind.CAR, np.uint8)
    return GuestStates(one > 0.0, kinds, *places, 0.0 * one, LENGTH_M * one, WIDTH_M * one, routes)


@pytest.mark.parametrize("seed", [9, 17, 43, 55, 80])
def test_wherever_guests_have_stood_everybody_drives_on_once_they_are_gone(seed):
    road, rng = load_map(default_city()), np.random.default_rng(seed)
    traffic = Traffic(road, vehicles=400, guests=10, pedestrians=60, seed=seed)
    for _ in range(30):
        guests = stand_anywhere(road, rng, 10)
        nobody = guests._replace(present=np.zeros((1, 10), np.bool_))
        traffic.step(guests, steps=450)
        traffic.step(nobody, steps=150)
    traffic.step(nobody, steps=6000)
    assert traffic.state.vehicles["still_s"].max() < 300.0
