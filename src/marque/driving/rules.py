"""The law of the road as forbidden places and times on a line: lights, right of way, crossings, junctions kept clear.

Everything here is laid over the occupancy that predictions alone give: who must be let pass blocks the whole conflict zone with a
reserve of time before and after, not merely the metre where bodies would touch.
"""

from __future__ import annotations

import math
from typing import Any

from marque.common import Bytes, Floats, Ints, Records
from marque.driving.give_way import HARD_MPS2, STOPPED_LANE, decides_later, give_way, hold, no_passages
from marque.driving.hidden import may_step_out
from marque.driving.law import Law, OnRed, lasts_s
from marque.driving.lines import Lines
from marque.driving.map import Colour, MapArrays, Turn
from marque.driving.observation import Kind, Observation
from marque.driving.occupancy import REASON, Occupancy, block
from marque.driving.path import Paths
from marque.driving.predict import STEP_S, STEPS, Predictions, shown
from marque.driving.sirens import let_through
from marque.driving.tracks import CAPACITY
from marque.driving.view import Reason
from marque.vehicle import VehicleParameters, VehicleState, kernel, lean

AMBER_BRAKING_MPS2 = 3.2
"""Amber is obeyed when this deceleration is enough to stop at the line (a comfortable limit; UN R157 calls for no more than 3.7)."""
_DILEMMA_MPS2 = 4.5
"""Braking accepted at amber by who would not get over the line before red."""
_HOPELESS_MPS2 = 9.0
_KERB_M = 1.6
_KERB_WAIT_S = 6.0
"""Somebody who stands at a crossing, or on another part of it, for longer is not waiting for us."""
_BLOCKED = 0.3
_STANDS_S, _SLOW_MPS = 20.0, 6.0
_ROOM_TO_RETURN_M = 6
_SAME_WAY = 0.5
"""Cosine between headings below which somebody who stands in the way is in no queue that leads on."""
_ROOM_CELLS = 2
"""So many cells between two conflict zones, where a car's place already ends, are no place to wait."""
_CRAWLS_MPS, _STARTS_MPS2 = 2.0, 0.3
_QUEUE_M, _RED_QUEUE_M = 10.0, 60.0
"""Who stands so near before a junction, or before a light that is not green, waits there."""
_LONG_WAY_S, _AT_LINE_M = 45.0, 4.0
"""So long it waits, this near to the last place to do so, for a gap in the lane that leads on."""
WAITING, ASTRAY_LANE, AMBER_SIGNAL, AMBER_CYCLES = 1, 2, 3, 4
"""Slots of the rules' memory, beside `give_way.STOPPED_LANE`: cycles spent standing; the lane at whose end it goes astray; the signal ahead
that shows amber, and for how many cycles."""


@lean
def reach_ahead(m: MapArrays, state: VehicleState, vehicle: VehicleParameters, paths: Paths, signals: Bytes, eta: Floats) -> None:
    """eta: (L,) seconds until the car's nose enters each lane of its own path; inf elsewhere and beyond a light that stops it."""
    front = vehicle.rear_axle_m + 0.5 * vehicle.length_m
    for k in range(paths.path[0].lane_count):
        lane = paths.lane[0, k].lane
        away = paths.lane[0, k].start - paths.path[0].rear_s - front
        if away > 0.0 and Colour.RED <= shown(m, lane, signals) <= Colour.AMBER:
            return
        eta[lane] = max(0.0, away) / max(3.0, state.speed_mps)


@lean
def forget_ahead(paths: Paths, eta: Floats) -> None:
    """Undo `reach_ahead`."""
    for k in range(paths.path[0].lane_count):
        eta[paths.lane[0, k].lane] = math.inf


