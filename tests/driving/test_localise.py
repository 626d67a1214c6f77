"""A place that leaps, wheels that lie, a map that is wrong: what the car takes itself to be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from roads import bend, observation, two_lanes

from marque.driving.localise import Localisation, Trust, carried
from marque.vehicle import BMW_320I, Command, VehicleState, step

STEP_S = 0.1


def run(told, seconds=8.0, markings=lambda state: (math.nan, math.nan), rate=lambda t: 0.0, lane=0):  # noqa: ARG005
    """Drive at 15 m/s; told: (time, true state) → what the car is told. Returns (true states, believed ones, the localisation)."""
    road_map = two_lanes()
    localisation = Localisation(road_map, BMW_320I)
    state, true, believed = VehicleState(20.0, 0.0, 0.0, 15.0, 0.0, 0.0), [], []
    for k in range(round(seconds / STEP_S)):
        t = k * STEP_S
        seen = observation(t, road_map)._replace(markings_m=markings(state))
        used, _ = localisation.believe(told(t, state), seen, lane)
        true.append(state)
        believed.append(used)
        state = VehicleState(*step(state, Command(0.0, rate(t), 1.0), STEP_S, BMW_320I))
    return true, believed, localisation


def off(true, believed):
    return max(math.hypot(a.x_m - b.x_m, a.y_m - b.y_m) for a, b in zip(true, believed, strict=True))


def test_a_place_with_ordinary_noise_is_believed_as_it_is():
    true, believed, localisation = run(lambda t, s: s._replace(x_m=s.x_m + 0.1 * math.sin(t), y_m=s.y_m + 0.1 * math.cos(0.7 * t)))
    assert localisation.trust == Trust.FULL
    assert off(true, believed) < 0.15


@pytest.mark.parametrize("leap", [(3.0, 0.0), (0.0, 3.0), (-2.0, 1.0), (0.0, -0.6)])
def test_a_leap_is_not_followed(leap):
    dx, dy = leap
    true, believed, localisation = run(lambda t, s: s._replace(x_m=s.x_m + dx * (t > 2.0), y_m=s.y_m + dy * (t > 2.0)))
    assert localisation.trust == Trust.PLACE
    assert off(true, believed) < 0.3


def test_a_place_that_comes_back_is_believed_again():
    true, believed, localisation = run(lambda t, s: s._replace(y_m=s.y_m + 3.0 * (2.0 < t < 4.0)))
    assert localisation.trust == Trust.FULL
    assert off(true, believed) < 0.3


@pytest.mark.parametrize("share", [0.7, 0.85, 1.25])
def test_wheels_that_tell_the_wrong_speed_are_found_out_and_put_right(share):
    true, believed, localisation = run(lambda t, s: s._replace(speed_mps=s.speed_mps * (share if t > 2.0 else 1.0)))
    assert localisation.trust == Trust.SPEED
    assert believed[-1].speed_mps == pytest.approx(true[-1].speed_mps, rel=0.02)
    assert off(true, believed) < 1.0


def test_wheels_that_lied_are_not_believed_again_only_because_the_car_stands():
    road_map = two_lanes()
    localisation = Localisation(road_map, BMW_320I)
    state = VehicleState(20.0, 0.0, 0.0, 15.0, 0.0, 0.0)
    for k in range(100):
        told = state._replace(speed_mps=0.75 * state.speed_mps)
        localisation.believe(told, observation(k * STEP_S, road_map), 0)
        state = VehicleState(*step(state, Command(-3.0 if k > 20 else 0.0, 0.0, 1.0), STEP_S, BMW_320I))
    assert state.speed_mps == 0.0
    assert localisation.trust == Trust.SPEED


def test_a_place_that_drifts_away_from_the_markings_is_moved_back():
    def markings(state):
        return 1.75 - state.y_m, 1.75 + state.y_m

    true, believed, localisation = run(lambda t, s: s._replace(y_m=s.y_m + 0.3 * max(0.0, t - 1.0)), markings=markings)
    assert localisation.trust == Trust.ASIDE
    assert off(true, believed) < 0.25


def test_the_markings_are_believed_from_the_first_cycle_on():
    def markings(state):
        return 1.75 - state.y_m, 1.75 + state.y_m

    for lane in (0, -1):
        true, believed, _ = run(lambda t, s: s._replace(y_m=s.y_m + 0.45), markings=markings, lane=lane, seconds=0.1)  # noqa: ARG005
        assert off(true, believed) < 0.11


def test_a_lane_change_is_no_reason_for_doubt():
    def markings(state):
        middle = 0.0 if state.y_m < 1.75 else 3.5
        return 1.75 - (state.y_m - middle), 1.75 + (state.y_m - middle)

    def rate(t):
        return 0.02 if 1.0 <= t < 2.0 or 3.9 <= t < 4.9 else -0.02 if 2.0 <= t < 3.9 else 0.0

    true, _, localisation = run(lambda t, s: s, markings=markings, rate=rate)  # noqa: ARG005
    assert true[-1].y_m > 2.5
    assert localisation.trust == Trust.FULL


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(-3, 3))
def test_who_is_carried_along_keeps_his_place_as_seen_from_the_car(dx, dy, turn):
    road_map = bend()
    seen = observation(0.0, road_map, (1, 0, 30.0, 5.0, 0.4, 3.0, 4.5, 1.8))
    told = VehicleState(10.0, 2.0, 0.3, 5.0, 0.0, 0.0)
    used = told._replace(x_m=10.0 + dx, y_m=2.0 + dy, heading_rad=0.3 + turn)

    def seen_from(state, o):
        cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
        x, y = o.x_m[0] - state.x_m, o.y_m[0] - state.y_m
        return np.array([x * cos + y * sin, y * cos - x * sin, o.heading_rad[0] - state.heading_rad])

    assert np.allclose(seen_from(used, carried(seen, told, used)), seen_from(told, seen))
