"""From what an importer says to the arrays that kernels read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from marque.common import Bools, Floats, InputError, Ints, Records
from marque.driving.map import geometry
from marque.driving.map.components import strong_components
from marque.driving.map.conflicts import build_conflicts, build_lane_crossings
from marque.driving.map.grid import build_grid
from marque.driving.map.model import CROSSING, LANE, PHASE, POINT, SIGNAL, Ignored, MapArrays, Road, RoadMap
from marque.driving.map.specs import LaneSpec, RoadSpec, SignalSpec
from marque.driving.markets import market_of

_FARTHEST_M = 1e7
_WIDEST_M = 200.0
_FASTEST_MPS = 500.0
_CYCLE_MAX_S = 86_400.0


class _Shapes(NamedTuple):
    """Centre lines and borders of all lanes that have a length: columns centre, left, right; start in CSR form."""

    lanes: list[LaneSpec]
    borders: Floats  # (n, 6)
    start: Ints


def build_road_map(spec: RoadSpec) -> RoadMap:
    """The road map of a source.

    Lanes without a length are left out and the lanes before them are linked to those behind; so are links to lanes that do not
    exist. All of it is listed in `ignored`. Raises InputError for numbers no road has.
    """
    ignored = Counter[tuple[str, str]]()
    shapes = _shapes(spec, ignored)
    index = {lane.id: i for i, lane in enumerate(shapes.lanes)}
    if len(index) < len(shapes.lanes):
        twice = next(name for name, n in Counter(lane.id for lane in shapes.lanes).items() if n > 1)
        raise InputError(spec.source, f"lane {twice}", "the id is used twice, ids must be unique")
    junctions = list(dict.fromkeys([*spec.junction_kinds, *(lane.junction for lane in shapes.lanes if lane.junction is not None)]))
    junction_index = {name: i for i, name in enumerate(junctions)}
    signals, phases, signal_index = _signals(spec, junction_index)

    lanes = np.zeros(len(shapes.lanes), LANE)
    _describe(lanes, shapes.lanes, index, junction_index, signal_index, ignored)
    link_from, link_to = _links(spec, index, signal_index, lanes, ignored)
    points = _points(shapes, lanes, link_from, link_to)
    lanes["narrowest"] = np.minimum.reduceat(points["left_m"] + points["right_m"], lanes["point_first"])
    successors = _slices(lanes, "successor", link_from, link_to)
    predecessors = _slices(lanes, "predecessor", link_to, link_from)
    lanes["stop_s"] = [
        length if lane.stop_s is None or not 0.0 <= lane.stop_s <= length else lane.stop_s
        for lane, length in zip(shapes.lanes, lanes["length"].tolist(), strict=True)
    ]
    lanes["component"] = _components(lanes, successors)

    crossing_specs = [c for c in spec.crossings if _crossing_has_length(spec, c.id, c.axis, c.width_m, ignored)]
    crossings = np.zeros(len(crossing_specs), CROSSING)
    for record, crossing in zip(crossings, crossing_specs, strict=True):
        (record["x0"], record["y0"]), (record["x1"], record["y1"]) = crossing.axis
        record["width"], record["priority"] = crossing.width_m, crossing.priority
        record["signal"] = signal_index.get(crossing.signal or "", -1)
        record["junction"] = junction_index.get(crossing.junction or "", -1)
    equals = market_of(spec.country, spec.right_hand_traffic).equals
    conflicts = build_conflicts(spec, equals, index, points, lanes, successors)
    lane_crossings = build_lane_crossings(crossing_specs, crossings["junction"].copy(), points, lanes)

    arrays = MapArrays(
        points,
        lanes,
        successors,
        predecessors,
        conflicts,
        crossings,
        lane_crossings,
        signals,
        phases,
        *build_grid(points),
        *_outlines(spec, junctions),
    )
    return RoadMap(
        name=spec.name,
        source=spec.source,
        arrays=arrays,
        lane_ids=tuple(index),
        junction_ids=tuple(junctions),
        crossing_ids=tuple(c.id for c in crossing_specs),
        signal_ids=tuple(signal_index),
        right_hand_traffic=spec.right_hand_traffic,
        country=spec.country,
        origin_m=spec.origin_m,
        ignored=(*spec.ignored, *(Ignored(element, reason, n) for (element, reason), n in ignored.items())),
        junction_kinds=tuple(spec.junction_kinds.get(name, "unregulated") for name in junctions),
    )


def _shapes(spec: RoadSpec, ignored: Counter[tuple[str, str]]) -> _Shapes:
    """Checks every number and drops points that repeat the one before."""
    if not spec.lanes:
        raise InputError(spec.source, "", "it holds no lane")
    for lane in spec.lanes:
        if not (lane.centre.shape == lane.left.shape == lane.right.shape and lane.centre.ndim == 2 and lane.centre.shape[1] == 2):
            raise InputError(spec.source, f"lane {lane.id}", "its centre line and borders do not have the same number of points")
        if not (0.0 < lane.speed_limit_mps <= _FASTEST_MPS or lane.speed_limit_mps == math.inf):
            expected = f"above 0 and up to {_FASTEST_MPS:g} m/s is expected"
            raise InputError(spec.source, f"lane {lane.id}", f"the speed limit is {lane.speed_limit_mps:g} m/s, {expected}")
    counts = np.array([len(lane.centre) for lane in spec.lanes], np.int32)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    flat = np.empty((int(start[-1]), 6))
    for column, side in enumerate(("centre", "left", "right")):
        np.concatenate([getattr(lane, side) for lane in spec.lanes], out=flat[:, 2 * column : 2 * column + 2])
    _refuse(spec, start, np.logical_not(np.isfinite(flat).all(axis=1)), "a coordinate is not a finite number")
    _refuse(spec, start, np.abs(flat).max(axis=1, initial=0.0) > _FARTHEST_M, f"a coordinate is beyond {_FARTHEST_M:g} m")
    wide = np.maximum(np.hypot(*(flat[:, 2:4] - flat[:, :2]).T), np.hypot(*(flat[:, 4:] - flat[:, :2]).T)) > _WIDEST_M
    _refuse(spec, start, wide, f"a border is more than {_WIDEST_M:g} m from the centre line")

    keep = np.zeros(len(flat), np.int32)
    geometry.distinct_points(np.ascontiguousarray(flat[:, :2]), start[np.append(True, counts > 0)], keep)
    kept = np.add.reduceat(np.append(keep, 0), start[:-1]) * (counts > 0)
    whole = kept >= 2
    if not whole.any():
        raise InputError(spec.source, "", "none of its lanes has a length")
    for _lane in np.flatnonzero(~whole):
        ignored["lane", "it has fewer than 2 distinct points"] += 1
    chosen = flat[(keep == 1) & np.repeat(whole, counts)]
    return _Shapes(
        [lane for lane, whole_lane in zip(spec.lanes, whole, strict=True) if whole_lane],
        chosen,
        np.concatenate([[0], np.cumsum(kept[whole])]).astype(np.int32),
    )


def _refuse(spec: RoadSpec, start: Ints, bad: Bools, problem: str) -> None:
    if bad.any():
        lane = spec.lanes[int(np.searchsorted(start, int(np.argmax(bad)), side="right")) - 1]
        raise InputError(spec.source, f"lane {lane.id}", problem)


def _describe(
    lanes: Records,
    specs: Sequence[LaneSpec],
    index: dict[str, int],
    junctions: dict[str, int],
    signals: dict[str, int],
    ignored: Counter[tuple[str, str]],
) -> None:
    def number(names: dict[str, int], what: str, name: str | None) -> int:
        if name is not None and name not in names:
            ignored[what, "the source names it but does not hold it"] += 1
        return -1 if name is None else names.get(name, -1)

    lanes["speed_limit"] = [lane.speed_limit_mps for lane in specs]
    lanes["road"] = [int(lane.road) for lane in specs]
    lanes["turn"] = [int(lane.turn) for lane in specs]
    lanes["junction"] = [-1 if lane.junction is None else junctions[lane.junction] for lane in specs]
    lanes["signal"] = [number(signals, "signal", lane.signal) for lane in specs]
    lanes["left"] = [number(index, "neighbour", lane.left_neighbour) for lane in specs]
    lanes["right"] = [number(index, "neighbour", lane.right_neighbour) for lane in specs]
    lanes["oncoming"] = [number(index, "neighbour", lane.oncoming) for lane in specs]
    lanes["may_change_left"] = [lane.may_change_left for lane in specs] & (lanes["left"] >= 0)
    lanes["may_change_right"] = [lane.may_change_right for lane in specs] & (lanes["right"] >= 0)


def _links(
    spec: RoadSpec, index: dict[str, int], signals: dict[str, int], lanes: Records, ignored: Counter[tuple[str, str]]
) -> tuple[Ints, Ints]:
    """(from, to) of every link, sorted by from. A lane left out is bridged by its own successors; its signal moves on to the lane
    behind it, where no other way leads there.
    """
    by_id = {lane.id: lane for lane in spec.lanes}
    pairs: dict[tuple[int, int], str | None] = {}  # with the signal met on the way
    for lane in spec.lanes:
        if lane.id not in index:
            continue
        ahead: list[tuple[str, str | None]] = [(name, None) for name in lane.successors]
        seen = set[str]()
        while ahead:
            name, signal = ahead.pop()
            if name in index:
                pairs[index[lane.id], index[name]] = signal
            elif name not in by_id:
                ignored["successor", "the source names a lane it does not hold"] += 1
            elif name not in seen:
                seen.add(name)
                ahead.extend((following, by_id[name].signal or signal) for following in by_id[name].successors)
    entries = Counter(behind for _, behind in pairs)
    for (_, behind), signal in pairs.items():
        if signal is not None and entries[behind] == 1 and lanes["signal"][behind] < 0:
            lanes["signal"][behind] = signals.get(signal, -1)
        elif signal is not None:
            ignored["signal", "the lane it controls has no length, and others lead into the one behind"] += 1
    links = np.array(sorted(pairs), np.int32).reshape(-1, 2)
    return np.ascontiguousarray(links[:, 0]), np.ascontiguousarray(links[:, 1])


def _points(shapes: _Shapes, lanes: Records, link_from: Ints, link_to: Ints) -> Records:
    heading = np.empty((lanes.size, 2))
    geometry.end_headings(shapes.borders, shapes.start, link_from, link_to, lanes["junction"].copy(), heading)
    borders, start = np.empty((7 * len(shapes.borders), 7)), np.zeros_like(shapes.start)
    n = geometry.refine(shapes.borders, shapes.start, heading, borders, start)
    points = np.zeros(n, POINT)
    geometry.fill_points(borders, start, heading, points)
    lanes["point_first"], lanes["point_count"] = start[:-1], np.diff(start)
    lanes["length"] = points["s"][start[1:] - 1]
    return points


def _slices(lanes: Records, name: str, owner: Ints, target: Ints) -> Ints:
    count = np.bincount(owner, minlength=lanes.size)
    lanes[f"{name}_count"] = count
    lanes[f"{name}_first"] = np.cumsum(count) - count
    return target[np.argsort(owner, kind="stable")]


def _components(lanes: Records, successors: Ints) -> Ints:
    """Strongly connected components of the lanes cars may use, the longest first; −1 for other lanes."""
    cars = (lanes["road"] & int(Road.CAR)) != 0
    edges = [np.column_stack([np.repeat(np.arange(lanes.size), lanes["successor_count"]), successors])]
    for side in ("left", "right"):
        mine = np.flatnonzero(lanes[f"may_change_{side}"])
        edges.append(np.column_stack([mine, lanes[side][mine]]))
    links = np.concatenate(edges)
    links = links[cars[links[:, 0]] & cars[links[:, 1]]]
    links = links[np.argsort(links[:, 0], kind="stable")]
    first = np.concatenate([[0], np.cumsum(np.bincount(links[:, 0], minlength=lanes.size))]).astype(np.int32)
    found = strong_components(first, links[:, 1].astype(np.int32))
    metres = np.bincount(found[cars], weights=lanes["length"][cars], minlength=found.max(initial=0) + 1)
    rank = np.empty(len(metres), np.int32)
    rank[np.argsort(-metres, kind="stable")] = np.arange(len(metres))
    return np.where(cars, rank[found], -1).astype(np.int32)


def _signals(spec: RoadSpec, junctions: dict[str, int]) -> tuple[Records, Records, dict[str, int]]:
    index: dict[str, int] = {}
    signals = np.zeros(len(spec.signals), SIGNAL)
    phases: list[tuple[float, int]] = []
    for i, signal in enumerate(spec.signals):
        if signal.id in index:
            raise InputError(spec.source, f"signal {signal.id}", "the id is used twice, ids must be unique")
        index[signal.id] = i
        mine = _phase_ends(spec, signal)
        signals[i] = (len(phases), len(mine), mine[-1][0], signal.offset_s, junctions.get(signal.junction or "", -1))
        phases += mine
    return signals, np.array(phases, PHASE), index


def _phase_ends(spec: RoadSpec, signal: SignalSpec) -> list[tuple[float, int]]:
    """(end of the phase in the cycle, colour), phases that show the same joined."""
    ends: list[tuple[float, int]] = []
    clock = 0.0
    for duration, colour in signal.phases:
        if not 0.0 <= duration <= _CYCLE_MAX_S:
            raise InputError(spec.source, f"signal {signal.id}", f"a phase lasts {duration} s, 0 to {_CYCLE_MAX_S:g} s are expected")
        clock += duration
        if ends and ends[-1][1] == colour:
            ends[-1] = (clock, int(colour))
        elif duration > 0.0:
            ends.append((clock, int(colour)))
    if not ends or not math.isfinite(signal.offset_s):
        raise InputError(spec.source, f"signal {signal.id}", "its program has no phase of any length or no finite offset")
    return ends


def _outlines(spec: RoadSpec, junctions: Sequence[str]) -> tuple[Floats, Ints]:
    """(outlines, outline_start) as `MapArrays` has them."""
    polygons = [spec.outlines.get(name, np.empty((0, 2))) for name in junctions]
    for name, polygon in zip(junctions, polygons, strict=True):
        if not (np.abs(polygon) <= _FARTHEST_M).all():
            raise InputError(spec.source, f"junction {name}", f"a coordinate of its outline is not finite or beyond {_FARTHEST_M:g} m")
    start = np.concatenate([[0], np.cumsum([len(polygon) for polygon in polygons])]).astype(np.int32)
    return np.concatenate([np.empty((0, 2)), *polygons]), start


def _crossing_has_length(spec: RoadSpec, name: str, axis: Floats, width_m: float, ignored: Counter[tuple[str, str]]) -> bool:
    if not (np.isfinite(axis).all() and np.abs(axis).max() <= _FARTHEST_M):
        raise InputError(spec.source, f"crossing {name}", f"a coordinate is not finite or beyond {_FARTHEST_M:g} m")
    if not 0.0 < width_m <= _WIDEST_M:
        raise InputError(spec.source, f"crossing {name}", f"the width is {width_m} m, above 0 and up to {_WIDEST_M:g} m is expected")
    if math.dist(axis[0], axis[1]) < geometry.MIN_SEGMENT_M:
        ignored["crossing", "it has no length"] += 1
        return False
    return True
