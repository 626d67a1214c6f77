"""A road map as it is seen from above: what a page or a replay needs to draw it, and nothing to drive on it.

Coordinates are metres from `origin_m`, a point near the map's middle, to the centimetre.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from marque.common import Floats, Ints, Records
from marque.driving.map.model import MapArrays, Road, RoadMap, Yield
from marque.simulation.columns import Column

_STEP_M = 0.01


class Bar(IntEnum):
    """What is painted or shown across a lane where one may have to stop."""

    SIGNAL = 0
    STOP = 1
    YIELD = 2


def origin_of(road_map: RoadMap) -> tuple[float, float]:
    """The middle of the map's bounding box, to the metre (0, 0 for an empty map)."""
    points = road_map.arrays.points
    if not len(points):
        return 0.0, 0.0
    return (
        float(np.rint(0.5 * (points["x"].min() + points["x"].max()))),
        float(np.rint(0.5 * (points["y"].min() + points["y"].max()))),
    )


def ground_columns(road_map: RoadMap) -> dict[str, Column]:
    """The columns that draw a map.

    lane_*       (L,)    point_count, road bits, junction, turn, left, right, oncoming, may_change (1 left, 2 right), length, limit (m/s)
    centre, left, right  (P, 2) m, lane after lane
    crossing_*   (C,)    axis (C, 4) m, width m, signal
    outline_*    (J,)    point_count; corners (K, 2) m of the paved area of each junction, where the source has it
    bar_*        (B,)    line (B, 4) m from the lane's right border to its left, lane, kind (`Bar`), signal; `turn` of the lane ahead
    """
    arrays, (x0, y0) = road_map.arrays, origin_of(road_map)
    lanes, points, crossings = arrays.lanes, arrays.points, arrays.crossings

    def line(*names: str) -> Column:
        return Column(np.stack([points[name] - origin for name, origin in zip(names, (x0, y0), strict=True)], axis=1), _STEP_M, delta=True)

    may_change = lanes["may_change_left"].astype(np.uint8) | (lanes["may_change_right"].astype(np.uint8) << 1)
    axes = np.stack([crossings[name] for name in ("x0", "y0", "x1", "y1")], axis=1)
    columns = {f"lane_{name}": Column(lanes[name]) for name in ("point_count", "road", "junction", "turn", "left", "right", "oncoming")}
    columns |= {
        "lane_may_change": Column(may_change),
        "lane_length": Column(lanes["length"], _STEP_M),
        "lane_limit": Column(lanes["speed_limit"].astype(np.float32)),
        "centre": line("x", "y"),
        "left": line("left_x", "left_y"),
        "right": line("right_x", "right_y"),
        "outline_point_count": Column(np.diff(arrays.outline_start).astype(np.int32)),
        "outline": Column(arrays.outlines - np.array([x0, y0]), _STEP_M, delta=True),
        "crossing_axis": Column(axes - np.array([x0, y0, x0, y0]), _STEP_M),
        "crossing_width": Column(crossings["width"], _STEP_M),
        "crossing_signal": Column(crossings["signal"]),
    }
    return columns | _bars(road_map, (x0, y0))


def _bars(road_map: RoadMap, origin_m: tuple[float, float]) -> dict[str, Column]:
    """Signals where one controls the way on; else a painted line where every way on gives way or has to stop."""
    arrays, found = road_map.arrays, dict[tuple[int, int, int], int]()
    lanes, owes = arrays.lanes, _owes(arrays)
    drivable = (lanes["road"] & (Road.CAR | Road.BUS | Road.TRUCK)) != 0
    for lane in np.flatnonzero(drivable & (lanes["junction"] < 0)):
        first = lanes["successor_first"][lane]
        ahead = arrays.successors[first : first + lanes["successor_count"][lane]]
        for way in ahead[lanes["signal"][ahead] >= 0]:
            found.setdefault((int(lane), Bar.SIGNAL, int(lanes["signal"][way])), int(lanes["turn"][way]))
        if (
            len(ahead)
            and (lanes["signal"][ahead] < 0).all()
            and (owes[ahead] > 0).all()
            and _paints(road_map, int(lanes["junction"][ahead[0]]))
        ):
            stops = (owes[ahead] == Yield.STOP).all()
            found[int(lane), Bar.STOP if stops else Bar.YIELD, -1] = int(lanes["turn"][ahead[0]])
    keys = np.array(list(found), np.int32).reshape(-1, 3)
    ends = np.array([_across(arrays.points, lanes[lane], origin_m) for lane in keys[:, 0]]).reshape(-1, 4)
    return {
        "bar_line": Column(ends, _STEP_M),
        "bar_lane": Column(keys[:, 0]),
        "bar_kind": Column(keys[:, 1].astype(np.uint8)),
        "bar_signal": Column(keys[:, 2]),
        "bar_turn": Column(np.array(list(found.values()), np.uint8)),
    }


def _paints(road_map: RoadMap, junction: int) -> bool:
    """Whether a junction paints lines where one gives way; where the right goes before the left, none does."""
    return 0 <= junction < len(road_map.junction_kinds) and road_map.junction_kinds[junction] != "right_before_left"


def _owes(arrays: MapArrays) -> Ints:
    """(L,) the most a lane owes anyone: STOP over YIELD over the rest."""
    owes = np.zeros(len(arrays.lanes), np.int32)
    for i, lane in enumerate(arrays.lanes):
        yields = arrays.conflicts["yields"][lane["conflict_first"] : lane["conflict_first"] + lane["conflict_count"]]
        owes[i] = yields[(yields == Yield.YIELD) | (yields == Yield.STOP)].max(initial=0)
    return owes


def _across(points: Records, lane: Records, origin_m: tuple[float, float]) -> Floats:
    """The line across a lane at its stop line: right border to left, (4,) m."""
    own = points[lane["point_first"] : lane["point_first"] + lane["point_count"]]
    ends: Floats = np.array([np.interp(lane["stop_s"], own["s"], own[name]) for name in ("right_x", "right_y", "left_x", "left_y")])
    ends -= np.array([*origin_m, *origin_m])
    return ends
