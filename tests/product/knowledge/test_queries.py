"""Domains after decisions, read off a circuit, are those that a look at every car gives."""

from __future__ import annotations

from random import Random

import numpy as np
from car_oracle import Car, cars
from hypothesis import given
from hypothesis import strategies as st
from naive_compiler import naive
from small_models import drawn

from marque.product.encoding.encode import encode
from marque.product.knowledge.queries import Domains


def decisions_for(seed: int, features: int) -> np.ndarray:
    random = Random(seed)
    chosen = random.sample(range(1, features + 1), random.randint(0, min(3, features)))
    return np.array([random.choice((1, -1)) * variable for variable in chosen], dtype=np.int32)


def expected(names: list[str], all_cars: list[Car], decisions: np.ndarray) -> list[int] | None:
    rows = [[1 if name in car.features else -1 for name in names] for car in all_cars]
    left = [row for row in rows if all(row[abs(one) - 1] * one > 0 for one in decisions.tolist())]
    if not left:
        return None
    return [column[0] if len(set(column)) == 1 else 0 for column in zip(*left, strict=True)]


@given(st.integers(0, 10**9))
def test_domains_are_those_of_the_cars_left(seed):
    model = drawn(seed)
    names, all_cars = list(model.features), list(cars(model))
    domains = Domains(naive(encode(model)))
    for number in range(5):
        decisions = decisions_for(seed + number, len(names))
        answer = domains.after(decisions)
        wanted = expected(names, all_cars, decisions)
        assert (answer is None) == (wanted is None)
        assert answer is None or answer[1 : len(names) + 1].tolist() == wanted


def test_decisions_that_contradict_each_other_leave_no_car():
    model = drawn(4)
    assert Domains(naive(encode(model))).after(np.array([2, -2], dtype=np.int32)) is None


def test_an_answer_is_kept_when_the_next_is_asked():
    model = drawn(7)
    domains = Domains(naive(encode(model)))
    first = domains.after(np.array([], dtype=np.int32))
    assert first is not None
    before = first.copy()
    domains.after(np.array([-2], dtype=np.int32))
    assert (first == before).all()
