"""What to change so that a click becomes possible: the cheapest repair of a configuration, and the next ones, by constraint programming.

A repair is a car that keeps what is given and has the wanted feature. Among these it is the one that, first, goes against the fewest of the
buyer's decisions (weighted by how much each matters), then moves the least money, then changes the fewest features of the car as it stood.
Money is moved group by group: of an alternative, by the difference between what was there and what is there now; so nothing is gained by
adding an unwanted option that makes up for a cheaper wheel.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from marque.product.configure.decisions import Decision
from marque.product.configure.explain import literal
from marque.product.configure.objective import Level, add_clause, least
from marque.product.configure.product import Product
from marque.product.configure.session import Answer
from marque.product.model import GroupKind

Price = Callable[[str], int | None]
"""Of a feature, in minor units of the currency; None for one that has none."""


@dataclass(frozen=True, eq=False, slots=True)
class Repair:
    """given_up: decisions that the car goes against. swaps: of those, what takes the place of what, in the same alternative group.

    decisions: the buyer's, once the repair is taken: what is kept, what is swapped in, the wanted one last. added, removed: what else is
    then in every car and was not, and what was in every car and is not in this one; abstract features left out. price_change: of the whole
    car in minor units, the wanted feature's own price left out; None without prices. cost: weight given up, money moved, number of
    features changed. optimal: that nothing costs less was proved. car: bool [variables + 1], as repaired; before: as it stood.
    """

    wanted: Decision
    given_up: tuple[Decision, ...]
    swaps: Mapping[str, str]
    decisions: tuple[Decision, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    price_change: int | None
    cost: tuple[int, int, int]
    optimal: bool
    car: np.ndarray
    before: np.ndarray

    def taken(self, answer: Answer) -> Answer:
        """The state once the repair is taken. answer: the one it was found for."""
        product = answer.product
        domains = product.after(literal(product, one) for one in (*answer.given, *self.decisions))
        assert domains is not None, "a repair is one of the answer it was found for"
        return Answer(product, answer.given, self.decisions, domains)

    def told(self, label: Callable[[str], str] = str, money: Callable[[int], str] = "{:+d}".format) -> str:
        """As a sentence: "to get Tow hook: change 21-inch wheels → 20-inch wheels, −¥4,000"."""
        wanted = label(self.wanted.feature)
        parts = [*self._changes(label)]
        for verb, names in (("adds", self.added), ("removes", self.removed)):
            if names:
                parts.append(f"{verb} {', '.join(map(label, names))}")
        if self.price_change is not None:
            parts.append(money(self.price_change))
        return f"to {'get' if self.wanted.chosen else 'do without'} {wanted}: {', '.join(parts) or 'nothing else changes'}"

    def _changes(self, label: Callable[[str], str]) -> Iterator[str]:
        for one in self.given_up:
            if one.feature in self.swaps:
                yield f"change {label(one.feature)} → {label(self.swaps[one.feature])}"
            else:
                yield f"{'give up' if one.chosen else 'take'} {label(one.feature)}"


@dataclass(frozen=True, slots=True)
class Limits:
    """count: repairs that are looked for. seconds: for all of them together, by the clock; what is found until then is told as it is."""

    count: int = 3
    seconds: float = 10.0


def repairs(
    answer: Answer, wanted: Decision, *, weight: Callable[[Decision], int] = lambda _: 1, price: Price | None = None,
    car: np.ndarray | None = None, limits: Limits | None = None,
) -> list[Repair]:  # fmt: skip
    """The cheapest changes that make `wanted` possible, best first; empty where what is given leaves no car with it, or time ran out.

    weight: from 1, how much a decision matters. car: bool [variables + 1], the car as it stands; without it, one of those that the answer
    leaves that has few features (and, with prices, is the cheapest). Each repair differs from those before in what it gives up or swaps in.
    """
    search = _Search(answer, wanted, weight, price, limits or Limits())
    return list(search.found(search.standing() if car is None else car))


@dataclass(eq=False)
class _Search:
    answer: Answer
    wanted: Decision
    weight: Callable[[Decision], int]
    price: Price | None
    limits: Limits
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = time.monotonic() + self.limits.seconds
        self.product: Product = self.answer.product
        self.prices = np.zeros(self.product.features + 1, dtype=np.int64)
        if self.price is not None:
            self.prices[1:] = [self.price(name) or 0 for name in self.product.cnf.names]
        self.slots = _slots(self.product)

    def standing(self) -> np.ndarray:
        """A car that the answer leaves: the cheapest, then with the fewest features; without prices, one with few."""
        few = self.product.car(self.answer.literals, -np.arange(1, self.product.cnf.variables + 1))
        assert few is not None
        if self.price is None:
            return few
        terms = {variable: int(self.prices[variable]) for variable in np.flatnonzero(self.prices).tolist()}
        fewest = dict.fromkeys(range(1, self.product.features + 1), 1)
        best = least(self._model(self.answer.literals), [Level(terms), Level(fewest)], few, self._end)
        return few if best is None else best[0]

    def found(self, before: np.ndarray) -> Iterator[Repair]:
        wanted = literal(self.product, self.wanted)
        given = [literal(self.product, one) for one in self.answer.given]
        kept = [one for one in self.answer.decisions if one.feature != self.wanted.feature]
        levels = [self._against(kept), self._moved(before), self._changed(before)]
        model = self._model([*given, wanted])
        variables = np.arange(1, self.product.cnf.variables + 1)
        near = self.product.car([*given, wanted], np.where(before[1:], variables, -variables))
        if near is None:
            return
        for _ in range(self.limits.count):
            best = least(model, levels, near, self._end)
            if best is None:
                return
            repair = self._told(kept, before, *best, levels)
            yield repair
            if not repair.given_up:
                return
            again = [literal(self.product, one) for one in repair.given_up]
            again += [-self.product.variable(new) for new in repair.swaps.values() if new != self.wanted.feature]
            add_clause(model, again)

    def _against(self, decisions: list[Decision]) -> Level:
        level = Level({})
        for one in decisions:
            level.unless(literal(self.product, one), max(1, self.weight(one)))
        return level

    def _moved(self, before: np.ndarray) -> Level:
        """Money moved, group by group: |price now − price before|, an empty group priced 0."""
        level = Level({})
        for variables in self.slots if self.price is not None else ():
            was = sum(int(self.prices[one]) for one in variables if before[one])
            level.constant += abs(was)
            for one in variables:
                level.add(one, abs(int(self.prices[one]) - was) - abs(was))
        return level

    def _changed(self, before: np.ndarray) -> Level:
        level = Level({})
        for one in range(1, self.product.features + 1):
            level.unless(one if before[one] else -one, 1)
        return level

    def _model(self, literals: list[int]) -> Any:
        model = self.product.constraint_model.clone()
        for one in literals:
            add_clause(model, [one])
        return model

    def _told(self, kept: list[Decision], before: np.ndarray, car: np.ndarray, optimal: bool, levels: list[Level]) -> Repair:
        product, order = self.product, self.product.model.order
        given_up = tuple(one for one in kept if bool(car[order[one.feature]]) != one.chosen)
        swaps = {one.feature: new for one in given_up if one.chosen and (new := _instead(product, one.feature, car))}
        said = {self.wanted.feature, *(one.feature for one in given_up), *swaps.values()}
        was = self.answer.domains
        swapped = (Decision(new, True) for new in swaps.values() if new != self.wanted.feature)
        decisions = (*(one for one in kept if one not in given_up), *swapped, self.wanted)
        now = product.after(literal(product, one) for one in (*self.answer.given, *decisions))
        assert now is not None
        added, removed = (
            tuple(
                name for name in product.names[side].tolist()
                if name not in said and not product.model.features[name].attributes.get("abstract")
            )
            for side in ((now > 0) & (was <= 0), (was > 0) & ~car[: len(was)])
        )  # fmt: skip
        change = int(self.prices @ car[: len(self.prices)]) - int(self.prices @ before[: len(self.prices)])
        own = order[self.wanted.feature]
        change -= int(self.prices[own]) * (int(car[own]) - int(before[own]))
        weight, moved, changed = (level.value(car) for level in levels)
        return Repair(
            wanted=self.wanted, given_up=given_up, swaps=swaps, decisions=decisions, added=added, removed=removed,
            price_change=None if self.price is None else change, cost=(weight, moved, changed), optimal=optimal, car=car, before=before,
        )  # fmt: skip


def _slots(product: Product) -> list[list[int]]:
    """Variables of features that take each other's place: each alternative group; every other feature alone."""
    order, slots = product.model.order, list[list[int]]()
    grouped = set[str]()
    for feature in product.model.features.values():
        for group in feature.groups:
            if group.kind is GroupKind.ALTERNATIVE:
                slots.append([order[child] for child in group.children])
                grouped.update(group.children)
    return slots + [[number] for name, number in order.items() if name not in grouped]


def _instead(product: Product, feature: str, car: np.ndarray) -> str | None:
    """What the car has of the alternative group that a feature belongs to."""
    parent = product.model.features[feature].parent
    for group in product.model.features[parent].groups if parent else ():
        if feature in group.children and group.kind is GroupKind.ALTERNATIVE:
            return next((one for one in group.children if one != feature and car[product.model.order[one]]), None)
    return None
