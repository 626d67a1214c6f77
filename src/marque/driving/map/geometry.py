"""The shape of lanes: cleaned points, borders, tangents and curvature.

Sources give polylines; cars need curves. A kink is rounded the way a driver rounds it: leaving the centre line by no more than
`_CUT_M`. Where a segment is longer than that takes, points are inserted on it (never moved), so that heading and curvature can be
linear between points and still stay where the kink is.
"""

from __future__ import annotations

import math

import numpy as np

from marque.common import Floats, Ints, Records
from marque.vehicle import kernel

MIN_SEGMENT_M = 0.02
"""Points closer than this are one point: two units of the last place of a SUMO file."""
_CHORD_M = 2.5  # half the chord a tangent is taken from, and half the window curvature is averaged over
_CUT_M = 0.4
_ROUND_MIN_M, _ROUND_MAX_M = 3.0, 15.0
_STRAIGHT_RAD = 0.01


@kernel
def wrap(angle: float) -> float:
    """The same angle in [−π, π)."""
    turned = angle + math.pi
    if 0.0 <= turned < 2.0 * math.pi:  # nearly always, and a division takes longer than all else
        return turned - math.pi
    return turned % (2.0 * math.pi) - math.pi


@kernel
def distinct_points(xy: Floats, start: Ints, keep: Ints) -> None:
    """Marks in keep (n,) the points of each lane (start: CSR) that are at least MIN_SEGMENT_M from the one kept before; the last stays."""
    for lane in range(start.size - 1):
        first, last = start[lane], start[lane + 1] - 1
        held = first
        keep[first] = 1
        for i in range(first + 1, last + 1):
            if math.hypot(xy[i, 0] - xy[held, 0], xy[i, 1] - xy[held, 1]) >= MIN_SEGMENT_M:
                keep[i] = 1
                held = i
        if held != last and held != first:
            keep[held] = 0
            keep[last] = 1


@kernel
def offset_borders(xy: Floats, start: Ints, half_width: Floats, left: Floats, right: Floats) -> None:
    """Borders (n, 2) at half_width[lane] beside centre lines, mitred at the vertices; a mitre reaches at most twice the half width."""
    for lane in range(start.size - 1):
        first, last = start[lane], start[lane + 1] - 1
        half = half_width[lane]
        for i in range(first, last + 1):
            ax, ay = _direction(xy, i - 1, i) if i > first else _direction(xy, i, min(i + 1, last))
            bx, by = _direction(xy, i, i + 1) if i < last else (ax, ay)
            if ax == 0.0 and ay == 0.0:
                ax, ay = bx, by
            if bx == 0.0 and by == 0.0:
                bx, by = ax, ay
            nx, ny = -(ay + by), ax + bx
            norm = nx * nx + ny * ny  # = 2 + 2·cos(turn): the mitre's length is 2·half / sqrt(norm)
            scale = half * min(2.0 / norm, 2.0 / math.sqrt(norm)) if norm > 1e-9 else 0.0
            left[i, 0], left[i, 1] = xy[i, 0] + scale * nx, xy[i, 1] + scale * ny
            right[i, 0], right[i, 1] = xy[i, 0] - scale * nx, xy[i, 1] - scale * ny


@kernel
def _direction(xy: Floats, i: int, j: int) -> tuple[float, float]:
    dx, dy = xy[j, 0] - xy[i, 0], xy[j, 1] - xy[i, 1]
    length = math.hypot(dx, dy)
    if length < 1e-9:
        return 0.0, 0.0
    return dx / length, dy / length


