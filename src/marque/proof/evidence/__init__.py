"""Evidence that a release is as safe as it is said to be: sealed, checked offline, and known to be stale when an input changed."""

from marque.proof.evidence.archive import ENVELOPES
from marque.proof.evidence.findings import Finding, Latest, Report
from marque.proof.evidence.policy import PROOF_POLICY, Policy, commitment, read_policy
from marque.proof.evidence.seal import Run, run_statements, seal, summarise
from marque.proof.evidence.statements import IN_TOTO, Input, Provenance, Release, Runs, Summary, TestResult, Verdict, release_digest
from marque.proof.evidence.verify import verify

__all__ = [
    "ENVELOPES",
    "IN_TOTO",
    "PROOF_POLICY",
    "Finding",
    "Input",
    "Latest",
    "Policy",
    "Provenance",
    "Release",
    "Report",
    "Run",
    "Runs",
    "Summary",
    "TestResult",
    "Verdict",
    "commitment",
    "read_policy",
    "release_digest",
    "run_statements",
    "seal",
    "summarise",
    "verify",
]
