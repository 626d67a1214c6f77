"""Scenes at junctions around the origin; the ego comes from the south."""

from __future__ import annotations

import dataclasses

from marque.simulation.library.actors import CAR, Actor, Body, Profile, drive
from marque.simulation.library.roads import (
    EAST,
    NORTH,
    PRIORITY_SIGN,
    SOUTH,
    WEST,
    YIELD_SIGN,
    Arm,
    Light,
    Road,
    junction,
    roundabout,
    signed,
)
from marque.simulation.library.scene import Scene, task

_TAGS = ("urban", "intersection", "two_lane")
_ARM_M = 110.0
"""Length of an arm's lanes; the connections begin 11 m from the middle."""


def lit(arm: Arm, *phases: tuple[str, float], since_s: float = 0.0) -> Arm:
    return dataclasses.replace(arm, light=Light(phases, -since_s))


def through(road: Road, way: str, start_m: float, profile: Profile, body: Body = CAR) -> Actor:
    """A road user from one arm to another, as in `N>S`."""
    origin, target = way.split(">")
    return drive(body, road.way(f"{origin} in", way, f"{target} out"), start_m, profile)


def _stop(speed_mps: float, way_m: float) -> tuple[float, float]:
    """When to begin to brake and for how long, s, to stand after a way; at 2 m/s²."""
    lasts_s = speed_mps / 2.0
    return way_m / speed_mps - 0.5 * lasts_s, lasts_s


def left_turn(*, limit_mps: float, oncoming_m: tuple[float, ...], speed_mps: float) -> Scene:
    """A left turn without protection: cars come straight from the other side, and then nobody.

    oncoming_m: how far from the start of their lane they begin.
    """
    main, side = ((SOUTH, NORTH), (EAST, WEST))
    road = junction([*(signed(arm, PRIORITY_SIGN) for arm in main), *(signed(arm, YIELD_SIGN) for arm in side)], limit_mps)
    others = [through(road, "N>S", along, [(0.0, speed_mps)]) for along in oncoming_m]
    way = road.way("S in", "S>W", "W out")
    return Scene(road, others, *task(way, 40.0, 160.0, limit_mps - 2.0, limit_mps, 8.0), (*_TAGS, "turn_left", "oncoming_traffic"))


def right_before_left(*, limit_mps: float, from_right_m: float, turn: str, waits: bool) -> Scene:
    """A junction without signs: a car comes from the right.

    waits: another one comes from the left, gives way to the ego and goes on after it.
    """
    road = junction([SOUTH, EAST, NORTH, WEST], limit_mps)
    others = [through(road, "E>W", from_right_m, [(0.0, limit_mps - 2.0)])]
    if waits:
        speed, start_m = limit_mps - 2.0, 75.0
        brakes_s, lasts_s = _stop(speed, _ARM_M - 1.0 - 0.5 * CAR.length_m - start_m)
        others.append(through(road, "W>E", start_m, [(brakes_s, speed), (brakes_s + lasts_s, 0.0), (18.0, 0.0), (22.0, 5.0)]))
    way = road.way("S in", f"S>{turn}", f"{turn} out")
    return Scene(road, others, *task(way, 45.0, 160.0, limit_mps - 1.0, limit_mps, 6.0), (*_TAGS, "comfort"))


def yield_at_t(*, limit_mps: float, from_left_m: tuple[float, ...], from_right_m: tuple[float, ...], turn: str) -> Scene:
    """The ego's street ends at a priority road with traffic from both sides."""
    road = junction([signed(SOUTH, YIELD_SIGN), signed(EAST, PRIORITY_SIGN), signed(WEST, PRIORITY_SIGN)], limit_mps)
    others = [through(road, "W>E", along, [(0.0, limit_mps)]) for along in from_left_m]
    others += [through(road, "E>W", along, [(0.0, limit_mps)]) for along in from_right_m]
    way = road.way("S in", f"S>{turn}", f"{turn} out")
    tag = "turn_left" if turn == "W" else "turn_right"
    return Scene(road, others, *task(way, 60.0, 165.0, limit_mps - 4.0, limit_mps, 9.0), (*_TAGS, tag))


def ring(*, limit_mps: float, target: str, circling_m: tuple[float, ...]) -> Scene:
    """Into a roundabout past cars that come from the west and leave to the north or circle on."""
    road = roundabout([SOUTH, EAST, NORTH, WEST], limit_mps)
    theirs = road.way("W in", "W enter", "ring W", "S pass", "ring S", "E pass", "ring E", "N exit", "N out")
    others = [drive(CAR, theirs, along, [(0.0, 7.0)]) for along in circling_m]
    inside = {"E": ("ring S", "E exit", "E out"), "N": ("ring S", "E pass", "ring E", "N exit", "N out")}[target]
    way = road.way("S in", "S enter", *inside)
    goal_m = {"E": 150.0, "N": 172.0}[target]
    return Scene(road, others, *task(way, 45.0, goal_m, limit_mps - 3.0, limit_mps, 10.0, 3.6), ("urban", "roundabout", "comfort"))


def light(*, limit_mps: float, red_s: float, amber_first: bool, crossing_m: tuple[float, ...]) -> Scene:
    """The light is red, or turns amber just ahead, and later green; others cross meanwhile."""
    amber_s = 3.0 if amber_first else 0.0
    green_s = 2.0 if amber_first else 0.0
    phases = [("green", green_s), ("yellow", amber_s), ("red", red_s - 1.0), ("redYellow", 1.0), ("green", 30.0)]
    own = [phase for phase in phases if phase[1] > 0.0]
    theirs = [("red", green_s + amber_s + 1.0), ("green", red_s - 5.0), ("yellow", 3.0), ("red", 31.0)]
    arms = [lit(SOUTH, *own), lit(EAST, *theirs), lit(NORTH, *own), lit(WEST, *theirs)]
    road = junction(arms, limit_mps)
    begin = green_s + amber_s + 1.5
    starts = [[(0.0, 0.0), (begin, 0.0), (begin + 5.0, 9.0)] for _ in crossing_m]
    others = [through(road, "E>W", along, profile) for along, profile in zip(crossing_m, starts, strict=True)]
    way = road.way("S in", "S>N", "N out")
    return Scene(road, others, *task(way, 45.0, 160.0, limit_mps - 1.0, limit_mps, red_s + amber_s), (*_TAGS, "comfort"))


def turns_green(*, limit_mps: float, red_s: float, standing: int, body: Body = CAR) -> Scene:
    """Road users stand in line at a red light that turns green; the ego comes from behind."""
    own = [("red", red_s - 1.0), ("redYellow", 1.0), ("green", 40.0)]
    theirs = [("green", red_s - 4.0), ("yellow", 2.0), ("red", 42.0)] if red_s > 4.5 else [("red", red_s + 40.0)]
    road = junction([lit(SOUTH, *own), lit(EAST, *theirs), lit(NORTH, *own), lit(WEST, *theirs)], limit_mps)
    waiting = []
    for place in range(standing):
        goes_s = red_s + 0.8 + 1.1 * place
        front_m = _ARM_M - 1.0 - 0.5 * body.length_m - place * (body.length_m + 2.5)
        waiting.append(through(road, "S>N", front_m, [(goes_s, 0.0), (goes_s + 6.0, limit_mps - 1.0)], body))
    way = road.way("S in", "S>N", "N out")
    return Scene(road, waiting, *task(way, 30.0, 170.0, limit_mps - 1.0, limit_mps, red_s + 4.0), (*_TAGS, "traffic_jam"))
