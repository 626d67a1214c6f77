"""One road map for every source: flat arrays that kernels read, and the names that people read.

Frame: metres, x east, y north (the file's own frame, shifted only where `RoadMap.origin_m` says so); headings in rad counter-clockwise
from +x. A *lane* is one directed drivable (or walkable) strip with a centre line; a connection through a junction is a lane too.
Every CSR pair is `<name>_start` of length n + 1 in the owner's record, or two columns `first`, `count`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NamedTuple

import numpy as np

from marque.common import Floats, Ints, Records


class Road(IntFlag):
    """Who may use a lane."""

    CAR = 1
    BUS = 2
    BICYCLE = 4
    PEDESTRIAN = 8
    RAIL = 16
    TRUCK = 32
    EMERGENCY = 64


DRIVABLE = int(Road.CAR | Road.BUS | Road.TRUCK | Road.EMERGENCY | Road.BICYCLE)
"""Lanes a car's body may be over without having left the road."""


class Turn(IntEnum):
    """What a lane through a junction does, seen from the driver."""

    STRAIGHT = 0
    LEFT = 1
    RIGHT = 2
    BACK = 3


class Yield(IntEnum):
    """What a lane owes the other lane of a conflict."""

    NONE = 0
    """The other one yields."""
    YIELD = 1
    """This lane gives way without having to stop."""
    STOP = 2
    """This lane stops at its stop line first (a stop sign)."""
    ALTERNATE = 3
    """Neither has priority (an all-way stop, a zip): first come, first served."""


class Meeting(IntEnum):
    """How the two lanes of a conflict meet."""

    CROSSING = 0
    MERGE = 1
    """Both end in the same lane."""


class Colour(IntEnum):
    """What a signal shows."""

    OFF = 0
    """Dark or flashing amber: the signs below it count."""
    RED = 1
    RED_AMBER = 2
    AMBER = 3
    GREEN = 4
    """Green, but opposing traffic and pedestrians of the conflicts go first where `Conflict.yields` says so."""
    GREEN_PROTECTED = 5
    """Green with priority over every conflict."""


POINT = np.dtype(
    [
        ("x", "f8"),
        ("y", "f8"),
        ("s", "f8"),  # arc length from the lane's start, m
        ("heading", "f8"),  # of the segment that leaves the point; the last point has that of the segment before, rad, unwrapped
        ("curvature", "f8"),  # 1/m, left positive; linear between points
        ("tangent_x", "f8"),  # unit tangent of the smooth curve through the points; linear between them, it is the normal that (s, d) uses
        ("tangent_y", "f8"),
        ("left_m", "f8"),  # distance from the centre line to the left border, m ≥ 0
        ("right_m", "f8"),
        ("left_x", "f8"),  # the borders themselves
        ("left_y", "f8"),
        ("right_x", "f8"),
        ("right_y", "f8"),
        ("lane", "i4"),  # the lane that owns the point
    ],
    align=True,
)

LANE = np.dtype(
    [
        ("point_first", "i4"),
        ("point_count", "i4"),  # ≥ 2
        ("length", "f8"),  # m, of the centre line; > 0
        ("narrowest", "f8"),  # m, from border to border
        ("speed_limit", "f8"),  # m/s; inf where none is posted
        ("stop_s", "f8"),  # m: where to stop when the way ahead must be yielded or is red; the lane's length where no line is painted
        ("road", "i4"),  # bits of `Road`
        ("junction", "i4"),  # −1 outside
        ("turn", "i4"),  # `Turn`; STRAIGHT outside junctions
        ("signal", "i4"),  # the signal that controls ENTERING this lane, −1 none
        ("successor_first", "i4"),
        ("successor_count", "i4"),
        ("predecessor_first", "i4"),
        ("predecessor_count", "i4"),
        ("left", "i4"),  # neighbour of the same direction, −1 none
        ("right", "i4"),
        ("may_change_left", "u1"),  # the marking allows it
        ("may_change_right", "u1"),
        ("oncoming", "i4"),  # the lane of the opposite direction at its left border (right border in left-hand traffic), −1 none
        ("conflict_first", "i4"),
        ("conflict_count", "i4"),
        ("crossing_first", "i4"),  # into `lane_crossings`
        ("crossing_count", "i4"),
        ("component", "i4"),  # strongly connected component among CAR lanes (successors and allowed lane changes); −1 for others
    ],
    align=True,
)

