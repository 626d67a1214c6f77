"""A road map as traffic sees it: which lanes it uses, where it must ask before it goes on, and with whom it shares the ground."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marque.common import Indices, Ints, Records
from marque.driving.map import RoadMap
from marque.simulation.traffic.footways import build_footways
from marque.simulation.traffic.meetings import build_forks, build_zones
from marque.simulation.traffic.roads import choose_roads

_UNPOSTED_MPS = 130.0 / 3.6
_INNER_GATE_M = 8.0  # a lane that is free for at least this long lets a car wait inside it, before the place that is contested

# Everything is SI; s values are m on the lane's centre line.
LANE_TABLE = np.dtype(
    [
        ("length", "f8"),
        ("limit", "f8"),  # posted, m/s
        ("curve", "f8"),  # m/s for the sharpest bend
        ("stop_s", "f8"),  # where to wait for what comes behind the lane
        ("gate_s", "f8"),  # where to wait for this lane itself: on it, or −1 for the stop_s of the lane before
        ("clear_s", "f8"),  # behind this no one shares the ground of this lane
        ("fork_until", "f8"),  # up to here bodies that turn off elsewhere may still be in the way
        ("segment", "i8"),
        ("segments", "i8"),
        ("signal", "i8"),
        ("zone", "i8"),
        ("zones", "i8"),
        ("crossing", "i8"),  # into `crossings`
        ("crossings", "i8"),
        ("successor", "i8"),
        ("successors", "i8"),  # only lanes that traffic uses
        ("predecessor", "i8"),
        ("predecessors", "i8"),
        ("fork", "i8"),
        ("forks", "i8"),
        ("way_out", "i8"),  # of a lane that ends: 1 by the left, −1 by the right neighbour; 0 where it goes on
        ("zip", "i8"),  # a neighbour that ends and leads out here; −1
        ("left", "i8"),  # where the marking allows to go
        ("right", "i8"),
        ("junction", "i8"),
        ("turn", "i8"),
        ("road", "i8"),
        ("used", "u1"),
        ("heavy", "u1"),  # trucks and buses use it
        ("contested", "u1"),  # asks before it is entered
    ],
    align=True,
)
SEGMENT = np.dtype([("x", "f8"), ("y", "f8"), ("s", "f8"), ("ux", "f8"), ("uy", "f8")], align=True)


class Network(NamedTuple):
    """What the traffic kernels read; nothing in it changes while time runs."""

    lanes: Records  # (L,) LANE_TABLE
    segments: Records  # SEGMENT, lane after lane
    zones: Records  # ZONE
    successors: Indices
    predecessors: Indices
    forks: Records  # FORK
    crossings: Records  # LANE_OVER_CROSSING, lane after lane
    footways: Records  # (crossings of the map,) FOOTWAY
    crossed: Indices  # into `crossings`, crossing after crossing
    walkable: Indices  # crossings that traffic runs over


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
    _find_ways_out(lanes)
    forks = build_forks(lanes, segments, successors, predecessors)
    zones = build_zones(lanes, segments, forks, source, arrays.conflicts)
    footways, crossings, crossed = build_footways(road_map, used)
    lanes["crossings"] = np.bincount(crossings["lane"], minlength=lanes.size)
    lanes["crossing"] = np.cumsum(lanes["crossings"]) - lanes["crossings"]
    _gates(lanes, zones, crossings)
    walkable = np.flatnonzero(footways["lanes"] > 0)
    return Network(lanes, segments, zones, successors, predecessors, forks, crossings, footways, crossed, walkable)


def _segments(points: Records) -> Records:
    """One record per map point; the last of a lane repeats the direction of the one before and is only an end."""
    segments = np.zeros(points.size, SEGMENT)
    for name in ("x", "y", "s"):
        segments[name] = points[name]
    segments["ux"], segments["uy"] = np.cos(points["heading"]), np.sin(points["heading"])
    return segments


def _slices(lanes: Records, name: str, links: Ints) -> Indices:
    """The second column of the links, grouped by the first; the lanes are told where their group is."""
    lanes[name + "s"] = np.bincount(links[:, 0], minlength=lanes.size)
    lanes[name] = np.cumsum(lanes[name + "s"]) - lanes[name + "s"]
    return links[np.argsort(links[:, 0], kind="stable"), 1].astype(np.int64)


def _find_ways_out(lanes: Records) -> None:
    """To which side a lane that ends must be left: where the fewest lane changes lead to one that goes on."""
    reached = (lanes["used"] > 0) & (lanes["successors"] > 0)
    while True:
        for side, name in ((1, "left"), (-1, "right")):
            beside = lanes[name]
            lanes["way_out"] = np.where((lanes["way_out"] == 0) & ~reached & (beside >= 0) & reached[beside], side, lanes["way_out"])
        found = ~reached & (lanes["way_out"] != 0)
        if not found.any():
            break
        reached |= found
    lanes["zip"] = -1
    for side, name in ((1, "left"), (-1, "right")):
        ending = np.flatnonzero(lanes["way_out"] == side)
        lanes["zip"][lanes[name][ending]] = ending


def _gates(lanes: Records, zones: Records, crossings: Records) -> None:
    """Where each contested lane is waited for, and where it is contested no more."""
    first, zoned = np.full(lanes.size, np.inf), np.repeat(np.arange(lanes.size), lanes["zones"])
    np.minimum.at(first, zoned, zones["enter"])
    np.minimum.at(first, crossings["lane"], crossings["enter"])
    np.maximum.at(lanes["clear_s"], zoned, zones["leave"])
    np.maximum.at(lanes["clear_s"], crossings["lane"], crossings["leave"])
    lanes["contested"] = (lanes["used"] > 0) & ((lanes["zones"] > 0) | (lanes["crossings"] > 0) | (lanes["signal"] >= 0))
    inner = (lanes["signal"] < 0) & np.isfinite(first) & (first - 1.0 >= _INNER_GATE_M)
    lanes["gate_s"] = np.where(inner, first - 1.0, -1.0)
