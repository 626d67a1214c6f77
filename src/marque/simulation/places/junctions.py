"""Scenes at junctions: who goes first is the map's own word (`Conflict.yields`)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from marque.common import Record
from marque.driving.map import Meeting, Turn, Yield
from marque.driving.map.geometry import wrap
from marque.simulation.library.actors import BICYCLE, CAR, MOTORCYCLE, TRUCK, Actor, Body
from marque.simulation.places.model import Net, Place, Staged, Value
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
    linked,
    run_up,
    signals_on,
    way_through,
)

BODIES = {"car": CAR, "truck": TRUCK, "motorcycle": MOTORCYCLE, "bicycle": BICYCLE}
_FASTEST_MPS = 20.0
"""Junctions of faster roads are no city's."""
_LEAD_S, _MOST_LEAD_M = 5.5, 75.0
"""How long before the meeting the ego's drive begins, and at most how far."""
_AFTER_M = 60.0
_GOAL_BEHIND_M, _GOAL_WIDTH_M = 45.0, 20.0
_COMES_FROM_M, _NEEDS_M = 120.0, 45.0
_GREEN_S = 14.0
_TIGHTEST_PER_M, _OTHERS_TIGHTEST_PER_M = 0.2, 0.1
_RIDES_MPS = 6.0
_WAIT_S = 12.0
_OPPOSITE_RAD, _ACROSS_RAD = math.radians(125.0), (math.radians(45.0), math.radians(135.0))
_OWES = (Yield.YIELD, Yield.STOP)


def unprotected_left_places(net: Net) -> Iterator[Place]:
    """A turn across who comes towards it and goes first: to the left where traffic keeps right, else to the right."""
    across = Turn.LEFT if net.road_map.right_hand_traffic else Turn.RIGHT

    def fits(lane: int, meets: Record) -> bool:
        turns = net.lanes[lane]["turn"] == across and net.lanes[meets["other"]]["turn"] == Turn.STRAIGHT
        return bool(turns and meets["yields"] in _OWES and _angle(net, lane, meets) > _OPPOSITE_RAD)

    return _places(net, fits)


def give_way_places(net: Net) -> Iterator[Place]:
    """A way over another that comes from the side and goes first."""

    def fits(lane: int, meets: Record) -> bool:
        straight = net.lanes[meets["other"]]["turn"] == Turn.STRAIGHT and meets["meeting"] == Meeting.CROSSING
        return bool(straight and meets["yields"] in _OWES and _ACROSS_RAD[0] < _angle(net, lane, meets) < _ACROSS_RAD[1])

    return _places(net, fits)


def right_of_way_places(net: Net) -> Iterator[Place]:
    """Straight on with the right of way over who comes from the side."""

    def fits(lane: int, meets: Record) -> bool:
        straight = net.lanes[lane]["turn"] == Turn.STRAIGHT and net.lanes[meets["other"]]["turn"] == Turn.STRAIGHT
        goes_first = meets["yields"] == Yield.NONE and _mirror(net, meets)["yields"] in _OWES
        unlit = net.lanes[lane]["signal"] < 0 and net.lanes[meets["other"]]["signal"] < 0
        return bool(straight and goes_first and unlit and _ACROSS_RAD[0] < _angle(net, lane, meets) < _ACROSS_RAD[1])

    return _places(net, fits)


def turn_into_places(net: Net) -> Iterator[Place]:
    """A turn into a street on which somebody comes who goes first."""

    def fits(lane: int, meets: Record) -> bool:
        turns = net.lanes[lane]["turn"] in (Turn.LEFT, Turn.RIGHT) and net.lanes[meets["other"]]["turn"] == Turn.STRAIGHT
        return bool(turns and meets["meeting"] == Meeting.MERGE and meets["yields"] in _OWES)

    return _places(net, fits, ends_together=True)


def across_others(
    net: Net, place: Place, *, gap_s: float, other_pace: float, others: float, headway_s: float, body: str
) -> Staged:  # fmt: skip
    """Others come one after the other, the first at the meeting so long after the ego would be there."""
    ego, other, lead_m, start_mps = _set_off(net, place)
    meets_s = lead_m / start_mps + gap_s
    goes_mps = _goes(net, place, other, other_pace, body)
    at_m = other.at(place.other, place.other_s_m)
    bodies = [_bodied(body)] + [CAR] * (round(others) - 1)
    actors = [
        arrive(one, other, at_m, max(0.0, meets_s + k * (headway_s + one.length_m / goes_mps)), [(0.0, goes_mps)])
        for k, one in enumerate(bodies)
    ]
    return _staged(net, place, ego, lead_m, start_mps, actors, _WAIT_S + round(others) * headway_s)


