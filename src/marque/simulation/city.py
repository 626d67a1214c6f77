"""A city in which cars of our system drive among the traffic, trip after trip, and what comes of it is counted."""

from __future__ import annotations

import itertools
import math
import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from marque.common import Bools, Floats, InputError, Ints, Records
from marque.driving.goal import Goal
from marque.driving.map import DRIVABLE, Colour, RoadMap, Turn
from marque.driving.map.components import strong_components
from marque.driving.map.query import on_road, pose_at, project, width_at
from marque.driving.observation import Kind, Observation
from marque.driving.pilot import Pilot
from marque.driving.view import Reason, View
from marque.simulation.frame import Flag, Frame
from marque.simulation.random import choice
from marque.simulation.sensors import Sensors, recognise
from marque.simulation.traffic import GuestStates, Traffic
from marque.vehicle import BMW_320I, VehicleParameters, VehicleState, boxes_overlap, step
from marque.vehicle.sensors import THREE_LIDARS

SIGHT_M = 160.0
STUCK_S = 180.0
_STANDING_MPS = 0.3
_GONE_M = 3.0
_ROUTE_AHEAD = 16
_ROOM_M = 14.0
"""Free way kept around the place where a car is put."""
_TRIES = 4000
_HOME_M = 25.0
"""A lane must be so long to start from or go to."""
_KEPT = 36_000
"""Steps of which comfort and cycle times are kept: the last hour; a page may be open for days."""
_RED_QUEUE_M = 80.0
"""Who stands this close before a red light's line, and before no junction on the way to it, waits for the light, first or in the queue."""
_SENSES = 1000
"""Seeds of cars' sensors to one seed of the city: every car errs in its own way."""
_PLACE, _DESTINATION = 11, 12  # purposes of random numbers


@dataclass(slots=True)
class Record:
    """What one car has done so far. Times in seconds of the city's clock."""

    routes_started: int = 0
    routes_finished: int = 0
    routes_abandoned: int = 0
    """Stuck, or ended by a collision."""
    driven_m: float = 0.0
    collisions: list[dict[str, float | int | bool | str]] = field(default_factory=list)
    stuck: list[dict[str, float | str]] = field(default_factory=list)
    longest_wait_s: float = 0.0
    """From coming to a stand until it has driven on, without the time before a red light, first or in the queue."""
    longest_stand_s: float = 0.0
    """The same, red lights counted."""
    off_road_s: float = 0.0
    emergency_s: float = 0.0
    lateral_mps2: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    jerk_mps3: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))


