"""The price lists and tax rules of a model line, all markets and versions; which of them hold on a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from marque.common import InputError
from marque.product.prices import reading
from marque.product.prices.model import PriceList, TaxRules
from marque.product.prices.quotes import Sources


@dataclass(frozen=True)
class Book:
    """lists, rules: as read, with their bytes, in the order of their days. Of one market no two hold on one day."""

    lists: tuple[tuple[PriceList, bytes], ...]
    rules: tuple[tuple[TaxRules, bytes], ...]

    @property
    def markets(self) -> tuple[str, ...]:
        return tuple(sorted({one.market for one, _ in self.lists}))

    def on(self, market: str, day: date) -> tuple[PriceList, TaxRules]:
        """Raises InputError where the market has no list or no rules on the day."""
        (prices, _), (rules, _) = self._on(market, day)
        return prices, rules

    def sources(self, market: str, day: date, model: bytes) -> Sources:
        """What a quote of this day is made from. model: its UVL text."""
        (_, prices), (_, rules) = self._on(market, day)
        return Sources(model, prices, rules)

    def _on(self, market: str, day: date) -> tuple[tuple[PriceList, bytes], tuple[TaxRules, bytes]]:
        prices = next((one for one in self.lists if one[0].market == market and one[0].period.holds(day)), None)
        rules = next((one for one in self.rules if one[0].market == market and one[0].period.holds(day)), None)
        if prices is None or rules is None:
            missing = "price list" if prices is None else "tax rules"
            known = ", ".join(f"{one.market} {one.version} ({one.period})" for one, _ in (self.lists if prices is None else self.rules))
            raise InputError("prices", f"market {market!r}", f"no {missing} for {day}", f"There are {known or 'none'}.")
        return prices, rules


def read_book(documents: Mapping[str, bytes]) -> Book:
    """From JSON texts by name; their key `kind` tells lists from rules. Raises InputError, also for two that hold on one day."""
    lists: list[tuple[PriceList, bytes]] = []
    rules: list[tuple[TaxRules, bytes]] = []
    for name, text in sorted(documents.items()):
        if f'"{reading.RULES_KIND}"'.encode() in text:
            rules.append((reading.tax_rules(text, name), text))
        else:
            lists.append((reading.price_list(text, name), text))
    for one in ([told for told, _ in lists], [told for told, _ in rules]):
        _apart(one)
    return Book(tuple(lists), tuple(rules))


def read_folder(path: Path) -> Book:
    """From all *.json of a folder. Raises InputError."""
    return read_book({one.name: one.read_bytes() for one in sorted(path.glob("*.json"))})


def _apart(documents: Sequence[PriceList | TaxRules]) -> None:
    for number, one in enumerate(documents):
        for other in documents[:number]:
            if one.market == other.market and one.period.meets(other.period):
                raise InputError(
                    f"{one.market} {one.version}",
                    "$.from",
                    f"it and {other.version} hold on one day ({one.period}; {other.period})",
                    "End the earlier one the day before the later one begins.",
                )
