"""How far our CommonRoad costs and `commonroad_dc.costs` agree: bench/costs.py [FOLDER] [--files N] [--pilot N]

Trajectories: every recorded vehicle (up to four a file) driven as if it were the ego, random drives, and drives of our pilot. Printed per
partial cost: the worst relative difference when both read the same lane coordinates (the tool's own), and, for those that need lane
coordinates, how far the cost is from the tool's when we use ours. Its lanes are smoothed polylines and its choice of lanes a search over
overlaps; ours are those the ego is in, on the map as the pilot sees it. Differences are relative to max(1, cost). Last it is told how far
the coordinates themselves lie apart, step by step.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from judge import drive_at_random, logged

from marque.common import InputError
from marque.driving.pilot import Pilot
from marque.simulation.commonroad import read_scenario
from marque.simulation.drive import drive_problem
from marque.simulation.judge import Trajectory
from marque.simulation.metrics.commonroad_costs import COST_FUNCTIONS, OnLane, costs, on_lane, partial_costs
from marque.simulation.metrics.course import follow
from marque.simulation.scenario import Scenario
from marque.vehicle import BMW_320I

HERE = Path(__file__).parent
PEER = HERE / "peers" / ".venv-commonroad" / "bin" / "python"
LOGGED_DRIVES = 4


def trajectories(scenario: Scenario, seed: int, pilot: bool) -> list[tuple[Trajectory, int]]:
    """(trajectory, first step)."""
    problem = scenario.problems[0]
    moving = [i for i in range(len(scenario.actors.ids)) if not scenario.actors.stands[i]][:LOGGED_DRIVES]
    found = [logged(scenario, i)[:2] for i in moving]
    found.append((drive_at_random(scenario, np.random.default_rng(seed)), problem.start_step))
    if pilot:
        found.append((drive_problem(scenario, problem, Pilot, BMW_320I).driven, problem.start_step))
    return [drive for drive in found if drive[0].x_m.size > 2]


def ask_peer(job: dict[str, Any]) -> dict[str, Any]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [str(PEER), str(HERE / "peers" / "commonroad_costs.py")]
    done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return dict(json.loads(done.stdout))


def compare(
    paths: list[Path], pilot_drives: int
) -> tuple[dict[str, list[float]], dict[str, list[float]], list[str], list[tuple[OnLane, OnLane]]]:
    """Per cost relative differences on the tool's lane coordinates, and on ours; what it could not answer; (our, its) coordinates."""
    scenarios, files, drives = [], [], []
    for seed, path in enumerate(paths):
        try:
            scenario = read_scenario(path)
        except InputError:
            continue
        found = trajectories(scenario, seed, pilot_drives > len(drives))
        scenarios.append(scenario)
        drives.append(found)
        asked = [{"states": np.array(driven).T.tolist(), "start": start} for driven, start in found]
        files.append({"path": str(path), "problem": scenario.problems[0].id, "trajectories": asked})
    told = ask_peer({"files": files})
    assert {name: told["weights"][name] for name in COST_FUNCTIONS} == COST_FUNCTIONS
    same: dict[str, list[float]] = defaultdict(list)
    own: dict[str, list[float]] = defaultdict(list)
    failed = []
    coordinates = []
    for scenario, found, answers in zip(scenarios, drives, told["files"], strict=True):
        for (driven, start), answer in zip(found, answers, strict=True):
            mine = on_lane(follow(scenario, driven, start, BMW_320I), BMW_320I)
            if "failed" in answer:
                failed.append(f"{scenario.name}: {answer['failed']}")
                lane = mine
            else:
                ahead = np.array([np.inf if distance is None else distance for distance in answer["ahead"]])
                lane = OnLane(np.array(answer["along"]), np.array(answer["across"]), np.array(answer["turned"]), ahead)
                coordinates.append((mine, lane))
                collect(own, partial_costs(driven, mine, scenario.problems[0].goals, scenario.step_s), answer["parts"])
            collect(same, partial_costs(driven, lane, scenario.problems[0].goals, scenario.step_s), answer["parts"])
    return same, own, failed, coordinates


def apart(coordinates: list[tuple[OnLane, OnLane]]) -> str:
    """Where ours and the tool's lane coordinates differ, over all steps of all trajectories."""
    ours, its = (OnLane(*(np.concatenate(column) for column in zip(*side, strict=True))) for side in zip(*coordinates, strict=True))
    across, turned = np.abs(ours.across_m - its.across_m), np.abs(np.angle(np.exp(1j * (ours.turned_rad - its.turned_rad))))
    both = np.isfinite(ours.ahead_m) & np.isfinite(its.ahead_m)
    alone = np.isfinite(ours.ahead_m) != np.isfinite(its.ahead_m)
    ahead = np.abs(ours.ahead_m[both] - its.ahead_m[both])
    rows = [("across the lane, m", across), ("heading against it, rad", turned), ("to who is ahead of both, m", ahead)]
    told = [f"{name}: median {np.median(v):.1e}, 90 % below {np.quantile(v, 0.9):.1e}" for name, v in rows if v.size]
    return "\n".join([*told, f"steps at which only one of the two sees somebody ahead: {100.0 * alone.mean():.1f} %"])


def collect(into: dict[str, list[float]], ours: dict[str, float], theirs: dict[str, float]) -> None:
    parts = dict(theirs)
    if len(parts) == len(ours):
        ours, parts = {**ours, **costs(ours)}, {**parts, **costs(parts)}
    for name, value in parts.items():
        into[name].append(abs(ours[name] - value) / max(1.0, abs(value)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=HERE.parent.parent / "shared" / "data" / "commonroad")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--pilot", type=int, default=1000, help="how many files the pilot drives")
    arguments = parser.parse_args()
    paths = sorted(arguments.folder.glob("*.xml"))
    same, own, failed, coordinates = compare(paths[:: max(1, len(paths) // arguments.files)], arguments.pilot)
    for name, differences in same.items():
        ours = "" if name not in own else f"; on our lane coordinates median {np.median(own[name]):.1e}"
        print(f"{name:5s} {len(differences):4d} trajectories, worst difference {max(differences):.1e}{ours}")
    print(f"no lane found by the tool: {len(failed)}")
    print("\n".join(failed))
    print(apart(coordinates))


if __name__ == "__main__":
    main()
