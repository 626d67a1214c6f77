"""What the driving system is told, and nothing more: the present as its sensors saw it."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from marque.common import Bytes, Floats, Ints


class Kind(IntEnum):
    """What a road user or obstacle is."""

    CAR = 0
    TRUCK = 1
    BUS = 2
    MOTORCYCLE = 3
    BICYCLE = 4
    PEDESTRIAN = 5
    TRAM = 6
    STATIC = 7
    """A parked vehicle, a construction zone, a building edge: it does not move."""
    UNKNOWN = 8


class Observation(NamedTuple):
    """The surroundings at one instant; n road users, the ego not among them.

    x_m, y_m are centres of bodies, heading_rad their orientation, speed_mps along it; length_m and width_m full sizes.
    signals holds the `Colour` each signal of the map shows now (the driver sees a light, not its program).
    """

    time_s: float
    ids: Ints  # (n,) stable from step to step
    kinds: Bytes  # (n,) `Kind`
    x_m: Floats  # (n,)
    y_m: Floats
    heading_rad: Floats
    speed_mps: Floats
    length_m: Floats
    width_m: Floats
    signals: Bytes  # (signals of the map,)


def no_one(time_s: float, signals: Bytes) -> Observation:
    """An empty road."""
    nothing = np.empty(0)
    return Observation(time_s, np.empty(0, np.int32), np.empty(0, np.uint8), nothing, nothing, nothing, nothing, nothing, nothing, signals)
