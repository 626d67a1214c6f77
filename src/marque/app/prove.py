"""`marque prove`: a suite driven whole, resumable, with what came of it by cell."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from marque import __version__
from marque.app.opened import Opened
from marque.app.policies import read_salt
from marque.app.terminal import wide_console
from marque.common import InputError
from marque.foundation import SystemClock
from marque.foundation.compute import Compute
from marque.foundation.compute_pool import ProcessPool
from marque.proof.campaign import Campaign, Hidden, Schedule, Tally, Task, seeds_digest, suites_of
from marque.proof.evidence import Input, Policy, release_digest
from marque.proof.evidence import Run as EvidenceRun
from marque.proof.evidence.draft import Draft
from marque.proof.evidence.statements import FAILURES, OUTCOMES, SILENT
from marque.proof.gate import Cases, Seen, baseline_of, bound, course, provenance_inputs, read_rules, seeded, seen
from marque.proof.statistics import intervals
from marque.proof.suites import read_suite
from marque.simulation.drive import warm_up
from marque.vehicle import MODELS

LIMIT_S = 600.0
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Sealing:
    """Where a campaign's evidence goes: a draft with the policy that both sides have signed. runner: the organisation that runs it.

    hidden: the policy's hidden suite, with the file of its salt. stop_early: whether the campaign ends once the policy is decided.
    baseline: the runs of the baseline that the policy names, which such a campaign looks at. memory: of hidden suites that were opened.
    """

    draft: Path
    runner: str
    hidden: tuple[Path, Path] | None = None
    stop_early: bool = False
    baseline: Path | None = None
    memory: Path | None = None


def prove(
    suite: Path, *, vehicle: str, release: str, out: Path, seed: int | None, workers: int, perfect: bool, ray: str | None,
    sealing: Sealing | None = None, page: int | None = None,
) -> None:  # fmt: skip
    """Drive every case of a suite. Exit status 0: none failed; 1: some did. Raises InputError.

    seed: of samples and sensors' errors; None: 1, or what the policy says. workers: processes, 0 for one of each core.
    ray: the address of a Ray cluster to drive on, `local` for one of this machine's own.
    page: the port of the page that shows how it goes, None for no page.
    """
    if vehicle not in MODELS:
        raise InputError("--vehicle", vehicle, "there is no such vehicle model", f"There are {', '.join(MODELS)}.")
    if sealing is None:
        policy, task = None, Task(suite.resolve(), vehicle, 1 if seed is None else seed, perfect)
    else:
        policy = _policy(sealing)
        task = Task(suite.resolve(), vehicle, read_rules(policy.rules).seed if seed is None else seed, perfect, _hidden(sealing))
        _agreed(sealing, policy, task)
    campaign = Campaign(
        out, task, release, policy="" if policy is None else policy.digest, stop_early=sealing is not None and sealing.stop_early
    )
    if sealing is not None and policy is not None:
        _begin(sealing, policy, campaign)
    with Console(stderr=True).status("getting ready to drive; after an update this takes minutes"):
        warm_up()  # else every worker compiled by itself, and a slow machine's first runs were overdue for it
    compute = _compute(workers, ray)
    schedule = None if policy is None or sealing is None else schedule_of(campaign, policy, sealing.baseline)
    try:
        with _watched(campaign, page):
            tally = _driven(campaign, compute, schedule)
    finally:
        compute.close()
    console = wide_console()
    console.print(_table(out / "runs.jsonl"))
    failures = sum(tally.counts[one] for one in FAILURES)
    names = " and ".join(one.name for one in campaign.suites)
    console.print(f"{campaign.plan.cases} cases of {names}, {failures} failed; root {campaign.root().hex()}", highlight=False)
    if sealing is not None and policy is not None:
        _lay_down(sealing, campaign)
        console.print(f"{sealing.draft}: provenance and test result are there to be signed by {sealing.runner}", highlight=False)
    raise typer.Exit(1 if failures else 0)


@contextmanager
def _watched(campaign: Campaign, port: int | None) -> Iterator[None]:
    if port is None:
        yield
        return
    from marque.app.campaign_page import beside

    with beside(campaign.folder, port) as address:
        typer.echo(f"The campaign is at {address}", err=True)
        yield


def _hidden(sealing: Sealing) -> tuple[Hidden, ...]:
    if sealing.hidden is None:
        return ()
    suite, salt = sealing.hidden
    return (Hidden(read_suite(suite).name, suite.resolve(), read_salt(salt)),)


def _policy(sealing: Sealing) -> Policy:
    """Signed by somebody."""
    draft = Draft(sealing.draft)
    policy = draft.said("policy")
    assert isinstance(policy, Policy)
    draft.envelope("policy")
    return policy


def _agreed(sealing: Sealing, policy: Policy, task: Task) -> None:
    """Before anything is driven: the policy's suites, its seed and perception, and no other way of stopping."""
    bound(policy, suites_of(task), [one.salt for one in task.hidden])
    rules = read_rules(policy.rules)
    seeded(rules, Input("seeds", seeds_digest(task.seed, task.perfect)), "--seed, --perfect")
    if sealing.stop_early and rules.stopping != "sequential":
        raise InputError("--stop-early", "", "the policy has every case driven", 'Its rules have to say "stopping": "sequential".')


