"""Two samples held against each other, each of values that belong to vehicles. Numbers in, numbers out.

Values of one vehicle resemble each other, so that it is vehicles, not values, that are drawn anew (cluster bootstrap: Field, Welsh 2007,
J. R. Statist. Soc. B 69(3)); tests that count each value by itself would find every difference significant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marque.common import Floats, Indices

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Sample:
    """values: (n,); owners: (n,) which vehicle each value is of."""

    values: Floats
    owners: Indices

    @property
    def vehicles(self) -> int:
        return len(np.unique(self.owners))

    def quantiles(self, shares: Sequence[float]) -> Floats:
        return np.asarray(np.quantile(self.values, shares)) if self.values.size else np.full(len(shares), np.nan)


@dataclass(frozen=True)
class Distance:
    """How far two distributions are apart. kolmogorov: greatest difference of their distribution functions, 0 to 1; wasserstein: mean way
    from one to the other, in the values' unit. Each with a 95 % interval. by_chance: kolmogorov between halves of the first sample's
    vehicles, 95 % quantile: what so few vehicles alone bring about.
    """

    kolmogorov: float
    kolmogorov_range: tuple[float, float]
    wasserstein: float
    wasserstein_range: tuple[float, float]
    by_chance: float


def distance(one: Sample, other: Sample, resamples: int = 400, seed: int = 0) -> Distance:
    """Basic bootstrap intervals (reflected, cut at 0 and 1): the distance of resamples is biased upwards. Neither sample may be empty."""
    random = np.random.Generator(np.random.Philox(key=seed))
    pool, alone = _Pool(one, other), _Pool(one, one)
    drawn = np.array([pool.between(_again(pool.first, random), _again(pool.second, random)) for _ in range(resamples)])
    halves = np.array([alone.between(*_halves(alone.first, random))[0] for _ in range(resamples)])
    ks, way = pool.between(np.ones(pool.first), np.ones(pool.second))
    low, high = np.quantile(drawn, [0.5 - _CONFIDENCE / 2.0, 0.5 + _CONFIDENCE / 2.0], axis=0)
    return Distance(
        ks, (max(0.0, 2.0 * ks - float(high[0])), min(1.0, 2.0 * ks - float(low[0]))),
        way, (max(0.0, 2.0 * way - float(high[1])), max(0.0, 2.0 * way - float(low[1]))), float(np.quantile(halves, _CONFIDENCE)),
    )  # fmt: skip


class _Pool:
    """Two samples sorted together once, so that resampling vehicles is no more than other weights of their values."""

    def __init__(self, one: Sample, other: Sample) -> None:
        values = np.concatenate((one.values, other.values))
        order = np.argsort(values, kind="stable")
        self._values = values[order]
        self._last = np.append(self._values[1:] != self._values[:-1], True)
        self.first, self._one = _numbered(one, order, 0)
        self.second, self._other = _numbered(other, order, one.values.size)

    def between(self, one: Floats, other: Floats) -> tuple[float, float]:
        """(Kolmogorov-Smirnov, Wasserstein) with each vehicle as often as the weights say, (first,) and (second,)."""
        apart = np.abs(_cumulated(one, self._one) - _cumulated(other, self._other))
        return float(np.max(apart[self._last])), float(apart[:-1] @ np.diff(self._values))


def _numbered(sample: Sample, order: Indices, begin: int) -> tuple[int, Indices]:
    """(how many vehicles, which of them each value of the pool is of, their number for values of the other sample)."""
    names, numbers = np.unique(sample.owners, return_inverse=True)
    of_pool = np.full(order.size, names.size)
    of_pool[begin : begin + numbers.size] = numbers
    return int(names.size), np.asarray(of_pool[order])


def _cumulated(weights: Floats, numbers: Indices) -> Floats:
    grown = np.cumsum(np.append(weights, 0.0)[numbers])
    return np.asarray(grown / grown[-1])


def _again(vehicles: int, random: np.random.Generator) -> Floats:
    return np.bincount(random.integers(0, vehicles, vehicles), minlength=vehicles).astype(float)


def _halves(vehicles: int, random: np.random.Generator) -> tuple[Floats, Floats]:
    """One half and the other; a single vehicle is both."""
    if vehicles < 2:
        return np.ones(vehicles), np.ones(vehicles)
    chosen = np.zeros(vehicles)
    chosen[random.permutation(vehicles)[: vehicles // 2]] = 1.0
    return chosen, 1.0 - chosen


def density(values: Floats, edges: Floats) -> Floats:
    """Share of values per unit in each bin, of all values, those beyond the edges included; (edges − 1,)."""
    counts, _ = np.histogram(values, edges)
    return np.asarray(counts / (max(1, values.size) * np.diff(edges)))
