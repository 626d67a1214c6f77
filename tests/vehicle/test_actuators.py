"""Actuators: ideal ones change nothing; the others against closed forms, a fine integration, and what a fault must leave."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marque.vehicle import GRIP, IDEAL, MODELS, PRODUCTION, Actuator, Actuators, Command, VehicleState, drive, resting, step
from marque.vehicle.actuators import answer

CAR = MODELS["vela"].vehicle
STEP_S = 0.1


def within(low, high):
    return st.floats(low, high, allow_subnormal=False)


anywhere = st.builds(
    VehicleState,
    x_m=within(-1e3, 1e3), y_m=within(-1e3, 1e3), heading_rad=within(-4.0, 4.0), speed_mps=within(-8.0, CAR.speed_max_mps),
    steering_rad=within(-CAR.steering_max_rad, CAR.steering_max_rad), acceleration_mps2=st.just(0.0),
)  # fmt: skip
wishes = st.builds(Command, acceleration_mps2=within(-30.0, 30.0), steering_rate_radps=within(-2.0, 2.0), gear=st.sampled_from([-1.0, 1.0]))
lags = st.sampled_from([0.0, 0.05, 0.1, 0.4])
slopes = st.sampled_from([math.inf, 3.0, 20.0, 200.0])


def rolling(speed, steering=0.0):
    return VehicleState(0.0, 0.0, 0.0, speed, steering, 0.0)


def run(state, commands, actuators, step_s=STEP_S, car=CAR):
    states, held = [state], resting(step_s, 1.0)
    for command in commands:
        state, held = drive(state, held, command, step_s, car, actuators)
        states.append(state)
    return states


@given(anywhere, st.lists(wishes, min_size=1, max_size=8))
def test_ideal_actuators_change_no_bit(state, commands):
    plain = [state]
    for command in commands:
        plain.append(step(plain[-1], command, STEP_S, CAR))
    assert np.array(run(state, commands, IDEAL)).tobytes() == np.array(plain).tobytes()


def test_cars_of_commonroad_have_ideal_actuators_and_ours_have_not():
    assert all((model.actuators == IDEAL) == (model.energy is None) for model in MODELS.values())


@given(within(10.0, 30.0), st.lists(within(-5.0, 3.0), min_size=8, max_size=8), st.integers(0, 4))
def test_a_dead_time_of_whole_steps_plays_the_commands_later(speed, wishes, late):
    delay = Actuator(delay_s=late * STEP_S)
    delayed = run(rolling(speed), [Command(wish, 0.0) for wish in wishes], Actuators(delay, delay, delay))
    at_once = run(rolling(speed), [Command(wish, 0.0) for wish in [0.0] * late + wishes[: 8 - late]], IDEAL)
    np.testing.assert_allclose(np.array(delayed), np.array(at_once), rtol=0.0, atol=1e-9)


@given(within(0.0, 0.35))
def test_a_dead_time_between_steps_costs_just_that_time(delay_s):
    wishes = [Command(-2.0, 0.0)] * 10
    late = run(rolling(20.0), wishes, Actuators(brake=Actuator(delay_s=delay_s)))[-1]
    assert late.speed_mps == pytest.approx(20.0 - 2.0 * (1.0 - delay_s), abs=1e-9)


def test_dead_times_longer_than_what_is_kept_are_cut_to_it():
    held = resting(STEP_S, 0.2)
    assert held.waiting.shape == (4, 2)
    state = rolling(20.0)
    for _ in range(4):
        state, held = drive(state, held, Command(-2.0, 0.0), STEP_S, CAR, Actuators(brake=Actuator(delay_s=9.0)))
    assert state.speed_mps == pytest.approx(20.0 - 2.0 * 0.1)


@given(within(-5.0, 5.0), within(-5.0, 5.0), within(0.02, 1.0), within(0.01, 0.5))
def test_a_lag_alone_is_the_exponential(value, wish, lag_s, step_s):
    mean, end = answer(value, wish, lag_s, math.inf, step_s)
    decay = math.exp(-step_s / lag_s)
    assert end == pytest.approx(wish + (value - wish) * decay, abs=1e-12)
    assert mean == pytest.approx(wish + (value - wish) * lag_s / step_s * (1.0 - decay), abs=1e-12)


@given(within(-5.0, 5.0), within(-5.0, 5.0), lags, slopes, within(0.02, 0.5))
def test_mean_and_end_are_those_of_a_fine_integration(value, wish, lag_s, slope_max, step_s):
    assume(lag_s > 0.0 or slope_max < math.inf)
    h = step_s / 4000
    y, total = value, 0.0
    for _ in range(4000):
        slope = min(slope_max, abs(wish - y) / lag_s if lag_s > 0.0 else math.inf)
        moved = y + math.copysign(min(slope * h, abs(wish - y)), wish - y)
        total += 0.5 * (y + moved) * h
        y = moved
    mean, end = answer(value, wish, lag_s, slope_max, step_s)
    assert end == pytest.approx(y, abs=5e-3)
    assert mean == pytest.approx(total / step_s, abs=5e-3)


@given(within(-5.0, 5.0), within(-5.0, 5.0), lags, slopes, within(0.02, 0.5))
def test_an_output_comes_nearer_without_overshoot_and_no_faster_than_its_slope(value, wish, lag_s, slope_max, step_s):
    mean, end = answer(value, wish, lag_s, slope_max, step_s)
    low, high = min(value, wish) - 1e-9, max(value, wish) + 1e-9
    assert low <= end <= high
    assert low <= mean <= high
    assert abs(end - value) <= slope_max * step_s + 1e-9


@given(within(-5.0, 5.0), within(-5.0, 5.0), lags, slopes)
def test_two_half_steps_are_one_step(value, wish, lag_s, slope_max):
    mean, end = answer(value, wish, lag_s, slope_max, 0.1)
    first, middle = answer(value, wish, lag_s, slope_max, 0.05)
    second, last = answer(middle, wish, lag_s, slope_max, 0.05)
    assert last == pytest.approx(end, abs=1e-12)
    assert 0.5 * (first + second) == pytest.approx(mean, abs=1e-12)


@given(within(5.0, 40.0), within(0.1, 1.0))
def test_what_is_left_of_the_brakes_gives_the_stopping_distance_of_the_textbook(speed, left):
    braking = left * CAR.braking_max_mps2
    end = run(rolling(speed), [Command(-30.0, 0.0)] * (int(10 * speed / braking) + 3), Actuators(brake=Actuator(left=left)))[-1]
    assert end.speed_mps == pytest.approx(0.0, abs=1e-12)
    assert end.x_m == pytest.approx(speed**2 / (2.0 * braking), rel=1e-9)


def test_without_drive_it_does_not_move_and_without_brakes_it_does_not_slow():
    assert run(rolling(0.0), [Command(3.0, 0.0)] * 20, Actuators(drive=Actuator(left=0.0)))[-1].x_m == 0.0
    assert run(rolling(10.0), [Command(-3.0, 0.0)] * 20, Actuators(brake=Actuator(left=0.0)))[-1].speed_mps == 10.0


@given(anywhere, st.lists(wishes, min_size=1, max_size=8))
def test_frozen_steering_holds_the_wheel(state, commands):
    frozen = PRODUCTION._replace(steering=PRODUCTION.steering._replace(left=0.0))
    assert {after.steering_rad for after in run(state, commands, frozen)} == {state.steering_rad}


def test_steering_freezes_at_once_while_it_turns():
    state, held = rolling(10.0), resting(STEP_S, 0.2)
    for _ in range(10):
        state, held = drive(state, held, Command(0.0, 0.4), STEP_S, CAR, PRODUCTION)
    frozen = PRODUCTION._replace(steering=PRODUCTION.steering._replace(left=0.0))
    after, _ = drive(state, held, Command(0.0, 0.4), STEP_S, CAR, frozen)
    assert after.steering_rad == state.steering_rad > 0.0


@given(within(-0.5, 0.5), within(0.0, 9.0), within(8.0, 25.0))
def test_uneven_braking_bends_the_way_of_frozen_wheels_as_much_as_it_can(rate, braking, speed):
    frozen = PRODUCTION._replace(steering=PRODUCTION.steering._replace(left=0.0))
    end = run(rolling(speed), [Command(-braking, rate)] * 12, frozen)[-1]
    most = PRODUCTION.brake_steer_rad * min(1.0, braking / 3.0)
    turned = run(rolling(speed, math.copysign(most, rate)), [Command(-braking, 0.0)] * 12, frozen)[-1]
    assert abs(end.heading_rad) <= abs(turned.heading_rad) + 1e-12
    assert end.heading_rad * rate >= 0.0
    if abs(rate) > 0.2 and braking > 4.0:
        assert abs(end.heading_rad) > 0.5 * abs(turned.heading_rad)
    assert end.steering_rad == 0.0


@given(anywhere, st.lists(wishes, min_size=1, max_size=8))
def test_while_the_steering_works_nothing_is_steered_by_brakes(state, commands):
    without = PRODUCTION._replace(brake_steer_rad=0.0)
    assert run(state, commands, PRODUCTION) == run(state, commands, without)


@given(within(0.05, 1.0))
def test_steering_turns_no_faster_than_what_is_left_of_its_rate(left):
    after = run(rolling(5.0), [Command(0.0, 2.0)] * 3, Actuators(steering=Actuator(left=left)))
    assert after[-1].steering_rad == pytest.approx(3 * STEP_S * left * CAR.steering_rate_max_radps)


@given(anywhere, st.lists(wishes, min_size=1, max_size=8), st.sampled_from(sorted(GRIP)))
def test_a_slippery_road_gives_no_more_than_its_grip_in_any_direction(state, commands, road):
    assume(road != "dry")
    states = run(state, commands, PRODUCTION._replace(grip=GRIP[road]))
    held = GRIP[road] * CAR.braking_max_mps2
    for before, after in itertools.pairwise(states):
        assert abs(after.acceleration_mps2) <= held * (1 + 1e-9)
        turned = abs(after.heading_rad - before.heading_rad) / STEP_S * min(abs(before.speed_mps), abs(after.speed_mps))
        assert turned <= held * (1 + 1e-9)


@given(within(8.0, 40.0))
def test_the_stop_gets_longer_from_road_to_road(speed):
    distances = []
    for road in ("dry", "wet", "slush", "snow", "ice"):
        end = run(rolling(speed), [Command(-30.0, 0.0)] * 400, Actuators(grip=GRIP[road]))[-1]
        distances.append(end.x_m * GRIP[road])
    assert distances == pytest.approx([speed**2 / (2.0 * CAR.braking_max_mps2)] * 5, rel=1e-9)


def test_on_ice_a_bend_is_wider_and_the_wheel_where_it_was_turned_to():
    dry, icy = (run(rolling(15.0, 0.1), [Command(0.0, 0.0)] * 10, Actuators(grip=GRIP[road]))[-1] for road in ("dry", "ice"))
    assert icy.heading_rad < 0.5 * dry.heading_rad
    assert icy.steering_rad == dry.steering_rad == 0.1


@given(within(5.0, 35.0))
def test_a_production_car_answers_later_than_an_ideal_one_and_then_brakes_as_hard(speed):
    wishes = [Command(-6.0, 0.0)] * 100
    ideal, real = (run(rolling(speed), wishes, actuators)[-1] for actuators in (IDEAL, PRODUCTION))
    assert real.speed_mps == 0.0
    assert 0.05 * speed < real.x_m - ideal.x_m < 0.4 * speed + 0.1
