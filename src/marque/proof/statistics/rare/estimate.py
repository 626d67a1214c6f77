"""The probability of a rare failure, with an interval, the calls it took and every reason not to believe it.

Explore (two walks) → fit a mixture → train it by cross-entropy → hold it fixed and draw anew: only these last draws are the estimate, so
that
a lucky search cannot colour it. Where no proposal can be trained (many inputs, failure regions of odd shape) multilevel splitting takes
over.
OpenTURNS gives input distributions and their transformation; its own importance samplers draw from one Gaussian and lose the second mode.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import special

from marque.common import Floats
from marque.proof.statistics.intervals import Interval, binomial
from marque.proof.statistics.rare.explore import Cloud, by_levels, by_scale, refreshed, systematic
from marque.proof.statistics.rare.importance import FEW_INPUTS, Drawn, Failing, Proposal, defended, draw, mean_interval, train
from marque.proof.statistics.rare.limit_state import Counted, Function
from marque.proof.statistics.rare.mixture import fit
from marque.proof.statistics.rare.splitting import ladder, replicate_interval, replicates
from marque.proof.statistics.rare.tails import UNRELIABLE, effective_size, pareto_k

TRAINABLE = 8.0
"""A proposal whose draws vary more (deviation over mean) is worth less than splitting."""
SUSPICIOUS = 4.0
"""A walk that finds this many times more probability than the estimate has seen a region that the estimate has not."""


@dataclass(frozen=True)
class Plan:
    """`runs`: calls at most, search included; `precision`: half the interval's width over the estimate at which fewer are enough."""

    runs: int = 200_000
    precision: float = 0.03
    confidence: float = 0.95
    walkers: int = 1000

    def __post_init__(self) -> None:
        if self.runs < 10 * self.walkers:
            raise ValueError(f"{self.runs} runs leave nothing for the estimate: at least 10 × {self.walkers} walkers are needed")


@dataclass(frozen=True)
class Estimate:
    """`alarms` empty: the interval may be claimed. Otherwise it is [0, 1], or [0, upper limit] where plain runs gave one.

    Alarms: `weight-tail` (k̂ > 0.7), `few-effective` (effective size < 100), `one-run-dominates` (> 10 %), `walks-disagree`,
    `no-failure-found`, `replicates-vary`, `methods-disagree`.
    """

    probability: float
    interval: Interval
    calls: int
    method: str
    alarms: tuple[str, ...]
    diagnostics: dict[str, float] = field(default_factory=dict)

    @property
    def claims(self) -> bool:
        return not self.alarms


def estimate(function: Function, dimension: int, seed: int, plan: Plan = Plan(), known: Floats | None = None) -> Estimate:
    """P(function ≤ 0) for independent standard normal inputs; other inputs by `limit_state.standard`.

    `known` (points, dimension): where failures are known to be (from a search, an earlier release). They shape the proposal, never the
    estimate. Errors of the function itself are the caller's. Deterministic in `seed`.
    """
    rng = np.random.default_rng(seed)
    g = Counted(function, dimension)
    clouds, walked = _walks(g, plan, rng)
    size = max(2 * plan.walkers, 20 * dimension)
    found = _found(g, clouds, known, size, rng)
    if found is None:
        return _nothing_found(g, plan, walked, rng)
    start = defended(fit(found.points, float(found.worth.sum()), rng, lean=dimension > FEW_INPUTS), found.points)
    proposal, judged = train(g, start, found, size, int(0.6 * plan.runs), rng)
    told = None
    if judged.variation < TRAINABLE:
        told = _by_importance(g, proposal, _needed(judged.variation, plan, plan.runs - g.calls), plan, walked, rng)
    if told is None or (not told.claims and g.calls < 0.8 * plan.runs):
        split = _by_splitting(g, plan, judged, walked, rng)
        told = split if split is not None and (told is None or split.claims) else told
    return told or _by_importance(g, proposal, max(plan.runs - g.calls, 2000), plan, walked, rng)


