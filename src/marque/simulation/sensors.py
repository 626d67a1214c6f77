"""What a car's sensors make of the world: from everything as it is to what is found, how well, and how far each eye sees.

No images: a detection is what a sensor's own processing reports. What is hidden is hidden by the bodies between (2.5 dimensions: what is
low hides what is low, what is tall hides all). Every draw is keyed by seed, sensor, road user and instant (`simulation.random`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Protocol

import numpy as np

from marque.common import Bools, Bytes, Floats, Ints, Record, Records
from marque.driving.interventions import GuardLog, Intervention
from marque.driving.map import RoadMap
from marque.driving.map.geometry import wrap
from marque.driving.observation import DETECTION, RAYS, Conditions, Health, Kind, Observation
from marque.driving.view import Reason, View
from marque.simulation.markings import markings_beside
from marque.simulation.random import Purpose, normal, philox, uniform, unit
from marque.simulation.rays import RAY, Views, look
from marque.vehicle import VehicleState, kernel, lean
from marque.vehicle.sensors import Sensing

_KINDS = len(Kind)
_ONE_EYE_M = 1.0
"""Sensors this near to each other see past the same things."""
_HIDDEN, _PLAIN = 0.05, 0.4
"""Shares of a body in view: below the first nobody finds it, from the second on it is found as if it were all in view."""
_FADES = 0.08
"""How gradually finding ends at the end of the range, as a share of it."""
_DARK_LUX, _BRIGHT_LUX = 1.0, 1000.0
_DROP_OUT, _DROP_OUT_S = 0.02, 0.4
"""Share of the time for which a sensor does not find a body at all, whatever it draws step by step, and for how long at once."""
_SLOW, _SLOW_S = 0.7, 1.5
"""Part of the noise that changes slowly, and how slowly: a sensor errs the same way from one cycle to the next."""
_LASTING, _SCAN_S = 0.02, 0.1
"""Share of the false detections that last as long as a drop-out; what a scan stands for."""
_FREE_SPACE = 0.8
"""Of a sensor's range: as far as it tells the free road from what it does not see."""
_SAME_M = 3.0
_LATELY_S, _SPINS_RADPS = 0.6, 2.5
"""Between instants farther apart than this, or faster than this, no car is taken to have turned."""
_NOBODY, _NO_KINDS, _NOTHING = np.empty(0, np.int32), np.empty(0, np.uint8), np.empty(0)
_LOOKS_BEFORE_S, _LOCALISATION_S, _HEADING_RAD_PER_M = 1.5, 4.0, 0.02

# How far each kind of road user is found, as a share of the range for a car: camera, radar, lidar.
_REACH = np.ones((3, _KINDS))
_REACH[:, Kind.TRUCK] = _REACH[:, Kind.BUS] = _REACH[:, Kind.TRAM] = 1.2
_REACH[:, Kind.MOTORCYCLE] = 0.8, 0.6, 0.7
_REACH[:, Kind.BICYCLE] = 0.7, 0.45, 0.6
_REACH[:, Kind.PEDESTRIAN] = 0.6, 0.4, 0.55
_REACH[:, Kind.STATIC] = 0.9, 0.5, 0.9

# For what a road user is taken where its class is not named right.
_MISTAKEN = np.arange(_KINDS)
_MISTAKEN[[Kind.CAR, Kind.TRUCK, Kind.BUS, Kind.MOTORCYCLE, Kind.BICYCLE, Kind.PEDESTRIAN, Kind.TRAM, Kind.STATIC]] = [
    Kind.TRUCK, Kind.BUS, Kind.TRUCK, Kind.BICYCLE, Kind.MOTORCYCLE, Kind.BICYCLE, Kind.BUS, Kind.UNKNOWN,
]  # fmt: skip

_HEARS_M, _HEARING_M = 150.0, 1.0
"""How far a siren is heard, and the standard deviation of where it is taken to be."""


class Senses(Protocol):
    """What stands between the world and a car."""

    def sense(self, truth: Observation, state: VehicleState) -> tuple[Observation, VehicleState]:
        """What the car is told of a perfect observation, and of its own true state."""
        ...


