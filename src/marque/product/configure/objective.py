"""The cheapest car by several measures, one after the other: a formula and sums over it, for CP-SAT."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from marque.product.encoding.cnf import Cnf

_EXACT = 2**53
"""Sums of an objective stay below it, so that the solver's floating bounds are exact."""


@dataclass(eq=False)
class Level:
    """A sum over the car: constant, and for each variable in it a weight."""

    weights: dict[int, int]
    constant: int = 0

    def add(self, variable: int, weight: int) -> None:
        self.weights[variable] = self.weights.get(variable, 0) + weight

    def unless(self, literal: int, weight: int) -> None:
        """Weight where the literal does not hold."""
        if literal > 0:
            self.constant += weight
            self.add(literal, -weight)
        else:
            self.add(-literal, weight)

    @property
    def span(self) -> int:
        """How far apart two cars can be."""
        return sum(abs(weight) for weight in self.weights.values())

    def value(self, car: np.ndarray) -> int:
        return self.constant + sum(weight for variable, weight in self.weights.items() if car[variable])

    def expression(self, model: Any) -> Any:
        from ortools.sat.python import cp_model

        used = [(variable, weight) for variable, weight in self.weights.items() if weight]
        terms = [_variable(model, variable) for variable, _ in used]
        return cp_model.LinearExpr.weighted_sum(terms, [weight for _, weight in used]) + self.constant


def _batches(levels: list[Level]) -> list[Level]:
    """Neighbouring levels become one sum, the earlier ones weighted beyond whatever the later can make up, while that stays exact."""
    merged: list[Level] = []
    for level in reversed(levels):
        if merged:
            last, factor = merged[0], merged[0].span + 1
            if level.span * factor + last.span < _EXACT:
                both = Level(dict(last.weights), last.constant + level.constant * factor)
                for variable, weight in level.weights.items():
                    both.add(variable, weight * factor)
                merged[0] = both
                continue
        merged.insert(0, level)
    return merged


def least(model: Any, levels: list[Level], hint: np.ndarray, end: float) -> tuple[np.ndarray, bool] | None:
    """A car of the model, bool [variables + 1], least by the first level, among those by the second, …; and whether that is proved.

    hint: a car to begin with. end: of time.monotonic(), when it stops with what it has; None where that is nothing, or no car is left.
    """
    from ortools.sat.python import cp_model

    model, best, optimal = model.clone(), None, True
    for batch in _batches(levels):
        left = end - time.monotonic()
        if left <= 0:
            return None if best is None else (best, False)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers, solver.parameters.random_seed = 1, 0
        solver.parameters.max_time_in_seconds = left
        objective = batch.expression(model)
        model.minimize(objective)
        model.clear_hints()
        for variable in range(1, len(hint)):
            model.add_hint(_variable(model, variable), bool(hint[variable]))
        status = solver.solve(model)
        if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
            return None if best is None else (best, False)
        best = np.array([False, *(solver.value(_variable(model, one)) for one in range(1, len(hint)))], dtype=bool)
        optimal = optimal and status == cp_model.OPTIMAL
        model.add(objective <= batch.value(best))
        hint = best
    return None if best is None else (best, optimal)


def constraint_model(cnf: Cnf) -> Any:
    """The formula for CP-SAT: variable v of the formula is the model's Boolean v − 1. Takes about a second for 200,000 clauses."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    for _ in range(cnf.variables):
        model.new_bool_var("")
    indices = np.where(cnf.literals > 0, cnf.literals - 1, cnf.literals).tolist()
    offsets = cnf.offsets.tolist()
    constraints = model.proto.constraints
    for start, end in pairwise(offsets):
        constraints.add().bool_or.literals.extend(indices[start:end])
    return model


def add_clause(model: Any, literals: list[int]) -> None:
    model.proto.constraints.add().bool_or.literals.extend([one - 1 if one > 0 else one for one in literals])


def _variable(model: Any, variable: int) -> Any:
    return model.get_bool_var_from_proto_index(variable - 1)
