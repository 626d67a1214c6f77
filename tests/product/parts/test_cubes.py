"""Conditions as disjoint cubes, and how many cars each has."""

from __future__ import annotations

from itertools import product
from random import Random

import numpy as np
import small_models
from bills import of
from car_oracle import Car, cars, holds
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.product.knowledge.compile import compile_formula
from marque.product.model import And, Compare, Constant, Feature, FeatureModel, Formula, Iff, Implies, Name, Not, Or, Place
from marque.product.parts.cubes import boolean, counts, cubes

NAMES = ("A", "B", "C", "D")
ORDER = {name: number for number, name in enumerate(NAMES, 1)}
HERE = Place("", 1, 1)
MODEL = FeatureModel("free", {name: Feature(name, "", (), HERE) for name in NAMES}, ())


def formulas() -> st.SearchStrategy[Formula]:
    names: st.SearchStrategy[Formula] = st.sampled_from([*map(Name, NAMES), Constant(value=True), Constant(value=False)])

    def larger(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(
            inner.map(Not), several.map(And), several.map(Or), st.builds(Implies, inner, inner), st.builds(Iff, inner, inner)
        )  # fmt: skip

    return st.recursive(names, larger, max_leaves=8)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(formulas())
def test_exactly_one_cube_holds_where_the_condition_does(formula: Formula) -> None:
    found = list(cubes(formula, ORDER))
    for bits in product((False, True), repeat=len(NAMES)):
        car = Car(frozenset(name for name, bit in zip(NAMES, bits, strict=True) if bit), {})
        holding = [cube for cube in found if all((NAMES[abs(one) - 1] in car.features) == (one > 0) for one in cube)]
        assert len(holding) == holds(MODEL, formula, car)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(0, 10**9))
def test_cars_of_cubes_are_counted_exactly(seed: int) -> None:
    random = Random(seed)
    model = small_models.drawn(seed, features=6)
    every = [car.features for car in cars(model)]
    names = list(model.features)
    chosen = [tuple(random.choice((-1, 1)) * (names.index(one) + 1) for one in random.sample(names, min(2, len(names)))) for _ in range(6)]
    told = counts(compile_formula(of(model).cnf, cache=None), np.zeros(0, dtype=np.int32), [(), *chosen])
    having = [sum(all((names[abs(one) - 1] in car) == (one > 0) for one in cube) for car in every) for cube in chosen]
    assert told == [len(every), *having]


def test_a_condition_on_numbers_is_none_on_features_alone() -> None:
    assert boolean(Implies(Name("A"), Not(Name("B"))))
    assert not boolean(Or((Name("A"), Compare("<", Constant(1), Constant(2)))))
