"""Cars drawn uniformly from a circuit, from the root down: each OR goes the way of a child as often as that has cars.

Source of the method: Sharma, Gupta, Roy, Meel 2018, "Knowledge compilation meets uniform sampling".
"""

from __future__ import annotations

import math
from typing import cast

import numpy as np

from marque.product.knowledge.circuit import AND, LITERAL, OR, Arrays, Circuit
from marque.simulation.random import uniform
from marque.vehicle import kernel

# What a draw decides, in the key of the random numbers.
_WAY, _OPEN = 32, 33


def drawn(
    circuit: Circuit, decided: np.ndarray, mantissas: np.ndarray, exponents: np.ndarray, powers: np.ndarray, cars: int, seed: int
) -> np.ndarray:
    """Bool [cars, counted]; the rough counts of the nodes and the powers of the edges as `counting` makes them."""
    found = np.zeros((cars, circuit.variables + 1), dtype=np.bool_)
    _draw(
        circuit.arrays,
        decided,
        mantissas,
        exponents,
        powers,
        cast("int", np.uint64(seed % (1 << 64))),
        np.empty(len(circuit.kinds) + 1, dtype=np.int32),
        found,
    )
    return found[:, 1 : circuit.counted + 1].copy()


@kernel
def _draw(
    arrays: Arrays,
    decided: np.ndarray,
    mantissas: np.ndarray,
    exponents: np.ndarray,
    powers: np.ndarray,
    seed: int,
    waiting: np.ndarray,
    found: np.ndarray,
) -> None:
    """A car passes each node at most once, since an AND's children share no variable; a node TRUE may come twice, which costs nothing."""
    kinds, literals, first, children, open_first, open_, free = arrays
    for car in range(len(found)):
        for place in range(len(free)):
            found[car, free[place]] = _either(decided, free[place], seed, car)
        waiting[0], count = len(kinds) - 1, 1
        while count:
            count -= 1
            node = waiting[count]
            kind = kinds[node]
            if kind == LITERAL:
                found[car, abs(literals[node])] = literals[node] > 0
            elif kind == AND:
                for edge in range(first[node], first[node + 1]):
                    if kinds[children[edge]] >= LITERAL:
                        waiting[count] = children[edge]
                        count += 1
            elif kind == OR:
                edge = _way(node, first, children, mantissas, exponents, powers, seed, car)
                waiting[count] = children[edge]
                count += 1
                for place in range(open_first[edge], open_first[edge + 1]):
                    found[car, open_[place]] = _either(decided, open_[place], seed, car)


@kernel
def _either(decided: np.ndarray, variable: int, seed: int, car: int) -> bool:
    if decided[variable] != 0:
        return bool(decided[variable] > 0)
    return bool(uniform(seed, car, variable, _OPEN) < 0.5)


@kernel
def _way(
    node: int,
    first: np.ndarray,
    children: np.ndarray,
    mantissas: np.ndarray,
    exponents: np.ndarray,
    powers: np.ndarray,
    seed: int,
    car: int,
) -> int:
    """The edge that the draw falls on."""
    left = uniform(seed, car, node, _WAY) * mantissas[node]
    way = int(first[node])
    for edge in range(first[node], first[node + 1]):
        child = children[edge]
        if mantissas[child] > 0.0:
            way = edge
            left -= math.ldexp(mantissas[child], max(exponents[child] + powers[edge] - exponents[node], -2000))
            if left < 0.0:
                break
    return way
