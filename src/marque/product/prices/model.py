"""What a price is made of: price lists and tax rules as read, what a buyer asks for, and the lines that come out. Frozen values.

Amounts of lists and rules are whole minor units of their currency (int); rates are exact fractions. A breakdown holds Money.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction

from marque.product.evaluate import Condition
from marque.product.prices.money import Mode, Money


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both included; None: without end on that side."""

    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def meets(self, other: Period) -> bool:
        """Whether some day is in both."""
        return (self.last is None or other.first is None or other.first <= self.last) and (
            other.last is None or self.first is None or self.first <= other.last
        )

    def __str__(self) -> str:
        return f"{self.first or '…'} to {self.last or '…'}"


class ItemKind(StrEnum):
    BASE = "base"
    FEATURE = "feature"
    PACKAGE = "package"


@dataclass(frozen=True, slots=True)
class Case:
    """Another price where the condition holds; the first case that does counts."""

    condition: Condition
    price: int


@dataclass(frozen=True, slots=True)
class Item:
    """What one feature costs. A car has exactly one BASE. members, of a PACKAGE: feature → what is still to be paid for it."""

    kind: ItemKind
    feature: str
    price: int
    cases: tuple[Case, ...] = ()
    members: Mapping[str, int] = field(default_factory=dict)
    place: str = ""
    """Its JSON path in the list: what a line names as its rule."""


class Of(StrEnum):
    """What a percentage is of, or what a rate is per."""

    BASE = "base"
    OPTIONS = "options"
    VEHICLE = "vehicle"
    """Base and options, before discounts."""
    NET = "net"
    """The car, its discounts and taxed fees, without VAT."""
    GROSS = "gross"
    BASE_NET = "base_net"
    """The list price of the base model without VAT."""
    ONE = "one"
    QUANTITY = "quantity"


@dataclass(frozen=True, slots=True)
class Discount:
    """percent as a fraction of 1, or amount. on_request: only for a buyer who names its code."""

    code: str
    name: str
    of: Of
    share: Fraction | None
    amount: int | None
    cap: int | None
    condition: Condition | None
    period: Period
    on_request: bool
    place: str


@dataclass(frozen=True, slots=True)
class Fee:
    """Of the seller. regions: region → another price. taxed: carries VAT as the car does."""

    code: str
    name: str
    price: int
    regions: Mapping[str, int]
    taxed: bool
    place: str


@dataclass(frozen=True, slots=True)
class PriceList:
    """gross: its prices contain VAT. quote_days: how long a quote from it is open.

    included: features that cost nothing, on purpose; None where the list does not say, and features without a price are taken for included.
    market_feature: that a car sold by this list has; empty: any car.
    """

    market: str
    line: str
    version: str
    currency: str
    period: Period
    gross: bool
    quote_days: int
    items: tuple[Item, ...]
    included: frozenset[str] | None
    market_feature: str
    discounts: tuple[Discount, ...]
    fees: tuple[Fee, ...]
    digest: str
    """SHA-256 of its canonical JSON."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule of law stands. memory: its figure was not checked against the text named."""

    title: str
    date: str
    memory: bool


@dataclass(frozen=True, slots=True)
class Vat:
    """share of the net price above `above`."""

    share: Fraction
    above: int
    period: Period
    source: Source
    place: str


class LevyKind(StrEnum):
    TAX = "tax"
    SUBSIDY = "subsidy"
    REGISTRATION = "registration"


@dataclass(frozen=True, slots=True)
class Relief:
    """share of a tax that is not taken, cap at most."""

    name: str
    share: Fraction
    cap: int | None


@dataclass(frozen=True, slots=True)
class Levy:
    """Outside of VAT: a tax, a subsidy or a registration fee.

    of ONE: amount, or that of the region; NET, GROSS: share; QUANTITY: amount per unit of `quantity` (mass_kg) above `above`.
    cap: at most. unit: rounded to its multiples, in minor units. within: only where `within_of` lies in it, both included.
    needs: circumstances of the buyer, all of them; unless: none of them.
    """

    code: str
    name: str
    kind: LevyKind
    of: Of
    share: Fraction
    amount: int
    quantity: str
    above: Fraction
    regions: Mapping[str, int]
    cap: int | None
    unit: int
    within_of: Of | None
    within: tuple[int | None, int | None]
    needs: tuple[str, ...]
    unless: tuple[str, ...]
    condition: Condition | None
    relief: Relief | None
    period: Period
    source: Source
    place: str


@dataclass(frozen=True, slots=True)
class TaxRules:
    """per_line: VAT is rounded on every line, otherwise once on the total and apportioned to lines. circumstances, regions: code → text."""

    market: str
    version: str
    currency: str
    period: Period
    per_line: bool
    mode: Mode
    vat: tuple[Vat, ...]
    levies: tuple[Levy, ...]
    circumstances: Mapping[str, str]
    regions: Mapping[str, str]
    digest: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """on: the day of the offer, which decides list and rules. registered: the day the car is invoiced and registered, on which taxes and
    subsidies hang. built: the day it is built for, None for the day of the offer. codes: of discounts asked for. quantities: of the
    car, such as mass_kg, exact.
    """

    on: date
    registered: date
    region: str = ""
    circumstances: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    quantities: Mapping[str, Fraction] = field(default_factory=dict)
    built: date | None = None


class LineKind(StrEnum):
    BASE = "base"
    FEATURE = "feature"
    PACKAGE = "package"
    DISCOUNT = "discount"
    FEE = "fee"
    TAX = "tax"
    RELIEF = "relief"
    SUBSIDY = "subsidy"
    REGISTRATION = "registration"


@dataclass(frozen=True, slots=True)
class Line:
    """net + vat = gross. rule: document, version and JSON path. instead_of: the price that another rule replaced. why: for people."""

    kind: LineKind
    code: str
    name: str
    net: Money
    vat: Money
    gross: Money
    rule: str
    instead_of: Money | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """seller: what the seller invoices, VAT included. state: taxes, reliefs, registration and subsidies. payable = seller + state."""

    currency: str
    lines: tuple[Line, ...]
    net: Money
    vat: Money
    vat_rule: str
    seller: Money
    state: Money
    payable: Money
