"""The judge's measurements: where a driven trajectory touched somebody, left the road, or did what no car can do."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from marque.common import Bools, Floats
from marque.driving.goal import Goal, heading_within
from marque.driving.map import RoadMap
from marque.driving.map.geometry import wrap
from marque.driving.map.model import MapArrays
from marque.simulation.judge.surface import inside_polygon, off_road
from marque.vehicle import VehicleParameters, acceleration_limits, boxes_overlap, kernel

POSITION_TOLERANCE_M = 0.02
HEADING_TOLERANCE_RAD = 0.03
"""How far a state may lie from where its predecessor's motion leads; those of CommonRoad's feasibility checker."""
_LIMIT_SLACK = 1e-3
"""By how much of itself a limit may be passed: rounding, not licence."""
_SUBSTEPS = 8


class Trajectory(NamedTuple):
    """A driven trajectory, one entry per step from the problem's start step on; all (n,), body centres, SI units."""

    x_m: Floats
    y_m: Floats
    heading_rad: Floats
    speed_mps: Floats
    steering_rad: Floats


class Limit(IntEnum):
    """What a car cannot do."""

    NONE = -1
    SPEED = 0
    BRAKING = 1
    ACCELERATION = 2
    STEERING = 3
    STEERING_RATE = 4
    FRICTION = 5
    MOTION = 6
    """The pose does not follow from the one before."""


@kernel
def first_collision(
    driven: Trajectory, start: int, length_m: float, width_m: float,
    x: Floats, y: Floats, heading: Floats, lengths: Floats, widths: Floats, present: Bools, stands: Bools,
) -> tuple[int, int]:  # fmt: skip
    """(entry of the trajectory, body) of the first overlap with anybody in the log, (−1, −1) without. Arrays as in `ActorLog`."""
    for k in range(driven.x_m.size):
        row = min(start + k, present.shape[0] - 1)
        for i in range(present.shape[1]):
            there = stands[i] if start + k >= present.shape[0] else present[row, i]
            if there and boxes_overlap(
                driven.x_m[k], driven.y_m[k], driven.heading_rad[k], length_m, width_m,
                x[row, i], y[row, i], heading[row, i], lengths[row, i], widths[row, i],
            ):  # fmt: skip
                return k, i
    return -1, -1


@kernel
def first_departure(driven: Trajectory, length_m: float, width_m: float, road: MapArrays) -> int:
    """Entry at which a part of the body first lies beside the road, −1 without."""
    for k in range(driven.x_m.size):
        if off_road(driven.x_m[k], driven.y_m[k], driven.heading_rad[k], length_m, width_m, road):
            return k
    return -1


@kernel
def first_infeasible(driven: Trajectory, step_s: float, vehicle: VehicleParameters) -> tuple[int, Limit]:
    """(entry, `Limit`) of the first state that a car within its limits cannot have reached from the one before, (−1, NONE) without.

    Between two states acceleration and steering rate are constant; the friction circle must hold where it begins, and the pose must follow
    by the kinematic single-track model (here by the classical Runge–Kutta method, independent of the simulation's own integration).
    Source of the model and of the circle: Althoff, Koschi, Manzinger 2017, KS.
    """
    for k in range(driven.x_m.size):
        speed, steering = driven.speed_mps[k], driven.steering_rad[k]
        if not abs(speed) <= vehicle.speed_max_mps * (1.0 + _LIMIT_SLACK):
            return k, Limit.SPEED
        if not abs(steering) <= vehicle.steering_max_rad * (1.0 + _LIMIT_SLACK):
            return k, Limit.STEERING
        if k == 0:
            continue
        before = driven.speed_mps[k - 1]
        acceleration, rate = (speed - before) / step_s, (steering - driven.steering_rad[k - 1]) / step_s
        if speed * before < 0.0:  # it changes gear at standstill
            return k, Limit.MOTION
        way = -1.0 if min(speed, before) < 0.0 else 1.0
        lowest, highest = acceleration_limits(min(way * speed, way * before), vehicle)
        slack = _LIMIT_SLACK * vehicle.braking_max_mps2
        if way * acceleration < lowest - slack:
            return k, Limit.BRAKING
        if way * acceleration > highest + slack:
            return k, Limit.ACCELERATION
        if abs(rate) > vehicle.steering_rate_max_radps * (1.0 + _LIMIT_SLACK):
            return k, Limit.STEERING_RATE
        lateral = before * before * abs(math.tan(driven.steering_rad[k - 1])) / vehicle.wheelbase_m
        if math.hypot(acceleration, lateral) > vehicle.braking_max_mps2 * (1.0 + _LIMIT_SLACK):
            return k, Limit.FRICTION
        x, y, heading = _moved(driven, k - 1, acceleration, rate, step_s, vehicle)
        tolerance = POSITION_TOLERANCE_M
        if speed == 0.0:  # it may have braked harder and stood before the step was over
            tolerance += vehicle.braking_max_mps2 * step_s * step_s / 8.0
        if math.hypot(driven.x_m[k] - x, driven.y_m[k] - y) > tolerance:
            return k, Limit.MOTION
        turned = wrap(driven.heading_rad[k] - heading)
        if abs(turned) > HEADING_TOLERANCE_RAD:
            return k, Limit.MOTION
    return -1, Limit.NONE


