"""The three statements of an evidence file: who ran what with what, what came of it, and what both partners conclude.

in-toto Statements v1 (in-toto/attestation, spec/v1/statement.md) with the predicates SLSA provenance v1 (slsa.dev/spec/v1.0/provenance),
test result v0.1 (in-toto/attestation, spec/predicates/test-result.md) and SLSA verification summary v1
(slsa.dev/spec/v1.0/verification_summary). Field names are theirs; what is ours stands in extension fields, named by a URI as their parsing
rules demand. Reading is stricter than they ask for: a statement is exactly what `dumps` writes for what it says, so that no two texts say
the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar, get_args

from marque.alliance.proofs import read_stamp, stamp
from marque.proof.evidence import reading

STATEMENT = "https://in-toto.io/Statement/v1"
IN_TOTO = "application/vnd.in-toto+json"
"""The payload type of a statement's envelope."""
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
VERIFICATION_SUMMARY = "https://slsa.dev/verification_summary/v1"
CAMPAIGN = "https://marque.example/campaign/v1"
RUNNER = "https://marque.example/runner/"
GATE = "https://marque.example/gate/"
RUNS = "https://marque.example/evidence/runs/v1"
VERDICTS = "https://marque.example/evidence/verdicts/v1"
PASSED_LEVEL = "MARQUE_POLICY_PASSED"

KINDS = ("code", "lock", "map", "model", "policy", "seeds", "simulator", "suite")
"""Kinds of input that every run depends on. An input is named by its kind, or `kind/which`: `code/driving`, `suite/alks`."""
_INPUT = re.compile(r"[a-z][a-z-]{0,39}(?:/[A-Za-z0-9][A-Za-z0-9._/-]{0,199})?")
_RELEASE = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")

Outcome = Literal["passed", "failed", "lost", "aborted", "overdue", "outside", "not-needed"]
"""passed, failed: as judged. lost: its process died. aborted: by what nobody foresaw. overdue: too late. outside: of the domain.
not-needed: not driven, for its cell had been decided before its turn came; only a policy that says so beforehand allows for it.
"""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
FAILURES = frozenset({"failed", "lost", "aborted", "overdue"})
"""A run of which nothing came counts as one that failed: else losing runs would be a way to pass."""
SILENT = frozenset({"outside", "not-needed"})
"""What says nothing of the release either way."""
Answer = Literal["PASSED", "FAILED", "OUTSIDE ODD"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)
Counts = Mapping[str, Mapping[str, int]]
"""By cell and outcome, how many runs; no zeros."""


@dataclass(frozen=True)
class Release:
    """A version of the driving system. digest: of its name, version, code and lock, `release_digest`."""

    name: str
    version: str
    digest: str

    def __post_init__(self) -> None:
        if not _RELEASE.fullmatch(self.name) or not _RELEASE.fullmatch(self.version):
            raise ValueError("a release's name and version are of lower-case letters, digits, dots and hyphens")
        reading.digest(self.digest)

    @property
    def uri(self) -> str:
        """A package URL (purl-spec), the generic type."""
        return f"pkg:generic/{self.name}@{self.version}"

    def described(self) -> dict[str, Any]:
        return {"name": self.name, "uri": self.uri, "digest": {"sha256": self.digest}}


@dataclass(frozen=True)
class Input:
    """Something that the runs depend on. salt: opens the commitment to a hidden suite, in hexadecimal; empty for everything else."""

    name: str
    digest: str
    salt: str = ""

    def __post_init__(self) -> None:
        if not _INPUT.fullmatch(self.name):
            raise ValueError(f"an input is named `kind` or `kind/which`, not {self.name[:80]!r}")
        reading.digest(self.digest)
        if self.salt:
            reading.digest(self.salt)

    @property
    def kind(self) -> str:
        return self.name.partition("/")[0]

    def described(self) -> dict[str, Any]:
        return {"name": self.name, "digest": {"sha256": self.digest}, **({"annotations": {"salt": self.salt}} if self.salt else {})}


