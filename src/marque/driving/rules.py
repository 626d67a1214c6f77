"""The law of the road as forbidden places and times on a line: lights, right of way, crossings, junctions kept clear.

Everything here is laid over the occupancy that predictions alone give: who must be let pass blocks the whole conflict zone with a
reserve of time before and after, not merely the metre where bodies would touch.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from marque.common import Bytes, Floats, Ints, Records
from marque.driving.hidden import may_step_out
from marque.driving.lines import Lines
from marque.driving.map import Colour, MapArrays, Meeting, Yield
from marque.driving.observation import Kind, Observation
from marque.driving.occupancy import REASON, Occupancy, block
from marque.driving.path import Paths
from marque.driving.predict import MODES, STEP_S, STEPS, Predictions, shown
from marque.driving.tracks import CAPACITY
from marque.driving.view import Reason
from marque.vehicle import VehicleParameters, VehicleState, kernel, lean

AMBER_BRAKING_MPS2 = 3.2
"""Amber is obeyed when this deceleration is enough to stop at the line (a comfortable limit; UN R157 calls for no more than 3.7)."""
_HARD_MPS2, _HOPELESS_MPS2 = 4.0, 9.0
_LINE_GAP_M = 0.8
_BEFORE_S = 1.2
_BEFORE_MERGE_S = 1.8
_AFTER_S = 0.4
_LIKELY = 0.12
"""Hypotheses less probable are not let pass."""
_PATIENCE_S = 8.0
"""After so long at a line the reserve before somebody else's arrival shrinks to _BEFORE_IMPATIENT_S."""
_BEFORE_IMPATIENT_S = 0.5
_WAITS_S = 2.0
"""Who has stood outside a conflict for so long waits for somebody; when it sets off it will be seen."""
_BEFORE_UNSEEN_S = 0.6
_UNSEEN_PATIENCE = 0.3
"""With every second that it stands, one unseen is taken to be this much later: he sees a car's nose, too."""
_CREEPS_FROM_M, _CREEPS_MPS, _CREPT_M = 4.0, 2.5, -0.3
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
STOPPED_LANE, WAITING, ASTRAY_LANE = 0, 1, 2
"""Slots of the rules' memory: the lane whose stop sign has been obeyed; cycles spent standing; the lane at whose end it goes astray."""


class Passages(NamedTuple):
    """Who passes through the other side of which conflicts, and when."""

    used: Ints  # (1,) so many conflicts are known
    conflict: Ints  # (n,) their indices
    first: Ints  # (n + 1,) into passage
    passage: Ints  # (k, 3) hypothesis, first and last instant


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
    predictions: Predictions, seen: Observation, clear_s: Floats, memory: Ints, timed: bool, step_s: float, out: Occupancy,
) -> None:  # fmt: skip
    """Lay the rules over the occupancy of every line.

    clear_s: (conflicts,) until when nobody unseen can be there (`hidden.look_into`).
    timed: the drive is over at its goal, so the end of the map behind it is nobody's dead end.
    """
    front = vehicle.rear_axle_m + 0.5 * vehicle.length_m
    memory[WAITING] = memory[WAITING] + 1 if state.speed_mps < 0.5 else 0
    waited_s = memory[WAITING] * step_s
    passages = Passages(np.zeros(1, np.int64), np.empty(128, np.int64), np.zeros(129, np.int64), np.empty((8 * MODES, 3), np.int64))
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
            _light(m, lane, line, colour, state, lines, i, out)
            if m.lanes[lane].conflict_count > 0:
                if colour != Colour.GREEN_PROTECTED:
                    _give_way(
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
                        memory,
                        out,
                    )
                _keep_clear(m, lane, paths.lane[p, k].start - zero, front, vehicle, lines, i)
        for k in range(paths.path[p].lane_count):
            _crossings(m, paths.lane[p, k].lane, paths.lane[p, k].start - zero, front, state, vehicle, lines, i, tracks, seen, out)
        _leave_room(state, lines, i, tracks, out)
        hold = paths.path[p].hold_s
        if paths.path[p].astray_s < hold and not _goes_astray(paths.path[p], front, memory, step_s):
            hold = paths.path[p].astray_s
        if hold < math.inf and not timed:
            _hold(hold - zero - front, lines, i, 0, STEPS, 1.0, Reason.NO_ROUTE * REASON, out)


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
def _light(m: MapArrays, lane: int, line: float, colour: int, state: VehicleState, lines: Lines, i: int, out: Occupancy) -> None:
    if colour < Colour.RED or colour > Colour.AMBER or line < -2.5:
        return
    needed = state.speed_mps * state.speed_mps / (2.0 * max(0.2, line))
    if needed > (AMBER_BRAKING_MPS2 if colour == Colour.AMBER else _HOPELESS_MPS2) and state.speed_mps > 1.0:
        return
    reason = Reason.AMBER_LIGHT if colour == Colour.AMBER else Reason.RED_LIGHT
    _hold(line, lines, i, 0, STEPS, 1.0, reason * REASON + m.lanes[lane].signal, out)


