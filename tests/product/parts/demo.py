"""The demonstration line and its bill, made once for all tests here."""

from __future__ import annotations

from functools import cache

import numpy as np
from bills import Line

from marque.product import line
from marque.product.encoding.encode import encode
from marque.product.knowledge.circuit import Circuit
from marque.product.knowledge.compile import compile_formula
from marque.product.knowledge.counting import sample
from marque.product.parts import Bill


@cache
def product() -> Line:
    model = line.model()
    return Line(model, encode(model))


@cache
def whole_bill() -> Bill:
    return line.bill()


@cache
def circuit() -> Circuit:
    return compile_formula(product().cnf, cache=None)


def cars(number: int, seed: int = 1) -> list[frozenset[str]]:
    names = list(product().model.features)
    drawn = sample(circuit(), np.zeros(0, dtype=np.int32), number, seed)
    assert drawn is not None
    return [frozenset(names[column] for column in np.flatnonzero(row)) for row in drawn]
