"""Release against baseline, and how many pairs it takes; against scipy and exact enumeration of all outcomes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from marque.proof.statistics import power
from marque.proof.statistics.comparison import (
    count_pairs,
    difference,
    fisher,
    log_e_difference_above,
    log_e_difference_below,
    log_e_more_often,
    mcnemar,
    permutation,
)
from marque.proof.statistics.intervals import binomial
from marque.proof.statistics.multiplicity import bonferroni, holm, holm_factors
from marque.proof.statistics.sequential import log_e_above, log_e_below

few = st.integers(0, 40)


@given(few, few)
def test_mcnemar_is_the_binomial_test_of_the_pairs_that_differ(worse, better):
    theirs = stats.binomtest(worse, worse + better, 0.5, "greater").pvalue if worse + better else 1.0
    assert mcnemar(worse, better) == pytest.approx(theirs, rel=1e-9)


def test_pairs_are_counted_in_their_cells():
    release, baseline, cell = np.array([1, 1, 0, 0, 1], bool), np.array([0, 1, 1, 0, 0], bool), np.array([0, 0, 0, 2, 2])
    told = count_pairs(release, baseline, cell, 3)
    assert (told.worse.tolist(), told.better.tolist(), told.pairs.tolist()) == ([1, 0, 1], [1, 0, 0], [3, 0, 2])
    with pytest.raises(ValueError, match="same cases"):
        count_pairs(release, baseline[:4])


def outcomes(n, worse, better):
    """(worse, better, probability) of all counts of n pairs."""
    for b, c in product(range(n + 1), repeat=2):
        if b + c <= n:
            yield b, c, stats.multinomial.pmf([b, c, n - b - c], n, [worse, better, 1 - worse - better])


@pytest.mark.parametrize(("worse", "better"), [(0.1, 0.0), (0.3, 0.2), (0.5, 0.4)])
def test_a_rise_by_the_margin_is_called_non_inferior_no_more_often_than_alpha(worse, better):
    n, margin = 40, worse - better
    each = np.array(list(outcomes(n, worse, better)))
    called = log_e_difference_below(each[:, 0], each[:, 1], n, margin) >= np.log(20)
    assert each[called, 2].sum() <= 0.05
    called = log_e_difference_above(each[:, 0], each[:, 1], n, margin) >= np.log(20)
    assert each[called, 2].sum() <= 0.05


@pytest.mark.parametrize(("worse", "better"), [(0.02, 0.0), (0.1, 0.1), (0.0, 0.3)])
def test_the_interval_of_the_difference_covers_it(worse, better):
    n = 30
    each = np.array(list(outcomes(n, worse, better)))
    assert each[difference(each[:, 0], each[:, 1], n, 0.9).holds(worse - better), 2].sum() >= 0.9


@settings(max_examples=30)
@given(few, few, st.integers(0, 2000))
def test_the_interval_of_the_difference_lies_around_it(worse, better, alike):
    n = worse + better + alike
    band = difference(worse, better, n)
    assert -1 <= band.low <= (worse - better) / max(n, 1) + 1e-9
    assert (worse - better) / max(n, 1) - 1e-9 <= band.high <= 1


def test_the_permutation_test_of_few_pairs_counts_all_sign_patterns():
    d = np.array([0.3, -0.1, 0.7, 0.2, 0.05, 0.4])
    means = [np.mean(np.array(signs) * np.abs(d)) for signs in product([-1, 1], repeat=6)]
    assert permutation(d) == pytest.approx(np.mean(np.array(means) >= d.mean() - 1e-12))


def test_the_permutation_test_keeps_its_level_and_finds_a_shift():
    rng = np.random.default_rng(5)
    null = [permutation(rng.standard_t(3, 60) + 0.2, margin=0.2, resamples=199, seed=i) for i in range(150)]
    assert np.mean(np.array(null) <= 0.1) <= stats.binom.ppf(0.999, 150, 0.1) / 150
    assert permutation(rng.standard_normal(200) + 0.5, margin=0.2) < 0.01
    assert permutation(np.zeros(10)) == 1.0


@given(st.floats(1e-6, 0.5), st.integers(0, 5))
def test_the_runs_to_show_a_limit_are_the_fewest_that_do(limit, failures):
    n = power.runs_to_show(limit, 0.05, failures)
    assert binomial(failures, n, 0.95, "upper").high <= limit * (1 + 1e-9)
    assert n == failures + 1 or binomial(failures, n - 1, 0.95, "upper").high > limit * (1 - 1e-9)


@pytest.mark.parametrize(("n", "p", "limit"), [(300, 0.001, 0.01), (2000, 0.005, 0.01), (50, 0.01, 0.3)])
def test_power_is_the_chance_of_counts_whose_upper_limit_is_low_enough(n, p, limit):
    k = np.arange(n + 1)
    shows = binomial(k, n, 0.95, "upper").high <= limit
    assert power.power_to_show(n, p, limit) == pytest.approx(stats.binom.pmf(k, n, p)[shows].sum(), rel=1e-9)
    assert power.power_to_show(power.runs_for_power(p, limit, power=0.9), p, limit) >= 0.9


def test_peeking_costs_runs_and_the_power_foretold_is_reached():
    fixed, peeking = power.runs_for_power(0.002, 0.01), power.runs_for_power_under_peeking(0.002, 0.01)
    assert fixed < peeking < 3 * fixed
    assert power.power_under_peeking(peeking, 0.002, 0.01) >= 0.9
    with pytest.raises(ValueError, match="below the limit"):
        power.runs_for_power_under_peeking(0.02, 0.01)


def test_the_power_to_find_a_regression_is_that_of_all_outcomes():
    n, worse, better = 60, 0.2, 0.05
    exact = sum(chance for b, c, chance in outcomes(n, worse, better) if mcnemar(b, c) <= 0.05)
    assert power.power_to_find(n, worse, better) == pytest.approx(exact, abs=1e-9)
    found = power.pairs_to_find(worse, better)
    assert power.power_to_find(found, worse, better) >= 0.95
    with pytest.raises(ValueError, match="regression"):
        power.pairs_to_find(0.1, 0.2)


sample = st.tuples(few, few).map(sorted)


@given(sample, sample)
def test_two_samples_are_compared_as_fisher_did(here, there):
    (k, n), (j, m) = here, there
    expected = stats.fisher_exact([[k, n - k], [j, m - j]], alternative="greater").pvalue if n and m else 1.0
    assert fisher(k, n, j, m) == pytest.approx(expected, rel=1e-9)


@given(sample, sample)
def test_the_two_sample_e_value_is_the_least_product_of_both_sides(here, there):
    (k, n), (j, m) = here, there
    between = special.expit(np.linspace(-16, 16, 4001))
    dense = np.min(log_e_above(k, n, between) + log_e_below(j, m, between))
    assert log_e_more_often(k, n, j, m) == pytest.approx(dense, abs=2e-3)
    assert log_e_more_often(k, n, j, m) <= dense + 1e-9


@pytest.mark.parametrize(("here", "there"), [(0.02, 0.02), (0.2, 0.2), (0.1, 0.3)])
def test_a_two_sample_e_value_is_one_at_most_on_average_where_these_runs_fail_no_more_often(here, there):
    n, m = 30, 60
    k, j = np.arange(n + 1)[:, None], np.arange(m + 1)[None, :]
    chance = stats.binom.pmf(k, n, here) * stats.binom.pmf(j, m, there)
    assert (chance * np.exp(log_e_more_often(k, n, j, m))).sum() <= 1.0


p_values = st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=8)


@given(p_values, st.floats(0.01, 0.2))
def test_the_factor_of_a_p_value_decides_as_holms_steps_do(values, alpha):
    factors = holm_factors(values, alpha)
    adjusted = np.asarray(values) * factors
    sure = np.abs(holm(values) - alpha) > 1e-12
    assert ((adjusted <= alpha) == (holm(values) <= alpha))[sure].all()
    assert (holm(values) <= bonferroni(values)).all()
    assert ((factors >= 1) & (factors <= len(values))).all()
