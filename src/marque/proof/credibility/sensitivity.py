"""How much outcomes hang on parameters: one at a time, Morris's elementary effects, Sobol's indices. Numbers in, numbers out.

Designs lie in the unit cube; whoever runs the model scales them to its ranges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import openturns

from marque.common import Floats

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Effects:
    """Elementary effects of k parameters, all (k,): change of the outcome over the whole range of a parameter.

    mean: with sign; size: mean of absolute values (μ*), the measure to rank by; spread: standard deviation, of interactions and bends.
    low, high: bootstrap interval of size, 95 %, over the trajectories.
    """

    mean: Floats
    size: Floats
    spread: Floats
    low: Floats
    high: Floats


def morris_design(parameters: int, trajectories: int, levels: int, seed: int) -> Floats:
    """(trajectories, parameters + 1, parameters) in [0, 1]: walks on a grid of even `levels` on which each step moves one parameter.

    The step is levels / (2 (levels − 1)), so that every level is as likely. Source: Morris 1991, Technometrics 33(2), section 3.
    """
    if levels < 2 or levels % 2:
        raise ValueError("an even number of levels")
    random = np.random.Generator(np.random.Philox(key=seed))
    step, half = levels / (2.0 * (levels - 1.0)), levels // 2
    design = np.empty((trajectories, parameters + 1, parameters))
    for one in design:
        one[:] = random.integers(0, half, parameters) / (levels - 1.0)
        downwards = random.random(parameters) < 0.5
        one[:, downwards] += step
        for position, moved in enumerate(random.permutation(parameters), start=1):
            one[position:, moved] += -step if downwards[moved] else step
    return design


def elementary_effects(design: Floats, outcomes: Floats, resamples: int = 2000, seed: int = 0) -> Effects:
    """outcomes: (trajectories, parameters + 1) at the points of the design. Size: Campolongo, Cariboni, Saltelli 2007, eq. (3)."""
    moved = np.diff(design, axis=1)
    which = np.argmax(np.abs(moved), axis=2)
    steps = np.take_along_axis(moved, which[:, :, None], axis=2)[:, :, 0]
    each = np.empty(which.shape)
    np.put_along_axis(each, which, np.diff(outcomes, axis=1) / steps, axis=1)
    random = np.random.Generator(np.random.Philox(key=seed))
    drawn = random.integers(0, len(each), (resamples, len(each)))
    low, high = np.quantile(np.abs(each)[drawn].mean(axis=1), [0.5 - _CONFIDENCE / 2.0, 0.5 + _CONFIDENCE / 2.0], axis=0)
    return Effects(each.mean(axis=0), np.abs(each).mean(axis=0), each.std(axis=0, ddof=1), low, high)


@dataclass(frozen=True)
class Indices:
    """Sobol's indices of k parameters, all (k,): share of the outcome's variance. first: by itself; total: with all interactions.

    low, high: of total, 95 %, asymptotic.
    """

    first: Floats
    total: Floats
    low: Floats
    high: Floats


def sobol_design(parameters: int, size: int, seed: int) -> Floats:
    """(size · (parameters + 2), parameters) in [0, 1]: Saltelli's two independent samples and their mixtures."""
    openturns.RandomGenerator.SetSeed(seed)
    cube = openturns.JointDistribution([openturns.Uniform(0.0, 1.0)] * parameters)
    return np.array(openturns.SobolIndicesExperiment(cube, size).generate())


def sobol_indices(design: Floats, outcomes: Floats, size: int) -> Indices:
    """outcomes: (n,) at the points of `sobol_design`. Estimators: Jansen 1999, as in Saltelli et al. 2010, table 2 (b) and (f)."""
    algorithm = openturns.JansenSensitivityAlgorithm(openturns.Sample(design), openturns.Sample(outcomes[:, None]), size)
    algorithm.setUseAsymptoticDistribution(True)
    algorithm.setConfidenceLevel(_CONFIDENCE)
    bounds = algorithm.getTotalOrderIndicesInterval()
    return Indices(
        np.array(algorithm.getFirstOrderIndices()), np.array(algorithm.getTotalOrderIndices()),
        np.array(bounds.getLowerBound()), np.array(bounds.getUpperBound()),
    )  # fmt: skip


def elasticity(lower: float, nominal: float, upper: float, share: float) -> float:
    """Relative change of an outcome over relative change of a parameter that was moved by ± share; 0 where there is no outcome."""
    return (upper - lower) / (2.0 * share * nominal) if nominal else 0.0
