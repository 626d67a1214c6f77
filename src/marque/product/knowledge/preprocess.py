"""A smaller formula with the same models: what is fixed or always equal is taken out, and remembered, so that it can be put back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from marque.product.encoding.cnf import Cnf
from marque.product.knowledge.rows import Rows, gathered, normal, rows

_PROBES = 500


@dataclass(frozen=True, eq=False)
class Reduced:
    """satisfiable: False if there is no model; then all else is empty.

    fixed: int32, ±variables that are true in every model. classes: per variable of the reduced formula, numbered from 0, ±variables of the
    given one that always have its value, the first for itself. Literals of the rest are 2 · variable + negated. clauses: of three literals
    and more; pairs: int32 [n, 2], of two; groups: of each at most one literal is true, said by no pair.
    """

    satisfiable: bool
    fixed: np.ndarray
    classes: Rows
    clauses: Rows
    pairs: np.ndarray
    groups: Rows

    @property
    def variables(self) -> int:
        return len(self.classes)


def reduce(cnf: Cnf, between: Callable[[], None] = lambda: None) -> Reduced:
    """Backbone, equal literals and subsumed clauses, to a fixed point; then groups out of the clauses of two.

    between: called now and then; what it raises ends the work.
    """
    from marque.product.knowledge.preprocess_kernels import groups_of, subsumed

    variables = cnf.variables
    given = cnf.literals.astype(np.int32)
    clauses = normal(Rows(cnf.offsets.astype(np.int32), 2 * (np.abs(given) - 1) + (given < 0)))
    value = backbone(variables, clauses, between)
    if value is None:
        return Reduced(False, np.zeros(0, np.int32), rows([]), rows([]), np.zeros((0, 2), np.int32), rows([]))
    clauses = _under(clauses, value)
    stands = np.arange(2 * variables, dtype=np.int32)
    while True:
        equal = equivalences(variables, _pairs(clauses))
        if np.array_equal(equal, np.arange(2 * variables)):
            break
        stands = equal[stands]
        clauses = normal(Rows(clauses.first, equal[clauses.numbers]))
    between()
    exclusions = _pairs(clauses)
    near = gathered(exclusions.ravel(), exclusions[:, ::-1].ravel(), 2 * variables)
    clauses = clauses.kept(clauses.lengths > 2)
    clauses = clauses.kept(~subsumed(*clauses, *near))
    singles, *groups = groups_of(*gathered(exclusions.ravel() ^ 1, exclusions[:, ::-1].ravel() ^ 1, 2 * variables))
    return _numbered(value, stands, clauses, singles ^ 1, Rows(*groups))


def _pairs(clauses: Rows) -> np.ndarray:
    return clauses.kept(clauses.lengths == 2).numbers.reshape(-1, 2)


def _under(clauses: Rows, value: np.ndarray) -> Rows:
    """What is left of clauses where some literals are true (1) and some false (−1)."""
    owners = clauses.owners
    met = np.zeros(len(clauses), np.bool_)
    met[owners[value[clauses.numbers] > 0]] = True
    left = (value[clauses.numbers] == 0) & ~met[owners]
    lengths = np.bincount(owners[left], minlength=len(clauses))[~met]
    return normal(Rows(np.concatenate(([0], np.cumsum(lengths))).astype(np.int32), clauses.numbers[left]))


def _numbered(value: np.ndarray, stands: np.ndarray, clauses: Rows, pairs: np.ndarray, groups: Rows) -> Reduced:
    """With the variables that are left numbered from 0."""
    variables = len(value) // 2
    own = stands[::2]
    moved = np.flatnonzero(own != 2 * np.arange(variables))
    mentioned = np.zeros(variables, np.bool_)
    for literals in (clauses.numbers, pairs.ravel(), groups.numbers, own[moved]):
        mentioned[literals >> 1] = True
    left = np.flatnonzero(mentioned)
    number = np.full(variables, -1, np.int32)
    number[left] = np.arange(len(left))
    followers = np.where(own[moved] % 2 == 1, -(moved + 1), moved + 1)
    classes = gathered(
        np.concatenate((number[left], number[own[moved] >> 1])), np.concatenate((left + 1, followers)).astype(np.int32), len(left)
    )

    def short(literals: np.ndarray) -> np.ndarray:
        return np.asarray(2 * number[literals >> 1] + (literals & 1), np.int32)

    true = np.flatnonzero(value > 0)
    return Reduced(
        satisfiable=True,
        fixed=np.where(true % 2 == 1, -(true // 2 + 1), true // 2 + 1).astype(np.int32),
        classes=classes,
        clauses=Rows(clauses.first, short(clauses.numbers)),
        pairs=short(pairs),
        groups=Rows(groups.first, short(groups.numbers)),
    )


def backbone(variables: int, clauses: Rows, between: Callable[[], None]) -> np.ndarray | None:
    """int8 [2 · variables]: 1 for a literal that is true in every model, −1 for its negation; None if there is no model."""
    from marque.product.knowledge.compile_arrays import formula_arrays, roomier, search_arrays, walk_arrays
    from marque.product.knowledge.preprocess_kernels import fix, probe

    lengths = clauses.lengths
    if (lengths == 0).any():
        return None
    longer = clauses.kept(lengths > 2)
    formula = formula_arrays(variables, longer, _pairs(clauses), rows([]), np.zeros(variables, np.int32))
    search, walk = search_arrays(variables, longer), walk_arrays(variables, longer, rows([]))
    if not fix(formula, search, clauses.kept(lengths == 1).numbers):
        return None
    candidates = np.zeros(variables, np.int8)
    while (outcome := probe(formula, search, walk, candidates, _PROBES)) > 0:
        between()
        search, walk = roomier(search, walk)
    return None if outcome < 0 else np.asarray(search.value)


def equivalences(variables: int, pairs: np.ndarray) -> np.ndarray:
    """int32 [2 · variables]: for each literal the one of the smallest variable that clauses of two make it equal to."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = 2 * variables
    one, other = pairs[:, 0], pairs[:, 1]
    edges = (np.concatenate((one ^ 1, other ^ 1)), np.concatenate((other, one)))
    _, parts = connected_components(coo_array((np.ones(len(edges[0]), np.int8), edges), shape=(size, size)), connection="strong")
    least = np.full(size, size, np.int32)
    np.minimum.at(least, parts, np.arange(size, dtype=np.int32))
    return np.asarray(least[parts])
