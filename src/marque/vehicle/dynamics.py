"""The kinematic single-track model with the limits of its actuators."""

from __future__ import annotations

import math
from typing import NamedTuple

from marque.vehicle.kernel import kernel
from marque.vehicle.parameters import VehicleParameters


class VehicleState(NamedTuple):
    """One vehicle at one instant, world frame.

    x_m, y_m: centre of the body. heading_rad: of the body, counter-clockwise from +x, not wrapped while driving.
    speed_mps: of the rear axle along the body, negative when it drives backwards. steering_rad: of the front wheel, left positive.
    acceleration_mps2: of the last step, along the body.
    """

    x_m: float
    y_m: float
    heading_rad: float
    speed_mps: float
    steering_rad: float
    acceleration_mps2: float


class Command(NamedTuple):
    """What the driving system asks of the actuators for one step."""

    acceleration_mps2: float
    """Along the body: below 0 it brakes a car that drives forwards and speeds up one that drives backwards."""
    steering_rate_radps: float
    gear: float = 1.0
    """1 forwards, −1 backwards; it is changed only at standstill."""


@kernel
def acceleration_limits(speed_mps: float, parameters: VehicleParameters) -> tuple[float, float]:
    """Lowest and highest acceleration at this speed ≥ 0 along the way, m/s²: tyres when braking, tyres then power when accelerating."""
    highest = parameters.acceleration_max_mps2
    if speed_mps > parameters.speed_switch_mps:
        highest *= parameters.speed_switch_mps / speed_mps
    if speed_mps >= parameters.speed_max_mps:
        highest = 0.0
    return -parameters.braking_max_mps2, highest


@kernel
def step(state: VehicleState, command: Command, step_s: float, parameters: VehicleParameters) -> VehicleState:
    """The state one step later; the command is held constant and cut to what the actuators and tyres can do.

    A car that brakes stops and stays; it rolls on the other way only in the gear for it. The body's slip is that of the kinematic
    model: none at the rear axle. Integration is exact in speed and steering, and by Simpson's rule along the path (error O(step_s⁴)).
    Source: Althoff, Koschi, Manzinger 2017, CommonRoad vehicle models, KS.
    """
    way = -1.0 if state.speed_mps < 0.0 or (state.speed_mps == 0.0 and command.gear < 0.0) else 1.0
    speed = way * state.speed_mps
    lowest, highest = acceleration_limits(speed, parameters)
    highest = min(highest, max(0.0, parameters.speed_max_mps - speed) / step_s)
    acceleration = min(highest, max(lowest, way * command.acceleration_mps2))
    lateral = speed * speed * math.tan(state.steering_rad) / parameters.wheelbase_m
    grip = math.sqrt(max(0.0, parameters.braking_max_mps2**2 - lateral * lateral))  # the friction circle
    acceleration = min(grip, max(-grip, acceleration))
    moving_s = step_s
    if speed + acceleration * step_s < 0.0:
        moving_s = speed / -acceleration
    rate = min(parameters.steering_rate_max_radps, max(-parameters.steering_rate_max_radps, command.steering_rate_radps))
    steering_end = min(parameters.steering_max_rad, max(-parameters.steering_max_rad, state.steering_rad + rate * step_s))
    rate = (steering_end - state.steering_rad) / step_s

    # Heading along the step: psi' = v(t)·tan(delta(t)) / wheelbase, sampled at the ends, the middle and the quarter points.
    h = moving_s / 4.0
    yaw0 = way * _yaw_rate(speed, state.steering_rad, acceleration, rate, 0.0, parameters)
    yaw1 = way * _yaw_rate(speed, state.steering_rad, acceleration, rate, h, parameters)
    yaw2 = way * _yaw_rate(speed, state.steering_rad, acceleration, rate, 2.0 * h, parameters)
    yaw3 = way * _yaw_rate(speed, state.steering_rad, acceleration, rate, 3.0 * h, parameters)
    yaw4 = way * _yaw_rate(speed, state.steering_rad, acceleration, rate, moving_s, parameters)
    heading_mid = state.heading_rad + h / 3.0 * (yaw0 + 4.0 * yaw1 + yaw2)
    heading_end = heading_mid + h / 3.0 * (yaw2 + 4.0 * yaw3 + yaw4)

    speed_mid = way * (speed + acceleration * moving_s / 2.0)
    speed_end = way * max(0.0, speed + acceleration * moving_s) + 0.0  # never a zero with a sign
    rear_x = state.x_m - parameters.rear_axle_m * math.cos(state.heading_rad)
    rear_y = state.y_m - parameters.rear_axle_m * math.sin(state.heading_rad)
    third = moving_s / 6.0
    rear_x += third * (
        state.speed_mps * math.cos(state.heading_rad) + 4.0 * speed_mid * math.cos(heading_mid) + speed_end * math.cos(heading_end)
    )
    rear_y += third * (
        state.speed_mps * math.sin(state.heading_rad) + 4.0 * speed_mid * math.sin(heading_mid) + speed_end * math.sin(heading_end)
    )
    return VehicleState(
        rear_x + parameters.rear_axle_m * math.cos(heading_end),
        rear_y + parameters.rear_axle_m * math.sin(heading_end),
        heading_end,
        speed_end,
        steering_end,
        (speed_end - state.speed_mps) / step_s,
    )


@kernel
def _yaw_rate(speed: float, steering: float, acceleration: float, rate: float, t: float, parameters: VehicleParameters) -> float:
    return max(0.0, speed + acceleration * t) * math.tan(steering + rate * t) / parameters.wheelbase_m
