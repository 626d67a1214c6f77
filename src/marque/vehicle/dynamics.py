"""The kinematic single-track model with the limits of its actuators."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Floats
from marque.vehicle.kernel import kernel
from marque.vehicle.parameters import VehicleParameters

_ROOT_15 = math.sqrt(15.0)
_EARLY, _LATE = 0.5 - _ROOT_15 / 10.0, 0.5 + _ROOT_15 / 10.0


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
    model: none at the rear axle. Integration is exact in speed and steering. Heading and place are the three-stage Gauss-Legendre
    method's (error O(step_s⁶); below 1e-7 m and rad in a step of 0.1 s): explicit here, since place follows from heading and heading from
    steering and speed, never the other way.
    Sources: Althoff, Koschi, Manzinger 2017, CommonRoad vehicle models, KS; Butcher 1964, Implicit Runge-Kutta processes, table 3.
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

    # Gauss-Legendre collocation with three points: heading from the yaw rates there, place from the headings there.
    early, middle, late = _EARLY * moving_s, 0.5 * moving_s, _LATE * moving_s
    speed_1, speed_2, speed_3 = speed + acceleration * early, speed + acceleration * middle, speed + acceleration * late
    turn = way * moving_s / parameters.wheelbase_m
    yaw_1 = turn * speed_1 * math.tan(state.steering_rad + rate * early)
    yaw_2 = turn * speed_2 * math.tan(state.steering_rad + rate * middle)
    yaw_3 = turn * speed_3 * math.tan(state.steering_rad + rate * late)
    heading = state.heading_rad
    heading_1 = heading + 5.0 / 36.0 * yaw_1 + (2.0 / 9.0 - _ROOT_15 / 15.0) * yaw_2 + (5.0 / 36.0 - _ROOT_15 / 30.0) * yaw_3
    heading_2 = heading + (5.0 / 36.0 + _ROOT_15 / 24.0) * yaw_1 + 2.0 / 9.0 * yaw_2 + (5.0 / 36.0 - _ROOT_15 / 24.0) * yaw_3
    heading_3 = heading + (5.0 / 36.0 + _ROOT_15 / 30.0) * yaw_1 + (2.0 / 9.0 + _ROOT_15 / 15.0) * yaw_2 + 5.0 / 36.0 * yaw_3
    heading_end = heading + (5.0 * yaw_1 + 8.0 * yaw_2 + 5.0 * yaw_3) / 18.0

    speed_end = way * max(0.0, speed + acceleration * moving_s) + 0.0  # never a zero with a sign
    part = way * moving_s / 18.0
    way_1, way_2, way_3 = 5.0 * part * speed_1, 8.0 * part * speed_2, 5.0 * part * speed_3
    rear_x = state.x_m - parameters.rear_axle_m * math.cos(heading)
    rear_y = state.y_m - parameters.rear_axle_m * math.sin(heading)
    rear_x += way_1 * math.cos(heading_1) + way_2 * math.cos(heading_2) + way_3 * math.cos(heading_3)
    rear_y += way_1 * math.sin(heading_1) + way_2 * math.sin(heading_2) + way_3 * math.sin(heading_3)
    return VehicleState(
        rear_x + parameters.rear_axle_m * math.cos(heading_end),
        rear_y + parameters.rear_axle_m * math.sin(heading_end),
        heading_end,
        speed_end,
        steering_end,
        (speed_end - state.speed_mps) / step_s,
    )


@kernel
def steps(state: VehicleState, command: Command, step_s: float, count: int, parameters: VehicleParameters) -> Floats:
    """(count, 6), columns as in VehicleState: what `step` makes of a state in one, two … `count` times step_s."""
    after = np.empty((count, 6))
    for k in range(count):
        end = step(state, command, (k + 1) * step_s, parameters)
        after[k, 0], after[k, 1], after[k, 2] = end.x_m, end.y_m, end.heading_rad
        after[k, 3], after[k, 4], after[k, 5] = end.speed_mps, end.steering_rad, end.acceleration_mps2
    return after
