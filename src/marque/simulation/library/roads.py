"""Roads laid by hand: lanes along straights, arcs and curves between poses, put together as lanelets and junctions.

Frame: metres, headings in rad counter-clockwise from +x. Traffic keeps right. A *path* is (n, 3): x, y, heading.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from marque.common import Floats

Pose = tuple[float, float, float]

YIELD_SIGN, PRIORITY_SIGN = "205", "306"
STRAIGHT_BELOW_RAD = math.radians(30.0)
_POINT_EVERY_M = 1.0
_HANDLE = 0.39
"""Handle of a cubic Bézier curve over its chord; for a quarter turn this is a circle's arc but for 0.03 %."""


@dataclass(slots=True)
class Lanelet:
    """One directed lane. path, left and right have as many points."""

    name: str
    path: Floats
    left: Floats
    right: Floats
    limit_mps: float
    kind: str
    """A laneletType of CommonRoad 2020a."""
    user: str = "vehicle"
    successors: list[str] = field(default_factory=list)
    left_side: str | None = None
    """The neighbour at the left border; of the opposite direction if `faces`."""
    right_side: str | None = None
    faces: bool = False
    keeps_left: bool = False
    """Traffic keeps left: it is the neighbour at the right border that is of the opposite direction if `faces`."""
    left_marking: str = "solid"
    right_marking: str = "solid"
    sign: str | None = None
    light: str | None = None
    """At the lane's end."""
    stops: bool = False
    """A stop line lies at the lane's end."""


@dataclass(frozen=True, slots=True)
class Light:
    """A traffic light: (colour, seconds) in turn for ever; the first phase began offset_s after time 0 (negative: before it)."""

    phases: tuple[tuple[str, float], ...]
    offset_s: float = 0.0


@dataclass(slots=True)
class Incoming:
    """One arm of a junction: the lanes that lead in and the connections that leave them."""

    name: str
    lanes: list[str]
    right: list[str] = field(default_factory=list)
    straight: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    left_of: str | None = None
    """The arm whose traffic comes from the right."""


@dataclass(slots=True)
class Road:
    """Lanelets, lights and junctions, by name, in the order in which they were laid."""

    lanelets: dict[str, Lanelet] = field(default_factory=dict)
    lights: dict[str, Light] = field(default_factory=dict)
    junctions: dict[str, list[Incoming]] = field(default_factory=dict)

    def lay(self, name: str, path: Floats, width_m: float, limit_mps: float, kind: str = "urban") -> Lanelet:
        """A lane of constant width along its centre line."""
        half = 0.5 * width_m
        lanelet = Lanelet(name, path, beside(path, half)[:, :2], beside(path, -half)[:, :2], limit_mps, kind)
        self.lanelets[name] = lanelet
        return lanelet

    def join(self, *names: str) -> None:
        """Each leads into the next."""
        for before, after in pairwise(names):
            self.lanelets[before].successors.append(after)

    def pair(self, left: str, right: str) -> None:
        """Two lanes of one direction side by side, with a dashed line between them."""
        self.lanelets[left].right_side, self.lanelets[right].left_side = right, left
        self.lanelets[left].right_marking = self.lanelets[right].left_marking = "dashed"

    def face(self, one: str, other: str) -> None:
        """Two lanes of opposite directions side by side, with a dashed line between them."""
        for name, opposite in ((one, other), (other, one)):
            lanelet = self.lanelets[name]
            lanelet.left_side, lanelet.faces, lanelet.left_marking = opposite, True, "dashed"

    def cross(self, name: str, path: Floats, width_m: float) -> None:
        """A pedestrian crossing along a path from kerb to kerb."""
        self.lay(name, path, width_m, math.inf, "crosswalk").user = "pedestrian"

    def way(self, *names: str) -> Floats:
        """The path through lanes that follow each other."""
        pieces = [self.lanelets[name].path for name in names]
        return np.vstack([pieces[0], *(piece[1:] for piece in pieces[1:])])


