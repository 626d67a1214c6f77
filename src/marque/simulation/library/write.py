"""A scene as a CommonRoad 2020a document, element by element in the order the format asks for.

Source: CommonRoad XML documentation, version 2020a. Speed limits are traffic signs (274), lights count in steps.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET  # writes only; nothing from outside is parsed here
from itertools import count
from xml.sax.saxutils import escape, quoteattr

from marque.common import Floats
from marque.simulation.library.actors import STEP_S, Actor
from marque.simulation.library.roads import Incoming, Lanelet, Light, Road
from marque.simulation.library.scene import Goal, Region, Scene

SPEED_SIGN = "274"
SOURCE = "Marque scenario library"
_AUTHOR = "Marque"
_DATE = "2026-01-01"


def document(name: str, scene: Scene) -> bytes:
    """The bytes of the file; the same scene gives the same bytes."""
    root = ET.Element(
        "commonRoad", benchmarkID=name, commonRoadVersion="2020a", date=_DATE, author=_AUTHOR, affiliation=_AUTHOR, source=SOURCE,
        timeStepSize=f"{STEP_S:g}",
    )  # fmt: skip
    location = ET.SubElement(root, "location")
    for tag, unknown in (("geoNameId", "-999"), ("gpsLatitude", "999"), ("gpsLongitude", "999")):
        _text(location, tag, unknown)
    tags = ET.SubElement(root, "scenarioTags")
    for tag in scene.tags:
        ET.SubElement(tags, tag)
    writer = _Writer(root, scene.road)
    writer.road()
    for actor in scene.actors:
        writer.actor(actor)
    writer.problem(scene)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    _serialise(root, "", lines)
    return "\n".join([*lines, ""]).encode()


class _Writer:
    """Gives every element a number; what is referred to by name is numbered before it is written."""

    def __init__(self, root: ET.Element, road: Road) -> None:
        self.root, self.plan, self.numbers = root, road, count(1)
        self.lanelets = {name: self._next() for name in road.lanelets}
        self.lights = {name: self._next() for name in road.lights}
        self.signs: dict[tuple[str, float], str] = {}
        self.predecessors: dict[str, list[str]] = {name: [] for name in road.lanelets}
        for lanelet in road.lanelets.values():
            for successor in lanelet.successors:
                self.predecessors[successor].append(lanelet.name)

    def _next(self) -> str:
        return str(next(self.numbers))

    # -- road ------------------------------------------------------------------------------------------------------------------------------

    def road(self) -> None:
        for lanelet in self.plan.lanelets.values():
            self._lanelet(lanelet)
        for (sign, value), number in self.signs.items():
            element = ET.SubElement(self.root, "trafficSign", id=number)
            part = ET.SubElement(element, "trafficSignElement")
            _text(part, "trafficSignID", sign)
            if sign == SPEED_SIGN:
                _text(part, "additionalValue", _figure(value))
            _text(element, "virtual", "true")
        for name, light in self.plan.lights.items():
            self._light(self.lights[name], light)
        for incomings in self.plan.junctions.values():
            self._junction(incomings)

    def _lanelet(self, lanelet: Lanelet) -> None:
        element = ET.SubElement(self.root, "lanelet", id=self.lanelets[lanelet.name])
        for tag, border, marking in (
            ("leftBound", lanelet.left, lanelet.left_marking),
            ("rightBound", lanelet.right, lanelet.right_marking),
        ):
            bound = ET.SubElement(element, tag)
            for x, y in border:
                _point(bound, x, y)
            _text(bound, "lineMarking", marking)
        for predecessor in self.predecessors[lanelet.name]:
            ET.SubElement(element, "predecessor", ref=self.lanelets[predecessor])
        for successor in lanelet.successors:
            ET.SubElement(element, "successor", ref=self.lanelets[successor])
        if lanelet.left_side is not None:
            direction = "opposite" if lanelet.faces and not lanelet.keeps_left else "same"
            ET.SubElement(element, "adjacentLeft", ref=self.lanelets[lanelet.left_side], drivingDir=direction)
        if lanelet.right_side is not None:
            direction = "opposite" if lanelet.faces and lanelet.keeps_left else "same"
            ET.SubElement(element, "adjacentRight", ref=self.lanelets[lanelet.right_side], drivingDir=direction)
        if lanelet.stops:
            line = ET.SubElement(element, "stopLine")
            for x, y in (lanelet.left[-1], lanelet.right[-1]):
                _point(line, x, y)
            _text(line, "lineMarking", "solid" if lanelet.sign is None else "dashed")
        _text(element, "laneletType", lanelet.kind)
        _text(element, "userOneWay", lanelet.user)
        if math.isfinite(lanelet.limit_mps):
            self._sign(element, SPEED_SIGN, lanelet.limit_mps)
        if lanelet.sign is not None:
            self._sign(element, lanelet.sign, 0.0)
        if lanelet.light is not None:
            ET.SubElement(element, "trafficLightRef", ref=self.lights[lanelet.light])

    def _sign(self, element: ET.Element, sign: str, value: float) -> None:
        if (sign, value) not in self.signs:
            self.signs[sign, value] = self._next()
        ET.SubElement(element, "trafficSignRef", ref=self.signs[sign, value])

    def _light(self, number: str, light: Light) -> None:
        element = ET.SubElement(self.root, "trafficLight", id=number)
        cycle = ET.SubElement(element, "cycle")
        for colour, seconds in light.phases:
            part = ET.SubElement(cycle, "cycleElement")
            _text(part, "duration", str(round(seconds / STEP_S)))
            _text(part, "color", colour)
        offset = round((light.offset_s % sum(seconds for _, seconds in light.phases)) / STEP_S)
        if offset > 0:  # the schema knows no offset of 0
            _text(cycle, "timeOffset", str(offset))
        _text(element, "direction", "all")
        _text(element, "active", "true")

    def _junction(self, incomings: list[Incoming]) -> None:
        element = ET.SubElement(self.root, "intersection", id=self._next())
        numbers = {incoming.name: self._next() for incoming in incomings}
        for incoming in incomings:
            arm = ET.SubElement(element, "incoming", id=numbers[incoming.name])
            for tag, names in (
                ("incomingLanelet", incoming.lanes),
                ("successorsRight", incoming.right),
                ("successorsStraight", incoming.straight),
                ("successorsLeft", incoming.left),
            ):
                for name in names:
                    ET.SubElement(arm, tag, ref=self.lanelets[name])
            if incoming.left_of is not None:
                ET.SubElement(arm, "isLeftOf", ref=numbers[incoming.left_of])

    # -- road users ------------------------------------------------------------------------------------------------------------------------

    def actor(self, actor: Actor) -> None:
        element = ET.SubElement(self.root, "staticObstacle" if actor.parked else "dynamicObstacle", id=self._next())
        _text(element, "type", actor.body.type)
        shape = ET.SubElement(ET.SubElement(element, "shape"), "rectangle")
        _text(shape, "length", _figure(actor.body.length_m))
        _text(shape, "width", _figure(actor.body.width_m))
        _state(ET.SubElement(element, "initialState"), actor.first_step, actor.poses[0], float(actor.speeds[0]))
        if actor.parked or len(actor.poses) == 1:
            return
        trajectory = ET.SubElement(element, "trajectory")
        for step in range(1, len(actor.poses)):
            _state(ET.SubElement(trajectory, "state"), actor.first_step + step, actor.poses[step], float(actor.speeds[step]))

    def problem(self, scene: Scene) -> None:
        element = ET.SubElement(self.root, "planningProblem", id=self._next())
        start = ET.SubElement(element, "initialState")
        _state(start, 0, scene.start, scene.start_mps)
        for tag in ("yawRate", "slipAngle"):
            _exact(start, tag, 0.0)
        self._goal(ET.SubElement(element, "goalState"), scene.goal)

    def _goal(self, element: ET.Element, goal: Goal) -> None:
        position = ET.SubElement(element, "position")
        if goal.region is not None:
            _rectangle(position, goal.region)
        for name in goal.lanes:
            ET.SubElement(position, "lanelet", ref=self.lanelets[name])
        if goal.heading_rad is not None:
            _interval(element, "orientation", *(_figure(bound) for bound in goal.heading_rad))
        _interval(element, "time", *(str(step) for step in goal.steps))


# -- values --------------------------------------------------------------------------------------------------------------------------------


def _state(element: ET.Element, step: int, pose: Floats | tuple[float, float, float], speed_mps: float) -> None:
    x, y, heading = pose
    _point(ET.SubElement(element, "position"), x, y)
    _exact(element, "orientation", (heading + math.pi) % (2.0 * math.pi) - math.pi)
    _text(ET.SubElement(element, "time"), "exact", str(step))
    _exact(element, "velocity", speed_mps)


def _rectangle(element: ET.Element, region: Region) -> None:
    shape = ET.SubElement(element, "rectangle")
    x, y, heading = region.pose
    _text(shape, "length", _figure(region.length_m))
    _text(shape, "width", _figure(region.width_m))
    _text(shape, "orientation", _figure(heading))
    centre = ET.SubElement(shape, "center")
    _text(centre, "x", _figure(x))
    _text(centre, "y", _figure(y))


def _point(element: ET.Element, x: float, y: float) -> None:
    point = ET.SubElement(element, "point")
    _text(point, "x", _figure(x))
    _text(point, "y", _figure(y))


def _interval(element: ET.Element, tag: str, low: str, high: str) -> None:
    interval = ET.SubElement(element, tag)
    _text(interval, "intervalStart", low)
    _text(interval, "intervalEnd", high)


def _exact(element: ET.Element, tag: str, value: float) -> None:
    _text(ET.SubElement(element, tag), "exact", _figure(value))


def _text(element: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(element, tag).text = text


def _serialise(element: ET.Element, margin: str, lines: list[str]) -> None:
    """What ET.indent and ET.tostring would write, in a third of their time: most of the library's making was theirs."""
    head = element.tag + "".join(f" {name}={quoteattr(value)}" for name, value in element.items())
    if len(element):
        lines.append(f"{margin}<{head}>")
        for child in element:
            _serialise(child, margin + "  ", lines)
        lines.append(f"{margin}</{element.tag}>")
    elif element.text is None:
        lines.append(f"{margin}<{head} />")
    else:
        lines.append(f"{margin}<{head}>{escape(element.text)}</{element.tag}>")


def _figure(value: float) -> str:
    """Tenths of millimetres: finer than any claim here, coarser than what compilers and libraries differ by."""
    return f"{round(float(value), 4) + 0.0:.4f}"
