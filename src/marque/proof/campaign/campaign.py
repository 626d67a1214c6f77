"""A campaign's folder: its plan, a journal of what is done, and at the end the runs in order.

plan.json      what is driven: suite and seed, vehicle, release; a campaign goes on only with the plan it began with
journal.jsonl  a line for each run, in the order in which they were done; a last line that was cut off counts as not driven
started        when it was begun
suite          where the suite was then: for whoever wants to drive a case again
runs.jsonl     the same lines in the order of the cases, once all are there
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO

import rfc8785

from marque.alliance.audit import tree
from marque.common import InputError
from marque.foundation.compute import Compute, Failure
from marque.proof.campaign.drive import Task, drive
from marque.proof.campaign.run import OUTCOMES, Run
from marque.proof.suites import Case, cases, read_suite

_KINDS = {"raised": "aborted", "died": "lost", "overdue": "overdue"}
_SYNC_S = 1.0


@dataclass(frozen=True)
class Plan:
    """What a campaign drives. suite_digest: see `Suite.digest`; release: what is proven, by name."""

    suite: str
    suite_digest: str
    vehicle: str
    release: str
    seed: int
    perfect: bool
    cases: int

    def dumps(self) -> bytes:
        return rfc8785.dumps(asdict(self))


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

    Raises InputError for a suite that is wrong, and where the folder holds a campaign with another plan.
    """

    def __init__(self, folder: Path, task: Task, release: str) -> None:
        self.folder, self.task, self.suite = folder, task, read_suite(task.suite)
        self.cases: list[Case] = cases(self.suite, task.seed)
        self.plan = Plan(self.suite.name, self.suite.digest, task.vehicle, release, task.seed, task.perfect, len(self.cases))
        folder.mkdir(parents=True, exist_ok=True)
        known = folder / "plan.json"
        if not known.exists():
            _write(folder / "started", datetime.now(UTC).isoformat().encode())
            _write(folder / "suite", str(task.suite.absolute()).encode())
            _write(known, self.plan.dumps())
        elif known.read_bytes() != self.plan.dumps():
            raise InputError(str(folder), "plan.json", "a campaign with another plan was begun here", "Choose another folder.")

    def run(self, compute: Compute, limit_s: float, told: Callable[[Tally], None] = lambda _: None) -> Tally:
        """Drive what is left, then write runs.jsonl. limit_s: wall-clock time of a run, after which it counts as overdue.

        told: called after each run. A full disk raises OSError; what was done before stays done.
        """
        counts = dict.fromkeys(OUTCOMES, 0)
        done = {}
        for line in self._journal():
            said = json.loads(line)
            if said["case"] not in done:
                done[said["case"]] = line
                counts[said["outcome"]] += 1
        left = [case for case in self.cases if case.index not in done]
        told(Tally(dict(counts), len(self.cases)))
        if left:
            with (
                (self.folder / "journal.jsonl").open("ab") as journal,
                compute.run(partial(drive, self.task), left, limit_s=limit_s) as batch,
            ):
                synced = time.monotonic()
                for result in batch:
                    case = left[result.index]
                    line = failed(case, result.value) if isinstance(result.value, Failure) else result.value
                    journal.write(line + b"\n")
                    done[case.index] = line
                    counts[json.loads(line)["outcome"]] += 1
                    if time.monotonic() - synced > _SYNC_S:
                        _sync(journal)
                        synced = time.monotonic()
                    told(Tally(dict(counts), len(self.cases)))
                _sync(journal)
        _write(self.folder / "runs.jsonl", b"".join(done[case.index] + b"\n" for case in self.cases))
        return Tally(counts, len(self.cases))

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
