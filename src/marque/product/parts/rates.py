"""How many of the cars use each item: counted exactly on a circuit, and estimated from cars drawn at random.

Without a plan every car that may be built counts once, also the strangest: each option is in about half of the cars that may have it.
It measures how much of a line depends on an item; it is no forecast. A plan says how many cars of which kind are to be sold (18,000
Corvus in Germany, …); within each kind every car counts the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np

from marque.common import InputError
from marque.product.conditions import with_formulas
from marque.product.knowledge.circuit import Circuit
from marque.product.model import And, Constant, FeatureModel, Formula, Name, Or
from marque.product.parts.bill import Bill, Usage
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


def compiled(product: Line, bill: Bill, cache: Path | None = None) -> tuple[Circuit, Mapping[Formula, int]]:
    """The line with all usage conditions as one circuit, and the literal of each condition. To be kept for several days and plans.

    cache: a folder for what is compiled once. InputError names the slot that speaks of features which the line does not have.
    """
    from marque.product.knowledge.compile import compile_formula

    for slot in bill.slots.values():
        if told := next(misnamed(product.model, slot), None):
            raise InputError(slot.place.file, f"slot {slot.code}", told[0])
    formulas = [one for one in dict.fromkeys(condition(usage) for _, _, usage in bill.usages()) if not isinstance(one, Constant)]
    extended, literals = with_formulas(product.cnf, formulas, product.model)
    return compile_formula(extended, cache=cache), dict(zip(formulas, literals.tolist(), strict=True))


def condition(usage: Usage) -> Formula:
    """In which cars an item is used, as far as features decide: its own condition and its plants."""
    if not usage.plants:
        return usage.when
    plants = tuple(Name(plant) for plant in usage.plants)
    there = plants[0] if len(plants) == 1 else Or(plants)
    return there if isinstance(usage.when, Constant) and usage.when.value else And((usage.when, there))


def take_rates(
    product: Line, bill: Bill, on: date, *, plan: Sequence[Planned] = (), cache: Path | None = None,
    known: tuple[Circuit, Mapping[Formula, int]] | None = None,
) -> TakeRates:  # fmt: skip
    """Exact shares of the cars that may be built on a day; known: what `compiled` made of the same line and bill.

    InputError for a day on which no car, or no car of one of the plan's kinds, may be built.
    """
    from marque.product.knowledge.counting import exact_counts

    circuit, literals = known or compiled(product, bill, cache)
    held = _not_then(product.model, on)
    total = 0
    shares: dict[Formula, Fraction] = dict.fromkeys(literals, Fraction(0))
    wanted = sum(kind.cars for kind in plan)
    for kind in plan or (Planned((), 1),):
        count, having = exact_counts(circuit, _decisions(product.model, held, kind.features))
        if not count:
            raise InputError("the plan" if plan else "the day", ", ".join(kind.features) or str(on), f"no such car may be built on {on}")
        total += count
        weight = Fraction(kind.cars, wanted or 1)
        for formula, literal in literals.items():
            cars = having[literal] if literal > 0 else count - having[-literal]
            shares[formula] += weight * Fraction(cars, count)
    rates = tuple(Rate(slot, number, usage, _share(usage, on, shares)) for slot, number, usage in _rows(bill))
    return TakeRates(on, None if plan else total, rates)


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
    rates = []
    for slot, number, usage in _rows(bill):
        share = _share(usage, on, shares)
        rates.append(Rate(slot, number, usage, share, float(share * (1 - share) / cars) ** 0.5))
    return TakeRates(on, None, tuple(rates))


def _rows(bill: Bill) -> Iterator[tuple[str, int, Usage]]:
    return ((slot.code, number, usage) for slot, number, usage in bill.usages())


def _share(usage: Usage, on: date, shares: Mapping[Formula, Fraction]) -> Fraction:
    if not Period(usage.since, usage.until).holds(on):
        return Fraction(0)
    formula = condition(usage)
    if isinstance(formula, Constant):
        return Fraction(int(bool(formula.value)))
    return shares[formula]


def _not_then(model: FeatureModel, on: date) -> list[int]:
    """Decisions against the features that no car built on a day may have."""
    return [-model.order[name] for name, feature in model.features.items() if not of_feature(feature).holds(on)]


def _decisions(model: FeatureModel, held: list[int], features: Sequence[str]) -> np.ndarray:
    if unknown := next((name for name in features if name not in model.order), ""):
        raise InputError("the plan", unknown, "there is no such feature in the model")
    return np.array([*held, *(model.order[name] for name in features)], dtype=np.int32)
