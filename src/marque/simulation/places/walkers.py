"""Scenes with people on foot: on crossings, between them, and out of where one cannot see."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from marque.driving.map import Turn
from marque.driving.map.query import width_at
from marque.simulation.library.actors import ADULT, CHILD, PARKED_VAN, Actor, Body, park, walk
from marque.simulation.library.roads import at, beside, distances, pose_at
from marque.simulation.places.model import Net, Place, Staged
from marque.simulation.places.ways import Way, bend, common_green, is_outermost, is_paved, limit, run_up, signals_on, streets, way_through

_FASTEST_MPS = 17.0
_LEAD_S, _MOST_LEAD_M = 6.0, 85.0
_BEFORE_M, _AFTER_M = 95.0, 55.0
_GOAL_BEHIND_M, _GOAL_WIDTH_M = 40.0, 20.0
_KERB_M = 2.0
"""From so far beside the road somebody sets out."""
_GREEN_S = 14.0
_TIGHTEST_PER_M = 0.2
_STRAIGHT_PER_M = 0.02
_SPEEDS_UP_S = 0.3
_WAIT_S = 14.0
_NOTICES_S, _BRAKES_MPS2 = 1.0, 6.0
"""Who crosses in sight walks for so long before that a careful driver can stop."""


def crossing_places(net: Net) -> Iterator[Place]:
    """A lane over a crossing on which people go first: by its marking, or because the car turns; with lights, while both have green."""
    arrays = net.road_map.arrays
    for lane in net.candidates(net.lanes["crossing_count"] > 0):
        record = net.lanes[lane]
        if limit(net, lane) > _FASTEST_MPS:
            continue
        for over in arrays.lane_crossings[record["crossing_first"] : record["crossing_first"] + record["crossing_count"]]:
            crossing = arrays.crossings[over["crossing"]]
            lit = int(crossing["signal"]) >= 0
            if record["turn"] == Turn.STRAIGHT and (lit or not crossing["priority"]):
                continue
            s_m = 0.5 * float(over["enter_s"] + over["leave_s"])
            name = f"{net.name(lane)} over {net.road_map.crossing_ids[over['crossing']]}"
            place = Place(name, lane, s_m, crossing=int(over["crossing"]), other_s_m=0.5 * float(over["enter_t"] + over["leave_t"]))
            if not _has_room(net, place):
                continue
            signals = signals_on(net, _way(net, place)) + ([int(crossing["signal"])] if lit else [])
            if (clock_s := common_green(net, signals, _GREEN_S)) is not None:
                yield dataclasses.replace(place, clock_s=clock_s)


def hidden_crossing_places(net: Net) -> Iterator[Place]:
    """A crossing with room for a parked van before it, at the outer border of a straight street."""
    for place in crossing_places(net):
        outer = is_outermost(net, place.lane)
        ego = _way(net, place)
        at_m = ego.at(place.lane, place.s_m)
        if outer and bend(ego.path, at_m - 25.0, at_m) < _STRAIGHT_PER_M:
            yield place


def kerb_places(net: Net) -> Iterator[Place]:
    """A straight street whose outer border a lane for cars is: in its middle."""
    for lane in streets(net, 30.0):
        outer = is_outermost(net, lane)
        place = Place(net.name(lane), lane, 0.5 * float(net.lanes[lane]["length"]))
        if outer and limit(net, lane) <= 14.0 and _has_room(net, place):
            ego = _way(net, place)
            at_m = ego.at(lane, place.s_m)
            if bend(ego.path, at_m - 25.0, at_m + 5.0) < _STRAIGHT_PER_M:
                yield place


def crossing(net: Net, place: Place, *, early_s: float, walks_mps: float, from_left: bool) -> Staged:
    """Somebody is in the ego's lane on a crossing so long before it would be there."""
    return _crossed(net, place, early_s, walks_mps, from_left, [])


def hidden_crossing(net: Net, place: Place, *, early_s: float, walks_mps: float, van_before_m: float) -> Staged:
    """A van is parked before the crossing and hides who walks onto it.

    van_before_m: from its front to the middle of the crossing.
    """
    ego = _way(net, place)
    at_m = ego.at(place.lane, place.s_m)
    van = _van(net, ego, at_m - van_before_m - 0.5 * PARKED_VAN.length_m, 0.1)
    from_left = not net.road_map.right_hand_traffic
    return _crossed(net, place, early_s, walks_mps, from_left, [van])


def hidden_child(net: Net, place: Place, *, early_s: float, runs_mps: float, beside_m: float, vans: float) -> Staged:
    """A child runs out from between vans that are parked beside the lane.

    early_s: it would be in the middle of the lane so long before the ego; beside_m: between the lane's border and the vans; vans: how
    many, the child comes from before the last.
    """
    ego, at_m, lead_m, mps = _set_off(net, place)
    spaced = PARKED_VAN.length_m + 1.6
    parked = [_van(net, ego, at_m - 0.8 - 0.5 * PARKED_VAN.length_m - spaced * k, beside_m) for k in range(round(vans))]
    away = _border(net, ego, at_m) + beside_m + PARKED_VAN.width_m + 0.3
    runner = _across(net, ego, at_m, away, runs_mps, lead_m / mps - early_s, CHILD)
    return _staged(net, place, [*parked, runner])


def pedestrian(net: Net, place: Place, *, early_s: float, walks_mps: float, kind: str) -> Staged:
    """Somebody crosses the street where there is no crossing, in sight."""
    ego, at_m, lead_m, mps = _set_off(net, place)
    body = CHILD if kind == "child" else ADULT
    in_sight_s = _NOTICES_S + mps / _BRAKES_MPS2 + max(0.0, -early_s)
    away = max(_border(net, ego, at_m) + _KERB_M, walks_mps * in_sight_s)
    return _staged(net, place, [_across(net, ego, at_m, away, walks_mps, lead_m / mps - early_s, body)])


