"""The peer's side of bench/costs.py: commonroad_dc.costs evaluates trajectories. Runs in bench/peers/.venv-commonroad, never with Marque.

Reads a JSON job from stdin, writes the answers as JSON to stdout: every partial cost, what along the lane it was computed from, or why not.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from commonroad.common.file_reader import CommonRoadFileReader
from commonroad.common.solution import VehicleType
from commonroad.scenario.state import KSState
from commonroad.scenario.trajectory import Trajectory
from commonroad_dc.costs import route_matcher
from commonroad_dc.costs.evaluation import PartialCostFunction, PartialCostFunctionMapping, cost_function_mapping
from commonroad_dc.costs.route_matcher import LaneletRouteMatcher, SolutionProperties

ON_LANES = {"Jlat", "Jlon", "LC", "Vlon", "O", "D"}


def main() -> None:
    warnings.simplefilter("ignore")
    job = json.load(sys.stdin)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        answers = [evaluate_file(file) for file in job["files"]]
    weights = {name.name: {part.value: weight for part, weight in parts} for name, parts in cost_function_mapping.items()}
    json.dump({"files": answers, "weights": weights}, sys.stdout)


def evaluate_file(file: dict[str, Any]) -> list[dict[str, Any]]:
    scenario, problems = CommonRoadFileReader(file["path"]).open()
    problem = problems.planning_problem_dict[file["problem"]]
    return [evaluate(scenario, problem, drive["states"], drive["start"]) for drive in file["trajectories"]]


def evaluate(scenario: Any, problem: Any, states: list[list[float]], start: int) -> dict[str, Any]:
    trajectory = Trajectory(start, [state_of(state, start + k) for k, state in enumerate(states)])
    parts = {
        part.value: function(scenario, problem, trajectory, {})
        for part, function in PartialCostFunctionMapping.items()
        if part.value not in ON_LANES
    }
    raw: list[list[float]] = []
    clean = route_matcher.cleanup_discontinuities

    def noted(positions: Any, **arguments: Any) -> Any:
        raw.append(positions.tolist())
        return clean(positions, **arguments)

    route_matcher.cleanup_discontinuities = noted
    try:
        wanted = [SolutionProperties.LonDistanceObstacles]
        on_lane, _, found = LaneletRouteMatcher(scenario, VehicleType.BMW_320i).compute_curvilinear_coordinates(trajectory, wanted)
    except Exception as error:  # whatever it meets: no lane, no answer
        return {"parts": parts, "failed": f"{type(error).__name__}: {error}"}
    finally:
        route_matcher.cleanup_discontinuities = clean
    for name in sorted(ON_LANES):
        part = PartialCostFunction(name)
        parts[name] = PartialCostFunctionMapping[part](scenario, problem, on_lane, found)
    ahead = [float(min(found[SolutionProperties.LonDistanceObstacles][state.time_step])) for state in on_lane.state_list]
    return {
        "parts": parts,
        "along": raw[0],
        "across": [state.lat_position for state in on_lane.state_list],
        "turned": [state.delta_orientation for state in on_lane.state_list],
        "ahead": [distance if distance < 1e9 else None for distance in ahead],
    }


def state_of(state: list[float], step: int) -> KSState:
    x, y, heading, speed, steering = state
    return KSState(position=np.array([x, y]), orientation=heading, velocity=speed, steering_angle=steering, time_step=step)


if __name__ == "__main__":
    main()
