"""What others may do: a few hypotheses each, from the lanes under them, the lights before them and whom they must let pass."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Bytes, Floats, Ints, Records
from marque.driving.map import Colour, MapArrays, Turn, Yield
from marque.driving.map.geometry import wrap
from marque.driving.map.query import locate_all, pose_at
from marque.driving.observation import Kind
from marque.driving.tracks import CAPACITY
from marque.vehicle import kernel

STEP_S = 0.2
STEPS = 31
"""Instants of a prediction: now and 6 s on."""
HYPOTHESES = 3
"""At most so many for one road user."""
MODES = HYPOTHESES * CAPACITY
CHAIN = 14
"""Lanes of one hypothesis."""
_SURPRISE_TAU_S = 0.9
"""An acceleration seen now dies away with this time constant."""
_STARTING_TAU_S = 3.0
_STARTS_MPS2, _STARTS_BELOW_MPS = 0.3, 5.0
"""Who accelerates from (nearly) standing goes on doing so for longer."""
_OFFSET_TAU_S, _OFFSET_MPS = 3.5, 2.0
"""So soon it comes back to the middle of its lane; below that speed in the way it would drive at it."""
_TURN_M = 4.0
_COMFORT_LATERAL_MPS2 = 3.0
_STOPPING_MPS2 = 3.0
_CAN_STOP_MPS2 = 3.8
_EGO_NEAR_S = 7.0


MODE = np.dtype([("owner", "i8"), ("probability", "f8"), ("lane_count", "i8"), ("weight", "f8")])
"""owner: slot in the tracks; probability sums to 1 over one owner; lane_count 0 for free movement; weight: see `occupancy.occupy`."""
AT = np.dtype([("x", "f8"), ("y", "f8"), ("heading", "f8"), ("travelled", "f8")])
"""Centre of the body, world frame; travelled: m from the start of the hypothesis's first lane."""
TAKEN = np.dtype([("lane", "i8"), ("start", "f8")])  # a lane on its way, m from the start of the first one


class Predictions(NamedTuple):
    """All hypotheses of one cycle; the first `used[0]` hold."""

    used: Ints  # (1,)
    mode: Records  # (MODES,) MODE
    at: Records  # (MODES, STEPS) AT
    lane: Records  # (MODES, CHAIN) TAKEN


def no_predictions() -> Predictions:
    return Predictions(np.zeros(1, np.int32), np.zeros(MODES, MODE), np.zeros((MODES, STEPS), AT), np.zeros((MODES, CHAIN), TAKEN))


@kernel
def predict(m: MapArrays, tracks: Records, signals: Bytes, ego_eta: Floats, out: Predictions) -> None:
    """Fill `out` from the tracks.

    signals: (S,) `Colour` now. ego_eta: (L,) seconds until the ego reaches the lane on its way, inf for lanes not on it: those who
    owe the ego right of way are expected, but not trusted, to grant it.
    """
    out.used[0] = 0
    for slot in range(CAPACITY):
        if not tracks[slot].seen:
            continue
        kind = tracks[slot].kind
        first = out.used[0]
        if kind == Kind.STATIC or (kind not in (Kind.PEDESTRIAN, Kind.UNKNOWN) and tracks[slot].standing_s > 30.0):
            _stay(tracks, slot, out)
        elif kind == Kind.PEDESTRIAN or not _along_lanes(m, tracks, slot, signals, ego_eta, out):
            _coast(tracks, slot, out)
        total = 0.0
        for mode in range(first, out.used[0]):
            total += out.mode[mode].probability
        for mode in range(first, out.used[0]):
            out.mode[mode].probability /= total


@kernel
def _new_mode(out: Predictions, slot: int, probability: float) -> int:
    mode = out.used[0]
    out.used[0] += 1
    out.mode[mode].owner, out.mode[mode].probability, out.mode[mode].lane_count = slot, probability, 0
    return int(mode)


@kernel
def _stay(tracks: Records, slot: int, out: Predictions) -> None:
    mode = _new_mode(out, slot, 1.0)
    for i in range(STEPS):
        out.at[mode, i].x, out.at[mode, i].y = tracks[slot].x, tracks[slot].y
        out.at[mode, i].heading, out.at[mode, i].travelled = tracks[slot].heading, 0.0


@kernel
def _coast(tracks: Records, slot: int, out: Predictions) -> None:
    """Constant turn for a second, then straight; acceleration dies away."""
    mode = _new_mode(out, slot, 1.0)
    x, y, heading, speed = tracks[slot].x, tracks[slot].y, tracks[slot].heading, tracks[slot].speed
    for i in range(STEPS):
        out.at[mode, i].x, out.at[mode, i].y, out.at[mode, i].heading, out.at[mode, i].travelled = x, y, heading, 0.0
        t = i * STEP_S
        speed = _speed_after(tracks, slot, speed, t)
        if t < 1.0 and abs(tracks[slot].yaw_rate) < 1.0:
            heading += tracks[slot].yaw_rate * STEP_S
        x += speed * STEP_S * math.cos(heading)
        y += speed * STEP_S * math.sin(heading)


