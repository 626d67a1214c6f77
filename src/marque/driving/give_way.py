"""Who is let pass before the car drives into a conflict: those who are seen, and those who may be hidden."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from marque.common import Floats, Ints, Records
from marque.driving.lines import Lines
from marque.driving.map import MapArrays, Meeting, Yield
from marque.driving.occupancy import REASON, Occupancy, block
from marque.driving.predict import MODES, STEP_S, STEPS, Predictions
from marque.driving.sirens import passes
from marque.driving.view import Reason
from marque.vehicle import VehicleParameters, VehicleState, kernel, lean

HARD_MPS2 = 4.0
"""Braking that is still accepted to stop at a line."""
_LINE_GAP_M = 0.8
_BEFORE_S = 1.2
_BEFORE_MERGE_S = 1.8
_AFTER_S = 0.4
_LIKELY = 0.12
"""Hypotheses less probable are not let pass."""
_PATIENCE_S = 8.0
"""After so long at a line the reserve before somebody else's arrival shrinks to _BEFORE_IMPATIENT_S."""
_BEFORE_IMPATIENT_S = 0.5
WAITS_S = 2.0
"""Who has stood outside a conflict for so long waits for somebody; when it sets off it will be seen."""
_BEFORE_UNSEEN_S = 0.6
_UNSEEN_PATIENCE = 0.3
"""With every second that it stands, one unseen is taken to be this much later: he sees a car's nose, too."""
_CREPT_M = -0.3
_DECIDES_MPS2, _DECIDES_S, _DECIDES_M = 2.0, 0.5, 3.0
"""Until it takes this braking, after this time, to stop so far before who may be hidden, the car drives on: it will see more."""
STOPPED_LANE = 0
"""Slot of the rules' memory: the lane before which the car has stopped as a sign or a red light asks."""


class Passages(NamedTuple):
    """Who passes through the other side of which conflicts, and when."""

    used: Ints  # (1,) so many conflicts are known
    conflict: Ints  # (n,) their indices
    first: Ints  # (n + 1,) into passage
    passage: Ints  # (k, 3) hypothesis, first and last instant


@kernel
def no_passages() -> Passages:
    """Room for those of one cycle."""
    return Passages(np.zeros(1, np.int64), np.empty(128, np.int64), np.zeros(129, np.int64), np.empty((8 * MODES, 3), np.int64))


@lean
def hold(line: float, lines: Lines, i: int, t_first: int, t_last: int, weight: float, why: int, out: Occupancy) -> None:
    """Do not cross a stop line: the cells behind it, as far as anybody could jump."""
    first = math.ceil(line - _LINE_GAP_M)
    block(lines, i, max(1, first), max(1, first) + 30, t_first, t_last, weight, why, out)


