"""The bill of the demonstration line: right as it is, and whatever is made wrong in it is found, with a car that shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from random import Random

import pytest
from bills import FAULTS, buildable, faulty, fitting
from car_oracle import Car, holds
from demo import cars, product, whole_bill
from test_prove import check_witnesses

from marque.product.encoding.conditions import with_formulas
from marque.product.knowledge.sat import solver
from marque.product.model import And, Formula, Name
from marque.product.parts import Bill, Kind, Side, Slot, Usage, prove

SEARCHED = {Kind.GAP, Kind.OVERLAP, Kind.SURPLUS}


def test_every_car_has_each_part_that_it_needs_once() -> None:
    assert prove(product(), whole_bill()) == []


def test_the_bill_is_one_of_a_car() -> None:
    whole = whole_bill()
    assert len(whole.slots) == 266
    assert len(whole.items) == 766
    assert {item.side for item in whole.items.values()} == set(Side)
    assert all(item.name.isascii() and item.name_zh for item in whole.items.values())
    assert any(one.plants for _, _, one in whole.usages())
    assert any(one.since for _, _, one in whole.usages())


def test_drawn_cars_have_their_parts_once_by_trial() -> None:
    """The same without solver and formula: for cars drawn at random, on days on which they may be built."""
    model = product().model
    for car in cars(10):
        day = next(day for day in (date(2026, 7, 15), date(2026, 10, 1), date(2027, 3, 1)) if buildable(model, car, day))
        for slot in whole_bill().slots.values():
            assert len(fitting(model, slot, car, day)) == holds(model, slot.required, Car(car, {})), slot.code


# Faults


def marks(*slots: Slot) -> list[date]:
    """A day in every stretch of days in which the same features and usages hold."""
    attributes = [feature.attributes for feature in product().model.features.values()]
    usages = [one for slot in slots for one in slot.usages]
    begin = {date.fromisoformat(str(one["from"])) for one in attributes if "from" in one} | {one.since for one in usages if one.since}
    end = {date.fromisoformat(str(one["until"])) for one in attributes if "until" in one} | {one.until for one in usages if one.until}
    return sorted(begin | {one + timedelta(1) for one in end} | {date(2020, 1, 1)})


def differs(before: Slot, after: Slot) -> bool:
    """Whether some car that may be built gets something else: asked formula by formula and day by day, not as the proof asks."""
    model = product().model
    formulas = [before.required, after.required, *(one.when for slot in (before, after) for one in slot.usages)]
    extended, literals = with_formulas(product().cnf, formulas, model)
    found = dict(zip(formulas, literals.tolist(), strict=True))
    asked = solver(extended)
    try:
        for day in marks(before, after):
            never = [-model.order[name] for name in model.features if not buildable(model, frozenset([name]), day)]
            for assumed in _signs(before, after, found, day):
                if asked.solve(assumptions=[*never, *assumed]):
                    return True
        return False
    finally:
        asked.delete()


def _signs(before: Slot, after: Slot, literals: dict[Formula, int], day: date) -> list[list[int]]:
    """Assumptions of which one can be met just where the two slots say different things on a day."""
    order = product().model.order

    def variants(one: Usage) -> list[list[int]]:
        """Literals under which a usage holds; an empty list: never."""
        if (one.since and day < one.since) or (one.until and one.until < day):
            return []
        return [[literals[one.when], order[plant]] for plant in one.plants] or [[literals[one.when]]]

    def contrary(one: Usage) -> list[list[int]]:
        if (one.since and day < one.since) or (one.until and one.until < day):
            return [[]]
        return [[-literals[one.when]], *([[-order[plant] for plant in one.plants]] if one.plants else [])]

    if before.required != after.required:
        old, new = literals[before.required], literals[after.required]
        return [[old, -new], [-old, new]]
    changed = [(old, new) for old, new in zip(before.usages, after.usages, strict=False) if old != new][:1]
    if len(before.usages) != len(after.usages):
        lost = next((one for one in before.usages if one not in after.usages), None) or next(
            one for one, other in pairwise(after.usages) if replace(other, item=one.item) == one
        )
        return variants(lost)
    (old, new) = changed[0]
    return [[*first, *second] for first in variants(old) for second in contrary(new)] + [
        [*first, *second] for first in contrary(old) for second in variants(new)
    ]


def faults(number: int, seed: int) -> list[tuple[str, Slot]]:
    """Slots with a fault that changes what some car gets, each kind of fault in turn."""
    random = Random(seed)
    slots, found = list(whole_bill().slots.values()), []
    while len(found) < number:
        fault = FAULTS[len(found) % len(FAULTS)]
        before = random.choice(slots)
        after = faulty(random, product().model, before, fault)
        if after is not None and differs(before, after):
            found.append((fault, after))
    return found


def check_found(fault: str, slot: Slot, whole: Bill) -> None:
    findings = [one for one in prove(product(), whole) if one.kind in SEARCHED]
    assert findings, f"{fault} in {slot.code} is not found"
    assert {one.slot for one in findings} == {slot.code}
    assert all(one.witness is not None for one in findings)
    check_witnesses(product(), whole, findings)


def test_faults_in_usage_conditions_are_found_in_their_slots() -> None:
    for fault, slot in faults(4 * len(FAULTS), seed=6):
        check_found(fault, slot, Bill({slot.code: slot}, whole_bill().items))


@pytest.mark.slow
def test_a_hundred_faults_in_usage_conditions_are_found_in_the_whole_bill() -> None:
    for fault, slot in faults(100, seed=7):
        whole = whole_bill()
        check_found(fault, slot, Bill({**whole.slots, slot.code: slot}, whole.items))


def test_a_change_that_no_car_notices_is_no_fault() -> None:
    """A condition may say more than it must: what follows from it anyway."""
    whole = whole_bill()
    slot = whole.slots["body.tow_bar"]
    (one,) = slot.usages
    same = replace(slot, usages=(replace(one, when=And((one.when, Name("Corvus")))),))
    assert not differs(slot, same)
    assert prove(product(), Bill({same.code: same}, whole.items)) == []
