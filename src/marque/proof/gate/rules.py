"""What a policy demands of a release, as the `rules` of its signed text.

{"reference": "competent-and-careful", "confidence": 0.95, "limits": {"motorway": 0.001}, "outside": ["roundabout"],
 "least_runs": {"motorway": 5000}, "baseline": "<sha256 of the baseline's runs.jsonl, or empty>", "margin": null,
 "stopping": "fixed", "fault": "judge-and-reference", "seed": 1, "perception": "sensed"}

limits: of the probability that a run fails, by cell, 0 to 1. outside: cells that the release does not claim. least_runs: what was planned;
fewer are no evidence. margin: by how much a cell's probability may rise over the baseline's, None where only a shown regression counts.
stopping: whether every case is driven and judged once, or in an order that follows from the policy until each cell is decided.
fault: which collisions count as failures, all that our judge blames on the ego or the reference driver would have avoided; or, as UN R157
(Annex 4, Appendix 3) has it, only the latter. seed: of the open suites' samples and of the sensors' errors, perception: whether there are
any; both agreed beforehand, else whoever drives could try until a release passes. The last four may be left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from marque.common import InputError
from marque.proof.campaign import REFERENCE
from marque.proof.statistics import power
from marque.proof.statistics.intervals import at_most
from marque.proof.statistics.multiplicity import holm_factors

Stopping = Literal["fixed", "sequential"]
Fault = Literal["judge-and-reference", "reference"]
Perception = Literal["sensed", "perfect"]
_NAMES = ("reference", "confidence", "limits", "outside", "least_runs", "baseline", "margin")
_DEFAULTS: Mapping[str, Any] = {"stopping": "fixed", "fault": "judge-and-reference", "seed": 1, "perception": "sensed"}
_MOST_SEED = 2**53 - 1
"""Whole numbers beyond it are not the same in every reader of JSON."""


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
    stopping: Stopping = "fixed"
    fault: Fault = "judge-and-reference"
    seed: int = 1
    perception: Perception = "sensed"

    @property
    def alpha(self) -> float:
        """The chance of a wrong verdict that the policy accepts, over all cells together."""
        return 1.0 - self.confidence

    def said(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"outside": list(self.outside)}


def read_rules(said: Any, source: str = "policy") -> GateRules:
    """Raises InputError, which names the place, for rules that cannot be judged by, or that no release could satisfy."""

    def fault(where: str, why: str) -> InputError:
        return InputError(source, f"rules.{where}".rstrip("."), why)

    if not isinstance(said, dict) or not set(_NAMES) <= set(said) <= {*_NAMES, *_DEFAULTS}:
        raise fault("", f"an object with exactly {', '.join(_NAMES)} is expected, and perhaps {', '.join(_DEFAULTS)}")
    said = {**_DEFAULTS, **said}
    if said["reference"] != REFERENCE:
        raise fault("reference", f"the reference driver is {REFERENCE}")
    for name, choices in (("stopping", get_args(Stopping)), ("fault", get_args(Fault)), ("perception", get_args(Perception))):
        if said[name] not in choices:
            raise fault(name, f"one of {', '.join(choices)} is expected")
    if type(said["seed"]) is not int or not 0 <= said["seed"] <= _MOST_SEED:
        raise fault("seed", "a whole number, 0 or more, is expected")
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
    made = GateRules(
        REFERENCE, float(confidence), dict(limits), tuple(outside), dict(least), said["baseline"],
        None if margin is None else float(margin), said["stopping"], said["fault"], said["seed"], said["perception"],
    )  # fmt: skip
    if made.stopping == "fixed":
        for cell, needed in short_of(made, made.least_runs).items():
            raise fault(f"least_runs.{cell}", f"even without a failure {needed} runs are needed to show less than {limits[cell]:g}")
    return made


def short_of(rules: GateRules, runs: Mapping[str, int]) -> dict[str, int]:
    """Cells that so many runs could not show to be below their limits, not even if none failed; and how many could, beside the others."""
    cells = sorted(rules.limits)
    limits, given = (np.array([each.get(cell, 0) for cell in cells], float) for each in (rules.limits, runs))
    if rules.stopping == "sequential":  # each by itself, so that it need not wait for the others
        alone = {cell: runs_needed(rules, cell, float(len(cells))) for cell in cells}
        return {cell: least for cell, least in alone.items() if runs.get(cell, 0) < least}
    values = at_most(0, given, limits)
    factors = holm_factors(values, rules.alpha)
    short = [cell for cell, value, factor in zip(cells, values, factors, strict=True) if value * factor > rules.alpha * (1 + 1e-9)]
    return {cell: needed for cell in short if (needed := runs_needed(rules, cell, factors[cells.index(cell)])) > runs.get(cell, 0)}


def runs_needed(rules: GateRules, cell: str, factor: float = 1.0, failures: int = 0) -> int:
    """So few runs, with these failures, show a cell to be below its limit, when its share of α is one of `factor`. Raises ValueError."""
    limit, alpha = rules.limits[cell], rules.alpha / factor
    if rules.stopping == "sequential":
        return power.runs_to_show_under_peeking(limit, alpha, failures)
    if failures == 0:
        return math.ceil(math.log(alpha) / math.log1p(-limit) - 1e-9)
    return power.runs_to_show(limit, alpha, failures)


def _number(said: Any) -> bool:
    return isinstance(said, int | float) and not isinstance(said, bool) and math.isfinite(said)
