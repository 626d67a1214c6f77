"""Which lane the car is on: lanes lie across each other, and a car cuts corners over ground that is none of its lanes'."""

from __future__ import annotations

import math

import numpy as np

from marque.common import Floats, Ints
from marque.driving.map import MapArrays, Road
from marque.driving.map.geometry import wrap
from marque.driving.map.query import locate_all, pose_at
from marque.driving.path import BEHIND, Paths
from marque.driving.route import FAR_M
from marque.vehicle import VehicleState, kernel, lean

_CARS = int(Road.CAR)
_WRONG_WAY = 20.0
_STRAYED_M, _CUT_M = 4.0, 3.5
_MEANT_M = 3.0
_HERE_M = 15.0
"""Lanes of the path that begin no farther ahead of the rear axle may be under the car: it cuts corners."""
_ASKEW_RAD, _AGAINST_RAD = 0.6, 1.6


@kernel
def own_lane(m: MapArrays, state: VehicleState, cost: Floats, history: Ints, paths: Paths) -> tuple[int, float]:
    """(lane, s) of the lane under the car that agrees best with where it points, where it comes from and where it wants to go.

    (−1, 0) where there is none, or none that does not lead the other way. cost: (L,) metres to the goal. history: lanes driven lately,
    newest first. paths: those of the last cycle.
    """
    lanes, s, d = np.empty(32, np.int32), np.empty(32), np.empty(32)
    found = locate_all(m, state.x_m, state.y_m, lanes, s, d)
    best, best_s, best_score, best_turned = -1, 0.0, np.inf, 0.0
    for k in range(found):
        lane = lanes[k]
        if not m.lanes[lane].road & _CARS and cost[lane] >= FAR_M:
            continue
        _, _, heading, _ = pose_at(m, lane, s[k], 0.0, m.lanes[lane].point_first)
        turned = abs(wrap(state.heading_rad - heading))
        driven = _on_path(paths, lane)
        if driven:  # the path cuts corners that lanes of a metre or two turn sharply
            turned = min(turned, abs(paths.path[0].rear_turn))
        score = abs(d[k]) + 4.0 * turned
        if turned > 1.4:
            score += _WRONG_WAY
        if cost[lane] >= FAR_M:
            score += 3.0
        else:
            score += min(1.0, 0.001 * max(0.0, cost[lane] - s[k]))
        if lane == history[0] or _follows(m, history[0], lane):
            score -= 1.0
        if m.lanes[lane].junction >= 0 and not driven and history[0] >= 0:  # who only begins meant nothing yet
            score += _MEANT_M
        if score < best_score:
            best, best_s, best_score, best_turned = lane, s[k], score, turned
    meant, meant_s, away = _along_path(m, state, paths)
    if meant >= 0 and away < _STRAYED_M:
        # A path cuts corners over ground that is none of its lanes'; and beside every lane of its direction the car is still on its way.
        cut = (m.lanes[meant].junction >= 0 or best_turned > _ASKEW_RAD) and away < _CUT_M and not _on_path(paths, best)
        if cut or best_score >= _WRONG_WAY:
            return meant, meant_s
    return (best, best_s) if best_turned < _AGAINST_RAD else (-1, 0.0)


@lean
def _along_path(m: MapArrays, state: VehicleState, paths: Paths) -> tuple[int, float, float]:
    """(lane, s, distance) of the place on the last cycle's path nearest to the car; lane −1 where there was none."""
    nearest, least = 0, np.inf
    for i in range(2 * BEHIND + 8):
        square = (paths.station[0, i].x - state.x_m) ** 2 + (paths.station[0, i].y - state.y_m) ** 2
        if square < least and abs(wrap(paths.station[0, i].heading - state.heading_rad)) < 1.0:
            nearest, least = i, square
    if paths.path[0].kind != 0:
        return -1, 0.0, np.inf
    for k in range(paths.path[0].lane_count - 1, -1, -1):
        lane, start = paths.lane[0, k].lane, paths.lane[0, k].start
        if start <= nearest:
            return lane, min(nearest - start, m.lanes[lane].length), math.sqrt(least)
    return -1, 0.0, np.inf


@kernel
def _on_path(paths: Paths, lane: int) -> bool:
    """Whether the path of the last cycle runs along a lane here: where lanes lie across each other, the car is on the one it means.

    Not where it comes to the lane only later: a way that turns round leads back along the oncoming lane beside it.
    """
    if paths.path[0].kind != 0:
        return False
    for k in range(paths.path[0].lane_count):
        if paths.lane[0, k].lane == lane and paths.lane[0, k].start < paths.path[0].rear_s + _HERE_M:
            return True
    return False


@kernel
def _follows(m: MapArrays, lane: int, following: int) -> bool:
    if lane < 0:
        return False
    first = m.lanes[lane].successor_first
    return following in m.successors[first : first + m.lanes[lane].successor_count]
