"""Lanes with a corner too sharp for their width: no body gets round it without leaving the road, however it is steered.

Maps have them where an alley is drawn as a line with a kink. Who drives in stands in the corner for good, so `route` leads round them.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from marque.common import Bools, Floats, Ints
from marque.driving.map import DRIVABLE, MapArrays, Road, RoadMap, Turn
from marque.driving.map.geometry import wrap
from marque.driving.map.query import on_road
from marque.driving.path import LANES, STATIONS, Paths, lay_stations, no_paths, straightest_before
from marque.driving.route import FAR_M, best_successor
from marque.driving.shape import FLANK
from marque.vehicle import VehicleParameters, kernel

_CARS = int(Road.CAR)
_FIRST, _LAST = 24, 56
"""Stations judged of each path that is tried: behind and ahead of them it is long enough to bend as it does when it is driven."""
_TURNS_RAD = 0.7
"""A lane that turns by less, the joints at its ends included, has no corner."""
_CORNER = 0.15
"""1/m; in wider bends only a slit in the road's surface can be in the way, which nobody stops for for long."""


def tight_lanes(road_map: RoadMap, vehicle: VehicleParameters) -> Bools:
    """(L,) whether a lane has a corner in which the best path there is (`shape`) does not keep the body on the road."""
    return _known(_Ground(road_map.arrays), vehicle)


class _Ground:
    """A map's geometry: the same for maps of the same points, which differ in speed limits at the most."""

    def __init__(self, arrays: MapArrays) -> None:
        self.arrays = arrays

    def __hash__(self) -> int:
        return id(self.arrays.points)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Ground) and self.arrays.points is other.arrays.points


@functools.lru_cache(maxsize=4)
def _known(ground: _Ground, vehicle: VehicleParameters) -> Bools:
    lanes = len(ground.arrays.lanes)
    tight = np.zeros(lanes, np.bool_)
    _try_all(ground.arrays, vehicle, no_paths(), np.full(lanes, FAR_M), np.full(8, -1, np.int32), tight)
    return tight


@kernel
def _try_all(m: MapArrays, vehicle: VehicleParameters, paths: Paths, nowhere: Floats, unknown: Ints, tight: Bools) -> None:
    for lane in range(len(m.lanes)):
        here = m.lanes[lane]
        if not here.road & _CARS or here.turn == Turn.BACK or _turning(m, lane, nowhere, unknown) < _TURNS_RAD:
            continue
        s = 0.0
        while s < here.length and not tight[lane]:
            begins, ends = _lay_over(m, lane, s, vehicle, nowhere, unknown, paths)
            # What the map does not know is no road's edge.
            first = max(_FIRST, math.ceil(begins + 0.5 * vehicle.length_m - vehicle.rear_axle_m))
            last = min(_LAST, _FIRST + here.length - s, ends - vehicle.rear_axle_m - 0.5 * vehicle.length_m)
            for i in range(first, int(last)):
                tight[lane] |= _is_corner(paths, i) and _leaves(m, paths, i, vehicle)
            s += _LAST - _FIRST


@kernel
def _turning(m: MapArrays, lane: int, nowhere: Floats, unknown: Ints) -> float:
    """By how much a lane turns from point to point, with the joints at its ends, rad."""
    first, count = m.lanes[lane].point_first, m.lanes[lane].point_count
    turned = 0.0
    for k in range(first + 1, first + count):
        turned += abs(wrap(m.points[k].heading - m.points[k - 1].heading))
    before, after = straightest_before(m, lane, unknown), best_successor(m, lane, nowhere)
    if before >= 0:
        turned += abs(wrap(m.points[first].heading - m.points[m.lanes[before].point_first + m.lanes[before].point_count - 1].heading))
    if after >= 0:
        turned += abs(wrap(m.points[m.lanes[after].point_first].heading - m.points[first + count - 1].heading))
    return turned


@kernel
def _lay_over(
    m: MapArrays, lane: int, s: float, vehicle: VehicleParameters, nowhere: Floats, unknown: Ints, paths: Paths
) -> tuple[float, float]:  # fmt: skip
    """Lay path 0 the straightest way to a lane, over it and on, station _FIRST at place s of it; between which stations there are lanes."""
    behind, count, start, first = np.empty(LANES, np.int32), 0, _FIRST - s, lane
    while start > 0.0 and count < LANES // 2:
        before = straightest_before(m, first, unknown)
        if before < 0 or m.lanes[before].turn == Turn.BACK:
            break
        behind[count] = first = before
        count += 1
        start -= m.lanes[before].length
    station, n, current = start, 0, lane
    while n < LANES and station < STATIONS:
        current = behind[count - 1 - n] if n < count else (lane if n == count else best_successor(m, current, nowhere))
        if current < 0 or m.lanes[current].turn == Turn.BACK:
            break
        paths.lane[0, n].lane, paths.lane[0, n].start = current, station
        station += m.lanes[current].length
        n += 1
    paths.path[0].kind, paths.path[0].lane_count, paths.path[0].end_s = 0, n, station
    lay_stations(m, 0, vehicle, paths)
    return start, station


@kernel
def _is_corner(paths: Paths, i: int) -> bool:
    """Whether a path bends sharply under a body whose rear axle is at station i."""
    sharpest = 0.0
    for k in range(i - 1, i + 5):
        sharpest = max(sharpest, abs(paths.station[0, k].curvature))
    return sharpest > _CORNER


@kernel
def _leaves(m: MapArrays, paths: Paths, i: int, vehicle: VehicleParameters) -> bool:
    """Whether a side of the body is off the road with the rear axle at station i."""
    station = paths.station[0, i]
    cos, sin = math.cos(station.heading), math.sin(station.heading)
    for k in range(FLANK):
        along = vehicle.rear_axle_m + (0.5 - k / (FLANK - 1.0)) * vehicle.length_m
        for side in (0.5, -0.5):
            across = side * vehicle.width_m
            if not on_road(m, station.x + along * cos - across * sin, station.y + along * sin + across * cos, DRIVABLE):
                return True
    return False
