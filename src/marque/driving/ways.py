"""Which ways others may take and how probably: the lanes ahead of them, a change to the next one, a halt at a line.

The figures of probability are fitted to recorded drives (docs/prediction.md); what each means is said where it is used.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from marque.common import Bytes, Floats, Ints, Records
from marque.driving.map import Colour, MapArrays, Road, Turn, Yield
from marque.driving.map.geometry import wrap
from marque.driving.map.query import curvature_at, pose_at, project, width_at
from marque.driving.observation import Kind
from marque.driving.tracks import CAPACITY
from marque.vehicle import kernel, lean

STEP_S = 0.2
STEPS = 31
"""Instants of a prediction: now and 6 s on."""
HYPOTHESES = 3
"""At most so many for one road user."""
CHAIN = 14
"""Lanes of one hypothesis."""
PLACES = 10
"""Lanes that one road user can be on at once, lying across each other in a junction."""
STANDS_MPS = 0.5
_WEIGHED = 8
"""Ways of one road user that are weighed before the likeliest are kept."""
MODES = HYPOTHESES * CAPACITY + _WEIGHED
_LEAST = 0.04
"""Ways less probable are left out."""
_ASTRAY_RAD = 0.9
_OFFSET_M, _TURNED_RAD, _YAW_RATE_RADPS = 2.0, 0.25, 0.4
"""Standard deviations of how somebody keeps to its lane: beside its middle, across its heading, from the yaw rate of its bend."""
_TURN_LOG_ODDS, _TURN_BRAKES, _BACK_LOG_ODDS = 0.9, 0.2, 4.0
"""How much less likely a turn is than going straight on; by how much less for each m/s² of acceleration; and turning back."""
_TURN_RAD, _BACK_RAD = 0.5, 2.5
_MOTOR, _BUSES, _ANYONE = int(Road.CAR | Road.TRUCK), int(Road.BUS), 0xFFFF
_NOT_THEIRS = 100.0  # more than any bend, rad: ways for others come last
_CHANGE_LOG_ODDS, _CHANGE_OFFSET, _CHANGE_DRIFT = -5.0, 3.9, 6.0
"""Of a lane change; by half lane widths off the middle; by half lane widths of drift per second."""
_HALT_LOG_ODDS, _HALT_BRAKES, _HALT_NEEDED, _HALT_MOST_MPS2 = -2.4, 1.3, 0.3, 3.0
"""Of a halt for a reason that is not seen; by m/s² of braking; by m/s² that it would take; and the most that it may take."""
_HALT_LEAST = 0.06
_GO_ALONE, _GO_BEHIND_MOVING, _GO_BEHIND_STANDING = -1.8, 1.7, -0.15
"""Log odds that somebody who stands sets off: with nobody ahead, behind one who moves, behind one who stands."""
_GO_ACCELERATION, _GO_SPEED = 2.8, 1.0
_GO_STOOD, _GO_STOOD_S = 1.0, 4.0
"""Who stands for longer with nobody ahead, and not before a light, has a reason: so much less in log odds for each e-fold."""
_GO_GAP_M = 8.0
_CAN_STOP_MPS2 = 3.8
_GIVES_WAY, _DOES_NOT, _GIVES_WAY_MPS2 = 0.85, 0.55, 1.5
"""So surely is right of way granted; by how much less by who would have to brake ever harder, beyond this and what it does."""
_EGO_NEAR_S = 7.0

MODE = np.dtype([("owner", "i8"), ("probability", "f8"), ("lane_count", "i8"), ("weight", "f8")])
"""owner: slot in the tracks; probability sums to 1 over one owner; lane_count 0 for free movement; weight: see `occupancy.occupy`."""
AT = np.dtype([("x", "f8"), ("y", "f8"), ("heading", "f8"), ("travelled", "f8")])
"""Centre of the body, world frame; travelled: m from the start of the hypothesis's first lane."""
TAKEN = np.dtype([("lane", "i8"), ("start", "f8")])  # a lane on its way, m from the start of the first one
PLACE = np.dtype([("lane", "i8"), ("s", "f8"), ("d", "f8")])  # a lane whose surface holds a road user, and where on it
MOTION = np.dtype(  # of one hypothesis, while it is rolled out
    [
        ("s", "f8"),  # m from the start of the first lane
        ("first", "f8"),  # the same, now
        ("speed", "f8"),
        ("last_speed", "f8"),  # at the instant before: what those behind react to
        ("offset", "f8"),  # from the middle of the first lane, now
        ("turned", "f8"),  # from the lane's heading, now
        ("settles", "f8"),  # s in which its offset falls to 1/e
        ("stop", "f8"),  # where it stops: m from the start of the first lane, inf; −inf where it does not move at all
        ("leader", "i8"),  # slot of the one ahead in its way, −1 for none
        ("ahead", "i8"),  # the likeliest hypothesis of that one
        ("gap", "f8"),  # m between the bodies, now
        ("k", "i8"),  # the lane of its way it is on, and a point of it
        ("hint", "i8"),
    ]
)


