"""What the gate sees of runs: whether each failed by the policy's rules, counted by cell, beside the baseline on the same cases."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marque.proof.evidence.statements import FAILURES, SILENT
from marque.proof.gate.rules import GateRules
from marque.proof.statistics import Counts, Rules

Before = Mapping[str, Mapping[str, bool]]
"""Of a baseline: by cell, which cases failed, by what makes them the same case in another campaign."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A run. failed: None for one that says nothing. hidden: of a hidden suite. same: what makes it the same case in another campaign.

    unavoidable: a collision blamed on the ego that the reference driver could not have avoided either.
    """

    cell: str
    outcome: str
    failed: bool | None
    hidden: bool = False
    unavoidable: bool = False
    same: str = ""


@dataclass
class CellCount:
    """Of one cell. pairs: cases that the baseline drove, too; worse, better: of them, those that only the release failed, or only it."""

    outcomes: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    failures: int = 0
    hidden: int = 0
    hidden_failures: int = 0
    pairs: int = 0
    worse: int = 0
    better: int = 0
    unavoidable: int = 0

    def add(self, run: Seen, before: Mapping[str, bool]) -> None:
        self.outcomes[run.outcome] += 1
        if run.failed is None:
            return
        self.runs += 1
        self.failures += run.failed
        self.hidden += run.hidden
        self.hidden_failures += run.hidden and run.failed
        self.unavoidable += run.unavoidable
        if (then := before.get(run.same)) is not None:
            self.pairs += 1
            self.worse += run.failed and not then
            self.better += then and not run.failed


def read(rules: GateRules, runs: Path, hidden: Collection[str] = ()) -> list[Seen]:
    """A campaign's runs, in the order of the cases. hidden: names of the hidden suites."""
    return [seen(rules, json.loads(line), hidden) for line in runs.read_bytes().splitlines()]


def seen(rules: GateRules, said: Mapping[str, Any], hidden: Collection[str] = ()) -> Seen:
    """What a run's line says."""
    outcome = said["outcome"]
    unavoidable = outcome == "failed" and said.get("collision") is True and said.get("preventable", {}).get(rules.reference) is False
    failed = None if outcome in SILENT else outcome in FAILURES and not (unavoidable and rules.fault == "reference")
    same = json.dumps([said["scenario"], said["parameters"], said["seed"]], sort_keys=True) if rules.baseline else ""
    return Seen(said["cell"], outcome, failed, said.get("suite", "") in hidden, unavoidable, same)


def count(runs: Iterable[Seen], before: Before) -> dict[str, CellCount]:
    found: dict[str, CellCount] = {}
    for run in runs:
        if (cell := found.get(run.cell)) is None:
            cell = found[run.cell] = CellCount()
        cell.add(run, before.get(run.cell, {}))
    return found


def counts_of(rules: GateRules, found: Mapping[str, CellCount]) -> Counts:
    """Of the cells with a limit, in order of their names."""
    cells = sorted(rules.limits)
    each = [found.get(cell, CellCount()) for cell in cells]
    names = ("worse", "better", "pairs", "hidden", "hidden_failures")
    others: dict[str, Sequence[int]] = {name: [getattr(one, name) for one in each] for name in names}
    return Counts.of([one.runs for one in each], [one.failures for one in each], [rules.limits[cell] for cell in cells], **others)


def statistical(rules: GateRules, hidden: bool) -> Rules:
    """How the numbers are decided. hidden: whether a part of the campaign's cases is, driven or not."""
    return Rules(rules.alpha, rules.stopping == "sequential", rules.margin, hidden)
