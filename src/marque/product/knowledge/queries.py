"""What a compiled formula says after decisions: which variables are in every car, which in none. One pass up the circuit, one down."""

from __future__ import annotations

import numpy as np

from marque.product.knowledge.circuit import AND, FALSE, LITERAL, OR, Arrays, Circuit
from marque.vehicle import kernel


class Domains:
    """Answers for one circuit; keeps its buffers, so one thread at a time."""

    method = "circuit"

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self._decided = np.zeros(circuit.variables + 1, dtype=np.int8)
        self._live = np.zeros(len(circuit.kinds), dtype=np.bool_)
        self._reached = np.zeros(len(circuit.kinds), dtype=np.bool_)
        self._seen = np.zeros(2 * circuit.variables + 2, dtype=np.bool_)

    def after(self, decisions: np.ndarray) -> np.ndarray | None:
        """int8 [variables + 1]: 1 for a variable in every car that keeps the decisions (int32, ±variables), −1 in none, 0 in some.

        Row 0 is unused. None if no car is left. The answer is the caller's own.
        """
        decided = self._decided
        if not decide(decisions, decided):
            return None
        circuit = self.circuit
        answer = np.empty(circuit.variables + 1, dtype=np.int8)
        left = _domains(
            circuit.arrays,
            decided,
            self._live,
            self._reached,
            self._seen,
            answer,
        )
        return answer if left else None


@kernel
def decide(decisions: np.ndarray, decided: np.ndarray) -> bool:
    """Write decisions as −1, 0, 1 per variable (int8 [variables + 1]); False where they contradict each other."""
    decided[:] = 0
    for decision in decisions:
        phase = np.int8(1) if decision > 0 else np.int8(-1)
        if decided[abs(decision)] == -phase:
            return False
        decided[abs(decision)] = phase
    return True


@kernel
def _domains(
    arrays: Arrays,
    decided: np.ndarray,
    live: np.ndarray,
    reached: np.ndarray,
    seen: np.ndarray,
    answer: np.ndarray,
) -> bool:
    """Up: which nodes the decisions leave a car. Down: which of them the root's cars come to, and which literals those have.

    seen: bool [2 · variables + 2], at 2 · variable for the negative literal and at 2 · variable + 1 for the positive.
    """
    kinds, literals, first, children, open_first, open_, free = arrays
    nodes = len(kinds)
    for node in range(nodes):
        kind = kinds[node]
        alive = kind != FALSE
        if kind == LITERAL:
            literal = literals[node]
            alive = decided[literal] >= 0 if literal > 0 else decided[-literal] <= 0
        elif kind == AND:
            for edge in range(first[node], first[node + 1]):
                if not live[children[edge]]:
                    alive = False
                    break
        elif kind == OR:
            alive = False
            for edge in range(first[node], first[node + 1]):
                if live[children[edge]]:
                    alive = True
                    break
        live[node] = alive
        reached[node] = False
    if not live[nodes - 1]:
        return False
    seen[:] = False
    reached[nodes - 1] = True
    for node in range(nodes - 1, -1, -1):
        if not reached[node]:
            continue
        kind = kinds[node]
        if kind == LITERAL:
            literal = literals[node]
            seen[2 * literal + 1 if literal > 0 else -2 * literal] = True
        elif kind == AND:
            for edge in range(first[node], first[node + 1]):
                reached[children[edge]] = True
        elif kind == OR:
            for edge in range(first[node], first[node + 1]):
                if live[children[edge]]:
                    reached[children[edge]] = True
                    for place in range(open_first[edge], open_first[edge + 1]):
                        seen[2 * open_[place]] = True
                        seen[2 * open_[place] + 1] = True
    for place in range(len(free)):
        seen[2 * free[place]] = True
        seen[2 * free[place] + 1] = True
    answer[0] = 0
    for variable in range(1, len(answer)):
        phase = decided[variable]
        if phase == 0:
            no, yes = seen[2 * variable], seen[2 * variable + 1]
            phase = np.int8(0) if no == yes else (np.int8(1) if yes else np.int8(-1))
        answer[variable] = phase
    return True
