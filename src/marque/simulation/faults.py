"""Faults as data: what can go wrong, when and how much; and maps that are wrong."""

from __future__ import annotations

import copy
import math
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from marque.common import Floats
from marque.simulation.library.roads import Lanelet, Road, distances

_ALIGNED_COS, _PASSES_M = 0.7, 3.0
_SHIFT_FROM_M, _SHIFT_TO_M = -10.0, 20.0


class FaultKind(StrEnum):
    """What can go wrong; the value is its name on the command line."""

    SENSOR = "sensor"
    CAMERAS = "cameras"
    LIDARS = "lidars"
    RADARS = "radars"
    BLIND = "blind"
    DEGRADED = "degraded"
    SENSOR_FROZEN = "sensor-frozen"
    SENSOR_LATE = "sensor-late"
    GHOSTS = "ghosts"
    MISALIGNED = "misaligned"
    PLACE_JUMP = "place-jump"
    PLACE_DRIFT = "place-drift"
    MAP_SHIFTED = "map-shifted"
    MAP_LIMIT = "map-limit"
    MAP_LANE = "map-lane"
    BRAKES = "brakes"
    DRIVE = "drive"
    STEERING_SLOW = "steering-slow"
    STEERING_FROZEN = "steering-frozen"
    DELAY = "delay"
    OVERRUN = "overrun"
    CONNECTION = "connection"
    LIGHT_STUCK = "light-stuck"
    LIGHT_UNREAD = "light-unread"
    TRACKER_FROZEN = "tracker-frozen"
    TRACKER_IDS = "tracker-ids"
    TRACKER_DROPS = "tracker-drops"
    WHEEL_SPEED = "wheel-speed"
    GRIP_UNSEEN = "grip-unseen"
    RAIN = "rain"
    FOG = "fog"
    NIGHT = "night"


class Fault(NamedTuple):
    """One fault. magnitude: in the unit its kind has in `FAULTS`."""

    kind: FaultKind
    magnitude: float
    onset_s: float = 4.0
    duration_s: float = math.inf

    def at(self, time_s: float, after_s: float = 0.0) -> bool:
        """Whether it has been there for after_s."""
        return self.onset_s + after_s <= time_s < self.onset_s + self.duration_s


FAULTS = {
    FaultKind.SENSOR: Fault(FaultKind.SENSOR, 3.0),  # index in the suite: the camera that looks far ahead
    FaultKind.CAMERAS: Fault(FaultKind.CAMERAS, 1.0),
    FaultKind.LIDARS: Fault(FaultKind.LIDARS, 1.0),
    FaultKind.RADARS: Fault(FaultKind.RADARS, 1.0),
    FaultKind.BLIND: Fault(FaultKind.BLIND, 1.0),
    FaultKind.DEGRADED: Fault(FaultKind.DEGRADED, 0.5),  # share of the range left to cameras and lidars
    FaultKind.SENSOR_FROZEN: Fault(FaultKind.SENSOR_FROZEN, 0.0),  # index in the suite: the lidar on the roof
    FaultKind.SENSOR_LATE: Fault(FaultKind.SENSOR_LATE, 0.3),  # s by which lidars report later, and say so
    FaultKind.GHOSTS: Fault(FaultKind.GHOSTS, 3.0),  # false detections per second of the forward radar
    FaultKind.MISALIGNED: Fault(FaultKind.MISALIGNED, 0.03),  # rad, of the forward radar
    FaultKind.PLACE_JUMP: Fault(FaultKind.PLACE_JUMP, 3.0),  # m to the left and as much ahead
    FaultKind.PLACE_DRIFT: Fault(FaultKind.PLACE_DRIFT, 0.25),  # m/s to the left
    FaultKind.MAP_SHIFTED: Fault(FaultKind.MAP_SHIFTED, 0.9, 0.0),  # m to the left
    FaultKind.MAP_LIMIT: Fault(FaultKind.MAP_LIMIT, 1.4, 0.0),  # times the limit
    FaultKind.MAP_LANE: Fault(FaultKind.MAP_LANE, 4.0, 0.0),  # s of driving as at the start, behind which the map knows no lane
    FaultKind.BRAKES: Fault(FaultKind.BRAKES, 0.5),  # share left
    FaultKind.DRIVE: Fault(FaultKind.DRIVE, 0.0),  # share left
    FaultKind.STEERING_SLOW: Fault(FaultKind.STEERING_SLOW, 0.25),  # share of the rate left
    FaultKind.STEERING_FROZEN: Fault(FaultKind.STEERING_FROZEN, 0.0),
    FaultKind.DELAY: Fault(FaultKind.DELAY, 0.3),  # s
    FaultKind.OVERRUN: Fault(FaultKind.OVERRUN, 1.0, duration_s=1.0),
    FaultKind.CONNECTION: Fault(FaultKind.CONNECTION, 1.0),
    FaultKind.LIGHT_STUCK: Fault(FaultKind.LIGHT_STUCK, 1.0),
    FaultKind.LIGHT_UNREAD: Fault(FaultKind.LIGHT_UNREAD, 1.0),
    FaultKind.TRACKER_FROZEN: Fault(FaultKind.TRACKER_FROZEN, 1.0),
    FaultKind.TRACKER_IDS: Fault(FaultKind.TRACKER_IDS, 1.0),
    FaultKind.TRACKER_DROPS: Fault(FaultKind.TRACKER_DROPS, 1.0),
    FaultKind.WHEEL_SPEED: Fault(FaultKind.WHEEL_SPEED, 0.75),  # times the speed
    FaultKind.GRIP_UNSEEN: Fault(FaultKind.GRIP_UNSEEN, 0.4),
    FaultKind.RAIN: Fault(FaultKind.RAIN, 25.0),  # mm/h
    FaultKind.FOG: Fault(FaultKind.FOG, 40.0),  # m of visibility
    FaultKind.NIGHT: Fault(FaultKind.NIGHT, 1.0),  # lux
}
"""Every kind with its usual magnitude."""

