"""Whether the place that the localisation states can be believed, and where the car takes itself to be when it cannot.

Three witnesses are heard: the localisation, what wheels and steering say of the way since the last cycle (dead reckoning), and the
lane's markings as cameras and lidars see them. A leap of the place that the wheels know nothing of is not followed. Speeds that differ
from how fast the place moves are replaced. Where markings are seen the place is moved sideways until it agrees with them; if that takes
much, because it drifts or the map is wrong, it is no longer believed.
"""

from __future__ import annotations

import math
from enum import IntEnum

from marque.driving.map import Road, RoadMap
from marque.driving.map.geometry import wrap
from marque.driving.map.query import locate, project, width_at
from marque.driving.observation import Observation
from marque.vehicle import VehicleParameters, VehicleState

_LEAP_M, _LEAP_RAD = 0.5, 0.04
_AGREES_M = 0.3
_PERSISTS = 4
"""After so many cycles in which the place runs ahead of the wheels evenly it is the wheels that err."""
_SPEED_S, _SPEED_MPS, _SPEED_SHARE = 0.5, 0.5, 0.06
_CLEARED_MPS, _CLEARED_SHARE = 5.0, 0.03
"""Wheels that once told a wrong speed are believed again when they tell the right one at this speed: at a stand nobody knows."""
_NOISE_M, _NOISE_S = 0.1, 1.5
"""Where markings and place differ by less, the place is moved so slowly: who follows every wobble of theirs steers it."""
_STEADY_M, _STEADY_S = 15.0, 5.0
"""Over so much way, or time, the place is believed across the way; wheels and steering are, over less. A heading that is off by a
thousandth leads 1.5 cm aside by then."""
_ALIGNED_RAD = 0.8
_ASIDE_S, _ASIDE_M, _ALIKE_M, _SAME_WIDTH_M = 0.4, 0.5, 0.25, 0.5


class Trust(IntEnum):
    """What is wrong with what the car is told of its own motion; the later, the worse."""

    FULL = 0
    SPEED = 1
    """The wheels' speed is not that of the car."""
    ASIDE = 2
    """Place and map do not agree with the lane's markings, by which the car keeps its lane."""
    PLACE = 3
    """The place leapt; dead reckoning is driven by."""


class Localisation:
    """Of one car; it remembers the last cycle."""

    def __init__(self, road_map: RoadMap, vehicle: VehicleParameters) -> None:
        self._map, self._vehicle = road_map, vehicle
        self.begin()

    def begin(self) -> None:
        """Believe what is said next, whatever it is."""
        self.trust = Trust.FULL
        self._stated: VehicleState | None = None
        self._used: VehicleState | None = None
        self._time_s = self._step_s = 0.0
        self._excess_mps = 0.0
        self._running = 0
        self._lost = self._misled = False
        self._aside_m = 0.0
        self._disagrees = self._agreed = False

    def believe(self, stated: VehicleState, seen: Observation, lane: int) -> tuple[VehicleState, Observation]:
        """The state to drive by, and the surroundings as they lie around it. lane: that of the last cycle, −1 for none."""
        self._step_s, self._time_s = seen.time_s - self._time_s, seen.time_s
        if self._stated is None or self._used is None or self._step_s <= 0.0:
            used = self._agree_with_markings(stated, stated, seen, self._lane_at(stated) if lane < 0 else lane)
            self._stated, self._used = stated, used
            return used, carried(seen, stated, used)
        leapt = self._compare(self._stated, stated)
        wheels = self._by_wheels(stated)
        reckoned = _reckon(self._used, wheels, self._step_s, self._vehicle)
        told = _aside(wheels, self._aside_m)
        near = math.hypot(told.x_m - reckoned.x_m, told.y_m - reckoned.y_m) < _AGREES_M
        self._lost = leapt or (self._lost and self._running == 0 and not near)
        used = reckoned if self._lost else _steadied(told, reckoned, self._step_s)
        used = self._agree_with_markings(used, stated, seen, lane)
        self._stated, self._used = stated, used
        doubts = (self._lost, Trust.PLACE), (self._disagrees, Trust.ASIDE), (self._misled, Trust.SPEED)
        self.trust = next((trust for holds, trust in doubts if holds), Trust.FULL)
        return used, carried(seen, stated, used)

    def _compare(self, before: VehicleState, stated: VehicleState) -> bool:
        """Whether the place leapt since the last cycle; learns by how much the place runs ahead of the wheels."""
        before, by_wheels = (one._replace(speed_mps=one.speed_mps + self._excess_mps) for one in (before, stated))
        expected = _reckon(before, by_wheels, self._step_s, self._vehicle)
        dx, dy = stated.x_m - expected.x_m, stated.y_m - expected.y_m
        cos, sin = math.cos(stated.heading_rad), math.sin(stated.heading_rad)
        along, aside = dx * cos + dy * sin, dy * cos - dx * sin
        turned = abs(wrap(stated.heading_rad - expected.heading_rad)) > _LEAP_RAD
        if max(abs(along), abs(aside)) < _LEAP_M and not turned:
            self._excess_mps += along / max(_SPEED_S, self._step_s)
            self._running = 0
            return False
        self._running = self._running + 1 if abs(aside) < _LEAP_M and not turned else 0
        if self._running < _PERSISTS:
            return True
        self._excess_mps += along / self._step_s
        return False

    def _by_wheels(self, stated: VehicleState) -> VehicleState:
        """With the speed that agrees with how fast the place moves, if the wheels' does not."""
        speed = abs(stated.speed_mps)
        self._misled = self._misled or abs(self._excess_mps) > _SPEED_MPS + _SPEED_SHARE * speed
        if self._misled and speed > _CLEARED_MPS and abs(self._excess_mps) < _CLEARED_SHARE * speed:
            self._misled = False
        return stated._replace(speed_mps=stated.speed_mps + self._excess_mps) if self._misled else stated

    def _lane_at(self, state: VehicleState) -> int:
        lane, _, _ = locate(self._map.arrays, state.x_m, state.y_m, state.heading_rad, _ALIGNED_RAD, int(Road.CAR))
        return int(lane)

    def _agree_with_markings(self, used: VehicleState, stated: VehicleState, seen: Observation, lane: int) -> VehicleState:
        arrays = self._map.arrays
        left, right = seen.markings_m
        if lane < 0 or math.isnan(left) or arrays.lanes[lane]["conflict_count"] > 0:
            return used
        s, d, hint = project(arrays, lane, used.x_m, used.y_m, -1)
        if not 0.0 <= s <= arrays.lanes[lane]["length"]:
            return used
        by_map, width = width_at(arrays, lane, s, hint)
        width += by_map
        if abs(left + right - width) > _SAME_WIDTH_M:
            return used
        off = 0.5 * (right - left) - (d + 0.5 * width - by_map)
        off = (off + 0.5 * width) % width - 0.5 * width  # in the middle of a lane change both may mean different lanes
        within = min(_NOISE_M, max(-_NOISE_M, off))
        gain = min(1.0, self._step_s / _ASIDE_S) if self._agreed else 1.0
        self._agreed = True
        change = gain * (off - within) + min(1.0, self._step_s / _NOISE_S) * within
        if not self._lost:
            self._aside_m += change
            apart = abs(change - _beside(used, stated))
            self._disagrees = apart > (_ALIKE_M if self._disagrees else _ASIDE_M)
        return _aside(used, change)


