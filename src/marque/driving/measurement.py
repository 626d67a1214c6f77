"""What a detection says about a state: placed in the world, foreseen by each mode, taken in."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Floats, Record
from marque.driving.filter import BODY, EVEN, LEAST, MODES, POINT, SIZE, STANDING, observe, rate_row, to_body, to_point, velocity
from marque.driving.map.geometry import wrap
from marque.vehicle import kernel, lean

RATES_MPS = 60.0
"""The span in which the rate of a detection of nothing lies."""
_GATE = 18.0
"""Squared Mahalanobis distance of place and rate beyond which a detection is not of this track: 1 in 2,000 of its own."""
_POINTS_MPS, _POINTS_SHARE = 1.5, 0.3
"""The speed from which, and its uncertainty's share of it up to which, a direction of motion is a heading."""
_BACKWARDS_MPS = 2.5
"""Who drives faster than this is not reversing: the front was taken for the back."""


class Placed(NamedTuple):
    """A detection in the world frame."""

    x: float
    y: float
    ray: float  # rad, direction from the sensor to it
    heading: float  # rad, NaN where it is not measured


@kernel
def place(seen: Record, poses: Floats) -> Placed:
    """A DETECTION where the car was when it was measured: between its poses (p, 4: time s, x m, y m, heading rad; oldest first)."""
    k = 0
    while k < poses.shape[0] - 2 and poses[k + 1, 0] < seen.time:
        k += 1
    x, y, heading = poses[k, 1], poses[k, 2], poses[k, 3]
    if poses.shape[0] > 1:
        u = min(1.0, max(0.0, (seen.time - poses[k, 0]) / (poses[k + 1, 0] - poses[k, 0])))
        x += u * (poses[k + 1, 1] - x)
        y += u * (poses[k + 1, 2] - y)
        heading += u * wrap(poses[k + 1, 3] - heading)
    cos, sin = math.cos(heading), math.sin(heading)
    return Placed(x + cos * seen.x - sin * seen.y, y + sin * seen.x + cos * seen.y, heading + seen.bearing, heading + seen.heading)


@kernel
def likelihood(form: int, xs: Floats, Ps: Floats, chance: Floats, z: Placed, seen: Record, late_s: float) -> float:
    """Logarithm of how probably place and rate of a detection are those of a track, 1/m²; −inf outside the gates of all its modes.

    xs (3, 6), Ps (3, 6, 6), chance (3,): the track. A rate counts against one from anywhere within RATES_MPS, so that detections with and
    without one compare.
    """
    c, s = math.cos(z.ray), math.sin(z.ray)
    total, nearest = 0.0, np.inf
    for mode in range(MODES):
        x, P = xs[mode], Ps[mode]
        vx, vy = velocity(form, x)
        dx, dy = z.x + late_s * vx - x[0], z.y + late_s * vy - x[1]
        along, across = c * dx + s * dy, c * dy - s * dx
        aa = c * c * P[0, 0] + 2.0 * c * s * P[0, 1] + s * s * P[1, 1] + seen.var_along
        cc = s * s * P[0, 0] - 2.0 * c * s * P[0, 1] + c * c * P[1, 1] + seen.var_across
        ac = c * s * (P[1, 1] - P[0, 0]) + (c * c - s * s) * P[0, 1]
        det = aa * cc - ac * ac
        u, w = (cc * along - ac * across) / det, (aa * across - ac * along) / det
        distance, scale = along * u + across * w, 4.0 * math.pi * math.pi * det
        if not math.isnan(seen.rate):
            rate, hi, hj = rate_row(form, x, z.ray)
            with_x, with_y = hi * P[0, 2] + hj * P[0, 3], hi * P[1, 2] + hj * P[1, 3]
            a, b = c * with_x + s * with_y, c * with_y - s * with_x
            own = hi * hi * P[2, 2] + 2.0 * hi * hj * P[2, 3] + hj * hj * P[3, 3] + seen.var_rate
            own -= (a * a * cc - 2.0 * a * b * ac + b * b * aa) / det
            off = seen.rate - rate - a * u - b * w
            distance += off * off / own
            scale *= 2.0 * math.pi * own / RATES_MPS**2
        nearest = min(nearest, distance)
        total += chance[mode] * math.exp(-0.5 * distance) / math.sqrt(scale)
    return math.log(total) if nearest < _GATE and total > 0.0 else -np.inf


