"""Exact intervals for a share of runs and for a rate per exposure. Every function takes scalars or arrays that broadcast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from marque.common import Bools, Floats
from marque.proof.statistics.roots import bisect

Side = Literal["both", "upper", "lower"]


@dataclass(frozen=True)
class Interval:
    """`low` and `high` have the broadcast shape of what they were computed from (floats for scalars); unit of the quantity itself."""

    low: Floats | float
    high: Floats | float
    confidence: float

    def holds(self, value: ArrayLike) -> Bools:
        """Whether `value` lies in it, elementwise."""
        return np.asarray((self.low <= np.asarray(value)) & (np.asarray(value) <= self.high))


def tails(confidence: float, side: Side) -> tuple[float, float]:
    """The error allowed below and above. Raises ValueError for a confidence outside (0, 1)."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence {confidence} lies outside (0, 1)")
    alpha = 1.0 - confidence
    return {"both": (alpha / 2, alpha / 2), "upper": (0.0, alpha), "lower": (alpha, 0.0)}[side]


def more_than(k: ArrayLike, n: ArrayLike, p: ArrayLike) -> Floats:
    """P(X > k) for X binomial of n and p, k from −1 to n. Source: DLMF 8.17.5; scipy.special.betainc (its bdtrc wants a C integer n)."""
    k, n = np.asarray(k, float), np.asarray(n, float)
    inside = special.betainc(np.maximum(k + 1, 0.5), np.maximum(n - k, 0.5), p)
    return np.where(k < 0, 1.0, np.where(k >= n, 0.0, inside))


def at_most(k: ArrayLike, n: ArrayLike, p: ArrayLike) -> Floats:
    """P(X ≤ k); see `more_than`."""
    k, n = np.asarray(k, float), np.asarray(n, float)
    inside = special.betaincc(np.maximum(k + 1, 0.5), np.maximum(n - k, 0.5), p)
    return np.where(k < 0, 0.0, np.where(k >= n, 1.0, inside))


def binomial(failures: ArrayLike, runs: ArrayLike, confidence: float = 0.95, side: Side = "both", *, mid_p: bool = False) -> Interval:
    """Interval of a failure probability from `failures` in `runs` independent runs.

    Clopper–Pearson: never covers less than `confidence`, at zero failures too (upper limit 1 − α^(1/n)). With `mid_p` half of the observed
    count's probability is taken off either tail: shorter, covers `confidence` on average, not at every p. `runs` = 0 tells nothing: [0, 1].
    Raises ValueError for counts that are no counts.
    Source: Clopper, Pearson 1934; as beta quantiles Brown, Cai, DasGupta 2001, (4); mid-p Agresti, Gottard 2007, section 2.
    """
    below, above = tails(confidence, side)
    k, n = _counts(failures, runs)
    if mid_p:
        return _mid_p(k, n, below, above, confidence)
    # special.betaincinv wants positive shapes; where the shape is 0 the limit is the end of [0, 1] itself
    low = np.where((k == 0) | (below == 0.0), 0.0, special.betaincinv(np.maximum(k, 1), n - k + 1, below))
    high = np.where((k == n) | (above == 0.0), 1.0, special.betainccinv(k + 1, np.maximum(n - k, 1), above))
    return Interval(low[()], high[()], confidence)


def poisson(events: ArrayLike, confidence: float = 0.95, side: Side = "both") -> Interval:
    """Interval of the mean of a Poisson count; at zero events the upper limit is −ln α (95 %, one side: 2.996, the "rule of three").

    Source: Garwood 1936; as gamma quantiles Fay, Feuer 1997, (1).
    """
    below, above = tails(confidence, side)
    k = np.asarray(events, float)
    if np.any(k < 0):
        raise ValueError("a count of events is negative")
    low = np.where((k == 0) | (below == 0.0), 0.0, special.gammaincinv(np.maximum(k, 1), below))
    high = np.where(above == 0.0, np.inf, special.gammainccinv(k + 1, above))
    return Interval(low[()], high[()], confidence)


def rate(events: ArrayLike, exposure: ArrayLike, confidence: float = 0.95, side: Side = "both") -> Interval:
    """Interval of events per unit of `exposure` (km, h: the result is per that unit). No exposure tells nothing: [0, ∞)."""
    e = np.asarray(exposure, float)
    if np.any(e < 0) or np.any((e == 0) & (np.asarray(events) > 0)):
        raise ValueError("events need a positive exposure")
    count = poisson(events, confidence, side)
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(e == 0, 0.0, count.low / e)
        high = np.where(e == 0, np.inf, count.high / e)
    return Interval(low[()], high[()], confidence)


def _counts(failures: ArrayLike, runs: ArrayLike) -> tuple[Floats, Floats]:
    k, n = np.broadcast_arrays(np.asarray(failures, float), np.asarray(runs, float))
    if np.any(k < 0) or np.any(k > n) or np.any(k != np.floor(k)) or np.any(n != np.floor(n)):
        raise ValueError("failures and runs are whole numbers, 0 ≤ failures ≤ runs")
    return k, n


def _mid_p(k: Floats, n: Floats, below: float, above: float, confidence: float) -> Interval:
    """Both ends by bisection: the mid-p tails are monotone in p."""

    def upper_tail(p: Floats) -> Floats:  # P(X > k) + P(X = k) / 2, rises with p
        return 0.5 * (more_than(k, n, p) + more_than(k - 1, n, p))

    low, _ = bisect(lambda p: upper_tail(p) > below, np.zeros(k.shape), 1.0)
    _, high = bisect(lambda p: upper_tail(p) > 1.0 - above, np.zeros(k.shape), 1.0)
    none = n == 0
    low = np.where((k == 0) | none | (below == 0.0), 0.0, low)
    high = np.where((k == n) | none | (above == 0.0), 1.0, high)
    return Interval(low[()], high[()], confidence)
