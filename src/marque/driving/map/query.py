"""Questions kernels ask of a map. All take `MapArrays` and answer in scalars; none allocates.

Lane coordinates (s, d): s m along the centre line from its start, d m to the left of it. The normal at s is that of the smooth curve
(the tangents of the points, linear between them), so (s, d) ↔ (x, y) is continuous over the kinks of the polyline and exact both ways
as long as |d| stays below the radius of the curve.
"""

from __future__ import annotations

import math

import numpy as np

from marque.common import Bytes, Floats, Ints, Record
from marque.driving.map.geometry import wrap
from marque.driving.map.grid import BORDER_TOLERANCE_M
from marque.driving.map.model import MapArrays
from marque.vehicle import kernel, lean

_METRES_PER_RAD = 4.0  # `locate`: how many metres beside the centre line weigh as much as one radian of heading
_SPARE_M = 2.0 * BORDER_TOLERANCE_M


@lean
def segment_at(map_arrays: MapArrays, lane: int, s: float, hint: int = -1) -> int:
    """The point whose outgoing segment holds s (the first or last segment where s is beyond the lane).

    hint: a point of the lane near it, −1 for none; following a moving car costs one comparison.
    """
    points = map_arrays.points
    first = map_arrays.lanes[lane].point_first
    last = first + map_arrays.lanes[lane].point_count - 2
    if first <= hint <= last:
        i = hint
        steps = 0
        while steps < 4:
            if i > first and points[i].s > s:
                i -= 1
            elif i < last and points[i + 1].s <= s:
                i += 1
            else:
                return i
            steps += 1
    low, high = first, last
    while low < high:
        middle = (low + high + 1) // 2
        if points[middle].s <= s:
            low = middle
        else:
            high = middle - 1
    return int(low)


@lean
def _share_of(map_arrays: MapArrays, i: int, s: float) -> float:
    p, q = map_arrays.points[i], map_arrays.points[i + 1]
    return float(min(1.0, max(0.0, (s - p.s) / (q.s - p.s))))


@lean
def point_at(map_arrays: MapArrays, lane: int, s: float, d: float, hint: int = -1) -> tuple[float, float, float, float, int]:
    """(x, y, heading as a unit vector, point index) at lane coordinates; beyond the lane's ends the line goes on straight."""
    i = segment_at(map_arrays, lane, s, hint)
    p, q = map_arrays.points[i], map_arrays.points[i + 1]
    u = _share_of(map_arrays, i, s)
    tx, ty = (1.0 - u) * p.tangent_x + u * q.tangent_x, (1.0 - u) * p.tangent_y + u * q.tangent_y
    norm = math.sqrt(tx * tx + ty * ty)
    tx, ty = tx / norm, ty / norm
    beyond = s - (p.s + u * (q.s - p.s))
    x, y = p.x + u * (q.x - p.x) + beyond * tx, p.y + u * (q.y - p.y) + beyond * ty
    return x - d * ty, y + d * tx, tx, ty, i


@lean
def pose_at(map_arrays: MapArrays, lane: int, s: float, d: float, hint: int = -1) -> tuple[float, float, float, int]:
    """(x, y, heading in (−π, π], point index) at lane coordinates; as `point_at`."""
    x, y, ux, uy, i = point_at(map_arrays, lane, s, d, hint)
    return x, y, math.atan2(uy, ux), i


@lean
def curvature_at(map_arrays: MapArrays, lane: int, s: float, hint: int = -1) -> float:
    """Curvature of the centre line, 1/m, left positive."""
    i = segment_at(map_arrays, lane, s, hint)
    u = _share_of(map_arrays, i, s)
    return float(map_arrays.points[i].curvature + u * (map_arrays.points[i + 1].curvature - map_arrays.points[i].curvature))


