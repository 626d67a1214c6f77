"""Reference paths: the lanes ahead as smooth lines a car's rear axle can follow."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Floats, Ints
from marque.driving.map import MapArrays, Road
from marque.driving.map.query import locate_all, pose_at, project
from marque.driving.route import FAR_M, best_successor
from marque.vehicle import VehicleParameters, VehicleState, kernel

PATHS = 3
"""Keep the lane, the lane to the left, the lane to the right."""
STATIONS = 150
"""Points of a path, 1 m apart."""
BEHIND = 12
"""Of these, so many lie behind the car, so that smoothing forgets nothing near it."""
LANES = 40
SMOOTHING_PASSES = 14
"""Binomial smoothing of variance 7 m²: a bend of curvature k moves inwards by 3.5·k metres, which is just what centres the swept
band of a car whose rear axle follows the line and whose nose is 3.7 m further (the band's middle lies 3.7²·k/4 outside)."""
COMFORT_LATERAL_MPS2 = 2.2
COMFORT_BRAKING_MPS2 = 1.6
UNLIMITED_MPS = 36.0
_CARS = int(Road.CAR)


class Paths(NamedTuple):
    """The paths of one cycle. Station i of path p is metre i − BEHIND from where it was laid; frames and units as in the map."""

    kind: Ints  # (PATHS,) 0 keep, 1 left, 2 right, −1 unused
    count: Ints  # (PATHS,) stations
    x: Floats  # (PATHS, STATIONS)
    y: Floats
    heading: Floats  # unwrapped
    curvature: Floats
    limit: Floats  # posted speed limit, m/s
    allowed: Floats  # speed that limit and bends ahead allow with comfortable braking, m/s
    lane_of: Ints  # (PATHS, STATIONS) index into `lanes`
    lanes: Ints  # (PATHS, LANES)
    starts: Floats  # (PATHS, LANES) station at which each lane starts; may be negative
    lane_count: Ints  # (PATHS,)
    cost: Floats  # (PATHS,) metres to the goal along this path from the car's place
    rear_s: Floats  # (PATHS,) station of the rear axle
    rear_d: Floats  # (PATHS,) its distance left of the path
    rear_turn: Floats  # (PATHS,) the car's heading relative to the path, rad
    end_s: Floats  # (PATHS,) station at which the known road ends and the path only goes on straight; inf when it does not


def no_paths() -> Paths:
    def grid() -> Floats:
        return np.zeros((PATHS, STATIONS))

    return Paths(
        np.full(PATHS, -1, np.int32),
        np.zeros(PATHS, np.int32),
        grid(),
        grid(),
        grid(),
        grid(),
        grid(),
        grid(),
        np.zeros((PATHS, STATIONS), np.int32),
        np.zeros((PATHS, LANES), np.int32),
        np.zeros((PATHS, LANES)),
        np.zeros(PATHS, np.int32),
        np.zeros(PATHS),
        np.zeros(PATHS),
        np.zeros(PATHS),
        np.zeros(PATHS),
        np.full(PATHS, np.inf),
    )


@kernel
def lay_paths(m: MapArrays, state: VehicleState, vehicle: VehicleParameters, cost: Floats, history: Ints, paths: Paths) -> int:
    """Lay the path of the car's own lane and of the lanes beside it; returns the lane the car is on, −1 when on none.

    cost: (L,) metres to the goal (`route.cost_to_go`). history: lanes driven lately, newest first, updated here.
    """
    paths.kind[:] = -1
    lane, s = _own_lane(m, state, cost, history)
    if lane < 0:
        _lay_straight(state, vehicle, paths)
        return -1
    if history[0] != lane:
        for k in range(len(history) - 1, 0, -1):
            history[k] = history[k - 1]
        history[0] = lane
    _lay(m, 0, lane, s, state, vehicle, cost, history, paths)
    for side in range(1, 3):
        beside = m.lanes[lane].left if side == 1 else m.lanes[lane].right
        allowed = m.lanes[lane].may_change_left if side == 1 else m.lanes[lane].may_change_right
        if beside < 0 or not m.lanes[beside].road & _CARS:
            continue
        if not allowed and cost[lane] < FAR_M:
            continue
        beside_s, _, _ = project(m, beside, state.x_m, state.y_m, m.lanes[beside].point_first)
        _lay(m, side, beside, beside_s, state, vehicle, cost, history, paths)
    return lane


@kernel
def _own_lane(m: MapArrays, state: VehicleState, cost: Floats, history: Ints) -> tuple[int, float]:
    """The lane under the car that agrees best with where it points, where it comes from and where it wants to go."""
    lanes, s, d = np.empty(32, np.int32), np.empty(32), np.empty(32)
    found = locate_all(m, state.x_m, state.y_m, lanes, s, d)
    best, best_s, best_score = -1, 0.0, np.inf
    for k in range(found):
        lane = lanes[k]
        if not m.lanes[lane].road & _CARS and cost[lane] > 0.0:
            continue
        _, _, heading, _ = pose_at(m, lane, s[k], 0.0, m.lanes[lane].point_first)
        turned = abs((state.heading_rad - heading + math.pi) % (2.0 * math.pi) - math.pi)
        score = abs(d[k]) + 4.0 * turned
        if turned > 1.4:
            score += 20.0
        if cost[lane] >= FAR_M:
            score += 3.0
        else:
            score += min(1.0, 0.001 * max(0.0, cost[lane] - s[k]))
        if lane == history[0] or _follows(m, history[0], lane):
            score -= 1.0
        if score < best_score:
            best, best_s, best_score = lane, s[k], score
    return best, best_s


@kernel
def _follows(m: MapArrays, lane: int, following: int) -> bool:
    if lane < 0:
        return False
    here = m.lanes[lane]
    for k in range(here.successor_first, here.successor_first + here.successor_count):
        if m.successors[k] == following:
            return True
    return False


@kernel
def _lay(
    m: MapArrays, p: int, lane: int, s: float, state: VehicleState, vehicle: VehicleParameters, cost: Floats, history: Ints, paths: Paths
) -> None:  # fmt: skip
    paths.cost[p] = cost[lane] - s if cost[lane] < FAR_M else FAR_M
    # The lanes behind, nearest first, until BEHIND metres are covered.
    behind, behind_count, missing = np.empty(8, np.int32), 0, BEHIND - s
    first = lane
    while missing > 0.0 and behind_count < 8:
        before = _before(m, first, history)
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
        paths.lanes[p, n], paths.starts[p, n] = behind[k], station
        station += m.lanes[behind[k]].length
        n += 1
    current = lane
    dead_end = False
    while n < LANES:
        paths.lanes[p, n], paths.starts[p, n] = current, station
        station += m.lanes[current].length
        n += 1
        if station >= STATIONS:
            break
        current = best_successor(m, current, cost)
        if current < 0:
            dead_end = True
            break
    paths.lane_count[p] = n
    paths.end_s[p] = station if dead_end else math.inf
    paths.kind[p] = p
    paths.count[p] = STATIONS
    _sample(m, p, STATIONS, paths)
    _smooth(paths.x[p], paths.y[p], STATIONS)
    _differentiate(p, STATIONS, paths)
    _allow(p, STATIONS, paths)
    _place(p, state, vehicle, paths)


@kernel
def _before(m: MapArrays, lane: int, history: Ints) -> int:
    """The predecessor the car came by; the straightest one for a lane it was never on."""
    here = m.lanes[lane]
    best, best_bend = -1, np.inf
    for k in range(here.predecessor_first, here.predecessor_first + here.predecessor_count):
        before = m.predecessors[k]
        for old in history:
            if old == before:
                return before
        start = m.points[m.lanes[before].point_first].heading
        bend = abs((m.points[here.point_first].heading - start + math.pi) % (2.0 * math.pi) - math.pi)
        if bend < best_bend:
            best, best_bend = before, bend
    return best


@kernel
def _sample(m: MapArrays, p: int, count: int, paths: Paths) -> None:
    """Points of the centre lines, 1 m apart; before the first lane and behind the last one the end's direction goes on."""
    k, hint = 0, m.lanes[paths.lanes[p, 0]].point_first
    for i in range(count):
        while k + 1 < paths.lane_count[p] and i >= paths.starts[p, k + 1]:
            k += 1
            hint = m.lanes[paths.lanes[p, k]].point_first
        lane = paths.lanes[p, k]
        s = i - paths.starts[p, k]
        inside = min(max(s, 0.0), m.lanes[lane].length)
        x, y, heading, hint = pose_at(m, lane, inside, 0.0, hint)
        paths.x[p, i] = x + (s - inside) * math.cos(heading)
        paths.y[p, i] = y + (s - inside) * math.sin(heading)
        paths.lane_of[p, i] = k
        limit = m.lanes[lane].speed_limit
        paths.limit[p, i] = limit if limit > 0.5 and limit < UNLIMITED_MPS else UNLIMITED_MPS


@kernel
def _smooth(x: Floats, y: Floats, count: int) -> None:
    for _ in range(SMOOTHING_PASSES):
        last_x, last_y = x[0], y[0]
        for i in range(1, count - 1):
            here_x, here_y = x[i], y[i]
            x[i] = 0.25 * last_x + 0.5 * here_x + 0.25 * x[i + 1]
            y[i] = 0.25 * last_y + 0.5 * here_y + 0.25 * y[i + 1]
            last_x, last_y = here_x, here_y


@kernel
def _differentiate(p: int, count: int, paths: Paths) -> None:
    """Headings by central differences, unwrapped; curvature by differences of heading, once more smoothed."""
    x, y, heading, curvature = paths.x[p], paths.y[p], paths.heading[p], paths.curvature[p]
    for i in range(count):
        a, b = max(0, i - 1), min(count - 1, i + 1)
        direction = math.atan2(y[b] - y[a], x[b] - x[a])
        if i > 0:
            direction = heading[i - 1] + (direction - heading[i - 1] + math.pi) % (2.0 * math.pi) - math.pi
        heading[i] = direction
    for i in range(count):
        a, b = max(0, i - 1), min(count - 1, i + 1)
        step = math.hypot(x[b] - x[a], y[b] - y[a])
        curvature[i] = (heading[b] - heading[a]) / step if step > 0.2 else 0.0
    for _ in range(3):
        last = curvature[0]
        for i in range(1, count - 1):
            here = curvature[i]
            curvature[i] = 0.25 * last + 0.5 * here + 0.25 * curvature[i + 1]
            last = here


@kernel
def _allow(p: int, count: int, paths: Paths) -> None:
    ahead = np.inf
    for i in range(count - 1, -1, -1):
        bend = math.sqrt(COMFORT_LATERAL_MPS2 / max(1e-6, abs(paths.curvature[p, i])))
        ahead = min(min(paths.limit[p, i], bend), math.sqrt(ahead * ahead + 2.0 * COMFORT_BRAKING_MPS2))
        paths.allowed[p, i] = ahead


@kernel
def _place(p: int, state: VehicleState, vehicle: VehicleParameters, paths: Paths) -> None:
    """Where the rear axle is on the path: nearest station, then the foot of the perpendicular."""
    rear_x = state.x_m - vehicle.rear_axle_m * math.cos(state.heading_rad)
    rear_y = state.y_m - vehicle.rear_axle_m * math.sin(state.heading_rad)
    nearest, least = 0, np.inf
    for i in range(min(paths.count[p], 2 * BEHIND + 4)):
        square = (paths.x[p, i] - rear_x) ** 2 + (paths.y[p, i] - rear_y) ** 2
        if square < least:
            nearest, least = i, square
    cos, sin = math.cos(paths.heading[p, nearest]), math.sin(paths.heading[p, nearest])
    dx, dy = rear_x - paths.x[p, nearest], rear_y - paths.y[p, nearest]
    along = min(1.0, max(-1.0, dx * cos + dy * sin))
    paths.rear_s[p] = nearest + along
    # On a bend the perpendicular of the foot differs from that of the station by curvature · along.
    turn = paths.curvature[p, nearest] * along
    paths.rear_d[p] = dy * cos - dx * sin - 0.5 * turn * along
    heading = paths.heading[p, nearest] + turn
    paths.rear_turn[p] = (state.heading_rad - heading + math.pi) % (2.0 * math.pi) - math.pi


@kernel
def _lay_straight(state: VehicleState, vehicle: VehicleParameters, paths: Paths) -> None:
    """Off every lane: straight on, as slowly as a car may be asked to that does not know the road."""
    cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
    count = 60
    paths.kind[0], paths.count[0], paths.lane_count[0], paths.end_s[0] = 0, count, 0, math.inf
    for i in range(count):
        paths.x[0, i] = state.x_m + (i - BEHIND) * cos
        paths.y[0, i] = state.y_m + (i - BEHIND) * sin
        paths.heading[0, i], paths.curvature[0, i], paths.lane_of[0, i] = state.heading_rad, 0.0, -1
        paths.limit[0, i] = paths.allowed[0, i] = max(state.speed_mps, 5.0)
    paths.cost[0] = FAR_M
    paths.rear_s[0], paths.rear_d[0], paths.rear_turn[0] = BEHIND - vehicle.rear_axle_m, 0.0, 0.0
