"""The risk of the whole from its strata: Σ weight · probability, the weights being shares of exposure.

Three intervals, because each is best somewhere: `gamma_interval` (short, near its confidence, for many events or equal weights) and
`chernoff_interval` (never covers less than it says, strata without an event included; fixed plans), `log_e_risk_below` (the same under
peeking).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from marque.common import Bools, Floats
from marque.proof.statistics.betting import mixed_over_bets
from marque.proof.statistics.intervals import Interval, Side, tails
from marque.proof.statistics.roots import bisect

TILTS: Final[Floats] = np.geomspace(1e-2, 1e3, 61)
"""Tilts of the Chernoff bound, in units of 1/(the largest contribution of one failure)."""
BETS: Final[Floats] = np.geomspace(0.05, 20.0, 15)
"""The tilts among which the e-value is averaged."""


@dataclass(frozen=True)
class Strata:
    """Independent strata of one risk: `weight` (strata,) per unit of what is asked for, `runs` and `failures` counted in each."""

    weight: Floats
    runs: Floats
    failures: Floats

    def __post_init__(self) -> None:
        for name in ("weight", "runs", "failures"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), float))
        if not self.weight.shape == self.runs.shape == self.failures.shape or self.weight.ndim != 1:
            raise ValueError("weight, runs and failures are of the same strata")
        if np.any(self.weight < 0) or np.any(self.failures < 0) or np.any(self.failures > self.runs):
            raise ValueError("weights are ≥ 0 and failures between 0 and runs")

    @property
    def contributions(self) -> Floats:
        """Each stratum's part of the estimated risk, (strata,); NaN where weight has no run."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.weight == 0, 0.0, self.weight * self.failures / self.runs)

    @property
    def estimate(self) -> float:
        return float(self.contributions.sum())


def dominating(strata: Strata, confidence: float = 0.95) -> list[tuple[int, float, float]]:
    """(stratum, share of the estimated risk, share of what is not known), the most uncertain first.

    What is not known of a stratum is its weight times its exact one-sided upper limit less its estimate: where further runs help most.
    """
    below_one = np.maximum(strata.runs - strata.failures, 1)
    upper = np.where(strata.failures < strata.runs, special.betainccinv(strata.failures + 1, below_one, 1 - confidence), 1.0)
    open_ = strata.weight * upper - np.nan_to_num(strata.contributions)
    known = np.nan_to_num(strata.contributions)
    parts = known / known.sum() if known.sum() > 0 else np.zeros_like(known)
    return [(int(i), float(parts[i]), float(open_[i] / open_.sum())) for i in np.argsort(-open_, kind="stable")]


def gamma_interval(strata: Strata, confidence: float = 0.95, side: Side = "both") -> Interval:
    """Interval of a weighted sum of Poisson rates by matching gamma distributions; close to exact, and Garwood's for equal weights.

    Source: Fay, Feuer 1997, (2)–(4). Not proven to cover for very unequal weights (there use `chernoff_interval`). A weighted stratum
    without runs gives [0, ∞).
    """
    below, above = tails(confidence, side)
    used = strata.weight > 0
    if np.any(strata.runs[used] == 0):
        return Interval(0.0, np.inf, confidence)
    step = strata.weight[used] / strata.runs[used]
    k = strata.failures[used]
    y, v, largest = float(k @ step), float(k @ step**2), float(step.max())
    low = 0.0 if y == 0 or below == 0 else float(v / y * special.gammaincinv(y**2 / v, below))
    upper_y, upper_v = y + largest, v + largest**2
    high = np.inf if above == 0 else float(upper_v / upper_y * special.gammainccinv(upper_y**2 / upper_v, above))
    return Interval(low, high, confidence)


def chernoff_interval(strata: Strata, confidence: float = 0.95, side: Side = "both") -> Interval:
    """Interval of Σ weight·p that covers ≥ `confidence` for any probabilities, weights and numbers of runs, fixed beforehand.

    The tail of T = Σ weight·failures/runs is bounded by its moment generating function, at the worst probabilities of that risk (a concave
    problem with one multiplier). With no failure at all it is exact for the worst mix. Source: Chernoff 1952, theorem 1; own composition.
    """
    below, above = tails(confidence, side)
    most = float(strata.weight.sum())
    low, high = 0.0, most
    if not _all_seen(strata):  # nothing is known of it: it may be 0 or all its weight
        return _without_unseen(strata, confidence, side)
    estimate = strata.estimate
    if above > 0.0 and estimate < most:
        _, found = bisect(
            lambda r: np.asarray(_log_tail(strata, float(r), above_estimate=True) <= np.log(above)), estimate, most, halvings=40
        )
        high = float(found)
    if below > 0.0 and estimate > 0.0:
        found, _ = bisect(
            lambda r: np.asarray(_log_tail(strata, float(r), above_estimate=False) > np.log(below)), 0.0, estimate, halvings=40
        )
        low = float(found)
    return Interval(low, high, confidence)


