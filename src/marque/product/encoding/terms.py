"""Comparisons of attributes, aggregates and values, as clauses: exact, in whole numbers after scaling, never by rounding.

What a term is worth: an attribute of a feature that is not in the car counts 0, and so does a sum, mean, least or greatest value over no
feature; a Boolean attribute counts 1 for true, and so does one without a value. The text of a feature that is not in the car is unequal to
every text. A comparison with a division by zero in it does not hold. Numbers with a fraction are what their shortest decimal text says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from marque.product.encoding.clauses import Builder, Clause, all_of
from marque.product.encoding.polynomials import (
    ONE,
    Families,
    NotExactError,
    Polynomial,
    added,
    constant,
    limits,
    multiplied,
    of_literal,
    whole,
)
from marque.product.encoding.pseudo_boolean import Choice, between_choices
from marque.product.encoding.values import MOST_VALUES, Domain
from marque.product.model import Aggregate, Arithmetic, Attribute, Compare, Constant, Feature, FeatureModel, FeatureType, Name, Term, Value

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(frozen=True)
class _Number:
    """above / below, where none of needs is 0. positive: that below is above 0 in every car. bounds: where narrower ones are known."""

    above: Polynomial
    below: Polynomial = field(default_factory=lambda: ONE)
    needs: tuple[Polynomial, ...] = ()
    positive: bool = True
    bounds: tuple[Fraction, Fraction] | None = None


@dataclass(frozen=True)
class _Text:
    """Each text with the literal that says it is this one, at most one of them; 0 for one that it always is. rest: others may be too."""

    texts: tuple[tuple[int, str], ...]
    rest: bool = False


class Comparisons:
    """Of one model; `clauses` is what a Builder calls for a comparison."""

    def __init__(self, builder: Builder, model: FeatureModel, domains: Mapping[str, Domain]) -> None:
        self.builder, self.model, self.domains = builder, model, domains
        self.families = Families({}, {}, {})
        self._extremes: dict[Aggregate, Polynomial] = {}
        for name, domain in domains.items():
            self.families.add(domain.variables, model.order[name])

    def clauses(self, compare: Compare, holds: bool) -> list[Clause]:
        """Raises NotExactError."""
        left, right = self._term(compare.left), self._term(compare.right)
        if isinstance(left, _Text) or isinstance(right, _Text):
            return self._texts(compare.operator, left, right, holds)
        difference = self._sum(left, right, Fraction(-1))
        needs = [self._sign(need, "!=" if holds else "==") for need in difference.needs]
        together: Callable[[list[list[Clause]]], list[Clause]] = all_of if holds else self.builder.any_of
        return together([self._against_zero(difference, compare.operator, holds), *needs])

    def _against_zero(self, number: _Number, operator: str, holds: bool) -> list[Clause]:
        """Of a number that has a value."""
        if number.positive:
            return self._sign(number.above, operator if holds else _OPPOSITE[operator])
        return self._of_quotient(number, operator, holds)

    def _of_quotient(self, number: _Number, operator: str, holds: bool) -> list[Clause]:
        """Multiplying by a negative divisor turns a comparison round; that it is not 0 is among the needs."""
        cases = []
        for sign, turned in ((">", operator), ("<", _MIRRORED[operator])):
            parts = ((number.below, sign), (number.above, turned))
            signs = [self._sign(each, one if holds else _OPPOSITE[one]) for each, one in parts]
            cases.append(all_of(signs) if holds else self.builder.any_of(signs))
        return self.builder.any_of(cases) if holds else all_of(cases)

    # A polynomial against 0

    def _sign(self, polynomial: Polynomial, operator: str) -> list[Clause]:
        factors, rest = whole(polynomial)
        choices = self._choices(factors)
        bound = -rest
        up, down = math.ceil(bound), math.floor(bound)

        def side(least: int | None, most: int | None) -> list[Clause]:
            return between_choices(self.builder, choices, least, most)

        match operator:
            case ">=":
                return side(up, None)
            case ">":
                return side(down + 1, None)
            case "<=":
                return side(None, down)
            case "<":
                return side(None, up - 1)
            case "==":
                return side(up, up) if up == down else [frozenset()]
            case _:
                return self.builder.any_of([side(None, up - 1), side(up + 1, None)]) if up == down else []

    def _choices(self, factors: Mapping[frozenset[int], int]) -> list[Choice]:
        """Products that no car has two of are one choice: those of one family, or of the same families and otherwise the same variables."""
        alike: dict[tuple[frozenset[int], frozenset[int]], list[tuple[frozenset[int], int]]] = {}
        for product, factor in factors.items():
            families = frozenset(self.families.of[variable] for variable in product if variable in self.families.of)
            others = frozenset(variable for variable in product if variable not in self.families.of)
            alike.setdefault((families, others if families else product), []).append((product, factor))
        return [self._choice(*key, products) for key, products in alike.items()]

    def _choice(self, families: frozenset[int], others: frozenset[int], products: list[tuple[frozenset[int], int]]) -> Choice:
        by_factor: dict[int, list[int]] = {}
        for product, factor in products:
            by_factor.setdefault(factor, []).append(self._all(product))
        literals = [self.builder.named([frozenset(each)]) for each in by_factor.values()]
        if len(families) == 1 and not others and len(products) == self.families.size[next(iter(families))]:
            some = self.families.any[next(iter(families))]
        else:
            some = self.builder.named([frozenset(literals)])
        return Choice((*literals, -some), (*by_factor, 0))

    def _all(self, variables: frozenset[int]) -> int:
        return self.builder.named([frozenset((variable,)) for variable in sorted(variables)])

    # Texts

    def _texts(self, operator: str, left: _Number | _Text, right: _Number | _Text, holds: bool) -> list[Clause]:
        if not isinstance(left, _Text) or not isinstance(right, _Text):
            raise NotExactError("a text is compared with a number", "Compare texts with texts.")
        if operator not in {"==", "!="}:
            raise NotExactError(f"texts have no order, so {operator} says nothing", "Use == or !=.")
        for one, other in ((left, right), (right, left)):
            known = {text for _, text in one.texts}
            if one.rest and any(text not in known for _, text in other.texts):
                raise NotExactError(
                    "a text is compared that the model's constraints do not tell apart from others",
                    "Give the String feature the list of its possible texts, an attribute `values`.",
                )
        pairs = [[one, other] for one, text in left.texts for other, same in right.texts if text == same]
        equal = holds == (operator == "==")
        cases = [[frozenset((literal if equal else -literal,)) for literal in dict.fromkeys(pair) if literal] for pair in pairs]
        if equal:
            return self.builder.any_of(cases)
        return all_of([self.builder.any_of([[one] for one in case]) for case in cases])

    # Terms

    def _term(self, term: Term) -> _Number | _Text:
        match term:
            case Constant(value):
                return _Text(((0, value),)) if isinstance(value, str) else _Number(constant(exact(value)))
            case Name(feature):
                return self._value(self.model.features[feature])
            case Attribute(feature, name):
                return self._attribute(self.model.features[feature], name)
            case Aggregate():
                return self._aggregate(term)
            case Arithmetic(operator, left, right):
                return self._arithmetic(operator, self._number(left), self._number(right))

    def _number(self, term: Term) -> _Number:
        found = self._term(term)
        if isinstance(found, _Text):
            raise NotExactError("a text stands where a number is needed", "Use `len(…)` for its length.")
        return found

    def _value(self, feature: Feature) -> _Number | _Text:
        if feature.type is FeatureType.BOOLEAN:
            raise NotExactError(
                f"“{feature.name}” is Boolean and has no number", "Write `=>`, `<=>` or `!`, or compare an attribute of it."
            )
        domain = self.domains.get(feature.name)
        if domain is None:
            raise NotExactError(
                f"“{feature.name}” has no list of values, because no constraint of the model uses it",
                "Give it attributes `min` and `max`, or `values`.",
            )
        pairs = list(zip(domain.variables, domain.values, strict=True))
        if feature.type is FeatureType.STRING:
            return _Text(tuple((variable, str(value)) for variable, value in pairs), domain.rest)
        return _Number({frozenset((variable,)): Fraction(value) for variable, value in pairs if value})

    def _attribute(self, feature: Feature, name: str) -> _Number | _Text:
        self._single(feature)
        value = feature.attributes.get(name)
        if name not in feature.attributes:
            raise NotExactError(f"“{feature.name}” has no attribute “{name}”", "See its line in the model.")
        variable = self.model.order[feature.name]
        if isinstance(value, str):
            return _Text(((variable, value),))
        return _Number(of_literal(variable, exact(value, feature, name)))

    def _single(self, feature: Feature) -> None:
        if feature.type is FeatureType.BOOLEAN and feature.name in self.domains:
            raise NotExactError(
                f"an attribute of “{feature.name}” is counted, of which a car may have several",
                "Write each copy as a feature of its own in a group with a cardinality.",
            )

    def _sum(self, left: _Number, right: _Number, factor: Fraction = ONE[frozenset()]) -> _Number:
        needs = (*left.needs, *right.needs)
        if left.below == right.below:
            return _Number(added(left.above, right.above, factor), left.below, needs, left.positive)
        first, second = (multiplied(left.above, right.below, self.families), multiplied(right.above, left.below, self.families))
        below = multiplied(left.below, right.below, self.families)
        return _Number(added(first, second, factor), below, needs, left.positive and right.positive)

    def _arithmetic(self, operator: str, left: _Number, right: _Number) -> _Number:
        if operator in {"+", "-"}:
            return self._sum(left, right, Fraction(1 if operator == "+" else -1))
        needs, positive = (*left.needs, *right.needs), left.positive and right.positive
        if operator == "*":
            above = multiplied(left.above, right.above, self.families)
            return _Number(above, multiplied(left.below, right.below, self.families), needs, positive)
        above, below = multiplied(left.above, right.below, self.families), multiplied(left.below, right.above, self.families)
        low, high = limits(right.above, self.families)
        if low > 0 and positive:
            return _Number(above, below, needs)
        if high < 0 and positive:
            return _Number(added({}, above, Fraction(-1)), added({}, below, Fraction(-1)), needs)
        return _Number(above, below, (*needs, right.above), positive=False)

    # Aggregates

    def _aggregate(self, term: Aggregate) -> _Number:
        if term.operand is not None:
            if term.function == "len":
                return self._length(self._term(term.operand))
            return self._rounded(self._number(term.operand), term.function == "floor")
        everywhere = self.model.below(term.under) if term.under else self.model.features.values()
        below = [one for one in everywhere if term.attribute in one.attributes]
        for one in below:
            self._single(one)
        found = [(self.model.order[one.name], exact(one.attributes[term.attribute], one, term.attribute)) for one in below]
        if term.function in {"min", "max"}:
            if term not in self._extremes:
                self._extremes[term] = self._extreme(dict(found), term.function == "max")
            return _Number(self._extremes[term])
        total: Polynomial = {frozenset((variable,)): number for variable, number in found if number}
        if term.function == "sum":
            return _Number(total)
        if not found:
            return _Number({})
        some = self.builder.named([frozenset(variable for variable, _ in found)])
        number = added({frozenset((variable,)): Fraction(1) for variable, _ in found}, of_literal(-some, Fraction(1)))
        numbers = [each for _, each in found]
        return _Number(total, number, bounds=(min(*numbers, Fraction(0)), max(*numbers, Fraction(0))))

    def _extreme(self, numbers: Mapping[int, Fraction], greatest: bool) -> Polynomial:
        """A family of auxiliary variables, one for each number that may be the extreme one: a feature has it and none has one beyond."""
        ordered = sorted(set(numbers.values()), reverse=greatest)
        beyond = self.builder.named([frozenset()])
        variables: list[int] = []
        for number in ordered:
            here = frozenset(variable for variable, each in numbers.items() if each == number)
            one = self.builder.fresh()
            self.builder.define([[-one, *here], [-one, -beyond], *([one, -variable, beyond] for variable in here)])
            variables.append(one)
            beyond = self.builder.named([here | {beyond}])
        self.families.add(variables, beyond)
        return {frozenset((variable,)): number for variable, number in zip(variables, ordered, strict=True) if number}

    def _rounded(self, number: _Number, down: bool) -> _Number:
        """As many steps up from the least whole number as the term reaches."""
        low, high = number.bounds or self._bounds(number)
        first, last = (math.floor(low), math.floor(high)) if down else (math.ceil(low), math.ceil(high))
        if last - first > MOST_VALUES:
            raise NotExactError(f"floor or ceil may have more than {MOST_VALUES:,} values", "Use a larger unit.")
        found: Polynomial = constant(Fraction(first if down else last))
        for step in range(first, last):
            difference = self._sum(number, _Number(constant(Fraction(step + 1 if down else step))), Fraction(-1))
            clauses = self._against_zero(difference, ">=" if down else "<=", True)
            found = added(found, of_literal(self.builder.named(clauses), Fraction(1 if down else -1)))
        return _Number(found, needs=number.needs)

    def _bounds(self, number: _Number) -> tuple[Fraction, Fraction]:
        low, high = limits(number.above, self.families)
        least, most = limits(number.below, self.families)
        smallest = Fraction(1, math.lcm(*(factor.denominator for factor in number.below.values())))
        if number.positive:
            least = max(least, smallest)
            return min(low / least, low / most), max(high / least, high / most)
        farthest = max(-low, high) / smallest
        return -farthest, farthest

    def _length(self, text: _Number | _Text) -> _Number:
        if not isinstance(text, _Text):
            raise NotExactError("len of a number", "Use len of a text.")
        total: Polynomial = {}
        for literal, each in text.texts:
            length = Fraction(len(each))
            total = added(total, of_literal(literal, length) if literal else constant(length))
        return _Number(total)


def exact(value: Value, feature: Feature | None = None, name: str = "") -> Fraction:
    """The number of an attribute or constant. Raises NotExactError for one that has none."""
    if value is None or isinstance(value, bool):
        return Fraction(1 if value is None else int(value))
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return Fraction(str(value))
    where = f"attribute “{name}” of “{feature.name}”" if feature else "a constant"
    raise NotExactError(f"{where} is not a number", "Write a number, or use another attribute.")
