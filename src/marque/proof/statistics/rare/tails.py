"""How heavy the tail of importance weights is: heavy tails make an interval lie, and do not show in the variance."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from marque.common import Floats

UNRELIABLE: Final = 0.7
"""Above this k̂ no number of runs in reach makes the estimate reliable. Source: Vehtari et al. 2024, section 3.2.4."""


def pareto_k(weights: ArrayLike) -> float:
    """Shape k̂ of the generalised Pareto distribution of the largest weights; −∞ if fewer than 5 differ, +∞ if there is no weight.

    The tail are the M = min(n/5, 3√n) largest. Source: Zhang, Stephens 2009, with the prior of Vehtari et al. 2024, appendix G.
    """
    w = np.sort(np.asarray(weights, float)[np.asarray(weights) > 0])
    if w.size == 0:
        return np.inf
    size = int(min(w.size / 5, 3 * np.sqrt(w.size)))
    if size < 5:
        return -np.inf if np.ptp(w) == 0 else np.inf
    tail = w[-size:] - w[-size - 1]
    if tail[-1] <= 1e-12 * w[-1]:
        return -np.inf
    k = shape_of_tail(tail[tail > 0])
    return float((k * tail.size + 0.5 * 10) / (tail.size + 10))


def shape_of_tail(excesses: Floats) -> float:
    """Shape k of a generalised Pareto distribution fitted to ascending positive `excesses`. Source: Zhang, Stephens 2009, (7)–(9)."""
    n = excesses.size
    grid = 30 + int(np.sqrt(n))
    theta = 1 / excesses[-1] + (1 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3 * excesses[int(n / 4 + 0.5) - 1])
    shapes = np.log1p(-theta[:, None] * excesses).mean(axis=1)
    likelihood = n * (np.log(-theta / shapes) - shapes - 1)
    posterior = np.exp(likelihood - likelihood.max())
    best = float((theta * posterior).sum() / posterior.sum())
    return float(np.log1p(-best * excesses).mean())


def effective_size(weights: ArrayLike) -> float:
    """(Σw)² / Σw²: that many equal weights would say as much. Source: Kong 1992."""
    w = np.asarray(weights, float)
    return float(w.sum() ** 2 / (w**2).sum()) if np.any(w > 0) else 0.0
