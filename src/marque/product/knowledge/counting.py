"""How many cars a compiled formula leaves after decisions: exactly, roughly, and the share of them that each variable has.

A variable that a part of the circuit leaves open doubles the cars there. Auxiliary variables never do: the others determine them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from marque.product.knowledge.circuit import AND, LITERAL, OR, TRUE, Arrays, Circuit
from marque.product.knowledge.queries import decide
from marque.vehicle import kernel

NOTHING = np.zeros(0, dtype=np.int32)


def count(circuit: Circuit, decisions: np.ndarray = NOTHING) -> int:
    """How many cars keep the decisions (int32, ±variables)."""
    decided = _decided(circuit, decisions)
    if decided is None:
        return 0
    counts, _ = _counts(circuit, decided)
    return counts[-1] << int(_doubles(circuit, decided)[circuit.free].sum())


def log10_count(circuit: Circuit, decisions: np.ndarray = NOTHING) -> float:
    """log₁₀ of the count, to about 12 digits, in a fraction of its time; −inf for no car."""
    decided = _decided(circuit, decisions)
    if decided is None:
        return -math.inf
    doubles = _doubles(circuit, decided)
    mantissas, exponents = rough_counts(circuit, decided, doubles)
    if mantissas[-1] == 0.0:
        return -math.inf
    return math.log10(mantissas[-1]) + (float(exponents[-1]) + int(doubles[circuit.free].sum())) * math.log10(2.0)


def exact_counts(circuit: Circuit, decisions: np.ndarray = NOTHING) -> tuple[int, list[int]]:
    """How many cars keep the decisions, and how many of these have each variable: [variables + 1], row 0 unused."""
    having = [0] * (circuit.variables + 1)
    decided = _decided(circuit, decisions)
    if decided is None:
        return 0, having
    counts, powers = _counts(circuit, decided)
    doubles = _doubles(circuit, decided)
    total = counts[-1] << int(doubles[circuit.free].sum())
    if total:
        _give_out(circuit, counts, powers, decided, total, having)
    return total, having


def exact_shares(circuit: Circuit, decisions: np.ndarray = NOTHING) -> list[Fraction] | None:
    """The share of the cars left that have each variable: [variables + 1], row 0 unused. None if no car is left."""
    total, having = exact_counts(circuit, decisions)
    return [Fraction(one, total) for one in having] if total else None


def shares(circuit: Circuit, decisions: np.ndarray = NOTHING) -> np.ndarray | None:
    """Float [variables + 1]: the share of the cars left that have each variable, to about 12 digits. None if no car is left."""
    decided = _decided(circuit, decisions)
    if decided is None:
        return None
    doubles = _doubles(circuit, decided)
    mantissas, exponents = rough_counts(circuit, decided, doubles)
    if mantissas[-1] == 0.0:
        return None
    answer = np.zeros(circuit.variables + 1)
    _share_out(
        circuit.arrays,
        decided,
        mantissas,
        exponents,
        edge_powers(circuit, doubles),
        np.zeros(len(circuit.kinds)),
        answer,
    )
    return answer


def sample(circuit: Circuit, decisions: np.ndarray, cars: int, seed: int) -> np.ndarray | None:
    """Bool [cars, counted]: cars drawn uniformly and independently from those that keep the decisions; None if there is none.

    Car i depends on the seed, on i, and on the circuit alone. Column v − 1 is variable v. Chances are exact to about 12 digits.
    """
    from marque.product.knowledge.sampling import drawn

    decided = _decided(circuit, decisions)
    if decided is None:
        return None
    doubles = _doubles(circuit, decided)
    mantissas, exponents = rough_counts(circuit, decided, doubles)
    if mantissas[-1] == 0.0:
        return None
    return drawn(circuit, decided, mantissas, exponents, edge_powers(circuit, doubles), cars, seed)


def _decided(circuit: Circuit, decisions: np.ndarray) -> np.ndarray | None:
    decided = np.zeros(circuit.variables + 1, dtype=np.int8)
    return decided if decide(np.asarray(decisions, dtype=np.int32), decided) else None


def _doubles(circuit: Circuit, decided: np.ndarray) -> np.ndarray:
    """int64 [variables + 1]: 1 for a variable that doubles the cars where it is open."""
    doubles: np.ndarray = (decided == 0).astype(np.int64)
    doubles[circuit.counted + 1 :] = 0
    return doubles


def edge_powers(circuit: Circuit, doubles: np.ndarray) -> np.ndarray:
    """int64 [edges]: how often what an edge leaves open doubles the cars below it."""
    sums = np.concatenate([[0], np.cumsum(doubles[circuit.open])])
    powers: np.ndarray = sums[circuit.open_first[1:]] - sums[circuit.open_first[:-1]]
    return powers


def _counts(circuit: Circuit, decided: np.ndarray) -> tuple[list[int], list[int]]:
    """Of every node, and the powers of every edge."""
    powers: list[int] = edge_powers(circuit, _doubles(circuit, decided)).tolist()
    first, children = circuit.first.tolist(), circuit.children.tolist()
    kept = np.sign(circuit.literals) * decided[np.abs(circuit.literals)] >= 0
    counts: list[int] = (kept & ((circuit.kinds == LITERAL) | (circuit.kinds == TRUE))).astype(int).tolist()
    for node, kind in enumerate(circuit.kinds.tolist()):
        if kind == AND:
            counts[node] = math.prod([counts[child] for child in children[first[node] : first[node + 1]]])
        elif kind == OR:
            counts[node] = sum([counts[children[edge]] << powers[edge] for edge in range(first[node], first[node + 1])])
    return counts, powers


def _give_out(circuit: Circuit, counts: list[int], powers: list[int], decided: np.ndarray, total: int, having: list[int]) -> None:
    """From the root down: in how many cars a node takes part, over the count of the node itself; each literal gets those of its node."""
    first, children, open_first = circuit.first.tolist(), circuit.children.tolist(), circuit.open_first.tolist()
    literals, kinds, phases = circuit.literals.tolist(), circuit.kinds.tolist(), decided.tolist()
    around = [0] * len(kinds)
    around[-1] = total // counts[-1]
    for variable in circuit.free.tolist():
        having[variable] += _open_share(total, phases[variable])
    for node in range(len(kinds) - 1, -1, -1):
        here = around[node]
        if not here or not counts[node]:
            continue
        if kinds[node] == LITERAL:
            if literals[node] > 0:
                having[literals[node]] += here
        elif kinds[node] == AND:
            whole = here * counts[node]
            for child in children[first[node] : first[node + 1]]:
                around[child] += whole // counts[child]
        elif kinds[node] == OR:
            for edge in range(first[node], first[node + 1]):
                child = children[edge]
                if not counts[child]:
                    continue
                around[child] += here << powers[edge]
                for variable in _open(circuit, open_first, edge):
                    having[variable] += _open_share(here * counts[child] << powers[edge], phases[variable])


def _open(circuit: Circuit, open_first: list[int], edge: int) -> Iterator[int]:
    start, end = open_first[edge], open_first[edge + 1]
    if start < end:
        yield from circuit.open[start:end].tolist()


def _open_share(cars: int, phase: int) -> int:
    return cars // 2 if phase == 0 else (cars if phase > 0 else 0)


def rough_counts(circuit: Circuit, decided: np.ndarray, doubles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count of each node as mantissa (float, 0 or 0.5 … 1) · 2^exponent (int64)."""
    mantissas = np.zeros(len(circuit.kinds))
    exponents = np.zeros(len(circuit.kinds), dtype=np.int64)
    powers = edge_powers(circuit, doubles)
    _rough(circuit.kinds, circuit.literals, circuit.first, circuit.children, decided, powers, mantissas, exponents)
    return mantissas, exponents


