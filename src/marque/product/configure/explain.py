"""Why: conflict sets in the words of decisions and rules, and what makes a feature forced or forbidden."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from marque.product.configure.conflicts import Core
from marque.product.configure.decisions import Conflict, Decision
from marque.product.configure.figures import Figure, figures
from marque.product.configure.product import Product
from marque.product.encoding.cnf import Cnf, RuleKind


def literal(product: Product, decision: Decision) -> int:
    number = product.variable(decision.feature)
    return number if decision.chosen else -number


def conflict(product: Product, wanted: Decision | None, decisions: Sequence[Decision]) -> Conflict | None:
    """What stands against `wanted` beside the decisions, the buyer's and those given; None where nothing does.

    The buyer's own decision about the wanted feature is not looked at: it would be replaced.
    """
    asked = [] if wanted is None else [literal(product, wanted)]
    by_literal = {literal(product, one): one for one in decisions if wanted is None or one.given or one.feature != wanted.feature}
    for one in asked:
        by_literal.pop(one, None)
        if -one in by_literal:
            return Conflict(wanted, (), (by_literal[-one],), (), smallest=True)
    core = product.conflict(asked, list(by_literal))
    return None if core is None else _worded(product, wanted, core, by_literal)


def why(product: Product, feature: str, chosen: bool, decisions: Sequence[Decision]) -> Conflict | None:
    """What makes a feature forced (chosen) or forbidden: what stands against the opposite. None where nothing does.

    A decision about the feature itself is its own reason and is not looked at: whether it follows from the others is what is asked.
    """
    return conflict(product, Decision(feature, not chosen), decisions)


def _worded(product: Product, wanted: Decision | None, core: Core, by_literal: dict[int, Decision]) -> Conflict:
    used = set(core.literals)
    told = [decision for literal, decision in by_literal.items() if literal in used]
    order = in_order(product.cnf, core)
    return Conflict(
        wanted=wanted,
        decisions=tuple(one for one in told if not one.given),
        given=tuple(one for one in told if one.given),
        rules=tuple(product.cnf.rules[rule] for rule in order),
        smallest=core.smallest,
        figures=tuple(_figures(product, core, rule) for rule in order),
    )


def in_order(cnf: Cnf, core: Core) -> list[int]:
    """The rules of a core as unit propagation from its literals meets them; those that it does not meet last."""
    order, _ = _propagated(_with_rule(cnf, core.rules), core.literals)
    return [*(rule for rule in order if rule >= 0), *(rule for rule in core.rules if rule not in order)]


def _figures(product: Product, core: Core, rule: int) -> tuple[Figure, ...]:
    """What a rule adds up in the cars that all else in the conflict speaks of: those are left, as long as it is not looked at."""
    said = product.cnf.rules[rule]
    if not figures(product.model, said, set()):
        return ()
    _, known = _propagated(_with_rule(product.cnf, [one for one in core.rules if one != rule]), core.literals)
    return figures(product.model, said, {product.model.order[product.model.root.name], *known})


def _propagated(clauses: list[tuple[int, list[int]]], literals: Iterable[int]) -> tuple[dict[int, None], set[int]]:
    """Rules in the order in which they say something new, or that something cannot be; and all literals that follow."""
    known = set(literals)
    order: dict[int, None] = {}
    learnt = known
    while learnt:
        learnt = set()
        for rule, clause in clauses:
            if any(one in known for one in clause):
                continue
            left = [one for one in clause if -one not in known]
            if len(left) <= 1:
                order.setdefault(rule)
                learnt.update(left)
        known |= learnt
    return order, known


def _with_rule(cnf: Cnf, rules: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Clauses of rules, each with its rule; −1 for what auxiliary variables in them stand for."""
    clauses = [(rule, clause) for rule in rules for clause in _clauses(cnf, rule)]
    if any(abs(one) > cnf.counted for _, clause in clauses for one in clause):
        defined = [rule for rule, said in enumerate(cnf.rules) if said.kind is RuleKind.DEFINITION]
        clauses += [(-1, clause) for rule in defined for clause in _clauses(cnf, rule)]
    return clauses


def _clauses(cnf: Cnf, rule: int) -> list[list[int]]:
    found = np.flatnonzero(cnf.origins == rule)
    return [cnf.literals[cnf.offsets[one] : cnf.offsets[one + 1]].tolist() for one in found]
