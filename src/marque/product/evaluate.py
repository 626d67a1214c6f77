"""Whether a formula holds for one complete car: plainly by its definition, without encoding or solver."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from fractions import Fraction

from marque.common import InputError
from marque.product.model import (
    Aggregate,
    And,
    Attribute,
    Compare,
    Constant,
    FeatureModel,
    FeatureType,
    Formula,
    Iff,
    Implies,
    Name,
    Not,
    Or,
    Place,
    Term,
)

Number = Fraction | str
_COMPARISONS: dict[str, Callable[[Number, Number], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """Boolean, over features alone: no attributes, so that it means the same whatever becomes of the model. text: as written."""

    text: str
    formula: Formula


def holds(formula: Formula, car: Set[str]) -> bool:
    """For a Boolean formula over features: car, the names of those it has. Raises TypeError for one with attributes or values."""
    if isinstance(formula, Name):
        return formula.feature in car
    if isinstance(formula, Constant):
        return bool(formula.value)
    if isinstance(formula, Not):
        return not holds(formula.operand, car)
    if isinstance(formula, And):
        return all(holds(one, car) for one in formula.operands)
    if isinstance(formula, Or):
        return any(holds(one, car) for one in formula.operands)
    if isinstance(formula, Implies):
        return not holds(formula.left, car) or holds(formula.right, car)
    if isinstance(formula, Iff):
        return holds(formula.left, car) == holds(formula.right, car)
    raise TypeError(f"not Boolean: {type(formula).__name__}")


def names(formula: Formula) -> Iterator[str]:
    """Of the features in a Boolean formula; raises TypeError as `holds`."""
    if isinstance(formula, Name):
        yield formula.feature
    elif isinstance(formula, Not):
        yield from names(formula.operand)
    elif isinstance(formula, And | Or):
        for one in formula.operands:
            yield from names(one)
    elif isinstance(formula, Implies | Iff):
        yield from names(formula.left)
        yield from names(formula.right)
    elif not isinstance(formula, Constant):
        raise TypeError(f"not Boolean: {type(formula).__name__}")


def read(text: str, source: str, place: str) -> Condition:
    """A condition in UVL's language. Raises InputError for one that is not Boolean over features."""
    from marque.product import uvl

    formula = uvl.parse_formula(text, Place(f"{source}, {place}", 1, 1))
    try:
        set(names(formula))
    except TypeError as fault:
        raise InputError(
            source,
            place,
            f"the condition {text!r} uses attributes or values ({fault})",
            "A price depends on features alone: write a Boolean formula of their names.",
        ) from fault
    return Condition(text, formula)


def satisfied(formula: Formula, car: Set[str], model: FeatureModel, values: Mapping[str, int | float | str]) -> bool:
    """For any formula: attributes from the model, values of typed features from `values`. An attribute of an absent feature counts 0."""
    if isinstance(formula, Not):
        return not satisfied(formula.operand, car, model, values)
    if isinstance(formula, And):
        return all(satisfied(one, car, model, values) for one in formula.operands)
    if isinstance(formula, Or):
        return any(satisfied(one, car, model, values) for one in formula.operands)
    if isinstance(formula, Implies):
        return not satisfied(formula.left, car, model, values) or satisfied(formula.right, car, model, values)
    if isinstance(formula, Iff):
        return satisfied(formula.left, car, model, values) == satisfied(formula.right, car, model, values)
    if isinstance(formula, Compare):
        left, right = (_term(one, car, model, values) for one in (formula.left, formula.right))
        if left is None or right is None or isinstance(left, str) != isinstance(right, str):
            return False
        return _COMPARISONS[formula.operator](left, right)
    return holds(formula, car)


def _term(term: Term, car: Set[str], model: FeatureModel, values: Mapping[str, int | float | str]) -> Number | None:
    """None where it has no value: a division by 0. The least, greatest and mean of nothing are 0, as an absent feature's attribute is."""
    if isinstance(term, Constant):
        return _number(term.value)
    if isinstance(term, Name):
        feature = model.features[term.feature]
        if feature.type is FeatureType.BOOLEAN:
            return Fraction(int(term.feature in car))
        if term.feature not in car:
            return "" if feature.type is FeatureType.STRING else Fraction(0)
        return _number(values[term.feature])
    if isinstance(term, Attribute):
        value = model.features[term.feature].attributes.get(term.name)
        if term.feature not in car:
            return "" if isinstance(value, str) else Fraction(0)
        return _number(value)
    if isinstance(term, Aggregate):
        return _aggregate(term, car, model, values)
    left, right = (_term(one, car, model, values) for one in (term.left, term.right))
    if not isinstance(left, Fraction) or not isinstance(right, Fraction) or (term.operator == "/" and right == 0):
        return None
    return _ARITHMETIC[term.operator](left, right)


def _aggregate(term: Aggregate, car: Set[str], model: FeatureModel, values: Mapping[str, int | float | str]) -> Number | None:
    if term.operand is not None:
        inner = _term(term.operand, car, model, values)
        if term.function == "len":
            return Fraction(len(inner)) if isinstance(inner, str) else None
        if not isinstance(inner, Fraction):
            return None
        return Fraction(math.floor(inner) if term.function == "floor" else math.ceil(inner))
    below = model.below(term.under) if term.under else iter(model.features.values())
    found = [_number(one.attributes[term.attribute]) for one in below if one.name in car and term.attribute in one.attributes]
    numbers = [one for one in found if isinstance(one, Fraction)]
    if term.function == "sum":
        return sum(numbers, Fraction(0))
    if not numbers:
        return Fraction(0)
    if term.function == "avg":
        return sum(numbers, Fraction(0)) / len(numbers)
    return min(numbers) if term.function == "min" else max(numbers)


def _number(value: object) -> Number | None:
    """A float is taken as it is written, 0.1 as a tenth."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int):
        return Fraction(int(value))
    return Fraction(repr(value)) if isinstance(value, float) else None
