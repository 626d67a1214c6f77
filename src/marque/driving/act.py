"""From plan to actuators: the acceleration of the profile, the steering whose curvature the line has one step ahead."""

from __future__ import annotations

import math

from marque.driving.guard import LONGEST, Stop
from marque.driving.lines import CELLS, Lines
from marque.driving.speed import TICK_S, Profiles
from marque.vehicle import Command, VehicleParameters, VehicleState, kernel, lean


@lean
def act(lines: Lines, i: int, profiles: Profiles, row: int, state: VehicleState, step_s: float, vehicle: VehicleParameters) -> Command:
    """The command that is on the line, at the profile's speed, one step later."""
    ticks = step_s / TICK_S
    low = int(ticks + 1e-6)
    part = ticks - low
    v, s = profiles.v[row, low], profiles.s[row, low]
    if part > 1e-6:
        v += part * (profiles.v[row, low + 1] - v)
        s += part * (profiles.s[row, low + 1] - s)
    c = min(CELLS - 2, int(s))
    curvature = lines.cell[i, c].curvature + (s - c) * (lines.cell[i, c + 1].curvature - lines.cell[i, c].curvature)
    return Command((v - state.speed_mps) / step_s, _steer(curvature, state, step_s, vehicle), 1.0)


@lean
def act_stop(stop: Stop, state: VehicleState, step_s: float, vehicle: VehicleParameters) -> Command:
    """Drive on along the stopping trajectory; `stop.now_s` is the instant this command leads to."""
    tick = min(LONGEST - 1, round(stop.now_s[0] / TICK_S))
    s = stop.s[tick]
    c = min(CELLS - 2, int(s))
    curvature = stop.curvature[c] + (s - c) * (stop.curvature[c + 1] - stop.curvature[c])
    return Command((stop.v[tick] - state.speed_mps) / step_s, _steer(curvature, state, step_s, vehicle), 1.0)


@kernel
def _steer(curvature: float, state: VehicleState, step_s: float, vehicle: VehicleParameters) -> float:
    return (math.atan(vehicle.wheelbase_m * curvature) - state.steering_rad) / step_s
