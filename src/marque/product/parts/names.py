"""Which names a formula speaks of, and whether a model knows them."""

from __future__ import annotations

from collections.abc import Iterator

from marque.product.model import (
    Aggregate,
    And,
    Arithmetic,
    Attribute,
    Compare,
    Constant,
    FeatureModel,
    Formula,
    Iff,
    Implies,
    Name,
    Not,
    Or,
    Term,
)
from marque.product.uvl.faults import nearest


def features(formula: Formula | Term) -> Iterator[str]:
    """Names of features in a formula, also those whose attributes it asks for; a name comes as often as it is written."""
    match formula:
        case Name(feature) | Attribute(feature, _):
            yield feature
        case Not(operand):
            yield from features(operand)
        case And(operands) | Or(operands):
            for one in operands:
                yield from features(one)
        case Implies(left, right) | Iff(left, right) | Compare(_, left, right) | Arithmetic(_, left, right):
            yield from features(left)
            yield from features(right)
        case Aggregate():
            if formula.under:
                yield formula.under
            if formula.operand is not None:
                yield from features(formula.operand)
        case Constant():
            return


def unknown(formula: Formula, model: FeatureModel) -> str:
    """What a formula names and the model does not have, as a clause with what may have been meant; empty if there is nothing."""
    for name in features(formula):
        if name not in model.features:
            meant = nearest(name, model.features)
            if not meant:
                short = name.rpartition(".")[2]
                alike = [known for known in model.features if known.rpartition(".")[2].casefold() == short.casefold()]
                meant = f"Did you mean “{alike[0]}”?" if alike else ""
            return f"there is no feature “{name}”" + (f". {meant}" if meant else "")
    return ""
