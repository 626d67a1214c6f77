"""SUMO road networks (`.net.xml`): lanes, lanes inside junctions, neighbours, who may use them.

Format: https://sumo.dlr.de/docs/Networks/SUMO_Road_Networks.html. Junction rules, signals and crossings are read in `sumo_rules`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
from lxml import etree

from marque.common import Floats
from marque.driving.importers import sumo_rules
from marque.driving.importers.xml import Reader
from marque.driving.map.geometry import offset_borders
from marque.driving.map.model import Ignored, Road, Turn
from marque.driving.map.specs import LaneSpec, RoadSpec

_WIDTH_M = 3.2  # SUMO's default lane width
_ROADS = {
    "passenger": Road.CAR,
    "bus": Road.BUS,
    "bicycle": Road.BICYCLE,
    "pedestrian": Road.PEDESTRIAN,
    "truck": Road.TRUCK,
    "emergency": Road.EMERGENCY,
    **dict.fromkeys(("tram", "rail", "rail_urban", "rail_electric", "rail_fast", "subway", "cable_car"), Road.RAIL),
}
# Classes younger than many files: a list of who is not allowed that was written before them does not open a street to underground trains.
_EVERYONE = frozenset(_ROADS) - {"rail_fast", "subway", "cable_car"}
_TURNS = {"s": Turn.STRAIGHT, "l": Turn.LEFT, "L": Turn.LEFT, "r": Turn.RIGHT, "R": Turn.RIGHT, "t": Turn.BACK, "T": Turn.BACK}
_READ = {"edge", "connection", "junction", "tlLogic", "roundabout", "type", "location", "param"}


def read_net(root: etree._Element, source: str) -> RoadSpec:
    """The road of a SUMO network. Raises InputError naming the element that is missing something or holds what no road has."""
    reader = Reader(source)
    ignored = Counter[tuple[str, str]]()
    for child in root:
        if child.tag not in _READ:
            ignored[str(child.tag), "unknown to this reader"] += 1
    left_hand = root.get("lefthand") == "true"
    edges = {reader.text(edge, "id"): edge for edge in root.iterfind("edge")}
    lanes = _lanes(reader, edges, ignored)
    _neighbours(reader, edges, lanes, left_hand)
    spec = RoadSpec(
        name=source.removesuffix(".gz").removesuffix(".xml").removesuffix(".net"),
        source=source,
        lanes=list(lanes.values()),
        right_hand_traffic=not left_hand,
    )
    links = _connect(reader, root, edges, lanes)
    sumo_rules.read_rules(reader, root, spec, lanes, links, ignored)
    _bidirectional(reader, edges, lanes, spec)
    spec.ignored += [Ignored(element, reason, n) for (element, reason), n in ignored.items()]
    return spec


def _lanes(reader: Reader, edges: dict[str, etree._Element], ignored: Counter[tuple[str, str]]) -> dict[str, LaneSpec]:
    elements: list[tuple[etree._Element, str | None]] = []
    for name, edge in edges.items():
        function = edge.get("function", "normal")
        if function in ("normal", "internal"):
            inside = junction_of(name) if function == "internal" else None
            elements += [(lane, inside) for lane in edge.iterfind("lane")]
        elif function == "walkingarea":
            ignored["walkingarea", "pedestrians walk on pavements and crossings; the corners between them are not lanes"] += 1
        elif function not in ("crossing", "connector"):
            ignored[f"edge function {function}", "unknown to this reader"] += 1
    shapes = [reader.points(lane, "shape") for lane, _ in elements]
    start = np.concatenate([[0], np.cumsum([len(shape) for shape in shapes])]).astype(np.int32)
    centre: Floats = np.concatenate(shapes) if shapes else np.empty((0, 2))
    left, right = np.empty_like(centre), np.empty_like(centre)
    half = np.array([0.5 * reader.number(lane, "width", _WIDTH_M, above=0.0) for lane, _ in elements])
    offset_borders(centre, start, half, left, right)
    lanes = {}
    for k, (lane, inside) in enumerate(elements):
        part = slice(start[k], start[k + 1])
        name = reader.text(lane, "id")
        if name in lanes:
            raise reader.fault(lane, "the id is used twice, ids must be unique")
        lanes[name] = LaneSpec(
            id=name,
            centre=centre[part],
            left=left[part],
            right=right[part],
            road=road_of(lane.get("allow"), lane.get("disallow")),
            speed_limit_mps=reader.number(lane, "speed", math.inf, above=0.0),
            junction=inside,
            may_change_left=_allowed(lane.get("changeLeft")),
            may_change_right=_allowed(lane.get("changeRight")),
        )
    return lanes


def junction_of(internal_edge: str) -> str:
    """The junction an internal edge, crossing or walking area belongs to: `:junction_index`."""
    return internal_edge[1:].rpartition("_")[0]


def road_of(allow: str | None, disallow: str | None) -> Road:
    """Bits of the vehicle classes a lane is open to; all of them where neither attribute says something."""
    if allow is not None and allow != "all":
        open_to = _ROADS.keys() & set(allow.split())
    elif disallow == "all":
        open_to = set()
    else:
        open_to = set(_EVERYONE) - set((disallow or "").split())
    road = Road(0)
    for vehicle in open_to:
        road |= _ROADS[vehicle]
    return road


def _allowed(change: str | None) -> bool:
    return change is None or change == "all" or "passenger" in change.split()


def _neighbours(reader: Reader, edges: dict[str, etree._Element], lanes: dict[str, LaneSpec], left_hand: bool) -> None:
    """Lane 0 lies at the kerb; inside junctions nobody changes lanes."""
    outermost: dict[tuple[str, str], list[LaneSpec]] = defaultdict(list)
    for edge in edges.values():
        if edge.get("function", "normal") != "normal":
            continue
        row = sorted(edge.iterfind("lane"), key=lambda lane: reader.whole(lane, "index"))
        names = [reader.text(lane, "id") for lane in row]
        specs = [lanes[name] for name in names]
        for kerb, middle in pairwise(specs):
            shared = bool(kerb.road & middle.road & ~Road.PEDESTRIAN)
            right, left = (middle, kerb) if left_hand else (kerb, middle)
            right.left_neighbour, left.right_neighbour = left.id, right.id
            right.may_change_left &= shared
            left.may_change_right &= shared
        if specs:
            outermost[edge.get("from", ""), edge.get("to", "")].append(specs[-1])
    for (begin, end), mine in outermost.items():
        for lane in mine:
            facing = [other for other in outermost.get((end, begin), []) if _face(lane, other)]
            lane.oncoming = facing[0].id if facing else None


def _face(lane: LaneSpec, other: LaneSpec) -> bool:
    """Whether two lanes of opposite direction lie side by side."""
    if not (len(lane.centre) and len(other.centre)):
        return False
    apart = math.dist(lane.left[0], lane.centre[0]) + math.dist(other.left[0], other.centre[0]) + 1.0
    return math.dist(lane.centre[0], other.centre[-1]) < apart and math.dist(lane.centre[-1], other.centre[0]) < apart


def _connect(reader: Reader, root: etree._Element, edges: dict[str, etree._Element], lanes: dict[str, LaneSpec]) -> list[sumo_rules.Link]:
    """Sets successors and turns; returns the links of the junctions, by the lane inside that each begins with."""
    by_index = {(name, lane.get("index")): lane.get("id", "") for name, edge in edges.items() for lane in edge.iterfind("lane")}
    links = []
    for connection in root.iterfind("connection"):
        begin = by_index.get((reader.text(connection, "from"), connection.get("fromLane")), "")
        end = by_index.get((reader.text(connection, "to"), connection.get("toLane")), "")
        via = connection.get("via") or None
        if connection.get("tl") is not None or via is not None or connection.get("to", "").startswith(":"):
            links.append(sumo_rules.Link(connection, begin, via or end))
        if begin not in lanes or (via or end) not in lanes:
            continue  # pedestrians' ways between crossings and walking areas
        lanes[begin].successors.append(via or end)
        if via is not None:
            lanes[via].turn = _TURNS.get(connection.get("dir", "s"), Turn.STRAIGHT)
    return links


def _bidirectional(reader: Reader, edges: dict[str, etree._Element], lanes: dict[str, LaneSpec], spec: RoadSpec) -> None:
    """Edges that share one strip of ground with their opposite: whoever is on it first goes first."""
    for edge in edges.values():
        opposite = edges.get(edge.get("bidi", ""))
        if opposite is None:
            continue
        for mine in edge.iterfind("lane"):
            for other in opposite.iterfind("lane"):
                a, b = reader.text(mine, "id"), reader.text(other, "id")
                if a in lanes and b in lanes:
                    spec.yields[a, b] = sumo_rules.ALTERNATE
                    lanes[a].oncoming = b
