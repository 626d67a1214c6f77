"""Criticality of drives whose course is simple enough to know every figure of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.simulation.commonroad import read_scenario
from marque.simulation.judge import Trajectory
from marque.simulation.metrics.course import NO_ONE, follow
from marque.simulation.metrics.criticality import criticality
from marque.vehicle import BMW_320I
from scenes import STEP_S, TWO_LANES, car, document, goal, parked, problem, strip, write

STEPS = 31
GOAL = goal(0, 30)


def scene(folder, *parts):
    return read_scenario(write(folder, document(*parts, problem(10.0, 0.0, 10.0, GOAL))))


def along(speed=10.0, x=10.0, y=0.0, steps=STEPS, heading=0.0):
    t = np.arange(steps) * STEP_S
    same = np.ones(steps)
    return Trajectory(x + speed * t * np.cos(heading), y + speed * t * np.sin(heading), heading * same, speed * same, 0.0 * same)


def path(x, y, speed, *, braking=0.0, steps=STEPS, heading=0.0):
    t = np.arange(steps) * STEP_S
    v = np.maximum(0.0, speed - braking * t)
    s = np.concatenate([[0.0], np.cumsum(0.5 * (v[1:] + v[:-1]) * STEP_S)])
    return list(zip(x + s * np.cos(heading), y + s * np.sin(heading), heading + 0.0 * s, v, strict=True))


def judged(scenario, driven):
    course = follow(scenario, driven, 0, BMW_320I)
    return course, criticality(scenario, driven, 0, BMW_320I, course)


def test_the_leader_is_who_is_next_ahead_in_the_lane(tmp_path):
    scenario = scene(tmp_path, TWO_LANES, car(1, path(30.0, 3.5, 8.0)), car(2, path(60.0, 0.0, 8.0)), car(3, path(40.0, 0.0, 8.0)))
    course, near = judged(scenario, along())
    assert set(scenario.actors.obstacles[course.leader]) == {3}
    gap = 30.0 - 0.5 * (BMW_320I.length_m + 4.5) - 2.0 * np.arange(STEPS) * STEP_S
    assert course.gap_m == pytest.approx(gap)
    assert near.thw_s == pytest.approx(gap / 10.0)
    assert near.drac_mps2 == pytest.approx(2.0**2 / (2.0 * gap))
    assert near.ttc_s == pytest.approx(gap / 2.0)


def test_the_leader_may_be_on_a_lane_further_on(tmp_path):
    lanes = strip(1, 0.0, x1=50.0, more='<successor ref="2"/>') + strip(2, 0.0, x0=50.0, more='<predecessor ref="1"/>')
    course, _ = judged(scene(tmp_path, lanes, parked(1, 70.0, 0.0)), along())
    assert course.gap_m[0] == pytest.approx(60.0 - 0.5 * (BMW_320I.length_m + 4.5))
    assert course.along_m[-1] == pytest.approx(30.0)


def test_alone_nothing_is_critical(tmp_path):
    course, near = judged(scene(tmp_path, TWO_LANES), along())
    assert set(course.leader) == {NO_ONE}
    assert all(np.isinf(values).all() for values in (near.ttc_s, near.bound_ttc_s, near.pet_s, near.thw_s))
    assert not near.drac_mps2.any()
    assert not near.btn.any()


def test_post_encroachment_is_the_time_between_two_in_one_place(tmp_path):
    lanes = TWO_LANES + strip(3, 0.0, x0=200.0, x1=201.0)
    # It crosses the ego's way at x = 30 at a right angle and has left it when the ego comes.
    crossing = car(7, path(30.0, -10.0, 15.0, heading=0.5 * np.pi))
    _, near = judged(scene(tmp_path, lanes, crossing), along())
    leaves_s = (10.0 + 0.5 * BMW_320I.width_m + 0.5 * 4.5) / 15.0
    arrives_s = (20.0 - 0.5 * BMW_320I.length_m - 0.5 * 1.8) / 10.0
    assert near.pet_s.min() == pytest.approx(arrives_s - leaves_s, abs=1.5 * STEP_S)
    assert np.isinf(near.pet_s[0])


@pytest.fixture(scope="module")
def braking_leader(tmp_path_factory):
    return scene(tmp_path_factory.mktemp("braking"), TWO_LANES, car(1, path(45.0, 0.0, 12.0, braking=4.0, steps=STEPS)))


@given(st.floats(5.0, 20.0), st.integers(3, 25))
def test_braking_by_the_threat_number_just_avoids_the_leader(braking_leader, speed, k):
    actors = braking_leader.actors
    driven = along(speed, x=20.0)
    course, near = judged(braking_leader, driven)
    gap, its = course.gap_m[k], actors.speed_mps[k, 0]
    if near.btn[k] == 0.0 or gap < 0.1:
        return
    own, dt, least = speed, 1e-3, gap
    while own > 0.0:  # both go on braking from here
        own_next, its_next = max(0.0, own - near.btn[k] * BMW_320I.braking_max_mps2 * dt), max(0.0, its - 4.0 * dt)
        gap += 0.5 * (its + its_next - own - own_next) * dt
        own, its, least = own_next, its_next, min(least, gap)
    assert least == pytest.approx(0.0, abs=0.03)
