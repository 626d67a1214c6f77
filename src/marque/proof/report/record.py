"""The facts of a report for programs: canonical JSON (RFC 8785), from which nothing that the page says has to be read off the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np
import rfc8785

from marque.alliance.proofs import stamp
from marque.proof.report.argument import Argument
from marque.proof.report.facts import Facts, Unsound

KIND = "https://marque.example/safety-report/v1"


def record(facts: Facts | Unsound, argument: Argument) -> bytes:
    """Of evidence that is not sound, what is wrong and nothing else."""
    if isinstance(facts, Unsound):
        said: dict[str, Any] = {"sound": False, "findings": facts.findings}
    else:
        said = {"sound": True, **_of_release(facts), "safety_case": _standing(argument)}
    return rfc8785.dumps(_plain({"kind": KIND, "evidence": facts.evidence, "made": facts.now, **said}))


def _of_release(facts: Facts) -> dict[str, Any]:
    release = facts.provenance.release
    named = ("cells", "risk", "coverage", "changes", "worst", "doubts")
    return {
        "release": {"name": release.name, "version": release.version, "digest": release.digest},
        "model": facts.provenance.model,
        "policy": facts.policy.digest,
        "rules": facts.rules,
        "inputs": {one.name: one.digest for one in facts.provenance.inputs},
        "runs": facts.summary.runs,
        "verdict": {"sequence": facts.summary.sequence, "verified": facts.summary.verified, "expires": facts.summary.expires},
        "baseline": None if facts.baseline is None else facts.baseline.summary.runs.sha256,
        "newly_failed": [] if facts.baseline is None else facts.baseline.worse,
        "credibility": None if facts.credibility is None else {one.name: one.met for one in facts.credibility.items},
        **{name: getattr(facts, name) for name in named},
    }


def _standing(argument: Argument) -> dict[str, Any]:
    return {
        "supported": argument.supported,
        "statuses": {name: str(status) for name, status in argument.statuses.items()},
        "defeaters": argument.defeaters,
        "open": [one.id for one in argument.open],
    }


def _plain(value: Any) -> Any:
    """As JSON values: instants as text, numbers that are not finite as null."""
    if hasattr(value, "__dataclass_fields__"):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, str | bool | int) or value is None:
        return value
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Sequence):
        return [_plain(one) for one in value]
    raise TypeError(f"there is no JSON of a {type(value).__name__}")
