"""RSS distances against motion carried out step by step, and against Intel's ad-rss-lib (bench/peers)."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.driving.rss import (
    UNKNOWN,
    Answer,
    Crossing,
    RssParameters,
    both,
    crossing_safety,
    earliest_arrival,
    latest_arrival,
    limits,
    respond,
    safe_distance_beside,
    safe_distance_following,
    safe_distance_oncoming,
)

BENCH = Path(__file__).parents[2] / "bench" / "rss.py"
TICK_S = 2e-3
ORDINARY = RssParameters(1.0, 2.0, 8.0, 4.0, 3.0, 0.2, 0.8, 0.1)


@st.composite
def parameters(draw):
    brake_max = draw(st.floats(5.0, 10.0))
    brake_min = brake_max * draw(st.floats(0.4, 1.0))
    return RssParameters(
        draw(st.floats(0.1, 2.0)), draw(st.floats(0.5, 5.0)), brake_max, brake_min, brake_min * draw(st.floats(0.4, 1.0)),
        draw(st.floats(0.1, 1.0)), draw(st.floats(0.5, 2.0)), draw(st.floats(0.0, 0.5)), 0.0, draw(st.floats(5.0, 60.0)),
    )  # fmt: skip


speeds = st.floats(0.0, 40.0)


def driven(speed, until, acceleration, after, fastest):
    """Places every TICK_S of somebody who accelerates until an instant, no faster than `fastest`, and brakes to standstill after it."""
    places, place, t = [0.0], 0.0, 0.0
    while t < until or speed > 0.0:
        share = min(TICK_S, until - t) / TICK_S if t < until else 0.0
        top = max(speed, fastest)
        mean = speed
        for part, a in ((share, acceleration), (1.0 - share, -after)):
            ends = min(top, max(0.0, speed + a * part * TICK_S))
            mean, speed = 0.5 * (speed + ends), ends
            place += mean * part * TICK_S
        places.append(place)
        t += TICK_S
        if t >= until and speed <= 0.0:
            break
    return np.array(places)


def longest(a, b):
    steps = max(len(a), len(b))
    return (np.pad(places, (0, steps - len(places)), mode="edge") for places in (a, b))


@given(speeds, speeds, parameters(), parameters())
def test_whoever_keeps_the_safe_distance_and_answers_late_does_not_touch_the_one_who_brakes_hard(rear_mps, front_mps, rear, front):
    front = front._replace(braking_max_mps2=max(front.braking_max_mps2, rear.braking_min_mps2))
    behind = driven(rear_mps, rear.response_s, rear.acceleration_max_mps2, rear.braking_min_mps2, rear.speed_max_mps)
    ahead = driven(front_mps, 0.0, 0.0, front.braking_max_mps2, front.speed_max_mps)
    behind, ahead = longest(behind, ahead)
    needed = max(0.0, np.max(behind - ahead))
    assert safe_distance_following(rear_mps, front_mps, rear, front) == pytest.approx(needed, abs=0.05)


@given(speeds, speeds, parameters(), parameters())
def test_two_who_keep_the_safe_distance_stop_nose_to_nose(correct_mps, other_mps, correct, other):
    one = driven(correct_mps, correct.response_s, correct.acceleration_max_mps2, correct.braking_min_correct_mps2, correct.speed_max_mps)
    two = driven(other_mps, other.response_s, other.acceleration_max_mps2, other.braking_min_mps2, other.speed_max_mps)
    assert safe_distance_oncoming(correct_mps, other_mps, correct, other) == pytest.approx(one[-1] + two[-1], abs=0.1)


def swayed(towards_mps, its):
    """How far somebody comes to the other side at worst, step by step."""
    place, speed, t = 0.0, towards_mps, 0.0
    while t < its.response_s:
        dt = min(TICK_S, its.response_s - t)
        place += (speed + 0.5 * its.lateral_acceleration_max_mps2 * dt) * dt
        speed += its.lateral_acceleration_max_mps2 * dt
        t += dt
    while speed > 0.0:
        dt = min(TICK_S, speed / its.lateral_braking_min_mps2)
        place += (speed - 0.5 * its.lateral_braking_min_mps2 * dt) * dt
        speed = 0.0 if dt < TICK_S else speed - its.lateral_braking_min_mps2 * dt
    return place


@given(st.floats(-2.0, 2.0), st.floats(-2.0, 2.0), parameters(), parameters())
def test_two_beside_each_other_end_with_the_margin_between_them(left_mps, right_mps, left, right):
    margin = 0.5 * (left.lateral_margin_m + right.lateral_margin_m)
    needed = max(0.0, margin + swayed(-left_mps, left) + swayed(right_mps, right))
    assert safe_distance_beside(left_mps, right_mps, left, right) == pytest.approx(needed, abs=0.02)


@given(st.floats(0.1, 100.0), speeds, parameters())
def test_arrival_is_when_the_motion_gets_there(distance, speed, its):
    places = driven(speed, its.response_s, its.acceleration_max_mps2, its.braking_min_mps2, its.speed_max_mps)
    found = earliest_arrival(distance, speed, its)
    assert (np.interp(found, np.arange(len(places)) * TICK_S, places) == pytest.approx(distance, abs=0.05)) or math.isinf(found)
    assert math.isinf(found) == (places[-1] < distance) or abs(places[-1] - distance) < 0.05
    assert latest_arrival(distance, speed, its.braking_max_mps2) >= found - 1e-9


@given(speeds, speeds, parameters(), parameters())
def test_a_faster_follower_and_a_slower_leader_need_more_room(rear_mps, front_mps, rear, front):
    room = safe_distance_following(rear_mps, front_mps, rear, front)
    assert safe_distance_following(rear_mps + 1.0, front_mps, rear, front) >= room - 1e-9
    assert safe_distance_following(rear_mps, max(0.0, front_mps - 1.0), rear, front) >= room - 1e-9


def crossing(ego_enter, other_enter, *, ego_first=False, other_first=False, ahead=0.0, speed=10.0):
    its = ORDINARY
    return crossing_safety(
        ego_enter, ego_enter + 4.0, speed, its, ego_first, other_enter, other_enter + 4.0, speed, its, other_first, ahead
    )


def test_on_crossing_routes_it_is_enough_that_whoever_must_yield_can_stop():
    assert crossing(40.0, 5.0, other_first=True) == Crossing.STOPS
    assert crossing(40.0, 5.0, ego_first=True) == Crossing.DANGEROUS
    assert crossing(150.0, 2.0, ego_first=True, speed=15.0) == Crossing.APART
    assert crossing(5.0, 5.0) == Crossing.DANGEROUS
    assert crossing(5.0, 28.0, ahead=23.0, ego_first=True) == Crossing.IN_FRONT
    assert crossing(10.0, 12.0, ahead=2.0, ego_first=True) == Crossing.DANGEROUS


def test_the_answer_is_owed_in_the_direction_that_became_unsafe_last():
    memory = UNKNOWN
    *answers, memory = respond(True, False, memory)
    assert answers == [False, False]
    *answers, memory = respond(False, False, memory)
    assert answers == [True, False]
    *answers, memory = respond(False, True, memory)
    assert answers == [False, False]
    *answers, memory = respond(False, False, memory)
    assert answers == [False, True]
    assert respond(False, False, UNKNOWN)[:2] == (True, True)


def test_of_two_responses_the_narrower_limits_count():
    braking, free = limits(Answer.BRAKE, False, True, ORDINARY), limits(Answer.NONE, True, False, ORDINARY)
    assert tuple(both(braking, free)) == (-8.0, -4.0, -0.8, -0.8)
    assert limits(Answer.BRAKE_CORRECT, False, False, ORDINARY).highest_mps2 == -3.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["following", "oncoming", "beside", "arrival", "crossing", "response"])
def test_distances_and_answers_are_those_of_ad_rss_lib(kind):
    spec = importlib.util.spec_from_file_location("bench_rss", BENCH)
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    if not bench.PEER.exists():
        pytest.skip("bench/peers/make rss has not been run")
    worst, compared, _, _ = bench.compare(kind, 5000, 7)
    assert compared > 4500
    assert worst < 1e-6
