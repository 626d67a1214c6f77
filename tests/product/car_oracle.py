"""What a feature model says, written straight from its tree and its formulas, for comparison: tries every assignment. Slow and simple."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from marque.product.model import (
    Aggregate,
    And,
    Arithmetic,
    Attribute,
    Compare,
    Constant,
    FeatureModel,
    FeatureType,
    Formula,
    GroupKind,
    Iff,
    Implies,
    Name,
    Not,
    Or,
    Term,
    Value,
)


@dataclass(frozen=True)
class Car:
    """features: those it has. values: of the typed ones among them."""

    features: frozenset[str]
    values: Mapping[str, int | str]

    @property
    def key(self) -> tuple[frozenset[str], frozenset[tuple[str, int | str]]]:
        return self.features, frozenset(self.values.items())


def cars(model: FeatureModel, domains: Mapping[str, Sequence[int | str]] | None = None) -> Iterator[Car]:
    """Every car of the model. domains: the values of typed features; one that is not in it has no value that matters."""
    domains = domains or {}
    names = list(model.features)
    for bits in product((False, True), repeat=len(names)):
        chosen = frozenset(name for name, bit in zip(names, bits, strict=True) if bit)
        if not tree_holds(model, chosen):
            continue
        typed = [name for name in names if name in chosen and name in domains]
        for values in product(*(domains[name] for name in typed)):
            car = Car(chosen, dict(zip(typed, values, strict=True)))
            if all(holds(model, constraint.formula, car) for constraint in model.constraints):
                yield car


def tree_holds(model: FeatureModel, chosen: frozenset[str]) -> bool:
    if model.root.name not in chosen:
        return False
    for feature in model.features.values():
        if feature.name not in chosen:
            if any(child in chosen for group in feature.groups for child in group.children):
                return False
            continue
        for group in feature.groups:
            number = sum(child in chosen for child in group.children)
            match group.kind:
                case GroupKind.MANDATORY:
                    fits = number == len(group.children)
                case GroupKind.OPTIONAL:
                    fits = True
                case GroupKind.OR:
                    fits = number >= 1
                case GroupKind.ALTERNATIVE:
                    fits = number == 1
                case GroupKind.CARDINALITY:
                    fits = group.least <= number and (group.most is None or number <= group.most)
            if not fits:
                return False
    return True


def holds(model: FeatureModel, formula: Formula, car: Car) -> bool:
    match formula:
        case Name(feature):
            return feature in car.features
        case Constant(value):
            return bool(value)
        case Not(operand):
            return not holds(model, operand, car)
        case And(operands):
            return all(holds(model, operand, car) for operand in operands)
        case Or(operands):
            return any(holds(model, operand, car) for operand in operands)
        case Implies(left, right):
            return not holds(model, left, car) or holds(model, right, car)
        case Iff(left, right):
            return holds(model, left, car) == holds(model, right, car)
        case Compare(operator, left, right):
            return _compared(operator, term(model, left, car), term(model, right, car))


class _NoText:
    """The text of a feature that the car does not have."""


def _compared(operator: str, left: Fraction | str | _NoText | None, right: Fraction | str | _NoText | None) -> bool:
    if left is None or right is None:
        return False
    if isinstance(left, _NoText) or isinstance(right, _NoText):
        return operator == "!="
    if isinstance(left, str) or isinstance(right, str):
        assert isinstance(left, str)
        assert isinstance(right, str)
        return {"==": left == right, "!=": left != right}[operator]
    return {
        "==": left == right,
        "!=": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }[operator]


def number(value: Value) -> Fraction:
    assert not isinstance(value, str | tuple | Mapping)
    return Fraction(1) if value is None else Fraction(str(int(value) if isinstance(value, bool) else value))


def term(model: FeatureModel, part: Term, car: Car) -> Fraction | str | _NoText | None:
    """The value of a term in a car; None where a division by zero leaves it without one."""
    match part:
        case Constant(value):
            return value if isinstance(value, str) else number(value)
        case Name(feature):
            if feature not in car.features:
                return _NoText() if model.features[feature].type is FeatureType.STRING else Fraction(0)
            value = car.values[feature]
            return value if isinstance(value, str) else Fraction(value)
        case Attribute(feature, name):
            value = model.features[feature].attributes[name]
            if isinstance(value, str):
                return value if feature in car.features else _NoText()
            return number(value) if feature in car.features else Fraction(0)
        case Arithmetic(operator, left, right):
            one, two = term(model, left, car), term(model, right, car)
            if one is None or two is None:
                return None
            assert isinstance(one, Fraction)
            assert isinstance(two, Fraction)
            if operator == "/":
                return one / two if two else None
            return {"+": one + two, "-": one - two, "*": one * two}[operator]
        case Aggregate():
            return _aggregate(model, part, car)


def _aggregate(model: FeatureModel, part: Aggregate, car: Car) -> Fraction | None:
    if part.operand is not None:
        value = term(model, part.operand, car)
        if part.function == "len":
            return Fraction(len(value)) if isinstance(value, str) else Fraction(0)
        assert value is None or isinstance(value, Fraction)
        if value is None:
            return None
        return Fraction(math.floor(value) if part.function == "floor" else math.ceil(value))
    below = model.below(part.under) if part.under else model.features.values()
    found = [number(one.attributes[part.attribute]) for one in below if part.attribute in one.attributes and one.name in car.features]
    if not found:
        return Fraction(0)
    total = sum(found, Fraction(0))
    return {"sum": total, "avg": total / len(found), "min": min(found), "max": max(found)}[part.function]
