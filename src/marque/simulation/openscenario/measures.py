"""Distances and speeds between entities, in the coordinate systems of the standard.

Distances are not signed. Freespace is from body to body, 0 where they overlap on the axis asked for. Source: ASAM OpenSCENARIO XML 1.3,
8.5 (Distances).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from marque.simulation.openscenario.course import Pose, wrapped
from marque.simulation.openscenario.document import Node
from marque.simulation.openscenario.entities import Entity
from marque.simulation.openscenario.network import Place
from marque.simulation.openscenario.positions import Stage
from marque.simulation.openscenario.quiet import Range, around, farther, faster, turned

TYPES = ("longitudinal", "lateral", "cartesianDistance", "euclidianDistance")
SYSTEMS = ("entity", "road", "lane", "trajectory")
Interval = tuple[float, float]
Rectangle = list[tuple[float, float]]
"""Corners, clockwise."""


class Measure:
    """How a distance is meant: read once from a condition or an action."""

    def __init__(self, node: Node, kind: str | None = None) -> None:
        """kind: of distance, where the element itself says it."""
        self.node = node
        self.kind = kind or node.choice("relativeDistanceType", TYPES, "euclidianDistance")
        self.system = node.choice("coordinateSystem", SYSTEMS, "entity")
        self.freespace = node.flag("freespace")
        node.pass_over("routingAlgorithm")
        if node.has("alongRoute") and node.flag("alongRoute"):
            self.kind, self.system = "longitudinal", "road"
        if self.system == "trajectory":
            raise node.fault('the coordinate system "trajectory" is not supported', "Measure along the road or the entity.")

    def between(self, entity: Entity, other: Entity, stage: Stage) -> float:
        if self.kind in TYPES[2:]:
            if not self.freespace:
                return math.dist((entity.x, entity.y), (other.x, other.y))
            return apart(entity, other)
        mine, its = self.intervals(entity, other, stage)
        return max(0.0, its[0] - mine[1], mine[0] - its[1])

    def to(self, entity: Entity, pose: Pose, place: Place | None, stage: Stage) -> float:
        """To a position: a point."""
        if self.kind in TYPES[2:]:
            if not self.freespace:
                return math.dist((entity.x, entity.y), pose[:2])
            return _beside(entity.corners(), pose[:2])
        mine = self._own(entity, stage)
        if self.system == "entity":
            at = _on_axis(entity, [pose[:2]], self.kind)[0]
        else:
            at = self._on_road(entity, place or stage.network.locate(*pose), stage)
        return max(0.0, at - mine[1], mine[0] - at)

    def changes(self, entity: Entity, other: Entity, within_s: float) -> float:
        """By how much at most `between` changes in the next so many s, in which no action runs, m."""
        moved = farther(entity, within_s) + farther(other, within_s)
        if self.kind in TYPES[2:] or self.system != "entity":
            return moved
        c, s, turn = math.cos(entity.heading), math.sin(entity.heading), turned(entity, within_s)
        dx, dy = other.x - entity.x, other.y - entity.y
        along, across = abs(dx * c + dy * s), abs(dy * c - dx * s)
        if self.kind == "lateral":
            along, across = across, along
        return moved + turn * (across + 0.5 * turn * along)

    def intervals(self, entity: Entity, other: Entity, stage: Stage) -> tuple[Interval, Interval]:
        """What the entity and the other one cover on the axis asked for, whose 0 is at the entity's origin; m."""
        mine = self._own(entity, stage)
        if self.system == "entity":
            return mine, _on_axis(entity, other.corners() if self.freespace else [(other.x, other.y)], self.kind)
        place = stage.place(other)
        at = self._on_road(entity, place, stage)
        return mine, _around(at, other, stage, place, self.kind) if self.freespace else (at, at)

    def _own(self, entity: Entity, stage: Stage) -> Interval:
        if not self.freespace:
            return 0.0, 0.0
        if self.system == "entity":
            return _on_axis(entity, entity.corners(), self.kind)
        return _around(0.0, entity, stage, stage.place(entity), self.kind)

    def _on_road(self, entity: Entity, place: Place, stage: Stage) -> float:
        here = stage.place(entity)
        if self.kind == "lateral":
            return place.t - here.t
        return stage.network.along(here, place)


def _on_axis(entity: Entity, points: list[tuple[float, float]], kind: str) -> Interval:
    c, s = math.cos(entity.heading), math.sin(entity.heading)
    ux, uy = (c, s) if kind == "longitudinal" else (-s, c)
    values = [(x - entity.x) * ux + (y - entity.y) * uy for x, y in points]
    return min(values), max(values)


def _around(at: float, entity: Entity, stage: Stage, place: Place, kind: str) -> Interval:
    """What a body covers around its origin, along or across the road beside it."""
    turned = entity.heading - stage.network.pose(place)[2]
    c, s = math.cos(turned), math.sin(turned)
    body = entity.body
    a, b = 0.5 * body.length_m, 0.5 * body.width_m
    if kind == "longitudinal":
        middle, reach = body.centre_x_m * c - body.centre_y_m * s, abs(a * c) + abs(b * s)
    else:
        middle, reach = body.centre_x_m * s + body.centre_y_m * c, abs(a * s) + abs(b * c)
    return at + middle - reach, at + middle + reach


