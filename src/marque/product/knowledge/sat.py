"""The same answers as a circuit gives, by a SAT solver: for formulas that nobody has compiled, and to check those that somebody has."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from marque.product.encoding.cnf import Cnf

_KEPT_CARS = 512
_PATIENCE = 300
"""Conflicts."""


def solver(cnf: Cnf, name: str = "glucose4") -> Any:
    """A solver of python-sat with the clauses of the formula; the caller closes it (`delete`)."""
    from pysat.solvers import Solver

    literals, offsets = cnf.literals.tolist(), cnf.offsets.tolist()
    made = Solver(name=name)
    for start, end in itertools.pairwise(offsets):
        made.add_clause(literals[start:end])
    return made


class SatDomains:
    """Answers for one formula. Keeps cars it has met: each rules out what it contradicts. One thread at a time.

    For each candidate (a literal of every car met so far) the solver looks for a car without it, its phases set against all candidates, so
    that one car rules out many. Source: Janota, Lynce, Marques-Silva 2015, "Algorithms for computing backbones of propositional formulae".
    """

    method = "sat"

    def __init__(self, cnf: Cnf, also: Sequence[int] = ()) -> None:
        """also: auxiliary variables whose domains are asked for too; of others an answer says 0 unless it is plain to see."""
        self.cnf = cnf
        self._asked = np.arange(cnf.variables + 1) <= cnf.counted
        self._asked[np.abs(np.asarray(also, dtype=np.int64))] = True
        self._solver = solver(cnf)
        self._cars = np.zeros((_KEPT_CARS, cnf.variables + 1), dtype=np.int8)
        self._met = 0
        # A clause without literals is no clause to the solver.
        self._possible = not (np.diff(cnf.offsets) == 0).any() and bool(self._solver.solve())
        self._settled: np.ndarray | None = None

    def close(self) -> None:
        self._solver.delete()

    def __enter__(self) -> SatDomains:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def after(self, decisions: np.ndarray) -> np.ndarray | None:
        """int8 [variables + 1]: 1 for a variable in every car that keeps the decisions (int32, ±variables), −1 in none, 0 in some.

        Row 0 is unused. None if no car is left. Above `counted` see `also`.
        """
        if not self._possible:
            return None
        if self._settled is None:
            self._settle()
        return self._after(np.asarray(decisions, dtype=np.int64))

    def car(self, decisions: np.ndarray) -> np.ndarray | None:
        """Bool [variables + 1]: a car that keeps the decisions, or None."""
        if not self._possible or not self._solver.solve(assumptions=np.asarray(decisions).tolist()):
            return None
        return self._model() > 0

    def _settle(self) -> None:
        """What is in every car or in none before any decision, the solver need not find out again."""
        answer = self._after(np.zeros(0, dtype=np.int64))
        assert answer is not None
        for variable in np.flatnonzero(answer).tolist():
            self._solver.add_clause([variable * int(answer[variable])])
        self._settled = answer != 0

    def _after(self, decisions: np.ndarray) -> np.ndarray | None:
        assumed: list[int] = decisions.tolist()
        consistent, implied = self._solver.propagate(assumptions=assumed)
        if not consistent:
            return None
        common = self._common(decisions)
        if common is None:
            if not self._solver.solve(assumptions=assumed):
                return None
            common = self._model().copy()
        proved = np.zeros(len(common), dtype=np.bool_) if self._settled is None else self._settled.copy()
        proved[np.abs(np.array(implied, dtype=np.int64))] = True
        proved[np.abs(decisions)] = True
        common[np.abs(decisions)] = np.sign(decisions)
        self._decide(assumed, common, proved)
        return common

    def _decide(self, assumed: list[int], common: np.ndarray, proved: np.ndarray) -> None:
        """Leave in common only what every car has.

        The solver decides candidates before all others, deep features first. Where that leads astray, it starts from a known car.
        """
        assumed, fresh, car = list(assumed), True, common.copy()
        common[~(self._asked | proved)] = 0
        open_ = np.flatnonzero((common != 0) & ~proved)
        while len(open_):
            if fresh:  # The solver forgets a phase once it has decided the variable.
                self._solver.set_phases((-open_ * common[open_]).tolist())
                self._solver.set_activities(dict.fromkeys(open_.tolist(), 1.0))
            variable = int(open_[-1])
            candidate = variable * int(common[variable])
            self._solver.conf_budget(_PATIENCE)
            fresh = self._solver.solve_limited(assumptions=[*assumed, -candidate])
            if fresh is None:
                self._solver.set_phases((np.flatnonzero(car) * car[car != 0]).tolist())
                fresh = self._solver.solve(assumptions=[*assumed, -candidate])
            if fresh:
                car = self._model().copy()
                common[common != car] = 0
            else:
                proved[variable] = True
                assumed.append(candidate)
                _, implied = self._solver.propagate(assumptions=assumed)
                found = np.abs(np.array(implied, dtype=np.int64))
                proved[found[common[found] != 0]] = True
            open_ = open_[(common[open_] != 0) & ~proved[open_]]

    def _model(self) -> np.ndarray:
        """int8 [variables + 1] of −1 and 1; kept. 0 for a variable that no clause has and the solver does not know: it may be either."""
        row: np.ndarray = self._cars[self._met % _KEPT_CARS]
        found = np.array(self._solver.get_model(), dtype=np.int64)[: self.cnf.variables]
        row[:] = 0
        row[np.abs(found)] = np.sign(found)
        self._met += 1
        return row

    def _common(self, decisions: np.ndarray) -> np.ndarray | None:
        """What the cars met so far that keep the decisions have in common; None if there is no such car."""
        cars = self._cars[: min(self._met, _KEPT_CARS)]
        keep = (cars[:, np.abs(decisions)] == np.sign(decisions)).all(axis=1)
        if not keep.any():
            return None
        cars = cars[keep]
        return np.where((cars == cars[0]).all(axis=0), cars[0], 0).astype(np.int8)