TOLERABLE = frozenset(
    {
        FaultKind.SENSOR, FaultKind.LIDARS, FaultKind.RADARS, FaultKind.DEGRADED, FaultKind.SENSOR_FROZEN,
        FaultKind.SENSOR_LATE, FaultKind.GHOSTS, FaultKind.MISALIGNED, FaultKind.MAP_LIMIT, FaultKind.MAP_LANE,
        FaultKind.OVERRUN, FaultKind.LIGHT_STUCK, FaultKind.LIGHT_UNREAD, FaultKind.TRACKER_IDS,
        FaultKind.GRIP_UNSEEN, FaultKind.NIGHT,
    }
)  # fmt: skip
"""What is left inside the domain: the car may drive on."""


def wrong_map(road: Road, faults: tuple[Fault, ...], start: tuple[float, float, float], start_mps: float) -> Road:
    """The road as a car knows it whose map is wrong; start: pose where its drive begins. The road itself where no fault is of the map."""
    by_kind = {fault.kind: fault for fault in faults}
    if not by_kind.keys() & {FaultKind.MAP_SHIFTED, FaultKind.MAP_LIMIT, FaultKind.MAP_LANE}:
        return road
    known = copy.deepcopy(road)
    for lanelet in known.lanelets.values():
        if FaultKind.MAP_LIMIT in by_kind:
            lanelet.limit_mps *= by_kind[FaultKind.MAP_LIMIT].magnitude
        if FaultKind.MAP_LANE in by_kind:
            _cut(lanelet, start, by_kind[FaultKind.MAP_LANE].magnitude * start_mps)
        if FaultKind.MAP_SHIFTED in by_kind:
            for line in (lanelet.path, lanelet.left, lanelet.right):
                _shift(line, by_kind[FaultKind.MAP_SHIFTED].magnitude, start)
    return known


def _cut(lanelet: Lanelet, start: tuple[float, float, float], ahead_m: float) -> None:
    """End a lane so far behind the start, if it is the one that passes it."""
    path = lanelet.path
    away = np.hypot(path[:, 0] - start[0], path[:, 1] - start[1])
    nearest = int(np.argmin(away))
    if away[nearest] > _PASSES_M or math.cos(path[nearest, 2] - start[2]) < _ALIGNED_COS:
        return
    along = distances(path)
    count = max(2, int(np.searchsorted(along, along[nearest] + ahead_m)))
    if count < len(path):
        lanelet.path, lanelet.left, lanelet.right = path[:count], lanelet.left[:count], lanelet.right[:count]
        lanelet.successors = []


def _shift(line: Floats, left_m: float, start: tuple[float, float, float]) -> None:
    x, y, heading = start
    ahead = (line[:, 0] - x) * math.cos(heading) + (line[:, 1] - y) * math.sin(heading)
    share = np.clip((ahead - _SHIFT_FROM_M) / (_SHIFT_TO_M - _SHIFT_FROM_M), 0.0, 1.0)
    line[:, 0] -= left_m * share * math.sin(heading)
    line[:, 1] += left_m * share * math.cos(heading)