class Predictions(NamedTuple):
    """All hypotheses of one cycle; the first `used[0]` hold, those of one owner side by side."""

    used: Ints  # (1,)
    mode: Records  # (MODES,) MODE
    at: Records  # (MODES, STEPS) AT
    lane: Records  # (MODES, CHAIN) TAKEN
    motion: Records  # (MODES,) MOTION
    place: Records  # (CAPACITY, PLACES) PLACE
    places: Ints  # (CAPACITY,)
    first: Ints  # (CAPACITY,) the first hypothesis of each slot, −1 for none
    hypotheses: Ints  # (CAPACITY,) how many it has


def no_predictions() -> Predictions:
    return Predictions(
        np.zeros(1, np.int32),
        np.zeros(MODES, MODE),
        np.zeros((MODES, STEPS), AT),
        np.zeros((MODES, CHAIN), TAKEN),
        np.zeros(MODES, MOTION),
        np.zeros((CAPACITY, PLACES), PLACE),
        np.zeros(CAPACITY, np.int32),
        np.full(CAPACITY, -1, np.int32),
        np.zeros(CAPACITY, np.int32),
    )


@lean
def new_mode(track: Any, slot: int, probability: float, s: float, offset: float, stop: float, out: Predictions) -> int:
    """A hypothesis without lanes, to which lanes may be added."""
    mode = out.used[0]
    out.used[0] += 1
    out.mode[mode].owner, out.mode[mode].probability, out.mode[mode].lane_count = slot, probability, 0
    motion = out.motion[mode]
    motion.s, motion.first, motion.offset, motion.turned, motion.stop = s, s, offset, 0.0, stop
    motion.speed = motion.last_speed = track.speed
    motion.leader, motion.ahead, motion.gap, motion.k, motion.hint = -1, -1, np.inf, 0, -1
    return int(mode)


@kernel
def along_lanes(m: MapArrays, tracks: Records, slot: int, signals: Bytes, ego_eta: Floats, out: Predictions) -> bool:
    """Hypotheses along lanes, the likeliest first; false when no lane explains where the road user is and points."""
    weight, turned, total = np.zeros(PLACES), np.zeros(PLACES), 0.0
    for k in range(out.places[slot]):
        place = out.place[slot, k]
        _, _, heading, _ = pose_at(m, place.lane, place.s, 0.0)
        turned[k] = wrap(tracks[slot].heading - heading)
        if abs(turned[k]) < _ASTRAY_RAD:
            weight[k] = math.exp(-0.5 * (place.d / _OFFSET_M) ** 2 - 0.5 * (turned[k] / _TURNED_RAD) ** 2)
            total += weight[k]
    if total < 1e-7:
        return False
    first = out.used[0]
    for _ in range(PLACES):
        k = int(np.argmax(weight))
        if weight[k] < 0.5 * _LEAST * total:
            break
        if not _on_a_way(out, first, out.place[slot, k].lane):
            _expand(m, tracks[slot], slot, out.place[slot, k], turned[k], weight[k], first, out)
        weight[k] = 0.0
    for mode in range(first, out.used[0]):
        out.mode[mode].probability *= math.exp(_evidence(m, tracks[slot], mode, out))
    _keep_likeliest(out, first)
    _stop_for_signs(m, tracks, slot, first, signals, ego_eta, out)
    if out.used[0] - first < HYPOTHESES and out.motion[first].stop == np.inf:
        _stop_unseen(m, tracks[slot], first, out)
    return True


