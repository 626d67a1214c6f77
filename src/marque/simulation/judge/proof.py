"""Proofs that a planning problem cannot be solved by any driver of this vehicle.

Each over-estimates what the vehicle could do, so that what it finds impossible is impossible. What it does not find impossible counts as
well posed, whether or not anybody can drive it.
"""

from __future__ import annotations

import math

import numpy as np

from marque.common import Bytes, Floats, Ints
from marque.driving.goal import Goal
from marque.driving.map.model import MapArrays
from marque.simulation.judge.checks import Trajectory, first_collision, goal_steps, in_region, lane_polygon
from marque.simulation.judge.surface import extended_quad, is_beside, segment_quad, uncovered
from marque.simulation.judge.turning import LONGEST_S, most_turning
from marque.simulation.scenario import PlanningProblem, Scenario
from marque.vehicle import VehicleParameters, acceleration_limits, kernel

_CELL_M = 1.0
_MOST_CELLS = 16_000_000
_CLOCK_S = 0.01


def prove_ill_posed(scenario: Scenario, problem: PlanningProblem, vehicle: VehicleParameters) -> str | None:
    """Why the problem cannot be solved, in words, or None. A problem with several goals is unsolvable when each of them is."""
    fault = start_fault(scenario, problem, vehicle)
    if fault is not None:
        return fault
    faults = [goal_fault(scenario, problem, goal, vehicle) for goal in problem.goals]
    known = [fault for fault in faults if fault is not None]
    return "; ".join(dict.fromkeys(known)) if len(known) == len(faults) else None


def start_fault(scenario: Scenario, problem: PlanningProblem, vehicle: VehicleParameters) -> str | None:
    """What is wrong at the very start: a limit passed, somebody touched, a part of the body beside the road."""
    if not 0.0 <= problem.speed_mps <= vehicle.speed_max_mps:
        return f"the ego starts at {problem.speed_mps:g} m/s, the vehicle drives between 0 and {vehicle.speed_max_mps:g}"
    actors, here = scenario.actors, (np.array([value]) for value in (problem.x_m, problem.y_m, problem.heading_rad, problem.speed_mps, 0.0))
    _, body = first_collision(
        Trajectory(*here), problem.start_step, vehicle.length_m, vehicle.width_m, actors.x_m, actors.y_m, actors.heading_rad,
        actors.length_m, actors.width_m, actors.present, actors.stands,
    )  # fmt: skip
    if body >= 0:
        return f"the ego starts in collision with obstacle {actors.obstacles[body]}"
    pose = problem.x_m, problem.y_m, problem.heading_rad
    thickness, area = uncovered(*pose, vehicle.length_m, vehicle.width_m, scenario.road_map.arrays)
    if is_beside(thickness, area):
        return f"the ego starts with {area:.2f} m² of its body beside the road"
    return None


def goal_fault(scenario: Scenario, problem: PlanningProblem, goal: Goal, vehicle: VehicleParameters) -> str | None:
    """Why one goal cannot be met: its time is over, or the speed, the way or the turn there is more than the vehicle can do by then."""
    first, last = goal_steps(goal, scenario.step_s)
    if last < problem.start_step or first > last:
        return "the goal's time is over before the ego starts" if first <= last else "no step lies in the goal's time"
    horizon_s = (last - problem.start_step) * scenario.step_s
    fastest, farthest = full_throttle(problem.speed_mps, horizon_s, vehicle)
    if goal.speed_mps is not None:
        slowest = max(0.0, problem.speed_mps - vehicle.braking_max_mps2 * horizon_s)
        if goal.speed_mps[0] > fastest or goal.speed_mps[1] < slowest:
            asked = f"{goal.speed_mps[0]:g} to {goal.speed_mps[1]:g}"
            return f"the goal asks for {asked} m/s, within {horizon_s:.1f} s only {slowest:.1f} to {fastest:.1f} can be reached"
    if not goal.anywhere:
        least = least_way(scenario, problem, goal, vehicle)
        if math.isinf(least):
            return "no road leads from the start to the goal's region"
        if least > farthest:
            return (
                f"the goal's region is at least {least:.0f} m of road away, within {horizon_s:.1f} s at most {farthest:.0f} m can be driven"
            )
    if goal.heading_rad is not None and horizon_s <= LONGEST_S:
        turn = turn_to(problem.heading_rad, goal.heading_rad)
        most = most_turning(problem.speed_mps, problem.yaw_rate_radps, horizon_s, vehicle) if turn > 0.0 else math.inf
        if turn > most:
            return f"the goal's heading is {turn:.2f} rad away, within {horizon_s:.1f} s at most {most:.2f} rad can be turned"
    return None


