"""CommonRoad lanelets (formats 2018b and 2020a) as a `RoadSpec`.

Source: CommonRoad XML documentation, versions 2018b and 2020a. Speed limits are m/s in both, whatever the sign's country.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from lxml import etree

from marque.common import Floats, InputError
from marque.driving.importers.commonroad_rules import apply_rules
from marque.driving.law import RoadKind
from marque.driving.map.model import Ignored, Road
from marque.driving.map.specs import CrossingSpec, LaneSpec, RoadSpec
from marque.driving.markets import Market, market_of

VERSIONS = ("2018b", "2020a")
FARTHEST_M = 1e7
"""Coordinates beyond this are no place on a map; the earth's circumference is 4e7 m."""
_SHORTEST_M = 1e-6
_ASKEW = 0.7
"""Sine of the angle between a lanelet's way and the line through two points of its borders below which they are no pair."""

_MOTOR = Road.CAR | Road.BUS | Road.TRUCK | Road.EMERGENCY
_USERS = {
    "vehicle": _MOTOR | Road.BICYCLE,
    "car": Road.CAR,
    "truck": Road.TRUCK,
    "bus": Road.BUS,
    "taxi": Road.BUS,
    "priorityVehicle": Road.EMERGENCY,
    "motorcycle": Road(0),
    "bicycle": Road.BICYCLE,
    "pedestrian": Road.PEDESTRIAN,
    "train": Road.RAIL,
}
_TYPES = {
    "crosswalk": Road.PEDESTRIAN,
    "sidewalk": Road.PEDESTRIAN,
    "bicycleLane": Road.BICYCLE,
    "busLane": Road.BUS | Road.EMERGENCY,
    "busStop": Road.BUS,
    "restricted": Road.EMERGENCY,
    "border": Road(0),
    "parking": _MOTOR,
}
_MOTORWAYS = {"interstate", "highway", "mainCarriageWay", "accessRamp", "exitRamp"}
_KINDS_OF_ROAD = {RoadKind.URBAN: {"urban"}, RoadKind.RURAL: {"country"}, RoadKind.MOTORWAY: {"interstate", "highway"}}
_SOLID_TO_THE_LEFT_BOUND = {"solid", "broad_solid", "solid_solid", "dashed_solid", "curb"}
_SOLID_TO_THE_RIGHT_BOUND = {"solid", "broad_solid", "solid_solid", "solid_dashed", "curb"}
_LEFT_HAND_COUNTRIES = {"AUS", "BGD", "GBR", "HKG", "IDN", "IND", "IRL", "JPN", "KEN", "MYS", "NZL", "PAK", "SGP", "THA", "ZAF"}


