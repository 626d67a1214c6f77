"""What changes between two prices: of two cars, two days, or two versions of a list."""

from __future__ import annotations

from dataclasses import dataclass

from marque.product.prices.model import Breakdown, Line, LineKind
from marque.product.prices.money import Money


@dataclass(frozen=True, slots=True)
class Change:
    """Of one line, gross. before, after: None where it has no such line. difference = after − before."""

    kind: LineKind
    code: str
    name: str
    before: Line | None
    after: Line | None
    difference: Money


def changes(before: Breakdown, after: Breakdown) -> tuple[Change, ...]:
    """The lines that differ in money or in the rule they follow; their differences sum up to that of payable.

    Raises ValueError for prices in two currencies.
    """
    if before.currency != after.currency:
        raise ValueError(f"{before.currency} and {after.currency} cannot be compared")
    old, new = ({(one.kind, one.code): one for one in told.lines} for told in (before, after))
    found = []
    for key in [*old, *(key for key in new if key not in old)]:
        was, now = old.get(key), new.get(key)
        units = (now.gross.minor if now else 0) - (was.gross.minor if was else 0)
        if units or was is None or now is None or _rule(was) != _rule(now):
            line = now or was
            assert line is not None
            found.append(Change(line.kind, line.code, line.name, was, now, Money.of_minor(units, before.currency)))
    return tuple(found)


def _rule(line: Line) -> tuple[str, Money | None]:
    """Without the version of its document: a list that says the same as the one before changes nothing."""
    document, _, place = line.rule.partition(" $")
    return f"{document.split()[0]} {place}", line.instead_of
