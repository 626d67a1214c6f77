"""Counts, shares and samples are those of a list of all cars."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from car_oracle import Car, cars
from hypothesis import given
from hypothesis import strategies as st
from naive_compiler import naive
from scipy.stats import chisquare
from small_models import drawn
from test_queries import decisions_for

from marque.product.encoding.encode import encode
from marque.product.knowledge import counting
from marque.product.knowledge.circuit import Circuit
from marque.product.knowledge.compile import compile_formula

NOTHING = np.array([], dtype=np.int32)


def left(names: list[str], all_cars: list[Car], decisions: np.ndarray) -> list[list[bool]]:
    rows = [[name in car.features for name in names] for car in all_cars]
    return [row for row in rows if all(row[abs(one) - 1] == (one > 0) for one in decisions.tolist())]


@pytest.mark.parametrize("compiler", [naive, compile_formula])
@given(seed=st.integers(0, 10**9))
def test_counts_are_those_of_the_cars_left(seed, compiler):
    model = drawn(seed)
    names, all_cars, circuit = list(model.features), list(cars(model)), compiler(encode(model))
    for number in range(4):
        decisions = decisions_for(seed + number, len(names))
        wanted = len(left(names, all_cars, decisions))
        assert counting.count(circuit, decisions) == wanted
        assert counting.log10_count(circuit, decisions) == pytest.approx(math.log10(wanted) if wanted else -math.inf, abs=1e-12)


@pytest.mark.parametrize("compiler", [naive, compile_formula])
@given(seed=st.integers(0, 10**9))
def test_shares_are_those_of_the_cars_left(seed, compiler):
    model = drawn(seed)
    names, all_cars, circuit = list(model.features), list(cars(model)), compiler(encode(model))
    for number in range(4):
        decisions = decisions_for(seed + number, len(names))
        rows = left(names, all_cars, decisions)
        exact, rough = counting.exact_shares(circuit, decisions), counting.shares(circuit, decisions)
        if not rows:
            assert exact is None
            assert rough is None
            continue
        assert exact is not None
        assert exact[1 : len(names) + 1] == [Fraction(sum(column), len(rows)) for column in zip(*rows, strict=True)]
        assert rough is not None
        assert rough.tolist() == pytest.approx([float(share) for share in exact], abs=1e-12)


@pytest.mark.parametrize("compiler", [naive, compile_formula])
@given(seed=st.integers(0, 10**9))
def test_every_car_is_drawn_equally_often(seed, compiler):
    model = drawn(seed)
    names, all_cars, circuit = list(model.features), list(cars(model)), compiler(encode(model))
    decisions = decisions_for(seed, len(names))
    rows = left(names, all_cars, decisions)
    found = counting.sample(circuit, decisions, 2000, seed)
    if not rows:
        assert found is None
        return
    assert found is not None
    times = Counter(map(tuple, found[:, : len(names)].tolist()))
    assert set(times) <= set(map(tuple, rows))
    if 1 < len(rows) <= 200:  # One in a hundred thousand of fair draws would fail; the seeds are fixed.
        assert chisquare([times[tuple(row)] for row in rows]).pvalue > 1e-5


def test_a_car_drawn_depends_on_seed_and_number_alone():
    circuit = naive(encode(drawn(8)))
    few, many, other = (counting.sample(circuit, NOTHING, cars, seed) for cars, seed in ((5, 1), (50, 1), (50, 2)))
    assert few is not None
    assert many is not None
    assert (few == many[:5]).all()
    assert not np.array_equal(many, other)


def test_counts_beyond_every_float_are_exact():
    features = 5000
    circuit = Circuit(
        features,
        features,
        np.array([1], dtype=np.uint8),
        np.zeros(1, dtype=np.int32),
        np.zeros(2, dtype=np.int32),
        np.zeros(0, dtype=np.int32),
        np.zeros(1, dtype=np.int32),
        np.zeros(0, dtype=np.int32),
        np.arange(1, features + 1, dtype=np.int32),
        "",
    )
    assert counting.count(circuit) == 2**features
    assert counting.log10_count(circuit, np.array([-3], dtype=np.int32)) == pytest.approx((features - 1) * math.log10(2))
    shares = counting.shares(circuit, np.array([-3], dtype=np.int32))
    assert shares is not None
    assert shares[[3, 4]].tolist() == [0.0, 0.5]


@pytest.mark.slow
def test_real_counts_round_to_the_published_powers_of_ten(shared_data):
    from marque.product import uvl

    circuit = compile_formula(encode(uvl.read(shared_data / "feature_models" / "automotive01.benchmark.uvl")))
    total, having = counting.exact_counts(circuit)
    assert round(math.log10(total)) == round(counting.log10_count(circuit)) == 211
    rough = counting.shares(circuit)
    assert rough is not None
    assert rough[1:] == pytest.approx([one / total for one in having[1:]], abs=1e-10)
    found = counting.sample(circuit, NOTHING, 4000, 9)
    assert found is not None
    assert np.abs(found.mean(axis=0) - rough[1:]).max() < 5 * 0.5 / math.sqrt(4000)
