"""Prices for a search over cars: the list price as a sum of whole minor units over Boolean conditions, exact for every car."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

from marque.common import Bools, Indices, Refusal
from marque.product.evaluate import names
from marque.product.model import And, Constant, FeatureModel, Formula, Iff, Implies, Name, Not, Or
from marque.product.prices import engines
from marque.product.prices.arithmetic import listed
from marque.product.prices.model import Item, PriceList, Purchase, TaxRules


@dataclass(frozen=True, slots=True)
class Term:
    """units to pay where the formula holds. feature: the item it belongs to."""

    feature: str
    formula: Formula
    units: int


@dataclass(frozen=True, slots=True)
class FeaturePrices:
    """units: what choosing a feature adds to the list price, alone: without packages around it, its conditional prices not counted.

    additive: the features for which this is exact in every car. depends: the others, each with what its price hangs on.
    """

    units: Mapping[str, int]
    additive: frozenset[str]
    depends: Mapping[str, str]


def minor_units(prices: PriceList) -> FeaturePrices:
    """Per feature, in minor units of the list's currency and on its basis (with or without VAT); 0 for what the list does not name.

    Not additive are features with conditional prices, those that a condition of another's price names, those that a package contains, and
    packages with members.
    """
    inside = {member: item.feature for item in prices.items for member in item.members}
    deciding = {name: item.feature for item in prices.items for case in item.cases for name in names(case.condition.formula)}
    depends = {}
    for item in prices.items:
        if item.feature in inside:
            depends[item.feature] = f"contained in package {inside[item.feature]}"
        elif item.cases:
            depends[item.feature] = f"another price if {item.cases[0].condition.text}"
        elif item.members:
            depends[item.feature] = "replaces the prices of what it contains"
        elif item.feature in deciding:
            depends[item.feature] = f"decides the price of {deciding[item.feature]}"
    units = {item.feature: item.price for item in prices.items}
    return FeaturePrices(units, frozenset(units) - depends.keys(), depends)


def price_terms(prices: PriceList) -> tuple[Term, ...]:
    """The list price as Σ units over the terms whose formula holds: exact for every car, packages and conditional prices included.

    Of one feature at most one term holds. Before discounts, fees and taxes. Terms of 0 units are left out.
    """
    found = [one for item in prices.items for one in _terms(item, prices.items)]
    return tuple(one for one in found if one.units)


def _terms(item: Item, items: tuple[Item, ...]) -> list[Term]:
    """In the order in which `listed` decides: packages by what is still to pay, then cases, then the price itself."""
    packages = sorted((one for one in items if item.feature in one.members), key=lambda one: one.members[item.feature])
    ways: list[tuple[Formula | None, int]] = [(Name(one.feature), one.members[item.feature]) for one in packages]
    ways += [(case.condition.formula, case.price) for case in item.cases]
    ways.append((None, item.price))
    found, before = [], (Name(item.feature),)
    earlier: tuple[Formula, ...] = before
    for formula, units in ways:
        holding = earlier if formula is None else (*earlier, formula)
        found.append(Term(item.feature, holding[0] if len(holding) == 1 else And(holding), units))
        if formula is not None:
            earlier = (*earlier, Not(formula))
    return found


def list_units(prices: PriceList, car: Set[str]) -> int:
    """The list price of a car, complete or not, in minor units."""
    return sum(listed(item, prices.items, car)[0] for item in prices.items if item.feature in car)


def list_units_of(prices: PriceList, model: FeatureModel, cars: Bools) -> Indices:
    """The list prices of many cars: bool [cars, features] in the order of the model → minor units, int64 [cars]."""
    import numpy as np

    column = {name: cars[:, number] for number, name in enumerate(model.features)}
    found = np.zeros(len(cars), dtype=np.int64)
    for one in price_terms(prices):
        found += np.where(_table(one.formula, column, np.ones(len(cars), dtype=np.bool_)), np.int64(one.units), np.int64(0))
    return found


def _table(formula: Formula, column: Mapping[str, Bools], all_cars: Bools) -> Bools:
    """Of a formula that `_terms` makes or a condition holds: bool [cars]."""
    if isinstance(formula, Name):
        return column.get(formula.feature, ~all_cars)
    if isinstance(formula, Not):
        return ~_table(formula.operand, column, all_cars)
    if isinstance(formula, And | Or):
        found = all_cars if isinstance(formula, And) else ~all_cars
        for one in formula.operands:
            told = _table(one, column, all_cars)
            found = found & told if isinstance(formula, And) else found | told
        return found
    if isinstance(formula, Implies):
        return ~_table(formula.left, column, all_cars) | _table(formula.right, column, all_cars)
    if isinstance(formula, Iff):
        return ~(_table(formula.left, column, all_cars) ^ _table(formula.right, column, all_cars))
    return all_cars if isinstance(formula, Constant) and formula.value else ~all_cars


def evaluation(prices: PriceList, rules: TaxRules, purchase: Purchase) -> Callable[[Set[str]], int | Refusal]:
    """The exact payable amount of a candidate car in minor units, everything counted."""

    def payable(car: Set[str]) -> int | Refusal:
        made = engines.price(prices, rules, car, purchase)
        return made if isinstance(made, Refusal) else made.payable.minor

    return payable