@lean
def width_at(map_arrays: MapArrays, lane: int, s: float, hint: int = -1) -> tuple[float, float]:
    """(left, right): distances from the centre line to the borders, m."""
    i = segment_at(map_arrays, lane, s, hint)
    u = _share_of(map_arrays, i, s)
    p, q = map_arrays.points[i], map_arrays.points[i + 1]
    return p.left_m + u * (q.left_m - p.left_m), p.right_m + u * (q.right_m - p.right_m)


@lean
def _ahead(p: Record, x: float, y: float) -> float:
    """How far a place lies ahead of the normal at a point, m."""
    return float((x - p.x) * p.tangent_x + (y - p.y) * p.tangent_y)


@lean
def _on_segment(p: Record, q: Record, x: float, y: float) -> tuple[float, float]:
    """(u, d): where on the segment p → q the normal goes through the place (0 ≤ u ≤ 1 clipped), and how far to the left.

    Solves ((x, y) − c(u)) · t(u) = 0 with c and t linear in u: a quadratic.
    """
    dx, dy = q.x - p.x, q.y - p.y
    ex, ey = q.tangent_x - p.tangent_x, q.tangent_y - p.tangent_y
    rx, ry = x - p.x, y - p.y
    c = rx * p.tangent_x + ry * p.tangent_y
    b = rx * ex + ry * ey - dx * p.tangent_x - dy * p.tangent_y
    a = -(dx * ex + dy * ey)
    discriminant = b * b - 4.0 * a * c
    if discriminant <= 0.0:  # beyond the centre of the curve
        u = -c / b if b != 0.0 else 0.0
    else:
        root = math.sqrt(discriminant)
        u = 2.0 * c / (-b + root) if b <= 0.0 else 2.0 * c / (-b - root)
    u = min(1.0, max(0.0, u))
    tx, ty = p.tangent_x + u * ex, p.tangent_y + u * ey
    norm = math.sqrt(tx * tx + ty * ty)
    return u, ((y - p.y - u * dy) * tx - (x - p.x - u * dx) * ty) / norm


@lean
def project(map_arrays: MapArrays, lane: int, x: float, y: float, hint_point: int = -1) -> tuple[float, float, int]:
    """(s, d, point index) of a place on a lane; before or behind the lane s is below 0 or above its length.

    hint_point: a point of the lane near the place (from the last step) – the nearest crossing of the normal from there is taken;
    −1 searches the whole lane for the nearest.
    """
    points = map_arrays.points
    first = map_arrays.lanes[lane].point_first
    last = first + map_arrays.lanes[lane].point_count - 2
    i = hint_point
    if not first <= i <= last:
        best = np.inf
        i = first
        for k in range(first, last + 1):
            p, q = points[k], points[k + 1]
            dx, dy = q.x - p.x, q.y - p.y
            u = min(1.0, max(0.0, ((x - p.x) * dx + (y - p.y) * dy) / (dx * dx + dy * dy)))
            square = (p.x + u * dx - x) ** 2 + (p.y + u * dy - y) ** 2
            if square < best:
                best, i = square, k
    while i > first and _ahead(points[i], x, y) < 0.0:
        i -= 1
    while i < last and _ahead(points[i + 1], x, y) >= 0.0:
        i += 1
    p, q = points[i], points[i + 1]
    before, behind = _ahead(p, x, y), _ahead(q, x, y)
    if i == first and before < 0.0:
        return before, (y - p.y) * p.tangent_x - (x - p.x) * p.tangent_y, i
    if i == last and behind > 0.0:
        return q.s + behind, (y - q.y) * q.tangent_x - (x - q.x) * q.tangent_y, i
    u, d = _on_segment(p, q, x, y)
    return p.s + u * (q.s - p.s), d, i


@kernel
def _beside(ax: float, ay: float, bx: float, by: float, x: float, y: float) -> float:
    """Squared distance from a place to the line segment a → b, m²."""
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    u = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / square)) if square > 0.0 else 0.0
    return (ax + u * dx - x) ** 2 + (ay + u * dy - y) ** 2


