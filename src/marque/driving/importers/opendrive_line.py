"""The plan view of OpenDRIVE: reference lines of lines, arcs, spirals and cubic polynomials, evaluated where asked.

Source: ASAM OpenDRIVE 1.8, chapter 9 (Geometry). A spiral's place is the integral of its heading, by Gauss–Legendre quadrature.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from lxml import etree

from marque.driving.importers.xml import Reader

_NODES, _WEIGHTS = (values.tolist() for values in np.polynomial.legendre.leggauss(8))
_STRAIGHT_RAD = 1e-3
"""Below it an arc is integrated, too: a circle of so great a radius loses its digits."""
_PIECE_RAD = 0.5
"""The quadrature of a spiral is split so that its heading turns by no more than this in a piece; the error is then below 1e-12 m."""

Pose = tuple[float, float, float]
"""x m, y m, heading rad."""


class Shape(Protocol):
    """One geometry of a plan view in its own frame: it begins at the origin, towards +x."""

    def at(self, s: float) -> Pose: ...
    def curvature(self, s: float) -> float: ...


@dataclass(frozen=True, slots=True)
class Clothoid:
    """Curvature linear in arc length: lines and arcs are its special cases. curvature: 1/m at s = 0, left positive; rate: 1/m²."""

    start: float
    rate: float = 0.0

    def at(self, s: float) -> Pose:
        if self.start == 0.0 and self.rate == 0.0:
            return s, 0.0, 0.0
        heading = s * (self.start + 0.5 * self.rate * s)
        if self.rate == 0.0 and abs(heading) > _STRAIGHT_RAD:
            return math.sin(heading) / self.start, (1.0 - math.cos(heading)) / self.start, heading
        turned = abs(s) * (abs(self.start) + 0.5 * abs(self.rate * s))
        pieces = max(1, math.ceil(turned / _PIECE_RAD))
        h = 0.5 * s / pieces
        x = y = 0.0
        for k in range(pieces):
            for node, weight in zip(_NODES, _WEIGHTS, strict=True):
                u = (2 * k + 1 + node) * h
                angle = u * (self.start + 0.5 * self.rate * u)
                x += weight * h * math.cos(angle)
                y += weight * h * math.sin(angle)
        return x, y, heading

    def curvature(self, s: float) -> float:
        return self.start + self.rate * s


@dataclass(frozen=True, slots=True)
class Cubics:
    """u(p) and v(p), cubic polynomials; p = s · scale."""

    u: tuple[float, float, float, float]
    v: tuple[float, float, float, float]
    scale: float

    def at(self, s: float) -> Pose:
        p = s * self.scale
        return cubic(self.u, p), cubic(self.v, p), math.atan2(_slope(self.v, p), _slope(self.u, p))

    def curvature(self, s: float) -> float:
        p = s * self.scale
        du, dv = _slope(self.u, p), _slope(self.v, p)
        ddu, ddv = (2.0 * c[2] + 6.0 * c[3] * p for c in (self.u, self.v))
        return (du * ddv - dv * ddu) / math.hypot(du, dv) ** 3


@dataclass(frozen=True, slots=True)
class Cubic:
    """v(u), a cubic polynomial over the chord: where it is after s metres is found by Newton's method on its arc length."""

    v: tuple[float, float, float, float]

    def at(self, s: float) -> Pose:
        u = self._along(s)
        return u, cubic(self.v, u), math.atan(_slope(self.v, u))

    def curvature(self, s: float) -> float:
        u = self._along(s)
        return (2.0 * self.v[2] + 6.0 * self.v[3] * u) / math.hypot(1.0, _slope(self.v, u)) ** 3

    def _along(self, s: float) -> float:
        u = s
        for _ in range(20):
            length = sum(w * math.hypot(1.0, _slope(self.v, 0.5 * u * (1.0 + n))) for n, w in zip(_NODES, _WEIGHTS, strict=True)) * 0.5 * u
            change = (s - length) / math.hypot(1.0, _slope(self.v, u))
            u += change
            if abs(change) < 1e-9:
                break
        return u


def cubic(c: tuple[float, float, float, float], p: float) -> float:
    return c[0] + p * (c[1] + p * (c[2] + p * c[3]))


