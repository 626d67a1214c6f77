"""Tracking: what sensors report, cycle after cycle, becomes road users with a place, a motion, a size, a kind and an id.

Each sensor's report is one scan, taken in order of the time it was measured: the tracks are brought to that time, so that latency costs no
accuracy; a scan older than one already taken in is carried forward by each track's own motion. Whether a track exists is a log-odds that
what is detected raises and what is not detected, though it should have been, lowers (Musicki, Evans, Stankovic 1994, "Integrated
probabilistic data association"); who cannot be seen is neither.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Bools, Floats, Indices, Record, Records
from marque.driving.association import NOBODY, associate
from marque.driving.filter import BODY, EVEN, MODES, POINT, SIZE, STANDING, merge, mix, predict, stop
from marque.driving.identity import KINDS, TYPICAL_SIZE, believe, likely_kind, measure_size, resemblance
from marque.driving.map.geometry import wrap
from marque.driving.measurement import Placed, likelihood, place, take_in, take_rate, take_shape
from marque.driving.observation import Kind
from marque.driving.tracks import CAPACITY, NO_ID, TREND_S
from marque.vehicle import kernel, lean

_BORN_PER_M2 = 1e-5
"""How many new road users a scan is expected to show per square metre."""
_CONFIRMED, _GIVEN_UP, _LOST, _CERTAIN = 3.0, -3.5, -1.0, 9.0
"""Log-odds of existence: from which a track is told, under which one that never was and one that was told is dropped, and the most."""
_DOUBT_PER_CYCLE = 3.0
"""The most a cycle's misses lower the log-odds by: the sensors of one car miss for common reasons."""
_ALONE = 6
"""So often one sensor has to report somebody whom the others should see and do not: what it takes for somebody by itself lasts shorter."""
_STRAYED_M, _SHARP_M = 7.0, 1.0
"""Standard deviation of the place beyond which a track nobody sees says nothing any more, and up to which two can be told to be one."""
_GATE_SIGMAS = 4.5
_NEARER = 1.1
"""Who is so many times as far from the car as somebody new gives its slot up, where all are taken."""
_LATEST_S = 0.3
"""Scans later than this are carried forward even if none came in between."""
_UNKNOWN_SPEED_MPS = 10.0
_DOUBT_MPS = 2.0
"""What TRACK's doubt of a speed is in the first cycle, and shared by the cycles since: less lets the car swerve ahead of a child."""
_STANDS, _MOVES = 0.6, 0.2
"""Probability of standing at which a track is told to stand, and to move again."""


class Tracker(NamedTuple):
    """What is believed of the surroundings, slot by slot (n = CAPACITY), world frame. A slot's TRACK has its id; `NO_ID` before that."""

    clock: Floats  # (2,) s: the time states hold for, the time of the last cycle; NaN before the first
    form: Indices  # (n,) POINT or BODY, 0 in an empty slot
    state: Floats  # (n, 3, 6) by mode: see `filter`
    covariance: Floats  # (n, 3, 6, 6)
    chance: Floats  # (n, 3) probability of each mode
    existence: Floats  # (n,) log-odds
    kinds: Floats  # (n, KINDS) probability of each `Kind`
    size: Floats  # (n, 4) length m, its variance m², width m, its variance
    front: Floats  # (n,) evidence that it points where its heading says and not the other way
    doubt: Floats  # (n,) by how much this cycle's misses have lowered the log-odds
    reports: Indices  # (n, 2) who has reported it, bit by bit of the sensors' numbers, and how often
    spread: Floats  # (n, 5) covariance of place xx, xy, yy m², variance of heading rad², of speed m²/s², as told, at the time of the cycle
    next_id: Indices  # (1,)
    false_alarms: Floats  # (sensors,) expected detections of nothing, 1/m² in each scan
    room_x: Floats  # (4, 6) where kernels work
    room_cov: Floats  # (4, 6, 6)


