"""All metrics of one drive at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from marque.common import Floats
from marque.simulation.judge.checks import Trajectory
from marque.simulation.metrics import epdms, nuplan
from marque.simulation.metrics.commonroad_costs import costs, on_lane, partial_costs
from marque.simulation.metrics.course import follow
from marque.simulation.metrics.criticality import Criticality, criticality
from marque.simulation.metrics.model import Case, Loss, Metric, combined, losses
from marque.simulation.scenario import PlanningProblem, Scenario
from marque.vehicle import VehicleParameters


@dataclass(frozen=True, slots=True)
class Score:
    """What a drive is worth. Losses are of the nuPlan score and of the EPDMS, each greatest first; a score and its losses sum to 1."""

    nuplan: float
    epdms: float
    nuplan_metrics: tuple[Metric, ...]
    epdms_metrics: tuple[Metric, ...]
    losses: tuple[Loss, ...]
    criticality: Criticality
    costs: dict[str, float]
    """CommonRoad's cost functions by name."""

    @property
    def values(self) -> dict[str, float]:
        """Every finite number, by name: scores, their metrics, costs, and the worst of each criticality where there is one."""
        near = self.criticality
        worst = {"ttc_s": near.ttc_s.min(), "pet_s": near.pet_s.min(), "thw_s": near.thw_s.min()}
        hardest = {"drac_mps2": near.drac_mps2.max(), "btn": near.btn.max()}
        found = {
            "nuplan": self.nuplan,
            "epdms": self.epdms,
            **{f"nuplan.{metric.name}": metric.value for metric in self.nuplan_metrics},
            **{f"epdms.{metric.name}": metric.value for metric in self.epdms_metrics},
            **{f"cost.{name}": value for name, value in self.costs.items()},
            **worst,
            **hardest,
        }
        return {name: float(value) for name, value in found.items() if math.isfinite(value)}

    @property
    def per_step(self) -> dict[str, Floats]:
        """Every metric's course over the steps of the trajectory (n,), by the names of `values`."""
        scores = {f"nuplan.{metric.name}": metric.per_step for metric in self.nuplan_metrics}
        scores |= {f"epdms.{metric.name}": metric.per_step for metric in self.epdms_metrics}
        near = self.criticality
        return scores | {"ttc_s": near.ttc_s, "pet_s": near.pet_s, "thw_s": near.thw_s, "drac_mps2": near.drac_mps2, "btn": near.btn}


def score(
    scenario: Scenario, problem: PlanningProblem, driven: Trajectory, vehicle: VehicleParameters, reference: Trajectory | None = None
) -> Score:
    """Scores a trajectory of at least two states that begins at the problem's start step.

    reference: another drive of the same problem, a human's for instance: of the EPDMS, what it fails as well is not held against this one.
    """
    case = _case(scenario, problem, driven, vehicle)
    closed_loop = nuplan.metrics(case)
    excused = None
    if reference is not None:
        other = _case(scenario, problem, reference, vehicle)
        excused = epdms.metrics(other, nuplan.metrics(other))
    extended = epdms.metrics(case, closed_loop, excused)
    partial = partial_costs(driven, on_lane(case.course, vehicle), problem.goals, scenario.step_s)
    return Score(
        nuplan=combined(closed_loop),
        epdms=combined(extended),
        nuplan_metrics=closed_loop,
        epdms_metrics=extended,
        losses=losses("nuplan", closed_loop, problem.start_step) + losses("epdms", extended, problem.start_step),
        criticality=case.criticality,
        costs=costs(partial),
    )


def _case(scenario: Scenario, problem: PlanningProblem, driven: Trajectory, vehicle: VehicleParameters) -> Case:
    driven = Trajectory(*(np.ascontiguousarray(values) for values in driven))
    course = follow(scenario, driven, problem.start_step, vehicle)
    return Case(scenario, problem, driven, vehicle, course, criticality(scenario, driven, problem.start_step, vehicle, course))
