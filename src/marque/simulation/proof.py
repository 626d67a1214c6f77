"""Proofs that a planning problem cannot be solved by any driver of this vehicle. Each over-estimates what the vehicle could do, so that
what it finds impossible is impossible; what it does not find impossible is well posed.
"""

from __future__ import annotations

import numpy as np

from marque.simulation.checks import Trajectory, first_collision
from marque.simulation.scenario import PlanningProblem, Scenario
from marque.simulation.surface import EDGE_TOLERANCE_M, uncovered
from marque.vehicle import VehicleParameters


def prove_ill_posed(scenario: Scenario, problem: PlanningProblem, vehicle: VehicleParameters) -> str | None:
    """Why the problem cannot be solved, in words, or None."""
    start = start_fault(scenario, problem, vehicle)
    if start is not None:
        return start
    return None


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
    thickness, area = uncovered(problem.x_m, problem.y_m, problem.heading_rad, vehicle.length_m, vehicle.width_m, scenario.road_map.arrays)
    if thickness > EDGE_TOLERANCE_M or area > 0.05:
        return f"the ego starts with {area:.2f} m² of its body beside the road"
    return None
