"""A drive seen from the road: which lane the ego was in at every step, where in it, and who was ahead of it there."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Bools, Floats, Ints
from marque.driving.map import DRIVABLE, MapArrays
from marque.driving.map.geometry import wrap
from marque.driving.map.query import locate, pose_at, project, width_at
from marque.simulation.judge.checks import Trajectory
from marque.simulation.scenario import Scenario
from marque.vehicle import VehicleParameters, kernel

NO_ONE = -1
SIGHT_M = 100.0
"""Nobody further ahead counts."""
_LANES_AHEAD = 8
_METRES_PER_RAD = 4.0
"""Of lanes that fork, the one is driven whose middle and direction are nearer; so much does direction weigh, as in `locate`."""
_LANE_MARGIN_M = 0.1
"""A body that reaches no further into the way of another one is beside it."""


class Course(NamedTuple):
    """Per step (n,): the lane −1 beside the road; lane coordinates (s, d); heading against the lane's; metres driven along lanes."""

    lane: Ints
    s_m: Floats
    d_m: Floats
    turned_rad: Floats
    along_m: Floats
    limit_mps: Floats
    """The speed allowed; inf where none is posted."""
    wrong_way: Bools
    """The centre is on a lane for the other direction, and on none for its own."""
    crosses_border: Bools
    """A part of the body is outside its lane."""
    leader: Ints
    """Body of the log that is next ahead in the ego's lane and those that follow it, NO_ONE without."""
    gap_m: Floats
    """Bumper to bumper to the leader, inf without; not below 0."""
    ahead_m: Floats
    """From centre to centre of the leader along the lanes, inf without."""


def follow(scenario: Scenario, driven: Trajectory, start: int, vehicle: VehicleParameters) -> Course:
    """The course of a trajectory that begins at step `start` of the scenario."""
    n, actors = driven.x_m.size, scenario.actors
    course = Course(
        np.full(n, -1, np.int32), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.full(n, np.inf), np.zeros(n, np.bool_),
        np.zeros(n, np.bool_), np.full(n, NO_ONE, np.int32), np.full(n, np.inf), np.full(n, np.inf),
    )  # fmt: skip
    arrays = scenario.road_map.arrays
    _follow(driven, arrays, vehicle.width_m, course)
    _look_ahead(
        driven, start, arrays, vehicle.length_m, vehicle.width_m, actors.x_m, actors.y_m, actors.length_m, actors.width_m,
        actors.heading_rad, actors.present, actors.stands, course,
    )  # fmt: skip
    return course


@kernel
def _lane_of(m: MapArrays, current: int, x: float, y: float, heading: float) -> tuple[int, float, float, bool]:
    """(lane, s, d, wrong way): the current lane while it holds the place, then the best of its successors, then any lane."""
    if current >= 0:
        best, best_s, best_d, least = -1, 0.0, 0.0, math.inf
        here = m.lanes[current]
        for k in range(here.successor_first - 1, here.successor_first + here.successor_count):
            lane = current if k < here.successor_first else m.successors[k]
            s, d, i = project(m, lane, x, y, -1)
            left, right = width_at(m, lane, s, i)
            if 0.0 <= s <= m.lanes[lane].length and -right <= d <= left:
                if lane == current:
                    return lane, s, d, False
                cost = abs(d) + _METRES_PER_RAD * abs(wrap(heading - m.points[i].heading))
                if cost < least:
                    best, best_s, best_d, least = lane, s, d, cost
        if best >= 0:
            return best, best_s, best_d, False
    for half_turns in range(2):
        lane, s, d = locate(m, x, y, heading + half_turns * math.pi, 0.5 * math.pi, DRIVABLE)
        if lane >= 0:
            return lane, s, d, half_turns == 1
    return -1, 0.0, 0.0, False


