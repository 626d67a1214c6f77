"""Oriented rectangles on the ground: the shape every road user has here."""

from __future__ import annotations

import math

from marque.vehicle.kernel import kernel


@kernel
def boxes_overlap(
    ax: float, ay: float, a_heading: float, a_length: float, a_width: float,
    bx: float, by: float, b_heading: float, b_length: float, b_width: float,
) -> bool:  # fmt: skip
    """Whether two rectangles (centre m, heading rad, full length and width m) share a point; touching counts.

    Separating axis theorem on the four face normals.
    """
    dx, dy = bx - ax, by - ay
    reach = 0.5 * (math.hypot(a_length, a_width) + math.hypot(b_length, b_width))
    if dx * dx + dy * dy > reach * reach:
        return False
    return rectangles_touch(
        dx, dy, math.cos(a_heading), math.sin(a_heading), 0.5 * a_length, 0.5 * a_width,
        math.cos(b_heading), math.sin(b_heading), 0.5 * b_length, 0.5 * b_width,
    )  # fmt: skip


@kernel
def rectangles_touch(
    dx: float, dy: float, ca: float, sa: float, al: float, aw: float, cb: float, sb: float, bl: float, bw: float
) -> bool:  # fmt: skip
    """`boxes_overlap` for loops that know more: centres (dx, dy) m apart, headings as unit vectors, lengths and widths halved."""
    cos_ab, sin_ab = abs(ca * cb + sa * sb), abs(sa * cb - ca * sb)
    if abs(dy * ca - dx * sa) > aw + bl * sin_ab + bw * cos_ab:
        return False
    if abs(dx * ca + dy * sa) > al + bl * cos_ab + bw * sin_ab:
        return False
    if abs(dx * cb + dy * sb) > bl + al * cos_ab + aw * sin_ab:
        return False
    return not abs(dy * cb - dx * sb) > bw + al * sin_ab + aw * cos_ab
