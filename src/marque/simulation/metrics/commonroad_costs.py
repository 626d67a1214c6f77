"""CommonRoad's cost functions: what a solution of a benchmark is ranked by.

Source: Althoff, Koschi, Manzinger, "CommonRoad: Composable Benchmarks for Motion Planning on Roads", IV 2017, and its document "Cost
Functions"; computed as `commonroad_dc.costs` 2025.4 computes them (`bench/costs.py`), which is the benchmark's judge.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marque.common import Floats
from marque.driving.goal import Goal
from marque.simulation.judge.checks import Trajectory
from marque.simulation.metrics.course import Course
from marque.vehicle import VehicleParameters

COST_FUNCTIONS: dict[str, dict[str, float]] = {
    "JB1": {"T": 1.0},
    "MW1": {"Jlat": 5.0, "Jlon": 0.5, "Vlon": 0.2, "ID": 1.0},
    "SA1": {"SA": 0.1, "SR": 0.1, "D": 100_000.0},
    "SM1": {"A": 50.0, "SA": 50.0, "SR": 50.0, "L": 1.0, "V": 20.0, "O": 50.0},
    "SM2": {"A": 50.0, "SA": 50.0, "SR": 50.0, "L": 1.0, "O": 50.0},
    "SM3": {"A": 50.0, "SA": 50.0, "SR": 50.0, "V": 20.0, "O": 50.0},
    "WX1": {"T": 10.0, "V": 1.0, "A": 0.1, "J": 0.1, "D": 0.1, "L": 10.0},
    "TR1": {"Jlon": 0.01, "SR": 22.0, "D": 8.0, "LC": 0.5},
}
"""Weights of the partial costs: A acceleration, J jerk, Jlat and Jlon jerk across and along the lane, SA steering angle, SR steering rate,
Y yaw rate, LC offset from the lane's middle, V and Vlon speed against the goal's, O heading against the lane's, D distance to who is
ahead, L length of the path, T time, ID inverse of time."""

_WINDOW = 13
_ALONG_JUMP_M, _ACROSS_JUMP_M = 1.0, 0.5
_NEARNESS_PER_M = 0.2
_SHORTEST_S = 0.1


class OnLane(NamedTuple):
    """A trajectory in lane coordinates, per step (n,): m along the lanes' middle and to its left, heading against it, m to who is ahead."""

    along_m: Floats
    across_m: Floats
    turned_rad: Floats
    ahead_m: Floats
    """inf where nobody is."""


def on_lane(course: Course, vehicle: VehicleParameters) -> OnLane:
    """A course as the cost functions see it: distances are those between centres, less the width of the ego over 2.5."""
    return OnLane(course.along_m, course.d_m, course.turned_rad, course.ahead_m - vehicle.width_m / 2.5)


def partial_costs(driven: Trajectory, lane: OnLane, goals: tuple[Goal, ...], step_s: float) -> dict[str, float]:
    """Every partial cost by its name, each the integral of a square over the drive but for L, T, ID and D.

    Goals that ask no speed, or one from 0 on, cost nothing in V; Vlon is about goals that ask a speed along the lane, which none can.
    ID is 1 / min(T, 0.1 s), as the tool has it.
    """
    speed, steering = driven.speed_mps, driven.steering_rad
    duration = (speed.size - 1) * step_s
    asked = min((goal.speed_mps[0] for goal in goals if goal.speed_mps is not None), default=0.0)
    acceleration = np.diff(speed) / step_s
    jerk_along, slip_across = lane_jerks(lane, float(speed[0]), step_s)
    return {
        "A": integral(acceleration**2, step_s),
        "J": integral((np.diff(acceleration) / step_s) ** 2, step_s),
        "Jlat": integral(slip_across**2, step_s),
        "Jlon": integral(jerk_along**2, step_s),
        "SA": integral(steering**2, step_s),
        "SR": integral((np.diff(steering) / step_s) ** 2, step_s),
        "Y": integral((np.diff(driven.heading_rad) / step_s) ** 2, step_s),
        "LC": integral(lane.across_m**2, step_s),
        "V": integral((asked - speed) ** 2, step_s) if asked != 0.0 else 0.0,
        "Vlon": 0.0,
        "O": integral(lane.turned_rad**2, step_s),
        "D": integral(np.exp(-_NEARNESS_PER_M * lane.ahead_m), step_s),
        "L": integral(speed, step_s),
        "T": duration,
        "ID": 1.0 / min(duration, _SHORTEST_S) if duration > 0.0 else np.inf,
    }


def costs(partial: dict[str, float]) -> dict[str, float]:
    """Every cost function's value by its name."""
    return {name: sum(weight * partial[part] for part, weight in weights.items()) for name, weights in COST_FUNCTIONS.items()}


def lane_jerks(lane: OnLane, speed_mps: float, step_s: float) -> tuple[Floats, Floats]:
    """(jerk along the lane m/s³, what the tool calls jerk across it) per step (n,).

    Positions lose their jumps, are smoothed by cubics over at most 13 steps (Savitzky, Golay 1964) and differentiated by central
    differences: three times along the lane, but only once across it.
    """
    along = without_jumps(lane.along_m, speed_mps, _ALONG_JUMP_M, step_s)
    across = without_jumps(lane.across_m, 0.0, _ACROSS_JUMP_M, step_s)
    window = min(along.size * 2 // 3, _WINDOW)
    window -= window % 2 + 1
    if window > 4:
        along, across = smoothed(along, window, 3), smoothed(across, window, 3)
    for _ in range(3):
        along = np.gradient(along, step_s)
    return along, np.gradient(across, step_s)


def without_jumps(places: Floats, speed_mps: float, jump_m: float, step_s: float) -> Floats:
    """Places (n,) m, with steps that leave the last speed by more than jump_m replaced by steps at that speed."""
    found, shift = places.copy(), 0.0
    for i in range(places.size - 1):
        expected = places[i] + speed_mps * step_s
        if abs(places[i + 1] - expected) > jump_m:
            found[i + 1] = found[i] + speed_mps * step_s
            shift += expected - places[i + 1]
        else:
            found[i + 1] = places[i + 1] + shift
            speed_mps = float(places[i + 1] - places[i]) / step_s
    return found


def smoothed(values: Floats, window: int, degree: int) -> Floats:
    """Values (n,), each replaced by the polynomial fitted to the odd window around it; the first and last half windows share one fit."""
    half = window // 2
    powers = np.vander(np.arange(-half, half + 1) / half, degree + 1)
    fit = powers @ np.linalg.pinv(powers)
    found = np.convolve(values, fit[half][::-1], mode="same")
    found[:half], found[-half:] = (fit @ values[:window])[:half], (fit @ values[-window:])[-half:]
    return found


def integral(values: Floats, step_s: float) -> float:
    """Simpson's rule over samples (n,); of an even number the last interval gets a parabola through the last three (Cartwright 2017)."""
    n = values.size
    if n < 2:
        return 0.0
    if n == 2:
        return float(0.5 * step_s * values.sum())
    odd = values if n % 2 else values[:-1]
    total = step_s / 3.0 * (odd[0] + odd[-1] + 4.0 * odd[1:-1:2].sum() + 2.0 * odd[2:-1:2].sum())
    return float(total if n % 2 else total + step_s * (5.0 * values[-1] + 8.0 * values[-2] - values[-3]) / 12.0)
