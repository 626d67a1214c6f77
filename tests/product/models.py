"""Small feature models of every shape, for property tests: `feature_models()`; and `placeless`, to compare what was written and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from marque.product.model import (
    Aggregate,
    And,
    Arithmetic,
    Attribute,
    Compare,
    Constant,
    Constraint,
    Feature,
    FeatureModel,
    FeatureType,
    Formula,
    Group,
    GroupKind,
    Iff,
    Implies,
    Name,
    Not,
    Or,
    Place,
    Term,
    Value,
)
from marque.product.uvl import formula_text

_T = TypeVar("_T")

NOWHERE = Place("", 1, 1)
_SHAPES = ["{}", "{}", "{}", "Wheels {}″", "RAM-module-{}", "été {}", "{} // none", "or{}", "sum{}"]
_KEYS = ["price", "mass", "requires_tops", "tow hook"]
_COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]
_TEXTS = ["", "de", "21″", "Wagen, rot", "// none", "a.b"]
_FLOATS = st.floats(-1e6, 1e6)
_UP_TO = [st.integers(0, most) for most in range(256)]


def placeless(model: FeatureModel) -> FeatureModel:
    """The model as if nobody knew where it was written; texts of constraints go too, since spaces and brackets are no matter."""
    features = {
        name: replace(feature, place=NOWHERE, groups=tuple(replace(group, place=NOWHERE) for group in feature.groups))
        for name, feature in model.features.items()
    }
    constraints = tuple(replace(constraint, place=NOWHERE, text="") for constraint in model.constraints)
    return replace(model, features=features, constraints=constraints)


@st.composite
def formulas(draw: st.DrawFn, names: Sequence[str], *, most: int = 8) -> Formula:
    """Over features, with up to about `most` leaves."""
    return _Maker(draw).formula([Name(name) for name in names], most)


@st.composite
def feature_models(draw: st.DrawFn, *, most: int = 8, constraints: int = 3, arithmetic: bool = False, types: bool = False) -> FeatureModel:
    """Models of 1 to `most` features and up to `constraints` constraints; Boolean, with group cardinalities and attributes.

    arithmetic: constraints compare attributes too, and sums. types: some features are Integer, Real or String, some have a cardinality
    of their own, and attributes have values of every kind.
    """
    return _Maker(draw, arithmetic=arithmetic, types=types).model(most, constraints)


class _Maker:
    """Draws small numbers only: strategies of strategies take ten times as long."""

    def __init__(self, draw: st.DrawFn, *, arithmetic: bool = False, types: bool = False) -> None:
        self._draw, self._arithmetic, self._types = draw, arithmetic, types

    def upto(self, most: int) -> int:
        return self._draw(_UP_TO[most])

    def one(self, choices: Sequence[_T]) -> _T:
        return choices[self.upto(len(choices) - 1)]

    def model(self, most: int, constraints: int) -> FeatureModel:
        count = 1 + self.upto(most - 1)
        parents = [0, *(self.upto(number - 1) for number in range(1, count))]
        names = [self.one(_SHAPES).format(f"F{number}") for number in range(count)]
        features: dict[str, Feature] = {}
        waiting = [0]
        while waiting:
            number = waiting.pop()
            below = [child for child in range(1, count) if parents[child] == number]
            parent = names[parents[number]] if number else ""
            features[names[number]] = self.feature(names[number], parent, [names[child] for child in below])
            waiting.extend(reversed(below))
        rules = [self.formula(self.conditions(features), 6) for _ in range(self.upto(constraints))]
        told = tuple(Constraint(formula, formula_text(formula), NOWHERE) for formula in rules)
        return FeatureModel(names[0], features, told)

    def feature(self, name: str, parent: str, children: Sequence[str]) -> Feature:
        groups = []
        while children:
            size = 1 + self.upto(len(children) - 1)
            groups.append(self.group(tuple(children[:size])))
            children = children[size:]
        attributes: dict[str, Value] = {key: self.upto(9) for key in _KEYS if self.upto(3) == 0}
        plain = Feature(name, parent, tuple(groups), NOWHERE, attributes=attributes)
        if not self._types:
            return plain
        kind = self.one([FeatureType.BOOLEAN, *FeatureType])
        least, most = self.one([(1, 1), (1, 1), (0, 1), (0, None), (1, 3), (2, 4)])
        attributes |= {key: self.value(2) for key in ("abstract", "until", "Notes, more") if self.upto(3) == 0}
        return replace(plain, type=kind, least=least, most=most)

    def group(self, children: tuple[str, ...]) -> Group:
        size = len(children)
        kind = self.one(list(GroupKind))
        if kind is GroupKind.CARDINALITY:
            least = self.upto(size)
            most = self.one([None, max(least, 1), size])
        else:
            bounds: dict[GroupKind, tuple[int, int | None]] = {
                GroupKind.MANDATORY: (size, size),
                GroupKind.OPTIONAL: (0, None),
                GroupKind.OR: (1, None),
                GroupKind.ALTERNATIVE: (1, 1),
            }
            least, most = bounds[kind]
        return Group(kind, children, least, most, NOWHERE)

    def value(self, depth: int) -> Value:
        match self.upto(8 if depth else 5):
            case 0:
                return None if depth == 2 else True
            case 1:
                return self.upto(1) == 1
            case 2:
                return self.upto(31) - 10
            case 3:
                return self._draw(_FLOATS)
            case 4 | 5:
                return self.one(_TEXTS)
            case 6 | 7:
                return tuple(self.value(depth - 1) for _ in range(self.upto(3)))
            case _:
                return {key: self.value(depth - 1) for key in ("from", "until") if self.upto(1)}

    def conditions(self, features: dict[str, Feature]) -> list[Formula]:
        """What constraints are made of: features, and comparisons of what there is to compare."""
        names: list[Formula] = [Name(name) for name in features]
        if not self._arithmetic:
            return names
        numbers: list[Term] = [Attribute(name, key) for name, feature in features.items() for key in _KEYS if key in feature.attributes]
        numbers += [Aggregate(self.one(["sum", "avg", "min", "max"]), each.name) for each in numbers if isinstance(each, Attribute)]
        numbers += [Name(name) for name, feature in features.items() if feature.type in (FeatureType.INTEGER, FeatureType.REAL)]
        made: list[Formula] = [Compare(self.one(_COMPARISONS), self.term(numbers, 2), self.term(numbers, 2)) for _ in range(3)]
        texts = [Name(name) for name, feature in features.items() if feature.type is FeatureType.STRING]
        made += [Compare(self.one(_COMPARISONS[:2]), text, Constant(self.one(_TEXTS))) for text in texts]
        made += [Compare(self.one(_COMPARISONS), Aggregate("len", operand=text), Constant(self.upto(9))) for text in texts]
        return names + made

    def term(self, numbers: Sequence[Term], depth: int) -> Term:
        what = self.upto(5 if depth else 2)
        if what == 0 or (what <= 2 and not numbers):
            return Constant(self.upto(23) - 3)
        if what <= 2:
            return self.one(numbers)
        if what == 3 and self._types:
            return Aggregate(self.one(["floor", "ceil"]), operand=self.term(numbers, depth - 1))
        return Arithmetic(self.one("+-*/" if self._types else "+-*"), self.term(numbers, depth - 1), self.term(numbers, depth - 1))

    def formula(self, leaves: Sequence[Formula], most: int) -> Formula:
        if most <= 1:
            return self.one(leaves)
        match self.upto(6):
            case 0:
                return self.one(leaves)
            case 1:
                return Not(self.formula(leaves, most - 1))
            case 2 | 3:
                return And(tuple(self.formula(leaves, most // 2) for _ in range(2 + self.upto(1))))
            case 4:
                return Or(tuple(self.formula(leaves, most // 2) for _ in range(2 + self.upto(1))))
            case 5:
                return Implies(self.formula(leaves, most // 2), self.formula(leaves, most // 2))
            case _:
                return Iff(self.formula(leaves, most // 2), self.formula(leaves, most // 2))
