"""Configuring a car click by click: each click is answered exactly, or refused with the reason, and then nothing has changed.

What a click means is told in docs/product.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from marque.common import Refusal
from marque.product.configure.decisions import Conflict, Decision, NoCar, Verb
from marque.product.configure.explain import conflict, literal, why
from marque.product.configure.product import Product


class Standing(StrEnum):
    """Of a feature: the buyer's own decision, decided by what is given, follows from these, or free."""

    CHOSEN = "chosen"
    REFUSED = "refused"
    GIVEN = "given"
    EXCLUDED = "excluded"
    FORCED = "forced"
    FORBIDDEN = "forbidden"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Changes:
    """Names of features whose standing among forced, forbidden and free is new."""

    forced: tuple[str, ...]
    forbidden: tuple[str, ...]
    free: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Answer:
    """A state of a configuration.

    given: decided beforehand, such as market and date. decisions: the buyer's, oldest first, at most one for each feature.
    domains: int8 [features + 1], by variable: 1 in every car that is left, −1 in none, 0 free; row 0 unused.
    """

    product: Product
    given: tuple[Decision, ...]
    decisions: tuple[Decision, ...]
    domains: np.ndarray

    @property
    def forced(self) -> list[str]:
        """Features of every car that is left, decided ones and those of every car of the model included, in the model's order."""
        return self._named(self.domains == 1)

    @property
    def forbidden(self) -> list[str]:
        """Features of no car that is left, in the model's order."""
        return self._named(self.domains == -1)

    @property
    def free(self) -> list[str]:
        return self._named(self.domains == 0)

    @property
    def free_count(self) -> int:
        return int(np.count_nonzero(self.domains[1:] == 0))

    @property
    def count(self) -> int | None:
        """Cars that are left, exactly; None where a solver answers, which does not count. Worked out when asked for."""
        return self.product.count(self.literals)

    @property
    def literals(self) -> list[int]:
        """Given ones first."""
        return [literal(self.product, one) for one in (*self.given, *self.decisions)]

    def standing(self, name: str) -> Standing:
        """Raises InputError for an unknown name."""
        domain = int(self.domains[self.product.variable(name)])
        own = next((one for one in self.decisions if one.feature == name), None)
        if own is not None:
            return Standing.CHOSEN if own.chosen else Standing.REFUSED
        if any(one.feature == name for one in self.given):
            return Standing.GIVEN if domain > 0 else Standing.EXCLUDED
        return (Standing.FREE, Standing.FORCED, Standing.FORBIDDEN)[domain]

    def why(self, name: str) -> Conflict | None:
        """What makes a feature forced or forbidden, its own decision aside; None where it is free without that. Raises InputError."""
        domain = int(self.domains[self.product.variable(name)])
        return None if domain == 0 else why(self.product, name, domain > 0, (*self.given, *self.decisions))

    def changes(self, before: Answer) -> Changes:
        new = self.domains != before.domains
        return Changes(*(tuple(self._named(new & (self.domains == domain))) for domain in (1, -1, 0)))

    def _named(self, wanted: np.ndarray) -> list[str]:
        wanted[0] = False
        names: list[str] = self.product.names[wanted].tolist()
        return names


def begin(product: Product, given: Sequence[Decision] = ()) -> Answer | Conflict:
    """Before the first click. Of several that are given about a feature the last counts. Raises InputError for an unknown name."""
    last = {one.feature: one for one in given}
    domains = product.after(literal(product, one) for one in last.values())
    if domains is not None:
        return Answer(product, tuple(last.values()), (), domains)
    against = conflict(product, None, tuple(last.values()))
    assert against is not None
    return against


def click(answer: Answer, verb: Verb, name: str) -> Answer | Conflict | Refusal:
    """The next state; what leaves no car is a Conflict, what has no object a Refusal. Raises InputError for an unknown name.

    The buyer has one decision about a feature: a new one replaces it and counts as the youngest.
    """
    product, variable = answer.product, answer.product.variable(name)
    others = tuple(one for one in answer.decisions if one.feature != name)
    decided = len(others) < len(answer.decisions)
    if verb is Verb.RETRACT:
        return _retract(answer, name, others) if decided else Refusal(f"“{name}” was not decided, so there is nothing to take back")
    decision = Decision(name, verb is Verb.SELECT)
    side = 1 if decision.chosen else -1
    domain = int(answer.domains[variable])
    if domain == side:  # it follows already: decided anew, it changes nothing
        domains: np.ndarray | None = answer.domains
    elif domain == -side and not decided:
        domains = None
    else:
        before = (*answer.given, *others)
        domains = product.after([*(literal(product, one) for one in before), side * variable])
    if domains is not None:
        return Answer(product, answer.given, (*others, decision), domains)
    against = conflict(product, decision, (*answer.given, *others))
    assert against is not None
    return against


def _retract(answer: Answer, name: str, others: tuple[Decision, ...]) -> Answer:
    domains = answer.product.after(literal(answer.product, one) for one in (*answer.given, *others))
    assert domains is not None, name
    return Answer(answer.product, answer.given, others, domains)


class Configuration:
    """One buyer's way from click to click. Raises NoCar where not even the first state leaves one, InputError for unknown names."""

    def __init__(self, product: Product, given: Sequence[Decision] = ()) -> None:
        first = begin(product, given)
        if isinstance(first, Conflict):
            raise NoCar(first)
        self._past = [first]

    @property
    def answer(self) -> Answer:
        return self._past[-1]

    def select(self, name: str) -> Answer | Conflict:
        return self._step(Verb.SELECT, name)

    def deselect(self, name: str) -> Answer | Conflict:
        return self._step(Verb.DESELECT, name)

    def retract(self, name: str) -> Answer | Refusal:
        """A Refusal where the buyer has not decided about the feature."""
        after = click(self.answer, Verb.RETRACT, name)
        assert not isinstance(after, Conflict)
        if isinstance(after, Answer):
            self._past.append(after)
        return after

    def undo(self) -> Answer:
        """The state before the last click that changed something; the first state stays."""
        if len(self._past) > 1:
            self._past.pop()
        return self.answer

    def why(self, name: str) -> Conflict | None:
        return self.answer.why(name)

    def _step(self, verb: Verb, name: str) -> Answer | Conflict:
        after = click(self.answer, verb, name)
        assert not isinstance(after, Refusal)
        if isinstance(after, Answer):
            self._past.append(after)
        return after
