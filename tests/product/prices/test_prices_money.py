from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.product.prices import Money
from marque.product.prices.money import MINOR_DIGITS, Mode, apportioned, rounded

RULES = {Mode.HALF_UP: ROUND_HALF_UP, Mode.HALF_EVEN: ROUND_HALF_EVEN}


@given(
    st.integers(-(10**14), 10**14), st.sampled_from([1, 2, 5, 10, 25, 100, 1000]), st.sampled_from(list(Mode)), st.sampled_from([1, 5, 100])
)
def test_rounding_is_that_of_the_decimal_module(numerator, denominator, mode, unit):
    with localcontext(prec=60):
        steps = Decimal(numerator) / Decimal(denominator) / Decimal(unit)
        assert rounded(Fraction(numerator, denominator), mode, unit) == int(steps.quantize(Decimal(1), RULES[mode])) * unit


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=30))
def test_parts_sum_up_to_the_whole_and_none_is_a_unit_off(whole, weights):
    parts = apportioned(whole, weights)
    assert sum(parts) == whole
    if total := sum(weights):
        assert all(abs(part - Fraction(whole * weight, total)) < 1 for part, weight in zip(parts, weights, strict=True))


@given(st.integers(-(10**20), 10**20), st.sampled_from(sorted(MINOR_DIGITS)))
def test_minor_units_and_amounts_are_the_same_money_whatever_the_context_says(units, currency):
    with localcontext(prec=3):
        assert Money.of_minor(units, currency).minor == units
        assert Fraction(Money.of_minor(units, currency).amount) == Fraction(units, 10 ** MINOR_DIGITS[currency])


def test_an_amount_has_no_more_decimal_places_than_its_currency():
    with pytest.raises(ValueError, match="more decimal places"):
        Money(Decimal("0.001"), "EUR")
    with pytest.raises(ValueError, match="more decimal places"):
        Money(Decimal("NaN"), "EUR")
    assert Money(Decimal("1.500"), "EUR").minor == 150
    with pytest.raises(ValueError, match="not known"):
        Money(Decimal(1), "ABC")
    assert str(Money(Decimal("1234567.5"), "EUR")) == "1,234,567.50 EUR"
    assert str(Money.of_minor(1234, "JPY")) == "1,234 JPY"
