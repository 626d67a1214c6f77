"""A whole car out of a configuration: what is still open, settled as cheaply as can be."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from marque.product.configure.objective import Level, add_clause, least
from marque.product.configure.session import Answer

SECONDS = 3.0
"""For the cheapest car; what is found until then is taken."""


def cheapest_car(answer: Answer, units: Mapping[str, int], seconds: float = SECONDS) -> np.ndarray:
    """Bool [variables + 1]: of the cars that are left, the one with the least to pay for its features, then with fewest of them.

    units: what a feature adds to the price, in minor units; 0 for those that are not named.
    """
    product = answer.product
    few = product.car(answer.literals, -np.arange(1, product.cnf.variables + 1))
    assert few is not None, "an answer leaves a car"
    order = product.model.order
    cheap = Level({order[name]: amount for name, amount in units.items() if name in order})
    model = product.constraint_model.clone()
    for one in answer.literals:
        add_clause(model, [one])
    fewest = Level(dict.fromkeys(range(1, product.features + 1), 1))
    found = least(model, [cheap, fewest], few, time.monotonic() + seconds)
    return few if found is None else found[0]


def cheapest(answer: Answer, units: Mapping[str, int], seconds: float = SECONDS) -> frozenset[str]:
    """The names of all features of that car."""
    car = cheapest_car(answer, units, seconds)
    features = answer.product.features
    return frozenset(answer.product.names[1:][car[1 : features + 1].astype(bool)].tolist())


def deciding(answer: Answer, car: np.ndarray) -> tuple[str, ...]:
    """Decisions that lead from the answer to the car, "Name" or "!Name": what it has first, and only what does not follow by then."""
    product, literals, domains, decisions = answer.product, list(answer.literals), answer.domains, list[str]()
    for variable in sorted(range(1, product.features + 1), key=lambda one: (not car[one], one)):
        if domains[variable] == 0:
            name = str(product.names[variable])
            literals.append(variable if car[variable] else -variable)
            decisions.append(name if car[variable] else f"!{name}")
            after = product.after(literals)
            assert after is not None, name
            domains = after
    return tuple(decisions)
