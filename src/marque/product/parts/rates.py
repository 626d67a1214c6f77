"""How many of the cars use each item: counted exactly on a circuit, and estimated from cars drawn at random.

Without a plan every car that may be built counts once, also the strangest: each option is in about half of the cars that may have it.
It measures how much of a line depends on an item; it is no forecast. A plan says how many cars of which kind are to be sold (18,000
Corvus in Germany, …); within each kind every car counts the same. Expected rates of features (a tow bar on 8 % of
cars) weigh the cars so that those features have them, and nothing else is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np

from marque.common import InputError
from marque.product.encoding.conditions import with_formulas
from marque.product.knowledge.circuit import Circuit
from marque.product.model import And, Constant, FeatureModel, Formula, Name, Or
from marque.product.parts.bill import Bill, Usage
from marque.product.parts.cubes import Cube, boolean, counts, cubes
from marque.product.parts.periods import Period, of_feature
from marque.product.parts.question import Line, misnamed
from marque.product.parts.vectors import holds


@dataclass(frozen=True, slots=True)
class Planned:
    """Cars of a plan: all that have these features, and how many of them are to be built."""

    features: tuple[str, ...]
    cars: int


@dataclass(frozen=True, slots=True)
class Rate:
    """Of one usage, by its number in its slot. share: of all cars; error: its standard error if it was estimated, 0 if it was counted."""

    slot: str
    number: int
    usage: Usage
    share: Fraction
    error: float = 0.0

    @property
    def per_car(self) -> Fraction:
        """How much of the item a car needs on average."""
        return self.share * self.usage.quantity


@dataclass(frozen=True, slots=True)
class TakeRates:
    """on: the day of building that they hold for. cars: that may be built then, without a plan; None for an estimate."""

    on: date
    cars: int | None
    rates: tuple[Rate, ...]

    def of(self, item: str) -> Fraction:
        """How much of an item a car needs on average, all slots together."""
        return sum((rate.per_car for rate in self.rates if rate.usage.item == item), Fraction(0))


@dataclass(frozen=True, eq=False)
class Asked:
    """The circuit of a line and the usage conditions of a bill as cubes over its variables. To be kept for several days and plans."""

    circuit: Circuit
    cubes: Mapping[Formula, tuple[Cube, ...]]

    @cached_property
    def all(self) -> list[Cube]:
        """Every cube once."""
        return list(dict.fromkeys(cube for cubes in self.cubes.values() for cube in cubes))


def compiled(product: Line, bill: Bill, cache: Path | None = None) -> Asked:
    """cache: a folder for what is compiled once. InputError names the slot that speaks of features which the line does not have."""
    from marque.product.knowledge.compile import compile_formula

    for slot in bill.slots.values():
        if told := next(misnamed(product.model, slot), None):
            raise InputError(slot.place.file, f"slot {slot.code}", told[0])
    formulas = list(dict.fromkeys(condition(usage) for _, _, usage in bill.usages()))
    others = [one for one in formulas if not boolean(one)]
    formula, literals = with_formulas(product.cnf, others, product.model) if others else (product.cnf, np.zeros(0, dtype=np.int32))
    found: dict[Formula, tuple[Cube, ...]] = {one: ((literal,),) for one, literal in zip(others, literals.tolist(), strict=True)}
    found |= {one: tuple(cubes(one, product.model.order)) for one in formulas if one not in found}
    return Asked(compile_formula(formula, cache=cache), found)


def condition(usage: Usage) -> Formula:
    """In which cars an item is used, as far as features decide: its own condition and its plants."""
    if not usage.plants:
        return usage.when
    plants = tuple(Name(plant) for plant in usage.plants)
    there = plants[0] if len(plants) == 1 else Or(plants)
    return there if isinstance(usage.when, Constant) and usage.when.value else And((usage.when, there))


def take_rates(
    product: Line, bill: Bill, on: date, *, plan: Sequence[Planned] = (), cache: Path | None = None, known: Asked | None = None
) -> TakeRates:
    """Exact shares of the cars that may be built on a day; known: what `compiled` made of the same line and bill.

    InputError for a day on which no car, or no car of one of the plan's kinds, may be built.
    """
    asked = known or compiled(product, bill, cache)
    held = _not_then(product.model, on)
    if any(kind.cars < 0 for kind in plan) or (plan and not any(kind.cars for kind in plan)):
        raise InputError("the plan", "", "it has no cars, or fewer than none of a kind")
    wanted = sum(kind.cars for kind in plan)
    shares: dict[Cube, Fraction] = dict.fromkeys(asked.all, Fraction(0))
    total = 0
    for kind in plan or (Planned((), 1),):
        total, *having = counts(asked.circuit, _decisions(product.model, held, kind.features), [(), *asked.all])
        if not total:
            raise InputError("the plan" if plan else "the day", ", ".join(kind.features) or str(on), f"no such car may be built on {on}")
        for cube, cars in zip(asked.all, having, strict=True):
            shares[cube] += Fraction(kind.cars, wanted or 1) * Fraction(cars, total)
    return TakeRates(on, None if plan else total, _rates(bill, on, _summed(asked, shares)))


def expected_rates(
    product: Line, bill: Bill, on: date, features: Mapping[str, float], *, cache: Path | None = None, known: Asked | None = None
) -> TakeRates:
    """Shares of the items where features have the rates told, by name, each above 0 and below 1; see `mix`. Exact to about 9 digits.

    InputError for rates that cars built on the day cannot have together.
    """
    from marque.product.parts.mix import expected

    asked = known or compiled(product, bill, cache)
    names = list(product.model.features)
    held = _decisions(product.model, _not_then(product.model, on), ())
    _decisions(product.model, [], tuple(features))
    try:
        having = expected(asked.circuit, held, {product.model.order[name]: rate for name, rate in features.items()}, asked.all)
    except InputError as fault:
        named = names[int(fault.place) - 1] if fault.place else str(on)
        raise InputError("the expected rates", named, fault.problem, fault.remedy) from fault
    return TakeRates(on, None, _rates(bill, on, _summed(asked, dict(zip(asked.all, map(Fraction, having), strict=True)))))


def sampled_rates(
    product: Line, bill: Bill, on: date, *, cars: int = 10_000, seed: int = 0, cache: Path | None = None, circuit: Circuit | None = None
) -> TakeRates:
    """The same shares estimated from cars drawn uniformly, with their standard errors. circuit: of the line, if there is one already.

    Conditions are evaluated on the cars themselves, so that it checks what was counted.
    """
    from marque.product.knowledge.compile import compile_formula
    from marque.product.knowledge.counting import sample

    used = circuit or compile_formula(product.cnf, cache=cache)
    drawn = sample(used, _decisions(product.model, _not_then(product.model, on), ()), cars, seed)
    if drawn is None:
        raise InputError("the day", str(on), f"no car may be built on {on}")
    shares: dict[Formula, Fraction] = {}
    for formula in {condition(usage) for _, _, usage in bill.usages()}:
        shares[formula] = Fraction(int(np.count_nonzero(holds(formula, drawn, product.model))), cars)
    rates = _rates(bill, on, shares)
    return TakeRates(on, None, tuple(replace(one, error=float(one.share * (1 - one.share) / cars) ** 0.5) for one in rates))


def _rates(bill: Bill, on: date, shares: Mapping[Formula, Fraction]) -> tuple[Rate, ...]:
    return tuple(Rate(slot.code, number, usage, _share(usage, on, shares)) for slot, number, usage in bill.usages())


def _summed(asked: Asked, shares: Mapping[Cube, Fraction]) -> dict[Formula, Fraction]:
    return {formula: sum((shares[cube] for cube in cubes), Fraction(0)) for formula, cubes in asked.cubes.items()}


def _share(usage: Usage, on: date, shares: Mapping[Formula, Fraction]) -> Fraction:
    return shares[condition(usage)] if Period(usage.since, usage.until).holds(on) else Fraction(0)


def _not_then(model: FeatureModel, on: date) -> list[int]:
    """Decisions against the features that no car built on a day may have."""
    return [-model.order[name] for name, feature in model.features.items() if not of_feature(feature).holds(on)]


def _decisions(model: FeatureModel, held: list[int], features: Sequence[str]) -> np.ndarray:
    if unknown := next((name for name in features if name not in model.order), ""):
        raise InputError("the rates asked for", unknown, "there is no such feature in the model")
    return np.array([*held, *(model.order[name] for name in features)], dtype=np.int32)
