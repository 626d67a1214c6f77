"""Where lanes meet: conflict zones found by geometry, right of way, crossings.

Two lanes conflict where their centre lines come closer than the sum of half the bodies that use them (a body is `BODY_WIDTH_M` wide,
or as wide as its lane where that is narrower).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import DTypeLike

from marque.common import Floats, Ints, Record, Records
from marque.driving.law import Equals, First
from marque.driving.map.geometry import wrap
from marque.driving.map.model import CONFLICT, LANE_CROSSING, Meeting, Road, Turn, Yield
from marque.driving.map.specs import CrossingSpec, RoadSpec
from marque.vehicle import kernel

BODY_WIDTH_M = 2.0
_SAMPLE_M = 0.5
_TOUCH_M = 0.05  # a shorter zone is a touch of ends, which the lanes before or behind answer for
_ALIGNED_RAD = math.pi / 4.0
_SAME_WAY_RAD, _OPPOSITE_RAD = math.radians(30.0), math.radians(150.0)
_MERGE, _CROSS = int(Meeting.MERGE), int(Meeting.CROSSING)
_OVER = np.dtype([("lane", "i4"), ("over", LANE_CROSSING)], align=True)
_PAIR = np.dtype([("a", "i4"), ("b", "i4")], align=True)
_ZONE = np.dtype(
    [("a", "i4"), ("b", "i4"), ("meeting", "i4"), ("a0", "f8"), ("a1", "f8"), ("b0", "f8"), ("b1", "f8")],
    align=True,
)


def build_conflicts(
    spec: RoadSpec, equals: Equals, index: dict[str, int], points: Records, lanes: Records, successors: Ints
) -> Records:  # fmt: skip
    """All CONFLICT records, lane after lane; sets conflict_first and conflict_count of the lanes."""
    named = np.array([tuple(sorted((index[a], index[b]))) for a, b in spec.yields if a in index and b in index], _PAIR)
    everywhere = spec.overlaps_meet or not np.any(lanes["junction"] >= 0)
    boxes = lane_boxes(points, lanes)
    pairs = candidate_pairs(boxes, lanes, named, everywhere)
    zones = _collect(lambda room: find_zones(points, lanes, successors, boxes, pairs, room), _ZONE, pairs.size)
    ids = [lane for lane, _ in sorted(index.items(), key=lambda item: item[1])]
    yields = np.array(
        [_right_of_way(spec, equals, lanes, points, ids, a, b, meeting) for a, b, meeting, *_ in zones.tolist()], np.int32
    ).reshape(-1, 2)

    n = zones.size
    both = np.zeros(2 * n, CONFLICT)
    owner = np.concatenate([zones["a"], zones["b"]])
    for half, (own, other, swap) in enumerate((("a", "b", 0), ("b", "a", 1))):
        part = both[half * n : (half + 1) * n]
        part["other"], part["meeting"], part["yields"] = zones[other], zones["meeting"], yields[:, swap]
        part["enter_s"], part["leave_s"] = zones[own + "0"], zones[own + "1"]
        part["other_enter_s"], part["other_leave_s"] = zones[other + "0"], zones[other + "1"]
    order = np.lexsort((both["other"], both["enter_s"], owner))
    rank = np.empty(2 * n, np.int32)
    rank[order] = np.arange(2 * n)
    both["mirror"] = np.concatenate([rank[n:], rank[:n]])
    count = np.bincount(owner, minlength=lanes.size)
    lanes["conflict_count"] = count
    lanes["conflict_first"] = np.cumsum(count) - count
    return both[order]


def _right_of_way(
    spec: RoadSpec, equals: Equals, lanes: Records, points: Records, ids: Sequence[str], a: int, b: int, meeting: int
) -> tuple[Yield, Yield]:
    """What a owes b and b owes a."""
    forward, backward = spec.yields.get((ids[a], ids[b])), spec.yields.get((ids[b], ids[a]))
    if forward is None and backward is None:
        return _by_geometry(lanes[a], lanes[b], points, meeting, equals)
    forward, backward = forward or Yield.NONE, backward or Yield.NONE
    if forward == backward == Yield.YIELD:
        return Yield.ALTERNATE, Yield.ALTERNATE
    if forward == backward == Yield.NONE:
        return _by_geometry(lanes[a], lanes[b], points, meeting, equals)
    return forward, backward


def _by_geometry(a: np.void, b: np.void, points: Records, meeting: int, equals: Equals) -> tuple[Yield, Yield]:
    """The law of roads of equal rank: who turns across gives way to who comes towards; side by side: a turn gives way, a merge is a zip;

    else the law's priority of one side.
    """
    angle = wrap(float(points["heading"][b["point_first"]]) - float(points["heading"][a["point_first"]]))
    a_first, b_first, alternate = (
        (Yield.NONE, Yield.YIELD),
        (Yield.YIELD, Yield.NONE),
        (Yield.ALTERNATE, Yield.ALTERNATE),
    )
    near, across = (Turn.RIGHT, Turn.LEFT) if equals.right_hand_traffic else (Turn.LEFT, Turn.RIGHT)
    rank = {Turn.STRAIGHT: 0, near: 1, across: 2, Turn.BACK: 3}
    if equals.left_before_right:
        rank[near], rank[across] = 2, 1
    a_rank, b_rank = rank[Turn(int(a["turn"]))], rank[Turn(int(b["turn"]))]
    if abs(angle) >= _OPPOSITE_RAD or (abs(angle) < _SAME_WAY_RAD and meeting == Meeting.CROSSING):
        return alternate if a_rank == b_rank else a_first if a_rank < b_rank else b_first
    if abs(angle) < _SAME_WAY_RAD:
        return alternate
    if equals.first is First.NOBODY:
        return alternate
    return b_first if (angle > 0.0) == (equals.first is First.FROM_THE_RIGHT) else a_first


@kernel
def lane_boxes(points: Records, lanes: Records) -> Floats:
    """Bounding boxes of centre lines, (lanes, 4): x low, y low, x high, y high."""
    boxes = np.empty((lanes.size, 4))
    for lane in range(lanes.size):
        box = boxes[lane]
        box[0] = box[1] = np.inf
        box[2] = box[3] = -np.inf
        for i in range(lanes[lane].point_first, lanes[lane].point_first + lanes[lane].point_count):
            box[0], box[1] = min(box[0], points[i].x), min(box[1], points[i].y)
            box[2], box[3] = max(box[2], points[i].x), max(box[3], points[i].y)
    return boxes


def candidate_pairs(boxes: Floats, lanes: Records, named: Records, everywhere: bool) -> Records:
    """Pairs, a < b, of lanes for vehicles that may meet: of one junction, named by the source, or (everywhere) close by."""
    vehicles = (lanes["road"] & ~int(Road.PEDESTRIAN)) != 0
    group = np.zeros(lanes.size, np.int32) if everywhere else lanes["junction"]
    chosen = np.flatnonzero(vehicles & (group >= 0)).astype(np.int32)
    chosen = chosen[np.lexsort((boxes[chosen, 0], group[chosen]))]
    group = np.ascontiguousarray(group)
    near = _collect(lambda room: _near_pairs(boxes, group, chosen, room), _PAIR, 16 * lanes.size)
    pairs = np.unique(np.concatenate([near, named]))
    return pairs[pairs["a"] < pairs["b"]]


def _collect(found: Callable[[Records], int], dtype: DTypeLike, guess: int) -> Records:
    """What a kernel finds, nobody knows beforehand how much: it fills the room it is given and returns how many there are."""
    room: Records = np.zeros(guess, dtype)
    count = found(room)
    if count > guess:
        room = np.zeros(count, dtype)
        found(room)
    return room[:count]


@kernel
def _near_pairs(boxes: Floats, group: Ints, chosen: Ints, pairs: Records) -> int:
    """Pairs of one group whose boxes come within a body's width; chosen is sorted by group, then by the box's low x."""
    n = 0
    for i in range(chosen.size):
        a = chosen[i]
        for j in range(i + 1, chosen.size):
            b = chosen[j]
            if group[b] != group[a] or boxes[b, 0] > boxes[a, 2] + BODY_WIDTH_M:
                break
            if boxes[b, 1] > boxes[a, 3] + BODY_WIDTH_M or boxes[a, 1] > boxes[b, 3] + BODY_WIDTH_M:
                continue
            if n < pairs.size:
                pairs[n].a, pairs[n].b = min(a, b), max(a, b)
            n += 1
    return n


@kernel
def _distance_to(points: Records, lane: Record, s_low: float, s_high: float, x: float, y: float) -> float:
    """Distance from a point to the lane's centre line between two arc lengths, m."""
    best = np.inf
    for i in range(lane.point_first, lane.point_first + lane.point_count - 1):
        p, q = points[i], points[i + 1]
        if q.s < s_low or p.s > s_high:
            continue
        dx, dy, length = q.x - p.x, q.y - p.y, q.s - p.s
        u = ((x - p.x) * dx + (y - p.y) * dy) / (length * length)
        u = min(1.0, (s_high - p.s) / length, max(0.0, (s_low - p.s) / length, u))
        best = min(best, (p.x + u * dx - x) ** 2 + (p.y + u * dy - y) ** 2)
    return math.sqrt(best)


