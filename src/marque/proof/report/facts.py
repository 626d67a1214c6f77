"""What a release's report is about, as frozen values: read once from the evidence, then drawn, argued and filed without a second look.

Everything here is of evidence that is sound; of anything else there is nothing to say but what is wrong with it (`Unsound`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from marque.proof.evidence import Finding, Policy, Provenance, Report, Summary, TestResult
from marque.proof.evidence.statements import FAILURES, SILENT, Answer
from marque.proof.gate import GateRules
from marque.proof.statistics import Interval

Subject = Literal["verdict", "baseline", "suite", "coverage", "credibility"]


@dataclass(frozen=True)
class Paired:
    """A release and its baseline on the same cases: in how many the one failed and the other did not.

    p_worse: one-sided p-value of "it fails no more often than the baseline", exact, or valid whenever one stops, as the policy has it.
    difference: of the probabilities that a run fails, the
    release's less the baseline's; positive is bad.
    """

    worse: int
    better: int
    equal: int
    p_worse: float
    difference: Interval

    @property
    def pairs(self) -> int:
        return self.worse + self.better + self.equal


@dataclass(frozen=True)
class CellFacts:
    """One cell of the operational design domain.

    odd: terms of ISO 34503 by attribute, empty where no suite was given. exposure: its share of what is driven, 0 to 1. counts: runs by
    outcome. planned: the least number of runs that the policy asks for. limit: of the probability that a run fails; None where the cell is
    not claimed. share: interval of that probability, the cell for itself, exact or, where the policy stops early, valid whenever it does;
    None without a run. unknown: the cell's part of what is
    not known of the risk, 0 to 1. before: what the baseline's evidence said of it. excused: runs that passed with a collision, for it was
    not the car's fault and the reference driver would not have prevented it; unpreventable: runs that failed with a collision, which no
    driver that was asked would have prevented; forgiven: failed runs that the policy does not count, for the reference driver would have
    fared no better. hidden: runs and failures of the hidden suites.
    """

    cell: str
    odd: Mapping[str, str]
    exposure: float
    answer: Answer
    reasons: tuple[str, ...]
    counts: Mapping[str, int]
    planned: int | None
    limit: float | None
    share: Interval | None
    unknown: float
    baseline: Paired | None
    before: Answer | None
    excused: int = 0
    unpreventable: int = 0
    forgiven: int = 0
    hidden: tuple[int, int] = (0, 0)

    @property
    def runs(self) -> int:
        """Those that say something: neither outside of the domain nor not driven at all."""
        return sum(number for outcome, number in self.counts.items() if outcome not in SILENT)

    @property
    def failures(self) -> int:
        """Failed, lost, aborted and overdue, but for those that the policy forgives."""
        return sum(number for outcome, number in self.counts.items() if outcome in FAILURES) - self.forgiven

    @property
    def estimate(self) -> float | None:
        return self.failures / self.runs if self.runs else None


@dataclass(frozen=True)
class RiskFacts:
    """The probability that a run fails, over all cells that the release claims, each weighing as much as is driven in it.

    interval: covers at least its confidence whatever the cells' probabilities are. exposure: the claimed cells' share of what is driven.
    estimate: None where a claimed cell has no run.
    """

    estimate: float | None
    interval: Interval
    exposure: float


@dataclass(frozen=True)
class WorstRun:
    """One of the worst runs. replay: the address of its page, relative to the report; empty where there is none."""

    case: int
    scenario: str
    cell: str
    outcome: str
    why: str
    collision: bool | None
    parameters: Mapping[str, Any]
    measures: Mapping[str, float]
    preventable: Mapping[str, bool]
    replay: str


@dataclass(frozen=True)
class CoverageFacts:
    """covered of possible, of something countable; holes: what is not, the first hundred. key: the same in every release, and short."""

    name: str
    covered: int
    possible: int
    holes: tuple[str, ...]
    key: str = ""


@dataclass(frozen=True)
class Change:
    """An input that is not the baseline's. kind: as in the provenance (code, lock, model, suite …). before, after: SHA-256, or empty."""

    kind: str
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class BaselineFacts:
    """The release that this one is held against. worse: cases that failed now and did not then, the first hundred, in order."""

    file: str
    provenance: Provenance
    summary: Summary
    worse: tuple[int, ...]


@dataclass(frozen=True)
class Doubt:
    """Something that the report's own look at sound evidence found, and that speaks against a claim until somebody answers it.

    text: a sentence.
    """

    subject: Subject
    text: str


@dataclass(frozen=True)
class Facts:
    """Of one release and vehicle model. evidence: SHA-256 of the evidence file. credibility: None where none was given."""

    evidence: str
    verified: Report
    policy: Policy
    rules: GateRules
    provenance: Provenance
    test_result: TestResult
    summary: Summary
    cells: tuple[CellFacts, ...]
    risk: RiskFacts | None
    coverage: tuple[CoverageFacts, ...]
    baseline: BaselineFacts | None
    changes: tuple[Change, ...]
    worst: tuple[WorstRun, ...]
    credibility: Any
    doubts: tuple[Doubt, ...]
    now: datetime

    @property
    def claimed(self) -> tuple[CellFacts, ...]:
        """Cells that the release claims: those with a limit."""
        return tuple(one for one in self.cells if one.limit is not None)


@dataclass(frozen=True)
class Unsound:
    """Evidence that is not sound: what is wrong, and nothing of what it says."""

    evidence: str
    verified: Report
    findings: tuple[Finding, ...]
    now: datetime = field(repr=False)
