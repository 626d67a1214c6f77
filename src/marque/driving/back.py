"""Backing out: whoever stands nose to nose with somebody, or where no line leads on, drives back a few metres and lets the other go.

Zones of a junction are no one's for ever: two who have both driven in, each over ground the other needs, wait until one of them goes
back; so do who has crept too far to see and who goes first. And so does a car that has stopped so close to a kerb or a parked car that it
cannot turn away from it.
"""

from __future__ import annotations

import math
from typing import Any

from marque.common import Floats, Ints, Records
from marque.driving.give_way import WAITS_S, stands_in_its_way
from marque.driving.lines import Lines
from marque.driving.map import DRIVABLE, MapArrays
from marque.driving.map.query import on_road
from marque.driving.observation import Kind
from marque.driving.occupancy import REASON, Occupancy
from marque.driving.path import STATIONS, Paths
from marque.driving.predict import STEP_S, STEPS, Predictions
from marque.driving.rules import WAITING
from marque.driving.view import Reason
from marque.vehicle import Command, VehicleParameters, VehicleState, lean, rectangles_touch

PHASE, LEFT, REST, OTHER, SLOTS = 0, 1, 2, 3, 4
"""Slots of the manoeuvre's memory: phase; metres or seconds left of it; seconds until the next one; whom it makes room for, a track."""
DRIVES, BACKS, MAKES_ROOM = 0.0, 1.0, 2.0
_AFTER_S, _SPREAD_S = 12.0, 12.0
_STANDS_S = 10.0
_CLOSE_CELLS, _FREE_CELLS = 4, 10
_FACING_ALIKE, _BESIDE_M = 0.5, 1.3
"""Who faces the same way, by the cosine between the headings, and does not stand so far beside, stands in the same queue."""
_FARTHEST_M, _LEAST_M = 6.0, 0.8
_SPEED_MPS, _ACCELERATION_MPS2, _BRAKING_MPS2 = 1.2, 0.8, 4.0
_CREEPS_MPS = 0.1
"""Who creeps no faster stands, as far as making room is concerned."""
_SIDE_MARGIN_M, _REAR_MARGIN_M, _FRONT_MARGIN_M = 0.35, 1.0, 0.02
_TO_WAITING_M = 0.5
"""Who waits (`give_way.WAITS_S`) stays until it is seen to set off, and is driven back to as near as that."""
_GIVES_WAY_S, _RESTS_S = 9.0, 12.0
_TICK_M = 0.2
_BENDS_BACK, _TURNS_BACK = 0.25, 1.0
"""Curvature per metre beside the path (ω², with ω = 0.5/m) and per radian of heading (2ω): critically damped along the way back."""
_TURNED_RAD = 0.06
_NOBODY, _QUEUE = -1, -2


@lean
def back_out(
    m: MapArrays, state: VehicleState, vehicle: VehicleParameters, paths: Paths, lines: Lines, tracks: Records, predictions: Predictions,
    occupancy: Occupancy, waits: Ints, step_s: float, out: Floats,
) -> None:  # fmt: skip
    """Decide at the end of a cycle in which the car goes on standing whether to back out from the next one on.

    waits: the rules' memory. out: (SLOTS,), see PHASE.
    """
    out[REST] = max(0.0, out[REST] - step_s)
    # Two of the same kind must not back out in step: where they stand decides who is first.
    patience = _AFTER_S + _SPREAD_S * abs(math.sin(12.9898 * state.x_m + 78.233 * state.y_m))
    if waits[WAITING] * step_s < patience or out[REST] > 0.0 or abs(state.speed_mps) > _CREEPS_MPS:
        return
    other = _stands_against(m, state, vehicle, paths, tracks, predictions, occupancy) if lines.used[0] > 0 else _NOBODY
    if other == _QUEUE or (other == _NOBODY and not _cornered(lines, occupancy)):
        return
    room = room_behind(m, state, vehicle, paths, tracks, predictions, _FARTHEST_M)
    if room < _LEAST_M:
        out[REST] = 1.0
        return
    out[PHASE], out[LEFT], out[OTHER] = BACKS, room, other