@dataclass(slots=True)
class Notes:
    """What was left out or repaired, counted by kind."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, element: str, reason: str) -> None:
        self.counts[element, reason] += 1

    def ignored(self) -> list[Ignored]:
        return [Ignored(element, reason, count) for (element, reason), count in self.counts.items()]


def read_lanelets(root: etree._Element, source: str) -> RoadSpec:
    """The road network of a CommonRoad document.

    Raises InputError for what has no meaning: another root element or version, no lanelet, borders of fewer than 2 or of different numbers
    of points, numbers that are none, a lanelet id used twice. References to lanelets, signs and lights that do not exist are dropped
    with a note.
    """
    check_document(root, source)
    notes = Notes()
    elements = _lanelets_by_id(root, source)
    lanes = {name: _lane(element, name, source, notes) for name, element in elements.items()}
    for name, element in elements.items():
        _connect(lanes, name, element, notes)
    crossings = [_crossing(lanes[name]) for name, element in elements.items() if "crosswalk" in _texts(element, "laneletType")]
    name = root.get("benchmarkID") or source.removesuffix(".xml")
    spec = RoadSpec(name, source, list(lanes.values()), crossings, overlaps_meet=True)
    spec.country = country.group(1) if (country := re.match(r"(?:C-)?([A-Z]{3})_", name)) else ""
    spec.right_hand_traffic = _drives_on_the_right(spec.country, lanes, elements)
    market = market_of(spec.country, spec.right_hand_traffic)
    apply_rules(spec, root, elements, source, market.equals, notes.add)
    for lane in spec.lanes:
        if lane.speed_limit_mps == np.inf:
            lane.speed_limit_mps = _statutory(elements[lane.id], market)
    spec.ignored.extend(notes.ignored())
    return spec


def check_document(root: etree._Element, source: str) -> None:
    """Raises InputError unless the document is CommonRoad of a version that is read."""
    if root.tag != "commonRoad":
        raise InputError(source, f"element {root.tag}", "not a CommonRoad file: the root element must be commonRoad")
    version = root.get("commonRoadVersion")
    if version not in VERSIONS:
        raise InputError(source, "commonRoad", f"commonRoadVersion is {version!r}, expected one of {', '.join(VERSIONS)}")


def time_step(root: etree._Element, source: str) -> float:
    """TimeStepSize of the document, s."""
    text = root.get("timeStepSize")
    value = number(text, source, "commonRoad, timeStepSize")
    if not 1e-3 <= value <= 10.0:
        raise InputError(source, "commonRoad", f"timeStepSize is {text} s, expected 0.001 to 10")
    return value


def number(text: str | None, source: str, place: str, largest: float = FARTHEST_M) -> float:
    """A finite number no larger than `largest` in size, or InputError."""
    try:
        value = float(text or "")
    except ValueError:
        value = np.nan
    if not abs(value) <= largest:
        raise InputError(source, place, f"{(text or '').strip()[:40]!r} is not a number between -{largest:g} and {largest:g}")
    return value


def point(element: etree._Element, source: str, place: str) -> tuple[float, float]:
    return number(element.findtext("x"), source, place), number(element.findtext("y"), source, place)


def points(parent: etree._Element | None, source: str, place: str) -> Floats:
    """The `point` children, (n, 2) m; (0, 2) without any."""
    found = [] if parent is None else [point(child, source, place) for child in parent.iterfind("point")]
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def _lanelets_by_id(root: etree._Element, source: str) -> dict[str, etree._Element]:
    elements: dict[str, etree._Element] = {}
    for element in root.iterfind("lanelet"):
        name = element.get("id")
        if name is None:
            raise InputError(source, f"line {element.sourceline}", "a lanelet without an id")
        if name in elements:
            raise InputError(source, f"lanelet {name}", f"the id is used twice, also on line {elements[name].sourceline}")
        elements[name] = element
    if not elements:
        raise InputError(source, "commonRoad", "the file holds no lanelet", "A scenario needs a road; check that the file is complete.")
    return elements


def _lane(element: etree._Element, name: str, source: str, notes: Notes) -> LaneSpec:
    place = f"lanelet {name}"
    left = points(element.find("leftBound"), source, place)
    right = points(element.find("rightBound"), source, place)
    for side, border in (("left", left), ("right", right)):
        if len(border) < 2:
            count = f"{len(border)} point{'' if len(border) == 1 else 's'}"
            raise InputError(source, place, f"the {side} border has {count}, at least 2 are needed")
    if len(left) != len(right):
        raise InputError(source, place, f"the left border has {len(left)} points and the right one {len(right)}, they must be as many")
    left, right = _across(left, right)
    centre = 0.5 * (left + right)
    keep = np.append(True, np.hypot(*np.diff(centre, axis=0).T) > _SHORTEST_M)
    if keep.sum() < 2:
        raise InputError(source, place, "its centre line has no length")
    if not keep.all():
        notes.add("lanelet point", "repeats the point before it")
    return LaneSpec(
        id=name,
        centre=centre[keep],
        left=left[keep],
        right=right[keep],
        road=_road(element, notes),
        speed_limit_mps=_speed_limit(element, source, place),
        may_change_left=element.findtext("leftBound/lineMarking") not in _SOLID_TO_THE_LEFT_BOUND,
        may_change_right=element.findtext("rightBound/lineMarking") not in _SOLID_TO_THE_RIGHT_BOUND,
    )


def _across(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """The borders, (n, 2) each, so that their points lie across from each other: as they are, unless they are numbered at other distances
    along the one than along the other. Pairs of such points lie askew, and tell neither the lane's middle nor how wide it is.
    """
    across, along = left - right, np.gradient(left + right, axis=0)
    square = np.abs(across[:, 0] * along[:, 1] - across[:, 1] * along[:, 0])
    if np.all(square[1:-1] >= _ASKEW * np.hypot(*across[1:-1].T) * np.hypot(*along[1:-1].T)):
        return left, right
    shares = [np.append(0.0, np.cumsum(np.hypot(*np.diff(border, axis=0).T))) for border in (left, right)]
    shares = [share / max(share[-1], _SHORTEST_M) for share in shares]
    at = np.unique(np.concatenate(shares).round(4))
    left, right = (
        np.column_stack([np.interp(at, share, border[:, k]) for k in (0, 1)]) for share, border in zip(shares, (left, right), strict=True)
    )
    return left, right


def _speed_limit(element: etree._Element, source: str, place: str) -> float:
    """The speedLimit of 2018b, m/s; traffic signs come later."""
    text = element.findtext("speedLimit")
    if text is None:
        return np.inf
    limit = number(text, source, f"{place}, speedLimit")
    if limit <= 0.0:
        raise InputError(source, f"{place}, speedLimit", f"{text} m/s, expected more than 0")
    return limit


def _statutory(element: etree._Element, market: Market) -> float:
    """The speed limit by law for the lanelet's type, m/s; inf where it has none that tells."""
    types = set(_texts(element, "laneletType"))
    kind = next((kind for kind, names in _KINDS_OF_ROAD.items() if names & types), None)
    return np.inf if kind is None else market.limit_mps(kind)


