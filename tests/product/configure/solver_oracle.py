"""A SAT solver's word on an answer: every claim about a feature is proved or refuted, with python-sat alone."""

from __future__ import annotations

import itertools
import random

import numpy as np
from pysat.solvers import Solver

_KEPT = 1200
_FLIPS = 12
_SHORT = 12


class Oracle:
    """Remembers cars it has met and literals it has proved, for they hold for more decisions too."""

    def __init__(self, cnf):
        clauses = [cnf.literals[start:end].tolist() for start, end in itertools.pairwise(cnf.offsets.tolist())]
        self.solver = Solver("glucose4", bootstrap_with=clauses)
        self.partners, self.longer = {}, {}
        for clause in clauses:
            for literal in clause:
                (self.partners if len(clause) == 2 else self.longer).setdefault(literal, []).append(clause)
        self.arrays = {tuple(clause): (np.abs(clause), np.array(clause) > 0) for clause in clauses if len(clause) > _SHORT}
        self.partners = {one: np.array([sum(pair) - one for pair in pairs]) for one, pairs in self.partners.items()}
        self.size, self.features = cnf.variables, len(cnf.names)
        self.kept = np.zeros((_KEPT, self.size + 1), dtype=bool)
        self.met = 0
        self.proved = {}
        self.solves = 0

    def mismatches(self, decisions, domains):
        """Features of which the answer (int8 [features + 1], None for no car) says something else than the solver."""
        if domains is None:
            return [0] if self._car(decisions) is not None else []
        variables, decided = np.arange(1, self.features + 1), frozenset(decisions)
        claimed = domains[1 : self.features + 1].astype(int) * variables
        _, implied = self.solver.propagate(assumptions=decisions)
        self.proved |= dict.fromkeys([*(implied or ()), *decisions], decided)
        wrong = [abs(one) for one in claimed[claimed != 0].tolist() if not self._always(decided, one)]
        return wrong + self._not_free(decisions, variables[claimed == 0])

    def _always(self, decided, literal):
        """Whether no car with these decisions goes against the literal."""
        if literal not in self.proved or not self.proved[literal] <= decided:
            if self._car([*decided, -literal]) is not None:
                return False
            self.proved[literal] = decided
        return True

    def _not_free(self, decisions, free):
        """Features among these that are not in some cars and absent from others."""
        wrong = []
        cars = self.kept[: self.met]
        fitting = np.ones(len(cars), dtype=bool)
        for one in decisions:
            fitting &= cars[:, abs(one)] == (one > 0)
        some, other = cars[fitting].any(axis=0), ~cars[fitting].all(axis=0)
        known = cars[fitting][:1] if fitting.any() else self._car(decisions)[None]
        for side in (True, False):
            missing = free[~(some if side else other)[free]]
            waiting = np.array([one for one in missing.tolist() if not self._near(known[0], decisions, one if side else -one)], dtype=int)
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

    def _near(self, car, decisions, literal):
        """Whether a few flips make a car with the literal of this one: its clauses are looked at one by one, no solver is asked."""
        made, held, waiting = car.copy(), {abs(one) for one in decisions}, [literal]
        flipped = []
        while waiting:
            one = waiting.pop()
            if made[abs(one)] == (one > 0):
                continue
            if abs(one) in held or len(flipped) == _FLIPS:
                return False
            made[abs(one)] = one > 0
            held.add(abs(one))
            flipped.append(one)
            waiting += self._broken(made, -one)
        return not any(self._broken(made, -one) for one in flipped)

    def _broken(self, car, literal):
        """For each clause with the literal in which nothing holds, something that would mend it."""
        broken = []
        if literal in self.partners:
            others = self.partners[literal]
            broken += others[car[np.abs(others)] != (others > 0)].tolist()
        broken += [
            next((one for one in clause if one != literal), literal)
            for clause in self.longer.get(literal, ())
            if not self._holds(car, clause)
        ]
        return broken

    def _holds(self, car, clause):
        if len(clause) > _SHORT:
            variables, sides = self.arrays[tuple(clause)]
            return (car[variables] == sides).any()
        return any(car[abs(one)] == (one > 0) for one in clause)

    def _car(self, literals):
        if not self.solver.solve(assumptions=[int(one) for one in literals]):
            return None
        car = np.array([0, *self.solver.get_model()[: self.size]]) > 0
        self.kept[self.solves % _KEPT] = car
        self.solves += 1
        self.met = min(self.met + 1, _KEPT)
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
