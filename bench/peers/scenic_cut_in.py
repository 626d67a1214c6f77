"""Scenic's side of bench/scenic.py, in Scenic's own environment: cut-ins in its Newtonian simulator, without a window.

    python scenic_cut_in.py CASES MAP

CASES: a JSON list of the parameters of each case, as the two programs beside this file ask for them, and how many steps each program is
to drive it at most (bare_steps, road_steps). Every line "bare" or "road" on standard input drives all cases by that program, once; what
comes back is one JSON line: CPU seconds of exactly these simulations, simulated seconds, and of each case the steps driven, where the ego's
middle was at the end, and its speed. Compiling the programs and making the scenes, one of each for a case, is done when a program is asked
for the first time, and told as CPU seconds of its own. Nothing is kept for a replay.
"""

from __future__ import annotations

import json
import math
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import scenic

STEP_S = 0.1
HERE = Path(__file__).parent


class Program:
    """One program, compiled for every case."""

    def __init__(self, name: str, cases: list[dict[str, float]], road: str) -> None:
        began = time.process_time()
        self.scenes: list[tuple[Any, Any, int]] = []
        for case in cases:
            parameters = case | ({"map": road} if name == "road" else {})
            made = scenic.scenarioFromFile(str(HERE / f"scenic_cut_in_{name}.scenic"), params=parameters, mode2D=True)
            self.scenes.append((made.getSimulator(), made.generate()[0], round(case[f"{name}_steps"])))
        self.made_cpu_s = time.process_time() - began

    def run(self) -> dict[str, Any]:
        simulated = []
        began = time.process_time()
        for simulator, scene, steps in self.scenes:
            simulated.append(simulator.simulate(scene, maxSteps=steps, timestep=STEP_S, enableReplay=False, verbosity=0))
        cpu_s = time.process_time() - began
        ends = [end(one.result.trajectory) for one in simulated]
        driven_s = STEP_S * sum(steps for steps, _, _ in ends)
        return {"cpu_s": cpu_s, "simulated_s": driven_s, "made_cpu_s": self.made_cpu_s, "ends": ends}


def end(trajectory: Any) -> tuple[int, float, float]:
    """Steps, and of the ego, the first of the objects: metres along its road, and m/s in the last step."""
    before, after = ((float(states[0].x), float(states[0].y)) for states in trajectory[-2:])
    along = 1 if abs(after[1] - before[1]) > abs(after[0] - before[0]) else 0
    return len(trajectory) - 1, after[along], math.dist(before, after) / STEP_S


def main() -> None:
    warnings.simplefilter("ignore")  # of a shoulder in the middle of the road, which nobody drives on
    cases, road = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]
    programs: dict[str, Program] = {}
    for line in sys.stdin:
        name = line.strip()
        if name not in programs:
            programs[name] = Program(name, cases, road)
        print(json.dumps(programs[name].run()), flush=True)


if __name__ == "__main__":
    main()
