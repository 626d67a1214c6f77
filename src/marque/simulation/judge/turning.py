"""How far a car can turn in a given time at most: a bound for the judge's proofs."""

from __future__ import annotations

import math

import numpy as np

from marque.vehicle import VehicleParameters, kernel

LONGEST_S = 6.0
"""Beyond it a car can turn as it likes; the bound is not worth its time."""
_SPEEDS = 2048
_TICK_S = 0.05
_GRIP_SLACK = 1.05
"""The judge checks the tyres once per step; within one the wheel may move on."""


@kernel
def most_turning(speed_mps: float, yaw_rate_radps: float, duration_s: float, vehicle: VehicleParameters) -> float:
    """Upper bound, rad, of the heading change in `duration_s` from a speed; no driver of this vehicle turns further.

    The yaw rate is at most speed · tan(steering) / wheelbase, with the steering no further than its actuator can have moved it, and at
    most lateral acceleration / speed by the friction circle. Dynamic programming over cells of speed takes, per tick, the best yaw rate
    that two cells and all speeds between them allow, and counts only the acceleration that lies between them at least. A car that starts
    at rest may have its wheels turned already.
    """
    grip = vehicle.braking_max_mps2 * _GRIP_SLACK
    cell = (min(vehicle.speed_max_mps, speed_mps + vehicle.acceleration_max_mps2 * duration_s) + 1.0) / _SPEEDS
    steering = vehicle.steering_max_rad
    if speed_mps > 0.1:
        steering = min(steering, abs(math.atan(yaw_rate_radps * vehicle.wheelbase_m / speed_mps)))
    best, following = np.full(_SPEEDS, -math.inf), np.empty(_SPEEDS)
    best[min(_SPEEDS - 1, int(speed_mps / cell))] = 0.0
    reach = int(grip * _TICK_S / cell) + 1
    for tick in range(int(math.ceil(duration_s / _TICK_S))):  # noqa: RUF046 - numba's ceil is a float
        angle = min(vehicle.steering_max_rad, steering + vehicle.steering_rate_max_radps * (tick + 1) * _TICK_S)
        bend = math.tan(angle) / vehicle.wheelbase_m
        following[:] = -math.inf
        for i in range(_SPEEDS):
            for j in range(max(0, i - reach), min(_SPEEDS - 1, i + reach) + 1) if best[i] > -math.inf else range(0):
                along = max(0, abs(i - j) - 1) * cell / _TICK_S
                if along <= grip:
                    lateral = math.sqrt(grip * grip - along * along)
                    slow, fast = min(i, j) * cell, (max(i, j) + 1) * cell
                    rate = min(fast * bend, math.sqrt(lateral * bend))
                    if slow > 0.0:
                        rate = min(rate, lateral / slow)
                    following[j] = max(following[j], best[i] + rate * _TICK_S)
        best[:] = following
    return float(best.max())
