"""What CommonRoad says about who goes first: signs, lights, stop lines, intersections — and what is assumed where it says nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from lxml import etree

from marque.common import InputError
from marque.driving.importers.commonroad_junctions import STRAIGHT_BELOW_RAD, Approach, Note, Rank, declared, guessed, turn_of
from marque.driving.law import Equals, First
from marque.driving.map.geometry import wrap
from marque.driving.map.model import Colour, Turn, Yield
from marque.driving.map.specs import LaneSpec, RoadSpec, SignalSpec

_SPEED_SIGNS = {"274", "R2-1", "R301", "C14", "274.1"}
_YIELD_SIGNS = {"205", "R1-2"}
_STOP_SIGNS = {"206", "R1-1"}
_PRIORITY_SIGNS = {"301", "306"}
_RIGHT_BEFORE_LEFT_SIGNS = {"102"}
_UNDERSTOOD = _SPEED_SIGNS | _YIELD_SIGNS | _STOP_SIGNS | _PRIORITY_SIGNS | _RIGHT_BEFORE_LEFT_SIGNS
_FASTEST_MPS = 100.0

_COLOURS = {
    "red": Colour.RED,
    "redYellow": Colour.RED_AMBER,
    "yellow": Colour.AMBER,
    "green": Colour.GREEN,
    "inactive": Colour.OFF,
}
_DIRECTIONS = {
    "all": frozenset(Turn),
    "left": frozenset({Turn.LEFT, Turn.BACK}),
    "right": frozenset({Turn.RIGHT}),
    "straight": frozenset({Turn.STRAIGHT}),
    "leftStraight": frozenset({Turn.LEFT, Turn.STRAIGHT, Turn.BACK}),
    "straightRight": frozenset({Turn.STRAIGHT, Turn.RIGHT}),
    "leftRight": frozenset({Turn.LEFT, Turn.RIGHT, Turn.BACK}),
}


def apply_rules(spec: RoadSpec, root: etree._Element, elements: dict[str, etree._Element], source: str, equals: Equals, note: Note) -> None:
    """Adds to the lanes: junctions, turns, speed limits, stop lines, signals, and who yields to whom."""
    lanes = {lane.id: lane for lane in spec.lanes}
    signs = _signs(root, source, note)
    lights = _Lights(root, source)
    signs_of = {name: _signs_at(element, signs, note) for name, element in elements.items()}
    for name, found in signs_of.items():
        _limit(lanes[name], found, source)
        _stop_line(lanes[name], elements[name], source)

    ranks = {name: _rank(found) for name, found in signs_of.items()}
    junctions = [declared(element, lanes, ranks, note) for element in root.iterfind("intersection")]
    junctions += guessed(lanes, ranks)
    for approaches in junctions:
        if approaches:
            _decide(spec, approaches, equals)
    for name, element in elements.items():
        _signals(lanes, name, element, lights, note)
    spec.signals.extend(lights.specs())
    for lane in spec.lanes:
        if lane.junction is not None and lane.signal is not None:
            spec.junction_kinds[lane.junction] = "traffic_light"
            lights.place(lane.signal, lane.junction)


# -- signs ---------------------------------------------------------------------------------------------------------------------------------


def _signs(root: etree._Element, source: str, note: Note) -> dict[str, list[tuple[str, str | None]]]:
    """By sign: its elements as (sign number, first additional value)."""
    signs: dict[str, list[tuple[str, str | None]]] = {}
    for sign in root.iterfind("trafficSign"):
        name = sign.get("id")
        if name is None:
            raise InputError(source, f"line {sign.sourceline}", "a traffic sign without an id")
        parts = sign.findall("trafficSignElement")
        signs[name] = [((part.findtext("trafficSignID") or "").strip(), part.findtext("additionalValue")) for part in parts]
        for number, _ in signs[name]:
            if number not in _UNDERSTOOD:
                note(f"traffic sign {number[:40]}", "not a sign the map knows")
    return signs


def _signs_at(element: etree._Element, signs: dict[str, list[tuple[str, str | None]]], note: Note) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for child in element.iterfind("trafficSignRef"):
        if child.get("ref") in signs:
            found += signs[child.get("ref", "")]
        else:
            note("trafficSignRef", "names a sign that is not in the file")
    return found


def _limit(lane: LaneSpec, signs: list[tuple[str, str | None]], source: str) -> None:
    for number, value in signs:
        if number in _SPEED_SIGNS:
            try:
                limit = float(value or "")
            except ValueError:
                limit = math.nan
            if not 0.0 < limit <= _FASTEST_MPS:
                raise InputError(
                    source, f"lanelet {lane.id}, traffic sign {number}", f"the speed limit {value!r} is not between 0 and 100 m/s"
                )
            lane.speed_limit_mps = min(lane.speed_limit_mps, limit)


def _rank(signs: list[tuple[str, str | None]]) -> Rank:
    numbers = {number for number, _ in signs}
    if numbers & _STOP_SIGNS:
        return Rank.STOP
    if numbers & _YIELD_SIGNS:
        return Rank.YIELD
    return Rank.PRIORITY if numbers & _PRIORITY_SIGNS else Rank.UNSIGNED


def _stop_line(lane: LaneSpec, element: etree._Element, source: str) -> None:
    """A stop line with two points is projected on the centre line; one without lies at the lanelet's end."""
    line = element.find("stopLine")
    if line is None:
        return
    ends = [_xy(point, source, f"lanelet {lane.id}, stopLine") for point in line.iterfind("point")]
    s = np.append(0.0, np.cumsum(np.hypot(*np.diff(lane.centre, axis=0).T)))
    lane.stop_s = float(s[-1])
    if len(ends) == 2:
        steps, offsets = np.diff(lane.centre, axis=0), np.mean(ends, axis=0) - lane.centre[:-1]
        along = np.clip(np.sum(offsets * steps, axis=1) / np.sum(steps**2, axis=1), 0.0, 1.0)
        nearest = int(np.argmin(np.hypot(*(offsets - along[:, None] * steps).T)))
        lane.stop_s = float(s[nearest] + along[nearest] * (s[nearest + 1] - s[nearest]))


