"""Step halving: what is left of a result when time is cut finer. Numbers in, numbers out.

Source: Roache 1998, "Verification of Codes and Calculations", on Richardson's extrapolation.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marque.common import Floats
from marque.proof.statistics import intervals
from marque.proof.statistics.intervals import Interval

RATIO = 2.0
"""Each level's step over that of the next."""
_EXACT = 1e-12
"""Differences below it are rounding and tell of no order."""


@dataclass(frozen=True)
class Convergence:
    """Levels from coarse to fine. steps_s: (L,); differences: (L − 1,) between neighbouring levels, greatest over everything compared.

    orders: (L − 2,) observed; NaN where the differences are rounding. error: Richardson's estimate for the coarsest level, in the
    unit of the differences; NaN without an order.
    """

    steps_s: tuple[float, ...]
    differences: tuple[float, ...]
    orders: tuple[float, ...]
    error: float

    @property
    def order(self) -> float:
        """Of the finest levels that still tell; NaN where none does."""
        told = [one for one in self.orders if math.isfinite(one)]
        return told[-1] if told else math.nan


def observed_order(coarse: float, fine: float) -> float:
    """log2 of the ratio of two successive differences; NaN where one of them is rounding."""
    if min(abs(coarse), abs(fine)) < _EXACT:
        return math.nan
    return math.log(abs(coarse) / abs(fine)) / math.log(RATIO)


def extrapolated_error(difference: float, order: float) -> float:
    """Error of the coarser of two levels, from their difference: Richardson's, |difference| · r^p / (r^p − 1). order > 0."""
    if not order > 0.0:
        return math.nan
    grown = math.pow(RATIO, order)
    return abs(difference) * grown / (grown - 1.0)


def convergence(steps_s: Sequence[float], values: Sequence[Floats]) -> Convergence:
    """values: one array of any shape for each level, all of the same shape, at the same instants. Raises ValueError for fewer than two."""
    if len(values) < 2 or len(steps_s) != len(values):
        raise ValueError("two levels at least, each with its step")
    differences = tuple(float(np.max(np.abs(a - b), initial=0.0)) for a, b in itertools.pairwise(values))
    orders = tuple(observed_order(a, b) for a, b in itertools.pairwise(differences))
    first = next((one for one in orders if math.isfinite(one)), math.nan)
    return Convergence(tuple(map(float, steps_s)), differences, orders, extrapolated_error(differences[0], first))


@dataclass(frozen=True)
class Outcome:
    """A closed-loop case at one level. places_m: (n, 2) at the instants that all levels share; levels may end at different instants."""

    verdict: str
    failed: bool
    ttc_min_s: float
    places_m: Floats


@dataclass(frozen=True)
class Change:
    """From one level to the finest, over all cases. verdicts, failures: how many came out otherwise; share: of failures, exact, 95 %.

    ttc_s, place_m: (n,) absolute differences: of the least time to collision where both levels have one below `horizon_s`, and the
    greatest distance between the two courses.
    """

    cases: int
    verdicts: int
    failures: int
    share: Interval
    ttc_s: Floats
    place_m: Floats


def change(coarse: Sequence[Outcome], finest: Sequence[Outcome], horizon_s: float = 10.0) -> Change:
    """The same cases at two levels, in the same order. horizon_s: a time to collision beyond it tells of no danger. ≥ 1 case."""
    pairs = list(zip(coarse, finest, strict=True))
    verdicts = sum(a.verdict != b.verdict for a, b in pairs)
    failures = sum(a.failed != b.failed for a, b in pairs)
    near = [(a.ttc_min_s, b.ttc_min_s) for a, b in pairs if min(a.ttc_min_s, b.ttc_min_s) < horizon_s]
    ttc = np.array([abs(min(a, horizon_s) - min(b, horizon_s)) for a, b in near])
    place = np.array([apart(a.places_m, b.places_m) for a, b in pairs])
    return Change(len(pairs), verdicts, failures, intervals.binomial(failures, len(pairs)), ttc, place)


def apart(one: Floats, other: Floats) -> float:
    """The greatest distance of two courses (n, 2), m, up to the end of the shorter one."""
    both = min(len(one), len(other))
    return float(np.max(np.hypot(*(one[:both] - other[:both]).T), initial=0.0))
