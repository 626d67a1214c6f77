"""Rules of SUMO junctions: right of way from the request matrices, signals from `tlLogic`, crossings.

A junction numbers its links; link i is the lane `intLanes[i]` with the lanes inside the junction that lead to it (left turns wait
between the two). `response` of link i has a 1 for every link it gives way to, read from the right.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np
from lxml import etree

from marque.driving.importers.xml import Reader
from marque.driving.map.model import Colour, Road, Yield
from marque.driving.map.specs import CrossingSpec, LaneSpec, RoadSpec, SignalSpec

ALTERNATE = Yield.ALTERNATE
_COLOURS = {
    "G": Colour.GREEN_PROTECTED,
    "g": Colour.GREEN,
    "y": Colour.AMBER,
    "Y": Colour.AMBER,
    "r": Colour.RED,
    "u": Colour.RED_AMBER,
    "s": Colour.OFF,
    "o": Colour.OFF,
    "O": Colour.OFF,
}
_KINDS = {
    "priority": "priority",
    "priority_stop": "priority",
    "traffic_light": "traffic_light",
    "traffic_light_unregulated": "traffic_light",
    "traffic_light_right_on_red": "traffic_light",
    "right_before_left": "right_before_left",
    "left_before_right": "priority",
    "allway_stop": "all_way_stop",
    "zipper": "zipper",
    "unregulated": "unregulated",
    "rail_signal": "rail_signal",
    "rail_crossing": "level_crossing",
}
_SIGNS = {"s": Yield.STOP, "w": Yield.ALTERNATE, "Z": Yield.ALTERNATE}
_FIXED = {"static"}
_CROSSING_WIDTH_M = 4.0  # SUMO's default


@dataclass(frozen=True, slots=True)
class Link:
    """One way into a junction: the connection, the lane it leaves, the lane inside (or crossing) it begins with."""

    connection: etree._Element
    begin: str
    lane: str


def read_rules(
    reader: Reader,
    root: etree._Element,
    spec: RoadSpec,
    lanes: dict[str, LaneSpec],
    links: list[Link],
    ignored: Counter[tuple[str, str]],
) -> None:
    """Completes the spec: junction kinds and outlines, yields, signals, crossings."""
    round_about = {node for element in root.iterfind("roundabout") for node in element.get("nodes", "").split()}
    states = {link.lane: link.connection.get("state", "M") for link in links}
    leading = {after: lane.id for lane in lanes.values() if lane.junction for after in lane.successors}
    for junction in root.iterfind("junction"):
        kind, name = junction.get("type", "priority"), reader.text(junction, "id")
        if kind in ("internal", "dead_end"):
            continue
        if kind not in _KINDS:
            ignored[f"junction type {kind}", "unknown to this reader, taken as priority"] += 1
        spec.junction_kinds[name] = "roundabout" if name in round_about else _KINDS.get(kind, "priority")
        if junction.get("intLanes") and junction.get("shape") is not None:
            spec.outlines[name] = reader.points(junction, "shape")
        _yields(reader, junction, spec, lanes, leading, states)
        if kind == "rail_crossing":
            ignored["level crossing", "the file holds no barrier program; the road gives way to the rails"] += 1
            _rails_first(name, spec)
    programs = _programs(reader, root, ignored)
    _signals(reader, spec, lanes, links, programs, ignored)
    _crossings(reader, root, spec, links, programs)


def _yields(
    reader: Reader,
    junction: etree._Element,
    spec: RoadSpec,
    lanes: dict[str, LaneSpec],
    leading: dict[str, str],
    states: dict[str, str],
) -> None:
    """What each lane of a junction owes each other one it may meet."""
    inside = junction.get("intLanes", "").split()
    chains = [_chain(lane, lanes, leading) for lane in inside]
    owed: dict[tuple[int, int], bool] = {}
    for request in junction.iterfind("request"):
        i = reader.whole(request, "index")
        response, foes = request.get("response", ""), request.get("foes", "")
        if set(response) - {"0", "1"} or set(foes) - {"0", "1"}:
            raise reader.fault(request, f'of junction "{junction.get("id")}" has something else than 0 and 1 in response or foes')
        if i >= len(chains):
            continue  # a network without lanes inside its junctions
        for j, bit in enumerate(reversed(foes)):
            if bit == "1" and j < len(chains):
                owed[i, j] = response[-1 - j : len(response) - j] == "1"
    for (i, j), gives_way in owed.items():
        first = chains[i][0] if chains[i] else ""
        sign = _SIGNS.get(states.get(first, ""), Yield.YIELD)
        for mine in chains[i]:
            for other in chains[j]:
                spec.yields[mine, other] = sign if gives_way else Yield.NONE


def _chain(lane: str, lanes: dict[str, LaneSpec], leading: dict[str, str]) -> list[str]:
    """A lane inside a junction with those inside that lead to it, in driving order; empty for a pedestrian crossing."""
    chain: list[str] = []
    at: str | None = lane
    while at is not None and at in lanes and at not in chain and lanes[at].junction:
        chain.insert(0, at)
        at = leading.get(at)
    return chain


def _rails_first(junction: str, spec: RoadSpec) -> None:
    inside = [lane for lane in spec.lanes if lane.junction == junction]
    for road in inside:
        for rail in inside:
            if rail.road & Road.RAIL and not road.road & Road.RAIL:
                spec.yields[road.id, rail.id], spec.yields[rail.id, road.id] = Yield.YIELD, Yield.NONE


@dataclass(frozen=True, slots=True)
class _Program:
    offset_s: float
    durations_s: list[float]
    states: list[str]


def _programs(reader: Reader, root: etree._Element, ignored: Counter[tuple[str, str]]) -> dict[str, _Program]:
    programs: dict[str, _Program] = {}
    for logic in root.iterfind("tlLogic"):
        name, kind = reader.text(logic, "id"), logic.get("type", "static")
        phases = logic.findall("phase")
        states = [reader.text(phase, "state") for phase in phases]
        if not phases or len(set(map(len, states))) != 1:
            raise reader.fault(logic, "its phases must be at least one and all have one state per link")
        if unknown := set("".join(states)) - set(_COLOURS):
            raise reader.fault(logic, f'a phase shows "{min(unknown)}", which is no signal state')
        if kind not in _FIXED:
            ignored[f"tlLogic type {kind}", "its detectors are not simulated; it runs its phases at their default lengths"] += 1
        if name in programs:
            ignored["tlLogic program", "a junction has several; the last one of the file runs"] += 1
        programs[name] = _Program(reader.number(logic, "offset", 0.0), [reader.number(phase, "duration", 0.0) for phase in phases], states)
    return programs


def _signals(
    reader: Reader,
    spec: RoadSpec,
    lanes: dict[str, LaneSpec],
    links: list[Link],
    programs: dict[str, _Program],
    ignored: Counter[tuple[str, str]],
) -> None:
    """One signal per link index of a program; lanes without one inside the junction keep none."""
    known: dict[str, SignalSpec] = {}
    for link in links:
        program = programs.get(link.connection.get("tl", ""))
        if program is None:
            if link.connection.get("tl") is not None:
                ignored["rail signal", "its block is not simulated; rail vehicles keep their distance"] += 1
            continue
        signal = signal_name(link.connection)
        i = reader.whole(link.connection, "linkIndex")
        if i >= len(program.states[0]):
            raise reader.fault(link.connection, f'its linkIndex {i} has no state in tlLogic "{link.connection.get("tl")}"')
        if link.lane in lanes and lanes[link.lane].junction is None:
            ignored["signal", "its link has no lane inside the junction to control"] += 1
            continue
        junction = link.lane[1:].rpartition("_")[0].rpartition("_")[0]
        phases = [(duration, _COLOURS[state[i]]) for duration, state in zip(program.durations_s, program.states, strict=True)]
        known.setdefault(signal, SignalSpec(signal, phases, program.offset_s, junction))
        if link.lane in lanes:
            lanes[link.lane].signal = signal
            if any(state[i] == "s" for state in program.states):
                for pair in [pair for pair in spec.yields if pair[0] == link.lane and spec.yields[pair] == Yield.YIELD]:
                    spec.yields[pair] = Yield.STOP
    spec.signals = list(known.values())


def signal_name(connection: etree._Element) -> str:
    """`program.link`: the name of the signal that controls a connection."""
    return f"{connection.get('tl')}.{connection.get('linkIndex')}"


def _crossings(reader: Reader, root: etree._Element, spec: RoadSpec, links: list[Link], programs: dict[str, _Program]) -> None:
    ways: dict[str, list[etree._Element]] = defaultdict(list)
    for link in links:
        ways[link.lane].append(link.connection)
    for edge in root.iterfind("edge"):
        if edge.get("function") != "crossing":
            continue
        for lane in edge.iterfind("lane"):
            name, shape = reader.text(lane, "id"), reader.points(lane, "shape")
            if len(shape) < 2:
                raise reader.fault(lane, "the shape of a crossing needs at least 2 points")
            steered = [way for way in ways[name] if way.get("tl") in programs]
            spec.crossings.append(
                CrossingSpec(
                    id=name,
                    axis=np.stack([shape[0], shape[-1]]),
                    width_m=reader.number(lane, "width", _CROSSING_WIDTH_M, above=0.0),
                    signal=signal_name(steered[0]) if steered else None,
                    priority=not any(way.get("state") == "m" for way in ways[name]),
                    junction=name[1:].rpartition("_")[0].rpartition("_")[0],
                )
            )
