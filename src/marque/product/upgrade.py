"""Whether a built car can still be given a software feature: its hardware stays, its software is free."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache

from marque.product.encoding.cnf import Cnf
from marque.product.model import FeatureModel

Possible = Callable[[str], bool]


def over_the_air(model: FeatureModel) -> frozenset[str]:
    """Features that can be given to a built car: those whose attribute `ota` is true."""
    return frozenset(name for name, one in model.features.items() if one.attributes.get("ota") is True)


@contextmanager
def fitting(model: str, car: Collection[str]) -> Iterator[Possible]:
    """`possible` for a car of a model in UVL, where everything that can be given over the air is free. Raises InputError."""
    cnf, free = _encoded(model)
    with possible(cnf, car, free) as asked:
        yield asked


@lru_cache(maxsize=8)
def _encoded(model: str) -> tuple[Cnf, frozenset[str]]:
    from marque.product import uvl
    from marque.product.encoding.encode import encode

    read = uvl.parse(model)
    return encode(read), over_the_air(read)


@contextmanager
def possible(cnf: Cnf, car: Collection[str], free: Collection[str]) -> Iterator[Possible]:
    """What answers whether some buildable car has a feature and, of all others but the `free` ones, exactly those that this car has.

    free: names of features that can be given or taken over the air. What such a feature brings with it has to be free, too.
    """
    from marque.product.knowledge import sat

    number = {name: place for place, name in enumerate(cnf.names, 1)}
    fixed = [(place if name in car else -place) for name, place in number.items() if name not in free]
    solver = sat.solver(cnf)
    try:
        yield lambda feature: feature in number and bool(solver.solve(assumptions=[*fixed, number[feature]]))
    finally:
        solver.delete()
