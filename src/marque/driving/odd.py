"""The operational design domain (ODD): where and when the car may drive itself, and the monitor that knows its border before it is there.

Terms of ISO 34503: scenery (drivable area, junctions, speed), environmental conditions (rain, visibility, light, grip, temperature) and
dynamic elements (connectivity, map age, localisation, sensors). A release declares its `Odd`; nothing outside it is driven.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NamedTuple

import numpy as np

from marque.common import Bytes, Floats, Ints, Records
from marque.driving.map import MapArrays, RoadMap
from marque.driving.map.query import project
from marque.driving.observation import Conditions
from marque.driving.route import best_successor
from marque.vehicle import kernel
from marque.vehicle.sensors import Sensing

AHEAD_M = 600.0
"""So far ahead along the way the monitor looks for the border."""
AHEAD_S = 20.0
"""So far ahead it extends what changes."""
_TREND_S = 3.0
_MOTORWAY_MPS, _ROAD_MPS = 21.0, 17.0
_LANES_BESIDE = 8


class Area(IntFlag):
    """Kinds of road and junction, as far as a map tells them apart."""

    MOTORWAY = 1
    """One direction only, faster than 75 km/h."""
    ROAD = 2
    """Faster than 60 km/h, with oncoming traffic."""
    STREET = 4
    JUNCTION = 8
    SIGNALS = 16
    """A junction with lights."""
    ROUNDABOUT = 32


class Attribute(IntEnum):
    """What of the domain is meant."""

    NONE = 0
    AREA = 1
    SPEED_LIMIT = 2
    RAIN = 3
    VISIBILITY = 4
    LIGHT = 5
    GRIP = 6
    TEMPERATURE = 7
    CONNECTION = 8
    MAP_AGE = 9
    LOCALISATION = 10
    SENSORS = 11


class Status(IntEnum):
    """Where the car is in its domain."""

    INSIDE = 0
    LEAVING = 1
    """It will be outside soon: `Border.distance_m` further on, or in `Border.time_s`."""
    OUTSIDE = 2


@dataclass(frozen=True, slots=True)
class Odd:
    """One release's domain. Every limit is the last value inside."""

    name: str
    areas: Area = Area.MOTORWAY | Area.ROAD | Area.STREET | Area.JUNCTION | Area.SIGNALS | Area.ROUNDABOUT
    speed_limit_mps: float = 36.2
    """Of the road; one without a limit counts as 36 m/s."""
    rain_mmph: float = 15.0
    visibility_m: float = 80.0
    light_lux: float = 0.05
    grip: float = 0.35
    temperature_c: tuple[float, float] = (-20.0, 45.0)
    disconnected_s: float = 10.0
    map_age_days: float = 90.0
    localisation_m: float = 0.5
    sensor_kinds: int = 2
    """Different kinds of sensor (camera, radar, lidar) that must cover each side of the car."""
    sight_m: tuple[float, float, float, float] = (100.0, 40.0, 50.0, 40.0)
    """Reach by which a sensor covers ahead, left, behind, right."""


CITY_AND_MOTORWAY = Odd("city and motorway")


class Border(NamedTuple):
    """How the car stands to the border of its domain, by the attribute that is nearest to it."""

    status: Status
    attribute: Attribute = Attribute.NONE
    value: float = math.nan
    limit: float = math.nan
    distance_m: float = math.inf
    time_s: float = math.inf


_INSIDE = Border(Status.INSIDE)


