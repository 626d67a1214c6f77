"""Ways over a road map: lanes that follow each other as one path, how fast they can be driven, and road users on them in time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from marque.common import Bools, Floats, Records
from marque.driving.map import Road, RoadMap, Turn
from marque.driving.map.model import Colour
from marque.driving.tight import tight_lanes
from marque.simulation.judge.surface import off_road
from marque.simulation.library.actors import LONGEST_S, STEP_S, Actor, Body, Profile, drive
from marque.simulation.library.roads import at, distances, rounded
from marque.simulation.places.model import Net
from marque.simulation.places.paving import paved
from marque.vehicle import BMW_320I

LATERAL_MPS2 = 2.5
"""Nobody takes a bend faster than this allows: what drivers accept in towns."""
_UNPOSTED_MPS, _SLOWEST_STREET_MPS = 13.9, 5.0
_LEAST_RUN_UP_M, _SPARE_M, _STOPS_BEFORE_M = 22.0, 3.0, 8.0
_REACTS_S, _EASY_MPS2 = 1.0, 3.0
_KINK_M = 1.0
_BODY_M = (5.2, 2.6)
_GREEN = (Colour.GREEN, Colour.GREEN_PROTECTED)
_GREEN_STEP_S, _LONGEST_PROGRAM_S = 0.5, 600.0


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """lanes in order; path (n, 3) along their middles; begins: arc length at which each lane begins, m."""

    lanes: tuple[int, ...]
    path: Floats
    begins: tuple[float, ...]
    length_m: float

    def at(self, lane: int, s_m: float) -> float:
        """Arc length on the way of a place on one of its lanes."""
        return self.begins[self.lanes.index(lane)] + s_m


def net_of(road_map: RoadMap) -> Net:
    lanes = road_map.arrays.lanes
    cars = (lanes["road"] & Road.CAR > 0) & (lanes["turn"] != Turn.BACK) & (lanes["speed_limit"] >= _SLOWEST_STREET_MPS)
    return Net(road_map, cars & ~tight_lanes(road_map, BMW_320I))


def way_through(net: Net, lane: int, before_m: float, after_m: float) -> Way | None:
    """The way over a lane, as straight as it goes before and behind: so far, or as far as there is road without another junction's light.

    None where lanes that follow each other do not touch, or the way comes back to itself.
    """
    before, after = _onward(net, lane, "predecessor", before_m), _onward(net, lane, "successor", after_m)
    lanes = (*reversed(before), lane, *after)
    if len(set(lanes)) < len(lanes):
        return None
    pieces = [_middle(net, one) for one in lanes]
    begins = np.append(0.0, np.cumsum([distances(piece)[-1] for piece in pieces]))
    joined = np.vstack([pieces[0], *(piece[1:] for piece in pieces[1:])])
    gaps = [np.hypot(*(next_[0, :2] - piece[-1, :2])) for piece, next_ in pairwise(pieces)]
    if any(gap > _KINK_M for gap in gaps):
        return None
    kept = np.append(True, np.hypot(*np.diff(joined[:, :2], axis=0).T) > 1e-3)
    path = rounded(joined[kept])
    return Way(lanes, path, tuple(begins[:-1].tolist()), float(distances(path)[-1]))


def _onward(net: Net, lane: int, side: str, reach_m: float) -> list[int]:
    found: list[int] = []
    gone, junction = 0.0, int(net.lanes[lane]["junction"])
    while gone < reach_m:
        options = [one for one in linked(net, lane, side) if one not in found and _passes(net, one, junction)]
        if not options:
            break
        lane = options[0]
        found.append(lane)
        gone += float(net.lanes[lane]["length"])
    return found


def _passes(net: Net, lane: int, junction: int) -> bool:
    """Whether no light other than those of a junction is in the way."""
    return bool(net.lanes[lane]["signal"] < 0 or (junction >= 0 and net.lanes[lane]["junction"] == junction))


def linked(net: Net, lane: int, side: str) -> list[int]:
    """Where a lane leads (`successor`) or comes from (`predecessor`), by car; straight on first."""
    arrays, record = net.road_map.arrays, net.lanes[lane]
    of = arrays.predecessors if side == "predecessor" else arrays.successors
    first, count = int(record[f"{side}_first"]), int(record[f"{side}_count"])
    return sorted((int(one) for one in of[first : first + count] if net.drivable[one]), key=lambda one: (int(net.lanes[one]["turn"]), one))


def conflicts(net: Net, lane: int) -> Records:
    record = net.lanes[lane]
    found: Records = net.road_map.arrays.conflicts[record["conflict_first"] : record["conflict_first"] + record["conflict_count"]]
    return found


def _middle(net: Net, lane: int) -> Floats:
    record = net.lanes[lane]
    points = net.road_map.arrays.points[record["point_first"] : record["point_first"] + record["point_count"]]
    return np.column_stack([points["x"], points["y"], np.unwrap(np.arctan2(points["tangent_y"], points["tangent_x"]))])


def heading(net: Net, lane: int, end: int = 0) -> float:
    """Of a lane's first (0) or last (−1) point, rad."""
    path = _middle(net, lane)
    return float(path[end, 2])


def limit(net: Net, lane: int) -> float:
    """The speed limit, m/s; where none is posted, that of a town."""
    posted = float(net.lanes[lane]["speed_limit"])
    return posted if math.isfinite(posted) else _UNPOSTED_MPS


