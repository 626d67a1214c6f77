"""`marque prove`: a suite driven whole, resumable, with what came of it by cell."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from marque import __version__
from marque.app.terminal import wide_console
from marque.common import InputError
from marque.foundation import SystemClock
from marque.foundation.compute import Compute
from marque.foundation.compute_pool import ProcessPool
from marque.proof.campaign import Campaign, Tally, Task
from marque.proof.evidence import Policy, Provenance
from marque.proof.evidence import Run as EvidenceRun
from marque.proof.evidence.draft import Draft
from marque.proof.evidence.statements import FAILURES, OUTCOMES
from marque.proof.gate import bound, inputs_of, judge, read_rules
from marque.proof.statistics import intervals
from marque.proof.suites import read_suite
from marque.vehicle import MODELS

LIMIT_S = 600.0
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Sealing:
    """Where a campaign's evidence goes: a draft with the policy that both sides have signed. runner: the organisation that runs it."""

    draft: Path
    runner: str


def prove(
    suite: Path, *, vehicle: str, release: str, out: Path, seed: int, workers: int, perfect: bool, ray: str | None,
    sealing: Sealing | None = None,
) -> None:  # fmt: skip
    """Drive every case of a suite. Exit status 0: none failed; 1: some did. Raises InputError.

    workers: processes, 0 for one of each core. ray: the address of a Ray cluster to drive on, `local` for one of this machine's own.
    """
    if vehicle not in MODELS:
        raise InputError("--vehicle", vehicle, "there is no such vehicle model", f"There are {', '.join(MODELS)}.")
    policy = None if sealing is None else _policy(sealing.draft, suite)
    campaign = Campaign(out, Task(suite.resolve(), vehicle, seed, perfect), release)
    compute = _compute(workers, ray)
    try:
        tally = _driven(campaign, compute)
    finally:
        compute.close()
    console = wide_console()
    console.print(_table(out / "runs.jsonl"))
    failures = sum(tally.counts[one] for one in FAILURES)
    console.print(f"{campaign.plan.cases} cases of {campaign.plan.suite}, {failures} failed; root {campaign.root().hex()}", highlight=False)
    if sealing is not None and policy is not None:
        _lay_down(sealing, policy, campaign)
        console.print(f"{sealing.draft}: provenance and test result are there to be signed by {sealing.runner}", highlight=False)
    raise typer.Exit(1 if failures else 0)


def _policy(draft: Path, suite: Path) -> Policy:
    """Before anything is driven: signed by somebody, and of this suite."""
    policy = Draft(draft).said("policy")
    assert isinstance(policy, Policy)
    Draft(draft).envelope("policy")
    bound(policy, [read_suite(suite)])
    read_rules(policy.rules)
    return policy


def _lay_down(sealing: Sealing, policy: Policy, campaign: Campaign) -> None:
    """The runs, and the statements of whoever drove them."""
    plan, draft = campaign.plan, Draft(sealing.draft)
    name, _, version = plan.release.partition("@")
    shutil.copyfile(campaign.folder / "runs.jsonl", draft.runs)
    draft.ran(
        EvidenceRun(
            release=(name, version or "0"), model=plan.vehicle, inputs=inputs_of(plan, campaign.suite, policy), runner=sealing.runner,
            marque=__version__, invocation=campaign.root().hex()[:16], started=campaign.started, finished=SystemClock().now(),
        )
    )  # fmt: skip


def write_policy(draft: Path, rules: Path, suite: Path, parties: Sequence[str], days: int) -> None:
    """Lays down the policy that both sides sign before anything is driven. Raises InputError."""
    try:
        said = json.loads(rules.read_bytes())
    except (OSError, ValueError) as fault:
        raise InputError(str(rules), "", f"no rules can be read: {fault}") from fault
    known, now = read_suite(suite), SystemClock().now()
    demanded = read_rules(said, str(rules))
    if unknown := sorted({*demanded.limits, *demanded.outside} - set(known.cells)):
        raise InputError(str(rules), "rules.limits", f'the suite has no cell "{unknown[0]}"', f"It has {', '.join(known.cells)}.")
    try:
        made = Policy(tuple(sorted(parties)), now, now + timedelta(days=days), {known.name: known.digest}, {}, demanded.said())
    except ValueError as fault:
        raise InputError("policy", "", str(fault)) from fault
    draft.mkdir(parents=True, exist_ok=True)
    typer.echo(f"{Draft(draft).put('policy', made.dumps())}: to be signed by {' and '.join(made.parties)} before anything is driven")


def gate(draft: Path, baseline: Path | None, sequence: int, days: int) -> bool:
    """Hold the runs of a draft against its policy, lay down the verdicts for both sides to sign; whether every claimed cell passed."""
    folder = Draft(draft)
    policy, provenance = folder.said("policy"), folder.said("provenance")
    assert isinstance(policy, Policy)
    assert isinstance(provenance, Provenance)
    verdicts = judge(read_rules(policy.rules), provenance.model, folder.runs, baseline)
    now = SystemClock().now()
    folder.concluded(verdicts, sequence=sequence, verified=now, expires=min(policy.expires, now + timedelta(days=days)))
    for one in verdicts:
        typer.echo(f"{one.answer:<11} {one.model} in {one.cell}")
        for reason in one.reasons:
            typer.echo(f"            {reason}")
    return all(one.answer != "FAILED" for one in verdicts)


def _compute(workers: int, ray: str | None) -> Compute:
    if ray is None:
        return ProcessPool(workers)
    from marque.foundation.compute_ray import RayCluster

    return RayCluster("" if ray == "local" else ray, workers)


def _driven(campaign: Campaign, compute: Compute) -> Tally:
    """With a bar that says how fast it goes and how long it still takes."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("proving", total=campaign.plan.cases, rate="")

        def told(tally: Tally) -> None:
            failed = sum(tally.counts[one] for one in FAILURES)
            speed = progress.tasks[0].speed
            rate = f"{speed:.1f} runs/s" if speed else ""
            progress.update(bar, completed=tally.done, rate=f"{rate} {failed} failed" if failed else rate)

        return campaign.run(compute, LIMIT_S, told)


def _table(runs: Path) -> Table:
    """By cell: runs, outcomes, and the share that fails with its exact interval (Clopper–Pearson)."""
    by_cell: dict[str, Counter[str]] = {}
    for line in runs.read_bytes().splitlines():
        said = json.loads(line)
        by_cell.setdefault(said["cell"], Counter())[said["outcome"]] += 1
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("cell", "runs", *OUTCOMES, "share that fails, 95 %"):
        sheet.add_column(heading, justify="left" if heading == "cell" else "right", no_wrap=True)
    for cell, counts in by_cell.items():
        failed, within = sum(counts[one] for one in FAILURES), counts.total() - counts["outside"]
        share = ""
        if within:
            interval = intervals.binomial(failed, within, _CONFIDENCE)
            share = f"{100 * failed / within:.2f} % ({100 * interval.low:.2f}–{100 * interval.high:.2f})"
        sheet.add_row(cell, str(counts.total()), *(str(counts[one] or "") for one in OUTCOMES), share)
    return sheet
