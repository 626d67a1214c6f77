"""Versions of the arithmetic. A quote names the one it was made with, and is priced again by that one for ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from types import MappingProxyType

from marque.common import InputError, Refusal
from marque.product.prices import arithmetic
from marque.product.prices.model import Breakdown, PriceList, Purchase, TaxRules

Engine = Callable[[PriceList, TaxRules, Set[str], Purchase], Breakdown | Refusal]

ENGINES: Mapping[str, Engine] = MappingProxyType({"1": arithmetic.price})
"""By version. One is never changed or taken out: a new arithmetic is a new module and a new entry."""

CURRENT = "1"


def engine(version: str, source: str = "quote") -> Engine:
    if version not in ENGINES:
        raise InputError(
            source,
            "$.engine",
            f"the arithmetic {version!r} is not in this installation, which has {', '.join(ENGINES)}",
            "Open it with the version of Marque that made it, or a later one.",
        )
    return ENGINES[version]


def price(prices: PriceList, rules: TaxRules, car: Set[str], purchase: Purchase) -> Breakdown | Refusal:
    """What a complete car costs by today's arithmetic. See `arithmetic.price`."""
    return ENGINES[CURRENT](prices, rules, car, purchase)
