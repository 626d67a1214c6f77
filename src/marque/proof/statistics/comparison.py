"""A release against its baseline on the same cases with the same random numbers: what differs is the release's doing.

A pair *differs* if one of the two failed and the other did not: `worse` counts pairs in which only the release failed, `better` those in
which only the baseline did. The difference of failure probabilities is (P(worse) − P(better)); positive is bad.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from marque.common import Floats
from marque.proof.statistics.betting import FRACTIONS, mixed_over_bets
from marque.proof.statistics.intervals import Interval, Side, more_than, tails
from marque.proof.statistics.roots import bisect
from marque.proof.statistics.sequential import log_e_above, log_e_below


@dataclass(frozen=True)
class Pairs:
    """Counts per cell, arrays of one shape."""

    worse: Floats
    better: Floats
    pairs: Floats


def count_pairs(release_failed: ArrayLike, baseline_failed: ArrayLike, cell: ArrayLike | None = None, cells: int = 1) -> Pairs:
    """Counts from outcomes (pairs,) of bools; `cell` (pairs,) says in which of the `cells` each pair is. Raises ValueError on other
    shapes.
    """
    release, baseline = np.asarray(release_failed, bool), np.asarray(baseline_failed, bool)
    where = np.zeros(release.shape, np.intp) if cell is None else np.asarray(cell, np.intp)
    if not release.shape == baseline.shape == where.shape or release.ndim != 1:
        raise ValueError("release, baseline and cells must be of the same cases")

    def counted(which: np.ndarray) -> Floats:
        return np.bincount(where[which], minlength=cells).astype(float)

    return Pairs(counted(release & ~baseline), counted(~release & baseline), counted(np.ones_like(release)))


def mcnemar(worse: ArrayLike, better: ArrayLike) -> Floats:
    """Exact one-sided p-value of "the release fails no more often than the baseline": P(Bin(worse + better, 1/2) ≥ worse).

    Source: McNemar 1947, in its exact conditional form (Fay, Lumley 2021, section 2). No pair that differs: 1.
    """
    b, c = np.broadcast_arrays(np.asarray(worse, float), np.asarray(better, float))
    return more_than(b - 1, b + c, 0.5)[()]


def fisher(failures: ArrayLike, runs: ArrayLike, among: ArrayLike, others: ArrayLike) -> Floats:
    """Exact one-sided p-value of "these runs fail no more often than those": `failures` of `runs` here, `among` of `others` there.

    P(X ≥ failures) for X hypergeometric, given how many failed in all. No runs on either side: 1. Source: Fisher 1935, section 21.1.
    """
    k, n, j, m = np.broadcast_arrays(*(np.asarray(each, float) for each in (failures, runs, among, others)))
    return np.asarray(np.where((n > 0) & (m > 0), stats.hypergeom.sf(k - 1, n + m, k + j, n), 1.0))[()]


def log_e_more_often(failures: ArrayLike, runs: ArrayLike, among: ArrayLike, others: ArrayLike) -> Floats:
    """Logarithm of the e-value against "these runs fail no more often than those", valid under peeking; arguments as in `fisher`.

    If it is true, some probability lies between both; against that one, both sides bet, and as they are independent the product of their
    capitals is an e-process. Which one is not known: the least product over all. Source: Wasserman, Ramdas, Balakrishnan 2020, section 8
    (the least of e-values over a composite null); `log_e_above` and `log_e_below` for either side.
    """
    k, n, j, m = (each[..., None] for each in np.broadcast_arrays(*(np.asarray(one, float) for one in (failures, runs, among, others))))
    low, high = np.full((*k.shape[:-1], 1), -16.0), np.full((*k.shape[:-1], 1), 16.0)
    steps = np.linspace(0.0, 1.0, 65)
    for _ in range(6):  # on the scale of the log odds, each time between the neighbours of the least
        odds = low + (high - low) * steps
        between = 1.0 / (1.0 + np.exp(-odds))
        value = log_e_above(k, n, between) + log_e_below(j, m, between)
        at = np.argmin(value, axis=-1)[..., None]
        low, high = (np.take_along_axis(odds, np.clip(at + side, 0, 64), -1) for side in (-1, 1))
    return np.asarray(np.minimum(np.min(value, axis=-1), np.inf))[()]


def log_e_difference_below(worse: ArrayLike, better: ArrayLike, pairs: ArrayLike, margin: ArrayLike) -> Floats:
    """Logarithm of the e-value against "the failure probability rose by ≥ `margin`", valid under peeking; counts and margin broadcast.

    Non-inferiority is shown once it reaches −ln α. Betting on d = +1 (worse), −1 (better), 0 (alike), see `betting`; the counts suffice.
    """
    b, c, n, delta = (np.asarray(each, float)[..., None] for each in (worse, better, pairs, margin))
    stake = FRACTIONS / (1.0 - delta)
    capital = b * np.log1p(stake * (delta - 1.0)) + c * np.log1p(stake * (delta + 1.0)) + (n - b - c) * np.log1p(stake * delta)
    return mixed_over_bets(capital)[()]


def log_e_difference_above(worse: ArrayLike, better: ArrayLike, pairs: ArrayLike, margin: ArrayLike) -> Floats:
    """Logarithm of the e-value against "the failure probability rose by ≤ `margin`"; large values show a regression beyond it."""
    return log_e_difference_below(better, worse, pairs, -np.asarray(margin, float))


def difference(worse: ArrayLike, better: ArrayLike, pairs: ArrayLike, confidence: float = 0.95, side: Side = "both") -> Interval:
    """Interval of P(release fails) − P(baseline fails), at all numbers of pairs together with probability ≥ `confidence`."""
    below, above = tails(confidence, side)
    b, c, n = np.broadcast_arrays(*(np.asarray(each, float) for each in (worse, better, pairs)))
    middle = (b - c) / np.maximum(n, 1.0)
    low, high = np.full(b.shape, -1.0), np.full(b.shape, 1.0)
    inside = 1.0 - 1e-9  # at ±1 a stake would be infinite
    if below > 0.0:
        low, _ = bisect(lambda m: log_e_difference_above(b, c, n, m) < -np.log(below), -inside, np.clip(middle, -inside, inside))
        low = np.where(low <= -inside, -1.0, low)
    if above > 0.0:
        _, high = bisect(lambda m: log_e_difference_below(b, c, n, m) >= -np.log(above), np.clip(middle, -inside, inside), inside)
        high = np.where(high >= inside, 1.0, high)
    return Interval(low[()], high[()], confidence)


def permutation(differences: ArrayLike, margin: float = 0.0, resamples: int = 9999, seed: int = 0) -> float:
    """One-sided p-value of "the measure worsened by at most `margin`", from `differences` (pairs,), positive being worse, in its unit.

    Flips signs of (difference − margin): exact when those are symmetric under the null, otherwise right for many pairs. All 2^pairs sign
    patterns where they are fewer than `resamples`. Source: Fisher 1935, section 21; computed by scipy.stats.permutation_test.
    """
    shifted = np.asarray(differences, float) - margin
    if not np.any(shifted):
        return 1.0
    told = stats.permutation_test(
        (shifted,),
        lambda x, axis: np.mean(x, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=max(1, 4_000_000 // shifted.size),
        alternative="greater",
        rng=np.random.default_rng(seed),
    )
    return float(told.pvalue)
