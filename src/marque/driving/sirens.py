"""Emergency vehicles with siren and lights on: they are let pass everywhere, and room is made for them.

Sources: StVO § 38 (1), § 11 (2); CVC 21806; Highway Code 219; RTSL 53; Road Traffic Act (Japan) 40. What differs is in `markets`.
"""

from __future__ import annotations

import math
from typing import Any

from marque.common import Records
from marque.driving.law import Law
from marque.driving.lines import Lines
from marque.driving.map import MapArrays
from marque.driving.occupancy import REASON, Occupancy, block
from marque.driving.path import Paths
from marque.driving.predict import STEP_S, STEPS, Predictions
from marque.driving.restrain import Restraint
from marque.driving.tracks import CAPACITY
from marque.driving.view import Reason
from marque.vehicle import VehicleParameters, VehicleState, kernel

_BEFORE_S, _AFTER_S = 2.0, 0.6
_LEAST_CHANCE = 0.1
_COMES_S, _BESIDE_M, _PAST_M = 7.0, 14.0, 8.0
"""One that comes along the same road concerns the car when it is so near in time, no farther beside, and until it is so far past."""
_STEP_M, _BACK_M = 0.25, 0.15
_ALONG = 0.6
"""Cosine between headings, of either sign, from which it drives along the same road."""
_CREEPS_MPS = 4.0
_STOPPING_MPS2 = 1.6
_MOTORWAY_MPS = 22.0
_CRAWLS_MPS, _NEAR_M = 8.4, 50.0
"""At 30 km/h and below traffic is slow enough for a corridor; so near somebody as slow is ahead."""
_CORRIDOR_M, _SIDE_M = 0.7, 0.35
"""So far off the middle of its lane, but no nearer to the border than this."""


@kernel
def make_way(
    m: MapArrays, law: Law, state: VehicleState, vehicle: VehicleParameters, paths: Paths, tracks: Records, ask: Restraint
) -> tuple[Restraint, int]:
    """What is asked of the plan, and what a siren on this road asks besides; and whose siren, its slot, −1 for none.

    To the near side, slowly; to a halt where the law wants that.
    """
    if ask.stop_m < math.inf:
        return ask, -1
    shift = _corridor(m, law, state, vehicle, paths, tracks) if ask.keeps_lane == 0.0 else 0.0
    for slot in range(CAPACITY):
        if tracks[slot].seen and tracks[slot].siren and _comes(tracks[slot], state, vehicle):
            if shift != 0.0:
                break  # the corridor is for it
            stop_m = math.inf
            if law.stops_for_siren:
                stop_m = state.speed_mps * state.speed_mps / (2.0 * _STOPPING_MPS2) + 2.0
            return Restraint(min(ask.speed_mps, _CREEPS_MPS), stop_m, _STOPPING_MPS2, law.nearside, 0.0, 0.0, _STEP_M), slot
    return Restraint(
        ask.speed_mps, ask.stop_m, ask.braking_mps2, ask.aside, ask.keeps_lane, shift, ask.step_m if shift == 0.0 else _STEP_M
    ), -1


@kernel
def _comes(track: Any, state: VehicleState, vehicle: VehicleParameters) -> bool:
    cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
    dx, dy = track.x - state.x_m, track.y - state.y_m
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    same = math.cos(track.heading - state.heading_rad)
    if abs(across) > _BESIDE_M or abs(same) < _ALONG:
        return False
    ahead = along if same > 0.0 else -along  # of the car, seen in the direction in which the siren drives
    return bool(-ahead < max(_CREEPS_MPS, track.speed) * _COMES_S + 0.5 * vehicle.length_m and ahead < _PAST_M)


