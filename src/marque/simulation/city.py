"""A city in which cars of our system drive among the traffic, trip after trip, and what comes of it is counted."""

from __future__ import annotations

import time
from collections import deque

import numpy as np

from marque.common import Bools, InputError, Ints, Records
from marque.driving.goal import Goal
from marque.driving.map import RoadMap, Turn
from marque.driving.map.components import strong_components
from marque.driving.map.query import pose_at, project, width_at
from marque.driving.observation import Kind, Observation
from marque.driving.pilot import Pilot
from marque.driving.tight import tight_lanes
from marque.driving.view import Reason, View
from marque.simulation.frame import Flag, Frame
from marque.simulation.random import choice
from marque.simulation.sensors import Sensors, recognise
from marque.simulation.traffic import GuestStates, Traffic
from marque.simulation.witness import KEPT, STANDING_MPS, Record, Witness
from marque.vehicle import BMW_320I, VehicleParameters, VehicleState, step
from marque.vehicle.sensors import THREE_LIDARS

SIGHT_M = 160.0
CLEARED_S = 30.0
"""So long a car is in a minimal risk condition before an operator, who has looked at it from afar, lets it drive on."""
_ROUTE_AHEAD = 16
_ROOM_M = 14.0
"""Free way kept around the place where a car is put."""
_TRIES = 4000
_HOME_M = 25.0
"""A lane must be so long to start from or go to."""
_SENSES = 1000
"""Seeds of cars' sensors to one seed of the city: every car errs in its own way."""
_PLACE, _DESTINATION = 11, 12  # purposes of random numbers


class _Car:
    """One self-driving car: its body, its pilot, its present trip."""

    def __init__(
        self, number: int, road_map: RoadMap, vehicle: VehicleParameters, step_s: float, sensors: Sensors | None, witness: Witness
    ) -> None:  # fmt: skip
        self.number, self.sensors = number, sensors
        self.pilot = Pilot(road_map, vehicle, step_s)
        self.state = VehicleState(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        self.witness = witness
        self.destination = -1
        self.trips = 0

    @property
    def record(self) -> Record:
        return self.witness.record


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
        homes = _round_trips(road_map, vehicle) & (lanes["junction"] < 0) & (lanes["length"] >= _HOME_M)
        self._homes: Ints = np.flatnonzero(homes).astype(np.int32)
        if cars and len(self._homes) < 2:
            raise InputError(road_map.source, "", "has no two connected lanes for trips", "Choose a map with a network of roads.")
        senses = [None if suite is None else Sensors(suite, seed=seed * _SENSES + car) for car in range(cars)]
        self._first = vehicles
        self._cars = [
            _Car(car, road_map, vehicle, step_s, sensors, Witness(road_map, vehicle, step_s, self.id_of(car)))
            for car, sensors in enumerate(senses)
        ]
        self.cycle_ms: deque[float] = deque(maxlen=KEPT * max(1, cars))
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
        who = np.flatnonzero(near)
        return Observation(
            now.time_s,
            now.ids.take(who),
            now.kinds.take(who),
            now.x_m.take(who),
            now.y_m.take(who),
            now.heading_rad.take(who),
            now.speed_mps.take(who),
            now.length_m.take(who),
            now.width_m.take(who),
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
                car.witness.forget()
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

    def _judge(self, car: _Car) -> None:
        if car.witness.see(self._present, car.state, car.pilot):
            self._abandon(car)
        elif self._arrived(car):
            car.record.routes_finished += 1
            car.pilot.retarget(self._next_goals(car))
        elif car.witness.condition_s > CLEARED_S:
            car.record.clearances += 1
            car.pilot.fallback.begin()

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


def _round_trips(road_map: RoadMap, vehicle: VehicleParameters) -> Bools:
    """(L,) the largest set of lanes that all reach each other along successors, no street turned back on, no corner too tight."""
    lanes, successors = road_map.arrays.lanes, road_map.arrays.successors
    drivable = (lanes["component"] == 0) & (lanes["turn"] != Turn.BACK) & ~tight_lanes(road_map, vehicle)
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
    if abs(state.speed_mps) < STANDING_MPS:
        flags |= Flag.WAITING
    return flags
