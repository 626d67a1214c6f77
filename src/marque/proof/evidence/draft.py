"""Evidence on its way: a folder in which texts, signatures and runs come together, handed from one side to the other, until it is sealed.

policy.json  provenance.json  test-result.json  verification-summary.json    what is signed, each when its turn comes
policy.4f9c….dsse.json                                                       one signature on one of them
keys/gac.json                                                                each partner's directory of keys
runs.jsonl
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.alliance.signing import MAX_ENVELOPE_BYTES, key_id
from marque.common import InputError
from marque.proof.evidence import archive
from marque.proof.evidence.archive import MOST_DIRECTORY_BYTES
from marque.proof.evidence.envelopes import joined, signed
from marque.proof.evidence.findings import Report
from marque.proof.evidence.policy import PROOF_POLICY, Policy, read_policy
from marque.proof.evidence.reading import ORGANISATION
from marque.proof.evidence.seal import Run, run_statements, seal, summarise
from marque.proof.evidence.statements import (
    IN_TOTO,
    Provenance,
    Summary,
    TestResult,
    Verdict,
    read_provenance,
    read_summary,
    read_test_result,
)

Part = Literal["policy", "provenance", "test-result", "verification-summary"]
PARTS: tuple[Part, ...] = get_args(Part)
_READERS: dict[Part, Callable[[bytes], Policy | Provenance | TestResult | Summary]] = {
    "policy": read_policy,
    "provenance": read_provenance,
    "test-result": read_test_result,
    "verification-summary": read_summary,
}


@dataclass(frozen=True)
class Draft:
    """The folder. Nothing in it is ever written over. Methods raise InputError for a file that is missing or not what it should be."""

    folder: Path

    @property
    def runs(self) -> Path:
        return self.folder / archive.RUNS

    def put(self, part: Part, text: bytes) -> Path:
        """Lays down what is to be signed."""
        file = self.folder / f"{part}.json"
        _write_new(file, text)
        return file

    def text(self, part: Part) -> bytes:
        return _read(self.folder / f"{part}.json", MAX_ENVELOPE_BYTES, "Its turn has not come, or it lies elsewhere.")

    def said(self, part: Part) -> Policy | Provenance | TestResult | Summary:
        """What its text says."""
        try:
            return _READERS[part](self.text(part))
        except ValueError as fault:
            raise InputError(f"{part}.json", "", str(fault), "Take it as Marque wrote it.") from fault

    def ran(self, run: Run) -> None:
        """Lays down what whoever ran the campaign signs, from runs.jsonl and the policy."""
        policy = self.said("policy")
        assert isinstance(policy, Policy)
        provenance, result = run_statements(run, self.runs, policy)
        self.put("provenance", provenance.dumps())
        self.put("test-result", result.dumps())

    def concluded(self, verdicts: Sequence[Verdict], *, sequence: int, verified: datetime, expires: datetime) -> None:
        """Lays down what both partners sign in the end; everything before it has to be signed by then."""
        result = self.said("test-result")
        assert isinstance(result, TestResult)
        before = {name: self.envelope(part) for name, part in zip(archive.ENVELOPES[:-1], PARTS[:-1], strict=True)}
        made = summarise(before, result, self.directories(), verdicts, sequence=sequence, verified=verified, expires=expires)
        self.put("verification-summary", made.dumps())

    def sign(self, part: Part, key: Ed25519PrivateKey) -> Path:
        """Puts a signature beside a text that makes sense; answers its file."""
        self.said(part)
        envelope = signed(self.text(part), PROOF_POLICY if part == "policy" else IN_TOTO, key)
        file = self.folder / f"{part}.{key_id(key.public_key().public_bytes_raw())[:16]}.dsse.json"
        _write_new(file, envelope)
        return file

    def envelope(self, part: Part) -> bytes:
        """All signatures on a part, in one envelope. Raises Refused when they are on different texts."""
        files = sorted(self.folder.glob(f"{part}.*.dsse.json"))
        if not files:
            raise InputError(f"{part}.json", "", "nobody has signed it", f"marque sign-evidence FOLDER {part} --key FILE")
        return joined([_read(file, MAX_ENVELOPE_BYTES, "") for file in files])

    def directories(self) -> dict[str, bytes]:
        """Each partner's directory of keys, by organisation."""
        files = sorted((self.folder / "keys").glob("*.json"))
        wrong = [file.name for file in files if not ORGANISATION.fullmatch(file.stem)]
        if wrong or len(files) < 2:
            raise InputError("keys", ", ".join(wrong), "the directories of keys of both partners were expected", "Name each CODE.json.")
        return {file.stem: _read(file, MOST_DIRECTORY_BYTES, "") for file in files}

    def seal(self, out: Path, *, now: datetime) -> Report:
        """Writes the evidence file if it is sound; see `seal.seal`."""
        envelopes = {name: self.envelope(part) for name, part in zip(archive.ENVELOPES, PARTS, strict=True)}
        return seal(out, envelopes, self.directories(), self.runs, now=now)


def _read(file: Path, most: int, remedy: str) -> bytes:
    try:
        with file.open("rb") as opened:
            text = opened.read(most + 1)
    except OSError as fault:
        raise InputError(file.name, "", f"it cannot be read: {fault.strerror}", remedy) from fault
    if len(text) > most:
        raise InputError(file.name, "", f"it is larger than {most} bytes", "It is not one of these files.")
    return text


def _write_new(file: Path, text: bytes) -> None:
    try:
        with file.open("xb") as opened:
            opened.write(text)
    except FileExistsError as fault:
        raise InputError(file.name, "", "the file is already there", "Begin a new folder, or remove it if it is yours.") from fault