class _Car:
    """One self-driving car: its body, its pilot, its present trip."""

    def __init__(
        self, number: int, road_map: RoadMap, vehicle: VehicleParameters, step_s: float, sensors: Sensors | None
    ) -> None:  # fmt: skip
        self.number, self.sensors = number, sensors
        self.pilot = Pilot(road_map, vehicle, step_s)
        self.state = VehicleState(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        self.record = Record()
        self.destination = -1
        self.stands_s = self.waits_s = 0.0
        self.stands_at = (0.0, 0.0)
        self.off_road = False
        self.trips = 0


class City:
    """Traffic with self-driving cars in it.

    Everything follows from the map and the seed: the same seed gives the same city to the byte. Raises InputError where the map has no
    connected roads, or no room, for so many.
    """

    def __init__(
        self, road_map: RoadMap, *, seed: int = 0, vehicles: int = 400, pedestrians: int = 60, cars: int = 10,
        step_s: float = 0.1, vehicle: VehicleParameters = BMW_320I, suite: Records | None = THREE_LIDARS,
    ) -> None:  # fmt: skip
        """suite: (s,) SENSOR each self-driving car sees with; None for perfect perception."""
        self.road_map, self.seed, self.step_s, self.vehicle = road_map, seed, step_s, vehicle
        pedestrians = pedestrians if len(road_map.crossing_ids) else 0
        self.traffic = Traffic(road_map, vehicles=vehicles, pedestrians=pedestrians, guests=cars, seed=seed, step_s=step_s)
        lanes = road_map.arrays.lanes
        self._homes: Ints = np.flatnonzero(_round_trips(road_map) & (lanes["junction"] < 0) & (lanes["length"] >= _HOME_M)).astype(np.int32)
        if cars and len(self._homes) < 2:
            raise InputError(road_map.source, "", "has no two connected lanes for trips", "Choose a map with a network of roads.")
        senses = [None if suite is None else Sensors(suite, seed=seed * _SENSES + car) for car in range(cars)]
        self._cars = [_Car(car, road_map, vehicle, step_s, sensors) for car, sensors in enumerate(senses)]
        self._first = vehicles
        self.cycle_ms: deque[float] = deque(maxlen=_KEPT * max(1, cars))
        for car in self._cars:
            self._place(car)
        self._present = self.traffic.frame()

    @property
    def time_s(self) -> float:
        return self.traffic.time_s

    @property
    def perception(self) -> str:
        """`sensed` through the cars' sensors, or `perfect`."""
        return "sensed" if any(car.sensors for car in self._cars) else "perfect"

    @property
    def records(self) -> list[Record]:
        return [car.record for car in self._cars]

    def id_of(self, car: int) -> int:
        """The id that car has in every frame and observation."""
        return self._first + car

    def step(self) -> None:
        """One step: every pilot decides on what it sees now, then all cars and the traffic move, then it is judged."""
        now = self._present
        states = []
        for car in self._cars:
            truth = self._observe(car, now)
            seen, believed = (truth, car.state) if car.sensors is None else car.sensors.sense(truth, car.state)
            began = time.thread_time_ns()
            command = car.pilot.cycle(believed, seen)
            self.cycle_ms.append((time.thread_time_ns() - began) * 1e-6)
            states.append(VehicleState(*step(car.state, command, self.step_s, self.vehicle)))
        for car, state in zip(self._cars, states, strict=True):
            self._note_motion(car, state)
            car.state = state
        self.traffic.step(self._guests())
        self._present = self.traffic.frame()
        for car in self._cars:
            self._judge(car)

    def frame(self) -> Frame:
        """The city now, with the thoughts of every self-driving car."""
        flags = self._present.flags.copy()
        views = {}
        for car in self._cars:
            view = recognise(car.pilot.view(), self._observe(car, self._present))
            views[self.id_of(car.number)] = view
            at = np.flatnonzero(self._present.ids == self.id_of(car.number))
            flags[at] = _flags(car.state, view)
        return self._present._replace(flags=flags, views=views)

    def _observe(self, car: _Car, now: Frame) -> Observation:
        near = (now.x_m - car.state.x_m) ** 2 + (now.y_m - car.state.y_m) ** 2 < SIGHT_M**2
        near &= now.ids != self.id_of(car.number)
        return Observation(
            now.time_s,
            now.ids[near],
            now.kinds[near],
            now.x_m[near],
            now.y_m[near],
            now.heading_rad[near],
            now.speed_mps[near],
            now.length_m[near],
            now.width_m[near],
            now.signals,
        )

    def _guests(self) -> GuestStates:
        states = np.array([car.state for car in self._cars]).reshape(-1, 6).T
        shape = (1, len(self._cars))
        routes = np.full((*shape, _ROUTE_AHEAD), -1, np.int32)
        for car in self._cars:
            ahead = car.pilot.route()[:_ROUTE_AHEAD]
            routes[0, car.number, : len(ahead)] = ahead
        length, width = np.full(shape, self.vehicle.length_m), np.full(shape, self.vehicle.width_m)
        x_m, y_m, heading_rad, speed_mps = (np.ascontiguousarray(states[k]).reshape(shape) for k in range(4))
        kinds = np.full(shape, Kind.CAR, np.uint8)
        return GuestStates(np.ones(shape, np.bool_), kinds, x_m, y_m, heading_rad, speed_mps, length, width, routes)

    def _place(self, car: _Car) -> None:
        """Put the car on a free stretch of road and give it a trip."""
        arrays, frame = self.road_map.arrays, self.traffic.frame()
        others = [(other.state.x_m, other.state.y_m) for other in self._cars if other is not car and other.trips]
        xs = np.concatenate((frame.x_m, [x for x, _ in others]))
        ys = np.concatenate((frame.y_m, [y for _, y in others]))
        for attempt in range(_TRIES):
            key = car.trips * _TRIES + attempt
            lane = int(self._homes[choice(self.seed, car.number, key, _PLACE, len(self._homes))])
            x, y, heading, _ = pose_at(arrays, lane, 0.5 * arrays.lanes[lane]["length"], 0.0, -1)
            if np.min((xs - x) ** 2 + (ys - y) ** 2, initial=np.inf) > _ROOM_M**2:
                car.state = VehicleState(x, y, heading, 0.0, 0.0, 0.0)
                car.stands_s = car.waits_s = 0.0
                car.pilot.begin(self._next_goals(car))
                return
        raise InputError(self.road_map.source, "", f"has no free place for self-driving car {car.number + 1}", "Ask for fewer vehicles.")

    def _next_goals(self, car: _Car) -> tuple[Goal, ...]:
        while True:
            car.trips += 1
            lane = int(self._homes[choice(self.seed, car.number, car.trips, _DESTINATION, len(self._homes))])
            x, y, _, _ = pose_at(self.road_map.arrays, lane, 0.0, 0.0, -1)
            if lane != car.destination and np.hypot(x - car.state.x_m, y - car.state.y_m) > 2.0 * _HOME_M:
                break
        car.destination = lane
        car.record.routes_started += 1
        return (Goal((0.0, np.inf), lanes=(lane,)),)

    def _note_motion(self, car: _Car, state: VehicleState) -> None:
        record = car.record
        record.driven_m += 0.5 * abs(car.state.speed_mps + state.speed_mps) * self.step_s
        record.lateral_mps2.append(state.speed_mps**2 * float(np.tan(state.steering_rad)) / self.vehicle.wheelbase_m)
        record.jerk_mps3.append((state.acceleration_mps2 - car.state.acceleration_mps2) / self.step_s)

    def _judge(self, car: _Car) -> None:
        record, reason = car.record, car.pilot.reason()
        record.emergency_s += self.step_s * (reason == Reason.EMERGENCY)
        hit = self._touched(car)
        if hit >= 0:
            record.collisions.append(self._collision(car, hit))
            self._abandon(car)
            return
        car.off_road = self._off_road(car.state)
        record.off_road_s += self.step_s * car.off_road
        self._note_waiting(car)
        if car.waits_s > STUCK_S:
            record.stuck.append({"time_s": self.time_s, "x_m": car.state.x_m, "y_m": car.state.y_m, "reason": reason.name})
            self._abandon(car)
        elif self._arrived(car):
            record.routes_finished += 1
            car.pilot.retarget(self._next_goals(car))

    def _note_waiting(self, car: _Car) -> None:
        """A stand ends some metres further on, back and forth is no way; it is waiting except while a light is red."""
        state, record = car.state, car.record
        if car.stands_s > 0.0:
            gone = state.x_m - car.stands_at[0], state.y_m - car.stands_at[1]
            ahead = gone[0] * math.cos(state.heading_rad) + gone[1] * math.sin(state.heading_rad)
            if state.speed_mps > _STANDING_MPS and ahead > _GONE_M:
                car.stands_s = car.waits_s = 0.0
                return
        elif abs(state.speed_mps) > _STANDING_MPS:
            return
        else:
            car.stands_at = (state.x_m, state.y_m)
        car.stands_s += self.step_s
        record.longest_stand_s = max(record.longest_stand_s, car.stands_s)
        if not self._at_red(car):
            car.waits_s += self.step_s
            record.longest_wait_s = max(record.longest_wait_s, car.waits_s)

    def _abandon(self, car: _Car) -> None:
        car.record.routes_abandoned += 1
        self._place(car)

    def _arrived(self, car: _Car) -> bool:
        """Whether the car is on the lane it was sent to, by the map, and along it."""
        arrays, state = self.road_map.arrays, car.state
        s, d, point = project(arrays, car.destination, state.x_m, state.y_m, -1)
        left, right = width_at(arrays, car.destination, s, point)
        heading = arrays.points[point]["heading"]
        return 0.0 <= s <= arrays.lanes[car.destination]["length"] and -right < d < left and np.cos(state.heading_rad - heading) > 0.7

    def _at_red(self, car: _Car) -> bool:
        """Whether the car is before a light that does not let it pass."""
        arrays, state = self.road_map.arrays, car.state
        route = car.pilot.route()
        if len(route) == 0:
            return False
        s, _, _ = project(arrays, int(route[0]), state.x_m, state.y_m, -1)
        away = -s - 0.5 * self.vehicle.length_m
        for lane, following in itertools.pairwise(route):
            after = arrays.lanes[following]
            if away + arrays.lanes[lane]["stop_s"] > _RED_QUEUE_M:
                return False
            if after["signal"] >= 0:
                return bool(Colour.RED <= self._present.signals[after["signal"]] <= Colour.AMBER)
            if after["conflict_count"] > 0:
                return False
            away += arrays.lanes[lane]["length"]
        return False

    def _touched(self, car: _Car) -> int:
        """Index in the present frame of a body the car touches, −1 for none."""
        now = self._present
        near = np.flatnonzero((now.x_m - car.state.x_m) ** 2 + (now.y_m - car.state.y_m) ** 2 < 20.0**2)
        for k in near:
            if now.ids[k] != self.id_of(car.number) and boxes_overlap(
                car.state.x_m, car.state.y_m, car.state.heading_rad, self.vehicle.length_m, self.vehicle.width_m,
                now.x_m[k], now.y_m[k], now.heading_rad[k], now.length_m[k], now.width_m[k],
            ):  # fmt: skip
                return int(k)
        return -1

    def _collision(self, car: _Car, k: int) -> dict[str, float | int | bool | str]:
        """Who touched whom, and whose fault it is: ours, unless we stood, or were run into from behind."""
        now, state = self._present, car.state
        ahead = (now.x_m[k] - state.x_m) * np.cos(state.heading_rad) + (now.y_m[k] - state.y_m) * np.sin(state.heading_rad)
        facing = np.cos(now.heading_rad[k] - state.heading_rad)
        behind = ahead < -0.3 * self.vehicle.length_m and facing > 0.5 and now.speed_mps[k] > state.speed_mps >= 0.0
        stood = abs(state.speed_mps) < _STANDING_MPS
        return {
            "time_s": round(self.time_s, 3),
            "with": int(now.ids[k]),
            "kind": Kind(int(now.kinds[k])).name,
            "x_m": round(state.x_m, 2),
            "y_m": round(state.y_m, 2),
            "speed_mps": round(state.speed_mps, 2),
            "other_speed_mps": round(float(now.speed_mps[k]), 2),
            "at_fault": not (behind or stood),
            "why": "we stood" if stood else "run into from behind" if behind else "we drove into it",
        }

    def _off_road(self, state: VehicleState) -> bool:
        cos, sin = np.cos(state.heading_rad), np.sin(state.heading_rad)
        corners = [(0.5 * f * self.vehicle.length_m, 0.5 * s * self.vehicle.width_m) for f in (-1, 1) for s in (-1, 1)]
        return not all(
            on_road(self.road_map.arrays, state.x_m + a * cos - b * sin, state.y_m + a * sin + b * cos, DRIVABLE) for a, b in corners
        )


def _round_trips(road_map: RoadMap) -> Bools:
    """(L,) the largest set of lanes that all reach each other along successors without turning back on a street."""
    lanes, successors = road_map.arrays.lanes, road_map.arrays.successors
    drivable = (lanes["component"] == 0) & (lanes["turn"] != Turn.BACK)
    sources = np.repeat(np.arange(len(lanes)), lanes["successor_count"])
    targets = np.concatenate([successors[lane["successor_first"] :][: lane["successor_count"]] for lane in lanes] or [successors[:0]])
    kept = drivable[sources] & drivable[targets]
    first = np.concatenate(([0], np.cumsum(np.bincount(sources[kept], minlength=len(lanes)))))
    found = strong_components(first.astype(np.int32), targets[kept].astype(np.int32))
    largest = np.argmax(np.bincount(found[drivable], weights=lanes["length"][drivable])) if drivable.any() else -1
    return np.asarray(drivable & (found == largest))


def _flags(state: VehicleState, view: View) -> int:
    flags = int(Flag.PILOT)
    if state.acceleration_mps2 < -0.5:
        flags |= Flag.BRAKING
    if view.reason == Reason.CHANGE_LEFT or view.hazards:
        flags |= Flag.LEFT
    if view.reason == Reason.CHANGE_RIGHT or view.hazards:
        flags |= Flag.RIGHT
    if abs(state.speed_mps) < _STANDING_MPS:
        flags |= Flag.WAITING
    return flags


def comfort(record: Record) -> dict[str, float]:
    """How a car's drive felt: percentiles of |lateral acceleration| and |jerk|, m/s² and m/s³."""
    lateral: Floats = np.abs(record.lateral_mps2)
    jerk: Floats = np.abs(record.jerk_mps3)
    return {
        "lateral_p99_mps2": round(float(np.percentile(lateral, 99)), 3) if lateral.size else 0.0,
        "jerk_p99_mps3": round(float(np.percentile(jerk, 99)), 3) if jerk.size else 0.0,
    }
