"""What a scenario asks of the ego, as the pilot understands it: lanes to arrive on, and a set speed."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from marque.common import Floats
from marque.driving.goal import Goal
from marque.driving.map import Road, RoadMap, Turn
from marque.driving.map.query import locate, pose_at
from marque.driving.route import FAR_M, best_successor
from marque.simulation.openscenario.course import Course, Pose

_TOLERANCE_RAD = math.radians(60.0)
_LONGEST_CHAIN = 200
_SLOWEST_MPS = 0.5
_HALF_M = 5.0
_EVER = (0.0, math.inf)


class SetSpeed:
    """A road map of the pilot's own whose speed limit is the ego's set speed: what the file asks of the ego is the law of a test."""

    def __init__(self, road_map: RoadMap) -> None:
        self._posted = road_map.arrays.lanes["speed_limit"].copy()
        self._lanes = road_map.arrays.lanes.copy()
        self.road_map = dataclasses.replace(road_map, arrays=road_map.arrays._replace(lanes=self._lanes))

    def set(self, speed_mps: float | None) -> None:
        """None: what is posted."""
        self._lanes["speed_limit"] = self._posted if speed_mps is None else max(_SLOWEST_MPS, abs(speed_mps))


@dataclass(frozen=True, slots=True)
class Mission:
    """goals: for the pilot; untimed, as how long a scenario lasts is the storyboard's affair. end: where its road ends, m."""

    goals: tuple[Goal, ...]
    end: tuple[float, float] | None


def mission(road_map: RoadMap, start: Pose, course: Course | None) -> Mission:
    """Where the ego is to go: on from the end of its route or trajectory, else on from where it starts, along the lane to the map's end."""
    here = start if course is None else course.pose(course.length)
    lane = locate(road_map.arrays, here[0], here[1], here[2], _TOLERANCE_RAD, int(Road.CAR))[0]
    if lane < 0:
        return Mission((Goal(_EVER),), None) if course is None else Mission((Goal(_EVER, polygons=(_around(here),)),), here[:2])
    nowhere = np.full(len(road_map.arrays.lanes), FAR_M)  # no goal draws anywhere: the straightest way on is taken
    chain = [int(lane)]
    while len(chain) < _LONGEST_CHAIN:
        following = int(best_successor(road_map.arrays, chain[-1], nowhere))
        if following < 0 or following in chain or road_map.arrays.lanes[following]["turn"] == Turn.BACK:
            break
        chain.append(following)
    x, y, heading, _ = pose_at(road_map.arrays, chain[-1], max(0.0, float(road_map.arrays.lanes[chain[-1]]["length"]) - _HALF_M), 0.0)
    # A region at the end, not the whole lane: the pilot asks of every metre it might drive whether it lies in the goal.
    return Mission((Goal(_EVER, polygons=(_around((x, y, heading)),)),), (x, y))


def _around(pose: Pose) -> Floats:
    """A rectangle within a lane, (4, 2)."""
    x, y, heading = pose
    c, s = math.cos(heading), math.sin(heading)
    return np.array(
        [(x + u * c - v * s, y + u * s + v * c) for u, v in ((-_HALF_M, -1.0), (_HALF_M, -1.0), (_HALF_M, 1.0), (-_HALF_M, 1.0))]
    )