@kernel
def _crosses(ax: float, ay: float, bx: float, by: float, x: float, y: float) -> bool:
    return (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax


@lean
def surface_holds(p: Record, q: Record, x: float, y: float) -> bool:
    """Whether the lane's surface between two points of it holds a place: inside its border polygon or within the tolerance of it."""
    # Most places asked about lie beyond all four corners on one side: nothing else needs to be worked out then.
    if x < min(p.left_x, q.left_x, p.right_x, q.right_x) - _SPARE_M or x > max(p.left_x, q.left_x, p.right_x, q.right_x) + _SPARE_M:
        return False
    if y < min(p.left_y, q.left_y, p.right_y, q.right_y) - _SPARE_M or y > max(p.left_y, q.left_y, p.right_y, q.right_y) + _SPARE_M:
        return False
    inside = _crosses(p.left_x, p.left_y, q.left_x, q.left_y, x, y)
    inside ^= _crosses(q.left_x, q.left_y, q.right_x, q.right_y, x, y)
    inside ^= _crosses(q.right_x, q.right_y, p.right_x, p.right_y, x, y)
    inside ^= _crosses(p.right_x, p.right_y, p.left_x, p.left_y, x, y)
    if inside:
        return True
    near = BORDER_TOLERANCE_M * BORDER_TOLERANCE_M
    return (
        _beside(p.left_x, p.left_y, q.left_x, q.left_y, x, y) <= near
        or _beside(p.right_x, p.right_y, q.right_x, q.right_y, x, y) <= near
        or _beside(p.left_x, p.left_y, p.right_x, p.right_y, x, y) <= near
        or _beside(q.left_x, q.left_y, q.right_x, q.right_y, x, y) <= near
    )


@lean
def grid_cell(map_arrays: MapArrays, x: float, y: float) -> int:
    """Index of the grid cell of a place, −1 outside the map (or for a place that is not finite)."""
    g = map_arrays.grid[0]
    column, row = (x - g.x0) / g.cell_m, (y - g.y0) / g.cell_m
    if not (0.0 <= column < g.columns and 0.0 <= row < g.rows):
        return -1
    return int(int(row) * g.columns + int(column))


@lean
def on_road(map_arrays: MapArrays, x: float, y: float, road_mask: int) -> bool:
    """Whether a place is road: any lane with one of the `Road` bits holds it (exact against the border polygons, up to the
    tolerance), or the outline of a junction does through which such a lane passes nearby.
    """
    return on_road_from(map_arrays, x, y, road_mask, -1)[0]


@lean
def on_road_from(map_arrays: MapArrays, x: float, y: float, road_mask: int, hint: int) -> tuple[bool, int]:
    """`on_road`, and the point at the start of the surface that holds the place, −1 for none.

    hint: such a point for a place nearby, −1 for none; following a moving body seldom takes more than a look at it and the one after it.
    """
    points = map_arrays.points
    for i in range(hint, min(hint + 2, points.size - 1) if hint >= 0 else hint):
        one_lane = points[i].lane == points[i + 1].lane and map_arrays.lanes[points[i].lane].road & road_mask
        if one_lane and surface_holds(points[i], points[i + 1], x, y):
            return True, i
    cell = grid_cell(map_arrays, x, y)
    if cell < 0:
        return False, -1
    nearby = False
    for k in range(map_arrays.grid_start[cell], map_arrays.grid_start[cell + 1]):
        i = map_arrays.grid_points[k]
        p = map_arrays.points[i]
        lane = map_arrays.lanes[p.lane]
        if lane.road & road_mask:
            if surface_holds(p, map_arrays.points[i + 1], x, y):
                return True, i
            nearby = nearby or lane.junction >= 0
    if nearby:
        last = -1
        for k in range(map_arrays.grid_start[cell], map_arrays.grid_start[cell + 1]):
            lane = map_arrays.lanes[map_arrays.points[map_arrays.grid_points[k]].lane]
            if lane.road & road_mask and lane.junction != last and lane.junction >= 0:
                last = lane.junction
                if outline_holds(map_arrays, last, x, y):
                    return True, -1
    return False, -1


@lean
def outline_holds(map_arrays: MapArrays, junction: int, x: float, y: float) -> bool:
    """Whether the outline of a junction holds a place; False where it has none."""
    first, end = map_arrays.outline_start[junction], map_arrays.outline_start[junction + 1]
    inside = False
    for i in range(first, end):
        a, b = map_arrays.outlines[i], map_arrays.outlines[i + 1 if i + 1 < end else first]
        inside ^= _crosses(a[0], a[1], b[0], b[1], x, y)
    return inside


@lean
def locate_all(map_arrays: MapArrays, x: float, y: float, out_lanes: Ints, out_s: Floats, out_d: Floats) -> int:
    """All lanes whose surface holds the place, each once, with its lane coordinates; returns how many (at most as out holds)."""
    cell = grid_cell(map_arrays, x, y)
    count = 0
    if cell < 0:
        return 0
    for k in range(map_arrays.grid_start[cell], map_arrays.grid_start[cell + 1]):
        i = map_arrays.grid_points[k]
        p, q = map_arrays.points[i], map_arrays.points[i + 1]
        if not surface_holds(p, q, x, y):
            continue
        known = False
        for j in range(count):
            known = known or out_lanes[j] == p.lane
        if known or count == out_lanes.size:
            continue
        s, d, _i = project(map_arrays, p.lane, x, y, i)
        out_lanes[count] = p.lane
        out_s[count] = min(map_arrays.lanes[p.lane].length, max(0.0, s))
        out_d[count] = d
        count += 1
    return count


@lean
def locate(
    map_arrays: MapArrays, x: float, y: float, heading: float, max_heading_error_rad: float, road_mask: int
) -> tuple[int, float, float]:
    """(lane, s, d) of the lane that best fits a pose, (−1, 0, 0) if none does.

    Among the lanes with one of the `Road` bits whose surface holds the place and whose direction differs by at most
    max_heading_error_rad: the one with the least |d| + 4 m/rad · |heading error|.
    """
    cell = grid_cell(map_arrays, x, y)
    best, best_lane, best_s, best_d = np.inf, -1, 0.0, 0.0
    if cell < 0:
        return best_lane, best_s, best_d
    for k in range(map_arrays.grid_start[cell], map_arrays.grid_start[cell + 1]):
        i = map_arrays.grid_points[k]
        p, q = map_arrays.points[i], map_arrays.points[i + 1]
        if not map_arrays.lanes[p.lane].road & road_mask or not surface_holds(p, q, x, y):
            continue
        s, d, _i = project(map_arrays, p.lane, x, y, i)
        s = min(map_arrays.lanes[p.lane].length, max(0.0, s))
        error = abs(wrap(pose_at(map_arrays, p.lane, s, 0.0, _i)[2] - heading))
        cost = abs(d) + _METRES_PER_RAD * error
        if error <= max_heading_error_rad and cost < best:
            best, best_lane, best_s, best_d = cost, p.lane, s, d
    return best_lane, best_s, best_d


@lean
def signal_colour(map_arrays: MapArrays, signal: int, time_s: float) -> int:
    """The `Colour` a signal shows: its program stands at (time − offset) mod cycle."""
    head = map_arrays.signals[signal]
    clock = (time_s - head.offset_s) % head.cycle_s
    last = head.phase_first + head.phase_count - 1
    for i in range(head.phase_first, last):
        if clock < map_arrays.phases[i].end_s:
            return int(map_arrays.phases[i].colour)
    return int(map_arrays.phases[last].colour)


@lean
def signal_colours(map_arrays: MapArrays, time_s: float, out: Bytes) -> None:
    """What every signal of the map shows, into out (signals,)."""
    for signal in range(map_arrays.signals.size):
        out[signal] = signal_colour(map_arrays, signal, time_s)
