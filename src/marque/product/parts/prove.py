"""Every car that may be built resolves every slot to exactly one item: proved, or shown wrong with a car."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from marque.product.model import Place
from marque.product.parts.bill import Bill, Slot, Usage
from marque.product.parts.names import features
from marque.product.parts.question import Asked, Line, Question, Witness, misnamed

_TOLD = 12
"""Features of a witness that a sentence names at most."""


class Kind(StrEnum):
    """GAP: a car needs the slot, and no item fits. OVERLAP: two fit. SURPLUS: an item fits where the car does not need the slot.

    NEVER_USED: an item fits no car. NEVER_REQUIRED: no car needs the slot. UNKNOWN: a condition names what the model does not have;
    the slot was not asked about.
    """

    GAP = "gap"
    OVERLAP = "overlap"
    SURPLUS = "surplus"
    NEVER_USED = "never-used"
    NEVER_REQUIRED = "never-required"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """items: by number. sentence: for people. place: of the slot or of the item in the bill. witness: a car that shows it."""

    kind: Kind
    slot: str
    items: tuple[str, ...]
    sentence: str
    place: Place
    witness: Witness | None = None


def prove(product: Line, bill: Bill) -> list[Finding]:
    """What is wrong with the bill; an empty list proves that each car on each of its days has each part that it needs exactly once.

    InputError only for what the conditions themselves cannot be asked about; names that the model does not have are findings.
    """
    found = [_unknown(slot, usage, told) for slot in bill.slots.values() for told, usage in misnamed(product.model, slot)]
    with Question(product, bill) as question:
        used: set[int] = set()
        for slot in question.slots.values():
            found.extend(_slot(question, slot, question.asked[slot.code], used))
        return found


def _unknown(slot: Slot, usage: Usage | None, told: str) -> Finding:
    if usage is None:
        return Finding(Kind.UNKNOWN, slot.code, (), _where(slot) + told, slot.place)
    return Finding(Kind.UNKNOWN, slot.code, (usage.item,), _where(slot, usage.item) + told, usage.place)


def _slot(question: Question, slot: Slot, asked: Asked, used: set[int]) -> Iterator[Finding]:
    solution = question.solve([asked.required, -asked.filled])
    if solution:
        yield _finding(question, slot, Kind.GAP, (), solution, "no item fits")
    solution = question.solve([-asked.required, asked.filled])
    if solution:
        fitting = [usage.item for usage, literal in zip(slot.usages, asked.usages, strict=True) if _holds(solution, literal)]
        yield _finding(question, slot, Kind.SURPLUS, fitting, solution, f"{fitting[0]} fits, but the slot is not needed")
    if question.solve([asked.doubled]):
        yield from _overlaps(question, slot, asked)
    solution = question.solve([asked.required])
    if solution is None:
        yield Finding(Kind.NEVER_REQUIRED, slot.code, (), _where(slot) + "no car needs it", slot.place)
        return
    _see(used, asked, solution)
    for usage, literal in zip(slot.usages, asked.usages, strict=True):
        if literal in used:
            continue
        solution = question.solve([literal])
        if solution is None:
            text = f"no car that may be built has {usage.text}" if not (usage.plants or usage.since or usage.until) else "no car uses it"
            yield Finding(Kind.NEVER_USED, slot.code, (usage.item,), _where(slot, usage.item) + text, usage.place)
        else:
            _see(used, asked, solution)


def _overlaps(question: Question, slot: Slot, asked: Asked) -> Iterator[Finding]:
    for first, second in combinations(range(len(slot.usages)), 2):
        solution = question.solve([asked.usages[first], asked.usages[second]])
        if solution:
            items = [slot.usages[first].item, slot.usages[second].item]
            yield _finding(question, slot, Kind.OVERLAP, items, solution, f"{items[0]} and {items[1]} both fit")


def _see(used: set[int], asked: Asked, solution: Sequence[int]) -> None:
    used.update(literal for literal in asked.usages if _holds(solution, literal))


def _holds(solution: Sequence[int], literal: int) -> bool:
    return (solution[abs(literal) - 1] > 0) == (literal > 0)


def _finding(question: Question, slot: Slot, kind: Kind, items: Sequence[str], solution: Sequence[int], told: str) -> Finding:
    witness = question.witness(solution)
    day = f", built on {witness.on}" if witness.on else ""
    sentence = f"{_where(slot)}{told} in a car {described(witness.features, _deciding(slot))}{day}"
    place = next((usage.place for usage in slot.usages if usage.item in items), slot.place)
    return Finding(kind, slot.code, tuple(items), sentence, place, witness)


def _deciding(slot: Slot) -> Iterator[str]:
    yield from features(slot.required)
    for usage in slot.usages:
        yield from features(usage.when)
        yield from usage.plants


def described(car: frozenset[str], deciding: Iterable[str]) -> str:
    """A car by the features that matter: those it has, and where it has none of them, those it lacks."""
    names = list(dict.fromkeys(deciding))
    has = [name for name in names if name in car]
    shown = has or names
    more = f" and {len(shown) - _TOLD} more" if len(shown) > _TOLD else ""
    return ("with " if has else "without ") + (", ".join(shown[:_TOLD]) + more if shown else "any features")


def _where(slot: Slot, item: str = "") -> str:
    return f"slot {slot.code}, item {item}: " if item else f"slot {slot.code}: "
