"""Where to go: the cost from every lane to the goal, so that any lane the car finds itself on knows its best way on."""

from __future__ import annotations

import heapq

import numpy as np

from marque.common import Bytes, Floats
from marque.driving.goal import Goal
from marque.driving.map import MapArrays, Road, RoadMap, Turn
from marque.driving.map.geometry import wrap
from marque.driving.map.query import locate_all
from marque.vehicle import kernel

LANE_CHANGE_M = 60.0
"""What one lane change costs, in metres of detour, where there is room for it."""
CHANGE_ROOM_M = 40.0
"""On a lane shorter than this a change costs more, in proportion: it may not come off."""
FORBIDDEN_CHANGE_M = 1500.0
"""A change across a solid line: only where nothing else leads to the goal."""
TURN_BACK_M = 3000.0
"""A turn back on a street needs more room than most streets have: only where there is no other way."""
FAR_M = 1e6
"""The cost of a lane from which no goal can be reached; finite, so that differences stay numbers."""

_ROADS = int(Road.CAR)


@kernel
def cost_to_go(m: MapArrays, goal_lanes: Bytes, out: Floats, way: Floats) -> None:
    """Metres from the start of every lane to the nearest goal lane, by Dijkstra backwards; FAR_M where there is no way.

    goal_lanes: (L,) 1 on a goal lane. out: (L,) metres with what lane changes cost; way: (L,) the metres alone. A goal lane costs nothing.
    Only lanes for cars, and goal lanes, are driven.
    """
    out[:] = way[:] = FAR_M
    queue = [(0.0, np.int32(0))]
    queue.pop()
    for goal in range(len(goal_lanes)):
        if goal_lanes[goal]:
            out[goal] = way[goal] = 0.0
            heapq.heappush(queue, (0.0, np.int32(goal)))
    while len(queue) > 0:
        cost, lane = heapq.heappop(queue)
        if cost > out[lane]:
            continue
        here = m.lanes[lane]
        for k in range(here.predecessor_first, here.predecessor_first + here.predecessor_count):
            before = m.predecessors[k]
            price = cost + m.lanes[before].length + (TURN_BACK_M if m.lanes[before].turn == Turn.BACK else 0.0)
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
        price = cost[following] + (lane_after.length if cost[following] < FAR_M else 0.0) + bend
        if price < best_cost:
            best, best_cost = following, price
    return best


def lanes_of_goals(road_map: RoadMap, goals: tuple[Goal, ...]) -> Bytes:
    """(L,) 1 on every lane through which a goal's region can be entered; all lanes where a goal may be anywhere."""
    arrays = road_map.arrays
    marked = np.zeros(len(arrays.lanes), np.uint8)
    lanes, s, d = np.empty(64, np.int32), np.empty(64), np.empty(64)
    for goal in goals:
        if goal.anywhere:
            marked[:] = 1
        marked[list(goal.lanes)] = 1
        for x, y in region_samples(goal):
            found = locate_all(arrays, x, y, lanes, s, d)
            marked[lanes[:found]] = 1
    return marked


def region_samples(goal: Goal) -> list[tuple[float, float]]:
    """Points spread over the interior of a goal's polygons and circles; m."""
    points: list[tuple[float, float]] = [(x, y) for x, y, _ in goal.circles]
    for polygon in goal.polygons:
        centre = polygon.mean(axis=0)
        for vertex in polygon:
            points.extend((float(p[0]), float(p[1])) for p in (centre + f * (vertex - centre) for f in (0.0, 0.45, 0.9)))
    return points
