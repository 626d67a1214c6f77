"""Who will be where on a candidate line and when: a grid over (instant, cell) with the probability of touching somebody."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from marque.common import Bools, Floats, Ints, Records
from marque.driving.behind import gap_behind
from marque.driving.lines import CELLS, LINES, Lines
from marque.driving.observation import Kind
from marque.driving.path import TURNED_BACK, Paths
from marque.driving.predict import STEP_S, STEPS, Predictions
from marque.driving.view import Reason
from marque.vehicle import VehicleParameters, kernel, lean, rectangles_touch

FREE = CELLS + 60
"""`Occupancy.next` where nothing is ahead."""
_SURE = 0.3
"""From this probability on a cell counts as blocked for those that follow at a distance."""
_LENGTH_MARGIN_M = 1.3
"""A cell stands for a metre; the rest is reserve."""
_CROSSING_MARGIN_M = 2.3
"""The same from those who cross: who stops at the edge of somebody's way is still in it."""
_WIDTH_MARGIN_M = 0.3
_CROWD_MARGIN_M = 1.0
"""Extra width kept from people on foot and on two wheels."""
_CLOSE_LENGTH_MARGIN_M, _CLOSE_WIDTH_MARGIN_M = 1.1, 0.1
"""The reserve from somebody who is inside the full one already: a cell's own metre, and hardly more."""
_DOUBT_M, _DOUBT_S, _DOUBTFUL = 0.3, 0.05, 0.004
"""Who drives may come so much nearer from the side than expected, the more the faster, at so much of the risk."""
_SHY_MARGIN_M, _NO_MARGIN_M = -0.5, -9.0
"""The reserve from somebody who seems to touch the car by less than sizes are known to; and no reserve at all."""
_SWING_M2 = 3.6
"""In a bend the nose, 3.6 m ahead of the rear axle, swings out by this much times the curvature from one cell to the next, both sides."""
_EARLIER_MPS, _EARLIER_M, _CROSSES = 0.3, 0.6, 0.5
"""Who crosses may come so much earlier or later than expected, the more the farther ahead, twice as much on a bicycle, and on foot for
whoever would swerve; the sine from which somebody crosses."""
_DOUBTED_S = 1.5
"""And so much more as its speed is in doubt, for so long: by then it is known better."""
_HERE_MARGIN_M = 0.04
"""Cell 0 is where the car is, not a metre's stand-in: to stay in it needs no reserve."""
REASON = 1_000_000
"""`Occupancy.why` = reason · REASON + subject."""


class Occupancy(NamedTuple):
    """One grid per line. Instants are `predict.STEP_S` apart.

    Nobody is in the way of most lines at most instants: such a row is not marked, nothing is on it, and nothing need be done about it.
    """

    risk: Floats  # (LINES, STEPS, CELLS) probability of touching somebody, 1 for a line that must not be crossed
    why: Ints  # (LINES, STEPS, CELLS) whom; see REASON
    next: Ints  # (LINES, STEPS, CELLS) the first blocked cell from here on, FREE for none
    marked: Bools  # (LINES, STEPS) whether any cell of the row may have a risk; else it has none, and nothing is ahead


def no_occupancy() -> Occupancy:
    shape = (LINES, STEPS, CELLS)
    return Occupancy(np.zeros(shape), np.zeros(shape, np.int32), np.full(shape, FREE, np.int32), np.zeros(shape[:2], np.bool_))


@kernel
def occupy(
    tracks: Records, predictions: Predictions, paths: Paths, lines: Lines, vehicle: VehicleParameters, out: Occupancy
) -> None:  # fmt: skip
    """Mark where the body would touch each hypothesis of each road user.

    Who comes from behind is predicted as if the car were not there, and would drive through it, the less the longer it stands in the way:
    what such a one suffers is weighed by `followers`, not as a touch.
    """
    for mode in range(predictions.used[0]):
        behind = gap_behind(tracks, predictions, mode, paths, vehicle) < np.inf
        predictions.mode[mode].weight = 0.0 if behind else predictions.mode[mode].probability
    count = lines.used[0]
    _clear(count, out)
    reach, starts = np.empty((predictions.used[0], 4)), np.empty(CELLS + 1, np.int32)
    turns = np.empty((predictions.used[0], STEPS, 2))  # headings as unit vectors, for all lines
    for mode in range(predictions.used[0]):
        reach[mode, 0], reach[mode, 1], reach[mode, 2], reach[mode, 3] = _reach(predictions, mode)
        if predictions.mode[mode].weight > 0.0:
            for t in range(STEPS):
                turns[mode, t, 0], turns[mode, t, 1] = math.cos(predictions.at[mode, t].heading), math.sin(predictions.at[mode, t].heading)
    for i in range(count):
        parts = _parts(lines, i, starts)
        low_x, high_x, low_y, high_y = _bounds(lines, i, 9.0)
        for mode in range(predictions.used[0]):
            slot = predictions.mode[mode].owner
            weight = predictions.mode[mode].weight
            if weight == 0.0 or reach[mode, 0] > high_x or reach[mode, 1] < low_x or reach[mode, 2] > high_y or reach[mode, 3] < low_y:
                continue
            cos, sin = turns[mode, 0]
            length_margin, width_margin = _margins(tracks[slot], predictions.at[mode, 0], cos, sin, lines.cell[i, 0], vehicle)
            if length_margin == _NO_MARGIN_M:
                continue
            half_length, half_width = 0.5 * (vehicle.length_m + length_margin), 0.5 * (vehicle.width_m + width_margin)
            touches_m = math.hypot(half_length, half_width + _DOUBT_M) + 0.5 * math.hypot(tracks[slot].length, tracks[slot].width)
            for part in range(parts):
                near, t = -1, 0
                while t < STEPS:
                    at = predictions.at[mode, t]
                    until = _stays_until(predictions, mode, t)
                    if low_x <= at.x <= high_x and low_y <= at.y <= high_y:
                        first, last = starts[part], starts[part + 1]
                        near = _nearest(lines, i, first, last, at.x, at.y, near)
                        cos, sin = turns[mode, t]
                        _mark(
                            tracks[slot], slot, at, cos, sin, lines, i, near, first, last, t, until, weight, half_length, half_width,
                            touches_m, vehicle, out,
                        )  # fmt: skip
                    t = until


