"""`marque replay-evidence`: runs of an evidence file driven again from their inputs, and compared byte by byte with what was sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from marque.app.evidence import verify_evidence
from marque.app.prove import LIMIT_S
from marque.app.replay_page import built, write_page
from marque.common import InputError
from marque.foundation.compute_pool import ProcessPool
from marque.proof.campaign import Hidden, Task, inputs_of, joined_cases, suites_of
from marque.proof.campaign.replay import again, differing, replay_file
from marque.proof.evidence import Provenance
from marque.proof.evidence import replaying as evidence
from marque.proof.gate import GateRules, read_rules, seeded
from marque.proof.suites import Case, read_suite
from marque.vehicle import MODELS


@dataclass(frozen=True)
class Choice:
    """Which runs: those of these cases; or without any so many at random, all where there are fewer. seed: of the choice."""

    cases: tuple[int, ...]
    sample: int
    seed: int


def choose(cases: str, sample: int, seed: int) -> Choice:
    """cases: numbers with commas between them, or none. Raises InputError."""
    try:
        return Choice(tuple(int(one) for one in cases.split(",")) if cases else (), sample, seed)
    except ValueError as fault:
        raise InputError("--cases", cases[:120], "expected numbers with commas between them", "For instance 3,17.") from fault


def replay_evidence(
    file: Path, suite: Path, choice: Choice, *, hidden: Sequence[Path] = (), workers: int = 0, replays: Path | None = None,
    directories: Sequence[Path] = (), anyway: bool = False,
) -> bool:  # fmt: skip
    """Whether the inputs in hand are those of the evidence and every chosen run comes out as it was sealed; says what does not.

    hidden: suites that the policy had hidden. workers: processes, 0 for one of each core. replays: a folder for a replay of every run.
    directories: of the partners' keys, to verify the evidence with first. anyway: drive though inputs differ. Raises InputError.
    """
    if directories and not verify_evidence(file, directories):
        return False
    policy, provenance = evidence.statements(file)
    task = _task(file, suite, hidden, read_rules(policy.rules), provenance)
    suites = suites_of(task)
    same = _tell_inputs(provenance, inputs_of(task, suites))
    if not (same or anyway):
        typer.echo("nothing was driven: get these inputs as they were, or drive with --anyway and see what comes out otherwise")
        return False
    if replays is not None:
        replays.mkdir(parents=True, exist_ok=True)
    found = _driven(file, task, joined_cases(task, suites), choice, workers, replays)
    _tell_runs(found, provenance.runs.lines, replays)
    return same and found.ok


def _task(file: Path, suite: Path, hidden: Sequence[Path], rules: GateRules, provenance: Provenance) -> Task:
    """What the campaign was, as far as the evidence says it."""
    if provenance.model not in MODELS:
        raise InputError(file.name, provenance.model, "there is no such vehicle model here", "Take the Marque that it was driven with.")
    opened = tuple(_hidden(file, one, provenance) for one in hidden)
    if missing := sorted({one.name for one in provenance.inputs if one.salt} - {f"suite/{one.name}" for one in opened}):
        raise InputError(file.name, missing[0], "a suite that was hidden was driven, too", "Name it with --hidden.")
    seeded(rules, provenance.input("seeds"), file.name)
    return Task(suite.resolve(), provenance.model, rules.seed, rules.perception == "perfect", opened)


def _hidden(file: Path, suite: Path, provenance: Provenance) -> Hidden:
    """With its salt, which the evidence has."""
    name = read_suite(suite).name
    known = provenance.input(f"suite/{name}")
    if known is None or not known.salt:
        raise InputError(file.name, f"suite/{name}", "no hidden suite of this name was driven", "Leave it out.")
    return Hidden(name, suite.resolve(), known.salt)


def _tell_inputs(provenance: Provenance, here: Mapping[str, str]) -> bool:
    """Whether all are the same; a line for each that is not. The policy is the evidence's own."""
    sealed = {one.name: one.digest for one in provenance.inputs if one.name != "policy"}
    others = sorted(name for name in sealed.keys() | here.keys() if sealed.get(name) != here.get(name))
    for name in others:
        typer.echo(f"input     {name} is another: {_short(sealed.get(name))} in the evidence, {_short(here.get(name))} here")
    typer.echo(f"inputs    {len(sealed.keys() - set(others))} of {len(sealed)} are those of the evidence")
    return not others


def _short(digest: str | None) -> str:
    return "not there" if digest is None else f"{digest[:12]}…"


def _driven(file: Path, task: Task, known: Sequence[Case], choice: Choice, workers: int, replays: Path | None) -> evidence.Replayed:
    """Every chosen case in a process that has driven nothing before this command."""

    def drive(wanted: Sequence[evidence.Case]) -> list[bytes]:
        if beyond := [one.case for one in wanted if one.case >= len(known)]:
            raise InputError(file.name, f"case {beyond[0]}", f"the suite has only {len(known)} cases", "It was driven with another suite.")
        chosen = [known[one.case] for one in wanted]
        with ProcessPool(workers) as pool, _bar(len(chosen)) as advance:
            found = {}
            for one in again(task, chosen, pool, LIMIT_S, replays):
                found[one.case] = one.line
                advance()
        return [found[case.index] for case in chosen]

    if choice.cases:
        return evidence.replay_cases(file, drive, choice.cases)
    return evidence.replay(file, drive, choice.sample, choice.seed)


@contextmanager
def _bar(total: int) -> Iterator[Callable[[], None]]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("driving again", total=total)
        yield lambda: progress.advance(bar)


def _tell_replays(replays: Path, found: evidence.Replayed) -> None:
    """Each replay gets a page of its own beside it, where pages can be made here."""
    files = [file for line in found.lines if (file := replay_file(replays, line - 1)).exists()]
    for file in files if built() else ():
        write_page(file, file.with_suffix(".html"))
    opened = "each with a page to open in a browser; " if built() else ""
    typer.echo(f"replays   {len(files)} in {replays}: {opened}`marque run --replays {replays}` shows them")


def _tell_runs(found: evidence.Replayed, of: int, replays: Path | None) -> None:
    for one in found.differences:
        typer.echo(f"differs   case {one.line - 1}, line {one.line} of runs.jsonl: {'; '.join(differing(one.expected, one.found))}")
    if replays is not None:
        _tell_replays(replays, found)
    typer.echo(f"equal     {len(found.lines) - len(found.differences)} of {len(found.lines)} runs driven again, to the byte; it holds {of}")
