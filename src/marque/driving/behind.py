"""Who comes from behind: along the car's own way, or at a fork along another that still lies over it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from marque.common import Records
from marque.driving.path import Paths
from marque.driving.predict import STEPS, Predictions
from marque.vehicle import VehicleParameters, lean

_CLOSE_M, _SAME_WAY = 15.0, 0.87
"""So near behind somebody is who may drive over where the car is; the cosine between headings of those who drive the same way."""


@lean
def gap_behind(tracks: Records, predictions: Predictions, mode: int, paths: Paths, vehicle: VehicleParameters) -> float:
    """From the nose of a hypothesis that comes along the car's own way from behind to the car's tail, m; inf where it does not.

    It comes along a lane of that way or, where lanes lie over each other, over the very place where the car is now. Who will come into a
    lane of the car's way from aside, before the car itself is there, does not come from behind.
    """
    middle = paths.path[0].rear_s + vehicle.rear_axle_m
    half, own_half = 0.5 * vehicle.length_m, 0.5 * tracks[predictions.mode[mode].owner].length
    for j in range(predictions.mode[mode].lane_count):
        for k in range(paths.path[0].lane_count):
            if paths.lane[0, k].lane == predictions.lane[mode, j].lane:
                comes = predictions.lane[mode, j].start - predictions.at[mode, 0].travelled
                if comes > 0.0 and paths.lane[0, k].start > middle + half:
                    return np.inf
                gap = middle - half - (paths.lane[0, k].start - comes + own_half)
                return float(gap) if gap >= -half else np.inf
    return float(_gap_over_here(tracks[predictions.mode[mode].owner], predictions, mode, paths, vehicle))


@lean
def _gap_over_here(track: Any, predictions: Predictions, mode: int, paths: Paths, vehicle: VehicleParameters) -> float:
    """The same of a hypothesis on none of the lanes, by where it drives: close behind, and over the car's middle as the car points."""
    path, half = paths.path[0], 0.5 * vehicle.length_m
    here, on = paths.station[0, int(path.rear_s)], path.rear_s - int(path.rear_s)
    heading = here.heading + path.rear_turn
    x = here.x + on * math.cos(here.heading) - path.rear_d * math.sin(here.heading) + vehicle.rear_axle_m * math.cos(heading)
    y = here.y + on * math.sin(here.heading) + path.rear_d * math.cos(here.heading) + vehicle.rear_axle_m * math.sin(heading)
    gap = np.inf
    for t in range(STEPS):
        at = predictions.at[mode, t]
        cos, sin = math.cos(at.heading), math.sin(at.heading)
        ahead, aside = (x - at.x) * cos + (y - at.y) * sin, (y - at.y) * cos - (x - at.x) * sin
        if t == 0:
            gap = ahead - half - 0.5 * track.length
            if not -half <= gap < _CLOSE_M:
                return np.inf
        if ahead <= 0.0:
            same_way = math.cos(at.heading - heading) > _SAME_WAY
            return gap if same_way and abs(aside) < 0.5 * (vehicle.width_m + track.width) else np.inf
    return np.inf
