"""What a numeric rule of a conflict adds up: the features that count in it, each with its number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from marque.product.encoding.cnf import Rule, RuleKind
from marque.product.model import Aggregate, And, Arithmetic, Attribute, Compare, FeatureModel, Formula, Iff, Implies, Not, Or, Term

_NAMED = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """function: sum, min, max, avg; "" for an attribute of one feature. parts: features that are in every such car, with their numbers.

    perhaps: features that may be in one.
    """

    function: str
    attribute: str
    parts: tuple[tuple[str, int | float], ...]
    perhaps: tuple[tuple[str, int | float], ...] = ()

    def __str__(self) -> str:
        total = f" = {sum(number for _, number in self.parts):g}" if self.function == "sum" and len(self.parts) > 1 else ""
        told = " + ".join(f"{feature} {number:g}" for feature, number in self.parts)
        if not told:
            open_to = " or ".join(f"{feature} {number:g}" for feature, number in self.perhaps[:_NAMED])
            told = f"perhaps {open_to}{' or others' if len(self.perhaps) > _NAMED else ''}" if open_to else "nothing"
        return f"{self.attribute}: {told}{total}"


def figures(model: FeatureModel, rule: Rule, literals: set[int]) -> tuple[Figure, ...]:
    """Of a constraint, in its order, each attribute once. literals: what is known of the cars that the conflict speaks of."""
    if rule.kind is not RuleKind.CONSTRAINT:
        return ()
    formula = next((one.formula for one in model.constraints if (one.place, one.text) == (rule.place, rule.text)), None)
    if formula is None:
        return ()
    found = {(one.function, one.attribute): one for one in (_figure(model, term, literals) for term in _terms(formula)) if one is not None}
    return tuple(found.values())


def _figure(model: FeatureModel, term: Aggregate | Attribute, literals: set[int]) -> Figure | None:
    if isinstance(term, Attribute):
        among, function, attribute = iter([model.features[term.feature]]), "", term.name
    elif term.attribute:
        among, function, attribute = model.below(term.under or model.root.name), term.function, term.attribute
    else:
        return None
    parts, perhaps = list[tuple[str, int | float]](), list[tuple[str, int | float]]()
    for feature in among:
        number, variable = feature.attributes.get(attribute), model.order[feature.name]
        if isinstance(number, int | float) and not isinstance(number, bool) and -variable not in literals:
            (parts if variable in literals else perhaps).append((feature.name, number))
    return Figure(function, attribute, tuple(parts), tuple(perhaps))


def _terms(said: Formula | Term) -> Iterator[Aggregate | Attribute]:
    match said:
        case Aggregate() | Attribute():
            yield said
        case Not():
            yield from _terms(said.operand)
        case And() | Or():
            for one in said.operands:
                yield from _terms(one)
        case Implies() | Iff() | Compare() | Arithmetic():
            yield from _terms(said.left)
            yield from _terms(said.right)
        case _:
            return
