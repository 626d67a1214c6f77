"""A solver gives the domains that a look at every car gives, and on real files those that others published."""

from __future__ import annotations

import numpy as np
import pytest
from car_oracle import cars
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import drawn
from test_queries import decisions_for, expected

from marque.product.encoding.conditions import with_formulas
from marque.product.encoding.encode import encode
from marque.product.knowledge.sat import SatDomains
from marque.product.model import And, Name, Not, Or

NOTHING = np.array([], dtype=np.int32)


@given(st.integers(0, 10**9))
def test_domains_are_those_of_the_cars_left(seed):
    model = drawn(seed)
    names, all_cars = list(model.features), list(cars(model))
    with SatDomains(encode(model)) as domains:
        for number in range(5):
            decisions = decisions_for(seed + number, len(names))
            answer = domains.after(decisions)
            wanted = expected(names, all_cars, decisions)
            assert (answer is None) == (wanted is None)
            assert answer is None or answer[1 : len(names) + 1].tolist() == wanted


@settings(max_examples=40)
@given(st.integers(0, 10**9))
def test_a_search_that_loses_patience_says_the_same(seed):
    model = drawn(seed, features=8, numbers=True)
    names, all_cars = list(model.features), list(cars(model))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marque.product.knowledge.sat._PATIENCE", 1)
        with SatDomains(encode(model)) as domains:
            decisions = decisions_for(seed, len(names))
            answer = domains.after(decisions)
    assert (None if answer is None else answer[1 : len(names) + 1].tolist()) == expected(names, all_cars, decisions)


@given(st.integers(0, 10**9))
def test_a_car_that_is_shown_is_one_of_the_model(seed):
    model = drawn(seed)
    names, all_cars = list(model.features), {car.features for car in cars(model)}
    with SatDomains(encode(model)) as domains:
        found = domains.car(decisions_for(seed, len(names)))
    if found is not None:
        assert frozenset(name for name, has in zip(names, found[1:], strict=False) if has) in all_cars


def test_few_cars_are_kept_and_answers_stay_right(monkeypatch):
    monkeypatch.setattr("marque.product.knowledge.sat._KEPT_CARS", 2)
    model = drawn(11)
    names, all_cars = list(model.features), list(cars(model))
    with SatDomains(encode(model)) as domains:
        for number in range(40):
            decisions = decisions_for(number, len(names))
            answer = domains.after(decisions)
            assert (None if answer is None else answer[1 : len(names) + 1].tolist()) == expected(names, all_cars, decisions)


PUBLISHED = {
    # Features, clauses, core, dead.
    "automotive01.benchmark.uvl": (2513, 10311, 100, 195),
    "financial_2018-05-09.uvl": (771, 7238, 22, 0),
    "a02_01.benchmark.uvl": (14010, 237706, 1394, 8),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_have_the_published_clauses_core_and_dead_features(name, shared_data):
    from marque.product import uvl

    model = uvl.read(shared_data / "feature_models" / name)
    cnf = encode(model)
    with SatDomains(cnf) as domains:
        answer = domains.after(NOTHING)
    assert answer is not None
    answer = answer[1 : len(cnf.names) + 1]
    assert (len(model.features), cnf.clauses, int((answer == 1).sum()), int((answer == -1).sum())) == PUBLISHED[name]


def test_auxiliary_variables_are_answered_for_where_they_are_asked_for():
    model = drawn(3)
    base = encode(model)
    formulas = [And((Name("F0"), Not(Name("F0")))), Or((Name("F1"), Name("F2"))), Name("F0")]
    cnf, literals = with_formulas(base, formulas, model)
    with SatDomains(cnf, also=literals) as domains:
        answer = domains.after(np.array([1, 2], dtype=np.int32))
    assert answer is not None
    assert (np.sign(literals) * answer[np.abs(literals)]).tolist() == [-1, 1, 1]
