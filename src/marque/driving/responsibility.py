"""What Responsibility-Sensitive Safety asks of the car now: every pair of it and somebody else judged, and the answers enforced.

The lane coordinates are those of the car's own path. Each pair has a memory: what was safe when it last was, and since when it is in
danger (`rss.respond`). Two sets of assumptions are kept apart. What is *watched* are published ones; what is *enforced* is what this car
can do: it answers sooner and brakes harder (docs/adr/0008-rss-in-the-guard.md). What comes of it is `answer`'s.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from marque.common import Bytes, Floats, Ints, Records
from marque.driving.interventions import RULES, Rule
from marque.driving.map import Colour, MapArrays, Meeting, Yield
from marque.driving.map.geometry import wrap
from marque.driving.path import BEHIND, STATIONS, TURNED_BACK, Paths
from marque.driving.predict import Predictions, shown
from marque.driving.rss import (
    UNKNOWN,
    Answer,
    Crossing,
    Limits,
    RssParameters,
    answering_distance,
    both,
    crossing_safety,
    earliest_arrival,
    limits,
    respond,
    safe_distance_beside,
    safe_distance_following,
    safe_distance_oncoming,
    stopping_distance,
)
from marque.driving.tracks import CAPACITY, NO_ID
from marque.vehicle import VehicleParameters, VehicleState, kernel


class Assumptions(NamedTuple):
    """What is assumed of the car and of everybody else."""

    ego: RssParameters
    other: RssParameters


WATCHED = Assumptions(RssParameters(1.0, 3.5, 8.0, 4.0, 3.0, 0.2, 0.8, 0.1), RssParameters(2.0, 3.5, 8.0, 4.0, 3.0, 0.2, 0.8, 0.1))
"""The set that Intel's integration of ad-rss-lib into CARLA uses (`RssCheck.cpp`, 2019–2020): 1 s for a machine, 2 s for people."""
ENFORCED = Assumptions(RssParameters(0.3, 1.5, 8.0, 7.0, 7.0, 0.5, 2.0, 0.1, 0.2), RssParameters(0.5, 3.5, 8.0, 4.0, 3.0, 0.2, 0.8, 0.1))
"""The same but for what this car can do: it responds within a cycle and its brakes' 0.15 s, stops accelerating at once, brakes as the held
stop does, keeps 0.2 m ahead, and steers back as soon as it may; and for how long people are taken to go on drifting."""

ENFORCES = (Rule.FOLLOWING, Rule.ONCOMING, Rule.BESIDE)
"""Rules that are enforced and not only watched: the published one for crossings forbids what priority roads are crossed by, a gap."""

_LOOKS_M, _BEHIND_M, _BESIDE_M = 120.0, -60.0, 8.0
"""How far around, how far behind along the path's beginning, and how far beside the path others are judged."""
_ALONG, _TOWARDS = 0.5, -0.9
"""Cosines from which somebody goes along the road, and up to which it comes towards the car along it; who crosses it or turns off is judged
where the ways cross."""
_BENT_RAD = 0.1
"""Where the path turns by more between the two, whoever comes straight on comes across in its lane coordinates, and yet may pass."""
_STANDS_MPS = 0.3
_WALKS_MPS, _TURNS_RAD = 2.0, 0.05
"""At walking pace, and turned so far from the path, the car drives round who stands: lane coordinates no longer tell who touches whom."""
_MEANS = 0.5
"""From this probability on somebody is taken to mean to go that way."""
_PAIR_SETS = 2

PAIR = np.dtype(
    [
        ("id", "i8"),
        ("memory", "i8"),  # of `rss.respond`
        ("along", "f8"),  # s, since when an answer along the road is owed, and one at a crossing; inf while none is
        ("crossing", "f8"),
    ]
)
ALONG, ALONG_RULE, LEFT, RIGHT = 0, 1, 2, 3


