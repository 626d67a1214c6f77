"""What each of the car's eyes sees of every body: rays in all directions, in two heights, that end where somebody hides what is behind."""

from __future__ import annotations

import math
from typing import NamedTuple

from marque.common import Floats, Ints
from marque.driving.map.geometry import wrap
from marque.driving.observation import RAYS, Kind, Observation
from marque.vehicle import kernel, lean

RAY = 2.0 * math.pi / RAYS
_SIGHT_M = 300.0
_EDGE_M = 0.4
"""A body counts as hit by a ray that gets this near to it."""
_CORNERS = ((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0))


class Views(NamedTuple):
    """What each eye sees: e eyes, n bodies."""

    turns: Floats  # (4 · RAYS, 2) direction in the world of ray k − 2 · RAYS, a unit vector; nan where nobody asked for it yet
    spans: Ints  # (n, 2) first and last ray that meet each body, from the eye that looks now
    low_m: Floats  # (e, RAYS) distance of the first body of any height
    tall_m: Floats  # (e, RAYS) and of the first tall one
    share: Floats  # (e, n) of each body in view


@kernel
def _hides(kind: int) -> bool:
    """People and two-wheelers hide next to nothing."""
    return kind not in (Kind.PEDESTRIAN, Kind.BICYCLE, Kind.MOTORCYCLE)


@kernel
def _is_tall(kind: int, length: float, width: float) -> bool:
    return kind in (Kind.TRUCK, Kind.BUS, Kind.TRAM) or (kind == Kind.STATIC and (length > 7.0 or width > 3.0))


@kernel
def _rays(dx: float, dy: float, cos: float, sin: float, half_length: float, half_width: float, heading: float) -> tuple[int, int]:
    """First and last ray, counted from heading, that meet a rectangle (dx, dy) m away; at least the one through its centre."""
    bearing = math.atan2(dy, dx)
    low, high = 0.0, 0.0
    for along, across in _CORNERS:
        x = dx + along * half_length * cos - across * half_width * sin
        y = dy + along * half_length * sin + across * half_width * cos
        off = wrap(math.atan2(y, x) - bearing)
        low, high = min(low, off), max(high, off)
    first, last = math.ceil((bearing + low - heading) / RAY), math.floor((bearing + high - heading) / RAY)
    if last < first:
        first = last = round((bearing - heading) / RAY)
    return int(first), int(last)


@kernel
def _distance(dx: float, dy: float, cos: float, sin: float, half_length: float, half_width: float, ux: float, uy: float) -> float:
    """Distance along a ray (ux, uy) to a rectangle, m: where it enters both of its slabs; to its middle where it only just misses."""
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    u_along, u_across = ux * cos + uy * sin, uy * cos - ux * sin
    if abs(u_along) < 1e-9:
        u_along = 1e-9
    if abs(u_across) < 1e-9:
        u_across = 1e-9
    enter = max((along - math.copysign(half_length, u_along)) / u_along, (across - math.copysign(half_width, u_across)) / u_across)
    leave = min((along + math.copysign(half_length, u_along)) / u_along, (across + math.copysign(half_width, u_across)) / u_across)
    return max(0.0, enter) if enter <= leave else max(0.0, dx * ux + dy * uy)


@lean
def _direction(turns: Floats, heading: float, ray: int) -> tuple[float, float]:
    """A ray as a unit vector in the world; worked out once for all bodies and eyes."""
    k, angle = ray + 2 * RAYS, heading + ray * RAY
    if not 0 <= k < len(turns):  # who has turned round many times
        return math.cos(angle), math.sin(angle)
    if math.isnan(turns[k, 0]):
        turns[k, 0], turns[k, 1] = math.cos(angle), math.sin(angle)
    return turns[k, 0], turns[k, 1]


@lean
def look(truth: Observation, x: float, y: float, heading: float, eye: int, out: Views) -> None:
    """Fill one eye's row: nearest bodies ray by ray, then how much of each body is in view."""
    out.low_m[eye, :] = _SIGHT_M
    out.tall_m[eye, :] = _SIGHT_M
    for i in range(len(truth.ids)):
        dx, dy = truth.x_m[i] - x, truth.y_m[i] - y
        if dx * dx + dy * dy >= _SIGHT_M * _SIGHT_M:
            continue
        cos, sin = math.cos(truth.heading_rad[i]), math.sin(truth.heading_rad[i])
        half_length, half_width = 0.5 * truth.length_m[i], 0.5 * truth.width_m[i]
        first, last = _rays(dx, dy, cos, sin, half_length, half_width, heading)
        out.spans[i, 0], out.spans[i, 1] = first, last
        if not _hides(truth.kinds[i]) or (abs(dx * cos + dy * sin) < half_length and abs(dy * cos - dx * sin) < half_width):
            continue  # or the eye is inside: a shape that is only roughly a rectangle
        tall = _is_tall(truth.kinds[i], truth.length_m[i], truth.width_m[i])
        for ray in range(first, last + 1):
            ux, uy = _direction(out.turns, heading, ray)
            away = _distance(dx, dy, cos, sin, half_length, half_width, ux, uy)
            k = ray % RAYS
            out.low_m[eye, k] = min(out.low_m[eye, k], away)
            if tall:
                out.tall_m[eye, k] = min(out.tall_m[eye, k], away)
    for i in range(len(truth.ids)):
        out.share[eye, i] = 0.0
        dx, dy = truth.x_m[i] - x, truth.y_m[i] - y
        if dx * dx + dy * dy >= _SIGHT_M * _SIGHT_M:
            continue
        cos, sin = math.cos(truth.heading_rad[i]), math.sin(truth.heading_rad[i])
        half_length, half_width = 0.5 * truth.length_m[i], 0.5 * truth.width_m[i]
        nearest = out.tall_m[eye] if _is_tall(truth.kinds[i], truth.length_m[i], truth.width_m[i]) else out.low_m[eye]
        met, first, last = 0, out.spans[i, 0], out.spans[i, 1]
        for ray in range(first, last + 1):
            ux, uy = _direction(out.turns, heading, ray)
            met += nearest[ray % RAYS] >= _distance(dx, dy, cos, sin, half_length, half_width, ux, uy) - _EDGE_M
        out.share[eye, i] = met / (last + 1.0 - first)
