"""What a tracked road user is and how large: kinds and sizes, weighed over time."""

from __future__ import annotations

import math

import numpy as np

from marque.common import Floats
from marque.driving.observation import Kind
from marque.vehicle import kernel

KINDS = 9
_LEAST = 1e-3
_HIDDEN = 5.0
"""How many times its shortfall a measurement may err that makes somebody smaller: a body partly hidden measures small, never large."""
_STEADY_M2 = 0.01
"""The least variance a size is given: sensors err in the same way cycle after cycle."""

# Length m, its variance m², width m, its variance; of European traffic, as far apart as members of a kind are.
TYPICAL_SIZE = (
    (4.5, 0.25, 1.8, 0.04),
    (9.0, 9.0, 2.5, 0.06),
    (12.0, 4.0, 2.5, 0.04),
    (2.2, 0.1, 0.8, 0.04),
    (1.8, 0.05, 0.6, 0.02),
    (0.5, 0.04, 0.5, 0.04),
    (30.0, 40.0, 2.6, 0.04),
    (4.5, 4.0, 1.8, 1.0),
    (4.5, 1.0, 1.8, 0.25),
)


def _confusion() -> Floats:
    """(is, taken for): vehicles are taken for vehicles, the slender for the slender; UNKNOWN says nothing of what it is."""
    alike = (0, 0, 0, 1, 1, 1, 0, 2, 2)
    table = np.array([[0.02 + 0.07 * (a == b) for b in alike] for a in alike])
    for parked in (Kind.CAR, Kind.TRUCK, Kind.BUS):
        table[Kind.STATIC, parked] = table[parked, Kind.STATIC] = 0.09
    np.fill_diagonal(table, 0.7)
    table[:, Kind.UNKNOWN] = table[Kind.UNKNOWN, :] = 1.0 / KINDS
    return table


_CONFUSION = _confusion()


@kernel
def believe(kinds: Floats, reported: int) -> None:
    """Bayes' rule: the probabilities (KINDS,) after a sensor took it for `reported`."""
    total = 0.0
    for k in range(KINDS):
        kinds[k] = max(_LEAST, kinds[k] * _CONFUSION[k, reported])
        total += kinds[k]
    kinds /= total


@kernel
def resemblance(kinds: Floats, reported: int) -> float:
    """Logarithm of how much more probably it is taken for `reported` than something of any kind would be."""
    own = 0.0
    for k in range(KINDS):
        own += kinds[k] * _CONFUSION[k, reported]
    return math.log(own * KINDS)


@kernel
def likely_kind(kinds: Floats) -> int:
    """The most probable `Kind`; UNKNOWN where nothing has been told."""
    best = Kind.UNKNOWN.value
    for k in range(KINDS):
        if kinds[k] > kinds[best]:
            best = k
    return best


@kernel
def measure_size(size: Floats, length: float, width: float, variance: float) -> None:
    """Takes a measured length and width, m (NaN: not measured), into size (4,): length, its variance, width, its variance."""
    for k in range(2):
        measured = length if k == 0 else width
        if math.isnan(measured):
            continue
        trusted = variance + (_HIDDEN * min(0.0, measured - size[2 * k])) ** 2
        gain = size[2 * k + 1] / (size[2 * k + 1] + trusted)
        size[2 * k] += gain * (measured - size[2 * k])
        size[2 * k + 1] = max(_STEADY_M2, (1.0 - gain) * size[2 * k + 1])