def no_tracker(false_alarms_per_m2: Floats) -> Tracker:
    """Nobody known yet. false_alarms_per_m2: (sensors,) how many detections of nothing each sensor reports per square metre in one scan."""
    n = CAPACITY
    return Tracker(
        clock=np.full(2, np.nan),
        form=np.zeros(n, np.int64),
        state=np.zeros((n, MODES, SIZE)),
        covariance=np.zeros((n, MODES, SIZE, SIZE)),
        chance=np.zeros((n, MODES)),
        existence=np.zeros(n),
        kinds=np.zeros((n, KINDS)),
        size=np.zeros((n, 4)),
        front=np.zeros(n),
        doubt=np.zeros(n),
        reports=np.zeros((n, 2), np.int64),
        spread=np.zeros((n, 5)),
        next_id=np.ones(1, np.int64),
        false_alarms=np.maximum(1e-9, false_alarms_per_m2),
        room_x=np.zeros((MODES + 1, SIZE)),
        room_cov=np.zeros((MODES + 1, SIZE, SIZE)),
    )


@kernel
def track(t: Tracker, tracks: Records, detections: Records, now_s: float, poses: Floats, p_detect: Floats) -> None:
    """Bring tracker and tracks (n,) TRACK up to now_s.

    detections: (k,) DETECTION, each sensor's of one scan. poses: (p, 4) where the car was, oldest first: time s, x m, y m, heading rad;
    from the oldest detection to now. p_detect: (n, sensors) how probably each sensor reports the road user of a slot in this cycle: 0
    where it is hidden, outside the sensor's view, or the sensor did not report; the row of an empty slot is not used.
    """
    sensors = p_detect.shape[1]
    when = np.full(sensors, now_s)
    for i in range(detections.size):
        when[detections[i].sensor] = detections[i].time
    if math.isnan(t.clock[0]):
        t.clock[0], t.clock[1] = when[np.argmin(when)], now_s
    step_s = now_s - t.clock[1]
    t.clock[1] = now_s
    here = t.form != 0
    t.doubt[:] = 0.0
    for slot in range(CAPACITY):
        tracks[slot].seen = 0
        if here[slot]:
            mix(t.form[slot], t.state[slot], t.covariance[slot], t.chance[slot], step_s, t.room_x[:MODES], t.room_cov[:MODES])
    for _ in range(sensors):
        sensor = int(np.argmin(when))
        _scan(t, tracks, detections, sensor, when[sensor], poses, p_detect[:, sensor], here)
        when[sensor] = np.inf
    _advance(t, now_s - _LATEST_S)
    _clear(t, tracks)
    _tell(t, tracks, now_s, step_s)


@kernel
def _scan(
    t: Tracker, tracks: Records, detections: Records, sensor: int, time_s: float, poses: Floats, p_detect: Floats, here: Bools
) -> None:
    """Takes in what one sensor reports; here: (n,) the tracks that were there before this cycle, whom p_detect is about."""
    mine = np.flatnonzero(detections["sensor"] == sensor)
    if mine.size > 0:
        _advance(t, time_s)
    late_s = t.clock[0] - time_s
    slots = np.flatnonzero(t.form)
    gain = _gains(t, detections, mine, slots, late_s, poses, p_detect, here)
    score = gain.copy()
    for j in range(slots.size):
        # What a pair is worth against a track not detected and a detection of something new or of nothing.
        p, exists = _expected(p_detect, here, slots[j]), 1.0 / (1.0 + math.exp(-t.existence[slots[j]]))
        score[:, j] += math.log(exists / (1.0 - exists * p)) - math.log(1.0 + _BORN_PER_M2 / t.false_alarms[sensor])
    taken, missed = np.empty(mine.size, np.int64), here & (t.form != 0)
    associate(score, taken)
    for i in range(mine.size):
        if taken[i] != NOBODY:
            slot = slots[taken[i]]
            missed[slot] = False
            _hit(t, tracks, slot, detections[mine[i]], place(detections[mine[i]], poses), late_s, gain[i, taken[i]])
    for slot in range(CAPACITY):
        if missed[slot]:
            _miss(t, slot, p_detect[slot])
    for i in range(mine.size):
        if taken[i] == NOBODY:
            slot = _begin(t, tracks, detections[mine[i]], place(detections[mine[i]], poses), poses[-1], t.false_alarms[sensor])
            if slot != NOBODY:
                here[slot] = False


