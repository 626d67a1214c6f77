"""Bills of materials for tests: what they say for one car, by trial; small ones drawn at random; and faults to look for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from car_oracle import Car, cars, holds

from marque.product.encoding.cnf import Cnf
from marque.product.encoding.encode import encode
from marque.product.model import And, Constant, FeatureModel, Formula, Name, Not, Or, Place
from marque.product.parts import Bill, Item, Side, Slot, Usage
from marque.product.uvl import formula_text

HERE = Place("bill.json", 1, 1)
ALWAYS = Constant(value=True)


@dataclass(frozen=True)
class Line:
    model: FeatureModel
    cnf: Cnf


def of(model: FeatureModel) -> Line:
    return Line(model, encode(model))


def usage(item: str, when: Formula = ALWAYS, *, quantity: int = 1, **other: object) -> Usage:
    return Usage(item, when, formula_text(when), quantity, HERE, **other)  # type: ignore[arg-type]


def slot(code: str, *usages: Usage, required: Formula = ALWAYS) -> Slot:
    return Slot(code, code, code, "group", required, formula_text(required), usages, HERE)


def bill(*slots: Slot) -> Bill:
    numbers = dict.fromkeys(one.item for each in slots for one in each.usages)
    return Bill({one.code: one for one in slots}, {number: Item(number, number, number, Side.CARMAKER) for number in numbers})


# By trial


def fitting(model: FeatureModel, each: Slot, car: frozenset[str], on: date | None) -> list[int]:
    """Numbers of the usages that hold for a car built on a day."""
    return [
        number
        for number, one in enumerate(each.usages)
        if (not one.plants or set(one.plants) & car)
        and (one.since is None or on is None or one.since <= on)
        and (one.until is None or on is None or on <= one.until)
        and holds(model, one.when, Car(car, {}))
    ]


def buildable(model: FeatureModel, car: frozenset[str], on: date) -> bool:
    for name in car:
        attributes = model.features[name].attributes
        if on < date.fromisoformat(str(attributes.get("from", "0001-01-01"))):
            return False
        if on > date.fromisoformat(str(attributes.get("until", "9999-12-31"))):
            return False
    return True


def days(model: FeatureModel, whole: Bill) -> list[date]:
    """One of every stretch of days that differs from its neighbours."""
    told = [str(feature.attributes[key]) for feature in model.features.values() for key in ("from", "until") if key in feature.attributes]
    marks = {date.fromisoformat(one) for one in told}
    marks |= {mark for _, _, one in whole.usages() for mark in (one.since, one.until) if mark}
    return sorted({mark + timedelta(shift) for mark in marks for shift in (-1, 0, 1)}) or [date(2026, 6, 1)]


def trial(model: FeatureModel, whole: Bill) -> set[tuple[str, str, tuple[str, ...]]]:
    """(kind, slot, items) of all that is wrong, out of every car on every day; of a surplus, the slot alone."""
    every = [(car.features, on) for car in cars(model) for on in days(model, whole) if buildable(model, car.features, on)]
    found: set[tuple[str, str, tuple[str, ...]]] = set()
    for each in whole.slots.values():
        used: set[int] = set()
        needed_once = False
        for car, on in every:
            numbers = fitting(model, each, car, on)
            needed = holds(model, each.required, Car(car, {}))
            needed_once |= needed
            used.update(numbers)
            if needed and not numbers:
                found.add(("gap", each.code, ()))
            if numbers and not needed:
                found.add(("surplus", each.code, ()))
            for place, first in enumerate(numbers):
                found |= {("overlap", each.code, (each.usages[first].item, each.usages[second].item)) for second in numbers[place + 1 :]}
        if not needed_once:
            found.add(("never-required", each.code, ()))
        else:
            found |= {("never-used", each.code, (one.item,)) for number, one in enumerate(each.usages) if number not in used}
    return found


# Drawn


def drawn(random: Random, model: FeatureModel) -> Bill:
    names = list(model.features)

    def formula(depth: int) -> Formula:
        match random.randrange(5) if depth else 0:
            case 1:
                return Not(formula(depth - 1))
            case 2 | 3:
                return And((formula(depth - 1), formula(depth - 1)))
            case 4:
                return Or((formula(depth - 1), formula(depth - 1)))
        return Name(random.choice(names))

    def one(number: str) -> Usage:
        since = date(2026, random.randint(1, 12), 1) if random.random() < 0.2 else None
        until = date(2027, random.randint(1, 12), 1) if random.random() < 0.2 else None
        plants = (random.choice(names),) if random.random() < 0.2 else ()
        return usage(number, formula(2), since=since, until=until, plants=plants)

    slots = []
    for code in ("A", "B", "C"):
        if random.random() < 0.4:  # One that is right, so that the search for faults is not always in vain.
            split = formula(2)
            slots.append(slot(code, usage(f"{code}1", split), usage(f"{code}2", Not(split))))
        else:
            required = ALWAYS if random.random() < 0.5 else formula(1)
            slots.append(slot(code, *(one(f"{code}{number}") for number in range(1, random.randint(2, 4))), required=required))
    return bill(*slots)


# Faults

FAULTS = ("drop", "negate", "widen", "narrow", "delete", "duplicate", "exchange", "replace", "plant", "day", "required")


def faulty(random: Random, model: FeatureModel, each: Slot, fault: str) -> Slot | None:
    """The slot with a fault in it; None where it has nothing that could go wrong so."""
    place = random.randrange(len(each.usages))
    old = each.usages[place]
    concrete = [name for name, feature in model.features.items() if "abstract" not in feature.attributes]
    other = Name(random.choice(concrete))

    def with_usage(*new: Usage) -> Slot:
        return replace(each, usages=(*each.usages[:place], *new, *each.usages[place + 1 :]))

    def with_condition(when: Formula) -> Slot:
        return with_usage(replace(old, when=when, text=formula_text(when)))

    match fault:
        case "drop" if isinstance(old.when, And):
            lost = random.randrange(len(old.when.operands))
            rest = tuple(one for number, one in enumerate(old.when.operands) if number != lost)
            return with_condition(rest[0] if len(rest) == 1 else And(rest))
        case "negate":
            if isinstance(old.when, And):
                turned = random.randrange(len(old.when.operands))
                return with_condition(And(tuple(Not(one) if number == turned else one for number, one in enumerate(old.when.operands))))
            return with_condition(Not(old.when))
        case "widen":
            return with_condition(Or((old.when, other)))
        case "narrow":
            return with_condition(And((old.when, other)))
        case "delete" if len(each.usages) > 1:
            return with_usage()
        case "duplicate":
            return with_usage(old, replace(old, item=f"{old.item}-2"))
        case "exchange" if len(each.usages) > 1:
            return with_condition(each.usages[place - 1].when)
        case "replace":
            names = [one for one in _names(old.when) if one != other.feature]
            return with_condition(_renamed(old.when, random.choice(names), other.feature)) if names else None
        case "plant":
            plant = random.choice(["PlantLinjiang", "PlantDonau"])
            return with_usage(replace(old, plants=() if old.plants else (plant,)))
        case "day":
            return with_usage(replace(old, since=None if old.since else date(2026, 9, 15)))
        case "required":
            return replace(each, required=And((each.required, other)))
    return None


def _names(formula: Formula) -> Iterator[str]:
    match formula:
        case Name(feature):
            yield feature
        case Not(operand):
            yield from _names(operand)
        case And(operands) | Or(operands):
            for one in operands:
                yield from _names(one)


def _renamed(formula: Formula, old: str, new: str) -> Formula:
    match formula:
        case Name(feature) if feature == old:
            return Name(new)
        case Not(operand):
            return Not(_renamed(operand, old, new))
        case And(operands):
            return And(tuple(_renamed(one, old, new) for one in operands))
        case Or(operands):
            return Or(tuple(_renamed(one, old, new) for one in operands))
    return formula
