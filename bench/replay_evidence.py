"""Runs of evidence driven again, as Markdown: how many come out as they were sealed, to the byte, by how many processes.

python bench/replay_evidence.py [--runs N] [--replayed N]

A campaign of scenes of our library, through sensors and actuators, is driven with two processes and sealed with the keys of tests. Then a
fresh `marque replay-evidence` is given file, suite and keys, for each number of processes, and another choice of runs each time.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "proof"))
from sealed_campaign import Sealed, sealed

PROCESSES = (2, 1)
CELLS = {
    "motorway": {"odd": {"drivable area": "motorway"}, "exposure": 0.6},
    "street": {"odd": {"drivable area": "street"}, "exposure": 0.4},
}
"""Scenes that are quickly driven; some children run out where the car fails, so that failures are driven again, too."""
SOURCES = (
    ("cut-in", "motorways.cut_in_from_left", "motorway", 0.3, {"limit_mps": (22.2, 27.8), "gap_m": (4, 60), "slower_mps": (0, 9)}),
    ("child", "streets.child", "street", 0.7, {"limit_mps": (8.3, 8.3001), "runs_mps": (1.5, 3.5), "early_m": (12, 30)}),
)


def suite_of(folder: Path, runs: int) -> Path:
    sources = [
        {
            "name": name, "library": scene, "cell": cell, "sample": round(share * runs),
            "parameters": {one: {"low": low, "high": high} for one, (low, high) in ranges.items()},
        }
        for name, scene, cell, share, ranges in SOURCES
    ]  # fmt: skip
    file = folder / "suite.json"
    said = {"kind": "https://marque.example/suite/v1", "name": "replayed", "cells": CELLS, "sources": sources}
    file.write_text(json.dumps(said))
    return file


def replayed(made: Sealed, suite: Path, number: int, workers: int) -> tuple[int, int, int]:
    """(processes, driven, equal), in a process of its own. seed of the choice: the number of workers."""
    command = [
        sys.executable, "-m", "marque.app.cli", "replay-evidence", made.evidence, "--suite", suite, "--sample", number, "--seed", workers,
        "--workers", workers, *(word for file in made.directories for word in ("--directory", file)),
    ]  # fmt: skip
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    found = re.search(r"^equal +(\d+) of (\d+)", done.stdout, re.MULTILINE)
    if found is None:
        raise SystemExit(done.stdout + done.stderr)
    print("".join(f"{line}\n" for line in done.stdout.splitlines() if line.startswith("differs")), end="", file=sys.stderr)
    return workers, int(found[2]), int(found[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1050)
    parser.add_argument("--replayed", type=int, default=1000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="marque-replayed-") as folder:
        suite, begun = suite_of(Path(folder), asked.runs), time.monotonic()
        made = sealed(Path(folder), suite, seed=20, workers=2)
        lines = (made.campaign.folder / "runs.jsonl").read_bytes().splitlines()
        outcomes = Counter(json.loads(line)["outcome"] for line in lines)
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        print(f"{len(lines)} runs driven with sensors and sealed in {time.monotonic() - begun:.0f} s: {told}.\n", flush=True)
        print("| processes | driven again | equal to the byte |\n|---|---|---|")
        with ThreadPoolExecutor() as at_once:
            for row in at_once.map(partial(replayed, made, suite, asked.replayed), PROCESSES):
                print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
