"""Simulated hours per CPU-hour of cut-ins, against Scenic's Newtonian simulator in the same run. Best of the alternations, CPU time.

    bench/peers/make scenic                      (once)
    python bench/scenic.py [--cases 12] [--runs 5] [--batch 20000] [--seed 157]

Cases are cut-ins of the ALKS scenario 4.4.1, off its grid: the ego at 20–60 km/h, the other 10 km/h slower up to almost standing, 10–60 m
ahead when it begins to move across, by 0.5–3 m/s; a car, from the right, without acceleration. Both sides drive the same cases, in steps
of 0.1 s: without a road for at most 35 s from the beginning of the cut-in, on the road for as long as the pilot drives them. Two
comparisons:

- **model**: no road; the ego is the competent and careful driver of UN R157 as the JRC counts, the other moves by its velocity.
  `marque.proof.reference` against a program for Scenic with the same laws; how far their ends are apart is printed. Ours drives the cases
  over and over as one batch, since that is how it is used.
- **scene**: the straight ALKS road of 10 km; the other starts so far ahead that it cuts in 10 s later. Scenic's cars have throttle, brake,
  steering and the behaviours of its library (keep the lane, change lane at whatever speed across its controller comes to, brake fully
  within 10 m). Ours is the OpenSCENARIO file itself, its storyboard looked at ten times a step, played with (1) the competent and careful
  driver of `simulation.openscenario`, who perceives without errors, and (2) the pilot: three lidars with their errors, tracking,
  prediction, planning, guard, actuators.

Only driving counts: not compiling, not reading files, not making scenes. Scenic draws nothing and keeps no replay.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from marque.driving.pilot import Pilot
from marque.proof.reference import RULES, CutIn, Driver, Mode, drive
from marque.proof.reference.cut_in import ramp_steps
from marque.proof.reference.model import FULL_BRAKING_MPS2
from marque.simulation.drive import warm_up
from marque.simulation.openscenario import CarefulDriver, play, read_story
from marque.simulation.openscenario.play import CYCLE_S
from marque.simulation.sensors import Sensors
from marque.vehicle import MODELS
from marque.vehicle.sensors import THREE_LIDARS

PEERS = Path(__file__).parent / "peers"
LONGEST_S, CAR_M, BEFORE_S = 35.0, 4.5, 10.0
VEHICLE = MODELS["vela"]


@dataclass(frozen=True)
class Case:
    ego_kmh: float
    slower_kmh: float
    gap_m: float
    across_mps: float

    @property
    def other_kmh(self) -> float:
        return self.ego_kmh - self.slower_kmh

    def story(self) -> dict[str, str]:
        """Parameters of the OpenSCENARIO file."""
        return {
            "Ego_InitSpeed_Ve0_kph": str(self.ego_kmh), "CutInVehicle_RelativeInitSpeed_Ve0_Vo0_kph": str(-self.slower_kmh),
            "CutInVehicle_HeadwayDistanceTrigger_dx0_m": str(self.gap_m), "CutInVehicle_InitPosition_RelativeLaneId": "-1",
            "CutInVehicle_LaneChange_MaxLateralVelocity_Vy_mps": str(self.across_mps), "CutInVehicle_Model": "car",
            "CutInVehicle_Acceleration_Rate_mps2": "0.0",
        }  # fmt: skip

    def program(self) -> dict[str, float]:
        """Parameters of the programs for Scenic."""
        rules = RULES[Mode.JRC]
        return {
            "ego_mps": self.ego_kmh / 3.6, "other_mps": self.other_kmh / 3.6, "gap_m": self.gap_m, "across_mps": self.across_mps,
            "lead_m": self.gap_m + CAR_M + BEFORE_S * self.slower_kmh / 3.6,
            "bare_steps": rules.steps + ramp_steps(self.across_mps, rules),
            "ramp_mps2": rules.ramp_mps2, "release_mps2": rules.release_mps2, "reaction_steps": rules.reaction_steps,
            "jerk_mps3": rules.jerk_step_mps2 * rules.rate_hz, "braking_mps2": FULL_BRAKING_MPS2,
        }  # fmt: skip


@dataclass(frozen=True)
class Stretch:
    """All cases once: CPU and simulated seconds."""

    cpu_s: float
    simulated_s: float

    @property
    def rate(self) -> float:
        return self.simulated_s / self.cpu_s


def draw(count: int, seed: int) -> list[Case]:
    """Within the constraints of the file: somebody who moves across is faster along the road."""
    random, cases = np.random.default_rng(seed), list[Case]()
    while len(cases) < count:
        ego = random.uniform(20.0, 60.0)
        case = Case(ego, random.uniform(10.0, ego - 1.0), random.uniform(10.0, 60.0), random.uniform(0.5, 3.0))
        if case.across_mps < case.other_kmh / 3.6:
            cases.append(case)
    return cases


class Theirs:
    """Scenic in an environment and a process of its own."""

    def __init__(self, cases: list[Case], steps: list[int], road: Path, folder: Path) -> None:
        python = PEERS / ".venv-scenic" / "bin" / "python"
        if not python.exists():
            sys.exit("bench/scenic.py: no Scenic here; make it with: bench/peers/make scenic")
        asked = folder / "cases.json"
        asked.write_text(json.dumps([case.program() | {"road_steps": each} for case, each in zip(cases, steps, strict=True)]))
        command = [python, PEERS / "scenic_cut_in.py", asked, shutil.copy(road, folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, program: str) -> dict[str, Any]:
        self.process.stdin.write(f"{program}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        return sys.exit("bench/scenic.py: Scenic ended early")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(60)


def situation(cases: list[Case]) -> CutIn:
    return CutIn(*np.array([[case.ego_kmh, case.other_kmh, case.gap_m, case.across_mps] for case in cases]).T)


def models(cases: list[Case], batch: int) -> Stretch:
    """Ours of the pair without a road."""
    many = situation(cases * max(1, batch // len(cases)))
    began = time.process_time()
    steps = int(drive(Driver.CC, many, Mode.JRC).steps.sum())
    return Stretch(time.process_time() - began, steps / RULES[Mode.JRC].rate_hz)


def scenes(cases: list[Case], scenario: Path, *, pilot: bool) -> tuple[Stretch, list[int]]:
    """Ours of the pair on a road, and how many steps each case took."""
    cpu_s, steps = 0.0, []
    for number, case in enumerate(cases):
        story = read_story(scenario, case.story(), VEHICLE.vehicle)
        sensors = Sensors(THREE_LIDARS, seed=number, road_map=story.road_map) if pilot else None
        make = partial(Pilot, suite=THREE_LIDARS, actuators=VEHICLE.actuators) if pilot else CarefulDriver
        began = time.process_time()
        played = play(story, make, sensors, actuators=VEHICLE.actuators, horizon_s=LONGEST_S)
        cpu_s += time.process_time() - began
        steps.append(len(played.bodies) - 1)
    return Stretch(cpu_s, CYCLE_S * sum(steps)), steps


def apart(cases: list[Case], ends: list[tuple[int, float, float]]) -> str:
    """How far the two ends of the pair without a road are from each other."""
    ours = drive(Driver.CC, situation(cases), Mode.JRC)
    steps, x_m, mps = np.array(ends).T
    same, metres, speed = (steps == ours.steps).sum(), np.abs(x_m - ours.ego_x_end_m).max(), np.abs(mps - ours.ego_v_end_mps).max()
    braked = (ours.ego_v_end_mps < situation(cases).ego_kmh / 3.6 - 0.1).sum()
    return (
        f"{len(cases)} cases, in {braked} of which the ego brakes, {ours.crash.sum()} crashes; "
        f"as many steps in {same}, ends at most {metres:.0e} m and {speed:.0e} m/s apart"
    )


def main() -> None:
    shared = Path(os.environ.get("MARQUE_SHARED") or Path(__file__).parents[2] / "shared")
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cases", type=int, default=12)
    options.add_argument("--runs", type=int, default=5, help="alternations (default 5)")
    options.add_argument("--batch", type=int, default=20_000, help="cases that our models drive at once (default 20000)")
    options.add_argument("--seed", type=int, default=157)
    options.add_argument("--alks", type=Path, default=shared / "data/openscenario/alks/logical_scenarios/concrete_scenarios")
    chosen = options.parse_args()
    cases = draw(chosen.cases, chosen.seed)
    scenario = chosen.alks / "alks_scenario_4_4_1_cut_in_no_collision_template.xosc"
    warm_up()
    models(cases, 1)
    scenes(cases[:1], scenario, pilot=False)
    _, steps = scenes(cases, scenario, pilot=True)
    with tempfile.TemporaryDirectory(prefix="marque-scenic-") as made:
        theirs = Theirs(cases, steps, chosen.alks / "road_networks/alks_road_straight.xodr", Path(made))
        first = theirs.run("bare")
        print("model:", apart(cases, first["ends"]))
        theirs.run("road")
        sides: dict[str, list[Stretch]] = {}
        for _ in range(chosen.runs):
            for name in ("bare", "road"):
                told = theirs.run(name)
                sides.setdefault(f"scenic {name}", []).append(Stretch(told["cpu_s"], told["simulated_s"]))
            sides.setdefault("models", []).append(models(cases, chosen.batch))
            sides.setdefault("careful", []).append(scenes(cases, scenario, pilot=False)[0])
            sides.setdefault("pilot", []).append(scenes(cases, scenario, pilot=True)[0])
        theirs.close()
    report(sides)


ROWS = (
    ("model", "Scenic", "scenic bare", "scenic bare"),
    ("model", "Marque, reference driver", "models", "scenic bare"),
    ("scene", "Scenic, library behaviours", "scenic road", "scenic road"),
    ("scene", "Marque, careful driver", "careful", "scenic road"),
    ("scene", "Marque, sensors and pilot", "pilot", "scenic road"),
)


def report(sides: dict[str, list[Stretch]]) -> None:
    """One row a side; worst and best alternation."""
    best = {name: max(one.rate for one in stretches) for name, stretches in sides.items()}
    print(f"{'pair':<7}{'side':<29}{'simulated s':>12}{'CPU s':>9}{'h per CPU-h: worst':>20}{'best':>13}{'× Scenic':>12}")
    for pair, title, name, against in ROWS:
        stretches = sides[name]
        fastest = min(stretches, key=lambda one: one.cpu_s / one.simulated_s)
        worst = min(one.rate for one in stretches)
        ratio = best[name] / best[against]
        digits = 0 if ratio >= 10.0 or math.isclose(ratio, 1.0) else 2
        print(
            f"{pair:<7}{title:<29}{fastest.simulated_s:>12,.0f}{fastest.cpu_s:>9.3f}{worst:>20,.0f}{best[name]:>13,.0f}{ratio:>12,.{digits}f}"
        )


if __name__ == "__main__":
    main()