def _walks(g: Counted, plan: Plan, rng: np.random.Generator) -> tuple[list[Cloud], dict[str, float]]:
    """Both walks, and log10 of the probability each saw: a mode whose margin is steep shows in the second alone."""
    clouds = [by_levels(g, max(plan.walkers, 20 * g.dimension), rng), by_scale(g, plan.walkers // 2, rng)]
    names = ("log10_by_levels", "log10_by_scale")
    return clouds, {name: cloud.log_probability / np.log(10) for name, cloud in zip(names, clouds, strict=True)}


def _found(g: Counted, clouds: list[Cloud], known: Floats | None, size: int, rng: np.random.Generator) -> Failing | None:
    """What the walks found, each heard alike, moved on; None if nothing failed."""
    found = [c.points for c in clouds]
    if known is not None and len(known):
        found.append(np.asarray(known, float)[g(np.asarray(known, float)) <= 0.0])
    found = [points for points in found if len(points)]
    if not found:
        return None
    drawn = np.concatenate([points[systematic(np.ones(len(points)), size // len(found), rng)] for points in found])
    moved = refreshed(g, drawn, 10 if g.dimension > FEW_INPUTS else 4, rng)
    worth = 0.5 * len(np.unique(drawn[:, 0]))  # what a chain left behind resembles its start
    return Failing(moved, np.full(len(moved), worth / len(moved)))


def _needed(variation: float, plan: Plan, left: int) -> int:
    """Draws for the precision, as the trial draws foretell it, with a quarter more; fixed before the first of them."""
    z = float(special.ndtri(0.5 + plan.confidence / 2))
    wanted = 1.25 * (z * min(variation, 1e3) / plan.precision) ** 2
    return int(np.clip(wanted, 2000, max(left, 2000)))


def _by_importance(g: Counted, proposal: Proposal, size: int, plan: Plan, walked: dict[str, float], rng: np.random.Generator) -> Estimate:
    drawn = draw(g, proposal, size, rng)
    values = drawn.values
    probability = float(values.mean())
    k, effective = pareto_k(values), effective_size(values)
    largest = float(values.max() / values.sum()) if probability > 0 else 1.0
    seen = max(v for v in walked.values())
    alarms = {
        "weight-tail": k > UNRELIABLE,
        "few-effective": effective < 100,
        "one-run-dominates": largest > 0.1,
        "walks-disagree": probability > 0 and seen > np.log10(probability) + np.log10(SUSPICIOUS),
    }
    raised = tuple(name for name, on in alarms.items() if on)
    interval = mean_interval(values, plan.confidence) if not raised else Interval(0.0, 1.0, plan.confidence)
    told = {
        "pareto_k": k,
        "effective_size": effective,
        "largest_share": largest,
        "components": float(len(proposal.mixture) // 2),
        "drawn": float(size),
    }
    return Estimate(probability, interval, g.calls, "importance", raised, told | walked)


def _by_splitting(g: Counted, plan: Plan, judged: Drawn, walked: dict[str, float], rng: np.random.Generator) -> Estimate | None:
    """None if the margin leads to no failure. The trained proposal, however poor, is a witness of modes that splitting may miss."""
    rungs = ladder(g, plan.walkers, rng)
    if rungs is None:
        return None
    each = replicates(g, rungs, plan.runs - g.calls, rng)
    probability = float(each.mean())
    variation = float(each.std(ddof=1) / probability) if probability > 0 else np.inf
    interval = replicate_interval(each, plan.confidence)
    witness = mean_interval(judged.values, plan.confidence)
    alarms = {
        "replicates-vary": variation > 1.0 or bool(np.any(each == 0)),
        "methods-disagree": bool(witness.low > interval.high) or bool(witness.high < interval.low),
    }
    raised = tuple(name for name, on in alarms.items() if on)
    interval = interval if not raised else Interval(0.0, 1.0, plan.confidence)
    told = {"levels": float(len(rungs.levels)), "replicates": float(each.size), "variation_of_replicates": variation}
    return Estimate(probability, interval, g.calls, "splitting", raised, told | walked)


def _nothing_found(g: Counted, plan: Plan, walked: dict[str, float], rng: np.random.Generator) -> Estimate:
    """Plain runs with what is left: their upper limit is all that can be said."""
    size = max(plan.runs - g.calls, 0)
    failures = sum(int(np.count_nonzero(g(rng.standard_normal((n, g.dimension))) <= 0.0)) for n in _batches(size))
    interval = binomial(failures, size, plan.confidence, "upper" if failures == 0 else "both")
    return Estimate(failures / max(size, 1), interval, g.calls, "plain", () if failures else ("no-failure-found",), walked)


def _batches(size: int, most: int = 100_000) -> list[int]:
    return [most] * (size // most) + ([size % most] if size % most else [])
