"""The markings of the lane under a car, as cameras and lidars that look ahead see them."""

from __future__ import annotations

import math

import numpy as np

from marque.driving.map import MapArrays, Road
from marque.driving.map.query import locate, locate_all, project, width_at
from marque.simulation.random import Purpose, normal
from marque.vehicle import VehicleState, kernel

_NOISE_M, _AGENT, _ALIGNED_RAD, _CARS = 0.04, 1 << 50, 0.8, int(Road.CAR)


@kernel
def markings_beside(arrays: MapArrays, state: VehicleState, time_s: float, seed: int) -> tuple[float, float]:
    """From the body's centre to the borders of its lane, m to the left and to the right; nan where there are none.

    In junctions there are none, and where lanes part or join nobody knows whose they are.
    """
    lane, _, _ = locate(arrays, state.x_m, state.y_m, state.heading_rad, _ALIGNED_RAD, _CARS)
    if lane < 0 or arrays.lanes[lane].conflict_count > 0:
        return math.nan, math.nan
    if locate_all(arrays, state.x_m, state.y_m, np.empty(4, np.int32), np.empty(4), np.empty(4)) > 1:
        return math.nan, math.nan
    s, d, hint = project(arrays, lane, state.x_m, state.y_m, -1)
    left, right = width_at(arrays, lane, s, hint)
    n0, n1 = normal(seed, _AGENT, round(time_s * 1000.0), Purpose.NOISE)
    return left - d + _NOISE_M * n0, right + d + _NOISE_M * n1
