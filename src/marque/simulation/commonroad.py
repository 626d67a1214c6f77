"""CommonRoad scenario files (2018b and 2020a) as `Scenario`: the road, everyone else, and what the ego is asked.

Source: CommonRoad XML documentation, versions 2018b and 2020a.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from lxml import etree

from marque.common import Floats, InputError, Ints
from marque.driving.goal import Goal
from marque.driving.importers.commonroad import FARTHEST_M, check_document, number, point, points, read_lanelets, time_step
from marque.driving.importers.xml import read_root
from marque.driving.map import RoadMap
from marque.driving.map.build import build_road_map
from marque.driving.observation import Kind
from marque.simulation.boxes import Box, boxes_of, circle, rectangle
from marque.simulation.scenario import ActorLog, PlanningProblem, Scenario

MOST_STEPS = 100_000
_LARGEST_SPEED_MPS = 200.0
_LARGEST_BODY_M = 1000.0

KINDS = {
    "car": Kind.CAR,
    "taxi": Kind.CAR,
    "priorityVehicle": Kind.CAR,
    "truck": Kind.TRUCK,
    "bus": Kind.BUS,
    "motorcycle": Kind.MOTORCYCLE,
    "bicycle": Kind.BICYCLE,
    "pedestrian": Kind.PEDESTRIAN,
    "train": Kind.TRAM,
    "parkedVehicle": Kind.STATIC,
    "constructionZone": Kind.STATIC,
    "roadBoundary": Kind.STATIC,
    "building": Kind.STATIC,
    "pillar": Kind.STATIC,
    "median_strip": Kind.STATIC,
}
ON_DUTY = "priorityVehicle"
"""Whoever is this and moves has siren and lights on."""


@dataclass(slots=True)
class _Track:
    """One body over time: a row (x, y, heading, speed, length, width) per step."""

    id: int
    kind: Kind
    rows: dict[int, tuple[float, float, float, float, float, float]] = field(default_factory=dict)
    stands: bool = False
    """Present at every step, with the row of step 0."""
    siren: bool = False


@dataclass(slots=True)
class _State:
    step: int
    x: float
    y: float
    heading: float | None
    speed: float | None
    spread: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """How far an uncertain state reaches: along and across its heading, m, and half the width of the heading's interval, rad."""


def read_scenario(path: Path) -> Scenario:
    """The scenario in a file.

    Intervals in states become their middle, bodies with an uncertain pose are enlarged to hold every pose it may have, missing headings
    and speeds are differences of positions, and shapes other than rectangles become rectangles that hold them; each is said in the notes.
    Raises InputError with the file's name and the element at fault.
    """
    root = read_root(path)
    check_document(root, path.name)
    reader = _Reader(path.name, root)
    spec = read_lanelets(root, path.name)
    road_map = build_road_map(spec)
    actors = reader.actors()
    problems = reader.problems(road_map)
    tags = [child.tag for child in root.iterfind("scenarioTags/*") if isinstance(child.tag, str)] or (root.get("tags") or "").split()
    return Scenario(
        name=root.get("benchmarkID") or path.stem,
        source=root.get("source") or "",
        step_s=reader.step_s,
        road_map=road_map,
        actors=actors,
        problems=problems,
        tags=tuple(tags),
        notes=tuple(dict.fromkeys(reader.notes)),
    )


