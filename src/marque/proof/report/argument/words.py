"""How figures, instants and names are told in an argument."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from marque.proof.statistics import Interval


def percent(share: float) -> str:
    return f"{100.0 * share:.3g} %"


def interval(found: Interval) -> str:
    low, high = 100.0 * float(found.low), 100.0 * float(found.high)
    return f"between {low:.3g} and {high:.3g} % with {100.0 * found.confidence:g} % confidence"


def counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: Iterable[str]) -> str:
    """a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def day(instant: datetime) -> str:
    """UTC, to the minute."""
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def named(prefix: str, name: str) -> str:
    """An id of something that has a name: `G2.motorway/day`. Two names never give one id."""
    told = re.sub(r"[\s%]", lambda found: f"%{ord(found[0]):02X}", name)
    return f"{prefix}.{told or '%'}"
