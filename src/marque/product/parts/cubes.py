"""How many cars of a circuit meet each of many conditions, exactly: conditions as disjoint cubes, counts modulo several primes.

A circuit that has a variable for every condition of a bill would be many times larger than that of the line alone; this asks the latter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from marque.product.evaluate import holds
from marque.product.knowledge.circuit import AND, LITERAL, OR, TRUE, Arrays, Circuit
from marque.product.model import And, Compare, Constant, Formula, Iff, Implies, Name, Not, Or
from marque.vehicle import kernel

Cube = tuple[int, ...]
"""Literals, ±variable."""


def boolean(formula: Formula) -> bool:
    """Whether a condition depends on features alone."""
    match formula:
        case Not(operand):
            return boolean(operand)
        case And(operands) | Or(operands):
            return all(boolean(one) for one in operands)
        case Implies(left, right) | Iff(left, right):
            return boolean(left) and boolean(right)
        case Compare():
            return False
    return True


def cubes(formula: Formula, order: Mapping[str, int]) -> Iterator[Cube]:
    """Cubes of which exactly one holds where the Boolean formula does, and none elsewhere: its expansion feature by feature (Shannon)."""
    waiting: list[tuple[Formula, Cube]] = [(formula, ())]
    while waiting:
        now, cube = waiting.pop()
        name = _first(now)
        if name is None:
            if holds(now, frozenset()):
                yield cube
            continue
        waiting.append((_given(now, name, value=False), (*cube, -order[name])))
        waiting.append((_given(now, name, value=True), (*cube, order[name])))


def _first(formula: Formula) -> str | None:
    match formula:
        case Name(feature):
            return feature
        case Not(operand):
            return _first(operand)
        case And(operands) | Or(operands):
            return next((found for one in operands if (found := _first(one)) is not None), None)
        case Implies(left, right) | Iff(left, right):
            found = _first(left)
            return found if found is not None else _first(right)
    return None


def _given(formula: Formula, name: str, *, value: bool) -> Formula:
    """The formula where a feature is known, with what is then constant taken out."""
    match formula:
        case Name(feature):
            return Constant(value) if feature == name else formula
        case Not(operand):
            inner = _given(operand, name, value=value)
            return Constant(not inner.value) if isinstance(inner, Constant) else Not(inner)
        case And(operands) | Or(operands):
            decides = isinstance(formula, Or)
            parts = [_given(one, name, value=value) for one in operands]
            if any(isinstance(one, Constant) and bool(one.value) is decides for one in parts):
                return Constant(decides)
            left = tuple(one for one in parts if not isinstance(one, Constant))
            return (type(formula)(left) if len(left) > 1 else left[0]) if left else Constant(not decides)
        case Implies(left, right):
            return _given(Or((Not(left), right)), name, value=value)
        case Iff(left, right):
            one, other = _given(left, name, value=value), _given(right, name, value=value)
            if isinstance(one, Constant):
                return other if one.value else _turned(other)
            if isinstance(other, Constant):
                return one if other.value else _turned(one)
            return Iff(one, other)
    return formula


def _turned(formula: Formula) -> Formula:
    return Constant(not formula.value) if isinstance(formula, Constant) else Not(formula)


def counts(circuit: Circuit, decisions: np.ndarray, asked: Sequence[Cube]) -> list[int]:
    """How many cars keep the decisions (int32, ±variables) and have all literals of each cube."""
    from marque.product.knowledge.counting import log10_count

    size = log10_count(circuit)
    if size < 0:
        return [0] * len(asked)
    primes = _primes(int(size / math.log10(2.0)) + 2)
    lengths = np.array([len(cube) for cube in asked], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    literals = np.array([literal for cube in asked for literal in cube], dtype=np.int32)
    found = np.zeros((len(asked), len(primes)), dtype=np.uint64)
    _count(
        circuit.arrays,
        circuit.counted,
        np.asarray(decisions, dtype=np.int32),
        literals,
        offsets,
        np.array(primes, dtype=np.uint64),
        np.zeros(circuit.variables + 1, dtype=np.int8),
        np.zeros((len(circuit.kinds), len(primes)), dtype=np.uint64),
        found,
    )
    whole = math.prod(primes)
    weights = [(whole // prime) * pow(whole // prime, -1, prime) for prime in primes]
    return [sum(int(rest) * weight for rest, weight in zip(row, weights, strict=True)) % whole for row in found.tolist()]


def _primes(bits: int) -> list[int]:
    """Below 2³¹, whose product is above 2^bits."""
    found: list[int] = []
    product, candidate = 1, (1 << 31) - 1
    while product <= 1 << bits:
        if all(candidate % divisor for divisor in range(3, 46_341, 2)):
            found.append(candidate)
            product *= candidate
        candidate -= 2
    return found


@kernel
def _count(
    arrays: Arrays,
    counted: int,
    decisions: np.ndarray,
    cubes: np.ndarray,
    offsets: np.ndarray,
    primes: np.ndarray,
    decided: np.ndarray,
    value: np.ndarray,
    found: np.ndarray,
) -> None:
    """value: uint64 [nodes, primes]; found: uint64 [cubes, primes], the counts modulo each prime."""
    kinds, literals, first, children, open_first, open_, free = arrays
    nodes = len(kinds)
    for cube in range(len(offsets) - 1):
        decided[:] = 0
        for decision in decisions:
            decided[abs(decision)] = 1 if decision > 0 else -1
        possible = True
        for place in range(offsets[cube], offsets[cube + 1]):
            phase = 1 if cubes[place] > 0 else -1
            if decided[abs(cubes[place])] == -phase:
                possible = False
            decided[abs(cubes[place])] = phase
        if not possible:
            continue
        for node in range(nodes):
            kind = kinds[node]
            start = np.uint64(0)
            if kind in {TRUE, AND}:
                start = np.uint64(1)
            elif kind == LITERAL:
                phase = decided[abs(literals[node])]
                if phase == 0 or (phase > 0) == (literals[node] > 0):
                    start = np.uint64(1)
            value[node] = start
            if kind == AND:
                for edge in range(first[node], first[node + 1]):
                    child = children[edge]
                    if kinds[child] == LITERAL:
                        if value[child, 0] == np.uint64(0):
                            value[node] = np.uint64(0)
                            break
                        continue
                    for number in range(len(primes)):
                        value[node, number] = value[node, number] * value[child, number] % primes[number]
            elif kind == OR:
                for edge in range(first[node], first[node + 1]):
                    doubles = 0
                    for place in range(open_first[edge], open_first[edge + 1]):
                        doubles += open_[place] <= counted and decided[open_[place]] == 0
                    for number in range(len(primes)):
                        part = value[children[edge], number]
                        for _ in range(doubles):
                            part = part * np.uint64(2) % primes[number]
                        value[node, number] += part
                for number in range(len(primes)):
                    value[node, number] %= primes[number]
        for number in range(len(primes)):
            total = value[nodes - 1, number]
            for variable in free:
                if variable <= counted and decided[variable] == 0:
                    total = total * np.uint64(2) % primes[number]
            found[cube, number] = total
