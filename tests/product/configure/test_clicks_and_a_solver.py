"""A thousand random clicks on every model at hand: of no feature a SAT solver says otherwise than the answer does."""

from __future__ import annotations

import pytest
from little_models import random_model
from solver_oracle import Oracle, steps

from marque.product.configure import Answer, Conflict, Product, Verb, begin, click, load, reasoner_of
from marque.product.encoding.encode import encode

CLICKS = 1000
LITTLE = ["berkeleydb.uvl", "kconfig_axTLS.uvl"]
LARGE = {"kconfig_uClibc.uvl": 1000, "financial_2018-05-09.uvl": 500, "automotive01.benchmark.uvl": 100, "a02_01.benchmark.uvl": 30}
"""Clicks on each model where time matters."""


def assert_agrees(product, clicks, seed=1):
    """Every answer of a random walk, and that every refused click leaves no car."""
    oracle, step = Oracle(product.cnf), steps(product.features, seed)
    answer, refused = begin(product), 0
    assert oracle.mismatches([], answer.domains) == []
    for _ in range(clicks):
        verb, variable = step(answer.domains, {product.variable(one.feature) for one in answer.decisions})
        after = click(answer, Verb(verb), product.cnf.names[variable - 1])
        if isinstance(after, Conflict):
            refused += 1
            others = [one for one in answer.literals if abs(one) != variable]
            assert oracle.mismatches([*others, variable if verb == "select" else -variable], None) == []
        elif isinstance(after, Answer):
            answer = after
            assert oracle.mismatches(answer.literals, answer.domains) == []
    assert refused or clicks < CLICKS


@pytest.mark.parametrize("method", ["circuit", "sat"])
@pytest.mark.parametrize("seed", range(6))
def test_every_click_on_a_little_model_is_answered_as_a_solver_does(seed, method, tmp_path):
    made = random_model(seed, features=30, constraints=12)
    cnf = encode(made)
    assert_agrees(Product(made, cnf, reasoner_of(cnf, tmp_path, method=method)), 60, seed)


@pytest.mark.parametrize("name", LITTLE)
def test_a_thousand_clicks_are_answered_as_a_solver_does(name, shared_data, tmp_path):
    assert_agrees(load(shared_data / "feature_models" / name, tmp_path, method="circuit"), CLICKS)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_a_thousand_clicks_on_a_large_model_are_answered_as_a_solver_does(name, shared_data, tmp_path, thorough):
    assert_agrees(load(shared_data / "feature_models" / name, tmp_path), CLICKS if thorough else LARGE[name])


@pytest.mark.slow
def test_a_thousand_clicks_on_the_model_line_are_answered_as_a_solver_does(tmp_path):
    from marque.product.line import line_file

    assert_agrees(load(line_file(), tmp_path), CLICKS)