class Duties(NamedTuple):
    """What is remembered of everybody, and whose answers bind now."""

    enforced: Assumptions
    watched: Assumptions
    enforces: Ints  # (RULES,) 1 where a rule is enforced, 0 where it is only watched
    pair: Records  # (2, CAPACITY) PAIR: by the enforced assumptions, by the watched ones
    binding: Ints  # (4,) slot that binds along the road, by which rule; slots that bind to the left and right; −1 none
    gap: Floats  # (1,) m to the one that binds along the road
    near: Ints  # (RULES,) 1 where the rule as published is broken now


def no_duties(enforced: Assumptions = ENFORCED, rules: tuple[Rule, ...] = ENFORCES, watched: Assumptions = WATCHED) -> Duties:
    """The memory of a car that has met nobody yet. rules: those that it enforces."""
    enforces = np.zeros(RULES, np.int32)
    enforces[list(rules)] = 1
    pair = np.zeros((_PAIR_SETS, CAPACITY), PAIR)
    pair["id"] = NO_ID
    return Duties(enforced, watched, enforces, pair, np.full(4, -1, np.int32), np.zeros(1), np.zeros(RULES, np.int32))


class _Body(NamedTuple):
    """A body in the coordinates of the path."""

    s: float
    d: float
    half_along: float
    half_across: float
    along_mps: float
    across_mps: float


@kernel
def _ego(paths: Paths, state: VehicleState, vehicle: VehicleParameters) -> _Body:
    cos, sin = math.cos(paths.path[0].rear_turn), math.sin(paths.path[0].rear_turn)
    return _Body(
        paths.path[0].rear_s + vehicle.rear_axle_m * cos,
        paths.path[0].rear_d + vehicle.rear_axle_m * sin,
        0.5 * (vehicle.length_m * abs(cos) + vehicle.width_m * abs(sin)),
        0.5 * (vehicle.length_m * abs(sin) + vehicle.width_m * abs(cos)),
        max(0.0, state.speed_mps) * cos,
        max(0.0, state.speed_mps) * sin,
    )


@kernel
def _other(paths: Paths, track: Any, on_m: float) -> tuple[_Body, float]:
    """Somebody's body on the path (behind it on the straight line its beginning points along), and the cosine of its heading to it.

    on_m: so far it has driven straight on first.
    """
    x, y = track.x + on_m * math.cos(track.heading), track.y + on_m * math.sin(track.heading)
    nearest, least = 0, np.inf
    for i in range(0, STATIONS, 3):
        if math.cos(paths.station[0, i].heading - paths.station[0, BEHIND].heading) < TURNED_BACK and i > BEHIND:
            break
        square = (paths.station[0, i].x - x) ** 2 + (paths.station[0, i].y - y) ** 2
        if square < least:
            nearest, least = i, square
    for i in range(max(0, nearest - 2), min(STATIONS, nearest + 3)):
        square = (paths.station[0, i].x - x) ** 2 + (paths.station[0, i].y - y) ** 2
        if square < least:
            nearest, least = i, square
    cos, sin = math.cos(paths.station[0, nearest].heading), math.sin(paths.station[0, nearest].heading)
    dx, dy = x - paths.station[0, nearest].x, y - paths.station[0, nearest].y
    turn = wrap(track.heading - paths.station[0, nearest].heading)
    along, across = math.cos(turn), math.sin(turn)
    body = _Body(
        nearest + dx * cos + dy * sin,
        dy * cos - dx * sin,
        0.5 * (track.length * abs(along) + track.width * abs(across)),
        0.5 * (track.length * abs(across) + track.width * abs(along)),
        track.speed * along,
        track.speed * across,
    )
    return body, along


@kernel
def _still(its: RssParameters) -> RssParameters:
    """Who stands is not taken to set off (as in CARLA's use of ad-rss-lib)."""
    return RssParameters(
        its.response_s, 0.0, its.braking_max_mps2, its.braking_min_mps2, its.braking_min_correct_mps2, 0.0, its.lateral_braking_min_mps2,
        its.lateral_margin_m, its.distance_min_m, its.speed_max_mps,
    )  # fmt: skip


