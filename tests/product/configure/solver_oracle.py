"""A SAT solver's word on an answer: every claim about a feature is proved or refuted, with python-sat alone."""

from __future__ import annotations

import itertools
import random

import numpy as np
from pysat.solvers import Solver

_KEPT = 1200


class Oracle:
    """Remembers cars it has met and literals it has proved, for they hold for more decisions too."""

    def __init__(self, cnf):
        clauses = [cnf.literals[start:end].tolist() for start, end in itertools.pairwise(cnf.offsets.tolist())]
        self.solver = Solver("glucose4", bootstrap_with=clauses)
        self.size, self.features = cnf.variables, len(cnf.names)
        self.cars = np.zeros((0, self.size + 1), dtype=bool)
        self.proved = {}
        self.solves = 0

    def mismatches(self, decisions, domains):
        """Features of which the answer (int8 [features + 1], None for no car) says something else than the solver."""
        if domains is None:
            return [0] if self._car(decisions) is not None else []
        variables = np.arange(1, self.features + 1)
        claimed = domains[1 : self.features + 1].astype(int) * variables
        wrong = [abs(one) for one in claimed[claimed != 0].tolist() if not self._always(decisions, one)]
        return wrong + self._not_free(decisions, variables[claimed == 0])

    def _always(self, decisions, literal):
        """Whether no car with these decisions goes against the literal."""
        if literal in decisions:
            return True
        if not set(self.proved.get(literal, ["nothing"])) <= set(decisions):
            _, implied = self.solver.propagate(assumptions=decisions)
            for one in implied or []:
                self.proved[one] = tuple(decisions)
            if not set(self.proved.get(literal, ["nothing"])) <= set(decisions):
                if self._car([*decisions, -literal]) is not None:
                    return False
                self.proved[literal] = tuple(decisions)
        return True

    def _not_free(self, decisions, free):
        """Features among these that are not in some cars and absent from others."""
        wrong = []
        kept = self.cars
        for one in decisions:
            kept = kept[kept[:, abs(one)] == (one > 0)]
        for side in (True, False):
            waiting = free[~(kept[:, free] == side).any(axis=0)]
            while len(waiting):
                literals = waiting if side else -waiting
                self.solver.set_phases(literals.tolist())
                car = self._car([*decisions, int(literals[0])])
                if car is None:
                    wrong.append(int(waiting[0]))
                    waiting = waiting[1:]
                else:
                    waiting = waiting[car[waiting] != side]
        return wrong

    def _car(self, literals):
        self.solves += 1
        if not self.solver.solve(assumptions=[int(one) for one in literals]):
            return None
        car = np.array([False, *(one > 0 for one in self.solver.get_model()[: self.size])], dtype=bool)
        self.cars = np.vstack([car[None], self.cars[: _KEPT - 1]])
        return car


def steps(features, seed):
    """Random clicks without end, told how the last state is: yields a function from domains and decided features to (verb, variable)."""
    chance = random.Random(seed)

    def step(domains, decided):
        drawn = chance.random()
        if decided and (drawn < 0.15 or len(decided) > 60):
            return "retract", chance.choice(sorted(decided))
        among = np.flatnonzero(domains[1:] == 0) + 1
        if drawn > 0.9 or not len(among):
            among = np.arange(1, features + 1)
        return chance.choice(["select", "select", "deselect"]), int(chance.choice(among.tolist()))

    return step
