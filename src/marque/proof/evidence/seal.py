"""Sealing: from what was signed and run to one evidence file; and what each side signs on the way there.

Order of things: both partners sign the policy; the campaign runs; who ran it signs provenance and test result (`run_statements`); the gate
judges; both partners sign the summary (`summarise`), which binds everything before it; then anybody can seal. A sealed file is verified
before it is handed out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from marque.common import InputError
from marque.proof.evidence import archive, lines
from marque.proof.evidence.findings import Report
from marque.proof.evidence.policy import Policy
from marque.proof.evidence.statements import Input, Provenance, Release, Summary, TestResult, Verdict, release_digest
from marque.proof.evidence.verify import verify

_PIECE = 1 << 20


@dataclass(frozen=True)
class Run:
    """A campaign that was driven. release: name and version; runner: the organisation that ran it; marque: its version."""

    release: tuple[str, str]
    model: str
    inputs: Sequence[Input]
    runner: str
    marque: str
    invocation: str
    started: datetime
    finished: datetime


def run_statements(run: Run, runs: Path, policy: Policy) -> tuple[Provenance, TestResult]:
    """What who ran the campaign signs. Raises InputError for a line of the runs that is not canonical, or not the next case's."""
    found = read_runs(runs)
    name, version = run.release
    inputs = tuple(sorted(run.inputs, key=lambda one: one.name))
    release = Release(name, version, release_digest(name, version, inputs))
    provenance = Provenance(
        release, run.model, inputs, run.runner, run.marque, run.invocation, run.started, run.finished, found.runs
    )  # fmt: skip
    return provenance, TestResult(release, policy.digest, found.runs, found.counts)


def summarise(
    envelopes: Mapping[str, bytes],
    result: TestResult,
    directories: Mapping[str, bytes],
    verdicts: Sequence[Verdict],
    *,
    sequence: int,
    verified: datetime,
    expires: datetime,
) -> Summary:
    """What both partners sign in the end. envelopes: of policy, provenance and test result, by their names in the file."""
    return Summary(
        release=result.release,
        policy=result.policy,
        attestations={name: hashlib.sha256(envelopes[name]).hexdigest() for name in archive.ENVELOPES[:-1]},
        runs=result.runs,
        keys={organisation: hashlib.sha256(text).hexdigest() for organisation, text in directories.items()},
        verdicts=tuple(sorted(verdicts, key=lambda one: (one.model, one.cell))),
        sequence=sequence,
        verified=verified,
        expires=expires,
    )


def read_runs(runs: Path) -> lines.Scan:
    """What the lines are. Raises InputError, which names the line."""
    data = runs.read_bytes()
    found = lines.scan(data, 0, len(data), thorough=True)
    if found.problem is not None:
        line, problem = found.problem
        raise InputError(runs.name, f"line {line}", problem, "Take the file as the campaign wrote it.")
    if not found.runs.lines:
        raise InputError(runs.name, "", "it holds no run", "Nothing can be concluded from nothing.")
    return found


def seal(out: Path, envelopes: Mapping[str, bytes], directories: Mapping[str, bytes], runs: Path, *, now: datetime) -> Report:
    """Writes the evidence file, if it is sound; the report says what is wrong otherwise, and nothing is written.

    envelopes: of policy, provenance, test result and summary, by their names in the file. directories: by organisation, as the summary has
    them. Raises InputError when `out` is already there, or the runs are no runs.
    """
    if out.exists():
        raise InputError(out.name, "", "the file is already there", "Evidence is never written over; choose another name.")
    leaves = read_runs(runs).leaves
    files = {**envelopes, **{archive.keys_file(name): text for name, text in directories.items()}, archive.LEAVES: leaves}
    draft = out.with_name(f".{out.name}.draft")
    try:
        with draft.open("xb") as file:
            archive.write(file, files, lambda: _pieces(runs), runs.stat().st_size)
            file.flush()
            os.fsync(file.fileno())
        report = verify(draft, directories, now=now)
        if report.ok:
            draft.rename(out)
    finally:
        draft.unlink(missing_ok=True)
    return replace(report, file=out.name)


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece
