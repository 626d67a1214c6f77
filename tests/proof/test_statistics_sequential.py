"""Stopping when one likes: martingales proven by exact recursion over all paths, not by luck."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from marque.proof.statistics import betting, multiplicity
from marque.proof.statistics.sequential import PRIOR, Sprt, confidence_sequence, log_e_above, log_e_below, log_e_worse

probabilities = st.floats(1e-4, 0.9)


def ever(rejects, n, p):
    """P(a path of n runs with failure probability p is rejected at any time): exact, by the number of paths still alive at each count."""
    alive, lost = np.array([1.0]), 0.0
    for t in range(1, n + 1):
        alive = np.append(alive * (1 - p), 0.0) + np.append(0.0, alive * p)
        out = rejects(np.arange(t + 1), t)
        lost += alive[out].sum()
        alive = np.where(out, 0.0, alive)
    return lost


@pytest.mark.parametrize("limit", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_looking_after_every_run_passes_a_release_at_the_limit_no_more_often_than_alpha(limit, alpha):
    chance = ever(lambda k, t: log_e_below(k, t, limit) >= -np.log(alpha), 800, limit)
    assert alpha / 20 < chance <= alpha, "and it is no empty promise"


def test_a_release_beyond_the_limit_is_passed_still_less_often():
    at, beyond = (ever(lambda k, t: log_e_below(k, t, 0.05) >= np.log(20), 400, p) for p in (0.05, 0.06))
    assert beyond < at


@given(st.integers(0, 60), st.integers(0, 60), probabilities)
def test_the_e_process_is_a_martingale_at_the_limit(k, passes, limit):
    n = k + passes
    now, failed, passed = log_e_below(k, n, limit), log_e_below(k + 1, n + 1, limit), log_e_below(k, n + 1, limit)
    assert limit * np.exp(failed) + (1 - limit) * np.exp(passed) == pytest.approx(np.exp(now), rel=1e-8)


@pytest.mark.parametrize(("k", "n", "limit"), [(0, 50, 0.1), (3, 50, 0.1), (9, 50, 0.1), (30, 40, 0.3)])
def test_the_e_value_is_the_mixture_of_likelihood_ratios(k, n, limit):
    prior = stats.beta(*PRIOR)
    ratio = lambda q: np.exp(k * np.log(q / limit) + (n - k) * np.log((1 - q) / (1 - limit))) * prior.pdf(q) / prior.cdf(limit)  # noqa: E731
    assert log_e_below(k, n, limit) == pytest.approx(np.log(integrate.quad(ratio, 0, limit, limit=200)[0]), abs=1e-5)


def test_far_beyond_the_limit_the_e_value_is_right_where_plain_functions_underflow():
    limit, n, prior = 1e-3, 100_000, stats.beta(*PRIOR)
    nearness = np.linspace(0, 0.1, 200_001)  # q = limit · exp(−nearness): only there is the ratio not vanishing
    q = limit * np.exp(-nearness)
    for k in (5_000, 50_000):
        ratio = np.exp(k * np.log(q / limit) + (n - k) * (np.log1p(-q) - np.log1p(-limit)))
        exact = np.log(integrate.simpson(ratio * prior.pdf(q) * q, x=nearness) / prior.cdf(limit))
        assert exact - 3e-2 < log_e_below(k, n, limit) < exact + 1e-6


def test_an_e_value_of_nothing_is_one():
    assert log_e_below(0, 0, 0.1) == 0.0
    assert log_e_worse(0, 0) == 0.0
    assert log_e_below(0, 10, 0.0) == 0.0


@pytest.mark.parametrize("p", [0.02, 0.3])
def test_the_confidence_sequence_holds_at_all_times_together(p):
    most = 150
    runs = np.arange(most + 1)[:, None]
    holds = confidence_sequence(np.minimum(np.arange(most + 1), runs), runs, 0.8).holds(p)
    assert 0.0 < ever(lambda k, t: ~holds[t, k], most, p) <= 0.2


@settings(max_examples=40)
@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_ends_of_the_confidence_sequence_are_just_refuted(count):
    k, n = count
    band = confidence_sequence(k, n, 0.95)
    assert band.low <= k / n <= band.high
    if k < n and band.high < 1:
        assert log_e_below(k, n, band.high) >= np.log(40) - 1e-6
    if k > 0:
        assert log_e_above(k, n, band.low) >= np.log(40) - 1e-3


def test_pairs_that_differ_like_coins_are_called_worse_no_more_often_than_alpha():
    assert ever(lambda b, t: log_e_worse(b, t - b) >= np.log(20), 500, 0.5) <= 0.05


def test_walds_test_keeps_both_errors_and_foretells_its_length():
    test = Sprt(0.10, 0.14, 0.05, 0.1)
    for p, wrong, allowed in ((test.bad, "good", test.alpha), (test.good, "bad", test.beta)):
        alive, length, lost = np.array([1.0]), 0.0, 0.0
        for t in range(1, 4001):
            length += alive.sum()
            alive = np.append(alive * (1 - p), 0.0) + np.append(0.0, alive * p)
            ratio = test.log_ratio(np.arange(t + 1), t)
            good, bad = ratio >= -np.log(test.alpha), ratio <= np.log(test.beta)
            lost += alive[good if wrong == "good" else bad].sum()
            alive = np.where(good | bad, 0.0, alive)
        assert alive.sum() < 1e-6
        assert allowed / 2 < lost <= allowed
        assert test.expected_runs(p) == pytest.approx(length, rel=0.1)


def test_walds_test_decides():
    test = Sprt(0.01, 0.05, 0.05, 0.1)
    assert (test.decide(0, 10), test.decide(0, 200), test.decide(9, 10)) == ("more", "good", "bad")
    with pytest.raises(ValueError, match="good"):
        Sprt(0.2, 0.1)


def test_betting_against_a_mean_is_fair_at_the_mean():
    """Every bet is: the expected capital after one more value of mean m is what it was."""
    values, chances, m = np.array([0.0, 0.2, 1.0]), np.array([0.6, 0.3, 0.1]), 0.16
    for past in ([], [0.2, 0.0, 1.0]):
        now = np.exp(betting.log_e_mean_below(np.array(past), m)) if past else 1.0
        after = sum(c * np.exp(betting.log_e_mean_below(np.array([*past, v]), m)) for v, c in zip(values, chances, strict=True))
        assert after == pytest.approx(now, rel=1e-9)


def test_the_interval_of_a_bounded_mean_holds_it_and_closes_in():
    rng = np.random.default_rng(1)
    widths = []
    for n in (50, 500, 2500):
        intervals = [betting.mean_interval(10 + 5 * rng.beta(0.3, 3.0, n), (10.0, 15.0)) for _ in range(8)]
        truth = 10 + 5 * 0.3 / 3.3
        assert sum(bool(each.holds(truth)) for each in intervals) >= 7
        widths.append(np.mean([each.high - each.low for each in intervals]))
    assert widths[0] > 2 * widths[1] > 3 * widths[2]


def test_running_capital_ends_where_the_final_one_stands():
    x = np.random.default_rng(2).random((3, 40))
    assert betting.log_e_mean_above(x, 0.4, running=True)[:, -1] == pytest.approx(betting.log_e_mean_above(x, 0.4))


def test_values_outside_the_bounds_named_are_refused():
    with pytest.raises(ValueError, match="bounds"):
        betting.mean_interval([0.5, 1.5], (0.0, 1.0))


p_values = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def holm_by_the_book(p, alpha):
    """Step down: reject the smallest while each is ≤ α over the number left."""
    rejected = set()
    for step, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if p[i] > alpha / (len(p) - step):
            break
        rejected.add(i)
    return rejected


@given(p_values)
def test_holm_rejects_what_its_steps_reject(p):
    assert {i for i, adjusted in enumerate(multiplicity.holm(p)) if adjusted < 0.05} == holm_by_the_book(p, 0.05 - 1e-12)


@given(p_values)
def test_hochberg_is_between_holm_and_no_adjustment(p):
    ours = multiplicity.hochberg(p)
    assert np.all(ours <= multiplicity.holm(p) + 1e-15)
    assert np.all(ours >= np.array(p) - 1e-15)


@given(st.lists(st.floats(-5, 12), min_size=1, max_size=8))
def test_e_bh_rejects_by_its_definition(log_e):
    ours = multiplicity.e_benjamini_hochberg(log_e, 0.1)
    e, count = np.exp(log_e), len(log_e)
    allowed = [k for k in range(1, count + 1) if np.sum(e >= count / (0.1 * k)) >= k]
    assert ours.sum() >= max(allowed, default=0)
    assert np.all(e[ours] >= count / (0.1 * max(ours.sum(), 1)) - 1e-9)


def test_adjusting_works_along_the_last_axis():
    p = np.random.default_rng(3).random((5, 4, 6))
    assert np.array_equal(multiplicity.holm(p)[2, 1], multiplicity.holm(p[2, 1]))
    assert np.array_equal(multiplicity.e_holm(-np.log(p)), multiplicity.holm(np.exp(np.log(p))))