@kernel
def end_headings(xy: Floats, start: Ints, link_from: Ints, link_to: Ints, junction: Ints, heading: Floats) -> None:
    """Heading of the smooth curve at both ends of every lane → heading (lanes, 2).

    A lane through a junction takes the direction of the road it comes from or leads to; of two roads in sequence both take the mean;
    at a fork or a merge the branches take the direction of the stem. Nobody turns by more than 60° for it.
    """
    lanes = start.size - 1
    successors, predecessors = np.zeros(lanes, np.int32), np.zeros(lanes, np.int32)
    own = np.empty((lanes, 2))
    for lane in range(lanes):
        a, b = start[lane], start[lane + 1]
        own[lane, 0] = math.atan2(xy[a + 1, 1] - xy[a, 1], xy[a + 1, 0] - xy[a, 0])
        own[lane, 1] = math.atan2(xy[b - 1, 1] - xy[b - 2, 1], xy[b - 1, 0] - xy[b - 2, 0])
        heading[lane, 0], heading[lane, 1] = own[lane, 0], own[lane, 1]
    for k in range(link_from.size):
        successors[link_from[k]] += 1
        predecessors[link_to[k]] += 1
    for k in range(link_from.size):
        a, b = link_from[k], link_to[k]
        turn = wrap(own[b, 0] - own[a, 1])
        if abs(turn) > math.pi / 3.0:
            continue
        if junction[a] >= 0 > junction[b]:
            heading[a, 1] = own[a, 1] + turn
        elif junction[b] >= 0 > junction[a]:
            heading[b, 0] = own[b, 0] - turn
        elif successors[a] == 1 and predecessors[b] == 1:
            heading[a, 1] = own[a, 1] + 0.5 * turn
            heading[b, 0] = own[b, 0] - 0.5 * turn
        elif predecessors[b] == 1:
            heading[b, 0] = own[b, 0] - turn
        elif successors[a] == 1:
            heading[a, 1] = own[a, 1] + turn


@kernel
def _rounding_m(turn_rad: float) -> float:
    """How far before and after a kink a driver rounds it, m: an arc between these points leaves the corner by length·turn/4."""
    turn = abs(turn_rad)
    if turn < _STRAIGHT_RAD:
        return 0.0
    return min(_ROUND_MAX_M, max(_ROUND_MIN_M, 4.0 * _CUT_M / turn))


@kernel
def refine(borders: Floats, start: Ints, heading: Floats, out: Floats, out_start: Ints) -> int:
    """Copies points (n, 6: centre, left, right), inserting some beside kinks; returns how many there are now.

    out: (7 n, 7), its last column 1 where a point was inserted inside a rounding; out_start: CSR as start. heading: from end_headings.
    """
    marks = np.empty((6, 2))
    n = 0
    for lane in range(start.size - 1):
        out_start[lane] = n
        first, last = start[lane], start[lane + 1] - 1
        here = _segment_heading(borders, first)
        before = _rounding_m(2.0 * wrap(here - heading[lane, 0]))
        for i in range(first, last):
            n = _put(borders, i, 0.0, 0.0, out, n)
            length = math.hypot(borders[i + 1, 0] - borders[i, 0], borders[i + 1, 1] - borders[i, 1])
            following = _segment_heading(borders, i + 1) if i + 1 < last else here
            after = _rounding_m(wrap(following - here) if i + 1 < last else 2.0 * wrap(heading[lane, 1] - here))
            for k in range(_marks(before, after, length, marks)):
                n = _put(borders, i, marks[k, 0] / length, marks[k, 1], out, n)
            before, here = after, following
        n = _put(borders, last, 0.0, 0.0, out, n)
    out_start[start.size - 1] = n
    return n


@kernel
def _put(borders: Floats, i: int, u: float, inside: float, out: Floats, n: int) -> int:
    """Writes the point a share u of the way from point i to the next into row n; returns the next row."""
    for column in range(6):
        out[n, column] = borders[i, column]
        if u > 0.0:
            out[n, column] += u * (borders[i + 1, column] - borders[i, column])
    out[n, 6] = inside
    return n + 1


@kernel
def _marks(before: float, after: float, length: float, marks: Floats) -> int:
    """Where to insert points on a segment between two roundings (their lengths, 0 for none), and whether inside them; returns how many.

    Points at the end of each rounding, and half a window on both sides of it: there the averaged curvature bends.
    """
    count = 0
    if before + after + 0.5 >= length:
        return 0
    window = _CHORD_M if before + after + 2.0 * _CHORD_M + 0.5 < length else 0.0
    if before > 0.0:
        if before > _CHORD_M:
            marks[count, 0], marks[count, 1] = before - _CHORD_M, 1.0
            count += 1
        marks[count, 0], marks[count, 1] = before, 0.0
        count += 1
        if window > 0.0:
            marks[count, 0], marks[count, 1] = before + window, 0.0
            count += 1
    if after > 0.0:
        if window > 0.0:
            marks[count, 0], marks[count, 1] = length - after - window, 0.0
            count += 1
        marks[count, 0], marks[count, 1] = length - after, 0.0
        count += 1
        if after > _CHORD_M:
            marks[count, 0], marks[count, 1] = length - after + _CHORD_M, 1.0
            count += 1
    return count


