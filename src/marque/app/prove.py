"""`marque prove`: a suite driven whole, resumable, with what came of it by cell."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from marque.app.terminal import wide_console
from marque.common import InputError
from marque.foundation.compute import Compute
from marque.foundation.compute_pool import ProcessPool
from marque.proof.campaign import OUTCOMES, Campaign, Tally, Task
from marque.proof.statistics import intervals
from marque.vehicle import MODELS

FAILURES = ("failed", "lost", "aborted", "overdue")
LIMIT_S = 600.0
_CONFIDENCE = 0.95


def prove(suite: Path, *, vehicle: str, release: str, out: Path, seed: int, workers: int, perfect: bool, ray: str | None) -> None:
    """Drive every case of a suite. Exit status 0: none failed; 1: some did. Raises InputError.

    workers: processes, 0 for one of each core. ray: the address of a Ray cluster to drive on, `local` for one of this machine's own.
    """
    if vehicle not in MODELS:
        raise InputError("--vehicle", vehicle, "there is no such vehicle model", f"There are {', '.join(MODELS)}.")
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
    raise typer.Exit(1 if failures else 0)


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
