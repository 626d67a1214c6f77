"""A 150 % bill of materials: every part that any car of the line may need, and when. Frozen values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property

from marque.product.model import Formula, Place


class Side(StrEnum):
    """Whose part it is: who develops and supplies it."""

    CARMAKER = "carmaker"
    PARTNER = "partner"


@dataclass(frozen=True, slots=True)
class Item:
    """A part by its number. unit: what quantities of it count (piece, m, kg, l)."""

    number: str
    name: str
    name_zh: str
    side: Side
    unit: str = "piece"


@dataclass(frozen=True, slots=True)
class Usage:
    """An item in a slot. It is used in a car where `when` holds, built at one of `plants` (empty: any) between two days, both included.

    plants: features of the model. when, plants and days together are the usage condition.
    """

    item: str
    when: Formula
    text: str
    quantity: int
    place: Place
    plants: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the car that one item fills. required: in which cars; in the others it stays empty. text: the same as written."""

    code: str
    name: str
    name_zh: str
    group: str
    required: Formula
    text: str
    usages: tuple[Usage, ...]
    place: Place


@dataclass(frozen=True)
class Bill:
    """slots and items by code and by number, in the order of the files."""

    slots: Mapping[str, Slot]
    items: Mapping[str, Item]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything the bill says, places in files included."""
        return hashlib.sha256(repr((dict(self.slots), dict(self.items))).encode()).hexdigest()

    def usages(self) -> Iterator[tuple[Slot, int, Usage]]:
        """Every usage with its slot and its number in it, from 0."""
        for slot in self.slots.values():
            for number, usage in enumerate(slot.usages):
                yield slot, number, usage
