"""Trajectories: polylines, clothoids, clothoid splines and NURBS as courses, with the times the file gives them.

Source: ASAM OpenSCENARIO XML 1.3, class reference, `Shape`; NURBS by de Boor's algorithm in homogeneous coordinates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from marque.common import Floats
from marque.driving.importers.opendrive_line import Clothoid
from marque.simulation.openscenario.course import TOLERANCE_M, Course, Pose, wrapped
from marque.simulation.openscenario.document import Node
from marque.simulation.openscenario.positions import Position, Spot, Stage, read_position

_CORNER_M = 0.01
"""Over so many metres before a corner of a polyline the heading turns."""
_NURBS_STEP_M = 0.1
_NURBS_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Vertex:
    position: Position
    faces: bool
    """Whether the file says how an entity is turned there."""
    time_s: float | None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a clothoid spline; position: where it begins, None where the one before ends (or the entity is)."""

    shape: Clothoid
    length: float
    turned: float
    position: Position | None


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A trajectory as read; it becomes a course where and when it is followed."""

    node: Node
    vertices: tuple[Vertex, ...] = ()
    segments: tuple[Segment, ...] = ()
    order: int = 0
    knots: tuple[float, ...] = ()
    spans: tuple[tuple[float, float], ...] = ()
    """(share of the length, s): of clothoids that say when they begin and end."""

    @property
    def timed(self) -> bool:
        return bool(self.spans) or (bool(self.vertices) and all(vertex.time_s is not None for vertex in self.vertices))

    def course(self, stage: Stage, start: Pose | None) -> Course:
        """start: the entity's pose, for a trajectory that begins where it is."""
        if self.segments:
            return self._spline(stage, start)
        spots = [vertex.position(stage) for vertex in self.vertices]
        if self.order:
            return Course.through(self._nurbs(spots))
        return self._polyline(spots)

    def times(self, course: Course, stage: Stage) -> tuple[Floats, Floats]:
        """(s, time s), both ascending: when the file wants the entity where; linear between."""
        if self.spans:
            shares, seconds = zip(*self.spans, strict=True)
            return np.array(shares) * course.length, np.array(seconds)
        places: list[float] = []
        near = 0.0
        for vertex in self.vertices:
            near = max(near, course.project(*vertex.position(stage).pose[:2], near if places else 0.0)[0])
            places.append(near)
        return np.array(places), np.array([vertex.time_s for vertex in self.vertices], float)

    def _polyline(self, spots: list[Spot]) -> Course:
        points = [spot.pose[:2] for spot in spots]
        lengths = [math.dist(a, b) for a, b in pairwise(points)]
        kept = [i for i, length in enumerate(lengths) if length > 1e-6]
        if not kept:
            raise self.node.fault("all its vertices lie at one place")
        poses: list[Pose] = []
        offsets: list[float] = []
        for n, i in enumerate(kept):
            (x0, y0), (x1, y1) = points[i], points[i + 1]
            heading = math.atan2(y1 - y0, x1 - x0)
            last = n == len(kept) - 1
            corner = 0.0 if last else min(_CORNER_M, 0.5 * lengths[i]) / lengths[i]
            ends = [wrapped(spots[k].pose[2] - heading) if self.vertices[k].faces else 0.0 for k in (i, i + 1)]
            ends[1] = ends[0] + wrapped(ends[1] - ends[0])
            for share in (0.0, 1.0 - corner):
                poses.append((x0 + share * (x1 - x0), y0 + share * (y1 - y0), heading))
                offsets.append(ends[0] + share * (ends[1] - ends[0]))
        course = Course.through(poses)
        if not any(vertex.faces for vertex in self.vertices):
            return course
        return replace(course, turned=np.unwrap(np.array(offsets)))

    def _spline(self, stage: Stage, start: Pose | None) -> Course:
        poses: list[Pose] = []
        lengths: list[float] = []
        at, s = start, 0.0
        for segment in self.segments:
            if segment.position is not None:
                at = segment.position(stage).pose
            if at is None:
                raise self.node.fault("it begins where its entity is, which is not known here", "Give its first segment a PositionStart.")
            x, y, heading = at[0], at[1], at[2] + segment.turned
            bend = max(abs(segment.shape.start), abs(segment.shape.curvature(segment.length)))
            steps = max(1, math.ceil(segment.length / math.sqrt(8.0 * TOLERANCE_M / bend))) if bend > 1e-9 else 1
            c, n = math.cos(heading), math.sin(heading)
            for k in range(0 if not poses or segment.position is not None else 1, steps + 1):
                along = segment.length * k / steps
                u, v, turned = segment.shape.at(along)
                poses.append((x + u * c - v * n, y + u * n + v * c, heading + turned))
                lengths.append(s + along)
            at, s = poses[-1], s + segment.length
        return Course.through(poses, lengths)

    def _nurbs(self, spots: list[Spot]) -> list[Pose]:
        weights = np.array([vertex.weight for vertex in self.vertices])
        points = np.array([spot.pose[:2] for spot in spots])
        homogeneous = np.column_stack((points * weights[:, None], weights))
        rough = float(np.hypot(*np.diff(points, axis=0).T).sum())
        count = min(_NURBS_LIMIT, max(50, math.ceil(rough / _NURBS_STEP_M)))
        low, high = self.knots[self.order - 1], self.knots[len(spots)]
        curve = np.array([self._de_boor(homogeneous, low + (high - low) * k / count) for k in range(count + 1)])
        xy = curve[:, :2] / curve[:, 2:]
        tangent = np.gradient(xy, axis=0)
        headings = np.arctan2(tangent[:, 1], tangent[:, 0])
        return [(float(x), float(y), float(h)) for (x, y), h in zip(xy, headings, strict=True)]

    def _de_boor(self, points: Floats, u: float) -> Floats:
        degree, knots = self.order - 1, self.knots
        k = next((i for i in range(degree, len(points)) if knots[i] <= u < knots[i + 1]), len(points) - 1)
        d = [points[i] for i in range(k - degree, k + 1)]
        for r in range(1, degree + 1):
            for j in range(degree, r - 1, -1):
                low, high = knots[j + k - degree], knots[j + 1 + k - r]
                a = (u - low) / (high - low) if high > low else 0.0
                d[j] = (1.0 - a) * d[j - 1] + a * d[j]
        return np.asarray(d[degree])


