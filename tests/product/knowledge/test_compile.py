"""The compiler: its circuits have the formula's models and no others, and the form they promise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_formulas import check_form, count, formula, holds, models, random_formula

from marque.product.knowledge import ordering
from marque.product.knowledge.compile import compile_formula
from marque.product.knowledge.ordering import Order


@st.composite
def formulas(draw):
    variables = draw(st.integers(1, 8))
    literal = st.integers(1, variables).flatmap(lambda variable: st.sampled_from((variable, -variable)))
    clauses = draw(st.lists(st.lists(literal, min_size=1, max_size=5), max_size=24))
    return formula(variables, clauses)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(formulas())
def test_a_circuit_has_the_models_of_its_formula_and_no_others(cnf):
    circuit = compile_formula(cnf)
    check_form(circuit)
    wanted = set(models(cnf))
    assert count(circuit) == len(wanted)
    assert all(holds(circuit, model) for model in wanted)


@pytest.mark.parametrize("start", [0, *(pytest.param(start, marks=pytest.mark.slow) for start in range(200, 3000, 200))])
def test_counts_of_random_formulas_are_those_of_trying_all(start):
    for seed in range(start, start + 200):
        cnf = random_formula(seed)
        circuit = compile_formula(cnf)
        check_form(circuit)
        assert count(circuit) == sum(1 for _ in models(cnf)), f"seed {seed}"


@pytest.mark.parametrize("order", ["centre", "fill", "degree", "occurrence"])
def test_every_order_of_decisions_gives_the_same_count(order, monkeypatch):
    ranks = ordering.ranks
    monkeypatch.setattr(ordering, "ranks", lambda reduced, _, near: ranks(reduced, Order(order), near))
    for seed in range(3000, 3040):
        cnf = random_formula(seed)
        circuit = compile_formula(cnf)
        check_form(circuit)
        assert count(circuit) == sum(1 for _ in models(cnf)), f"seed {seed}"


def test_a_formula_without_models_has_the_circuit_that_is_false():
    for clauses in ([[1], [-1]], [[]], [[1, 2], [1, -2], [-1, 2], [-1, -2]]):
        circuit = compile_formula(formula(2, clauses))
        check_form(circuit)
        assert count(circuit) == 0


def test_a_formula_without_clauses_leaves_all_variables_free():
    circuit = compile_formula(formula(70, []))
    check_form(circuit)
    assert count(circuit) == 2**70


def test_what_is_always_equal_comes_back_as_a_pair_not_as_two_free_variables():
    """Of 5 variables, 1 = -2 = 3 hangs on nothing else."""
    circuit = compile_formula(formula(5, [[1, 2], [-1, -2], [1, -3], [-1, 3]]))
    check_form(circuit)
    assert count(circuit) == 8
    assert not holds(circuit, {1, 2, 3, 4, 5})
    assert holds(circuit, {-1, 2, -3, 4, 5})


def test_many_independent_parts_add_up_and_do_not_multiply():
    """100 times three alternatives: 3^100 models, and a circuit of a few nodes each."""
    parts = [[3 * n + 1, 3 * n + 2, 3 * n + 3] for n in range(100)]
    clauses = [clause for a, b, c in parts for clause in ([a, b, c], [-a, -b], [-a, -c], [-b, -c])]
    circuit = compile_formula(formula(300, clauses))
    assert count(circuit) == 3**100
    assert len(circuit.children) < 100 * 15
