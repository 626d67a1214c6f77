"""Where to go: the cost from every lane to the goal, so that any lane the car finds itself on knows its best way on."""

from __future__ import annotations

import heapq

import numpy as np

from marque.common import Bools, Floats
from marque.driving.goal import Goal, heading_within
from marque.driving.map import MapArrays, Road, RoadMap, Turn
from marque.driving.map.geometry import wrap
from marque.driving.map.query import locate_all, pose_at
from marque.vehicle import kernel

LANE_CHANGE_M = 60.0
"""What one lane change costs, in metres of detour, where there is room for it."""
CHANGE_ROOM_M = 40.0
"""On a lane shorter than this a change costs more, in proportion: it may not come off."""
FORBIDDEN_CHANGE_M = 1500.0
"""A change across a solid line: only where nothing else leads to the goal."""
NO_ROOM_M = 3000.0
"""A turn back on a street needs more room than most streets have, and so do some corners: only where there is no other way."""
FAR_M = 1e6
"""The cost of a lane from which no goal can be reached; finite, so that differences stay numbers."""

_ROADS = int(Road.CAR)
_ASKEW_RAD = 0.3
_MIDDLE_M = 0.9
"""A car that keeps this near to the middle of its lane keeps its lane."""


@kernel
def cost_to_go(m: MapArrays, entries: Floats, tight: Bools, out: Floats, way: Floats) -> None:
    """Metres from the start of every lane to the nearest goal, by Dijkstra backwards; FAR_M where there is no way.

    entries: (L,) where on a lane the goal begins, inf where there is none (`goal_entries`). tight: (L,) lanes to be driven only where there
    is no other (`tight.tight_lanes`). out: (L,) metres with what lane changes cost;
    way: (L,) the metres alone. Only lanes for cars, and goal lanes, are driven.
    """
    out[:] = way[:] = FAR_M
    queue = [(0.0, np.int32(0))]
    queue.pop()
    for goal in range(len(entries)):
        if entries[goal] < np.inf:
            out[goal] = way[goal] = entries[goal]
            heapq.heappush(queue, (entries[goal], np.int32(goal)))
    while len(queue) > 0:
        cost, lane = heapq.heappop(queue)
        if cost > out[lane]:
            continue
        here = m.lanes[lane]
        for k in range(here.predecessor_first, here.predecessor_first + here.predecessor_count):
            before = m.predecessors[k]
            no_room = m.lanes[before].turn == Turn.BACK or tight[before]
            price = cost + m.lanes[before].length + (NO_ROOM_M if no_room else 0.0)
            if m.lanes[before].road & _ROADS and price < out[before]:
                out[before] = price
                way[before] = way[lane] + m.lanes[before].length
                heapq.heappush(queue, (out[before], before))
        for side in range(2):
            beside = here.left if side == 0 else here.right
            if beside < 0 or not m.lanes[beside].road & _ROADS:
                continue
            allowed = m.lanes[beside].may_change_right if side == 0 else m.lanes[beside].may_change_left
            room = max(1.0, CHANGE_ROOM_M / m.lanes[beside].length)
            price = cost + room * (LANE_CHANGE_M if allowed else FORBIDDEN_CHANGE_M)
            if price < out[beside]:
                out[beside], way[beside] = price, way[lane]
                heapq.heappush(queue, (price, beside))


@kernel
def best_successor(m: MapArrays, lane: int, cost: Floats) -> int:
    """The successor on the cheapest way to the goal; the straightest where none leads there; −1 at a dead end."""
    here = m.lanes[lane]
    best, best_cost = -1, np.inf
    end = here.point_first + here.point_count - 1
    for k in range(here.successor_first, here.successor_first + here.successor_count):
        following = m.successors[k]
        lane_after = m.lanes[following]
        if not lane_after.road & _ROADS and cost[following] >= FAR_M:
            continue
        middle = lane_after.point_first + lane_after.point_count // 2
        bend = abs(wrap(m.points[middle].heading - m.points[end].heading))
        price = cost[following] + bend
        if price < best_cost:
            best, best_cost = following, price
    return best


def goal_entries(road_map: RoadMap, goals: tuple[Goal, ...]) -> Floats:
    """(L,) metres along each lane at which a goal's region begins, inf where none does; 0 everywhere for a goal that may be anywhere.

    A region that only reaches over a lane's border is none of that lane, unless it is no lane's otherwise; nor is one to be reached with
    another heading than that of the lane there.
    """
    arrays = road_map.arrays
    entries = np.full(len(arrays.lanes), np.inf)
    lanes, s, d = np.empty(64, np.int32), np.empty(64), np.empty(64)
    for goal in goals:
        if goal.anywhere:
            entries[:] = 0.0
        entries[list(goal.lanes)] = 0.0
        begins, central, along = np.full_like(entries, np.inf), np.zeros(len(entries), np.bool_), np.zeros(len(entries), np.bool_)
        for x, y in region_samples(goal):
            found = locate_all(arrays, x, y, lanes, s, d)
            np.minimum.at(begins, lanes[:found], s[:found])
            central[lanes[:found][np.abs(d[:found]) < _MIDDLE_M]] = True
            for lane, at in zip(lanes[:found], s[:found], strict=True):
                along[lane] |= _suits(arrays, lane, at, goal)
        for suits in (along, central):
            if (suits & np.isfinite(begins)).any():
                begins[~suits] = np.inf
        entries = np.minimum(entries, begins)
    return entries


def _suits(arrays: MapArrays, lane: int, s: float, goal: Goal) -> bool:
    """Whether a lane leads nearly the way at s that a goal asks for."""
    if goal.heading_rad is None:
        return True
    low, high = goal.heading_rad
    _, _, heading, _ = pose_at(arrays, lane, s, 0.0, arrays.lanes[lane]["point_first"])
    return heading_within(heading, (low - _ASKEW_RAD, high + _ASKEW_RAD))


def region_samples(goal: Goal) -> list[tuple[float, float]]:
    """Points spread over the interior of a goal's polygons and circles; m."""
    points: list[tuple[float, float]] = [(x, y) for x, y, _ in goal.circles]
    for polygon in goal.polygons:
        centre = polygon.mean(axis=0)
        for vertex in polygon:
            points.extend((float(p[0]), float(p[1])) for p in (centre + f * (vertex - centre) for f in (0.0, 0.45, 0.9)))
    return points
