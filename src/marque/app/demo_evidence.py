"""The demonstration's evidence: a small suite that is really driven on this machine, judged, signed by both invented companies and sealed.

Small means small: some dozens of runs, and limits that nobody would drive a real car by. What it says of the runs is true.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from marque import __version__
from marque.alliance import keys
from marque.app.demo_people import Manager
from marque.app.platform import Platform
from marque.common import MarqueError
from marque.foundation.compute_pool import ProcessPool
from marque.proof.campaign import Campaign, Task
from marque.proof.campaign.inputs import inputs_of
from marque.proof.evidence import Input, Policy, Run, release_digest
from marque.proof.evidence.draft import Draft
from marque.proof.gate import judge_under, provenance_inputs
from marque.proof.gate.rules import read_rules
from marque.proof.suites import read_suite

MODEL, PRODUCT, _SEED, _MOST_S = "vela", "pilot", 7, 1800.0
LIFE = timedelta(days=60)
SUITE = {
    "kind": "https://marque.example/suite/v1",
    "name": "demonstration",
    "cells": {
        "motorway": {"odd": {"drivable area": "motorway"}, "exposure": 0.75},
        "street": {"odd": {"drivable area": "street"}, "exposure": 0.25},
    },
    "sources": [
        {
            "name": "cut-in", "library": "motorways.cut_in_from_left", "cell": "motorway", "sample": 12,
            "parameters": {"limit_mps": {"values": [22.2, 27.8]}, "gap_m": {"low": 25, "high": 60}, "slower_mps": {"low": 0, "high": 6}},
            "constraints": ["$gap_m > $limit_mps"],
        },
        {
            "name": "child", "library": "streets.child", "cell": "street",
            "parameters": {"limit_mps": {"values": [8.3]}, "runs_mps": {"values": [2.0, 2.5, 3.0]}, "early_m": {"values": [25.0, 30.0]}},
        },
    ],
}  # fmt: skip
"""Scenes of the library that comes with Marque."""
_LIMITS, _LEAST = {"motorway": 0.25, "street": 0.4}, {"motorway": 12, "street": 6}
"""Shares of runs that may fail, shown with confidence 0.9, and so many runs at least: what so few runs can show at all."""


@dataclass(frozen=True)
class Driven:
    """A campaign that was driven under a policy that both signed."""

    policy: Policy
    runs: Path
    inputs: tuple[Input, ...]
    started: datetime
    finished: datetime


def digest_here(version: str) -> str:
    """Of the release of this version made of the code that is running, whatever is driven of it."""
    with tempfile.TemporaryDirectory(prefix="marque-demonstration-") as folder:
        suite = Path(folder) / "suite.json"
        suite.write_text(json.dumps(SUITE))
        found = inputs_of(Task(suite, MODEL, _SEED), [read_suite(suite)])
    return release_digest(PRODUCT, version, tuple(Input(name, digest) for name, digest in sorted(found.items())))


def drive(platform: Platform, folder: Path, parties: tuple[str, ...]) -> Driven:
    """Lay the policy down and drive every case. One process, so that the city on the page goes on living. Raises MarqueError."""
    suite = folder / "suite.json"
    suite.write_text(json.dumps(SUITE))
    known, issued = read_suite(suite), platform.clock.now()
    rules = {
        "reference": "competent-and-careful", "confidence": 0.9, "limits": _LIMITS, "outside": [], "least_runs": _LEAST,
        "baseline": "", "margin": None, "seed": _SEED,
    }  # fmt: skip
    read_rules(rules)
    policy = Policy(tuple(sorted(parties)), issued, issued + LIFE, {known.name: known.digest}, {}, rules)
    campaign = Campaign(folder / "campaign", Task(suite, MODEL, _SEED), f"{PRODUCT}@demonstration", policy=policy.digest)
    with ProcessPool(1) as pool:
        campaign.run(pool, _MOST_S)
    inputs = provenance_inputs(campaign.plan, [])
    return Driven(policy, campaign.folder / "runs.jsonl", inputs, campaign.started, platform.clock.now())


def sealed(platform: Platform, driven: Driven, folder: Path, version: str, sequence: int, managers: dict[str, list[Manager]]) -> Path:
    """Evidence of one version. The demonstration's versions differ in nothing but their name: what was driven once holds for each.

    managers: of each party; the first ones sign, and the last party ran it. Raises MarqueError where it does not hold.
    """
    parties = driven.policy.parties
    first, runner = [managers[one][0] for one in parties], managers[parties[-1]][0]
    draft = Draft(folder)
    (folder / "keys").mkdir(parents=True)
    for one in first:
        with platform.database.transaction(one.actor) as tx:
            (folder / "keys" / f"{one.organisation}.json").write_bytes(keys.directory(tx, platform.party).dumps())
    draft.put("policy", driven.policy.dumps())
    draft.runs.write_bytes(driven.runs.read_bytes())
    for one in first:
        draft.sign("policy", one.key)
    ran = (PRODUCT, version), MODEL, driven.inputs, runner.organisation, __version__, "demonstration"
    draft.ran(Run(*ran, driven.started, driven.finished))
    for part in ("provenance", "test-result"):
        draft.sign(part, runner.key)
    time.sleep(0.01)  # an instant after the run's end
    verified = platform.clock.now()
    draft.concluded(judge_under(driven.policy, MODEL, draft.runs), sequence=sequence, verified=verified, expires=verified + LIFE / 2)
    for one in first:
        draft.sign("verification-summary", one.key)
    out = folder / f"{PRODUCT}-{version}.evidence"
    report = draft.seal(out, now=platform.clock.now())
    if not report.ok:
        raise MarqueError(f"The demonstration's evidence does not hold: {'; '.join(map(str, report.findings))}")
    return out
