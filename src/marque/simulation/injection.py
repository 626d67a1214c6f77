"""What applies faults in a closed loop: between the truth and the pilot, and between the pilot and the vehicle.

The pilot is told of a fault only what a car would know: sensors that report nothing, what the diagnosis of its actuators says a moment
later, weather as its own sensors measure it. A leap of the place, a shifted map, a wrong wheel speed or an icy road it has to find out.
"""

from __future__ import annotations

import math

import numpy as np

from marque.common import Bools, Bytes, Records
from marque.driving.localise import carried
from marque.driving.map import Colour
from marque.driving.observation import DETECTION, Conditions, Health, Observation
from marque.driving.tracks import NO_ID
from marque.simulation.faults import Fault, FaultKind
from marque.simulation.sensors import Sensors
from marque.vehicle import Actuators, VehicleState
from marque.vehicle.sensors import Sensing

DIAGNOSED_S = 0.3
"""How long the diagnosis of a part takes."""
_RAMP_S = 10.0
"""Weather takes so long to change."""
_RENUMBERED = 1000

_LOST = {FaultKind.CAMERAS: Sensing.CAMERA, FaultKind.LIDARS: Sensing.LIDAR, FaultKind.RADARS: Sensing.RADAR}


class Injection:
    """The faults of one drive.

    sensors: those of the car; with `perfect` only where they look counts: whoever some working sensor could see is told as he is.
    actuators: the vehicle model's. heading_rad: in which the drive begins; to the left of it and ahead the place leaps and drifts.
    """

    def __init__(
        self, faults: tuple[Fault, ...], sensors: Sensors, actuators: Actuators, *, heading_rad: float, perfect: bool
    ) -> None:  # fmt: skip
        self.faults, self.sensors = faults, sensors
        self._actuators, self._heading_rad, self._perfect = actuators, heading_rad, perfect
        self._weather = sensors.conditions
        self._suite = sensors.suite.copy()
        self._radar = int(np.flatnonzero(self._suite["kind"] == Sensing.RADAR)[0])
        self._before: Records = np.zeros(0, DETECTION)
        self._state: tuple[object, ...] = ()
        self._frozen: Observation | None = None
        self._stuck: dict[int, int] = {}

    def find(self, kind: FaultKind, time_s: float, after_s: float = 0.0) -> Fault | None:
        """The fault of a kind that is there now."""
        return next((fault for fault in self.faults if fault.kind == kind and fault.at(time_s, after_s)), None)

    # -- truth to pilot --------------------------------------------------------------------------------------------------------------------

    def sense(self, truth: Observation, state: VehicleState) -> tuple[Observation, VehicleState]:
        """What the car is told of a perfect observation, and of its own true state."""
        now = truth.time_s
        self._make_sensors_worse(now)
        told, believed = self._perfectly(truth, state) if self._perfect else self.sensors.sense(truth, state)
        told = self._disturb_tracker(told._replace(detections=self._spoil(told.detections, now)), now)
        fault = self.find(FaultKind.WHEEL_SPEED, now)
        if fault is not None:
            believed = believed._replace(speed_mps=believed.speed_mps * fault.magnitude)
        return told._replace(signals=self._lights(truth, now)), believed

    def _perfectly(self, truth: Observation, state: VehicleState) -> tuple[Observation, VehicleState]:
        sensors = self.sensors
        dx, dy, turn = (float(value) for value in sensors.offset)
        believed = state._replace(x_m=state.x_m + dx, y_m=state.y_m + dy, heading_rad=state.heading_rad + turn)
        told = _only(truth, self._in_view(truth, state))._replace(
            working=self._working(), conditions=sensors.conditions, health=sensors.health, markings_m=sensors.markings(state, truth.time_s)
        )
        return carried(told, state, believed), believed

    def _working(self) -> Bytes:
        return np.where(self.sensors.frozen, 0, self.sensors.works).astype(np.uint8)

    def _in_view(self, truth: Observation, state: VehicleState) -> Bools:
        """(n,) whether any working sensor looks where a road user is, as far as the weather lets it."""
        cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
        dx, dy = truth.x_m - state.x_m, truth.y_m - state.y_m
        x, y = dx * cos + dy * sin, dy * cos - dx * sin
        seen = np.zeros(len(truth.ids), np.bool_)
        for one in self.sensors.suite[self._working() > 0]:
            sight = min(float(one["range"]), float(one["fog"]) * self.sensors.conditions.visibility_m)
            away = np.hypot(x - one["x"], y - one["y"])
            off = np.abs((np.arctan2(y - one["y"], x - one["x"]) - one["yaw"] + np.pi) % (2.0 * np.pi) - np.pi)
            beside = np.arctan2(0.5 * truth.length_m, np.maximum(0.1, away))
            seen |= (away - 0.5 * truth.length_m < sight) & (off < one["half_angle"] + beside)
        return seen

    def _make_sensors_worse(self, now: float) -> None:
        sensors, kinds = self.sensors, self._suite["kind"]
        suite, works, frozen = self._suite.copy(), np.ones(len(self._suite), np.uint8), np.zeros(len(self._suite), np.bool_)
        sensors.offset[:] = 0.0
        for fault in self.faults:
            if not fault.at(now):
                continue
            if fault.kind == FaultKind.SENSOR:
                works[int(fault.magnitude) % len(works)] = 0
            elif fault.kind == FaultKind.SENSOR_FROZEN:
                frozen[int(fault.magnitude) % len(works)] = True
            elif fault.kind in _LOST:
                works[kinds == _LOST[fault.kind]] = 0
            elif fault.kind == FaultKind.BLIND:
                works[:] = 0
            elif fault.kind == FaultKind.DEGRADED:
                suite["range"] *= np.where(kinds == Sensing.RADAR, 1.0, fault.magnitude)
                suite["noise_m"] /= fault.magnitude
                suite["noise_rad"] /= fault.magnitude
            elif fault.kind == FaultKind.SENSOR_LATE:
                suite["latency"][kinds == Sensing.LIDAR] += fault.magnitude
            elif fault.kind == FaultKind.GHOSTS:
                suite["ghosts"][self._radar] = fault.magnitude
            elif fault.kind == FaultKind.PLACE_JUMP:
                sensors.offset[:2] += self._ahead_and_left(fault.magnitude, fault.magnitude)
            elif fault.kind == FaultKind.PLACE_DRIFT:
                sensors.offset[:2] += self._ahead_and_left(0.0, fault.magnitude * (now - fault.onset_s))
        sensors.health = self._health(now)
        weather = self._weather_at(now)
        state = (weather, suite.tobytes(), works.tobytes(), frozen.tobytes())
        if state != self._state:
            self._state = state
            sensors.suite, sensors.works, sensors.frozen, sensors.conditions = suite, works, frozen, weather
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

    def _spoil(self, told: Records, now: float) -> Records:
        """Detections as a misaligned or frozen sensor tells them: turned, or once more as if they were new."""
        fault = self.find(FaultKind.MISALIGNED, now)
        if fault is not None:
            mine, one = told["sensor"] == self._radar, self._suite[self._radar]
            cos, sin = math.cos(fault.magnitude), math.sin(fault.magnitude)
            x, y = told["x"][mine] - one["x"], told["y"][mine] - one["y"]
            told["x"][mine], told["y"][mine] = one["x"] + x * cos - y * sin, one["y"] + x * sin + y * cos
            told["bearing"][mine] += fault.magnitude
        frozen = self.sensors.frozen
        if frozen.any():
            again = self._before[frozen[self._before["sensor"]]].copy()
            again["time"] = now - self._suite["latency"][again["sensor"]]
            told = np.concatenate((told[~frozen[told["sensor"]]], again))
        self._before = told
        return told

    def _disturb_tracker(self, told: Observation, now: float) -> Observation:
        if self.find(FaultKind.TRACKER_DROPS, now) is not None:
            return _only(told, np.zeros(len(told.ids), np.bool_))._replace(detections=told.detections[:0])
        if self.find(FaultKind.TRACKER_FROZEN, now) is not None:
            frozen = self._frozen or told
            self._frozen = frozen
            return frozen._replace(
                time_s=told.time_s, working=told.working, conditions=told.conditions, health=told.health, markings_m=told.markings_m
            )
        return told

    def renumber(self, tracks: Records, time_s: float) -> None:
        """Give everybody the car knows another number in every cycle, if that is a fault there is. tracks: (n,) TRACK."""
        if self.find(FaultKind.TRACKER_IDS, time_s) is not None:
            tracks["id"][tracks["id"] != NO_ID] += _RENUMBERED

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

    # -- pilot to vehicle ------------------------------------------------------------------------------------------------------------------

    def is_late(self, time_s: float) -> bool:
        """Whether this cycle's result is missing."""
        return self.find(FaultKind.OVERRUN, time_s) is not None

    def actuators_at(self, time_s: float) -> Actuators:
        """What is left of the actuators now, on the road as it is now."""
        drives, brakes, steers = self._actuators[:3]
        by_brakes_rad = self._actuators.brake_steer_rad
        grip = self.sensors.conditions.grip
        for fault in self.faults:
            if not fault.at(time_s):
                continue
            if fault.kind == FaultKind.BRAKES:
                brakes = brakes._replace(left=fault.magnitude)
            elif fault.kind == FaultKind.DRIVE:
                drives = drives._replace(left=fault.magnitude)
            elif fault.kind in (FaultKind.STEERING_SLOW, FaultKind.STEERING_FROZEN):
                steers = steers._replace(left=min(steers.left, fault.magnitude))
            elif fault.kind == FaultKind.DELAY:
                # Commands are held up and each takes hold once: until the first late one arrives the last acceleration
                # goes on, and the wheel stays where the last command has led it.
                since_s = time_s - fault.onset_s
                late_s = min(fault.magnitude, since_s)
                drives, brakes, steers = (one._replace(delay_s=one.delay_s + late_s) for one in (drives, brakes, steers))
                if since_s < fault.magnitude:
                    steers, by_brakes_rad = steers._replace(left=0.0), 0.0
            elif fault.kind == FaultKind.GRIP_UNSEEN:
                grip = min(grip, fault.magnitude)
        return Actuators(drives, brakes, steers, min(1.0, grip), by_brakes_rad)


def _only(told: Observation, kept: Bools) -> Observation:
    names = ("ids", "kinds", "x_m", "y_m", "heading_rad", "speed_mps", "length_m", "width_m")
    return told._replace(**{name: getattr(told, name)[kept] for name in names})
