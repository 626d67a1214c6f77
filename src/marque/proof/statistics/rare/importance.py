"""Estimating from a proposal: first it is trained and judged on draws of its own, then it is held fixed and draws anew for the estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special, stats

from marque.common import Floats
from marque.proof.statistics.intervals import Interval
from marque.proof.statistics.rare.explore import refreshed, systematic
from marque.proof.statistics.rare.limit_state import Counted
from marque.proof.statistics.rare.mixture import Mixture, fit, widened
from marque.proof.statistics.rare.tails import effective_size

LEAST_WIDE: Final = 0.2
"""Share of draws from the components made nowhere narrower than N(mean, 1): their tails bound the weights of a failure region that opens
outwards, which the fitted, narrower components do not. Source: Owen, Zhou 2000 (defensive mixtures)."""
LEAST_OUTSIDE: Final = 0.15
"""Share of draws from N(0, 1) outside a sphere: no weight there exceeds P(outside)/share, so failures away from every known mode turn up
with the weight they deserve. Source: Harbitz 1986."""
FEW_INPUTS: Final = 10
"""Up to so many a full covariance is tried first, beyond it a lean one; later rounds take turns."""
GOOD: Final = 1.3
"""Deviation over mean of one draw at which training stops."""


@dataclass(frozen=True)
class Proposal:
    """A mixture, and with probability `outside` a standard normal point farther than `radius` from the origin."""

    mixture: Mixture
    radius: float
    outside: float

    @property
    def dimension(self) -> int:
        return int(self.mixture.means.shape[1])

    @property
    def log_outside(self) -> float:
        """Logarithm of P(a standard normal point lies outside)."""
        return float(stats.chi2.logsf(self.radius**2, self.dimension))

    def log_parts(self, points: Floats) -> Floats:
        """log(share · density) of each component, the outside last: (points, components + 1)."""
        norms = np.sqrt((points**2).sum(axis=1))
        outside = np.where(norms >= self.radius, np.log(self.outside) + log_normal_density(points) - self.log_outside, -np.inf)
        return np.column_stack([np.log1p(-self.outside) + self.mixture.log_parts(points), outside])

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        """(size, dimension), each part as often as its share says up to rounding."""
        count = int(size * self.outside + rng.random())
        directions = rng.standard_normal((count, self.dimension))
        directions /= np.sqrt((directions**2).sum(axis=1, keepdims=True))
        radii = np.sqrt(stats.chi2.isf(rng.random(count) * np.exp(self.log_outside), self.dimension))
        return np.concatenate([self.mixture.draw(size - count, rng), directions * radii[:, None]])


@dataclass(frozen=True)
class Drawn:
    """Points (runs, dimension) drawn from one proposal and log of weight·[fails] (runs,), −∞ where it passes."""

    points: Floats
    log_values: Floats

    @property
    def values(self) -> Floats:
        return np.exp(self.log_values)

    @property
    def variation(self) -> float:
        """Standard deviation over mean of one draw's value; ∞ if nothing failed."""
        mean = float(self.values.mean())
        return float(self.values.std() / mean) if mean > 0 else np.inf


def log_normal_density(points: Floats) -> Floats:
    return np.asarray(-0.5 * ((points**2).sum(axis=1) + points.shape[1] * np.log(2 * np.pi)))


def defended(fitted: Mixture, failing: Floats) -> Proposal:
    """What was fitted, with tails and a view to all sides; twice as much lies outside its sphere as farther than any of `failing`."""
    nearest = float((failing**2).sum(axis=1).min())
    radius = float(np.sqrt(stats.chi2.isf(min(1.0, 2.0 * stats.chi2.sf(nearest, failing.shape[1])), failing.shape[1])))
    return Proposal(fitted.and_also(widened(fitted), LEAST_WIDE), radius, LEAST_OUTSIDE)


