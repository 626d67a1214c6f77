"""Conflict sets: nothing in them can be left out, they are small, and they speak the model's words."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from little_models import clauses, every_car, model, product, random_model
from pysat.solvers import Solver

from marque.product.configure.conflicts import Clauses, RuleSets
from marque.product.configure.decisions import Decision
from marque.product.configure.explain import conflict, why
from marque.product.encoding.encode import encode
from marque.product.model import Aggregate, And, Compare, GroupKind, Implies, Name, Not

CAR = {
    "Car": [(GroupKind.MANDATORY, "Wheels", "Power"), (GroupKind.OPTIONAL, "Hook", "Roof")],
    "Wheels": [(GroupKind.ALTERNATIVE, "W19", "W20", "W21")],
    "Power": [(GroupKind.OR, "Front", "Rear")],
}
RULES = (
    (Implies(Name("Hook"), Not(Name("W21"))), "Hook => !W21"),
    (Implies(Name("Roof"), And((Name("Front"), Name("Rear")))), "Roof => Front & Rear"),
    (Implies(Name("W19"), Not(Name("Front"))), "W19 => !Front"),
)


def requests(cnf, count, seed, most=12):
    """Wanted literals that earlier decisions leave no car for: (decisions, wanted), each wanted one possible by itself."""
    chance, decided = random.Random(seed), []
    with Solver("m22", bootstrap_with=clauses(cnf)) as solver:
        tried = 0
        while count and tried < 20_000:
            tried += 1
            literal = chance.choice([1, 1, -1]) * chance.randint(1, len(cnf.names))
            if literal in decided or -literal in decided or not solver.solve(assumptions=[literal]):
                continue
            if solver.solve(assumptions=[*decided, literal]):
                decided = [] if len(decided) >= most else [*decided, literal]
            elif decided:
                yield list(decided), literal
                count -= 1


def remains(cnf, literals, rules):
    """Whether a car is left of some literals and some rules, by a solver of its own."""
    kept = set(rules)
    chosen = [clause for clause, rule in zip(clauses(cnf), cnf.origins.tolist(), strict=True) if rule in kept]
    with Solver("cadical153", bootstrap_with=chosen) as solver:
        return solver.solve(assumptions=list(literals))


def assert_minimal(cnf, core):
    assert not remains(cnf, core.literals, core.rules)
    for gone in core.literals:
        assert remains(cnf, [one for one in core.literals if one != gone], core.rules)
    for gone in core.rules:
        assert remains(cnf, core.literals, [one for one in core.rules if one != gone])


@pytest.mark.parametrize("seed", range(12))
def test_nothing_can_be_left_out_of_a_conflict(seed):
    cnf = encode(random_model(seed))
    with RuleSets(Clauses(cnf)) as asked:
        for decided, wanted in requests(cnf, 8, seed):
            assert_minimal(cnf, asked.conflict([wanted], decided))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_called_smallest_is_smallest(seed):
    cnf = encode(random_model(seed, features=7, constraints=3))
    everything = range(len(cnf.rules))
    with RuleSets(Clauses(cnf)) as asked:
        for decided, wanted in requests(cnf, 3, seed, most=4):
            core = asked.conflict([wanted], decided)
            assert core.smallest
            smaller = len(core) - 2
            for size in range(min(smaller + 1, 3)):
                for chosen in itertools.combinations([*decided, *(1000 + rule for rule in everything)], size):
                    literals, rules = [one for one in chosen if one < 1000], [one - 1000 for one in chosen if one >= 1000]
                    assert remains(cnf, [wanted, *literals], rules)


def test_the_same_question_has_the_same_answer():
    made = product(random_model(3))
    questions = list(requests(made.cnf, 5, 1))
    first = [made.conflict([wanted], decided) for decided, wanted in questions]
    assert [made.conflict([wanted], decided) for decided, wanted in reversed(questions)] == first[::-1]


def test_no_conflict_is_no_conflict():
    made = product(model(CAR, *RULES))
    assert made.conflict([made.variable("Hook")]) is None
    assert why(made, "Hook", True, ()) is None


def test_a_conflict_speaks_the_words_of_rules_and_decisions():
    made = product(model(CAR, *RULES))
    found = conflict(made, Decision("Hook", True), [Decision("Roof", True), Decision("W21", True)])
    assert found.smallest
    assert [one.feature for one in found.decisions] == ["W21"]
    assert [(rule.text, rule.place.line, rule.owner) for rule in found.rules] == [("Hook => !W21", 100, "rules")]
    assert str(found) == "“Hook” cannot be chosen:\n  you chose “W21”\n  Hook => !W21  (little.uvl:100, rules)"


def test_a_rule_about_numbers_tells_what_it_adds_up():
    numbers = {"Hook": {"needs": 3}, "Roof": {"needs": 4}, "W19": {"gives": 4}, "W20": {"gives": 5}, "Car": {"gives": 1}}
    enough = Compare("<=", Aggregate("sum", "needs"), Aggregate("sum", "gives"))
    made = product(model(CAR, (enough, "sum(needs) <= sum(gives)"), attributes=numbers))
    found = conflict(made, Decision("Hook", True), [Decision("Roof", True), Decision("W20", True)])
    assert "; needs: Hook 3 + Roof 4 = 7; gives: Car 1" in str(found)
    assert [one.feature for one in found.decisions] == ["Roof"]
    found = why(made, "Roof", False, [Decision("Hook", True), Decision("W19", True)])
    assert next(one for one in found.figures if one)[0].parts == (("Hook", 3), ("Roof", 4))


def test_rules_stand_in_the_order_in_which_one_leads_to_the_next():
    made = product(model(CAR, *RULES))
    found = why(made, "W19", False, [Decision("Roof", True)])
    assert [rule.text for rule in found.rules] == ["Roof => Front & Rear", "W19 => !Front"]


def test_what_is_given_is_told_apart_from_what_the_buyer_decided():
    made = product(model(CAR, *RULES))
    given = Decision("W21", False, "not built before 2026-03-01")
    assert conflict(made, Decision("W21", True), [given]).given == (given,)
    found = conflict(made, Decision("W20", False), [given, Decision("Roof", True)])
    assert found.given == (given,)
    assert [one.feature for one in found.decisions] == ["Roof"]
    assert "“W21” not: not built before 2026-03-01" in str(found)


def test_a_model_without_any_car_names_the_rules_that_leave_none():
    made = product(model(CAR, (Not(Name("Wheels")), "!Wheels"), *RULES))
    found = conflict(made, None, ())
    assert found.title == "No car can be built"
    assert {rule.text for rule in found.rules} >= {"!Wheels"}
    assert len(found.rules) == 3


def test_a_car_is_found_near_the_one_that_is_asked_for():
    cnf = encode(random_model(5))
    with RuleSets(Clauses(cnf)) as asked:
        for car in every_car(cnf)[:20]:
            wanted = [variable if car[variable] else -variable for variable in range(1, cnf.variables + 1)]
            assert np.array_equal(asked.car([], wanted), car)