@kernel
def owe(
    m: MapArrays, state: VehicleState, vehicle: VehicleParameters, paths: Paths, tracks: Records, predictions: Predictions,
    signals: Bytes, now_s: float, step_s: float, duties: Duties,
) -> Limits:  # fmt: skip
    """What the answers owed to everybody together leave the car. Updates the memory; to be called once in every cycle."""
    total = Limits(-math.inf, math.inf, math.inf, math.inf)
    duties.binding[:] = -1
    duties.near[:] = 0
    ego = _ego(paths, state, vehicle)
    for slot in range(CAPACITY):
        track = tracks[slot]
        if not track.seen:
            duties.pair[0, slot].id = duties.pair[1, slot].id = NO_ID
            continue
        for which in range(_PAIR_SETS):
            if duties.pair[which, slot].id != track.id:
                _forget(duties.pair[which, slot], track.id)
        if (track.x - state.x_m) ** 2 + (track.y - state.y_m) ** 2 > _LOOKS_M * _LOOKS_M:
            _elsewhere(slot, duties)
            continue
        total = both(total, _on_the_road(slot, track, ego, state, paths, now_s, step_s, duties))
        total = both(total, _at_crossings(m, slot, track, ego, paths, predictions, signals, now_s, step_s, duties))
    return total


@kernel
def _forget(pair: Any, its_id: int) -> None:
    pair.id, pair.memory = its_id, UNKNOWN
    pair.along = pair.crossing = math.inf


@kernel
def _elsewhere(slot: int, duties: Duties) -> None:
    """Whoever is not on the road with the car is safe from it in both directions."""
    for which in range(_PAIR_SETS):
        pair = duties.pair[which, slot]
        pair.along = math.inf
        _, _, pair.memory = respond(True, True, pair.memory)


@kernel
def _on_the_road(
    slot: int, track: Any, ego: _Body, state: VehicleState, paths: Paths, now_s: float, step_s: float, duties: Duties
) -> Limits:  # fmt: skip
    """The rules of who follows, comes towards or is beside (RSS, definitions 1–10)."""
    total = Limits(-math.inf, math.inf, math.inf, math.inf)
    other, along = _other(paths, track, 0.0)
    stands = track.speed < _STANDS_MPS
    beyond = abs(other.d) > _BESIDE_M or other.s < _BEHIND_M or other.s > STATIONS + _BESIDE_M
    if beyond or (_TOWARDS < along < _ALONG and not stands):
        _elsewhere(slot, duties)
        return total
    oncoming = along < 0.0 and not stands
    ahead = other.s > ego.s
    passing = _when_it_passes(track, ego, other, state, paths) if oncoming and ahead else other
    gap = abs(other.s - ego.s) - other.half_along - ego.half_along
    is_left = other.d > ego.d
    keeps_right = ego.d + ego.half_across <= paths.station[0, min(STATIONS - 1, max(0, int(ego.s)))].left
    for which in range(_PAIR_SETS):
        assumed = duties.enforced if which == 0 else duties.watched
        its = _still(assumed.other) if stands else assumed.other
        along_safe = _apart_along(gap, ahead, oncoming, keeps_right, ego, other, assumed.ego, its)
        # Through a bend between the two it may follow the road or drive straight on past it: it passes if either is safe.
        across_safe = _apart_across(ego, other, assumed.ego, its) or _apart_across(ego, passing, assumed.ego, its)
        pair = duties.pair[which, slot]
        unknown = pair.memory == UNKNOWN
        along_owed, across_owed, pair.memory = respond(along_safe, across_safe, pair.memory)
        pair.along = min(pair.along, now_s) if along_owed else math.inf
        if which == 1:
            duties.near[Rule.ONCOMING if oncoming else Rule.FOLLOWING] |= along_owed and ahead
            duties.near[Rule.BESIDE] |= across_owed
            continue
        due_s = now_s - assumed.ego.response_s + step_s + 1e-6
        # In a danger that the car came into without a say (a pair never seen safe) it brakes only where the gap closes.
        grows = not unknown or ego.along_mps > other.along_mps
        rule = Rule.ONCOMING if oncoming else Rule.FOLLOWING
        if along_owed and ahead and gap > 0.0 and grows and duties.enforces[rule] and not (stands and _drives_round(paths, ego)):
            highest = -_needed(gap, oncoming, ego, other, assumed.ego, its) if pair.along <= due_s else assumed.ego.acceleration_max_mps2
            _bind(duties, slot, rule, gap)
            total = both(total, Limits(-assumed.ego.braking_max_mps2, highest, math.inf, math.inf))
        # Who is not beside the car but somewhat behind or ahead is let in front of, or not, by the plan: it knows where the lane ends.
        if across_owed and gap <= 0.0 and not unknown and duties.enforces[Rule.BESIDE]:
            duties.binding[LEFT if is_left else RIGHT] = slot
            across = limits(Answer.NONE, is_left, not is_left, assumed.ego)
            total = both(total, Limits(-math.inf, math.inf, across.left_mps2, across.right_mps2))
    return total


