"""Any flat shape as oriented rectangles that cover it: the one shape road users have in a world."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Floats

_SPARE_AREA_M2 = 0.3
_SPARE_SHARE = 0.1
_MOST_SPLITS = 5


class Box(NamedTuple):
    """Centre m, heading of its length rad, full sizes m."""

    x: float
    y: float
    heading: float
    length: float
    width: float


def rectangle(x: float, y: float, heading: float, length: float, width: float) -> Floats:
    """Corners (4, 2), counter-clockwise."""
    c, s = math.cos(heading), math.sin(heading)
    local = 0.5 * np.array([[length, width], [-length, width], [-length, -width], [length, -width]])
    corners: Floats = local @ np.array([[c, s], [-s, c]]) + (x, y)
    return corners


def circle(x: float, y: float, radius: float) -> Floats:
    """Corners (16, 2) of a polygon around a circle."""
    angles = (np.arange(16) + 0.5) * (math.pi / 8.0)
    return (radius / math.cos(math.pi / 16.0)) * np.column_stack([np.cos(angles), np.sin(angles)]) + (x, y)


def boxes_of(polygon: Floats) -> list[Box]:
    """Rectangles that cover a polygon (k, 2).

    One, the smallest, where it is hardly larger than the polygon; otherwise the polygon is cut across the rectangle's length until the
    pieces fit, at most 2⁵ of them.
    """
    return _split(polygon, _MOST_SPLITS)


def _split(polygon: Floats, splits: int) -> list[Box]:
    box = smallest_box(polygon)
    spare = box.length * box.width - _area(polygon)
    if splits == 0 or spare <= max(_SPARE_AREA_M2, _SPARE_SHARE * box.length * box.width):
        return [box]
    axis = np.array([math.cos(box.heading), math.sin(box.heading)])
    middle = float(axis @ (box.x, box.y))
    halves = (_cut(polygon, axis, middle), _cut(polygon, -axis, -middle))
    return [part for half in halves if len(half) >= 3 for part in _split(half, splits - 1)]


def smallest_box(polygon: Floats) -> Box:
    """The rectangle of least area around a polygon; one of its sides lies on an edge of the convex hull (Freeman, Shapira 1975)."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    best = (math.inf, 0.0, polygon.min(axis=0), polygon.max(axis=0))
    for angle in np.unique(np.arctan2(edges[:, 1], edges[:, 0]) % (0.5 * math.pi)):
        c, s = math.cos(angle), math.sin(angle)
        local = polygon @ np.array([[c, -s], [s, c]])
        low, high = local.min(axis=0), local.max(axis=0)
        area = float(np.prod(high - low))
        if area < best[0] - 1e-9:
            best = (area, float(angle), low, high)
    _, angle, low, high = best
    c, s = math.cos(angle), math.sin(angle)
    x, y = (0.5 * (low + high)) @ np.array([[c, s], [-s, c]])
    length, width = (float(size) for size in high - low)
    if width > length:
        return Box(float(x), float(y), angle + 0.5 * math.pi, width, length)
    return Box(float(x), float(y), angle, length, width)


def _cut(polygon: Floats, normal: Floats, offset: float) -> Floats:
    """The part of a polygon with normal · p ≤ offset (Sutherland, Hodgman 1974)."""
    side = polygon @ normal - offset
    kept: list[Floats] = []
    for i in range(len(polygon)):
        j = (i + 1) % len(polygon)
        if side[i] <= 0.0:
            kept.append(polygon[i])
        if (side[i] < 0.0 < side[j]) or (side[j] < 0.0 < side[i]):
            kept.append(polygon[i] + (polygon[j] - polygon[i]) * (side[i] / (side[i] - side[j])))
    return np.array(kept).reshape(-1, 2)


def _area(polygon: Floats) -> float:
    x, y = polygon.T
    return 0.5 * abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))
