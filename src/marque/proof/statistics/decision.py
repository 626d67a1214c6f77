"""The numbers behind a verdict: counts of each cell against its limit and against the baseline.

Three questions are asked of every cell, each with its own p-value (fixed plans) or e-value (peeking), and Holm's steps over the cells:

- is the failure probability shown to be **below the limit**?           → only then PASSED
- is it shown to be **above the limit**?                                → FAILED
- is the release shown to be **worse than the baseline** on the same cases (by more than the margin)?   → FAILED
- is it shown to fail **more often on hidden cases** than on those that everybody knew, i.e. to be fitted to these?   → FAILED

With a `margin`, PASSED also needs non-inferiority: that the probability rose by less than it. Neither shown: UNDECIDED; more runs may tell.

What it guarantees: the chance that *any* cell that is not below its limit is PASSED is ≤ α; the chance that *any* cell is FAILED that
neither exceeds its limit nor is worse than the baseline nor fitted is ≤ α, an equal share of it for each reason. Under peeking, at every
number of looks together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from marque.common import Bools, Floats
from marque.proof.statistics.comparison import fisher, log_e_difference_above, log_e_difference_below, log_e_more_often, mcnemar
from marque.proof.statistics.intervals import Interval, at_most, binomial, more_than
from marque.proof.statistics.multiplicity import bonferroni, holm
from marque.proof.statistics.risk import Strata, chernoff_interval, log_e_risk_above, log_e_risk_below, log_p_risk_above, log_p_risk_below
from marque.proof.statistics.sequential import confidence_sequence, log_e_above, log_e_below, log_e_worse


class Verdict(StrEnum):
    PASSED = "PASSED"
    FAILED = "FAILED"
    UNDECIDED = "UNDECIDED"


class Reason(StrEnum):
    """Codes; the words are the report's."""

    BELOW_LIMIT = "below-limit"
    ABOVE_LIMIT = "above-limit"
    LIMIT_NOT_SHOWN = "limit-not-shown"
    WORSE_THAN_BASELINE = "worse-than-baseline"
    WORSE_WHERE_HIDDEN = "worse-where-hidden"
    NON_INFERIOR = "non-inferior"
    NON_INFERIORITY_NOT_SHOWN = "non-inferiority-not-shown"
    NO_RUNS = "no-runs"


@dataclass(frozen=True)
class Rules:
    """Set before the first run. `peeking`: decisions may be asked for at any time; else once, after the planned runs.

    `margin`: the rise of the failure probability over the baseline's that is still accepted; None: no non-inferiority is asked for, and
    a regression of any size counts. `hidden`: a part of the cases is hidden, and it is asked whether the release is fitted to the others.
    """

    alpha: float = 0.05
    peeking: bool = False
    margin: float | None = None
    hidden: bool = False

    @property
    def of_each(self) -> float:
        """What each reason for which a cell can be FAILED may use of α."""
        return self.alpha / (3 if self.hidden else 2)


@dataclass(frozen=True)
class Counts:
    """Arrays (…, cells): failures among runs, the limit of the failure probability, and pairs with the baseline (see `comparison`).

    hidden, hidden_failures: how many of the runs, and of the failures, are of hidden cases.
    """

    runs: Floats
    failures: Floats
    limit: Floats
    worse: Floats
    better: Floats
    pairs: Floats
    hidden: Floats = field(default_factory=lambda: np.zeros(()))
    hidden_failures: Floats = field(default_factory=lambda: np.zeros(()))

    @staticmethod
    def of(
        runs: ArrayLike, failures: ArrayLike, limit: ArrayLike, worse: ArrayLike = 0, better: ArrayLike = 0, pairs: ArrayLike = 0,
        hidden: ArrayLike = 0, hidden_failures: ArrayLike = 0,
    ) -> Counts:  # fmt: skip
        """From anything that broadcasts. Raises ValueError for counts that cannot be."""
        each = (runs, failures, limit, worse, better, pairs, hidden, hidden_failures)
        n, k, m, b, c, p, h, j = np.broadcast_arrays(*(np.asarray(x, float) for x in each))
        if np.any(k < 0) or np.any(k > n) or np.any(b < 0) or np.any(c < 0) or np.any(b + c > p) or np.any((m <= 0) | (m >= 1)):
            raise ValueError("0 ≤ failures ≤ runs, worse + better ≤ pairs and 0 < limit < 1 are needed")
        if np.any(j < 0) or np.any(j > h) or np.any(j > k) or np.any(h - j > n - k):
            raise ValueError("hidden runs are among the runs, and those of them that failed among the failures")
        return Counts(n, k, m, b, c, p, h, j)


