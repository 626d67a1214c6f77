"""`marque faults`: the fault campaign, driven by worker processes, as a table and as JSON."""

from __future__ import annotations

import itertools
import json
import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from marque.app.terminal import wide_console
from marque.common import InputError
from marque.simulation.campaign import CELLS, Finding, Outcome, drive_cell, facts
from marque.simulation.faults import FAULTS, FaultKind

_LETTERS = {
    Outcome.FAILED: "[bold red]F[/]",
    Outcome.LEFT: "[yellow]l[/]",
    Outcome.CONDITION: "[cyan]m[/]",
    Outcome.CONTINUED: "[green]·[/]",
}
"""The worst first: of several drives in one place of the table the first letter is shown."""
_AT_ONCE = 8


class Job(NamedTuple):
    """One drive to do: cell by its index, faults by their kinds."""

    cell: int
    kinds: tuple[FaultKind, ...]
    seed: int


def faults(json_out: Path | None, seeds: int, pairs: bool, cells: Sequence[str], kinds: Sequence[str], workers: int, sample: int) -> None:
    """Drive the campaign. Exits with 0 when every drive was safe, else with 1."""
    todo = jobs(chosen_cells(cells), chosen_faults(kinds), seeds=seeds, pairs=pairs, sample=sample)
    findings: list[Finding] = []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("driving", total=len(todo))
        for finding in drive_jobs(todo, workers):
            findings.append(finding)
            progress.advance(bar)
    console = wide_console()
    console.print(table(findings))
    for number, cell in enumerate(CELLS, start=1):
        if any(finding.cell == cell.name for finding in findings):
            console.print(f"{number:>3} {cell.name}", highlight=False)
    for finding in findings:
        if not finding.safe:
            what = " and ".join(finding.faults) or "no fault"
            console.print(f"FAILED {finding.cell}, {what}, seed {finding.seed}: {finding.why}", highlight=False, style="red")
    console.print(summary(findings), highlight=False)
    if json_out is not None:
        json_out.parent.mkdir(parents=True, exist_ok=True)
        told = {"totals": totals(findings), "findings": [facts(finding) for finding in findings]}
        json_out.write_text(json.dumps(told, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    raise typer.Exit(int(not all(finding.safe for finding in findings)))


def chosen_cells(names: Sequence[str]) -> list[int]:
    """Indices of the cells whose names hold one of these words, all for none. Raises InputError for a word no cell has."""
    for name in names:
        if not any(name in cell.name for cell in CELLS):
            raise InputError("--cell", name, "no cell is called so", f"The cells are: {'; '.join(cell.name for cell in CELLS)}.")
    return [k for k, cell in enumerate(CELLS) if not names or any(name in cell.name for name in names)]


def chosen_faults(names: Sequence[str]) -> list[FaultKind]:
    """Fault kinds by name, all for none. Raises InputError for an unknown one."""
    for name in names:
        if name not in set(FaultKind):
            raise InputError("--fault", name, "there is no such fault", f"The faults are: {', '.join(FaultKind)}.")
    return [kind for kind in FaultKind if not names or kind.value in names]


def jobs(cells: Sequence[int], kinds: Sequence[FaultKind], *, seeds: int, pairs: bool, sample: int = 1) -> list[Job]:
    """Every fault, or pair of faults, in every cell with every seed; of these each sample-th, in turn over all cells and faults."""
    groups: list[tuple[FaultKind, ...]] = [(kind,) for kind in kinds]
    if pairs:
        groups = list(itertools.combinations(kinds, 2))
    return [
        Job(cell, group, seed)
        for i, group in enumerate(groups)
        for j, cell in enumerate(cells)
        for seed in range(1, seeds + 1)
        if (i + j + seed - 1) % sample == 0
    ]


def drive_jobs(todo: Sequence[Job], workers: int) -> Iterator[Finding]:
    """The findings, in the order of the jobs, the same for any number of workers."""
    if workers <= 1 or len(todo) <= 1:
        yield from map(_drive, todo)
        return
    with ProcessPoolExecutor(min(workers, len(todo)), mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_drive, todo, chunksize=_AT_ONCE)


def _drive(job: Job) -> Finding:
    return drive_cell(CELLS[job.cell], tuple(FAULTS[kind] for kind in job.kinds), job.seed)


def table(findings: Sequence[Finding]) -> Table:
    """A row per fault, a column per cell; a drive with two faults counts for both."""
    names = [cell.name for cell in CELLS if any(finding.cell == cell.name for finding in findings)]
    numbers = {cell.name: number for number, cell in enumerate(CELLS, start=1)}
    sheet = Table(
        box=None, pad_edge=False, header_style="bold", caption="m minimal risk condition, l left its domain in time, · drove on, F failed"
    )
    sheet.add_column("fault", no_wrap=True)
    for name in names:
        sheet.add_column(str(numbers[name]), justify="right")
    for outcome in Outcome:
        sheet.add_column(outcome.value, justify="right")
    for kind in FaultKind:
        mine = [finding for finding in findings if kind in finding.faults]
        if mine:
            counts = Counter(finding.outcome for finding in mine)
            letters = [_letter([finding.outcome for finding in mine if finding.cell == name]) for name in names]
            sheet.add_row(kind.value, *letters, *(str(counts[outcome]) for outcome in Outcome))
    return sheet


def _letter(outcomes: list[Outcome]) -> str:
    return next((letter for outcome, letter in _LETTERS.items() if outcome in outcomes), "")


def totals(findings: Sequence[Finding]) -> dict[str, int]:
    """How many drives there were, how many were safe, and how many ended in each way."""
    counts = Counter(finding.outcome for finding in findings)
    hit = sum(bool(finding.hit) for finding in findings)
    return {
        "drives": len(findings),
        "safe": sum(finding.safe for finding in findings),
        "run_into_without_fault": hit,
        **{outcome.name.lower(): counts[outcome] for outcome in Outcome},
    }


def summary(findings: Sequence[Finding]) -> str:
    told = totals(findings)
    share = 100.0 * told["safe"] / max(1, told["drives"])
    ends = ", ".join(f"{outcome.value} {told[outcome.name.lower()]}" for outcome in Outcome)
    excused = f"run into without fault of its own: {told['run_into_without_fault']}"
    return f"{told['safe']} of {told['drives']} drives safe ({share:.2f} %): {ends}; {excused}"