class Sensors:
    """The sensors of one car, with what they have to cope with.

    suite: (s,) SENSOR, this object's own copy; whoever makes a sensor worse writes into it, `works` or `frozen`, and calls `changed`.
    conditions: the weather and light they see through, handed on to the driving system; `changed` too. health: what the car's diagnosis
    says, handed on. frozen: (s,) who sees nothing new, and no free road. road_map: the true one, whose markings are seen, if any.
    offset: x m, y m, heading rad by which the car's localisation is off, beside its noise.
    """

    def __init__(
        self, suite: Records, *, seed: int = 0, conditions: Conditions | None = None, road_map: RoadMap | None = None
    ) -> None:  # fmt: skip
        self.suite = suite.copy()
        self.works: Bytes = np.ones(len(suite), np.uint8)
        self.frozen: Bools = np.zeros(len(suite), np.bool_)
        self.conditions, self.health = conditions or Conditions(), Health()
        self.offset = np.zeros(3)
        self._seed, self._map = seed, road_map
        self._eye_of, self._eyes = _eyes(suite)
        self._out = np.zeros(len(suite) * 256, DETECTION)
        self._scratch = _room_for(len(self._eyes), 16)
        self._before, self._turned = (-math.inf, 0.0), 0.0
        self.changed()

    def changed(self) -> None:
        """Work out anew how far each sensor reaches."""
        self._range_m = np.array([_range(one, self.conditions) for one in self.suite])
        angles = np.arange(RAYS) * RAY
        self._reach_m = np.zeros((len(self._eyes), RAYS))
        awake = (self.works > 0) & ~self.frozen
        for one, eye, range_m, works in zip(self.suite, self._eye_of, self._range_m, awake, strict=True):
            if works and one["kind"] != Sensing.RADAR:
                off = np.abs((angles - one["yaw"] + np.pi) % (2.0 * np.pi) - np.pi)
                self._reach_m[eye, off <= one["half_angle"]] = np.maximum(
                    self._reach_m[eye, off <= one["half_angle"]], _FREE_SPACE * range_m
                )
        self._sight_m = float(self._reach_m[:, 0].max(initial=0.0))  # no radar among them: who sees the road ahead sees its markings

    def sense(self, truth: Observation, state: VehicleState) -> tuple[Observation, VehicleState]:
        """What the car knows of a perfect observation and of its own true state: detections, and where it believes to be."""
        views = self._views(len(truth.ids))
        turns = self._turns_radps(truth.time_s, float(state.heading_rad))
        count = _sense(self.suite, self._range_m, self.works, self._eye_of, self._eyes, truth, state, turns, self._seed, views, self._out)
        seen = Observation(
            truth.time_s, _NOBODY, _NO_KINDS, _NOTHING, _NOTHING, _NOTHING, _NOTHING, _NOTHING, _NOTHING, truth.signals, perfect=False,
            detections=self._out[:count].copy(), eyes=self._eyes, free_m=np.minimum(views.low_m, self._reach_m), sight_m=self._sight_m,
            eye_of=self._eye_of, range_m=self._range_m, working=self.works.copy(), conditions=self.conditions, health=self.health,
            sirens=self._heard(truth, state), markings_m=self.markings(state, truth.time_s),
        )  # fmt: skip
        return seen, self._believed(state, truth.time_s)

    def _turns_radps(self, time_s: float, heading_rad: float) -> float:
        """How fast the car has turned since the instant before; 0 where there was none lately, or the car was put elsewhere."""
        before_s, before_rad = self._before
        if time_s > before_s:
            turned = wrap(heading_rad - before_rad) / (time_s - before_s)
            self._turned = turned if time_s - before_s < _LATELY_S and abs(turned) < _SPINS_RADPS else 0.0
            self._before = time_s, heading_rad
        return self._turned

    def _views(self, bodies: int) -> Views:
        """What the eyes see is written into; nothing of it is handed on."""
        if bodies > len(self._scratch.spans):
            self._scratch = _room_for(len(self._eyes), 2 * bodies)
        self._scratch.turns.fill(math.nan)
        return self._scratch

    def _heard(self, truth: Observation, state: VehicleState) -> Floats:
        """Where the sirens are that can be heard, as well as microphones and cameras together tell."""
        if len(truth.sirens) == 0:
            return truth.sirens
        places = truth.sirens.copy()
        for k, place in enumerate(places):
            place += [_HEARING_M * _slow_noise(self._seed, 2 * k + axis, truth.time_s, 1.0, Purpose.HEAR) for axis in (0, 1)]
        return places[np.hypot(truth.sirens[:, 0] - state.x_m, truth.sirens[:, 1] - state.y_m) < _HEARS_M]

    def markings(self, state: VehicleState, time_s: float) -> tuple[float, float]:
        """`Observation.markings_m`."""
        if self._map is None or self._sight_m == 0.0:
            return math.nan, math.nan
        return markings_beside(self._map.arrays, state, time_s, self._seed)

    def _believed(self, state: VehicleState, time_s: float) -> VehicleState:
        sigma = self.conditions.localisation_m
        noise = _misplaced(self._seed, time_s)
        ahead, left, turn = sigma * noise[0], sigma * noise[1], _HEADING_RAD_PER_M * sigma * noise[2]
        cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
        off_x, off_y, off_heading = self.offset.tolist()
        return VehicleState(
            state.x_m + ahead * cos - left * sin + off_x, state.y_m + ahead * sin + left * cos + off_y,
            state.heading_rad + turn + off_heading, float(state.speed_mps), float(state.steering_rad), float(state.acceleration_mps2),
        )  # fmt: skip