# -- paths ---------------------------------------------------------------------------------------------------------------------------------


def straight(start: Pose, length_m: float) -> Floats:
    along = np.linspace(0.0, length_m, max(2, round(length_m / _POINT_EVERY_M / 4.0) + 1))
    x, y, heading = start
    return np.column_stack([x + along * math.cos(heading), y + along * math.sin(heading), np.full_like(along, heading)])


def arc(centre: tuple[float, float], radius_m: float, from_rad: float, to_rad: float) -> Floats:
    """Around a centre, seen from it from one bearing to another; counter-clockwise where to_rad is greater."""
    bearings = np.linspace(from_rad, to_rad, max(3, round(abs(to_rad - from_rad) * radius_m / _POINT_EVERY_M) + 1))
    x, y = centre[0] + radius_m * np.cos(bearings), centre[1] + radius_m * np.sin(bearings)
    return np.column_stack([x, y, bearings + math.copysign(0.5 * math.pi, to_rad - from_rad)])


def curve(start: Pose, end: Pose) -> Floats:
    """A smooth path between two poses (cubic Bézier)."""
    chord = math.hypot(end[0] - start[0], end[1] - start[1])
    first, last = np.array(start[:2]), np.array(end[:2])
    second = first + _HANDLE * chord * np.array([math.cos(start[2]), math.sin(start[2])])
    third = last - _HANDLE * chord * np.array([math.cos(end[2]), math.sin(end[2])])
    u = np.linspace(0.0, 1.0, max(4, round(chord / _POINT_EVERY_M) + 1))[:, None]
    place = (1 - u) ** 3 * first + 3 * (1 - u) ** 2 * u * second + 3 * (1 - u) * u**2 * third + u**3 * last
    slope = (1 - u) ** 2 * (second - first) + 2 * (1 - u) * u * (third - second) + u**2 * (last - third)
    return np.column_stack([place, np.unwrap(np.arctan2(slope[:, 1], slope[:, 0]))])


def beside(path: Floats, left_m: float) -> Floats:
    """The path that runs beside another, to its left."""
    normal = np.column_stack([-np.sin(path[:, 2]), np.cos(path[:, 2])])
    return np.column_stack([path[:, :2] + left_m * normal, path[:, 2]])


def reverse(path: Floats) -> Floats:
    turned = path[::-1].copy()
    turned[:, 2] += math.pi
    return turned


def distances(path: Floats) -> Floats:
    """Arc length at each point, m."""
    return np.append(0.0, np.cumsum(np.hypot(*np.diff(path[:, :2], axis=0).T)))


def at(path: Floats, s_m: Floats | float) -> Floats:
    """Poses at arc lengths."""
    s, headings = distances(path), np.unwrap(path[:, 2])
    return np.column_stack([np.interp(np.atleast_1d(s_m), s, column) for column in (path[:, 0], path[:, 1], headings)])


def pose_at(path: Floats, s_m: float) -> Pose:
    x, y, heading = at(path, s_m)[0].tolist()
    return x, y, heading


def rounded(path: Floats, every_m: float = 0.5, window: int = 11) -> Floats:
    """Without the kinks that lanes have where they meet: the running mean over five metres."""
    s = distances(path)
    along = np.linspace(0.0, s[-1], round(s[-1] / every_m) + 1)
    reach = window // 2
    columns = []
    for column in (path[:, 0], path[:, 1]):
        even = np.interp(along, s, column)
        padded = np.concatenate([2.0 * even[0] - even[reach:0:-1], even, 2.0 * even[-1] - even[-2 : -reach - 2 : -1]])
        columns.append(np.convolve(padded, np.full(window, 1.0 / window), mode="valid"))
    x, y = columns
    return np.column_stack([x, y, np.unwrap(np.arctan2(np.gradient(y), np.gradient(x)))])


def wrap(angle_rad: float) -> float:
    return (angle_rad + math.pi) % (2.0 * math.pi) - math.pi


