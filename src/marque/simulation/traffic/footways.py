"""Crossings as traffic and pedestrians share them: where one waits, and which stretch of which lane is walked over."""

from __future__ import annotations

import math

import numpy as np

from marque.common import Bools, Floats, Indices, Record, Records
from marque.driving.map import RoadMap
from marque.vehicle import kernel

SIDE_M = 0.8
"""Pedestrians walk up to so far to either side of a crossing's axis."""
_HALF_BODY_M = 1.25  # of the widest vehicle
_BAND_M = SIDE_M + 0.6
_CLEAR_M = 2.3  # from the centre line of a lane: nobody there hits who waits
_FARTHEST_WAIT_M = 6.0
_APRON_M = 3.0
_STEP_M = 0.5

FOOTWAY = np.dtype(  # a crossing, from where one waits on its first side to where one waits on its second
    [
        ("x", "f8"), ("y", "f8"), ("ux", "f8"), ("uy", "f8"), ("length", "f8"), ("side", "f8"),
        ("apron0", "f8"), ("apron1", "f8"),  # m of pavement behind either waiting place that no car uses
        ("signal", "i8"), ("priority", "u1"),
        ("lane", "i8"), ("lanes", "i8"),  # slice of `Network.crossed`; no lanes: not for walking
    ],
    align=True,
)  # fmt: skip
LANE_OVER_CROSSING = np.dtype(
    [("enter", "f8"), ("leave", "f8"), ("enter_t", "f8"), ("leave_t", "f8"), ("crossing", "i8"), ("lane", "i8")], align=True
)


def build_footways(road_map: RoadMap, used: Bools) -> tuple[Records, Records, Indices]:
    """(FOOTWAY per crossing, LANE_OVER_CROSSING by lane, indices of these by crossing)."""
    arrays = road_map.arrays
    crossings = arrays.crossings
    chosen = np.flatnonzero(used)
    footways = np.zeros(crossings.size, FOOTWAY)
    dx, dy = crossings["x1"] - crossings["x0"], crossings["y1"] - crossings["y0"]
    footways["length"] = np.hypot(dx, dy)
    footways["x"], footways["y"] = crossings["x0"], crossings["y0"]
    footways["ux"], footways["uy"] = dx / footways["length"], dy / footways["length"]
    footways["side"] = np.clip(0.5 * crossings["width"] - 0.3, 0.0, SIDE_M)
    footways["signal"], footways["priority"] = crossings["signal"], crossings["priority"]
    drivable = used | (arrays.lanes["component"] == 0)  # self-driving cars go where traffic does not
    over = _walked_lanes(footways, arrays.points, arrays.lanes, chosen, np.flatnonzero(drivable), _boxes(arrays.points, arrays.lanes))
    over = over[np.lexsort((over["leave"], over["lane"]))]
    crossed = np.argsort(over["crossing"], kind="stable")
    footways["lanes"] = np.bincount(over["crossing"], minlength=crossings.size)
    footways["lane"] = np.cumsum(footways["lanes"]) - footways["lanes"]
    return footways, over, crossed


@kernel
def _boxes(points: Records, lanes: Records) -> Floats:
    boxes = np.empty((lanes.size, 4))
    for i in range(lanes.size):
        own = points[lanes[i].point_first : lanes[i].point_first + lanes[i].point_count]
        boxes[i] = (own["x"].min(), own["y"].min(), own["x"].max(), own["y"].max())
    return boxes


@kernel
def _clearance(points: Records, lanes: Records, near: Indices, x: float, y: float) -> float:
    """Distance from a place to the nearest centre line of some lanes, m."""
    nearest = math.inf
    for lane_index in near:
        lane = lanes[lane_index]
        for i in range(lane.point_first, lane.point_first + lane.point_count - 1):
            p, q = points[i], points[i + 1]
            dx, dy = q.x - p.x, q.y - p.y
            u = min(1.0, max(0.0, ((x - p.x) * dx + (y - p.y) * dy) / (dx * dx + dy * dy)))
            nearest = min(nearest, (p.x + u * dx - x) ** 2 + (p.y + u * dy - y) ** 2)
    return math.sqrt(nearest)


