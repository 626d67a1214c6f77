"""`marque faults`: which drives the campaign does, in worker processes, with what is kept between runs."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import marque
from marque.app.faults_report import report, totals
from marque.app.terminal import wide_console
from marque.common import InputError
from marque.simulation.campaign import CELLS, Finding, Outcome, drive_cell, facts
from marque.simulation.faults import FAULTS, FaultKind
from marque.vehicle import MODELS

_AT_ONCE = 8


class Job(NamedTuple):
    """One drive to do: cell by its index, faults by their kinds."""

    cell: int
    kinds: tuple[FaultKind, ...]
    seed: int


class Way(NamedTuple):
    """How all drives are done."""

    perfect: bool = False
    vehicle: str = "vela"
    replays: Path | None = None


def faults(
    json_out: Path | None, findings_file: Path | None, *, seeds: int, first_seed: int, pairs: bool, cells: Sequence[str],
    kinds: Sequence[str], workers: int, sample: int, part: int, way: Way,
) -> None:  # fmt: skip
    """Drive the campaign. Exits with 0 when every drive was safe, else with 1."""
    if way.vehicle not in MODELS:
        raise InputError("--vehicle", way.vehicle, "there is no such vehicle model", f"The models are: {', '.join(MODELS)}.")
    todo = jobs(
        chosen_cells(cells), chosen_faults(kinds), seeds=range(first_seed, first_seed + seeds), pairs=pairs, sample=sample, part=part
    )
    for folder in (way.replays, *(file.parent for file in (json_out, findings_file) if file is not None)):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    found = _drive_all(todo, workers, way, findings_file)
    console = wide_console()
    report(console, found)
    if json_out is not None:
        told = {"totals": totals(found), "findings": [facts(finding) for finding in found]}
        json_out.write_text(json.dumps(told, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    raise typer.Exit(int(not all(finding.safe for finding in found)))


def _drive_all(todo: Sequence[Job], workers: int, way: Way, file: Path | None) -> list[Finding]:
    """The findings in the order of the jobs; those that the file holds are not driven again, new ones are appended to it one by one."""
    known = {} if file is None else kept(file, way)
    missing = [job for job in todo if job not in known]
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("driving", total=len(missing))
        for job, finding in zip(missing, drive_jobs(missing, workers, way), strict=True):
            known[job] = finding
            if file is not None:
                with file.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps({"code": code(), **facts(finding)}, allow_nan=False) + "\n")
            progress.advance(bar)
    return [known[job] for job in todo]


def kept(file: Path, way: Way) -> dict[Job, Finding]:
    """What a file holds of drives done this way by this very code.

    A last line cut short counts as missing; InputError names any other bad one.
    """
    found: dict[Job, Finding] = {}
    cells = {cell.name: k for k, cell in enumerate(CELLS)}
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            values: dict[str, Any] = json.loads(line)
            by = values.pop("code")
            finding = Finding(**{**values, "outcome": Outcome(values["outcome"]), "faults": tuple(values["faults"])})
            job = Job(cells[finding.cell], tuple(FaultKind(kind) for kind in finding.faults), finding.seed)
        except (ValueError, KeyError, TypeError) as fault:
            if number == len(lines):
                file.write_text("".join(f"{whole}\n" for whole in lines[:-1]), encoding="utf-8")
                break
            raise InputError(
                file.name, f"line {number}", "is no finding of this campaign", "Name another file, or delete this one."
            ) from fault
        if (by, finding.vehicle, finding.perception) == (code(), way.vehicle, "perfect" if way.perfect else "sensed"):
            found[job] = finding
    return found


@functools.cache
def code() -> str:
    """A digest of everything that decides how a drive goes: the sources of all rooms but this one."""
    home, digest = Path(marque.__file__).parent, hashlib.blake2b(digest_size=8)
    for source in sorted(home.rglob("*.py")):
        if source.relative_to(home).parts[0] != "app":
            digest.update(source.read_bytes())
    return digest.hexdigest()


def chosen_cells(names: Sequence[str]) -> list[int]:
    """Indices of the cells that are called so or whose names hold one of these words, all for none. InputError for a word no cell has."""
    chosen: set[int] = set()
    for name in names:
        exactly = {k for k, cell in enumerate(CELLS) if cell.name == name}
        found = exactly or {k for k, cell in enumerate(CELLS) if name in cell.name}
        if not found:
            raise InputError("--cell", name, "no cell is called so", f"The cells are: {'; '.join(cell.name for cell in CELLS)}.")
        chosen |= found
    return sorted(chosen) or list(range(len(CELLS)))


def chosen_faults(names: Sequence[str]) -> list[FaultKind]:
    """Fault kinds by name, all for none. Raises InputError for an unknown one."""
    for name in names:
        if name not in set(FaultKind):
            raise InputError("--fault", name, "there is no such fault", f"The faults are: {', '.join(FaultKind)}.")
    return [kind for kind in FaultKind if not names or kind.value in names]


def jobs(
    cells: Sequence[int], kinds: Sequence[FaultKind], *, seeds: Sequence[int], pairs: bool, sample: int = 1, part: int = 0
) -> list[Job]:  # fmt: skip
    """Every fault, or pair of faults, in every cell with every seed; of these each sample-th, in turn over all cells and faults.

    part: which of the samples, 0 ≤ part < sample; all parts together are every drive, once.
    """
    groups: list[tuple[FaultKind, ...]] = [(kind,) for kind in kinds]
    if pairs:
        groups = list(itertools.combinations(kinds, 2))
    return [
        Job(cell, group, seed)
        for i, group in enumerate(groups)
        for j, cell in enumerate(cells)
        for seed in seeds
        if (i + j + seed - 1 + part) % sample == 0
    ]


def drive_jobs(todo: Sequence[Job], workers: int, way: Way = Way()) -> Iterator[Finding]:  # noqa: B008
    """The findings, in the order of the jobs, the same for any number of workers."""
    drive_one = partial(_drive, way)
    if workers <= 1 or len(todo) <= 1:
        yield from map(drive_one, todo)
        return
    with ProcessPoolExecutor(min(workers, len(todo)), mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(drive_one, todo, chunksize=_AT_ONCE)


def _drive(way: Way, job: Job) -> Finding:
    broken = tuple(FAULTS[kind] for kind in job.kinds)
    return drive_cell(CELLS[job.cell], broken, job.seed, perfect=way.perfect, vehicle=way.vehicle, replays=way.replays)
