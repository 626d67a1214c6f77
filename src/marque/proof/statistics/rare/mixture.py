"""Mixtures of Gaussians in standard normal space, fitted to failing points: what importance sampling draws from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, special
from scipy.cluster.vq import kmeans2

from marque.common import Floats, Indices

LEAST_POINTS = 15
"""Fewer points do not make a component."""


@dataclass(frozen=True)
class Mixture:
    """shares (components,), means (components, dimension), factors (components, dimension, dimension): lower Cholesky of the
    covariances.
    """

    shares: Floats
    means: Floats
    factors: Floats

    def __len__(self) -> int:
        return len(self.shares)

    @property
    def parameters(self) -> int:
        """Means, and for each direction whose spread differs from 1 the spread and the direction."""
        d = self.means.shape[1]
        spreads = np.linalg.svd(self.factors, compute_uv=False)
        directions = (np.abs(spreads - np.median(spreads, axis=1, keepdims=True)) > 1e-9).sum()
        return int(len(self) * (d + 1) + min(directions * d, len(self) * d * (d + 1) // 2) - 1)

    def log_parts(self, points: Floats) -> Floats:
        """log(share · density) of each component, (points, components)."""
        d = points.shape[1]
        out = np.empty((len(points), len(self)))
        for j, (share, mean, factor) in enumerate(zip(self.shares, self.means, self.factors, strict=True)):
            z = linalg.solve_triangular(factor, (points - mean).T, lower=True, check_finite=False)
            out[:, j] = np.log(share) - np.log(np.diag(factor)).sum() - 0.5 * (d * np.log(2 * np.pi) + (z**2).sum(axis=0))
        return out

    def log_density(self, points: Floats) -> Floats:
        return np.asarray(special.logsumexp(self.log_parts(points), axis=1))

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        """(size, dimension), each component as often as its share says up to rounding: never more variance than independent draws."""
        edges = (np.cumsum(self.shares) * size + rng.random()).astype(int)
        counts = np.diff(np.concatenate([[0], edges]))
        counts[-1] += size - counts.sum()
        return np.concatenate(
            [m + rng.standard_normal((c, m.size)) @ f.T for c, m, f in zip(counts, self.means, self.factors, strict=True)]
        )

    def and_also(self, other: Mixture, share: float) -> Mixture:
        """The same with `share` of the draws given to the other."""
        return Mixture(
            np.concatenate([self.shares * (1 - share), other.shares * share]),
            np.concatenate([self.means, other.means]),
            np.concatenate([self.factors, other.factors]),
        )


COUNTS = (1, 2, 3, 4, 6, 8, 12)


def fit(points: Floats, worth: float, rng: np.random.Generator, *, lean: bool = False) -> Mixture:
    """The mixture whose number of components explains the points best for its parameters, the points being worth `worth` independent ones.

    Points of one chain resemble each other; taken at their number they would make a component of every family.
    Source: Schwarz 1978; Rubinstein, Kroese 2004, chapter 2 (likelihood of failures is the cross-entropy); Geyer et al. 2019 (mixtures).
    """
    best, least, worse = None, np.inf, 0
    for count in COUNTS:
        if count * LEAST_POINTS > worth or worse == 2:
            break
        trial = fit_components(points, count, rng, lean=lean)
        bits = -worth * float(np.mean(trial.log_density(points))) + 0.5 * np.log(worth) * trial.parameters
        worse = 0 if bits < least else worse + 1
        if bits < least:
            best, least = trial, bits
    return best if best is not None else fit_components(points, 1, rng, lean=lean)


def fit_components(points: Floats, count: int, rng: np.random.Generator, rounds: int = 12, *, lean: bool = False) -> Mixture:
    """Expectation–maximisation from k-means; `lean` covariances differ from 1 along the component's mean alone: for many inputs, few
    points.

    Source: Dempster, Laird, Rubin 1977; El Masri, Morio, Simatos 2021, section 3 for the mean as the one direction.
    """
    labels = np.zeros(len(points), int) if count == 1 else _clusters(points, count, rng)
    responsibilities = np.eye(count)[labels]
    found = _maximised(points, responsibilities, lean)
    for _ in range(rounds if count > 1 else 0):
        parts = found.log_parts(points)
        responsibilities = np.exp(parts - special.logsumexp(parts, axis=1, keepdims=True))
        found = _maximised(points, responsibilities, lean)
    return found


def _clusters(points: Floats, count: int, rng: np.random.Generator) -> Indices:
    """k-means from centres far from each other, so that a small mode far away gets one of its own."""
    centres = [points[rng.integers(len(points))]]
    for _ in range(count - 1):
        nearest = np.min([((points - c) ** 2).sum(axis=1) for c in centres], axis=0)
        centres.append(points[rng.choice(len(points), p=nearest / nearest.sum())] if nearest.sum() > 0 else points[0])
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an empty cluster is dropped below
        _, labels = kmeans2(points, np.array(centres), minit="matrix", iter=10)
    return np.asarray(labels)


def _maximised(points: Floats, responsibilities: Floats, lean: bool) -> Mixture:
    sizes = responsibilities.sum(axis=0)
    kept = sizes >= min(LEAST_POINTS, 0.5 * len(points))
    means = (responsibilities.T @ points)[kept] / sizes[kept, None]
    factors = []
    for j, mean in zip(np.flatnonzero(kept), means, strict=True):
        if lean:
            along = mean / max(float(np.linalg.norm(mean)), 1e-12)
            off = points - mean
            own = float(responsibilities[:, j] @ (off @ along) ** 2) / sizes[j]
            all_ = float(responsibilities[:, j] @ (off**2).sum(axis=1)) / sizes[j]
            rest = (all_ - own) / max(mean.size - 1, 1) if mean.size > 1 else 1.0
            factors.append(_lean_factor(along, max(own, 1e-3), max(rest, 1e-3)))
            continue
        off = points - mean
        factors.append(_factor((responsibilities[:, j, None] * off).T @ off / sizes[j], sizes[j]))
    return Mixture(sizes[kept] / sizes[kept].sum(), means, np.array(factors))


def _lean_factor(along: Floats, own: float, rest: float) -> Floats:
    return np.asarray(np.linalg.cholesky(rest * np.eye(along.size) + (own - rest) * np.outer(along, along)))


def widened(mixture: Mixture) -> Mixture:
    """The same means with covariances that are nowhere narrower than 1."""
    values, vectors = np.linalg.eigh(mixture.factors @ np.swapaxes(mixture.factors, 1, 2))
    wide = np.linalg.cholesky((vectors * np.maximum(values, 1.0)[:, None, :]) @ np.swapaxes(vectors, 1, 2))
    return Mixture(mixture.shares, mixture.means, wide)


def _factor(covariance: Floats, size: float) -> Floats:
    """Cholesky factor of the covariance with one spread for all directions whose differences chance explains.

    Inputs that failure does not depend on stay N(0, 1) among failures; an eigenvalue within the Marchenko–Pastur edges of 1 is one of
    those.
    Without this a hundred inputs would drown the few that matter. Source: Marchenko, Pastur 1967; El Masri, Morio, Simatos 2021 for the
    use.
    """
    values, vectors = np.linalg.eigh(covariance)
    ratio = np.sqrt(len(values) / max(size, 1.0))
    noise = (values > max(0.0, 1.0 - ratio) ** 2) & (values < (1.0 + ratio) ** 2)
    values = np.where(noise, values[noise].mean() if noise.any() else 1.0, np.maximum(values, 1e-4))
    return np.asarray(np.linalg.cholesky((vectors * values) @ vectors.T))
