"""What is staged where: a place on a map, and road users who meet the ego there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marque.common import Bools, Floats, Records
from marque.driving.map import RoadMap
from marque.simulation.library.actors import Actor
from marque.simulation.library.roads import Pose

Value = float | bool | str | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a kind of scene fits. id: the map's own names; the same map has the same places.

    lane, s_m: what the ego is over when it meets the other, and how far along; other, other_s_m: the same of the other, −1 where it has
    no lane of its own. crossing: the pedestrian crossing, −1 for none. clock_s: what the map's lights show then is what they show at the
    start, so that both ways have green; 0 where no light is.
    """

    id: str
    lane: int
    s_m: float
    other: int = -1
    other_s_m: float = 0.0
    crossing: int = -1
    clock_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Range:
    """What a parameter may be: one of values, or from low to high."""

    told: str
    values: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, slots=True)
class Staged:
    """A scene on a map. path: (n, 3) the ego's way, x m, y m, heading rad; it starts at start_m and is asked to reach goal_m on it.

    actors: by script; who heeds is not run into whoever is in its way. wait_s: how much longer than an unhurried drive it may take.
    start: where the ego stands instead, on a lane of its own that runs into that path. fault, fault_s: a kind of `faults.FaultKind` and
    when it begins, "" for none.
    """

    path: Floats
    start_m: float
    goal_m: float
    start_mps: float
    limit_mps: float
    actors: Sequence[Actor] = ()
    heeds: Sequence[bool] = ()
    wait_s: float = 0.0
    goal_width_m: float = 3.2
    fault: str = ""
    fault_s: float = 0.0
    clock_s: float = 0.0
    start: Pose | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Net:
    """A map as scenes see it.

    drivable: (L,) lanes for cars that neither turn back nor have a corner too tight for one, and are faster than walking. only: the one
    lane on which places are looked for, −1 for all.
    """

    road_map: RoadMap
    drivable: Bools
    only: int = -1

    @property
    def lanes(self) -> Records:
        found: Records = self.road_map.arrays.lanes
        return found

    def name(self, lane: int) -> str:
        return self.road_map.lane_ids[lane]

    def candidates(self, suited: Bools) -> list[int]:
        """Lanes among which places are looked for, in the order of their names. suited: (L,)."""
        found = np.flatnonzero(self.drivable & suited).tolist()
        return sorted((lane for lane in found if self.only in (-1, lane)), key=self.name)