class _Reader:
    def __init__(self, source: str, root: etree._Element) -> None:
        self.source, self.root, self.notes = source, root, list[str]()
        self.step_s = time_step(root, source)

    # -- everyone else ---------------------------------------------------------------------------------------------------------------------

    def actors(self) -> ActorLog:
        tracks: list[_Track] = []
        seen: set[int] = set()
        for element in self.root.iterfind("*"):
            role = element.findtext("role") if element.tag == "obstacle" else element.tag
            if role in {"dynamic", "static", "dynamicObstacle", "staticObstacle", "environmentObstacle", "phantomObstacle"}:
                name = self._id(element)
                place = f"{element.tag} {name}"
                if name in seen:
                    raise InputError(self.source, place, "the id is used twice")
                seen.add(name)
                tracks.extend(self._obstacle(element, name, str(role), place))
        return _log(tracks)

    def _obstacle(self, element: etree._Element, name: int, role: str, place: str) -> list[_Track]:
        kind_text = (element.findtext("type") or "unknown").strip()
        kind = KINDS.get(kind_text, Kind.UNKNOWN)
        if role == "environmentObstacle":
            shapes = self._shapes(element.find("shape"), place)
            return [_standing(name, kind, box) for shape in shapes for box in boxes_of(shape)]
        if role == "phantomObstacle":
            self.notes.append(f"{place}: a phantom; it is where its occupancy set says")
            return self._occupied(element, name, Kind.UNKNOWN, place)
        bodies = [box for shape in self._shapes(element.find("shape"), place) for box in boxes_of(shape)]
        if not bodies:
            raise InputError(self.source, place, "the obstacle has no shape")
        if element.find("initialState") is None:
            raise InputError(self.source, place, "the obstacle has no initialState")
        states = [self._state(state, place) for state in (*element.iterfind("initialState"), *element.iterfind("trajectory/state"))]
        if role in {"static", "staticObstacle"}:
            return [_standing(name, Kind.STATIC if kind is Kind.UNKNOWN else kind, _placed(body, states[0], 0.0)) for body in bodies]
        self._complete(states, place)
        tracks = [_Track(name, kind, siren=kind_text == ON_DUTY) for _ in bodies]
        for state in states:
            for track, body in zip(tracks, bodies, strict=True):
                box = _placed(body, state, state.heading or 0.0)
                track.rows[state.step] = (box.x, box.y, box.heading, state.speed or 0.0, box.length, box.width)
        return tracks + self._occupied(element, name, kind, place)

    def _occupied(self, element: etree._Element, name: int, kind: Kind, place: str) -> list[_Track]:
        """An occupancy set: each step's shapes become boxes; the k-th box of every step is one track."""
        tracks: list[_Track] = []
        for occupancy in element.iterfind("occupancySet/occupancy"):
            if len(tracks) == 0:
                self.notes.append(f"{place}: an occupancy set; its shapes are bodies at their steps")
            shapes = self._shapes(occupancy.find("shape"), place)
            boxes = [box for shape in shapes for box in boxes_of(shape)]
            first, last = self._interval(occupancy.find("time"), f"{place}, occupancy, time", MOST_STEPS)
            for step in range(round(first), round(last) + 1):
                while len(tracks) < len(boxes):
                    tracks.append(_Track(name, kind))
                for track, box in zip(tracks, boxes, strict=False):
                    before = track.rows.get(step - 1)
                    speed = 0.0 if before is None else math.hypot(box.x - before[0], box.y - before[1]) / self.step_s
                    track.rows[step] = (box.x, box.y, box.heading, min(speed, _LARGEST_SPEED_MPS), box.length, box.width)
        return tracks

    def _shapes(self, element: etree._Element | None, place: str) -> list[Floats]:
        """A shape's parts as polygons (k, 2), in the frame of the shape."""
        parts = [] if element is None else list(element.iterfind("*"))
        if any(part.tag in {"circle", "polygon"} for part in parts):
            self.notes.append("obstacles that are no rectangles count as the rectangles that cover them")
        return [self._shape(part, place) for part in parts]

    def _shape(self, part: etree._Element, place: str) -> Floats:
        if part.tag == "rectangle":
            length, width = (self._size(part, tag, place) for tag in ("length", "width"))
            return rectangle(*self._centre(part, place), self._angle(part, place), length, width)
        if part.tag == "circle":
            return circle(*self._centre(part, place), self._size(part, "radius", place))
        if part.tag == "polygon":
            corners = points(part, self.source, f"{place}, polygon")
            if len(corners) < 3:
                raise InputError(self.source, place, f"a polygon with {len(corners)} points, at least 3 are needed")
            return corners
        raise InputError(self.source, place, f"a shape {str(part.tag)[:40]!r}, expected rectangle, circle or polygon")

    def _size(self, part: etree._Element, tag: str, place: str) -> float:
        value = number(part.findtext(tag), self.source, f"{place}, {tag}", _LARGEST_BODY_M)
        if value <= 0.0:
            raise InputError(self.source, f"{place}, {tag}", f"{value:g} m, expected more than 0")
        return value

    def _centre(self, part: etree._Element, place: str) -> tuple[float, float]:
        centre = part.find("center")
        return (0.0, 0.0) if centre is None else point(centre, self.source, f"{place}, center")

    def _angle(self, part: etree._Element, place: str) -> float:
        text = part.findtext("orientation")
        return 0.0 if text is None else number(text, self.source, f"{place}, orientation", 1e4)

    def _state(self, element: etree._Element, place: str) -> _State:
        first, last = self._interval(element.find("time"), f"{place}, time", MOST_STEPS)
        place = f"{place}, step {first:g}"
        if first != last or first != int(first):
            raise InputError(self.source, place, "a state's time must be one whole step")
        heading, speed, turn = None, None, 0.0
        if element.find("orientation") is not None:
            low, high = self._interval(element.find("orientation"), f"{place}, orientation", 1e4)
            heading, turn = 0.5 * (low + high), 0.5 * (high - low)
        if element.find("velocity") is not None:
            low, high = self._interval(element.find("velocity"), f"{place}, velocity", _LARGEST_SPEED_MPS)
            speed = 0.5 * (low + high)
            if element.find("velocityY") is not None:
                sideways = self._interval(element.find("velocityY"), f"{place}, velocityY", _LARGEST_SPEED_MPS)
                speed = math.hypot(speed, 0.5 * sum(sideways))
        x, y, along, across = self._place(element, heading or 0.0, place)
        if turn or along or across:
            self.notes.append("uncertain states count as their middle, in a body that holds every pose they allow")
        return _State(int(first), x, y, heading, speed, (along, across, turn))

    def _place(self, element: etree._Element, heading: float, place: str) -> tuple[float, float, float, float]:
        """Centre of a state's position, and how far it reaches along and across the heading."""
        position = element.find("position")
        exact = None if position is None else position.find("point")
        if exact is not None:
            return (*point(exact, self.source, f"{place}, position"), 0.0, 0.0)
        shapes = self._shapes(position, f"{place}, position")
        if not shapes:
            raise InputError(self.source, place, "the state has no position")
        corners = np.vstack(shapes)
        axes = np.array([[math.cos(heading), math.sin(heading)], [-math.sin(heading), math.cos(heading)]])
        local = corners @ axes.T
        low, high = local.min(axis=0), local.max(axis=0)
        x, y = 0.5 * (low + high) @ axes
        return float(x), float(y), float(high[0] - low[0]), float(high[1] - low[1])

    def _complete(self, states: list[_State], place: str) -> None:
        """Sorts out steps, and fills in headings and speeds that are not given: from the step before, at the start from the one after."""
        states.sort(key=lambda state: state.step)
        unique = {state.step: state for state in reversed(states)}
        if len(unique) < len(states):
            self.notes.append(f"{place}: a step is given twice; the first one counts")
            states[:] = [unique[step] for step in sorted(unique)]
        for i, state in enumerate(states):
            if state.heading is not None and state.speed is not None:
                continue
            before, after = (states[i - 1], state) if i else (state, states[min(1, len(states) - 1)])
            dx, dy, steps = after.x - before.x, after.y - before.y, max(1, after.step - before.step)
            self.notes.append(f"{place}: headings or speeds that are not given are differences of positions")
            if state.heading is None:
                moved = math.hypot(dx, dy) > 0.02
                state.heading = math.atan2(dy, dx) if moved else (before.heading or 0.0)
            if state.speed is None:
                state.speed = math.hypot(dx, dy) / (steps * self.step_s)

    # -- the ego ---------------------------------------------------------------------------------------------------------------------------

    def problems(self, road_map: RoadMap) -> tuple[PlanningProblem, ...]:
        found = [self._problem(element, road_map) for element in self.root.iterfind("planningProblem")]
        if not found:
            raise InputError(self.source, "commonRoad", "the file holds no planningProblem", "Nothing is asked of the car.")
        if len({problem.id for problem in found}) < len(found):
            raise InputError(self.source, "planningProblem", "an id is used twice")
        return tuple(found)

    def _problem(self, element: etree._Element, road_map: RoadMap) -> PlanningProblem:
        name = self._id(element)
        place = f"planningProblem {name}"
        start = element.find("initialState")
        if start is None:
            raise InputError(self.source, place, "there is no initialState")
        state = self._state(start, f"{place}, initialState")
        if state.heading is None or state.speed is None:
            raise InputError(self.source, f"{place}, initialState", "orientation and velocity must be given")
        goals = tuple(self._goal(goal, road_map, f"{place}, goalState") for goal in element.iterfind("goalState"))
        if not goals:
            raise InputError(self.source, place, "there is no goalState")
        return PlanningProblem(
            id=name,
            start_step=state.step,
            x_m=state.x,
            y_m=state.y,
            heading_rad=state.heading,
            speed_mps=state.speed,
            yaw_rate_radps=self._middle(start, "yawRate", place),
            acceleration_mps2=self._middle(start, "acceleration", place),
            goals=goals,
        )

    def _middle(self, element: etree._Element, tag: str, place: str) -> float:
        found = element.find(tag)
        return 0.0 if found is None else 0.5 * sum(self._interval(found, f"{place}, initialState, {tag}", _LARGEST_SPEED_MPS))

    def _goal(self, element: etree._Element, road_map: RoadMap, place: str) -> Goal:
        first, last = self._interval(element.find("time"), f"{place}, time", MOST_STEPS)
        polygons: list[Floats] = []
        circles: list[tuple[float, float, float]] = []
        lanes: list[int] = []
        for part in element.iterfind("position/*"):
            if part.tag == "lanelet":
                if part.get("ref") not in road_map.lane_ids:
                    raise InputError(self.source, place, f"the goal names lanelet {part.get('ref')!r}, which is not in the file")
                lanes.append(road_map.lane_ids.index(part.get("ref", "")))
            elif part.tag == "circle":
                circles.append((*self._centre(part, place), self._size(part, "radius", place)))
            elif part.tag == "point":
                raise InputError(self.source, place, "the goal's position is a point; a region is needed")
            else:
                polygons.append(self._shape(part, place))
        if element.find("position") is not None and not (polygons or circles or lanes):
            raise InputError(self.source, place, "the goal's position is empty")
        speed, heading = element.find("velocity"), element.find("orientation")
        return Goal(
            time_s=(first * self.step_s, last * self.step_s),
            polygons=tuple(polygons),
            circles=tuple(circles),
            lanes=tuple(lanes),
            speed_mps=None if speed is None else self._interval(speed, f"{place}, velocity", _LARGEST_SPEED_MPS),
            heading_rad=None if heading is None else self._interval(heading, f"{place}, orientation", 1e4),
        )

    # -- values ----------------------------------------------------------------------------------------------------------------------------

    def _id(self, element: etree._Element) -> int:
        text = element.get("id") or ""
        if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 10):
            raise InputError(self.source, f"{element.tag}, line {element.sourceline}", f"the id {text[:40]!r} is not a whole number")
        return int(text)

    def _interval(self, element: etree._Element | None, place: str, largest: float = FARTHEST_M) -> tuple[float, float]:
        """`exact` or `intervalStart` and `intervalEnd`."""
        if element is None:
            raise InputError(self.source, place, "is not given")
        exact = element.findtext("exact")
        if exact is not None:
            value = number(exact, self.source, place, largest)
            return value, value
        low, high = (number(element.findtext(tag), self.source, f"{place}, {tag}", largest) for tag in ("intervalStart", "intervalEnd"))
        if low > high:
            raise InputError(self.source, place, f"the interval runs from {low:g} down to {high:g}")
        return low, high


