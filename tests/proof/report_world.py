"""A release with evidence to report on: a suite of scenes with ranges, its cases with made-up runs, judged by the gate and sealed."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

from sealed_world import DAY, INPUTS, NOW, World, sha, written
from small_suite import SUITE

from marque.proof.campaign import Run
from marque.proof.evidence import Input, Policy, digests
from marque.proof.gate import judge, read_rules
from marque.proof.suites import cases, read_suite

RULES = {
    "reference": "competent-and-careful", "confidence": 0.95, "limits": {"motorway": 0.1, "street": 0.2}, "outside": ["tunnel"],
    "least_runs": {"motorway": 100, "street": 20}, "baseline": "", "margin": None,
}  # fmt: skip
CELLS = {
    "motorway": {"odd": {"drivable area": "motorway", "light": "day"}, "exposure": 0.7},
    "street": {"odd": {"drivable area": "street", "light": "lit night"}, "exposure": 0.25},
    "tunnel": {"odd": {"drivable area": "motorway", "light": "unlit night"}, "exposure": 0.05},
}


@dataclass(frozen=True)
class Reported:
    """Files of a release, and the directories of keys."""

    evidence: Path
    suite: Path
    runs: Path
    world: World

    @property
    def directories(self):
        return self.world.directories


def suite_file(folder: Path) -> Path:
    said = SUITE | {"name": "city", "cells": CELLS}
    cut_in, child = SUITE["sources"]
    grown = {"values": [2.0, 3.0]}, {"low": 15.0, "high": 35.0}
    said["sources"] = [
        cut_in | {"sample": 200},
        child | {"sample": 40, "parameters": child["parameters"] | {"runs_mps": grown[0], "early_m": grown[1]}},
        cut_in | {"name": "cut-in of a tunnel", "sample": 5, "cell": "tunnel"},
    ]
    path = folder / "suite.json"
    path.write_text(json.dumps(said))
    return path


def run_of(case, failing):
    """What came of a case, made up, and the same for the same case. failing: numbers of cases that fail."""
    chance = random.Random(case.seed)
    measures = {"ttc_min_s": 0.4 + 5 * chance.random(), "driven_m": 300.0, "driven_s": 15.0, "braking_max_mps2": 6 * chance.random()}
    if case.index not in failing:
        return Run("passed", "goal reached", False, {}, measures, sha(str(case.index)))
    if failing[case.index] != "failed":
        return Run(failing[case.index], "the process died" if failing[case.index] == "lost" else "the road's map cannot be read")
    preventable = {"competent-and-careful": True, "fsm": chance.random() < 0.5}
    told = measures | {"impact_mps": 12 * chance.random(), "ttc_min_s": 0.0}
    return Run("failed", "it ran into the car that cut in", True, preventable, told, sha(f"x{case.index}"))


def reported(
    folder: Path, name: str = "release", *, failing=None, rules=None, version="1.2.0", inputs=(), baseline=None, **other
) -> Reported:
    """The evidence of a release. failing: by number of the case, its outcome. rules, inputs (by name): other than usual."""
    suite = suite_file(folder)
    read = read_suite(suite)
    runs = folder / f"{name}.jsonl"
    runs.write_bytes(b"".join(run_of(case, failing or {}).line(case) + b"\n" for case in cases(read, 1)))
    said = RULES | (rules or {}) | ({"baseline": digests.of_file(baseline.runs)} if baseline else {})
    policy = Policy(("gac", "huawei"), NOW - 10 * DAY, NOW + 90 * DAY, {read.name: read.digest}, {}, said)
    kept = {one.name: one for one in INPUTS if one.kind != "suite"} | {"suite/city": Input("suite/city", read.digest)}
    kept |= {key: Input(key, digest) for key, digest in dict(inputs).items()}
    verdicts = judge(read_rules(said), "vela", runs, baseline.runs if baseline else None)
    given = {"policy": policy, "inputs": tuple(kept.values()), "runs": runs.read_bytes(), "verdicts": tuple(verdicts), "version": version}
    world = World(**given | other)
    return Reported(written(folder / f"{name}.evidence", world), suite, runs, world)
