"""The shape of a path: smooth, no tighter than a car can turn, and so laid that the whole body stays on the road where there is room.

A lane's middle is nowhere the middle of what a body sweeps: in a bend the nose goes wide and the flank cuts in, in the narrow lanes of a
junction by more than there is to spare. So the rear axle's path is moved aside where the body, put there, would come too near to the
road's edge, until both sides have what they need or equally little.
"""

from __future__ import annotations

import math

import numpy as np

from marque.common import Floats, Records
from marque.driving.map import DRIVABLE, MapArrays
from marque.driving.map.geometry import wrap
from marque.driving.map.query import on_road
from marque.vehicle import VehicleParameters, kernel, lean

_TIGHT = 0.5
"""1/m; a car of today turns its rear axle on a circle of 2 m, but hardly less."""
_ROUNDED_M, _ROUNDS, _ROUNDING_PASSES = 8, 4, 14
RESERVE_M = 0.3
"""Kept to the road's edge where there is room: three standard deviations of the place the car believes in."""
_FIRST, _LAST = 2, 62
"""Stations that are moved: from behind the rear axle to well ahead of where lines are held against the edge."""
_BESIDE, _BEHIND, _AHEAD = 4, 3, 8
"""Stations beside those without room that move, too; behind and ahead of a rear axle's station its body lies beside."""
_PROBE_M, _FINEST_M, _WIDEST_M, _INSIDE_M = 0.16, 0.02, 2.5, 0.8
_STEPS, _SETTLED_M = 12, 0.005
_STIFF, _MIDDLE, _DAMPED = 10.0, 0.02, 0.3
"""How much the band resists being bent (a metre from one station to the next), being drawn from the middle, and each step."""
FLANK = 7
"""Points of a side of the body that are held against the edge: a kerb's corner fits between two of them by no more than 4 cm."""
_STRAIGHT, _SLACK_M, _BODY_STATIONS = 0.03, 0.3, 5
"""With no more curvature than this, and this much to spare beside the reserve, the body is where its axle's path is."""


@lean
def smooth(line: Records, first: int, last: int, passes: int) -> None:
    """Binomial smoothing of the stations between first and last, which stay."""
    for _ in range(passes):
        last_x, last_y = line[first].x, line[first].y
        for i in range(first + 1, last):
            here_x, here_y = line[i].x, line[i].y
            line[i].x = 0.25 * last_x + 0.5 * here_x + 0.25 * line[i + 1].x
            line[i].y = 0.25 * last_y + 0.5 * here_y + 0.25 * line[i + 1].y
            last_x, last_y = here_x, here_y


@lean
def differentiate(line: Records) -> None:
    """Headings by central differences, unwrapped; curvature by differences of heading, once more smoothed."""
    n = len(line)
    for i in range(n):
        a, b = max(0, i - 1), min(n - 1, i + 1)
        direction = math.atan2(line[b].y - line[a].y, line[b].x - line[a].x)
        if i > 0:
            direction = line[i - 1].heading + wrap(direction - line[i - 1].heading)
        line[i].heading = direction
    for i in range(n):
        a, b = max(0, i - 1), min(n - 1, i + 1)
        step = math.hypot(line[b].x - line[a].x, line[b].y - line[a].y)
        line[i].curvature = (line[b].heading - line[a].heading) / step if step > 0.2 else 0.0
    for _ in range(3):
        last = line[0].curvature
        for i in range(1, n - 1):
            here = line[i].curvature
            line[i].curvature = 0.25 * last + 0.5 * here + 0.25 * line[i + 1].curvature
            last = here


@lean
def round_off(line: Records) -> None:
    """Smooth further where the lanes turn more sharply than a car can: some maps join lanes in a corner."""
    n = len(line)
    for _ in range(_ROUNDS):
        i, tight = 1, False
        while i < n - 1:
            if abs(line[i].curvature) > _TIGHT:
                tight = True
                first, last = max(0, i - _ROUNDED_M), min(n - 1, i + _ROUNDED_M)
                smooth(line, first, last, _ROUNDING_PASSES)
                i = last
            i += 1
        if not tight:
            return
        differentiate(line)


