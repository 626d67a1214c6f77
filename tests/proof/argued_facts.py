"""Facts of a small release, from evidence that is really sealed: two claimed cells with every outcome in one of them, one outside."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sealed_world import CELLS, DAY, NOW, World, run_line, sha, written

from marque.proof.credibility import Credibility, Item, Section
from marque.proof.evidence import Policy, Verdict
from marque.proof.report.facts import Facts, Unsound
from marque.proof.report.gather import facts_of

DAY_CELL, NIGHT, RAIN = CELLS
RULES = {
    "reference": "competent-and-careful", "confidence": 0.9, "limits": {DAY_CELL: 0.5, NIGHT: 0.6}, "outside": [RAIN],
    "least_runs": {DAY_CELL: 20, NIGHT: 20}, "baseline": "", "margin": None,
}  # fmt: skip
VERDICTS = (
    Verdict("vela", DAY_CELL, "PASSED", ("That it fails less often than 50 % is shown.",)),
    Verdict("vela", NIGHT, "PASSED", ("That it fails less often than 60 % is shown.",)),
    Verdict("vela", RAIN, "OUTSIDE ODD", ("The policy leaves this cell outside of the domain.",)),
)


def world(*, outcomes: dict[int, str] | None = None, **other: object) -> World:
    """Sixty runs, twenty a cell; all passed but those named."""
    told = outcomes or {}
    runs = b"".join(run_line(case, told.get(case, "passed"), CELLS[case % 3], weight=1 / 60) for case in range(60))
    policy = Policy(("gac", "huawei"), NOW - 10 * DAY, NOW + 90 * DAY, {"alks": sha("suite/alks")}, {}, RULES)
    made = World(policy=policy, runs=runs, verdicts=VERDICTS)
    return replace(made, **{"policy": replace(World().policy, rules=RULES), **other})


def credibility(met: bool | None = True) -> Credibility:
    item = Item("step halving", "order ≥ 1.8", "1.97", met, "Half the step halves the error four times.")
    return Credibility((Section("steps", "Step halving", (), (item,)),), {"simulator": sha("simulator")}, {})


@cache
def _facts(outcomes: tuple[tuple[int, str], ...], before: tuple[tuple[int, str], ...] | None) -> Facts | Unsound:
    with TemporaryDirectory() as folder:
        now = world(outcomes=dict(outcomes))
        file = written(Path(folder) / "now.evidence", now)
        baseline = None if before is None else written(Path(folder) / "then.evidence", world(outcomes=dict(before), version="1.1.0"))
        return facts_of(file, now.directories, now=NOW, baseline=baseline, credibility=credibility())


def facts(outcomes: dict[int, str] | None = None, before: dict[int, str] | None = None, **other: object) -> Facts:
    """Of sound evidence; any field may be set otherwise."""
    told = _facts(tuple((outcomes or {}).items()), None if before is None else tuple(before.items()))
    assert isinstance(told, Facts), told
    return replace(told, **other)