def _xy(point: etree._Element, source: str, place: str) -> tuple[float, float]:
    try:
        return float(point.findtext("x") or ""), float(point.findtext("y") or "")
    except ValueError as error:
        raise InputError(source, place, "a point whose x or y is not a number") from error


# -- right of way --------------------------------------------------------------------------------------------------------------------------


def _decide(spec: RoadSpec, approaches: list[Approach], equals: Equals) -> None:
    """Writes who yields to whom for every pair of connections from different approaches; the map keeps those that meet on the ground."""
    junction = next((lane.junction for approach in approaches for lane in approach.connections if lane.junction), None)
    if junction is None:
        return
    ranks = {approach.rank for approach in approaches}
    spec.junction_kinds.setdefault(junction, "right_before_left" if len(ranks) == 1 else "priority")
    if ranks == {Rank.STOP}:
        spec.junction_kinds[junction] = "all_way_stop"
    for i, first in enumerate(approaches):
        for second in approaches[:i]:
            for a in first.connections:
                for b in second.connections:
                    if a is not b:
                        owed, owing = who_yields(first, a, second, b, equals)
                        spec.yields[a.id, b.id], spec.yields[b.id, a.id] = owed, owing


def who_yields(first: Approach, a: LaneSpec, second: Approach, b: LaneSpec, equals: Equals) -> tuple[Yield, Yield]:
    """What a owes b and b owes a: signs, then turning across oncoming traffic, then the law's priority of one side."""
    if first.rank != second.rank:
        lower = Yield.STOP if min(first.rank, second.rank) is Rank.STOP else Yield.YIELD
        return (lower, Yield.NONE) if first.rank < second.rank else (Yield.NONE, lower)
    if first.rank is Rank.STOP:
        return Yield.ALTERNATE, Yield.ALTERNATE
    if (first.to_the_right == second.id) != (second.to_the_right == first.id):
        return _of_sides(first.to_the_right == second.id, equals)
    # Where the other one comes from: his heading relative to mine, 0 beside me, ±π against me, +π/2 from my right.
    relative = wrap(second.heading_rad - first.heading_rad)
    if abs(relative) > math.radians(135.0):
        across, near = (Turn.LEFT, Turn.RIGHT) if equals.right_hand_traffic else (Turn.RIGHT, Turn.LEFT)
        order = {near: 2, across: 1, Turn.BACK: 3} if equals.left_before_right else {across: 1, Turn.BACK: 2}
        a_after, b_after = order.get(a.turn, 0), order.get(b.turn, 0)
        if a_after != b_after:
            return (Yield.YIELD, Yield.NONE) if a_after > b_after else (Yield.NONE, Yield.YIELD)
        return Yield.ALTERNATE, Yield.ALTERNATE
    if abs(relative) < STRAIGHT_BELOW_RAD:
        return _merging(a, b)
    return _of_sides(relative > 0.0, equals)