@kernel
def _point_on(points: Records, lane: Record, s: float, hint: int) -> tuple[float, float, int]:
    i = hint
    last = lane.point_first + lane.point_count - 2
    while i < last and points[i + 1].s < s:
        i += 1
    p, q = points[i], points[i + 1]
    u = (s - p.s) / (q.s - p.s)
    return p.x + u * (q.x - p.x), p.y + u * (q.y - p.y), i


@kernel
def _next_run(
    points: Records, a: Record, b: Record, box: Floats, b_low: float, b_high: float, reach: float, s_from: float
) -> tuple[float, float]:
    """The first stretch of lane a from s_from on that lies within reach of lane b between b_low and b_high; (inf, inf) if none."""
    enter = np.inf
    s, before, hint = s_from, s_from, a.point_first
    while True:
        x, y, hint = _point_on(points, a, s, hint)
        outside = x < box[0] - reach or x > box[2] + reach or y < box[1] - reach or y > box[3] + reach
        near = not outside and _distance_to(points, b, b_low, b_high, x, y) < reach
        if near != (enter < np.inf):  # the state changed between `before` and s
            low, high = before, s
            for _ in range(6):
                middle = 0.5 * (low + high)
                mx, my, _i = _point_on(points, a, middle, a.point_first)
                if (_distance_to(points, b, b_low, b_high, mx, my) < reach) == near:
                    high = middle
                else:
                    low = middle
            if near:
                enter = s if s == s_from else high
            else:
                return enter, low
        if s >= a.length:
            return (enter, a.length) if enter < np.inf else (np.inf, np.inf)
        before = s
        s = min(s + _SAMPLE_M, a.length)


