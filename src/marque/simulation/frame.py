"""One instant of a world as others may see it: what the page draws, what a replay keeps."""

from __future__ import annotations

from enum import IntFlag
from typing import NamedTuple

from marque.common import Bytes, Floats, Ints
from marque.driving.view import View


class Flag(IntFlag):
    PILOT = 1
    """Driven by our system."""
    BRAKING = 2
    LEFT = 4
    """Left indicator."""
    RIGHT = 8
    WAITING = 16
    """Stands because of right of way, a light or a queue."""


class Frame(NamedTuple):
    """n road users at one instant; poses are centres of bodies, SI units, the map's frame."""

    time_s: float
    ids: Ints  # (n,)
    kinds: Bytes  # (n,) `driving.Kind`
    x_m: Floats  # (n,)
    y_m: Floats
    heading_rad: Floats
    speed_mps: Floats
    length_m: Floats
    width_m: Floats
    flags: Bytes  # (n,) `Flag`
    signals: Bytes  # (signals of the map,) `driving.Colour`
    views: dict[int, View]  # by the id of a car our system drives
