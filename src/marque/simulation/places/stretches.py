"""Scenes on stretches of street between junctions: who drives ahead, cuts in or out, what stands in the way, what fails."""

from __future__ import annotations

from collections.abc import Iterator

from marque.driving.map.query import pose_at, project, width_at
from marque.simulation.library.actors import CAR, FENCE, TRUCK, Actor, park
from marque.simulation.places.junctions import BODIES
from marque.simulation.places.model import Net, Place, Staged
from marque.simulation.places.ways import Way, arrive, comfortable, is_outermost, is_paved, limit, streets, way_through

_START_M = 12.0
_LEAST_M, _MOVES_S = 20.0, 7.0
"""Length of a stretch on which somebody changes lanes: so long, and so many seconds at its limit."""
_GOAL_S, _NEAREST_GOAL_M = 9.0, 80.0
_SHARE = 0.9
"""Of the limit, at which the ego begins."""
_WORKS_M, _WORKS_AT_M, _WORKS_GOAL_M, _WORKS_FASTEST_MPS = 110.0, 70.0, 125.0, 20.0
_FAULT_WAY_M = 190.0
_LANES_WIDE_M = 20.0
"""Of a goal on whichever lane."""


def follow_places(net: Net) -> Iterator[Place]:
    """A street without a junction for a while."""
    for lane in streets(net, _LEAST_M):
        way = _way(net, lane) if net.lanes[lane]["length"] >= _needs_m(net, lane) else None
        if way is not None and way.length_m >= _goal_m(net, lane) and is_paved(net, way.path, _START_M, _goal_m(net, lane)):
            yield Place(net.name(lane), lane, 0.0)


def beside_places(net: Net) -> Iterator[Place]:
    """A lane with another beside it, of the same direction, that may be left for it: once for each side."""
    for place in follow_places(net):
        for side in ("left", "right"):
            other = int(net.lanes[place.lane][side])
            back = "right" if side == "left" else "left"
            if other >= 0 and net.drivable[other] and net.lanes[other][f"may_change_{back}"]:
                yield Place(f"{place.id} {side}", place.lane, 0.0, other)


def passable_places(net: Net) -> Iterator[Place]:
    """A street on which one can pass: on a lane beside, or on that of the oncoming traffic."""
    for lane in streets(net, _WORKS_M):
        record = net.lanes[lane]
        passing = int(record["left"]) if record["may_change_left"] else int(record["oncoming"])
        way = way_through(net, lane, 0.0, _WORKS_GOAL_M + 15.0 - float(record["length"]))
        slow = passing >= 0 and is_outermost(net, lane) and limit(net, lane) <= _WORKS_FASTEST_MPS
        if slow and way is not None and way.length_m > _WORKS_GOAL_M + 10.0 and is_paved(net, way.path, _START_M, _WORKS_GOAL_M):
            yield Place(net.name(lane), lane, _WORKS_AT_M, passing)


def long_places(net: Net) -> Iterator[Place]:
    """A street that goes on, whatever there is behind it."""
    for lane in streets(net, 60.0):
        way = way_through(net, lane, 0.0, _FAULT_WAY_M)
        if way is not None and way.length_m > _FAULT_WAY_M - 10.0 and is_paved(net, way.path, _START_M, _FAULT_WAY_M - 10.0):
            yield Place(net.name(lane), lane, 0.0)


def lead_brakes(net: Net, place: Place, *, headway_s: float, braking_mps2: float, left_over: float, body: str) -> Staged:
    """The one ahead brakes, drives slowly for a while and speeds up again."""
    way, goes_mps = _driven(net, place)
    kind = BODIES[body]
    slow_mps, brakes_s = left_over * goes_mps, 2.0
    slow_s = brakes_s + (goes_mps - slow_mps) / braking_mps2
    profile = [(brakes_s, goes_mps), (slow_s, slow_mps), (slow_s + 3.0, slow_mps), (slow_s + 9.0, goes_mps)]
    ahead = arrive(kind, way, _ahead(way, goes_mps, headway_s, kind.length_m), 0.0, profile)
    return _staged(net, place, way, goes_mps, [ahead], 14.0)


def cut_in(net: Net, place: Place, *, headway_s: float, slower: float, lasts_s: float, body: str) -> Staged:
    """Somebody slower comes over from the lane beside, so many seconds ahead of the ego."""
    way, goes_mps = _driven(net, place)
    kind, aside_m = BODIES[body], _aside(net, place)
    shifts = [(-9.0, 1.0, aside_m), (0.5, lasts_s, -aside_m)]
    ahead = arrive(kind, way, _ahead(way, goes_mps, headway_s, kind.length_m), 0.0, [(0.0, (1.0 - slower) * goes_mps)], shifts)
    return _staged(net, place, way, goes_mps, [ahead], 12.0)


def cut_out(net: Net, place: Place, *, headway_s: float, reveal_s: float, left_over: float, lasts_s: float) -> Staged:
    """The car ahead moves over to the lane beside and reveals somebody slow.

    reveal_s: how long before it would reach who is slow it begins to; left_over: how fast that one is, as a share of the ego's speed.
    """
    way, goes_mps = _driven(net, place)
    ahead_m, slow_mps, moves_s = _ahead(way, goes_mps, headway_s, CAR.length_m), left_over * goes_mps, 0.5
    leaving = arrive(CAR, way, ahead_m, 0.0, [(0.0, goes_mps)], [(moves_s, lasts_s, _aside(net, place))])
    apart_m = (goes_mps - slow_mps) * (reveal_s + moves_s) + 0.5 * (CAR.length_m + TRUCK.length_m)
    slow = arrive(TRUCK, way, ahead_m + apart_m, 0.0, [(0.0, slow_mps)])
    return _staged(net, place, way, goes_mps, [leaving, slow], 14.0)