@lean
def _stands_against(
    m: MapArrays, state: VehicleState, vehicle: VehicleParameters, paths: Paths, tracks: Records, predictions: Predictions,
    occupancy: Occupancy,
) -> int:  # fmt: skip
    """Slot of who stands right ahead and not in the same queue; _QUEUE where the car waits for anything else, _NOBODY for nothing."""
    ahead = occupancy.next[0, 0, 0]
    if ahead > _CLOSE_CELLS:
        return _NOBODY
    slot, why = occupancy.why[0, 0, ahead] % REASON, occupancy.why[0, 0, ahead] // REASON
    if why == Reason.YIELD and tracks[slot].standing_s >= _STANDS_S and _is_in_its_way(m, vehicle, paths, slot, tracks, predictions):
        return int(slot)
    if why != Reason.FOLLOW or tracks[slot].standing_s < _STANDS_S:
        return _QUEUE
    aside = (tracks[slot].y - state.y_m) * math.cos(state.heading_rad) - (tracks[slot].x - state.x_m) * math.sin(state.heading_rad)
    queues = math.cos(tracks[slot].heading - state.heading_rad) > _FACING_ALIKE and abs(aside) < _BESIDE_M
    return _QUEUE if queues and tracks[slot].kind != Kind.STATIC else int(slot)


@lean
def _is_in_its_way(
    m: MapArrays, vehicle: VehicleParameters, paths: Paths, slot: int, tracks: Records, predictions: Predictions
) -> bool:  # fmt: skip
    """Whether the car stands where somebody has to pass: it has crept too far to see, and whom it lets go first cannot."""
    front = vehicle.rear_axle_m + 0.5 * vehicle.length_m
    for k in range(paths.path[0].lane_count):
        here, start = m.lanes[paths.lane[0, k].lane], paths.lane[0, k].start - paths.path[0].rear_s
        if stands_in_its_way(m, here, start, front, 0.0, vehicle, slot, _NOBODY, tracks, predictions):
            return True
    return False


@lean
def _cornered(lines: Lines, occupancy: Occupancy) -> bool:
    """Whether no line leads on, or nothing is in the way for some metres: then it is the road that leaves no room to turn."""
    if lines.used[0] > 0:
        for t in range(0, STEPS, 5):
            if occupancy.next[0, t, 0] <= _FREE_CELLS:
                return False
    return True


@lean
def drive_back(
    m: MapArrays, state: VehicleState, vehicle: VehicleParameters, paths: Paths, tracks: Records, predictions: Predictions,
    step_s: float, out: Floats,
) -> Command:  # fmt: skip
    """One cycle of the manoeuvre: back along the path while it is free behind, then stand until the other has gone or does not go."""
    if out[PHASE] == BACKS:
        room = min(out[LEFT], room_behind(m, state, vehicle, paths, tracks, predictions, out[LEFT]))
        if room < _TICK_M and state.speed_mps > -0.05:
            out[PHASE], out[LEFT] = MAKES_ROOM, _GIVES_WAY_S if out[OTHER] >= 0.0 else 0.0
        else:
            path = paths.path[0]
            steering = math.atan(vehicle.wheelbase_m * _curvature(paths, vehicle, path.rear_s, path.rear_d, path.rear_turn))
            rate = (steering - state.steering_rad) / step_s
            speed = -min(_SPEED_MPS, math.sqrt(2.0 * _ACCELERATION_MPS2 * max(0.0, room - 0.5 * _TICK_M)))
            if state.speed_mps > -0.05 and abs(steering - state.steering_rad) > _TURNED_RAD:
                speed = 0.0  # the wheels turn first
            out[LEFT] -= abs(state.speed_mps) * step_s
            change = min(_BRAKING_MPS2, max(-_ACCELERATION_MPS2, (speed - state.speed_mps) / step_s))
            return Command(change, rate, -1.0)
    out[LEFT] -= step_s
    slot = int(out[OTHER])
    if out[LEFT] <= 0.0 or not tracks[slot].seen or tracks[slot].speed > 0.5:
        out[PHASE], out[REST] = DRIVES, _RESTS_S
    return Command(-state.speed_mps / step_s, 0.0, 1.0)


