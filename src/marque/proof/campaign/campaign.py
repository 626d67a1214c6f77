"""A campaign's folder: its plan, a journal of what is done, and at the end the runs in order.

plan.json      what is driven, with what: suites, seed, vehicle, release, digests of all inputs; it goes on only with its own plan
journal.jsonl  a line for each run, in the order in which they were done; a last line that was cut off counts as not driven
started        when it was begun
suite          where the suite was then: for whoever wants to drive a case again
runs.jsonl     the same lines in the order of the cases, once all are there
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO

import rfc8785

from marque.alliance.audit import tree
from marque.common import InputError
from marque.foundation.compute import Compute, Failure
from marque.proof.campaign.drive import Task, drive
from marque.proof.campaign.inputs import inputs_of
from marque.proof.campaign.joined import joined_cases, suites_of
from marque.proof.campaign.run import Run
from marque.proof.evidence.statements import OUTCOMES, Outcome
from marque.proof.suites import Case

_KINDS: Mapping[str, Outcome] = {"raised": "aborted", "died": "lost", "overdue": "overdue"}
_SYNC_S = 1.0
_NOT_NEEDED = "not driven: its cell had been decided before its turn came"

Schedule = Callable[[Mapping[int, bytes]], Sequence[int]]
"""Of the lines that are there, by case: which cases to drive next, before it is asked again; none when the rest is not needed."""


@dataclass(frozen=True)
class Plan:
    """What a campaign drives. suite_digest: see `Suite.digest`; release: what is proven, by name. hidden: names of the hidden suites.

    inputs: by name, digests of all that the runs depend on (`inputs_of`). policy: the digest of the one that it is driven under, or "";
    stop_early: whether cases are driven in the policy's order and only until it is decided.
    """

    suite: str
    suite_digest: str
    vehicle: str
    release: str
    seed: int
    perfect: bool
    cases: int
    hidden: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    policy: str = ""
    stop_early: bool = False

    def dumps(self) -> bytes:
        return rfc8785.dumps(asdict(self) | {"hidden": list(self.hidden)})


@dataclass(frozen=True)
class Tally:
    """How far it is: runs by outcome, of so many cases."""

    counts: dict[str, int]
    cases: int

    @property
    def done(self) -> int:
        return sum(self.counts.values())


class Campaign:
    """A campaign in a folder: new, or the one that was begun there.

    Raises InputError for a suite that is wrong, and where the folder holds a campaign with another plan, or of other code.
    """

    def __init__(self, folder: Path, task: Task, release: str, *, policy: str = "", stop_early: bool = False) -> None:
        """policy: the digest of the one that it is driven under; "": it is driven for none."""
        self.folder, self.task, self.suites = folder, task, suites_of(task)
        self.suite = self.suites[0]
        self.cases: list[Case] = joined_cases(task, self.suites)
        self.plan = Plan(
            self.suite.name, self.suite.digest, task.vehicle, release, task.seed, task.perfect, len(self.cases),
            tuple(one.name for one in task.hidden), inputs_of(task, self.suites), policy, stop_early,
        )  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        known = folder / "plan.json"
        if not known.exists():
            _write(folder / "started", datetime.now(UTC).isoformat().encode())
            _write(folder / "suite", str(task.suite.absolute()).encode())
            _write(known, self.plan.dumps())
        elif known.read_bytes() != self.plan.dumps():
            raise _another(folder, known.read_bytes(), self.plan)

    def unchanged(self) -> None:
        """Raises InputError when an input is not what it was when the campaign began: then its runs are not all of one kind."""
        if (now := inputs_of(self.task, suites_of(self.task))) != self.plan.inputs:
            raise _another(self.folder, self.plan.dumps(), replace(self.plan, inputs=now))

    def run(
        self, compute: Compute, limit_s: float, told: Callable[[Tally], None] = lambda _: None, schedule: Schedule | None = None
    ) -> Tally:  # fmt: skip
        """Drive what is left, then write runs.jsonl. limit_s: wall-clock time of a run, after which it counts as overdue.

        told: called after each run. schedule: which cases come next; without one, all that are left. A full disk raises OSError; what was
        done before stays done.
        """
        counts: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
        done: dict[int, bytes] = {}

        def note(case: int, line: bytes) -> None:
            done[case] = line
            counts[json.loads(line)["outcome"]] += 1
            told(Tally(dict(counts), len(self.cases)))

        for line in self._journal():
            if (case := json.loads(line)["case"]) not in done:
                note(case, line)
        while due := self._left(done) if schedule is None else schedule(done):
            self._drive([self.cases[case] for case in due], compute, limit_s, note)
        for one in self.cases:
            if one.index not in done:
                note(one.index, Run("not-needed", _NOT_NEEDED).line(one))
        _write(self.folder / "runs.jsonl", b"".join(done[case.index] + b"\n" for case in self.cases))
        return Tally(counts, len(self.cases))

    def _left(self, done: Mapping[int, bytes]) -> Sequence[int]:
        return [case.index for case in self.cases if case.index not in done]

    def _drive(self, due: Sequence[Case], compute: Compute, limit_s: float, note: Callable[[int, bytes], None]) -> None:
        """Into the journal, in the order in which they are done."""
        with (
            (self.folder / "journal.jsonl").open("ab") as journal,
            compute.run(partial(drive, self.task), due, limit_s=limit_s) as batch,
        ):
            synced = time.monotonic()
            for result in batch:
                case = due[result.index]
                line = failed(case, result.value) if isinstance(result.value, Failure) else result.value
                journal.write(line + b"\n")
                note(case.index, line)
                if time.monotonic() - synced > _SYNC_S:
                    _sync(journal)
                    synced = time.monotonic()
            _sync(journal)

    @property
    def started(self) -> datetime:
        return datetime.fromisoformat((self.folder / "started").read_text())

    def root(self) -> bytes:
        """The Merkle root (RFC 9162, 2.1.1) over the lines of runs.jsonl."""
        frontier = tree.Frontier()
        for line in (self.folder / "runs.jsonl").read_bytes().splitlines():
            frontier.append(tree.leaf_hash(line))
        return frontier.root()

    def _journal(self) -> Iterator[bytes]:
        """Whole lines; what follows the last end of line was cut off by a death, and is cut away."""
        path = self.folder / "journal.jsonl"
        if not path.exists():
            return
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with path.open("r+b") as file:
                file.truncate(whole)
        yield from data[:whole].splitlines()


def _another(folder: Path, known: bytes, plan: Plan) -> InputError:
    """Says what is other than when the campaign began: inputs by their names, else fields of the plan."""
    before, now = json.loads(known), json.loads(plan.dumps())
    old, new = before.get("inputs", {}), now["inputs"]
    if old and (names := sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))):
        why = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not what the campaign here began with"
        if all(before.get(name) == now[name] for name in ("suite_digest", "vehicle", "seed", "perfect", "hidden")):
            remedy = "Put it back as it was and go on, or begin again in another folder: the runs of a campaign are all of one kind."
            return InputError(str(folder), "plan.json", why, remedy)
    others = ", ".join(name for name in now if name != "inputs" and before.get(name) != now[name])
    why = f"a campaign with another plan was begun here{f': other are {others}' if others else ''}"
    return InputError(str(folder), "plan.json", why, "Choose another folder.")


def failed(case: Case, failure: Failure) -> bytes:
    """The line of a case that nothing came of."""
    return Run(_KINDS[failure.kind], failure.text).line(case)


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(data)
        _sync(file)
    part.replace(path)