def _placed(body: Box, state: _State, heading: float) -> Box:
    """A body given in its own frame, at a state; enlarged by what the state leaves open."""
    heading = state.heading if state.heading is not None else heading
    c, s = math.cos(heading), math.sin(heading)
    along, across, turn = state.spread
    swing = math.sin(min(turn, 0.5 * math.pi))
    return Box(
        state.x + c * body.x - s * body.y,
        state.y + s * body.x + c * body.y,
        heading + body.heading,
        body.length + swing * body.width + along,
        body.width + swing * body.length + across,
    )


def _standing(name: int, kind: Kind, box: Box) -> _Track:
    return _Track(name, kind, {0: (box.x, box.y, box.heading, 0.0, box.length, box.width)}, stands=True)


def _log(tracks: list[_Track]) -> ActorLog:
    steps = 1 + max((max(track.rows) for track in tracks), default=0)
    table = np.zeros((6, steps, len(tracks)))
    present = np.zeros((steps, len(tracks)), dtype=np.bool_)
    for column, track in enumerate(tracks):
        if track.stands:
            table[:, :, column] = np.array(track.rows[0])[:, None]
            present[:, column] = True
            continue
        at = np.fromiter(track.rows, dtype=np.int64)
        table[:, at, column] = np.array(list(track.rows.values())).T
        present[at, column] = True
    x, y, heading, speed, length, width = table
    return ActorLog(
        ids=_distinct([track.id for track in tracks]),
        obstacles=np.array([track.id for track in tracks], dtype=np.int32),
        kinds=np.array([track.kind for track in tracks], dtype=np.uint8),
        stands=np.array([track.stands for track in tracks], dtype=np.bool_),
        length_m=length,
        width_m=width,
        present=present,
        x_m=x,
        y_m=y,
        heading_rad=heading,
        speed_mps=speed,
        sirens=np.array([track.siren for track in tracks], dtype=np.bool_),
    )


def _distinct(obstacles: list[int]) -> Ints:
    """The obstacles' own ids; further bodies of the same obstacle get numbers beyond them."""
    free = max(obstacles, default=0) + 1
    ids: list[int] = []
    for obstacle in obstacles:
        ids.append(obstacle if obstacle not in ids else free + len(ids))
    return np.array(ids, dtype=np.int32)