def _of_sides(other_from_the_right: bool, equals: Equals) -> tuple[Yield, Yield]:
    if equals.first is First.NOBODY:
        return Yield.ALTERNATE, Yield.ALTERNATE
    return (Yield.YIELD, Yield.NONE) if other_from_the_right == (equals.first is First.FROM_THE_RIGHT) else (Yield.NONE, Yield.YIELD)


def _merging(a: LaneSpec, b: LaneSpec) -> tuple[Yield, Yield]:
    """Beside each other into the same lane: the faster road goes first, then the straighter one, else they alternate."""
    if a.speed_limit_mps != b.speed_limit_mps:
        return (Yield.YIELD, Yield.NONE) if a.speed_limit_mps < b.speed_limit_mps else (Yield.NONE, Yield.YIELD)
    if (a.turn is Turn.STRAIGHT) != (b.turn is Turn.STRAIGHT):
        return (Yield.NONE, Yield.YIELD) if a.turn is Turn.STRAIGHT else (Yield.YIELD, Yield.NONE)
    return Yield.ALTERNATE, Yield.ALTERNATE


# -- lights --------------------------------------------------------------------------------------------------------------------------------


class _Lights:
    """The traffic lights of a file. Their cycle is counted in the file's time steps."""

    def __init__(self, root: etree._Element, source: str) -> None:
        self.step_s = float(root.get("timeStepSize") or 0.1)
        self.by_id: dict[str, SignalSpec] = {}
        self.turns: dict[str, frozenset[Turn]] = {}
        for element in root.iterfind("trafficLight"):
            name = element.get("id")
            if name is None:
                raise InputError(source, f"line {element.sourceline}", "a traffic light without an id")
            place = f"trafficLight {name}"
            offset_s = self.step_s * _steps(element.findtext("cycle/timeOffset") or "0", source, place)
            self.by_id[name] = SignalSpec(name, self._phases(element, source, place), offset_s)
            self.turns[name] = _DIRECTIONS.get((element.findtext("direction") or "all").strip(), frozenset(Turn))
        self.used: set[str] = set()

    def _phases(self, element: etree._Element, source: str, place: str) -> list[tuple[float, Colour]]:
        if (element.findtext("active") or "true").strip() == "false" or element.find("cycle") is None:
            return [(1.0, Colour.OFF)]
        phases: list[tuple[float, Colour]] = []
        for part in element.iterfind("cycle/cycleElement"):
            colour = (part.findtext("color") or "").strip()
            if colour not in _COLOURS:
                raise InputError(source, place, f"the colour {colour[:40]!r} is none of {', '.join(_COLOURS)}")
            duration = _steps(part.findtext("duration"), source, place)
            if duration > 0:
                phases.append((duration * self.step_s, _COLOURS[colour]))
        if not phases:
            raise InputError(source, place, "its cycle has no element that lasts")
        return phases

    def for_turn(self, names: Iterable[str], turn: Turn) -> str | None:
        """The most particular of the lights that speak for a turn."""
        speaking = [name for name in names if turn in self.turns[name]]
        return min(speaking, key=lambda name: (len(self.turns[name]), name), default=None)

    def place(self, name: str, junction: str) -> None:
        self.by_id[name].junction = junction

    def specs(self) -> list[SignalSpec]:
        return [spec for name, spec in self.by_id.items() if name in self.used]


def _steps(text: str | None, source: str, place: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1e6:
        raise InputError(source, place, f"the duration {(text or '').strip()[:40]!r} is not a number of steps")
    return value


def _signals(lanes: dict[str, LaneSpec], name: str, element: etree._Element, lights: _Lights, note: Note) -> None:
    """A light stands at the end of the lanelet that names it and controls entering the ones that follow."""
    named = {child.get("ref", "") for child in (*element.iterfind("trafficLightRef"), *element.iterfind("stopLine/trafficLightRef"))}
    known = {light for light in named if light in lights.by_id}
    if known != named:
        note("trafficLightRef", "names a light that is not in the file")
    if known and not lanes[name].successors:
        note("traffic light", "stands at the end of a lanelet without successor")
    for successor in lanes[name].successors if known else ():
        lane = lanes[successor]
        light = lights.for_turn(known, lane.turn if lane.junction is not None else turn_of(lane.centre))
        if light is not None and lane.signal is None:
            lane.signal = light
            lights.used.add(light)