@kernel
def _follow(driven: Trajectory, m: MapArrays, width_m: float, course: Course) -> None:
    before = -1
    for k in range(driven.x_m.size):
        x, y, heading = driven.x_m[k], driven.y_m[k], driven.heading_rad[k]
        lane, s, d, wrong = _lane_of(m, before, x, y, heading)
        course.lane[k], course.s_m[k], course.d_m[k], course.wrong_way[k] = lane, s, d, wrong
        along = heading
        if lane >= 0:
            along = pose_at(m, lane, s, 0.0)[2]
            left, right = width_at(m, lane, s)
            course.limit_mps[k] = m.lanes[lane].speed_limit
            course.crosses_border[k] = d + 0.5 * width_m > left or d - 0.5 * width_m < -right
        course.turned_rad[k] = wrap(heading - along)
        if k > 0:
            moved = s - course.s_m[k - 1]
            if lane < 0 or lane != course.lane[k - 1]:
                moved = (x - driven.x_m[k - 1]) * math.cos(along) + (y - driven.y_m[k - 1]) * math.sin(along)
            course.along_m[k] = course.along_m[k - 1] + moved
        before = -1 if wrong else lane


@kernel
def next_lane(m: MapArrays, lane: int, driven_lanes: Ints, k: int) -> int:
    """The lane after this one: that which the ego drives after step k where it is a successor, else the straightest; −1 at a dead end."""
    here = m.lanes[lane]
    end_heading = m.points[here.point_first + here.point_count - 1].heading
    best, least = -1, math.inf
    for i in range(here.successor_first, here.successor_first + here.successor_count):
        following = m.successors[i]
        for j in range(k, driven_lanes.size):
            if driven_lanes[j] == following:
                return int(following)
        after = m.lanes[following]
        bend = abs(wrap(m.points[after.point_first + after.point_count // 2].heading - end_heading))
        if bend < least:
            best, least = following, bend
    return best


@kernel
def _look_ahead(
    driven: Trajectory, start: int, m: MapArrays, length_m: float, width_m: float, x: Floats, y: Floats, lengths: Floats, widths: Floats,
    headings: Floats, present: Bools, stands: Bools, course: Course,
) -> None:  # fmt: skip
    chain, begins = np.empty(_LANES_AHEAD, np.int32), np.empty(_LANES_AHEAD)
    lanes = 0
    for k in range(driven.x_m.size):
        if course.lane[k] < 0 or course.wrong_way[k]:
            continue
        if k == 0 or lanes == 0 or course.lane[k] != course.lane[k - 1]:
            lanes = _chain(m, course.lane, k, chain, begins)
        row = min(start + k, present.shape[0] - 1)
        for i in range(present.shape[1]):
            there = stands[i] if start + k >= present.shape[0] else present[row, i]
            dx, dy = x[row, i] - driven.x_m[k], y[row, i] - driven.y_m[k]
            if not there or abs(dx) > SIGHT_M or abs(dy) > SIGHT_M:
                continue
            for j in range(lanes):
                s, d, _ = project(m, chain[j], x[row, i], y[row, i], -1)
                if (j > 0 and s < 0.0) or s > m.lanes[chain[j]].length:
                    continue
                turned = headings[row, i] - pose_at(m, chain[j], s, 0.0)[2]
                half_long = 0.5 * (lengths[row, i] * abs(math.cos(turned)) + widths[row, i] * abs(math.sin(turned)))
                half_wide = 0.5 * (lengths[row, i] * abs(math.sin(turned)) + widths[row, i] * abs(math.cos(turned)))
                ahead = begins[j] + s - course.s_m[k]
                gap = ahead - 0.5 * length_m - half_long
                if ahead > 0.0 and abs(d - course.d_m[k]) < 0.5 * width_m + half_wide - _LANE_MARGIN_M and gap < course.gap_m[k]:
                    course.leader[k], course.gap_m[k], course.ahead_m[k] = i, max(0.0, gap), ahead
                break


@kernel
def _chain(m: MapArrays, driven_lanes: Ints, k: int, chain: Ints, begins: Floats) -> int:
    """The lanes ahead from step k on, as far as one sees, and where each begins on the way, m; returns how many."""
    lane, begin = driven_lanes[k], 0.0
    for j in range(_LANES_AHEAD):
        chain[j], begins[j] = lane, begin
        begin += m.lanes[lane].length
        lane = next_lane(m, lane, driven_lanes, k)
        if lane < 0 or begin > SIGHT_M + m.lanes[chain[0]].length:
            return j + 1
    return _LANES_AHEAD
