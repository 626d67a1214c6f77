"""Scenario files driven and judged: each concrete case of each file, as the judge of the CommonRoad files sees it, and by its protocol."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from marque.common import InputError, MarqueError
from marque.driving.goal import Goal
from marque.driving.map import RoadMap
from marque.driving.reversing import Reverser
from marque.simulation.drive import Driver, Result, facts
from marque.simulation.judge import Judgement, Verdict, comfort, judge, least_time_to_collision
from marque.simulation.metrics import score as drive_score
from marque.simulation.openscenario.careful_driver import CarefulDriver
from marque.simulation.openscenario.document import Document
from marque.simulation.openscenario.ncap import case_of, score
from marque.simulation.openscenario.play import CYCLE_S, MakeDriver, Played, play
from marque.simulation.openscenario.scenario import Story, read_story
from marque.simulation.openscenario.variations import Variation, read_variation
from marque.simulation.replay import SUFFIX, write_replay
from marque.simulation.scenario import ActorLog, PlanningProblem, Scenario
from marque.simulation.sensors import Sensors
from marque.vehicle import VehicleParameters

CASES = 100
"""So many cases of one variation are driven, evenly spread over those that its constraints allow where it has more."""
_KMH = 3.6


@dataclass(frozen=True, slots=True)
class StoryResult(Result):
    """One concrete case of an OpenSCENARIO file. Where the case is of a protocol: what that makes of it."""

    case: dict[str, str] = field(default_factory=dict)
    """What the variation sets, where it differs from case to case."""
    cases: int = 1
    """How many cases the file has; not all of many are driven."""
    ended: str = ""
    test_speed_kmh: float | None = None
    hit: str | None = None
    """Whom the ego touched, by name."""
    impact_kmh: float | None = None
    """Relative speed of the two at contact."""
    own_impact_kmh: float | None = None
    protocol_case: str | None = None
    full_score_asks: str | None = None
    full_score_source: str | None = None
    """Where the protocol says so."""
    score: float | None = None
    """Part of the protocol's full score, 0 to 1."""
    careful_driver_avoids: bool | None = None
    """Of a collision: whether the competent and careful driver of UN R157 would have avoided it in the same scenario."""
    notes: tuple[str, ...] = ()


def is_scenario(path: Path) -> bool:
    """Whether an OpenSCENARIO file is one to drive: a catalog is not. True for what cannot be read, so that driving it says why."""
    try:
        return Document(path).root.element.find("Catalog") is None
    except InputError:
        return True


def drive_stories(path: Path, make_driver: MakeDriver, sensors: Sensors | None, replay: Path | None, limit_s: float) -> list[Result]:
    """Drives and judges every case of a file; never raises for what is in it (as `drive.drive_file`).

    limit_s: wall-clock time of a case.
    """
    results: list[Result] = []
    try:
        for read, case, count, name in _cases(path):
            results.append(_one(path, read, case, count, name, make_driver, sensors, replay, limit_s))
    except InputError as error:
        return [StoryResult(path.name, path.stem, "OpenSCENARIO", None, Verdict.ILL_POSED, str(error))]
    except Exception as error:
        return [StoryResult(path.name, path.stem, "OpenSCENARIO", None, Verdict.ERROR, f"{type(error).__name__}: {error}")]
    return results


ReadStory = partial[Story]


def _cases(path: Path) -> Iterator[tuple[ReadStory, dict[str, str], int, str]]:
    """(what reads it, what is varied, how many there are, its name) of every case that is driven."""
    variation: Variation | None = read_variation(Document(path))
    if variation is None:
        yield partial(read_story, path), {}, 1, path.stem
        return
    total, scenario, case = len(variation), variation.scenario, variation.case
    target = Document(scenario)
    for index in variation.spread(CASES, lambda index: target.allows(case(index))):
        name = path.stem if total == 1 else f"{path.stem}-{index + 1}"
        yield partial(read_story, scenario, case(index)), variation.varied(index), total, name


def _one(
    path: Path, read: ReadStory, case: dict[str, str], count: int, name: str, make_driver: MakeDriver, sensors: Sensors | None,
    replay: Path | None, limit_s: float,
) -> StoryResult:  # fmt: skip
    def failed(verdict: Verdict, why: str) -> StoryResult:
        return StoryResult(path.name, name, "OpenSCENARIO", 1, verdict, why, case=case, cases=count)

    deadline = time.monotonic() + limit_s
    try:
        story = read()
        played = play(story, _driver(story, make_driver), sensors, record=replay is not None, deadline=deadline)
        result = dataclasses.replace(_judged(path, story, played, case, count, name), perception=played.perception)
        if result.hit is not None:
            result = dataclasses.replace(result, careful_driver_avoids=_careful_driver_avoids(read, deadline))
        if replay is None:
            return result
        target = replay / f"{name}{SUFFIX}"
        write_replay(
            target, name=name, road_map=story.road_map, step_s=CYCLE_S, frames=played.frames, facts=facts(result, timings=False)
        )  # fmt: skip
        return dataclasses.replace(result, replay=target.name)
    except MarqueError as error:
        return failed(Verdict.ILL_POSED, str(error))
    except Exception as error:
        return failed(Verdict.ERROR, f"{type(error).__name__}: {error}")


