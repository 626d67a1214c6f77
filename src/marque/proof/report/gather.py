"""From an evidence file to the facts of its report: verified first, then read, counted again and judged again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from marque.alliance.signing import Envelope, read_envelope
from marque.common import InputError, ok
from marque.proof.evidence import Finding, Policy, Provenance, Report, Summary, TestResult, Verdict, archive, digests, lines, verify
from marque.proof.evidence.policy import read_policy
from marque.proof.evidence.statements import read_provenance, read_summary, read_test_result
from marque.proof.gate import GateRules, judge_under, read_rules, seeded
from marque.proof.report.cells import cells_of, exposures, risk_of
from marque.proof.report.covered import coverage
from marque.proof.report.facts import BaselineFacts, Change, Doubt, Facts, Unsound, WorstRun
from marque.proof.report.runs import Lines, Said, newly_failed, read
from marque.proof.suites import Suite, read_suite


@dataclass(frozen=True)
class _Sealed:
    """What stands in an evidence file that is sound."""

    digest: str
    verified: Report
    policy: Policy
    rules: GateRules
    provenance: Provenance
    test_result: TestResult
    summary: Summary
    lines: Lines


def facts_of(
    evidence: Path,
    directories: Mapping[str, bytes],
    *,
    now: datetime,
    suites: Sequence[Path] = (),
    baseline: Path | None = None,
    credibility: Any = None,
    replay: Callable[[int], str] = lambda _: "",
) -> Facts | Unsound:
    """The facts of a release's report; of evidence that is not sound, what is wrong with it.

    directories: each partner's directory of keys, by organisation. suites: the files of those in the evidence, as far as the reader has
    them. baseline: the evidence of the release that this one is held against. replay: the address of a case's replay, or "".
    Raises InputError for a suite or a baseline that is not what it should be, OSError when a file cannot be opened.
    """
    opened = _opened(evidence, directories, now)
    if isinstance(opened, Unsound):
        return opened
    before = None if baseline is None else _baseline(baseline, directories, now, opened)
    known = [_suite(file, opened.provenance) for file in suites]
    driven = exposures(opened.lines.cells, known)
    compared = before if before is not None and opened.rules.baseline in ("", before.summary.runs.sha256) else None
    return Facts(
        evidence=opened.digest,
        verified=opened.verified,
        policy=opened.policy,
        rules=opened.rules,
        provenance=opened.provenance,
        test_result=opened.test_result,
        summary=opened.summary,
        cells=cells_of(
            opened.rules, opened.summary, opened.lines.cells, driven, known,
            {} if before is None else before.lines.cells, () if before is None else before.summary.verdicts,
        ),
        risk=risk_of(opened.rules, opened.lines.cells, driven),
        coverage=coverage(opened.rules, opened.lines, known),
        baseline=None if before is None or baseline is None else _told_baseline(baseline, before, opened),
        changes=() if before is None else _changes(before.provenance, opened.provenance),
        worst=tuple(_worst(said, replay(said["case"])) for said in opened.lines.worst),
        credibility=credibility,
        doubts=(
            *_seeded_otherwise(opened),
            *_judged_again(evidence, opened, baseline if compared is not None else None),
            *_of_baseline(opened.rules, before),
            *_of_suites(opened.provenance, known),
        ),
        now=now,
    )  # fmt: skip


def _opened(file: Path, directories: Mapping[str, bytes], now: datetime, *, expired: bool = False) -> _Sealed | Unsound:
    """expired: whether evidence that counts no longer is taken, too."""
    verified = verify(file, directories, now=now)
    digest = digests.of_file(file)
    wrong = tuple(one for one in verified.findings if not (expired and one.link == "expiry" and one.file == archive.SUMMARY))
    if wrong:
        return Unsound(digest, verified, wrong, now)
    with archive.opened(file, tuple(sorted(directories))) as held:
        policy, provenance, result, summary = (_payload(held[name]) for name in archive.ENVELOPES)
        member = held.members[archive.RUNS]
        said = read_policy(policy)
        try:
            rules = read_rules(said.rules)
            found = read(lines.iterate(held.data, member.start, member.end), rules, said.hidden)
        except InputError as fault:
            return Unsound(digest, verified, (Finding("policy", archive.POLICY, f"{fault.place}: {fault.problem}", _NOT_JUDGED),), now)
        except ValueError as fault:
            return Unsound(digest, verified, (Finding("runs", archive.RUNS, str(fault), _NO_RUN),), now)
    return _Sealed(digest, verified, said, rules, read_provenance(provenance), read_test_result(result), read_summary(summary), found)


_NOT_JUDGED = "Both partners have to sign a policy that the gate judges by, and the release to be driven under it."
_NO_RUN = "Seal the evidence from the lines as the campaign wrote them."


def _payload(text: bytes) -> bytes:
    envelope = ok(read_envelope(text))
    assert isinstance(envelope, Envelope)
    return envelope.payload


def _suite(file: Path, provenance: Provenance) -> Suite:
    """Raises InputError unless the release was driven by it, to the byte."""
    suite = read_suite(file)
    if (given := provenance.input(f"suite/{suite.name}")) is None or given.digest != suite.digest:
        driven = ", ".join(one.name for one in provenance.inputs if one.kind == "suite")
        raise InputError(file.name, "", f"suite/{suite.name} {suite.digest[:12]}… is not in the evidence", f"It was driven by {driven}.")
    return suite


def _baseline(file: Path, directories: Mapping[str, bytes], now: datetime, opened: _Sealed) -> _Sealed:
    """It may have expired. Raises InputError when it is not sound, or of something else."""
    before = _opened(file, directories, now, expired=True)
    if isinstance(before, Unsound):
        raise InputError(file.name, "", f"the baseline is not sound: {before.findings[0].problem}", before.findings[0].remedy)
    what, then = ((one.provenance.release.name, one.provenance.model) for one in (opened, before))
    if what != then:
        raise InputError(
            file.name, "", f"it is of {' on '.join(then)}, not of {' on '.join(what)}", "Give the baseline of this product and model."
        )
    if before.digest == opened.digest:
        raise InputError(file.name, "", "it is the very evidence that is reported on", "Give the evidence of the release before.")
    return before


def _told_baseline(file: Path, before: _Sealed, opened: _Sealed) -> BaselineFacts:
    return BaselineFacts(file.name, before.provenance, before.summary, newly_failed(opened.lines.cells, before.lines.cells))


def _changes(before: Provenance, now: Provenance) -> tuple[Change, ...]:
    """Inputs that differ, in order of their names."""
    old, new = ({one.name: one.digest for one in each.inputs} for each in (before, now))
    return tuple(
        Change(name.partition("/")[0], name, old.get(name, ""), new.get(name, ""))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def _worst(said: Said, replay: str) -> WorstRun:
    named = ("case", "scenario", "cell", "outcome", "why", "collision", "parameters", "measures", "preventable")
    return WorstRun(**{name: said[name] for name in named}, replay=replay)


def _seeded_otherwise(opened: _Sealed) -> list[Doubt]:
    try:
        seeded(opened.rules, opened.provenance.input("seeds"), archive.PROVENANCE)
    except InputError as fault:
        return [Doubt("verdict", f"seeds: {fault.problem}; whoever drove may have tried several.")]
    return []


def _judged_again(evidence: Path, opened: _Sealed, baseline: Path | None) -> list[Doubt]:
    """Where the gate comes to another verdict than the one that both partners signed. Without the policy's baseline it cannot judge."""
    if opened.rules.baseline and baseline is None:
        return []
    with TemporaryDirectory(prefix="marque-report-") as folder:
        runs = _extracted(evidence, Path(folder) / "runs.jsonl")
        before = _extracted(baseline, Path(folder) / "baseline.jsonl") if opened.rules.baseline and baseline is not None else None
        again = _answers(judge_under(opened.policy, opened.provenance.model, runs, before))
    signed = _answers(opened.summary.verdicts)
    return [
        Doubt(
            "verdict",
            f"{cell}: both partners signed {signed.get(cell, 'nothing')}; judged again from the runs it is {again.get(cell, 'nothing')}.",
        )
        for cell in sorted(signed.keys() | again.keys())
        if signed.get(cell) != again.get(cell) and not (signed.get(cell) == "OUTSIDE ODD" and cell not in again)
    ]


def _answers(verdicts: Sequence[Verdict]) -> dict[str, str]:
    return {one.cell: one.answer for one in verdicts}


def _extracted(evidence: Path, to: Path) -> Path:
    with archive.opened(evidence) as held:
        to.write_bytes(held[archive.RUNS])
    return to


def _of_baseline(rules: GateRules, before: _Sealed | None) -> list[Doubt]:
    if not rules.baseline:
        return []
    if before is None:
        return [
            Doubt(
                "baseline", "The evidence of the policy's baseline was not at hand: that the release is not worse was not looked at again."
            )
        ]
    if before.summary.runs.sha256 != rules.baseline:
        return [Doubt("baseline", "The evidence given as the baseline is not of the runs that the policy compares with.")]
    return []


def _of_suites(provenance: Provenance, known: Sequence[Suite]) -> list[Doubt]:
    missing = {one.name for one in provenance.inputs if one.kind == "suite"} - {f"suite/{one.name}" for one in known}
    return [Doubt("coverage", f"{name} was not at hand: what it leaves out is not known.") for name in sorted(missing)]
