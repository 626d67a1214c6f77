"""A compiler of formulas to circuits by plain case distinction: slow, simple, and nothing in common with the one it is compared with."""

from __future__ import annotations

import numpy as np

from marque.product.encoding.cnf import Cnf
from marque.product.knowledge.circuit import AND, FALSE, LITERAL, OR, TRUE, Circuit

_Clauses = frozenset[frozenset[int]]


class _Growing:
    def __init__(self) -> None:
        self.kinds: list[int] = []
        self.literals: list[int] = []
        self.children: list[list[int]] = []
        self.open: list[list[list[int]]] = []
        self.mentioned: list[frozenset[int]] = []
        self.known: dict[_Clauses, int] = {}

    def node(self, kind: int, literal: int = 0, children: tuple[int, ...] = ()) -> int:
        mentioned = frozenset({abs(literal)} if literal else ()).union(*(self.mentioned[child] for child in children))
        self.kinds.append(kind)
        self.literals.append(literal)
        self.children.append(list(children))
        self.open.append([sorted(mentioned - self.mentioned[child]) if kind == OR else [] for child in children])
        self.mentioned.append(mentioned)
        return len(self.kinds) - 1

    def compiled(self, clauses: _Clauses) -> int:
        if clauses not in self.known:
            self.known[clauses] = self._compiled(clauses)
        return self.known[clauses]

    def _compiled(self, clauses: _Clauses) -> int:
        if frozenset() in clauses:
            return self.node(FALSE)
        if not clauses:
            return self.node(TRUE)
        parts = _parts(clauses)
        if len(parts) > 1:
            return self.node(AND, children=tuple(self.compiled(part) for part in parts))
        variable = min(abs(literal) for clause in clauses for literal in clause)
        cases = []
        for literal in (variable, -variable):
            rest = self.compiled(frozenset(clause - {-literal} for clause in clauses if literal not in clause))
            if self.kinds[rest] != FALSE:
                cases.append(self.node(AND, children=(self.node(LITERAL, literal), rest)))
        return self.node(OR, children=tuple(cases)) if cases else self.node(FALSE)


def _parts(clauses: _Clauses) -> list[_Clauses]:
    parts: list[tuple[set[int], set[frozenset[int]]]] = []
    for clause in sorted(clauses, key=sorted):
        variables, together = {abs(literal) for literal in clause}, {clause}
        apart = []
        for other, others in parts:
            if other & variables:
                variables |= other
                together |= others
            else:
                apart.append((other, others))
        parts = [*apart, (variables, together)]
    return [frozenset(together) for _, together in parts]


def naive(cnf: Cnf) -> Circuit:
    clauses = [
        frozenset(cnf.literals[start:end].tolist()) for start, end in zip(cnf.offsets[:-1].tolist(), cnf.offsets[1:].tolist(), strict=True)
    ]
    growing = _Growing()
    root = growing.compiled(frozenset(clause for clause in clauses if not any(-literal in clause for literal in clause)))
    if root != len(growing.kinds) - 1:  # The root is the last.
        growing.node(AND, children=(root,))
    edges = [child for children in growing.children for child in children]
    opens = [open_ for node in growing.open for open_ in node]
    return Circuit(
        cnf.variables,
        cnf.counted,
        np.array(growing.kinds, dtype=np.uint8),
        np.array(growing.literals, dtype=np.int32),
        np.cumsum([0, *map(len, growing.children)], dtype=np.int32),
        np.array(edges, dtype=np.int32),
        np.cumsum([0, *map(len, opens)], dtype=np.int32),
        np.array([variable for one in opens for variable in one], dtype=np.int32),
        np.array(sorted(set(range(1, cnf.variables + 1)) - growing.mentioned[-1]), dtype=np.int32),
        cnf.digest,
    )