@lean
def _hold(line: float, lines: Lines, i: int, t_first: int, t_last: int, weight: float, why: int, out: Occupancy) -> None:
    """Do not cross a stop line: the cells behind it, as far as anybody could jump."""
    first = math.ceil(line - _LINE_GAP_M)
    block(lines, i, max(1, first), max(1, first) + 30, t_first, t_last, weight, why, out)


@lean
def _give_way(
    m: MapArrays, lane: int, line: float, start: float, front: float, waited_s: float, state: VehicleState, vehicle: VehicleParameters,
    lines: Lines, i: int, tracks: Records, predictions: Predictions, clear_s: Floats, now_s: float, passages: Passages, memory: Ints,
    out: Occupancy,
) -> None:  # fmt: skip
    """Right of way on one lane of the path; start: where the lane begins, line: where the nose stops, in cells."""
    here = m.lanes[lane]
    for c in range(here.conflict_first, here.conflict_first + here.conflict_count):
        conflict = m.conflicts[c]
        if conflict.yields == Yield.NONE:
            continue
        enter = start + conflict.enter_s - front
        leave = start + conflict.leave_s + 0.5 * vehicle.length_m - vehicle.rear_axle_m + 0.5
        if enter < -0.7 or leave < 0.0:
            continue
        if conflict.yields == Yield.STOP and memory[STOPPED_LANE] != lane and line > -2.0:
            if state.speed_mps < 0.4 and line < 3.0:
                memory[STOPPED_LANE] = lane
            else:
                _hold(line, lines, i, 0, STEPS, 1.0, Reason.STOP_SIGN * REASON, out)
        # Who cannot stop at the line any more may still stop before the conflict itself.
        stoppable = line > -0.5 and state.speed_mps * state.speed_mps < 2.0 * _HARD_MPS2 * max(0.5, line)
        hold = line if stoppable else enter
        merging = conflict.meeting == Meeting.MERGE
        before = _BEFORE_IMPATIENT_S if waited_s > _PATIENCE_S else (_BEFORE_MERGE_S if merging else _BEFORE_S)
        known = _who_passes(c, conflict, tracks, predictions, passages)
        for k in range(passages.first[known], passages.first[known + 1]):
            mode, t_in, t_out = passages.passage[k]
            if t_in > 0 and tracks[predictions.mode[mode].owner].standing_s > _WAITS_S:
                continue
            if merging and not stoppable and _stands_in_its_way(m, here, start, front, enter, vehicle, mode, tracks, predictions):
                continue
            if conflict.yields == Yield.ALTERNATE and t_in * STEP_S > max(0.0, line) / max(2.0, state.speed_mps):
                continue
            first = max(1, math.ceil(min(hold, enter) - _LINE_GAP_M))
            why = (Reason.MERGE if merging else Reason.YIELD) * REASON + predictions.mode[mode].owner
            weight = min(1.0, 2.0 * predictions.mode[mode].probability)
            block(lines, i, first, int(leave), t_in - int(before / STEP_S), t_out + int(_AFTER_S / STEP_S), weight, why, out)
        if clear_s[c] > -np.inf:  # looked into
            _give_way_unseen(clear_s[c] - now_s, line, enter, leave, waited_s, state, lines, i, out)


