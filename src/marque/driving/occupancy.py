"""Who will be where on a candidate line and when: a grid over (instant, cell) with the probability of touching somebody."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Floats, Ints, Records
from marque.driving.lines import CELLS, LINES, Lines, centre_offset
from marque.driving.observation import Kind
from marque.driving.predict import STEPS, Predictions
from marque.driving.view import Reason
from marque.vehicle import VehicleParameters, boxes_overlap, kernel

FREE = CELLS + 60
"""`Occupancy.next` where nothing is ahead."""
_SURE = 0.3
"""From this probability on a cell counts as blocked for those that follow at a distance."""
_LENGTH_MARGIN_M = 1.3
"""A cell stands for a metre; the rest is reserve."""
_WIDTH_MARGIN_M = 0.3
_CROWD_MARGIN_M = 1.0
"""Extra width kept from people on foot and on two wheels."""
_BEHIND = 0.12
"""How much a touch counts when it comes from behind in our lane: the other one yields, but may not know it."""
REASON = 1_000_000
"""`Occupancy.why` = reason · REASON + subject."""


class Occupancy(NamedTuple):
    """One grid per line. Instants are `predict.STEP_S` apart."""

    risk: Floats  # (LINES, STEPS, CELLS) probability of touching somebody, 1 for a line that must not be crossed
    why: Ints  # (LINES, STEPS, CELLS) whom; see REASON
    next: Ints  # (LINES, STEPS, CELLS) the first blocked cell from here on, FREE for none


def no_occupancy() -> Occupancy:
    shape = (LINES, STEPS, CELLS)
    return Occupancy(np.zeros(shape), np.zeros(shape, np.int32), np.zeros(shape, np.int32))


@kernel
def occupy(tracks: Records, predictions: Predictions, lines: Lines, vehicle: VehicleParameters, out: Occupancy) -> None:
    """Mark where the body would touch each hypothesis of each road user."""
    count = lines.used[0]
    out.risk[:count] = 0.0
    out.why[:count] = 0
    for i in range(count):
        cells = lines.line[i].cells
        low_x, high_x, low_y, high_y = _bounds(lines, i, 9.0)
        for mode in range(predictions.used[0]):
            slot = predictions.mode[mode].owner
            margin = _WIDTH_MARGIN_M
            if tracks[slot].kind == Kind.PEDESTRIAN or tracks[slot].kind == Kind.BICYCLE:
                margin = _CROWD_MARGIN_M
            weight = predictions.mode[mode].probability * (_BEHIND if _is_behind(tracks, slot, lines, i) else 1.0)
            reach = 0.5 * math.hypot(vehicle.length_m + _LENGTH_MARGIN_M, vehicle.width_m + margin)
            reach += 0.5 * math.hypot(tracks[slot].length, tracks[slot].width)
            near = -1
            for t in range(STEPS):
                x, y = predictions.at[mode, t].x, predictions.at[mode, t].y
                if x < low_x or x > high_x or y < low_y or y > high_y:
                    continue
                near = _nearest(lines, i, cells, x, y, near)
                _mark(tracks, slot, predictions.at[mode, t].heading, x, y, lines, i, near, t, weight, margin, reach, vehicle, out)


@kernel
def _bounds(lines: Lines, i: int, margin: float) -> tuple[float, float, float, float]:
    low_x, high_x, low_y, high_y = np.inf, -np.inf, np.inf, -np.inf
    for c in range(lines.line[i].cells):
        x, y = lines.cell[i, c].x, lines.cell[i, c].y
        low_x, high_x, low_y, high_y = min(low_x, x), max(high_x, x), min(low_y, y), max(high_y, y)
    return low_x - margin, high_x + margin, low_y - margin, high_y + margin


@kernel
def _is_behind(tracks: Records, slot: int, lines: Lines, i: int) -> bool:
    cos, sin = math.cos(lines.cell[i, 0].heading), math.sin(lines.cell[i, 0].heading)
    dx, dy = tracks[slot].x - lines.cell[i, 0].x, tracks[slot].y - lines.cell[i, 0].y
    facing = math.cos(tracks[slot].heading - lines.cell[i, 0].heading)
    return dx * cos + dy * sin < -0.5 * tracks[slot].length and abs(dy * cos - dx * sin) < 1.2 and facing > 0.7


@kernel
def _nearest(lines: Lines, i: int, cells: int, x: float, y: float, near: int) -> int:
    """The cell nearest to a point: walk from the last one, or scan when there is none."""
    if near < 0:
        best, least = 0, np.inf
        for c in range(0, cells, 4):
            square = (lines.cell[i, c].x - x) ** 2 + (lines.cell[i, c].y - y) ** 2
            if square < least:
                best, least = c, square
        near = best
    least = (lines.cell[i, near].x - x) ** 2 + (lines.cell[i, near].y - y) ** 2
    for step in (1, -1):
        while 0 <= near + step < cells:
            square = (lines.cell[i, near + step].x - x) ** 2 + (lines.cell[i, near + step].y - y) ** 2
            if square >= least:
                break
            near, least = near + step, square
    return near


@kernel
def _mark(
    tracks: Records, slot: int, heading: float, x: float, y: float, lines: Lines, i: int, near: int, t: int,
    weight: float, margin: float, reach: float, vehicle: VehicleParameters, out: Occupancy,
) -> None:  # fmt: skip
    for step in (1, -1):
        c = near if step == 1 else near - 1
        missed = 0
        while 0 <= c < lines.line[i].cells and missed < 4:
            cx, cy = centre_offset(lines, i, c, vehicle)
            if (cx - x) ** 2 + (cy - y) ** 2 > reach * reach:
                missed += 1
            elif boxes_overlap(
                cx, cy, lines.cell[i, c].heading, vehicle.length_m + _LENGTH_MARGIN_M, vehicle.width_m + margin,
                x, y, heading, tracks[slot].length, tracks[slot].width,
            ):  # fmt: skip
                out.risk[i, t, c] = min(1.0, out.risk[i, t, c] + weight)
                if out.why[i, t, c] == 0 or weight >= _SURE:
                    out.why[i, t, c] = Reason.FOLLOW * REASON + slot
            c += step


@kernel
def block(lines: Lines, i: int, first: int, last: int, t_first: int, t_last: int, weight: float, why: int, out: Occupancy) -> None:
    """Forbid cells first..last of line i during instants t_first..t_last (both inclusive, cut to the grid)."""
    for t in range(max(0, t_first), min(STEPS - 1, t_last) + 1):
        for c in range(max(0, first), min(lines.line[i].cells - 1, last) + 1):
            if out.risk[i, t, c] < weight:
                out.risk[i, t, c] = weight
                out.why[i, t, c] = why


@kernel
def look_ahead(lines: Lines, i: int, out: Occupancy) -> None:
    """Fill `next`: scanning from the far end, the first cell ahead that is surely blocked."""
    cells = lines.line[i].cells
    for t in range(STEPS):
        ahead = FREE
        for c in range(cells - 1, -1, -1):
            if out.risk[i, t, c] >= _SURE:
                ahead = c
            out.next[i, t, c] = ahead
