"""What others may do: a few hypotheses each, all rolled out together, so that nobody is expected to drive into the one ahead.

Which ways somebody may take is found in `ways`; here it is driven: what was seen of acceleration dies away into following the one ahead
(Treiber, Hennecke, Helbing 2000), bends are taken comfortably, halts are made where the hypothesis says so.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from marque.common import Bytes, Floats, Records
from marque.driving.map import MapArrays
from marque.driving.map.geometry import wrap
from marque.driving.map.query import locate_all, pose_at
from marque.driving.observation import Kind
from marque.driving.tracks import CAPACITY
from marque.driving.ways import (
    HYPOTHESES,
    MODES,
    PLACES,
    STANDS_MPS,
    STEP_S,
    STEPS,
    Predictions,
    along_lanes,
    new_mode,
    no_predictions,
    shown,
    weigh_staying,
)
from marque.vehicle import kernel, lean

__all__ = ["HYPOTHESES", "MODES", "STEPS", "STEP_S", "Predictions", "no_predictions", "predict", "shown", "spread"]

_SURPRISE_TAU_S = 0.7
"""An acceleration seen now dies away with this time constant; how far it is believed at all:"""
_BRAKES_MPS2, _HURRIES_MPS2 = -6.0, 1.2
_HEADWAY_S, _ACCELERATION_MPS2, _COMFORT_BRAKING_MPS2, _JAM_GAP_M = 1.2, 0.9, 0.65, 2.5
"""Of the Intelligent Driver Model."""
_HARDEST_MPS2 = 6.0
_OF_LIMIT, _UNPOSTED_MPS = 0.9, 25.0
"""Traffic wants to go this share of the limit; the limit taken where none is posted."""
_FASTEST_LIMIT_MPS = 40.0
_STEADY_MPS2, _ROLLS_MPS = 0.1, 1.0
"""Who has rolled for some time with hardly any acceleration has the speed it wants."""
_STAYS_S = 30.0
"""Who stands for longer does not set off."""
_OVERLAP_M = 0.3
"""Bodies that overlap by less across the way pass each other."""
_ALIKE = 0.5
"""Cosine between the headings of those who follow each other."""
_OFFSET_TAU_S, _OFFSET_MPS = 3.5, 2.0
"""So soon it comes back to the middle of its lane; below that speed in the way it would drive at it."""
_SOONEST_S, _OFF_M = 1.2, 0.7
"""Who drifts there faster comes sooner, but no sooner than that; for offsets from so much on."""
_TURN_M = 4.0
_COMFORT_LATERAL_MPS2 = 3.0
_BEND_BRAKING_MPS2 = 3.0
_STOPPING_MPS2 = 3.0
_TURNS_S, _TURNS_RADPS = 1.0, 1.0
"""Without a lane a turn is believed to go on for so long, and up to this rate."""
_DRIFTS, _DRIFT_MPS = 0.6, 0.3
"""So probably a cyclist who drifts so fast across its lane goes on drifting."""
_ALONG_M, _ALONG_MPS, _ALONG_MPS2, _ALONG_PS = 0.03, 0.03, 1.7, 0.7
_ACROSS_M, _ACROSS_MPS, _ACROSS_MOVING_MPS, _ACROSS_PS = 0.03, 0.02, 0.27, 0.05


@kernel
def predict(m: MapArrays, tracks: Records, signals: Bytes, ego_eta: Floats, out: Predictions) -> None:
    """Fill `out` from the tracks.

    signals: (S,) `Colour` now. ego_eta: (L,) seconds until the ego reaches the lane on its way, inf for lanes not on it: those who
    owe the ego right of way are expected, but not trusted, to grant it.
    """
    out.used[0] = 0
    _locate(m, tracks, out)
    for slot in range(CAPACITY):
        out.first[slot], out.hypotheses[slot] = -1, 0
        if tracks[slot].seen:
            out.first[slot] = out.used[0]
            kind = tracks[slot].kind
            if kind == Kind.STATIC or (kind not in (Kind.PEDESTRIAN, Kind.UNKNOWN) and tracks[slot].standing_s > _STAYS_S):
                new_mode(tracks[slot], slot, 1.0, 0.0, 0.0, -np.inf, out)
            elif kind == Kind.PEDESTRIAN or not along_lanes(m, tracks, slot, signals, ego_eta, out):
                new_mode(tracks[slot], slot, 1.0, 0.0, 0.0, np.inf, out)
            elif kind == Kind.BICYCLE:
                _ride_on(m, tracks, slot, out)
            out.hypotheses[slot] = out.used[0] - out.first[slot]
    for mode in range(out.used[0]):
        _settle(m, tracks, mode, out)
        _find_leader(m, tracks, mode, out)
    for slot in range(CAPACITY):
        if out.hypotheses[slot] > 0:
            weigh_staying(m, tracks, slot, signals, out)
            _normalise(slot, out)
    for mode in range(out.used[0]):
        if out.motion[mode].leader >= 0:
            out.motion[mode].ahead = _likeliest(out.motion[mode].leader, out)
    for i in range(STEPS):
        for mode in range(out.used[0]):
            out.motion[mode].last_speed = out.motion[mode].speed
            if out.mode[mode].lane_count > 0:
                _place_on_lane(m, tracks, mode, i, out)
            else:
                _place_free(tracks, mode, i, out)
        surprise = math.exp(-i * STEP_S / _SURPRISE_TAU_S)
        for mode in range(out.used[0]):
            _advance(m, tracks, mode, i, surprise, out)


@kernel
def spread(speed: Any, way: Any, t: Any) -> tuple[Any, Any]:
    """Standard deviations (m) along and across a hypothesis, t s > 0 from now, way m from where it starts, for somebody of this speed.

    Part of every prediction: a hypothesis is a Gaussian around its place, in its heading. Who stands and stays hardly spreads.
    """
    moves = np.minimum(1.0, speed + way / t)
    along = _ALONG_M + _ALONG_MPS * t + moves * _ALONG_MPS2 * t * t / (1.0 + _ALONG_PS * t)
    return along, _ACROSS_M + _ACROSS_MPS * t + moves * _ACROSS_MOVING_MPS * t / (1.0 + _ACROSS_PS * t)


@kernel
def _locate(m: MapArrays, tracks: Records, out: Predictions) -> None:
    lanes, s, d = np.empty(PLACES, np.int32), np.empty(PLACES), np.empty(PLACES)
    for slot in range(CAPACITY):
        if tracks[slot].seen:
            out.places[slot] = locate_all(m, tracks[slot].x, tracks[slot].y, lanes, s, d)
            for k in range(out.places[slot]):
                out.place[slot, k].lane, out.place[slot, k].s, out.place[slot, k].d = lanes[k], s[k], d[k]


@kernel
def _ride_on(m: MapArrays, tracks: Records, slot: int, out: Predictions) -> None:
    """Beside the ways along lanes: who rides a bicycle keeps to no lane and may go on as it heads, the more probably the more it drifts."""
    first = out.first[slot]
    place = out.place[slot, 0]
    for k in range(out.places[slot]):
        if out.place[slot, k].lane == out.lane[first, 0].lane:
            place = out.place[slot, k]
    _, _, heading, _ = pose_at(m, place.lane, place.s, 0.0)
    drift = abs(tracks[slot].speed * math.sin(tracks[slot].heading - heading))
    share = _DRIFTS * min(1.0, drift / _DRIFT_MPS)
    if share <= 0.05:
        return
    total = 0.0
    for mode in range(first, out.used[0]):
        total += out.mode[mode].probability
        out.mode[mode].probability *= 1.0 - share
    if out.used[0] - first == HYPOTHESES:
        out.used[0] -= 1
    new_mode(tracks[slot], slot, share * total, 0.0, 0.0, np.inf, out)


@lean
def _normalise(slot: int, out: Predictions) -> None:
    total = 0.0
    for mode in range(out.first[slot], out.first[slot] + out.hypotheses[slot]):
        total += out.mode[mode].probability
    for mode in range(out.first[slot], out.first[slot] + out.hypotheses[slot]):
        out.mode[mode].probability /= total


@lean
def _likeliest(slot: int, out: Predictions) -> int:
    likely = out.first[slot]
    for mode in range(likely, out.first[slot] + out.hypotheses[slot]):
        if out.mode[mode].probability > out.mode[likely].probability:
            likely = mode
    return int(likely)


@lean
def _settle(m: MapArrays, tracks: Records, mode: int, out: Predictions) -> None:
    """How soon a hypothesis comes to the middle of its lane: no later than where it drifts to now."""
    motion, track = out.motion[mode], tracks[out.mode[mode].owner]
    motion.settles = _OFFSET_TAU_S
    if out.mode[mode].lane_count > 0 and abs(motion.offset) > _OFF_M:
        lane = out.lane[mode, 0].lane
        turned = wrap(track.heading - pose_at(m, lane, min(max(0.0, motion.s), m.lanes[lane].length), 0.0)[2])
        drift = abs(track.speed * math.sin(turned)) if motion.offset * turned < 0.0 else 0.0
        motion.settles = max(_SOONEST_S, min(_OFFSET_TAU_S, abs(motion.offset) / max(0.1, drift)))


@lean
def _find_leader(m: MapArrays, tracks: Records, mode: int, out: Predictions) -> None:
    """The nearest one whose body is in the way of this hypothesis and who stands or goes the same way."""
    motion, own = out.motion[mode], tracks[out.mode[mode].owner]
    reach = 40.0 + STEP_S * STEPS * max(0.0, own.speed)
    nearest = np.inf
    for slot in range(CAPACITY):
        other = tracks[slot]
        if out.hypotheses[slot] == 0 or slot == out.mode[mode].owner or (other.x - own.x) ** 2 + (other.y - own.y) ** 2 > reach * reach:
            continue
        for j in range(out.places[slot]):
            place = out.place[slot, j]
            for k in range(out.mode[mode].lane_count):
                if out.lane[mode, k].lane == place.lane:
                    ahead = out.lane[mode, k].start + place.s - motion.first
                    if 0.5 * own.length < ahead < nearest and _is_in_way(m, own, other, place, ahead, motion):
                        nearest, motion.leader, motion.gap = ahead, slot, ahead - 0.5 * (own.length + other.length)
                    break


@lean
def _is_in_way(m: MapArrays, own: Any, other: Any, place: Any, ahead: float, motion: Any) -> bool:
    beside = place.d - motion.offset * math.exp(-ahead / _return_m(motion, own))
    if abs(beside) > 0.5 * (own.width + other.width) - _OVERLAP_M:
        return False
    return bool(other.speed < STANDS_MPS or math.cos(other.heading - pose_at(m, place.lane, place.s, 0.0)[2]) > _ALIKE)


@lean
def _return_m(motion: Any, track: Any) -> float:
    """How far it drives until an offset from the middle of its lane has died away to 1/e; who comes with a siren keeps beside."""
    return np.inf if track.siren else float(motion.settles * max(_OFFSET_MPS, track.speed))


@lean
def _place_on_lane(m: MapArrays, tracks: Records, mode: int, i: int, out: Predictions) -> None:
    """Where the hypothesis is at instant i. Offset and heading across the lane die away with the way driven: who stands stays askew."""
    motion, track, at = out.motion[mode], tracks[out.mode[mode].owner], out.at[mode, i]
    while motion.k < out.mode[mode].lane_count - 1 and motion.s >= out.lane[mode, motion.k + 1].start:
        motion.k += 1
        motion.hint = m.lanes[out.lane[mode, motion.k].lane].point_first
    lane = out.lane[mode, motion.k].lane
    along = motion.s - out.lane[mode, motion.k].start
    inside = min(max(0.0, along), m.lanes[lane].length)
    driven = abs(motion.s - motion.first)
    x, y, heading, hint = pose_at(m, lane, inside, motion.offset * math.exp(-driven / _return_m(motion, track)), motion.hint)
    motion.hint = hint
    at.travelled = motion.s
    if i == 0:
        motion.turned = wrap(track.heading - heading)
        at.x, at.y, at.heading = track.x, track.y, track.heading
        return
    at.x = x + (along - inside) * math.cos(heading)
    at.y = y + (along - inside) * math.sin(heading)
    at.heading = heading + motion.turned * math.exp(-driven / _TURN_M)


@lean
def _place_free(tracks: Records, mode: int, i: int, out: Predictions) -> None:
    """Where it is at instant i without a lane: constant turn for a second, then straight."""
    motion, track, at = out.motion[mode], tracks[out.mode[mode].owner], out.at[mode, i]
    at.travelled = motion.s
    if i == 0:
        at.x, at.y, at.heading = track.x, track.y, track.heading
        return
    before = out.at[mode, i - 1]
    turns = i * STEP_S <= _TURNS_S and abs(track.yaw_rate) < _TURNS_RADPS and motion.stop > 0.0
    at.heading = before.heading + (track.yaw_rate * STEP_S if turns else 0.0)
    at.x = before.x + (motion.s - before.travelled) * math.cos(at.heading)
    at.y = before.y + (motion.s - before.travelled) * math.sin(at.heading)


@lean
def _advance(m: MapArrays, tracks: Records, mode: int, i: int, surprise: float, out: Predictions) -> None:
    """Drive from instant i to the next; surprise: how much of the acceleration seen now is left, 0 … 1."""
    motion, track = out.motion[mode], tracks[out.mode[mode].owner]
    if motion.stop == -np.inf:
        motion.speed = 0.0
    elif motion.speed >= 0.0:
        gap, ahead = _gap(mode, i, out)
        seen = min(_HURRIES_MPS2, max(_BRAKES_MPS2, track.acceleration))
        speed = motion.speed + STEP_S * (
            surprise * seen + (1.0 - surprise) * _following(motion.speed, _wish(m, track, mode, out), gap, ahead)
        )
        if out.mode[mode].lane_count > 0:
            bend = abs(m.points[motion.hint].curvature)
            if bend * speed * speed > _COMFORT_LATERAL_MPS2:
                speed = max(math.sqrt(_COMFORT_LATERAL_MPS2 / bend), speed - _BEND_BRAKING_MPS2 * STEP_S)
        if motion.stop < np.inf:
            speed = min(speed, math.sqrt(2.0 * _STOPPING_MPS2 * max(0.0, motion.stop - motion.s)))
        motion.speed = max(0.0, min(speed, ahead + max(0.0, gap) / STEP_S))
    motion.s += motion.speed * STEP_S


@lean
def _gap(mode: int, i: int, out: Predictions) -> tuple[float, float]:
    """(m, m/s): the room to the one ahead at instant i in its likeliest hypothesis, and how fast that one goes; inf, inf for nobody."""
    likely = out.motion[mode].ahead
    if likely < 0:
        return np.inf, np.inf
    went = out.at[likely, i].travelled - out.at[likely, 0].travelled
    gap = out.motion[mode].gap + went - (out.at[mode, i].travelled - out.at[mode, 0].travelled)
    return float(gap), max(0.0, out.motion[likely].last_speed)


@lean
def _following(speed: float, wish: float, gap: float, ahead: float) -> float:
    """Acceleration of the Intelligent Driver Model, m/s²; gap inf for a free road. Who is faster than it wishes just rolls."""
    free = _ACCELERATION_MPS2 * (1.0 - (speed / max(1.0, wish)) ** 4) if wish > speed else 0.0
    if gap == np.inf:
        return free
    desired = _JAM_GAP_M + max(
        0.0, speed * _HEADWAY_S + speed * (speed - ahead) / (2.0 * math.sqrt(_ACCELERATION_MPS2 * _COMFORT_BRAKING_MPS2))
    )
    return max(-_HARDEST_MPS2, free - _ACCELERATION_MPS2 * (desired / max(0.5, gap)) ** 2)


@lean
def _wish(m: MapArrays, track: Any, mode: int, out: Predictions) -> float:
    """The speed somebody would drive at on a free road: most of the limit, or what it does now if that is all it wants."""
    rolls = track.speed > _ROLLS_MPS
    content = rolls and (track.kind == Kind.BICYCLE or abs(track.trend) < _STEADY_MPS2)
    if out.mode[mode].lane_count == 0 or content:
        return float(max(0.0, track.speed))
    limit = m.lanes[out.lane[mode, 0].lane].speed_limit
    return float(max(track.speed, _OF_LIMIT * (limit if limit < _FASTEST_LIMIT_MPS else _UNPOSTED_MPS)))