@kernel
def _rough(
    kinds: np.ndarray,
    literals: np.ndarray,
    first: np.ndarray,
    children: np.ndarray,
    decided: np.ndarray,
    powers: np.ndarray,
    mantissas: np.ndarray,
    exponents: np.ndarray,
) -> None:
    for node in range(len(kinds)):
        kind = kinds[node]
        mantissa, exponent = 0.0, np.int64(0)
        if kind == TRUE:
            mantissa = 1.0
        elif kind == LITERAL:
            literal = literals[node]
            mantissa = 1.0 if decided[abs(literal)] * np.sign(literal) >= 0 else 0.0
        elif kind == AND:
            mantissa = 1.0
            for edge in range(first[node], first[node + 1]):
                child = children[edge]
                mantissa *= mantissas[child]
                exponent += exponents[child]
                if mantissa == 0.0:
                    break
                mantissa, shift = math.frexp(mantissa)
                exponent += shift
        elif kind == OR:
            for edge in range(first[node], first[node + 1]):
                child = children[edge]
                if mantissas[child] == 0.0:
                    continue
                power = exponents[child] + powers[edge]
                if mantissa == 0.0:
                    mantissa, exponent = mantissas[child], power
                elif power <= exponent:
                    mantissa += math.ldexp(mantissas[child], max(power - exponent, -2000))
                else:
                    mantissa = mantissas[child] + math.ldexp(mantissa, max(exponent - power, -2000))
                    exponent = power
        mantissas[node], shift = math.frexp(mantissa)
        exponents[node] = exponent + shift


@kernel
def _share_out(
    arrays: Arrays,
    decided: np.ndarray,
    mantissas: np.ndarray,
    exponents: np.ndarray,
    powers: np.ndarray,
    chances: np.ndarray,
    answer: np.ndarray,
) -> None:
    """From the root down: the chance that a car comes to a node; each literal gets that of its node."""
    kinds, literals, first, children, open_first, open_, free = arrays
    for place in range(len(free)):
        variable = free[place]
        answer[variable] += 0.5 * (1 + decided[variable])
    chances[len(kinds) - 1] = 1.0
    for node in range(len(kinds) - 1, -1, -1):
        chance = chances[node]
        if chance == 0.0:
            continue
        kind = kinds[node]
        if kind == LITERAL:
            if literals[node] > 0:
                answer[literals[node]] += chance
        elif kind == AND:
            for edge in range(first[node], first[node + 1]):
                chances[children[edge]] += chance
        elif kind == OR:
            for edge in range(first[node], first[node + 1]):
                child = children[edge]
                if mantissas[child] == 0.0:
                    continue
                power = max(exponents[child] + powers[edge] - exponents[node], -2000)
                part = chance * math.ldexp(mantissas[child] / mantissas[node], power)
                chances[child] += part
                for place in range(open_first[edge], open_first[edge + 1]):
                    answer[open_[place]] += 0.5 * part * (1 + decided[open_[place]])
