"""How many drives of recorded road users the pilot makes, too, in their place: bench/recast.py FOLDER [--seed N | --perfect]

A file's own planning problem is one, and was chosen for being hard. Here every recorded car is taken out of its file in turn; where it was
at some moment our car begins, at its speed, and it has to be where that one was up to 8 s later: in its lane at that moment, in its lane at
about its speed, in a box around it at about its speed and heading, or only unharmed. Left out is whoever hardly moves, and whose way a car
of our size cannot drive without touching somebody or the road's edge. So the peer, the recorded driver, has solved every problem by
construction. The others are the log and do not react; one who runs into the car from behind fails it, too.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from marque.common import InputError
from marque.driving.goal import Goal
from marque.driving.map import Road
from marque.driving.map.query import locate
from marque.driving.observation import Kind
from marque.driving.pilot import Pilot
from marque.simulation.commonroad import read_scenario
from marque.simulation.drive import drive_problem, warm_up
from marque.simulation.judge import Judgement, Trajectory, judge, prove_ill_posed
from marque.simulation.scenario import PlanningProblem, Scenario
from marque.simulation.sensors import Sensors
from marque.vehicle import BMW_320I
from marque.vehicle.sensors import THREE_LIDARS

MOST = 40
"""Problems of one file."""
SHORTEST_S, LONGEST_S, LEAST_M = 1.2, 8.0, 4.0
ROLLS_MPS = 2.0
"""Of who is slower, what turns it is lost in the noise of its heading."""
GOALS = ("lane at a moment", "box, speed, heading", "unharmed", "lane and speed")
BOX_M = np.array([(-2.4, -1.3), (2.4, -1.3), (2.4, 1.3), (-2.4, 1.3)])


def problems(scenario: Scenario, name: str) -> Iterator[tuple[str, Scenario]]:
    """(name, a scenario with one problem, in which a recorded car is missing), the same ones on every run."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    found = 0
    for body in random.permutation(len(scenario.actors.ids)).tolist():
        made = recast(scenario, body, random)
        if made is not None and found < MOST:
            found += 1
            yield f"{name}#{scenario.actors.ids[body]}: {GOALS[made[0]]}", made[1]


def recast(scenario: Scenario, body: int, random: np.random.Generator) -> tuple[int, Scenario] | None:
    """(which kind of goal, the scenario) with our car in the place of a body of the log; None where that is no problem to solve."""
    actors, step_s = scenario.actors, scenario.step_s
    there = np.flatnonzero(actors.present[:, body])
    cars = actors.kinds[body] in (Kind.CAR, Kind.UNKNOWN) and not actors.stands[body]
    if not cars or len(there) * step_s < SHORTEST_S or there[-1] - there[0] + 1 != len(there):
        return None
    steps = min(round(random.uniform(2.0, LONGEST_S) / step_s), len(there) - 1)
    if steps * step_s < SHORTEST_S:
        return None
    first = int(there[0] + random.integers(0, len(there) - steps))
    columns = actors.x_m, actors.y_m, actors.heading_rad, actors.speed_mps
    x, y, heading, speed = (np.ascontiguousarray(column[first : first + steps + 1, body]) for column in columns)
    if math.hypot(x[-1] - x[0], y[-1] - y[0]) < LEAST_M or speed.min() < -0.1:
        return None
    kind, goal = _goal(scenario, (float(x[-1]), float(y[-1]), float(heading[-1]), float(speed[-1])), steps * step_s, random)
    turned = (heading[min(2, steps)] - heading[0] + np.pi) % (2.0 * np.pi) - np.pi
    yaw_rate = float(np.clip(turned / (min(2, steps) * step_s), -0.6, 0.6)) if speed[0] > ROLLS_MPS else 0.0
    problem = PlanningProblem(1, 0, float(x[0]), float(y[0]), float(heading[0]), float(speed[0]), yaw_rate, 0.0, (goal,))
    rest = np.arange(len(actors.ids)) != body
    bodies = ("ids", "obstacles", "kinds", "stands")
    over_time = ("present", "length_m", "width_m", "x_m", "y_m", "heading_rad", "speed_mps")
    log = dataclasses.replace(
        actors,
        **{name: getattr(actors, name)[rest] for name in bodies},
        **{name: np.ascontiguousarray(getattr(actors, name)[first:, rest]) for name in over_time},
        sirens=None if actors.sirens is None else actors.sirens[rest],
    )
    made = dataclasses.replace(scenario, actors=log, problems=(problem,))
    recorded = judge(made, problem, Trajectory(x, y, heading, speed, np.zeros(steps + 1)), BMW_320I)
    solved = recorded.collision_step < 0 and recorded.edge_step < 0 and prove_ill_posed(made, problem, BMW_320I) is None
    return (kind, made) if solved else None


def _goal(scenario: Scenario, end: tuple[float, float, float, float], end_s: float, random: np.random.Generator) -> tuple[int, Goal]:
    x, y, heading, speed = end
    lane, _, _ = locate(scenario.road_map.arrays, x, y, heading, 0.6, int(Road.CAR))
    kind = int(random.integers(0, len(GOALS)))
    if lane < 0 and "lane" in GOALS[kind]:
        kind = 1
    turn = np.array(((math.cos(heading), math.sin(heading)), (-math.sin(heading), math.cos(heading))))
    box = np.array((x, y)) + BOX_M @ turn
    return kind, (
        Goal((end_s, end_s), lanes=(int(lane),)),
        Goal((max(0.0, end_s - 0.5), end_s), (box,), speed_mps=(speed - 3.0, speed + 3.0), heading_rad=(heading - 0.1, heading + 0.1)),
        Goal((end_s, end_s)),
        Goal((end_s, end_s + 0.1), lanes=(int(lane),), speed_mps=(speed - 4.0, speed + 4.0)),
    )[kind]


def drives(path: Path, seed: int | None) -> list[tuple[str, str, Judgement]]:
    """(name, the file's source, how it went) of every problem of a file. seed: of the sensors; None for perfect perception."""
    warm_up()
    try:
        scenario = read_scenario(path)
    except InputError:
        return []
    done = []
    for name, made in problems(scenario, path.stem):
        sensors = None if seed is None else Sensors(THREE_LIDARS, seed=seed)
        driven = drive_problem(made, made.problems[0], Pilot, BMW_320I, sensors).driven
        done.append((name, scenario.source or "no source", judge(made, made.problems[0], driven, BMW_320I)))
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="of the sensors' errors")
    parser.add_argument("--perfect", action="store_true", help="perfect perception")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    made: dict[str, list[bool]] = defaultdict(list)
    failed: Counter[str] = Counter()
    with ProcessPoolExecutor(given.workers) as pool:
        for found in pool.map(partial(drives, seed=None if given.perfect else given.seed), sorted(given.folder.rglob("*.xml"))):
            for name, source, judged in found:
                for group in ("all", f"goal: {name.rsplit(': ', 1)[1]}", f"source: {source[:60]}"):
                    made[group].append(judged.strict_success)
                if not judged.strict_success:
                    fault = {True: ", at fault", False: ", not at fault", None: ""}[judged.at_fault]
                    failed[f"{judged.verdict}{fault}"] += 1
                    print(f"  {name}: {judged.verdict}{fault}: {judged.why}")
    for group in sorted(made):
        print(f"{group}: {sum(made[group])} of {len(made[group])} drives of recorded drivers ({np.mean(made[group]):.1%})")
    print("failed:", ", ".join(f"{count} {what}" for what, count in failed.most_common()))


if __name__ == "__main__":
    main()
