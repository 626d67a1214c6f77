"""Between a command and the wheels: dead time, lag, limited rates, what a fault leaves of brakes and steering, and the grip of the road."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from marque.vehicle.dynamics import Command, VehicleState, step
from marque.vehicle.kernel import kernel
from marque.vehicle.parameters import VehicleParameters

GRIP: Final = {"dry": 1.0, "wet": 0.75, "slush": 0.4, "snow": 0.25, "ice": 0.15}
"""Part of the dry road's grip that is left. Middle of the ranges in Wallman, Åström 2001 (VTI meddelande 911A): dry 0.8–1.0, wet 0.7–0.8,
loose snow and slush 0.2–0.5, packed snow 0.2–0.3, black ice 0.15–0.3 (wet black ice down to 0.05), over a dry road's 0.9–1.0."""


class Actuator(NamedTuple):
    """One way from a command to the wheels. As it stands it is ideal: at once, exactly, and wholly."""

    delay_s: float = 0.0
    """Dead time; up to what `resting` was told to keep."""
    lag_s: float = 0.0
    """Time constant of the first-order lag behind the dead time."""
    slope_max: float = math.inf
    """How fast its output changes: jerk in m/s³ for drive and brake, rad/s² for the steering rate."""
    left: float = 1.0
    """Part of its full strength that a fault has left: of the acceleration, the braking, the steering rate. 0: nothing; frozen steering."""


class Actuators(NamedTuple):
    """All actuators of a car and the road under it."""

    drive: Actuator = Actuator()
    brake: Actuator = Actuator()
    steering: Actuator = Actuator()
    grip: float = 1.0
    """Part of the dry road's grip, as in GRIP."""
    brake_steer_rad: float = 0.0
    """Of the steering that a fault takes, so much is made up for by uneven braking: as an angle of the front wheel."""


IDEAL: Final = Actuators()

PRODUCTION: Final = Actuators(
    drive=Actuator(delay_s=0.05, lag_s=0.05, slope_max=15.0),
    brake=Actuator(delay_s=0.05, lag_s=0.1, slope_max=100.0),
    steering=Actuator(delay_s=0.1, lag_s=0.05, slope_max=10.0),
    brake_steer_rad=0.015,
)
"""A production electric car. Drive: the motor itself answers within milliseconds (Hori 2004, IEEE Trans. Ind. Electron. 51(5)); bus and
damping of the driveline do not. Brake: an electromechanical booster has full pressure in 0.12–0.15 s (Bosch on its iBooster); here two
thirds of it are reached after 0.15 s. Steering: a column made for it answers faster than a retrofitted one (Autoware's sample vehicle:
dead time 0.24 s, lag 0.27 s; for acceleration 0.1 s each). Uneven braking: 3 m/s² on one side of a car of 2 t and 1.6 m of track turn it
by 5 kNm, which in the linear single-track model bends its way as 0.013 rad (27 m/s) to 0.018 rad (5 m/s) of the front wheel do; as a
fallback for failed steering in Jonasson, Thor 2018 (Vehicle System Dynamics 56(5))."""
_BRAKE_STEERS_MPS2 = 3.0
"""From this braking on it has its full effect, in proportion below."""


class ActuatorState(NamedTuple):
    """What the actuators give at one instant, and the commands that they have not yet seen.

    drive_mps2, brake_mps2: along the way, both at least 0. steering_radps: of the front wheel, left positive.
    waiting: shape (kept, 2), newest first: acceleration m/s² along the body and steering rate rad/s of the last commands.
    """

    drive_mps2: float
    brake_mps2: float
    steering_radps: float
    waiting: npt.NDArray[np.float64]


def resting(step_s: float, longest_delay_s: float = 1.0) -> ActuatorState:
    """Actuators that give nothing and have been asked for nothing; longer dead times than longest_delay_s are cut to it."""
    return ActuatorState(0.0, 0.0, 0.0, np.zeros((math.ceil(longest_delay_s / step_s - 1e-9) + 2, 2)))


