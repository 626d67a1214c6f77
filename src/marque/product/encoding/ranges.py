"""Which numbers constraints leave an Integer feature: interval arithmetic over what is said of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from marque.product.encoding.polynomials import NotExactError
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

Number = Fraction | float
Interval = tuple[Number, Number]
"""Both ends belong to it; infinite ones are floats. Empty where the first is above the second."""

_ALL: Interval = (-math.inf, math.inf)
_NONE: Interval = (math.inf, -math.inf)
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def narrowed(
    model: FeatureModel, names: Sequence[str], known: Mapping[str, tuple[int | None, int | None]]
) -> dict[str, tuple[int | None, int | None]]:
    """For each name the least and the greatest value with which every constraint may hold in a car that has it; None for no limit.

    known: limits from elsewhere, of these and of other Integer features.
    """
    ranges: dict[str, Interval] = dict.fromkeys(names, _ALL)
    for name, (least, most) in known.items():
        ranges[name] = (-math.inf if least is None else Fraction(least), math.inf if most is None else Fraction(most))
    for _ in range(len(names) + 1):
        before = dict(ranges)
        for name in names:
            for constraint in model.constraints:
                ranges[name] = _both(ranges[name], _where(model, constraint.formula, True, name, ranges))
        if ranges == before:
            break
    nothing = (Fraction(0), Fraction(0))  # No car has it; a value it needs all the same.
    ranges = {name: (low, high) if low <= high else nothing for name, (low, high) in ranges.items()}
    return {name: (_whole(low, math.ceil), _whole(high, math.floor)) for name, (low, high) in ranges.items()}


def _whole(number: Number, rounding: object) -> int | None:
    assert callable(rounding)
    if isinstance(number, float):
        return None if math.isinf(number) else int(rounding(number))
    return int(rounding(number))


def _where(model: FeatureModel, formula: Formula, holds: bool, name: str, ranges: Mapping[str, Interval]) -> Interval:
    """Values of a feature of the car with which the formula may hold (or not hold)."""

    def part(each: Formula, as_well: bool = holds) -> Interval:
        return _where(model, each, as_well, name, ranges)

    match formula:
        case Name(feature):
            return _NONE if feature == name and not holds else _ALL
        case Constant(value):
            return _ALL if bool(value) == holds else _NONE
        case Not(operand):
            return part(operand, not holds)
        case And(operands) | Or(operands):
            together = _both if isinstance(formula, And) == holds else _either
            found = part(operands[0])
            for operand in operands[1:]:
                found = together(found, part(operand))
            return found
        case Implies(left, right):
            return _either(part(left, False), part(right, True)) if holds else _both(part(left, True), part(right, False))
        case Iff(left, right):
            same, other = (part(left, True), part(right, holds)), (part(left, False), part(right, not holds))
            return _either(_both(*same), _both(*other))
        case Compare(operator, left, right):
            return _solved(model, operator if holds else _OPPOSITE[operator], Arithmetic("-", left, right), name, ranges)


def _both(one: Interval, other: Interval) -> Interval:
    return max(one[0], other[0]), min(one[1], other[1])


def _either(one: Interval, other: Interval) -> Interval:
    if one[0] > one[1]:
        return other
    if other[0] > other[1]:
        return one
    return min(one[0], other[0]), max(one[1], other[1])


def _solved(model: FeatureModel, operator: str, term: Term, name: str, ranges: Mapping[str, Interval]) -> Interval:
    """Of factor · value + rest ⋈ 0, the values."""
    try:
        factor, (low, high) = _linear(model, term, name, ranges)
    except (NotExactError, TypeError):
        return _ALL
    if not factor or operator == "!=":
        return _ALL
    above, below = -high / factor, -low / factor
    if factor < 0:
        above, below = below, above
    if operator == "==":
        return above, below
    strict = operator in {"<", ">"}  # The next whole number, then.
    if (operator in {"<", "<="}) == (factor > 0):
        return -math.inf, Fraction(math.ceil(below) - 1) if strict and math.isfinite(below) else below
    return Fraction(math.floor(above) + 1) if strict and math.isfinite(above) else above, math.inf


def _linear(model: FeatureModel, term: Term, name: str, ranges: Mapping[str, Interval]) -> tuple[Fraction, Interval]:
    """The factor of the feature's value in a term and bounds of what is added to it. Raises NotExactError where it is not that simple."""
    match term:
        case Constant(value):
            return Fraction(0), _point(value)
        case Name(feature):
            if feature == name:
                return Fraction(1), (Fraction(0), Fraction(0))
            return Fraction(0), _either((Fraction(0), Fraction(0)), ranges.get(feature, _ALL))
        case Attribute(feature, attribute):
            return Fraction(0), _either((Fraction(0), Fraction(0)), _point(model.features[feature].attributes[attribute]))
        case Aggregate():
            return Fraction(0), _aggregate(model, term)
        case Arithmetic(operator, left, right):
            one, first = _linear(model, left, name, ranges)
            other, second = _linear(model, right, name, ranges)
            if operator == "+":
                return one + other, (first[0] + second[0], first[1] + second[1])
            if operator == "-":
                return one - other, (first[0] - second[1], first[1] - second[0])
            if operator == "*" and (not one and first[0] == first[1]):
                one, first, other, second = other, second, one, first
            if other or second[0] != second[1] or isinstance(second[0], float) or (operator == "/" and not second[0]):
                raise NotExactError("", "")
            by = second[0] if operator == "*" else 1 / second[0]
            return one * by, _scaled(first, by)


def _scaled(interval: Interval, by: Fraction) -> Interval:
    if not by:
        return Fraction(0), Fraction(0)
    low, high = interval[0] * by, interval[1] * by
    return (low, high) if by > 0 else (high, low)


def _point(value: object) -> Interval:
    if value is None:
        return Fraction(1), Fraction(1)
    if not isinstance(value, bool | int | float):
        raise NotExactError("", "")
    exact = Fraction(str(int(value) if isinstance(value, bool) else value))
    return exact, exact


def _aggregate(model: FeatureModel, term: Aggregate) -> Interval:
    if term.operand is not None:
        return _ALL
    features = model.below(term.under) if term.under else model.features.values()
    numbers = [_point(one.attributes[term.attribute])[0] for one in features if term.attribute in one.attributes]
    zero = Fraction(0)
    if term.function == "sum":
        return sum((min(one, zero) for one in numbers), zero), sum((max(one, zero) for one in numbers), zero)
    return min([*numbers, zero]), max([*numbers, zero])