def _room_for(eyes: int, bodies: int) -> Views:
    by_ray = np.empty((2, eyes, RAYS))
    return Views(np.empty((4 * RAYS, 2)), np.empty((bodies, 2), np.int32), by_ray[0], by_ray[1], np.empty((eyes, bodies)))


def look_before(
    look: Callable[[VehicleState, Observation], None], sensors: Senses, first: Observation, state: VehicleState, step_s: float
) -> None:  # fmt: skip
    """A car that begins a drive has been on its way: it has seen the moments before, in which everybody drove as they do at the first."""
    for k in range(round(_LOOKS_BEFORE_S / step_s), 0, -1):
        seen, believed = sensors.sense(_earlier(first, k * step_s), _earlier_state(state, k * step_s))
        look(believed, seen)


def _earlier(seen: Observation, ago_s: float) -> Observation:
    way = -ago_s * seen.speed_mps
    x_m, y_m = seen.x_m + way * np.cos(seen.heading_rad), seen.y_m + way * np.sin(seen.heading_rad)
    return seen._replace(time_s=seen.time_s - ago_s, x_m=x_m, y_m=y_m)


def _earlier_state(state: VehicleState, ago_s: float) -> VehicleState:
    way = -ago_s * state.speed_mps
    return state._replace(x_m=state.x_m + way * math.cos(state.heading_rad), y_m=state.y_m + way * math.sin(state.heading_rad))


def recognise(view: View, truth: Observation) -> View:
    """The view with the ids of actors instead of the driving system's own: the nearest to where it takes somebody to be, −1 for none."""
    if len(view.tracked) == 0:
        return view
    actors = {int(track): actor_at(truth, x, y) for track, x, y in view.tracked}
    signals = view.reason in (Reason.RED_LIGHT, Reason.AMBER_LIGHT)
    return dataclasses.replace(
        view,
        subject=view.subject if signals else actors.get(view.subject, -1),
        predictions=tuple(
            dataclasses.replace(one, subject=actors[one.subject]) for one in view.predictions if actors.get(one.subject, -1) >= 0
        ),
    )


def actor_at(truth: Observation, x_m: float, y_m: float) -> int:
    """Id of the actor nearest to a place, −1 where nobody is near."""
    away = np.hypot(truth.x_m - x_m, truth.y_m - y_m)
    nearest = int(np.argmin(away)) if len(away) else -1
    return int(truth.ids[nearest]) if nearest >= 0 and away[nearest] < _SAME_M else -1


def recognise_all(log: GuardLog, truth_at: Callable[[float], Observation]) -> GuardLog:
    """The guard's log with the ids of actors instead of the driving system's own. truth_at: everybody as they were at a time, s."""

    def known(one: Intervention) -> Intervention:
        return one if one.at_m is None else dataclasses.replace(one, subject=actor_at(truth_at(one.since_s), *one.at_m))

    return dataclasses.replace(log, interventions=tuple(map(known, log.interventions)))


def _eyes(suite: Records) -> tuple[Ints, Floats]:
    """Which eye each sensor looks from, and the eyes, (e, 3): x m, y m in the car's frame, height m."""
    eyes: list[tuple[float, float, float]] = []
    eye_of = []
    for one in suite:
        near = [k for k, (x, y, _) in enumerate(eyes) if math.hypot(one["x"] - x, one["y"] - y) < _ONE_EYE_M]
        eye_of.append(near[0] if near else len(eyes))
        if not near:
            eyes.append((float(one["x"]), float(one["y"]), float(one["z"])))
    return np.array(eye_of, np.int32), np.array(eyes).reshape(-1, 3)


