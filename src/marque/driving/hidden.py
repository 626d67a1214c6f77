"""What one does not see: who may come out of it, how soon, and how fast that lets the car drive.

Nobody is assumed where an eye sees the ground. Where none does, on a lane that must be let pass or beside the own way, somebody may be:
as fast as the law allows on a lane, at a run on foot. What is beyond that is not reckoned with (the reasonable assumptions of
responsibility-sensitive safety; Shalev-Shwartz, Shammah, Shashua 2017, section 4).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from marque.common import Floats, Records
from marque.driving.lines import Lines
from marque.driving.map import Colour, MapArrays, Yield
from marque.driving.map.query import pose_at
from marque.driving.observation import RAYS, Observation
from marque.driving.path import LANES, PATHS, Paths
from marque.driving.predict import STEP_S, STEPS, shown
from marque.driving.tracks import CAPACITY
from marque.vehicle import VehicleParameters, VehicleState, kernel, lean

_SAMPLE_M = 2.0
_AHEAD_M = 60.0
"""Conflicts this near ahead on the path are looked into."""
_BACK_S = 9.0
"""Who needs longer to come is of no interest yet."""
_BRANCHES = 12
_HIDES_M = 3.0
"""A gap in what is seen that is shorter holds no vehicle on its way."""
_UNPOSTED_MPS = 27.8
_CRAWLS_MPS = 3.0
_BODY_M = 0.7
"""Around a vehicle that is known no other vehicle is."""
_SKIN_M = 0.15
_ON_FOOT_MPS = 2.0
"""Who runs out: between Euro NCAP's running child (CPNCO, 5 km/h) and running adult (CPFA, 8 km/h)."""
_REACTS_S, _BRAKING_MPS2 = 0.3, 8.0
_SLOWEST_MPS = 5.0
"""As slow one passes close to what hides somebody; slower helps nobody."""
_ON_FOOT_BELOW_MPS = 17.0
"""Where more is allowed nobody on foot is expected between vehicles."""
_PASSES_MPS = 3.0
"""Nobody is taken to run out close behind a body that drives faster."""
_BESIDE_M = (0.3, 0.7, 1.1, 1.5, 1.9)
_BESIDE_CELLS = 40
_EVERY = 3
"""Cells looked beside."""
_BEFORE_CELLS = 6
_SIGHT_BRAKING_MPS2 = 4.0


@lean
def sees(seen: Observation, state: VehicleState, x: float, y: float) -> bool:
    """Whether any eye sees the ground at a place in the world; always, where perception is perfect."""
    if seen.perfect:
        return True
    cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
    dx, dy = x - state.x_m, y - state.y_m
    return _sees_beside(seen, dx * cos + dy * sin, dy * cos - dx * sin)


@lean
def _sees_beside(seen: Observation, along: float, across: float) -> bool:
    """Whether any eye sees the ground at a place in the car's own frame, m."""
    for e in range(len(seen.eyes)):
        ex, ey = along - seen.eyes[e, 0], across - seen.eyes[e, 1]
        ray = round(math.atan2(ey, ex) * (RAYS / (2.0 * math.pi))) % RAYS
        if ex * ex + ey * ey <= seen.free_m[e, ray] ** 2:
            return True
    return False