@dataclass(frozen=True)
class Runs:
    """All runs of a campaign. root: RFC 9162, 2.1.1, over the lines of runs.jsonl without their ends; sha256: of the whole file."""

    lines: int
    root: str
    sha256: str

    def said(self) -> dict[str, Any]:
        return {"lines": self.lines, "root": self.root, "sha256": self.sha256}


@dataclass(frozen=True)
class Provenance:
    """Who ran which release on which vehicle model, with what, when. runner: the organisation that signs; marque: its version of Marque."""

    release: Release
    model: str
    inputs: tuple[Input, ...]
    runner: str
    marque: str
    invocation: str
    started: datetime
    finished: datetime
    runs: Runs

    def __post_init__(self) -> None:
        reading.ascending((one.name for one in self.inputs), "inputs")
        missing = sorted(set(KINDS) - {one.kind for one in self.inputs})
        if missing:
            raise ValueError(f"inputs of these kinds are missing: {', '.join(missing)}")

    def input(self, name: str) -> Input | None:
        return next((one for one in self.inputs if one.name == name), None)

    def dumps(self) -> bytes:
        definition = {
            "buildType": CAMPAIGN,
            "externalParameters": {"model": self.model, "release": self.release.uri},
            "resolvedDependencies": [one.described() for one in self.inputs],
        }
        times = {"invocationId": self.invocation, "startedOn": stamp(self.started), "finishedOn": stamp(self.finished)}
        builder = {"id": RUNNER + self.runner, "version": {"marque": self.marque}}
        subject = {
            "name": "runs.jsonl", "digest": {"sha256": self.runs.sha256},
            "annotations": {"lines": self.runs.lines, "release": self.release.digest, "root": self.runs.root},
        }  # fmt: skip
        predicate = {"buildDefinition": definition, "runDetails": {"builder": builder, "metadata": times}}
        return _statement([subject], PROVENANCE, predicate)