@kernel
def obey(
    m: MapArrays, state: VehicleState, vehicle: VehicleParameters, paths: Paths, lines: Lines, tracks: Records,
    predictions: Predictions, seen: Observation, clear_s: Floats, memory: Ints, timed: bool, until: int, step_s: float, law: Law,
    out: Occupancy,
) -> None:  # fmt: skip
    """Lay the rules over the occupancy of every line.

    clear_s: (conflicts,) until when nobody unseen can be there (`hidden.look_into`).
    timed: the drive is over at its goal, so the end of the map behind it is nobody's dead end. until: before this instant it is not over.
    """
    front = vehicle.rear_axle_m + 0.5 * vehicle.length_m
    memory[WAITING] = memory[WAITING] + 1 if state.speed_mps < 0.5 else 0
    waited_s = memory[WAITING] * step_s
    passages = no_passages()
    _watch_amber(m, paths, seen.signals, memory)
    for i in range(lines.used[0]):
        p = lines.line[i].path
        # Station of the rear axle's cell 0; a line's own length differs from its path's by less than a cell per bend.
        zero = paths.path[p].rear_s
        for k in range(1, paths.path[p].lane_count):
            lane = paths.lane[p, k].lane
            line = paths.lane[p, k - 1].start + m.lanes[paths.lane[p, k - 1].lane].stop_s - zero - front
            if paths.lane[p, k].start + m.lanes[lane].length < zero - 2.0:
                continue
            if line > lines.line[i].cells:
                break
            colour = shown(m, lane, seen.signals)
            turns = colour == Colour.RED and _may_turn(m, lane, line, state, law, memory)
            if not turns:
                amber_s = lasts_s(law.amber, m.lanes[lane].speed_limit) - memory[AMBER_CYCLES] * step_s
                _light(m, lane, line, colour, amber_s, state, lines, i, out)
            if m.lanes[lane].conflict_count > 0:
                let_through(m, lane, line, paths.lane[p, k].start - zero, front, vehicle, lines, i, tracks, predictions, out)
                if colour != Colour.GREEN_PROTECTED:
                    give_way(
                        m,
                        lane,
                        line,
                        paths.lane[p, k].start - zero,
                        front,
                        waited_s,
                        state,
                        vehicle,
                        lines,
                        i,
                        tracks,
                        predictions,
                        clear_s,
                        seen.time_s,
                        passages,
                        turns,
                        memory,
                        out,
                    )
                _keep_clear(m, lane, paths.lane[p, k].start - zero, front, vehicle, lines, i)
        for k in range(paths.path[p].lane_count):
            _crossings(m, paths.lane[p, k].lane, paths.lane[p, k].start - zero, front, state, vehicle, lines, i, tracks, seen, law, out)
        _leave_room(state, lines, i, tracks, out)
        last = paths.path[p].end_s if timed else paths.path[p].hold_s
        if not timed and paths.path[p].astray_s < last and not _goes_astray(paths.path[p], front, memory, step_s):
            last = paths.path[p].astray_s
        if last < math.inf and until > 0:
            hold(last - zero - front, lines, i, 0, until, 1.0, Reason.NO_ROUTE * REASON, out)


@lean
def _goes_astray(path: Any, front: float, memory: Ints, step_s: float) -> bool:
    """Whether the car has waited long enough for a gap beside a lane that leads astray to take the long way round."""
    if path.kind == 0 and memory[WAITING] * step_s > _LONG_WAY_S and path.astray_s - path.rear_s - front < _AT_LINE_M:
        memory[ASTRAY_LANE] = path.astray_lane
    return bool(memory[ASTRAY_LANE] == path.astray_lane)


@lean
def to_pass(
    m: MapArrays, vehicle: VehicleParameters, paths: Paths, lines: Lines, tracks: Records, signals: Bytes, out: Occupancy
) -> bool:  # fmt: skip
    """Whether the first in the way on the middle of the own path may be passed over the other side of the road.

    It stands, or goes on foot or two wheels; behind it (and others like it) there is room to come back; and it is no queue at a junction.
    """
    if lines.used[0] == 0 or lines.line[0].path != 0:
        return False
    first, last, free = -1, -1, 0
    for c in range(lines.line[0].cells):
        if out.risk[0, 0, c] < _BLOCKED or out.why[0, 0, c] // REASON != Reason.FOLLOW:
            free += 1
            if first >= 0 and free >= _ROOM_TO_RETURN_M:
                break
            continue
        slot = out.why[0, 0, c] % REASON
        slow = tracks[slot].kind == Kind.STATIC or tracks[slot].standing_s > _STANDS_S
        if not slow and not (tracks[slot].kind in (Kind.PEDESTRIAN, Kind.BICYCLE) and tracks[slot].speed < _SLOW_MPS):
            return False
        first, last, free = (c if first < 0 else first), c, 0
    if first < 0 or free < _ROOM_TO_RETURN_M:
        return False
    blocking = tracks[out.why[0, 0, last] % REASON]
    if blocking.kind == Kind.STATIC or math.cos(blocking.heading - lines.cell[0, last].heading) < _SAME_WAY:
        return True
    front = vehicle.rear_axle_m + 0.5 * vehicle.length_m
    for k in range(1, paths.path[0].lane_count):
        lane = paths.lane[0, k].lane
        if m.lanes[lane].conflict_count > 0 or m.lanes[lane].signal >= 0:
            line = paths.lane[0, k].start - paths.path[0].rear_s - front
            end = line + m.lanes[lane].length + vehicle.length_m
            reach = _RED_QUEUE_M if Colour.RED <= shown(m, lane, signals) <= Colour.AMBER else _QUEUE_M
            if first < end and last > line - reach:
                return False
    return True