def roadworks(net: Net, place: Place, *, length_m: float, into_lane: float, others: float, other_pace: float) -> Staged:
    """Fences close the outer part of the lane for a while; whoever passes them uses the lane beside, on which others may come.

    into_lane: which share of the lane's width is closed.
    """
    way = _reached(net, place, _WORKS_GOAL_M + 10.0)
    goes_mps = comfortable(way.path, 0.0, 40.0, _SHARE * limit(net, place.lane))
    arrays = net.road_map.arrays
    actors: list[Actor] = []
    for k in range(round(length_m / FENCE.length_m)):
        s_m = place.s_m + FENCE.length_m * k
        width_m = _width_m(net, place.lane, s_m)
        x, y, heading, _ = pose_at(arrays, place.lane, s_m, _side(net) * (0.5 * width_m - into_lane * width_m + 0.5 * FENCE.width_m), -1)
        actors.append(park(FENCE, (x, y, heading)))
    opposite = net.lanes[place.lane]["oncoming"] == place.other
    theirs = way_through(net, place.other, 40.0, 60.0)
    if theirs is not None:
        mps = comfortable(theirs.path, 0.0, theirs.length_m, other_pace * limit(net, place.other))
        x, y, _, _ = pose_at(arrays, place.lane, place.s_m, 0.0, -1)
        there_m = theirs.at(place.other, project(arrays, place.other, x, y, -1)[0])
        meets_s = (place.s_m - _START_M) / goes_mps
        for k in range(round(others)):
            at_s = meets_s + (2.5 * k if opposite else -1.0 - 2.5 * k)
            actors.append(arrive(CAR, theirs, there_m, max(0.2, at_s), [(0.0, mps)]))
    fastest = limit(net, place.lane)
    heeds = [not one.parked for one in actors]
    return Staged(way.path, _START_M, _WORKS_GOAL_M, goes_mps, fastest, actors, heeds, 30.0, 3.2 if opposite else _LANES_WIDE_M)


def fault(net: Net, place: Place, *, kind: str, after_m: float, headway_s: float) -> Staged:
    """Something fails on the way behind another car.

    after_m: how far the ego has driven by then.
    """
    way = _reached(net, place, _FAULT_WAY_M)
    goes_mps = comfortable(way.path, 0.0, 60.0, _SHARE * limit(net, place.lane))
    slow_mps = comfortable(way.path, 0.0, way.length_m, goes_mps)
    ahead = arrive(CAR, way, _ahead(way, goes_mps, headway_s, CAR.length_m), 0.0, [(0.0, goes_mps), (3.0, slow_mps)])
    goal_m = min(way.length_m, _FAULT_WAY_M) - 15.0
    return Staged(
        way.path, _START_M, goal_m, goes_mps, limit(net, place.lane), [ahead], [True], 15.0, _LANES_WIDE_M, kind, after_m / goes_mps
    )


# -- parts ---------------------------------------------------------------------------------------------------------------------------------


def _needs_m(net: Net, lane: int) -> float:
    return _LEAST_M + _MOVES_S * limit(net, lane)


def _goal_m(net: Net, lane: int) -> float:
    return max(_NEAREST_GOAL_M, _GOAL_S * limit(net, lane)) + 10.0


def _way(net: Net, lane: int) -> Way | None:
    return way_through(net, lane, 0.0, max(0.0, _goal_m(net, lane) + 60.0 - float(net.lanes[lane]["length"])))


def _reached(net: Net, place: Place, length_m: float) -> Way:
    way = way_through(net, place.lane, 0.0, max(0.0, length_m + 5.0 - float(net.lanes[place.lane]["length"])))
    assert way is not None, "places are only where ways are"
    return way


def _driven(net: Net, place: Place) -> tuple[Way, float]:
    way = _way(net, place.lane)
    assert way is not None, "places are only where ways are"
    return way, comfortable(way.path, 0.0, _goal_m(net, place.lane), _SHARE * limit(net, place.lane))


def _ahead(way: Way, goes_mps: float, headway_s: float, length_m: float) -> float:
    """Where the middle of a body is whose back is so many seconds ahead of the front of a car at the start."""
    return min(way.length_m - 1.0, _START_M + headway_s * goes_mps + 0.5 * (CAR.length_m + length_m) + 0.5)


def _aside(net: Net, place: Place) -> float:
    """How far to the left the lane beside lies."""
    arrays = net.road_map.arrays
    x, y, _, _ = pose_at(arrays, place.other, 0.5 * float(net.lanes[place.other]["length"]), 0.0, -1)
    return float(project(arrays, place.lane, x, y, -1)[1])


def _width_m(net: Net, lane: int, s_m: float) -> float:
    left, right = width_at(net.road_map.arrays, lane, s_m, -1)
    return float(left + right)


def _side(net: Net) -> float:
    """The outer border lies to the right (−1) or left (1)."""
    return -1.0 if net.road_map.right_hand_traffic else 1.0


def _staged(net: Net, place: Place, way: Way, goes_mps: float, actors: list[Actor], wait_s: float) -> Staged:
    goal_m, fastest = _goal_m(net, place.lane) - 10.0, limit(net, place.lane)
    return Staged(way.path, _START_M, goal_m, goes_mps, fastest, actors, [True] * len(actors), wait_s, _LANES_WIDE_M)
