"""The peer's side of bench/judge.py: CommonRoad's own tools judge trajectories. Runs in bench/peers/.venv-commonroad, never with Marque.

Reads a JSON job from stdin, writes the answers as JSON to stdout. Poses are body centres, as commonroad-drivability-checker wants them.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import commonroad
import numpy as np
from commonroad.common.file_reader import CommonRoadFileReader
from commonroad.common.solution import VehicleType
from commonroad.scenario.obstacle import DynamicObstacle
from commonroad.scenario.state import KSState
from commonroad.scenario.trajectory import Trajectory
from commonroad_dc.boundary.boundary import create_road_boundary_obstacle
from commonroad_dc.collision.collision_detection.pycrcc_collision_dispatch import create_collision_object
from commonroad_dc.feasibility.feasibility_checker import trajectory_feasibility
from commonroad_dc.feasibility.vehicle_dynamics import VehicleDynamics
from commonroad_dc.pycrcc import RectOBB, TimeVariantCollisionObject
from lxml import etree

SCHEMA = Path(commonroad.__file__).parent / "scenario_definition" / "xml_definition_files" / "XML_commonRoad_XSD.xsd"


def main() -> None:
    warnings.simplefilter("ignore")
    job = json.load(sys.stdin)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        answers = [judge_file(file, job["length_m"], job["width_m"]) for file in job["files"]]
    json.dump({"files": answers}, sys.stdout)


def judge_file(file: dict[str, Any], length: float, width: float) -> dict[str, Any]:
    scenario, problems = CommonRoadFileReader(file["path"]).open()
    shapes = {obstacle.obstacle_id: create_collision_object(obstacle) for obstacle in scenario.obstacles}
    boundary = create_road_boundary_obstacle(scenario, method="obb_rectangles", return_scenario_obstacle=False)
    answers = []
    for drive in file["trajectories"]:
        states, start = drive["states"], drive["start"]
        others = [shape for name, shape in shapes.items() if name != drive["drives"]]
        goal = problems.planning_problem_dict[drive["problem"]].goal
        bodies = [box(state, length, width) for state in states]
        smaller = [box(state, length - 0.05, width - 0.05) for state in states]
        answer = {
            "collision": first(touches(at(body, start + k), others) for k, body in enumerate(bodies)),
            "edge": first(boundary.collide(body) for body in bodies),
            "edge_smaller": first(boundary.collide(body) for body in smaller),
            "goal": first(bool(goal.is_reached(state_of(state, start + k))) for k, state in enumerate(states)),
        }
        if drive["feasibility"]:
            answer["infeasible"] = first_infeasible(states, start, scenario.dt)
        answers.append(answer)
    return {"path": file["path"], "schema": complaint(file["path"]), "actors": log(scenario.obstacles), "trajectories": answers}


def complaint(path: str) -> str:
    """What CommonRoad's schema of the format has against a file, "" for nothing."""
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    return "" if schema.validate(etree.parse(path)) else str(schema.error_log.last_error)


def box(state: list[float], length: float, width: float) -> RectOBB:
    x, y, heading = state[:3]
    return RectOBB(0.5 * length, 0.5 * width, heading, x, y)


def at(body: RectOBB, step: int) -> TimeVariantCollisionObject:
    moment = TimeVariantCollisionObject(step)
    moment.append_obstacle(body)
    return moment


def touches(body: TimeVariantCollisionObject, others: list[Any]) -> bool:
    return any(other.collide(body) for other in others)


def first(found: Iterable[bool]) -> int:
    return next((k for k, there in enumerate(found) if there), -1)


def state_of(state: list[float], step: int) -> KSState:
    x, y, heading, speed, steering = state
    return KSState(position=np.array([x, y]), orientation=heading, velocity=speed, steering_angle=steering, time_step=step)


def first_infeasible(states: list[list[float]], start: int, dt: float) -> int:
    """The first state that the checker cannot reach from the one before, −1 for none."""
    trace = [state_of(state, start + k) for k, state in enumerate(states)]
    good, inputs = trajectory_feasibility(Trajectory(start, trace), VehicleDynamics.KS(VehicleType.BMW_320i), dt)
    return -1 if good else len(inputs.state_list) + (0 if inputs.state_list else 1)


def log(obstacles: list[Any]) -> dict[str, dict[int, list[list[float]]]]:
    """Every body's corners at every step, by the obstacle's id, where commonroad-io says they form one polygon."""
    told = {}
    for obstacle in obstacles:
        last = obstacle.prediction.final_time_step if isinstance(obstacle, DynamicObstacle) and obstacle.prediction else 0
        shapes = {step: getattr(obstacle.occupancy_at_time(step), "shape", None) for step in range(last + 1)}
        told[str(obstacle.obstacle_id)] = {
            step: np.asarray(shape.vertices)[:-1].tolist() for step, shape in shapes.items() if hasattr(shape, "vertices")
        }
    return told


if __name__ == "__main__":
    main()