def bend(path: Floats, from_m: float, to_m: float) -> float:
    """The sharpest curvature between two arc lengths, 1/m."""
    s = distances(path)
    inside = (s >= from_m) & (s <= to_m)
    if inside.sum() < 2:
        return 0.0
    return float(np.max(np.abs(np.diff(np.unwrap(path[inside, 2]))) / np.diff(s[inside]), initial=0.0))


def comfortable(path: Floats, from_m: float, to_m: float, wished_mps: float) -> float:
    """The speed wished, or what the bends between two arc lengths leave of it."""
    sharpest = bend(path, from_m, to_m)
    return wished_mps if sharpest <= 0.0 else min(wished_mps, math.sqrt(LATERAL_MPS2 / sharpest))


def run_up(path: Floats, at_m: float, wished_mps: float, lasts_s: float, most_m: float) -> tuple[float, float] | None:
    """How far before a meeting the ego's drive begins, m, and how fast, m/s; None where the way begins too late for any drive.

    lasts_s: so long before, if the way allows it. Whoever begins so can stop before the meeting without braking hard.
    """
    lead_m = min(max(_LEAST_RUN_UP_M, lasts_s * wished_mps), most_m, at_m - _SPARE_M)
    if lead_m < _LEAST_RUN_UP_M:
        return None
    room_m = lead_m - _STOPS_BEFORE_M
    easy_mps = _EASY_MPS2 * (math.sqrt(_REACTS_S**2 + 2.0 * room_m / _EASY_MPS2) - _REACTS_S)
    return lead_m, comfortable(path, at_m - lead_m - 2.0, at_m - lead_m + 25.0, min(wished_mps, easy_mps))


def arrive(
    body: Body, way: Way, at_m: float, at_s: float, profile: Profile, shifts: Sequence[tuple[float, float, float]] = ()
) -> Actor:  # fmt: skip
    """On its way so that its middle is at an arc length at a moment; where the way begins too late for that it comes into sight there.

    profile: (time s, speed m/s) on the scene's clock.
    """
    times, speeds = zip(*profile, strict=True)
    fine = np.linspace(0.0, LONGEST_S, round(LONGEST_S / STEP_S) * 2 + 1)
    speed = np.interp(fine, times, speeds)
    gone = np.append(0.0, np.cumsum(0.5 * (speed[1:] + speed[:-1]) * np.diff(fine)))
    along = at_m - float(np.interp(at_s, fine, gone)) + gone
    late = int(np.argmax(along >= 0.5 * body.length_m)) if along[0] < 0.5 * body.length_m else 0
    first = math.ceil(fine[late] / STEP_S - 1e-9)
    begins_s = first * STEP_S
    shifted = [(time - begins_s, speed_) for time, speed_ in profile]
    start_m = float(np.interp(begins_s, fine, along))
    actor = drive(body, way.path, start_m, shifted, [(begin - begins_s, lasts, metres) for begin, lasts, metres in shifts])
    kept = round(LONGEST_S / STEP_S) + 1 - first
    return Actor(body, actor.poses[:kept], actor.speeds[:kept], first)


def signals_on(net: Net, *ways: Way) -> list[int]:
    """The lights of ways."""
    return sorted({int(net.lanes[lane]["signal"]) for way in ways for lane in way.lanes} - {-1})


def common_green(net: Net, signals: Sequence[int], lasts_s: float) -> float | None:
    """When some signals begin to be green together for so long, on the map's clock; 0 without any, None for never."""
    if not signals:
        return 0.0
    arrays = net.road_map.arrays
    longest_s = max(float(arrays.signals[one]["cycle_s"]) for one in signals)
    times = np.arange(0.0, min(2.0 * longest_s, _LONGEST_PROGRAM_S), _GREEN_STEP_S)
    green = np.all([_is_green(net, one, times) for one in signals], axis=0)
    needed = math.ceil(lasts_s / _GREEN_STEP_S)
    runs = np.convolve(green, np.ones(needed), mode="valid") >= needed - 0.5
    return float(times[int(np.argmax(runs))]) if runs.any() else None


def _is_green(net: Net, signal: int, times: Floats) -> Bools:
    """(n,) as `map.query.signal_colour` says it."""
    arrays = net.road_map.arrays
    head = arrays.signals[signal]
    phases = arrays.phases[head["phase_first"] : head["phase_first"] + head["phase_count"]]
    phase = np.searchsorted(phases["end_s"], (times - head["offset_s"]) % head["cycle_s"], side="right")
    return np.isin(phases["colour"][np.minimum(phase, len(phases) - 1)], _GREEN)


def is_paved(net: Net, path: Floats, from_m: float, to_m: float) -> bool:
    """Whether a body half a metre wider than a car stays on the road along a path: at bends some maps leave wide slits between lanes."""
    poses, road = at(path, np.arange(from_m, to_m, 1.0)), paved(net.road_map).arrays
    return not any(off_road(x, y, angle, _BODY_M[0], _BODY_M[1], road) for x, y, angle in poses.tolist())


def connections(net: Net) -> list[int]:
    """Lanes through junctions, in the order of their names."""
    return net.candidates(net.lanes["junction"] >= 0)


def streets(net: Net, least_m: float) -> list[int]:
    """Lanes outside junctions that are so long, in the order of their names."""
    return net.candidates((net.lanes["junction"] < 0) & (net.lanes["length"] >= least_m))


def is_outermost(net: Net, lane: int) -> bool:
    """Whether no lane for cars lies between a lane and the edge of the road."""
    beyond = int(net.lanes[lane]["right" if net.road_map.right_hand_traffic else "left"])
    return beyond < 0 or not net.drivable[beyond]
