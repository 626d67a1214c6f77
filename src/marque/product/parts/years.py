"""What changes between two variants of a line, such as its model years: features and parts that only one of them may have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from marque.common import InputError
from marque.product.parts.bill import Bill, Slot, Usage
from marque.product.parts.question import Asked, Line, Question


class Answering(Line, Protocol):
    """A product that also answers what every car with some features has."""

    def after(self, literals: Iterable[int], /) -> np.ndarray | None:
        """int8 [features + 1]: 0 in some, 1 in every car that has all these literals, −1 in none; None where there is no such car."""


@dataclass(frozen=True, slots=True)
class SlotDifference:
    """gone, new: usages that only cars before, only cars after can have. kept: how many of the slot both have."""

    slot: Slot
    gone: tuple[Usage, ...]
    new: tuple[Usage, ...]
    kept: int


@dataclass(frozen=True, slots=True)
class Differences:
    """gone, new: features that no car after, no car before can have. now_in_all: options before that every car after has; no_longer_in_all:
    the reverse. Features in the order of the model.
    """

    before: str
    after: str
    gone: tuple[str, ...]
    new: tuple[str, ...]
    now_in_all: tuple[str, ...]
    no_longer_in_all: tuple[str, ...]
    slots: tuple[SlotDifference, ...]


def differences(product: Answering, before: str, after: str, bill: Bill | None = None, given: Iterable[str] = ()) -> Differences:
    """before, after: features, one for each of the two variants; given: features that both have, such as a market.

    InputError for a feature that the model does not have, or that no car has together with those given.
    """
    order = product.model.order
    given = tuple(given)
    for name in (before, after, *given):
        if name not in order:
            raise InputError(product.model.name, name, "there is no such feature")
    old, new = (_after(product, (name, *given)) for name in (before, after))
    names = [name for name in order if name not in (before, after)]
    pairs = [(name, int(old[order[name]]), int(new[order[name]])) for name in names]
    return Differences(
        before,
        after,
        gone=tuple(name for name, was, now in pairs if was >= 0 and now < 0),
        new=tuple(name for name, was, now in pairs if was < 0 and now >= 0),
        now_in_all=tuple(name for name, was, now in pairs if was == 0 and now == 1),
        no_longer_in_all=tuple(name for name, was, now in pairs if was == 1 and now == 0),
        slots=_slots(product, bill, (before, *given), (after, *given)) if bill else (),
    )


def _after(product: Answering, names: tuple[str, ...]) -> np.ndarray:
    found = product.after(product.model.order[name] for name in names)
    if found is None:
        raise InputError(product.model.name, ", ".join(names), "no car has all of these")
    return found


def _slots(product: Line, bill: Bill, before: tuple[str, ...], after: tuple[str, ...]) -> tuple[SlotDifference, ...]:
    with Question(product, bill) as question:
        found = []
        for code, slot in question.slots.items():
            asked = question.asked[code]
            old, new = (_usable(question, asked, names) for names in (before, after))
            gone = tuple(slot.usages[number] for number in sorted(old - new))
            added = tuple(slot.usages[number] for number in sorted(new - old))
            if gone or added:
                found.append(SlotDifference(slot, gone, added, len(old & new)))
        return tuple(found)


def _usable(question: Question, asked: Asked, names: tuple[str, ...]) -> set[int]:
    assumed = [question.feature(name) for name in names]
    return {number for number, literal in enumerate(asked.usages) if question.solve([*assumed, literal])}
