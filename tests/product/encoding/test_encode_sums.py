"""Sums between limits: their clauses hold where the sum is within them, and give every auxiliary variable exactly one value."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysat.solvers import Glucose4

from marque.product.encoding.clauses import Builder, Clause
from marque.product.encoding.pseudo_boolean import Choice, between, between_choices

NAMES = ("a", "b", "c", "d", "e", "f")

sums = st.lists(st.tuples(st.sampled_from([sign * number for number in range(1, 7) for sign in (1, -1)]), st.integers(-5, 9)), max_size=9)
limits = st.none() | st.integers(-8, 20)
ways = st.sampled_from([(256, 60_000), (4, 60_000), (0, 60_000), (0, 0)])


def models(builder: Builder, clauses: list[Clause]) -> list[tuple[int, ...]]:
    if not all(clauses):
        return []
    cnf = builder.cnf()
    written = [cnf.literals[start:end].tolist() for start, end in zip(cnf.offsets[:-1], cnf.offsets[1:], strict=True)]
    every = [[variable, -variable] for variable in range(1, cnf.variables + 1)]
    with Glucose4(bootstrap_with=[*written, *map(list, clauses), *every]) as solver:
        return [tuple(model[: builder.counted]) for model in solver.enum_models()]


@settings(max_examples=200)
@given(sums, limits, limits, ways)
def test_a_sum_is_within_its_limits_where_the_clauses_hold(terms, least, most, way):
    builder = Builder(NAMES, {}, 6, 6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marque.product.encoding.pseudo_boolean._DIRECT_UP_TO", way[0])
        patch.setattr("marque.product.encoding.pseudo_boolean.MOST_EDGES", way[1])
        clauses = between(builder, [literal for literal, _ in terms], [weight for _, weight in terms], least, most)
    wanted = []
    for bits in product((False, True), repeat=6):
        total = sum(weight for literal, weight in terms if bits[abs(literal) - 1] == (literal > 0))
        if (least is None or total >= least) and (most is None or total <= most):
            wanted.append(tuple(number if bit else -number for number, bit in enumerate(bits, 1)))
    assert sorted(models(builder, clauses)) == sorted(wanted)


@given(st.lists(st.integers(-4, 9), min_size=3, max_size=3), st.lists(st.integers(-4, 9), min_size=3, max_size=3), limits, limits, ways)
def test_of_a_choice_exactly_one_weight_counts(first, second, least, most, way):
    builder = Builder(NAMES, {}, 6, 6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marque.product.encoding.pseudo_boolean._DIRECT_UP_TO", way[0])
        patch.setattr("marque.product.encoding.pseudo_boolean.MOST_EDGES", way[1])
        choices = [Choice((1, 2, 3), tuple(first)), Choice((4, 5, 6), tuple(second))]
        clauses = between_choices(builder, choices, least, most)
    for group in ((1, 2, 3), (4, 5, 6)):
        clauses = [*clauses, frozenset(group), *(frozenset((-one, -other)) for one in group for other in group if one < other)]
    chosen = sorted(tuple(literal for literal in model if literal > 0) for model in models(builder, clauses))
    assert chosen == [
        (one, other)
        for one, other in product((1, 2, 3), (4, 5, 6))
        if (least is None or first[one - 1] + second[other - 4] >= least) and (most is None or first[one - 1] + second[other - 4] <= most)
    ]


def test_at_most_two_of_four_are_the_four_usual_clauses():
    builder = Builder(NAMES, {}, 6, 6)
    assert sorted(map(sorted, between(builder, [1, 2, 3, 4], [1, 1, 1, 1], None, 2))) == [
        [-4, -3, -2],
        [-4, -3, -1],
        [-4, -2, -1],
        [-3, -2, -1],
    ]
    assert builder.variables == 6
