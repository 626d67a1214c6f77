"""`marque verify-evidence` and `marque seal-evidence`: checking a release's evidence without a server, and making it, file by file.

Who verifies gets each partner's directory of keys from that partner, and may keep a memory: a small file with the newest verdict seen, so
that an older one is never accepted again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC
from pathlib import Path

import rfc8785
import typer

from marque.alliance import key_files, proofs, signing
from marque.app.opened import Opened
from marque.app.small_files import passphrase, read_small
from marque.common import InputError, ok
from marque.foundation import Clock, SystemClock
from marque.proof.evidence import Latest, Report, verify
from marque.proof.evidence.archive import MOST_DIRECTORY_BYTES
from marque.proof.evidence.draft import PARTS, Draft
from marque.proof.evidence.policy import Policy
from marque.proof.evidence.statements import Provenance, Summary, TestResult

MEMORY_KIND = "https://marque.example/newest-verdict/v1"


def verify_evidence(
    file: Path,
    directories: Sequence[Path],
    *,
    release: str | None = None,
    inputs: Sequence[str] = (),
    memory: Path | None = None,
    opened: Path | None = None,
    clock: Clock | None = None,
) -> bool:
    """Whether the evidence is sound; says what it says, and every broken link with what to do about it.

    directories: one of each partner. release: the digest of the release in hand. inputs: `NAME=SHA256` of inputs in hand.
    memory: where the newest verdict is kept; opened: where hidden suites are that evidence opened. These files are made at the first time.
    Raises InputError.
    """
    given = read_directories(directories)
    known = dict(_input(one) for one in inputs)
    newest = _remembered(memory) if memory is not None and memory.exists() else None
    try:
        seen = Opened(opened).known() if opened is not None else {}
        report = verify(file, given, now=(clock or SystemClock()).now(), release=release, latest=newest, inputs=known, opened=seen)
    except OSError as fault:
        raise InputError(file.name, "", f"it cannot be read: {fault.strerror}") from fault
    _tell(report)
    if report.ok and memory is not None and report.latest is not None:
        _remember(memory, report.latest)
    if report.ok and opened is not None and report.release is not None:
        Opened(opened).remember(report.opened, report.release.digest)
    return report.ok


def sign_part(folder: Path, part: str, key: Path, passphrase_file: Path | None = None) -> None:
    """Signs one of the texts of a draft, having said what it is. Raises InputError."""
    named = next((one for one in PARTS if one == part), None)
    if named is None:
        raise InputError("PART", part, f"expected one of {', '.join(PARTS)}")
    draft = Draft(folder)
    for line in _about(draft.said(named)):
        typer.echo(line)
    typer.echo(f"digest    {hashlib.sha256(draft.text(named)).hexdigest()}")
    written = draft.sign(named, key_files.read_key(key, passphrase(passphrase_file)))
    typer.echo(f"Signed into {written.name}; hand the folder on to whoever has to sign next.")


def seal_evidence(folder: Path, out: Path, clock: Clock | None = None) -> bool:
    """Makes the evidence file of a draft that everybody has signed; whether it was sound. Nothing is written when it was not."""
    report = Draft(folder).seal(out, now=(clock or SystemClock()).now())
    _tell(report)
    if report.ok:
        typer.echo(f"sealed    {out}")
    return report.ok


def read_directories(files: Sequence[Path]) -> Mapping[str, bytes]:
    """By organisation, as each directory names it in its keys. Raises InputError unless each is of one, and none of the same."""
    given: dict[str, bytes] = {}
    for file in files:
        text = read_small(file, MOST_DIRECTORY_BYTES)
        organisations = {key.organisation for key in ok(proofs.read_directory(text)).keys}
        if len(organisations) != 1:
            raise InputError(file.name, "", "it is not the directory of one organisation's keys", "Get it from the organisation itself.")
        [organisation] = organisations
        if organisation in given:
            raise InputError(file.name, "", f"there is a second directory of {organisation}", "Give one of each partner.")
        given[organisation] = text
    return given


def _tell(report: Report) -> None:
    if report.ok and report.release is not None and report.runs is not None:
        for line in _sound(report):
            typer.echo(line)
    for finding in report.findings:
        typer.echo(f"broken    {finding.link}: {finding}")
    typer.echo("sound" if report.ok else "NOT SOUND: nothing it says counts")


def _sound(report: Report) -> list[str]:
    assert report.release is not None
    assert report.runs is not None
    assert report.expires is not None
    assert report.latest is not None
    lines = [
        f"release   {report.release.uri}, {report.release.digest}",
        f"runs      {report.runs.lines} of model {report.model}, root {report.runs.root}",
        f"verdict   number {report.latest.sequence}, counts until {report.expires:%Y-%m-%d %H:%M:%S} UTC",
    ]
    for one in report.verdicts:
        counts = ", ".join(f"{number} {outcome}" for outcome, number in report.counts.get(one.cell, {}).items()) or "no runs"
        lines.append(f"  {one.answer.ljust(11)}  {one.model}, {one.cell}: {counts}{''.join(f'; {reason}' for reason in one.reasons)}")
    for file, people in report.signers.items():
        lines.append(f"signed    {file}: " + ", ".join(f"{organisation} ({person})" for organisation, person in people.items()))
    return lines


def _about(said: Policy | Provenance | TestResult | Summary) -> list[str]:
    if isinstance(said, Policy):
        suites = ", ".join([*said.suites, *said.hidden])
        return [f"policy    of {', '.join(said.parties)}, in force until {said.expires:%Y-%m-%d}", f"suites    {suites}"]
    if isinstance(said, Provenance):
        return [f"release   {said.release.uri}", f"runs      {said.runs.lines} of model {said.model}, root {said.runs.root}"]
    if isinstance(said, TestResult):
        return [f"release   {said.release.uri}", f"runs      {said.runs.lines}, root {said.runs.root}"]
    return [
        f"release   {said.release.uri}", f"verdict   number {said.sequence}, counts until {said.expires:%Y-%m-%d}",
        *(f"  {one.answer.ljust(11)}  {one.model}, {one.cell}" for one in said.verdicts),
    ]  # fmt: skip


def _input(text: str) -> tuple[str, str]:
    name, _, digest = text.rpartition("=")
    if not name or len(digest) != hashlib.sha256().digest_size * 2:
        raise InputError("--input", text[:120], "expected NAME=SHA256", "For instance model/vela=9f86d081….")
    return name, digest.lower()


def _remembered(file: Path) -> Latest:
    said = ok(signing.read_json(read_small(file, MOST_DIRECTORY_BYTES), MOST_DIRECTORY_BYTES, "memory"))
    try:
        if said.pop("kind") != MEMORY_KIND:
            raise ValueError("another kind of file")  # noqa: TRY301  told as everything else that is wrong with it
        return Latest(said["product"], said["model"], int(said["sequence"]), proofs.read_stamp(said["verified"]), said["summary"])
    except (KeyError, TypeError, ValueError) as fault:
        raise InputError(file.name, "", "it is not a memory of verdicts", "Name another file; a lost memory is begun anew.") from fault


def _remember(file: Path, newest: Latest) -> None:
    said: dict[str, str | int] = {
        "kind": MEMORY_KIND, "product": newest.product, "model": newest.model, "sequence": newest.sequence,
        "verified": proofs.stamp(newest.verified.astimezone(UTC)), "summary": newest.summary,
    }  # fmt: skip
    draft = file.with_name(f".{file.name}.draft")
    draft.write_bytes(rfc8785.dumps(said))
    draft.replace(file)