@lean
def _on_a_way(out: Predictions, first: int, lane: int) -> bool:
    for mode in range(first, out.used[0]):
        for k in range(out.mode[mode].lane_count):
            if out.lane[mode, k].lane == lane:
                return True
    return False


@lean
def _expand(m: MapArrays, track: Any, slot: int, place: Any, turned: float, weight: float, first: int, out: Predictions) -> None:
    """Ways that start on one lane: every way on at a fork, and a change to the next lane where the road user drifts there."""
    here = m.lanes[place.lane]
    left, right = width_at(m, place.lane, place.s)
    keeps = 1.0
    for side in (1.0, -1.0):
        beside, half = (here.left, max(1.0, left)) if side > 0.0 else (here.right, max(1.0, right))
        drift = side * track.speed * math.sin(turned)
        changes = _chance(_CHANGE_LOG_ODDS + (_CHANGE_OFFSET * side * place.d + _CHANGE_DRIFT * drift) / half)
        if beside >= 0 and changes >= _LEAST and out.used[0] - first < _WEIGHED - 1:
            s, d, _ = project(m, beside, track.x, track.y)
            _fork(m, track, slot, beside, min(m.lanes[beside].length, max(0.0, s)), d, weight * changes, first, out)
            keeps -= changes
    _fork(m, track, slot, place.lane, place.s, place.d, weight * max(0.5 * _LEAST, keeps), first, out)


@kernel
def _chance(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))


@lean
def _fork(m: MapArrays, track: Any, slot: int, lane: int, s: float, d: float, weight: float, first: int, out: Predictions) -> None:
    if out.used[0] - first >= _WEIGHED:
        return
    needed = s + 8.0 + max(track.speed, 2.0) * STEP_S * STEPS
    mode = new_mode(track, slot, weight, s, d, np.inf, out)
    out.lane[mode, 0].lane, out.lane[mode, 0].start, out.mode[mode].lane_count = lane, 0.0, 1
    while mode < out.used[0]:
        _grow(m, mode, needed, first, _where_allowed(track.kind), out)
        mode += 1


@lean
def _where_allowed(kind: int) -> int:
    """The `Road` flags of which a lane has one if it is for such road users; all of them where that is anyone's guess."""
    if kind == Kind.CAR or kind == Kind.TRUCK or kind == Kind.MOTORCYCLE:
        return _MOTOR
    return _MOTOR | _BUSES if kind == Kind.BUS else _ANYONE


@lean
def _grow(m: MapArrays, mode: int, needed: float, first: int, users: int, out: Predictions) -> None:
    """Follow successors; at a fork copy the way while there is room, and go on along the straightest.

    users: flags of `Road`; a way on that is for none of them is taken only where there is no other.
    """
    while out.mode[mode].lane_count < CHAIN:
        n = out.mode[mode].lane_count
        here = m.lanes[out.lane[mode, n - 1].lane]
        start = out.lane[mode, n - 1].start + here.length
        if start > needed or here.successor_count == 0:
            return
        best, best_bend = -1, np.inf
        for k in range(here.successor_first, here.successor_first + here.successor_count):
            following = m.lanes[m.successors[k]]
            bend = _bend(m, here, following) + (0.0 if following.road & users else _NOT_THEIRS)
            if bend < best_bend:
                best, best_bend = m.successors[k], bend
        for k in range(here.successor_first, here.successor_first + here.successor_count):
            following = m.successors[k]
            if following == best or not m.lanes[following].road & users or out.used[0] - first >= _WEIGHED:
                continue
            other = _copy(out, mode)
            out.lane[other, n].lane, out.lane[other, n].start, out.mode[other].lane_count = following, start, n + 1
        out.lane[mode, n].lane, out.lane[mode, n].start, out.mode[mode].lane_count = best, start, n + 1


@lean
def _copy(out: Predictions, mode: int) -> int:
    other = out.used[0]
    out.used[0] += 1
    _overwrite(out, other, mode)
    return int(other)


