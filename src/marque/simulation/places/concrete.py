"""A concrete scene on a map, as a scenario that can be driven: road users who react, and what fails."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from marque.common import InputError
from marque.driving.goal import Goal
from marque.driving.map import RoadMap
from marque.driving.map.query import signal_colours
from marque.driving.observation import Conditions, Observation
from marque.driving.pilot import Pilot
from marque.simulation.boxes import rectangle
from marque.simulation.drive import Drive, MakeDriver, drive_problem
from marque.simulation.faults import FAULTS, Fault, FaultKind
from marque.simulation.injection import Injection
from marque.simulation.library.actors import STEP_S
from marque.simulation.library.roads import pose_at
from marque.simulation.places.kinds import CONDITIONS, KINDS, net, place_of
from marque.simulation.places.model import Staged, Value
from marque.simulation.places.paving import paved
from marque.simulation.reactive import Crowd
from marque.simulation.scenario import ActorLog, PlanningProblem, Scenario
from marque.simulation.sensors import Sensors
from marque.vehicle import Command, VehicleModel, VehicleParameters, VehicleState, resting
from marque.vehicle import drive as through_actuators
from marque.vehicle.sensors import THREE_LIDARS

SOURCE = "Marque places"
_GOAL_LENGTH_M, _HEADING_ROOM_RAD = 24.0, 0.5
_UNHURRIED, _BRISK, _SPARE_S, _SLOWEST_MPS, _LONGEST_DRIVE_S = 0.6, 0.9, 5.0, 5.0, 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Concrete:
    """A scenario with one problem; its actors' log is their script, which they follow as far as whoever is in their way lets them."""

    scenario: Scenario
    staged: Staged
    faults: tuple[Fault, ...]
    conditions: Conditions

    def drive(
        self, model: VehicleModel, *, seed: int, perfect: bool = False, record: bool = False, parts: int = 1,
        states: list[VehicleState] | None = None,
    ) -> tuple[Drive, Scenario]:  # fmt: skip
        """The drive of our system, and the scenario as it went: with what the others did, on the road as it is paved.

        seed: of the sensors' errors; perfect: without them.
        """
        problem, body = self.scenario.problems[0], model.vehicle
        sensors = Sensors(THREE_LIDARS, seed=seed, conditions=self.conditions, road_map=self.scenario.road_map)
        injection = Injection(self.faults, sensors, model.actuators, heading_rad=problem.heading_rad, perfect=perfect)
        pilot = Pilot(self.scenario.road_map, body, STEP_S, suite=THREE_LIDARS, actuators=model.actuators)
        car, world = Disturbed(pilot, injection, body, parts), Crowded(self.scenario.road_map, self.staged)
        driven = drive_problem(
            self.scenario, problem, lambda *_: car, body, injection, plant=car.move, world=world, record=record
        )  # fmt: skip
        if states is not None:
            states += car.states
        return driven, self._as_it_went(driven, world, body)

    def refer(self, make_driver: MakeDriver, vehicle: VehicleParameters) -> tuple[Drive, Scenario]:
        """The same of another driver, who knows everything as it is, in a car in which nothing fails."""
        world = Crowded(self.scenario.road_map, self.staged)
        driven = drive_problem(self.scenario, self.scenario.problems[0], make_driver, vehicle, world=world)
        return driven, self._as_it_went(driven, world, vehicle)

    def _as_it_went(self, drive: Drive, world: Crowded, vehicle: VehicleParameters) -> Scenario:
        end = drive.driven
        last = VehicleState(end.x_m[-1], end.y_m[-1], end.heading_rad[-1], end.speed_mps[-1], 0.0, 0.0)
        return dataclasses.replace(self.scenario, actors=world.log(last, vehicle), road_map=paved(self.scenario.road_map))


class Crowded:
    """The world of a drive, for `drive.drive_problem`."""

    def __init__(self, road_map: RoadMap, staged: Staged) -> None:
        self._map = road_map
        self._crowd = Crowd(staged.actors, seed=0, heeds=staged.heeds, spread=False)
        self._seen = [self._now(0)]

    def at(self, step: int) -> Observation:
        """Everybody as they are, or were."""
        return self._seen[step]

    def step(self, ego: VehicleState, vehicle: VehicleParameters) -> None:
        """One step on, with the ego where it is."""
        self._crowd.step(ego, vehicle)
        self._seen.append(self._now(len(self._seen)))

    def log(self, ego: VehicleState, vehicle: VehicleParameters) -> ActorLog:
        """What they did, the last step of a drive included. ego: where it has come."""
        self.step(ego, vehicle)
        return self._crowd.log()

    def _now(self, step: int) -> Observation:
        signals = np.zeros(len(self._map.signal_ids), np.uint8)
        signal_colours(self._map.arrays, step * STEP_S, signals)
        return self._crowd.observation(signals)