@kernel
def _moved(
    driven: Trajectory, k: int, acceleration: float, rate: float, step_s: float, vehicle: VehicleParameters
) -> tuple[float, float, float]:
    """Pose of the body's centre one step after entry k."""
    heading, speed, steering = driven.heading_rad[k], driven.speed_mps[k], driven.steering_rad[k]
    x = driven.x_m[k] - vehicle.rear_axle_m * math.cos(heading)
    y = driven.y_m[k] - vehicle.rear_axle_m * math.sin(heading)
    h = step_s / _SUBSTEPS
    for n in range(_SUBSTEPS):
        t = n * h
        v0, v1, v2 = speed + acceleration * t, speed + acceleration * (t + 0.5 * h), speed + acceleration * (t + h)
        w0 = v0 * math.tan(steering + rate * t) / vehicle.wheelbase_m
        w1 = v1 * math.tan(steering + rate * (t + 0.5 * h)) / vehicle.wheelbase_m
        w2 = v2 * math.tan(steering + rate * (t + h)) / vehicle.wheelbase_m
        a1, a2, a3 = heading + 0.5 * h * w0, heading + 0.5 * h * w1, heading + h * w1
        x += h / 6.0 * (v0 * math.cos(heading) + 2.0 * v1 * (math.cos(a1) + math.cos(a2)) + v2 * math.cos(a3))
        y += h / 6.0 * (v0 * math.sin(heading) + 2.0 * v1 * (math.sin(a1) + math.sin(a2)) + v2 * math.sin(a3))
        heading += h / 6.0 * (w0 + 4.0 * w1 + w2)
    return x + vehicle.rear_axle_m * math.cos(heading), y + vehicle.rear_axle_m * math.sin(heading), heading


def lane_polygon(road_map: RoadMap, lane: int) -> Floats:
    """The outline (k, 2) of a lane's surface."""
    record = road_map.arrays.lanes[lane]
    points = road_map.arrays.points[record["point_first"] : record["point_first"] + record["point_count"]]
    left = np.column_stack([points["left_x"], points["left_y"]])
    right = np.column_stack([points["right_x"], points["right_y"]])
    return np.vstack([left, right[::-1]])


def in_region(goal: Goal, outlines: tuple[Floats, ...], x_m: float, y_m: float) -> bool:
    """Whether a point lies where a goal wants it. outlines: those of the goal's lanes."""
    return (
        goal.anywhere
        or any(inside_polygon(x_m, y_m, polygon) for polygon in (*goal.polygons, *outlines))
        or any(math.hypot(x_m - x, y_m - y) <= radius for x, y, radius in goal.circles)
    )


def conditions_hold(goal: Goal, speed_mps: float, heading_rad: float) -> bool:
    """Whether speed and heading are as a goal wants them."""
    return (goal.speed_mps is None or goal.speed_mps[0] <= speed_mps <= goal.speed_mps[1]) and (
        goal.heading_rad is None or heading_within(heading_rad, goal.heading_rad)
    )


def goal_steps(goal: Goal, step_s: float) -> tuple[int, int]:
    """First and last step of a goal's time interval."""
    return math.ceil(goal.time_s[0] / step_s - 1e-6), math.floor(goal.time_s[1] / step_s + 1e-6)