@lean
def _stands_in_its_way(
    m: MapArrays, here: Any, start: float, front: float, enter: float, vehicle: VehicleParameters, mode: int, tracks: Records,
    predictions: Predictions,
) -> bool:  # fmt: skip
    """Whether stopping before a merge, for one way that somebody may go, is standing in another of its ways: then one goes on."""
    owner, nose = predictions.mode[mode].owner, enter - _LINE_GAP_M
    for c in range(here.conflict_first, here.conflict_first + here.conflict_count):
        conflict = m.conflicts[c]
        begins = start + conflict.enter_s - front
        ends = start + conflict.leave_s + 0.5 * vehicle.length_m - vehicle.rear_axle_m
        if conflict.meeting == Meeting.MERGE or not begins < nose < ends:
            continue
        for other in range(predictions.first[owner], predictions.first[owner] + predictions.hypotheses[owner]):
            if other != mode and _passes(predictions, other, conflict, 0.5 * tracks[owner].length)[0] <= STEPS:
                return True
    return False


@lean
def _give_way_unseen(
    arrival_s: float, line: float, enter: float, leave: float, waited_s: float, state: VehicleState, lines: Lines, i: int, out: Occupancy
) -> None:  # fmt: skip
    """Let pass whom nobody sees: from the line on creep to where the zone begins, to see more; there in the end trust to be seen."""
    arrival_s += _UNSEEN_PATIENCE * waited_s
    if arrival_s >= STEPS * STEP_S or enter < _CREPT_M:
        return
    creeps = line < _CREEPS_FROM_M and state.speed_mps < _CREEPS_MPS
    first = max(1, math.ceil((enter if creeps else min(line, enter)) - _LINE_GAP_M))
    since = int(max(0.0, arrival_s - _BEFORE_UNSEEN_S) / STEP_S)
    block(lines, i, first, int(leave), since, STEPS, 1.0, Reason.HIDDEN * REASON, out)


@lean
def _who_passes(c: int, conflict: Any, tracks: Records, predictions: Predictions, out: Passages) -> int:
    """The place of conflict c in `out`, whose passages are worked out where no line has asked for them in this cycle."""
    for known in range(out.used[0]):
        if out.conflict[known] == c:
            return known
    if out.used[0] == len(out.conflict) or out.first[out.used[0]] + predictions.used[0] > len(out.passage):
        out.used[0] = 0  # so much is never asked for at once
    known = out.used[0]
    n = out.first[known]
    for mode in range(predictions.used[0]):
        if predictions.mode[mode].probability >= _LIKELY:
            t_in, t_out = _passes(predictions, mode, conflict, 0.5 * tracks[predictions.mode[mode].owner].length)
            if t_in <= STEPS:
                out.passage[n, 0], out.passage[n, 1], out.passage[n, 2] = mode, t_in, t_out
                n += 1
    out.conflict[known], out.first[known + 1], out.used[0] = c, n, known + 1
    return int(known)


@lean
def _passes(predictions: Predictions, mode: int, conflict: Any, nose: float) -> tuple[int, int]:
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
    if lines.cell[i, 0].keep_clear or state.speed_mps * state.speed_mps > 2.0 * _HARD_MPS2 * (first - 1.0):
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
    tracks: Records, seen: Observation, out: Occupancy,
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
                t_in, t_out = _walks(m, over, tracks, slot, seen.signals)
                if t_in <= STEPS:
                    why = Reason.PEDESTRIAN * REASON + slot
                    block(lines, i, max(1, first), last, t_in - int(1.0 / STEP_S), t_out + int(0.4 / STEP_S), 1.0, why, out)
        crossing = m.crossings[over.crossing]
        if crossing.priority and not (crossing.signal >= 0 and seen.signals[crossing.signal] == Colour.RED):
            since = may_step_out(m, state, over, seen)
            if since <= STEPS:
                block(lines, i, max(1, first), last, since, STEPS, 1.0, Reason.HIDDEN * REASON, out)
        for c in range(max(1, first + 1), min(lines.line[i].cells - 1, last) + 1):
            lines.cell[i, c].keep_clear = 1


@lean
def _walks(m: MapArrays, over: Any, tracks: Records, slot: int, signals: Bytes) -> tuple[int, int]:
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
        if tracks[slot].standing_s < _KERB_WAIT_S and (on_it or (crossing.priority and not red)):
            return 0, int(3.0 / STEP_S)
        return STEPS + 1, -1
    t_low, t_high = (low - along) / speed, (high - along) / speed
    if t_low > t_high:
        t_low, t_high = t_high, t_low
    if t_high < 0.0 or t_low > STEPS * STEP_S:
        return STEPS + 1, -1
    return max(0, int(t_low / STEP_S)), int(t_high / STEP_S) + 1