def _slope(c: tuple[float, float, float, float], p: float) -> float:
    return c[1] + p * (2.0 * c[2] + 3.0 * p * c[3])


@dataclass(frozen=True, slots=True)
class Geometry:
    """One geometry where it lies: begins at s m of its road, with a pose."""

    s: float
    x: float
    y: float
    heading: float
    length: float
    shape: Shape

    def pose(self, s: float) -> Pose:
        u, v, turned = self.shape.at(s - self.s)
        c, n = math.cos(self.heading), math.sin(self.heading)
        return self.x + u * c - v * n, self.y + u * n + v * c, self.heading + turned


class ReferenceLine:
    """A road's reference line: t = 0 for every s."""

    def __init__(self, geometries: list[Geometry], length: float) -> None:
        self.geometries, self.length = geometries, length
        self._starts = [geometry.s for geometry in geometries]

    def pose(self, s: float) -> Pose:
        """The pose at s m; before and beyond the road it goes straight on."""
        inside = min(self.length, max(0.0, s))
        x, y, heading = self._holding(inside).pose(inside)
        if inside == s:
            return x, y, heading
        beyond = s - inside
        return x + beyond * math.cos(heading), y + beyond * math.sin(heading), heading

    def curvature(self, s: float) -> float:
        """1/m, left positive; 0 beside the road's ends."""
        if not 0.0 <= s <= self.length:
            return 0.0
        geometry = self._holding(s)
        return geometry.shape.curvature(s - geometry.s)

    def samples(self, tolerance_m: float) -> list[float]:
        """Places s, ascending, whose chords leave the line by no more than the tolerance; the ends of all geometries are among them."""
        places = [0.0]
        for geometry in self.geometries:
            bend = max(abs(geometry.shape.curvature(geometry.length * k / 8)) for k in range(9))
            steps = max(1, math.ceil(geometry.length / math.sqrt(8.0 * tolerance_m / bend))) if bend > 1e-9 else 1
            places += [geometry.s + geometry.length * k / steps for k in range(1, steps + 1)]
        kept = [s for s in places if s < self.length - 1e-9]
        return [*kept, self.length]

    def _holding(self, s: float) -> Geometry:
        return self.geometries[max(0, bisect.bisect_right(self._starts, s) - 1)]


def read_reference_line(reader: Reader, road: etree._Element, length: float) -> ReferenceLine:
    """The plan view of a road element. Raises InputError for a shape that OpenDRIVE does not know."""
    geometries = []
    for element in road.iterfind("planView/geometry"):
        s, x, y, heading = (reader.number(element, name, 0.0) for name in ("s", "x", "y", "hdg"))
        span = reader.number(element, "length", 0.0)
        geometries.append(Geometry(s, x, y, heading, span, _shape(reader, element, span)))
    if not geometries:
        raise reader.fault(road, "it has no planView with a geometry")
    geometries.sort(key=lambda geometry: geometry.s)
    return ReferenceLine(geometries, length)


def _shape(reader: Reader, element: etree._Element, length: float) -> Shape:
    kind = next(iter(element), None)
    if kind is None:
        raise reader.fault(element, "it holds no shape")
    if kind.tag == "line":
        return Clothoid(0.0)
    if kind.tag == "arc":
        return Clothoid(reader.number(kind, "curvature", 0.0))
    if kind.tag == "spiral":
        start, end = reader.number(kind, "curvStart", 0.0), reader.number(kind, "curvEnd", 0.0)
        return Clothoid(start, (end - start) / length if length > 0.0 else 0.0)
    if kind.tag == "poly3":
        a, b, c, d = (reader.number(kind, name, 0.0) for name in "abcd")
        return Cubic((a, b, c, d))
    if kind.tag == "paramPoly3":
        u0, u1, u2, u3 = (reader.number(kind, f"{name}U", 0.0) for name in "abcd")
        v0, v1, v2, v3 = (reader.number(kind, f"{name}V", 0.0) for name in "abcd")
        scale = 1.0 if kind.get("pRange") == "arcLength" or length <= 0.0 else 1.0 / length
        return Cubics((u0, u1, u2, u3), (v0, v1, v2, v3), scale)
    raise reader.fault(element, f"<{kind.tag}> is no shape of a plan view that OpenDRIVE 1.8 knows")
