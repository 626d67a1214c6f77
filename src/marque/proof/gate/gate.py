"""Runs held against a policy's rules: PASSED, FAILED or OUTSIDE ODD for each cell, with reasons that a manager understands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from marque.common import InputError
from marque.proof.evidence import Verdict, digests
from marque.proof.evidence.statements import FAILURES
from marque.proof.gate.rules import GateRules
from marque.proof.statistics import CellDecision, Counts, Decision, Reason, Rules, decide


@dataclass
class _Cell:
    """Which cases of a cell failed, by what makes them the same case in another campaign."""

    failed: dict[str, bool] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)


def judge(rules: GateRules, model: str, runs: Path, baseline: Path | None = None) -> list[Verdict]:
    """The verdict on every cell that the rules or the runs name. Raises InputError for a baseline that is not the one of the rules.

    Missing evidence fails: a cell without its planned runs, or of which not enough is shown either way, has not passed.
    """
    found, before = _cells(runs), _baseline(rules, baseline)
    told = _decided(rules, found, before)
    cells = dict(zip(sorted(rules.limits), told.cells, strict=True))
    return [_verdict(rules, model, cell, found.get(cell, _Cell()), cells.get(cell)) for cell in sorted({*rules.limits, *found})]


def _cells(runs: Path) -> dict[str, _Cell]:
    found: dict[str, _Cell] = {}
    for line in runs.read_bytes().splitlines():
        said = json.loads(line)
        cell = found.setdefault(said["cell"], _Cell())
        cell.outcomes[said["outcome"]] = cell.outcomes.get(said["outcome"], 0) + 1
        if said["outcome"] != "outside":
            same = json.dumps([said["scenario"], said["parameters"], said["seed"]], sort_keys=True)
            cell.failed[same] = said["outcome"] in FAILURES
    return found


def _baseline(rules: GateRules, runs: Path | None) -> dict[str, _Cell]:
    """Missing where the policy names one: InputError, for a release is not judged against something else."""
    if not rules.baseline:
        return {}
    if runs is None:
        raise InputError("--baseline", "", "the policy compares with the runs of a baseline", f"Their SHA-256 is {rules.baseline}.")
    if (digest := digests.of_file(runs)) != rules.baseline:
        raise InputError(str(runs), "", f"its SHA-256 is {digest}, not the baseline's", f"The policy names {rules.baseline}.")
    return _cells(runs)


def _decided(rules: GateRules, found: Mapping[str, _Cell], before: Mapping[str, _Cell]) -> Decision:
    """Of the cells with a limit, in order."""
    rows = []
    for cell in sorted(rules.limits):
        now, then = found.get(cell, _Cell()).failed, before.get(cell, _Cell()).failed
        common = now.keys() & then.keys()
        worse = sum(now[case] and not then[case] for case in common)
        better = sum(then[case] and not now[case] for case in common)
        rows.append((len(now), sum(now.values()), rules.limits[cell], worse, better, len(common)))
    return decide(Counts.of(*zip(*rows, strict=True)), Rules(alpha=1.0 - rules.confidence, margin=rules.margin))


def _verdict(rules: GateRules, model: str, cell: str, runs: _Cell, told: CellDecision | None) -> Verdict:
    if told is None:
        why = "The policy leaves this cell outside of the domain." if cell in rules.outside else "The policy says nothing of this cell."
        return Verdict(model, cell, "OUTSIDE ODD", (why,))
    count, failures, planned = len(runs.failed), sum(runs.failed.values()), rules.least_runs[cell]
    share = f"{failures} of {count} runs failed: {100 * told.estimate:.3g} % ({_interval(told, rules)})."
    reasons = [share if count else "Nothing was driven."]
    if count < planned:
        reasons.append(f"{count} runs are evidence of less than the {planned} that the policy plans.")
    reasons += [_WORDS[one].format(limit=f"{100 * rules.limits[cell]:.3g} %") for one in told.reasons]
    if lost := {name: number for name, number in runs.outcomes.items() if name in {"lost", "aborted", "overdue"}}:
        reasons.append(f"Counted as failed: {', '.join(f'{number} {name}' for name, number in sorted(lost.items()))}.")
    passed = told.verdict == "PASSED" and count >= planned
    return Verdict(model, cell, "PASSED" if passed else "FAILED", tuple(reasons))


def _interval(told: CellDecision, rules: GateRules) -> str:
    low, high = 100.0 * float(told.interval.low), 100.0 * float(told.interval.high)
    return f"{low:.3g} to {high:.3g} % with {100 * rules.confidence:g} % confidence"


_WORDS: Mapping[Reason, str] = {
    Reason.BELOW_LIMIT: "That it fails less often than {limit} is shown.",
    Reason.ABOVE_LIMIT: "That it fails more often than {limit} is shown.",
    Reason.LIMIT_NOT_SHOWN: "That it fails less often than {limit} is not shown; more runs may show it.",
    Reason.WORSE_THAN_BASELINE: "It is worse than the baseline on the same cases.",
    Reason.NON_INFERIOR: "It is not worse than the baseline by more than the margin.",
    Reason.NON_INFERIORITY_NOT_SHOWN: "That it is not worse than the baseline by more than the margin is not shown.",
    Reason.NO_RUNS: "There are no runs.",
}