@kernel
def _apart_across(ego: _Body, other: _Body, own: RssParameters, its: RssParameters) -> bool:
    beside = abs(other.d - ego.d) - other.half_across - ego.half_across
    if other.d > ego.d:
        return beside > safe_distance_beside(other.across_mps, ego.across_mps, its, own)
    return beside > safe_distance_beside(ego.across_mps, other.across_mps, own, its)


@kernel
def _when_it_passes(track: Any, ego: _Body, other: _Body, state: VehicleState, paths: Paths) -> _Body:
    """The body of one who comes towards the car as it is beside it, having driven straight on, if a bend is between; else as now."""
    there, here = min(STATIONS - 1, max(0, int(other.s))), min(STATIONS - 1, max(0, int(ego.s)))
    if abs(paths.station[0, there].heading - paths.station[0, here].heading) < _BENT_RAD:
        return other
    away = (state.x_m - track.x) * math.cos(track.heading) + (state.y_m - track.y) * math.sin(track.heading)
    passing, _ = _other(paths, track, max(0.0, away))
    return passing


@kernel
def _apart_along(
    gap: float, ahead: bool, oncoming: bool, keeps_right: bool, ego: _Body, other: _Body, own: RssParameters, its: RssParameters
) -> bool:  # fmt: skip
    if gap <= 0.0:
        return False
    if oncoming:
        if not ahead:
            return True
        if keeps_right:
            return gap > safe_distance_oncoming(ego.along_mps, -other.along_mps, own, its)
        return gap > safe_distance_oncoming(-other.along_mps, ego.along_mps, its, own)
    if ahead:
        return gap > safe_distance_following(ego.along_mps, max(0.0, other.along_mps), own, its)
    return gap > safe_distance_following(max(0.0, other.along_mps), ego.along_mps, its, own)


@kernel
def _needed(gap: float, oncoming: bool, ego: _Body, other: _Body, own: RssParameters, its: RssParameters) -> float:
    """The braking, m/s², that is just enough should the one ahead brake with all it has from now on, the one who comes as it must.

    RSS owes `braking_min_mps2` at once; so much at most, and no more than this, gives the same promise and spares the one behind.
    """
    if oncoming:
        room = gap - answering_distance(-other.along_mps, its.braking_min_mps2, its)
    else:
        room = gap + stopping_distance(max(0.0, other.along_mps), its.braking_max_mps2)
    return float(min(own.braking_min_mps2, ego.along_mps * ego.along_mps / (2.0 * max(1e-3, room - own.distance_min_m))))


@kernel
def _drives_round(paths: Paths, ego: _Body) -> bool:
    return bool(ego.along_mps < _WALKS_MPS and abs(paths.path[0].rear_turn) > _TURNS_RAD)


@kernel
def _bind(duties: Duties, slot: int, rule: int, gap: float) -> None:
    if duties.binding[ALONG] < 0 or gap < duties.gap[0]:
        duties.binding[ALONG], duties.binding[ALONG_RULE], duties.gap[0] = slot, rule, gap


