"""Cases driven in the closed loop with something about the simulator changed: its step, its car, its sensors."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from marque.common import Floats
from marque.driving.pilot import Pilot
from marque.proof.credibility.experiments.plants import FinePlant, SlippingPlant
from marque.proof.credibility.step_halving import Outcome
from marque.proof.suites import Case, Kind, cases, read_suite
from marque.proof.suites.places import staged
from marque.simulation.commonroad import read_scenario
from marque.simulation.drive import drive_problem, warm_up
from marque.simulation.judge import Trajectory, Verdict, judge, least_time_to_collision
from marque.simulation.library import FAMILIES, LOGICAL, document
from marque.simulation.library.scene import Scene
from marque.simulation.openscenario import as_scenario, play, read_story, variation_of
from marque.simulation.openscenario.scenario import TICK_S
from marque.simulation.scenario import ActorLog, PlanningProblem, Scenario
from marque.simulation.sensors import Sensors
from marque.vehicle import MODELS, VehicleModel, VehicleState
from marque.vehicle.sensors import THREE_LIDARS

_UNSAFE = (Verdict.COLLISION, Verdict.ROAD_EDGE, Verdict.INFEASIBLE, Verdict.ERROR)


@dataclass(frozen=True)
class Trial:
    """One case, and how it is driven.

    scene: a scene of `library`, a kind of scene of `LOGICAL` with its `values`, or the number of a case of `suite`. parts: into how many
    each step is cut. slipping: with tyres that slip. model: the car that drives, where it is not the one that the pilot takes itself to
    be in; sensing: factors on its sensors' latency and range.
    """

    scene: str | int
    vehicle: str
    seed: int
    suite: Path | None = None
    suite_seed: int = 1
    values: tuple[tuple[str, float], ...] = ()
    parts: int = 1
    slipping: bool = False
    model: VehicleModel | None = None
    sensing: tuple[float, float] = (1.0, 1.0)


def library(sample: int) -> list[str]:
    """Names of scenes of the library: the first scene of each family, then the second of each …, `sample` of them."""
    most = max(len(one.variants) for one in FAMILIES)
    return [f"{one.id}_{k + 1}_T-1" for k in range(most) for one in FAMILIES if k < len(one.variants)][:sample]


@cache
def _library() -> dict[str, Scene]:
    return {name: scene for family in FAMILIES for name, scene in family.scenes()}


def drive(trial: Trial) -> Outcome:
    """Drives and judges; what raises is an outcome of its own."""
    _warm()
    try:
        case = _case(trial)
        if isinstance(case, Case) and case.source.kind is Kind.OPENSCENARIO:
            return _story(trial, case)
        if isinstance(case, Case) and case.source.kind is Kind.CITY:
            return _staged(trial, case)
        scenario = _scenario(trial, case)
        return _problem(trial, scenario, scenario.problems[0])
    except Exception as error:
        return Outcome(f"{type(error).__name__}: {error}"[:200], True, math.inf, np.empty((0, 2)))


@cache
def _warm() -> None:
    warm_up()


@cache
def _cases(suite: Path, seed: int) -> list[Case]:
    return cases(read_suite(suite), seed)


def _case(trial: Trial) -> Case | str:
    if isinstance(trial.scene, str) or trial.suite is None:
        return str(trial.scene)
    return _cases(trial.suite, trial.suite_seed)[trial.scene]


def _scenario(trial: Trial, case: Case | str) -> Scenario:
    with TemporaryDirectory(prefix="marque-credibility-") as folder:
        written = Path(folder) / "scene.xml"
        if isinstance(case, str) and case in LOGICAL:
            written.write_bytes(document("ZAM_Case-1_1_T-1", LOGICAL[case].make(**dict(trial.values))))
        elif isinstance(case, str):
            written.write_bytes(document(case, _library()[case]))
        elif case.source.kind is Kind.LIBRARY:
            written.write_bytes(document("ZAM_Case-1_1_T-1", LOGICAL[case.source.target].make(**dict(case.parameters))))
        else:
            assert trial.suite is not None
            target = trial.suite.parent / case.source.target
            written = target / case.member if target.is_dir() else target
        return read_scenario(written)


def _sensors(trial: Trial, road_map: object) -> Sensors:
    latency, reach = trial.sensing
    suite = THREE_LIDARS.copy()
    suite["latency"] *= latency
    suite["range"] *= reach
    return Sensors(suite, seed=trial.seed, road_map=road_map)  # type: ignore[arg-type]


def _plant(trial: Trial, step_s: float) -> FinePlant | SlippingPlant:
    driven = trial.model or MODELS[trial.vehicle]
    if trial.slipping:
        return SlippingPlant(step_s, driven.vehicle, driven.chassis, driven.actuators)
    return FinePlant(trial.parts, step_s, driven.vehicle, driven.actuators)


def _pilot(trial: Trial) -> Callable[..., Pilot]:
    return partial(Pilot, suite=THREE_LIDARS, actuators=MODELS[trial.vehicle].actuators)


def _problem(trial: Trial, scenario: Scenario, problem: PlanningProblem) -> Outcome:
    vehicle, plant = MODELS[trial.vehicle].vehicle, _plant(trial, scenario.step_s)
    drive = drive_problem(scenario, problem, _pilot(trial), vehicle, _sensors(trial, scenario.road_map), plant=plant)
    if isinstance(plant, SlippingPlant) or not plant.states:
        return _judged(trial, scenario, problem, drive.driven, drive.driven)
    columns = np.ascontiguousarray(np.array(plant.states).T)
    fine, task = finer(scenario, trial.parts), dataclasses.replace(problem, start_step=problem.start_step * trial.parts)
    return _judged(trial, fine, task, Trajectory(*columns[:5]), drive.driven)


def can_slip(trial: Trial) -> bool:
    """Whether the car of a case can be another: a scene on a map drives in its own, in which something may fail."""
    case = _case(trial)
    return isinstance(case, str) or case.source.kind is not Kind.CITY


def _staged(trial: Trial, case: Case) -> Outcome:
    """Others react to the car at the loop's own steps; between these they move straight and evenly."""
    assert trial.suite is not None
    states: list[VehicleState] = []
    scene = staged(trial.suite.parent, case)
    drive, scenario = scene.drive(MODELS[trial.vehicle], seed=trial.seed, parts=trial.parts, states=states)
    if not states:
        return _judged(trial, scenario, scenario.problems[0], drive.driven, drive.driven)
    columns = np.ascontiguousarray(np.array(states).T)
    return _judged(trial, finer(scenario, trial.parts), scenario.problems[0], Trajectory(*columns[:5]), drive.driven)


