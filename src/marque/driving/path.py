"""Reference paths: the lanes ahead as smooth lines a car's rear axle can follow."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Floats, Ints, Records
from marque.driving.map import MapArrays, Road
from marque.driving.map.geometry import wrap
from marque.driving.map.query import point_at, project
from marque.driving.route import FAR_M, FORBIDDEN_CHANGE_M, NO_ROOM_M, best_successor
from marque.driving.shape import differentiate, keep_on_road, round_off, smooth
from marque.vehicle import VehicleParameters, VehicleState, kernel, lean

PATHS = 3
"""Keep the lane, the lane to the left, the lane to the right."""
STATIONS = 150
"""Points of a path, 1 m apart."""
BEHIND = 12
"""Of these, so many lie behind the car, so that smoothing forgets nothing near it."""
TURNED_BACK = -0.17
"""Cosine of the angle, 100°, by which a way has turned back: from there on it may come past the same place again."""
LANES = 40
SMOOTHING_PASSES = 14
"""Binomial smoothing of variance 7 m²: a bend of curvature k moves inwards by 3.5·k metres, which is just what centres the swept
band of a car whose rear axle follows the line and whose nose is 3.7 m further (the band's middle lies 3.7²·k/4 outside)."""
COMFORT_LATERAL_MPS2 = 2.2
COMFORT_BRAKING_MPS2 = 1.6
UNLIMITED_MPS = 36.0
_CARS = int(Road.CAR)
_BESIDE = 6
_CHANGE_AHEAD_M = 120.0
_ASTRAY_M = 2000.0
"""A detour longer than this is worth waiting for a gap in the next lane."""
_NO_WAY_M = 0.9 * NO_ROOM_M
"""What a way costs beyond its metres when a turn back or a corner without room is on it: the next lane's gap is waited for without end."""
_CHANGING_M = 14.0


PATH = np.dtype(
    [
        ("kind", "i8"),  # 0 keep, 1 left, 2 right, −1 unused
        ("lane_count", "i8"),
        ("cost", "f8"),  # metres to the goal along this path from the car's place, with what lane changes cost
        ("way", "f8"),  # the metres alone
        ("rear_s", "f8"),  # station of the rear axle
        ("rear_d", "f8"),  # its distance left of the path, m
        ("rear_turn", "f8"),  # the car's heading relative to the path, rad
        ("end_s", "f8"),  # station at which the known road ends and the path only goes on straight; inf when it does not
        ("hold_s", "f8"),  # station not to be passed: the end, or the last room to change from a lane that no way leads on from; inf
        ("astray_s", "f8"),  # station not to be passed without need: the last room to change from a lane that leads far astray; inf
        ("astray_lane", "i8"),  # that lane
    ]
)
STATION = np.dtype(
    [
        ("x", "f8"),
        ("y", "f8"),
        ("heading", "f8"),  # unwrapped
        ("curvature", "f8"),
        ("limit", "f8"),  # posted speed limit, m/s
        ("allowed", "f8"),  # speed that limit and bends ahead allow with comfortable braking, m/s
        ("left", "f8"),  # m to the edge of the carriageway of this direction: own lane and those beside it that go the same way
        ("right", "f8"),
        ("lane_left", "f8"),  # m to the edge of the own lane alone
        ("lane_right", "f8"),
        ("sure_left", "f8"),  # m to an edge that all lanes of this direction reach at least, the others at their narrowest
        ("sure_right", "f8"),
    ]
)
PASSED = np.dtype([("lane", "i8"), ("start", "f8")])  # a lane of a path, the station at which it starts (may be negative)


class Paths(NamedTuple):
    """The paths of one cycle. Station i of a path is metre i − BEHIND from where it was laid; frames and units as in the map."""

    path: Records  # (PATHS,) PATH
    station: Records  # (PATHS, STATIONS) STATION
    lane: Records  # (PATHS, LANES) PASSED


def no_paths() -> Paths:
    paths = Paths(np.zeros(PATHS, PATH), np.zeros((PATHS, STATIONS), STATION), np.zeros((PATHS, LANES), PASSED))
    paths.path["kind"] = -1
    return paths


@kernel
def lay_paths(
    m: MapArrays, lane: int, s: float, state: VehicleState, vehicle: VehicleParameters, cost: Floats, way: Floats, history: Ints,
    paths: Paths,
) -> None:  # fmt: skip
    """Lay the path of the car's own lane and of the lanes beside it; straight on where lane is −1.

    lane, s: where the car is (`own_lane`). cost, way: (L,) metres to the goal (`route.cost_to_go`). history: lanes driven lately, newest
    first, updated here.
    """
    for p in range(PATHS):
        paths.path[p].kind = -1
    if lane < 0:
        _lay_straight(state, vehicle, paths)
        return
    if history[0] != lane:
        for k in range(len(history) - 1, 0, -1):
            history[k] = history[k - 1]
        history[0] = lane
    paths.path[0].way = way[lane] - s
    _lay(m, 0, lane, s, state, vehicle, cost, way, history, paths)
    for side in range(1, 3):
        beside = m.lanes[lane].left if side == 1 else m.lanes[lane].right
        allowed = m.lanes[lane].may_change_left if side == 1 else m.lanes[lane].may_change_right
        if beside < 0 or not m.lanes[beside].road & _CARS:
            continue
        if not allowed and cost[lane] < cost[beside] + FORBIDDEN_CHANGE_M:
            continue
        beside_s, _, _ = project(m, beside, state.x_m, state.y_m, m.lanes[beside].point_first)
        paths.path[side].way = way[beside] - beside_s
        _lay(m, side, beside, beside_s, state, vehicle, cost, way, history, paths)


@kernel
def _lay(
    m: MapArrays, p: int, lane: int, s: float, state: VehicleState, vehicle: VehicleParameters, cost: Floats, way: Floats, history: Ints,
    paths: Paths,
) -> None:  # fmt: skip
    paths.path[p].cost = _cost(m, lane, s, cost, way)
    # The lanes behind, nearest first, until BEHIND metres are covered.
    behind, behind_count, missing = np.empty(8, np.int32), 0, BEHIND - s
    first = lane
    while missing > 0.0 and behind_count < 8:
        before = straightest_before(m, first, history)
        if before < 0:
            break
        behind[behind_count] = before
        behind_count += 1
        missing -= m.lanes[before].length
        first = before
    station = BEHIND - s
    for k in range(behind_count):
        station -= m.lanes[behind[k]].length
    n = 0
    for k in range(behind_count - 1, -1, -1):
        paths.lane[p, n].lane, paths.lane[p, n].start = behind[k], station
        station += m.lanes[behind[k]].length
        n += 1
    current = lane
    paths.path[p].end_s = paths.path[p].hold_s = paths.path[p].astray_s = math.inf
    while n < LANES:
        paths.lane[p, n].lane, paths.lane[p, n].start = current, station
        station += m.lanes[current].length
        n += 1
        if station >= STATIONS:
            break
        following = best_successor(m, current, cost)
        if following < 0:
            paths.path[p].end_s = station
            paths.path[p].hold_s = min(paths.path[p].hold_s, station)
            break
        if cost[following] + m.lanes[current].length > cost[current] + _ASTRAY_M:
            last_room = station - min(_CHANGING_M, 0.5 * m.lanes[current].length)
            if cost[following] >= FAR_M or cost[following] - way[following] > cost[current] - way[current] + _NO_WAY_M:
                paths.path[p].hold_s = min(paths.path[p].hold_s, last_room)
            elif last_room < paths.path[p].astray_s:
                paths.path[p].astray_s, paths.path[p].astray_lane = last_room, current
        current = following
    paths.path[p].lane_count = n
    paths.path[p].kind = p
    lay_stations(m, p, vehicle, paths)
    _allow(paths.station[p])
    _place(p, state, vehicle, paths)


@kernel
def lay_stations(m: MapArrays, p: int, vehicle: VehicleParameters, paths: Paths) -> None:
    """The stations of a path whose lanes are known: as smooth as a car can turn, the whole body on the road where it fits."""
    _sample(m, p, paths)
    smooth(paths.station[p], 0, STATIONS - 1, SMOOTHING_PASSES)
    differentiate(paths.station[p])
    round_off(paths.station[p])
    keep_on_road(m, paths.station[p], paths.path[p].end_s, vehicle)


@lean
def _cost(m: MapArrays, lane: int, s: float, cost: Floats, way: Floats) -> float:
    """Metres to the goal from place s of a lane: what it takes where there is room to change lanes, ever more of what staying takes where
    there is not.
    """
    if cost[lane] >= FAR_M:
        return FAR_M
    # Whoever need not change lanes is nearer than the lane's end only where the goal is on this lane.
    stay = cost[lane] if cost[lane] == way[lane] and way[lane] <= m.lanes[lane].length else FAR_M
    first = m.lanes[lane].successor_first
    for k in range(first, first + m.lanes[lane].successor_count):
        stay = min(stay, cost[m.successors[k]] + m.lanes[lane].length)
    late = min(1.0, max(0.0, 1.0 - (m.lanes[lane].length - s) / _CHANGE_AHEAD_M))
    return float(cost[lane] - s + late * min(_ASTRAY_M, max(0.0, stay - cost[lane])))


@lean
def straightest_before(m: MapArrays, lane: int, history: Ints) -> int:
    """The predecessor the car came by; the straightest one for a lane it was never on."""
    here = m.lanes[lane]
    best, best_bend = -1, np.inf
    for k in range(here.predecessor_first, here.predecessor_first + here.predecessor_count):
        before = m.predecessors[k]
        for old in history:
            if old == before:
                return int(before)
        start = m.points[m.lanes[before].point_first].heading
        bend = abs(wrap(m.points[here.point_first].heading - start))
        if bend < best_bend:
            best, best_bend = before, bend
    return best


@lean
def _sample(m: MapArrays, p: int, paths: Paths) -> None:
    """Points of the centre lines, 1 m apart; before the first lane and behind the last one the end's direction goes on."""
    k, hint = 0, m.lanes[paths.lane[p, 0].lane].point_first
    beside, beyond_left, beyond_right, sure_left, sure_right = -1, 0.0, 0.0, 0.0, 0.0
    for i in range(STATIONS):
        while k + 1 < paths.path[p].lane_count and i >= paths.lane[p, k + 1].start:
            k += 1
            hint = m.lanes[paths.lane[p, k].lane].point_first
        lane = paths.lane[p, k].lane
        s = i - paths.lane[p, k].start
        inside = min(max(s, 0.0), m.lanes[lane].length)
        x, y, ux, uy, hint = point_at(m, lane, inside, 0.0, hint)
        if s != inside:
            x, y = x + (s - inside) * ux, y + (s - inside) * uy
        paths.station[p, i].x, paths.station[p, i].y = x, y
        left, right = m.points[hint].left_m, m.points[hint].right_m
        if beside != lane:
            beside = lane
            beyond_left, sure_left = _beyond(m, lane, True)
            beyond_right, sure_right = _beyond(m, lane, False)
        paths.station[p, i].lane_left, paths.station[p, i].lane_right = left, right
        paths.station[p, i].left, paths.station[p, i].right = left + beyond_left, right + beyond_right
        paths.station[p, i].sure_left, paths.station[p, i].sure_right = left + sure_left, right + sure_right
        limit = m.lanes[lane].speed_limit
        paths.station[p, i].limit = limit if limit > 0.5 and limit < UNLIMITED_MPS else UNLIMITED_MPS


@lean
def _beyond(m: MapArrays, lane: int, leftwards: bool) -> tuple[float, float]:
    """Width of all lanes of the same direction on one side of a lane, where they begin and at their narrowest, m."""
    width, sure, beside = 0.0, 0.0, lane
    for _ in range(_BESIDE):
        beside = m.lanes[beside].left if leftwards else m.lanes[beside].right
        if beside < 0 or not m.lanes[beside].road & _CARS:
            break
        width += m.points[m.lanes[beside].point_first].left_m + m.points[m.lanes[beside].point_first].right_m
        sure += m.lanes[beside].narrowest
    return width, sure


@lean
def _allow(line: Records) -> None:
    ahead = np.inf
    for i in range(STATIONS - 1, -1, -1):
        bend = math.sqrt(COMFORT_LATERAL_MPS2 / max(1e-6, abs(line[i].curvature)))
        ahead = min(line[i].limit, bend, math.sqrt(ahead * ahead + 2.0 * COMFORT_BRAKING_MPS2))
        line[i].allowed = ahead


@lean
def _place(p: int, state: VehicleState, vehicle: VehicleParameters, paths: Paths) -> None:
    """Where the rear axle is on the path: nearest station, then the foot of the perpendicular."""
    rear_x = state.x_m - vehicle.rear_axle_m * math.cos(state.heading_rad)
    rear_y = state.y_m - vehicle.rear_axle_m * math.sin(state.heading_rad)
    nearest, least = 0, np.inf
    for i in range(2 * BEHIND + 4):
        square = (paths.station[p, i].x - rear_x) ** 2 + (paths.station[p, i].y - rear_y) ** 2
        if square < least:
            nearest, least = i, square
    cos, sin = math.cos(paths.station[p, nearest].heading), math.sin(paths.station[p, nearest].heading)
    dx, dy = rear_x - paths.station[p, nearest].x, rear_y - paths.station[p, nearest].y
    along = min(1.0, max(-1.0, dx * cos + dy * sin))
    paths.path[p].rear_s = nearest + along
    # On a bend the perpendicular of the foot differs from that of the station by curvature · along.
    turn = paths.station[p, nearest].curvature * along
    paths.path[p].rear_d = dy * cos - dx * sin - 0.5 * turn * along
    heading = paths.station[p, nearest].heading + turn
    paths.path[p].rear_turn = wrap(state.heading_rad - heading)


@lean
def _lay_straight(state: VehicleState, vehicle: VehicleParameters, paths: Paths) -> None:
    """Off every lane, or against it: straight on, as slowly as a car may be asked to that does not know the road.

    How far the road reaches beside it is not sure anywhere: its edge has to be looked for.
    """
    cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
    paths.path[0].kind, paths.path[0].lane_count = 0, 0
    paths.path[0].end_s = paths.path[0].hold_s = paths.path[0].astray_s = math.inf
    for i in range(STATIONS):
        paths.station[0, i].x = state.x_m + (i - BEHIND) * cos
        paths.station[0, i].y = state.y_m + (i - BEHIND) * sin
        paths.station[0, i].heading, paths.station[0, i].curvature = state.heading_rad, 0.0
        paths.station[0, i].limit = paths.station[0, i].allowed = max(state.speed_mps, 5.0)
        paths.station[0, i].left = paths.station[0, i].right = math.inf
        paths.station[0, i].lane_left = paths.station[0, i].lane_right = math.inf
        paths.station[0, i].sure_left = paths.station[0, i].sure_right = 0.0
    paths.path[0].cost = paths.path[0].way = FAR_M
    paths.path[0].rear_s, paths.path[0].rear_d, paths.path[0].rear_turn = BEHIND - vehicle.rear_axle_m, 0.0, 0.0
