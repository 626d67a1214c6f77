"""Verdicts: the first thing that went wrong on a drive, or that its goal was reached."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from marque.driving.goal import Goal
from marque.simulation.judge.blame import blame
from marque.simulation.judge.checks import (
    Limit,
    Trajectory,
    conditions_hold,
    first_collision,
    first_departure,
    first_infeasible,
    goal_steps,
    in_region,
    lane_polygon,
)
from marque.simulation.scenario import PlanningProblem, Scenario
from marque.vehicle import VehicleParameters

STANDING_MPS = 0.1
STUCK_S = 3.0

_LIMIT_WORDS = {
    Limit.SPEED: "faster than the vehicle can drive",
    Limit.BRAKING: "more braking than the tyres hold",
    Limit.ACCELERATION: "more acceleration than the motor gives",
    Limit.STEERING: "more steering than the wheel allows",
    Limit.STEERING_RATE: "faster steering than the actuator moves",
    Limit.FRICTION: "acceleration and curve together beyond the tyres",
    Limit.MOTION: "a pose that does not follow from the one before",
}


class Verdict(StrEnum):
    """What became of a drive."""

    GOAL = "goal"
    LATE = "late"
    """In time it was nowhere the goal's conditions hold."""
    EARLY = "early"
    """It met the goal's conditions before their time, but not in it."""
    COLLISION = "collision"
    ROAD_EDGE = "road_edge"
    INFEASIBLE = "infeasible"
    STUCK = "stuck"
    """It stood at the end though nobody was in its way."""
    ILL_POSED = "ill_posed"
    """The judge has proved that no vehicle of this model can do what is asked."""
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and what it rests on. Steps are the scenario's; −1 = never. `why` is one clause."""

    verdict: Verdict
    why: str
    goal_step: int = -1
    collision_step: int = -1
    collision_with: int | None = None
    """The obstacle's id in the file."""
    at_fault: bool | None = None
    """None without a collision."""
    fault_reason: str = ""
    edge_step: int = -1
    edge_place: tuple[float, float] | None = None
    infeasible_step: int = -1
    limit: Limit = Limit.NONE

    @property
    def strict_success(self) -> bool:
        return self.verdict is Verdict.GOAL


class GoalTest:
    """Tells, state by state, whether a planning problem's goals are met; any one of them counts."""

    def __init__(self, scenario: Scenario, problem: PlanningProblem) -> None:
        self.goals = problem.goals
        self.steps = [goal_steps(goal, scenario.step_s) for goal in problem.goals]
        self.outlines = [tuple(lane_polygon(scenario.road_map, lane) for lane in goal.lanes) for goal in problem.goals]

    def reached(self, step: int, x_m: float, y_m: float, heading_rad: float, speed_mps: float) -> bool:
        """Whether some goal's conditions, time included, hold."""
        return any(
            first <= step <= last and self._met(i, goal, x_m, y_m, heading_rad, speed_mps)
            for i, (goal, (first, last)) in enumerate(zip(self.goals, self.steps, strict=True))
        )

    def before_time(self, step: int, x_m: float, y_m: float, heading_rad: float, speed_mps: float) -> bool:
        """Whether some goal's conditions but for the time hold, before that time."""
        return any(
            step < first and self._met(i, goal, x_m, y_m, heading_rad, speed_mps)
            for i, (goal, (first, _)) in enumerate(zip(self.goals, self.steps, strict=True))
        )

    def in_region(self, x_m: float, y_m: float) -> bool:
        return any(in_region(goal, outlines, x_m, y_m) for goal, outlines in zip(self.goals, self.outlines, strict=True))

    def _met(self, i: int, goal: Goal, x_m: float, y_m: float, heading_rad: float, speed_mps: float) -> bool:
        return conditions_hold(goal, speed_mps, heading_rad) and in_region(goal, self.outlines[i], x_m, y_m)