@kernel
def take_in(form: int, xs: Floats, Ps: Floats, chance: Floats, z: Placed, seen: Record, late_s: float) -> None:
    """Corrects every mode's state by a detection, and the modes' probabilities by how well each foresaw it."""
    c, s = math.cos(z.ray), math.sin(z.ray)
    foreseen = np.zeros(MODES)
    for mode in range(MODES):
        x, P = xs[mode], Ps[mode]
        vx, vy = velocity(form, x)
        zx, zy = z.x + late_s * vx, z.y + late_s * vy
        fit = observe(x, P, 0, c, 1, s, c * (zx - x[0]) + s * (zy - x[1]), seen.var_along)
        fit += observe(x, P, 0, -s, 1, c, c * (zy - x[1]) - s * (zx - x[0]), seen.var_across)
        if not math.isnan(seen.rate):
            rate, hi, hj = rate_row(form, x, z.ray)
            fit += observe(x, P, 2, hi, 3, hj, seen.rate - rate, seen.var_rate)
        if form == BODY and not math.isnan(z.heading):
            fit += observe(x, P, 2, 1.0, 3, 0.0, _fold(z.heading - x[2]), seen.var_heading)
        foreseen[mode] = fit
    _weigh(chance, foreseen)


@kernel
def take_rate(form: int, xs: Floats, Ps: Floats, chance: Floats, ray: float, seen: Record) -> None:
    """What `take_in` does, of the rate alone: for a track whose place is this detection's."""
    foreseen = np.zeros(MODES)
    for mode in range(MODES):
        rate, hi, hj = rate_row(form, xs[mode], ray)
        foreseen[mode] = observe(xs[mode], Ps[mode], 2, hi, 3, hj, seen.rate - rate, seen.var_rate)
    _weigh(chance, foreseen)


@kernel
def _weigh(chance: Floats, foreseen: Floats) -> None:
    best, total = max(foreseen[0], foreseen[1], foreseen[2]), 0.0
    for mode in range(MODES):
        chance[mode] = max(LEAST, chance[mode] * math.exp(foreseen[mode] - best))
        total += chance[mode]
    chance /= total


@lean
def _fold(angle: float) -> float:
    """The same direction of a line, in [−π/2, π/2): a box looks the same from behind."""
    return (angle + 0.5 * math.pi) % math.pi - 0.5 * math.pi


@kernel
def take_shape(form: int, xs: Floats, Ps: Floats, front: float, walks: bool, heading: float, var_heading: float) -> tuple[int, float]:
    """(form, front) after a detection with a heading or NaN: a point that points somewhere is a body, a walker is a point."""
    if walks:
        if form == BODY:
            for mode in range(MODES):
                to_point(xs[mode], Ps[mode])
        return POINT, 0.0
    if form == POINT:
        return _find_heading(xs, Ps, heading, var_heading)
    if not math.isnan(heading):
        front = min(3.0, max(-3.0, front + (0.5 if math.cos(heading - xs[EVEN, 2]) > 0.0 else -0.5)))
    if abs(xs[EVEN, 3]) > _BACKWARDS_MPS:
        front = min(3.0, max(-3.0, front + math.copysign(1.0, xs[EVEN, 3])))
    if front < -1.0:
        for mode in range(MODES):
            _turn_round(xs[mode], Ps[mode])
        front = -front
    return BODY, front


@kernel
def _find_heading(xs: Floats, Ps: Floats, heading: float, var_heading: float) -> tuple[int, float]:
    """Makes a point a body if its heading is measured or its direction of motion known well enough."""
    vx, vy, P = xs[EVEN, 2], xs[EVEN, 3], Ps[EVEN]
    square = max(1e-9, vx * vx + vy * vy)
    variance = (vx * vx * P[3, 3] - 2.0 * vx * vy * P[2, 3] + vy * vy * P[2, 2]) / (square * square)
    moves = square > _POINTS_MPS**2 and P[2, 2] + P[3, 3] < _POINTS_SHARE**2 * square
    measured = not math.isnan(heading)
    if not measured and not moves:
        return POINT, 0.0
    if not measured:
        heading, var_heading = math.atan2(vy, vx), variance
    elif moves and vx * math.cos(heading) + vy * math.sin(heading) < 0.0:
        heading += math.pi
    for mode in range(MODES):
        x = xs[mode]
        if measured or mode == STANDING:
            to_body(x, Ps[mode], heading, var_heading, 0.0)
        else:
            to_body(x, Ps[mode], math.atan2(x[3], x[2]), 0.0, 1.0 / max(1.0, math.hypot(x[2], x[3])))
    return BODY, 1.0


@lean
def _turn_round(x: Floats, P: Floats) -> None:
    """The same body and motion, its front taken for its back."""
    x[2] += math.pi
    x[3], x[5] = -x[3], -x[5]
    for k in range(SIZE):
        for rate in (3, 5):
            P[k, rate] = -P[k, rate]
            P[rate, k] = -P[rate, k]