def _range(one: Record, conditions: Conditions) -> float:
    """How far a sensor finds a car in this weather and light, m."""
    range_m = float(one["range"]) * max(0.1, 1.0 - float(one["rain"]) * conditions.rain_mmph)
    bright = (math.log10(max(1e-3, conditions.light_lux)) - math.log10(_DARK_LUX)) / (math.log10(_BRIGHT_LUX) - math.log10(_DARK_LUX))
    range_m *= float(one["night"]) + (1.0 - float(one["night"])) * min(1.0, max(0.0, bright))
    return min(range_m, float(one["fog"]) * conditions.visibility_m)


@kernel
def _slow_noise(seed: int, agent: int, time_s: float, period_s: float, purpose: int) -> float:
    """A standard normal number that changes smoothly, along with time, within about a period."""
    block = math.floor(time_s / period_s)
    share = time_s / period_s - block
    before, after = normal(seed, agent, block, purpose)[0], normal(seed, agent, block + 1, purpose)[0]
    return ((1.0 - share) * before + share * after) / math.sqrt((1.0 - share) ** 2 + share**2)


@kernel
def _misplaced(seed: int, time_s: float) -> tuple[float, float, float]:
    """How far the believed place is off ahead, to the left and in heading, in standard deviations."""
    period_s, purpose = _LOCALISATION_S, Purpose.LOCALISE
    ahead, left = _slow_noise(seed, 0, time_s, period_s, purpose), _slow_noise(seed, 1, time_s, period_s, purpose)
    return ahead, left, _slow_noise(seed, 2, time_s, period_s, purpose)


@lean
def _sense(
    suite: Records, range_m: Floats, works: Bytes, eye_of: Ints, eyes: Floats, truth: Observation, state: VehicleState, turns_radps: float,
    seed: int, views: Views, out: Records,
) -> int:  # fmt: skip
    """Every sensor looks at every body, and sees a ghost now and then. How many detections were written to `out`.

    turns_radps: of the car.
    """
    cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
    for e in range(len(eyes)):
        x, y = state.x_m + eyes[e, 0] * cos - eyes[e, 1] * sin, state.y_m + eyes[e, 0] * sin + eyes[e, 1] * cos
        look(truth, x, y, state.heading_rad, e, views)
    step = round(truth.time_s * 1000.0)
    n = 0
    for s in range(len(suite)):
        if not works[s]:
            continue
        for i in range(len(truth.ids)):
            if n < len(out) and _finds(suite[s], s, range_m[s], truth, i, views.share[eye_of[s], i], state, cos, sin, seed, step):
                _report(suite[s], s, truth, i, views.share[eye_of[s], i], state, turns_radps, seed, step, out, n)
                n += 1
        n += _ghost(suite[s], s, range_m[s], truth.time_s, seed, step, out, n)
    return n


@lean
def _finds(
    one: Record, s: int, range_m: float, truth: Observation, i: int, share: float, state: VehicleState, cos: float, sin: float, seed: int,
    step: int,
) -> bool:  # fmt: skip
    if share < _HIDDEN:
        return False
    dx, dy = truth.x_m[i] - state.x_m, truth.y_m[i] - state.y_m
    x, y = dx * cos + dy * sin - one.x, dy * cos - dx * sin - one.y
    reach = range_m * _REACH[one.kind, truth.kinds[i]]
    if x * x + y * y > ((1.0 + 5.0 * _FADES) * reach + truth.width_m[i]) ** 2:
        return False
    away = max(0.1, math.hypot(x, y) - 0.5 * truth.width_m[i])
    beside = math.atan2(0.25 * truth.length_m[i], away)  # a long body is found by the part of it that is in view
    if away > (1.0 + 5.0 * _FADES) * reach or abs(wrap(math.atan2(y, x) - one.yaw)) > one.half_angle + beside:
        return False
    agent = int(truth.ids[i]) * 64 + s
    if uniform(seed, agent, math.floor(truth.time_s / _DROP_OUT_S), Purpose.DROP_OUT) < _DROP_OUT:
        return False
    chance = one.detects * min(1.0, share / _PLAIN) / (1.0 + math.exp((away / reach - 1.0) / _FADES))
    return bool(uniform(seed, agent, step, Purpose.DETECT) < chance)


