"""The single-track model against closed forms, the kinematic model, an exact solution of its linear equations, and its tyres' limits."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marque.vehicle import MODELS, Command, VehicleState, single_track
from marque.vehicle import step as kinematic_step
from marque.vehicle.single_track import GRAVITY_MPS2, KINEMATIC_BELOW_MPS, SingleTrackState, derivative, runge_kutta, tyre_force

CAR, CHASSIS = MODELS["vela"].vehicle, MODELS["vela"].chassis
LINEAR = CHASSIS._replace(friction=math.inf)
FRONT_M, REAR_M = CAR.wheelbase_m - CAR.rear_axle_m, CAR.rear_axle_m
STEP_S = 0.1


def within(low, high):
    return st.floats(low, high, allow_subnormal=False)


anywhere = st.builds(
    SingleTrackState,
    x_m=within(-1e3, 1e3), y_m=within(-1e3, 1e3), heading_rad=within(-4.0, 4.0), speed_mps=within(0.0, CAR.speed_max_mps),
    steering_rad=within(-CAR.steering_max_rad, CAR.steering_max_rad), yaw_rate_radps=within(-1.0, 1.0), slip_rad=within(-0.3, 0.3),
)  # fmt: skip
wishes = st.builds(Command, acceleration_mps2=within(-12.0, 12.0), steering_rate_radps=within(-1.0, 1.0), gear=st.just(1.0))


def drive(state, command, seconds, chassis, step_s=STEP_S):
    for _ in range(round(seconds / step_s)):
        state = single_track.step(state, command, step_s, CAR, chassis)
    return state


def straight(speed, steering=0.0):
    return SingleTrackState(0.0, 0.0, 0.0, speed, steering, 0.0, 0.0)


def mirrored(state):
    return state._replace(
        y_m=-state.y_m, heading_rad=-state.heading_rad, steering_rad=-state.steering_rad, yaw_rate_radps=-state.yaw_rate_radps,
        slip_rad=-state.slip_rad,
    )  # fmt: skip


@given(within(-0.8, 0.8), within(1e4, 3e5), within(100.0, 2e4))
def test_a_tyre_gives_no_more_than_its_friction_and_the_same_to_both_sides(slip, stiffness, most):
    force = tyre_force(slip, stiffness, most)
    assert abs(force) <= most * (1 + 1e-12)
    assert abs(force) <= stiffness * abs(slip) * (1 + 1e-12)
    assert force == -tyre_force(-slip, stiffness, most)


@given(within(0.0, 0.8), within(0.0, 0.8), within(100.0, 2e4))
def test_more_slip_never_gives_less_force(a, b, most):
    assert tyre_force(min(a, b), 1e5, most) <= tyre_force(max(a, b), 1e5, most) + 1e-9


@given(within(-0.5, 0.5))
def test_without_a_limit_a_tyre_is_linear(slip):
    assert tyre_force(slip, 1e5, math.inf) == 1e5 * slip


def test_a_sliding_tyre_gives_its_friction_from_three_times_the_slip_that_a_linear_one_needed_for_it():
    assert tyre_force(0.06, 1e5, 2000.0) == 2000.0
    assert tyre_force(0.059, 1e5, 2000.0) < 2000.0


def test_a_tyre_that_gives_all_it_has_to_the_brakes_has_no_side_force_left():
    assert tyre_force(0.0, 1e5, 0.0) == tyre_force(0.2, 1e5, 0.0) == 0.0
    slippery = CHASSIS._replace(friction=0.5)
    stopped = drive(straight(20.0, 0.1), Command(-9.0, 0.0), 6.0, slippery)
    assert stopped.speed_mps == 0.0
    assert stopped.x_m == pytest.approx(20.0**2 / (2.0 * 0.5 * GRAVITY_MPS2), abs=0.01)
    assert abs(stopped.heading_rad) < 0.02  # of the last 0.4 m, below 2 m/s, where it rolls


@given(within(8.0, 50.0), within(-0.02, 0.02))
def test_a_steady_bend_has_the_yaw_rate_of_the_textbook(speed, steering):
    understeer = (1.0 / LINEAR.cornering_stiffness_front_per_rad - 1.0 / LINEAR.cornering_stiffness_rear_per_rad) / GRAVITY_MPS2
    end = drive(straight(speed, steering), Command(0.0, 0.0), 6.0, LINEAR)
    expected = speed * steering / (CAR.wheelbase_m + understeer * speed**2)
    assert end.yaw_rate_radps == pytest.approx(expected, abs=1e-6)
    rear_slip = expected * speed / (GRAVITY_MPS2 * LINEAR.cornering_stiffness_rear_per_rad)
    assert end.slip_rad == pytest.approx(REAR_M * expected / speed - rear_slip, abs=1e-6)


@given(within(6.0, 45.0), within(-0.1, 0.1), within(-0.5, 0.5), within(-0.1, 0.1))
def test_at_constant_speed_it_is_the_exact_solution_of_the_linear_equations(speed, steering, yaw_rate, slip):
    """An oracle of another kind: z' = A z + b by the eigenvectors of A, from Newton's and Euler's law in slip and yaw rate."""
    front = LINEAR.cornering_stiffness_front_per_rad * LINEAR.mass_kg * GRAVITY_MPS2 * REAR_M / CAR.wheelbase_m
    rear = LINEAR.cornering_stiffness_rear_per_rad * LINEAR.mass_kg * GRAVITY_MPS2 * FRONT_M / CAR.wheelbase_m
    mass, inertia = LINEAR.mass_kg, LINEAR.yaw_inertia_kgm2
    a = np.array(
        [
            [-(front + rear) / (mass * speed), (REAR_M * rear - FRONT_M * front) / (mass * speed**2) - 1.0],
            [(REAR_M * rear - FRONT_M * front) / inertia, -(FRONT_M**2 * front + REAR_M**2 * rear) / (inertia * speed)],
        ]
    )
    forced = np.array([front / (mass * speed), FRONT_M * front / inertia]) * steering
    steady = -np.linalg.solve(a, forced)
    values, vectors = np.linalg.eig(a)
    exact = (vectors @ (np.exp(values * STEP_S) * np.linalg.solve(vectors, np.array([slip, yaw_rate]) - steady)) + steady).real
    state = SingleTrackState(0.0, 0.0, 0.0, speed, steering, yaw_rate, slip)
    for _ in range(50):
        state = runge_kutta(state, Command(0.0, 0.0), STEP_S / 50, CAR, LINEAR, KINEMATIC_BELOW_MPS)
    assert (state.slip_rad, state.yaw_rate_radps) == pytest.approx(tuple(exact), abs=1e-6)