@kernel
def full_throttle(speed_mps: float, duration_s: float, vehicle: VehicleParameters) -> tuple[float, float]:
    """(speed m/s, way m) after accelerating with all there is; rounded up: Euler's method on a falling acceleration overshoots."""
    speed, way = speed_mps, 0.0
    for _ in range(int(math.ceil(duration_s / _CLOCK_S))):  # noqa: RUF046 - numba's ceil is a float
        _, highest = acceleration_limits(speed, vehicle)
        speed = speed + highest * _CLOCK_S
        way += speed * _CLOCK_S
    return speed, way


def turn_to(heading_rad: float, interval: tuple[float, float]) -> float:
    """The least turn, either way, from a heading into an interval, rad."""
    width = interval[1] - interval[0]
    past = (heading_rad - interval[0]) % (2.0 * math.pi)
    return 0.0 if past <= width else min(past - width, 2.0 * math.pi - past)


def least_way(scenario: Scenario, problem: PlanningProblem, goal: Goal, vehicle: VehicleParameters) -> float:
    """A length, m, that no way on the road from the start to the goal's region falls short of; inf where there is none.

    The centre of a body that is wholly on the road is on the road, or on a seam no wider than a cell. Two points of its way one cell's
    width apart lie in the same or in touching cells (of 8 around), and all are cells with road in them: a way of length l passes at most
    ⌈l / cell⌉ such borders. So n borders need more than (n − 1) cells' width. The straight line is a second bound.
    """
    points = scenario.road_map.arrays.points
    outlines = tuple(lane_polygon(scenario.road_map, lane) for lane in goal.lanes)
    x0, y0 = float(min(points["left_x"].min(), points["right_x"].min())), float(min(points["left_y"].min(), points["right_y"].min()))
    width = float(max(points["left_x"].max(), points["right_x"].max())) - x0
    height = float(max(points["left_y"].max(), points["right_y"].max())) - y0
    cell = max(_CELL_M, math.sqrt(width * height / _MOST_CELLS))
    margin = 2.0 * vehicle.length_m
    road = np.zeros((int((height + 2.0 * margin) / cell) + 3, int((width + 2.0 * margin) / cell) + 3), np.uint8)
    x0, y0 = x0 - margin - cell, y0 - margin - cell
    _pave(scenario.road_map.arrays, x0, y0, cell, vehicle.length_m, road)
    steps = np.full(road.shape, -1, np.int32)
    _flood(road, int((problem.y_m - y0) / cell), int((problem.x_m - x0) / cell), steps)
    region = np.zeros(road.shape, np.uint8)
    shapes = shapes_of(scenario, goal)
    for shape in shapes:
        _touch(np.ascontiguousarray(shape), x0, y0, cell, region)
    reached = steps[(region == 1) & (steps >= 0)]
    if reached.size == 0:
        return math.inf
    if in_region(goal, outlines, problem.x_m, problem.y_m):
        return 0.0
    straight = min(_distance(problem.x_m, problem.y_m, np.ascontiguousarray(shape)) for shape in shapes)
    return max((int(reached.min()) - 1) * cell, straight)


def shapes_of(scenario: Scenario, goal: Goal) -> list[Floats]:
    """Polygons that hold a goal's region; circles in their squares."""
    squares = [np.array([[x - r, y - r], [x + r, y - r], [x + r, y + r], [x - r, y + r]]) for x, y, r in goal.circles]
    return [*goal.polygons, *(lane_polygon(scenario.road_map, lane) for lane in goal.lanes), *squares]


