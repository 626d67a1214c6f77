"""What kernels and map makers read of the law of the road; whose law it is: `markets`."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from marque.vehicle import kernel


class First(IntEnum):
    """Who goes first where two roads of equal rank cross."""

    FROM_THE_RIGHT = 0
    FROM_THE_LEFT = 1
    NOBODY = 2


class OnRed(IntEnum):
    """Whether one may turn to the near side at a red light where no sign says anything."""

    NO = 0
    AFTER_STOP = 1
    GIVING_WAY = 2


class RoadKind(IntEnum):
    """As far as a statutory speed limit depends on it."""

    URBAN = 0
    RURAL = 1
    MOTORWAY = 2


class Amber(NamedTuple):
    """How long lights show amber, s: least_s up to the speed limit up_to_mps, more_s for each m/s above, never more than most_s."""

    least_s: float
    up_to_mps: float = 0.0
    more_s: float = 0.0
    most_s: float = 60.0


class Law(NamedTuple):
    """What kernels read of a market. Everything is a number; a truth is 1."""

    nearside: float
    """+1 where traffic keeps left, −1 where it keeps right: the sign of an offset towards the kerb."""
    on_red: int
    """`OnRed`"""
    kerb_first: int
    """Who waits at a crossing with priority is let cross, not only who is on it."""
    passes_nearside: int
    """On a motorway one may drive past on the near side of somebody faster than in a queue."""
    keeps_nearside: int
    """Outside towns the near lane is driven on except to pass."""
    stops_for_siren: int
    """Drivers stop at the kerb until a vehicle with siren and lights is past; elsewhere it is enough to make way."""
    corridor: int
    """In slow traffic on motorways a lane for it is kept free between the lane farthest from the kerb and the one beside that."""
    amber: Amber


class Equals(NamedTuple):
    """Who goes first among those whom no sign ranks."""

    right_hand_traffic: bool = True
    first: First = First.FROM_THE_RIGHT
    left_before_right: bool = False
    """Of two that turn into the same road from opposite sides the one across the oncoming lane goes first."""


@kernel
def lasts_s(amber: Amber, limit_mps: float) -> float:
    """How long a light shows amber on a road with this speed limit, s."""
    return min(amber.most_s, amber.least_s + amber.more_s * max(0.0, limit_mps - amber.up_to_mps))
