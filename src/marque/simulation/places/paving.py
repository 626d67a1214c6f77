"""The road as it is paved: corners of junctions that no lane covers, but the map's own outline of the junction does; and slits."""

from __future__ import annotations

import dataclasses
import functools
import math

from marque.common import Records
from marque.driving.map import MapArrays, RoadMap
from marque.driving.map.query import outline_holds
from marque.vehicle import kernel

_DRAWN_M = 0.1
"""Maps of cities are drawn to a decimetre: what lies so near to a lane counts as road."""
_WIDER_M = 0.75
"""So far a lane through a junction reaches over its borders where that is paved: lanes end square, and leave wedges where they meet."""


@functools.lru_cache(maxsize=8)
def paved(road_map: RoadMap) -> RoadMap:
    """For whoever judges whether a body was on the road; the car's own map stays as it is."""
    points = road_map.arrays.points.copy()
    _widen(road_map.arrays, points)
    return dataclasses.replace(road_map, arrays=road_map.arrays._replace(points=points))


@kernel
def _widen(m: MapArrays, points: Records) -> None:
    for i in range(points.size):
        junction, p = m.lanes[m.points[i].lane].junction, m.points[i]
        x, y = p.left_x - p.right_x, p.left_y - p.right_y
        across = math.sqrt(x * x + y * y)
        if across <= 0.0:
            continue
        x, y = x / across, y / across
        left = right = _DRAWN_M
        if junction >= 0 and outline_holds(m, junction, p.left_x + _WIDER_M * x, p.left_y + _WIDER_M * y):
            left = _WIDER_M
        if junction >= 0 and outline_holds(m, junction, p.right_x - _WIDER_M * x, p.right_y - _WIDER_M * y):
            right = _WIDER_M
        points[i].left_x, points[i].left_y = p.left_x + left * x, p.left_y + left * y
        points[i].right_x, points[i].right_y = p.right_x - right * x, p.right_y - right * y
