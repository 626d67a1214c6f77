"""Parts: one bill of materials for all cars of a line, proved to give each of them each part once; parts lists, take rates, model years."""

from marque.product.parts.bill import Bill, Item, Side, Slot, Usage
from marque.product.parts.prove import Finding, Kind, prove
from marque.product.parts.question import Witness
from marque.product.parts.rates import Planned, Rate, TakeRates, expected_rates, sampled_rates, take_rates
from marque.product.parts.read import parse, read
from marque.product.parts.resolve import PartLine, resolve
from marque.product.parts.years import Differences, differences

__all__ = [
    "Bill",
    "Differences",
    "Finding",
    "Item",
    "Kind",
    "PartLine",
    "Planned",
    "Rate",
    "Side",
    "Slot",
    "TakeRates",
    "Usage",
    "Witness",
    "differences",
    "expected_rates",
    "parse",
    "prove",
    "read",
    "resolve",
    "sampled_rates",
    "take_rates",
]