def test_halving_the_step_divides_the_error_by_sixteen():
    start, command = SingleTrackState(3.0, -2.0, 0.7, 20.0, 0.05, 0.1, 0.0), Command(1.2, 0.1)

    def after(parts):
        state = start
        for _ in range(parts):
            state = runge_kutta(state, command, 0.64 / parts, CAR, LINEAR, KINEMATIC_BELOW_MPS)
        return np.array(state)

    errors = [np.linalg.norm(after(parts) - after(4096)) for parts in (32, 64, 128)]
    assert errors[0] / errors[1] == pytest.approx(16.0, rel=0.3)
    assert errors[1] / errors[2] == pytest.approx(16.0, rel=0.3)


@given(anywhere, wishes)
def test_tyres_never_give_more_than_friction_times_weight(state, wish):
    assume(state.speed_mps > single_track.ROLLING_BELOW_MPS)
    slope = derivative(state, wish, CAR, CHASSIS, KINEMATIC_BELOW_MPS)
    lateral = (slope.slip_rad + state.yaw_rate_radps) * state.speed_mps
    assert math.hypot(slope.speed_mps, lateral) <= CHASSIS.friction * GRAVITY_MPS2 * (1 + 1e-9)


@given(anywhere, wishes)
def test_no_wish_moves_speed_or_steering_beyond_their_limits(state, wish):
    after = single_track.step(state, wish, STEP_S, CAR, CHASSIS)
    assert 0.0 <= after.speed_mps <= CAR.speed_max_mps + CAR.acceleration_max_mps2 * STEP_S
    assert abs(after.steering_rad) <= CAR.steering_max_rad
    assert abs(after.steering_rad - state.steering_rad) <= CAR.steering_rate_max_radps * STEP_S + 1e-12
    assert all(map(math.isfinite, after))


