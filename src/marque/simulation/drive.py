"""One scenario driven to its end: the driving system in a closed loop with the recorded world, then judged."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from marque.common import Bools, Floats, InputError, Records
from marque.driving.goal import Goal
from marque.driving.interventions import GuardLog
from marque.driving.map import Road, RoadMap
from marque.driving.map.build import build_road_map
from marque.driving.map.query import signal_colours
from marque.driving.map.specs import LaneSpec, RoadSpec
from marque.driving.observation import Kind, Observation
from marque.driving.pilot import Pilot
from marque.driving.view import View
from marque.simulation.commonroad import read_scenario
from marque.simulation.frame import Flag, Frame
from marque.simulation.judge import (
    Comfort,
    GoalTest,
    Judgement,
    Trajectory,
    Verdict,
    comfort,
    judge,
    least_time_to_collision,
    prove_ill_posed,
)
from marque.simulation.metrics import Loss, score
from marque.simulation.replay import SUFFIX, write_replay
from marque.simulation.scenario import ActorLog, PlanningProblem, Scenario
from marque.simulation.sensors import Senses, Sensors, look_before, recognise, recognise_all
from marque.vehicle import BMW_320I, IDEAL, Actuators, Command, VehicleParameters, VehicleState, resting
from marque.vehicle import drive as through_actuators
from marque.vehicle.sensors import THREE_LIDARS

MARGIN_S = 5.0
"""How long a drive goes on after the goal's last moment, to tell who comes late from who never comes."""
FILE_LIMIT_S = 120.0
"""Wall-clock time for one file; a drive that is not over by then is an error, not a hang."""
LONGEST_DRIVE_S = 600.0
_BRAKING_MPS2 = -0.5


class Driver(Protocol):
    """What drives: `driving.Pilot`, or a stand-in of a test."""

    def begin(self, goals: tuple[Goal, ...]) -> None: ...
    def look(self, state: VehicleState, seen: Observation) -> None: ...
    def cycle(self, state: VehicleState, seen: Observation) -> Command: ...
    def view(self) -> View: ...
    def guard_log(self) -> GuardLog: ...


MakeDriver = Callable[[RoadMap, VehicleParameters, float], Driver]
Plant = Callable[[VehicleState, Command], VehicleState]
"""The car itself: its state one step of the loop later, under a command that is held for so long."""


class World(Protocol):
    """Others that react."""

    def at(self, step: int) -> Observation:
        """Everybody as they are at a step, or were."""
        ...

    def step(self, ego: VehicleState, vehicle: VehicleParameters) -> None:
        """One step on, with the ego where it is."""
        ...


@dataclass(frozen=True, slots=True)
class Drive:
    """A drive as it went: states at every step from the problem's start on, and what it cost."""

    driven: Trajectory
    frames: list[Frame]
    cycle_ms: Floats
    """CPU time of each pilot cycle."""
    cpu_s: float
    """CPU time of everything: observation, pilot, vehicle."""
    guard: GuardLog
    """What the guard did, with the actors' ids."""


@dataclass(frozen=True, slots=True)
class Result:
    """One planning problem, driven and judged. None where there is nothing to say."""

    file: str
    name: str
    source: str
    problem: int | None
    verdict: Verdict
    why: str
    strict_success: bool = False
    at_fault: bool | None = None
    goal_s: float | None = None
    collision_s: float | None = None
    collision_with: int | None = None
    edge_s: float | None = None
    infeasible_s: float | None = None
    driven_s: float | None = None
    ttc_min_s: float | None = None
    comfort: Comfort | None = None
    cycle_ms_p50: float | None = None
    cycle_ms_p99: float | None = None
    real_time_factor: float | None = None
    replay: str | None = None
    perception: str | None = None
    """`sensed` through the vehicle's sensors, or `perfect`."""
    scores: dict[str, float] | None = None
    """`metrics.Score.values`."""
    losses: tuple[Loss, ...] = ()
    """Where score was lost, and why."""
    guard: GuardLog | None = None
    """What the guard changed of the plan."""


