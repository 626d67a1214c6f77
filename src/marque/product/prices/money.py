"""Money: a Decimal amount with its currency, and whole minor units (cents, fen, øre) to compute in. No float ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import floor

MINOR_DIGITS = {"CHF": 2, "CNY": 2, "DKK": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3, "NOK": 2, "SEK": 2, "THB": 2, "USD": 2}
"""Decimal places of a currency's minor unit. Source: ISO 4217, list one."""


class Mode(StrEnum):
    HALF_UP = "half_up"
    """Ties away from zero."""
    HALF_EVEN = "half_even"


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """amount: with as many decimal places as the currency's minor unit has, no more."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in MINOR_DIGITS:
            raise ValueError(f"the minor unit of the currency {self.currency!r} is not known")
        exponent = self.amount.as_tuple().exponent
        if not isinstance(exponent, int) or (exponent < -MINOR_DIGITS[self.currency] and self._exact_minor().denominator != 1):
            raise ValueError(f"{self.amount} has more decimal places than {self.currency} has")

    @classmethod
    def of_minor(cls, units: int, currency: str) -> Money:
        sign, digits = int(units < 0), tuple(int(digit) for digit in str(abs(units)))
        return cls(Decimal((sign, digits, -MINOR_DIGITS[currency])), currency)  # not through a context, which could round

    @property
    def minor(self) -> int:
        """Whole minor units."""
        return int(self._exact_minor())

    def _exact_minor(self) -> Fraction:
        """Not by decimals, whose context could round."""
        return Fraction(self.amount) * Fraction(10 ** MINOR_DIGITS[self.currency])

    def __str__(self) -> str:
        return f"{self.amount:,.{MINOR_DIGITS[self.currency]}f} {self.currency}"


def rounded(exact: Fraction, mode: Mode, unit: int = 1) -> int:
    """To a whole multiple of unit; both modes are symmetric about zero, so that a discount is rounded as the price it takes from."""
    share = abs(exact) / unit
    whole = floor(share)
    rest = share - whole
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and (mode is Mode.HALF_UP or whole % 2 == 1)):
        whole += 1
    return (whole if exact >= 0 else -whole) * unit


def apportioned(whole: int, weights: Sequence[int]) -> list[int]:
    """Whole in parts as the weights are, parts summing up to it: the largest remainders get what rounding down left, earlier ones first.

    Weights may be below 0 (a discount carries VAT back). Where they sum up to 0 the first part takes everything.
    Source: Hamilton's method of apportionment.
    """
    total = sum(weights)
    if not weights or total == 0:
        return [whole if number == 0 else 0 for number in range(len(weights))]
    exact = [Fraction(whole * weight, total) for weight in weights]
    parts = [floor(one) for one in exact]
    left = whole - sum(parts)
    for number in sorted(range(len(parts)), key=lambda number: (parts[number] - exact[number], number))[:left]:
        parts[number] += 1
    return parts