@kernel
def drive(
    state: VehicleState, actuator_state: ActuatorState, command: Command, step_s: float, vehicle: VehicleParameters, actuators: Actuators
) -> tuple[VehicleState, ActuatorState]:
    """`dynamics.step` with actuators between the command and the car: both states one step later.

    The step is given the mean of each output over it, so that speed and steering angle are those of the continuous answer. On a dry road
    (grip 1) the kinematic model is left as it is; on less the car ploughs: it brakes and bends no more than the tyres hold together.
    With IDEAL the car's state is `dynamics.step`'s to the bit.
    """
    waiting = np.empty_like(actuator_state.waiting)
    waiting[1:] = actuator_state.waiting[:-1]
    waiting[0, 0] = command.acceleration_mps2
    waiting[0, 1] = command.steering_rate_radps

    way = -1.0 if state.speed_mps < 0.0 or (state.speed_mps == 0.0 and command.gear < 0.0) else 1.0
    driving = min(actuators.drive.left * vehicle.acceleration_max_mps2, max(0.0, way * _seen(waiting, 0, actuators.drive.delay_s, step_s)))
    braking = min(actuators.brake.left * vehicle.braking_max_mps2, max(0.0, -way * _seen(waiting, 0, actuators.brake.delay_s, step_s)))
    turning_max = actuators.steering.left * vehicle.steering_rate_max_radps
    asked = _seen(waiting, 1, actuators.steering.delay_s, step_s)
    turning = min(turning_max, max(-turning_max, asked))
    drive_mean, drive_end = answer(actuator_state.drive_mps2, driving, actuators.drive.lag_s, actuators.drive.slope_max, step_s)
    brake_mean, brake_end = answer(actuator_state.brake_mps2, braking, actuators.brake.lag_s, actuators.brake.slope_max, step_s)
    rate_mean, rate_end = answer(actuator_state.steering_radps, turning, actuators.steering.lag_s, actuators.steering.slope_max, step_s)
    rate_mean = min(turning_max, max(-turning_max, rate_mean))  # a fault stops at once what was still turning

    missing = min(vehicle.steering_rate_max_radps, max(-vehicle.steering_rate_max_radps, asked)) - turning
    most = actuators.brake_steer_rad * min(1.0, brake_mean / _BRAKE_STEERS_MPS2)
    by_brakes = min(most, max(-most, missing * step_s))
    given = Command(way * (drive_mean - brake_mean), rate_mean, command.gear)
    after_actuators = ActuatorState(drive_end, brake_end, rate_end, waiting)
    if by_brakes == 0.0:
        return _on_road(state, given, step_s, vehicle, actuators.grip), after_actuators
    after = _on_road(_with_wheel(state, state.steering_rad + by_brakes), given, step_s, vehicle, actuators.grip)
    wheel = state.steering_rad + rate_mean * step_s
    return _with_wheel(after, min(vehicle.steering_max_rad, max(-vehicle.steering_max_rad, wheel))), after_actuators


@kernel
def _with_wheel(state: VehicleState, steering_rad: float) -> VehicleState:
    return VehicleState(state.x_m, state.y_m, state.heading_rad, state.speed_mps, steering_rad, state.acceleration_mps2)


@kernel
def _on_road(state: VehicleState, given: Command, step_s: float, vehicle: VehicleParameters, grip: float) -> VehicleState:
    return step(state, given, step_s, vehicle) if grip >= 1.0 else _step_on_less_grip(state, given, step_s, vehicle, grip)


@kernel
def answer(value: float, wish: float, lag_s: float, slope_max: float, step_s: float) -> tuple[float, float]:
    """Mean over the step and end value of an output that follows a constant wish: first order, its slope limited.

    Closed form of y' = ±min(slope_max, |wish − y| / lag_s): a straight ramp while the wish is far, then the exponential.
    """
    away = wish - value
    ramp_s = 0.0
    if slope_max < math.inf:
        ramp_s = min(step_s, max(0.0, abs(away) / slope_max - lag_s))
    fallen = math.copysign(slope_max * ramp_s, away) if ramp_s > 0.0 else 0.0
    rest_s = step_s - ramp_s
    left = away - fallen
    if lag_s <= 0.0:
        decayed, lagging = (0.0, 0.0) if rest_s > 0.0 else (left, 0.0)
    else:
        decayed = left * math.exp(-rest_s / lag_s)
        lagging = (left - decayed) * lag_s
    missing = (away - 0.5 * fallen) * ramp_s + lagging
    return wish - missing / step_s, wish - decayed


@kernel
def _seen(waiting: npt.NDArray[np.float64], which: int, delay_s: float, step_s: float) -> float:
    """Mean over this step of a command that arrives delay_s late: each was held constant over its step."""
    late = min(delay_s / step_s, len(waiting) - 1.0)
    whole = min(int(late), len(waiting) - 2)
    part = late - whole
    newer, older = float(waiting[whole, which]), float(waiting[whole + 1, which])
    return newer if part == 0.0 else (1.0 - part) * newer + part * older


@kernel
def _step_on_less_grip(state: VehicleState, given: Command, step_s: float, vehicle: VehicleParameters, grip: float) -> VehicleState:
    """Where acceleration and bend together ask for more than the tyres hold, both get the same part of it: a slip has one direction."""
    held = grip * vehicle.braking_max_mps2
    slippery = VehicleParameters(
        vehicle.length_m, vehicle.width_m, vehicle.wheelbase_m, vehicle.rear_axle_m, vehicle.steering_max_rad,
        vehicle.steering_rate_max_radps, vehicle.speed_max_mps, vehicle.speed_switch_mps, vehicle.acceleration_max_mps2,
        held, grip * vehicle.lateral_max_mps2,
    )  # fmt: skip
    wheel = state.steering_rad + given.steering_rate_radps * step_s
    wheel = min(vehicle.steering_max_rad, max(-vehicle.steering_max_rad, wheel))
    acceleration = min(held, max(-held, given.acceleration_mps2))
    lateral = state.speed_mps**2 * math.tan(max(abs(state.steering_rad), abs(wheel))) / vehicle.wheelbase_m
    part = held / max(held, math.hypot(acceleration, lateral * vehicle.braking_max_mps2 / vehicle.lateral_max_mps2))
    begins, ends = math.atan(part * math.tan(state.steering_rad)), math.atan(part * math.tan(wheel))
    after = step(
        VehicleState(state.x_m, state.y_m, state.heading_rad, state.speed_mps, begins, state.acceleration_mps2),
        Command(part * acceleration, (ends - begins) / step_s, given.gear), step_s, slippery,
    )  # fmt: skip
    return VehicleState(after.x_m, after.y_m, after.heading_rad, after.speed_mps, wheel, after.acceleration_mps2)