def _aside(state: VehicleState, left_m: float) -> VehicleState:
    return state._replace(x_m=state.x_m - left_m * math.sin(state.heading_rad), y_m=state.y_m + left_m * math.cos(state.heading_rad))


def _beside(one: VehicleState, other: VehicleState) -> float:
    """How far to the left of one the other is, m."""
    dx, dy = other.x_m - one.x_m, other.y_m - one.y_m
    return dy * math.cos(other.heading_rad) - dx * math.sin(other.heading_rad)


def _steadied(told: VehicleState, reckoned: VehicleState, step_s: float) -> VehicleState:
    """The place as told, but that it moves sideways only as gradually as wheels and steering agree with.

    Along the way nobody is harmed by the localisation's wandering; across it a bend may have no room to spare.
    """
    follows = min(1.0, max(step_s / _STEADY_S, abs(told.speed_mps) * step_s / _STEADY_M))
    return _aside(told, (follows - 1.0) * _beside(reckoned, told))


def _reckon(before: VehicleState, wheels: VehicleState, step_s: float, vehicle: VehicleParameters) -> VehicleState:
    """Where the car is after one step by its wheels' mean speed and steering: the kinematic single-track model, midpoint rule."""
    way = 0.5 * (before.speed_mps + wheels.speed_mps) * step_s
    turn = way * math.tan(0.5 * (before.steering_rad + wheels.steering_rad)) / vehicle.wheelbase_m
    middle, heading = before.heading_rad + 0.5 * turn, before.heading_rad + turn
    rear = vehicle.rear_axle_m
    return wheels._replace(
        x_m=before.x_m - rear * math.cos(before.heading_rad) + way * math.cos(middle) + rear * math.cos(heading),
        y_m=before.y_m - rear * math.sin(before.heading_rad) + way * math.sin(middle) + rear * math.sin(heading),
        heading_rad=heading,
    )


def carried(seen: Observation, told: VehicleState, used: VehicleState) -> Observation:
    """Road users as they lie around the car, moved from the pose that was told to the one that is used; detections need no move."""
    if told[:3] == used[:3] or len(seen.ids) == 0:
        return seen
    turn = used.heading_rad - told.heading_rad
    cos, sin = math.cos(turn), math.sin(turn)
    dx, dy = seen.x_m - told.x_m, seen.y_m - told.y_m
    return seen._replace(
        x_m=used.x_m + dx * cos - dy * sin, y_m=used.y_m + dx * sin + dy * cos, heading_rad=seen.heading_rad + turn
    )  # fmt: skip