def drive_file(
    path: Path,
    *,
    make_driver: MakeDriver = Pilot,
    replay: Path | None = None,
    vehicle: VehicleParameters = BMW_320I,
    suite: Records | None = THREE_LIDARS,
    seed: int = 0,
    limit_s: float = FILE_LIMIT_S,
) -> list[Result]:
    """Drives and judges every planning problem of a file; one Result each, one for the file where it cannot be used.

    suite: (s,) SENSOR the car sees with; None for perfect perception. seed: of its sensors' errors.

    Never raises for what is in the file: an invalid file is `ill_posed` with the reader's message, anything unforeseen an `error`.
    replay: a folder for the drives' replays. limit_s: wall-clock time of all drives of the file, in OpenSCENARIO of each
    case; compiling does not count.
    """
    warm_up()
    if path.suffix == ".xosc":
        from marque.simulation.openscenario import drive_stories

        return drive_stories(path, make_driver, None if suite is None else Sensors(suite, seed=seed), replay, limit_s)
    deadline = time.monotonic() + limit_s
    try:
        scenario = read_scenario(path)
    except InputError as error:
        return [Result(path.name, path.stem, "", None, Verdict.ILL_POSED, str(error))]
    except Exception as error:
        return [Result(path.name, path.stem, "", None, Verdict.ERROR, f"{type(error).__name__}: {error}")]
    results = []
    for problem in scenario.problems:
        sensors = None if suite is None else Sensors(suite, seed=seed)
        try:
            results.append(_drive_and_judge(path, scenario, problem, make_driver, replay, vehicle, sensors, deadline))
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            results.append(Result(path.name, scenario.name, scenario.source, problem.id, Verdict.ERROR, why))
    return results


def _drive_and_judge(
    path: Path,
    scenario: Scenario,
    problem: PlanningProblem,
    make_driver: MakeDriver,
    replay: Path | None,
    vehicle: VehicleParameters,
    sensors: Sensors | None,
    deadline: float,
) -> Result:
    proof = prove_ill_posed(scenario, problem, vehicle)
    if proof is not None:
        return Result(path.name, scenario.name, scenario.source, problem.id, Verdict.ILL_POSED, proof)
    drive = drive_problem(scenario, problem, make_driver, vehicle, sensors, record=replay is not None, deadline=deadline)
    verdict = judge(scenario, problem, drive.driven, vehicle)
    result = dataclasses.replace(
        _result(path, scenario, problem, drive, verdict, vehicle), perception="perfect" if sensors is None else "sensed"
    )
    if replay is None:
        return result
    target = replay / f"{path.stem}{SUFFIX}" if len(scenario.problems) == 1 else replay / f"{path.stem}-{problem.id}{SUFFIX}"
    write_replay(
        target,
        name=scenario.name,
        road_map=scenario.road_map,
        step_s=scenario.step_s,
        frames=drive.frames,
        facts=facts(result, timings=False),
    )
    return dataclasses.replace(result, replay=target.name)