@kernel
def _at_crossings(
    m: MapArrays, slot: int, track: Any, ego: _Body, paths: Paths, predictions: Predictions, signals: Bytes, now_s: float, step_s: float,
    duties: Duties,
) -> Limits:  # fmt: skip
    """The rule of ways that cross or join ahead (RSS, definitions 16–18), for the ways somebody may take."""
    total = Limits(-math.inf, math.inf, math.inf, math.inf)
    danger, danger_published, nearest = False, False, math.inf
    stands = track.speed < _STANDS_MPS
    first = predictions.first[slot]
    for k in range(1, paths.path[0].lane_count):
        lane = paths.lane[0, k].lane
        start = paths.lane[0, k].start - ego.s
        if start > _LOOKS_M or first < 0:
            break
        if start + m.lanes[lane].length < -ego.half_along or m.lanes[lane].conflict_count == 0:
            continue
        own_colour = shown(m, lane, signals)
        for c in range(m.lanes[lane].conflict_first, m.lanes[lane].conflict_first + m.lanes[lane].conflict_count):
            conflict = m.conflicts[c]
            enter, leave = start + conflict.enter_s - ego.half_along, start + conflict.leave_s + ego.half_along
            if leave < 0.0:
                continue
            away, probability = _way_to(predictions, first, predictions.hypotheses[slot], conflict.other)
            if probability < _MEANS:
                continue
            its_enter, its_leave = away + conflict.other_enter_s - 0.5 * track.length, away + conflict.other_leave_s + 0.5 * track.length
            if its_leave < 0.0 or its_enter > _LOOKS_M:
                continue
            its_colour = shown(m, conflict.other, signals)
            held = Colour.RED <= its_colour <= Colour.AMBER
            ego_first = own_colour == Colour.GREEN_PROTECTED or conflict.yields == Yield.NONE or held
            other_first = not ego_first and conflict.yields != Yield.ALTERNATE
            ahead = 0.0
            if conflict.meeting == Meeting.MERGE:
                lead = (its_leave - 0.5 * track.length) - (leave - ego.half_along)
                touch = ego.half_along + 0.5 * track.length
                ahead = lead - touch if lead > touch else (lead + touch if lead < -touch else 0.0)
            for which in range(_PAIR_SETS):
                assumed = duties.enforced if which == 0 else duties.watched
                its = _still(assumed.other) if stands else assumed.other
                verdict = crossing_safety(
                    enter, leave, max(0.0, ego.along_mps), assumed.ego, ego_first, its_enter, its_leave, max(0.0, track.speed), its,
                    other_first, ahead,
                )  # fmt: skip
                if verdict == Crossing.DANGEROUS:
                    if which == 1:
                        danger_published = True
                    elif enter > stopping_distance(ego.along_mps, assumed.ego.braking_max_mps2) and _comes(
                        its_enter, max(0.0, track.speed), its, other_first
                    ):
                        danger, nearest = True, min(nearest, enter)
    duties.near[Rule.CROSSING] |= danger_published
    pair = duties.pair[0, slot]
    pair.crossing = min(pair.crossing, now_s) if danger else math.inf
    if danger and duties.enforces[Rule.CROSSING]:
        due = pair.crossing <= now_s - duties.enforced.ego.response_s + step_s + 1e-6
        _bind(duties, slot, Rule.CROSSING, nearest)
        total = limits(Answer.BRAKE if due else Answer.NONE, False, False, duties.enforced.ego)
    return total


@kernel
def _comes(enter_m: float, speed_mps: float, its: RssParameters, first: bool) -> bool:
    """Whether somebody will be at the place: one with priority who need not stop for the car any more, one without who cannot stop."""
    if first:
        return earliest_arrival(enter_m, speed_mps, its) < math.inf
    return enter_m < stopping_distance(speed_mps, its.braking_max_mps2)


@kernel
def _way_to(predictions: Predictions, first: int, count: int, lane: int) -> tuple[float, float]:
    """(m that somebody's centre has to the beginning of a lane on its ways, how probably it takes one over it)."""
    away, probability = math.nan, 0.0
    for mode in range(first, first + count):
        for k in range(predictions.mode[mode].lane_count):
            if predictions.lane[mode, k].lane == lane:
                away = predictions.lane[mode, k].start - predictions.motion[mode].first
                probability += predictions.mode[mode].probability
                break
    return float(away), float(probability)