@kernel
def _gains(
    t: Tracker, detections: Records, mine: Indices, slots: Indices, late_s: float, poses: Floats, p_detect: Floats, here: Bools
) -> Floats:
    """(detections, slots): by how much a detection, were it of that track, would raise the log-odds that it exists; −inf: it is not."""
    gain = np.full((mine.size, slots.size), -np.inf)
    wide = MODES - 1  # the mode with the largest uncertainty decides whether a closer look is worth it
    for i in range(mine.size):
        seen = detections[mine[i]]
        z = place(seen, poses)
        for j in range(slots.size):
            slot = slots[j]
            dx, dy = z.x - t.state[slot, wide, 0], z.y - t.state[slot, wide, 1]
            reach = t.covariance[slot, wide, 0, 0] + t.covariance[slot, wide, 1, 1] + seen.var_along + seen.var_across
            if dx * dx + dy * dy < _GATE_SIGMAS**2 * reach:
                fits = likelihood(t.form[slot], t.state[slot], t.covariance[slot], t.chance[slot], z, seen, late_s)
                chance = math.log(_expected(p_detect, here, slot) / t.false_alarms[seen.sensor])
                gain[i, j] = fits + chance + resemblance(t.kinds[slot], seen.kind)
    return gain


@lean
def _expected(p_detect: Floats, here: Bools, slot: int) -> float:
    """How probably a track is detected. Of who was only now found nothing was foreseen; who should be hidden may be seen after all."""
    return min(0.98, max(0.1, p_detect[slot])) if here[slot] else 0.9


@kernel
def _advance(t: Tracker, time_s: float) -> None:
    """Brings all states to time_s, unless they are there already."""
    dt = time_s - t.clock[0]
    if dt <= 0.0:
        return
    for slot in range(CAPACITY):
        if t.form[slot]:
            for mode in range(MODES):
                predict(t.form[slot], mode, t.state[slot, mode], t.covariance[slot, mode], dt)
    t.clock[0] = time_s


@kernel
def _hit(t: Tracker, tracks: Records, slot: int, seen: Record, z: Placed, late_s: float, gained: float) -> None:
    t.existence[slot] = min(_CERTAIN, t.existence[slot] + gained)
    _report(t, slot, seen)
    take_in(t.form[slot], t.state[slot], t.covariance[slot], t.chance[slot], z, seen, late_s)
    believe(t.kinds[slot], seen.kind)
    measure_size(t.size[slot], seen.length, seen.width, seen.var_size)
    walks = t.kinds[slot, Kind.PEDESTRIAN] > 0.5
    t.form[slot], t.front[slot] = take_shape(
        t.form[slot], t.state[slot], t.covariance[slot], t.front[slot], walks, z.heading, seen.var_heading
    )
    tracks[slot].seen = 1


@lean
def _report(t: Tracker, slot: int, seen: Record) -> None:
    t.reports[slot, 0] |= 1 << seen.sensor
    t.reports[slot, 1] += 1


@lean
def _doubtful(t: Tracker, slot: int) -> bool:
    """Whether one sensor alone has reported it, a few times, in full view of others."""
    reporters, times = t.reports[slot]
    return bool(reporters & (reporters - 1) == 0 and times < _ALONE and t.doubt[slot] > _DOUBT_PER_CYCLE - 1e-6)


@lean
def _miss(t: Tracker, slot: int, p_detect: float) -> None:
    more = min(-math.log(1.0 - min(0.98, p_detect)), _DOUBT_PER_CYCLE - t.doubt[slot])
    t.doubt[slot] += more
    t.existence[slot] -= more