@lean
def _watch_amber(m: MapArrays, paths: Paths, signals: Bytes, memory: Ints) -> None:
    """For how many cycles the next light on the own path has shown amber."""
    for k in range(paths.path[0].lane_count):
        signal = m.lanes[paths.lane[0, k].lane].signal
        if signal >= 0 and paths.lane[0, k].start > paths.path[0].rear_s:
            if signals[signal] != Colour.AMBER:
                signal = -1
            memory[AMBER_CYCLES] = memory[AMBER_CYCLES] + 1 if signal >= 0 and memory[AMBER_SIGNAL] == signal else 0
            memory[AMBER_SIGNAL] = signal
            return


@lean
def _may_turn(m: MapArrays, lane: int, line: float, state: VehicleState, law: Law, memory: Ints) -> bool:
    """Whether the law lets it turn to the near side at red, and it has stopped where the law wants that first."""
    if law.on_red == OnRed.NO or m.lanes[lane].turn != (Turn.RIGHT if law.nearside < 0.0 else Turn.LEFT):
        return False
    if law.on_red == OnRed.AFTER_STOP and memory[STOPPED_LANE] != lane and state.speed_mps < 0.4 and -2.0 < line < 3.0:
        memory[STOPPED_LANE] = lane
    return bool(law.on_red == OnRed.GIVING_WAY or memory[STOPPED_LANE] == lane)


@lean
def _light(
    m: MapArrays, lane: int, line: float, colour: int, amber_s: float, state: VehicleState, lines: Lines, i: int, out: Occupancy
) -> None:  # fmt: skip
    """amber_s: how long the light will still show amber, where it does."""
    if colour < Colour.RED or colour > Colour.AMBER or line < -2.5:
        return
    needed = state.speed_mps * state.speed_mps / (2.0 * max(0.2, line))
    most = _HOPELESS_MPS2
    if colour == Colour.AMBER:
        most = AMBER_BRAKING_MPS2 if line < state.speed_mps * amber_s else _DILEMMA_MPS2
    if needed > most and state.speed_mps > 1.0:
        return
    reason = Reason.AMBER_LIGHT if colour == Colour.AMBER else Reason.RED_LIGHT
    hold(line, lines, i, 0, STEPS, 1.0, reason * REASON + m.lanes[lane].signal, out)


@lean
def _keep_clear(m: MapArrays, lane: int, start: float, front: float, vehicle: VehicleParameters, lines: Lines, i: int) -> None:
    here = m.lanes[lane]
    rear = 0.5 * vehicle.length_m - vehicle.rear_axle_m
    for k in range(here.conflict_first, here.conflict_first + here.conflict_count):
        first, last = int(start + m.conflicts[k].enter_s - front), int(start + m.conflicts[k].leave_s + rear)
        for c in range(max(1, first), min(lines.line[i].cells - 1, last) + 1):
            lines.cell[i, c].keep_clear = 1


