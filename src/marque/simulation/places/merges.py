"""Scenes where two lanes become one: a lane that ends beside another, and ways that run together without a turn."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

from marque.driving.map import Meeting, Turn, Yield
from marque.driving.map.geometry import wrap
from marque.driving.map.query import pose_at, project
from marque.simulation.library.actors import CAR
from marque.simulation.library.roads import pose_at as on_path
from marque.simulation.places.junctions import BODIES
from marque.simulation.places.model import Net, Place, Staged
from marque.simulation.places.ways import (
    Way,
    arrive,
    bend,
    comfortable,
    common_green,
    conflicts,
    connections,
    heading,
    is_paved,
    limit,
    run_up,
    signals_on,
    streets,
    way_through,
)

_MINDS = (Yield.YIELD, Yield.ALTERNATE)
_SAME_WAY_RAD = math.radians(40.0)
_LEAST_M, _ENDS_S = 45.0, 4.0
_LEAD_S = 8.0
_BEFORE_M, _AFTER_M, _GOAL_BEHIND_M = 330.0, 110.0, 80.0
_NEEDS_M, _BEGINS_M = 60.0, 15.0
_GREEN_S = 14.0
_TIGHTEST_PER_M = 0.15


def merge_places(net: Net) -> Iterator[Place]:
    """Where the ego's lane ends beside another, or runs together with one to which it owes the way or with which it zips."""
    yield from _ending(net)
    yield from _joining(net)


def _ending(net: Net) -> Iterator[Place]:
    for lane in streets(net, _LEAST_M):
        record = net.lanes[lane]
        length_m = float(record["length"])
        if record["successor_count"] > 0 or length_m < _needs_m(net, lane):
            continue
        for side in ("left", "right"):
            other = int(record[side])
            if other >= 0 and net.drivable[other] and record[f"may_change_{side}"] and net.lanes[other]["successor_count"] > 0:
                place = Place(
                    f"{net.name(lane)} > {net.name(other)}", lane, length_m - 5.0, other, _abreast(net, lane, other, length_m - 5.0)
                )
                if _ways(net, place) is not None:
                    yield place
                break


def _joining(net: Net) -> Iterator[Place]:
    for lane in connections(net):
        for meets in conflicts(net, lane):
            other = int(meets["other"])
            together = meets["meeting"] == Meeting.MERGE and net.lanes[other]["turn"] == Turn.STRAIGHT and meets["yields"] in _MINDS
            if not net.drivable[other] or not together or abs(wrap(heading(net, other) - heading(net, lane))) > _SAME_WAY_RAD:
                continue
            place = Place(f"{net.name(lane)} > {net.name(other)}", lane, float(meets["leave_s"]), other, float(meets["other_leave_s"]))
            found = _ways(net, place)
            if found is not None and (clock_s := common_green(net, signals_on(net, *found), _GREEN_S)) is not None:
                yield dataclasses.replace(place, clock_s=clock_s)
                break


def merge(net: Net, place: Place, *, gap_s: float, other_pace: float, headway_s: float, body: str) -> Staged:
    """Two come one after the other on the lane in which the ego's ends.

    gap_s: the first is at its end so long after the ego would be there; headway_s: the second behind the first.
    """
    found = _ways(net, place)
    assert found is not None, "places are only where ways are"
    ego, other = found
    lead = _lead(net, place, ego)
    assert lead is not None
    lead_m, start_mps = lead
    at_m, other_at_m = ego.at(place.lane, place.s_m), other.at(place.other, place.other_s_m)
    meets_s = lead_m / start_mps + gap_s
    goes_mps = comfortable(other.path, other_at_m - 100.0, other_at_m + 40.0, other_pace * limit(net, place.other))
    kind = BODIES[body]
    behind_s = headway_s + 0.5 * (kind.length_m + CAR.length_m) / goes_mps
    actors = [
        arrive(kind, other, other_at_m, meets_s, [(0.0, goes_mps)]),
        arrive(CAR, other, other_at_m, meets_s + behind_s, [(0.0, goes_mps)]),
    ]
    fastest = max(limit(net, lane) for lane in other.lanes)
    return Staged(
        other.path, other_at_m - lead_m, other_at_m + _GOAL_BEHIND_M, start_mps, fastest, actors, [True] * 2, 12.0, 20.0,
        clock_s=place.clock_s, start=on_path(ego.path, at_m - lead_m),
    )  # fmt: skip


# -- parts ---------------------------------------------------------------------------------------------------------------------------------


def _needs_m(net: Net, lane: int) -> float:
    return max(_LEAST_M, _ENDS_S * limit(net, lane))


def _abreast(net: Net, lane: int, other: int, s_m: float) -> float:
    arrays = net.road_map.arrays
    x, y, _, _ = pose_at(arrays, lane, s_m, 0.0, -1)
    return float(project(arrays, other, x, y, -1)[0])


def _ways(net: Net, place: Place) -> tuple[Way, Way] | None:
    """The ego's and the other's, where there is room for both."""
    ego, other = way_through(net, place.lane, 90.0, 0.0), way_through(net, place.other, _BEFORE_M, _AFTER_M)
    if ego is None or other is None:
        return None
    at_m, other_at_m = ego.at(place.lane, place.s_m), other.at(place.other, place.other_s_m)
    shared = set(ego.lanes) & set(other.lanes)
    lead = _lead(net, place, ego)
    if lead is None:
        return None
    lead_m = lead[0]
    short = other_at_m < max(_NEEDS_M, lead_m + 1.0) or other.length_m < other_at_m + _GOAL_BEHIND_M + 8.0
    bent = bend(ego.path, at_m - lead_m, at_m) > _TIGHTEST_PER_M or bend(other.path, other_at_m - 60.0, other_at_m + 60.0) > _TIGHTEST_PER_M
    if shared or short or bent or not is_paved(net, ego.path, at_m - lead_m, at_m - 2.0):
        return None
    return (ego, other) if is_paved(net, other.path, other_at_m - lead_m, other_at_m + _GOAL_BEHIND_M) else None


def _lead(net: Net, place: Place, ego: Way) -> tuple[float, float] | None:
    """The ego's run-up; where its lane ends, on that lane alone."""
    record = net.lanes[place.lane]
    most_m = math.inf if record["successor_count"] else float(record["length"]) - _BEGINS_M
    return run_up(ego.path, ego.at(place.lane, place.s_m), 0.9 * limit(net, place.lane), _LEAD_S, most_m)
