"""Exact arithmetic over what a car has: polynomials whose unknowns are variables of the formula, each 0 or 1."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from marque.common import InputError
from marque.product.model import Place

Polynomial = Mapping[frozenset[int], Fraction]
"""Of each product of variables, its factor; the empty product is the constant. No factor is 0. Variables are positive."""

MOST_PRODUCTS = 20_000
ONE: Polynomial = {frozenset(): Fraction(1)}


class NotExactError(Exception):
    """What a constraint asks for has no finite exact formula. problem: one clause; remedy: a sentence."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy

    def at(self, place: Place) -> InputError:
        return InputError(place.file, f"line {place.line}, column {place.column}", self.problem, self.remedy)


@dataclass(frozen=True)
class Families:
    """Variables of which no two hold in one car: number of the family by variable; the literal that says that one of a family holds."""

    of: dict[int, int]
    any: dict[int, int]
    size: dict[int, int]

    def add(self, variables: Iterable[int], any_: int) -> None:
        number = len(self.any)
        self.any[number] = any_
        self.size[number] = 0
        for variable in variables:
            self.of[variable] = number
            self.size[number] += 1


def constant(value: Fraction) -> Polynomial:
    return {frozenset(): value} if value else {}


def of_literal(literal: int, factor: Fraction) -> Polynomial:
    """Factor · [literal]."""
    if literal > 0:
        return {frozenset((literal,)): factor} if factor else {}
    return added(constant(factor), {frozenset((-literal,)): -factor})


def added(first: Polynomial, second: Polynomial, factor: Fraction = ONE[frozenset()]) -> Polynomial:
    """First + factor · second."""
    result = dict(first)
    for product, each in second.items():
        total = result.get(product, Fraction(0)) + factor * each
        if total:
            result[product] = total
        else:
            result.pop(product, None)
    return result


def multiplied(first: Polynomial, second: Polynomial, families: Families) -> Polynomial:
    """Raises NotExactError when the product has too many terms."""
    if len(first) * len(second) > 50 * MOST_PRODUCTS:
        raise _too_many()
    result: dict[frozenset[int], Fraction] = {}
    for one, factor in first.items():
        for other, each in second.items():
            product = _together(one, other, families)
            if product is not None:
                result[product] = result.get(product, Fraction(0)) + factor * each
    if len(result) > MOST_PRODUCTS:
        raise _too_many()
    return {product: factor for product, factor in result.items() if factor}


def _too_many() -> NotExactError:
    return NotExactError(
        f"multiplying out gives more than {MOST_PRODUCTS:,} products", "Multiply fewer attributes, or typed features with fewer values."
    )


def _together(one: frozenset[int], other: frozenset[int], families: Families) -> frozenset[int] | None:
    """The product of two products; None where no car has both."""
    both = one | other
    if len(both) > len(one) and one:
        seen: dict[int, int] = {}
        for variable in both:
            family = families.of.get(variable)
            if family is not None and seen.setdefault(family, variable) != variable:
                return None
        any_ = {families.any[family] for family in seen}
        if any_ & both:
            return both - any_
    return both


def whole(polynomial: Polynomial) -> tuple[dict[frozenset[int], int], Fraction]:
    """Whole factors of all products but the constant, without a common divisor, and the constant on the same (positive) scale."""
    scale = Fraction(math.lcm(*(factor.denominator for product, factor in polynomial.items() if product)))
    factors = {product: int(factor * scale) for product, factor in polynomial.items() if product}
    divisor = math.gcd(*factors.values()) or 1
    return {product: factor // divisor for product, factor in factors.items()}, polynomial.get(frozenset(), Fraction(0)) * scale / divisor


def limits(polynomial: Polynomial, families: Families) -> tuple[Fraction, Fraction]:
    """Bounds of its value; of single members of one family only the extreme one counts."""
    low = high = polynomial.get(frozenset(), Fraction(0))
    extremes: dict[int, tuple[Fraction, Fraction]] = {}
    for product, factor in polynomial.items():
        if not product:
            continue
        family = next((families.of[variable] for variable in product if variable in families.of), None) if len(product) == 1 else None
        if family is None:
            low, high = low + min(factor, Fraction(0)), high + max(factor, Fraction(0))
        else:
            least, most = extremes.get(family, (Fraction(0), Fraction(0)))
            extremes[family] = min(least, factor), max(most, factor)
    return low + sum(least for least, _ in extremes.values()), high + sum(most for _, most in extremes.values())