@kernel
def _pave(road: MapArrays, x0: float, y0: float, cell: float, beyond: float, out: Bytes) -> None:
    """Marks every cell in which a body can have its centre: lanes, and what lies up to `beyond` past their open ends."""
    quad = np.empty((4, 2))
    for i in range(road.points.size - 1):
        if road.points[i].lane != road.points[i + 1].lane:
            continue
        lane = road.lanes[road.points[i].lane]
        _touch(segment_quad(road, i, quad), x0, y0, cell, out)
        if i == lane.point_first and lane.predecessor_count == 0:
            _touch(extended_quad(segment_quad(road, i, quad), 0, beyond), x0, y0, cell, out)
        if i == lane.point_first + lane.point_count - 2 and lane.successor_count == 0:
            _touch(extended_quad(segment_quad(road, i, quad), 2, beyond), x0, y0, cell, out)


@kernel
def _touch(polygon: Floats, x0: float, y0: float, cell: float, out: Bytes) -> None:
    """Marks at least every cell that a polygon touches: row by row from its leftmost to its rightmost point in the row."""
    rows, columns = out.shape
    low, high = polygon[:, 1].min(), polygon[:, 1].max()
    for row in range(max(0, int((low - y0) / cell) - 1), min(rows - 1, int((high - y0) / cell) + 1) + 1):
        bottom, top = y0 + row * cell - 1e-6, y0 + (row + 1) * cell + 1e-6
        left, right = math.inf, -math.inf
        for i in range(len(polygon)):
            j = i + 1 if i + 1 < len(polygon) else 0
            ax, ay, bx, by = polygon[i, 0], polygon[i, 1], polygon[j, 0], polygon[j, 1]
            if max(ay, by) < bottom or min(ay, by) > top:
                continue
            u, v = 0.0, 1.0
            if abs(by - ay) > 1e-12:
                u, v = (bottom - ay) / (by - ay), (top - ay) / (by - ay)
                u, v = max(0.0, min(u, v)), min(1.0, max(u, v))
            left = min(left, ax + u * (bx - ax), ax + v * (bx - ax))
            right = max(right, ax + u * (bx - ax), ax + v * (bx - ax))
        if left <= right:
            for column in range(max(0, int((left - x0) / cell - 1e-6)), min(columns - 1, int((right - x0) / cell + 1e-6)) + 1):
                out[row, column] = 1


@kernel
def _flood(road: Bytes, row: int, column: int, steps: Ints) -> None:
    """Fewest borders to pass from a cell to each cell of the road that it is connected with, 8 ways."""
    rows, columns = road.shape
    if not (0 <= row < rows and 0 <= column < columns):
        return
    queue = np.empty((rows * columns, 2), np.int32)
    queue[0, 0], queue[0, 1] = row, column
    steps[row, column] = 0
    first, last = 0, 1
    while first < last:
        r, c = queue[first, 0], queue[first, 1]
        first += 1
        for dr in range(-1, 2):
            for dc in range(-1, 2):
                nr, nc = r + dr, c + dc
                if 0 <= nr < rows and 0 <= nc < columns and road[nr, nc] == 1 and steps[nr, nc] < 0:
                    steps[nr, nc] = steps[r, c] + 1
                    queue[last, 0], queue[last, 1] = nr, nc
                    last += 1


@kernel
def _distance(x: float, y: float, polygon: Floats) -> float:
    """From a point to the border of a polygon."""
    least = math.inf
    for i in range(len(polygon)):
        j = i + 1 if i + 1 < len(polygon) else 0
        dx, dy = polygon[j, 0] - polygon[i, 0], polygon[j, 1] - polygon[i, 1]
        square = dx * dx + dy * dy
        u = min(1.0, max(0.0, ((x - polygon[i, 0]) * dx + (y - polygon[i, 1]) * dy) / square)) if square > 0.0 else 0.0
        least = min(least, math.hypot(x - polygon[i, 0] - u * dx, y - polygon[i, 1] - u * dy))
    return least