@lean
def _curvature(paths: Paths, vehicle: VehicleParameters, s: float, d: float, turn: float) -> float:
    """Curvature of the rear axle's way that leads back onto the path when driven backwards: d'' = 2ω·turn − ω²·d per metre driven."""
    base = min(max(0, int(s)), STATIONS - 1)
    most = 0.9 * math.tan(vehicle.steering_max_rad) / vehicle.wheelbase_m
    wanted = paths.station[0, base].curvature + _TURNS_BACK * turn - _BENDS_BACK * d
    return float(min(most, max(-most, wanted)))


@lean
def room_behind(
    m: MapArrays, state: VehicleState, vehicle: VehicleParameters, paths: Paths, tracks: Records, predictions: Predictions, farthest: float
) -> float:  # fmt: skip
    """Metres, at most `farthest`, that the car can drive back along its path without touching anyone or leaving the road."""
    if paths.path[0].kind < 0:
        return 0.0
    x, y = state.x_m - vehicle.rear_axle_m * math.cos(state.heading_rad), state.y_m - vehicle.rear_axle_m * math.sin(state.heading_rad)
    heading, s, d, turn = state.heading_rad, paths.path[0].rear_s, paths.path[0].rear_d, paths.path[0].rear_turn
    off = _rear_outside(m, x, y, heading, vehicle)
    driven = 0.0
    while driven < farthest:
        if s < 1.0:
            break
        curvature = _curvature(paths, vehicle, s, d, turn)
        x -= _TICK_M * math.cos(heading)
        y -= _TICK_M * math.sin(heading)
        heading -= _TICK_M * curvature
        s -= _TICK_M * math.cos(turn)
        d -= _TICK_M * math.sin(turn)
        turn -= _TICK_M * (curvature - paths.station[0, int(s)].curvature)
        if not off and _rear_outside(m, x, y, heading, vehicle):
            break
        if _touched(x, y, heading, 1.0 + (driven + _TICK_M) / _SPEED_MPS, vehicle, tracks, predictions):
            break
        driven += _TICK_M
    return driven


@lean
def _rear_outside(m: MapArrays, x: float, y: float, heading: float, vehicle: VehicleParameters) -> bool:
    ux, uy = math.cos(heading), math.sin(heading)
    back, half = vehicle.rear_axle_m - 0.5 * vehicle.length_m, 0.5 * vehicle.width_m
    left = on_road(m, x + back * ux - half * uy, y + back * uy + half * ux, DRIVABLE)
    right = on_road(m, x + back * ux + half * uy, y + back * uy - half * ux, DRIVABLE)
    return not (left and right)


@lean
def _touched(
    x: float, y: float, heading: float, within_s: float, vehicle: VehicleParameters, tracks: Records, predictions: Predictions
) -> bool:
    """Whether somebody may touch the body here until then: those behind with a reserve, those ahead by the paint."""
    ux, uy = math.cos(heading), math.sin(heading)
    x, y = x + vehicle.rear_axle_m * ux, y + vehicle.rear_axle_m * uy
    last = min(STEPS - 1, math.ceil(within_s / STEP_S))
    for mode in range(predictions.used[0]):
        track = tracks[predictions.mode[mode].owner]
        if math.hypot(track.x - x, track.y - y) > 40.0:
            continue
        for t in range(last + 1 if track.standing_s < WAITS_S else 1):
            if _meets(predictions.at[mode, t], track, x, y, ux, uy, vehicle):
                return True
    return False


@lean
def _meets(at: Any, track: Any, x: float, y: float, ux: float, uy: float, vehicle: VehicleParameters) -> bool:
    dx, dy = at.x - x, at.y - y
    behind = dx * ux + dy * uy < 0.25 * vehicle.length_m
    reserve = _REAR_MARGIN_M if track.standing_s < WAITS_S else _TO_WAITING_M
    length_margin = reserve if behind else _FRONT_MARGIN_M
    width_margin = _SIDE_MARGIN_M if behind else _FRONT_MARGIN_M
    return bool(
        rectangles_touch(
            dx, dy, ux, uy, 0.5 * vehicle.length_m + length_margin, 0.5 * vehicle.width_m + width_margin,
            math.cos(at.heading), math.sin(at.heading), 0.5 * track.length, 0.5 * track.width,
        )
    )  # fmt: skip