@kernel
def _share(successors: Ints, a: Record, b: Record) -> bool:
    for i in range(a.successor_first, a.successor_first + a.successor_count):
        for j in range(b.successor_first, b.successor_first + b.successor_count):
            if successors[i] == successors[j]:
                return True
    return False


@kernel
def _body(points: Records, lane: Record) -> float:
    p = points[lane.point_first + lane.point_count // 2]
    return float(min(BODY_WIDTH_M, p.left_m + p.right_m))


@kernel
def find_zones(points: Records, lanes: Records, successors: Ints, boxes: Floats, pairs: Records, zones: Records) -> int:
    """Conflict zones of the candidate pairs; returns how many there are.

    Left out: where two lanes begin together (a fork), where one begins as the other ends.
    """
    n = 0
    for k in range(pairs.size):
        ia, ib = pairs[k].a, pairs[k].b
        a, b = lanes[ia], lanes[ib]
        reach = 0.5 * (_body(points, a) + _body(points, b))
        a_start, b_start = points[a.point_first].heading, points[b.point_first].heading
        a_end = points[a.point_first + a.point_count - 1].heading
        b_end = points[b.point_first + b.point_count - 1].heading
        joined = _share(successors, a, b)
        s = 0.0
        while s < a.length:
            a0, a1 = _next_run(points, a, b, boxes[ib], 0.0, b.length, reach, s)
            if a0 == np.inf:
                break
            s = a1 + _SAMPLE_M
            b0, b1 = _next_run(points, b, a, boxes[ia], a0, a1, reach, 0.0)
            if b0 == np.inf:  # closer than the samples tell
                continue
            again = b1 + _SAMPLE_M
            while again < b.length:
                c0, c1 = _next_run(points, b, a, boxes[ia], a0, a1, reach, again)
                if c0 == np.inf:
                    break
                b1 = c1
                again = c1 + _SAMPLE_M
            a_starts, b_starts, a_ends, b_ends = a0 == 0.0, b0 == 0.0, a1 >= a.length, b1 >= b.length
            merge = a_ends and b_ends and (joined or abs(wrap(a_end - b_end)) < _ALIGNED_RAD)
            fork = a_starts and b_starts and not merge and abs(wrap(a_start - b_start)) < math.pi / 2.0
            chain = (a_ends and b_starts and abs(wrap(a_end - b_start)) < _ALIGNED_RAD) or (
                b_ends and a_starts and abs(wrap(b_end - a_start)) < _ALIGNED_RAD
            )
            touching = min(a1 - a0, b1 - b0) < _TOUCH_M
            if touching or fork or (chain and not merge):
                continue
            if n < zones.size:
                zone = zones[n]
                zone.a, zone.b, zone.meeting = ia, ib, _MERGE if merge else _CROSS
                zone.a0, zone.a1, zone.b0, zone.b1 = a0, a1, b0, b1
            n += 1
    return n


def build_lane_crossings(crossings: Sequence[CrossingSpec], junction: Ints, points: Records, lanes: Records) -> Records:
    """LANE_CROSSING records, lane after lane; sets crossing_first and crossing_count of the lanes."""
    boxes = lane_boxes(points, lanes)
    vehicles = np.flatnonzero((lanes["road"] & ~int(Road.PEDESTRIAN)) != 0).astype(np.int32)
    axes = np.array([c.axis for c in crossings], float).reshape(-1, 2, 2)
    widths = np.array([c.width_m for c in crossings], float)
    found = _collect(lambda room: _cross(points, lanes, boxes, vehicles, axes, widths, junction, room), _OVER, 16 * widths.size)
    order = np.lexsort((found["over"]["enter_s"], found["lane"]))
    count = np.bincount(found["lane"], minlength=lanes.size)
    lanes["crossing_count"] = count
    lanes["crossing_first"] = np.cumsum(count) - count
    return np.ascontiguousarray(found["over"][order])


@kernel
def _cross(
    points: Records, lanes: Records, boxes: Floats, vehicles: Ints, axes: Floats, widths: Floats, junction: Ints, found: Records
) -> int:
    """Where lanes run over crossings; returns how often. A crossing of a junction meets the lanes of that junction only."""
    n = 0
    for c in range(axes.shape[0]):
        x0, y0, x1, y1 = axes[c, 0, 0], axes[c, 0, 1], axes[c, 1, 0], axes[c, 1, 1]
        along = math.hypot(x1 - x0, y1 - y0)
        tx, ty = (x1 - x0) / along, (y1 - y0) / along
        for lane_index in vehicles:
            lane = lanes[lane_index]
            box = boxes[lane_index]
            if junction[c] >= 0 and lane.junction != junction[c]:
                continue
            if box[0] > max(x0, x1) + 1.0 or box[2] < min(x0, x1) - 1.0 or box[1] > max(y0, y1) + 1.0 or box[3] < min(y0, y1) - 1.0:
                continue
            for i in range(lane.point_first, lane.point_first + lane.point_count - 1):
                p, q = points[i], points[i + 1]
                length = q.s - p.s
                dx, dy = (q.x - p.x) / length, (q.y - p.y) / length
                sine = abs(tx * dy - ty * dx)
                before, after = (p.x - x0) * ty - (p.y - y0) * tx, (q.x - x0) * ty - (q.y - y0) * tx
                if sine < 0.2 or before * after > 0.0 or before == after or (after == 0.0 and i < lane.point_first + lane.point_count - 2):
                    continue
                u = before / (before - after)
                t = (p.x + u * (q.x - p.x) - x0) * tx + (p.y + u * (q.y - p.y) - y0) * ty
                if t < 0.0 or t > along:
                    continue
                cosine = abs(tx * dx + ty * dy)
                half = 0.5 * _body(points, lane)
                reach_s = (0.5 * widths[c] + half * cosine) / sine
                reach_t = (half + 0.5 * widths[c] * cosine) / sine
                if n < found.size:
                    over = found[n].over
                    found[n].lane, over.crossing = lane_index, c
                    over.enter_s = max(0.0, p.s + u * length - reach_s)
                    over.leave_s = min(lane.length, p.s + u * length + reach_s)
                    over.enter_t, over.leave_t = max(0.0, t - reach_t), min(along, t + reach_t)
                n += 1
    return n