def _texts(element: etree._Element, tag: str) -> list[str]:
    return [(child.text or "").strip() for child in element.iterfind(tag)]


def _road(element: etree._Element, notes: Notes) -> Road:
    """Who may use the lanelet: what its users say; else what its types say; else vehicles."""
    both_ways = _texts(element, "userBidirectional")
    if both_ways:
        notes.add("userBidirectional", "the lanelet is driven in its own direction only")
    types = _texts(element, "laneletType")
    special = [_TYPES[kind] for kind in types if kind in _TYPES]
    users = _texts(element, "userOneWay") + both_ways
    road = Road(0)
    if users:
        for user in users:
            if user not in _USERS:
                notes.add(f"user {user[:40]}", "not a user of CommonRoad 2020a")
            road |= _USERS.get(user, Road(0))
        return road
    if special:
        for kind in special:
            road |= kind
        return road
    return _MOTOR if _MOTORWAYS & set(types) else _MOTOR | Road.BICYCLE


def _connect(lanes: dict[str, LaneSpec], name: str, element: etree._Element, notes: Notes) -> None:
    lane = lanes[name]
    for child in references(element, "successor", lanes, notes):
        _link(lane, child)
    for child in references(element, "predecessor", lanes, notes):
        _link(lanes[child], name)
    for side in ("Left", "Right"):
        adjacent = element.find(f"adjacent{side}")
        for other in references(element, f"adjacent{side}", lanes, notes):
            same = adjacent is not None and adjacent.get("drivingDir") == "same"
            if other == name:
                notes.add(f"adjacent{side}", "the lanelet names itself")
            elif not same:
                lane.oncoming = lane.oncoming or other
            elif side == "Left":
                lane.left_neighbour = other
            else:
                lane.right_neighbour = other


def _link(lane: LaneSpec, successor: str) -> None:
    if successor != lane.id and successor not in lane.successors:
        lane.successors.append(successor)


def references(element: etree._Element, tag: str, known: dict[str, LaneSpec], notes: Notes) -> Iterator[str]:
    """The `ref` of each child that names a known lanelet; a note for each that does not."""
    for child in element.iterfind(tag):
        target = child.get("ref", "")
        if target in known:
            yield target
        else:
            notes.add(tag, "names a lanelet that is not in the file")


def _crossing(lane: LaneSpec) -> CrossingSpec:
    """A crosswalk's lanelet runs from kerb to kerb."""
    width = float(np.hypot(*(lane.left - lane.right).T).mean())
    return CrossingSpec(id=lane.id, axis=np.array([lane.centre[0], lane.centre[-1]]), width_m=width)


def _drives_on_the_right(country: str, lanes: dict[str, LaneSpec], elements: dict[str, etree._Element]) -> bool:
    """By the side on which the opposite direction lies; where the file has none, by the country in the benchmark's name."""
    tally = Counter(
        side for name in lanes for side in ("Left", "Right")
        if (adjacent := elements[name].find(f"adjacent{side}")) is not None and adjacent.get("drivingDir") == "opposite"
    )  # fmt: skip
    if tally["Left"] != tally["Right"]:
        return tally["Left"] > tally["Right"]
    return country not in _LEFT_HAND_COUNTRIES
