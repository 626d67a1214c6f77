"""What is wrong with a piece of evidence, as data: which link of the chain is broken, where, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from marque.proof.evidence.policy import Policy
from marque.proof.evidence.statements import Counts, Release, Runs, Verdict

Link = Literal[
    "archive", "keys", "signature", "policy", "provenance", "test result", "summary", "runs", "leaves", "input", "hidden suite",
    "release", "time", "expiry", "replay",
]  # fmt: skip
"""A signature link is of somebody; an input link is a digest that does not lead where it should; the rest are parts of the file, and what
the reader knows from elsewhere: the release in hand, the present, and the newest verdict."""


@dataclass(frozen=True)
class Finding:
    """A broken link. file: within the evidence, or what the reader gave; line: of runs.jsonl, from 1; organisation: whose signature or key.

    problem: one clause without a full stop. remedy: one sentence.
    """

    link: Link
    file: str
    problem: str
    remedy: str
    line: int | None = None
    organisation: str | None = None

    def __str__(self) -> str:
        place = f", line {self.line}" if self.line is not None else ""
        return f"{self.file}{place}: {self.problem}.\n  {self.remedy}"


@dataclass(frozen=True)
class Latest:
    """The newest verdict on a product and model that a reader has seen. summary: SHA-256 of its signed text."""

    product: str
    model: str
    sequence: int
    verified: datetime
    summary: str


@dataclass(frozen=True)
class Report:
    """What an evidence file says, as far as it could be read, and every broken link. Nothing of it counts unless it is ok.

    signers: for each signed part, by file name, who signed: organisations, with the persons' ids.
    opened: by name of a hidden suite, what it was committed to as, and its SHA-256.
    """

    file: str
    findings: tuple[Finding, ...]
    release: Release | None = None
    model: str = ""
    policy: Policy | None = None
    runs: Runs | None = None
    counts: Counts = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    signers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    verified: datetime | None = None
    expires: datetime | None = None
    latest: Latest | None = None
    opened: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.findings
