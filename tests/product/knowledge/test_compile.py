"""The compiler: its circuits have the formula's models and no others, and the form they promise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_formulas import check_form, count, formula, holds, models, random_formula

from marque.product.knowledge.compile import compile_formula


@st.composite
def formulas(draw):
    variables = draw(st.integers(1, 8))
    literal = st.integers(1, variables).flatmap(lambda variable: st.sampled_from((variable, -variable)))
    clauses = draw(st.lists(st.lists(literal, min_size=1, max_size=5), max_size=24))
    return formula(variables, clauses)


@settings(derandomize=True, max_examples=400, deadline=None)
@given(formulas())
def test_a_circuit_has_the_models_of_its_formula_and_no_others(cnf):
    circuit = compile_formula(cnf)
    check_form(circuit)
    wanted = set(models(cnf))
    assert count(circuit) == len(wanted)
    assert all(holds(circuit, model) for model in wanted)


@pytest.mark.parametrize("start", range(0, 2000, 200))
def test_counts_of_random_formulas_are_those_of_trying_all(start):
    for seed in range(start, start + 200):
        cnf = random_formula(seed)
        circuit = compile_formula(cnf)
        check_form(circuit)
        assert count(circuit) == sum(1 for _ in models(cnf)), f"seed {seed}"
