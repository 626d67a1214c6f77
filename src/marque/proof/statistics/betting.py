"""The mean of bounded values, without further assumptions, at any number of looks: betting against it.

A gambler who may only bet a fraction of the capital, at odds fair under the null hypothesis, multiplies it by 1/α with probability ≤ α at
most, ever. The capital is averaged over a fixed set of fractions, so nothing has to be tuned and the order of the values matters little.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from marque.common import Floats
from marque.proof.statistics.intervals import Interval, Side, tails
from marque.proof.statistics.roots import bisect

FRACTIONS: Final[Floats] = special.expit(np.linspace(-6.0, 6.0, 25))
"""The fractions of what could be staked, from 1/400 to 399/400."""


def log_e_mean_below(values: ArrayLike, limit: ArrayLike, running: bool = False) -> Floats:
    """Logarithm of the e-value against "the mean is ≥ `limit`", from `values` (…, n) in [0, 1]; after each value (…, n) if `running`, else
    (…).

    Valid for independent values of one mean, and for any values whose conditional mean never goes below `limit` under the null.
    Source: Waudby-Smith, Ramdas 2024, section 4.1 (capital process), mixed over bets as in their appendix B.
    """
    x, m = _unit(values), np.asarray(limit, float)[..., None, None]
    with np.errstate(divide="ignore"):
        steps = np.log1p(FRACTIONS[:, None] * (m - x[..., None, :]) / (1.0 - m))
    return _mixed(steps, running)


def log_e_mean_above(values: ArrayLike, limit: ArrayLike, running: bool = False) -> Floats:
    """Logarithm of the e-value against "the mean is ≤ `limit`". See `log_e_mean_below`."""
    return log_e_mean_below(1.0 - _unit(values), 1.0 - np.asarray(limit, float), running)


def mean_interval(values: ArrayLike, bounds: tuple[float, float], confidence: float = 0.95, side: Side = "both") -> Interval:
    """Interval of the mean of `values` (n,), all in `bounds`, in their unit; holds at every n together with probability ≥ `confidence`."""
    below, above = tails(confidence, side)
    start, span = bounds[0], bounds[1] - bounds[0]
    x = _unit((np.asarray(values, float) - start) / span)
    low, high = 0.0, 1.0
    if below > 0.0 and x.size and x.mean() > 0.0:
        found, _ = bisect(lambda m: log_e_mean_above(x, m) < -np.log(below), 0.0, x.mean(), halvings=40)
        low = float(found)
    if above > 0.0 and x.size and x.mean() < 1.0:
        _, found = bisect(lambda m: log_e_mean_below(x, m) >= -np.log(above), x.mean(), 1.0 - 1e-12, halvings=40)
        high = float(found)
    return Interval(start + span * low, start + span * high, confidence)


def mixed_over_bets(log_capitals: Floats) -> Floats:
    """Logarithm of the capital averaged over the bets of the last axis."""
    return np.asarray(special.logsumexp(log_capitals, axis=-1) - np.log(log_capitals.shape[-1]))


def _mixed(steps: Floats, running: bool) -> Floats:
    if running:
        return mixed_over_bets(np.moveaxis(np.cumsum(steps, axis=-1), -2, -1))
    return mixed_over_bets(steps.sum(axis=-1))


def _unit(values: ArrayLike) -> Floats:
    x = np.asarray(values, float)
    if x.size and (x.min() < -1e-12 or x.max() > 1.0 + 1e-12):
        raise ValueError("a value lies outside the bounds named beforehand")
    return np.asarray(np.clip(x, 0.0, 1.0))
