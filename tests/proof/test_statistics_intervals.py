"""Exact intervals, against scipy's own, direct summation, and full enumeration of what they cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from marque.proof.statistics.intervals import binomial, poisson, rate

counts = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
confidences = st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.9999])


@given(counts, confidences, st.sampled_from(["both", "upper", "lower"]))
def test_the_binomial_interval_is_that_of_scipy(count, confidence, side):
    k, n = count
    alternative = {"both": "two-sided", "upper": "less", "lower": "greater"}[side]
    theirs = stats.binomtest(k, n, alternative=alternative).proportion_ci(confidence, method="exact")
    ours = binomial(k, n, confidence, side)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-7, abs=1e-12)


@given(counts, confidences)
def test_at_the_ends_of_the_binomial_interval_the_tails_are_what_is_left_of_the_confidence(count, confidence):
    k, n = count
    ours = binomial(k, n, confidence)
    if k > 0:
        assert stats.binom.sf(k - 1, n, ours.low) == pytest.approx((1 - confidence) / 2, rel=1e-6)
    if k < n:
        assert stats.binom.cdf(k, n, ours.high) == pytest.approx((1 - confidence) / 2, rel=1e-6)


def covered(n, p, interval):
    return float(stats.binom.pmf(np.arange(n + 1), n, p)[interval.holds(p)].sum())


@pytest.mark.parametrize("n", [1, 2, 7, 30, 101])
def test_clopper_pearson_covers_what_it_says_at_every_probability(n):
    for side in ("both", "upper", "lower"):
        interval = binomial(np.arange(n + 1), n, 0.9, side)
        assert min(covered(n, p, interval) for p in np.linspace(0, 1, 501)) >= 0.9 - 1e-12


def test_mid_p_covers_on_average_and_is_shorter():
    n, grid = 40, np.linspace(0.001, 0.999, 999)
    exact, mid = binomial(np.arange(n + 1), n, 0.95), binomial(np.arange(n + 1), n, 0.95, mid_p=True)
    assert np.all(mid.high - mid.low < exact.high - exact.low)
    assert 0.945 < np.mean([covered(n, p, mid) for p in grid]) < np.mean([covered(n, p, exact) for p in grid])


@given(counts)
def test_mid_p_ends_halve_the_probability_of_the_count_seen(count):
    k, n = count
    ours = binomial(k, n, 0.95, mid_p=True)
    if 0 < k < n:
        assert stats.binom.sf(k, n, ours.low) + stats.binom.pmf(k, n, ours.low) / 2 == pytest.approx(0.025, rel=1e-5)
        assert stats.binom.cdf(k - 1, n, ours.high) + stats.binom.pmf(k, n, ours.high) / 2 == pytest.approx(0.025, rel=1e-5)


def test_no_failure_still_has_an_upper_limit():
    assert binomial(0, 299, 0.95, "upper").high == pytest.approx(1 - 0.05 ** (1 / 299))
    assert poisson(0, 0.95, "upper").high == pytest.approx(-np.log(0.05))
    assert rate(0, 1e6, 0.95, "upper").high == pytest.approx(2.995732e-6)


def test_what_was_not_run_is_not_known():
    assert (binomial(0, 0).low, binomial(0, 0).high) == (0.0, 1.0)
    assert (binomial(0, 0, mid_p=True).low, binomial(0, 0, mid_p=True).high) == (0.0, 1.0)
    assert (rate(0, 0.0).low, rate(0, 0.0).high) == (0.0, np.inf)


@given(st.integers(0, 5000), confidences)
def test_at_the_ends_of_garwoods_interval_the_tails_are_what_is_left(k, confidence):
    ours = poisson(k, confidence)
    assert stats.poisson.cdf(k, ours.high) == pytest.approx((1 - confidence) / 2, rel=1e-6)
    if k:
        assert stats.poisson.sf(k - 1, ours.low) == pytest.approx((1 - confidence) / 2, rel=1e-6)


def test_garwood_covers_what_it_says_at_every_mean():
    interval = poisson(np.arange(120), 0.95)
    for mean in np.linspace(0.01, 40, 400):
        assert stats.poisson.pmf(np.arange(120), mean)[interval.holds(mean)].sum() >= 0.95 - 1e-9


def test_arrays_broadcast_and_scalars_stay_scalars():
    assert binomial([0, 1], [[10], [20]]).high.shape == (2, 2)
    assert float(binomial(1, 10).high) == binomial([1], [10]).high[0]


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 2), (0.5, 2)])
def test_counts_that_are_none_are_refused(k, n):
    with pytest.raises(ValueError, match="whole numbers"):
        binomial(k, n)


def test_other_nonsense_is_refused():
    with pytest.raises(ValueError, match="confidence"):
        binomial(1, 2, 1.0)
    with pytest.raises(ValueError, match="exposure"):
        rate(1, 0.0)
