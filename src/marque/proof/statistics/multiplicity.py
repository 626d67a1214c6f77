"""Many cells, one release: adjusted p-values and e-values, along the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marque.common import Bools, Floats, Indices


def holm(p_values: ArrayLike) -> Floats:
    """Adjusted p-values; rejecting those ≤ α keeps the chance of any wrong rejection ≤ α, however the cells depend on each other.

    Source: Holm 1979.
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p, axis=-1, kind="stable")
    factors = np.arange(p.shape[-1], 0, -1)
    stepped = np.maximum.accumulate(factors * np.take_along_axis(p, order, -1), axis=-1)
    return _back(np.minimum(stepped, 1.0), order)


def bonferroni(p_values: ArrayLike) -> Floats:
    """Adjusted p-values, each cell by itself: what one shows, the others' further runs cannot take back. Never below Holm's."""
    p = np.asarray(p_values, float)
    return np.asarray(np.minimum(p.shape[-1] * p, 1.0))


def holm_factors(p_values: ArrayLike, alpha: float) -> Floats:
    """By what each p-value is multiplied in the step of Holm's that decides it at level α: a hypothesis is rejected if p·factor ≤ α."""
    p = np.asarray(p_values, float)
    order = np.argsort(p, axis=-1, kind="stable")
    factors = np.broadcast_to(np.arange(p.shape[-1], 0, -1.0), p.shape)
    kept = np.logical_or.accumulate(factors * np.take_along_axis(p, order, -1) > alpha, axis=-1)
    at_stop = np.max(np.where(kept, factors, 0.0), axis=-1, keepdims=True)  # where the steps end, all that is left is held against it
    return _back(np.where(kept, at_stop, factors), order)


def hochberg(p_values: ArrayLike) -> Floats:
    """Adjusted p-values, never above Holm's; valid for independent cells (and positively dependent ones). Source: Hochberg 1988."""
    p = np.asarray(p_values, float)
    order = np.argsort(p, axis=-1, kind="stable")
    factors = np.arange(p.shape[-1], 0, -1)
    scaled = factors * np.take_along_axis(p, order, -1)
    stepped = np.minimum.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1]
    return _back(np.minimum(stepped, 1.0), order)


def e_holm(log_e: ArrayLike) -> Floats:
    """Adjusted p-values from logarithms of e-values: Holm's steps on 1/e, which is a p-value at any stopping time.

    Keeps the chance of any wrong rejection ≤ α under peeking and any dependence. Source: Ville 1939; Vovk, Wang 2021, section 2.
    """
    return holm(np.exp(-np.maximum(np.asarray(log_e, float), 0.0)))


def e_benjamini_hochberg(log_e: ArrayLike, alpha: float) -> Bools:
    """The cells to reject so that the expected share of wrong ones among them stays ≤ α, under any dependence.

    Source: Wang, Ramdas 2022, section 4.1: the largest k whose k-th largest e-value is ≥ K/(α·k).
    """
    e = np.asarray(log_e, float)
    count = e.shape[-1]
    order = np.argsort(-e, axis=-1, kind="stable")
    ranks = np.arange(1, count + 1)
    reached = np.take_along_axis(e, order, -1) >= np.log(count / (alpha * ranks))
    last = np.max(np.where(reached, ranks, 0), axis=-1, keepdims=True)
    return _back(ranks <= last, order)


def _back(values: NDArray[Any], order: Indices) -> NDArray[Any]:
    out = np.empty_like(values)
    np.put_along_axis(out, order, values, -1)
    return out
