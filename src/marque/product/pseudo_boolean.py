"""Sums of weighted literals between two whole numbers, as clauses: by decision diagrams, or by adders where those grow too large.

Every auxiliary variable is a function of the literals, so a formula keeps as many models as it had.
Sources: Abío, Nieuwenhuis, Oliveras, Rodríguez-Carbonell, Mayer-Eichberger 2012, "A new look at BDDs for pseudo-Boolean constraints";
Eén, Sörensson 2006, "Translating pseudo-Boolean constraints into SAT" (adders).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marque.product.clauses import Builder, Clause, all_of

MOST_STATES = 20_000
"""Of a diagram before it is reduced; beyond, the sum is added up in binary."""

_DIRECT_UP_TO = 256
"""Clauses without auxiliary variables."""

_NO, _YES = -1, -2


@dataclass(frozen=True)
class _Diagram:
    """Node n asks literals[level[n]]. otherwise[n], then[n] are nodes, _NO or _YES. Children come before parents; root may be either."""

    literals: list[int]
    level: list[int]
    otherwise: list[int]
    then: list[int]
    root: int


def between(builder: Builder, literals: Sequence[int], weights: Sequence[int], least: int | None, most: int | None) -> list[Clause]:
    """Clauses that hold where least ≤ Σ weight · [literal] ≤ most; None for no limit. A literal may come several times, and negated."""
    literals, weights, offset = _normal(literals, weights)
    total = sum(weights)
    low, high = 0 if least is None else max(least - offset, 0), total if most is None else min(most - offset, total)
    if low > high:
        return [frozenset()]
    parts = []
    if low > 0 and high < total and low != high:  # One-sided ones have few clauses and strong ones.
        parts = [(low, total), (0, high)]
    elif low > 0 or high < total:
        parts = [(low, high)]
    return all_of([_one(builder, literals, weights, *limits, total) for limits in parts])


def _one(builder: Builder, literals: list[int], weights: list[int], low: int, high: int, total: int) -> list[Clause]:
    diagram = _diagram(literals, weights, low, high)
    if diagram is None:
        from marque.product.adders import limited

        return limited(builder, literals, weights, low, high)
    if diagram.root < 0 or _paths(diagram) <= _DIRECT_UP_TO:
        return _direct(diagram, drop_then=high >= total, drop_otherwise=low <= 0)
    return [frozenset((_node_literal(builder, diagram),))]


def _normal(literals: Sequence[int], weights: Sequence[int]) -> tuple[list[int], list[int], int]:
    """Each variable once, weights positive, largest first; the sum is the former one less offset."""
    by_variable: dict[int, int] = {}
    offset = 0
    for literal, weight in zip(literals, weights, strict=True):
        if literal < 0:  # weight · (1 − x)
            offset, weight = offset + weight, -weight
        by_variable[abs(literal)] = by_variable.get(abs(literal), 0) + weight
    found = [(weight, variable) if weight > 0 else (-weight, -variable) for variable, weight in by_variable.items() if weight]
    offset += sum(-weight for weight, literal in found if literal < 0)
    found.sort(key=lambda each: (-each[0], abs(each[1])))
    return [literal for _, literal in found], [weight for weight, _ in found], offset


def _diagram(literals: list[int], weights: list[int], low: int, high: int) -> _Diagram | None:
    """Reduced and ordered; None when it has more than MOST_STATES states before reduction. A state is the sum so far."""
    rest = [0]
    for weight in reversed(weights):
        rest.append(rest[-1] + weight)
    rest.reverse()

    def terminal(total: int, level: int) -> int | None:
        if total > high or total + rest[level] < low:
            return _NO
        return _YES if total >= low and total + rest[level] <= high else None

    levels: list[list[int]] = []
    states, seen = [0] if terminal(0, 0) is None else [], 0
    for level, weight in enumerate(weights):
        levels.append(states)
        seen += len(states)
        if seen > MOST_STATES:
            return None
        following = dict.fromkeys(total for state in states for total in (state, state + weight))
        states = [total for total in following if terminal(total, level + 1) is None]
    made = _Diagram(literals, [], [], [], 0)
    unique: dict[tuple[int, int, int], int] = {}
    below: dict[int, int] = {}
    for level in range(len(weights) - 1, -1, -1):
        here: dict[int, int] = {}
        for state in levels[level]:
            both = []
            for total in (state, state + weights[level]):
                end = terminal(total, level + 1)
                both.append(below[total] if end is None else end)
            if both[0] == both[1]:
                here[state] = both[0]
                continue
            key = (level, both[0], both[1])
            if key not in unique:
                unique[key] = len(made.level)
                made.level.append(level)
                made.otherwise.append(both[0])
                made.then.append(both[1])
            here[state] = unique[key]
        below = here
    root = terminal(0, 0)
    return _Diagram(literals, made.level, made.otherwise, made.then, below[0] if root is None else root)


def _paths(diagram: _Diagram) -> int:
    """To _NO: how many."""
    if diagram.root < 0:
        return int(diagram.root == _NO)
    counts: list[int] = []
    for low, high in zip(diagram.otherwise, diagram.then, strict=True):
        counts.append(sum(counts[node] if node >= 0 else int(node == _NO) for node in (low, high)))
    return counts[diagram.root]


def _direct(diagram: _Diagram, drop_then: bool, drop_otherwise: bool) -> list[Clause]:
    """A clause against each path to _NO. Of a limit from one side only the steps that lead towards it matter."""
    found: list[list[Clause]] = []
    waiting: list[tuple[int, Clause]] = [(diagram.root, frozenset())]
    while waiting:
        node, clause = waiting.pop()
        if node == _NO:
            found.append([clause])
        elif node >= 0:
            literal = diagram.literals[diagram.level[node]]
            waiting.append((diagram.otherwise[node], clause if drop_otherwise else clause | {literal}))
            waiting.append((diagram.then[node], clause if drop_then else clause | {-literal}))
    return all_of(found)


def _node_literal(builder: Builder, diagram: _Diagram) -> int:
    """A variable for each node, equivalent to what it decides. The last clauses of a node follow from its others; they propagate more."""
    named: list[int] = []
    for node, level in enumerate(diagram.level):
        asked, one = diagram.literals[level], builder.fresh()
        named.append(one)
        otherwise, then = (named[child] if child >= 0 else None for child in (diagram.otherwise[node], diagram.then[node]))
        clauses: list[tuple[int, ...]] = []
        for guard, end, child in ((asked, otherwise, diagram.otherwise[node]), (-asked, then, diagram.then[node])):
            if end is None:
                clauses.append((guard, one if child == _YES else -one))
            else:
                clauses += [(guard, -end, one), (guard, end, -one)]
        if otherwise is not None and then is not None:
            clauses += [(-otherwise, -then, one), (otherwise, then, -one)]
        else:
            clauses += _towards(one, otherwise, diagram.otherwise[node], then, diagram.then[node])
        builder.define(clauses)
    return named[diagram.root]


def _towards(one: int, otherwise: int | None, low: int, then: int | None, high: int) -> list[tuple[int, ...]]:
    """With one child a terminal: a node is true where it and the other child are, false where neither is."""
    end, child = (low, then) if otherwise is None else (high, otherwise)
    if child is None:
        return []
    return [(-child, one)] if end == _YES else [(child, -one)]
