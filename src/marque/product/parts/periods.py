"""When features and items hold: the days of a line cut into periods in which none begins or ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import date, timedelta

from marque.common import InputError
from marque.product.model import Feature, FeatureModel
from marque.product.parts.bill import Bill

SINCE, UNTIL = "from", "until"
"""Attributes of a feature: the first and the last day on which a car with it may be built, as 2026-09-01."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both included; None for no bound."""

    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def within(self, other: Period) -> bool:
        """Whether every day of this one is a day of the other."""
        begins = other.first is None or (self.first is not None and other.first <= self.first)
        return begins and (other.last is None or (self.last is not None and self.last <= other.last))

    @property
    def empty(self) -> bool:
        return self.first is not None and self.last is not None and self.last < self.first

    @property
    def day(self) -> date:
        """One of its days: the first where there is one."""
        return self.first or self.last or date(2000, 1, 1)

    def __str__(self) -> str:
        if self.first and self.last:
            return f"{self.first} to {self.last}"
        return f"from {self.first}" if self.first else f"until {self.last}" if self.last else "any day"


def of_feature(feature: Feature) -> Period:
    """When cars with a feature may be built. InputError for an attribute that is no day."""
    return Period(_day(feature, SINCE), _day(feature, UNTIL))


def of_car(model: FeatureModel, car: Set[str]) -> Period:
    """The days on which all features of a car may be built; empty if there is none."""
    found = [of_feature(model.features[name]) for name in car]
    first = max((one.first for one in found if one.first), default=None)
    return Period(first, min((one.last for one in found if one.last), default=None))


def periods(model: FeatureModel, bill: Bill) -> tuple[Period, ...]:
    """All days, in order, cut where a feature or a usage begins or ends."""
    told = [*(of_feature(feature) for feature in model.features.values()), *(Period(one.since, one.until) for _, _, one in bill.usages())]
    cuts = sorted(set(_begins(told)))
    first: list[date | None] = [None, *cuts]
    return tuple(Period(begin, cut - _DAY if cut else None) for begin, cut in zip(first, [*cuts, None], strict=True))


def _begins(told: Iterable[Period]) -> Iterator[date]:
    for one in told:
        if one.first:
            yield one.first
        if one.last:
            yield one.last + _DAY


def _day(feature: Feature, key: str) -> date | None:
    value = feature.attributes.get(key)
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        where, place = feature.place, f"line {feature.place.line}, column {feature.place.column}"
        problem = f"the attribute “{key}” of “{feature.name}” is “{value}”, expected a day as '2026-09-01'"
        raise InputError(where.file, place, problem) from None
