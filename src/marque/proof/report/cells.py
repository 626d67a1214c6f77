"""Cells of the domain with their intervals, and the risk over all that are claimed. The mathematics is `proof.statistics`'."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from marque.proof.evidence import Summary, Verdict
from marque.proof.gate import GateRules
from marque.proof.report.facts import CellFacts, RiskFacts
from marque.proof.report.runs import CellRuns, paired
from marque.proof.statistics import Interval, Strata, intervals
from marque.proof.statistics.risk import chernoff_interval, dominating
from marque.proof.statistics.sequential import confidence_sequence
from marque.proof.suites import Suite

_NOTHING = CellRuns()


def exposures(found: Mapping[str, CellRuns], suites: Sequence[Suite]) -> dict[str, float]:
    """By cell, its share of what is driven, as the cases' weights say; of a cell without a case, as the suites say, when they are known."""
    total = max(1.0, sum(one.exposure for one in found.values()))
    known: dict[str, float] = {}
    for suite in suites:
        for name, cell in suite.cells.items():
            known.setdefault(name, cell.exposure)
    return known | {cell: round(one.exposure / total, 9) for cell, one in found.items()}  # thousands of weights add up to less than 1


def cells_of(
    rules: GateRules,
    summary: Summary,
    found: Mapping[str, CellRuns],
    driven: Mapping[str, float],
    suites: Sequence[Suite],
    before: Mapping[str, CellRuns],
    verdicts_before: Sequence[Verdict],
) -> tuple[CellFacts, ...]:
    """Of each cell that has a verdict, those with a limit first, what is driven most first. before: the baseline's runs, {} without one."""
    odd = {name: dict(cell.odd) for suite in suites for name, cell in suite.cells.items()}
    open_ = _unknown(rules, found, driven)
    then = {one.cell: one.answer for one in verdicts_before}
    told = []
    for verdict in summary.verdicts:
        cell, runs = verdict.cell, found.get(verdict.cell, _NOTHING)
        count, failures = runs.counted
        told.append(
            CellFacts(
                cell=cell,
                odd=odd.get(cell, {}),
                exposure=driven.get(cell, 0.0),
                answer=verdict.answer,
                reasons=verdict.reasons,
                counts=runs.outcomes,
                planned=rules.least_runs.get(cell),
                limit=rules.limits.get(cell),
                share=_share(rules, failures, count) if count else None,
                unknown=open_.get(cell, 0.0),
                baseline=paired(rules, runs, before[cell]) if cell in before else None,
                before=then.get(cell),
                excused=runs.excused,
                unpreventable=runs.unpreventable,
                forgiven=runs.forgiven,
                hidden=runs.hidden,
            )
        )
    return tuple(sorted(told, key=lambda one: (one.limit is None, -one.exposure, _natural(one.cell))))


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts `cell 2` before `cell 10`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def risk_of(rules: GateRules, found: Mapping[str, CellRuns], driven: Mapping[str, float]) -> RiskFacts | None:
    """None where it is not known how much is driven in a claimed cell, or in none of them anything."""
    strata, _ = _strata(rules, found, driven)
    if strata is None:
        return None
    estimate = strata.estimate
    interval = _together(rules, strata) if rules.stopping == "sequential" else chernoff_interval(strata, rules.confidence)
    return RiskFacts(
        None if np.isnan(estimate) else estimate,
        interval,
        sum(driven[cell] for cell in rules.limits),
    )


def _share(rules: GateRules, failures: int, count: int) -> Interval:
    """Of a campaign that may have stopped early, one that holds whenever it did."""
    among = confidence_sequence if rules.stopping == "sequential" else intervals.binomial
    return among(failures, count, rules.confidence)


def _together(rules: GateRules, strata: Strata) -> Interval:
    """The weighted ends of intervals of the strata that hold together whenever one looks: each has its part of what may go wrong."""
    each = confidence_sequence(strata.failures, strata.runs, 1.0 - rules.alpha / strata.runs.size)
    return Interval(float(strata.weight @ each.low), float(strata.weight @ each.high), rules.confidence)


def _unknown(rules: GateRules, found: Mapping[str, CellRuns], driven: Mapping[str, float]) -> dict[str, float]:
    """By cell, its part of what is not known of the risk."""
    strata, cells = _strata(rules, found, driven)
    parts: dict[str, float] = {}
    for stratum, _, share in dominating(strata, rules.confidence) if strata is not None else ():
        parts[cells[stratum]] = parts.get(cells[stratum], 0.0) + share
    return parts


def _strata(rules: GateRules, found: Mapping[str, CellRuns], driven: Mapping[str, float]) -> tuple[Strata | None, list[str]]:
    """Cases of a cell that weigh the same are a stratum; the claimed cells together weigh 1. With it, the cell of each stratum."""
    claimed = sorted(rules.limits)
    whole = sum(driven.get(cell, 0.0) for cell in claimed)
    if whole <= 0.0 or any(cell not in driven for cell in claimed):
        return None, []
    rows: list[tuple[str, float, int, int]] = []
    for cell in claimed:
        groups = found.get(cell, _NOTHING).by_weight or {1.0: (0, 0)}
        weighs = sum(weight * runs for weight, (runs, _) in groups.items())
        for weight, (runs, failures) in sorted(groups.items()):
            share = weight * runs / weighs if weighs else 1.0 / len(groups)
            rows.append((cell, driven[cell] / whole * share, runs, failures))
    _, weight_, runs_, failures_ = zip(*rows, strict=True)
    return Strata(np.array(weight_), np.array(runs_), np.array(failures_)), [row[0] for row in rows]