@dataclass(frozen=True)
class Shown:
    """Adjusted p-values (…, cells), each for what it is named by; ≤ α: shown."""

    below: Floats
    above: Floats
    worse: Floats
    non_inferior: Floats
    fitted: Floats


@dataclass(frozen=True)
class CellDecision:
    """One cell's verdict, with the interval of its failure probability (weighted: its risk) at confidence 1 − α, one cell for itself."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    estimate: float
    interval: Interval
    shown: dict[str, float]


@dataclass(frozen=True)
class Decision:
    """`false_pass` and `false_fail` bound the chance of any such error among all cells."""

    cells: tuple[CellDecision, ...]
    rules: Rules
    false_pass: float
    false_fail: float


def limit_p_values(counts: Counts, rules: Rules) -> tuple[Floats, Floats]:
    """p-values that show "below the limit" and "above the limit", each cell for itself: exact binomial tails, or 1/e under peeking."""
    n, k, m = counts.runs, counts.failures, counts.limit
    if rules.peeking:
        return _from_e(log_e_below(k, n, m)), _from_e(log_e_above(k, n, m))
    return at_most(k, n, m), more_than(k - 1, n, m)


def baseline_p_values(counts: Counts, rules: Rules) -> tuple[Floats, Floats]:
    """p-values that show "worse than the baseline (by more than the margin)" and "not inferior by the margin", each cell for itself."""
    b, c, n = counts.worse, counts.better, counts.pairs
    if rules.margin is not None:
        return _from_e(log_e_difference_above(b, c, n, rules.margin)), _from_e(log_e_difference_below(b, c, n, rules.margin))
    return _from_e(log_e_worse(b, c)) if rules.peeking else np.asarray(mcnemar(b, c)), np.ones_like(b)


def fitted_p_values(counts: Counts, rules: Rules) -> Floats:
    """p-values that show "fails more often where the cases were hidden", each cell for itself."""
    known, known_failures = counts.runs - counts.hidden, counts.failures - counts.hidden_failures
    if not rules.hidden:
        return np.ones_like(known)
    if rules.peeking:
        return _from_e(log_e_more_often(counts.hidden_failures, counts.hidden, known_failures, known))
    return fisher(counts.hidden_failures, counts.hidden, known_failures, known)


def shown(
    counts: Counts, rules: Rules, of_limit: tuple[Floats, Floats] | None = None, adjusted: Callable[[Floats], Floats] = holm
) -> Shown:  # fmt: skip
    """What the counts show, Holm over the last axis; `of_limit` takes the place of `limit_p_values` where cells are weighted."""
    below, above = limit_p_values(counts, rules) if of_limit is None else of_limit
    worse, non_inferior = baseline_p_values(counts, rules)
    return Shown(*(adjusted(one) for one in (below, above, worse, non_inferior, fitted_p_values(counts, rules))))


def settled(counts: Counts, rules: Rules) -> Bools:
    """Which cells (…, cells) are decided for good, whatever further runs of the others will say; under peeking.

    Each by itself at its share of α, or all of them, once Holm's steps leave none open.
    """
    passed, failed = verdicts(shown(counts, rules, adjusted=bonferroni), rules)
    all_passed, all_failed = verdicts(shown(counts, rules), rules)
    return np.asarray(passed | failed | np.all(all_passed | all_failed, axis=-1, keepdims=True))


def verdicts(told: Shown, rules: Rules) -> tuple[Bools, Bools]:
    """(passed, failed), arrays (…, cells); neither is UNDECIDED."""
    failed = (told.above <= rules.of_each) | (told.worse <= rules.of_each) | (told.fitted <= rules.of_each)
    passed = (told.below <= rules.alpha) & ~failed
    if rules.margin is not None:
        passed &= told.non_inferior <= rules.alpha
    return passed, failed


def decide(counts: Counts, rules: Rules, strata: list[Strata | None] | None = None, planned: list[Floats] | None = None) -> Decision:
    """Verdicts with reasons for the cells of one release, counts (cells,).

    `strata`: for a cell whose cases weigh unequally, its groups of equal weight, the weights summing to 1; its limit then is one of the
    exposure-weighted risk, and `planned` (needed when peeking) are the runs planned in each group.
    """
    if counts.runs.ndim != 1:
        raise ValueError("one release at a time; for many use `shown` and `verdicts`")
    told = shown(counts, rules, _of_limit(counts, rules, strata, planned))
    passed, failed = verdicts(told, rules)
    cells = tuple(_cell(i, counts, rules, told, passed, failed, strata) for i in range(counts.runs.size))
    return Decision(cells, rules, rules.alpha, rules.alpha)


def _of_limit(
    counts: Counts, rules: Rules, strata: list[Strata | None] | None, planned: list[Floats] | None
) -> tuple[Floats, Floats] | None:
    if strata is None:
        return None
    below, above = (np.array(p, float) for p in limit_p_values(counts, rules))
    for i, cell in enumerate(strata):
        if cell is None:
            continue
        limit = float(counts.limit[i])
        if not rules.peeking:
            below[i], above[i] = np.exp(log_p_risk_below(cell, limit)), np.exp(log_p_risk_above(cell, limit))
        elif planned is None:
            raise ValueError("weighted cells under peeking need the runs planned in each group")
        else:
            below[i] = np.exp(-max(log_e_risk_below(cell, planned[i], limit), 0.0))
            above[i] = np.exp(-max(log_e_risk_above(cell, planned[i], limit), 0.0))
    return below, above


def _cell(
    i: int, counts: Counts, rules: Rules, told: Shown, passed: Bools, failed: Bools, strata: list[Strata | None] | None
) -> CellDecision:
    weighted = None if strata is None else strata[i]
    n, k = float(counts.runs[i]), float(counts.failures[i])
    if weighted is not None and not rules.peeking:
        estimate, interval = weighted.estimate, chernoff_interval(weighted, 1 - rules.alpha)
    else:
        among = confidence_sequence if rules.peeking else binomial
        estimate, interval = (k / n if n else float("nan")), among(k, n, 1 - rules.alpha)
    if weighted is not None and rules.peeking:
        estimate, interval = weighted.estimate, Interval(0.0, 1.0, 1 - rules.alpha)
    verdict = Verdict.PASSED if passed[i] else Verdict.FAILED if failed[i] else Verdict.UNDECIDED
    values = {name: float(getattr(told, name)[i]) for name in ("below", "above", "worse", "non_inferior", "fitted")}
    return CellDecision(verdict, _reasons(n, values, rules), estimate, interval, values)


def _reasons(runs: float, told: dict[str, float], rules: Rules) -> tuple[Reason, ...]:
    """All that hold, what speaks against the release first."""
    below, asked = told["below"] <= rules.alpha, rules.margin is not None
    each = {
        Reason.NO_RUNS: runs == 0,
        Reason.ABOVE_LIMIT: told["above"] <= rules.of_each,
        Reason.WORSE_THAN_BASELINE: told["worse"] <= rules.of_each,
        Reason.WORSE_WHERE_HIDDEN: told["fitted"] <= rules.of_each,
        Reason.LIMIT_NOT_SHOWN: not below and told["above"] > rules.of_each,
        Reason.NON_INFERIORITY_NOT_SHOWN: asked and told["non_inferior"] > rules.alpha,
        Reason.BELOW_LIMIT: below,
        Reason.NON_INFERIOR: asked and told["non_inferior"] <= rules.alpha,
    }
    return tuple(reason for reason, holds in each.items() if holds)


def _from_e(log_e: Floats) -> Floats:
    return np.asarray(np.exp(-np.maximum(log_e, 0.0)))
