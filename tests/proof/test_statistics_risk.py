"""The risk of strata: against exact cases, and coverage by enumeration of all outcomes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from marque.proof.statistics.intervals import binomial, poisson
from marque.proof.statistics.risk import (
    Strata,
    chernoff_interval,
    dominating,
    gamma_interval,
    log_e_risk_above,
    log_e_risk_below,
    log_p_risk_above,
    log_p_risk_below,
)


def all_outcomes(runs, probabilities):
    """(failures of each stratum, probability)."""
    for failures in product(*(range(n + 1) for n in runs)):
        yield failures, float(np.prod(stats.binom.pmf(failures, runs, probabilities)))


def test_equal_weights_give_garwoods_interval():
    ours, exact = gamma_interval(Strata([0.5, 0.5], [1000, 1000], [2, 3])), poisson(5)
    assert (ours.low, ours.high) == pytest.approx((exact.low / 2000, exact.high / 2000))


def test_fay_and_feuers_interval_is_what_its_formula_says():
    strata = Strata([0.7, 0.2, 0.1], [500, 100, 50], [1, 2, 0])
    steps = np.array([0.7 / 500, 0.2 / 100, 0.1 / 50])
    y, v = steps @ [1, 2, 0], steps**2 @ [1, 2, 0]
    low = v / (2 * y) * stats.chi2.ppf(0.025, 2 * y**2 / v)
    w = steps.max()
    high = (v + w**2) / (2 * (y + w)) * stats.chi2.ppf(0.975, 2 * (y + w) ** 2 / (v + w**2))
    ours = gamma_interval(strata)
    assert (ours.low, ours.high) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("weights", "runs", "probabilities"),
    [
        ([0.5, 0.5], [12, 12], [0.1, 0.3]),
        ([0.9, 0.1], [15, 6], [0.02, 0.5]),
        ([0.2, 0.8], [20, 5], [0.3, 0.0]),
        ([0.6, 0.3, 0.1], [6, 5, 3], [0.05, 0.2, 0.6]),
    ],
)
def test_the_chernoff_p_values_keep_their_level(weights, runs, probabilities):
    """And with them the interval, whose ends are where they are α (below)."""
    truth = float(np.dot(weights, probabilities))
    outcomes = [(Strata(weights, runs, failures), chance) for failures, chance in all_outcomes(runs, probabilities) if chance > 1e-9]
    for p_value in (log_p_risk_below, log_p_risk_above):
        told = np.array([(p_value(each, truth), chance) for each, chance in outcomes])
        for alpha in (0.01, 0.1, 0.3):
            assert told[told[:, 0] <= np.log(alpha), 1].sum() <= alpha + 1e-9


def test_without_any_failure_the_upper_limit_is_that_of_the_worst_stratum():
    ours = chernoff_interval(Strata([0.5, 0.5], [1000, 100], [0, 0]), 0.95, "upper")
    grid = np.linspace(0, 0.06, 20001)  # all risk in the stratum of which least is known, or shared: the worst that (1−p)^n still allows
    shares = np.linspace(0, 1, 101)
    allowed = [r for r in grid[::10] if np.max(1000 * np.log1p(-2 * r * shares) + 100 * np.log1p(-2 * r * (1 - shares))) >= np.log(0.05)]
    assert ours.high == pytest.approx(max(allowed), rel=2e-2)
    assert ours.low == 0.0


def test_one_stratum_is_never_shorter_than_exact_and_not_much_longer():
    for k in (0, 1, 5, 40):
        ours, exact = chernoff_interval(Strata([1.0], [1000], [k]), 0.95), binomial(k, 1000)
        assert ours.high >= exact.high - 1e-9
        assert ours.low <= exact.low + 1e-9
        assert ours.high - ours.low <= 1.35 * (exact.high - exact.low)


strata = st.lists(st.tuples(st.floats(0.01, 1), st.integers(1, 300), st.floats(0, 1)), min_size=1, max_size=5).map(
    lambda rows: Strata([w for w, _, _ in rows], [n for _, n, _ in rows], [round(n * f) for _, n, f in rows])
)


@settings(max_examples=8)
@given(strata)
def test_every_interval_lies_around_the_estimate(each):
    for interval in (gamma_interval(each), chernoff_interval(each)):
        assert interval.low <= each.estimate + 1e-9
        assert interval.high >= each.estimate - 1e-9


@settings(max_examples=8)
@given(strata)
def test_the_chernoff_ends_are_where_its_p_values_are_alpha(each):
    low, high = (chernoff_interval(each, 0.9, side) for side in ("lower", "upper"))
    if high.high < each.weight.sum() * (1 - 1e-6):
        assert log_p_risk_below(each, float(high.high) * (1 + 1e-6)) == pytest.approx(np.log(0.1), abs=1e-3)
    if low.low > 1e-9:
        assert log_p_risk_above(each, float(low.low) * (1 - 1e-6)) == pytest.approx(np.log(0.1), abs=1e-3)


def test_the_e_value_of_a_risk_at_the_limit_is_at_most_one_on_average():
    weights, probabilities, runs = [0.7, 0.3], [0.1, 0.4], [8, 6]
    limit = float(np.dot(weights, probabilities))
    planned = np.array([20.0, 10.0])
    for e_value in (log_e_risk_below, log_e_risk_above):
        mean = sum(chance * np.exp(e_value(Strata(weights, runs, k), planned, limit)) for k, chance in all_outcomes(runs, probabilities))
        assert 0.1 < mean <= 1.0 + 1e-9


def test_e_values_grow_when_the_risk_is_far_from_the_limit():
    planned = np.array([1000.0, 500.0])
    safe, unsafe = Strata([0.6, 0.4], [1000, 500], [1, 0]), Strata([0.6, 0.4], [1000, 500], [90, 40])
    assert log_e_risk_below(safe, planned, 0.02) > np.log(1000)
    assert log_e_risk_above(unsafe, planned, 0.02) > np.log(1000)
    assert log_e_risk_below(unsafe, planned, 0.02) < 0 > log_e_risk_above(safe, planned, 0.02)


def test_weight_without_runs_is_all_risk_above_and_none_below():
    unseen = Strata([0.8, 0.2], [1000, 0], [0, 0])
    assert chernoff_interval(unseen, 0.95).high > 0.2
    assert gamma_interval(unseen).high == np.inf
    assert log_p_risk_below(unseen, 0.1) == 0.0
    assert log_p_risk_above(unseen, 0.1) == 0.0


def test_the_cells_that_dominate_are_named_first():
    told = dominating(Strata([0.9, 0.1, 0.0], [100_000, 100, 10], [9, 0, 5]))
    assert [cell for cell, _, _ in told] == [1, 0, 2]
    assert told[1][1] == 1.0
    assert sum(share for _, _, share in told) == pytest.approx(1.0)


def test_strata_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="failures"):
        Strata([1.0], [1], [2])
    with pytest.raises(ValueError, match="same strata"):
        Strata([1.0], [1, 2], [0])
