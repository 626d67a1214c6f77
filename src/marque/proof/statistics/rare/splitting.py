"""Multilevel splitting at levels fixed beforehand: unbiased in any dimension, and repeated, so that its interval includes all its noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from marque.common import Floats
from marque.proof.statistics.intervals import Interval
from marque.proof.statistics.rare.explore import KEPT, MOST_LEVELS, adapted, systematic, walk
from marque.proof.statistics.rare.limit_state import Counted

REPLICATES = 12
STEPS = 5


@dataclass(frozen=True)
class Ladder:
    """Falling levels of the margin, the last 0, and the step of the chains at each."""

    levels: tuple[float, ...]
    reaches: tuple[float, ...]


def ladder(g: Counted, size: int, rng: np.random.Generator) -> Ladder | None:
    """Levels that about `KEPT` of the points pass, from one adaptive run; None if the margin leads to no failure."""
    points = rng.standard_normal((size, g.dimension))
    margins = g(points)
    levels: list[float] = []
    reaches: list[float] = []
    reach = 0.7
    while len(levels) < MOST_LEVELS:
        level = max(0.0, float(np.quantile(margins, KEPT)))
        if levels and level >= levels[-1]:
            return None
        levels.append(level)
        inside = margins <= level
        if level == 0.0:
            return Ladder(tuple(levels), (*reaches, reach))
        chosen = rng.choice(np.flatnonzero(inside), size)
        points, margins = points[chosen], margins[chosen]
        for _ in range(6):
            points, margins, kept = walk(g, points, margins, level, 1.0, reach, rng)
            reach = adapted(reach, float(kept.mean()))
        reaches.append(reach)
    return None


def replicate(g: Counted, rungs: Ladder, size: int, rng: np.random.Generator) -> float:
    """One unbiased estimate: the product of the shares that pass each level.

    At each level `size`/STEPS of the points inside are drawn to begin chains of STEPS steps; all their states are the next population.
    Source: Au, Beck 2001 (chains); Cérou, Del Moral, Furon, Guyader 2012, section 2 (fixed levels make the product unbiased).
    """
    points = rng.standard_normal((size, g.dimension))
    margins = g(points)
    probability = 1.0
    for level, reach in zip(rungs.levels, rungs.reaches, strict=True):
        inside = np.flatnonzero(margins <= level)
        probability *= inside.size / len(margins)
        if inside.size == 0 or level == rungs.levels[-1]:
            break
        chosen = inside[systematic(np.ones(inside.size), size // STEPS, rng)]
        here, told = points[chosen], margins[chosen]
        states: list[Floats] = []
        heights: list[Floats] = []
        for _ in range(STEPS):
            here, told, _ = walk(g, here, told, level, 1.0, reach, rng)
            states.append(here)
            heights.append(told)
        points, margins = np.concatenate(states), np.concatenate(heights)
    return probability


def replicates(g: Counted, rungs: Ladder, runs: int, rng: np.random.Generator) -> Floats:
    """`REPLICATES` independent estimates that take about `runs` calls together."""
    size = max(50, runs // (REPLICATES * len(rungs.levels)) // STEPS * STEPS)
    return np.array([replicate(g, rungs, size, rng) for _ in range(REPLICATES)])


def replicate_interval(estimates: Floats, confidence: float) -> Interval:
    """Student's interval of log estimates about the log of their mean: they are near log-normal, products as they are."""
    positive = np.maximum(estimates, 1e-300)
    spread = float(np.std(np.log(positive), ddof=1)) / np.sqrt(estimates.size)
    reach = float(stats.t.ppf(0.5 + confidence / 2, estimates.size - 1)) * spread
    mean = float(estimates.mean())
    return Interval(mean * float(np.exp(-reach)), min(1.0, mean * float(np.exp(reach))), confidence)
