"""Figures of a drive: how near it came to others, how it felt inside."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from marque.common import Bools, Floats
from marque.simulation.judge.checks import Trajectory
from marque.simulation.scenario import Scenario
from marque.vehicle import VehicleParameters, kernel


@dataclass(frozen=True, slots=True)
class Comfort:
    """The greatest values of a drive, signs dropped except where the name says."""

    acceleration_max_mps2: float
    braking_max_mps2: float
    lateral_max_mps2: float
    jerk_max_mps3: float


def comfort(driven: Trajectory, step_s: float, vehicle: VehicleParameters) -> Comfort:
    """From the speeds and steering angles of a trajectory; accelerations are those between two steps."""
    acceleration = np.diff(driven.speed_mps) / step_s
    lateral = driven.speed_mps**2 * np.tan(driven.steering_rad) / vehicle.wheelbase_m
    return Comfort(
        acceleration_max_mps2=float(np.max(acceleration, initial=0.0)),
        braking_max_mps2=float(max(0.0, -np.min(acceleration, initial=0.0))),
        lateral_max_mps2=float(np.max(np.abs(lateral), initial=0.0)),
        jerk_max_mps3=float(np.max(np.abs(np.diff(acceleration)) / step_s, initial=0.0)),
    )


def least_time_to_collision(scenario: Scenario, driven: Trajectory, start: int, vehicle: VehicleParameters) -> float:
    """The least time to collision over all steps and bodies, s: when boxes that kept their velocities would touch; inf for never."""
    actors = scenario.actors
    return float(
        _least(
            driven, start, vehicle.length_m, vehicle.width_m, actors.x_m, actors.y_m, actors.heading_rad, actors.speed_mps,
            actors.length_m, actors.width_m, actors.present, actors.stands,
        )
    )  # fmt: skip


@kernel
def _least(
    driven: Trajectory, start: int, length_m: float, width_m: float,
    x: Floats, y: Floats, heading: Floats, speed: Floats, lengths: Floats, widths: Floats, present: Bools, stands: Bools,
) -> float:  # fmt: skip
    least = math.inf
    for k in range(driven.x_m.size):
        row = min(start + k, present.shape[0] - 1)
        for i in range(present.shape[1]):
            there = stands[i] if start + k >= present.shape[0] else present[row, i]
            if there:
                least = min(
                    least,
                    time_to_collision(
                        driven.x_m[k], driven.y_m[k], driven.heading_rad[k], driven.speed_mps[k], length_m, width_m,
                        x[row, i], y[row, i], heading[row, i], speed[row, i], lengths[row, i], widths[row, i],
                    ),
                )  # fmt: skip
    return least


@kernel
def time_to_collision(
    ax: float, ay: float, a_heading: float, a_speed: float, a_length: float, a_width: float,
    bx: float, by: float, b_heading: float, b_speed: float, b_length: float, b_width: float,
) -> float:  # fmt: skip
    """When two rectangles that keep heading and speed first touch, s; 0 if they do now, inf if never.

    Separating axes in time: on each of the four face normals the projections overlap during one interval; they touch where all overlap.
    """
    ca, sa, cb, sb = math.cos(a_heading), math.sin(a_heading), math.cos(b_heading), math.sin(b_heading)
    dx, dy = bx - ax, by - ay
    vx, vy = b_speed * cb - a_speed * ca, b_speed * sb - a_speed * sa
    enter, leave = 0.0, math.inf
    for axis in range(4):
        nx, ny = (ca, sa) if axis == 0 else (-sa, ca) if axis == 1 else (cb, sb) if axis == 2 else (-sb, cb)
        reach = 0.5 * (
            a_length * abs(ca * nx + sa * ny)
            + a_width * abs(ca * ny - sa * nx)
            + b_length * abs(cb * nx + sb * ny)
            + b_width * abs(cb * ny - sb * nx)
        )
        distance, closing = dx * nx + dy * ny, vx * nx + vy * ny
        if abs(closing) < 1e-9:
            if abs(distance) > reach:
                return math.inf
            continue
        first, last = (-reach - distance) / closing, (reach - distance) / closing
        enter, leave = max(enter, min(first, last)), min(leave, max(first, last))
    return enter if enter <= leave else math.inf
