"""Who goes first: lights, priority, pedestrians. Judged by bodies and lines on the ground."""

from __future__ import annotations

import numpy as np
import pytest
from loops import eight
from oracle import fronts, overlapping

from marque.driving.map import Colour, Yield
from marque.simulation.traffic import Traffic
from marque.simulation.traffic.right_of_way import _meets
from marque.simulation.traffic.state import Cause, World
from small_town import small_town

STOP_LINE_M = 150.0  # of street0, which runs east at y = 0


def at_the_light(seed, steps):
    """(front x before, front x after, speed before, colour before, colour after) of every vehicle on street0, step by step."""
    traffic = Traffic(small_town(), vehicles=14, pedestrians=0, seed=seed)
    before = traffic.frame()
    for _ in range(steps):
        traffic.step()
        now = traffic.frame()
        on_street = (np.abs(before.y_m) < 1.0) & (np.abs(np.cos(before.heading_rad) - 1.0) < 0.01)
        yield fronts(before)[on_street, 0], fronts(now)[on_street, 0], before.speed_mps[on_street], before.signals[0], now.signals[0]
        before = now


@pytest.mark.parametrize("seed", range(4))
def test_nobody_passes_a_red_line_and_amber_only_who_could_not_have_stopped(seed):
    passed = stood = 0
    asked: list[float] = []  # the braking, m/s², that the amber asked of everyone before the line
    for front, after, speed, colour_before, colour in at_the_light(seed, 2500):
        over = (front <= STOP_LINE_M) & (after > STOP_LINE_M)
        assert not (colour == Colour.RED and over.any())
        if colour == Colour.AMBER and colour_before == Colour.GREEN:
            ahead = front <= STOP_LINE_M
            asked = list(speed[ahead] ** 2 / (2.0 * np.maximum(STOP_LINE_M - front[ahead], 1e-6)))
        if colour == Colour.AMBER:
            asked.sort()
            for _ in range(int(over.sum())):
                assert asked.pop() > 2.5, "it could have stopped"
        passed += int(over.sum())
        stood += int(((speed < 0.1) & (front > STOP_LINE_M - 3.0) & (front <= STOP_LINE_M)).any())
    assert passed > 20
    assert stood > 200, "the light must have held somebody"


@pytest.mark.parametrize("seed", range(6))
def test_who_gives_way_does_not_make_who_goes_first_brake(seed):
    traffic = Traffic(eight(), vehicles=8, seed=seed)
    west, north = (eight().lane_ids.index(name) for name in ("west", "north"))
    state, hardest, waited = traffic.state, 0.0, 0
    for _ in range(1500):
        traffic.step()
        vehicles = state.vehicles[0]
        hardest = min(hardest, vehicles["acceleration"][vehicles["lane"] == west].min(initial=0.0))
        waited += int(((vehicles["lane"] == north) & (state.bodies["speed"][0] < 0.5)).any())
    assert hardest > -1.6  # the mildest driver's comfortable braking
    assert waited > 20, "nobody ever gave way"
    assert state.clock["longest_s"][0] < 30.0


def test_two_never_share_the_ground_where_their_lanes_cross():
    for seed in range(3):
        traffic = Traffic(eight(), vehicles=24, seed=seed)
        for _ in range(400):
            traffic.step(steps=4)
            frame = traffic.frame()
            assert overlapping(frame) == []
            inside = (np.abs(frame.x_m) < 4.0) & (np.abs(frame.y_m) < 4.0)
            southbound = inside & (np.sin(frame.heading_rad) < -0.9)
            eastbound = inside & (np.cos(frame.heading_rad) > 0.9)
            assert not (southbound.any() and eastbound.any())
        assert traffic.state.clock["metres"][0] > 24 * 160.0 * 2.0


@pytest.mark.parametrize("seed", range(4))
def test_at_a_zebra_cars_wait_until_the_pedestrian_is_over(seed):
    traffic = Traffic(small_town(), vehicles=10, pedestrians=6, seed=seed)
    waited = 0
    for _ in range(2000):
        traffic.step()
        frame, cause = traffic.frame(), traffic.state.vehicles["cause"][0]
        cars, walkers = slice(0, 10), slice(10, None)
        waited += int(((cause == Cause.PEDESTRIAN) & (frame.speed_mps[cars] < 0.1)).sum())
        walks_on_lane = np.abs(frame.y_m[walkers]) < 1.75
        for x, y in zip(frame.x_m[walkers][walks_on_lane], frame.y_m[walkers][walks_on_lane], strict=True):
            beside_x = np.abs(frame.x_m[cars] - x) - 0.5 * frame.length_m[cars]
            beside_y = np.abs(frame.y_m[cars] - y) - 0.5 * frame.width_m[cars]
            near = (beside_x < 1.0) & (beside_y < 1.0) & (np.abs(np.sin(frame.heading_rad[cars])) < 0.1)
            assert not (near & (frame.speed_mps[cars] > 0.5)).any()
        assert overlapping(frame) == []
    assert waited > 50
    assert traffic.state.walkers["generation"][0].min() >= 1, "every pedestrian got over"


@pytest.mark.parametrize(("inside", "waits"), [(False, True), (True, False)])
def test_who_stands_inside_a_junction_clears_it_before_those_who_have_waited_longer_outside(inside, waits):
    """Else both wait for ever: the one outside for the ground, the one on it out of politeness."""
    state = Traffic(eight(), vehicles=4, seed=1).state
    world = World(*(getattr(state, name)[0] for name in World._fields))
    me, other, stamp, now_s = 0, 1, 100, 10.0
    lane = world.vehicles[other]["lane"]
    world.vehicles["wait_s"][me] = 60.0
    arrival = world.arrivals[(stamp - 1) & 1, lane : lane + 1]
    arrival["stamp"], arrival["agent"], arrival["wait_s"], arrival["speed"], arrival["denied"] = stamp - 1, other, 120.0, 0.0, 1
    arrival["time_s"] = now_s
    cause = _meets(world, me, lane, int(Yield.YIELD), 5.0, 10.0, 8.0, stamp, now_s, inside)
    assert (cause == Cause.YIELD) == waits