def _story(trial: Trial, case: Case) -> Outcome:
    assert trial.suite is not None
    path, vehicle = trial.suite.parent / case.source.target, MODELS[trial.vehicle].vehicle
    variation = variation_of(path)
    parameters = {name: str(value) for name, value in case.parameters}
    story = read_story(path if variation is None else variation.scenario, parameters, vehicle, tick_s=TICK_S / trial.parts)
    plant = _plant(trial, 0.1)
    horizon_s, settling = case.source.horizon_s, case.source.settling
    played = play(
        story, _pilot(trial), _sensors(trial, story.road_map), plant=plant, horizon_s=horizon_s, settling=settling
    )  # fmt: skip
    scenario, problem = as_scenario(story, played)
    outcome = _judged(trial, scenario, problem, played.driven, played.driven)
    if played.contact is None or outcome.verdict == Verdict.COLLISION:
        return outcome
    return dataclasses.replace(outcome, verdict=str(Verdict.COLLISION), failed=True)  # a touch between two steps


def _judged(trial: Trial, scenario: Scenario, problem: PlanningProblem, fine: Trajectory, course: Trajectory) -> Outcome:
    """fine: at the scenario's steps; course: at those of the loop."""
    vehicle = (trial.model or MODELS[trial.vehicle]).vehicle
    judged = judge(scenario, problem, fine, vehicle)
    verdict = judged.verdict
    if verdict is Verdict.INFEASIBLE and trial.slipping:  # what the kinematic model cannot do is what tyres that slip do
        verdict = Verdict.COLLISION if judged.collision_step >= 0 else Verdict.ROAD_EDGE if judged.edge_step >= 0 else Verdict.GOAL
    failed = verdict in _UNSAFE and not (verdict is Verdict.COLLISION and judged.at_fault is False)
    ttc_s = least_time_to_collision(scenario, fine, problem.start_step, vehicle)
    return Outcome(str(verdict), failed, ttc_s, np.column_stack((course.x_m, course.y_m)))


def finer(scenario: Scenario, parts: int) -> Scenario:
    """The scenario with each of its steps cut into `parts`: between two steps everyone moves straight and evenly."""
    if parts == 1:
        return scenario
    log = scenario.actors
    rows = (log.steps - 1) * parts + 1
    at = np.arange(rows) / parts
    before = np.minimum(at.astype(int), log.steps - 1)
    after, part = np.minimum(before + 1, log.steps - 1), (at - before)[:, None]

    def between(values: Floats) -> Floats:
        return np.asarray(np.where(part == 0.0, values[before], (1.0 - part) * values[before] + part * values[after]))

    turned = np.where(log.present, log.heading_rad, 0.0)
    way = (turned[after] - turned[before] + np.pi) % (2.0 * np.pi) - np.pi
    actors = ActorLog(
        log.ids, log.obstacles, log.kinds, log.stands, log.present[before] & ((part == 0.0) | log.present[after]),
        log.length_m[before], log.width_m[before], between(log.x_m), between(log.y_m), turned[before] + part * way, between(log.speed_mps),
        log.sirens,
    )  # fmt: skip
    return dataclasses.replace(scenario, step_s=scenario.step_s / parts, actors=actors)
