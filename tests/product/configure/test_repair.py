"""Repairs: the cheapest by every measure in turn, held against all cars there are; and told in words."""

from __future__ import annotations

import random

import numpy as np
import pytest
from little_models import every_car, model, product, random_model
from test_conflicts import CAR, RULES, requests

from marque.product.configure import Answer, Configuration, Decision, Limits, begin, chosen, click, repairs
from marque.product.configure.decisions import Verb
from marque.product.model import And, GroupKind, Implies, Name, Not

PRICES = {"W19": 0, "W20": 8_000_00, "W21": 12_000_00, "Hook": 9_000_00, "Roof": 15_000_00}


@pytest.fixture
def car():
    return Configuration(product(model(CAR, *RULES)))


def decided(made, literals):
    """An answer with these decisions; and as `Decision`s."""
    answer = begin(made)
    for one in literals:
        answer = click(answer, Verb.SELECT if one > 0 else Verb.DESELECT, made.cnf.names[abs(one) - 1])
        assert isinstance(answer, Answer)
    return answer


def slots(made):
    groups = [group.children for one in made.model.features.values() for group in one.groups if group.kind is GroupKind.ALTERNATIVE]
    alone = set(made.model.features) - {name for group in groups for name in group}
    return [*groups, *([one] for one in alone)]


def cost(made, car, before, decisions, weights, prices):
    """As the page says it, counted one by one."""
    order = made.model.order
    against = sum(weights.get(one.feature, 1) for one in decisions if bool(car[order[one.feature]]) != one.chosen)
    moved = sum(
        abs(sum(prices.get(name, 0) * (int(car[order[name]]) - int(before[order[name]])) for name in group)) for group in slots(made)
    )
    features = made.features + 1
    return against, moved, int((car[:features] != before[:features]).sum())


@pytest.mark.parametrize("seed", range(10))
def test_a_repair_is_a_car_and_none_is_cheaper(seed):
    made, chance = product(random_model(seed)), random.Random(seed)
    cars = every_car(made.cnf)
    prices = {name: chance.randint(0, 9) * 100 for name in made.cnf.names if chance.random() < 0.7}
    weights = {name: chance.randint(1, 3) for name in made.cnf.names}
    for literals, literal in requests(made.cnf, 4, seed):
        wanted = Decision(made.cnf.names[abs(literal) - 1], literal > 0)
        answer = decided(made, literals)
        found = repairs(answer, wanted, weight=lambda one: weights[one.feature], price=prices.get, limits=Limits(3))
        best = found[0]
        assert best.optimal
        assert (cars == best.car).all(axis=1).any()
        assert best.car[abs(literal)] == (literal > 0)
        possible = cars[cars[:, abs(literal)] == (literal > 0)]
        costs = sorted(cost(made, one, best.before, answer.decisions, weights, prices) for one in possible)
        assert best.cost == costs[0] == cost(made, best.car, best.before, answer.decisions, weights, prices)
        assert [one.cost for one in found] == sorted(one.cost for one in found)
        assert len({(one.given_up, tuple(one.swaps.items())) for one in found}) == len(found)
        for one in found:
            after = decided(made, [made.variable(d.feature) * (1 if d.chosen else -1) for d in one.decisions])
            assert wanted in after.decisions


@pytest.mark.parametrize("seed", range(6))
def test_the_car_as_it_stands_is_the_cheapest_there_is(seed):
    made, chance = product(random_model(seed)), random.Random(seed)
    prices = {name: chance.randint(0, 9) * 100 for name in made.cnf.names}
    for literals, literal in requests(made.cnf, 2, seed):
        cars = every_car(made.cnf)
        cars = cars[[all(one[abs(x)] == (x > 0) for x in literals) for one in cars]]
        priced = np.array([0, *(prices[name] for name in made.cnf.names)])
        ranked = min((int(priced @ one[: len(priced)]), int(one[: len(priced)].sum())) for one in cars)
        wanted = Decision(made.cnf.names[abs(literal) - 1], literal > 0)
        before = repairs(decided(made, literals), wanted, price=prices.get, limits=Limits(1))[0].before
        assert (int(priced @ before[: len(priced)]), int(before[: len(priced)].sum())) == ranked


def test_a_swap_is_told_with_what_it_costs(car):
    car.select("W21")
    best, *others = repairs(car.answer, Decision("Hook", True), price=PRICES.get)
    assert best.swaps == {"W21": "W20"}
    assert best.price_change == -4_000_00
    assert best.decisions == (Decision("W20", True), Decision("Hook", True))
    assert best.told(money="{:+,d}".format) == "to get Hook: change W21 → W20, -400,000"
    assert [one.swaps for one in others] == [{"W21": "W19"}]


def test_fewer_decisions_go_before_any_price(car):
    car.select("Roof")
    car.select("W21")
    best = repairs(car.answer, Decision("Hook", True), price={"W20": 10**9}.get)[0]
    assert [one.feature for one in best.given_up] == ["W21"]


def test_the_decision_that_matters_less_is_given_up():
    never = Implies(Name("Hook"), Not(And((Name("Roof"), Name("W20")))))
    car = Configuration(product(model(CAR, (never, "Hook => !(Roof & W20)"))))
    car.select("Roof")
    car.select("W20")
    for heavy, gone in (("Roof", "W20"), ("W20", "Roof")):
        found = repairs(car.answer, Decision("Hook", True), weight=lambda one, heavy=heavy: 3 if one.feature == heavy else 2)
        assert [one.feature for one in found[0].given_up] == [gone]
        assert found[-1].cost[0] == 3


def test_what_is_given_is_never_given_up():
    bound = Configuration(product(model(CAR, *RULES)), chosen(["W21"], "for this market"))
    assert repairs(bound.answer, Decision("Hook", True)) == []


def test_nothing_need_be_given_up_for_what_is_possible(car):
    car.select("Roof")
    found = repairs(car.answer, Decision("Hook", True))
    assert len(found) == 1
    assert found[0].given_up == ()


def test_a_refused_feature_is_taken_where_the_wanted_one_needs_it(car):
    car.deselect("Front")
    best = repairs(car.answer, Decision("Roof", True))[0]
    assert best.told() == "to get Roof: take Front"


def test_without_time_nothing_is_claimed(car):
    car.select("W21")
    assert repairs(car.answer, Decision("Hook", True), limits=Limits(seconds=0.0)) == []
