"""Scenes in which somebody comes out of hiding, driven through sensors and with perfect perception: who was touched, how fast each drove.

python bench/occlusion.py [--plot OUT.png] [--seeds N]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from marque.driving.pilot import Pilot
from marque.simulation.commonroad import read_scenario
from marque.simulation.drive import Drive, drive_problem
from marque.simulation.judge import judge
from marque.simulation.library import write_library
from marque.simulation.sensors import Sensors
from marque.vehicle import BMW_320I
from marque.vehicle.sensors import THREE_LIDARS

FAMILIES = ("HiddenChild", "HiddenCrossing", "HiddenMotorcycle", "HiddenOncoming", "BlindJunction")


def driven(file: Path, seed: int | None) -> tuple[Drive, str, bool]:
    """A scene's drive, its verdict, and whether somebody was touched; seed: of the sensors, None for perfect perception."""
    scenario = read_scenario(file)
    problem = scenario.problems[0]
    sensors = None if seed is None else Sensors(THREE_LIDARS, seed=seed)
    drive = drive_problem(scenario, problem, Pilot, BMW_320I, sensors)
    verdict = judge(scenario, problem, drive.driven, BMW_320I)
    return drive, str(verdict.verdict), verdict.collision_step >= 0


def way(drive: Drive) -> np.ndarray:
    return np.append(0.0, np.cumsum(np.hypot(np.diff(drive.driven.x_m), np.diff(drive.driven.y_m))))


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--plot", type=Path)
    arguments.add_argument("--seeds", type=int, default=5)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = [file for file in write_library(Path(folder)) if file.name.startswith(tuple(f"ZAM_Marque{one}" for one in FAMILIES))]
        figure, axes = plt.subplots(3, 5, figsize=(15, 7.5), layout="constrained")
        touched = 0
        print(f"{'scene':24} perfect     sensed, {asked.seeds} seeds: reached, touched")
        for file, axis in zip(files, axes.flat, strict=False):
            name = file.stem.removeprefix("ZAM_Marque").removesuffix("_T-1")
            perfect, verdict, _ = driven(file, None)
            sensed = [driven(file, seed) for seed in range(asked.seeds)]
            hits = sum(hit for _, _, hit in sensed)
            touched += hits
            print(f"{name:24} {verdict:11} {sum(one == 'goal' for _, one, _ in sensed)}, {hits}")
            axis.plot(way(perfect), 3.6 * perfect.driven.speed_mps, color="0.6", label="perfect perception")
            for drive, _, _ in sensed:
                axis.plot(way(drive), 3.6 * drive.driven.speed_mps, color="C0", lw=0.8, label="through sensors")
            axis.set_title(name, fontsize=9)
            axis.set_ylim(0.0, 60.0)
        for axis in axes.flat[len(files) :]:
            axis.axis("off")
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles[:2], labels[:2], loc="lower right")
        figure.supxlabel("m driven")
        figure.supylabel("km/h")
        print(f"touched in {touched} of {len(files) * asked.seeds} drives")
        if asked.plot:
            figure.savefig(asked.plot, dpi=70)


if __name__ == "__main__":
    main()
