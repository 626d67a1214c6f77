"""Finding failures, for people to look at. Nothing here says how likely they are, and nothing of it enters an estimate.

What is found may be named to `estimate` as `known`: that moves where it looks, not what it counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special
from scipy.stats import qmc

from marque.common import Floats
from marque.proof.statistics.rare.limit_state import Counted, Function


@dataclass(frozen=True)
class Findings:
    """Failing points (findings, dimension) far from each other, the most plausible (nearest to the middle) first; their margins; calls."""

    points: Floats
    margins: Floats
    calls: int


def search(function: Function, dimension: int, seed: int, runs: int = 20_000, reach: float = 6.0, apart: float = 1.0) -> Findings:
    """Failures within `reach` standard deviations: a scrambled Sobol set over the ball, then evolution from its most promising places.

    Two findings are at least `apart` from each other. Source: Sobol 1967 with Owen's scrambling (scipy.stats.qmc); the local part is a
    (μ/μ, λ) evolution strategy with rank-μ covariance, as in Hansen 2016, section 3.2, without its evolution paths.
    """
    g, rng = Counted(function, dimension), np.random.default_rng(seed)
    count = 1 << max(4, int(np.log2(max(runs // 3, 16))))
    points = _in_ball(count, dimension, reach, seed)
    margins = g(points)
    starts = _spaced(points, margins, apart=reach / 3, most=8)
    population = max(8, 4 + int(3 * np.log(dimension)) * 2)
    rounds = max(1, (runs - g.calls) // (population * max(len(starts), 1)))
    found, told = [points[margins <= 0]], [margins[margins <= 0]]
    for start in starts:
        near, values = _evolved(g, start, reach, population, rounds, rng)
        found.append(near[values <= 0])
        told.append(values[values <= 0])
    failing, values = np.concatenate(found), np.concatenate(told)
    chosen = _spaced_indices(failing, np.sqrt((failing**2).sum(axis=1)), apart, most=100)
    return Findings(failing[chosen], values[chosen], g.calls)


def _in_ball(count: int, dimension: int, reach: float, seed: int) -> Floats:
    """Quasi-random points whose distance from the middle is even over [0, reach]."""
    unit = qmc.Sobol(dimension + 1, seed=seed).random(count)
    directions = special.ndtri(np.clip(unit[:, 1:], 1e-12, 1 - 1e-12))
    norms = np.sqrt((directions**2).sum(axis=1, keepdims=True))
    return np.asarray(directions / np.maximum(norms, 1e-12) * reach * unit[:, :1])


def _spaced_indices(points: Floats, order: Floats, apart: float, most: int) -> list[int]:
    chosen: list[int] = []
    for i in np.argsort(order, kind="stable")[:5000]:
        if len(chosen) == most:
            break
        if all(np.sqrt(((points[i] - points[j]) ** 2).sum()) >= apart for j in chosen):
            chosen.append(int(i))
    return chosen


def _spaced(points: Floats, margins: Floats, apart: float, most: int) -> Floats:
    return points[_spaced_indices(points, margins, apart, most)]


def _evolved(g: Counted, start: Floats, reach: float, population: int, rounds: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """All points tried: first down the margin, then, where it fails, towards the middle, because near failures are the plausible ones."""
    d = start.size
    parents = population // 2
    shares = np.log(parents + 0.5) - np.log(np.arange(1, parents + 1))
    shares /= shares.sum()
    mean, covariance, step = start, np.eye(d), 0.6
    tried, told = [start[None]], [g(start[None])]
    best = _merit(tried[0], told[0], reach)[0]
    for _ in range(rounds - 1):
        moves = rng.standard_normal((population, d)) @ np.linalg.cholesky(covariance).T
        points = mean + step * moves
        margins = g(points)
        merits = _merit(points, margins, reach)
        first = np.argsort(merits, kind="stable")[:parents]
        mean = shares @ points[first]
        covariance = 0.8 * covariance + 0.2 * (moves[first].T * shares) @ moves[first] + 1e-9 * np.eye(d)
        step *= 1.1 if merits[first[0]] < best else 0.9
        best = min(best, merits[first[0]])
        tried.append(points)
        told.append(margins)
    return np.concatenate(tried), np.concatenate(told)


def _merit(points: Floats, margins: Floats, reach: float) -> Floats:
    """Lower is better: failing points by their distance from the middle, all others after them by their margin."""
    norms = np.sqrt((points**2).sum(axis=1))
    return np.asarray(np.where(margins <= 0, norms - 1e3 * reach, margins + 10.0 * np.maximum(norms - reach, 0.0)))