@lean
def _report(
    one: Record, s: int, truth: Observation, i: int, share: float, state: VehicleState, turns_radps: float, seed: int, step: int,
    out: Records, n: int,
) -> None:  # fmt: skip
    """Write what the sensor makes of a body: where both were a latency ago, seen as the car was turned then, with its noise, half of which
    changes slowly.
    """
    agent = int(truth.ids[i]) * 64 + s
    own_cos, own_sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
    body_cos, body_sin = math.cos(truth.heading_rad[i]), math.sin(truth.heading_rad[i])
    dx = truth.x_m[i] - state.x_m + one.latency * (state.speed_mps * own_cos - truth.speed_mps[i] * body_cos)
    dy = truth.y_m[i] - state.y_m + one.latency * (state.speed_mps * own_sin - truth.speed_mps[i] * body_sin)
    heading = state.heading_rad - one.latency * turns_radps
    cos, sin = math.cos(heading), math.sin(heading)
    x, y = dx * cos + dy * sin - one.x, dy * cos - dx * sin - one.y
    away, bearing = math.hypot(x, y), math.atan2(y, x)
    white = math.sqrt(1.0 - _SLOW * _SLOW)
    n0, n1 = normal(seed, agent, step, Purpose.NOISE)
    n2, n3 = normal(seed, agent + (1 << 40), step, Purpose.NOISE)
    slow0 = _slow_noise(seed, agent, truth.time_s, _SLOW_S, Purpose.SLOW_NOISE)
    slow1 = _slow_noise(seed, agent + (1 << 40), truth.time_s, _SLOW_S, Purpose.SLOW_NOISE)
    along, across = one.noise_m + one.noise_share * away, 0.5 * one.noise_m + one.noise_rad * away
    far, side = away + along * (_SLOW * slow0 + white * n0), across * (_SLOW * slow1 + white * n1)
    d = out[n]
    d.time, d.sensor = truth.time_s - one.latency, s
    d.x, d.y = one.x + far * math.cos(bearing) - side * math.sin(bearing), one.y + far * math.sin(bearing) + side * math.cos(bearing)
    d.var_along, d.var_across, d.bearing = along * along, across * across, bearing
    turned = wrap(truth.heading_rad[i] - heading)
    d.rate, d.var_rate = truth.speed_mps[i] * math.cos(turned - bearing) + one.noise_mps * n2, one.noise_mps * one.noise_mps
    d.heading, d.var_heading = turned + one.noise_heading * n2, one.noise_heading * one.noise_heading
    seen = 1.0 - 0.3 * (1.0 - min(1.0, share / _PLAIN))  # what is half hidden is taken for smaller
    d.length, d.width = seen * truth.length_m[i] + one.noise_size * n3, truth.width_m[i] + 0.5 * one.noise_size * n2
    if d.length < 0.2 or d.width < 0.2:
        d.length, d.width = max(0.2, d.length), max(0.2, d.width)
    d.var_size = one.noise_size * one.noise_size
    d.kind = Kind.UNKNOWN
    if one.names > 0.0:
        named = uniform(seed, agent, math.floor(truth.time_s / _DROP_OUT_S), Purpose.SLOW_NOISE) < one.names
        d.kind = truth.kinds[i] if named else _MISTAKEN[truth.kinds[i]]


@lean
def _ghost(one: Record, s: int, range_m: float, time_s: float, seed: int, step: int, out: Records, n: int) -> int:
    """Something that is not there, once, or seldom for a few cycles at the same place: 1 where it was written."""
    words = philox(seed, s, math.floor(time_s / _DROP_OUT_S), Purpose.GHOST)
    lasts = unit(words[0]) < _LASTING * one.ghosts * _DROP_OUT_S
    if not lasts:
        words = philox(seed, s + (1 << 40), step, Purpose.GHOST)
    if n >= len(out) or not (lasts or unit(words[0]) < one.ghosts * _SCAN_S):
        return 0
    away, bearing = 2.0 + (range_m - 2.0) * unit(words[1]), one.yaw + one.half_angle * (2.0 * unit(words[2]) - 1.0)
    n0, n1 = normal(seed, s, step, Purpose.GHOST)
    along, across = one.noise_m + one.noise_share * away, 0.5 * one.noise_m + one.noise_rad * away
    far, side = away + along * n0, across * n1
    d = out[n]
    d.time, d.sensor, d.kind = time_s - one.latency, s, Kind.UNKNOWN
    d.x, d.y = one.x + far * math.cos(bearing) - side * math.sin(bearing), one.y + far * math.sin(bearing) + side * math.cos(bearing)
    d.var_along, d.var_across, d.bearing = along * along, across * across, bearing
    d.rate, d.var_rate = one.noise_mps * n0, one.noise_mps * one.noise_mps
    d.heading, d.var_heading = one.noise_heading * n1, one.noise_heading * one.noise_heading
    d.length, d.width, d.var_size = 1.5 + one.noise_size * n0, 1.0 + one.noise_size * n1, one.noise_size * one.noise_size
    return 1
