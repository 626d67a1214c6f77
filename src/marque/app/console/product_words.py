"""A model line in its reader's words: labels of features, rules as sentences, amounts of money, numbers of cars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import log10

from marque.app.words import Words
from marque.product.configure.decisions import Decision
from marque.product.encoding.cnf import Rule, RuleKind
from marque.product.model import (
    Aggregate,
    And,
    Arithmetic,
    Attribute,
    Compare,
    Constant,
    Feature,
    FeatureModel,
    Formula,
    Group,
    Iff,
    Implies,
    Name,
    Not,
    Or,
    Place,
    Term,
)

_SIGNS = {"CNY": "¥", "EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥"}
_MINUS, _TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
_NAMED = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥", "<": "<", ">": ">"}
_EXACT_DIGITS = 15
"""Up to so many, a number of cars is written whole in a line of text."""
_FEW = 6


def label(feature: Feature, words: Words) -> str:
    """What people read: the model's own label in their language, else in English, else the name without its namespace."""
    said = feature.attributes.get("label_zh") if words.language == "zh" else None
    said = said or feature.attributes.get("label")
    return str(said) if said else feature.name.rpartition(".")[2]


def money(units: int, currency: str, digits: int = 2, *, sign: bool = False) -> str:
    """Minor units as ¥23,000 or ¥61,900.50; sign: with + as well as −."""
    whole, rest = divmod(abs(units), 10**digits)
    amount = f"{whole:,}" + (f".{rest:0{digits}}" if rest else "")
    before = _MINUS if units < 0 else "+" if sign else ""
    return f"{before}{_SIGNS[currency]}{amount}" if currency in _SIGNS else f"{before}{amount} {currency}"


def number_of_cars(count: int, words: Words) -> str:
    """In words: "12,345", or "about 4.2 × 10³¹, 42 nonillion"; a number that has no name of its own stays a power of ten."""
    if count < 10**_EXACT_DIGITS:
        return f"{count:,}"
    power = int(log10(count))
    shown = f"{count // 10 ** (power - 1) / 10:.1f} {_TIMES} 10{_raised(power)}"
    group = 4 if words.language == "zh" else 3
    names = words("product.number.names").split()
    place = power // group
    if place - 1 < len(names):
        return words("product.number.named", shown=shown, number=f"{count // 10 ** (place * group):,}", name=names[place - 1])
    return words("product.number.about", shown=shown)


def _raised(power: int) -> str:
    return str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _named(said: Formula) -> tuple[Formula, ...]:
    """Of what none may hold: each."""
    return said.operands if isinstance(said, Or) else (said,)


