"""Where it fails: two walks that end in points distributed about as failures are. They shape the proposal and are never an estimate.

By levels of the margin (subset simulation) they follow the margin down; by scale they start among failures of inputs spread too far and
draw the spread in. A margin that misleads stops the first, a failure region seen only from near stops the second; what either finds counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marque.common import Bools, Floats, Indices
from marque.proof.statistics.rare.limit_state import Counted

KEPT = 0.2
MOST_LEVELS = 40
SCALES = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
MOVES = 4


@dataclass(frozen=True)
class Cloud:
    """Failing points (points, dimension), none if none were reached, and the probability the walk itself would give (a diagnostic)."""

    points: Floats
    log_probability: float


def walk(
    g: Counted, points: Floats, margins: Floats, level: float, scale: float, reach: float, rng: np.random.Generator
) -> tuple[Floats, Floats, Bools]:
    """One step of each chain towards N(0, scale²) cut to margin ≤ level: points, margins, which were accepted.

    Preconditioned Crank–Nicolson: v = √(1 − reach²)·u + reach·ξ keeps N(0, scale²) in any dimension. Source: Papaioannou et al. 2015, (19).
    """
    tried = np.sqrt(1.0 - reach**2) * points + reach * scale * rng.standard_normal(points.shape)
    told = g(tried)
    kept = told <= level
    return np.where(kept[:, None], tried, points), np.where(kept, told, margins), kept


def adapted(reach: float, accepted: float) -> float:
    """A longer or shorter step, towards 44 % accepted. Source: Papaioannou et al. 2015, section 3.3."""
    return float(np.clip(reach * np.exp(0.8 * (accepted - 0.44)), 0.02, 1.0))


def by_levels(g: Counted, size: int, rng: np.random.Generator) -> Cloud:
    """Adaptive subset simulation with `size` points a level. Source: Au, Beck 2001; moves of Papaioannou et al. 2015."""
    points = rng.standard_normal((size, g.dimension))
    margins = g(points)
    log_probability, reach, level = 0.0, 0.7, np.inf
    for _ in range(MOST_LEVELS):
        lower = max(0.0, float(np.quantile(margins, KEPT)))
        inside = margins <= lower
        if lower >= level:  # the margin no longer falls: flat, or walled in
            return Cloud(points[:0], -np.inf)
        log_probability += np.log(inside.mean())
        if lower == 0.0:
            return Cloud(points[inside], float(log_probability))
        points, margins, reach = _multiplied(g, points[inside], margins[inside], lower, size, reach, rng)
        level = lower
    return Cloud(points[:0], -np.inf)


def _multiplied(
    g: Counted, seeds: Floats, margins: Floats, level: float, size: int, reach: float, rng: np.random.Generator
) -> tuple[Floats, Floats, float]:
    """`size` points from chains that start at the seeds; every seed begins a chain, so no mode is dropped by drawing."""
    here, values = seeds, margins
    found, told = [], []
    for _ in range(max(1, round(size / len(seeds)))):
        here, values, kept = walk(g, here, values, level, 1.0, reach, rng)
        reach = adapted(reach, float(kept.mean()))
        found.append(here)
        told.append(values)
    return np.concatenate(found), np.concatenate(told), reach


def by_scale(g: Counted, size: int, rng: np.random.Generator) -> Cloud:
    """Failures of inputs spread `scale` times too far, reweighted and moved while the scale shrinks to 1; needs no margin, only pass or
    fail.

    Source: sequential Monte Carlo (Del Moral, Doucet, Jasra 2006) over the spread, as in subset simulation of scaled inputs (Rashki 2021).
    """
    many = g.dimension > 10  # then scales are many and founders are lost on the way, with their mode
    points, log_probability, scale = _spread(g, 4 * size if many else size, rng)
    reach = 0.5
    while len(points) and scale > 1.0:
        squares = (points**2).sum(axis=1)
        lower = _next_scale(squares, scale)
        log_weights = g.dimension * np.log(scale / lower) - 0.5 * squares * (lower**-2 - scale**-2)
        top = log_weights.max()
        weights = np.exp(log_weights - top)
        log_probability += top + np.log(weights.mean())
        chosen = systematic(weights, size if many else size // 2, rng)
        points, scale = points[chosen], lower
        margins = np.zeros(len(points))
        for _ in range(MOVES):
            points, margins, kept = walk(g, points, margins, 0.0, scale, reach, rng)
            reach = adapted(reach, float(kept.mean()))
    return Cloud(points, float(log_probability))


def _spread(g: Counted, size: int, rng: np.random.Generator) -> tuple[Floats, float, float]:
    """Failing points at the first scale at which they are no longer few."""
    for scale in SCALES:
        points = scale * rng.standard_normal((size, g.dimension))
        failing = g(points) <= 0.0
        if failing.mean() >= 0.05:
            return points[failing], float(np.log(failing.mean())), scale
    return points[failing], float(np.log(max(failing.mean(), 1e-300))), scale


def _next_scale(squares: Floats, scale: float) -> float:
    """The smallest scale ≥ 1 at which half of the weights' worth is left."""

    def enough(lower: float) -> bool:
        log_weights = -0.5 * squares * (lower**-2 - scale**-2)
        weights = np.exp(log_weights - log_weights.max())
        return bool(weights.sum() ** 2 / (weights**2).sum() >= 0.5 * len(squares))

    if enough(1.0):
        return 1.0
    low, high = 1.0, scale
    for _ in range(30):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return max(1.0, min(high, 0.98 * scale))


def refreshed(g: Counted, points: Floats, moves: int, rng: np.random.Generator) -> Floats:
    """Failing points after `moves` steps within the failure region of N(0, 1): nearer to its distribution, and no longer copies."""
    margins, reach = np.zeros(len(points)), 0.4
    for _ in range(moves):
        points, margins, kept = walk(g, points, margins, 0.0, 1.0, reach, rng)
        reach = adapted(reach, float(kept.mean()))
    return points


def systematic(weights: Floats, size: int, rng: np.random.Generator) -> Indices:
    """Indices (size,) drawn in proportion to the weights, with the least noise. Source: Kitagawa 1996."""
    ends = np.cumsum(weights)
    places = (rng.random() + np.arange(size)) / size * ends[-1]
    return np.asarray(np.minimum(np.searchsorted(ends, places), len(weights) - 1))
