"""What a metric says of a drive: a value, a course over the steps, and where and why something was lost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from marque.common import Bools, Floats
from marque.simulation.judge.checks import Trajectory
from marque.simulation.metrics.course import Course
from marque.simulation.metrics.criticality import Criticality
from marque.simulation.scenario import PlanningProblem, Scenario
from marque.vehicle import VehicleParameters


class Case(NamedTuple):
    """A drive to be measured, and what all metrics need of it."""

    scenario: Scenario
    problem: PlanningProblem
    driven: Trajectory
    vehicle: VehicleParameters
    course: Course
    criticality: Criticality

    def obstacle(self, body: int) -> int | None:
        """The file's id of a body of the log."""
        return int(self.scenario.actors.obstacles[body]) if body >= 0 else None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a metric lost for. share: of all it lost; a metric's shares sum to 1. step: of the trajectory."""

    step: int
    share: float
    reason: str
    subject: int | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A value from 0 to 1, 1 being faultless, and (n,) how well each step did. weight: in the mean; None of one that multiplies it."""

    name: str
    value: float
    per_step: Floats
    weight: float | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """Score lost here, because. step: of the scenario; amount: of the score; subject: the obstacle's id in the file."""

    step: int
    metric: str
    amount: float
    reason: str
    subject: int | None = None


def combined(metrics: tuple[Metric, ...]) -> float:
    """The product of those that multiply, times the weighted mean of the others."""
    return math.prod(metric.value for metric in metrics if metric.weight is None) * _mean(metrics)


def losses(name: str, metrics: tuple[Metric, ...], start: int) -> tuple[Loss, ...]:
    """Where a score went, greatest loss first; amounts sum to 1 less the score.

    The weighted ones lose first, each its weight's part; what is left is what those that multiply take, in proportion to 1 − value.
    """
    total = sum(metric.weight for metric in metrics if metric.weight is not None)
    taken = _mean(metrics) - combined(metrics)
    missing = sum(1.0 - metric.value for metric in metrics if metric.weight is None)
    found = []
    for metric in metrics:
        lost = taken / missing if metric.weight is None and missing > 0.0 else 0.0 if metric.weight is None else metric.weight / total
        for finding in metric.findings:
            amount = lost * (1.0 - metric.value) * finding.share
            if amount > 0.0:
                found.append(Loss(start + finding.step, f"{name}.{metric.name}", amount, finding.reason, finding.subject))
    return tuple(sorted(found, key=lambda loss: (-loss.amount, loss.step, loss.metric)))


def spans(where: Bools) -> list[tuple[int, int]]:
    """(first, last) of every run of steps at which something holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]])))
    return [(int(first), int(end) - 1) for first, end in zip(edges[::2], edges[1::2], strict=True)]


def _mean(metrics: tuple[Metric, ...]) -> float:
    weighted = [(metric.weight, metric.value) for metric in metrics if metric.weight is not None]
    return sum(weight * value for weight, value in weighted) / sum(weight for weight, _ in weighted)