@dataclass(frozen=True)
class Teller:
    """Tells of one model in one language."""

    model: FeatureModel
    words: Words
    attributes: Mapping[str, str] = field(default_factory=dict)

    def name(self, name: str) -> str:
        found = self.model.features.get(name)
        return label(found, self.words) if found else name

    def names(self, names: Sequence[str], joined: str = "list.and") -> str:
        return self._joined([self.name(one) for one in names], joined)

    def _joined(self, parts: Sequence[str], joined: str) -> str:
        if len(parts) < 2:
            return "".join(parts)
        return self.words("list.comma").join(parts[:-1]) + self.words(joined) + parts[-1]

    # Formulas

    def formula(self, said: Formula, *, inside: bool = False) -> str:
        """inside: part of a longer sentence, where a list of alternatives stands in brackets."""
        match said:
            case Implies(left, right):
                return self._implies(left, right)
            case Iff(left, right):
                return self.words("product.rule.iff", left=self.formula(left, inside=True), right=self.formula(right, inside=True))
            case And(operands):
                return self._joined([self.formula(one, inside=True) for one in operands], "list.and")
            case Or(operands):
                told = self._joined([self.formula(one, inside=True) for one in operands], "product.rule.or")
                return self.words("product.rule.brackets", inner=told) if inside else told
            case Not(Or(operands)):
                return self.words(
                    "product.rule.none", names=self._joined([self.formula(one, inside=True) for one in operands], "product.rule.nor")
                )
            case Not(operand):
                return self.words("product.rule.not", name=self.formula(operand, inside=True))
            case Compare(operator, left, right):
                return f"{self._term(left)} {_NAMED[operator]} {self._term(right)}"
            case Constant(value):
                return self.words("product.rule.always" if value else "product.rule.never")
            case Name(feature):
                return self.name(feature)
        raise AssertionError(said)

    def _implies(self, left: Formula, right: Formula) -> str:
        told = self.formula(left)
        parts = right.operands if isinstance(right, And) else (right,)
        excluded = [one for part in parts if isinstance(part, Not) for one in _named(part.operand)]
        needed = [part for part in parts if not isinstance(part, Not)]
        without = self._joined([self.formula(one, inside=True) for one in excluded], "list.and")
        if not needed:
            return self.words("product.rule.excludes", left=told, right=without)
        with_ = self._joined([self.formula(one, inside=len(needed) > 1) for one in needed], "list.and")
        if not excluded:
            return self.words("product.rule.requires", left=told, right=with_)
        return self.words("product.rule.both", left=told, right=with_, without=without)

    def _term(self, said: Term) -> str:
        match said:
            case Constant(value):
                return str(value)
            case Name(feature):
                return self.name(feature)
            case Attribute(feature, attribute):
                return self.words("product.rule.attribute", attribute=self.attribute(attribute), name=self.name(feature))
            case Aggregate(function, attribute, under, None):
                told = self.words(
                    "product.rule.sum" if function == "sum" else "product.rule.total",
                    function=function,
                    attribute=self.attribute(attribute),
                )
                return self.words("product.rule.under", total=told, name=self.name(under)) if under else told
            case Aggregate(function, _, _, operand):
                return f"{function}({self._term(operand)})" if operand is not None else function
            case Arithmetic(operator, left, right):
                return f"({self._term(left)} {operator} {self._term(right)})"
        raise AssertionError(said)

    def attribute(self, name: str) -> str:
        return self.words.messages.get(f"product.attribute.{name}", name.replace("_", " "))

    def amount(self, name: str, value: object) -> str:
        """An attribute with its value and unit: "computing power 20 TOPS"."""
        told = self.attribute(name)
        if value is True:
            return told
        for before, after in ((", ", ""), ("（", "）")):
            what, between, unit = told.rpartition(before)
            if between:
                return f"{what} {value} {unit.removesuffix(after)}"
        return f"{told} {value}"

    # Rules and decisions

    @cached_property
    def _written(self) -> Mapping[Place, Formula | Feature | tuple[Feature, Group]]:
        found: dict[Place, Formula | Feature | tuple[Feature, Group]] = {}
        for feature in self.model.features.values():
            found[feature.place] = feature
        for feature in self.model.features.values():
            for group in feature.groups:
                found.setdefault(group.place, (feature, group))
        return found | {one.place: one.formula for one in self.model.constraints}

    def rule(self, rule: Rule) -> str:
        """A rule of the formula as a sentence; as it is written where its place is not in this model."""
        return self._rule(rule, self._written.get(rule.place))

    def _rule(self, rule: Rule, at: Formula | Feature | tuple[Feature, Group] | None) -> str:
        if rule.kind is RuleKind.GROUP and isinstance(at, tuple):
            return self.group(*at)
        if rule.kind is RuleKind.CONSTRAINT and at is not None and not isinstance(at, tuple | Feature):
            return self.formula(at)
        if isinstance(at, Feature) and rule.kind in {RuleKind.PARENT, RuleKind.MANDATORY}:
            return self.words(f"product.rule.{rule.kind}", child=self.name(at.name), parent=self.name(at.parent))
        return rule.text

    def group(self, parent: Feature, group: Group) -> str:
        shown = [self.name(one) for one in group.children[:_FEW]]
        if more := len(group.children) - _FEW if len(group.children) > _FEW else 0:
            shown.append(self.words("product.rule.more", number=more))
        most = len(group.children) if group.most is None else group.most
        if group.least == most:
            key = "product.rule.exactly"
        else:
            key = "product.rule.at-least" if most == len(group.children) else "product.rule.between"
        names = self._joined(shown, "list.and")
        return self.words(key, parent=self.name(parent.name), names=names, least=group.least, most=most)

    def decision(self, said: Decision, day: Callable[[str], str]) -> str:
        """day: in words, why the day of building excludes a feature."""
        if said.given:
            key = f"product.given.{said.given}"
            why = self.words(key) if key in self.words.messages else day(said.feature)
            return self.words("product.conflict.given", name=self.name(said.feature), why=why)
        return self.words("product.conflict.chosen" if said.chosen else "product.conflict.refused", name=self.name(said.feature))

    def built(self, name: str) -> str:
        """Between which days a feature is built; empty where it says nothing."""
        attributes = self.model.features[name].attributes
        first, last = attributes.get("from"), attributes.get("until")
        if first and last:
            return self.words("product.built.between", first=first, last=last)
        if first:
            return self.words("product.built.from", first=first)
        return self.words("product.built.until", last=last) if last else ""
