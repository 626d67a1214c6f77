"""A feature model as one formula: what the tree says, then the cross-tree constraints, with a sentence for each rule.

The tree gives the usual clauses, so that their number is the one that others publish for a model: the root; each child needs its parent; a
parent needs each mandatory child; an or group, at least one; an alternative, at least one and no two. No clause is left out because
another implies it. A constraint gives the clauses it has by distribution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from marque.product.encoding import values
from marque.product.encoding.clauses import Builder, Clause
from marque.product.encoding.cnf import Cnf, Rule, RuleKind
from marque.product.encoding.polynomials import NotExactError
from marque.product.model import Compare, Feature, FeatureModel, Group, GroupKind

_PAIRWISE_UP_TO = 400
"""Children of an alternative; of more, a chain of auxiliary variables keeps the clauses few."""

_NAMED_UP_TO = 6


def encode(model: FeatureModel) -> Cnf:
    """The formula whose models are the cars of the model, one for one.

    Raises InputError for what has no finite exact formula, naming the feature or the constraint and what to do.
    """
    builder = Builder(tuple(model.features), model.order, len(model.features), len(model.features))
    domains = values.domains(model)
    builder.variables += sum(len(domain.values) for domain in domains.values())
    builder.counted = builder.variables
    _tree(builder, model)
    values.define(builder, domains)
    understand(builder, model, domains)
    for constraint in model.constraints:
        rule = builder.rule(Rule(RuleKind.CONSTRAINT, constraint.text, constraint.place, constraint.owner))
        try:
            builder.add_all(builder.clauses(constraint.formula), rule)
        except NotExactError as error:
            raise error.at(constraint.place) from error
    return builder.cnf()


def understand(builder: Builder, model: FeatureModel, domains: Mapping[str, values.Domain]) -> None:
    """Let a builder of this model's formula take comparisons too."""

    def compare(comparison: Compare, holds: bool) -> list[Clause]:
        from marque.product.encoding.terms import Comparisons

        comparisons = Comparisons(builder, model, domains)
        builder.compare = comparisons.clauses
        return comparisons.clauses(comparison, holds)

    builder.compare = compare


def _tree(builder: Builder, model: FeatureModel) -> None:
    order, root = model.order, model.root
    builder.add((order[root.name],), builder.rule(Rule(RuleKind.ROOT, f"every car has “{root.name}”", root.place, root.owner)))
    for feature in model.features.values():
        for group in feature.groups:
            _children(builder, model, feature, group)
            if group.kind not in {GroupKind.MANDATORY, GroupKind.OPTIONAL}:
                _group(builder, feature, group, np.array([order[child] for child in group.children], dtype=np.int32))


def _children(builder: Builder, model: FeatureModel, feature: Feature, group: Group) -> None:
    order, parent = model.order, model.order[feature.name]
    for name in group.children:
        child = model.features[name]
        needs = Rule(RuleKind.PARENT, f"“{name}” needs “{feature.name}”", child.place, child.owner)
        builder.add((-order[name], parent), builder.rule(needs))
        if group.kind is GroupKind.MANDATORY:
            has = Rule(RuleKind.MANDATORY, f"a car with “{feature.name}” has “{name}”", child.place, child.owner)
            builder.add((-parent, order[name]), builder.rule(has))


def _group(builder: Builder, feature: Feature, group: Group, children: np.ndarray) -> None:
    parent, count = builder.index[feature.name], len(children)
    least, most = group.least, count if group.most is None else min(group.most, count)
    rule = builder.rule(Rule(RuleKind.GROUP, _sentence(feature.name, group.children, least, most), group.place, feature.owner))
    if least == 1:
        builder.add((-parent, *children.tolist()), rule)
    if least <= 1 and most == 1:
        _at_most_one(builder, children, rule)
    elif least > 1 or most < count:
        from marque.product.encoding.pseudo_boolean import between

        # Children need their parent, so the upper limit holds without it too.
        literals, weights = children.tolist(), [1] * count
        if least > 1:
            builder.add_all(builder.any_of([[frozenset((-parent,))], between(builder, literals, weights, least, count)]), rule)
        if most < count:
            builder.add_all(between(builder, literals, weights, 0, most), rule)


def _at_most_one(builder: Builder, children: np.ndarray, rule: int) -> None:
    if len(children) <= _PAIRWISE_UP_TO:
        first, second = np.triu_indices(len(children), 1)
        builder.add_block(-np.column_stack((children[first], children[second])), rule)
        return
    seen = int(children[0])
    for child in children[1:].tolist():
        builder.add((-seen, -child), rule)
        either = builder.fresh()
        builder.define(((-seen, either), (-child, either), (seen, child, -either)))
        seen = either


def _sentence(parent: str, children: Sequence[str], least: int, most: int) -> str:
    shown = ", ".join(f"“{child}”" for child in children[:_NAMED_UP_TO])
    others = len(children) - _NAMED_UP_TO
    if least == most:
        number = "exactly one" if least == 1 else f"exactly {least}"
    elif most == len(children):
        number = "at least one" if least == 1 else f"at least {least}"
    elif least == 0:
        number = "at most one" if most == 1 else f"at most {most}"
    else:
        number = f"{least} to {most}"
    return f"a car with “{parent}” has {number} of {shown}" + (f" and {others} more" if others > 0 else "")