@kernel
def keep_on_road(m: MapArrays, line: Records, end: float, vehicle: VehicleParameters) -> None:
    """Move stations aside until the body, its rear axle on any of them, keeps RESERVE_M from the road's edge, or as much on both sides.

    line: (n,) STATION with headings and curvatures, which are renewed; left and right follow. end: station at which the map ends; what it
    does not know is no edge. An elastic band: offsets of least squares between what the points of the body too near to an edge ask for
    and how much the band is bent, by Gauss–Newton steps; rows of the normal equations reach from a station to the next two.
    """
    n = int(min(float(_LAST), len(line) - 3.0, end - vehicle.rear_axle_m - 0.5 * vehicle.length_m))
    first, last = n, -1
    for i in range(_FIRST, n):
        if not has_room(line, i, 0.0, 0.0, RESERVE_M, vehicle, False):
            first, last = min(first, i), i
    if last < 0:
        return
    first, last = max(_FIRST, first - _BESIDE), min(n, last + _BESIDE)
    left, right = np.full(2 * len(line), _WIDEST_M), np.full(2 * len(line), _WIDEST_M)
    for k in range(2 * max(0, first - _BEHIND), 2 * min(len(line) - 1, last + _AHEAD)):
        left[k], right[k] = _edge(m, line, k, 1.0), _edge(m, line, k, -1.0)
    off = np.zeros(len(line))
    normal, wanted = np.zeros((len(line), 3)), np.zeros(len(line))
    for _ in range(_STEPS):
        normal[:] = wanted[:] = 0.0
        for i in range(first, last):
            _ask(line, i, off, left, right, vehicle, normal, wanted)
        # The band resists bending, λ·Σ(d[i−1] − 2·d[i] + d[i+1])²; it begins in the middle, or, where the bend has begun, it is free.
        for i in range(first + 1 if first == _FIRST else first - 1, last + 1):
            bent = off[i - 1] - 2.0 * off[i] + off[i + 1]
            _add(i, 1.0, -2.0, 1.0, _STIFF, -bent, normal, wanted)
        for i in range(first, last):
            normal[i, 0] += _MIDDLE + _DAMPED
            wanted[i] -= _MIDDLE * off[i]
        _solve(normal, wanted, first, last)
        most = 0.0
        for i in range(first, last):
            off[i] += wanted[i]
            most = max(most, abs(wanted[i]))
        if most < _SETTLED_M:
            break
    for i in range(first, last):
        line[i].x -= off[i] * math.sin(line[i].heading)
        line[i].y += off[i] * math.cos(line[i].heading)
        line[i].left -= off[i]
        line[i].right += off[i]
        line[i].lane_left -= off[i]
        line[i].lane_right += off[i]
        line[i].sure_left -= off[i]
        line[i].sure_right += off[i]
    differentiate(line)


@lean
def _add(i: int, before: float, here: float, after: float, weight: float, value: float, normal: Floats, wanted: Floats) -> None:
    """Add the equation before·d[i−1] + here·d[i] + after·d[i+1] = value to the normal equations; normal[j, k] couples j with j + k."""
    normal[i - 1, 0] += weight * before * before
    normal[i - 1, 1] += weight * before * here
    normal[i - 1, 2] += weight * before * after
    normal[i, 0] += weight * here * here
    normal[i, 1] += weight * here * after
    normal[i + 1, 0] += weight * after * after
    wanted[i - 1] += weight * before * value
    wanted[i] += weight * here * value
    wanted[i + 1] += weight * after * value


@lean
def _solve(normal: Floats, wanted: Floats, first: int, last: int) -> None:
    """Solve the pentadiagonal normal equations for first ≤ i < last in place (LDLᵀ); what lies outside is 0."""
    for i in range(first, last):
        d, a, b = normal[i, 0], normal[i, 1] if i + 1 < last else 0.0, normal[i, 2] if i + 2 < last else 0.0
        normal[i, 1], normal[i, 2] = a / d, b / d
        if i + 1 < last:
            normal[i + 1, 0] -= a * a / d
            normal[i + 1, 1] -= a * b / d
            wanted[i + 1] -= a / d * wanted[i]
        if i + 2 < last:
            normal[i + 2, 0] -= b * b / d
            wanted[i + 2] -= b / d * wanted[i]
    for i in range(last - 1, first - 1, -1):
        wanted[i] /= normal[i, 0]
        if i + 1 < last:
            wanted[i] -= normal[i, 1] * wanted[i + 1]
        if i + 2 < last:
            wanted[i] -= normal[i, 2] * wanted[i + 2]