def drive_problem(
    scenario: Scenario,
    problem: PlanningProblem,
    make_driver: MakeDriver,
    vehicle: VehicleParameters,
    sensors: Senses | None = None,
    *,
    actuators: Actuators = IDEAL,
    plant: Plant | None = None,
    world: World | None = None,
    record: bool = False,
    deadline: float = math.inf,
) -> Drive:
    """The closed loop. It ends when a goal is reached, or MARGIN_S after the last moment at which one may be.

    actuators: between the driver and the car. plant: in place of these and of the vehicle's own dynamics. world: in place of the
    scenario's log.
    """
    driver = make_driver(scenario.road_map, vehicle, scenario.step_s)
    goal_test = GoalTest(scenario, problem)
    observer = world or Observer(scenario)
    state = initial_state(problem, vehicle)
    last = problem.last_step(scenario.step_s) + round(MARGIN_S / scenario.step_s)
    last = min(last, problem.start_step + round(LONGEST_DRIVE_S / scenario.step_s))
    states, frames, cycle_ms = [state], list[Frame](), list[float]()
    held = resting(scenario.step_s)
    driver.begin(problem.goals)
    if sensors is not None:
        look_before(driver.look, sensors, observer.at(problem.start_step), state, scenario.step_s)
    began = time.thread_time_ns()  # of the loop: neither the search of the way nor what was seen before the first moment is part of it
    for k in range(problem.start_step, last):
        if goal_test.reached(k, *state[:4]):
            break
        if time.monotonic() > deadline:
            raise TimeoutError("the drive took too long")
        truth = observer.at(k)
        seen, believed = (truth, state) if sensors is None else sensors.sense(truth, state)
        cycle_began = time.thread_time_ns()
        command = driver.cycle(believed, seen)
        cycle_ms.append((time.thread_time_ns() - cycle_began) * 1e-6)
        if record:
            frames.append(frame_of(state, truth, driver.view(), vehicle))
        if world is not None:
            world.step(state, vehicle)
        if plant is None:
            after, held = through_actuators(state, held, command, scenario.step_s, vehicle, actuators)
            state = VehicleState(*after)
        else:
            state = plant(state, command)
        states.append(state)
    cpu_s = (time.thread_time_ns() - began) * 1e-9
    if record:
        frames.append(frame_of(state, observer.at(problem.start_step + len(states) - 1), driver.view(), vehicle))
    columns = np.array(states).T
    guard = driver.guard_log()
    if sensors is not None:
        guard = recognise_all(guard, lambda time_s: observer.at(round(time_s / scenario.step_s)))
    return Drive(Trajectory(*np.ascontiguousarray(columns[:5])), frames, np.array(cycle_ms), cpu_s, guard)


@cache
def warm_up() -> None:
    """Compiles or loads every kernel a drive needs, on a short empty road, once per process: no drive's timings and limits hold it."""
    x = np.linspace(0.0, 100.0, 21)
    centre, left, right = (np.column_stack([x, np.full_like(x, y)]) for y in (0.0, 2.0, -2.0))
    road_map = build_road_map(RoadSpec("warm-up", "", [LaneSpec("road", centre, left, right, Road.CAR)]))
    one, row = np.ones(1, np.int32), np.zeros((1, 1))
    log = ActorLog(
        ids=one, obstacles=one, kinds=one.astype(np.uint8), stands=one.astype(np.bool_), present=np.ones((1, 1), np.bool_),
        length_m=row + 4.0, width_m=row + 2.0, x_m=row + 60.0, y_m=row, heading_rad=row, speed_mps=row,
    )  # fmt: skip
    problem = PlanningProblem(1, 0, 10.0, 0.0, 0.0, 5.0, 0.0, 0.0, (Goal((0.5, 0.5), lanes=(0,), heading_rad=(-0.5, 0.5)),))
    scenario = Scenario("warm-up", "", 0.1, road_map, log, (problem,))
    prove_ill_posed(scenario, problem, BMW_320I)
    drive = drive_problem(scenario, problem, Pilot, BMW_320I, Sensors(THREE_LIDARS), record=True)
    judge(scenario, problem, drive.driven, BMW_320I)
    least_time_to_collision(scenario, drive.driven, 0, BMW_320I)
    score(scenario, problem, drive.driven, BMW_320I)


class Observer:
    """Tells what is there now. It hands out copies of one row of the log, so that nobody can look ahead."""

    def __init__(self, scenario: Scenario) -> None:
        self._actors, self._map, self._step_s = scenario.actors, scenario.road_map, scenario.step_s

    def at(self, step: int) -> Observation:
        actors = self._actors
        row, here = actors.there(step)
        signals = np.zeros(len(self._map.signal_ids), np.uint8)
        signal_colours(self._map.arrays, step * self._step_s, signals)
        return Observation(
            time_s=step * self._step_s,
            ids=actors.ids[here],
            kinds=actors.kinds[here],
            x_m=actors.x_m[row, here],
            y_m=actors.y_m[row, here],
            heading_rad=actors.heading_rad[row, here],
            speed_mps=actors.speed_mps[row, here],
            length_m=actors.length_m[row, here],
            width_m=actors.width_m[row, here],
            signals=signals,
            sirens=self._sirens(row, here),
        )

    def _sirens(self, row: int, here: Bools) -> Floats:
        actors = self._actors
        if actors.sirens is None:
            return np.empty((0, 2))
        loud = here & actors.sirens
        return np.column_stack((actors.x_m[row, loud], actors.y_m[row, loud]))


