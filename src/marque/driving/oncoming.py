"""Who comes towards the car in its own way: an overtaker who has misjudged, a driver who has drifted over.

It may go back to its side, and the car does not count on that: it drives no faster than lets it come to rest before the two meet, the other
one going on as it does. A line that leads past it is left as it is. (Responsibility-sensitive safety has both brake, Shalev-Shwartz,
Shammah, Shashua 2017, definition 2; Euro NCAP's head-on cases have the other one not brake at all.)
"""

from __future__ import annotations

import math

import numpy as np

from marque.common import Records
from marque.driving.lines import Lines
from marque.driving.path import TURNED_BACK
from marque.driving.tracks import CAPACITY
from marque.vehicle import VehicleParameters, VehicleState, kernel

BRAKING_MPS2 = 5.0
"""Firmly, but with something left for what comes otherwise than expected."""
ROOM_M = 3.0
"""Kept between the two where the car comes to rest."""
_MOVES_MPS = 2.5
_TOWARDS, _NOT_ALONG = -0.8, 0.3
"""Cosine to a line's heading up to which somebody comes along it, and to the car's own from which it need not be looked at."""
_OVERLAP_M = 0.4
"""Bodies that overlap by less across the way pass each other."""
_EVERY = 2


@kernel
def meet_at_rest(state: VehicleState, vehicle: VehicleParameters, lines: Lines, tracks: Records) -> None:
    """Cut the allowed speeds of every line to what comes to rest, at BRAKING_MPS2, before whoever comes along it."""
    front = 0.5 * vehicle.length_m + vehicle.rear_axle_m
    for slot in range(CAPACITY):
        one = tracks[slot]
        if not one.seen or one.speed < _MOVES_MPS or math.cos(one.heading - state.heading_rad) > _NOT_ALONG:
            continue
        for i in range(lines.used[0]):
            c = _meets(lines, i, one.x, one.y, one.heading, 0.5 * (vehicle.width_m + one.width) - _OVERLAP_M)
            if c < 0:
                continue
            speed = fastest(max(0.0, c - front - 0.5 * one.length - ROOM_M), one.speed)
            for k in range(lines.line[i].cells):
                here = math.sqrt(max(0.0, speed * speed - 2.0 * BRAKING_MPS2 * k))
                lines.cell[i, k].allowed = min(lines.cell[i, k].allowed, here)


@kernel
def fastest(gap_m: float, towards_mps: float) -> float:
    """The speed from which braking at BRAKING_MPS2 ends just when the gap does, the other one coming at towards_mps, m/s.

    From v²/(2a) + u·v/a = gap.
    """
    return math.sqrt(towards_mps * towards_mps + 2.0 * BRAKING_MPS2 * gap_m) - towards_mps


@kernel
def _meets(lines: Lines, i: int, x: float, y: float, heading: float, half_m: float) -> int:
    """The cell of a line that somebody who comes along it is on; −1 for none."""
    nearest, least = -1, np.inf
    for c in range(0, lines.line[i].cells, _EVERY):
        cell = lines.cell[i, c]
        if cell.ux * lines.cell[i, 0].ux + cell.uy * lines.cell[i, 0].uy < TURNED_BACK:
            break
        away = (x - cell.x) ** 2 + (y - cell.y) ** 2
        if away < least:
            nearest, least = c, away
    if nearest <= 0 or nearest + _EVERY >= lines.line[i].cells:
        return -1  # behind the car or beyond the end of the line, as far as that tells
    cell = lines.cell[i, nearest]
    if abs((y - cell.y) * cell.ux - (x - cell.x) * cell.uy) > half_m or math.cos(heading - cell.heading) > _TOWARDS:
        return -1
    return nearest
