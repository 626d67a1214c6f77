"""Roads as OpenDRIVE names them: reference lines, lanes and their widths, and how roads join.

`load_map` gives the drivable map of an OpenDRIVE file, by lanes that netconvert merges and renames. This is the other view of the same
file: exact places for road coordinates (road id, lane id, s, t) as scenarios name them, in the same frame. Source: ASAM OpenDRIVE 1.8.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from lxml import etree

from marque.common import InputError
from marque.driving.importers.opendrive_line import ReferenceLine, cubic, read_reference_line
from marque.driving.importers.xml import Reader, read_root

DRIVING = frozenset(("driving", "entry", "exit", "onRamp", "offRamp", "connectingRamp", "slipLane", "bidirectional", "stop", "biking"))
"""Lane types that a vehicle may be on without having left the road."""


@dataclass(frozen=True, slots=True)
class Poly:
    """A cubic polynomial over the metres since `start`."""

    start: float
    coefficients: tuple[float, float, float, float]

    def at(self, s: float) -> float:
        return cubic(self.coefficients, s - self.start)


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane of one section. widths: by `Poly.start` since the section's start; borders instead where the file gives those."""

    id: int
    type: str
    widths: tuple[Poly, ...]
    borders: tuple[Poly, ...]
    predecessor: int | None
    successor: int | None


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a road with the same lanes from s on."""

    s: float
    lanes: dict[int, Lane]


@dataclass(frozen=True, slots=True)
class Link:
    """What a road's end joins: a road, at its start or end; or a junction."""

    element: str
    id: str
    at_start: bool


@dataclass(frozen=True, slots=True)
class Way:
    """A road with a direction of travel, and the lane travelled on where one is meant."""

    road: str
    forward: bool
    lane: int | None = None


@dataclass(frozen=True, slots=True)
class Road:
    """One road. Coordinates: s m along the reference line, t m to its left."""

    id: str
    length: float
    right_hand: bool
    line: ReferenceLine
    sections: tuple[Section, ...]
    offsets: tuple[Poly, ...]
    before: Link | None
    after: Link | None
    _even: dict[int, dict[int, tuple[float, float]]] = field(default_factory=dict, compare=False, repr=False)
    """The lanes' borders in sections where they are the same everywhere, by the section's index, as far as they have been asked for."""

    def section(self, s: float) -> Section:
        return self.sections[_index(self.sections, s, _BEGINS)]

    def lane_t(self, s: float, lane: int, offset: float = 0.0) -> float | None:
        """The t of a place `offset` m left of the middle of a lane; None where the road has no such lane at s."""
        inner_outer = self.lane_borders(s, lane)
        return None if inner_outer is None else 0.5 * (inner_outer[0] + inner_outer[1]) + offset

    def lane_borders(self, s: float, lane: int) -> tuple[float, float] | None:
        """(t of the border towards the road's middle, t of the other); both the middle's for lane 0; None for a lane that is not there."""
        return self._across(s).get(lane)

    def lane_at(self, s: float, t: float) -> int | None:
        """The lane that holds t at s, on a border the one that the file names first; None beside all of them."""
        across = self._across(s)
        for lane in self.section(s).lanes:
            borders = across.get(lane)
            if lane != 0 and borders is not None and min(borders) - 1e-6 <= t <= max(borders) + 1e-6:
                return lane
        return None

    def _across(self, s: float) -> dict[int, tuple[float, float]]:
        """The borders of all lanes at s, as far as they are numbered on from the road's middle."""
        number = _index(self.sections, s, _BEGINS)
        if (even := self._even.get(number)) is not None:
            return even
        section = self.sections[number]
        middle = _value(self.offsets, s) if self.offsets else 0.0
        found = {0: (middle, middle)} | dict(_outward(section, s, middle, 1)) | dict(_outward(section, s, middle, -1))
        if _is_even(self.offsets) and all(_is_even(lane.widths) and _is_even(lane.borders) for lane in section.lanes.values()):
            self._even[number] = found
        return found

    def lane_type(self, s: float, lane: int) -> str:
        its = self.section(s).lanes.get(lane)
        return "none" if its is None else its.type

    def travels_forward(self, lane: int) -> bool:
        """Whether traffic on a lane drives towards greater s."""
        return (lane <= 0) == self.right_hand

    def renumbered(self, lane: int, s_before: float, s_after: float) -> int:
        """The number of the lane that continues `lane` of s_before at s_after, a section or more on (or back)."""
        i, end = _index(self.sections, s_before, _BEGINS), _index(self.sections, s_after, _BEGINS)
        while i != end and lane != 0:
            its = self.sections[i].lanes.get(lane)
            following = None if its is None else its.successor if end > i else its.predecessor
            lane = lane if following is None else following
            i += 1 if end > i else -1
        return lane


def _outward(section: Section, s: float, middle: float, side: int) -> Iterator[tuple[int, tuple[float, float]]]:
    """The lanes of one side (1: left) with their borders at s, from the road's middle outwards, as far as they are numbered on."""
    since, inner, lane = s - section.s, middle, side
    while (its := section.lanes.get(lane)) is not None:
        outer = inner
        if its.widths:
            outer = inner + side * max(0.0, _value(its.widths, since))
        elif its.borders:
            outer = middle + _value(its.borders, since)
        yield lane, (inner, outer)
        inner, lane = outer, lane + side


_BEGINS, _STARTS = attrgetter("s"), attrgetter("start")
_T = TypeVar("_T")