def judge(scenario: Scenario, problem: PlanningProblem, driven: Trajectory, vehicle: VehicleParameters) -> Judgement:
    """The verdict on a trajectory that begins at the problem's start step.

    Strict success: at some step all conditions of a goal hold, and up to that step, it included, the body touched nobody, no part of it
    left the road, and every state follows from the one before within the vehicle's limits. Otherwise the first thing that went wrong is
    the verdict; if nothing did, `early`, `stuck` or `late`. What happens after the goals' last moment only tells how late it is.
    """
    start, actors = problem.start_step, scenario.actors
    goal_test = GoalTest(scenario, problem)
    states = list(zip(driven.x_m.tolist(), driven.y_m.tolist(), driven.heading_rad.tolist(), driven.speed_mps.tolist(), strict=True))
    reached = next((k for k, state in enumerate(states) if goal_test.reached(start + k, *state)), -1)
    hit, body = first_collision(
        driven, start, vehicle.length_m, vehicle.width_m, actors.x_m, actors.y_m, actors.heading_rad, actors.length_m, actors.width_m,
        actors.present, actors.stands,
    )  # fmt: skip
    left = first_departure(driven, vehicle.length_m, vehicle.width_m, scenario.road_map.arrays)
    broke, limit = first_infeasible(driven, scenario.step_s, vehicle)

    until = reached if reached >= 0 else problem.last_step(scenario.step_s) - start
    hit, left, broke = (k if 0 <= k <= until else -1 for k in (hit, left, broke))
    wrong = [(k, verdict) for k, verdict in ((hit, Verdict.COLLISION), (left, Verdict.ROAD_EDGE), (broke, Verdict.INFEASIBLE)) if k >= 0]
    with_whom = int(actors.obstacles[body]) if hit >= 0 else None
    at_fault, fault_reason = blame(scenario, driven, start, hit, body, vehicle) if hit >= 0 else (None, "")
    if wrong:
        first, verdict = min(wrong, key=lambda found: found[0])
        seconds = first * scenario.step_s
        why = {
            Verdict.COLLISION: f"touches {with_whom} after {seconds:.1f} s: {fault_reason}",
            Verdict.ROAD_EDGE: f"leaves the road after {seconds:.1f} s",
            Verdict.INFEASIBLE: f"{_LIMIT_WORDS.get(limit, '')} after {seconds:.1f} s",
        }[verdict]
    elif reached >= 0:
        verdict, why = Verdict.GOAL, f"reached after {reached * scenario.step_s:.1f} s"
    else:
        verdict, why = _missed(scenario, goal_test, start, driven)
    return Judgement(
        verdict=verdict,
        why=why,
        goal_step=start + reached if reached >= 0 else -1,
        collision_step=start + hit if hit >= 0 else -1,
        collision_with=with_whom,
        at_fault=at_fault,
        fault_reason=fault_reason,
        edge_step=start + left if left >= 0 else -1,
        edge_place=(float(driven.x_m[left]), float(driven.y_m[left])) if left >= 0 else None,
        infeasible_step=start + broke if broke >= 0 else -1,
        limit=limit if broke >= 0 else Limit.NONE,
    )


def _missed(scenario: Scenario, goal_test: GoalTest, start: int, driven: Trajectory) -> tuple[Verdict, str]:
    """Nothing went wrong, yet the goal was not reached."""
    x, y, heading, speed = (values.tolist() for values in driven[:4])
    met_before = [k for k in range(len(x)) if goal_test.before_time(start + k, x[k], y[k], heading[k], speed[k])]
    if met_before:
        return Verdict.EARLY, f"met the goal's conditions after {met_before[0] * scenario.step_s:.1f} s, before their time"
    window = round(STUCK_S / scenario.step_s)
    if len(x) > window and np.all(driven.speed_mps[-window:] < STANDING_MPS) and not _waits(scenario, start, driven):
        return Verdict.STUCK, f"stood for the last {STUCK_S:.0f} s or longer with nobody in its way"
    last = max(last for _, last in goal_test.steps) - start
    there = [k for k in range(len(x)) if goal_test.in_region(x[k], y[k])]
    if there and there[0] > last:
        return (
            Verdict.LATE,
            f"in the goal's region after {there[0] * scenario.step_s:.1f} s, {(there[0] - last) * scenario.step_s:.1f} s late",
        )
    if there:
        return Verdict.LATE, "in the goal's region in time, but not at the speed or heading asked for"
    return Verdict.LATE, "not in the goal's region in time"


def _waits(scenario: Scenario, start: int, driven: Trajectory) -> bool:
    """Whether somebody is close ahead at the end: a body within 10 m in front and 2 m beside the ego's axis."""
    row, present = scenario.actors.there(start + driven.x_m.size - 1)
    heading = driven.heading_rad[-1]
    dx = scenario.actors.x_m[row, present] - driven.x_m[-1]
    dy = scenario.actors.y_m[row, present] - driven.y_m[-1]
    ahead = dx * np.cos(heading) + dy * np.sin(heading)
    beside = np.abs(dy * np.cos(heading) - dx * np.sin(heading))
    return bool(np.any((ahead > 0.0) & (ahead < 10.0) & (beside < 2.0)))
