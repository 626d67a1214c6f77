"""One case driven in a closed loop and judged. The same case gives the same line, on whatever machine and in whatever company."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from marque.common import MarqueError
from marque.driving.map import RoadMap
from marque.driving.pilot import Pilot
from marque.proof.campaign.run import Run, trace_of
from marque.proof.campaign.situations import preventable_by_models
from marque.proof.suites import Case, Kind
from marque.proof.suites.places import staged as scene_of
from marque.simulation.commonroad import read_scenario
from marque.simulation.drive import MakeDriver, drive_problem, warm_up
from marque.simulation.frame import Frame
from marque.simulation.judge import Judgement, Trajectory, Verdict, judge, least_time_to_collision, prove_ill_posed
from marque.simulation.library import LOGICAL, document
from marque.simulation.openscenario import CarefulDriver, Played, Story, as_scenario, play, read_story, variation_of
from marque.simulation.places import Concrete
from marque.simulation.scenario import PlanningProblem, Scenario
from marque.simulation.sensors import Sensors
from marque.vehicle import IDEAL, MODELS, Actuators, VehicleParameters
from marque.vehicle.sensors import THREE_LIDARS

REFERENCE = "competent-and-careful"
"""UN R157, Annex 4, Appendix 3: driven through the same scenario in place of the pilot."""
_UNSAFE = (Verdict.COLLISION, Verdict.ROAD_EDGE, Verdict.INFEASIBLE, Verdict.ERROR)


@dataclass(frozen=True)
class Hidden:
    """A suite that the policy knows by a commitment alone. salt: what opens it, in hexadecimal; its cases are drawn by it."""

    name: str
    suite: Path
    salt: str


@dataclass(frozen=True)
class Task:
    """What all cases of a campaign share. vehicle: a name in `vehicle.MODELS`; perfect: without sensors' errors.

    suite: the open one; hidden: the others, in order of their names.
    """

    suite: Path
    vehicle: str
    seed: int
    perfect: bool = False
    hidden: tuple[Hidden, ...] = ()

    def folder(self, case: Case) -> Path:
        """Of the suite that a case is of."""
        suite = next((one.suite for one in self.hidden if one.name == case.suite), self.suite)
        return suite.parent

    def target(self, case: Case) -> Path:
        """The file or folder of a case that comes from one."""
        return self.folder(case) / case.source.target


@dataclass(frozen=True)
class Recording:
    """A case as it was driven, step by step. facts: what a replay says of it, as `drive.facts` names it; JSON."""

    road_map: RoadMap
    step_s: float
    frames: Sequence[Frame]
    facts: Mapping[str, Any]


Keep = Callable[[Recording], None]


def drive(task: Task, case: Case, keep: Keep | None = None) -> bytes:
    """The line of a case. Nothing that is in a scenario raises. keep: is given what was driven, if anything was; the line is the same."""
    warm_up()
    return run(case, task, keep).line(case)


def run(case: Case, task: Task, keep: Keep | None = None) -> Run:
    """A case driven and judged."""
    try:
        if case.source.kind is Kind.OPENSCENARIO:
            return _story(case, task, keep)
        if case.source.kind is Kind.CITY:
            staged = scene_of(task.folder(case), case)
            return _problem(case, task, staged.scenario, keep, staged)
        with TemporaryDirectory(prefix="marque-case-") as folder:
            scenario = read_scenario(_file(case, task, Path(folder)))
        return _problem(case, task, scenario, keep)
    except MarqueError as error:  # a scenario that cannot be read shows nothing: not that the domain does not reach to it
        return Run("aborted", str(error))
    except Exception as error:
        return Run("aborted", f"{type(error).__name__}: {error}")


def _file(case: Case, task: Task, folder: Path) -> Path:
    target = task.target(case)
    if case.source.kind is Kind.COMMONROAD:
        return target / case.member if target.is_dir() else target
    written = folder / "scene.xml"
    written.write_bytes(document("ZAM_Case-1_1_T-1", LOGICAL[case.source.target].make(**dict(case.parameters))))
    return written


def _sensors(case: Case, task: Task, road_map: RoadMap) -> Sensors | None:
    return None if task.perfect else Sensors(THREE_LIDARS, seed=case.seed, road_map=road_map)


def _pilot(task: Task) -> MakeDriver:
    return partial(Pilot, suite=THREE_LIDARS, actuators=MODELS[task.vehicle].actuators)


def _story(case: Case, task: Task, keep: Keep | None) -> Run:
    """An OpenSCENARIO case, the ego being our vehicle."""
    path, vehicle = task.target(case), MODELS[task.vehicle].vehicle
    parameters = {name: str(value) for name, value in case.parameters}
    read = partial(read_story, _scenario_of(path), parameters, vehicle)
    story = read()
    sensors, actuators = _sensors(case, task, story.road_map), MODELS[task.vehicle].actuators
    played = _played(story, case, _pilot(task), sensors, actuators, record=keep is not None)
    scenario, problem = as_scenario(story, played)
    judged = judge(scenario, problem, played.driven, vehicle)
    verdict = Verdict.COLLISION if played.contact is not None else judged.verdict
    ttc_s = least_time_to_collision(scenario, played.driven, 0, vehicle)
    if keep is not None:
        keep(Recording(scenario.road_map, scenario.step_s, played.frames, _facts(verdict, judged, ttc_s, scenario.step_s)))
    measures = _measures(played.driven, ttc_s, scenario.step_s) | (
        {} if played.contact is None else {"impact_mps": played.contact.impact_mps}
    )
    preventable: dict[str, bool] = {}
    if played.contact is not None and story.world.orders.course is None:
        preventable[REFERENCE] = _played(read(), case, CarefulDriver, None).contact is None
    if judged.collision_with is not None:
        preventable |= preventable_by_models(scenario, played.driven, vehicle, judged.collision_step, judged.collision_with)
    run = _judged(verdict, judged, preventable, measures, played.driven, f"ended by {played.ended}")
    if run.outcome == "passed" and played.cut_off:  # what did not come to happen shows nothing
        return replace(run, outcome="aborted", why=f"cut off by {played.ended}, before all of it had happened")
    return run


def _played(
    story: Story, case: Case, make_driver: MakeDriver, sensors: Sensors | None, actuators: Actuators = IDEAL, *, record: bool = False
) -> Played:  # fmt: skip
    until, settling = case.source.horizon_s, case.source.settling
    return play(story, make_driver, sensors, record=record, actuators=actuators, horizon_s=until, settling=settling)


@cache
def _scenario_of(path: Path) -> Path:
    """The scenario that a variation varies, or the file itself."""
    variation = variation_of(path)
    return path if variation is None else variation.scenario


def _problem(case: Case, task: Task, scenario: Scenario, keep: Keep | None, staged: Concrete | None = None) -> Run:
    """A CommonRoad scenario, of a file or of our library; its first planning problem. staged: the same on a map, with others that react."""
    problem, vehicle = scenario.problems[0], MODELS[task.vehicle].vehicle
    if (proof := prove_ill_posed(scenario, problem, vehicle)) is not None:
        return Run("outside", proof)
    if staged is not None:
        drive, scenario = staged.drive(MODELS[task.vehicle], seed=case.seed, perfect=task.perfect, record=keep is not None)
    else:
        sensors, actuators = _sensors(case, task, scenario.road_map), MODELS[task.vehicle].actuators
        drive = drive_problem(scenario, problem, _pilot(task), vehicle, sensors, actuators=actuators, record=keep is not None)
    driven, judged = drive.driven, judge(scenario, problem, drive.driven, vehicle)
    preventable: dict[str, bool] = {}
    if judged.verdict is Verdict.COLLISION:
        preventable[REFERENCE] = _reference_avoids(scenario, problem, vehicle, staged)
    if judged.collision_with is not None:
        at = (judged.collision_step, judged.collision_with, problem.start_step)
        preventable |= preventable_by_models(scenario, driven, vehicle, *at)
    ttc_s = least_time_to_collision(scenario, driven, problem.start_step, vehicle)
    if keep is not None:
        facts = _facts(judged.verdict, judged, ttc_s, scenario.step_s, problem.start_step)
        keep(Recording(scenario.road_map, scenario.step_s, drive.frames, facts))
    return _judged(
        judged.verdict, judged, preventable, _measures(driven, ttc_s, scenario.step_s), driven, judged.why or str(judged.verdict)
    )


def _reference_avoids(scenario: Scenario, problem: PlanningProblem, vehicle: VehicleParameters, staged: Concrete | None) -> bool:
    if staged is not None:
        drive, scenario = staged.refer(CarefulDriver, vehicle)
    else:
        drive = drive_problem(scenario, problem, CarefulDriver, vehicle)
    return judge(scenario, problem, drive.driven, vehicle).verdict is not Verdict.COLLISION


def _judged(
    verdict: Verdict, judged: Judgement, preventable: dict[str, bool], measures: dict[str, float], driven: Trajectory, why: str
) -> Run:  # fmt: skip
    """Failed: an unsafe end that is the car's own, or that the reference driver would have avoided."""
    excused = verdict is Verdict.COLLISION and judged.at_fault is False and not preventable.get(REFERENCE, False)
    failed = verdict in _UNSAFE and not excused
    told = judged.why if failed and judged.why else why
    return Run("failed" if failed else "passed", told, verdict is Verdict.COLLISION, preventable, measures, trace_of(driven))


def _facts(verdict: Verdict, judged: Judgement, ttc_s: float, step_s: float, start_step: int = 0) -> dict[str, Any]:
    def seconds(step: int) -> float | None:
        return None if step < 0 else (step - start_step) * step_s

    return {
        "verdict": verdict.value, "why": judged.why, "at_fault": judged.at_fault if verdict is Verdict.COLLISION else None,
        "goal_s": seconds(judged.goal_step), "collision_s": seconds(judged.collision_step), "edge_s": seconds(judged.edge_step),
        "infeasible_s": seconds(judged.infeasible_step), "ttc_min_s": ttc_s if math.isfinite(ttc_s) else None,
    }  # fmt: skip


def _measures(driven: Trajectory, ttc_s: float, step_s: float) -> dict[str, float]:
    x, y = driven.x_m, driven.y_m
    braking = float(-np.diff(driven.speed_mps).min(initial=0.0)) / step_s
    return {
        "braking_max_mps2": braking,
        "driven_m": float(np.hypot(np.diff(x), np.diff(y)).sum()),
        "driven_s": (len(x) - 1) * step_s,
        "ttc_min_s": ttc_s,
    }