@kernel
def _begin(t: Tracker, tracks: Records, seen: Record, z: Placed, car: Floats, false_alarms: float) -> int:
    """The slot of a new track; NOBODY where the others all matter more. car: (4,) a row of the poses."""
    slot = _slot_for(t, tracks, z, car)
    if slot == NOBODY:
        return NOBODY
    _empty(t, tracks, slot)
    t.form[slot] = POINT
    t.existence[slot] = min(0.0, math.log(_BORN_PER_M2 / false_alarms))
    _report(t, slot, seen)
    t.chance[slot, 0], t.chance[slot, 1], t.chance[slot, 2] = 0.3, 0.4, 0.3
    t.kinds[slot] = 1.0 / KINDS
    believe(t.kinds[slot], seen.kind)
    walks = t.kinds[slot, Kind.PEDESTRIAN] > 0.5
    c, s = math.cos(z.ray), math.sin(z.ray)
    for mode in range(MODES):
        x, P = t.state[slot, mode], t.covariance[slot, mode]
        x[0], x[1] = z.x, z.y
        P[0, 0] = c * c * seen.var_along + s * s * seen.var_across
        P[1, 1] = s * s * seen.var_along + c * c * seen.var_across
        P[0, 1] = P[1, 0] = c * s * (seen.var_along - seen.var_across)
        P[2, 2] = P[3, 3] = 4.0 if walks else _UNKNOWN_SPEED_MPS**2
    t.form[slot], t.front[slot] = take_shape(POINT, t.state[slot], t.covariance[slot], 0.0, walks, z.heading, seen.var_heading)
    stop(t.form[slot], t.state[slot, STANDING], t.covariance[slot, STANDING])
    if not math.isnan(seen.rate):
        take_rate(t.form[slot], t.state[slot], t.covariance[slot], t.chance[slot], z.ray, seen)
    kind = likely_kind(t.kinds[slot])
    t.size[slot, 0], t.size[slot, 1], t.size[slot, 2], t.size[slot, 3] = TYPICAL_SIZE[kind]
    measure_size(t.size[slot], seen.length, seen.width, seen.var_size)
    tracks[slot].seen = 1
    return slot


@lean
def _slot_for(t: Tracker, tracks: Records, z: Placed, car: Floats) -> int:
    """An empty slot; or the least credible of those neither told yet nor seen in this cycle; or the farthest from the car, where what is
    new is clearly nearer: in dense traffic more road users are in sight than there are slots, and it is the near ones that matter.
    """
    tentative, least = NOBODY, np.inf
    farthest, most = NOBODY, (_NEARER * math.hypot(z.x - car[1], z.y - car[2])) ** 2
    for k in range(CAPACITY):
        if t.form[k] == 0:
            return k
        if tracks[k].id == NO_ID and not tracks[k].seen and t.existence[k] < least:
            tentative, least = k, t.existence[k]
        away = (t.state[k, EVEN, 0] - car[1]) ** 2 + (t.state[k, EVEN, 1] - car[2]) ** 2
        if away > most:
            farthest, most = k, away
    return farthest if tentative == NOBODY else tentative


@lean
def _empty(t: Tracker, tracks: Records, slot: int) -> None:
    t.form[slot] = 0
    t.state[slot] = 0.0
    t.covariance[slot] = 0.0
    t.doubt[slot] = 0.0
    t.reports[slot] = 0
    tracks[slot].id = NO_ID
    tracks[slot].heading = tracks[slot].speed = tracks[slot].acceleration = tracks[slot].trend = 0.0
    tracks[slot].yaw_rate = tracks[slot].standing_s = 0.0
    tracks[slot].cycles = tracks[slot].seen = 0


@kernel
def _clear(t: Tracker, tracks: Records) -> None:
    """Drops who is not believed to exist any more, who may be anywhere, and who is inside somebody known for longer."""
    for slot in range(CAPACITY):
        if t.form[slot] == 0:
            continue
        P = t.covariance[slot, EVEN]
        told = tracks[slot].id != NO_ID
        if t.existence[slot] < (_LOST if told else _GIVEN_UP) or (not tracks[slot].seen and P[0, 0] + P[1, 1] > _STRAYED_M**2):
            _empty(t, tracks, slot)
    for slot in range(CAPACITY):
        if t.form[slot] and tracks[slot].id != NO_ID:
            for other in range(CAPACITY):
                younger = tracks[other].id == NO_ID or tracks[other].id > tracks[slot].id
                if t.form[other] and other != slot and younger and _inside(t, tracks, slot, other):
                    if t.existence[other] > t.existence[slot] and tracks[other].cycles > 1:
                        _become(t, slot, other)
                    _empty(t, tracks, other)