def apart(a: Entity, b: Entity) -> float:
    """The distance between two bodies, m; 0 where they touch."""
    first, second = a.corners(), b.corners()
    if touching(first, second):
        return 0.0
    return min(*(_beside(first, point) for point in second), *(_beside(second, point) for point in first))


def touching(first: Rectangle, second: Rectangle) -> bool:
    """Whether two rectangles share a point."""
    return all(low <= 0.0 for low in _gaps(first, second))


def least_apart(first: Rectangle, second: Rectangle) -> float:
    """What two rectangles are apart at the least, m: along one of their axes; 0 or less where they touch."""
    return max(_gaps(first, second))


def _gaps(first: Rectangle, second: Rectangle) -> Iterator[float]:
    """How far they are apart along each of their axes, below 0 where they overlap: separating axes."""
    for shape in (first, second):
        for (ax, ay), (bx, by) in ((shape[0], shape[1]), (shape[1], shape[2])):
            ux, uy = bx - ax, by - ay
            mine = [x * ux + y * uy for x, y in first]
            its = [x * ux + y * uy for x, y in second]
            yield max(min(its) - max(mine), min(mine) - max(its)) / math.hypot(ux, uy)


def _beside(shape: Rectangle, point: tuple[float, float]) -> float:
    """The distance from a rectangle to a point; 0 inside it."""
    px, py = point
    inside, least = True, math.inf
    for (ax, ay), (bx, by) in zip(shape, shape[1:] + shape[:1], strict=True):
        dx, dy = bx - ax, by - ay
        inside = inside and dx * (py - ay) - dy * (px - ax) <= 0.0  # corners run clockwise
        u = min(1.0, max(0.0, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy)))
        least = min(least, math.hypot(ax + u * dx - px, ay + u * dy - py))
    return 0.0 if inside else least


def velocity(entity: Entity) -> tuple[float, float]:
    return entity.speed * math.cos(entity.heading), entity.speed * math.sin(entity.heading)


def directed(value: float, entity: Entity, other_heading: float, direction: str) -> float:
    """A speed or acceleration along `other_heading` as seen along an entity's axes; all of it where no direction is asked for."""
    turned = wrapped(other_heading - entity.heading)
    if direction == "longitudinal":
        return value * math.cos(turned)
    if direction == "lateral":
        return value * math.sin(turned)
    return 0.0 if direction == "vertical" else value


def closing_speed(entity: Entity, other: Entity, measure: Measure, stage: Stage) -> float:
    """How fast the distance asked for shrinks, m/s."""
    vx, vy = velocity(entity)
    wx, wy = velocity(other)
    return _closing((vx - wx, vy - wy), entity, (other.x, other.y), measure, stage)


def closes_within(entity: Entity, other: Entity, measure: Measure, stage: Stage, within_s: float) -> Range:
    """What `closing_speed` may be in the next so many s, in which no action runs."""
    change = faster(entity, within_s) + faster(other, within_s)
    moved, turns = farther(entity, within_s) + farther(other, within_s), turned(entity, within_s) + turned(other, within_s)
    dx, dy = other.x - entity.x, other.y - entity.y
    far = math.hypot(dx, dy)
    if measure.kind in TYPES[2:]:
        away = far - moved
    else:  # who comes to be abreast closes no more, all at once
        ux, uy = _axis(entity, measure, stage)
        away = abs(dx * ux + dy * uy) - moved - turns * far
    if away <= 0.0:
        return -math.inf, math.inf
    turns += moved / away  # of both, and of the line from one to the other
    return around(closing_speed(entity, other, measure, stage), change + turns * (abs(entity.speed) + abs(other.speed) + change))


def closing_on(entity: Entity, point: tuple[float, float], measure: Measure, stage: Stage) -> float:
    return _closing(velocity(entity), entity, point, measure, stage)


def _closing(v: tuple[float, float], entity: Entity, point: tuple[float, float], measure: Measure, stage: Stage) -> float:
    dx, dy = point[0] - entity.x, point[1] - entity.y
    if measure.kind in TYPES[2:]:
        length = math.hypot(dx, dy)
        return (v[0] * dx + v[1] * dy) / length if length > 0.0 else 0.0
    ux, uy = _axis(entity, measure, stage)
    return (v[0] * ux + v[1] * uy) * math.copysign(1.0, dx * ux + dy * uy)


def _axis(entity: Entity, measure: Measure, stage: Stage) -> tuple[float, float]:
    axis = entity.heading if measure.system == "entity" else stage.network.pose(stage.place(entity))[2]
    if measure.kind == "lateral":
        axis += 0.5 * math.pi
    return math.cos(axis), math.sin(axis)
