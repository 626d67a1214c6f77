"""What others may do: a few hypotheses each, from the lanes under them, the lights before them and whom they must let pass."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Bytes, Floats, Ints
from marque.driving.map import Colour, MapArrays, Yield
from marque.driving.map.query import locate_all, pose_at
from marque.driving.observation import Kind
from marque.driving.perceive import CAPACITY, Tracks
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
_OFFSET_TAU_S = 3.5
_COMFORT_LATERAL_MPS2 = 3.0
_STOPPING_MPS2 = 3.0
_CAN_STOP_MPS2 = 3.8
_EGO_NEAR_S = 7.0


class Predictions(NamedTuple):
    """All hypotheses of one cycle; the first `count[0]` rows hold. Centres of bodies, world frame."""

    count: Ints  # (1,)
    owner: Ints  # (MODES,) slot in the tracks
    probability: Floats  # (MODES,) sums to 1 over one owner
    x: Floats  # (MODES, STEPS)
    y: Floats
    heading: Floats
    travelled: Floats  # (MODES, STEPS) m from the start of its first lane
    lanes: Ints  # (MODES, CHAIN)
    starts: Floats  # (MODES, CHAIN) m from the start of the first lane
    lane_count: Ints  # (MODES,) 0 for free movement


def no_predictions() -> Predictions:
    def grid() -> Floats:
        return np.zeros((MODES, STEPS))

    return Predictions(
        np.zeros(1, np.int32),
        np.zeros(MODES, np.int32),
        np.zeros(MODES),
        grid(),
        grid(),
        grid(),
        grid(),
        np.zeros((MODES, CHAIN), np.int32),
        np.zeros((MODES, CHAIN)),
        np.zeros(MODES, np.int32),
    )


@kernel
def predict(m: MapArrays, tracks: Tracks, signals: Bytes, ego_eta: Floats, out: Predictions) -> None:
    """Fill `out` from the tracks.

    signals: (S,) `Colour` now. ego_eta: (L,) seconds until the ego reaches the lane on its way, inf for lanes not on it: those who
    owe the ego right of way are expected, but not trusted, to grant it.
    """
    out.count[0] = 0
    for slot in range(CAPACITY):
        if not tracks.seen[slot]:
            continue
        kind = tracks.kinds[slot]
        first = out.count[0]
        if kind == Kind.STATIC or (kind not in (Kind.PEDESTRIAN, Kind.UNKNOWN) and tracks.standing_s[slot] > 30.0):
            _stay(tracks, slot, out)
        elif kind == Kind.PEDESTRIAN or not _along_lanes(m, tracks, slot, signals, ego_eta, out):
            _coast(tracks, slot, out)
        total = 0.0
        for mode in range(first, out.count[0]):
            total += out.probability[mode]
        for mode in range(first, out.count[0]):
            out.probability[mode] /= total


@kernel
def _new_mode(out: Predictions, slot: int, probability: float) -> int:
    mode = out.count[0]
    out.count[0] += 1
    out.owner[mode], out.probability[mode], out.lane_count[mode] = slot, probability, 0
    return mode


@kernel
def _stay(tracks: Tracks, slot: int, out: Predictions) -> None:
    mode = _new_mode(out, slot, 1.0)
    out.x[mode], out.y[mode], out.heading[mode], out.travelled[mode] = tracks.x[slot], tracks.y[slot], tracks.heading[slot], 0.0


@kernel
def _coast(tracks: Tracks, slot: int, out: Predictions) -> None:
    """Constant turn for a second, then straight; acceleration dies away."""
    mode = _new_mode(out, slot, 1.0)
    x, y, heading, speed = tracks.x[slot], tracks.y[slot], tracks.heading[slot], tracks.speed[slot]
    for i in range(STEPS):
        out.x[mode, i], out.y[mode, i], out.heading[mode, i], out.travelled[mode, i] = x, y, heading, 0.0
        t = i * STEP_S
        speed = _speed_after(tracks, slot, speed, t)
        if t < 1.0 and abs(tracks.yaw_rate[slot]) < 1.0:
            heading += tracks.yaw_rate[slot] * STEP_S
        x += speed * STEP_S * math.cos(heading)
        y += speed * STEP_S * math.sin(heading)


@kernel
def _speed_after(tracks: Tracks, slot: int, speed: float, t: float) -> float:
    acceleration = tracks.acceleration[slot] * math.exp(-t / _SURPRISE_TAU_S)
    if speed < 0.0:
        return speed
    return max(0.0, speed + acceleration * STEP_S)


@kernel
def _along_lanes(m: MapArrays, tracks: Tracks, slot: int, signals: Bytes, ego_eta: Floats, out: Predictions) -> bool:
    """Hypotheses along lanes; false when no lane explains where the road user is and points."""
    lanes, s, d = np.empty(24, np.int32), np.empty(24), np.empty(24)
    found = locate_all(m, tracks.x[slot], tracks.y[slot], lanes, s, d)
    weight = np.zeros(24)
    turned = np.zeros(24)
    total = 0.0
    for k in range(found):
        _, _, heading, _ = pose_at(m, lanes[k], s[k], 0.0, m.lanes[lanes[k]].point_first)
        turned[k] = (tracks.heading[slot] - heading + math.pi) % (2.0 * math.pi) - math.pi
        if abs(turned[k]) < 0.9:
            weight[k] = math.exp(-0.5 * d[k] * d[k] - 8.0 * turned[k] * turned[k])
            total += weight[k]
    if total < 1e-4:
        return False
    first = out.count[0]
    for _ in range(HYPOTHESES):
        k = int(np.argmax(weight[:found]))
        if weight[k] < 0.08 * total or out.count[0] - first >= HYPOTHESES:
            break
        _expand(m, tracks, slot, lanes[k], s[k], d[k], turned[k], weight[k] / total, first, out)
        weight[k] = 0.0
    last = out.count[0]
    for mode in range(first, last):
        stop, certainty = _stopping_place(m, tracks, slot, mode, signals, ego_eta, out)
        if stop < np.inf and certainty < 1.0 and out.count[0] - first < HYPOTHESES:
            other = _copy(out, mode)
            out.probability[other] = out.probability[mode] * (1.0 - certainty)
            out.probability[mode] *= certainty
            _roll(m, tracks, slot, other, np.inf, out)
        _roll(m, tracks, slot, mode, stop, out)
    return True


@kernel
def _copy(out: Predictions, mode: int) -> int:
    other = _new_mode(out, out.owner[mode], out.probability[mode])
    out.lanes[other], out.starts[other], out.lane_count[other] = out.lanes[mode], out.starts[mode], out.lane_count[mode]
    out.travelled[other, :3] = out.travelled[mode, :3]
    return other


@kernel
def _expand(
    m: MapArrays, tracks: Tracks, slot: int, lane: int, s: float, d: float, turned: float, probability: float, first: int, out: Predictions
) -> None:  # fmt: skip
    """Hypotheses that start on one lane: every way on at a fork, a change to the next lane where the road user drifts there."""
    here = m.lanes[lane]
    drift = d + 1.6 * tracks.speed[slot] * math.sin(turned)
    point = here.point_first
    half = m.points[point].left_m if drift > 0.0 else m.points[point].right_m
    beside = here.left if drift > 0.0 else here.right
    if beside >= 0 and abs(drift) > 0.7 * half and drift * turned > 0.0 and out.count[0] - first < HYPOTHESES - 1:
        changing = min(0.8, 0.4 + abs(drift) - 0.7 * half)
        width = half + (m.points[m.lanes[beside].point_first].right_m if drift > 0.0 else m.points[m.lanes[beside].point_first].left_m)
        _fork(m, tracks, slot, beside, s, d - math.copysign(width, drift), probability * changing, first, out)
        probability *= 1.0 - changing
    _fork(m, tracks, slot, lane, s, d, probability, first, out)


@kernel
def _fork(m: MapArrays, tracks: Tracks, slot: int, lane: int, s: float, d: float, probability: float, first: int, out: Predictions) -> None:
    needed = s + 8.0 + max(tracks.speed[slot], 2.0) * STEP_S * STEPS
    mode = _new_mode(out, slot, probability)
    out.travelled[mode, 0], out.travelled[mode, 1] = s, d  # where it starts: read by _roll
    out.lanes[mode, 0], out.starts[mode, 0], out.lane_count[mode] = lane, 0.0, 1
    growing = mode
    while growing < out.count[0]:
        _grow(m, growing, needed, first, out)
        growing += 1


@kernel
def _grow(m: MapArrays, mode: int, needed: float, first: int, out: Predictions) -> None:
    """Follow successors; at a fork copy the hypothesis while there is room, else take the straightest way."""
    while out.lane_count[mode] < CHAIN:
        n = out.lane_count[mode]
        lane = out.lanes[mode, n - 1]
        here = m.lanes[lane]
        start = out.starts[mode, n - 1] + here.length
        if start > needed or here.successor_count == 0:
            return
        best, best_bend = -1, np.inf
        end = m.points[here.point_first + here.point_count - 1].heading
        for k in range(here.successor_first, here.successor_first + here.successor_count):
            after = m.lanes[m.successors[k]]
            bend = abs((m.points[after.point_first + after.point_count - 1].heading - end + math.pi) % (2.0 * math.pi) - math.pi)
            if after.turn == 3:
                bend += 10.0
            if bend < best_bend:
                best, best_bend = m.successors[k], bend
        ways = 1
        for k in range(here.successor_first, here.successor_first + here.successor_count):
            following = m.successors[k]
            if following == best or m.lanes[following].turn == 3 or out.count[0] - first >= HYPOTHESES:
                continue
            other = _copy(out, mode)
            out.lanes[other, n], out.starts[other, n], out.lane_count[other] = following, start, n + 1
            ways += 1
        share = out.probability[mode] / (ways + 1.0)
        for other in range(out.count[0] - ways + 1, out.count[0]):
            out.probability[other] = share
        out.probability[mode] -= share * (ways - 1.0)
        out.lanes[mode, n], out.starts[mode, n], out.lane_count[mode] = best, start, n + 1


@kernel
def _stopping_place(
    m: MapArrays, tracks: Tracks, slot: int, mode: int, signals: Bytes, ego_eta: Floats, out: Predictions
) -> tuple[float, float]:  # fmt: skip
    """Where on its way a road user is expected to stop (m from the start of its first lane; inf) and how surely.

    For a red light surely; for the ego's right of way likely, if it still can.
    """
    s, speed = out.travelled[mode, 0], max(0.0, tracks.speed[slot])
    nose = 0.5 * tracks.length[slot]
    for k in range(1, out.lane_count[mode]):
        before = m.lanes[out.lanes[mode, k - 1]]
        here = m.lanes[out.lanes[mode, k]]
        line = out.starts[mode, k - 1] + before.stop_s - nose
        room = line - s
        if room < -1.0:
            continue
        needed = speed * speed / (2.0 * max(0.3, room))
        colour = shown(m, out.lanes[mode, k], signals)
        if colour == Colour.RED or colour == Colour.RED_AMBER or colour == Colour.AMBER:
            return (max(line, s), 0.97) if needed < _CAN_STOP_MPS2 + 1.0 else (np.inf, 0.0)
        if colour == Colour.GREEN_PROTECTED:
            continue
        for c in range(here.conflict_first, here.conflict_first + here.conflict_count):
            conflict = m.conflicts[c]
            if conflict.yields != Yield.NONE and ego_eta[conflict.other] < _EGO_NEAR_S:
                place = min(line, out.starts[mode, k] + conflict.enter_s - nose)
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
def _roll(m: MapArrays, tracks: Tracks, slot: int, mode: int, stop: float, out: Predictions) -> None:
    """Drive the hypothesis: its lanes, its offset dying away, bends taken comfortably, a halt at `stop`."""
    s, offset, speed = out.travelled[mode, 0], out.travelled[mode, 1], tracks.speed[slot]
    k, hint = 0, m.lanes[out.lanes[mode, 0]].point_first
    last = out.lane_count[mode] - 1
    for i in range(STEPS):
        t = i * STEP_S
        while k < last and s >= out.starts[mode, k + 1]:
            k += 1
            hint = m.lanes[out.lanes[mode, k]].point_first
        lane = out.lanes[mode, k]
        along = s - out.starts[mode, k]
        inside = min(max(0.0, along), m.lanes[lane].length)
        x, y, heading, hint = pose_at(m, lane, inside, offset * math.exp(-t / _OFFSET_TAU_S), hint)
        out.x[mode, i] = x + (along - inside) * math.cos(heading)
        out.y[mode, i] = y + (along - inside) * math.sin(heading)
        out.heading[mode, i] = heading
        bend = abs(m.points[hint].curvature)
        if bend * speed * speed > _COMFORT_LATERAL_MPS2:
            speed = max(math.sqrt(_COMFORT_LATERAL_MPS2 / bend), speed - 3.0 * STEP_S)
        else:
            speed = _speed_after(tracks, slot, speed, t)
        if stop < np.inf:
            speed = min(speed, math.sqrt(2.0 * _STOPPING_MPS2 * max(0.0, stop - s)))
        out.travelled[mode, i] = s
        s += speed * STEP_S
    out.x[mode, 0], out.y[mode, 0], out.heading[mode, 0] = tracks.x[slot], tracks.y[slot], tracks.heading[slot]