def read_trajectory(node: Node, stage: Stage) -> Trajectory:
    """A `Trajectory`, in the file or a catalog. Raises InputError for shapes the standard does not know."""
    trajectory = node.followed()
    if trajectory.tag != "Trajectory":
        raise trajectory.fault("a Trajectory is expected here")
    trajectory.text("name", "")
    if trajectory.flag("closed", False):
        raise trajectory.fault("a closed trajectory is not supported", "Repeat its vertices as often as it is to be followed.")
    shape = trajectory.one("Shape").only()
    if shape.tag == "Polyline":
        vertices = [_vertex(child, stage) for child in shape.each("Vertex")]
        if len(vertices) < 2:
            raise shape.fault("at least 2 vertices are expected")
        return Trajectory(trajectory, tuple(vertices))
    if shape.tag == "Clothoid":
        return _clothoid(trajectory, shape, stage)
    if shape.tag == "ClothoidSpline":
        return _clothoid_spline(trajectory, shape, stage)
    if shape.tag == "Nurbs":
        return _nurbs(trajectory, shape, stage)
    raise shape.unsupported("Polyline, Clothoid, ClothoidSpline and Nurbs can be followed.")


def _vertex(node: Node, stage: Stage) -> Vertex:
    position = node.one("Position")
    faces = position.only().element.find("Orientation") is not None or "h" in position.only().element.attrib
    time_s = node.number("time") if node.has("time") else None
    weight = node.number("weight", 1.0) if node.tag == "ControlPoint" else 1.0
    return Vertex(read_position(position, stage), faces, time_s, weight)


def _clothoid(trajectory: Node, shape: Node, stage: Stage) -> Trajectory:
    rate = shape.number("curvaturePrime") if shape.has("curvaturePrime") else shape.number("curvatureDot", 0.0)
    length = shape.number("length")
    if length <= 0.0:
        raise shape.fault('"length" above 0 is expected')
    spans: tuple[tuple[float, float], ...] = ()
    if shape.has("startTime") or shape.has("stopTime"):
        spans = ((0.0, shape.number("startTime", 0.0)), (1.0, shape.number("stopTime")))
    segment = Segment(Clothoid(shape.number("curvature"), rate), length, 0.0, read_position(shape.one("Position"), stage))
    return Trajectory(trajectory, segments=(segment,), spans=spans)


def _clothoid_spline(trajectory: Node, shape: Node, stage: Stage) -> Trajectory:
    segments = []
    for child in shape.each("ClothoidSplineSegment"):
        length, start, end = child.number("length"), child.number("curvatureStart"), child.number("curvatureEnd")
        if length < 0.0:
            raise child.fault('"length" of 0 or more is expected')
        position = child.maybe("PositionStart")
        turned = child.number("hOffset", 0.0)
        if length > 0.0:
            placed = None if position is None else read_position(position, stage)
            segments.append(Segment(Clothoid(start, (end - start) / length), length, turned, placed))
    if not segments:
        raise shape.fault("it has no segment with a length")
    spans = ((0.0, 0.0), (1.0, shape.number("timeEnd"))) if shape.has("timeEnd") else ()
    return Trajectory(trajectory, segments=tuple(segments), spans=spans)


def _nurbs(trajectory: Node, shape: Node, stage: Stage) -> Trajectory:
    points = [_vertex(child, stage) for child in shape.each("ControlPoint")]
    knots = [child.number("value") for child in shape.each("Knot")]
    order = shape.whole("order")
    if order < 2 or len(points) < order or len(knots) != len(points) + order or sorted(knots) != knots:
        raise shape.fault("order ≥ 2, at least as many control points, and ascending knots, one for each of both together, are expected")
    return Trajectory(trajectory, tuple(points), order=order, knots=tuple(knots))
