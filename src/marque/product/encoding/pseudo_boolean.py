"""Sums of weighted literals between two whole numbers, as clauses: by decision diagrams, or by adders where those grow too large.

Every auxiliary variable is a function of the literals, so a formula keeps as many models as it had.
Sources: Abío, Nieuwenhuis, Oliveras, Rodríguez-Carbonell, Mayer-Eichberger 2012, "A new look at BDDs for pseudo-Boolean constraints";
Eén, Sörensson 2006, "Translating pseudo-Boolean constraints into SAT" (adders).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marque.product.encoding.clauses import Builder, Clause, all_of

MOST_EDGES = 60_000
"""Of a diagram before it is reduced; beyond, the sum is added up in binary."""

_DIRECT_UP_TO = 256
"""Clauses without auxiliary variables."""

_NO, _YES = -1, -2


@dataclass(frozen=True, slots=True)
class Choice:
    """Exactly one of the literals holds in every car, and adds its weight."""

    literals: tuple[int, ...]
    weights: tuple[int, ...]


@dataclass(frozen=True)
class _Diagram:
    """Node n asks choices[level[n]] and goes on to children[n][i], a node, _NO or _YES. Children come first; root may be _NO or _YES."""

    choices: list[Choice]
    level: list[int]
    children: list[tuple[int, ...]]
    root: int


def between(builder: Builder, literals: Sequence[int], weights: Sequence[int], least: int | None, most: int | None) -> list[Clause]:
    """Clauses that hold where least ≤ Σ weight · [literal] ≤ most; None for no limit. A literal may come several times, and negated."""
    by_variable: dict[int, int] = {}
    constant = 0
    for literal, weight in zip(literals, weights, strict=True):
        if literal < 0:  # weight · (1 − x)
            constant, weight = constant + weight, -weight
        by_variable[abs(literal)] = by_variable.get(abs(literal), 0) + weight
    choices = [Choice((variable, -variable), (weight, 0)) for variable, weight in by_variable.items()]
    return between_choices(builder, choices, None if least is None else least - constant, None if most is None else most - constant)


def between_choices(builder: Builder, choices: Sequence[Choice], least: int | None, most: int | None) -> list[Clause]:
    """Clauses that hold where least ≤ Σ weight of what is chosen ≤ most. Of no two choices may one variable be part."""
    shift = sum(min(choice.weights) for choice in choices)
    shifted = [_from_zero(choice) for choice in choices if len(set(choice.weights)) > 1]
    shifted.sort(key=lambda choice: (-max(choice.weights), abs(choice.literals[0])))
    total = sum(max(choice.weights) for choice in shifted)
    low, high = 0 if least is None else max(least - shift, 0), total if most is None else min(most - shift, total)
    if low > high:
        return [frozenset()]
    sides = [(low, high)] if low > 0 or high < total else []
    if low > 0 and high < total and low != high:  # One-sided ones have few clauses and strong ones.
        sides = [(low, total), (0, high)]
    return all_of([_one(builder, shifted, *limits, total) for limits in sides])


def _from_zero(choice: Choice) -> Choice:
    least = min(choice.weights)
    return Choice(choice.literals, tuple(weight - least for weight in choice.weights))


def _one(builder: Builder, choices: list[Choice], low: int, high: int, total: int) -> list[Clause]:
    diagram = _diagram(choices, low, high)
    if diagram is None:
        from marque.product.encoding.adders import limited

        pairs = [pair for choice in choices for pair in zip(choice.literals, choice.weights, strict=True) if pair[1]]
        return limited(builder, [literal for literal, _ in pairs], [weight for _, weight in pairs], low, high)
    if diagram.root < 0 or _paths(diagram) <= _DIRECT_UP_TO:
        return _direct(diagram, lower=high >= total, upper=low <= 0)
    return [frozenset((_node_literal(builder, diagram),))]


def _diagram(choices: list[Choice], low: int, high: int) -> _Diagram | None:
    """Reduced and ordered; None when it has more than MOST_EDGES before reduction. A state is the sum so far."""
    rest = [0]
    for choice in reversed(choices):
        rest.append(rest[-1] + max(choice.weights))
    rest.reverse()

    def end(total: int, level: int) -> int | None:
        if total > high or total + rest[level] < low:
            return _NO
        return _YES if total >= low and total + rest[level] <= high else None

    levels: list[list[int]] = []
    states, edges = [0] if end(0, 0) is None else [], 0
    for level, choice in enumerate(choices):
        levels.append(states)
        edges += len(states) * len(choice.weights)
        if edges > MOST_EDGES:
            return None
        following = dict.fromkeys(state + weight for state in states for weight in choice.weights)
        states = [total for total in following if end(total, level + 1) is None]
    made = _Diagram(choices, [], [], 0)
    unique: dict[tuple[int, ...], int] = {}
    below: dict[int, int] = {}
    for level in range(len(choices) - 1, -1, -1):
        here: dict[int, int] = {}
        for state in levels[level]:
            ends = ((state + weight, end(state + weight, level + 1)) for weight in choices[level].weights)
            children = tuple(below[total] if told is None else told for total, told in ends)
            if len(set(children)) == 1:
                here[state] = children[0]
                continue
            node = here[state] = unique.setdefault((level, *children), len(made.level))
            if node == len(made.level):
                made.level.append(level)
                made.children.append(children)
        below = here
    root = end(0, 0)
    return _Diagram(choices, made.level, made.children, below[0] if root is None else root)


def _paths(diagram: _Diagram) -> int:
    """To _NO: how many."""
    counts: list[int] = []
    for children in diagram.children:
        counts.append(sum(counts[child] if child >= 0 else int(child == _NO) for child in children))
    return counts[diagram.root]


def _direct(diagram: _Diagram, lower: bool, upper: bool) -> list[Clause]:
    """A clause against each path to _NO. Of a lower limit alone only steps below the greatest matter, of an upper one those above 0."""
    found: list[list[Clause]] = []
    waiting: list[tuple[int, Clause]] = [(diagram.root, frozenset())]
    while waiting:
        node, clause = waiting.pop()
        if node == _NO:
            found.append([clause])
        elif node >= 0:
            choice = diagram.choices[diagram.level[node]]
            greatest = max(choice.weights)
            for literal, weight, child in zip(choice.literals, choice.weights, diagram.children[node], strict=True):
                harmless = (lower and weight == greatest) or (upper and weight == 0)
                waiting.append((child, clause if harmless else clause | {-literal}))
    return all_of(found)


def _node_literal(builder: Builder, diagram: _Diagram) -> int:
    """A variable for each node, equivalent to what it decides. The last clauses of a node follow from its others; they propagate more."""
    named: list[int] = []
    for level, children in zip(diagram.level, diagram.children, strict=True):
        one = builder.fresh()
        named.append(one)
        clauses: list[list[int]] = []
        for literal, child in zip(diagram.choices[level].literals, children, strict=True):
            if child < 0:
                clauses.append([-literal, one if child == _YES else -one])
            else:
                clauses += [[-literal, -named[child], one], [-literal, named[child], -one]]
        others = [named[child] for child in dict.fromkeys(children) if child >= 0]
        if others and _NO not in children:
            clauses.append([*(-other for other in others), one])
        if others and _YES not in children:
            clauses.append([*others, -one])
        builder.define(clauses)
    return named[diagram.root]
