"""A regular grid over the map: which lane segments may touch a place."""

from __future__ import annotations

import math

import numpy as np

from marque.common import Ints, Records
from marque.driving.map.model import GRID
from marque.vehicle import kernel

BORDER_TOLERANCE_M = 0.02
"""A point this close outside a lane's border is on the lane: sources round to the centimetre, and neighbours must not gape."""
_CELL_M = 10.0
_CELLS_MAX = 2_000_000


def build_grid(points: Records) -> tuple[Records, Ints, Ints]:
    """(grid, grid_start, grid_points) as `MapArrays` has them."""
    grid = np.zeros(1, GRID)
    xs = np.concatenate([points["x"], points["left_x"], points["right_x"]])
    ys = np.concatenate([points["y"], points["left_y"], points["right_y"]])
    x0, y0, width, height = xs.min() - 1.0, ys.min() - 1.0, np.ptp(xs) + 2.0, np.ptp(ys) + 2.0
    cell = max(_CELL_M, math.sqrt(width * height / _CELLS_MAX), max(width, height) / _CELLS_MAX)
    grid[0] = (x0, y0, cell, math.ceil(width / cell), math.ceil(height / cell))
    start = np.zeros(int(grid[0]["columns"]) * int(grid[0]["rows"]) + 1, np.int32)
    _rasterise(points, grid, start, np.empty(0, np.int32), False)
    np.cumsum(start, out=start)
    items = np.empty(start[-1], np.int32)
    fill = start.copy()
    _rasterise(points, grid, fill, items, True)
    return grid, start, items


@kernel
def _rasterise(points: Records, grid: Records, start: Ints, items: Ints, fill: bool) -> None:
    """Counts into start[cell + 1], or (fill) writes items and advances start[cell]."""
    g = grid[0]
    half_diagonal = 0.5 * math.sqrt(2.0) * g.cell_m
    for i in range(points.size - 1):
        p, q = points[i], points[i + 1]
        if p.lane != q.lane:
            continue
        reach = max(p.left_m, p.right_m, q.left_m, q.right_m) + half_diagonal + BORDER_TOLERANCE_M
        x_low = min(p.left_x, p.right_x, q.left_x, q.right_x) - BORDER_TOLERANCE_M
        x_high = max(p.left_x, p.right_x, q.left_x, q.right_x) + BORDER_TOLERANCE_M
        y_low = min(p.left_y, p.right_y, q.left_y, q.right_y) - BORDER_TOLERANCE_M
        y_high = max(p.left_y, p.right_y, q.left_y, q.right_y) + BORDER_TOLERANCE_M
        dx, dy = q.x - p.x, q.y - p.y
        square = dx * dx + dy * dy
        for row in range(int((y_low - g.y0) / g.cell_m), min(g.rows - 1, int((y_high - g.y0) / g.cell_m)) + 1):
            cy = g.y0 + (row + 0.5) * g.cell_m - p.y
            for column in range(int((x_low - g.x0) / g.cell_m), min(g.columns - 1, int((x_high - g.x0) / g.cell_m)) + 1):
                cx = g.x0 + (column + 0.5) * g.cell_m - p.x
                u = min(1.0, max(0.0, (cx * dx + cy * dy) / square))
                if (cx - u * dx) ** 2 + (cy - u * dy) ** 2 <= reach * reach:
                    cell = row * g.columns + column
                    if fill:
                        items[start[cell]] = i
                        start[cell] += 1
                    else:
                        start[cell + 1] += 1
