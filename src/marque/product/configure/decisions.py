"""What is decided about a car, by whom, and what stands against a decision: frozen values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from marque.common import MarqueError
from marque.product.configure.figures import Figure
from marque.product.encoding.cnf import Rule


class Verb(StrEnum):
    SELECT = "select"
    DESELECT = "deselect"
    RETRACT = "retract"


@dataclass(frozen=True, slots=True)
class Decision:
    """That every car shall have a feature (chosen), or none.

    given: empty for the buyer's own; otherwise what decided it, in words: "for Norway", "not built before 2026-03-01".
    """

    feature: str
    chosen: bool
    given: str = ""

    def __str__(self) -> str:
        if self.given:
            return f"“{self.feature}”{'' if self.chosen else ' not'}: {self.given}"
        return f"you {'chose' if self.chosen else 'refused'} “{self.feature}”"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why no car is left: decisions and rules that cannot hold together; without any one of them there is a car.

    wanted: what was asked for; None where the model itself has no car. decisions: of the buyer, oldest first; given: not the buyer's;
    rules: in an order in which one leads to the next. smallest: whether it is proved that nothing shorter explains it. figures: what each
    of the rules adds up, nothing for most.
    """

    wanted: Decision | None
    decisions: tuple[Decision, ...]
    given: tuple[Decision, ...]
    rules: tuple[Rule, ...]
    smallest: bool
    figures: tuple[tuple[Figure, ...], ...] = ()

    @property
    def title(self) -> str:
        if self.wanted is None:
            return "No car can be built"
        return f"“{self.wanted.feature}” cannot be {'chosen' if self.wanted.chosen else 'left out'}"

    def lines(self) -> Iterator[str]:
        """One for each member, rules with the place where they are written."""
        yield from (str(one) for one in (*self.decisions, *self.given))
        for rule, figures in zip(self.rules, self.figures or ((),) * len(self.rules), strict=True):
            owner = f", {rule.owner}" if rule.owner else ""
            added = f"; {'; '.join(map(str, figures))}" if figures else ""
            yield f"{rule.text}  ({rule.place.file}:{rule.place.line}{owner}){added}"

    def __str__(self) -> str:
        return "\n  ".join([f"{self.title}:", *self.lines()])


class NoCar(MarqueError):
    """A model, or a model with what is given, that leaves no car to configure."""

    def __init__(self, conflict: Conflict) -> None:
        self.conflict = conflict
        super().__init__(str(conflict))

    def __reduce__(self) -> tuple[type[NoCar], tuple[Conflict]]:
        return type(self), (self.conflict,)