# -- roads ---------------------------------------------------------------------------------------------------------------------------------


def street(length_m: float, limit_mps: float, width_m: float = 3.5, kind: str = "urban", bend_rad: float = 0.0) -> Road:
    """One lane each way, `ahead` and `oncoming`, from the origin towards +x; bend_rad: how far it turns left on its whole length."""
    radius = length_m / bend_rad if bend_rad else math.inf
    middle = arc((0.0, radius), radius, -0.5 * math.pi, bend_rad - 0.5 * math.pi) if bend_rad > 0.0 else straight((0.0, 0.0, 0.0), length_m)
    road = Road()
    road.lay("ahead", beside(middle, -0.5 * width_m), width_m, limit_mps, kind)
    road.lay("oncoming", reverse(beside(middle, 0.5 * width_m)), width_m, limit_mps, kind)
    road.face("ahead", "oncoming")
    return road


def motorway(length_m: float, limit_mps: float, lanes: int, from_m: float = 0.0, to_m: float | None = None, width_m: float = 3.75) -> Road:
    """Lanes `0` (the rightmost, on the x axis), `1` … of one direction.

    Between from_m and to_m, where given, a further lane lies to the right: the lanes are then cut there, and are called `0 before`,
    `0 beside`, `0 after` …, the further one `extra`.
    """
    road = Road()
    cuts = [0.0, length_m] if to_m is None else [0.0, from_m, to_m, length_m]
    parts = [""] if to_m is None else [" before", " beside", " after"]
    for part, (begin, end) in zip(parts, pairwise(cuts), strict=True):
        for lane in range(lanes):
            road.lay(f"{lane}{part}", straight((begin, lane * width_m, 0.0), end - begin), width_m, limit_mps, "interstate")
        for lane in range(1, lanes):
            road.pair(f"{lane}{part}", f"{lane - 1}{part}")
    for lane in range(lanes) if to_m is not None else ():
        road.join(*(f"{lane}{part}" for part in parts))
    if to_m is not None:
        road.lay("extra", straight((from_m, -width_m, 0.0), to_m - from_m), width_m, limit_mps, "accessRamp")
        road.pair("0 beside", "extra")
    return road


def on_ramp(road: Road, from_m: float, limit_mps: float, width_m: float = 3.75) -> None:
    """`ramp` comes in from the right and ends in `extra`."""
    road.lay("ramp", curve((from_m - 110.0, -width_m - 22.0, 0.25), (from_m, -width_m, 0.0)), width_m, limit_mps, "accessRamp")
    road.join("ramp", "extra")


def off_ramp(road: Road, to_m: float, limit_mps: float, width_m: float = 3.75) -> None:
    """`ramp` leaves `extra` to the right."""
    road.lay("ramp", curve((to_m, -width_m, 0.0), (to_m + 110.0, -width_m - 22.0, -0.25)), width_m, limit_mps, "exitRamp")
    road.join("extra", "ramp")


@dataclass(frozen=True, slots=True)
class Arm:
    """A street that leads to a junction: where it lies, seen from the middle, and what stands at its end."""

    name: str
    bearing_rad: float
    sign: str | None = None
    light: Light | None = None


def signed(arm: Arm, sign: str) -> Arm:
    """The arm with a sign at its end."""
    return dataclasses.replace(arm, sign=sign)


SOUTH, EAST, NORTH, WEST = (Arm(name, quarter * 0.5 * math.pi) for name, quarter in (("S", -1), ("E", 0), ("N", 1), ("W", 2)))


