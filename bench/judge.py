"""How far Marque's judge and CommonRoad's own tools agree: bench/judge.py [FOLDER] [--files N]

Trajectories: every recorded vehicle of every file driven as if it were the ego; random drives of the vehicle model from the problem's
start; and random drives with a jump in pose. Compared is the step at which each side first sees a collision, a departure from the road, an
impossible motion, the goal. Both sides get body centres; the checker moves to the rear axle by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from marque.common import InputError
from marque.simulation.commonroad import read_scenario
from marque.simulation.drive import initial_state
from marque.simulation.judge import GoalTest, Trajectory
from marque.simulation.judge.checks import first_collision, first_departure, first_infeasible
from marque.simulation.scenario import Scenario
from marque.vehicle import BMW_320I, Command, step

HERE = Path(__file__).parent
PEER = HERE / "peers" / ".venv-commonroad" / "bin" / "python"
RANDOM_DRIVES = 4
LOGGED_DRIVES = 6
MOST_STEPS = 60
QUESTIONS = ("collision", "edge", "infeasible", "goal")


def trajectories(scenario: Scenario, seed: int) -> list[tuple[Trajectory, int, int]]:
    """(trajectory, first step, id of the obstacle it belongs to or −1)."""
    random = np.random.default_rng(seed)
    found = [logged(scenario, i) for i in range(len(scenario.actors.ids)) if not scenario.actors.stands[i]][:LOGGED_DRIVES]
    for n in range(RANDOM_DRIVES):
        driven = drive_at_random(scenario, random)
        found.append((jumped(driven, random) if n % 2 else driven, scenario.problems[0].start_step, -1))
    return [drive for drive in found if drive[0].x_m.size > 2]


def logged(scenario: Scenario, body: int) -> tuple[Trajectory, int, int]:
    actors = scenario.actors
    steps = np.flatnonzero(actors.present[:, body])[:MOST_STEPS]
    x, y, heading, speed = (np.ascontiguousarray(a[steps, body]) for a in (actors.x_m, actors.y_m, actors.heading_rad, actors.speed_mps))
    turned = np.gradient(np.unwrap(heading), scenario.step_s) if len(steps) > 2 else np.zeros(len(steps))
    steering = np.clip(np.arctan2(turned * BMW_320I.wheelbase_m, np.maximum(speed, 0.5)), -1.0, 1.0)
    return Trajectory(x, y, heading, speed, steering), int(steps[0]), int(actors.obstacles[body])


def drive_at_random(scenario: Scenario, random: np.random.Generator) -> Trajectory:
    problem = scenario.problems[0]
    state = initial_state(problem, BMW_320I)
    states = [state]
    acceleration, rate = 0.0, 0.0
    for _ in range(min(MOST_STEPS, problem.last_step(scenario.step_s) - problem.start_step)):
        acceleration = 0.8 * acceleration + random.normal(0.0, 1.0)
        rate = 0.7 * rate + random.normal(0.0, 0.05)
        state = step(state, Command(acceleration, rate - 0.5 * state.steering_rad), scenario.step_s, BMW_320I)
        states.append(state)
    return Trajectory(*np.ascontiguousarray(np.array(states).T[:5]))


def jumped(driven: Trajectory, random: np.random.Generator) -> Trajectory:
    x, heading = driven.x_m.copy(), driven.heading_rad.copy()
    k = int(random.integers(1, len(x)))
    if random.random() < 0.5:
        x[k:] += random.choice([-1.0, 1.0]) * random.uniform(0.1, 1.0)
    else:
        heading[k:] += random.choice([-1.0, 1.0]) * random.uniform(0.1, 0.5)
    return driven._replace(x_m=x, heading_rad=heading)


def ours(scenario: Scenario, driven: Trajectory, start: int, drives: int) -> dict[str, int]:
    actors, goal = scenario.actors, GoalTest(scenario, scenario.problems[0])
    others = actors.present & (actors.obstacles != drives)
    collision, _ = first_collision(
        driven, start, BMW_320I.length_m, BMW_320I.width_m, actors.x_m, actors.y_m, actors.heading_rad, actors.length_m, actors.width_m,
        others, actors.stands & (actors.obstacles != drives),
    )  # fmt: skip
    infeasible, _ = first_infeasible(driven, scenario.step_s, BMW_320I)
    states = zip(*(a.tolist() for a in driven[:4]), strict=True)
    return {
        "collision": collision,
        "edge": first_departure(driven, BMW_320I.length_m, BMW_320I.width_m, scenario.road_map.arrays),
        "infeasible": infeasible,
        "goal": next((k for k, state in enumerate(states) if goal.reached(start + k, *state)), -1),
    }


def ask_peer(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers of CommonRoad's tools, file by file."""
    # The peer's OpenBLAS would take all cores for matrices of five rows.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [str(PEER), str(HERE / "peers" / "commonroad_judge.py")]
    done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return list(json.loads(done.stdout)["files"])


def compare(paths: list[Path]) -> tuple[Counter[str], list[str]]:
    """Counts `<question> agree|differ`, and a line for each difference."""
    files, own = [], []
    for seed, path in enumerate(paths):
        try:
            scenario = read_scenario(path)
        except InputError:
            continue
        drives = trajectories(scenario, seed)
        own.append([ours(scenario, *drive) for drive in drives])
        asked = [
            {
                "states": np.array(driven).T.tolist(), "start": start, "drives": obstacle, "problem": scenario.problems[0].id,
                "feasibility": obstacle < 0,
            }
            for driven, start, obstacle in drives
        ]  # fmt: skip
        files.append({"path": str(path), "trajectories": asked})
    counts: Counter[str] = Counter()
    lines: list[str] = []
    for file, mine in zip(ask_peer({"length_m": BMW_320I.length_m, "width_m": BMW_320I.width_m, "files": files}), own, strict=True):
        for k, (theirs, found) in enumerate(zip(file["trajectories"], mine, strict=True)):
            for question in QUESTIONS:
                same = agree(question, found, theirs)
                if same is not None:
                    counts[f"{question} {'agree' if same else 'differ'}"] += 1
                if same is False:
                    lines.append(f"{Path(file['path']).name}, drive {k}: {question} first at {found[question]}, theirs {theirs[question]}")
    return counts, lines


def agree(question: str, found: dict[str, int], theirs: dict[str, int]) -> bool | None:
    """None where the checker does not answer: it sees a body cross the edge of the road, not one that was beside it all the time."""
    if question == "edge":
        return None if found["edge"] == 0 else between(theirs["edge"], found["edge"], theirs["edge_smaller"])
    return found[question] == theirs[question] if question in theirs else None


def between(full: int, own: int, smaller: int) -> bool:
    """A departure first seen no earlier than by a body of full size and no later than by one 2.5 cm smaller all around."""
    full, own, smaller = (k if k >= 0 else sys.maxsize for k in (full, own, smaller))
    return full <= own <= smaller


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=HERE.parent.parent / "shared" / "data" / "commonroad")
    parser.add_argument("--files", type=int, default=1000)
    arguments = parser.parse_args()
    paths = sorted(arguments.folder.glob("*.xml"))
    counts, lines = compare(paths[:: max(1, len(paths) // arguments.files)])
    print("\n".join(lines))
    for question in QUESTIONS:
        same, differ = counts[f"{question} agree"], counts[f"{question} differ"]
        print(f"{question:10s} {same} of {same + differ} agree ({100.0 * same / max(1, same + differ):.1f} %)")


if __name__ == "__main__":
    main()
