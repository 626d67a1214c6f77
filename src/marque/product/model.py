"""A feature model: which features a car may have, and which go together. Frozen values; no file, no solver, no database.

Words are those of UVL (the Universal Variability Language): a feature has groups of child features; cross-tree constraints are formulas
over features, their attributes and, for typed features, their values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

Value = bool | int | float | str | tuple["Value", ...] | Mapping[str, "Value"] | None
"""Of an attribute, as written; None for one without a value. Numbers with a fraction are float, exact decimal texts live in price lists."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written. line and column count from 1; file is as the reader was told it."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class FeatureType(StrEnum):
    BOOLEAN = "Boolean"
    INTEGER = "Integer"
    REAL = "Real"
    STRING = "String"


class GroupKind(StrEnum):
    MANDATORY = "mandatory"
    OPTIONAL = "optional"
    OR = "or"
    ALTERNATIVE = "alternative"
    CARDINALITY = "cardinality"


@dataclass(frozen=True, slots=True)
class Group:
    """Of child features. least and most: how many of them with the parent; most None for no limit. They say the same as kind does."""

    kind: GroupKind
    children: tuple[str, ...]
    least: int
    most: int | None
    place: Place


@dataclass(frozen=True, slots=True)
class Feature:
    """name: qualified, unique in its model. least, most: UVL's feature cardinality, 1..1 for an ordinary one."""

    name: str
    parent: str
    groups: tuple[Group, ...]
    place: Place
    type: FeatureType = FeatureType.BOOLEAN
    attributes: Mapping[str, Value] = field(default_factory=dict)
    least: int = 1
    most: int | None = 1
    owner: str = ""
    """The module (namespace of a submodel) it comes from; empty for the model's own."""


# Formulas. Every node is one of these; `Formula` has a truth value, `Term` a number or a text.


@dataclass(frozen=True, slots=True)
class Name:
    """A feature: as a formula, that the car has it; as a term, the value of a typed one."""

    feature: str


@dataclass(frozen=True, slots=True)
class Not:
    operand: Formula


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Implies:
    left: Formula
    right: Formula


@dataclass(frozen=True, slots=True)
class Iff:
    left: Formula
    right: Formula


@dataclass(frozen=True, slots=True)
class Constant:
    """true, false, a number or a text."""

    value: bool | int | float | str


@dataclass(frozen=True, slots=True)
class Compare:
    """operator: one of == != < <= > >=."""

    operator: str
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Attribute:
    """Of a feature; counts 0 where the car does not have the feature."""

    feature: str
    name: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    """function: sum, avg, min, max over all features of the car below `under` (empty: all of them) that have the attribute; len of a text;
    floor, ceil of a term.
    """

    function: str
    attribute: str = ""
    under: str = ""
    operand: Term | None = None


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """operator: one of + - * /."""

    operator: str
    left: Term
    right: Term


Term = Name | Constant | Attribute | Aggregate | Arithmetic
Formula = Name | Constant | Not | And | Or | Implies | Iff | Compare


@dataclass(frozen=True, slots=True)
class Constraint:
    """text: as written, without its indentation. owner: the module that says it."""

    formula: Formula
    text: str
    place: Place
    owner: str = ""


@dataclass(frozen=True)
class FeatureModel:
    """features: by name, parents before children, in the order of the file; root is the first. levels: what the file says it includes."""

    name: str
    features: Mapping[str, Feature]
    constraints: tuple[Constraint, ...]
    levels: tuple[str, ...] = ()

    @property
    def root(self) -> Feature:
        return next(iter(self.features.values()))

    @cached_property
    def order(self) -> Mapping[str, int]:
        """The number of each feature, from 1: its variable in the model's formula."""
        return {name: number for number, name in enumerate(self.features, 1)}

    def below(self, name: str) -> Iterator[Feature]:
        """A feature and all its descendants, parents before children."""
        waiting = [name]
        while waiting:
            feature = self.features[waiting.pop()]
            yield feature
            waiting.extend(child for group in reversed(feature.groups) for child in reversed(group.children))
