"""When a car may switch to new software: somebody agreed, it stands still, it has charge enough, and it is the time for it.

Downloading and staging change nothing that runs and need none of this. UN R156, 7.2.2.1 asks that an update is carried out only while the
vehicle has power enough to finish or to go back; 7.2.2.2 that it is safe, and that its user is told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, time, tzinfo
from enum import StrEnum
from typing import Final

LEAST_CHARGE_PERCENT: Final = 30


class Unmet(StrEnum):
    """What is missing, in words for the car's user."""

    CONSENT = "you have not agreed to this update yet"
    PARKED = "the car is not parked"
    CHARGE = "the battery is too low"
    WINDOW = "it is not the time for it"


@dataclass(frozen=True)
class Window:
    """From `begin` to `end` of each day, by the clocks of `zone`; where the end is before the beginning, over midnight."""

    begin: time
    end: time
    zone: tzinfo

    def holds(self, now: datetime) -> bool:
        clock = now.astimezone(self.zone).time()
        if self.begin <= self.end:
            return self.begin <= clock < self.end
        return clock >= self.begin or clock < self.end


@dataclass(frozen=True)
class Terms:
    """What this car asks for. That it is parked is asked for always. consent: of the user to each bundle."""

    consent: bool = True
    least_charge_percent: int = LEAST_CHARGE_PERCENT
    window: Window | None = None


@dataclass(frozen=True)
class Situation:
    """The car now. What is not known counts as missing. consented: when the user agreed to this bundle."""

    parked: bool = False
    charge_percent: float | None = None
    consented: datetime | None = None


def read_situation(raw: bytes) -> Situation:
    """What the car's body says of itself, `{"parked": true, "charge_percent": 80}`. What is not there, or is none, is not known."""
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        return Situation()
    parked, charge = (said.get("parked"), said.get("charge_percent")) if isinstance(said, dict) else (None, None)
    percent = float(charge) if isinstance(charge, int | float) and not isinstance(charge, bool) else None
    return Situation(parked is True, percent)


def unmet(terms: Terms, situation: Situation, now: datetime) -> tuple[Unmet, ...]:
    """What stands against switching now; nothing: it may."""
    missing = {
        Unmet.CONSENT: terms.consent and situation.consented is None,
        Unmet.PARKED: not situation.parked,
        Unmet.CHARGE: situation.charge_percent is None or not situation.charge_percent >= terms.least_charge_percent,
        Unmet.WINDOW: terms.window is not None and not terms.window.holds(now),
    }
    return tuple(each for each, misses in missing.items() if misses)
