"""Why the car drives as it does: the constraint that binds its plan, found by asking what the plan keeps its distance from."""

from __future__ import annotations

import math

from marque.common import Floats, Records
from marque.driving.interventions import Interventions, note
from marque.driving.lines import Lines
from marque.driving.observation import Kind
from marque.driving.occupancy import FREE, REASON, Occupancy
from marque.driving.path import Paths
from marque.driving.plan import Choice
from marque.driving.predict import STEPS
from marque.driving.speed import TICK_S, TICKS, Profiles
from marque.driving.view import Reason
from marque.driving.worth import Task, goal_cells
from marque.vehicle import kernel, lean

REASON_SLOT, SUBJECT, DISTANCE, TARGET = 0, 1, 2, 3
_NO_SUBJECT = -1.0
# Plain numbers: a compiled kernel stores them among floats.
_CHANGES = (float(Reason.CRUISE), float(Reason.CHANGE_LEFT), float(Reason.CHANGE_RIGHT))
_CRUISE = float(Reason.CRUISE)
_ARRIVE = float(Reason.ARRIVE)
_SPEED_LIMIT = float(Reason.SPEED_LIMIT)
_CURVE = float(Reason.CURVE)
_EMERGENCY = float(Reason.EMERGENCY)
_OBSTACLE = float(Reason.OBSTACLE)
_PASS = float(Reason.PASS)
_PEDESTRIAN = float(Reason.PEDESTRIAN)
_BACK = float(Reason.BACK)


@lean
def explain(
    lines: Lines, paths: Paths, profiles: Profiles, occupancy: Occupancy, tracks: Records, task: Task, i: int, row: int, out: Floats
) -> None:  # fmt: skip
    """out: (4,) `Reason`, subject (an actor's id or a signal, −1 none), distance m, speed aimed at m/s."""
    last = lines.line[i].cells - 1
    now = profiles.v[row, 0]
    end = profiles.v[row, TICKS - 1]
    out[TARGET] = end
    for t in range(0, STEPS, 2):
        s, v = profiles.s[row, 2 * t], profiles.v[row, 2 * t]
        c = min(last, int(s + 0.5))
        ahead = occupancy.next[i, t, c]
        wish = lines.cell[i, c].allowed
        if ahead < FREE and ahead <= last and ahead - s < 3.5 + 1.6 * v and v < wish - 0.7:
            _name(occupancy.why[i, t, ahead], ahead + 0.0, tracks, out)
            return
    c = min(last, int(profiles.s[row, TICKS - 1] + 0.5))
    out[SUBJECT], out[DISTANCE] = _NO_SUBJECT, profiles.s[row, TICKS - 1]
    kind = paths.path[lines.line[i].path].kind
    if kind != 0:
        out[REASON_SLOT] = _CHANGES[kind]
        return
    if abs(lines.line[i].target) > 1.0:
        for t in range(0, STEPS, 2):
            s = profiles.s[row, 2 * t]
            ahead = occupancy.next[0, t, min(lines.line[0].cells - 1, int(s + 0.5))]
            if ahead < lines.line[0].cells:
                _name(occupancy.why[0, t, ahead], ahead + 0.0, tracks, out)
                out[REASON_SLOT] = _PASS
                return
    if task.timed[0]:
        for goal in range(len(task.windows)):
            first, _ = goal_cells(lines, i, goal)
            if first >= 0:
                out[REASON_SLOT], out[DISTANCE] = _ARRIVE, first
                return
    if lines.cell[i, c].allowed < lines.cell[i, c].limit - 0.7 and now > lines.cell[i, c].allowed - 1.5:
        out[REASON_SLOT] = _CURVE
    elif now > lines.cell[i, 0].limit - 1.0:
        out[REASON_SLOT] = _SPEED_LIMIT
    else:
        out[REASON_SLOT] = _CRUISE


@lean
def _name(why: int, distance: float, tracks: Records, out: Floats) -> None:
    reason, subject = why // REASON, why % REASON
    out[REASON_SLOT], out[DISTANCE] = reason, distance
    if reason == Reason.RED_LIGHT or reason == Reason.AMBER_LIGHT:
        out[SUBJECT] = subject
    elif reason == Reason.STOP_SIGN or reason == Reason.NO_ROUTE or reason == Reason.HIDDEN:
        out[SUBJECT] = _NO_SUBJECT
    else:
        out[SUBJECT] = tracks[subject].id
        if reason == Reason.FOLLOW:
            kind = tracks[subject].kind
            if kind == Kind.PEDESTRIAN:
                out[REASON_SLOT] = _PEDESTRIAN
            elif kind == Kind.STATIC or tracks[subject].standing_s > 20.0:
                out[REASON_SLOT] = _OBSTACLE


@lean
def explain_stop(occupancy: Occupancy, lines: Lines, tracks: Records, out: Floats) -> None:
    """The guard's stopping trajectory is driven: say for whom."""
    out[TARGET] = 0.0
    out[SUBJECT], out[DISTANCE] = _NO_SUBJECT, 0.0
    if lines.used[0] > 0:
        ahead = occupancy.next[0, 0, 0]
        if ahead < lines.line[0].cells:
            _name(occupancy.why[0, 0, ahead], ahead + 0.0, tracks, out)
    out[REASON_SLOT] = _EMERGENCY


@kernel
def note_choice(
    rule: int, lines: Lines, profiles: Profiles, occupancy: Occupancy, choice: Choice, tracks: Records, now_s: float, given_mps2: float,
    log: Interventions,
) -> None:  # fmt: skip
    """Log that something else than the planner's first choice is driven, for whoever is first in the way of that."""
    if choice.cost[0] == math.inf:
        note(log, now_s, rule, -1, math.nan, math.nan, 0.0, given_mps2)
        return
    i, row = choice.line[0], choice.profile[0]
    planned_mps2 = (profiles.v[row, 1] - profiles.v[row, 0]) / TICK_S
    ahead = occupancy.next[i, 0, 0]
    why = occupancy.why[i, 0, ahead] if ahead < lines.line[i].cells else 0
    if why // REASON == Reason.FOLLOW:
        track = tracks[why % REASON]
        note(log, now_s, rule, track.id, track.x, track.y, planned_mps2, given_mps2)
    else:
        note(log, now_s, rule, -1, math.nan, math.nan, planned_mps2, given_mps2)


@lean
def explain_back(tracks: Records, other: int, out: Floats) -> None:
    """It drives back, or has: say for whom; other: a slot of the tracks, −1 for nobody."""
    out[REASON_SLOT], out[SUBJECT], out[DISTANCE], out[TARGET] = _BACK, _NO_SUBJECT, 0.0, 0.0
    if other >= 0:
        out[SUBJECT] = tracks[other].id
