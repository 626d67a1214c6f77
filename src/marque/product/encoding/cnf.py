"""A model as one formula in conjunctive normal form, flat, with the rule that each clause comes from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from marque.product.model import Place


class RuleKind(StrEnum):
    """Where a rule comes from: the tree (a child needs its parent; a mandatory child; a group), or a cross-tree constraint.

    A definition says what the variables above the features stand for: that a typed feature of the car has one value, or what determines an
    auxiliary variable. It holds whatever else does, so it is never part of a conflict.
    """

    ROOT = "root"
    PARENT = "parent"
    MANDATORY = "mandatory"
    GROUP = "group"
    CONSTRAINT = "constraint"
    DEFINITION = "definition"


@dataclass(frozen=True, slots=True)
class Rule:
    """text: a sentence in the model's own names, for people; for a constraint, as it is written. owner: the module that says it."""

    kind: RuleKind
    text: str
    place: Place
    owner: str = ""


@dataclass(frozen=True, eq=False)
class Cnf:
    """names: of the features; feature i (from 0) is variable i + 1.

    variables: of the formula. Those up to `counted` make a car: features, then values of typed features. Those above it are each
    determined by them, so that models of the formula and cars are as many. literals: int32 [n], ±variable; clause c is
    literals[offsets[c]:offsets[c + 1]]; offsets: int32 [clauses + 1]. origins: int32 [clauses], an index into rules.
    """

    names: tuple[str, ...]
    variables: int
    counted: int
    literals: np.ndarray
    offsets: np.ndarray
    origins: np.ndarray
    rules: tuple[Rule, ...]

    @property
    def clauses(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the formula alone: number of variables, offsets, literals, little-endian. Names and rules do not enter."""
        head = np.array([self.variables, self.counted], dtype="<i4").tobytes()
        return hashlib.sha256(head + self.offsets.astype("<i4").tobytes() + self.literals.astype("<i4").tobytes()).hexdigest()

    @cached_property
    def named_digest(self) -> str:
        """SHA-256 of the formula and of the names of its features: of what is known about cars by their features' names."""
        return hashlib.sha256("\n".join((self.digest, *self.names)).encode()).hexdigest()