@lean
def give_way(
    m: MapArrays, lane: int, line: float, start: float, front: float, waited_s: float, state: VehicleState, vehicle: VehicleParameters,
    lines: Lines, i: int, tracks: Records, predictions: Predictions, clear_s: Floats, now_s: float, passages: Passages, turns: bool,
    memory: Ints, out: Occupancy,
) -> None:  # fmt: skip
    """Right of way on one lane of the path; start: where the lane begins, line: where the nose stops, in cells.

    turns: at red, so that everybody else goes first.
    """
    here = m.lanes[lane]
    for c in range(here.conflict_first, here.conflict_first + here.conflict_count):
        conflict = m.conflicts[c]
        if conflict.yields == Yield.NONE and not turns:
            continue
        enter = start + conflict.enter_s - front
        leave = start + conflict.leave_s + 0.5 * vehicle.length_m - vehicle.rear_axle_m + 0.5
        if enter < -0.7 or leave < 0.0:
            continue
        if conflict.yields == Yield.STOP and memory[STOPPED_LANE] != lane and line > -2.0:
            if state.speed_mps < 0.4 and line < 3.0:
                memory[STOPPED_LANE] = lane
            else:
                hold(line, lines, i, 0, STEPS, 1.0, Reason.STOP_SIGN * REASON, out)
        # Who cannot stop at the line any more may still stop before the conflict itself.
        stoppable = line > -0.5 and state.speed_mps * state.speed_mps < 2.0 * HARD_MPS2 * max(0.5, line)
        stop = line if stoppable else enter
        merging = conflict.meeting == Meeting.MERGE
        before = _BEFORE_IMPATIENT_S if waited_s > _PATIENCE_S else (_BEFORE_MERGE_S if merging else _BEFORE_S)
        known = _who_passes(c, conflict, tracks, predictions, passages)
        for k in range(passages.first[known], passages.first[known + 1]):
            mode, t_in, t_out = passages.passage[k]
            if t_in > 0 and tracks[predictions.mode[mode].owner].standing_s > WAITS_S:
                continue
            nose, owner = enter - _LINE_GAP_M, predictions.mode[mode].owner
            # Stopping before a merge for one way that somebody may go would be standing in another of its ways: then one goes on.
            if merging and not stoppable and stands_in_its_way(m, here, start, front, nose, vehicle, owner, mode, tracks, predictions):
                continue
            if conflict.yields == Yield.ALTERNATE and t_in * STEP_S > max(0.0, line) / max(2.0, state.speed_mps):
                continue
            first = max(1, math.ceil(min(stop, enter) - _LINE_GAP_M))
            why = (Reason.MERGE if merging else Reason.YIELD) * REASON + predictions.mode[mode].owner
            weight = min(1.0, 2.0 * predictions.mode[mode].probability)
            block(lines, i, first, int(leave), t_in - int(before / STEP_S), t_out + int(_AFTER_S / STEP_S), weight, why, out)
        if clear_s[c] > -np.inf:  # looked into
            _give_way_unseen(clear_s[c] - now_s, enter, leave, waited_s, state, lines, i, out)


@lean
def stands_in_its_way(
    m: MapArrays, here: Any, start: float, front: float, nose: float, vehicle: VehicleParameters, owner: int, but: int, tracks: Records,
    predictions: Predictions,
) -> bool:  # fmt: skip
    """Whether the car, with its nose in this cell, stands across a way that somebody may go; but: the hypothesis that does not count.

    here, start: a lane of the path and the cell where it begins. owner: whose ways, a slot of the tracks.
    """
    for c in range(here.conflict_first, here.conflict_first + here.conflict_count):
        conflict = m.conflicts[c]
        begins = start + conflict.enter_s - front
        ends = start + conflict.leave_s + 0.5 * vehicle.length_m - vehicle.rear_axle_m
        if conflict.meeting == Meeting.MERGE or not begins < nose < ends:
            continue
        for mode in range(predictions.first[owner], predictions.first[owner] + predictions.hypotheses[owner]):
            if mode != but and passes(predictions, mode, conflict, 0.5 * tracks[owner].length)[0] <= STEPS:
                return True
    return False


@lean
def _give_way_unseen(
    arrival_s: float, enter: float, leave: float, waited_s: float, state: VehicleState, lines: Lines, i: int, out: Occupancy
) -> None:  # fmt: skip
    """Let pass whom nobody sees: roll over the line to where the zone begins, to see more; there in the end trust to be seen."""
    arrival_s += _UNSEEN_PATIENCE * waited_s
    if arrival_s >= STEPS * STEP_S or enter < _CREPT_M or decides_later(enter, state):
        return
    first = max(1, math.ceil(enter - _LINE_GAP_M))
    since = int(max(0.0, arrival_s - _BEFORE_UNSEEN_S) / STEP_S)
    block(lines, i, first, int(leave), since, STEPS, 1.0, Reason.HIDDEN * REASON, out)


@lean
def decides_later(room: float, state: VehicleState) -> bool:
    """Whether stopping within `room` metres is still so easy that the car drives on: it will see more."""
    v = state.speed_mps
    return bool(room > v * v / (2.0 * _DECIDES_MPS2) + _DECIDES_S * v + _DECIDES_M)


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
            t_in, t_out = passes(predictions, mode, conflict, 0.5 * tracks[predictions.mode[mode].owner].length)
            if t_in <= STEPS:
                out.passage[n, 0], out.passage[n, 1], out.passage[n, 2] = mode, t_in, t_out
                n += 1
    out.conflict[known], out.first[known + 1], out.used[0] = c, n, known + 1
    return int(known)
