"""What a policy demands of a release, as the `rules` of its signed text.

{"reference": "competent-and-careful", "confidence": 0.95, "limits": {"motorway": 0.001}, "outside": ["roundabout"],
 "least_runs": {"motorway": 3000}, "baseline": "<sha256 of the baseline's runs.jsonl, or empty>", "margin": null}

limits: of the probability that a run fails, by cell, 0 to 1. outside: cells that the release does not claim. least_runs: what was planned;
fewer are no evidence. margin: by how much a cell's probability may rise over the baseline's, None where only a shown regression counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from marque.common import InputError
from marque.proof.campaign import REFERENCE

_NAMES = ("reference", "confidence", "limits", "outside", "least_runs", "baseline", "margin")


@dataclass(frozen=True)
class GateRules:
    """See the module."""

    reference: str
    confidence: float
    limits: Mapping[str, float]
    outside: tuple[str, ...]
    least_runs: Mapping[str, int]
    baseline: str
    margin: float | None

    def said(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"outside": list(self.outside)}


def read_rules(said: Any, source: str = "policy") -> GateRules:
    """Raises InputError, which names the place, for rules that cannot be judged by."""

    def fault(where: str, why: str) -> InputError:
        return InputError(source, f"rules.{where}".rstrip("."), why)

    if not isinstance(said, dict) or set(said) != set(_NAMES):
        raise fault("", f"an object with exactly {', '.join(_NAMES)} is expected")
    if said["reference"] != REFERENCE:
        raise fault("reference", f"the reference driver is {REFERENCE}")
    confidence, margin = said["confidence"], said["margin"]
    if not _number(confidence) or not 0.5 < confidence < 1.0:
        raise fault("confidence", "a number between 0.5 and 1 is expected")
    if margin is not None and (not _number(margin) or not 0.0 < margin < 1.0):
        raise fault("margin", "a number between 0 and 1, or null, is expected")
    limits, least, outside = said["limits"], said["least_runs"], said["outside"]
    if not isinstance(limits, dict) or not limits or not all(_number(one) and 0.0 < one < 1.0 for one in limits.values()):
        raise fault("limits", "a probability between 0 and 1 for each cell is expected")
    if not isinstance(least, dict) or set(least) != set(limits) or not all(type(one) is int and one > 0 for one in least.values()):
        raise fault("least_runs", "a count above 0 for each cell that has a limit is expected")
    if not isinstance(outside, list) or not all(isinstance(one, str) for one in outside) or set(outside) & set(limits):
        raise fault("outside", "a list of cells that have no limit is expected")
    if not isinstance(said["baseline"], str) or (said["baseline"] and len(said["baseline"]) != 64):
        raise fault("baseline", "a SHA-256 in hexadecimal, or an empty text, is expected")
    for cell, limit in limits.items():
        if least[cell] < (needed := runs_needed(limit, confidence)):
            raise fault(f"least_runs.{cell}", f"even without a failure {needed} runs are needed to show less than {limit:g}")
    return GateRules(
        REFERENCE, float(confidence), dict(limits), tuple(outside), dict(least), said["baseline"], None if margin is None else float(margin)
    )  # fmt: skip


def runs_needed(limit: float, confidence: float) -> int:
    """So few runs without a failure show a probability below the limit: (1 − limit)^n ≤ 1 − confidence."""
    return math.ceil(math.log(1.0 - confidence) / math.log1p(-limit) - 1e-9)


def _number(said: Any) -> bool:
    return isinstance(said, int | float) and not isinstance(said, bool) and math.isfinite(said)
