"""Exact tests of bodies against the ground: inside the union of the lanes or not, inside a region or not."""

from __future__ import annotations

import math

import numpy as np

from marque.common import Floats, Ints
from marque.driving.map.model import MapArrays
from marque.vehicle import kernel

EDGE_TOLERANCE_M = 0.01
"""How thick a part of the body may be that no lane covers. Sources round to the centimetre, and neighbouring lanes must not gape."""
UNCOVERED_TOLERANCE_M2 = 0.05
"""What such thin parts may amount to: a centimetre along the whole body."""

_MOST_PIECES = 512
_MOST_CORNERS = 16
_NOTHING_M2 = 1e-10


@kernel
def uncovered(x: float, y: float, heading: float, length: float, width: float, road: MapArrays) -> tuple[float, float]:
    """What the lanes leave of a rectangle: (thickness of its thickest part m, area m²); (0, 0) when it is wholly on the road.

    The triangles of every lane segment that may touch the body are cut out of it one by one; what remains is exact up to rounding. The
    thickness of a part is twice its area over its perimeter: w for a long strip of width w. All lanes count, whoever may use them, as in
    CommonRoad's drivability checker.
    """
    pieces = np.empty((_MOST_PIECES, _MOST_CORNERS, 2))
    corners = np.zeros(_MOST_PIECES, np.int32)
    cos, sin = math.cos(heading), math.sin(heading)
    for i in range(4):
        along = 0.5 * length if i in (0, 3) else -0.5 * length
        across = 0.5 * width if i < 2 else -0.5 * width
        pieces[0, i, 0] = x + along * cos - across * sin
        pieces[0, i, 1] = y + along * sin + across * cos
    corners[0] = 4
    count = 1
    triangle = np.empty((3, 2))
    reach = 0.5 * math.hypot(length, width)
    grid = road.grid[0]
    first_row, last_row = int((y - reach - grid.y0) / grid.cell_m), int((y + reach - grid.y0) / grid.cell_m)
    first_column, last_column = int((x - reach - grid.x0) / grid.cell_m), int((x + reach - grid.x0) / grid.cell_m)
    for row in range(max(0, first_row), min(grid.rows - 1, last_row) + 1):
        for column in range(max(0, first_column), min(grid.columns - 1, last_column) + 1):
            cell = row * grid.columns + column
            for item in range(road.grid_start[cell], road.grid_start[cell + 1]):
                p, q = road.points[road.grid_points[item]], road.points[road.grid_points[item] + 1]
                if _apart(p.left_x, p.right_x, q.left_x, q.right_x, x, reach) or _apart(p.left_y, p.right_y, q.left_y, q.right_y, y, reach):
                    continue
                triangle[0, 0], triangle[0, 1] = p.left_x, p.left_y
                triangle[1, 0], triangle[1, 1] = p.right_x, p.right_y
                triangle[2, 0], triangle[2, 1] = q.right_x, q.right_y
                count = _cut_out(pieces, corners, count, triangle)
                triangle[1, 0], triangle[1, 1] = q.right_x, q.right_y
                triangle[2, 0], triangle[2, 1] = q.left_x, q.left_y
                count = _cut_out(pieces, corners, count, triangle)
                if count == 0:
                    return 0.0, 0.0
    thickest, total = 0.0, 0.0
    for i in range(count):
        area = abs(_area(pieces[i], corners[i]))
        total += area
        thickest = max(thickest, 2.0 * area / _perimeter(pieces[i], corners[i]))
    return thickest, total


@kernel
def _apart(a: float, b: float, c: float, d: float, centre: float, reach: float) -> bool:
    return min(a, b, c, d) > centre + reach or max(a, b, c, d) < centre - reach


@kernel
def is_beside(thickness_m: float, area_m2: float) -> bool:
    """Whether what `uncovered` found is more than the tolerances let pass."""
    return thickness_m > EDGE_TOLERANCE_M or area_m2 > UNCOVERED_TOLERANCE_M2


@kernel
def off_road(x: float, y: float, heading: float, length: float, width: float, road: MapArrays) -> bool:
    """Whether any part of a rectangle lies beside the road."""
    thickness, area = uncovered(x, y, heading, length, width, road)
    return is_beside(thickness, area)


