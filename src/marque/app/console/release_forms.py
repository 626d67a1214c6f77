"""What people write into forms about releases and roll-outs, as values. Raises InputError that names the field and an example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import time, timedelta
from typing import TypeVar
from uuid import UUID

from marque.app.console.visit import Form
from marque.common import InputError
from marque.release.model import Draft
from marque.release.rollouts.model import FieldLimits, Group, Plan, Thresholds, Window

GROUPS = 6
"""Rows for groups that the form of a roll-out has; those without a name are left out."""
FIRST = (
    {"name": "test-fleet", "percent": "1", "least": "5", "soak": "72"},
    {"name": "early", "percent": "5", "least": "20", "soak": "72"},
    {"name": "quarter", "percent": "25", "least": "100", "soak": "48"},
    {"name": "all", "percent": "100", "least": "100", "soak": "24"},
)
"""What the form begins with: names, shares in per cent, least numbers of answers, hours."""
_DIGITS = 9
_Value = TypeVar("_Value")


def draft_of(form: Form) -> Draft:
    """A release's draft."""
    return Draft(
        name=form.get("release_name", "").strip(), version=form.get("version", "").strip(), digest=form.get("digest", "").strip().lower(),
        model=form.get("vehicle_model", "").strip(), markets=tuple(words_of(form, "for_markets")), rxswin=_pairs(form, "rxswin", str),
        requires=_pairs(form, "requires", lambda text: _counter("requires", text)), conflicts=_pairs(form, "conflicts", _span),
        entitlement=form.get("entitlement", "").strip(), note=form.get("note", "").replace("\r\n", "\n").strip(),
    )  # fmt: skip


def plan_of(form: Form) -> Plan:
    """A roll-out's plan, from rows `0-name`, `0-percent` …"""
    try:
        release = UUID(form.get("release", ""))
    except ValueError:
        raise InputError("form", "release", "no release was chosen", "Choose one that is published.") from None
    groups = [_group(form, row) for row in range(GROUPS) if form.get(f"{row}-name", "").strip()]
    return Plan(name=form.get("name", "").strip(), release=release, groups=tuple(groups))


def models_of(form: Form) -> dict[str, list[str]]:
    """Vehicle models and the hardware ids of their ECUs, a line each: `vela = brake-ecu, pilot-computer`."""
    return _pairs(form, "models", lambda text: text.replace(",", " ").split())


def words_of(form: Form, name: str) -> list[str]:
    """Words with commas or blanks between them."""
    return form.get(name, "").replace(",", " ").split()


def names_of(form: Form, name: str) -> list[str]:
    """Names, which may have blanks in them, with commas between them."""
    return [one for one in map(str.strip, form.get(name, "").split(",")) if one]


def _group(form: Form, row: int) -> Group:
    def said(name: str) -> str:
        return form.get(f"{row}-{name}", "").strip()

    def number(name: str, otherwise: float) -> float:
        return otherwise if not said(name) else _number(f"{row}-{name}", said(name))

    def limit(name: str) -> float | None:
        return None if not said(name) else _number(f"{row}-{name}", said(name))

    return Group(
        name=said("name"), models=tuple(words_of(form, f"{row}-models")), markets=tuple(words_of(form, f"{row}-markets")),
        features=tuple(words_of(form, f"{row}-features")), cars=tuple(words_of(form, f"{row}-cars")), percent=number("percent", 100.0),
        thresholds=Thresholds(
            success=number("success", 97.0) / 100.0, error=number("error", 1.0) / 100.0, reported=number("reported", 80.0) / 100.0,
            least=_counter(f"{row}-least", said("least") or "20"),
        ),
        road=FieldLimits(
            disengagements=limit("disengagements"), minimal_risk=limit("minimal-risk"), least_km=number("least-km", 0.0),
        ),
        soak=timedelta(hours=number("soak", 24.0)), window=_window(said("from"), said("until"), f"{row}-from"),
        attempts=_counter(f"{row}-attempts", said("attempts") or "3"), consent=form.get(f"{row}-consent", "") != "no",
    )  # fmt: skip


def _window(start: str, end: str, place: str) -> Window | None:
    if not start and not end:
        return None
    try:
        return Window(time.fromisoformat(start), time.fromisoformat(end))
    except ValueError:
        raise InputError(
            "form", place, "a maintenance window has a beginning and an end", "Write them as 01:00 and 05:00, in UTC."
        ) from None


def _pairs(form: Form, name: str, value: Callable[[str], _Value]) -> dict[str, _Value]:
    """Lines `key = value`."""
    found: dict[str, _Value] = {}
    for line in filter(None, map(str.strip, form.get(name, "").splitlines())):
        key, sign, said = (part.strip() for part in line.partition("="))
        if not sign or not key or not said or key in found:
            raise InputError("form", name, "each line names one thing, an equals sign and its value", _EXAMPLES[name])
        found[key] = value(said)
    return found


_EXAMPLES: Mapping[str, str] = {
    "rxswin": "Write it as R156 = RXSWIN-VELA-7.",
    "requires": "Write it as brake-ecu = 3.",
    "conflicts": "Write it as brake-ecu = 1-3.",
    "models": "Write it as vela = brake-ecu, pilot-computer.",
}


def _span(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return _counter("conflicts", first.strip()), _counter("conflicts", (last or first).strip())


def _counter(place: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise InputError("form", place, "it is no whole number", "Write it as 3.")
    return int(text)


def _number(place: str, text: str) -> float:
    if not text.replace(".", "", 1).isdecimal() or not text.isascii() or len(text) > _DIGITS:
        raise InputError("form", place, "it is no number", "Write it as 0.5.")
    return float(text)
