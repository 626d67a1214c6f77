"""Time to collision from which on a fully automated vehicle has to avoid a collision with somebody who cuts in.

Source: Commission Implementing Regulation (EU) 2022/1426, Annex III, Part 1, paragraph 1.4.2 and its table; the same rule with the same
table is in Germany's AFGBV, Anlage 1, Teil 2, paragraph 10.2.5. The time is taken when the other is more than 0.3 m inside the lane.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import ArrayLike

from marque.common import Bools, Floats

REACTION_S = 0.1
_BUILD_UP_S_PER_MPS2 = 0.5 / 10.0
"""Deceleration builds up to 10 m/s² within 0.5 s, to less in proportion."""


class Occupants(Enum):
    """Who is carried; the value is the deceleration that is reckoned with, m/s²."""

    STANDING = 2.4
    """Some stand, or are not fastened."""
    SEATED = 6.0


RELATIVE_SPEEDS_KMH = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0)
TABLE_S: dict[Occupants, tuple[float, ...]] = {
    Occupants.STANDING: (0.74, 1.32, 1.90, 2.47, 3.05, 3.63),
    Occupants.SEATED: (0.48, 0.71, 0.94, 1.18, 1.41, 1.64),
}
"""As printed, for `RELATIVE_SPEEDS_KMH`."""


def cut_in_limit(closing_mps: ArrayLike, occupants: Occupants) -> Floats:
    """Time to collision, s, above which the collision has to be avoided; same shape as closing_mps.

    Half of the time in which the deceleration builds up counts, since it is worth half of it. Nothing is demanded of whoever does not
    close in: 0.
    """
    closing = np.asarray(closing_mps, np.float64)
    braking = occupants.value
    limit = closing / (2.0 * braking) + 0.5 * _BUILD_UP_S_PER_MPS2 * braking + REACTION_S
    return np.where(closing > 0.0, limit, 0.0)


def must_avoid_cut_in(gap_m: ArrayLike, closing_mps: ArrayLike, occupants: Occupants) -> Bools:
    """Whether a collision has to be avoided with somebody who is this far ahead when it enters the lane; shapes broadcast."""
    gap, closing = np.asarray(gap_m, np.float64), np.asarray(closing_mps, np.float64)
    # Without a division: who does not close in never collides.
    return np.asarray((gap >= 0.0) & ((closing <= 0.0) | (gap > cut_in_limit(closing, occupants) * closing)))
