"""Bisection on many problems at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from marque.common import Bools, Floats


def bisect(beyond: Callable[[Floats], Bools], low: ArrayLike, high: ArrayLike, halvings: int = 60) -> tuple[Floats, Floats]:
    """Brackets of the points at which `beyond` turns from False to True, elementwise; `low` and `high` broadcast.

    `beyond` is monotone. Both ends are returned, so that a caller who needs a valid bound takes the one on the safe side.
    """
    low, high = (np.array(end, float) for end in np.broadcast_arrays(low, high))
    for _ in range(halvings):
        middle = 0.5 * (low + high)
        passed = beyond(middle)
        low, high = np.where(passed, low, middle), np.where(passed, middle, high)
    return low, high