@kernel
def surely_seen(seen: Observation) -> Floats:
    """(eyes, 8) m: how far each eye sees at least in each `_octant`, what borders on it included: nearer places need no angle."""
    least = np.full((len(seen.eyes), 8), np.inf)
    for eighth in range(8):
        middle, first = (eighth + 0.5) * 0.25 * math.pi, eighth * (RAYS // 8)
        octant = _octant(math.cos(middle), math.sin(middle))
        for e in range(len(seen.eyes)):
            for ray in range(first - 1, first + RAYS // 8 + 2):
                least[e, octant] = min(least[e, octant], seen.free_m[e, ray % RAYS])
    return least


@lean
def _octant(x: float, y: float) -> int:
    return 4 * int(y < 0.0) + 2 * int(x < 0.0) + int(abs(y) > abs(x))


@lean
def _surely_sees(seen: Observation, surely_m: Floats, along: float, across: float) -> bool:
    """`_sees_beside` where that takes no angle; False says nothing. surely_m: of `surely_seen`."""
    for e in range(len(seen.eyes)):
        ex, ey = along - seen.eyes[e, 0], across - seen.eyes[e, 1]
        if ex * ex + ey * ey <= surely_m[e, _octant(ex, ey)] ** 2:
            return True
    return False


@kernel
def bodies_of(tracks: Records) -> Floats:
    """(n, 7) of everybody who is known: x m, y m, cosine and sine of the heading, half length m, width m, speed m/s."""
    bodies, n = np.empty((CAPACITY, 7)), 0
    for slot in range(CAPACITY):
        if tracks[slot].seen:
            bodies[n, 0], bodies[n, 1], bodies[n, 4] = tracks[slot].x, tracks[slot].y, 0.5 * tracks[slot].length
            bodies[n, 2], bodies[n, 3] = math.cos(tracks[slot].heading), math.sin(tracks[slot].heading)
            bodies[n, 5], bodies[n, 6] = tracks[slot].width, tracks[slot].speed
            n += 1
    return bodies[:n]


@lean
def _who(bodies: Floats, x: float, y: float, around_m: float) -> int:
    """Which body is known to be at a place, or that near to it; −1 for none."""
    for k in range(len(bodies)):
        dx, dy = x - bodies[k, 0], y - bodies[k, 1]
        reach = bodies[k, 4] + around_m
        if dx * dx + dy * dy < reach * reach + bodies[k, 5] ** 2:
            cos, sin = bodies[k, 2], bodies[k, 3]
            if abs(dx * cos + dy * sin) < reach and abs(dy * cos - dx * sin) < 0.5 * bodies[k, 5] + around_m:
                return k
    return -1


@kernel
def look_into(
    m: MapArrays, state: VehicleState, vehicle: VehicleParameters, paths: Paths, bodies: Floats, seen: Observation, clear_s: Floats
) -> None:  # fmt: skip
    """Bring clear_s, (conflicts,), up to date: until when, on the observation's clock, nobody unseen can be at the conflicts ahead.

    bodies: of `bodies_of`.

    What one cycle has seen to be clear remains so: who is hidden now has been hidden before, or has come from there.
    """
    front = vehicle.rear_axle_m + 0.5 * vehicle.length_m
    looked_into, looked = np.empty(PATHS * LANES, np.int64), 0
    for p in range(PATHS):
        if paths.path[p].kind < 0:
            continue
        for k in range(paths.path[p].lane_count):
            away = paths.lane[p, k].start - paths.path[p].rear_s - front
            here = m.lanes[paths.lane[p, k].lane]
            if away > _AHEAD_M:
                break
            own = shown(m, paths.lane[p, k].lane, seen.signals)
            if away + here.length < -front or own == Colour.GREEN_PROTECTED:
                continue
            if paths.lane[p, k].lane in looked_into[:looked]:  # by way of another path
                continue
            looked_into[looked] = paths.lane[p, k].lane
            looked += 1
            for c in range(here.conflict_first, here.conflict_first + here.conflict_count):
                owes = m.conflicts[c].yields
                if owes == Yield.YIELD or owes == Yield.STOP or own == Colour.RED:  # who turns at red lets everybody pass
                    other = shown(m, m.conflicts[c].other, seen.signals)
                    if seen.perfect or Colour.RED <= other <= Colour.AMBER:
                        clear_s[c] = seen.time_s + 2.0 * STEPS * STEP_S
                    else:
                        clear_s[c] = max(clear_s[c], seen.time_s + _earliest(m, state, m.conflicts[c], bodies, seen))


@kernel
def _earliest(m: MapArrays, state: VehicleState, conflict: Any, bodies: Floats, seen: Observation) -> float:
    """Seconds until somebody who is unseen now reaches a conflict zone, back along all lanes that lead there; at most _BACK_S.

    Everyone drives as fast as the law allows lane by lane, or as the one seen ahead of it.
    """
    earliest = _BACK_S
    lanes, ends, most = np.empty(_BRANCHES, np.int32), np.empty(_BRANCHES), np.empty(_BRANCHES)
    # From the zone to here: s and m, and m of what is hidden at the end of it.
    taken, ways, gaps = np.empty(_BRANCHES), np.empty(_BRANCHES), np.empty(_BRANCHES)
    lanes[0], ends[0], most[0], taken[0], ways[0], gaps[0] = conflict.other, conflict.other_enter_s, np.inf, 0.0, 0.0, 0.0
    n = 1
    while n > 0:
        n -= 1
        lane, s, time_s, way, hidden_m, cap = lanes[n], ends[n], taken[n], ways[n], gaps[n], most[n]
        here = m.lanes[lane]
        limit = max(_SLOWEST_MPS, here.speed_limit if here.speed_limit < np.inf else _UNPOSTED_MPS)
        # Where the map ends the road goes on straight.
        start = -np.inf if here.predecessor_count == 0 else 0.0
        hint = -1
        while s > start and hidden_m < _HIDES_M and time_s < earliest:
            x, y, heading, hint = pose_at(m, lane, max(0.0, s), 0.0, hint)
            x, y = x + min(0.0, s) * math.cos(heading), y + min(0.0, s) * math.sin(heading)
            if sees(seen, state, x, y):
                hidden_m = 0.0
            else:
                hidden_m += _SAMPLE_M
                who = _who(bodies, x, y, _BODY_M)
                if who >= 0:  # who comes behind somebody comes no sooner
                    hidden_m = 0.0
                    along = bodies[who, 2] * math.cos(heading) + bodies[who, 3] * math.sin(heading)
                    cap = min(cap, max(_CRAWLS_MPS, bodies[who, 6] * along))
                    time_s = max(time_s, way / cap)
            time_s += _SAMPLE_M / min(limit, cap)
            way += _SAMPLE_M
            s -= _SAMPLE_M
        if hidden_m >= _HIDES_M:
            earliest = min(earliest, max(0.0, time_s - hidden_m / min(limit, cap)))
        elif time_s < earliest:
            for k in range(here.predecessor_first, here.predecessor_first + here.predecessor_count):
                if n < _BRANCHES:
                    lanes[n], ends[n] = m.predecessors[k], m.lanes[m.predecessors[k]].length + s
                    taken[n], ways[n], gaps[n], most[n] = time_s, way, hidden_m, cap
                    n += 1
    return earliest


@lean
def slow_down(
    state: VehicleState, vehicle: VehicleParameters, lines: Lines, bodies: Floats, seen: Observation, surely_m: Floats
) -> None:  # fmt: skip
    """Cut the allowed speeds of every line to what is seen: to stop within sight, and for who may step out close beside the way.

    bodies: of `bodies_of`; surely_m: (eyes, 8) of `surely_seen`.

    Who steps out at a distance beside the car's side is in its way after distance / speed on foot; until then it can have stopped, or
    be past, if it drives no faster than braking · (that time − reaction) · 2: then its stopping distance is what it drives in that time.
    """
    if seen.perfect:
        return
    sight = max(2.0, seen.sight_m - 0.5 * vehicle.length_m - vehicle.rear_axle_m)
    by_sight = math.sqrt(_SIGHT_BRAKING_MPS2 * (2.0 * sight + _SIGHT_BRAKING_MPS2 * _REACTS_S**2)) - _SIGHT_BRAKING_MPS2 * _REACTS_S
    for i in range(lines.used[0]):
        for c in range(lines.line[i].cells):
            lines.cell[i, c].allowed = min(lines.cell[i, c].allowed, by_sight)
    for i in range(lines.used[0]):
        for c in range(0, min(_BESIDE_CELLS, lines.line[i].cells), _EVERY):
            if lines.cell[i, c].limit > _ON_FOOT_BELOW_MPS:
                continue
            clearance = _clearance(state, vehicle, lines.cell[i, c], bodies, seen, surely_m)
            if clearance < np.inf:
                cap = max(_SLOWEST_MPS, 2.0 * _BRAKING_MPS2 * (clearance / _ON_FOOT_MPS - _REACTS_S))
                for k in range(max(0, c - _BEFORE_CELLS), min(lines.line[i].cells, c + _EVERY)):
                    lines.cell[i, k].allowed = min(lines.cell[i, k].allowed, cap)


@lean
def _clearance(
    state: VehicleState, vehicle: VehicleParameters, cell: Any, bodies: Floats, seen: Observation, surely_m: Floats
) -> float:  # fmt: skip
    """From the car's side, with its nose at this cell, to the nearest place beside it that no eye sees, m; inf where all is seen."""
    front = 0.5 * vehicle.length_m
    x, y = cell.body_x + front * cell.ux, cell.body_y + front * cell.uy
    cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
    for beside in _BESIDE_M:
        for side in (1.0, -1.0):
            off = side * (0.5 * vehicle.width_m + beside)
            px, py = x - off * cell.uy, y + off * cell.ux
            dx, dy = px - state.x_m, py - state.y_m
            along, across = dx * cos + dy * sin, dy * cos - dx * sin
            if _surely_sees(seen, surely_m, along, across) or _sees_beside(seen, along, across):
                continue
            if _who(bodies, px, py, _SKIN_M) < 0 and not _passes_by(state, bodies, seen, along, across):
                return beside
    return np.inf


@lean
def _passes_by(state: VehicleState, bodies: Floats, seen: Observation, along: float, across: float) -> bool:
    """Whether a place in the car's frame is hidden from an eye by somebody who drives on: nobody runs out close behind a moving car, and it
    is seen as soon as that one is past.
    """
    cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
    for e in range(len(seen.eyes)):
        ex, ey = along - seen.eyes[e, 0], across - seen.eyes[e, 1]
        away = math.hypot(ex, ey)
        ray = round(math.atan2(ey, ex) * (RAYS / (2.0 * math.pi))) % RAYS
        share = (seen.free_m[e, ray] + _BODY_M) / max(_BODY_M, away)
        ax, ay = seen.eyes[e, 0] + share * ex, seen.eyes[e, 1] + share * ey
        who = _who(bodies, state.x_m + ax * cos - ay * sin, state.y_m + ax * sin + ay * cos, _BODY_M)
        if who >= 0 and abs(bodies[who, 6]) > _PASSES_MPS:
            return True
    return False


@lean
def may_step_out(m: MapArrays, state: VehicleState, over: Any, seen: Observation) -> int:
    """The instant from which somebody unseen beside a crossing may be on a lane's part of it; STEPS + 1 for never."""
    if seen.perfect:
        return STEPS + 1
    crossing = m.crossings[over.crossing]
    dx, dy = crossing.x1 - crossing.x0, crossing.y1 - crossing.y0
    length = math.hypot(dx, dy)
    dx, dy = dx / length, dy / length
    soonest = np.inf
    for along in (-1.0, -0.2, 0.3 * length, 0.7 * length, length + 0.2, length + 1.0):
        away = max(over.enter_t - along, along - over.leave_t)
        if away > 0.0 and not sees(seen, state, crossing.x0 + along * dx, crossing.y0 + along * dy):
            soonest = min(soonest, away / _ON_FOOT_MPS)
    return int(soonest / STEP_S) if soonest < STEPS * STEP_S else STEPS + 1
