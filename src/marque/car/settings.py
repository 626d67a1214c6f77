"""What a car is told when it is provisioned, beside what it is: where it asks, and when it may switch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, time, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marque.car.attacks import UpdateRefused
from marque.car.install.conditions import Terms, Window
from marque.car.link import check_address
from marque.car.uptane.fields import Fields
from marque.common import InputError

FILE = "settings.json"


@dataclass(frozen=True)
class Settings:
    """server: this car's address there. terms: of switching. start: a command that starts one ECU and checks that it came up.

    It is run as `start… SERIAL SLOT-FILE`; exit status 0: it did. Empty: an ECU whose image is whole counts as up.
    """

    server: str
    terms: Terms
    start: tuple[str, ...] = ()


def dumps(settings: Settings) -> bytes:
    """The inverse of `read`."""
    terms = settings.terms
    said: dict[str, Any] = {"server": settings.server, "consent": terms.consent, "least_charge_percent": terms.least_charge_percent}
    if terms.window is not None:
        said["window"] = [terms.window.begin.isoformat(), terms.window.end.isoformat(), str(terms.window.zone)]
    return json.dumps(said | {"start": list(settings.start)}, indent=2).encode() + b"\n"


def read(raw: bytes) -> Settings:
    """InputError where it is not usable."""
    try:
        said = Fields(json.loads(raw), FILE)
        window = window_of([str(part) for part in said.items("window")]) if said.has("window") else None
        terms = Terms(said.flag("consent"), _percent(said), window)
        settings = Settings(check_address(said.text("server")), terms, tuple(str(part) for part in said.items("start")))
        said.end()
    except (UpdateRefused, ValueError) as fault:
        raise InputError(FILE, "", f"cannot be used: {fault}".rstrip(".")) from None
    return settings


def window_of(parts: list[str]) -> Window:
    """["01:00", "05:00", "Europe/Berlin"]. InputError."""
    try:
        begin, end, zone = parts
        return Window(time.fromisoformat(begin), time.fromisoformat(end), _zone(zone))
    except (ValueError, ZoneInfoNotFoundError) as fault:
        raise InputError("window", " ".join(parts), "is not two times and a time zone", "For example: 01:00 05:00 Europe/Berlin") from fault


def _percent(said: Fields) -> int:
    percent = said.count("least_charge_percent")
    if percent > 100:
        said.refuse("least_charge_percent", "is more than 100")
    return percent


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)
