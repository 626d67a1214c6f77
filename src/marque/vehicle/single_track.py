"""The single-track model with tyres that slip: beyond the kinematic one when they come near what they can hold."""

from __future__ import annotations

import math
from typing import NamedTuple

from marque.vehicle.dynamics import Command, acceleration_limits
from marque.vehicle.kernel import kernel
from marque.vehicle.parameters import VehicleParameters

GRAVITY_MPS2 = 9.81
KINEMATIC_BELOW_MPS = 0.1
"""As published: the slip of a standing tyre is not defined."""
ROLLING_BELOW_MPS = 2.0
"""`step` lets tyres roll without slip up to here: they relax within milliseconds there, and slide only on a car that is not driven."""


class ChassisParameters(NamedTuple):
    """What single-track dynamics needs beside `VehicleParameters`. The centre of mass is taken to lie at the centre of the body."""

    mass_kg: float
    yaw_inertia_kgm2: float
    mass_height_m: float
    cornering_stiffness_front_per_rad: float
    """Lateral force per slip angle and per load on the axle."""
    cornering_stiffness_rear_per_rad: float
    speed_min_mps: float
    """Fastest way backwards, below 0."""
    friction: float = math.inf
    """Most force a tyre gives per load, longitudinal and lateral together; infinite: linear tyres, as published."""


class SingleTrackState(NamedTuple):
    """One vehicle at one instant, world frame.

    x_m, y_m: centre of mass. heading_rad: of the body, counter-clockwise from +x. speed_mps: of the centre of mass along its course, which
    is heading_rad + slip_rad; below 0 backwards. steering_rad: of the front wheel, left positive.
    """

    x_m: float
    y_m: float
    heading_rad: float
    speed_mps: float
    steering_rad: float
    yaw_rate_radps: float
    slip_rad: float


@kernel
def tyre_force(slip_rad: float, stiffness_n_per_rad: float, force_max_n: float) -> float:
    """Lateral force of an axle in N: linear for small slip, force_max_n once the whole contact patch slides.

    With force_max_n infinite it is linear throughout. Source: Fiala 1954, as in Hindiyeh, Gerdes 2014, eq. (5), with one coefficient of
    friction and tan α ≈ α.
    """
    wanted = stiffness_n_per_rad * slip_rad
    if abs(wanted) >= 3.0 * force_max_n:
        return math.copysign(force_max_n, slip_rad)
    part = abs(wanted) / force_max_n
    return wanted * (1.0 - part / 3.0 + part * part / 27.0)


@kernel
def derivative(
    state: SingleTrackState, command: Command, vehicle: VehicleParameters, chassis: ChassisParameters, kinematic_below_mps: float
) -> SingleTrackState:
    """The right-hand side of the model: d state / d t. Forces shift between the axles as the car speeds up and brakes.

    Inputs are cut to the vehicle's limits. Below `kinematic_below_mps` the tyres roll without slip. The command's gear plays no part.
    Source: Althoff, Würsching 2020, CommonRoad vehicle models, ST. Forwards only is it a model of tyres: backwards its slip has the wrong
    sign, as published; `step` does not use it there.
    """
    speed, steering, slip = state.speed_mps, state.steering_rad, state.slip_rad
    rate = _steering_rate(steering, command.steering_rate_radps, vehicle)
    acceleration = _acceleration(speed, command.acceleration_mps2, vehicle, chassis)
    rear, wheelbase = vehicle.rear_axle_m, vehicle.wheelbase_m
    front = wheelbase - rear
    if abs(speed) < kinematic_below_mps:
        tangent, cosine = math.tan(steering), math.cos(steering)
        rolling = math.atan(tangent * rear / wheelbase)
        # As published: the tangent's square stands where the chain rule on `rolling` gives the tangent. `step` sets the slip by `_rolling`.
        slip_rate = rear * rate / (wheelbase * cosine**2 * (1.0 + (tangent**2 * rear / wheelbase) ** 2))
        yaw_acceleration = (
            acceleration * math.cos(slip) * tangent
            - speed * math.sin(slip) * slip_rate * tangent
            + speed * math.cos(slip) * rate / cosine**2
        ) / wheelbase
        return SingleTrackState(
            speed * math.cos(state.heading_rad + rolling), speed * math.sin(state.heading_rad + rolling),
            speed * math.cos(rolling) * tangent / wheelbase, acceleration, rate, yaw_acceleration, slip_rate,
        )  # fmt: skip
    load_front = chassis.mass_kg * (GRAVITY_MPS2 * rear - acceleration * chassis.mass_height_m) / wheelbase
    load_rear = chassis.mass_kg * (GRAVITY_MPS2 * front + acceleration * chassis.mass_height_m) / wheelbase
    # Drive and brakes share their force among the axles as the load is shared, so that both have the same part of their friction left.
    left = math.sqrt(max(0.0, chassis.friction**2 - (acceleration / GRAVITY_MPS2) ** 2))
    yaw_rate = state.yaw_rate_radps
    force_front = tyre_force(
        steering - slip - front * yaw_rate / speed, chassis.cornering_stiffness_front_per_rad * load_front, left * load_front
    )
    force_rear = tyre_force(rear * yaw_rate / speed - slip, chassis.cornering_stiffness_rear_per_rad * load_rear, left * load_rear)
    return SingleTrackState(
        speed * math.cos(state.heading_rad + slip), speed * math.sin(state.heading_rad + slip), yaw_rate, acceleration, rate,
        (front * force_front - rear * force_rear) / chassis.yaw_inertia_kgm2,
        (force_front + force_rear) / (chassis.mass_kg * speed) - yaw_rate,
    )  # fmt: skip