def junction(arms: Sequence[Arm], limit_mps: float, length_m: float = 110.0, radius_m: float = 11.0, width_m: float = 3.5) -> Road:
    """One lane each way on every arm: `S in`, `S out`; connections `S>E` …; the middle at the origin."""
    road = Road()
    for arm in arms:
        _approach(road, arm, limit_mps, length_m, radius_m, width_m)
    for arm in arms:
        incoming = Incoming(arm.name, [f"{arm.name} in"])
        for other in arms:
            if other is not arm:
                name = f"{arm.name}>{other.name}"
                _connect(road, f"{arm.name} in", name, f"{other.name} out", limit_mps, width_m)
                turned = wrap(other.bearing_rad - arm.bearing_rad - math.pi)
                side = incoming.straight if abs(turned) < STRAIGHT_BELOW_RAD else incoming.left if turned > 0.0 else incoming.right
                side.append(name)
            if abs(wrap(other.bearing_rad - arm.bearing_rad - 0.5 * math.pi)) < 0.25 * math.pi:
                incoming.left_of = other.name
        road.junctions.setdefault("middle", []).append(incoming)
    return road


def roundabout(arms: Sequence[Arm], limit_mps: float, ring_m: float = 14.0, length_m: float = 90.0, width_m: float = 4.0) -> Road:
    """A ring driven counter-clockwise; `S in` yields and enters by `S enter`, `S pass` runs on past the arm, `S exit` leaves to `S out`.

    The ring from one arm to the next is `ring S` (behind S).
    """
    road, opening = Road(), 0.65
    for arm in arms:
        _approach(road, Arm(arm.name, arm.bearing_rad, YIELD_SIGN), limit_mps, length_m, ring_m + 9.0, width_m)
    for arm, following in zip(arms, [*arms[1:], arms[0]], strict=True):
        begin, end = arm.bearing_rad - opening, arm.bearing_rad + opening
        ahead = end + (following.bearing_rad - opening - end) % (2.0 * math.pi)
        road.lay(f"{arm.name} pass", arc((0.0, 0.0), ring_m, begin, end), width_m, limit_mps)
        road.lay(f"ring {arm.name}", arc((0.0, 0.0), ring_m, end, ahead), width_m, limit_mps)
    for arm, following in zip(arms, [*arms[1:], arms[0]], strict=True):
        name = arm.name
        _connect(road, f"{name} in", f"{name} enter", f"ring {name}", limit_mps, width_m)
        road.join(f"{name} pass", f"ring {name}")
        road.join(f"ring {name}", f"{following.name} pass")
        _connect(road, f"ring {name}", f"{following.name} exit", f"{following.name} out", limit_mps, width_m)
    for arm, previous in zip(arms, [arms[-1], *arms[:-1]], strict=True):
        entering = Incoming(f"{arm.name} in", [f"{arm.name} in"], right=[f"{arm.name} enter"])
        circling = Incoming(f"{arm.name} ring", [f"ring {previous.name}"], right=[f"{arm.name} exit"], straight=[f"{arm.name} pass"])
        road.junctions[arm.name] = [entering, circling]
    return road


def _approach(road: Road, arm: Arm, limit_mps: float, length_m: float, radius_m: float, width_m: float) -> None:
    x, y = (radius_m + length_m) * math.cos(arm.bearing_rad), (radius_m + length_m) * math.sin(arm.bearing_rad)
    axis = straight((x, y, arm.bearing_rad + math.pi), length_m)
    inward = road.lay(f"{arm.name} in", beside(axis, -0.5 * width_m), width_m, limit_mps)
    road.lay(f"{arm.name} out", reverse(beside(axis, 0.5 * width_m)), width_m, limit_mps)
    road.face(f"{arm.name} in", f"{arm.name} out")
    inward.sign, inward.stops = arm.sign, arm.sign is not None or arm.light is not None
    if arm.light is not None:
        inward.light = arm.name
        road.lights[arm.name] = arm.light


def _connect(road: Road, before: str, name: str, after: str, limit_mps: float, width_m: float) -> None:
    start, end = road.lanelets[before].path[-1], road.lanelets[after].path[0]
    lanelet = road.lay(name, curve((start[0], start[1], start[2]), (end[0], end[1], end[2])), width_m, limit_mps)
    lanelet.left_marking = lanelet.right_marking = "no_marking"
    road.join(before, name, after)