def initial_state(problem: PlanningProblem, vehicle: VehicleParameters) -> VehicleState:
    """The steering angle is the one that turns the car at the yaw rate the file gives: atan(yaw rate · wheelbase / speed)."""
    steering = math.atan(problem.yaw_rate_radps * vehicle.wheelbase_m / problem.speed_mps) if problem.speed_mps > 0.1 else 0.0
    steering = min(vehicle.steering_max_rad, max(-vehicle.steering_max_rad, steering))
    return VehicleState(problem.x_m, problem.y_m, problem.heading_rad, problem.speed_mps, steering, problem.acceleration_mps2)


def frame_of(state: VehicleState, seen: Observation, view: View, vehicle: VehicleParameters) -> Frame:
    """The ego comes first, with an id nobody else has. seen: everybody as they are."""
    ego = int(seen.ids.min(initial=0)) - 1
    flags = np.zeros(len(seen.ids) + 1, np.uint8)
    flags[0] = Flag.PILOT | (Flag.BRAKING if state.acceleration_mps2 < _BRAKING_MPS2 else 0)
    flags[0] |= Flag.LEFT | Flag.RIGHT if view.hazards else 0
    return Frame(
        time_s=seen.time_s,
        ids=np.append(np.int32(ego), seen.ids).astype(np.int32),
        kinds=np.append(np.uint8(Kind.CAR), seen.kinds).astype(np.uint8),
        x_m=np.append(state.x_m, seen.x_m),
        y_m=np.append(state.y_m, seen.y_m),
        heading_rad=np.append(state.heading_rad, seen.heading_rad),
        speed_mps=np.append(state.speed_mps, seen.speed_mps),
        length_m=np.append(vehicle.length_m, seen.length_m),
        width_m=np.append(vehicle.width_m, seen.width_m),
        flags=flags,
        signals=seen.signals,
        views={ego: recognise(view, seen)},
    )


def _result(
    path: Path, scenario: Scenario, problem: PlanningProblem, drive: Drive, verdict: Judgement, vehicle: VehicleParameters
) -> Result:
    def seconds(step_index: int) -> float | None:
        return None if step_index < 0 else (step_index - problem.start_step) * scenario.step_s

    driven_s = (drive.driven.x_m.size - 1) * scenario.step_s
    ttc = least_time_to_collision(scenario, drive.driven, problem.start_step, vehicle)
    timed = drive.cycle_ms.size > 0
    scored = score(scenario, problem, drive.driven, vehicle) if timed else None
    return Result(
        file=path.name,
        name=scenario.name,
        source=scenario.source,
        problem=problem.id,
        verdict=verdict.verdict,
        why=verdict.why,
        strict_success=verdict.strict_success,
        at_fault=verdict.at_fault,
        goal_s=seconds(verdict.goal_step),
        collision_s=seconds(verdict.collision_step),
        collision_with=verdict.collision_with,
        edge_s=seconds(verdict.edge_step),
        infeasible_s=seconds(verdict.infeasible_step),
        driven_s=driven_s,
        ttc_min_s=ttc if math.isfinite(ttc) else None,
        comfort=comfort(drive.driven, scenario.step_s, vehicle),
        cycle_ms_p50=float(np.percentile(drive.cycle_ms, 50)) if timed else None,
        cycle_ms_p99=float(np.percentile(drive.cycle_ms, 99)) if timed else None,
        real_time_factor=driven_s / drive.cpu_s if timed and drive.cpu_s > 0.0 else None,
        scores=None if scored is None else scored.values,
        losses=() if scored is None else scored.losses,
        guard=drive.guard,
    )


TIMINGS = ("cycle_ms_p50", "cycle_ms_p99", "real_time_factor")


def facts(result: Result, *, timings: bool = True) -> dict[str, Any]:
    """A result as JSON values. timings: with what differs from run to run."""
    values = dataclasses.asdict(result)
    values["verdict"] = result.verdict.value
    for name in () if timings else TIMINGS:
        del values[name]
    return values
