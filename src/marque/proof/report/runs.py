"""The lines of a campaign, read once: counts by cell, what is compared with the baseline, the worst runs."""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from marque.proof.evidence.statements import FAILURES, SILENT
from marque.proof.gate import GateRules, Seen, seen
from marque.proof.gate.counting import statistical
from marque.proof.report.facts import Paired
from marque.proof.statistics import Counts
from marque.proof.statistics.comparison import difference
from marque.proof.statistics.decision import baseline_p_values

WORST = 10
MOST_LISTED = 100
RANKING = "failed first, then by the speed of the impact (where none was measured, after those), then by the least time to collision"

Said = Mapping[str, Any]


@dataclass
class CellRuns:
    """Of one cell. exposure: the sum of the cases' weights. by_weight: of the cases that say something, (runs, failures) by their weight.

    failed: whether a case failed, by what makes it the same case in another campaign; cases: their numbers. hidden: (runs, failures) of
    the hidden suites. excused: runs that passed with a collision; unpreventable: runs that failed with one, which no driver that was asked
    would have prevented; forgiven: failed runs that the policy does not count, for the reference driver would have fared no better.
    """

    exposure: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)
    by_weight: dict[float, tuple[int, int]] = field(default_factory=dict)
    failed: dict[str, bool] = field(default_factory=dict)
    cases: dict[str, int] = field(default_factory=dict)
    hidden: tuple[int, int] = (0, 0)
    excused: int = 0
    unpreventable: int = 0
    forgiven: int = 0

    def add(self, said: Said, run: Seen) -> None:
        """run: what the gate sees of it."""
        self.exposure += said["weight"]
        self.outcomes[said["outcome"]] = self.outcomes.get(said["outcome"], 0) + 1
        if (failed := run.failed) is None:
            return
        self.forgiven += said["outcome"] in FAILURES and not failed
        if run.hidden:
            self.hidden = (self.hidden[0] + 1, self.hidden[1] + failed)
        if said["collision"]:
            self.excused += not failed
            self.unpreventable += failed and bool(said["preventable"]) and not any(said["preventable"].values())
        runs, failures = self.by_weight.get(said["weight"], (0, 0))
        self.by_weight[said["weight"]] = (runs + 1, failures + failed)
        same = json.dumps([said["scenario"], said["parameters"], said["seed"]], sort_keys=True)
        self.failed[same] = failed
        self.cases[same] = said["case"]

    @property
    def counted(self) -> tuple[int, int]:
        """Runs and failures."""
        return sum(runs for runs, _ in self.by_weight.values()), sum(failures for _, failures in self.by_weight.values())


@dataclass(frozen=True)
class Lines:
    """All lines. worst: the worst of them, in order. driven: by (suite, scenario, cell), the parameters of each case that was driven."""

    cells: Mapping[str, CellRuns]
    worst: tuple[Said, ...]
    driven: Mapping[tuple[str, str, str], tuple[Said, ...]]


def read(lines: Iterable[bytes], rules: GateRules, hidden: Collection[str] = ()) -> Lines:
    """Of evidence that is sound. hidden: names of the hidden suites. Raises ValueError, which names the line, for one that says no run."""
    cells: dict[str, CellRuns] = {}
    driven: dict[tuple[str, str, str], list[Said]] = {}
    worst: list[tuple[tuple[Any, ...], Said]] = []
    for number, line in enumerate(lines, 1):
        said = json.loads(line)
        if not _is_run(said):
            raise ValueError(f"line {number} does not say what a run says")
        cells.setdefault(said["cell"], CellRuns()).add(said, seen(rules, said, hidden))
        if said["outcome"] not in SILENT:
            driven.setdefault((said.get("suite", ""), said["scenario"], said["cell"]), []).append(said["parameters"])
            worst.append((badness(said), said))
            if len(worst) > MOST_LISTED:
                worst = heapq.nsmallest(WORST, worst, key=lambda one: one[0])
    ranked = heapq.nsmallest(WORST, worst, key=lambda one: one[0])
    return Lines(cells, tuple(said for _, said in ranked), {name: tuple(found) for name, found in driven.items()})


_TEXTS = ("cell", "outcome", "scenario", "trace", "why")


def _is_run(said: Said) -> bool:
    """Whether its fields are there and of their kinds; what verification of the evidence has seen is not asked again."""
    flat = (said.get("measures"), said.get("parameters"), said.get("preventable"))
    return (
        all(isinstance(said.get(name), str) for name in _TEXTS)
        and isinstance(said.get("suite", ""), str)
        and all(isinstance(one, dict) for one in flat)
        and all(_number(one) for one in said["measures"].values())
        and all(isinstance(one, bool) for one in said["preventable"].values())
        and all(one is None or isinstance(one, bool | int | float | str) for one in said["parameters"].values())
        and said.get("collision") in (None, True, False)
        and type(said.get("seed")) is int
        and _number(said.get("weight"))
        and 0.0 <= said["weight"] <= 1.0
    )


def _number(said: Any) -> bool:
    return isinstance(said, int | float) and not isinstance(said, bool)


def badness(said: Said) -> tuple[bool, float, float, int]:
    """Sorts runs, the worst first: see `RANKING`; of equals, the earlier case."""
    measures = said["measures"]
    return (
        said["outcome"] not in FAILURES,
        -measures.get("impact_mps", 0.0 if said["collision"] else -1.0),
        measures.get("ttc_min_s", math.inf),
        said["case"],
    )


def paired(rules: GateRules, now: CellRuns, before: CellRuns) -> Paired:
    """On the cases that both drove, with the same random numbers. The p-value asks without a margin."""
    common = now.failed.keys() & before.failed.keys()
    worse = sum(now.failed[case] and not before.failed[case] for case in common)
    better = sum(before.failed[case] and not now.failed[case] for case in common)
    counts = Counts.of([len(common)], [0], [0.5], [worse], [better], [len(common)])
    [p_worse], _ = baseline_p_values(counts, replace(statistical(rules, hidden=False), margin=None))
    told = difference(worse, better, len(common), rules.confidence)
    return Paired(worse, better, len(common) - worse - better, float(p_worse), told)


def newly_failed(now: Mapping[str, CellRuns], before: Mapping[str, CellRuns]) -> tuple[int, ...]:
    """Numbers of the cases that failed and did not in the baseline, the first `MOST_LISTED`."""
    found = (
        cell.cases[case]
        for name, cell in now.items()
        for case, failed in cell.failed.items()
        if failed and name in before and before[name].failed.get(case) is False
    )
    return tuple(sorted(found)[:MOST_LISTED])