@lean
def _overwrite(out: Predictions, other: int, mode: int) -> None:
    out.mode[other] = out.mode[mode]
    out.motion[other] = out.motion[mode]
    for k in range(out.mode[mode].lane_count):
        out.lane[other, k] = out.lane[mode, k]


@lean
def _evidence(m: MapArrays, track: Any, mode: int, out: Predictions) -> float:
    """Log-likelihood, up to a constant, of this way: how well the turning that is seen fits it, and how common such turns are."""
    bends = curvature_at(m, out.lane[mode, 0].lane, out.motion[mode].s) * track.speed
    evidence = -0.5 * min(9.0, ((track.yaw_rate - bends) / _YAW_RATE_RADPS) ** 2) if track.speed > 1.0 else 0.0
    for k in range(1, out.mode[mode].lane_count):
        before = m.lanes[out.lane[mode, k - 1].lane]
        if before.successor_count > 1:
            after = m.lanes[out.lane[mode, k].lane]
            bend = _bend(m, before, after)
            if bend > _TURN_RAD:
                back = bend > _BACK_RAD or after.turn == Turn.BACK  # some maps lay a turn back in several short lanes
                evidence -= _BACK_LOG_ODDS if back else _TURN_LOG_ODDS + _TURN_BRAKES * track.acceleration
    return float(evidence)


@lean
def _bend(m: MapArrays, before: Any, after: Any) -> float:
    """How far the end of a lane points away from the end of the one before it, rad ≥ 0."""
    end, start = m.points[after.point_first + after.point_count - 1], m.points[before.point_first + before.point_count - 1]
    return abs(wrap(end.heading - start.heading))


@lean
def _keep_likeliest(out: Predictions, first: int) -> None:
    """Of the ways of one road user the HYPOTHESES likeliest, sorted, without those that hardly count."""
    total = 0.0
    for mode in range(first, out.used[0]):
        total += out.mode[mode].probability
    end, spare = out.used[0], out.used[0]
    kept = first
    while kept < min(end, first + HYPOTHESES):
        best = kept
        for mode in range(kept, end):
            if out.mode[mode].probability > out.mode[best].probability:
                best = mode
        if kept > first and out.mode[best].probability < _LEAST * total:
            break
        if best != kept:
            _overwrite(out, spare, kept)
            _overwrite(out, kept, best)
            _overwrite(out, best, spare)
        kept += 1
    out.used[0] = kept


@lean
def _split(out: Predictions, mode: int, stop: float, probability: float) -> None:
    """Beside a hypothesis the one that it stops: with this share of its probability."""
    other = _copy(out, mode)
    out.mode[other].probability *= probability
    out.mode[mode].probability -= out.mode[other].probability
    out.motion[other].stop = stop


@lean
def _stop_unseen(m: MapArrays, track: Any, mode: int, out: Predictions) -> None:
    """The likeliest way again with a halt for what is not seen: who stands stays; who comes to a junction stops at its line."""
    s, v = out.motion[mode].s, track.speed
    if v < STANDS_MPS:
        _split(out, mode, s, 0.5)  # see `weigh_staying`
        return
    for k in range(1, out.mode[mode].lane_count):
        before = m.lanes[out.lane[mode, k - 1].lane]
        room = out.lane[mode, k - 1].start + before.stop_s - 0.5 * track.length - s
        if m.lanes[out.lane[mode, k].lane].conflict_count > 0 and before.conflict_count == 0 and room > 1.0:
            needed = v * v / (2.0 * room)
            halts = _chance(_HALT_LOG_ODDS - _HALT_BRAKES * max(-2.0, min(1.0, track.acceleration)) - _HALT_NEEDED * needed)
            if needed < _HALT_MOST_MPS2 and halts > _HALT_LEAST:
                _split(out, mode, s + room, halts)
            return