# -- parts ---------------------------------------------------------------------------------------------------------------------------------


def _has_room(net: Net, place: Place) -> bool:
    ego = way_through(net, place.lane, _BEFORE_M, _AFTER_M)
    if ego is None:
        return False
    at_m, start = ego.at(place.lane, place.s_m), _start(net, place, ego)
    if start is None or ego.length_m < at_m + _GOAL_BEHIND_M + 8.0:
        return False
    begin, end = at_m - start[0], at_m + _GOAL_BEHIND_M
    return bend(ego.path, begin, end) < _TIGHTEST_PER_M and is_paved(net, ego.path, begin, end)


def _way(net: Net, place: Place) -> Way:
    ego = way_through(net, place.lane, _BEFORE_M, _AFTER_M)
    assert ego is not None, "places are only where ways are"
    return ego


def _start(net: Net, place: Place, ego: Way) -> tuple[float, float] | None:
    """How far before the meeting the ego starts, m, and how fast."""
    before = ego.lanes[max(0, ego.lanes.index(place.lane) - 1)]
    return run_up(ego.path, ego.at(place.lane, place.s_m), min(0.9 * limit(net, before), _FASTEST_MPS), _LEAD_S, _MOST_LEAD_M)


def _set_off(net: Net, place: Place) -> tuple[Way, float, float, float]:
    """The ego's way, where on it the meeting is, and the ego's run-up."""
    ego = _way(net, place)
    start = _start(net, place, ego)
    assert start is not None, "places are only where ways are"
    return ego, ego.at(place.lane, place.s_m), *start


def _border(net: Net, ego: Way, at_m: float) -> float:
    """From the middle of the ego's lane to its outer border, m."""
    place = max(k for k, begin in enumerate(ego.begins) if begin <= at_m)
    left, right = width_at(net.road_map.arrays, ego.lanes[place], at_m - ego.begins[place], -1)
    return float(right if net.road_map.right_hand_traffic else left)


def _side(net: Net) -> float:
    return -1.0 if net.road_map.right_hand_traffic else 1.0


def _van(net: Net, ego: Way, at_m: float, beside_m: float) -> Actor:
    away = _side(net) * (_border(net, ego, at_m) + beside_m + 0.5 * PARKED_VAN.width_m)
    return park(PARKED_VAN, pose_at(beside(ego.path, away), _along(ego, away, at_m)))


def _along(ego: Way, away: float, at_m: float) -> float:
    """The arc length on a path beside the ego's of the place abreast of one on the ego's."""
    own = distances(ego.path)
    return float(np.interp(at_m, own, distances(beside(ego.path, away))))


def _across(net: Net, ego: Way, at_m: float, away_m: float, mps: float, at_s: float, body: Body) -> Actor:
    """Square across the ego's way from its outer side; in the middle of the lane at a moment."""
    x, y, heading = at(ego.path, at_m)[0].tolist()
    left_x, left_y = -math.sin(heading), math.cos(heading)
    side = _side(net)
    start = (x + side * away_m * left_x, y + side * away_m * left_y)
    end = (x - side * (away_m + 6.0) * left_x, y - side * (away_m + 6.0) * left_y)
    return _walks(body, start, end, away_m, mps, at_s)


def _walks(body: Body, start: tuple[float, float], end: tuple[float, float], way_m: float, mps: float, at_s: float) -> Actor:
    """Sets out so as to have gone so far at a moment; stands until then."""
    sets_out_s = max(0.0, at_s - way_m / mps - 0.5 * _SPEEDS_UP_S)
    return walk(body, start, end, [(sets_out_s, 0.0), (sets_out_s + _SPEEDS_UP_S, mps)])


def _crossed(net: Net, place: Place, early_s: float, walks_mps: float, from_left: bool, others: list[Actor]) -> Staged:
    ego, at_m, lead_m, mps = _set_off(net, place)
    axis = net.road_map.arrays.crossings[place.crossing]
    ends = [(float(axis["x0"]), float(axis["y0"])), (float(axis["x1"]), float(axis["y1"]))]
    x, y, heading = at(ego.path, at_m)[0].tolist()
    away = place.other_s_m
    begins_left = (ends[0][0] - x) * -math.sin(heading) + (ends[0][1] - y) * math.cos(heading) > 0.0
    if begins_left != from_left:
        ends.reverse()
        away = math.dist(*ends) - away
    reach = math.dist(*ends)
    dx, dy = (ends[1][0] - ends[0][0]) / reach, (ends[1][1] - ends[0][1]) / reach
    begin = (ends[0][0] - _KERB_M * dx, ends[0][1] - _KERB_M * dy)
    end = (ends[1][0] + _KERB_M * dx, ends[1][1] + _KERB_M * dy)
    walker = _walks(ADULT, begin, end, away + _KERB_M, walks_mps, lead_m / mps - early_s)
    return _staged(net, place, [*others, walker])


def _staged(net: Net, place: Place, actors: list[Actor]) -> Staged:
    ego, at_m, lead_m, mps = _set_off(net, place)
    fastest = max(limit(net, lane) for lane in ego.lanes)
    heeds = [False] * len(actors)
    return Staged(
        ego.path, at_m - lead_m, at_m + _GOAL_BEHIND_M, mps, fastest, actors, heeds, _WAIT_S, _GOAL_WIDTH_M, clock_s=place.clock_s
    )
