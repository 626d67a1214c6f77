"""Where the paths of bodies on two lanes touch: forks, and zones that only one of two lanes may use at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from marque.common import Indices, Records
from marque.driving.map import Meeting, Yield
from marque.vehicle import kernel

_FORK_CLEAR_M = 2.7  # bodies pass each other where the centre lines are this far apart
_TIGHT_M = 2.65  # lanes side by side through a junction, nearer to each other: not both at once
_BODY_MARGIN_M = 0.7  # zones are those of standard bodies; longer and wider ones leave later
_SAMPLE_M = 0.5

ZONE = np.dtype(  # per lane in the order in which the lane's traffic leaves them
    [
        ("enter", "f8"), ("leave", "f8"), ("other_enter", "f8"), ("other_leave", "f8"),
        ("other", "i8"), ("mirror", "i8"), ("yields", "i8"),
    ],
    align=True,
)  # fmt: skip
FORK = np.dtype([("other", "i8"), ("until", "f8"), ("other_until", "f8")], align=True)


def build_forks(lanes: Records, segments: Records, successors: Indices, predecessors: Indices) -> Records:
    """For every lane those that begin where it begins, and how far bodies on the two are in each other's way.

    Where one of those ends before they are apart, the lanes behind it are in the way, too.
    """
    rows: list[Any] = []
    for lane in np.flatnonzero(lanes["used"]):
        record, siblings = lanes[lane], set()
        for p in predecessors[record["predecessor"] : record["predecessor"] + record["predecessors"]]:
            siblings |= set(successors[lanes[p]["successor"] : lanes[p]["successor"] + lanes[p]["successors"]].tolist())
        siblings.discard(int(lane))
        first, behind = len(rows), set[int]()
        for other in sorted(siblings):
            until = _stretch(lanes, segments, lane, other, _FORK_CLEAR_M, True)[1]
            other_until = _stretch(lanes, segments, other, lane, _FORK_CLEAR_M, True)[1]
            lanes["fork_until"][lane] = max(lanes["fork_until"][lane], until)
            rows.append((other, until, other_until))
            if other_until >= lanes[other]["length"]:
                behind |= set(successors[lanes[other]["successor"] : lanes[other]["successor"] + lanes[other]["successors"]].tolist())
        own = successors[record["successor"] : record["successor"] + record["successors"]].tolist()
        further = sorted(behind - siblings - {int(lane), *own})
        rows.extend((other, 0.0, _stretch(lanes, segments, other, lane, _FORK_CLEAR_M, True)[1]) for other in further)
        lanes["fork"][lane], lanes["forks"][lane] = first, len(rows) - first
    return np.array(rows, FORK)


def build_zones(lanes: Records, segments: Records, forks: Records, source: Records, conflicts: Records) -> Records:
    """The map's conflicts among lanes that traffic uses, and lanes too near to each other; each lane's in the order of leaving."""
    used = lanes["used"] > 0
    owner = np.repeat(np.arange(source.size), source["conflict_count"])
    kept = np.flatnonzero(used[owner] & used[conflicts["other"]])
    place = np.full(conflicts.size, -1)
    place[kept] = np.arange(kept.size)
    chosen, mine = conflicts[kept], owner[kept]
    merge = chosen["meeting"] == Meeting.MERGE
    met = np.zeros(kept.size, ZONE)
    met["enter"], met["other_enter"] = chosen["enter_s"], chosen["other_enter_s"]
    met["leave"] = np.where(merge, lanes["length"][mine], chosen["leave_s"] + _BODY_MARGIN_M)
    met["other_leave"] = np.where(merge, lanes["length"][chosen["other"]], chosen["other_leave_s"] + _BODY_MARGIN_M)
    met["other"], met["yields"], met["mirror"] = chosen["other"], chosen["yields"], place[chosen["mirror"]]

    known = {(int(a), int(b)) for a, b in zip(mine, chosen["other"], strict=True)}
    fork_owner = np.repeat(np.arange(lanes.size), lanes["forks"])
    known |= {(int(a), int(b)) for a, b in zip(fork_owner, forks["other"], strict=True)}
    pairs = [pair for pair in _beside_each_other(lanes, segments) if (int(pair[0]), int(pair[1])) not in known]
    tight = np.zeros(2 * len(pairs), ZONE)
    for n, (a, b) in enumerate(pairs):
        a_zone, b_zone = _stretch(lanes, segments, a, b, _TIGHT_M, False), _stretch(lanes, segments, b, a, _TIGHT_M, False)
        first = kept.size + 2 * n
        tight[2 * n] = (*a_zone, *b_zone, b, first + 1, Yield.ALTERNATE)
        tight[2 * n + 1] = (*b_zone, *a_zone, a, first, Yield.ALTERNATE)

    zones = np.concatenate([met, tight])
    mine = np.concatenate([mine, np.array(pairs, np.int64).reshape(-1)])
    order = np.lexsort((zones["leave"], mine))
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    zones, mine = zones[order], mine[order]
    zones["mirror"] = place[zones["mirror"]]
    lanes["zones"] = np.bincount(mine, minlength=lanes.size)
    lanes["zone"] = np.cumsum(lanes["zones"]) - lanes["zones"]
    return zones


@kernel
def _stretch(lanes: Records, segments: Records, lane: int, other: int, clear_m: float, from_start: bool) -> tuple[float, float]:
    """(first, last) place on a lane nearer than clear_m to another lane; (inf, 0) where there is none. from_start: only the first run."""
    first, s = lanes[lane].segment, 0.0
    i = first
    enter, leave = math.inf, 0.0
    while True:
        while i + 1 < first + lanes[lane].segments and segments[i + 1].s <= s:
            i += 1
        here = segments[i]
        x, y = here.x + (s - here.s) * here.ux, here.y + (s - here.s) * here.uy
        nearest = math.inf
        for k in range(lanes[other].segment, lanes[other].segment + lanes[other].segments):
            p, q = segments[k], segments[k + 1]
            along = min(q.s - p.s, max(0.0, (x - p.x) * p.ux + (y - p.y) * p.uy))
            nearest = min(nearest, (p.x + along * p.ux - x) ** 2 + (p.y + along * p.uy - y) ** 2)
        if nearest < clear_m * clear_m:
            enter, leave = min(enter, s), s
        elif from_start:
            return enter, s
        if s >= lanes[lane].length:
            return enter, leave
        s = min(s + _SAMPLE_M, lanes[lane].length)


def _beside_each_other(lanes: Records, segments: Records) -> list[tuple[int, int]]:
    """Pairs of lanes of one junction that come nearer than _TIGHT_M to each other, neither leading into the other."""
    inside = np.flatnonzero((lanes["used"] > 0) & (lanes["junction"] >= 0))
    inside = inside[np.argsort(lanes["junction"][inside], kind="stable")]
    pairs = _near(lanes, segments, inside)
    return [(int(a), int(b)) for a, b in pairs]


@kernel
def _near(lanes: Records, segments: Records, inside: Indices) -> Indices:
    found = np.empty((inside.size * 64, 2), np.int64)
    count = 0
    for n in range(inside.size):
        a = lanes[inside[n]]
        start_a, end_a = segments[a.segment], segments[a.segment + a.segments]
        for m in range(n + 1, inside.size):
            b = lanes[inside[m]]
            if b.junction != a.junction or count == found.shape[0]:
                break
            start_b, end_b = segments[b.segment], segments[b.segment + b.segments]
            leads_on = (
                math.hypot(end_a.x - start_b.x, end_a.y - start_b.y) < 1.0 or math.hypot(end_b.x - start_a.x, end_b.y - start_a.y) < 1.0
            )
            if leads_on:
                continue
            enter, _leave = _stretch(lanes, segments, inside[n], inside[m], _TIGHT_M, False)
            if enter < math.inf:
                found[count, 0], found[count, 1] = inside[n], inside[m]
                count += 1
    return found[:count]
