"""Other cars in the place of the simulator's own: the same one cut finer in time, and one whose tyres slip."""

from __future__ import annotations

import math

from marque.vehicle import (
    Actuator,
    Actuators,
    ChassisParameters,
    Command,
    SingleTrackState,
    VehicleParameters,
    VehicleState,
    drive,
    resting,
)
from marque.vehicle.actuators import answer
from marque.vehicle.single_track import step as slipping_step


class FinePlant:
    """The simulator's car with each step of the loop cut into `parts`. `states`: at every part of it, from the first on."""

    def __init__(self, parts: int, step_s: float, vehicle: VehicleParameters, actuators: Actuators) -> None:
        self.parts, self.states = parts, list[VehicleState]()
        self._step_s, self._vehicle, self._actuators = step_s / parts, vehicle, actuators
        self._held = resting(self._step_s)

    def __call__(self, state: VehicleState, command: Command) -> VehicleState:
        if not self.states:
            self.states.append(state)
        for _ in range(self.parts):
            after, self._held = drive(state, self._held, command, self._step_s, self._vehicle, self._actuators)
            state = VehicleState(*after)
            self.states.append(state)
        return state


class SlippingPlant:
    """The single-track model with tyres behind the same actuators. Dead times longer than a step are cut to one."""

    def __init__(self, step_s: float, vehicle: VehicleParameters, chassis: ChassisParameters, actuators: Actuators) -> None:
        self._step_s, self._vehicle, self._chassis = step_s, vehicle, chassis
        self._outputs = [_Output(one, step_s) for one in (actuators.drive, actuators.brake, actuators.steering)]
        self._yaw_rate, self._slip = 0.0, 0.0

    def __call__(self, state: VehicleState, command: Command) -> VehicleState:
        way = -1.0 if state.speed_mps < 0.0 or (state.speed_mps == 0.0 and command.gear < 0.0) else 1.0
        asked = way * command.acceleration_mps2
        wishes = (max(0.0, asked), max(0.0, -asked), command.steering_rate_radps)
        driving, braking, rate = (output.mean(wish) for output, wish in zip(self._outputs, wishes, strict=True))
        speed = state.speed_mps / math.cos(self._slip)
        before = SingleTrackState(state.x_m, state.y_m, state.heading_rad, speed, state.steering_rad, self._yaw_rate, self._slip)
        given = Command(way * (driving - braking), rate, command.gear)
        after = slipping_step(before, given, self._step_s, self._vehicle, self._chassis)
        self._yaw_rate, self._slip = after.yaw_rate_radps, after.slip_rad
        along = after.speed_mps * math.cos(after.slip_rad)
        acceleration = (along - state.speed_mps) / self._step_s
        return VehicleState(after.x_m, after.y_m, after.heading_rad, along, after.steering_rad, acceleration)


class _Output:
    """What an actuator makes of its wishes, step by step."""

    def __init__(self, actuator: Actuator, step_s: float) -> None:
        self._actuator, self._step_s = actuator, step_s
        self._late = min(1.0, actuator.delay_s / step_s)
        self._value = self._before = 0.0

    def mean(self, wish: float) -> float:
        """Over the step that begins with this wish."""
        seen, self._before = self._late * self._before + (1.0 - self._late) * wish, wish
        mean, self._value = answer(self._value, seen, self._actuator.lag_s, self._actuator.slope_max, self._step_s)
        return float(mean)
