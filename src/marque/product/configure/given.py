"""What is decided before a buyer begins: market, plant, model year; and the day for which the car is built."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from marque.common import InputError
from marque.product.configure.decisions import Decision
from marque.product.model import Feature, FeatureModel

FROM, UNTIL = "from", "until"
"""Attributes of a feature: the first and the last day on which it is built, ISO 8601, either may be missing."""


def on_day(model: FeatureModel, day: date) -> tuple[Decision, ...]:
    """Features that are not built on a day, each decided against. Raises InputError for an attribute that is not a date."""
    return tuple(told for feature in model.features.values() if (told := _against(feature, day)) is not None)


def chosen(names: Iterable[str], words: str) -> tuple[Decision, ...]:
    """words: why, such as "for this market"."""
    return tuple(Decision(name, True, words) for name in names)


def excluded(names: Iterable[str], words: str) -> tuple[Decision, ...]:
    return tuple(Decision(name, False, words) for name in names)


def _against(feature: Feature, day: date) -> Decision | None:
    if not feature.attributes:
        return None
    first, last = _date(feature, FROM), _date(feature, UNTIL)
    if first is not None and day < first:
        return Decision(feature.name, False, f"not built before {first}")
    if last is not None and day > last:
        return Decision(feature.name, False, f"not built after {last}")
    return None


def _date(feature: Feature, attribute: str) -> date | None:
    said = feature.attributes.get(attribute)
    if said is None:
        return None
    try:
        return date.fromisoformat(str(said))
    except ValueError:
        raise InputError(
            feature.place.file, f"line {feature.place.line}", f"{attribute} of “{feature.name}” is {said!r}, not a date",
            "Write a day as '2026-03-01'.",
        ) from None  # fmt: skip