@kernel
def _retreat(points: Records, lanes: Records, near: Indices, way: Record, x: float, y: float, outward: float, least: float) -> float:
    """How far out from a kerb, at least so far, one stands clear of all lanes; inf where that is nowhere near."""
    back = least
    while back <= _FARTHEST_WAIT_M:
        clear = True
        for side in (-way.side, 0.0, way.side):
            px, py = x + outward * back * way.ux - side * way.uy, y + outward * back * way.uy + side * way.ux
            clear = clear and _clearance(points, lanes, near, px, py) >= _CLEAR_M
        if clear:
            return back
        back += _STEP_M
    return math.inf


@kernel
def _near(boxes: Floats, lanes: Indices, found: Indices, way: Record, x1: float, y1: float, reach: float) -> Indices:
    """Those of some lanes whose boxes come so near to a footway; a slice of `found`, which they are written into."""
    n = 0
    for lane in lanes:
        box = boxes[lane]
        beside = box[0] < max(way.x, x1) + reach and box[2] > min(way.x, x1) - reach
        if beside and box[1] < max(way.y, y1) + reach and box[3] > min(way.y, y1) - reach:
            found[n] = lane
            n += 1
    return found[:n]


@kernel
def _walked_lanes(footways: Records, points: Records, lanes: Records, chosen: Indices, drivable: Indices, boxes: Floats) -> Records:
    """Moves both ends of every footway out to where one waits, clear of drivable lanes, and lists the chosen ones that run over it."""
    found = np.empty(256, LANE_OVER_CROSSING)
    count = 0
    nearby = np.empty(drivable.size, np.int64)
    for c in range(footways.size):
        way = footways[c]
        reach = _FARTHEST_WAIT_M + _APRON_M + 5.0
        x1, y1 = way.x + way.length * way.ux, way.y + way.length * way.uy
        around = _near(boxes, drivable, nearby, way, x1, y1, reach)
        back = _retreat(points, lanes, around, way, way.x, way.y, -1.0, 0.5)
        out = _retreat(points, lanes, around, way, x1, y1, 1.0, 0.5)
        if not (math.isfinite(back) and math.isfinite(out)):
            continue
        way.x, way.y, way.length = way.x - back * way.ux, way.y - back * way.uy, way.length + back + out
        x1, y1 = way.x + way.length * way.ux, way.y + way.length * way.uy
        while way.apron0 < _APRON_M and _retreat(points, lanes, around, way, way.x, way.y, -1.0, way.apron0) == way.apron0:
            way.apron0 += _STEP_M
        while way.apron1 < _APRON_M and _retreat(points, lanes, around, way, x1, y1, 1.0, way.apron1) == way.apron1:
            way.apron1 += _STEP_M
        way.apron0, way.apron1 = max(0.0, way.apron0 - _STEP_M), max(0.0, way.apron1 - _STEP_M)
        for lane_index in _near(boxes, chosen, nearby, way, x1, y1, reach):
            if count == found.size:
                more = np.empty(2 * count, LANE_OVER_CROSSING)
                more[:count] = found
                found = more
            if _run_over(way, points, lanes[lane_index], found[count]):
                found[count].crossing, found[count].lane = c, lane_index
                count += 1
    return found[:count].copy()


@kernel
def _run_over(way: Record, points: Records, lane: Record, over: Record) -> bool:
    """Where bodies on a lane touch the strip that is walked on; False where they do not."""
    over.enter, over.leave, over.enter_t, over.leave_t = math.inf, -math.inf, math.inf, -math.inf
    for i in range(lane.point_first, lane.point_first + lane.point_count - 1):
        p, q = points[i], points[i + 1]
        length = q.s - p.s
        dx, dy = (q.x - p.x) / length, (q.y - p.y) / length
        along, across = abs(dx * way.ux + dy * way.uy), abs(dy * way.ux - dx * way.uy)
        samples = int(length / 0.25) + 1
        for k in range(samples + 1):
            s = length * k / samples
            rx, ry = p.x + s * dx - way.x, p.y + s * dy - way.y
            t, n = rx * way.ux + ry * way.uy, ry * way.ux - rx * way.uy
            half_t = _HALF_BODY_M * across + 0.3
            if abs(n) < _BAND_M + _HALF_BODY_M * along and -half_t < t < way.length + half_t:
                over.enter, over.leave = min(over.enter, p.s + s), max(over.leave, p.s + s)
                over.enter_t, over.leave_t = min(over.enter_t, t - half_t), max(over.leave_t, t + half_t)
    return over.leave > -math.inf
