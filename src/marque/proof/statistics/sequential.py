"""Looking as often as one likes: test martingales for a failure probability, their confidence sequences, and Wald's test.

An e-process is a running number that no honest hypothesis lets grow: under the null hypothesis the chance that it ever reaches 1/α is ≤ α
(Ville 1939). So one may look after every run and stop whenever one likes. All functions take running counts (any shape, broadcasting) and
return logarithms; the counts are sufficient, so the order of the runs does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from marque.common import Bools, Floats
from marque.proof.statistics.intervals import Interval, Side, tails
from marque.proof.statistics.roots import bisect

PRIOR = (0.5, 0.5)
"""Shapes of the beta distribution over alternatives (Jeffreys). Any choice is valid; this one loses O(log n) against the best
alternative.
"""


def log_e_below(failures: ArrayLike, runs: ArrayLike, limit: ArrayLike, prior: tuple[float, float] = PRIOR) -> Floats:
    """Logarithm of the e-value against "the failure probability is ≥ `limit`"; large values show that it lies below.

    The likelihood ratio against q, mixed over q ~ Beta(prior) cut to [0, limit]. For each q < limit it is a supermartingale under every
    p ≥ limit, hence so is the mixture; the integral is a ratio of incomplete beta functions.
    Source: Robbins 1970 (method of mixtures); Waudby-Smith, Ramdas 2024, section 3 for the composite null.
    """
    k, n, m = (np.asarray(each, float) for each in (failures, runs, limit))
    a, b = prior
    with np.errstate(divide="ignore", invalid="ignore"):
        mixed = _log_beta_below(a + k, b + n - k, m) - _log_beta_below(np.asarray(a), np.asarray(b), m)
        null = special.xlogy(k, m) + special.xlog1py(n - k, -m)
        value = np.where(n == 0, 0.0, mixed - null)
    # a limit of 0 can never be shown to be undercut; a limit of 1 always is once a run has passed
    return np.where(m <= 0.0, 0.0, np.where(m >= 1.0, np.where(k < n, np.inf, 0.0), value))[()]


def log_e_above(failures: ArrayLike, runs: ArrayLike, limit: ArrayLike, prior: tuple[float, float] = PRIOR) -> Floats:
    """Logarithm of the e-value against "the failure probability is ≤ `limit`"; large values show that it lies above. See `log_e_below`."""
    k, n = np.asarray(failures, float), np.asarray(runs, float)
    return log_e_below(n - k, n, 1.0 - np.asarray(limit, float), prior[::-1])


def confidence_sequence(failures: ArrayLike, runs: ArrayLike, confidence: float = 0.95, side: Side = "both") -> Interval:
    """Interval of the failure probability that holds at all times together with probability ≥ `confidence`, for one path of runs.

    The limits that neither e-process has refuted at its share of α. Source: Waudby-Smith, Ramdas 2024, section 4 (inversion).
    """
    below, above = tails(confidence, side)
    k, n = np.broadcast_arrays(np.asarray(failures, float), np.asarray(runs, float))
    share = np.where(n > 0, k / np.maximum(n, 1), 0.5)
    low, high = np.zeros(k.shape), np.ones(k.shape)
    if below > 0.0:
        low, _ = bisect(lambda m: log_e_above(k, n, m) < -np.log(below), low, np.where(n > 0, share, 0.0))
    if above > 0.0:
        _, high = bisect(lambda m: log_e_below(k, n, m) >= -np.log(above), np.where(n > 0, share, 1.0), high)
    return Interval(low[()], high[()], confidence)


def log_e_worse(worse: ArrayLike, better: ArrayLike) -> Floats:
    """Logarithm of the e-value against "not worse than the baseline", from pairs that differ: `worse` failed where the baseline passed,
    `better` inversely.

    On common random numbers the pairs that agree say nothing; given that a pair differs, it is worse with probability ≤ 1/2 under the null.
    The sequential counterpart of McNemar's exact test. Source: McNemar 1947 for the conditioning; `log_e_above` for the martingale.
    """
    b, c = np.asarray(worse, float), np.asarray(better, float)
    return log_e_above(b, b + c, 0.5)


@dataclass(frozen=True)
class Sprt:
    """Wald's sequential test of `good` against `bad` failure probability; α: a bad one is accepted, β: a good one is rejected.

    The thresholds 1/α and 1/β (not Wald's approximate ones), so that both errors are kept exactly. Source: Wald 1945, (3.28) ff.
    """

    good: float
    bad: float
    alpha: float = 0.05
    beta: float = 0.05

    def __post_init__(self) -> None:
        if not 0.0 < self.good < self.bad < 1.0:
            raise ValueError("0 < good < bad < 1 is needed")

    def log_ratio(self, failures: ArrayLike, runs: ArrayLike) -> Floats:
        """Logarithm of the likelihood ratio of good against bad; positive speaks for good."""
        k, n = np.asarray(failures, float), np.asarray(runs, float)
        return np.asarray(k * np.log(self.good / self.bad) + (n - k) * np.log((1 - self.good) / (1 - self.bad)))[()]

    def decide(self, failures: int, runs: int) -> Literal["good", "bad", "more"]:
        ratio = float(self.log_ratio(failures, runs))
        if ratio >= -np.log(self.alpha):
            return "good"
        return "bad" if ratio <= np.log(self.beta) else "more"

    def expected_runs(self, probability: float) -> float:
        """Wald's approximation of the mean number of runs when the failure probability is `probability`. Source: Wald 1945, (4.8),
        (3.43).
        """
        a, b = -np.log(self.alpha), np.log(self.beta)
        up, down = np.log((1 - self.good) / (1 - self.bad)), np.log(self.good / self.bad)
        drift = probability * down + (1 - probability) * up
        if abs(drift) < 1e-12:
            return float(-a * b / (probability * down**2 + (1 - probability) * up**2))
        h = self._tilt(probability)
        accept = (1 - np.exp(h * b)) / (np.exp(h * a) - np.exp(h * b))
        return float((accept * a + (1 - accept) * b) / drift)

    def _tilt(self, probability: float) -> float:
        """The other root h ≠ 0 of E[exp(h·z)] = 1, z one run's contribution."""
        up, down = np.log((1 - self.good) / (1 - self.bad)), np.log(self.good / self.bad)
        rising = probability * down + (1 - probability) * up > 0

        def moment_above_one(size: Floats) -> Bools:
            h = -size if rising else size
            return np.asarray(np.logaddexp(np.log(probability) + h * down, np.log1p(-probability) + h * up) > 0)

        root, _ = bisect(moment_above_one, 1e-9, 500.0)
        return float(-root if rising else root)


def _log_beta_below(a: Floats, b: Floats, x: Floats) -> Floats:
    """Logarithm of ∫₀ˣ q^(a−1) (1−q)^(b−1) dq.

    Where the regularised function underflows (x far below a/(a+b)) the leading term of its hypergeometric series takes its place, from
    below, so that an e-value is never overstated: the series' terms are positive. Source: DLMF 8.17.8.
    """
    with np.errstate(divide="ignore"):
        regular = np.log(special.betainc(a, b, x))
    series = special.xlogy(a, x) + special.xlog1py(b, -x) - np.log(a)
    return np.asarray(np.where(regular > -690.0, regular + special.betaln(a, b), series))