@lean
def _leave_room(state: VehicleState, lines: Lines, i: int, tracks: Records, out: Occupancy) -> None:
    """Do not drive into a junction that could not be left again: behind it one who drives the same way stands, and does not start."""
    first = 1
    while first < lines.line[i].cells and not lines.cell[i, first].keep_clear:
        first += 1
    if lines.cell[i, 0].keep_clear or state.speed_mps * state.speed_mps > 2.0 * HARD_MPS2 * (first - 1.0):
        return
    last, gap = first, 0
    for c in range(first, lines.line[i].cells):
        gap = 0 if lines.cell[i, c].keep_clear else gap + 1
        if gap > _ROOM_CELLS:
            break
        last = c
        if out.risk[i, 0, c] < _BLOCKED or out.why[i, 0, c] // REASON != Reason.FOLLOW:
            continue
        slot = out.why[i, 0, c] % REASON
        alike = math.cos(tracks[slot].heading - lines.cell[i, c].heading) > _SAME_WAY
        if alike and abs(tracks[slot].speed) < _CRAWLS_MPS and tracks[slot].acceleration < _STARTS_MPS2:
            block(lines, i, first, last, 0, STEPS, 1.0, Reason.BLOCKED * REASON + slot, out)
            return


@lean
def _crossings(
    m: MapArrays, lane: int, start: float, front: float, state: VehicleState, vehicle: VehicleParameters, lines: Lines, i: int,
    tracks: Records, seen: Observation, law: Law, out: Occupancy,
) -> None:  # fmt: skip
    here = m.lanes[lane]
    for k in range(here.crossing_first, here.crossing_first + here.crossing_count):
        over = m.lane_crossings[k]
        first = int(start + over.enter_s - front - 1.0)
        last = int(start + over.leave_s + 0.5 * vehicle.length_m - vehicle.rear_axle_m + 0.5)
        if last < 0 or first > lines.line[i].cells or start + over.enter_s - front < -0.3:
            continue
        for slot in range(CAPACITY):
            if tracks[slot].seen and tracks[slot].kind == Kind.PEDESTRIAN:
                t_in, t_out = _walks(m, over, tracks, slot, seen.signals, law)
                if t_in <= STEPS:
                    why = Reason.PEDESTRIAN * REASON + slot
                    block(lines, i, max(1, first), last, t_in - int(1.0 / STEP_S), t_out + int(0.4 / STEP_S), 1.0, why, out)
        crossing = m.crossings[over.crossing]
        edge, red = start + over.enter_s - front, crossing.signal >= 0 and seen.signals[crossing.signal] == Colour.RED
        if crossing.priority and not red and not decides_later(edge, state):
            since = may_step_out(m, state, over, seen)
            if since <= STEPS:
                block(lines, i, max(1, int(edge)), last, since, STEPS, 1.0, Reason.HIDDEN * REASON, out)
        for c in range(max(1, first + 1), min(lines.line[i].cells - 1, last) + 1):
            lines.cell[i, c].keep_clear = 1


@lean
def _walks(m: MapArrays, over: Any, tracks: Records, slot: int, signals: Bytes, law: Law) -> tuple[int, int]:
    """Instants at which a pedestrian is on the lane's part of a crossing; (STEPS + 1, −1) for not in sight of it."""
    crossing = m.crossings[over.crossing]
    dx, dy = crossing.x1 - crossing.x0, crossing.y1 - crossing.y0
    length = math.hypot(dx, dy)
    dx, dy = dx / length, dy / length
    px, py = tracks[slot].x - crossing.x0, tracks[slot].y - crossing.y0
    along, beside = px * dx + py * dy, abs(py * dx - px * dy)
    if beside > 0.5 * crossing.width + 1.0 or along < -_KERB_M or along > length + _KERB_M:
        return STEPS + 1, -1
    low, high = over.enter_t - 0.8, over.leave_t + 0.8
    speed = tracks[slot].speed * (math.cos(tracks[slot].heading) * dx + math.sin(tracks[slot].heading) * dy)
    on_it = 0.3 < along < length - 0.3
    if abs(speed) < 0.2:
        if low <= along <= high:
            return 0, STEPS
        red = crossing.signal >= 0 and signals[crossing.signal] == Colour.RED
        if tracks[slot].standing_s < _KERB_WAIT_S and (on_it or (law.kerb_first and crossing.priority and not red)):
            return 0, int(3.0 / STEP_S)
        return STEPS + 1, -1
    t_low, t_high = (low - along) / speed, (high - along) / speed
    if t_low > t_high:
        t_low, t_high = t_high, t_low
    if t_high < 0.0 or t_low > STEPS * STEP_S:
        return STEPS + 1, -1
    return max(0, int(t_low / STEP_S)), int(t_high / STEP_S) + 1