def _driver(story: Story, make_driver: MakeDriver) -> MakeDriver:
    """The pilot, but for an ego that the file sends backwards."""

    def made(road_map: RoadMap, vehicle: VehicleParameters, step_s: float) -> Driver:
        wanted = story.world.orders.speed
        return Reverser(vehicle, -wanted, step_s) if wanted is not None and wanted < 0.0 else make_driver(road_map, vehicle, step_s)

    return made


def _careful_driver_avoids(read: ReadStory, deadline: float) -> bool | None:
    """None for an ego that turns or backs: the regulation's driver keeps his lane."""
    story = read()
    played = play(story, CarefulDriver, deadline=deadline)
    backs = played.set_speed_mps is not None and played.set_speed_mps < 0.0
    return None if backs or story.world.orders.course is not None else played.contact is None


def as_scenario(story: Story, played: Played) -> tuple[Scenario, PlanningProblem]:
    """What was played as a log of everyone else, and the ego's task: to reach the end of it. This is what the judge reads."""
    first = played.bodies[0]
    tables = {name: np.array([getattr(bodies, name) for bodies in played.bodies]) for name in _COLUMNS}
    log = ActorLog(ids=first.ids, obstacles=first.ids, kinds=first.kinds, stands=np.zeros(len(first.ids), np.bool_), **tables)
    end_s = (len(played.bodies) - 1) * CYCLE_S
    d = played.driven
    problem = PlanningProblem(
        1, 0, float(d.x_m[0]), float(d.y_m[0]), float(d.heading_rad[0]), float(d.speed_mps[0]), 0.0, 0.0, (Goal((end_s, end_s)),)
    )
    return Scenario(story.name, f"OpenSCENARIO, {story.author}", CYCLE_S, story.road_map, log, (problem,)), problem


_COLUMNS = ("present", "length_m", "width_m", "x_m", "y_m", "heading_rad", "speed_mps")


def _judged(path: Path, story: Story, played: Played, case: dict[str, str], count: int, name: str) -> StoryResult:
    scenario, problem = as_scenario(story, played)
    driven, vehicle, contact = played.driven, story.vehicle, played.contact
    verdict = judge(scenario, problem, driven, vehicle)
    ttc = least_time_to_collision(scenario, driven, 0, vehicle)
    driven_s = (driven.x_m.size - 1) * CYCLE_S
    kind, why = _verdict(verdict, played)
    test_kmh = None if played.set_speed_mps is None else abs(played.set_speed_mps) * _KMH
    impact = None if contact is None else contact.impact_mps * _KMH
    own = None if contact is None else contact.ego_mps * _KMH
    scored = drive_score(scenario, problem, driven, vehicle)
    protocol = case_of(story.world.parameters.get("Scenario_ID", ""), path.stem)
    return StoryResult(
        file=path.name,
        name=name,
        source=scenario.source,
        problem=1,
        verdict=kind,
        why=why,
        strict_success=kind is Verdict.GOAL,
        at_fault=verdict.at_fault if contact is not None else None,
        goal_s=driven_s if kind is Verdict.GOAL else None,
        collision_s=None if contact is None else contact.time_s,
        collision_with=None if contact is None else verdict.collision_with,
        edge_s=None if verdict.edge_step < 0 else verdict.edge_step * CYCLE_S,
        infeasible_s=None if verdict.infeasible_step < 0 else verdict.infeasible_step * CYCLE_S,
        driven_s=driven_s,
        ttc_min_s=ttc if math.isfinite(ttc) else None,
        comfort=comfort(driven, CYCLE_S, vehicle),
        guard=played.guard,
        cycle_ms_p50=float(np.percentile(played.cycle_ms, 50)),
        cycle_ms_p99=float(np.percentile(played.cycle_ms, 99)),
        real_time_factor=driven_s / played.cpu_s if played.cpu_s > 0.0 else None,
        scores=scored.values,
        losses=scored.losses,
        case=case,
        cases=count,
        ended=played.ended,
        test_speed_kmh=test_kmh,
        hit=None if contact is None else contact.name,
        impact_kmh=impact,
        own_impact_kmh=own,
        protocol_case=None if protocol is None else protocol.name,
        full_score_asks=None if protocol is None else protocol.rule.value,
        full_score_source=None if protocol is None else protocol.source,
        score=None if protocol is None else score(protocol.rule, test_kmh or 0.0, impact, own),
        notes=tuple(story.world.notes),
    )


def _verdict(judged: Judgement, played: Played) -> tuple[Verdict, str]:
    """The judge's verdict in words of the file. What it sees at the steps, the play saw between them too."""
    if played.contact is not None and judged.verdict not in (Verdict.ROAD_EDGE, Verdict.INFEASIBLE):
        reason = judged.fault_reason or "a touch between two steps"
        return Verdict.COLLISION, f"touches {played.contact.name} after {played.contact.time_s:.2f} s: {reason}"
    if judged.verdict is Verdict.GOAL:
        return Verdict.GOAL, f"ended by {played.ended} after {(len(played.bodies) - 1) * CYCLE_S:.1f} s"
    return judged.verdict, judged.why