def _index(pieces: Sequence[_T], s: float, start: Callable[[_T], float]) -> int:
    """Which of the pieces of a road, in their order, holds s."""
    return max(0, bisect.bisect_right(pieces, s + 1e-9, key=start) - 1) if len(pieces) > 1 else 0


def _value(pieces: tuple[Poly, ...], s: float) -> float:
    return pieces[_index(pieces, s, _STARTS)].at(s)


def _is_even(pieces: tuple[Poly, ...]) -> bool:
    """Whether they have one value everywhere."""
    return len(pieces) <= 1 and all(not any(poly.coefficients[1:]) for poly in pieces)


@dataclass(frozen=True, slots=True)
class Connection:
    """A way through a junction."""

    incoming: str
    connecting: str
    at_start: bool
    lanes: dict[int, int]


@dataclass(frozen=True, slots=True)
class Roads:
    """Every road of a file, by its id."""

    source: str
    roads: dict[str, Road]
    junctions: dict[str, tuple[Connection, ...]] = field(default_factory=dict)

    def beyond(self, way: Way) -> list[Way]:
        """The ways on from the end (travelled forward) or start (travelled backward) of a road; the lane is followed by the links."""
        road = self.roads[way.road]
        link = road.after if way.forward else road.before
        if link is None:
            return []
        if link.element == "road":
            if link.id not in self.roads:
                return []
            return [Way(link.id, link.at_start, self._linked_lane(road, way, link))]
        found = []
        for connection in self.junctions.get(link.id, ()):
            if connection.incoming == way.road and connection.connecting in self.roads:
                lane = None if way.lane is None else connection.lanes.get(way.lane)
                if way.lane is None or lane is not None:
                    found.append(Way(connection.connecting, connection.at_start, lane))
        return found

    def _linked_lane(self, road: Road, way: Way, link: Link) -> int | None:
        if way.lane is None:
            return None
        section = road.sections[-1] if way.forward else road.sections[0]
        its = section.lanes.get(way.lane)
        linked = None if its is None else its.successor if way.forward else its.predecessor
        if linked is not None:
            return linked
        return way.lane if link.at_start == way.forward else -way.lane


def read_roads(path: Path) -> Roads:
    """The roads of an OpenDRIVE file. Raises InputError, naming file and element, for what cannot be used."""
    root = read_root(path)
    if root.tag != "OpenDRIVE":
        raise InputError(path.name, f"line {root.sourceline or 1}", f"<{str(root.tag)[:60]}> is not the beginning of an OpenDRIVE file")
    reader = Reader(path.name)
    roads = {}
    for element in root.iterfind("road"):
        road = _road(reader, element)
        roads[road.id] = road
    junctions = {reader.text(element, "id"): tuple(_connections(reader, element)) for element in root.iterfind("junction")}
    return Roads(path.name, roads, junctions)


def _road(reader: Reader, element: etree._Element) -> Road:
    length = reader.number(element, "length", 0.0, above=0.0)
    sections = [_section(reader, section) for section in element.iterfind("lanes/laneSection")]
    if not sections:
        raise reader.fault(element, "it has no laneSection")
    return Road(
        id=reader.text(element, "id"),
        length=length,
        right_hand=element.get("rule", "RHT") != "LHT",
        line=read_reference_line(reader, element, length),
        sections=tuple(sorted(sections, key=lambda section: section.s)),
        offsets=_polys(reader, element, "lanes/laneOffset", "s"),
        before=_link(reader, element.find("link/predecessor")),
        after=_link(reader, element.find("link/successor")),
    )


def _link(reader: Reader, element: etree._Element | None) -> Link | None:
    if element is None:
        return None
    return Link(element.get("elementType", "road"), reader.text(element, "elementId"), element.get("contactPoint", "start") == "start")


def _section(reader: Reader, element: etree._Element) -> Section:
    lanes = {}
    for lane in element.iterfind("*/lane"):
        number = int(reader.number(lane, "id", 0.0))
        ends = [lane.find(f"link/{end}") for end in ("predecessor", "successor")]
        before, after = (None if end is None else int(reader.number(end, "id", 0.0)) for end in ends)
        widths, borders = (_polys(reader, lane, kind, "sOffset") for kind in ("width", "border"))
        lanes[number] = Lane(number, lane.get("type", "none"), widths, borders, before, after)
    return Section(reader.number(element, "s", 0.0), lanes)


def _polys(reader: Reader, element: etree._Element, path: str, start: str) -> tuple[Poly, ...]:
    found = []
    for part in element.iterfind(path):
        a, b, c, d = (reader.number(part, name, 0.0) for name in "abcd")
        found.append(Poly(reader.number(part, start, 0.0), (a, b, c, d)))
    return tuple(sorted(found, key=lambda poly: poly.start))


def _connections(reader: Reader, element: etree._Element) -> list[Connection]:
    found = []
    for part in element.iterfind("connection"):
        if part.get("incomingRoad") is None or part.get("connectingRoad") is None:
            continue  # virtual and direct junctions name their roads otherwise; roads join there by their own links
        lanes = {int(reader.number(link, "from", 0.0)): int(reader.number(link, "to", 0.0)) for link in part.iterfind("laneLink")}
        at_start = part.get("contactPoint", "start") == "start"
        found.append(Connection(reader.text(part, "incomingRoad"), reader.text(part, "connectingRoad"), at_start, lanes))
    return found