@kernel
def _cut_out(pieces: Floats, corners: Ints, count: int, triangle: Floats) -> int:
    """Cuts a triangle out of convex pieces, in place; returns how many there are now."""
    turn = _area(triangle, 3)
    if abs(turn) < _NOTHING_M2:
        return count
    if turn < 0.0:
        for k in range(2):
            triangle[1, k], triangle[2, k] = triangle[2, k], triangle[1, k]
    inside, outside, rest = np.empty((_MOST_CORNERS, 2)), np.empty((4, _MOST_CORNERS, 2)), np.empty((_MOST_CORNERS, 2))
    outside_corners = np.zeros(4, np.int32)
    for piece in range(count - 1, -1, -1):  # backwards: what is added lies behind
        held = corners[piece]
        inside[:held] = pieces[piece, :held]
        parts = 0
        for edge in range(3):
            ax, ay = triangle[edge, 0], triangle[edge, 1]
            bx, by = triangle[(edge + 1) % 3, 0], triangle[(edge + 1) % 3, 1]
            outside_corners[parts] = _half(inside, held, ax, ay, bx, by, -1.0, outside[parts])
            if abs(_area(outside[parts], outside_corners[parts])) > _NOTHING_M2:
                parts += 1
            held = _half(inside, held, ax, ay, bx, by, 1.0, rest)
            inside[:held] = rest[:held]
        if abs(_area(inside, held)) <= _NOTHING_M2 or count + parts - 1 > _MOST_PIECES:
            continue  # the triangle does not reach this piece
        if parts == 0:
            count -= 1
            pieces[piece], corners[piece] = pieces[count], corners[count]
            continue
        for part in range(parts):
            slot = piece if part == 0 else count + part - 1
            pieces[slot], corners[slot] = outside[part], outside_corners[part]
        count += parts - 1
    return count


@kernel
def _half(polygon: Floats, held: int, ax: float, ay: float, bx: float, by: float, side: float, out: Floats) -> int:
    """The part of a convex polygon left (side 1) or right (side −1) of a → b, into out; returns its corners (Sutherland, Hodgman 1974)."""
    count = 0
    for i in range(held):
        j = i + 1 if i + 1 < held else 0
        d0 = side * ((bx - ax) * (polygon[i, 1] - ay) - (by - ay) * (polygon[i, 0] - ax))
        d1 = side * ((bx - ax) * (polygon[j, 1] - ay) - (by - ay) * (polygon[j, 0] - ax))
        if d0 >= 0.0 and count < _MOST_CORNERS:
            out[count] = polygon[i]
            count += 1
        if ((d0 > 0.0 and d1 < 0.0) or (d0 < 0.0 and d1 > 0.0)) and count < _MOST_CORNERS:
            u = d0 / (d0 - d1)
            out[count, 0] = polygon[i, 0] + u * (polygon[j, 0] - polygon[i, 0])
            out[count, 1] = polygon[i, 1] + u * (polygon[j, 1] - polygon[i, 1])
            count += 1
    return count


@kernel
def _area(polygon: Floats, corners: int) -> float:
    """Signed, counter-clockwise positive."""
    total = 0.0
    for i in range(1, corners - 1):
        total += (polygon[i, 0] - polygon[0, 0]) * (polygon[i + 1, 1] - polygon[0, 1])
        total -= (polygon[i, 1] - polygon[0, 1]) * (polygon[i + 1, 0] - polygon[0, 0])
    return 0.5 * total


@kernel
def _perimeter(polygon: Floats, corners: int) -> float:
    total = 0.0
    for i in range(corners):
        j = i + 1 if i + 1 < corners else 0
        total += math.hypot(polygon[j, 0] - polygon[i, 0], polygon[j, 1] - polygon[i, 1])
    return total


@kernel
def inside_polygon(x: float, y: float, polygon: Floats) -> bool:
    """Whether a point lies in a polygon (k, 2), closed implicitly; its border belongs to it."""
    odd = False
    j = len(polygon) - 1
    for i in range(len(polygon)):
        ax, ay, bx, by = polygon[i, 0], polygon[i, 1], polygon[j, 0], polygon[j, 1]
        dx, dy = bx - ax, by - ay
        square = dx * dx + dy * dy
        u = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / square)) if square > 0.0 else 0.0
        if (x - ax - u * dx) ** 2 + (y - ay - u * dy) ** 2 < 1e-18:
            return True
        if (ay > y) != (by > y) and x < ax + dx * (y - ay) / dy:
            odd = not odd
        j = i
    return odd
