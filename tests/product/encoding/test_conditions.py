"""Conditions over a model's cars: a literal that holds in exactly the cars for which the condition does, and no car more or less."""

from __future__ import annotations

from dataclasses import replace

import pytest
from car_oracle import cars, holds
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import domains_of, drawn
from test_encode import car_sets, models_of
from test_encode_values import model_of

from marque.common import InputError
from marque.product.encoding.conditions import with_formulas
from marque.product.encoding.encode import encode
from marque.product.model import Compare, Constant, Name


@given(st.integers(0, 10**9), st.booleans())
@settings(max_examples=50)
def test_a_condition_holds_where_its_literal_does(seed, numbers):
    whole = drawn(seed, features=8, constraints=6, numbers=numbers)
    formulas = [constraint.formula for constraint in whole.constraints[1:]]
    model = replace(whole, constraints=whole.constraints[:1])
    cnf, literals = with_formulas(encode(model), formulas, model)
    wanted = {(car.features, tuple(holds(model, formula, car) for formula in formulas)) for car in cars(model)}
    found = []
    for each in models_of(cnf):
        chosen = frozenset(cnf.names[literal - 1] for literal in each[: len(cnf.names)] if literal > 0)
        found.append((chosen, tuple((each[abs(literal) - 1] > 0) == (literal > 0) for literal in literals.tolist())))
    assert len(found) == len(wanted)
    assert set(found) == wanted


@given(st.integers(0, 10**9))
@settings(max_examples=50)
def test_conditions_may_ask_for_values(seed):
    whole = drawn(seed, features=5, constraints=4, types=True)
    formulas = [constraint.formula for constraint in whole.constraints[1:]]
    model = replace(whole, constraints=whole.constraints[:1])
    cnf, literals = with_formulas(encode(model), formulas, model)
    found = sorted(tuple((each[abs(one) - 1] > 0) == (one > 0) for one in literals.tolist()) for each in models_of(cnf))
    assert found == sorted(tuple(holds(model, formula, car) for formula in formulas) for car in cars(model, domains_of(model)))


def test_rules_and_cars_stay_as_they_are():
    model = drawn(12)
    before = encode(model)
    after, literals = with_formulas(before, [Name(model.root.name), Constant(True), Constant(False)], model)
    assert after.counted == before.counted
    assert after.rules[: len(before.rules)] == before.rules
    assert (after.literals[: len(before.literals)] == before.literals).all()
    assert sorted(car_sets(after), key=sorted) == sorted(car_sets(before), key=sorted)
    assert literals[0] == 1


def test_a_condition_that_has_no_exact_formula_is_refused_with_its_text():
    model = model_of("Real Length")
    with pytest.raises(InputError, match="Length < 5") as refusal:
        with_formulas(encode(model), [Name("Car"), Compare("<", Name("Length"), Constant(5))], model)
    assert refusal.value.source == "condition 2"
