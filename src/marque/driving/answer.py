"""The guard's last word: what the answers owed (`responsibility`) leave of a command, logged and explained.

It takes away acceleration, and motion across the road towards somebody; it never adds any.
"""

from __future__ import annotations

import math
from typing import Any

from marque.common import Floats, Records
from marque.driving.explain import DISTANCE, REASON_SLOT, SUBJECT, TARGET
from marque.driving.interventions import RULES, Interventions, Rule, note
from marque.driving.path import STATIONS, Paths
from marque.driving.responsibility import ALONG, ALONG_RULE, LEFT, RIGHT, Duties
from marque.driving.rss import Limits
from marque.driving.view import Reason
from marque.vehicle import Command, VehicleParameters, VehicleState, kernel

_ACROSS_FROM_MPS = 2.0
"""Who is slower does not move across the road."""
_NOTED_MPS2 = 0.3
"""Less is nothing to speak of."""
# Plain numbers: a compiled kernel stores them among floats.
_GUARD_DISTANCE, _GUARD_BESIDE, _GUARD_CROSSING = float(Reason.GUARD_DISTANCE), float(Reason.GUARD_BESIDE), float(Reason.GUARD_CROSSING)


@kernel
def answer(
    asked: Command, left: Limits, paths: Paths, tracks: Records, state: VehicleState, vehicle: VehicleParameters, now_s: float,
    step_s: float, duties: Duties, log: Interventions, reason: Floats,
) -> Command:  # fmt: skip
    """The command that is given; where it is not the one asked for, that is logged and becomes the reason (as in `explain`)."""
    given = restrict(asked, left, paths, state, vehicle, step_s)
    for rule in range(RULES):
        log.watched_s[rule] += step_s * duties.near[rule]
    planned, turns = _turns(asked, state, vehicle, step_s), _turns(given, state, vehicle, step_s)
    target = max(0.0, state.speed_mps + given.acceleration_mps2 * step_s)
    if abs(planned - turns) > _NOTED_MPS2:
        track = tracks[duties.binding[LEFT] if planned > turns else duties.binding[RIGHT]]
        note(log, now_s, Rule.BESIDE, track.id, track.x, track.y, planned, turns)
        _say(_GUARD_BESIDE, track, 0.0, target, reason)
    if asked.acceleration_mps2 - given.acceleration_mps2 > _NOTED_MPS2:
        track, rule = tracks[duties.binding[ALONG]], duties.binding[ALONG_RULE]
        note(log, now_s, rule, track.id, track.x, track.y, asked.acceleration_mps2, given.acceleration_mps2)
        _say(_GUARD_CROSSING if rule == Rule.CROSSING else _GUARD_DISTANCE, track, duties.gap[0], target, reason)
    return given


@kernel
def _say(why: float, track: Any, distance: float, target: float, reason: Floats) -> None:
    reason[REASON_SLOT], reason[SUBJECT], reason[DISTANCE], reason[TARGET] = why, track.id, distance, target


@kernel
def restrict(
    command: Command, left: Limits, paths: Paths, state: VehicleState, vehicle: VehicleParameters, step_s: float
) -> Command:  # fmt: skip
    """The command within the limits: never more acceleration, never more steering towards somebody.

    Across the road the limit is one on acceleration relative to the path; motion across it is braked to 0 and no further, so that the car
    goes on along the path, which does not leave the road.
    """
    if state.speed_mps < 0.0 or command.gear < 0.0:
        return command
    floor = max(-vehicle.braking_max_mps2, -state.speed_mps / step_s)
    acceleration = min(command.acceleration_mps2, max(floor, left.highest_mps2))
    rate = command.steering_rate_radps
    if state.speed_mps >= _ACROSS_FROM_MPS:
        if left.left_mps2 < 0.0:
            rate = min(rate, _steers(1.0, left.left_mps2, paths, state, vehicle, step_s))
        if left.right_mps2 < 0.0:
            rate = max(rate, -_steers(-1.0, left.right_mps2, paths, state, vehicle, step_s))
    return Command(acceleration, rate, command.gear)


@kernel
def _steers(side: float, across_mps2: float, paths: Paths, state: VehicleState, vehicle: VehicleParameters, step_s: float) -> float:
    """The highest steering rate to one side (1 left, −1 right), rad/s to that side, with which motion to it is braked as much as asked."""
    v = state.speed_mps
    towards = side * v * math.sin(paths.path[0].rear_turn)
    base = min(STATIONS - 1, max(0, int(paths.path[0].rear_s)))
    allowed = max(across_mps2, -towards / step_s) if towards > 0.0 else -towards / step_s
    curvature = side * paths.station[0, base].curvature + allowed / (v * v)
    return (math.atan(vehicle.wheelbase_m * curvature) - side * state.steering_rad) / step_s


@kernel
def _turns(command: Command, state: VehicleState, vehicle: VehicleParameters, step_s: float) -> float:
    """Acceleration across the car that a command leads to, m/s², left positive."""
    rate = min(vehicle.steering_rate_max_radps, max(-vehicle.steering_rate_max_radps, command.steering_rate_radps))
    return state.speed_mps * state.speed_mps * math.tan(state.steering_rad + rate * step_s) / vehicle.wheelbase_m
