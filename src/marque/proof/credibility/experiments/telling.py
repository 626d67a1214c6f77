"""Figures in sentences, and many trials on many processes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np

from marque.common import Floats, MarqueError
from marque.foundation.compute import Compute, Failure
from marque.proof.credibility.model import Series, rounded

_Item = TypeVar("_Item")
_Value = TypeVar("_Value")
LIMIT_S = 300.0


def all_of(compute: Compute, function: Callable[[_Item], _Value], items: Sequence[_Item]) -> list[_Value]:
    """The values of all items, in their order. Raises MarqueError where one has none: a measurement with a hole is none."""
    values: dict[int, _Value] = {}
    with compute.run(function, items, limit_s=LIMIT_S) as batch:
        for result in batch:
            if isinstance(result.value, Failure):
                raise MarqueError(f"A measurement failed: {result.value.text}.")
            values[result.index] = result.value
    return [values[k] for k in range(len(items))]


def said(value: float, unit: str = "") -> str:
    """Three significant digits, with its unit."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.0f}" if abs(value) >= 1000.0 else f"{value:.3g}"
    return f"{text} {unit}".strip()


def series(name: str, x: Iterable[float] | Floats, y: Iterable[float] | Floats) -> Series:
    return Series(name, tuple(rounded(float(one)) for one in x), tuple(rounded(float(one)) for one in y))


def quantile(values: Floats, share: float) -> float:
    """NaN of nothing."""
    return float(np.quantile(values, share)) if len(values) else math.nan
