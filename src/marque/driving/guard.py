"""The guard: no command is given that does not leave a verified way to stop.

It does not plan. It takes the planner's candidates in their order and passes the first one that, driven on for at most a few seconds
and then braked fully, comes to rest without touching anyone, even if the one ahead brakes hard. That trajectory is held. If no
candidate passes, the one held since the last cycle is driven on, to standstill if need be; or full braking now, on whichever line,
where that does less harm: what was safe may not be any more.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from marque.common import Floats, Records
from marque.driving.lines import CELLS, LEAVES, LINES, Lines, cell_at
from marque.driving.occupancy import FREE, REASON, Occupancy
from marque.driving.plan import Choice
from marque.driving.predict import STEP_S, STEPS, Predictions
from marque.driving.speed import TICK_S, Profiles
from marque.driving.view import Reason
from marque.vehicle import VehicleParameters, VehicleState, lean, rectangles_touch

BRAKING_MPS2 = 7.5
_LEADER_BRAKING_MPS2 = 7.0
_REACTS_S, _FOLLOWER_BRAKING_MPS2 = 0.35, 7.0
"""What is asked of who is behind where the car changes lanes."""
_SAME_WAY, _CRAWLS_MPS, _HALF_BODY_M = 0.8, 0.5, 2.4
_STANDS_MPS = 0.05
_SURE = 0.3
_TOUCH_M2PS2, _BETTER, _HELD_MARGIN_M = 4.0, 0.7, 0.15
"""A touch at walking pace does harm, too; only what does clearly less is changed to; the reserve around the body on a stop held."""
NOTHING = -1
_WAITS = (0, 5, 10, 18, 27)
"""Ticks of the candidate before braking: a car that is nearly past a danger is safer past it than stopped in it."""
LONGEST = 120


class Stop(NamedTuple):
    """The stopping trajectory held: a line (cells as in `lines`), how far and how fast on it tick by tick, and where in it the car is."""

    curvature: Floats  # (CELLS,)
    s: Floats  # (LONGEST,) m
    v: Floats  # (LONGEST,) m/s
    now_s: Floats  # (1,) time on it; < 0 while none is held


def no_stop() -> Stop:
    return Stop(np.zeros(CELLS), np.zeros(LONGEST), np.zeros(LONGEST), np.full(1, -1.0))


@lean
def _after(profiles: Profiles, row: int, last: int, t: float) -> tuple[float, float]:
    """Place and speed at time t of: the profile up to tick `last`, then full braking."""
    tick = int(t / TICK_S + 1e-6)
    if tick < last:
        return profiles.s[row, tick], profiles.v[row, tick]
    v = profiles.v[row, last]
    braked = min(t - last * TICK_S, v / BRAKING_MPS2)
    return profiles.s[row, last] + v * braked - 0.5 * BRAKING_MPS2 * braked * braked, v - BRAKING_MPS2 * braked


@lean
def verify(lines: Lines, profiles: Profiles, occupancy: Occupancy, tracks: Records, i: int, row: int, last: int) -> bool:
    """Whether driving this candidate up to tick `last` and braking fully from there touches nobody and stays on the road."""
    halt = last * TICK_S + profiles.v[row, last] / BRAKING_MPS2
    # Who stands and sets off moves, by however little: else it would creep into somebody by millimetres.
    least = 1 if profiles.v[row, 0] < _STANDS_MPS and profiles.s[row, last] > 0.0 else 0
    for t in range(1, STEPS):
        s, _ = _after(profiles, row, last, t * STEP_S)
        c = max(least, cell_at(s, lines.line[i].cells - 1))
        if occupancy.risk[i, t, c] >= _SURE and not _is_to_brake(occupancy.why[i, t, c], tracks, lines.cell[i, 0], profiles.v[row, 0]):
            return False
        if lines.cell[i, c].outside == LEAVES and lines.cell[i, 0].outside != LEAVES:
            return False
        if t * STEP_S > halt:
            break
    return _leader_may_brake(occupancy, tracks, lines, i, profiles.s[row, last], profiles.v[row, last])


@lean
def _is_to_brake(why: int, tracks: Records, cell: Any, speed: float) -> bool:
    """Whether what is touched comes from behind the same way and could stop behind us though we brake fully now: then it has to.

    Source: Shalev-Shwartz, Shammah, Shashua 2017, definition 1, for who changes lanes in front of somebody.
    """
    if why // REASON != Reason.FOLLOW:
        return False
    other = tracks[why % REASON]
    if (other.speed < speed and other.speed < _CRAWLS_MPS) or math.cos(other.heading - cell.heading) < _SAME_WAY:
        return False
    away = (cell.body_x - other.x) * cell.ux + (cell.body_y - other.y) * cell.uy - 0.5 * other.length - _HALF_BODY_M
    stops = other.speed * _REACTS_S + other.speed * other.speed / (2.0 * _FOLLOWER_BRAKING_MPS2) - speed * speed / (2.0 * BRAKING_MPS2)
    return bool(away > max(0.0, stops))


@lean
def _leader_may_brake(occupancy: Occupancy, tracks: Records, lines: Lines, i: int, s: float, v: float) -> bool:
    """RSS's longitudinal rule for the one ahead: if it brakes hard from now on, so can we from (s, v), and do not touch it.

    Source: Shalev-Shwartz, Shammah, Shashua 2017, definition 1, the response time being what passes until (s, v).
    """
    ahead = occupancy.next[i, 0, 0]
    if ahead >= FREE or ahead >= lines.line[i].cells:
        return True
    why = occupancy.why[i, 0, ahead]
    if why // REASON != Reason.FOLLOW:
        return True
    slot = why % REASON
    lead = max(0.0, tracks[slot].speed * math.cos(tracks[slot].heading - lines.cell[i, ahead].heading))
    room = ahead + lead * lead / (2.0 * _LEADER_BRAKING_MPS2)
    return s + v * v / (2.0 * BRAKING_MPS2) <= room or v <= 0.05


@lean
def guard(
    lines: Lines, profiles: Profiles, occupancy: Occupancy, tracks: Records, choice: Choice, first: int, end: int, step_s: float, stop: Stop
) -> int:
    """The first of the candidates first..end (exclusive) that may be driven, whose stop is held from now on; NOTHING where none may be."""
    soonest = math.ceil(step_s / TICK_S - 1e-6)
    for k in range(first, end):
        if choice.cost[k] == np.inf:
            continue
        i, row = choice.line[k], choice.profile[k]
        for wait in _WAITS:
            if verify(lines, profiles, occupancy, tracks, i, row, soonest + wait):
                _hold(lines, profiles, i, row, soonest + wait, step_s, stop)
                return k
    return NOTHING


@lean
def stop_on(
    lines: Lines, profiles: Profiles, occupancy: Occupancy, tracks: Records, predictions: Predictions, state: VehicleState,
    vehicle: VehicleParameters, step_s: float, stop: Stop,
) -> None:  # fmt: skip
    """No candidate may be driven: go on along the stop held, or hold full braking on the line where that does least harm."""
    if stop.now_s[0] < 0.0:
        return
    least, best = _harm_held(stop, tracks, predictions, state, vehicle), NOTHING
    for i in range(lines.used[0]):
        harm = 0.0
        for t in range(1, STEPS):
            s, v = _after(profiles, LINES, 0, t * STEP_S)
            c = cell_at(s, lines.line[i].cells - 1)
            leaves = lines.cell[i, c].outside == LEAVES and lines.cell[i, 0].outside != LEAVES
            harm = max(harm, max(occupancy.risk[i, t, c], 1.0 if leaves else 0.0) * (_TOUCH_M2PS2 + v * v))
        if harm < _BETTER * least:
            least, best = harm, i
    if best == NOTHING:
        stop.now_s[0] += step_s
    else:
        _hold(lines, profiles, best, LINES, 0, step_s, stop)


@lean
def _harm_held(stop: Stop, tracks: Records, predictions: Predictions, state: VehicleState, vehicle: VehicleParameters) -> float:
    """Greatest probability × (speed² + something) with which the stop held would touch somebody, driven on from here, m²/s²."""
    heading, harm = state.heading_rad, 0.0
    x, y = state.x_m - vehicle.rear_axle_m * math.cos(heading), state.y_m - vehicle.rear_axle_m * math.sin(heading)
    first = min(LONGEST - 1, round(stop.now_s[0] / TICK_S))
    half_length, half_width = 0.5 * vehicle.length_m + _HELD_MARGIN_M, 0.5 * vehicle.width_m + _HELD_MARGIN_M
    ticks = round(STEP_S / TICK_S)
    for t in range(1, STEPS):
        for tick in range(first + (t - 1) * ticks, first + t * ticks):
            if tick + 1 < LONGEST:
                way = stop.s[tick + 1] - stop.s[tick]
                heading += way * stop.curvature[min(CELLS - 1, int(stop.s[tick]))]
                x, y = x + way * math.cos(heading), y + way * math.sin(heading)
        ux, uy = math.cos(heading), math.sin(heading)
        v, risk = stop.v[min(LONGEST - 1, first + t * ticks)], 0.0
        body_x, body_y = x + vehicle.rear_axle_m * ux, y + vehicle.rear_axle_m * uy
        for mode in range(predictions.used[0]):
            track, at = tracks[predictions.mode[mode].owner], predictions.at[mode, t]
            dx, dy = at.x - body_x, at.y - body_y
            reach = half_length + half_width + 0.5 * (track.length + track.width)
            if dx * dx + dy * dy < reach * reach and rectangles_touch(
                dx, dy, ux, uy, half_length, half_width, math.cos(at.heading), math.sin(at.heading), 0.5 * track.length, 0.5 * track.width
            ):
                risk = min(1.0, risk + predictions.mode[mode].weight)
        harm = max(harm, risk * (_TOUCH_M2PS2 + v * v))
    return harm


@lean
def _hold(lines: Lines, profiles: Profiles, i: int, row: int, last: int, step_s: float, stop: Stop) -> None:
    cells = lines.line[i].cells
    for c in range(CELLS):
        stop.curvature[c] = lines.cell[i, c].curvature if c < cells else 0.0
    for tick in range(LONGEST):
        stop.s[tick], stop.v[tick] = _after(profiles, row, last, tick * TICK_S)
    stop.now_s[0] = step_s