@lean
def _edge(m: MapArrays, line: Records, k: int, side: float) -> float:
    """How far the road reaches to one side (1: left) beside half-metre k of a path, m, up to _WIDEST_M."""
    here, after = line[k // 2], line[k // 2 + k % 2]
    x, y, heading = 0.5 * (here.x + after.x), 0.5 * (here.y + after.y), 0.5 * (here.heading + after.heading)
    cos, sin = side * math.cos(heading), side * math.sin(heading)
    room, step = max(0.0, (here.lane_left if side > 0.0 else here.lane_right) - _INSIDE_M), _PROBE_M
    if not on_road(m, x - room * sin, y + room * cos, DRIVABLE):
        room = 0.0
    while step > _FINEST_M and room < _WIDEST_M:
        if on_road(m, x - (room + step) * sin, y + (room + step) * cos, DRIVABLE):
            room += step
        else:
            step *= 0.5
    return float(room)


@lean
def _ask(
    line: Records, i: int, off: Floats, left: Floats, right: Floats, vehicle: VehicleParameters, normal: Floats, wanted: Floats
) -> None:  # fmt: skip
    """What the points of the body at station i, moved off[i] to the left, ask of the offsets around; the worst counts most."""
    turn = math.atan2(0.5 * (off[i + 1] - off[i - 1]), 1.0 - line[i].curvature * off[i])
    cos, sin = math.cos(line[i].heading + turn), math.sin(line[i].heading + turn)
    x, y = line[i].x - off[i] * math.sin(line[i].heading), line[i].y + off[i] * math.cos(line[i].heading)
    half, near = 0.5 * vehicle.width_m + RESERVE_M, i
    for k in range(FLANK):
        along = vehicle.rear_axle_m + (k / (FLANK - 1.0) - 0.5) * vehicle.length_m
        over_left = over_right = 0.0
        for side in (1.0, -1.0):
            s, d, near = _beside(line, x + along * cos - side * half * sin, y + along * sin + side * half * cos, near)
            at = min(max(0, int(2.0 * s)), len(left) - 2)
            u = min(1.0, max(0.0, 2.0 * s - at))
            if side > 0.0:
                over_left = max(0.0, d - left[at] - u * (left[at + 1] - left[at]))
            else:
                over_right = max(0.0, -d - right[at] - u * (right[at + 1] - right[at]))
        wants = over_right - over_left
        if over_left > 0.0 and over_right > 0.0:
            wants *= 0.5
        if abs(wants) > 0.0:
            worst = max(over_left, over_right) / RESERVE_M
            _add(i, -0.5 * along, 1.0, 0.5 * along, 0.2 + worst**4, wants, normal, wanted)


@lean
def _beside(line: Records, x: float, y: float, near: int) -> tuple[float, float, int]:
    """(station, m left of it, nearest one) of a place, sought from a station near it."""
    least = (line[near].x - x) ** 2 + (line[near].y - y) ** 2
    for step in (1, -1):
        while 0 <= near + step < len(line):
            square = (line[near + step].x - x) ** 2 + (line[near + step].y - y) ** 2
            if square >= least:
                break
            near, least = near + step, square
    cos, sin = math.cos(line[near].heading), math.sin(line[near].heading)
    dx, dy = x - line[near].x, y - line[near].y
    return near + dx * cos + dy * sin, dy * cos - dx * sin, near


@lean
def has_room(line: Records, i: int, offset: float, turn: float, reserve: float, vehicle: VehicleParameters, beside: bool) -> bool:
    """Whether the body surely keeps `reserve` inside its own lane with the rear axle `offset` m left of station i, turned by `turn`.

    beside: or inside the lanes beside it that go the same way.
    """
    reach = 0.5 * vehicle.width_m + reserve + _SLACK_M
    nose = offset + (vehicle.rear_axle_m + 0.5 * vehicle.length_m) * math.sin(turn)
    for k in range(max(0, i - 1), min(len(line), i + _BODY_STATIONS)):
        if abs(line[k].curvature) > _STRAIGHT:
            return False
        left, right = (line[k].sure_left, line[k].sure_right) if beside else (line[k].lane_left, line[k].lane_right)
        if max(offset, nose) + reach > left or reach - min(offset, nose) > right:
            return False
    return True
