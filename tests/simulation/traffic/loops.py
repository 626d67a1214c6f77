"""Hand-laid roads on which traffic can drive for ever: a ring, a figure of eight that crosses itself, a lane that ends."""

from __future__ import annotations

import functools

import numpy as np

from marque.driving.map import Colour, Road, Yield
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import LaneSpec, RoadSpec, SignalSpec

LIMIT_MPS = 10.0
LOOP_M = 60.0
"""Radius of the loops of the eight; its two straights cross in the origin."""


def lane(name, centre, successors=(), **words):
    """3.5 m wide, limit 10 m/s; directions by differences, so that borders are parallel in bends too."""
    along = np.gradient(centre, axis=0)
    left = 1.75 * np.column_stack([-along[:, 1], along[:, 0]]) / np.linalg.norm(along, axis=1, keepdims=True)
    return LaneSpec(name, centre, centre + left, centre - left, Road.CAR, LIMIT_MPS, list(successors), **words)


def straight(*ends):
    start, end = np.array(ends, float).reshape(2, 2)
    return start + np.linspace(0.0, 1.0, 1 + int(np.ceil(np.linalg.norm(end - start) / 5.0)))[:, None] * (end - start)


def arc(x, y, radius, start, end):
    angle = np.linspace(start, end, 1 + int(np.ceil(abs(end - start) * radius / 2.0)))
    return np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])


@functools.cache
def ring(lanes=1, radius=80.0):
    """Counter-clockwise, in four quarters q0 … q3; inner lanes are to the left."""
    made = []
    for k in range(4):
        for n in range(lanes):
            beside = {"left_neighbour": f"q{k}_{n + 1}"} if n + 1 < lanes else {}
            beside |= {"right_neighbour": f"q{k}_{n - 1}"} if n > 0 else {}
            quarter = arc(0.0, 0.0, radius - 3.5 * n, k * np.pi / 2, (k + 1) * np.pi / 2)
            made.append(lane(f"q{k}_{n}", quarter, [f"q{(k + 1) % 4}_{n}"], **beside))
    return build_road_map(RoadSpec(f"ring of {lanes}", "test", made))


@functools.cache
def eight(light=None, gate=None):
    """Eastbound over `across` goes first; southbound over `down` gives way.

    light, gate: the colour that southbound sees for the first 1,000 s before `down`, and before `gate`, 44 m earlier.
    """
    r, near, far = LOOP_M, 8.0, 52.0
    lanes = [
        lane("west", straight(-r, 0, -near, 0), ["across"]),
        lane("across", straight(-near, 0, near, 0), ["east"], junction="j"),
        lane("east", straight(near, 0, r, 0), ["loop_east"]),
        lane("loop_east", arc(r, r, r, -np.pi / 2, np.pi), ["gate"]),
        lane("gate", straight(0, r, 0, far), ["north"], junction="g", signal=gate and "gate"),
        lane("north", straight(0, far, 0, near), ["down"]),
        lane("down", straight(0, near, 0, -near), ["south"], junction="j", signal=light and "light"),
        lane("south", straight(0, -near, 0, -r), ["loop_west"]),
        lane("loop_west", arc(-r, -r, r, 0.0, -1.5 * np.pi), ["west"]),
    ]
    yields = {("across", "down"): Yield.NONE, ("down", "across"): Yield.YIELD}
    seen = (("light", light, "j"), ("gate", gate, "g"))
    signals = [SignalSpec(name, [(1000.0, colour), (10.0, Colour.GREEN)], junction=junction) for name, colour, junction in seen if colour]
    return build_road_map(RoadSpec("eight", "test", lanes, signals=signals, yields=yields))


@functools.cache
def merge():
    """A road opens into two lanes; the right one ends after 160 m, and who is on it must merge."""
    slip = np.column_stack([np.linspace(0, 40, 21), -3.5 * np.linspace(0, 1, 21) ** 2 * (3 - 2 * np.linspace(0, 1, 21))])
    lanes = [
        lane("in", straight(-60, 0, 0, 0), ["on", "slip"]),
        lane("on", straight(0, 0, 40, 0), ["left"]),
        lane("slip", slip, ["right"]),
        lane("left", straight(40, 0, 200, 0), ["out"], right_neighbour="right"),
        lane("right", straight(40, -3.5, 200, -3.5), left_neighbour="left"),
        lane("out", straight(200, 0, 240, 0), ["there"]),
        lane("there", arc(240, 50, 50, -np.pi / 2, np.pi / 2), ["back"]),
        lane("back", straight(240, 100, -60, 100), ["here"]),
        lane("here", arc(-60, 50, 50, np.pi / 2, 1.5 * np.pi), ["in"]),
    ]
    return build_road_map(RoadSpec("merge", "test", lanes))


def against_each_other(apart_m):
    """Two rings, one inside the other, driven in opposite directions."""
    half = np.array([0.0, np.pi])
    lanes = [lane(f"out{k}", arc(0, 0, 80.0, *(half + k * np.pi)), [f"out{1 - k}"]) for k in range(2)]
    lanes += [lane(f"in{k}", arc(0, 0, 80.0 - apart_m, *-(half + k * np.pi)), [f"in{1 - k}"]) for k in range(2)]
    return build_road_map(RoadSpec("against each other", "test", lanes))


def cut_ring(piece_m=1.6):
    """A ring of which one quarter comes in pieces shorter than a car, as converters of maps make them."""
    radius, quarter = 80.0, np.pi / 2
    pieces = round(radius * quarter / piece_m)
    angles = np.concatenate([np.linspace(0.0, quarter, pieces + 1), quarter * np.arange(2, 5)])
    count = len(angles) - 1
    lanes = [lane(f"p{k}", arc(0, 0, radius, angles[k], angles[k + 1]), [f"p{(k + 1) % count}"]) for k in range(count)]
    lanes[-1].junction = "j"  # where no lane is in a junction, whatever overlaps meets
    return build_road_map(RoadSpec("cut ring", "test", lanes))