@kernel
def _segment_heading(borders: Floats, i: int) -> float:
    return math.atan2(borders[i + 1, 1] - borders[i, 1], borders[i + 1, 0] - borders[i, 0])


@kernel
def fill_points(borders: Floats, start: Ints, heading: Floats, points: Records) -> None:
    """Fills the POINT records of all lanes from borders (n, 7: as refine leaves them), start (CSR) and the headings at the lanes' ends.

    Tangent: direction of the chord from 2.5 m before to 2.5 m after (less towards the ends, exact on an arc); inside a rounding it turns
    evenly. Curvature: the change of
    the tangent over the 5 m around the point, or over what the lane has of them.
    """
    for lane in range(start.size - 1):
        first, last = start[lane], start[lane + 1] - 1
        s = 0.0
        for i in range(first, last + 1):
            p = points[i]
            p.x, p.y = borders[i, 0], borders[i, 1]
            p.left_x, p.left_y, p.right_x, p.right_y = borders[i, 2], borders[i, 3], borders[i, 4], borders[i, 5]
            p.left_m = math.hypot(p.left_x - p.x, p.left_y - p.y)
            p.right_m = math.hypot(p.right_x - p.x, p.right_y - p.y)
            p.lane = lane
            p.s = s
            if i < last:
                s += math.hypot(borders[i + 1, 0] - p.x, borders[i + 1, 1] - p.y)
                angle = _segment_heading(borders, i)
                p.heading = angle if i == first else points[i - 1].heading + wrap(angle - points[i - 1].heading)
            else:
                p.heading = points[i - 1].heading
        length = s
        smooth = np.empty(last - first + 1)  # the tangent's heading, unwrapped
        a, b = first, first
        for i in range(first, last + 1):
            here = points[i].s
            reach = min(_CHORD_M, here, length - here)
            if i == first:
                smooth[0] = points[first].heading + wrap(heading[lane, 0] - points[first].heading)
            elif i == last:
                smooth[i - first] = points[last].heading + wrap(heading[lane, 1] - points[last].heading)
            else:
                while points[a + 1].s < here - reach:
                    a += 1
                b = max(b, i - 1)
                while b < last - 1 and points[b + 1].s < here + reach:
                    b += 1
                ax, ay = _along(points, a, here - reach)
                bx, by = _along(points, b, here + reach)
                smooth[i - first] = points[i].heading + wrap(math.atan2(by - ay, bx - ax) - points[i].heading)
        for i in range(first + 1, last):
            if borders[i, 6] == 1.0:
                u = (points[i].s - points[i - 1].s) / (points[i + 1].s - points[i - 1].s)
                smooth[i - first] = smooth[i - 1 - first] + u * (smooth[i + 1 - first] - smooth[i - 1 - first])
        a, b = first, first
        for i in range(first, last + 1):
            low, high = max(0.0, points[i].s - _CHORD_M), min(length, points[i].s + _CHORD_M)
            while a < last - 1 and points[a + 1].s < low:
                a += 1
            while b < last - 1 and points[b + 1].s < high:
                b += 1
            points[i].tangent_x, points[i].tangent_y = math.cos(smooth[i - first]), math.sin(smooth[i - first])
            points[i].curvature = (_between(points, smooth, first, b, high) - _between(points, smooth, first, a, low)) / (high - low)


@kernel
def _along(points: Records, i: int, s: float) -> tuple[float, float]:
    u = (s - points[i].s) / (points[i + 1].s - points[i].s)
    return points[i].x + u * (points[i + 1].x - points[i].x), points[i].y + u * (points[i + 1].y - points[i].y)


@kernel
def _between(points: Records, values: Floats, first: int, i: int, s: float) -> float:
    u = (s - points[i].s) / (points[i + 1].s - points[i].s)
    return float(values[i - first] + u * (values[i + 1 - first] - values[i - first]))
