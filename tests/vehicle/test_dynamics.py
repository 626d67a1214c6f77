"""The single-track model against closed forms, an integrator of another kind, and its own limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marque.vehicle import BMW_320I, Command, VehicleState, acceleration_limits, step

CAR = BMW_320I
STEP_S = 0.1


def within(low, high):
    return st.floats(low, high, allow_subnormal=False)


anywhere = st.builds(
    VehicleState,
    x_m=within(-1e3, 1e3),
    y_m=within(-1e3, 1e3),
    heading_rad=within(-4.0, 4.0),
    speed_mps=within(0.0, CAR.speed_max_mps),
    steering_rad=within(-CAR.steering_max_rad, CAR.steering_max_rad),
    acceleration_mps2=st.just(0.0),
)
wishes = st.builds(Command, acceleration_mps2=within(-30.0, 30.0), steering_rate_radps=within(-2.0, 2.0), gear=st.just(1.0))


def lateral_mps2(state):
    return state.speed_mps**2 * math.tan(state.steering_rad) / CAR.wheelbase_m


def holds_the_road(state):
    return abs(lateral_mps2(state)) < 0.9 * CAR.braking_max_mps2


def drive(state, command, seconds, step_s=STEP_S):
    for _ in range(round(seconds / step_s)):
        state = step(state, command, step_s, CAR)
    return state


def integrate(state, command, seconds, substeps=200):
    """The same differential equations by classical Runge-Kutta on the rear axle; commands must be within the limits."""

    def slope(y):
        _, _, heading, speed, steering = y
        turning = speed * math.tan(steering) / CAR.wheelbase_m
        return np.array(
            [speed * math.cos(heading), speed * math.sin(heading), turning, command.acceleration_mps2, command.steering_rate_radps]
        )

    heading = state.heading_rad
    y = np.array(
        [
            state.x_m - CAR.rear_axle_m * math.cos(heading),
            state.y_m - CAR.rear_axle_m * math.sin(heading),
            heading,
            state.speed_mps,
            state.steering_rad,
        ]
    )
    h = seconds / substeps
    for _ in range(substeps):
        k1 = slope(y)
        k2 = slope(y + h / 2 * k1)
        k3 = slope(y + h / 2 * k2)
        k4 = slope(y + h * k3)
        y += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.array([y[0] + CAR.rear_axle_m * math.cos(y[2]), y[1] + CAR.rear_axle_m * math.sin(y[2]), y[2], y[3], y[4]])


@given(anywhere, wishes)
def test_no_wish_moves_speed_or_steering_beyond_their_limits(state, wish):
    after = step(state, wish, STEP_S, CAR)
    assert 0.0 <= after.speed_mps <= CAR.speed_max_mps + 1e-12
    assert abs(after.steering_rad) <= CAR.steering_max_rad
    assert abs(after.steering_rad - state.steering_rad) <= CAR.steering_rate_max_radps * STEP_S + 1e-12


@given(anywhere, wishes)
def test_tyres_give_no_more_than_the_friction_circle_and_the_motor_no_more_than_its_power(state, wish):
    assume(holds_the_road(state))
    after = step(state, wish, STEP_S, CAR)
    assert math.hypot(after.acceleration_mps2, lateral_mps2(state)) <= CAR.braking_max_mps2 * (1 + 1e-9)
    assert after.acceleration_mps2 * max(state.speed_mps, CAR.speed_switch_mps) <= CAR.acceleration_max_mps2 * CAR.speed_switch_mps * (
        1 + 1e-9
    )


@given(anywhere, wishes)
def test_a_wish_within_the_limits_is_granted(state, wish):
    lowest, highest = acceleration_limits(state.speed_mps, CAR)
    grip = math.sqrt(max(0.0, CAR.braking_max_mps2**2 - lateral_mps2(state) ** 2))
    assume(max(lowest, -grip) <= wish.acceleration_mps2 <= min(highest, grip))
    assume(0.0 <= state.speed_mps + wish.acceleration_mps2 * STEP_S <= CAR.speed_max_mps)
    after = step(state, wish, STEP_S, CAR)
    assert after.acceleration_mps2 == pytest.approx(wish.acceleration_mps2, abs=1e-9)


@given(anywhere, within(-11.0, -0.5))
def test_a_braking_car_stops_and_stays(state, braking):
    assume(holds_the_road(state))
    brake = Command(braking, 0.0)
    stopped = drive(state, brake, CAR.speed_max_mps / 0.5 + 1.0)
    assert stopped.speed_mps == 0.0
    later = drive(stopped, brake, 5.0)
    assert (later.x_m, later.y_m, later.heading_rad) == pytest.approx((stopped.x_m, stopped.y_m, stopped.heading_rad), abs=1e-9)


@given(within(0.0, 50.0), within(0.5, 11.0))
def test_a_straight_stop_takes_the_distance_of_the_textbook(speed, braking):
    start = VehicleState(0.0, 0.0, 0.0, speed, 0.0, 0.0)
    end = drive(start, Command(-braking, 0.0), speed / braking + 1.0)
    assert end.x_m == pytest.approx(speed**2 / (2 * braking), abs=1e-9, rel=1e-9)
    assert end.y_m == 0.0


@given(within(0.5, 15.0), within(-0.15, 0.15), within(1.0, 20.0))
def test_a_constant_steering_angle_drives_the_circle_of_the_closed_form(speed, steering, seconds):
    assume(abs(steering) > 1e-3)
    start = VehicleState(0.0, 0.0, 0.0, speed, steering, 0.0)
    assume(holds_the_road(start))
    steps = round(seconds / STEP_S)
    end = drive(start, Command(0.0, 0.0), seconds)
    radius = CAR.wheelbase_m / math.tan(steering)  # of the rear axle, about (−rear_axle, radius)
    turned = speed * steps * STEP_S / radius
    assert end.heading_rad == pytest.approx(turned, abs=1e-9)
    assert end.x_m == pytest.approx(-CAR.rear_axle_m + radius * math.sin(turned) + CAR.rear_axle_m * math.cos(turned), abs=1e-7)
    assert end.y_m == pytest.approx(radius - radius * math.cos(turned) + CAR.rear_axle_m * math.sin(turned), abs=1e-7)


@given(anywhere, wishes)
def test_one_step_agrees_with_an_independent_integrator(state, wish):
    lowest, highest = acceleration_limits(state.speed_mps, CAR)
    assume(holds_the_road(state))
    grip = math.sqrt(CAR.braking_max_mps2**2 - lateral_mps2(state) ** 2)
    wish = Command(
        min(highest, grip, max(lowest, -grip, wish.acceleration_mps2)),
        max(-CAR.steering_rate_max_radps, min(CAR.steering_rate_max_radps, wish.steering_rate_radps)),
    )
    assume(0.0 <= state.speed_mps + wish.acceleration_mps2 * STEP_S <= CAR.speed_max_mps)
    assume(abs(state.steering_rad + wish.steering_rate_radps * STEP_S) <= CAR.steering_max_rad)
    np.testing.assert_allclose(step(state, wish, STEP_S, CAR)[:5], integrate(state, wish, STEP_S), rtol=0.0, atol=1e-6)


def test_halving_the_step_divides_the_error_by_sixty_four():
    start, command = VehicleState(3.0, -2.0, 0.7, 6.0, -0.3, 0.0), Command(1.2, 0.25)
    exact = integrate(start, command, 1.6, substeps=4000)[:3]
    errors = [np.linalg.norm(np.array(drive(start, command, 1.6, step_s)[:3]) - exact) for step_s in (0.8, 0.4, 0.2)]
    assert errors[0] / errors[1] == pytest.approx(64.0, rel=0.25)
    assert errors[1] / errors[2] == pytest.approx(64.0, rel=0.25)


@given(anywhere, wishes, within(-3.0, 3.0), within(-500.0, 500.0), within(-500.0, 500.0))
def test_the_world_has_no_preferred_place_or_direction(state, wish, turn, dx, dy):
    c, s = math.cos(turn), math.sin(turn)

    def moved(it):
        return it._replace(x_m=c * it.x_m - s * it.y_m + dx, y_m=s * it.x_m + c * it.y_m + dy, heading_rad=it.heading_rad + turn)

    assert step(moved(state), wish, STEP_S, CAR) == pytest.approx(moved(step(state, wish, STEP_S, CAR)), abs=1e-6)


@given(anywhere, wishes)
def test_left_and_right_are_mirror_images(state, wish):
    def mirrored(it):
        return it._replace(y_m=-it.y_m, heading_rad=-it.heading_rad, steering_rad=-it.steering_rad)

    other = Command(wish.acceleration_mps2, -wish.steering_rate_radps)
    assert step(mirrored(state), other, STEP_S, CAR) == pytest.approx(mirrored(step(state, wish, STEP_S, CAR)), abs=1e-9)


def turned_about(state):
    """The same place of the rear axle, the body pointing the other way: what drove forwards drives backwards."""
    x = state.x_m - 2.0 * CAR.rear_axle_m * math.cos(state.heading_rad)
    y = state.y_m - 2.0 * CAR.rear_axle_m * math.sin(state.heading_rad)
    return VehicleState(x, y, state.heading_rad + math.pi, -state.speed_mps, -state.steering_rad, -state.acceleration_mps2)


@given(anywhere, wishes)
def test_backwards_it_drives_as_a_car_turned_about_does_forwards(state, wish):
    back = step(turned_about(state), Command(-wish.acceleration_mps2, -wish.steering_rate_radps, -1.0), STEP_S, CAR)
    assert back == pytest.approx(turned_about(step(state, wish, STEP_S, CAR)), abs=1e-9)


@given(anywhere, wishes)
def test_the_gear_is_changed_only_at_standstill(state, wish):
    assume(state.speed_mps > 0.0)
    assert step(state, wish._replace(gear=-1.0), STEP_S, CAR) == step(state, wish, STEP_S, CAR)


def test_without_the_gear_for_it_a_braking_car_does_not_roll_back():
    stands = VehicleState(3.0, 4.0, 1.0, 0.0, 0.2, 0.0)
    assert step(stands, Command(-2.0, 0.0), STEP_S, CAR)[:4] == stands[:4]
    assert step(stands, Command(-2.0, 0.0, -1.0), STEP_S, CAR).speed_mps == pytest.approx(-0.2)
