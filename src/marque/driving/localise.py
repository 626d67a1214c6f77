"""Whether the place that the localisation states can be believed, and where the car takes itself to be when it cannot.

Three witnesses are heard: the localisation, what wheels and steering say of the way since the last cycle (dead reckoning), and the
lane's markings as cameras and lidars see them. A leap of the place that the wheels know nothing of is not followed. Speeds that differ
from how fast the place moves are replaced. Where markings are seen the place is moved sideways until it agrees with them; if that takes
much, because it drifts or the map is wrong, it is no longer believed.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np

from marque.common import Floats, Record, Records
from marque.driving.map import MapArrays, Road, RoadMap
from marque.driving.map.geometry import wrap
from marque.driving.map.query import locate, project, width_at
from marque.driving.observation import Observation
from marque.vehicle import VehicleParameters, VehicleState, kernel

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


_TRUST = tuple(Trust)
_SPEED, _ASIDE, _PLACE = int(Trust.SPEED), int(Trust.ASIDE), int(Trust.PLACE)
_CARS = int(Road.CAR)


_MEMORY = np.dtype(
    [
        ("begun", "i8"),
        ("time", "f8"),  # s, of the last cycle
        ("excess", "f8"),  # m/s, by how much the place runs ahead of the wheels
        ("running", "i8"),  # cycles for which it has run ahead evenly
        ("lost", "i8"),
        ("misled", "i8"),
        ("aside", "f8"),  # m to the left, by which the markings have moved the place in all
        ("agreed", "i8"),
        ("disagrees", "i8"),
    ]
)
_STATED, _USED = 0, 1


class Localisation:
    """Of one car; it remembers the last cycle."""

    def __init__(self, road_map: RoadMap, vehicle: VehicleParameters) -> None:
        self._map, self._vehicle = road_map, vehicle
        self.begin()

    def begin(self) -> None:
        """Believe what is said next, whatever it is."""
        self.trust = Trust.FULL
        self._memory = np.zeros(1, _MEMORY)
        self._states = np.zeros((2, len(VehicleState._fields)))

    def believe(self, stated: VehicleState, seen: Observation, lane: int) -> tuple[VehicleState, Observation]:
        """The state to drive by, and the surroundings as they lie around it. lane: that of the last cycle, −1 for none."""
        used, trust = _believe(
            self._map.arrays, self._memory, self._states, stated, seen.markings_m, seen.time_s, lane, self._vehicle
        )  # fmt: skip
        self.trust = _TRUST[trust]
        used = VehicleState(*used)
        return used, carried(seen, stated, used)


@kernel
def _believe(
    m: MapArrays, memory: Records, states: Floats, stated: VehicleState, markings_m: tuple[float, float], time_s: float, lane: int,
    vehicle: VehicleParameters,
) -> tuple[VehicleState, int]:  # fmt: skip
    """The state to drive by, and how far it is trusted. memory: (1,) _MEMORY; states: (2, 6) what was stated, and used, last."""
    last = memory[0]
    step_s = time_s - last.time
    last.time = time_s
    if last.begun == 0 or step_s <= 0.0:
        if lane < 0:
            lane, _, _ = locate(m, stated.x_m, stated.y_m, stated.heading_rad, _ALIGNED_RAD, _CARS)
        used = _agree_with_markings(m, last, stated, stated, markings_m, lane, step_s)
    else:
        leapt = _leaps(last, _state(states, _STATED), stated, step_s, vehicle)
        wheels = _by_wheels(last, stated)
        reckoned = _reckon(_state(states, _USED), wheels, step_s, vehicle)
        told = _aside(wheels, last.aside)
        near = math.hypot(told.x_m - reckoned.x_m, told.y_m - reckoned.y_m) < _AGREES_M
        last.lost = 1 if leapt or (last.lost == 1 and last.running == 0 and not near) else 0
        used = _agree_with_markings(
            m, last, reckoned if last.lost == 1 else _steadied(told, reckoned, step_s), stated, markings_m, lane, step_s
        )
    last.begun = 1
    _keep(states, _STATED, stated)
    _keep(states, _USED, used)
    return used, _PLACE if last.lost == 1 else _ASIDE if last.disagrees == 1 else _SPEED if last.misled == 1 else 0


@kernel
def _leaps(last: Record, before: VehicleState, stated: VehicleState, step_s: float, vehicle: VehicleParameters) -> bool:
    """Whether the place leapt since the last cycle; learns by how much the place runs ahead of the wheels."""
    expected = _reckon(_faster(before, last.excess), _faster(stated, last.excess), step_s, vehicle)
    dx, dy = stated.x_m - expected.x_m, stated.y_m - expected.y_m
    cos, sin = math.cos(stated.heading_rad), math.sin(stated.heading_rad)
    along, aside = dx * cos + dy * sin, dy * cos - dx * sin
    turned = abs(wrap(stated.heading_rad - expected.heading_rad)) > _LEAP_RAD
    if max(abs(along), abs(aside)) < _LEAP_M and not turned:
        last.excess += along / max(_SPEED_S, step_s)
        last.running = 0
        return False
    last.running = last.running + 1 if abs(aside) < _LEAP_M and not turned else 0
    if last.running < _PERSISTS:
        return True
    last.excess += along / step_s
    return False


@kernel
def _by_wheels(last: Record, stated: VehicleState) -> VehicleState:
    """With the speed that agrees with how fast the place moves, if the wheels' does not."""
    speed = abs(stated.speed_mps)
    if abs(last.excess) > _SPEED_MPS + _SPEED_SHARE * speed:
        last.misled = 1
    if last.misled == 1 and speed > _CLEARED_MPS and abs(last.excess) < _CLEARED_SHARE * speed:
        last.misled = 0
    return _faster(stated, last.excess) if last.misled == 1 else stated