def other_yields(net: Net, place: Place, *, gap_s: float, other_pace: float, braking_mps2: float, body: str) -> Staged:
    """The other one comes as if it would not stop, brakes late and stands at its line."""
    ego, other, lead_m, start_mps = _set_off(net, place)
    before = other.lanes[other.lanes.index(place.other) - 1]
    kind = _bodied(body)
    line_m = other.at(before, float(net.lanes[before]["stop_s"])) - 0.5 * kind.length_m - 0.5
    goes_mps = _goes(net, place, other, other_pace, body)
    # It would reach the line when the ego is gap_s from the meeting; braking makes that as much later as it takes.
    stands_s = max(2.0 + goes_mps / braking_mps2, lead_m / start_mps - gap_s + 0.5 * goes_mps / braking_mps2)
    profile = [(stands_s - goes_mps / braking_mps2, goes_mps), (stands_s, 0.0)]
    return _staged(net, place, ego, lead_m, start_mps, [arrive(kind, other, line_m, stands_s, profile)], 10.0)


# -- places --------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Meeting:
    ego_s_m: float
    other_s_m: float


def _places(net: Net, fits: Callable[[int, Record], bool], *, ends_together: bool = False) -> Iterator[Place]:
    for lane in connections(net):
        if limit(net, lane) > _FASTEST_MPS:
            continue
        for meets in conflicts(net, lane):
            other = int(meets["other"])
            if not net.drivable[other] or limit(net, other) > _FASTEST_MPS or not fits(lane, meets):
                continue
            share = 1.0 if ends_together else 0.5
            at = _Meeting(*(float(meets[f"{who}enter_s"] * (1.0 - share) + meets[f"{who}leave_s"] * share) for who in ("", "other_")))
            place = _timed(net, Place(f"{net.name(lane)} × {net.name(other)}", lane, at.ego_s_m, other, at.other_s_m))
            if place is not None:
                yield place
                break


def _timed(net: Net, place: Place) -> Place | None:
    """The place, with lights that let both go; None where there is not road enough for both, a bend is too tight for them, or they share

    a street before they meet.
    """
    found = _try_ways(net, place)
    if found is None:
        return None
    ego, other = found
    lead = _lead(net, place, ego)
    at_m, other_at_m = ego.at(place.lane, place.s_m), other.at(place.other, place.other_s_m)
    if lead is None or ego.length_m < at_m + _GOAL_BEHIND_M + 8.0 or other_at_m < _NEEDS_M:
        return None
    shared = set(ego.lanes[: ego.lanes.index(place.lane) + 1]) & set(other.lanes)
    tight = bend(ego.path, at_m - lead[0], at_m + _GOAL_BEHIND_M) >= _TIGHTEST_PER_M
    clock_s = common_green(net, signals_on(net, ego, other), _GREEN_S)
    if shared or tight or bend(other.path, 0.0, other.length_m) >= _OTHERS_TIGHTEST_PER_M or clock_s is None:
        return None
    if not is_paved(net, ego.path, at_m - lead[0], at_m + _GOAL_BEHIND_M):
        return None
    return dataclasses.replace(place, clock_s=clock_s)


def _try_ways(net: Net, place: Place) -> tuple[Way, Way] | None:
    ego = way_through(net, place.lane, 90.0, _AFTER_M)
    other = way_through(net, place.other, _COMES_FROM_M, _AFTER_M)
    enough = ego is not None and other is not None and linked(net, place.other, "predecessor")
    return (ego, other) if enough and ego is not None and other is not None else None


def _lead(net: Net, place: Place, ego: Way) -> tuple[float, float] | None:
    """How far before the meeting the ego starts, m, and how fast."""
    before = ego.lanes[max(0, ego.lanes.index(place.lane) - 1)]
    wished = min(0.9 * limit(net, before), _FASTEST_MPS)
    return run_up(ego.path, ego.at(place.lane, place.s_m), wished, _LEAD_S, _MOST_LEAD_M)


def _set_off(net: Net, place: Place) -> tuple[Way, Way, float, float]:
    """The ways of both, and the ego's run-up."""
    found = _try_ways(net, place)
    lead = None if found is None else _lead(net, place, found[0])
    assert found is not None, "places are only where ways are"
    assert lead is not None, "places are only where there is a run-up"
    return *found, *lead


def _goes(net: Net, place: Place, other: Way, pace: float, body: str) -> float:
    at_m = other.at(place.other, place.other_s_m)
    wished = pace * limit(net, place.other)
    if body == "bicycle":
        wished = min(wished, _RIDES_MPS)
    return comfortable(other.path, at_m - _COMES_FROM_M, at_m + 30.0, wished)


def _bodied(name: Value) -> Body:
    return BODIES[str(name)]


def _angle(net: Net, lane: int, meets: Record) -> float:
    return abs(wrap(heading(net, int(meets["other"])) - heading(net, lane)))


def _mirror(net: Net, meets: Record) -> Record:
    return net.road_map.arrays.conflicts[int(meets["mirror"])]


def _staged(net: Net, place: Place, ego: Way, lead_m: float, start_mps: float, actors: list[Actor], wait_s: float) -> Staged:
    at_m = ego.at(place.lane, place.s_m)
    fastest = max(limit(net, lane) for lane in ego.lanes)
    return Staged(
        ego.path, at_m - lead_m, at_m + _GOAL_BEHIND_M, start_mps, fastest, actors, [True] * len(actors), wait_s, _GOAL_WIDTH_M,
        clock_s=place.clock_s,
    )  # fmt: skip
