"""What an importer says about a road, by name; `build_road_map` turns it into arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from marque.common import Floats
from marque.driving.map.model import Colour, Ignored, Road, Turn, Yield


@dataclass(slots=True)
class LaneSpec:
    """One directed lane. left, centre and right have the same number of points (n ≥ 2, 2), m, in driving direction."""

    id: str
    centre: Floats
    left: Floats
    right: Floats
    road: Road
    speed_limit_mps: float = np.inf
    successors: list[str] = field(default_factory=list)
    left_neighbour: str | None = None
    right_neighbour: str | None = None
    may_change_left: bool = True
    may_change_right: bool = True
    oncoming: str | None = None
    junction: str | None = None
    turn: Turn = Turn.STRAIGHT
    signal: str | None = None
    """The signal that controls entering this lane."""
    stop_s: float | None = None


@dataclass(slots=True)
class CrossingSpec:
    """A pedestrian crossing: its axis from kerb to kerb ((2, 2), m) and its width."""

    id: str
    axis: Floats
    width_m: float
    signal: str | None = None
    priority: bool = True
    junction: str | None = None


@dataclass(slots=True)
class SignalSpec:
    """One signal head (or a group that always shows the same): its phases in order, repeated for ever."""

    id: str
    phases: list[tuple[float, Colour]]
    """(duration s, colour)"""
    offset_s: float = 0.0
    junction: str | None = None


@dataclass(slots=True)
class RoadSpec:
    """A whole road network, by name."""

    name: str
    source: str
    lanes: list[LaneSpec]
    crossings: list[CrossingSpec] = field(default_factory=list)
    signals: list[SignalSpec] = field(default_factory=list)
    yields: dict[tuple[str, str], Yield] = field(default_factory=dict)
    """(lane, other lane) → what the first owes the second, where the source says so. Pairs that conflict on the ground but are not
    named get what the market's law says of roads of equal rank."""
    overlaps_meet: bool = False
    """Lanes that overlap on the ground meet even where the source names no junction. False where it knows junctions and bridges."""
    junction_kinds: dict[str, str] = field(default_factory=dict)
    outlines: dict[str, Floats] = field(default_factory=dict)
    """Junction → polygon (k, 2) of its paved area, m: what lies between the lanes inside is road too."""
    right_hand_traffic: bool = True
    country: str = ""
    """ISO 3166-1 alpha-3, where the source says it: by it the market whose law holds (`markets.market_of`)."""
    origin_m: tuple[float, float] = (0.0, 0.0)
    ignored: list[Ignored] = field(default_factory=list)
