"""A road map as traffic sees it: which lanes it uses, where it must ask before it goes on, and with whom it shares the ground."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marque.common import Bools, Ints, Records
from marque.driving.map import Meeting, RoadMap
from marque.simulation.traffic.footways import build_footways
from marque.simulation.traffic.roads import choose_roads
from marque.vehicle import kernel

_UNPOSTED_MPS = 130.0 / 3.6
_INNER_GATE_M = 8.0  # a lane that is free for at least this long lets a car wait inside it, before the place that is contested
_BODY_MARGIN_M = 0.7  # zones are those of standard bodies; wider ones leave later
_FORK_CLEAR_M = 2.7  # two lanes from one: bodies pass each other where the centre lines are this far apart

# Everything is SI; s values are m on the lane's centre line.
LANE_TABLE = np.dtype(
    [
        ("length", "f8"),
        ("limit", "f8"),  # posted, m/s
        ("curve", "f8"),  # m/s for the sharpest bend
        ("stop_s", "f8"),  # where to wait for what comes behind the lane
        ("gate_s", "f8"),  # where to wait for this lane itself: on it, or −1 for the stop_s of the lane before
        ("fork_until", "f8"),  # up to here bodies that turn off elsewhere may still be in the way
        ("segment", "i4"),
        ("segments", "i4"),
        ("signal", "i4"),
        ("zone", "i4"),
        ("zones", "i4"),
        ("crossing", "i4"),  # into `crossings`
        ("crossings", "i4"),
        ("successor", "i4"),
        ("successors", "i4"),  # only lanes that traffic uses
        ("predecessor", "i4"),
        ("predecessors", "i4"),
        ("fork", "i4"),
        ("forks", "i4"),
        ("left", "i4"),  # where the marking allows to go
        ("right", "i4"),
        ("junction", "i4"),
        ("turn", "i4"),
        ("road", "i4"),
        ("used", "u1"),
        ("heavy", "u1"),  # trucks and buses use it
        ("contested", "u1"),  # asks before it is entered
    ],
    align=True,
)
SEGMENT = np.dtype([("x", "f8"), ("y", "f8"), ("s", "f8"), ("ux", "f8"), ("uy", "f8")], align=True)
ZONE = np.dtype(  # a conflict, per lane in the order in which the lane's traffic leaves them
    [("leave", "f8"), ("other_enter", "f8"), ("other_leave", "f8"), ("other", "i4"), ("mirror", "i4"), ("yields", "i4")], align=True
)
FORK = np.dtype([("other", "i4"), ("until", "f8"), ("other_until", "f8")], align=True)


class Network(NamedTuple):
    """What the traffic kernels read; nothing in it changes while time runs."""

    lanes: Records  # (L,) LANE_TABLE
    segments: Records  # SEGMENT, lane after lane
    zones: Records  # ZONE
    successors: Ints
    predecessors: Ints
    forks: Records  # FORK
    crossings: Records  # LANE_OVER_CROSSING, lane after lane
    footways: Records  # (crossings of the map,) FOOTWAY
    crossed: Ints  # into `crossings`, crossing after crossing
    walkable: Ints  # crossings that traffic runs over


def build_network(road_map: RoadMap) -> Network:
    """The traffic tables of a map. Raises InputError where it has no lanes on which a car can drive for ever."""
    arrays = road_map.arrays
    source = arrays.lanes
    roads = choose_roads(road_map)
    used = roads.used
    lanes = np.zeros(source.size, LANE_TABLE)
    for name in ("length", "stop_s", "signal", "junction", "turn", "road"):
        lanes[name] = source[name]
    lanes["used"] = used
    lanes["limit"] = np.where(np.isfinite(source["speed_limit"]), source["speed_limit"], _UNPOSTED_MPS)
    segments = _segments(arrays.points)
    lanes["segment"], lanes["segments"] = source["point_first"], source["point_count"] - 1
    lanes["curve"], lanes["heavy"] = roads.curve_mps, roads.heavy
    for side in ("left", "right"):
        neighbour = source[side]
        lanes[side] = np.where((source[f"may_change_{side}"] > 0) & (neighbour >= 0) & used & used[neighbour], neighbour, -1)
    successors = _slices(lanes, "successor", roads.links)
    predecessors = _slices(lanes, "predecessor", roads.links[:, ::-1])
    forks = _forks(lanes, segments, successors, predecessors)
    zones = _zones(lanes, source, arrays.conflicts, used)
    footways, crossings, crossed = build_footways(road_map, used)
    lanes["crossings"] = np.bincount(crossings["lane"], minlength=lanes.size)
    lanes["crossing"] = np.cumsum(lanes["crossings"]) - lanes["crossings"]
    _gates(lanes, source, arrays.conflicts, crossings)
    walkable = np.flatnonzero(footways["lanes"] > 0).astype(np.int32)
    return Network(lanes, segments, zones, successors, predecessors, forks, crossings, footways, crossed, walkable)


def _segments(points: Records) -> Records:
    """One record per map point; the last of a lane repeats the direction of the one before and is only an end."""
    segments = np.zeros(points.size, SEGMENT)
    for name in ("x", "y", "s"):
        segments[name] = points[name]
    segments["ux"], segments["uy"] = np.cos(points["heading"]), np.sin(points["heading"])
    return segments


def _slices(lanes: Records, name: str, links: Ints) -> Ints:
    """The second column of the links, grouped by the first; the lanes are told where their group is."""
    lanes[name + "s"] = np.bincount(links[:, 0], minlength=lanes.size)
    lanes[name] = np.cumsum(lanes[name + "s"]) - lanes[name + "s"]
    return np.ascontiguousarray(links[np.argsort(links[:, 0], kind="stable"), 1])


def _forks(lanes: Records, segments: Records, successors: Ints, predecessors: Ints) -> Records:
    """For every lane those that begin where it begins, and how far bodies on the two are in each other's way."""
    rows = []
    for lane in np.flatnonzero(lanes["used"]):
        record, siblings = lanes[lane], set()
        for p in predecessors[record["predecessor"] : record["predecessor"] + record["predecessors"]]:
            siblings |= set(successors[lanes[p]["successor"] : lanes[p]["successor"] + lanes[p]["successors"]].tolist())
        siblings.discard(int(lane))
        lanes["fork"][lane], lanes["forks"][lane] = len(rows), len(siblings)
        for other in sorted(siblings):
            until, other_until = _apart(lanes, segments, lane, other), _apart(lanes, segments, other, lane)
            lanes["fork_until"][lane] = max(lanes["fork_until"][lane], until)
            rows.append((other, until, other_until))
    return np.array(rows, FORK)


