"""What a minimal risk manoeuvre asks of the plan: how fast at most, where to stand at the latest, on which lane, how far aside.

The plan itself stays the same: paths that are slower, end sooner or run nearer to the road's edge. So whoever stops for a fault still
keeps off everybody, obeys the lights and is watched over by the guard.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from marque.driving.map import MapArrays, Road
from marque.driving.path import PATHS, STATIONS, Paths
from marque.vehicle import VehicleParameters, VehicleState, kernel, lean

_CARS, _EMERGENCIES, _BUSES = int(Road.CAR), int(Road.EMERGENCY), int(Road.BUS)
_EASES_MPS2 = 1.6
_EDGE_M = 0.4
"""Kept between the body and the edge of the road."""
_ASIDE_MPS = 6.0
"""Faster than this the car keeps to the middle of its lane: a wheel that sticks on the way to the edge must not lead over it."""
_STRAIGHT = 0.02
"""1/m: in sharper bends, where a body swings out, a path is not moved aside."""
_BEHIND_M = 4.0
"""Kept between the body and a place that is to stay clear: the car stands a few metres before where it is to stand at the latest."""
_ALONG_M = 40
_PREFERRED_M = 2000.0
"""How much nearer to the goal the lane at the road's edge counts than the own one."""


class Restraint(NamedTuple):
    """Floats, so that a kernel takes it as it is; FREE asks nothing."""

    speed_mps: float = math.inf
    """Not to be exceeded."""
    stop_m: float = math.inf
    """How far ahead the nose is to stand at the latest; a junction or crossing there is left first."""
    braking_mps2: float = 1.6
    """What slowing down for that place may take."""
    aside: float = 0.0
    """−1: at the right edge of the road, +1: at its left one, 0: in the middle of the lane."""
    keeps_lane: float = 0.0
    """1: no lane is changed, nobody is passed."""
    shift_m: float = 0.0
    """So far to the left of the middle of its lane."""
    step_m: float = math.inf
    """Sideways by no more than this from where the car is now: a short line that leads farther cannot be steered but at a crawl."""


FREE = Restraint()


@lean
def restrain(m: MapArrays, ask: Restraint, state: VehicleState, vehicle: VehicleParameters, paths: Paths) -> None:
    """Change the paths just laid so that whatever follows them does as asked."""
    if ask.keeps_lane > 0.0:
        paths.path[1].kind = paths.path[2].kind = -1
    side = 1 if ask.aside > 0.0 else 2
    if ask.aside != 0.0:
        paths.path[3 - side].kind = -1
        if paths.path[side].kind >= 0:
            paths.path[side].cost = paths.path[0].cost - _PREFERRED_M
    front = vehicle.rear_axle_m + 0.5 * vehicle.length_m
    for p in range(PATHS):
        if paths.path[p].kind < 0:
            continue
        if ask.stop_m < math.inf:
            hold = _out_of_the_way(m, paths, p, paths.path[p].rear_s + front + ask.stop_m, vehicle)
            paths.path[p].hold_s = min(paths.path[p].hold_s, hold)
        gently = state.speed_mps < _ASIDE_MPS or ask.step_m < math.inf
        if ask.aside != 0.0 and gently and (p == side or paths.path[side].kind < 0):
            _move_aside(m, paths, p, ask, vehicle)
        elif ask.shift_m != 0.0 and p == 0:
            _shift(paths, p, ask.shift_m, ask.step_m, 0.0, 0.0)
        _slow(paths, p, ask, state.speed_mps, front)


@lean
def _slow(paths: Paths, p: int, ask: Restraint, speed: float, front: float) -> None:
    stand = paths.path[p].hold_s - front - 1.0 if ask.stop_m < math.inf else math.inf
    for i in range(STATIONS):
        ahead = max(0.0, i - paths.path[p].rear_s)
        most = max(ask.speed_mps, math.sqrt(max(0.0, speed * speed - 2.0 * _EASES_MPS2 * ahead)))
        most = min(most, math.sqrt(2.0 * ask.braking_mps2 * max(0.0, stand - i)))
        paths.station[p, i].allowed = min(paths.station[p, i].allowed, most)


@lean
def _out_of_the_way(m: MapArrays, paths: Paths, p: int, hold: float, vehicle: VehicleParameters) -> float:
    """The first station from `hold` on where the nose may stand without the body being in a junction's conflict or on a crossing."""
    for k in range(paths.path[p].lane_count):
        here, start = m.lanes[paths.lane[p, k].lane], paths.lane[p, k].start
        for c in range(here.conflict_first, here.conflict_first + here.conflict_count):
            hold = _behind(hold, start + m.conflicts[c].enter_s, start + m.conflicts[c].leave_s, vehicle)
        for c in range(here.crossing_first, here.crossing_first + here.crossing_count):
            hold = _behind(hold, start + m.lane_crossings[c].enter_s, start + m.lane_crossings[c].leave_s, vehicle)
    return hold


@kernel
def _behind(hold: float, enter: float, leave: float, vehicle: VehicleParameters) -> float:
    if enter < hold < leave + vehicle.length_m + _BEHIND_M:
        return leave + vehicle.length_m + _BEHIND_M
    return hold


@lean
def _move_aside(m: MapArrays, paths: Paths, p: int, ask: Restraint, vehicle: VehicleParameters) -> None:
    """Lead the path along the road's edge, on the hard shoulder if there is one, where it is nearly straight and no junction is near."""
    aside = ask.aside
    first = int(paths.path[p].rear_s)
    last = min(STATIONS - 1, first + _ALONG_M)
    room = math.inf
    for i in range(first, last + 1):
        if abs(paths.station[p, i].curvature) > _STRAIGHT:
            return
        room = min(room, paths.station[p, i].left if aside > 0.0 else paths.station[p, i].right)
    shoulder = math.inf
    for k in range(paths.path[p].lane_count):
        lane, start = paths.lane[p, k].lane, paths.lane[p, k].start
        if start < last and start + m.lanes[lane].length > first:
            if m.lanes[lane].conflict_count > 0:
                return
            shoulder = min(shoulder, _shoulder(m, lane, aside))
    shoulder = shoulder if shoulder < math.inf else 0.0
    offset = aside * max(0.0, room + shoulder - 0.5 * vehicle.width_m - _EDGE_M)
    _shift(paths, p, offset, ask.step_m, shoulder if aside > 0.0 else 0.0, shoulder if aside < 0.0 else 0.0)


@kernel
def _shift(paths: Paths, p: int, offset: float, step: float, left: float, right: float) -> None:
    """Move a path to the left, m, no farther than a step from the car; left, right: what its carriageway gains on either side."""
    offset = min(max(offset, paths.path[p].rear_d - step), paths.path[p].rear_d + step)
    for i in range(STATIONS):
        s = paths.station[p, i]
        s.x -= offset * math.sin(s.heading)
        s.y += offset * math.cos(s.heading)
        s.curvature /= 1.0 - s.curvature * offset
        s.left += left - offset
        s.right += right + offset
    paths.path[p].rear_d -= offset


@lean
def _shoulder(m: MapArrays, lane: int, aside: float) -> float:
    """Width of the lane that only emergencies may use beside the outermost lane for cars, m."""
    beside = lane
    while beside >= 0 and m.lanes[beside].road & _CARS:
        beside = m.lanes[beside].left if aside > 0.0 else m.lanes[beside].right
    if beside < 0 or not m.lanes[beside].road & _EMERGENCIES or m.lanes[beside].road & _BUSES:
        return 0.0
    point = m.points[m.lanes[beside].point_first]
    return float(point.left_m + point.right_m)