@lean
def _become(t: Tracker, slot: int, other: int) -> None:
    """The track in slot, which lost its road user, goes on where the other one found it."""
    t.form[slot], t.existence[slot], t.front[slot] = t.form[other], t.existence[other], t.front[other]
    for mode in range(MODES):
        t.chance[slot, mode] = t.chance[other, mode]
        for k in range(SIZE):
            t.state[slot, mode, k] = t.state[other, mode, k]
            for n in range(SIZE):
                t.covariance[slot, mode, k, n] = t.covariance[other, mode, k, n]


@lean
def _inside(t: Tracker, tracks: Records, slot: int, other: int) -> bool:
    """Whether the centre of the other lies within the body of the one in slot: two solid things are never there."""
    dx, dy = t.state[other, EVEN, 0] - t.state[slot, EVEN, 0], t.state[other, EVEN, 1] - t.state[slot, EVEN, 1]
    if dx * dx + dy * dy > 0.25 * t.size[slot, 0] ** 2:
        return False
    a, b = t.covariance[slot, EVEN], t.covariance[other, EVEN]
    if a[0, 0] + a[1, 1] + b[0, 0] + b[1, 1] > _SHARP_M**2:
        return False
    heading = t.state[slot, EVEN, 2] if t.form[slot] == BODY else tracks[slot].heading
    along, across = dx * math.cos(heading) + dy * math.sin(heading), dy * math.cos(heading) - dx * math.sin(heading)
    return bool(abs(along) < 0.45 * t.size[slot, 0] and abs(across) < 0.45 * t.size[slot, 2])


@kernel
def _tell(t: Tracker, tracks: Records, now_s: float, step_s: float) -> None:
    """Fills the TRACK of everyone believed to exist, as of now."""
    x, P = t.room_x[MODES], t.room_cov[MODES]
    for slot in range(CAPACITY):
        if t.form[slot] == 0:
            continue
        out = tracks[slot]
        if out.id == NO_ID:
            if t.existence[slot] < _CONFIRMED or _doubtful(t, slot):
                continue
            out.id = t.next_id[0]
            t.next_id[0] += 1
        chance = t.chance[slot]
        stands = chance[STANDING] > (_MOVES if out.standing_s > 0.0 else _STANDS)
        merge(t.form[slot], t.state[slot], t.covariance[slot], (chance[0], chance[1], chance[2]), x, P)
        if now_s > t.clock[0]:
            predict(t.form[slot], EVEN, x, P, now_s - t.clock[0])
        _write(t, slot, out, x, P, stands)
        out.trend += min(1.0, step_s / TREND_S) * (out.acceleration - out.trend)
        out.kind = likely_kind(t.kinds[slot])
        out.length, out.width = t.size[slot, 0], t.size[slot, 2]
        out.standing_s = out.standing_s + max(step_s, 1e-9) if stands else 0.0
        out.cycles += out.seen
        out.doubt = _DOUBT_MPS * (1.0 / max(1.0, out.cycles))


@kernel
def _write(t: Tracker, slot: int, out: Record, x: Floats, P: Floats, stands: bool) -> None:
    out.x, out.y = x[0], x[1]
    out.acceleration = out.yaw_rate = 0.0
    t.spread[slot, 0], t.spread[slot, 1], t.spread[slot, 2] = P[0, 0], P[0, 1], P[1, 1]
    if t.form[slot] == BODY:
        out.heading, out.speed = wrap(x[2]), x[3]
        t.spread[slot, 3], t.spread[slot, 4] = P[2, 2], P[3, 3]
        if not stands:
            out.yaw_rate, out.acceleration = x[4], x[5]
    else:
        out.speed = math.hypot(x[2], x[3])
        if out.speed > 0.5 and not stands:
            out.heading = math.atan2(x[3], x[2])
        across = x[2] * x[2] * P[3, 3] - 2.0 * x[2] * x[3] * P[2, 3] + x[3] * x[3] * P[2, 2]
        t.spread[slot, 3] = min(math.pi**2 / 3.0, across / max(0.01, out.speed**4))
        t.spread[slot, 4] = max(P[2, 2], P[3, 3])
    if stands:
        out.speed = 0.0