class Disturbed:
    """A pilot in a car in which something may fail: the driver, senses and plant of a drive.

    parts: into how many each step of the car is cut. states: at every part of it, from the first on.
    """

    def __init__(self, pilot: Pilot, injection: Injection, vehicle: VehicleParameters, parts: int = 1) -> None:
        self.pilot, self._injection, self._vehicle, self._parts = pilot, injection, vehicle, parts
        self._held, self._now_s, self.states = resting(STEP_S / parts), 0.0, list[VehicleState]()
        self.begin, self.look, self.view, self.guard_log = pilot.begin, pilot.look, pilot.view, pilot.guard_log

    def cycle(self, state: VehicleState, seen: Observation) -> Command:
        """As `Pilot.cycle`, or without its result."""
        self._now_s = seen.time_s
        self._injection.renumber(self.pilot.tracks, seen.time_s)
        return self.pilot.late(state, seen) if self._injection.is_late(seen.time_s) else self.pilot.cycle(state, seen)

    def move(self, state: VehicleState, command: Command) -> VehicleState:
        """Through what is left of the actuators."""
        actuators = self._injection.actuators_at(self._now_s)
        if not self.states:
            self.states.append(state)
        for _ in range(self._parts):
            after, self._held = through_actuators(state, self._held, command, STEP_S / self._parts, self._vehicle, actuators)
            state = VehicleState(*after)
            self.states.append(state)
        return state


def concrete(kind: str, road_map: RoadMap, place: str, values: Mapping[str, Value]) -> Concrete:
    """The scene of a kind at a place. values: one for each parameter of the kind, and any of `CONDITIONS`.

    Raises InputError where the map has no such place.
    """
    known = place_of(kind, road_map, place)
    if known is None:
        raise InputError(road_map.name, place, f"this is no place for {kind}")
    chosen = {name: value for name, value in values.items() if name in KINDS[kind].ranges}
    staged = KINDS[kind].make(net(road_map), known, **chosen)
    conditions = Conditions()._replace(**{name: float(value) for name, value in values.items() if name in CONDITIONS})  # type: ignore[arg-type]
    name = f"{kind} at {place}"
    shown = _shifted(road_map, staged.clock_s)
    problem = _problem(staged)
    log = Crowd(staged.actors, seed=0, spread=False).script()
    scenario = Scenario(name, SOURCE, STEP_S, shown, log, (problem,))
    return Concrete(scenario, staged, _faults(staged), conditions)


def _faults(staged: Staged) -> tuple[Fault, ...]:
    return (FAULTS[FaultKind(staged.fault)]._replace(onset_s=staged.fault_s),) if staged.fault else ()


def _shifted(road_map: RoadMap, clock_s: float) -> RoadMap:
    """The map whose lights show at the start what they show on its own clock later."""
    if clock_s == 0.0:
        return road_map
    signals = road_map.arrays.signals.copy()
    signals["offset_s"] -= clock_s
    return dataclasses.replace(road_map, arrays=road_map.arrays._replace(signals=signals))


def _problem(staged: Staged) -> PlanningProblem:
    """The goal's time begins before anybody who keeps to the limit can be there, and ends when an unhurried driver who waits has come."""
    pose = pose_at(staged.path, staged.start_m) if staged.start is None else staged.start
    x, y, heading = pose_at(staged.path, staged.goal_m)
    way = staged.goal_m - 0.5 * _GOAL_LENGTH_M - staged.start_m
    slowest = _UNHURRIED * min(staged.limit_mps, max(staged.start_mps, _SLOWEST_MPS))
    first_s, last_s = (
        _BRISK * way / max(staged.limit_mps, staged.start_mps),
        min(_LONGEST_DRIVE_S, way / slowest + staged.wait_s + _SPARE_S),
    )
    goal = Goal(
        (STEP_S * math.floor(first_s / STEP_S), STEP_S * math.ceil(last_s / STEP_S)),
        polygons=(rectangle(x, y, heading, _GOAL_LENGTH_M, staged.goal_width_m),),
        heading_rad=(heading - _HEADING_ROOM_RAD, heading + _HEADING_ROOM_RAD),
    )
    return PlanningProblem(1, 0, pose[0], pose[1], math.remainder(pose[2], 2.0 * math.pi), staged.start_mps, 0.0, 0.0, (goal,))