def with_best_shares(proposal: Proposal, points: Floats, weights: Floats) -> Proposal:
    """The shares that weighted failing `points` call for, none of the defences below its least.

    Source: Douc, Guillin, Marin, Robert 2007, (5): expectation–maximisation of the shares alone lowers the cross-entropy at each step.
    """
    densities = proposal.log_parts(points) - np.log(_shares(proposal))
    wanted = _shares(proposal)
    for _ in range(15):
        mixed = densities + np.log(wanted)
        wanted = np.maximum(weights @ np.exp(mixed - special.logsumexp(mixed, axis=1, keepdims=True)) / weights.sum(), 1e-6)
    fitted, wide, outside = np.split(wanted, [len(proposal.mixture) // 2, len(proposal.mixture)])
    outside_share = float(np.clip(outside.sum(), LEAST_OUTSIDE, 0.9))
    wide_share = float(np.clip(wide.sum() / max(fitted.sum() + wide.sum(), 1e-12), LEAST_WIDE, 0.9))
    even = 0.02 / len(fitted)
    means, factors = proposal.mixture.means, proposal.mixture.factors
    shares = np.concatenate([(1 - wide_share) * _normal(fitted + even), wide_share * _normal(wide + fitted * 0.1 + even)])
    return Proposal(Mixture(shares, means, factors), proposal.radius, outside_share)


def _shares(proposal: Proposal) -> Floats:
    return np.append((1 - proposal.outside) * proposal.mixture.shares, proposal.outside)


def _normal(shares: Floats) -> Floats:
    return np.asarray(shares / shares.sum())


def draw(g: Counted, proposal: Proposal, size: int, rng: np.random.Generator) -> Drawn:
    points = proposal.draw(size, rng)
    failing = g(points) <= 0.0
    log_values = np.full(size, -np.inf)
    some = points[failing]
    if len(some):
        log_values[failing] = log_normal_density(some) - special.logsumexp(proposal.log_parts(some), axis=1)
    return Drawn(points, log_values)


@dataclass(frozen=True)
class Failing:
    """Failing points (points, dimension) and what each is worth in independent ones (points,)."""

    points: Floats
    worth: Floats

    @staticmethod
    def of(drawn: Drawn) -> Failing:
        """Those of a proposal's draws, worth their effective size together."""
        failing = np.isfinite(drawn.log_values)
        values = drawn.values[failing]
        return Failing(drawn.points[failing], values * (effective_size(values) / values.sum()))


def train(g: Counted, start: Proposal, known: Failing, size: int, until: int, rng: np.random.Generator) -> tuple[Proposal, Drawn]:
    """The proposal whose draws vary least, and draws of it that judge it; refits until that is good, no longer helps, or `until` calls.

    Each refit uses all failing points so far, `known` ones of the search too, for what they are worth, drawn again by that and moved
    within the failure region, so that a few heavy ones do not become the fit.
    """
    best, judged = start, draw(g, start, size, rng)
    drawn, idle, lean, seen = judged, 0, start.dimension > FEW_INPUTS, [known]
    while judged.variation > GOOD and g.calls + 5 * size < until and idle < 3:
        if np.isfinite(drawn.variation):
            seen.append(Failing.of(drawn))
            size = size if drawn.variation < 2.0 else size * 5 // 4
        trial = _refit(g, seen, size, lean, rng)
        drawn, lean = draw(g, trial, size, rng), not lean
        idle = 0 if drawn.variation < 0.85 * judged.variation else idle + 1
        if drawn.variation < judged.variation:
            best, judged = trial, drawn
    return best, judged


def _refit(g: Counted, seen: list[Failing], size: int, lean: bool, rng: np.random.Generator) -> Proposal:
    points, worth = np.concatenate([one.points for one in seen]), np.concatenate([one.worth for one in seen])
    moved = refreshed(g, points[systematic(worth, size, rng)], 3, rng)
    fitted = fit(moved, float(worth.sum()), rng, lean=lean)
    return with_best_shares(defended(fitted, np.concatenate([points, moved])), points, worth)


def mean_interval(values: Floats, confidence: float) -> Interval:
    """Interval of the mean of many skewed values by Hall's cubic transformation; a plain ±z·s/√n would miss too often above.

    Source: Hall 1992, section 3; solved for the ends as in Willink 2005, (7).
    """
    n, mean, deviation = values.size, float(values.mean()), float(values.std(ddof=1))
    if deviation == 0.0:
        return Interval(mean, mean, confidence)
    a = float(stats.skew(values)) / (6.0 * np.sqrt(n))
    z = float(stats.t.ppf(0.5 + confidence / 2, n - 1))

    def bent(r: float) -> float:
        return r if abs(a) < 1e-9 else float((np.cbrt(1.0 + 6.0 * a * (r - a)) - 1.0) / (2.0 * a))

    error = deviation / np.sqrt(n)
    return Interval(max(0.0, mean - bent(z) * error), mean - bent(-z) * error, confidence)
