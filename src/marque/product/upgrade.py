"""Whether a built car can still be given a software feature: its hardware stays, its software is free."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from marque.product.cnf import Cnf
from marque.product.model import FeatureModel


def over_the_air(model: FeatureModel) -> frozenset[str]:
    """Features that can be given to a built car: those whose attribute `ota` is true."""
    return frozenset(name for name, one in model.features.items() if one.attributes.get("ota") is True)


@contextmanager
def possible(cnf: Cnf, car: Collection[str], free: Collection[str]) -> Iterator[Callable[[str], bool]]:
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
