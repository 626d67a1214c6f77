"""A car's own parts, out of the bill of all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from marque.common import InputError
from marque.product.evaluate import satisfied
from marque.product.model import FeatureModel
from marque.product.parts.bill import Bill, Item, Slot, Usage
from marque.product.parts.periods import Period, of_car
from marque.product.parts.question import Line, misnamed


@dataclass(frozen=True, slots=True)
class PartLine:
    """One line of a car's parts list."""

    slot: Slot
    item: Item
    quantity: int


def resolve(product: Line, bill: Bill, car: Collection[str], on: date | None = None) -> list[PartLine]:
    """The parts of one car, in the order of the bill; car: the names of all its features, as a car of the model has them.

    on: the day it is built, the first on which it may be unless told. Every slot that it needs has one line, every other one none.
    InputError names the slot where the bill says anything else, or where it speaks of features that the model does not have.
    """
    names = frozenset(car)
    if unknown := next((name for name in names if name not in product.model.features), ""):
        raise InputError("the car", unknown, "there is no such feature in the model")
    days = of_car(product.model, names)
    if days.empty:
        raise InputError(
            "the car", "", f"there is no day to build it on: a feature of it begins on {days.first}, another ends on {days.last}"
        )
    day = on or days.day
    lines: list[PartLine] = []
    for slot in bill.slots.values():
        if told := next(misnamed(product.model, slot), None):
            raise InputError(slot.place.file, f"slot {slot.code}", told[0])
        needed = satisfied(slot.required, names, product.model, {})
        fitting = [usage for usage in slot.usages if fits(usage, names, product.model, day)]
        if len(fitting) != needed:
            raise InputError(slot.place.file, f"slot {slot.code}", _wrong(needed, fitting), "Prove the bill: that shows such cars.")
        lines.extend(PartLine(slot, bill.items[usage.item], usage.quantity) for usage in fitting)
    return lines


def fits(usage: Usage, car: frozenset[str], model: FeatureModel, on: date) -> bool:
    """Whether an item goes into a car that is built on a day."""
    built_there = not usage.plants or any(plant in car for plant in usage.plants)
    return built_there and Period(usage.since, usage.until).holds(on) and satisfied(usage.when, car, model, {})


def _wrong(needed: bool, fitting: list[Usage]) -> str:
    told = " and ".join(usage.item for usage in fitting)
    if not fitting:
        return "the car needs one item here, and none fits"
    return f"{told} fit this car, expected {'one of them' if needed else 'none, as the car does not need the slot'}"