def areas(road_map: RoadMap) -> Ints:
    """(L,) the `Area` of each lane."""
    lanes = road_map.arrays.lanes
    found = np.full(len(lanes), int(Area.STREET), np.int32)
    found[lanes["speed_limit"] > _ROAD_MPS] = Area.ROAD
    for lane in np.flatnonzero((lanes["speed_limit"] > _MOTORWAY_MPS) & (lanes["junction"] < 0)):
        if not _meets_oncoming(lanes, int(lane)):
            found[lane] = Area.MOTORWAY
    for lane in np.flatnonzero(lanes["junction"] >= 0):
        kind = road_map.junction_kinds[lanes["junction"][lane]] if road_map.junction_kinds else ""
        lit = lanes["signal"][lane] >= 0 or kind == "traffic_light"
        found[lane] = Area.ROUNDABOUT if kind == "roundabout" else Area.SIGNALS if lit else Area.JUNCTION
    return found


def _meets_oncoming(lanes: Records, lane: int) -> bool:
    for _ in range(_LANES_BESIDE):
        if lanes["oncoming"][lane] >= 0:
            return True
        lane = int(lanes["left"][lane])
        if lane < 0:
            break
    return False


def coverage(suite: Records, working: Bytes, sight_m: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    """How many different kinds of working sensor cover ahead, left, behind, right; suite: (s,) SENSOR, working: (s,)."""
    kinds = []
    for side, reach in enumerate(sight_m):
        directions = 0.5 * math.pi * side + np.radians((-20.0, -10.0, 0.0, 10.0, 20.0))
        covered = 0
        for kind in Sensing:
            able = suite[(suite["kind"] == kind) & (working > 0) & (suite["range"] >= reach)]
            off = np.abs((directions[:, None] - able["yaw"] + np.pi) % (2.0 * np.pi) - np.pi)
            covered += bool(np.all(np.any(off <= able["half_angle"], axis=1)))
        kinds.append(covered)
    return kinds[0], kinds[1], kinds[2], kinds[3]


def sees_ahead(suite: Records, working: Bytes) -> bool:
    """Whether a camera looks ahead: nothing else tells a light's colour."""
    ahead = np.abs((suite["yaw"] + np.pi) % (2.0 * np.pi) - np.pi) < suite["half_angle"]
    return bool(np.any((suite["kind"] == Sensing.CAMERA) & ahead & (working > 0)))


@kernel
def _border_ahead(m: MapArrays, inside: Bytes, lane: int, x: float, y: float, cost: Floats) -> tuple[float, int]:
    """(metres along the way to the goal, lane) to where the domain ends; (inf, −1) where it does not within AHEAD_M. inside: (L,)."""
    s, _, _ = project(m, lane, x, y, -1)
    away = -s
    while lane >= 0 and away < AHEAD_M:
        if not inside[lane]:
            return max(0.0, away), lane
        away += m.lanes[lane].length
        lane = best_successor(m, lane, cost)
    return math.inf, -1


class Monitor:
    """Watches over one drive; one object per car.

    suite: (s,) SENSOR of the car; none where nothing is known of its sensors, which then count as working.
    """

    def __init__(self, odd: Odd, road_map: RoadMap, suite: Records | None) -> None:
        self.odd, self.suite, self._map = odd, suite, road_map
        self.areas = areas(road_map)
        limits = np.minimum(road_map.arrays.lanes["speed_limit"], 36.0)
        self._inside = (((self.areas & int(odd.areas)) > 0) & (limits <= odd.speed_limit_mps)).astype(np.uint8)
        self.begin()

    def begin(self) -> None:
        """Forget what was watched before."""
        self.covered = (3, 3, 3, 3)
        self.sees_ahead = True
        self._working = b""
        self._before: Conditions | None = None
        self._weather: Border | None = None
        """What the conditions alone say; nothing new while they stay as they are."""
        self._slope = [0.0] * len(Conditions._fields)
        self._disconnected_s = 0.0

    def check(
        self, conditions: Conditions, working: Bytes, lane: int, place: tuple[float, float], cost: Floats, step_s: float
    ) -> Border:  # fmt: skip
        """Where the car stands now. lane: on the map, −1 for none; place: x m, y m; cost: (L,) metres to its goal (`route`)."""
        self._watch_sensors(working)
        if conditions != self._before or any(self._slope) or conditions.connected <= 0.5 or self._weather is None:
            for k, (now, before) in enumerate(zip(conditions, self._before or conditions, strict=True)):
                self._slope[k] += ((now - before) - step_s * self._slope[k]) / _TREND_S
            self._before = conditions
            self._disconnected_s = 0.0 if conditions.connected > 0.5 else self._disconnected_s + step_s
            self._weather = max(self._of_conditions(conditions), key=_urgency)
        nearest = self._on_the_road(lane, place, cost)
        if self.suite is not None and (min(self.covered) < self.odd.sensor_kinds or not self.sees_ahead):
            nearest = Border(Status.OUTSIDE, Attribute.SENSORS, min(self.covered), self.odd.sensor_kinds, 0.0, 0.0)
        return max(nearest, self._weather, key=_urgency)

    def _watch_sensors(self, working: Bytes) -> None:
        now = working.tobytes()
        if self.suite is not None and len(working) == len(self.suite) and now != self._working:
            self._working = now
            self.covered = coverage(self.suite, working, self.odd.sight_m)
            self.sees_ahead = sees_ahead(self.suite, working)

    def _on_the_road(self, lane: int, place: tuple[float, float], cost: Floats) -> Border:
        if lane < 0:
            return _INSIDE
        away, beyond = _border_ahead(self._map.arrays, self._inside, lane, *place, cost)
        if beyond < 0:
            return _INSIDE
        limit = float(self._map.arrays.lanes["speed_limit"][beyond])
        status = Status.LEAVING if away > 0.0 else Status.OUTSIDE
        if not self.areas[beyond] & int(self.odd.areas):
            return Border(status, Attribute.AREA, float(self.areas[beyond]), float(self.odd.areas), away)
        return Border(status, Attribute.SPEED_LIMIT, limit, self.odd.speed_limit_mps, away)

    def _of_conditions(self, now: Conditions) -> list[Border]:
        odd, slope = self.odd, self._slope
        found = [
            _from_above(Attribute.RAIN, now.rain_mmph, odd.rain_mmph, slope[0]),
            _from_below(Attribute.VISIBILITY, now.visibility_m, odd.visibility_m, slope[1]),
            # No trend: under every bridge it gets dark, and a patch of ice begins where it begins.
            _from_below(Attribute.LIGHT, now.light_lux, odd.light_lux, 0.0),
            _from_below(Attribute.GRIP, now.grip, odd.grip, 0.0),
            _from_below(Attribute.TEMPERATURE, now.temperature_c, odd.temperature_c[0], 0.0),
            _from_above(Attribute.TEMPERATURE, now.temperature_c, odd.temperature_c[1], 0.0),
            _from_above(Attribute.MAP_AGE, now.map_age_days, odd.map_age_days, 0.0),
            _from_above(Attribute.LOCALISATION, now.localisation_m, odd.localisation_m, slope[7]),
        ]
        if self._disconnected_s > odd.disconnected_s:
            found.append(Border(Status.OUTSIDE, Attribute.CONNECTION, self._disconnected_s, odd.disconnected_s, 0.0, 0.0))
        return found


def _from_above(attribute: Attribute, value: float, limit: float, slope: float) -> Border:
    if value <= limit:
        left_s = (limit - value) / slope if slope > 0.0 else math.inf
        return Border(Status.LEAVING, attribute, value, limit, math.inf, left_s) if left_s < AHEAD_S else _INSIDE
    return Border(Status.OUTSIDE, attribute, value, limit, 0.0, 0.0)


def _from_below(attribute: Attribute, value: float, limit: float, slope: float) -> Border:
    border = _from_above(attribute, -value, -limit, -slope)
    return border if border.status == Status.INSIDE else border._replace(value=value, limit=limit)


def _urgency(border: Border) -> tuple[int, float]:
    return int(border.status), -min(border.time_s, 0.1 * border.distance_m)