def log_p_risk_below(strata: Strata, limit: float) -> float:
    """Logarithm of the p-value of "the risk is ≥ `limit`", fixed plans; see `chernoff_interval`. A weighted stratum without runs: 0,
    nothing is shown.
    """
    if not _all_seen(strata) or strata.estimate >= limit:
        return 0.0
    return float(_log_tail(strata, limit, above_estimate=True))


def log_p_risk_above(strata: Strata, limit: float) -> float:
    """Logarithm of the p-value of "the risk is ≤ `limit`"; what was not seen counts as harmless here."""
    seen = (strata.runs > 0) & (strata.weight > 0)
    rest = Strata(strata.weight[seen], strata.runs[seen], strata.failures[seen])
    return 0.0 if rest.estimate <= limit else float(_log_tail(rest, limit, above_estimate=False))


def log_e_risk_below(strata: Strata, planned: ArrayLike, limit: float) -> float:
    """Logarithm of the e-value against "the risk is ≥ `limit`", valid under peeking; `planned` (strata,) runs, named before the first run,
    set the bets.
    """
    return _log_e(strata, np.asarray(planned, float), limit, above_estimate=True)


def log_e_risk_above(strata: Strata, planned: ArrayLike, limit: float) -> float:
    """Logarithm of the e-value against "the risk is ≤ `limit`". See `log_e_risk_below`."""
    return _log_e(strata, np.asarray(planned, float), limit, above_estimate=False)


def _all_seen(strata: Strata) -> bool:
    return bool(np.all(strata.runs[strata.weight > 0] > 0))


def _log_e(strata: Strata, planned: Floats, limit: float, *, above_estimate: bool) -> float:
    step = strata.weight / planned
    tilts = BETS[:, None] * step / step.max()
    return float(mixed_over_bets(-_log_bound(strata, tilts, limit, above_estimate)))


def _log_tail(strata: Strata, risk: float, *, above_estimate: bool) -> float:
    """Logarithm of the smallest bound on P(T as extreme as seen) at `risk` among the tilts."""
    step = np.where(strata.weight > 0, strata.weight / np.maximum(strata.runs, 1), 0.0)
    return float(min(_log_bound(strata, TILTS[:, None] * step / step.max(), risk, above_estimate).min(), 0.0))


def _log_bound(strata: Strata, tilts: Floats, risk: float, above_estimate: bool) -> Floats:
    """Logarithm of the sup over {p: Σ weight·p = risk} of Σ runs·log E[exp(∓tilt·X)], ± Σ tilt·failures: (tilts,)."""
    sign = -1.0 if above_estimate else 1.0
    t = np.minimum(tilts, 300.0)
    gain = np.expm1(sign * t)  # E[exp(sign·t·X)] = 1 + p·gain
    p = _worst(strata, gain, risk)
    return np.asarray(special.xlog1py(strata.runs, p * gain).sum(-1) - sign * (t * strata.failures).sum(-1))


def _worst(strata: Strata, gain: Floats, risk: float) -> Floats:
    """The p in [0, 1] with Σ weight·p = risk that maximise Σ runs·log(1 + p·gain), for each row of `gain` (tilts, strata).

    Stationary where runs·|gain|/(1 + p·gain) is one multiple of the weight: p = (slope·ν − 1)/gain, clipped, with ν found by bisection. The
    end of the bracket that is taken errs towards the larger bound.
    """
    slope = strata.runs * np.abs(gain) / np.where(strata.weight > 0, strata.weight, np.inf)

    def at(log_nu: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            free = (slope * np.exp(log_nu)[:, None] - 1.0) / gain
        return np.clip(np.nan_to_num(free, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)

    def enough(log_nu: Floats) -> Bools:
        spent = (strata.weight * at(log_nu)).sum(-1)
        return np.asarray(np.where(gain.max(-1) > 0, spent >= risk, spent <= risk))

    with np.errstate(divide="ignore"):
        ends = np.log(np.where(slope > 0, slope, np.nan))
        first = np.nanmin(np.log(np.maximum(1.0 + np.minimum(gain, 0.0), 1e-300)) - ends, axis=-1) - 1.0
        last = np.nanmax(np.log1p(np.maximum(gain, 0.0)) - ends, axis=-1) + 1.0
    return at(bisect(enough, first, last)[1])


def _without_unseen(strata: Strata, confidence: float, side: Side) -> Interval:
    seen = (strata.runs > 0) | (strata.weight == 0)
    rest = Strata(strata.weight[seen], strata.runs[seen], strata.failures[seen])
    if not np.any(rest.weight > 0):
        return Interval(0.0, float(strata.weight.sum()), confidence)
    known = chernoff_interval(rest, confidence, side)
    return Interval(known.low, known.high + float(strata.weight[~seen].sum()), confidence)
