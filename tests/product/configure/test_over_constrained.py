"""A thousand requests that leave no car: each conflict set minimal, each repair valid and the cheapest, by the word of other solvers."""

from __future__ import annotations

import random

import pytest
from little_models import clauses
from pysat.examples.rc2 import RC2Stratified
from pysat.formula import WCNF
from pysat.solvers import Solver
from test_conflicts import requests
from test_repair import cost, decided, slots

from marque.product.configure import Decision, Limits, load, repairs

LARGE = {"financial_2018-05-09.uvl": (300, 30), "automotive01.benchmark.uvl": (200, 15), "kconfig_uClibc.uvl": (100, 50)}
"""Requests on each model: thoroughly, and otherwise."""


class Switched:
    """The formula with a switch per rule, in a solver of its own."""

    def __init__(self, cnf):
        self.first = cnf.variables + 1
        switched = [[*one, -(self.first + rule)] for one, rule in zip(clauses(cnf), cnf.origins.tolist(), strict=True)]
        self.solver = Solver("m22", bootstrap_with=switched)
        self.defined = [rule for rule, said in enumerate(cnf.rules) if said.kind == "definition"]

    def left(self, literals, rules):
        """Whether there is a car with the literals that keeps these rules."""
        return self.solver.solve(assumptions=[*literals, *(self.first + rule for rule in (*self.defined, *rules))])


def assert_minimal(switched, core):
    assert not switched.left(core.literals, core.rules)
    for gone in core.literals:
        assert switched.left([one for one in core.literals if one != gone], core.rules)
    for gone in core.rules:
        assert switched.left(core.literals, [one for one in core.rules if one != gone])


def least_cost(made, wanted, decisions, before, weights, prices):
    """By MaxSAT: the three sums of a repair, each weighted beyond what the next ones can come to."""
    order = made.model.order
    changed = {variable: bool(before[variable]) for variable in range(1, made.features + 1)}
    moved, constant = {}, 0
    for group in slots(made):
        was = sum(prices.get(name, 0) for name in group if before[order[name]])
        constant += abs(was)
        for name in group:
            moved[order[name]] = abs(prices.get(name, 0) - was) - abs(was)
    money = made.features + 1
    against = money * (sum(map(abs, moved.values())) + 1)
    formula = WCNF()
    formula.extend(clauses(made.cnf))
    formula.append([wanted])
    for variable, had in changed.items():
        formula.append([variable if had else -variable], weight=1)
    for variable, amount in moved.items():
        if amount:
            formula.append([-variable if amount > 0 else variable], weight=money * abs(amount))
            constant += min(amount, 0)
    for one in decisions:
        variable = order[one.feature]
        if variable != abs(wanted):
            formula.append([variable if one.chosen else -variable], weight=against * weights.get(one.feature, 1))
    with RC2Stratified(formula) as solver:
        solver.compute()
        total = solver.cost + money * constant
    return total // against, total % against // money, total % money


def assert_explained_and_repaired(made, count, seed=1):
    chance, switched = random.Random(seed), Switched(made.cnf)
    prices = {name: chance.randint(0, 50) * 100 for name in made.cnf.names if chance.random() < 0.5}
    weights = {name: chance.randint(1, 3) for name in made.cnf.names}
    asked = 0
    for literals, literal in requests(made.cnf, count, seed):
        assert_minimal(switched, made.conflict([literal], literals))
        wanted, answer = Decision(made.cnf.names[abs(literal) - 1], literal > 0), decided(made, literals)
        best = repairs(answer, wanted, weight=lambda one: weights[one.feature], price=prices.get, limits=Limits(1, 60.0))[0]
        assert best.optimal
        everything = [variable if best.car[variable] else -variable for variable in range(1, made.cnf.variables + 1)]
        assert switched.left([*everything, literal], range(len(made.cnf.rules)))
        assert best.cost == cost(made, best.car, best.before, answer.decisions, weights, prices)
        assert best.cost == least_cost(made, literal, answer.decisions, best.before, weights, prices)
        asked += 1
    assert asked == count


def test_requests_on_a_little_model_are_explained_and_repaired(shared_data, tmp_path):
    assert_explained_and_repaired(load(shared_data / "feature_models" / "berkeleydb.uvl", tmp_path), 15)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_requests_on_a_large_model_are_explained_and_repaired(name, shared_data, tmp_path, thorough):
    assert_explained_and_repaired(load(shared_data / "feature_models" / name, tmp_path, method="sat"), LARGE[name][0 if thorough else 1])


@pytest.mark.slow
def test_requests_on_the_model_line_are_explained_and_repaired(tmp_path, thorough):
    from marque.product.line import line_file

    assert_explained_and_repaired(load(line_file(), tmp_path), 400 if thorough else 50)