@kernel
def _speed_after(tracks: Records, slot: int, speed: float, t: float) -> float:
    starting = tracks[slot].acceleration > _STARTS_MPS2 and tracks[slot].speed < _STARTS_BELOW_MPS
    acceleration = tracks[slot].acceleration * math.exp(-t / (_STARTING_TAU_S if starting else _SURPRISE_TAU_S))
    if speed < 0.0:
        return speed
    return float(max(0.0, speed + acceleration * STEP_S))


@kernel
def _along_lanes(m: MapArrays, tracks: Records, slot: int, signals: Bytes, ego_eta: Floats, out: Predictions) -> bool:
    """Hypotheses along lanes; false when no lane explains where the road user is and points."""
    lanes, s, d = np.empty(24, np.int32), np.empty(24), np.empty(24)
    found = locate_all(m, tracks[slot].x, tracks[slot].y, lanes, s, d)
    weight = np.zeros(24)
    turned = np.zeros(24)
    total = 0.0
    for k in range(found):
        _, _, heading, _ = pose_at(m, lanes[k], s[k], 0.0, m.lanes[lanes[k]].point_first)
        turned[k] = wrap(tracks[slot].heading - heading)
        if abs(turned[k]) < 0.9:
            weight[k] = math.exp(-0.5 * d[k] * d[k] - 8.0 * turned[k] * turned[k])
            total += weight[k]
    if total < 1e-4:
        return False
    first = out.used[0]
    for _ in range(HYPOTHESES):
        k = int(np.argmax(weight[:found]))
        if weight[k] < 0.08 * total or out.used[0] - first >= HYPOTHESES:
            break
        _expand(m, tracks, slot, lanes[k], s[k], d[k], turned[k], weight[k] / total, first, out)
        weight[k] = 0.0
    last = out.used[0]
    for mode in range(first, last):
        stop, certainty = _stopping_place(m, tracks, slot, mode, signals, ego_eta, out)
        if stop < np.inf and certainty < 1.0 and out.used[0] - first < HYPOTHESES:
            other = _copy(out, mode)
            out.mode[other].probability = out.mode[mode].probability * (1.0 - certainty)
            out.mode[mode].probability *= certainty
            _roll(m, tracks, slot, other, np.inf, out)
        _roll(m, tracks, slot, mode, stop, out)
    return True


@kernel
def _copy(out: Predictions, mode: int) -> int:
    other = _new_mode(out, out.mode[mode].owner, out.mode[mode].probability)
    out.mode[other].lane_count = out.mode[mode].lane_count
    for k in range(out.mode[mode].lane_count):
        out.lane[other, k].lane, out.lane[other, k].start = out.lane[mode, k].lane, out.lane[mode, k].start
    for i in range(2):
        out.at[other, i].travelled = out.at[mode, i].travelled
    return other


@kernel
def _expand(
    m: MapArrays, tracks: Records, slot: int, lane: int, s: float, d: float, turned: float, probability: float, first: int, out: Predictions
) -> None:  # fmt: skip
    """Hypotheses that start on one lane: every way on at a fork, a change to the next lane where the road user drifts there."""
    here = m.lanes[lane]
    drift = d + 1.6 * tracks[slot].speed * math.sin(turned)
    point = here.point_first
    half = m.points[point].left_m if drift > 0.0 else m.points[point].right_m
    beside = here.left if drift > 0.0 else here.right
    if beside >= 0 and abs(drift) > 0.7 * half and drift * turned > 0.0 and out.used[0] - first < HYPOTHESES - 1:
        changing = min(0.8, 0.4 + abs(drift) - 0.7 * half)
        width = half + (m.points[m.lanes[beside].point_first].right_m if drift > 0.0 else m.points[m.lanes[beside].point_first].left_m)
        _fork(m, tracks, slot, beside, s, d - math.copysign(width, drift), probability * changing, first, out)
        probability *= 1.0 - changing
    _fork(m, tracks, slot, lane, s, d, probability, first, out)


@kernel
def _fork(
    m: MapArrays, tracks: Records, slot: int, lane: int, s: float, d: float, probability: float, first: int, out: Predictions
) -> None:
    needed = s + 8.0 + max(tracks[slot].speed, 2.0) * STEP_S * STEPS
    mode = _new_mode(out, slot, probability)
    out.at[mode, 0].travelled, out.at[mode, 1].travelled = s, d  # where it starts: read by _roll
    out.lane[mode, 0].lane, out.lane[mode, 0].start, out.mode[mode].lane_count = lane, 0.0, 1
    growing = mode
    while growing < out.used[0]:
        _grow(m, growing, needed, first, out)
        growing += 1