@lean
def weigh_staying(m: MapArrays, tracks: Records, slot: int, signals: Bytes, out: Predictions) -> None:
    """Share the probability of somebody who stands between going (its first hypothesis) and staying (its last)."""
    goes, stays = out.first[slot], out.first[slot] + out.hypotheses[slot] - 1
    if tracks[slot].speed >= STANDS_MPS or goes == stays or out.motion[stays].stop != out.motion[stays].first:
        return
    odds = _GO_ALONE - _has_reason(m, tracks[slot], goes, signals, out)
    leader = out.motion[goes].leader
    if leader >= 0 and tracks[leader].speed > STANDS_MPS:
        odds = _GO_BEHIND_MOVING
    elif out.motion[goes].gap < _GO_GAP_M:
        odds = _GO_BEHIND_STANDING
    odds += _GO_ACCELERATION * max(-0.5, min(1.0, tracks[slot].acceleration)) + _GO_SPEED * tracks[slot].speed / STANDS_MPS
    both = out.mode[goes].probability + out.mode[stays].probability
    out.mode[goes].probability = both * _chance(odds)
    out.mode[stays].probability = both - out.mode[goes].probability


@lean
def _has_reason(m: MapArrays, track: Any, mode: int, signals: Bytes, out: Predictions) -> float:
    """By how much a long stand speaks against setting off, log odds; 0 before a light, which was the reason and now is none."""
    for k in range(1, out.mode[mode].lane_count):
        if shown(m, out.lane[mode, k].lane, signals) != Colour.OFF:
            return 0.0
        if m.lanes[out.lane[mode, k].lane].conflict_count > 0:
            break
    return _GO_STOOD * max(0.0, math.log(max(1e-3, track.standing_s) / _GO_STOOD_S))


@lean
def _stop_for_signs(m: MapArrays, tracks: Records, slot: int, first: int, signals: Bytes, ego_eta: Floats, out: Predictions) -> None:
    for mode in range(first, out.used[0]):
        stop, certainty = _stopping_place(m, tracks[slot], mode, signals, ego_eta, out)
        if stop < np.inf and certainty < 1.0 and out.used[0] - first < HYPOTHESES:
            _split(out, mode, np.inf, 1.0 - certainty)
        out.motion[mode].stop = stop


@lean
def _stopping_place(m: MapArrays, track: Any, mode: int, signals: Bytes, ego_eta: Floats, out: Predictions) -> tuple[float, float]:
    """Where on its way a road user is expected to stop (m from the start of its first lane; inf) and how surely.

    For a red light surely; for the ego's right of way likely, if it still can.
    """
    if track.siren:
        return np.inf, 0.0
    s, speed = out.motion[mode].s, max(0.0, track.speed)
    nose = 0.5 * track.length
    for k in range(1, out.mode[mode].lane_count):
        before = m.lanes[out.lane[mode, k - 1].lane]
        here = m.lanes[out.lane[mode, k].lane]
        line = out.lane[mode, k - 1].start + before.stop_s - nose
        room = line - s
        if room < -1.0:
            continue
        needed = speed * speed / (2.0 * max(0.3, room))
        colour = shown(m, out.lane[mode, k].lane, signals)
        if colour == Colour.RED or colour == Colour.RED_AMBER or colour == Colour.AMBER:
            return (max(line, s), 0.97) if needed < _CAN_STOP_MPS2 + 1.0 else (np.inf, 0.0)
        if colour == Colour.GREEN_PROTECTED:
            continue
        for c in range(here.conflict_first, here.conflict_first + here.conflict_count):
            conflict = m.conflicts[c]
            if conflict.yields != Yield.NONE and ego_eta[conflict.other] < _EGO_NEAR_S:
                place = min(line, out.lane[mode, k].start + conflict.enter_s - nose)
                needed = speed * speed / (2.0 * max(0.3, place - s))
                if needed < _CAN_STOP_MPS2 and conflict.yields != Yield.ALTERNATE:
                    late = (needed - max(0.0, -track.acceleration) - _GIVES_WAY_MPS2) / (_CAN_STOP_MPS2 - _GIVES_WAY_MPS2)
                    return max(place, s), _GIVES_WAY - _DOES_NOT * min(1.0, max(0.0, late))
    return np.inf, 0.0


@lean
def shown(m: MapArrays, lane: int, signals: Bytes) -> int:
    """The `Colour` that governs entering a lane now; OFF where there is no light."""
    signal = m.lanes[lane].signal
    return int(signals[signal]) if signal >= 0 else 0
