"""Shares of a market in which features have known take rates: each car weighed by the features that it has.

Of all ways to spread shares over the cars so that the features in question have the rates told, the one with the largest entropy is taken:
it says nothing besides what it was told. In it a car's weight is a product of one factor for each of these features. The factors are found
one by one, again and again, until all rates are met. Source: Darroch, Ratcliff 1972, "Generalized iterative scaling for log-linear models".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from marque.common import InputError
from marque.product.knowledge.circuit import AND, LITERAL, OR, TRUE, Arrays, Circuit
from marque.product.parts.cubes import Cube
from marque.vehicle import kernel

_ROUNDS = 200
_CLOSE = 1e-9
_FURTHEST = 60.0
"""Logarithm of a factor; beyond it a rate is out of reach."""


def expected(circuit: Circuit, decisions: np.ndarray, rates: Mapping[int, float], cubes: Sequence[Cube]) -> list[float]:
    """The share of cars that have all literals of each cube where the variables in `rates` have theirs; decisions: int32, ±variables.

    InputError, naming the variable as place, for rates that the cars cannot have together.
    """
    weighing = _Weighing(circuit, decisions)
    logs = np.zeros(circuit.variables + 1)
    shares = weighing.shares(logs)
    if shares is None:
        raise InputError("the rates", "", "no car is left to have them")
    for variable, rate in rates.items():
        if not 0.0 < rate < 1.0 or not 0.0 < shares[variable] < 1.0:
            told = "in all cars" if shares[variable] >= 1.0 else "in no car" if shares[variable] <= 0.0 else "in some cars"
            raise InputError("the rates", str(variable), f"its rate is {rate:g}, and it is {told}, expected a rate between 0 and 1")
    worst = 0
    for _ in range(_ROUNDS):
        off = 0.0
        for variable, rate in rates.items():
            share = shares[variable]
            if abs(share - rate) > off:
                off, worst = abs(share - rate), variable
            if abs(share - rate) > _CLOSE / 10:
                logs[variable] += math.log(rate / (1.0 - rate)) - math.log(share / (1.0 - share))
                if abs(logs[variable]) > _FURTHEST:
                    break
                shares = weighing.shares(logs)
                assert shares is not None
        if off <= _CLOSE:
            return weighing.of_cubes(logs, cubes)
        if abs(logs[worst]) > _FURTHEST:
            break
    problem = f"a rate of {rates[worst]:g} cannot be had together with the others; it comes to {shares[worst]:.3f}"
    raise InputError(
        "the rates", str(worst), problem, "Rates of alternatives add up to 1, and those of what they need are not below theirs."
    )


class _Weighing:
    """Weighted shares by one pass up and one down; keeps its buffers."""

    def __init__(self, circuit: Circuit, decisions: np.ndarray) -> None:
        self.circuit = circuit
        self.decided = np.zeros(circuit.variables + 1, dtype=np.int8)
        self.decided[np.abs(decisions)] = np.sign(decisions)
        self._value = np.empty(len(circuit.kinds))
        self._reach = np.empty(len(circuit.kinds))

    def shares(self, logs: np.ndarray) -> np.ndarray | None:
        """Of each variable, float [variables + 1]; logs: likewise, logarithm of the weight that a car has for a variable."""
        answer = np.zeros(self.circuit.variables + 1)
        if self._up(logs, self.decided) == -math.inf:
            return None
        circuit = self.circuit
        _share_out(
            circuit.arrays,
            circuit.counted,
            self.decided,
            logs,
            self._value,
            self._reach,
            answer,
        )
        return answer

    def of_cubes(self, logs: np.ndarray, cubes: Sequence[Cube]) -> list[float]:
        whole = self._up(logs, self.decided)
        found = []
        for cube in cubes:
            literals = np.array(cube, dtype=np.int64)
            decided = self.decided.copy()
            if np.any(decided[np.abs(literals)] * np.sign(literals) < 0):
                found.append(0.0)
                continue
            decided[np.abs(literals)] = np.sign(literals)
            found.append(math.exp(self._up(logs, decided) - whole))
        return found

    def _up(self, logs: np.ndarray, decided: np.ndarray) -> float:
        circuit = self.circuit
        total: float = _weigh(
            circuit.arrays,
            circuit.counted,
            decided,
            logs,
            self._value,
        )
        return total


@kernel
def _weigh(
    arrays: Arrays,
    counted: int,
    decided: np.ndarray,
    logs: np.ndarray,
    value: np.ndarray,
) -> float:
    """value: logarithm of the weight of all cars of a node. The answer is that of all cars."""
    kinds, literals, first, children, open_first, open_, free = arrays
    nodes = len(kinds)
    for node in range(nodes):
        kind = kinds[node]
        total = -math.inf
        if kind == TRUE:
            total = 0.0
        elif kind == LITERAL:
            variable, phase = abs(literals[node]), 1 if literals[node] > 0 else -1
            if decided[variable] * phase >= 0:
                total = logs[variable] if phase > 0 else 0.0
        elif kind == AND:
            total = 0.0
            for edge in range(first[node], first[node + 1]):
                total += value[children[edge]]
        elif kind == OR:
            most = -math.inf
            for edge in range(first[node], first[node + 1]):
                most = max(most, _edge(edge, children, open_first, open_, counted, decided, logs, value))
            if most > -math.inf:
                total = 0.0
                for edge in range(first[node], first[node + 1]):
                    total += math.exp(_edge(edge, children, open_first, open_, counted, decided, logs, value) - most)
                total = most + math.log(total)
        value[node] = total
    total = float(value[nodes - 1])
    for variable in free:
        total += _open(variable, counted, decided, logs)
    return total


@kernel
def _share_out(
    arrays: Arrays,
    counted: int,
    decided: np.ndarray,
    logs: np.ndarray,
    value: np.ndarray,
    reach: np.ndarray,
    answer: np.ndarray,
) -> None:
    """reach: share of the cars that come to a node."""
    kinds, literals, first, children, open_first, open_, free = arrays
    nodes = len(kinds)
    reach[:] = 0.0
    reach[nodes - 1] = 1.0
    for place in range(len(free)):
        answer[free[place]] = _open_share(free[place], decided, logs)
    for node in range(nodes - 1, -1, -1):
        here = reach[node]
        if here == 0.0:
            continue
        if kinds[node] == LITERAL:
            if literals[node] > 0:
                answer[literals[node]] += here
        elif kinds[node] == AND:
            for edge in range(first[node], first[node + 1]):
                reach[children[edge]] += here
        elif kinds[node] == OR:
            for edge in range(first[node], first[node + 1]):
                way = here * math.exp(_edge(edge, children, open_first, open_, counted, decided, logs, value) - value[node])
                reach[children[edge]] += way
                for place in range(open_first[edge], open_first[edge + 1]):
                    answer[open_[place]] += way * _open_share(open_[place], decided, logs)


@kernel
def _edge(
    edge: int,
    children: np.ndarray,
    open_first: np.ndarray,
    open_: np.ndarray,
    counted: int,
    decided: np.ndarray,
    logs: np.ndarray,
    value: np.ndarray,
) -> float:
    """Logarithm of the weight below an edge, with what it leaves open."""
    total: float = value[children[edge]]
    for place in range(open_first[edge], open_first[edge + 1]):
        total += _open(open_[place], counted, decided, logs)
    return total


@kernel
def _open(variable: int, counted: int, decided: np.ndarray, logs: np.ndarray) -> float:
    if variable > counted or decided[variable] < 0:
        return 0.0
    weight: float = logs[variable]
    return weight if decided[variable] > 0 else math.log(1.0 + math.exp(weight))


@kernel
def _open_share(variable: int, decided: np.ndarray, logs: np.ndarray) -> float:
    share = 1.0 / (1.0 + math.exp(-logs[variable]))
    if decided[variable] != 0:
        share = 1.0 if decided[variable] > 0 else 0.0
    return share