@given(anywhere, wishes)
def test_left_and_right_are_mirror_images(state, wish):
    other = wish._replace(steering_rate_radps=-wish.steering_rate_radps)
    after = single_track.step(state, wish, STEP_S, CAR, CHASSIS)
    assert single_track.step(mirrored(state), other, STEP_S, CAR, CHASSIS) == pytest.approx(mirrored(after), abs=1e-9)


@given(within(0.5, 12.0), within(-0.1, 0.1), within(-1.0, 1.0))
def test_far_from_its_limits_it_drives_as_the_kinematic_model_does(speed, steering, acceleration):
    assume(speed**2 * abs(math.tan(steering)) / CAR.wheelbase_m < 1.0)
    command = Command(acceleration, 0.0)
    kinematic = VehicleState(0.0, 0.0, 0.0, speed, steering, 0.0)
    for _ in range(20):
        kinematic = kinematic_step(kinematic, command, STEP_S, CAR)
    sliding = drive(straight(speed, steering), command, 2.0, CHASSIS)
    driven = max(1.0, math.hypot(kinematic.x_m, kinematic.y_m))
    assert math.hypot(sliding.x_m - kinematic.x_m, sliding.y_m - kinematic.y_m) < 0.06 * driven
    assert sliding.speed_mps == pytest.approx(kinematic.speed_mps, abs=0.02)


@given(within(15.0, 50.0))
def test_a_wheel_turned_too_far_gives_the_bend_that_the_tyres_hold_not_the_one_it_asks_for(speed):
    turned = drive(straight(speed), Command(0.0, 0.3), 1.0, CHASSIS)
    held = CHASSIS.friction * GRAVITY_MPS2
    assert speed**2 * math.tan(turned.steering_rad) / CAR.wheelbase_m > 2.0 * held
    assert 0.3 * held < speed * (turned.heading_rad + turned.slip_rad) <= held * (1 + 1e-6)


@given(within(0.0, 40.0), within(0.5, 9.0))
def test_a_straight_stop_takes_the_distance_of_the_textbook_and_lasts(speed, braking):
    brake = Command(-braking, 0.0)
    end = drive(straight(speed), brake, speed / braking + 1.0, CHASSIS)
    assert end.speed_mps == 0.0
    assert end.x_m == pytest.approx(speed**2 / (2.0 * braking), abs=1e-6)
    assert drive(end, brake, 1.0, CHASSIS) == end


def test_it_drives_backwards_only_in_the_gear_for_it():
    assert drive(straight(0.0), Command(-1.0, 0.0, 1.0), 1.0, CHASSIS).x_m == 0.0
    back = drive(straight(0.0, 0.2), Command(-1.0, 0.0, -1.0), 4.0, CHASSIS)
    assert back.speed_mps == pytest.approx(-4.0)
    assert back.heading_rad < 0.0


@pytest.mark.slow
def test_right_hand_side_and_step_are_those_of_commonroads_vehicle_models():
    spec = importlib.util.spec_from_file_location("bench_vehicle", Path(__file__).parents[2] / "bench" / "vehicle.py")
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    if not bench.PEER.exists():
        pytest.skip("bench/peers/make commonroad has not been run")
    random = np.random.default_rng(5)
    sliding, rolling = bench.single_track_tasks(300, random), bench.kinematic_tasks(100, random)
    answers = bench.ask(sliding + rolling)
    for task, answer in zip(sliding, answers, strict=False):
        slope, after = bench.single_track_differences(task, answer)
        assert slope < 1e-9
        assert after < 1e-6
    for task, answer in zip(rolling, answers[len(sliding) :], strict=True):
        errors = bench.kinematic_differences(task, answer)
        assert errors.max() < (1e-6 if task["step_s"] < 0.05 else 1e-4)
        assert np.median(errors) < 1e-6
