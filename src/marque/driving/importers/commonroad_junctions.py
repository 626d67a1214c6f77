"""Junctions of CommonRoad files: those an `intersection` names, and those that 2018b leaves to be seen on the ground."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from lxml import etree

from marque.common import Floats
from marque.driving.map.model import Turn
from marque.driving.map.specs import LaneSpec

STRAIGHT_BELOW_RAD = math.radians(30.0)
_BACK_ABOVE_RAD = math.radians(150.0)
_LONGEST_CONNECTION_M = 80.0
"""A lanelet that forks or merges but is longer than this is a road, not a way through a junction."""

Note = Callable[[str, str], None]


class Rank(IntEnum):
    """What the signs of an approach say; the lower one gives way."""

    STOP = 0
    YIELD = 1
    UNSIGNED = 2
    PRIORITY = 3


@dataclass(slots=True)
class Approach:
    """One arm of a junction: the lanes that lead in, and the connections that leave them."""

    id: str
    heading_rad: float
    rank: Rank = Rank.UNSIGNED
    connections: list[LaneSpec] = field(default_factory=list)
    to_the_right: str | None = None
    """The approach whose traffic comes from the right, where the file says it (isLeftOf)."""


def declared(element: etree._Element, lanes: dict[str, LaneSpec], ranks: dict[str, Rank], note: Note) -> list[Approach]:
    """An `intersection` of the file. Its connections are the successors it names."""
    junction = element.get("id") or f"line {element.sourceline}"
    approaches = []
    for incoming in element.iterfind("incoming"):
        arms = [child.get("ref", "") for child in incoming.iterfind("incomingLanelet")]
        known = [lanes[name] for name in arms if name in lanes]
        if len(known) < len(arms):
            note("incomingLanelet", "names a lanelet that is not in the file")
        if not known:
            continue
        approach = Approach(incoming.get("id") or known[0].id, end_heading(known[0].centre))
        approach.rank = min((ranks[lane.id] for lane in known), default=Rank.UNSIGNED)
        left_of = incoming.find("isLeftOf")
        approach.to_the_right = None if left_of is None else left_of.get("ref")
        for tag, turn in (("successorsRight", Turn.RIGHT), ("successorsStraight", Turn.STRAIGHT), ("successorsLeft", Turn.LEFT)):
            for child in incoming.iterfind(tag):
                lane = lanes.get(child.get("ref", ""))
                if lane is None:
                    note(tag, "names a lanelet that is not in the file")
                elif lane not in approach.connections:
                    lane.turn, lane.junction = turn, junction
                    approach.connections.append(lane)
        approaches.append(approach)
    return approaches


def guessed(lanes: dict[str, LaneSpec], ranks: dict[str, Rank]) -> list[list[Approach]]:
    """Junctions a 2018b file does not name: short lanelets that fork off or merge in, grouped by the lanelets they share or cross."""
    entering: dict[str, list[str]] = defaultdict(list)
    for lane in lanes.values():
        for successor in lane.successors:
            entering[successor].append(lane.id)
    loose = [
        lane for lane in lanes.values()
        if lane.junction is None and entering[lane.id] and lane.successors and _length(lane.centre) <= _LONGEST_CONNECTION_M
        and (any(len(lanes[name].successors) > 1 for name in entering[lane.id]) or any(len(entering[name]) > 1 for name in lane.successors))
    ]  # fmt: skip
    groups = []
    for number, group in enumerate(_touching(loose)):
        approaches: dict[str, Approach] = {}
        for lane in group:
            first = lanes[entering[lane.id][0]]
            lane.junction, lane.turn = f"guessed {number}", turn_of(lane.centre)
            if first.id not in approaches:
                approaches[first.id] = Approach(first.id, end_heading(first.centre), ranks[first.id])
            approaches[first.id].connections.append(lane)
        groups.append(list(approaches.values()))
    return groups


def _touching(lanes: list[LaneSpec]) -> list[list[LaneSpec]]:
    """Groups of lanes whose centre lines cross or meet, or come nearer than half a lane's width."""
    group = list(range(len(lanes)))

    def root_of(i: int) -> int:
        while group[i] != i:
            i = group[i]
        return i

    lines = [_resampled(lane.centre) for lane in lanes]
    for i, line in enumerate(lines):
        for j in range(i):
            if root_of(i) != root_of(j) and _near(line, lines[j]):
                group[root_of(i)] = root_of(j)
    members: dict[int, list[LaneSpec]] = defaultdict(list)
    for i, lane in enumerate(lanes):
        members[root_of(i)].append(lane)
    return list(members.values())


def _near(a: Floats, b: Floats) -> bool:
    if np.any(a.min(axis=0) > b.max(axis=0) + 2.0) or np.any(b.min(axis=0) > a.max(axis=0) + 2.0):
        return False
    return bool(np.min(np.hypot(*(a[:, None, :] - b[None, :, :]).transpose(2, 0, 1))) < 1.5)


def _resampled(line: Floats) -> Floats:
    s = np.append(0.0, np.cumsum(np.hypot(*np.diff(line, axis=0).T)))
    at = np.linspace(0.0, s[-1], max(2, int(s[-1]) + 1))
    return np.column_stack([np.interp(at, s, line[:, 0]), np.interp(at, s, line[:, 1])])


def turn_of(centre: Floats) -> Turn:
    """By how far the heading turns from the first to the last segment."""
    steps = np.diff(centre, axis=0)
    turned = float(np.diff(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))).sum())
    if abs(turned) < STRAIGHT_BELOW_RAD:
        return Turn.STRAIGHT
    if abs(turned) > _BACK_ABOVE_RAD:
        return Turn.BACK
    return Turn.LEFT if turned > 0.0 else Turn.RIGHT


def end_heading(centre: Floats) -> float:
    dx, dy = centre[-1] - centre[-2]
    return math.atan2(dy, dx)


def _length(line: Floats) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())
