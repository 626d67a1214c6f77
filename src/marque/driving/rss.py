"""Responsibility-Sensitive Safety: the distances at which nobody who keeps the rules causes a collision, and what is owed below them.

Source of every definition: Shalev-Shwartz, Shammah, Shashua, "On a Formal Model of Safe and Scalable Self-driving Cars",
arXiv:1708.06374v6 (2017/2018), called "RSS" below. Equal to Intel's ad-rss-lib 5.0 (`bench/rss.py`), which settles what the paper leaves
open: parameters of each road user's own, a speed nobody accelerates beyond, and lateral motion away from each other.

Speeds along the road are at least 0, each in its own way; speeds across it are positive to the left. Everything is a scalar in SI units.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple

from marque.vehicle import kernel


class RssParameters(NamedTuple):
    """What is assumed of one road user at worst; every value at least 0, braking values as decelerations above 0."""

    response_s: float
    """Time before it answers to what it sees; it may do its worst until then."""
    acceleration_max_mps2: float
    braking_max_mps2: float
    """Nobody brakes harder."""
    braking_min_mps2: float
    """Whoever has to brake brakes at least so hard."""
    braking_min_correct_mps2: float
    """The same, of who is on its own side of the road and meets somebody who is not."""
    lateral_acceleration_max_mps2: float
    lateral_braking_min_mps2: float
    lateral_margin_m: float
    """How far it sways without meaning to (the paper's μ); of two the mean counts."""
    distance_min_m: float = 0.0
    """Room kept ahead whatever the speeds are."""
    speed_max_mps: float = 100.0
    """It does not accelerate beyond this; if it is faster already, it keeps its speed."""


class Answer(IntEnum):
    """What the proper response asks along the road (RSS, definitions 4 and 10)."""

    NONE = 0
    BRAKE = 1
    """After the response time, at least `braking_min_mps2`."""
    BRAKE_CORRECT = 2
    """On one's own side against somebody who is not: at least `braking_min_correct_mps2`."""


class Crossing(IntEnum):
    """Why two on routes that cross are safe, or that they are not (RSS, definitions 16–18)."""

    DANGEROUS = 0
    STOPS = 1
    """Somebody who has to yield can stop before the place."""
    IN_FRONT = 2
    """One is ahead of the other by the safe distance of followers."""
    APART = 3
    """One has left the place before the other can reach it."""


class Limits(NamedTuple):
    """What the proper response leaves the ego: accelerations along the road, and the highest across it to either side, m/s²."""

    lowest_mps2: float
    highest_mps2: float
    left_mps2: float
    right_mps2: float


UNKNOWN = 0
"""The memory (`respond`) of a pair that has never been seen safe."""
_LONGITUDINAL, _LATERAL = 1, 2


@kernel
def _responding(speed_mps: float, parameters: RssParameters) -> tuple[float, float]:
    """(distance m, speed m/s) after the response time, with the greatest acceleration."""
    a, rho = parameters.acceleration_max_mps2, parameters.response_s
    if speed_mps >= parameters.speed_max_mps or a <= 0.0:
        return speed_mps * rho, speed_mps
    gaining = min(rho, (parameters.speed_max_mps - speed_mps) / a)
    fastest = speed_mps + a * gaining
    return speed_mps * gaining + 0.5 * a * gaining * gaining + fastest * (rho - gaining), fastest


@kernel
def stopping_distance(speed_mps: float, braking_mps2: float) -> float:
    """Distance to standstill, m."""
    return speed_mps * speed_mps / (2.0 * braking_mps2)


@kernel
def answering_distance(speed_mps: float, braking_mps2: float, parameters: RssParameters) -> float:
    """How far somebody comes who does its worst in the response time and brakes to standstill after it, m (RSS, lemma 2, first terms)."""
    distance, speed = _responding(speed_mps, parameters)
    return distance + stopping_distance(speed, braking_mps2)


@kernel
def safe_distance_following(rear_mps: float, front_mps: float, rear: RssParameters, front: RssParameters) -> float:
    """Safe gap between two who drive the same way, bumper to bumper, m (RSS, definition 1 and lemma 2).

    Whatever the one in front does, down to braking with its greatest deceleration at once, the one behind does not touch it.
    """
    gap = answering_distance(rear_mps, rear.braking_min_mps2, rear) - stopping_distance(front_mps, front.braking_max_mps2)
    return max(0.0, gap) + rear.distance_min_m


@kernel
def safe_distance_oncoming(correct_mps: float, other_mps: float, correct: RssParameters, other: RssParameters) -> float:
    """Safe gap between two who drive towards each other, m; `correct` is on its own side of the road (RSS, definition 3)."""
    gap = answering_distance(correct_mps, correct.braking_min_correct_mps2, correct)
    return gap + answering_distance(other_mps, other.braking_min_mps2, other) + max(correct.distance_min_m, other.distance_min_m)


@kernel
def _sideways(towards_mps: float, parameters: RssParameters) -> float:
    """How far somebody comes towards the one beside it, m: its worst in the response time, then braking its motion across the road.

    Who still moves away after the response time may stop doing so at once: what is gained by its braking does not count.
    """
    rho = parameters.response_s
    after = towards_mps + parameters.lateral_acceleration_max_mps2 * rho
    return 0.5 * (towards_mps + after) * rho + stopping_distance(max(0.0, after), parameters.lateral_braking_min_mps2)


@kernel
def safe_distance_beside(left_mps: float, right_mps: float, left: RssParameters, right: RssParameters) -> float:
    """Safe gap across the road between the sides of two bodies, m (RSS, definition 6). Speeds across the road, positive to the left.

    Two who move apart use up the margin too, as in ad-rss-lib; the paper keeps it for them as well.
    """
    margin = 0.5 * (left.lateral_margin_m + right.lateral_margin_m)
    return max(0.0, margin + _sideways(-left_mps, left) + _sideways(right_mps, right))


@kernel
def earliest_arrival(distance_m: float, speed_mps: float, parameters: RssParameters) -> float:
    """When somebody covers a distance at the earliest, s, who does its worst in the response time and brakes after it; inf if it stops."""
    if distance_m <= 0.0:
        return 0.0
    a, rho = parameters.acceleration_max_mps2, parameters.response_s
    before, fastest = _responding(speed_mps, parameters)
    gaining_s = (fastest - speed_mps) / a if fastest > speed_mps else 0.0
    gaining_m = 0.5 * (speed_mps + fastest) * gaining_s
    if distance_m <= gaining_m:
        return 2.0 * distance_m / (speed_mps + math.sqrt(speed_mps * speed_mps + 2.0 * a * distance_m))
    if distance_m <= before:
        return gaining_s + (distance_m - gaining_m) / fastest
    return rho + latest_arrival(distance_m - before, fastest, parameters.braking_min_mps2)


@kernel
def latest_arrival(distance_m: float, speed_mps: float, braking_mps2: float) -> float:
    """When somebody who brakes from now on covers a distance, s; inf if it stops before."""
    square = speed_mps * speed_mps - 2.0 * braking_mps2 * distance_m
    if distance_m <= 0.0:
        return 0.0
    return 2.0 * distance_m / (speed_mps + math.sqrt(square)) if square >= 0.0 else math.inf


@kernel
def _stops_before(distance_m: float, speed_mps: float, parameters: RssParameters) -> bool:
    return answering_distance(speed_mps, parameters.braking_min_mps2, parameters) + parameters.distance_min_m <= distance_m


@kernel
def crossing_safety(
    ego_enter_m: float, ego_leave_m: float, ego_mps: float, ego: RssParameters, ego_first: bool,
    other_enter_m: float, other_leave_m: float, other_mps: float, other: RssParameters, other_first: bool,
    ahead_m: float,
) -> Crossing:  # fmt: skip
    """Whether two on routes that cross are safe from each other, and why (RSS, definitions 16–18).

    enter, leave: m that each has to the place where the routes cross and till it has left it. first: it has priority; where neither
    has, it is enough that one of them can stop. ahead_m: how far the ego is ahead of the other one, bumper to bumper along the routes up
    to the place; below 0 it is behind; 0 where neither is.
    """
    if not other_first and _stops_before(other_enter_m, other_mps, other):
        return Crossing.STOPS
    if not ego_first and _stops_before(ego_enter_m, ego_mps, ego):
        return Crossing.STOPS
    if ahead_m > 0.0 and safe_distance_following(other_mps, ego_mps, other, ego) <= ahead_m:
        return Crossing.IN_FRONT
    if ahead_m < 0.0 and safe_distance_following(ego_mps, other_mps, ego, other) <= -ahead_m:
        return Crossing.IN_FRONT
    ego_left = latest_arrival(ego_leave_m, ego_mps, ego.braking_max_mps2)
    other_left = latest_arrival(other_leave_m, other_mps, other.braking_max_mps2)
    ego_there, other_there = earliest_arrival(ego_enter_m, ego_mps, ego), earliest_arrival(other_enter_m, other_mps, other)
    # Neither gets there if it answers as it must: nothing is to be feared though none keeps its `distance_min_m`.
    if ego_left < other_there or other_left < ego_there or ego_there == other_there == math.inf:
        return Crossing.APART
    return Crossing.DANGEROUS


@kernel
def respond(longitudinal_safe: bool, lateral_safe: bool, memory: int) -> tuple[bool, bool, int]:
    """(answer along the road, answer across it, memory for the next instant) of one pair of road users.

    Two are in danger while both distances are too short (RSS, definition 8). Whoever has to answer does so in the direction whose
    distance became too short last, in both if they did so at once or if the pair was never seen safe (definitions 9 and 10).
    memory: what was safe when the pair was last not in danger; `UNKNOWN` to begin with.
    """
    if longitudinal_safe or lateral_safe:
        return False, False, (_LONGITUDINAL if longitudinal_safe else 0) | (_LATERAL if lateral_safe else 0)
    unknown = memory == UNKNOWN
    return unknown or memory & _LONGITUDINAL != 0, unknown or memory & _LATERAL != 0, memory


@kernel
def limits(answer: Answer, braking_left: bool, braking_right: bool, parameters: RssParameters) -> Limits:
    """What one proper response leaves the ego once its response time is over (RSS, definitions 4 and 7).

    braking_left, braking_right: somebody beside it on that side is too near, so that what moves it there has to be braked.
    """
    highest = parameters.acceleration_max_mps2
    if answer == Answer.BRAKE:
        highest = -parameters.braking_min_mps2
    elif answer == Answer.BRAKE_CORRECT:
        highest = -parameters.braking_min_correct_mps2
    return Limits(
        -parameters.braking_max_mps2,
        highest,
        -parameters.lateral_braking_min_mps2 if braking_left else parameters.lateral_acceleration_max_mps2,
        -parameters.lateral_braking_min_mps2 if braking_right else parameters.lateral_acceleration_max_mps2,
    )


@kernel
def both(a: Limits, b: Limits) -> Limits:
    """What two responses together leave."""
    return Limits(
        max(a.lowest_mps2, b.lowest_mps2),
        min(a.highest_mps2, b.highest_mps2),
        min(a.left_mps2, b.left_mps2),
        min(a.right_mps2, b.right_mps2),
    )
