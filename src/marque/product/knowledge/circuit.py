"""A compiled formula: a smooth-on-demand d-DNNF as flat arrays, children before parents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

FALSE, TRUE, LITERAL, AND, OR = range(5)


class Arrays(NamedTuple):
    """What kernels take of a Circuit, as it says."""

    kinds: np.ndarray
    literals: np.ndarray
    first: np.ndarray
    children: np.ndarray
    open_first: np.ndarray
    open: np.ndarray
    free: np.ndarray


@dataclass(frozen=True, eq=False)
class Circuit:
    """Deterministic and decomposable; not smooth: what a child of an OR leaves open is listed per edge.

    kinds: uint8 [nodes], one of FALSE, TRUE, LITERAL, AND, OR; the root is the last node. literals: int32 [nodes], ±variable of a
    LITERAL, else 0. first: int32 [nodes + 1]; the children of node n are children[first[n]:first[n + 1]], each smaller than n.
    children: int32 [edges]. open_first: int32 [edges + 1]; the variables that an OR mentions and the child of this edge does not are
    open[open_first[e]:open_first[e + 1]]; empty for edges of an AND. open: int32. free: int32, variables that the root does not
    mention. variables, counted: as of the formula. digest: of the formula it was compiled from.
    """

    variables: int
    counted: int
    kinds: np.ndarray
    literals: np.ndarray
    first: np.ndarray
    children: np.ndarray
    open_first: np.ndarray
    open: np.ndarray
    free: np.ndarray
    digest: str

    @cached_property
    def arrays(self) -> Arrays:
        return Arrays(self.kinds, self.literals, self.first, self.children, self.open_first, self.open, self.free)