@kernel
def _grow(m: MapArrays, mode: int, needed: float, first: int, out: Predictions) -> None:
    """Follow successors; at a fork copy the hypothesis while there is room, else take the straightest way."""
    while out.mode[mode].lane_count < CHAIN:
        n = out.mode[mode].lane_count
        lane = out.lane[mode, n - 1].lane
        here = m.lanes[lane]
        start = out.lane[mode, n - 1].start + here.length
        if start > needed or here.successor_count == 0:
            return
        best, best_bend = -1, np.inf
        end = m.points[here.point_first + here.point_count - 1].heading
        for k in range(here.successor_first, here.successor_first + here.successor_count):
            after = m.lanes[m.successors[k]]
            bend = abs(wrap(m.points[after.point_first + after.point_count - 1].heading - end))
            if after.turn == Turn.BACK:
                bend += 10.0
            if bend < best_bend:
                best, best_bend = m.successors[k], bend
        ways = 1
        for k in range(here.successor_first, here.successor_first + here.successor_count):
            following = m.successors[k]
            if following == best or m.lanes[following].turn == Turn.BACK or out.used[0] - first >= HYPOTHESES:
                continue
            other = _copy(out, mode)
            out.lane[other, n].lane, out.lane[other, n].start, out.mode[other].lane_count = following, start, n + 1
            ways += 1
        share = out.mode[mode].probability / (ways + 1.0)
        for other in range(out.used[0] - ways + 1, out.used[0]):
            out.mode[other].probability = share
        out.mode[mode].probability -= share * (ways - 1.0)
        out.lane[mode, n].lane, out.lane[mode, n].start, out.mode[mode].lane_count = best, start, n + 1


@kernel
def _stopping_place(
    m: MapArrays, tracks: Records, slot: int, mode: int, signals: Bytes, ego_eta: Floats, out: Predictions
) -> tuple[float, float]:  # fmt: skip
    """Where on its way a road user is expected to stop (m from the start of its first lane; inf) and how surely.

    For a red light surely; for the ego's right of way likely, if it still can.
    """
    s, speed = out.at[mode, 0].travelled, max(0.0, tracks[slot].speed)
    nose = 0.5 * tracks[slot].length
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
                    return max(place, s), 0.85
    return np.inf, 0.0


@kernel
def shown(m: MapArrays, lane: int, signals: Bytes) -> int:
    """The `Colour` that governs entering a lane now; OFF where there is no light."""
    signal = m.lanes[lane].signal
    return int(signals[signal]) if signal >= 0 else 0


@kernel
def _roll(m: MapArrays, tracks: Records, slot: int, mode: int, stop: float, out: Predictions) -> None:
    """Drive the hypothesis: its lanes, bends taken comfortably, a halt at `stop`.

    Its offset and its heading across the lane die away with the way driven: who stands askew stands askew.
    """
    first, offset, speed = out.at[mode, 0].travelled, out.at[mode, 1].travelled, tracks[slot].speed
    s, turned, return_m = first, 0.0, _OFFSET_TAU_S * max(_OFFSET_MPS, speed)
    k, hint = 0, m.lanes[out.lane[mode, 0].lane].point_first
    last = out.mode[mode].lane_count - 1
    for i in range(STEPS):
        t = i * STEP_S
        while k < last and s >= out.lane[mode, k + 1].start:
            k += 1
            hint = m.lanes[out.lane[mode, k].lane].point_first
        lane = out.lane[mode, k].lane
        along = s - out.lane[mode, k].start
        inside = min(max(0.0, along), m.lanes[lane].length)
        x, y, heading, hint = pose_at(m, lane, inside, offset * math.exp(-abs(s - first) / return_m), hint)
        if i == 0:
            turned = wrap(tracks[slot].heading - heading)
        out.at[mode, i].x = x + (along - inside) * math.cos(heading)
        out.at[mode, i].y = y + (along - inside) * math.sin(heading)
        out.at[mode, i].heading = heading + turned * math.exp(-abs(s - first) / _TURN_M)
        bend = abs(m.points[hint].curvature)
        if bend * speed * speed > _COMFORT_LATERAL_MPS2:
            speed = max(math.sqrt(_COMFORT_LATERAL_MPS2 / bend), speed - 3.0 * STEP_S)
        else:
            speed = _speed_after(tracks, slot, speed, t)
        if stop < np.inf:
            speed = min(speed, math.sqrt(2.0 * _STOPPING_MPS2 * max(0.0, stop - s)))
        out.at[mode, i].travelled = s
        s += speed * STEP_S
    out.at[mode, 0].x, out.at[mode, 0].y, out.at[mode, 0].heading = tracks[slot].x, tracks[slot].y, tracks[slot].heading