def _begin(sealing: Sealing, policy: Policy, campaign: Campaign) -> None:
    """From here on the runner knows the hidden suite, whatever comes of the campaign."""
    inputs = provenance_inputs(campaign.plan, [one.salt for one in campaign.task.hidden])
    if sealing.memory is not None:
        release = release_digest(*_release(campaign), inputs)
        hidden = {one.name: [policy.hidden[one.name], campaign.plan.inputs[f"suite/{one.name}"]] for one in campaign.task.hidden}
        Opened(sealing.memory).refuse(hidden, release)
        Opened(sealing.memory).remember(hidden, release)


def schedule_of(campaign: Campaign, policy: Policy, baseline: Path | None) -> Schedule | None:
    """Which cases come next, of a campaign that stops early; None for one that drives all. Raises InputError for another baseline."""
    if not campaign.plan.stop_early:
        return None
    rules, hidden = read_rules(policy.rules), set(campaign.plan.hidden)
    before = baseline_of(rules, baseline)
    cases = Cases([case.source.cell for case in campaign.cases], any(case.suite in hidden for case in campaign.cases))
    known: dict[int, Seen] = {}

    def next_cases(done: Mapping[int, bytes]) -> Sequence[int]:
        known.update({case: seen(rules, json.loads(done[case]), hidden) for case in done.keys() - known.keys()})
        return course(rules, policy.digest, cases, known, before).due

    return next_cases


def _lay_down(sealing: Sealing, campaign: Campaign) -> None:
    """The runs, and the statements of whoever drove them."""
    campaign.unchanged()
    plan, draft = campaign.plan, Draft(sealing.draft)
    shutil.copyfile(campaign.folder / "runs.jsonl", draft.runs)
    draft.ran(
        EvidenceRun(
            release=_release(campaign), model=plan.vehicle, inputs=provenance_inputs(plan, [one.salt for one in campaign.task.hidden]),
            runner=sealing.runner, marque=__version__, invocation=campaign.root().hex()[:16], started=campaign.started,
            finished=SystemClock().now(),
        )
    )  # fmt: skip


def _release(campaign: Campaign) -> tuple[str, str]:
    name, _, version = campaign.plan.release.partition("@")
    return name, version or "0"


def _compute(workers: int, ray: str | None) -> Compute:
    if ray is None:
        return ProcessPool(workers)
    from marque.foundation.compute_ray import RayCluster

    return RayCluster("" if ray == "local" else ray, workers)


def _driven(campaign: Campaign, compute: Compute, schedule: Schedule | None) -> Tally:
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

        return campaign.run(compute, LIMIT_S, told, schedule)


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
        failed, within = sum(counts[one] for one in FAILURES), counts.total() - sum(counts[one] for one in SILENT)
        share = ""
        if within:
            interval = intervals.binomial(failed, within, _CONFIDENCE)
            share = f"{100 * failed / within:.2f} % ({100 * interval.low:.2f}–{100 * interval.high:.2f})"
        sheet.add_row(cell, str(counts.total()), *(str(counts[one] or "") for one in OUTCOMES), share)
    return sheet
