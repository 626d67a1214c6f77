"""How figures are written: shares, intervals, digests, instants."""

from __future__ import annotations

import math
from datetime import datetime

from marque.proof.statistics import Interval

_POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SMALLEST = 1e-5
"""Shares below it, as percentages, have more noughts than anybody counts."""


def share(value: float) -> str:
    """A share, 0 to 1, with three significant digits: as a percentage, or as a power of ten where it is very small."""
    if value == 0.0 or not math.isfinite(value):
        return "0 %" if value == 0.0 else "unknown"
    if value < _SMALLEST:
        power = math.floor(math.log10(value))
        return f"{value / 10.0**power:.2g} · 10{str(power).translate(_POWERS)}"
    digits = max(0, 2 - math.floor(math.log10(100.0 * value)))
    told = f"{100.0 * value:.{digits}f}"
    return f"{told.rstrip('0').rstrip('.') if '.' in told else told} %"


def between(interval: Interval) -> str:
    """Both ends of an interval of a share."""
    return f"{share(float(interval.low))} to {share(float(interval.high))}"


def points(value: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{100.0 * abs(value):.3g}"


def p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def count(value: int) -> str:
    """Thousands apart, by a narrow space that does not break."""
    return f"{value:,}".replace(",", "\u202f")


def minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def measure(value: float) -> str:
    """With three significant digits and no exponent."""
    if value == 0.0:
        return "0"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