@kernel
def _agree_with_markings(
    m: MapArrays, last: Record, used: VehicleState, stated: VehicleState, markings_m: tuple[float, float], lane: int, step_s: float
) -> VehicleState:  # fmt: skip
    left, right = markings_m
    if lane < 0 or math.isnan(left) or m.lanes[lane].conflict_count > 0:
        return used
    s, d, hint = project(m, lane, used.x_m, used.y_m, -1)
    if not 0.0 <= s <= m.lanes[lane].length:
        return used
    by_map, width = width_at(m, lane, s, hint)
    width += by_map
    if abs(left + right - width) > _SAME_WIDTH_M:
        return used
    off = 0.5 * (right - left) - (d + 0.5 * width - by_map)
    off = (off + 0.5 * width) % width - 0.5 * width  # in the middle of a lane change both may mean different lanes
    within = min(_NOISE_M, max(-_NOISE_M, off))
    gain = min(1.0, step_s / _ASIDE_S) if last.agreed == 1 else 1.0
    last.agreed = 1
    change = gain * (off - within) + min(1.0, step_s / _NOISE_S) * within
    if last.lost == 0:
        last.aside += change
        apart = abs(change - _beside(used, stated))
        last.disagrees = 1 if apart > (_ALIKE_M if last.disagrees == 1 else _ASIDE_M) else 0
    return _aside(used, change)


@kernel
def _state(states: Floats, which: int) -> VehicleState:
    one = states[which]
    return VehicleState(one[0], one[1], one[2], one[3], one[4], one[5])


@kernel
def _keep(states: Floats, which: int, one: VehicleState) -> None:
    kept = states[which]
    kept[0], kept[1], kept[2], kept[3], kept[4], kept[5] = one


@kernel
def _faster(one: VehicleState, by_mps: float) -> VehicleState:
    return VehicleState(one.x_m, one.y_m, one.heading_rad, one.speed_mps + by_mps, one.steering_rad, one.acceleration_mps2)


@kernel
def _at(one: VehicleState, x_m: float, y_m: float, heading_rad: float) -> VehicleState:
    return VehicleState(x_m, y_m, heading_rad, one.speed_mps, one.steering_rad, one.acceleration_mps2)


@kernel
def _aside(one: VehicleState, left_m: float) -> VehicleState:
    x_m, y_m = one.x_m - left_m * math.sin(one.heading_rad), one.y_m + left_m * math.cos(one.heading_rad)
    return _at(one, x_m, y_m, one.heading_rad)


@kernel
def _beside(one: VehicleState, other: VehicleState) -> float:
    """How far to the left of one the other is, m."""
    dx, dy = other.x_m - one.x_m, other.y_m - one.y_m
    return dy * math.cos(other.heading_rad) - dx * math.sin(other.heading_rad)


@kernel
def _steadied(told: VehicleState, reckoned: VehicleState, step_s: float) -> VehicleState:
    """The place as told, but that it moves sideways only as gradually as wheels and steering agree with.

    Along the way nobody is harmed by the localisation's wandering; across it a bend may have no room to spare.
    """
    follows = min(1.0, max(step_s / _STEADY_S, abs(told.speed_mps) * step_s / _STEADY_M))
    return _aside(told, (follows - 1.0) * _beside(reckoned, told))


@kernel
def _reckon(before: VehicleState, wheels: VehicleState, step_s: float, vehicle: VehicleParameters) -> VehicleState:
    """Where the car is after one step by its wheels' mean speed and steering: the kinematic single-track model, midpoint rule."""
    way = 0.5 * (before.speed_mps + wheels.speed_mps) * step_s
    turn = way * math.tan(0.5 * (before.steering_rad + wheels.steering_rad)) / vehicle.wheelbase_m
    middle, heading = before.heading_rad + 0.5 * turn, before.heading_rad + turn
    rear = vehicle.rear_axle_m
    x_m = before.x_m - rear * math.cos(before.heading_rad) + way * math.cos(middle) + rear * math.cos(heading)
    y_m = before.y_m - rear * math.sin(before.heading_rad) + way * math.sin(middle) + rear * math.sin(heading)
    return _at(wheels, x_m, y_m, heading)


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
