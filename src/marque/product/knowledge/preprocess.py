"""A smaller formula with the same models: what is fixed or always equal is taken out, and remembered, so that it can be put back."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from marque.product.cnf import Cnf

Clause = frozenset[int]


@dataclass(frozen=True, eq=False)
class Reduced:
    """fixed: literals that are true in every model. classes: per variable of the reduced formula, numbered from 0, literals of the given
    one that always have its value, the first for itself. Literals of clauses and groups are 2 · variable + negated. clauses: of three
    literals and more; pairs: of two; groups: of each at most one literal is true, said by no pair. satisfiable: False if there is no
    model; then all is empty.
    """

    satisfiable: bool
    fixed: tuple[int, ...]
    classes: tuple[tuple[int, ...], ...]
    clauses: tuple[tuple[int, ...], ...]
    pairs: tuple[tuple[int, int], ...]
    groups: tuple[tuple[int, ...], ...]


def reduce(cnf: Cnf, between: Callable[[], None] = lambda: None) -> Reduced:
    """Backbone, equal literals and subsumed clauses, to a fixed point; then groups out of the clauses of two.

    between: called now and then; what it raises ends the work.
    """
    literals, offsets = cnf.literals.tolist(), cnf.offsets.tolist()
    clauses = {frozenset(literals[start:end]) for start, end in itertools.pairwise(offsets)}
    clauses = {clause for clause in clauses if not any(-literal in clause for literal in clause)}
    fixed = None if frozenset() in clauses else backbone(clauses, cnf.variables, between)
    if fixed is None:
        return Reduced(False, (), (), (), (), ())
    clauses = {frozenset(literal for literal in clause if -literal not in fixed) for clause in clauses if fixed.isdisjoint(clause)}
    stands: dict[int, int] = {}
    while equal := equivalences(clauses):
        stands = {literal: equal.get(other, other) for literal, other in stands.items()} | equal
        clauses = {frozenset(equal.get(literal, literal) for literal in clause) for clause in clauses}
        clauses = {clause for clause in clauses if not any(-literal in clause for literal in clause)}
    kept = without_subsumed(clauses)
    return _numbered(fixed, stands, kept)


def _numbered(fixed: set[int], stands: dict[int, int], clauses: list[Clause]) -> Reduced:
    members: dict[int, list[int]] = defaultdict(list)
    for literal, other in stands.items():
        if literal > 0:
            members[abs(other)].append(literal if other > 0 else -literal)
    mentioned = {abs(literal) for clause in clauses for literal in clause} | set(members)
    number = {variable: index for index, variable in enumerate(sorted(mentioned))}

    def short(literal: int) -> int:
        return 2 * number[abs(literal)] + (literal < 0)

    long = sorted(tuple(sorted(map(short, clause))) for clause in clauses if len(clause) > 2)
    pairs, groups = groups_of({tuple(sorted(map(short, clause))) for clause in clauses if len(clause) == 2})
    classes = tuple((variable, *sorted(members[variable], key=abs)) for variable in number)
    return Reduced(True, tuple(sorted(fixed, key=abs)), classes, tuple(long), pairs, groups)


def backbone(clauses: Iterable[Clause], variables: int, between: Callable[[], None]) -> set[int] | None:
    """Literals true in every model; None if there is none. Each model found strikes candidates off (Janota, Lynce, Marques-Silva 2015)."""
    from pysat.solvers import Solver

    with Solver(name="glucose4", bootstrap_with=[sorted(clause, key=abs) for clause in clauses]) as solver:
        if not solver.solve():
            return None
        candidates = {literal for literal in solver.get_model() if abs(literal) <= variables}
        mentioned = {abs(literal) for clause in clauses for literal in clause}
        candidates = {literal for literal in candidates if abs(literal) in mentioned}
        found: set[int] = set()
        solver.set_phases([-literal for literal in sorted(candidates, key=abs)])
        for literal in sorted(candidates, key=abs):
            if literal not in candidates:
                continue
            between()
            if solver.solve(assumptions=[-literal]):
                candidates.intersection_update(solver.get_model())
            else:
                found.add(literal)
                solver.add_clause([literal])
        return found


def equivalences(clauses: Iterable[Clause]) -> dict[int, int]:
    """For each literal that is equal to one of a smaller variable because of clauses of two: that one. Strongly connected implications."""
    follows: dict[int, list[int]] = defaultdict(list)
    for clause in sorted(sorted(clause) for clause in clauses if len(clause) == 2):
        one, other = clause
        follows[-one].append(other)
        follows[-other].append(one)
    equal: dict[int, int] = {}
    for part in _strong_components(follows):
        head = min(part, key=lambda literal: (abs(literal), literal < 0))
        if head > 0:
            for literal in part:
                if literal != head:
                    equal[literal], equal[-literal] = head, -head
    return equal


def _strong_components(follows: dict[int, list[int]]) -> Iterator[list[int]]:
    """Tarjan 1972, with a stack of its own."""
    index: dict[int, int] = {}
    lowest: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in list(follows):
        if root in index:
            continue
        work = [(root, iter(follows[root]))]
        index[root] = lowest[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            here, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = lowest[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(follows.get(other, ()))))
                    break
                if other in on_stack:
                    lowest[here] = min(lowest[here], index[other])
            else:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[here])
                if lowest[here] == index[here]:
                    part = stack[stack.index(here) :] if len(stack) < 64 else _tail(stack, here)
                    del stack[-len(part) :]
                    on_stack.difference_update(part)
                    if len(part) > 1:
                        yield part


def _tail(stack: list[int], from_here: int) -> list[int]:
    place = len(stack) - 1
    while stack[place] != from_here:
        place -= 1
    return stack[place:]


def without_subsumed(clauses: Iterable[Clause]) -> list[Clause]:
    """Those no other clause is a part of. Each kept clause is looked for under its rarest literal."""
    kept: list[Clause] = []
    under: dict[int, list[Clause]] = defaultdict(list)
    pairs: dict[int, set[int]] = defaultdict(set)
    for clause in sorted(clauses, key=lambda clause: (len(clause), sorted(clause))):
        if len(clause) == 2:
            one, other = clause
            pairs[one].add(other)
            pairs[other].add(one)
        elif any(not pairs[literal].isdisjoint(clause) for literal in clause if literal in pairs) or any(
            shorter <= clause for literal in clause for shorter in under.get(literal, ())
        ):
            continue
        else:
            under[min(clause, key=lambda literal: (len(under[literal]), literal))].append(clause)
        kept.append(clause)
    return kept


def groups_of(pairs: set[tuple[int, ...]]) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, ...], ...]]:
    """The clauses of two as groups of at most one true literal, where three or more exclude each other, and the rest as they are.

    Greedy: a clique grows from the literal with most exclusions, as long as it covers a pair not covered before.
    """
    excluded: dict[int, set[int]] = defaultdict(set)
    for one, other in pairs:
        excluded[one ^ 1].add(other ^ 1)
        excluded[other ^ 1].add(one ^ 1)
    left = {literal: set(others) for literal, others in excluded.items()}
    singles: list[tuple[int, int]] = []
    groups: list[tuple[int, ...]] = []
    for literal in sorted(excluded, key=lambda literal: (-len(excluded[literal]), literal)):
        while left[literal]:
            clique = [literal]
            candidates = set(excluded[literal])
            while candidates:
                best = max(candidates, key=lambda other: (other in left[literal], len(excluded[other]), -other))
                if best not in left[literal]:
                    break
                clique.append(best)
                candidates &= excluded[best]
            for member in clique:
                left[member].difference_update(clique)
            if len(clique) == 2:
                singles.append((clique[0] ^ 1, clique[1] ^ 1))
            else:
                groups.append(tuple(sorted(clique)))
    return tuple(sorted(singles)), tuple(sorted(groups))


def flat(rows: Iterable[Iterable[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of numbers as (first, numbers): int32 arrays, row r is numbers[first[r]:first[r + 1]]."""
    lists = [list(row) for row in rows]
    first = np.zeros(len(lists) + 1, np.int32)
    np.cumsum([len(row) for row in lists], out=first[1:])
    return first, np.array([number for row in lists for number in row], np.int32)
