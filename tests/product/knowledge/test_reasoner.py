"""A circuit where one can be had, a solver otherwise; and both say the same."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_models import drawn
from test_queries import decisions_for

from marque.product.encoding.encode import encode
from marque.product.knowledge.compile import LimitReached, Limits
from marque.product.knowledge.reasoner import reasoner

AT_ONCE = Limits(seconds=-1.0)


@given(st.integers(0, 10**9))
def test_circuit_and_solver_say_the_same(seed):
    cnf = encode(drawn(seed, features=12))
    circuit, sat = reasoner(cnf, method="circuit"), reasoner(cnf, method="sat")
    for number in range(4):
        decisions = decisions_for(seed + number, len(cnf.names))
        one, other = circuit.after(decisions), sat.after(decisions)
        assert (one is None) == (other is None)
        assert one is None or other is None or (one[1 : cnf.counted + 1] == other[1 : cnf.counted + 1]).all()


def test_without_time_to_compile_a_solver_answers(tmp_path):
    assert reasoner(encode(drawn(5)), tmp_path, limit=AT_ONCE).method == "sat"


def test_a_circuit_of_the_cache_needs_no_time(tmp_path):
    cnf = encode(drawn(5))
    assert reasoner(cnf, tmp_path).method == "circuit"
    assert reasoner(cnf, tmp_path, limit=AT_ONCE).method == "circuit"


def test_a_circuit_that_is_asked_for_is_not_silently_replaced(tmp_path):
    with pytest.raises(LimitReached):
        reasoner(encode(drawn(5)), tmp_path, method="circuit", limit=AT_ONCE)


REAL = ("berkeleydb", "kconfig_axTLS", "kconfig_uClibc", "financial_2018-05-09", "automotive01.benchmark")


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_circuit_and_solver_say_the_same_on_real_models(name, shared_data):
    from marque.product import uvl

    cnf = encode(uvl.read(shared_data / "feature_models" / f"{name}.uvl"))
    circuit, sat = reasoner(cnf, method="circuit"), reasoner(cnf, method="sat")
    random = Random(6)
    decisions: list[int] = []
    for _ in range(60):
        asked = np.array(decisions, dtype=np.int32)
        one, other = circuit.after(asked), sat.after(asked)
        assert one is not None
        assert other is not None
        assert (one[1 : cnf.counted + 1] == other[1 : cnf.counted + 1]).all()
        free = np.flatnonzero(one[1:] == 0) + 1
        if len(free) == 0 or random.random() < 0.1:
            decisions = random.sample(decisions, len(decisions) // 2)
        else:
            decisions.append(random.choice((1, -1)) * int(random.choice(free)))