CONFLICT = np.dtype(
    [
        ("other", "i4"),  # the other lane
        ("yields", "i4"),  # `Yield`: what THIS lane owes the other
        ("meeting", "i4"),  # `Meeting`
        ("enter_s", "f8"),  # m on this lane: the first place where bodies of standard width could touch
        ("leave_s", "f8"),
        ("other_enter_s", "f8"),
        ("other_leave_s", "f8"),
        ("mirror", "i4"),  # the same conflict seen from the other lane
    ],
    align=True,
)

CROSSING = np.dtype(  # a place where pedestrians cross
    [
        ("x0", "f8"),  # its axis, from kerb to kerb, m
        ("y0", "f8"),
        ("x1", "f8"),
        ("y1", "f8"),
        ("width", "f8"),
        ("signal", "i4"),  # of the pedestrians, −1 none
        ("priority", "u1"),  # pedestrians go first (a zebra crossing)
        ("junction", "i4"),
    ],
    align=True,
)

LANE_CROSSING = np.dtype(  # a lane that runs over a crossing
    [
        ("crossing", "i4"),
        ("enter_s", "f8"),  # m on the lane
        ("leave_s", "f8"),
        ("enter_t", "f8"),  # m along the crossing's axis
        ("leave_t", "f8"),
    ],
    align=True,
)

# The program stands at (time − offset_s) mod cycle_s.
SIGNAL = np.dtype([("phase_first", "i4"), ("phase_count", "i4"), ("cycle_s", "f8"), ("offset_s", "f8"), ("junction", "i4")], align=True)
PHASE = np.dtype([("end_s", "f8"), ("colour", "i4")], align=True)  # end_s counts from the start of the cycle
GRID = np.dtype([("x0", "f8"), ("y0", "f8"), ("cell_m", "f8"), ("columns", "i4"), ("rows", "i4")], align=True)


class MapArrays(NamedTuple):
    """What kernels read. All arrays are C-contiguous and read-only in spirit; dtypes as above."""

    points: Records  # (P,) POINT, lane after lane
    lanes: Records  # (L,) LANE
    successors: Ints  # lane indices, sliced by lanes[i].successor_*
    predecessors: Ints
    conflicts: Records  # CONFLICT, sliced by lanes[i].conflict_*, ordered by enter_s
    crossings: Records  # CROSSING
    lane_crossings: Records  # LANE_CROSSING, sliced by lanes[i].crossing_*
    signals: Records  # SIGNAL
    phases: Records  # PHASE, sliced by signals[i].phase_*
    grid: Records  # (1,) GRID
    grid_start: Ints  # (rows · columns + 1,) into grid_points; cell = row · columns + column
    grid_points: Ints  # first point of every segment whose lane surface may touch the cell
    outlines: Floats  # (K, 2) corners of the paved areas of junctions, m
    outline_start: Ints  # (junctions + 1,) into outlines; empty where the source does not outline the junction


class Ignored(NamedTuple):
    """Something of the source that the map does not hold, said by name."""

    element: str
    reason: str
    occurrences: int


@dataclass(frozen=True, slots=True, eq=False)
class RoadMap:
    """A road map: arrays for kernels, names for people."""

    name: str
    source: str
    arrays: MapArrays
    lane_ids: tuple[str, ...]
    junction_ids: tuple[str, ...]
    crossing_ids: tuple[str, ...]
    signal_ids: tuple[str, ...]
    right_hand_traffic: bool
    origin_m: tuple[float, float]
    """What was subtracted from the file's coordinates."""
    ignored: tuple[Ignored, ...]
    junction_kinds: tuple[str, ...] = ()
    """Per junction: `priority`, `right_before_left`, `traffic_light`, `all_way_stop`, `zipper`, `roundabout`, `unregulated`."""
    country: str = ""
    """ISO 3166-1 alpha-3, where the source says it."""