@kernel
def _apart(lanes: Records, segments: Records, lane: int, other: int) -> float:
    """The first place on a lane from which on its bodies pass those on the other."""
    first, s = lanes[lane].segment, 0.0
    i = first
    while s < lanes[lane].length:
        while i + 1 < first + lanes[lane].segments and segments[i + 1].s <= s:
            i += 1
        here = segments[i]
        x, y = here.x + (s - here.s) * here.ux, here.y + (s - here.s) * here.uy
        nearest = np.inf
        for k in range(lanes[other].segment, lanes[other].segment + lanes[other].segments):
            p, q = segments[k], segments[k + 1]
            along = min(q.s - p.s, max(0.0, (x - p.x) * p.ux + (y - p.y) * p.uy))
            nearest = min(nearest, (p.x + along * p.ux - x) ** 2 + (p.y + along * p.uy - y) ** 2)
        if nearest > _FORK_CLEAR_M * _FORK_CLEAR_M:
            return s
        s += 0.5
    return lanes[lane].length


def _zones(lanes: Records, source: Records, conflicts: Records, used: Bools) -> Records:
    """The conflicts among lanes that traffic uses, each lane's in the order of leaving."""
    owner = np.repeat(np.arange(source.size), source["conflict_count"])
    kept = np.flatnonzero(used[owner] & used[conflicts["other"]])
    kept = kept[np.lexsort((conflicts["leave_s"][kept], owner[kept]))]
    place = np.full(conflicts.size, -1)
    place[kept] = np.arange(kept.size)
    zones = np.zeros(kept.size, ZONE)
    chosen = conflicts[kept]
    merge = chosen["meeting"] == Meeting.MERGE
    zones["leave"] = np.where(merge, source["length"][owner[kept]], chosen["leave_s"] + _BODY_MARGIN_M)
    zones["other_leave"] = np.where(merge, source["length"][chosen["other"]], chosen["other_leave_s"] + _BODY_MARGIN_M)
    zones["other_enter"], zones["other"], zones["yields"] = chosen["other_enter_s"], chosen["other"], chosen["yields"]
    zones["mirror"] = place[chosen["mirror"]]
    count = np.bincount(owner[kept], minlength=source.size)
    lanes["zones"], lanes["zone"] = count, np.cumsum(count) - count
    return zones


def _gates(lanes: Records, source: Records, conflicts: Records, crossings: Records) -> None:
    """Where each contested lane is waited for."""
    first = np.full(lanes.size, np.inf)
    owner = np.repeat(np.arange(source.size), source["conflict_count"])
    used = lanes["used"] > 0
    met = used[owner] & used[conflicts["other"]]
    np.minimum.at(first, owner[met], conflicts["enter_s"][met])
    np.minimum.at(first, crossings["lane"], crossings["enter"])
    lanes["contested"] = used & ((lanes["zones"] > 0) | (lanes["crossings"] > 0) | (lanes["signal"] >= 0))
    inner = (lanes["signal"] < 0) & np.isfinite(first) & (first - 1.0 >= _INNER_GATE_M)
    lanes["gate_s"] = np.where(inner, first - 1.0, -1.0)
