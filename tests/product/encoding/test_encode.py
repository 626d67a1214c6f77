"""The formula of a model has exactly the cars of the model."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from random import Random

import numpy as np
import pytest
from car_oracle import Car, cars, holds
from hypothesis import given
from hypothesis import strategies as st
from pysat.solvers import Glucose4
from small_models import HERE, drawn

from marque.product.encoding.cnf import Cnf, RuleKind
from marque.product.encoding.encode import encode
from marque.product.model import And, Constraint, Feature, FeatureModel, Group, GroupKind, Iff, Name, Or


def clauses_of(cnf: Cnf) -> list[list[int]]:
    return [cnf.literals[start:end].tolist() for start, end in zip(cnf.offsets[:-1], cnf.offsets[1:], strict=True)]


def models_of(cnf: Cnf) -> Iterator[tuple[int, ...]]:
    """All models, auxiliary variables among them, by a solver."""
    clauses = clauses_of(cnf)
    if not all(clauses):
        return
    every = [[variable, -variable] for variable in range(1, cnf.variables + 1)]
    with Glucose4(bootstrap_with=clauses + every) as solver:
        yield from map(tuple, solver.enum_models())


def car_sets(cnf: Cnf) -> list[frozenset[str]]:
    return [frozenset(cnf.names[literal - 1] for literal in model[: len(cnf.names)] if literal > 0) for model in models_of(cnf)]


@given(st.integers(0, 10**9))
def test_the_formula_has_each_car_once_and_nothing_else(seed):
    model = drawn(seed)
    found = car_sets(encode(model))
    assert len(found) == len(set(found))
    assert set(found) == {car.features for car in cars(model)}


@given(st.integers(0, 10**9))
def test_every_clause_has_its_rule_and_no_literal_twice(seed):
    cnf = encode(drawn(seed))
    assert len(cnf.origins) == cnf.clauses
    assert all(0 <= origin < len(cnf.rules) for origin in cnf.origins)
    assert all(len({abs(literal) for literal in clause}) == len(clause) for clause in clauses_of(cnf))
    assert cnf.offsets.dtype == cnf.literals.dtype == cnf.origins.dtype == np.int32


@given(st.integers(0, 10**9))
def test_a_model_gives_the_same_formula_every_time(seed):
    assert encode(drawn(seed)).digest == encode(drawn(seed)).digest


@given(st.integers(0, 10**9))
def test_parts_that_get_their_own_variable_change_no_car(seed):
    with pytest.MonkeyPatch.context() as patch:
        for limit in ("MOST_CLAUSES", "_MOST_WHEN_NAMED", "_MOST_OF_EQUIVALENCE"):
            patch.setattr(f"marque.product.encoding.clauses.{limit}", 1)
        model = drawn(seed)
        found = car_sets(encode(model))
    assert len(found) == len(set(found))
    assert set(found) == {car.features for car in cars(model)}


@given(st.integers(0, 10**9))
def test_a_large_alternative_by_a_chain_has_the_same_cars(seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marque.product.encoding.encode._PAIRWISE_UP_TO", 1)
        model = drawn(seed)
        found = car_sets(encode(model))
    assert len(found) == len(set(found))
    assert set(found) == {car.features for car in cars(model)}


@given(st.integers(0, 10**9))
def test_without_the_definitions_only_auxiliary_variables_are_left_open(seed):
    cnf = encode(drawn(seed))
    defined = {index for index, rule in enumerate(cnf.rules) if rule.kind is RuleKind.DEFINITION}
    used = {abs(literal) for clause, origin in zip(clauses_of(cnf), cnf.origins, strict=True) if origin in defined for literal in clause}
    assert set(range(cnf.counted + 1, cnf.variables + 1)) <= used


@pytest.mark.parametrize(
    "formula",
    [
        Or(tuple(And((Name(f"A{number}"), Name(f"B{number}"))) for number in range(9))),
        reduce(Iff, [Name(f"A{number}") for number in range(18)]),
        reduce(lambda inner, number: Iff(Name(f"A{number}"), Or((Name(f"B{number}"), inner))), range(9), Name("A0")),
    ],
    ids=["pairs", "parity", "nested"],
)
def test_what_distribution_would_blow_up_stays_small_and_exact(formula):
    names = [f"A{number}" for number in range(18)] + [f"B{number}" for number in range(9)]
    children = Group(GroupKind.OPTIONAL, tuple(names), 0, None, HERE)
    features = {"Car": Feature("Car", "", (children,), HERE)} | {name: Feature(name, "Car", (), HERE) for name in names}
    model = FeatureModel("wide", features, (Constraint(formula, "wide", HERE),))
    cnf = encode(model)
    assert cnf.clauses < 600
    random = Random(3)
    with Glucose4(bootstrap_with=clauses_of(cnf)) as solver:
        for _ in range(300):
            car = Car(frozenset(name for name in features if name == "Car" or random.random() < 0.5), {})
            assumed = [variable if name in car.features else -variable for name, variable in model.order.items()]
            assert solver.solve(assumptions=assumed) == holds(model, formula, car)