@kernel
def _corridor(m: MapArrays, law: Law, state: VehicleState, vehicle: VehicleParameters, paths: Paths, tracks: Records) -> float:
    """How far to the left of its lane's middle to keep in slow traffic on a motorway, m."""
    if not law.corridor or state.speed_mps > _CRAWLS_MPS or paths.path[0].lane_count == 0:
        return 0.0
    station = paths.station[0, int(paths.path[0].rear_s)]
    lane = -1
    for k in range(paths.path[0].lane_count):
        if paths.lane[0, k].start <= paths.path[0].rear_s:
            lane = paths.lane[0, k].lane
    if lane < 0 or station.limit < _MOTORWAY_MPS or m.lanes[lane].junction >= 0:
        return 0.0
    near, far = (m.lanes[lane].right, m.lanes[lane].left) if law.nearside < 0.0 else (m.lanes[lane].left, m.lanes[lane].right)
    if near < 0 and far < 0:
        return 0.0
    if not _is_slow_ahead(state, tracks):
        return 0.0
    point = m.points[m.lanes[lane].point_first]
    room = max(0.0, min(point.left_m, point.right_m) - 0.5 * vehicle.width_m - _SIDE_M)
    return float((law.nearside if far >= 0 else -law.nearside) * min(_CORRIDOR_M, room))


@kernel
def _is_slow_ahead(state: VehicleState, tracks: Records) -> bool:
    cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
    for slot in range(CAPACITY):
        if tracks[slot].seen and abs(tracks[slot].speed) < _CRAWLS_MPS:
            dx, dy = tracks[slot].x - state.x_m, tracks[slot].y - state.y_m
            if 0.0 < dx * cos + dy * sin < _NEAR_M and abs(dy * cos - dx * sin) < 2.0:
                return True
    return False


@kernel
def let_through(
    m: MapArrays, lane: int, line: float, start: float, front: float, vehicle: VehicleParameters, lines: Lines, i: int, tracks: Records,
    predictions: Predictions, out: Occupancy,
) -> None:  # fmt: skip
    """A siren goes first at a junction whatever signs and lights say; arguments as in `give_way`."""
    here = m.lanes[lane]
    for mode in range(predictions.used[0]):
        slot = predictions.mode[mode].owner
        if not tracks[slot].siren or predictions.mode[mode].probability < _LEAST_CHANCE:
            continue
        for c in range(here.conflict_first, here.conflict_first + here.conflict_count):
            enter = start + m.conflicts[c].enter_s - front
            if enter < -0.7:
                continue
            t_in, t_out = passes(predictions, mode, m.conflicts[c], 0.5 * tracks[slot].length)
            if t_in <= STEPS:
                hold = line if line > 0.5 else enter
                leave = start + m.conflicts[c].leave_s + 0.5 * vehicle.length_m - vehicle.rear_axle_m + 0.5
                first, last = max(1, math.ceil(hold - 0.8)), int(leave)
                block(
                    lines, i, first, last, t_in - int(_BEFORE_S / STEP_S), t_out + int(_AFTER_S / STEP_S), 1.0,
                    Reason.SIREN * REASON + slot, out,
                )  # fmt: skip


@kernel
def stay_aside(law: Law, slot: int, lines: Lines, out: Occupancy) -> None:
    """While one with a siren comes along the own road no line leads back towards the middle of it."""
    for i in range(lines.used[0]):
        if lines.line[i].path == 0:
            for c in range(1, lines.line[i].cells):
                if -law.nearside * (lines.cell[i, c].offset - lines.cell[i, 0].offset) > _BACK_M:
                    block(lines, i, c, c, 0, STEPS, 1.0, Reason.SIREN * REASON + slot, out)


@kernel
def passes(predictions: Predictions, mode: int, conflict: Any, nose: float) -> tuple[int, int]:
    """First and last instant at which a hypothesis is in the other lane's side of a conflict zone; (STEPS + 1, −1) for never."""
    for j in range(predictions.mode[mode].lane_count):
        if predictions.lane[mode, j].lane != conflict.other:
            continue
        enter = predictions.lane[mode, j].start + conflict.other_enter_s - nose
        leave = predictions.lane[mode, j].start + conflict.other_leave_s + nose
        t_in, t_out = STEPS + 1, -1
        for t in range(STEPS):
            if enter <= predictions.at[mode, t].travelled <= leave:
                t_in = min(t_in, t)
                t_out = t
        return t_in, t_out
    return STEPS + 1, -1