@dataclass(frozen=True)
class TestResult:
    """What came of the runs, counted. A cell is one test of the predicate's; which way it went follows from the counts."""

    __test__ = False  # pytest takes what is named so for a test

    release: Release
    policy: str
    runs: Runs
    counts: Counts

    def dumps(self) -> bytes:
        passed, warned, failed = cells_by_result(self.counts)
        predicate = {
            "result": "FAILED" if failed else "WARNED" if warned else "PASSED",
            "configuration": [{"name": "policy", "digest": {"sha256": self.policy}}],
            "passedTests": passed,
            "warnedTests": warned,
            "failedTests": failed,
            RUNS: {**self.runs.said(), "counts": {cell: dict(counts) for cell, counts in self.counts.items()}},
        }
        return _statement([self.release.described()], TEST_RESULT, predicate)


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a vehicle model in a cell. reasons: sentences for people."""

    model: str
    cell: str
    answer: Answer
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Summary:
    """What both partners conclude and sign.

    attestations: SHA-256 of the envelopes it rests on, by file name. keys: SHA-256 of each party's directory of keys, by organisation.
    sequence: grows by every verdict on a product and model, so that an older one is seen to be older. It counts in [verified, expires).
    """

    release: Release
    policy: str
    attestations: Mapping[str, str]
    runs: Runs
    keys: Mapping[str, str]
    verdicts: tuple[Verdict, ...]
    sequence: int
    verified: datetime
    expires: datetime

    def __post_init__(self) -> None:
        reading.ascending((f"{one.model}\0{one.cell}" for one in self.verdicts), "verdicts")
        if not self.verdicts:
            raise ValueError("a summary holds a verdict")

    @property
    def passed(self) -> bool:
        """No cell failed, and one passed; what lies outside the design domain says nothing either way."""
        answers = {one.answer for one in self.verdicts}
        return "PASSED" in answers and "FAILED" not in answers

    def dumps(self) -> bytes:
        ours = {
            "sequence": self.sequence,
            "expires": stamp(self.expires),
            "keys": dict(self.keys),
            "runs": self.runs.said(),
            "verdicts": [
                {"model": one.model, "cell": one.cell, "verdict": one.answer, "reasons": list(one.reasons)} for one in self.verdicts
            ],
        }
        predicate = {
            "verifier": {"id": GATE + "+".join(sorted(self.keys))},
            "timeVerified": stamp(self.verified),
            "resourceUri": self.release.uri,
            "policy": {"uri": policy_uri(self.policy), "digest": {"sha256": self.policy}},
            "inputAttestations": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(self.attestations.items())],
            "verificationResult": "PASSED" if self.passed else "FAILED",
            "verifiedLevels": [PASSED_LEVEL if self.passed else "FAILED"],
            "slsaVersion": "1.0",
            VERDICTS: ours,
        }
        return _statement([self.release.described()], VERIFICATION_SUMMARY, predicate)


def policy_uri(digest: str) -> str:
    return f"urn:marque:proof-policy:sha256:{digest}"


def release_digest(name: str, version: str, inputs: Iterable[Input]) -> str:
    """SHA-256 of the canonical JSON of name, version and the digests of all code and locks among the inputs: what the release is."""
    parts = {one.name: one.digest for one in inputs if one.kind in ("code", "lock")}
    return hashlib.sha256(reading.canonical({"name": name, "version": version, "inputs": parts})).hexdigest()


def cells_by_result(counts: Counts) -> tuple[list[str], list[str], list[str]]:
    """Cells in which every run that was driven passed, those with a run outside the design domain or none driven, and those in which any
    run failed or was lost.
    """
    failed = sorted(cell for cell, found in counts.items() if FAILURES & found.keys())
    warned = sorted(cell for cell, found in counts.items() if cell not in failed and ("outside" in found or found.keys() <= SILENT))
    return sorted(counts.keys() - set(failed) - set(warned)), warned, failed


def read_provenance(text: bytes) -> Provenance:
    """Raises ValueError unless the text is exactly what `Provenance.dumps` writes; likewise the two below."""
    subject, predicate = _read(text, PROVENANCE, "buildDefinition", "runDetails")
    definition = reading.only(predicate["buildDefinition"], "buildType", "externalParameters", "resolvedDependencies")
    asked = reading.only(definition["externalParameters"], "model", "release")
    details = reading.only(predicate["runDetails"], "builder", "metadata")
    builder = reading.only(details["builder"], "id", "version")
    times = reading.only(details["metadata"], "invocationId", "startedOn", "finishedOn")
    notes = reading.only(reading.only(subject, "name", "digest", "annotations")["annotations"], "lines", "release", "root")
    runs = Runs(reading.count(notes["lines"], 1), reading.digest(notes["root"]), _sha256(subject["digest"]))
    made = Provenance(
        release=_release(reading.text(asked["release"]), reading.digest(notes["release"])),
        model=reading.text(asked["model"]),
        inputs=tuple(_input(one) for one in reading.items(definition["resolvedDependencies"])),
        runner=reading.organisation(reading.text(builder["id"]).removeprefix(RUNNER)),
        marque=reading.text(reading.only(builder["version"], "marque")["marque"]),
        invocation=reading.text(times["invocationId"]),
        started=read_stamp(times["startedOn"]),
        finished=read_stamp(times["finishedOn"]),
        runs=runs,
    )
    return _exactly(made, text)


def read_test_result(text: bytes) -> TestResult:
    fields = ("result", "configuration", "passedTests", "warnedTests", "failedTests", RUNS)
    subject, predicate = _read(text, TEST_RESULT, *fields)
    ours = reading.only(predicate[RUNS], "lines", "root", "sha256", "counts")
    counts = {reading.text(cell): _outcomes(found) for cell, found in reading.mapping(ours["counts"]).items()}
    configuration = reading.items(predicate["configuration"])
    policy = _sha256(reading.only(configuration[0] if configuration else None, "name", "digest")["digest"])
    return _exactly(TestResult(_described_release(subject), policy, _runs(ours), counts), text)


def read_summary(text: bytes) -> Summary:
    subject, predicate = _read(
        text, VERIFICATION_SUMMARY, "verifier", "timeVerified", "resourceUri", "policy", "inputAttestations", "verificationResult",
        "verifiedLevels", "slsaVersion", VERDICTS,
    )  # fmt: skip
    ours = reading.only(predicate[VERDICTS], "sequence", "expires", "keys", "runs", "verdicts")
    listed = [reading.only(one, "name", "digest") for one in reading.items(predicate["inputAttestations"])]
    made = Summary(
        release=_described_release(subject),
        policy=_sha256(reading.only(predicate["policy"], "uri", "digest")["digest"]),
        attestations={reading.text(one["name"]): _sha256(one["digest"]) for one in listed},
        runs=_runs(reading.only(ours["runs"], "lines", "root", "sha256")),
        keys={reading.organisation(name): digest for name, digest in reading.digests(ours["keys"]).items()},
        verdicts=tuple(_verdict(one) for one in reading.items(ours["verdicts"])),
        sequence=reading.count(ours["sequence"], 1),
        verified=read_stamp(predicate["timeVerified"]),
        expires=read_stamp(ours["expires"]),
    )
    return _exactly(made, text)


def _statement(subject: list[dict[str, Any]], kind: str, predicate: dict[str, Any]) -> bytes:
    return reading.canonical({"_type": STATEMENT, "subject": subject, "predicateType": kind, "predicate": predicate})


def _read(text: bytes, kind: str, *fields: str) -> tuple[dict[str, Any], dict[str, Any]]:
    said = reading.only(reading.canonical_object(text, "statement"), "_type", "subject", "predicateType", "predicate")
    reading.constant(said["_type"], STATEMENT)
    reading.constant(said["predicateType"], kind)
    subjects = reading.items(said["subject"])
    if len(subjects) != 1:
        raise ValueError("a statement is about one subject")
    return reading.mapping(subjects[0]), reading.only(said["predicate"], *fields)


_Made = TypeVar("_Made", Provenance, TestResult, Summary)


def _exactly(made: _Made, text: bytes) -> _Made:
    if made.dumps() != text:
        raise ValueError("it does not say what follows from itself: a result, a list or an address is not that of the rest")
    return made


def _release(uri: str, digest: str) -> Release:
    name, _, version = uri.removeprefix("pkg:generic/").partition("@")
    return Release(name, version, digest)


def _described_release(said: dict[str, Any]) -> Release:
    reading.only(said, "name", "uri", "digest")
    return _release(reading.text(said["uri"]), _sha256(said["digest"]))


def _input(said: Any) -> Input:
    salted = isinstance(said, dict) and "annotations" in said
    one = reading.only(said, "name", "digest", *(["annotations"] if salted else []))
    salt = reading.digest(reading.only(one["annotations"], "salt")["salt"]) if salted else ""
    return Input(reading.text(one["name"]), _sha256(one["digest"]), salt)


def _sha256(said: Any) -> str:
    return reading.digest(reading.only(said, "sha256")["sha256"])


def _runs(said: dict[str, Any]) -> Runs:
    return Runs(reading.count(said["lines"], 1), reading.digest(said["root"]), reading.digest(said["sha256"]))


def _outcomes(said: Any) -> dict[str, int]:
    found = {reading.text(name): reading.count(value, 1) for name, value in reading.mapping(said).items()}
    if not found or not found.keys() <= set(OUTCOMES):
        raise ValueError(f"expected counts of {', '.join(OUTCOMES)}")
    return found


def _verdict(said: Any) -> Verdict:
    one = reading.only(said, "model", "cell", "verdict", "reasons")
    answer = next((known for known in ANSWERS if known == one["verdict"]), None)
    if answer is None:
        raise ValueError(f"a verdict is one of {', '.join(ANSWERS)}")
    return Verdict(reading.text(one["model"]), reading.text(one["cell"]), answer, reading.texts(one["reasons"]))
