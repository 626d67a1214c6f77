"""Exact tests of bodies against the ground: inside the union of the lanes or not, inside a region or not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from marque.common import Floats, Ints
from marque.driving.map.model import MapArrays
from marque.driving.map.query import grid_cell, surface_holds
from marque.vehicle import kernel, lean

EDGE_TOLERANCE_M = 0.005
"""How thick a part of the body may be that no lane covers: a corner two centimetres over the edge, a side half as much."""
UNCOVERED_TOLERANCE_M2 = 0.02
"""What such thin parts may amount to."""

SEAM_M = 1.0
"""Neighbouring lanes no further apart than this touch: two polylines along one marking leave slits, and painted lines have a width."""

_SURFACES, _SEAMS, _ENDS = 0, 1, 2
_Body = tuple[float, float, float, float, float, float]
"""Middle x, y m, cosine and sine of the heading, half length and half width m."""
_MOST_PIECES = 512
_MOST_CORNERS = 16
_NOTHING_M2 = 1e-10


@kernel
def uncovered(x: float, y: float, heading: float, length: float, width: float, road: MapArrays) -> tuple[float, float]:
    """What the lanes leave of a rectangle: (thickness of its thickest part m, area m²); (0, 0) when it is wholly on the road.

    The triangles of every lane segment that may touch the body are cut out of it one by one; what remains is exact up to rounding. The
    thickness of a part is twice its area over its perimeter: w for a long strip of width w. As in CommonRoad's drivability checker, all
    lanes count, whoever may use them, and where the map just ends the road does not: a lane without successor or predecessor goes on
    straight for one length of the body, and lanes that are said to be neighbours touch.
    """
    cos, sin = math.cos(heading), math.sin(heading)
    if _inside_a_lane(x, y, cos, sin, 0.5 * length, 0.5 * width, road):
        return 0.0, 0.0
    pieces = np.empty((_MOST_PIECES, _MOST_CORNERS, 2))
    corners = np.zeros(_MOST_PIECES, np.int32)
    for i in range(4):
        along = 0.5 * length if i in (0, 3) else -0.5 * length
        across = 0.5 * width if i < 2 else -0.5 * width
        pieces[0, i, 0] = x + along * cos - across * sin
        pieces[0, i, 1] = y + along * sin + across * cos
    corners[0] = 4
    reach = 0.5 * math.hypot(length, width)
    count = _cut_lanes(pieces, corners, 1, x, y, reach, _SURFACES, 0.0, road)
    if count > 0:
        count = _cut_lanes(pieces, corners, count, x, y, reach, _SEAMS, 0.0, road)
    if count > 0:
        count = _cut_lanes(pieces, corners, count, x, y, reach, _ENDS, length, road)
    thickest, total = 0.0, 0.0
    for i in range(count):
        area = abs(_area(pieces[i], corners[i]))
        total += area
        thickest = max(thickest, 2.0 * area / _perimeter(pieces[i], corners[i]))
    return thickest, total


@lean
def _inside_a_lane(x: float, y: float, cos: float, sin: float, half_length: float, half_width: float, road: MapArrays) -> bool:
    """Whether a rectangle touches neither border nor end of a lane that holds its middle: then all of it is inside, and nothing needs to
    be cut. Most bodies are; False says nothing.
    """
    cell = grid_cell(road, x, y)
    if cell < 0:
        return False
    body = x, y, cos, sin, half_length, half_width
    for item in range(road.grid_start[cell], road.grid_start[cell + 1]):
        i = road.grid_points[item]
        if not surface_holds(road.points[i], road.points[i + 1], x, y):
            continue
        lane = road.lanes[road.points[i].lane]
        end = lane.point_first + lane.point_count - 1
        turn = _turn(road, i)
        first, last, clear = i, i + 1, turn != 0 and not _touches_borders(road, i, body)
        # On from segment to segment while the body reaches over their ends.
        while clear and _touches_end(road.points[last], body):
            clear = last < end and _turn(road, last) == turn and not _touches_borders(road, last, body)
            last += 1
        while clear and _touches_end(road.points[first], body):
            first -= 1
            clear = first >= lane.point_first and _turn(road, first) == turn and not _touches_borders(road, first, body)
        if clear:
            return True
    return False


@lean
def _turn(road: MapArrays, i: int) -> int:
    """Which way round the two triangles of the surface from point i on go, 0 where they do not go the same way or one is flat."""
    p, q = road.points[i], road.points[i + 1]
    first = (p.right_x - p.left_x) * (q.right_y - p.left_y) - (p.right_y - p.left_y) * (q.right_x - p.left_x)
    second = (q.right_x - p.left_x) * (q.left_y - p.left_y) - (q.right_y - p.left_y) * (q.left_x - p.left_x)
    if min(first, second) > 2.0 * _NOTHING_M2:
        return 1
    return -1 if max(first, second) < -2.0 * _NOTHING_M2 else 0


@lean
def _touches_borders(road: MapArrays, i: int, body: _Body) -> bool:
    p, q = road.points[i], road.points[i + 1]
    return _touches(p.left_x, p.left_y, q.left_x, q.left_y, body) or _touches(p.right_x, p.right_y, q.right_x, q.right_y, body)


@lean
def _touches_end(p: Any, body: _Body) -> bool:
    return _touches(p.left_x, p.left_y, p.right_x, p.right_y, body)


@lean
def _touches(ax: float, ay: float, bx: float, by: float, body: _Body) -> bool:
    """Whether a → b touches a rectangle: no axis of either separates them (separating axes)."""
    x, y, cos, sin, half_length, half_width = body
    u0, v0 = (ax - x) * cos + (ay - y) * sin, (ay - y) * cos - (ax - x) * sin
    u1, v1 = (bx - x) * cos + (by - y) * sin, (by - y) * cos - (bx - x) * sin
    if min(u0, u1) > half_length or max(u0, u1) < -half_length or min(v0, v1) > half_width or max(v0, v1) < -half_width:
        return False
    du, dv = u1 - u0, v1 - v0
    return bool(abs(u0 * dv - v0 * du) <= half_length * abs(dv) + half_width * abs(du))


@kernel
def _cut_lanes(
    pieces: Floats, corners: Ints, count: int, x: float, y: float, reach: float, what: int, beyond: float, road: MapArrays
) -> int:
    """Cuts out of the pieces what is near of the lanes: their surfaces, the seams between neighbours, or what lies beyond open ends."""
    quad, grid, wide = np.empty((4, 2)), road.grid[0], reach + beyond
    first_row, last_row = int((y - wide - grid.y0) / grid.cell_m), int((y + wide - grid.y0) / grid.cell_m)
    first_column, last_column = int((x - wide - grid.x0) / grid.cell_m), int((x + wide - grid.x0) / grid.cell_m)
    for row in range(max(0, first_row), min(grid.rows - 1, last_row) + 1):
        for column in range(max(0, first_column), min(grid.columns - 1, last_column) + 1):
            cell = row * grid.columns + column
            for item in range(road.grid_start[cell], road.grid_start[cell + 1]):
                i = road.grid_points[item]
                lane = road.lanes[road.points[i].lane]
                if what == _SURFACES:
                    count = _cut_quad(pieces, corners, count, segment_quad(road, i, quad), x, y, reach)
                elif what == _SEAMS:
                    if lane.left >= 0:
                        count = _cut_quad(pieces, corners, count, _seam(road, i, lane.left, False, quad), x, y, reach)
                    if lane.oncoming >= 0:
                        count = _cut_quad(pieces, corners, count, _seam(road, i, lane.oncoming, True, quad), x, y, reach)
                else:
                    if i == lane.point_first and lane.predecessor_count == 0:
                        count = _cut_quad(pieces, corners, count, extended_quad(segment_quad(road, i, quad), 0, beyond), x, y, reach)
                    if i == lane.point_first + lane.point_count - 2 and lane.successor_count == 0:
                        count = _cut_quad(pieces, corners, count, extended_quad(segment_quad(road, i, quad), 2, beyond), x, y, reach)
                if count == 0:
                    return 0
    return count


@kernel
def segment_quad(road: MapArrays, i: int, quad: Floats) -> Floats:
    """Corners of the surface from point i on: left, right, then right, left of the next point."""
    p, q = road.points[i], road.points[i + 1]
    quad[0, 0], quad[0, 1], quad[1, 0], quad[1, 1] = p.left_x, p.left_y, p.right_x, p.right_y
    quad[2, 0], quad[2, 1], quad[3, 0], quad[3, 1] = q.right_x, q.right_y, q.left_x, q.left_y
    return quad


@kernel
def _seam(road: MapArrays, i: int, neighbour: int, left_border: bool, quad: Floats) -> Floats:
    """What lies between the left border from point i on and the border of the lane beside it; nothing where that is too far away."""
    for k in range(2):
        x, y = road.points[i + k].left_x, road.points[i + k].left_y
        nearest_x, nearest_y, least = x, y, SEAM_M
        lane = road.lanes[neighbour]
        for j in range(lane.point_first, lane.point_first + lane.point_count - 1):
            p, q = road.points[j], road.points[j + 1]
            ax, ay, bx, by = (p.left_x, p.left_y, q.left_x, q.left_y) if left_border else (p.right_x, p.right_y, q.right_x, q.right_y)
            dx, dy = bx - ax, by - ay
            square = dx * dx + dy * dy
            u = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / square)) if square > 0.0 else 0.0
            distance = math.hypot(ax + u * dx - x, ay + u * dy - y)
            if distance < least:
                nearest_x, nearest_y, least = ax + u * dx, ay + u * dy, distance
        quad[3 * k, 0], quad[3 * k, 1] = x, y
        quad[1 + k, 0], quad[1 + k, 1] = nearest_x, nearest_y
    return quad


@kernel
def extended_quad(quad: Floats, side: int, beyond: float) -> Floats:
    """In place: the surface of a segment (side 0: its start, 2: its end) becomes what lies beyond that side, in the segment's direction."""
    far = 2 - side
    dx = quad[side, 0] + quad[side + 1, 0] - quad[far, 0] - quad[far + 1, 0]
    dy = quad[side, 1] + quad[side + 1, 1] - quad[far, 1] - quad[far + 1, 1]
    scale = beyond / max(1e-9, math.hypot(dx, dy))
    # Corners go round: side's second corner is opposite to far's first.
    for k in range(2):
        quad[far + 1 - k, 0], quad[far + 1 - k, 1] = quad[side + k, 0] + scale * dx, quad[side + k, 1] + scale * dy
    return quad


@kernel
def _cut_quad(pieces: Floats, corners: Ints, count: int, quad: Floats, x: float, y: float, reach: float) -> int:
    if _apart(quad[:, 0], x, reach) or _apart(quad[:, 1], y, reach):
        return count
    triangle = quad[:3].copy()
    count = _cut_out(pieces, corners, count, triangle)
    triangle[0], triangle[1], triangle[2] = quad[0], quad[2], quad[3]
    return _cut_out(pieces, corners, count, triangle)


@kernel
def _apart(values: Floats, centre: float, reach: float) -> bool:
    return bool(values.min() > centre + reach or values.max() < centre - reach)


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