@kernel
def runge_kutta(
    state: SingleTrackState,
    command: Command,
    step_s: float,
    vehicle: VehicleParameters,
    chassis: ChassisParameters,
    kinematic_below_mps: float,
) -> SingleTrackState:
    """The state step_s later by one step of the classical Runge-Kutta method, error O(step_s⁵).

    Tyres at v m/s answer with a rate near 200/v per second: keep step_s well below v/100 s.
    """
    slope1 = derivative(state, command, vehicle, chassis, kinematic_below_mps)
    slope2 = derivative(_along(state, slope1, 0.5 * step_s), command, vehicle, chassis, kinematic_below_mps)
    slope3 = derivative(_along(state, slope2, 0.5 * step_s), command, vehicle, chassis, kinematic_below_mps)
    slope4 = derivative(_along(state, slope3, step_s), command, vehicle, chassis, kinematic_below_mps)
    after = _along(state, slope1, step_s / 6.0)
    after = _along(after, slope2, step_s / 3.0)
    after = _along(after, slope3, step_s / 3.0)
    return _along(after, slope4, step_s / 6.0)


@kernel
def step(
    state: SingleTrackState, command: Command, step_s: float, vehicle: VehicleParameters, chassis: ChassisParameters
) -> SingleTrackState:
    """The state one step later; like `dynamics.step`, but the car slides where its tyres do not hold.

    It divides the step as finely as the tyres ask for at this speed. A car that brakes stops and stays; it drives backwards only in the
    gear for it, and then without slip.
    """
    way = -1.0 if state.speed_mps < 0.0 or (state.speed_mps == 0.0 and command.gear < 0.0) else 1.0
    acceleration = _acceleration(state.speed_mps, command.acceleration_mps2, vehicle, chassis)
    moving_s = step_s
    if way * (state.speed_mps + acceleration * step_s) < 0.0:
        moving_s = abs(state.speed_mps / acceleration)
    slowest = max(ROLLING_BELOW_MPS, abs(state.speed_mps) - abs(acceleration) * moving_s)
    stiffness = max(chassis.cornering_stiffness_front_per_rad, chassis.cornering_stiffness_rear_per_rad)
    lever = max(vehicle.rear_axle_m, vehicle.wheelbase_m - vehicle.rear_axle_m)
    fastest_answer = stiffness * GRAVITY_MPS2 / slowest * max(1.0, chassis.mass_kg * lever**2 / chassis.yaw_inertia_kgm2)
    parts = math.ceil(moving_s * fastest_answer + 1e-9)
    for _ in range(parts):
        if state.speed_mps < ROLLING_BELOW_MPS:
            state = _rolling(state, vehicle)
        threshold = ROLLING_BELOW_MPS if state.speed_mps >= 0.0 else math.inf
        state = runge_kutta(state, command, moving_s / parts, vehicle, chassis, threshold)
    steering = state.steering_rad + (step_s - moving_s) * _steering_rate(state.steering_rad, command.steering_rate_radps, vehicle)
    steering = min(vehicle.steering_max_rad, max(-vehicle.steering_max_rad, steering))
    if moving_s < step_s or way * state.speed_mps <= 0.0:
        return SingleTrackState(state.x_m, state.y_m, state.heading_rad, 0.0, steering, 0.0, 0.0)
    return SingleTrackState(state.x_m, state.y_m, state.heading_rad, state.speed_mps, steering, state.yaw_rate_radps, state.slip_rad)


@kernel
def _rolling(state: SingleTrackState, vehicle: VehicleParameters) -> SingleTrackState:
    """The same place, speed and steering with the yaw rate and slip of tyres that roll."""
    tangent = math.tan(state.steering_rad)
    slip = math.atan(tangent * vehicle.rear_axle_m / vehicle.wheelbase_m)
    yaw_rate = state.speed_mps * math.cos(slip) * tangent / vehicle.wheelbase_m
    return SingleTrackState(state.x_m, state.y_m, state.heading_rad, state.speed_mps, state.steering_rad, yaw_rate, slip)


@kernel
def _along(state: SingleTrackState, slope: SingleTrackState, time_s: float) -> SingleTrackState:
    return SingleTrackState(
        state.x_m + time_s * slope.x_m, state.y_m + time_s * slope.y_m, state.heading_rad + time_s * slope.heading_rad,
        state.speed_mps + time_s * slope.speed_mps, state.steering_rad + time_s * slope.steering_rad,
        state.yaw_rate_radps + time_s * slope.yaw_rate_radps, state.slip_rad + time_s * slope.slip_rad,
    )  # fmt: skip


@kernel
def _steering_rate(steering: float, rate: float, vehicle: VehicleParameters) -> float:
    if (steering <= -vehicle.steering_max_rad and rate <= 0.0) or (steering >= vehicle.steering_max_rad and rate >= 0.0):
        return 0.0
    return min(vehicle.steering_rate_max_radps, max(-vehicle.steering_rate_max_radps, rate))


@kernel
def _acceleration(speed: float, wish: float, vehicle: VehicleParameters, chassis: ChassisParameters) -> float:
    if (speed <= chassis.speed_min_mps and wish <= 0.0) or (speed >= vehicle.speed_max_mps and wish >= 0.0):
        return 0.0
    lowest, highest = acceleration_limits(speed, vehicle)
    grip = chassis.friction * GRAVITY_MPS2
    return min(highest, grip, max(lowest, -grip, wish))