@lean
def _clear(count: int, out: Occupancy) -> None:
    """Take what was marked off the first `count` lines."""
    for i in range(count):
        for t in range(STEPS):
            if out.marked[i, t]:
                out.risk[i, t], out.why[i, t], out.next[i, t] = 0.0, 0, FREE
                out.marked[i, t] = False


@lean
def _stays_until(predictions: Predictions, mode: int, t: int) -> int:
    """The first instant after t at which a hypothesis is somewhere else."""
    at, until = predictions.at[mode], t + 1
    while until < STEPS and at[until].x == at[t].x and at[until].y == at[t].y:
        until += 1
    return until


@lean
def _margins(track: Any, at: Any, cos: float, sin: float, cell: Any, vehicle: VehicleParameters) -> tuple[float, float]:
    """The reserve of length and width kept from a road user: all of it, or little where the car has none now.

    cos, sin: of its heading.

    Below 0 where they seem to touch by less than what is known of sizes; _NO_MARGIN_M where they do touch: then nothing can be kept.
    """
    crosses = track.speed > 1.0 and abs(cell.ux * sin - cell.uy * cos) > _CROSSES
    length_margin = _CROSSING_MARGIN_M if crosses else _LENGTH_MARGIN_M
    width_margin = _CROWD_MARGIN_M if track.kind == Kind.PEDESTRIAN or track.kind == Kind.BICYCLE else _WIDTH_MARGIN_M
    if not _touches(track, at, cos, sin, cell, vehicle, length_margin, width_margin):
        return length_margin, width_margin
    if not _touches(track, at, cos, sin, cell, vehicle, 0.0, 0.0):
        return _CLOSE_LENGTH_MARGIN_M, _CLOSE_WIDTH_MARGIN_M + _SWING_M2 * abs(cell.curvature)
    if not _touches(track, at, cos, sin, cell, vehicle, _SHY_MARGIN_M, _SHY_MARGIN_M):
        return _SHY_MARGIN_M, _SHY_MARGIN_M
    return _NO_MARGIN_M, _NO_MARGIN_M


@lean
def _touches(
    track: Any, at: Any, cos: float, sin: float, cell: Any, vehicle: VehicleParameters, length_margin: float, width_margin: float
) -> bool:  # fmt: skip
    return bool(
        rectangles_touch(
            at.x - cell.body_x, at.y - cell.body_y,
            cell.ux, cell.uy, 0.5 * (vehicle.length_m + length_margin), 0.5 * (vehicle.width_m + width_margin),
            cos, sin, 0.5 * track.length, 0.5 * track.width,
        )
    )  # fmt: skip


@lean
def _reach(predictions: Predictions, mode: int) -> tuple[float, float, float, float]:
    """(low x, high x, low y, high y) of all places of a hypothesis."""
    low_x, high_x, low_y, high_y = np.inf, -np.inf, np.inf, -np.inf
    for t in range(STEPS):
        x, y = predictions.at[mode, t].x, predictions.at[mode, t].y
        low_x, high_x, low_y, high_y = min(low_x, x), max(high_x, x), min(low_y, y), max(high_y, y)
    return low_x, high_x, low_y, high_y


@lean
def _bounds(lines: Lines, i: int, margin: float) -> tuple[float, float, float, float]:
    low_x, high_x, low_y, high_y = np.inf, -np.inf, np.inf, -np.inf
    for c in range(lines.line[i].cells):
        x, y = lines.cell[i, c].x, lines.cell[i, c].y
        low_x, high_x, low_y, high_y = min(low_x, x), max(high_x, x), min(low_y, y), max(high_y, y)
    return low_x - margin, high_x + margin, low_y - margin, high_y + margin


