"""Sums of many literals with large weights, added up in binary: few clauses whatever the weights, at the price of weaker propagation.

Source: Eén, Sörensson 2006, "Translating pseudo-Boolean constraints into SAT", section 5.4. Both directions of every adder are written, so
each auxiliary variable is a function of the literals.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from marque.product.encoding.clauses import Builder, Clause


def limited(builder: Builder, literals: Sequence[int], weights: Sequence[int], low: int, high: int) -> list[Clause]:
    """Clauses that hold where low ≤ Σ weight · [literal] ≤ high; weights positive, 0 ≤ low ≤ high."""
    bits = _sum(builder, literals, weights)
    return _at_least(bits, low) + _at_most(bits, high)


def _sum(builder: Builder, literals: Sequence[int], weights: Sequence[int]) -> list[int | None]:
    """The binary digits of the sum, lowest first; None for a digit that is always 0."""
    columns: list[deque[int]] = [deque() for _ in range(sum(weights).bit_length() + 1)]
    for literal, weight in zip(literals, weights, strict=True):
        for place in range(weight.bit_length()):
            if weight >> place & 1:
                columns[place].append(literal)
    digits: list[int | None] = []
    for place, column in enumerate(columns):
        while len(column) > 1:
            count = min(len(column), 3)
            ones = [column.popleft() for _ in range(count)]
            column.append(_parity(builder, ones))
            columns[place + 1].append(_majority(builder, ones))
        digits.append(column[0] if column else None)
    return digits


def _parity(builder: Builder, ones: Sequence[int]) -> int:
    digit = builder.fresh()
    signs = range(1 << len(ones))
    builder.define(
        [
            *[-one if chosen >> index & 1 else one for index, one in enumerate(ones)],
            digit if chosen.bit_count() % 2 else -digit,
        ]
        for chosen in signs
    )
    return digit


def _majority(builder: Builder, ones: Sequence[int]) -> int:
    """At least two of two or three."""
    carry = builder.fresh()
    if len(ones) == 2:
        builder.define([[-ones[0], -ones[1], carry], [ones[0], -carry], [ones[1], -carry]])
        return carry
    for first, second in ((0, 1), (0, 2), (1, 2)):
        builder.define([[-ones[first], -ones[second], carry], [ones[first], ones[second], -carry]])
    return carry


def _at_least(digits: Sequence[int | None], low: int) -> list[Clause]:
    """Where low has a 1, the sum has one too or has had one above where low has 0."""
    found: list[Clause] = []
    above: set[int] = set()
    for place in range(len(digits) - 1, -1, -1):
        digit = digits[place]
        own = set() if digit is None else {digit}
        if low >> place & 1:
            found.append(frozenset(above | own))
        else:
            above |= own
    return found


def _at_most(digits: Sequence[int | None], high: int) -> list[Clause]:
    found: list[Clause] = []
    above: set[int] = set()
    certain = False  # Above, high has a 1 where the sum never has.
    for place in range(len(digits) - 1, -1, -1):
        digit = digits[place]
        if high >> place & 1:
            if digit is None:
                certain = True
            else:
                above.add(-digit)
        elif digit is not None and not certain:
            found.append(frozenset(above | {-digit}))
    return found
