"""What applies faults in a closed loop: between the truth and the pilot, and between the pilot and the vehicle.

The pilot is told of a fault only what a car would know: sensors that report nothing, what the diagnosis of its actuators says a moment
later, weather as its own sensors measure it. A leap of the place, a shifted map, a wrong wheel speed or an icy road it has to find out.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from marque.common import Bools, Bytes
from marque.driving.localise import carried
from marque.driving.map import Colour, Road, RoadMap
from marque.driving.map.query import locate, project, width_at
from marque.driving.observation import Conditions, Health, Observation
from marque.simulation.faults import Fault, FaultKind
from marque.simulation.random import Purpose, normal
from marque.simulation.sensors import Sensors
from marque.vehicle import Command, VehicleParameters, VehicleState
from marque.vehicle.sensors import Sensing

DIAGNOSED_S = 0.3
"""How long the diagnosis of a part takes."""
_MARKING_NOISE_M = 0.04
_MARKING_AGENT = 1 << 50
_ALIGNED_RAD = 0.8
_DRAG_MPS2 = 0.2
_RAMP_S = 10.0
"""Weather takes so long to change."""

_LOST = {FaultKind.CAMERAS: Sensing.CAMERA, FaultKind.LIDARS: Sensing.LIDAR, FaultKind.RADARS: Sensing.RADAR}


class Injection:
    """The faults of one drive.

    sensors: those of the car; with `perfect` only where they look counts: whoever some working sensor could see is told as he is.
    road_map: the true one. heading_rad: in which the drive begins; to the left of it and ahead the place leaps and drifts.
    """

    def __init__(
        self, faults: tuple[Fault, ...], sensors: Sensors, road_map: RoadMap, vehicle: VehicleParameters, step_s: float, *,
        heading_rad: float, seed: int, perfect: bool,
    ) -> None:  # fmt: skip
        self.faults, self.sensors, self._map, self._vehicle = faults, sensors, road_map, vehicle
        self._step_s, self._heading_rad, self._seed, self._perfect = step_s, heading_rad, seed, perfect
        self._weather = sensors.conditions
        self._suite = sensors.suite.copy()
        self._frozen: Observation | None = None
        self._stuck: dict[int, int] = {}
        self._setpoints: deque[tuple[float, float, float]] = deque()
        self._share = 1.0

    def find(self, kind: FaultKind, time_s: float, after_s: float = 0.0) -> Fault | None:
        """The fault of a kind that is there now."""
        return next((fault for fault in self.faults if fault.kind == kind and fault.at(time_s, after_s)), None)

    # -- truth to pilot --------------------------------------------------------------------------------------------------------------------

    def sense(self, truth: Observation, state: VehicleState) -> tuple[Observation, VehicleState]:
        """What the car is told of a perfect observation, and of its own true state."""
        now = truth.time_s
        self._make_sensors_worse(now)
        if self._perfect:
            told, believed = self._perfectly(truth, state)
            told = carried(told, state, believed)
        else:
            told, believed = self.sensors.sense(truth, state)
            told = self._misalign(told, now)
        told = self._perturb_tracker(told, now)
        fault = self.find(FaultKind.WHEEL_SPEED, now)
        if fault is not None:
            believed = believed._replace(speed_mps=believed.speed_mps * fault.magnitude)
        return told._replace(signals=self._lights(truth, now), health=self._health(now), markings_m=self._markings(state, now)), believed

    def _perfectly(self, truth: Observation, state: VehicleState) -> tuple[Observation, VehicleState]:
        told = _only(truth, self._in_view(truth, state))
        told = told._replace(working=self.sensors.works.copy(), conditions=self.sensors.conditions)
        dx, dy, turn = (float(value) for value in self.sensors.offset)
        return told, state._replace(x_m=state.x_m + dx, y_m=state.y_m + dy, heading_rad=state.heading_rad + turn)

    def _in_view(self, truth: Observation, state: VehicleState) -> Bools:
        """(n,) whether any working sensor looks where a road user is, as far as the weather lets it."""
        cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
        dx, dy = truth.x_m - state.x_m, truth.y_m - state.y_m
        x, y = dx * cos + dy * sin, dy * cos - dx * sin
        seen = np.zeros(len(truth.ids), np.bool_)
        for one in self.sensors.suite[self.sensors.works > 0]:
            sight = min(float(one["range"]), float(one["fog"]) * self.sensors.conditions.visibility_m)
            away = np.hypot(x - one["x"], y - one["y"])
            off = np.abs((np.arctan2(y - one["y"], x - one["x"]) - one["yaw"] + np.pi) % (2.0 * np.pi) - np.pi)
            beside = np.arctan2(0.5 * truth.length_m, np.maximum(0.1, away))
            seen |= (away - 0.5 * truth.length_m < sight) & (off < one["half_angle"] + beside)
        return seen

    def _make_sensors_worse(self, now: float) -> None:
        sensors = self.sensors
        kinds = self._suite["kind"]
        works = np.ones(len(self._suite), np.uint8)
        sensors.offset[:] = 0.0
        for fault in self.faults:
            if not fault.at(now):
                continue
            if fault.kind == FaultKind.SENSOR:
                works[int(fault.magnitude) % len(works)] = 0
            elif fault.kind in _LOST:
                works[kinds == _LOST[fault.kind]] = 0
            elif fault.kind == FaultKind.BLIND:
                works[:] = 0
            elif fault.kind == FaultKind.PLACE_JUMP:
                sensors.offset[:2] += self._ahead_and_left(fault.magnitude, fault.magnitude)
            elif fault.kind == FaultKind.PLACE_DRIFT:
                sensors.offset[:2] += self._ahead_and_left(0.0, fault.magnitude * (now - fault.onset_s))
        weather, degraded = self._weather_at(now), self.find(FaultKind.DEGRADED, now)
        share = degraded.magnitude if degraded is not None else 1.0
        if weather != sensors.conditions or np.any(works != sensors.works) or share != self._share:
            sensors.suite["range"] = self._suite["range"] * np.where(kinds == Sensing.RADAR, 1.0, share)
            for noise in ("noise_m", "noise_rad"):
                sensors.suite[noise] = self._suite[noise] / share
            sensors.conditions, sensors.works, self._share = weather, works, share
            sensors.changed()

    def _ahead_and_left(self, ahead_m: float, left_m: float) -> tuple[float, float]:
        """Of where the drive began."""
        cos, sin = math.cos(self._heading_rad), math.sin(self._heading_rad)
        return ahead_m * cos - left_m * sin, ahead_m * sin + left_m * cos

    def _weather_at(self, now: float) -> Conditions:
        weather = self._weather
        for fault in self.faults:
            if now < fault.onset_s:
                continue
            share = min(1.0, (now - fault.onset_s) / _RAMP_S)
            if fault.kind == FaultKind.RAIN:
                rain = weather.rain_mmph + share * max(0.0, fault.magnitude - weather.rain_mmph)
                weather = weather._replace(rain_mmph=rain, grip=min(weather.grip, 1.0 - 0.3 * share))
            elif fault.kind == FaultKind.FOG:
                clear = min(weather.visibility_m, 400.0)
                weather = weather._replace(visibility_m=clear + share * min(0.0, fault.magnitude - clear))
            elif fault.kind == FaultKind.NIGHT:
                light = math.log(weather.light_lux)
                weather = weather._replace(light_lux=math.exp(light + share * min(0.0, math.log(fault.magnitude) - light)))
            elif fault.kind == FaultKind.CONNECTION and fault.at(now):
                weather = weather._replace(connected=0.0)
        return weather

    def _misalign(self, told: Observation, now: float) -> Observation:
        fault = self.find(FaultKind.MISALIGNED, now)
        if fault is None:
            return told
        sensor = int(np.flatnonzero(self._suite["kind"] == Sensing.RADAR)[0])
        mine = told.detections["sensor"] == sensor
        one, found = self._suite[sensor], told.detections.copy()
        cos, sin = math.cos(fault.magnitude), math.sin(fault.magnitude)
        x, y = found["x"][mine] - one["x"], found["y"][mine] - one["y"]
        found["x"][mine], found["y"][mine] = one["x"] + x * cos - y * sin, one["y"] + x * sin + y * cos
        found["bearing"][mine] += fault.magnitude
        return told._replace(detections=found)

    def _perturb_tracker(self, told: Observation, now: float) -> Observation:
        if self.find(FaultKind.TRACKER_DROPS, now) is not None:
            return _only(told, np.zeros(len(told.ids), np.bool_))._replace(detections=told.detections[:0])
        if self.find(FaultKind.TRACKER_FROZEN, now) is not None:
            frozen = self._frozen or told
            self._frozen = frozen
            return frozen._replace(time_s=told.time_s, working=told.working, conditions=told.conditions)
        if self.find(FaultKind.TRACKER_IDS, now) is not None:
            return told._replace(ids=(told.ids + 1000 * (1 + round(now / self._step_s) % 1000)).astype(np.int32))
        return told

    def _lights(self, truth: Observation, now: float) -> Bytes:
        signals = truth.signals
        if self.find(FaultKind.LIGHT_UNREAD, now) is not None:
            return np.full_like(signals, Colour.RED)
        if self.find(FaultKind.LIGHT_STUCK, now) is None:
            return signals
        shown = signals.copy()
        for k, colour in enumerate(signals):
            # What watches over the lights puts out a head that would go on showing green (EN 12675): stuck is what is red.
            self._stuck.setdefault(k, int(colour))
            if self._stuck[k] == Colour.RED:
                shown[k] = Colour.RED
        return shown

    def _health(self, now: float) -> Health:
        health = Health()
        for fault in self.faults:
            if not fault.at(now, DIAGNOSED_S):
                continue
            if fault.kind == FaultKind.BRAKES:
                health = health._replace(braking=fault.magnitude)
            elif fault.kind == FaultKind.DRIVE:
                health = health._replace(drive=fault.magnitude)
            elif fault.kind in (FaultKind.STEERING_SLOW, FaultKind.STEERING_FROZEN):
                health = health._replace(steering=min(health.steering, fault.magnitude))
            elif fault.kind == FaultKind.DELAY:
                health = health._replace(delay_s=fault.magnitude)
            elif fault.kind in (FaultKind.TRACKER_FROZEN, FaultKind.TRACKER_DROPS):
                health = health._replace(perception=0.0)
        return health

    def _markings(self, state: VehicleState, now: float) -> tuple[float, float]:
        """From the body's centre to the borders of the true lane under it, with a little noise; nan where nobody sees them."""
        arrays = self._map.arrays
        ahead = (self._suite["kind"] != Sensing.RADAR) & (np.abs(self._suite["yaw"]) < self._suite["half_angle"]) & (self.sensors.works > 0)
        lane, _, _ = locate(arrays, state.x_m, state.y_m, state.heading_rad, _ALIGNED_RAD, int(Road.CAR))
        if not ahead.any() or lane < 0 or arrays.lanes[lane]["conflict_count"] > 0:
            return math.nan, math.nan
        s, d, hint = project(arrays, lane, state.x_m, state.y_m, -1)
        left, right = width_at(arrays, lane, s, hint)
        n0, n1 = normal(self._seed, _MARKING_AGENT, round(now / self._step_s), Purpose.NOISE)
        return left - d + _MARKING_NOISE_M * n0, right + d + _MARKING_NOISE_M * n1

    # -- pilot to vehicle ------------------------------------------------------------------------------------------------------------------

    def is_late(self, time_s: float) -> bool:
        """Whether this cycle's result is missing."""
        return self.find(FaultKind.OVERRUN, time_s) is not None

    def actuate(self, command: Command, state: VehicleState, time_s: float) -> Command:
        """What the actuators make of a command."""
        acceleration, gear = command.acceleration_mps2, command.gear
        wheels = state.steering_rad + command.steering_rate_radps * self._step_s
        delay = self.find(FaultKind.DELAY, time_s)
        self._setpoints.append((acceleration, wheels, gear))
        while len(self._setpoints) > 1 + (round(delay.magnitude / self._step_s) if delay is not None else 0):
            self._setpoints.popleft()
        acceleration, wheels, gear = self._setpoints[0]
        rate, most = (wheels - state.steering_rad) / self._step_s, self._vehicle.steering_rate_max_radps
        for fault in self.faults:
            if not fault.at(time_s):
                continue
            if fault.kind == FaultKind.BRAKES:
                acceleration = max(acceleration, -fault.magnitude * self._vehicle.braking_max_mps2)
            elif fault.kind == FaultKind.DRIVE:
                acceleration = min(acceleration, fault.magnitude * self._vehicle.acceleration_max_mps2 - _DRAG_MPS2)
            elif fault.kind in (FaultKind.STEERING_SLOW, FaultKind.STEERING_FROZEN):
                rate = min(fault.magnitude * most, max(-fault.magnitude * most, rate))
        return Command(acceleration, rate, gear)

    def vehicle_at(self, time_s: float) -> VehicleParameters:
        """The vehicle on the road as it is now."""
        unseen = self.find(FaultKind.GRIP_UNSEEN, time_s)
        grip = min(1.0, self.sensors.conditions.grip, unseen.magnitude if unseen is not None else 1.0)
        if grip == 1.0:
            return self._vehicle
        v = self._vehicle
        return v._replace(
            braking_max_mps2=grip * v.braking_max_mps2,
            acceleration_max_mps2=grip * v.acceleration_max_mps2,
            lateral_max_mps2=grip * v.lateral_max_mps2,
        )


def _only(told: Observation, kept: Bools) -> Observation:
    names = ("ids", "kinds", "x_m", "y_m", "heading_rad", "speed_mps", "length_m", "width_m")
    return told._replace(**{name: getattr(told, name)[kept] for name in names})