@lean
def _parts(lines: Lines, i: int, starts: Ints) -> int:
    """How many parts line i has, none of which turns back; starts: the first cell of each, filled here, and the end of the last.

    A line that turns round passes the same place twice: who is there is in its way on both.
    """
    parts, first = 1, 0
    starts[0] = 0
    for c in range(1, lines.line[i].cells):
        if lines.cell[i, c].ux * lines.cell[i, first].ux + lines.cell[i, c].uy * lines.cell[i, first].uy < TURNED_BACK:
            starts[parts] = first = c
            parts += 1
    starts[parts] = lines.line[i].cells
    return parts


@lean
def _nearest(lines: Lines, i: int, first: int, last: int, x: float, y: float, near: int) -> int:
    """Of the cells first … last − 1 the nearest to a point: walk from the last one found, or scan when there is none."""
    if near < 0:
        best, least = first, np.inf
        for c in range(first, last, 4):
            square = (lines.cell[i, c].x - x) ** 2 + (lines.cell[i, c].y - y) ** 2
            if square < least:
                best, least = c, square
        near = best
    least = (lines.cell[i, near].x - x) ** 2 + (lines.cell[i, near].y - y) ** 2
    for step in (1, -1):
        while first <= near + step < last:
            square = (lines.cell[i, near + step].x - x) ** 2 + (lines.cell[i, near + step].y - y) ** 2
            if square >= least:
                break
            near, least = near + step, square
    return near


@lean
def _mark(
    track: Any, slot: int, at: Any, cos: float, sin: float, lines: Lines, i: int, near: int, low: int, high: int, first: int, until: int,
    weight: float, half_length: float, half_width: float, touches_m: float, vehicle: VehicleParameters, out: Occupancy,
) -> None:  # fmt: skip
    """Mark one place of a road user, held from instant first to until (exclusive), around the nearest of the cells low … high − 1.

    cos, sin: of its heading there. touches_m: farther from it no body's middle can be that touches it.
    """
    own_half = 0.5 * track.length
    crowd = track.kind == Kind.PEDESTRIAN or track.kind == Kind.BICYCLE
    doubt = 0.0 if crowd else min(_DOUBT_M, _DOUBT_S * track.speed)
    if track.speed > 1.0 and abs(lines.cell[i, near].ux * sin - lines.cell[i, near].uy * cos) > _CROSSES:
        doubled = 2.0 if track.kind == Kind.BICYCLE or (crowd and lines.line[i].swerves) else 1.0  # to swerve is to trust more
        own_half += doubled * min(_EARLIER_M + _DOUBTED_S * track.doubt, (_EARLIER_MPS + track.doubt) * first * STEP_S)
    for step in (1, -1):
        c = near if step == 1 else near - 1
        missed = 0
        while low <= c < high and missed < 4:
            cell = lines.cell[i, c]
            dx, dy = at.x - cell.body_x, at.y - cell.body_y
            if dx * dx + dy * dy > touches_m * touches_m:
                missed += 1
            elif rectangles_touch(dx, dy, cell.ux, cell.uy, half_length, half_width + doubt, cos, sin, own_half, 0.5 * track.width) and (
                c > 0 or _touches(track, at, cos, sin, cell, vehicle, _HERE_MARGIN_M, _HERE_MARGIN_M)
            ):
                sure = doubt == 0.0 or rectangles_touch(
                    dx, dy, cell.ux, cell.uy, half_length, half_width, cos, sin, own_half, 0.5 * track.width
                )
                here = weight if sure else _DOUBTFUL * weight
                for t in range(first, until):
                    out.marked[i, t] = True
                    out.risk[i, t, c] = min(1.0, out.risk[i, t, c] + here)
                    if out.why[i, t, c] == 0 or here >= _SURE:
                        out.why[i, t, c] = Reason.FOLLOW * REASON + slot
            c += step


@lean
def block(lines: Lines, i: int, first: int, last: int, t_first: int, t_last: int, weight: float, why: int, out: Occupancy) -> None:
    """Forbid cells first..last of line i during instants t_first..t_last (both inclusive, cut to the grid)."""
    for t in range(max(0, t_first), min(STEPS - 1, t_last) + 1):
        out.marked[i, t] = True
        for c in range(max(0, first), min(lines.line[i].cells - 1, last) + 1):
            if out.risk[i, t, c] < weight:
                out.risk[i, t, c] = weight
                out.why[i, t, c] = why


@lean
def look_ahead(lines: Lines, i: int, out: Occupancy) -> None:
    """Fill `next`: scanning from the far end, the first cell ahead that is surely blocked."""
    cells = lines.line[i].cells
    for t in range(STEPS):
        if not out.marked[i, t]:
            continue
        ahead = FREE
        for c in range(cells - 1, -1, -1):
            if out.risk[i, t, c] >= _SURE:
                ahead = c
            out.next[i, t, c] = ahead
