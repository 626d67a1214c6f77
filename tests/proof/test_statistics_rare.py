"""Rare failures: the parts against what they must be, the whole against formulas."""

from __future__ import annotations

import numpy as np
import openturns as ot
import pytest
from scipy import stats

from marque.proof.statistics.rare import Plan, effective_size, estimate, pareto_k, search, standard
from marque.proof.statistics.rare.explore import by_levels, by_scale, systematic
from marque.proof.statistics.rare.importance import Proposal, draw, log_normal_density, mean_interval
from marque.proof.statistics.rare.limit_state import Counted
from marque.proof.statistics.rare.mixture import Mixture, fit, widened
from marque.proof.statistics.rare.splitting import ladder, replicate, replicate_interval


def opposite(u):
    """Two design points on opposite sides; the second has the steeper margin."""
    return np.minimum(4.4 - u[:, 0], 3 * (4.5 + u[:, 0]))


OPPOSITE = stats.norm.sf(4.4) + stats.norm.sf(4.5)


def test_two_failure_modes_are_estimated_with_an_interval_and_every_call_counted():
    calls = 0

    def counted(u):
        nonlocal calls
        calls += len(u)
        return opposite(u)

    told = estimate(counted, 2, seed=1)
    assert told.claims
    assert told.interval.holds(OPPOSITE)
    assert told.interval.high - told.interval.low < 0.1 * OPPOSITE
    assert told.calls == calls < Plan().runs


def test_an_estimate_is_that_of_its_seed():
    first, again, other = (estimate(opposite, 2, seed) for seed in (7, 7, 8))
    assert (first.probability, first.calls) == (again.probability, again.calls)
    assert first.probability != other.probability


def test_pass_or_fail_is_enough():
    told = estimate(lambda u: np.abs(u[:, 0]) > 4.5, 4, seed=3)
    assert told.claims
    assert told.interval.holds(2 * stats.norm.sf(4.5))


def test_a_margin_that_leads_away_from_the_likelier_mode_does_not_hide_it():
    """Near the middle the margin falls along the second input, where failures are ten times rarer than along the first."""
    margin = lambda u: np.minimum(np.where(u[:, 0] > 4.0, 4.3 - u[:, 0], 2.0), 0.4 * (4.8 - u[:, 1]))  # noqa: E731
    told = estimate(margin, 2, seed=5)
    assert told.claims
    assert told.interval.holds(1 - stats.norm.cdf(4.3) * stats.norm.cdf(4.8))


@pytest.mark.parametrize("inputs", [20, pytest.param(60, marks=pytest.mark.slow)])
def test_many_inputs_do_not_drown_the_few_that_matter(inputs):
    told = estimate(lambda u: 4.5 - u.sum(axis=1) / np.sqrt(inputs), inputs, seed=2)
    assert told.claims
    assert told.interval.low < stats.norm.sf(4.5) * 1.02
    assert told.interval.high > stats.norm.sf(4.5) * 0.98


def test_physical_inputs_are_those_of_openturns():
    inputs = ot.JointDistribution([ot.Exponential(1.0), ot.Exponential(1.0), ot.Exponential(1.0)])
    function, dimension = standard(lambda x: 19.0 - x.sum(axis=1), inputs)
    told = estimate(function, dimension, seed=4)
    truth = stats.gamma.sf(19.0, 3)
    assert told.probability == pytest.approx(truth, rel=0.15)
    assert not told.claims or told.interval.low < truth * 1.05


def test_what_never_fails_is_an_alarm_and_an_upper_limit():
    told = estimate(lambda u: np.ones(len(u)), 2, seed=1, plan=Plan(runs=20_000))
    assert told.alarms == ("no-failure-found",)
    assert not told.claims
    assert 0.0 == told.interval.low < told.interval.high < 1e-3
    assert told.calls <= 20_000


def test_a_common_failure_is_no_exception():
    told = estimate(lambda u: 1.0 - u[:, 0], 2, seed=1)
    assert told.claims
    assert told.interval.holds(stats.norm.sf(1.0))


def test_an_answer_that_never_came_is_a_failure():
    told = estimate(lambda u: np.where(u[:, 0] > 2.0, np.nan, 1.0), 2, seed=1)
    assert told.interval.holds(stats.norm.sf(2.0))


def test_a_limit_state_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="one margin a point"):
        estimate(lambda u: u, 2, seed=1)
    with pytest.raises(ValueError, match="nothing for the estimate"):
        Plan(runs=5000)


def test_a_narrow_proposal_raises_the_alarm_of_its_weights():
    """A proposal far narrower than the failures it stands among: its own draws look fine but for the tail."""
    narrow = Mixture(np.array([1.0]), np.array([[4.5, 0.0]]), 0.35 * np.eye(2)[None])
    drawn = draw(Counted(lambda u: 4.0 - u[:, 0], 2), Proposal(narrow, 9.0, 1e-12), 20_000, np.random.default_rng(1))
    assert pareto_k(drawn.values) > 0.7
    wide = draw(Counted(lambda u: 4.0 - u[:, 0], 2), Proposal(widened(narrow), 4.0, 0.1), 20_000, np.random.default_rng(1))
    assert pareto_k(wide.values) < 0.5


@pytest.mark.parametrize("k", [0.2, 0.5, 0.9, 1.5])
def test_the_tail_index_is_that_of_the_pareto_distribution_drawn_from(k):
    found = [pareto_k(stats.genpareto.rvs(k, size=20_000, random_state=seed) + 1e-9) for seed in range(10)]
    assert np.mean(found) == pytest.approx(k, abs=0.12)


def test_bounded_and_equal_weights_have_no_tail():
    assert pareto_k(np.random.default_rng(1).random(5000)) < 0.0
    assert pareto_k(np.ones(1000)) == -np.inf
    assert pareto_k(np.zeros(10)) == np.inf
    assert effective_size([1, 1, 1, 0]) == 3.0


def test_a_proposal_is_a_density_and_draws_as_it_says():
    """E[φ/q] = 1 over draws of q, where q reaches; and the share outside is as named."""
    proposal = Proposal(Mixture(np.array([0.3, 0.7]), np.array([[0.5, 0.0], [-0.5, 0.3]]), np.stack([1.3 * np.eye(2)] * 2)), 2.0, 0.25)
    points = proposal.draw(200_000, np.random.default_rng(2))
    log_q = np.logaddexp.reduce(proposal.log_parts(points), axis=1)
    ratio = np.exp(log_normal_density(points) - log_q)
    assert ratio.mean() == pytest.approx(1.0, abs=4 * ratio.std() / np.sqrt(ratio.size))
    posterior_outside = np.exp(proposal.log_parts(points)[:, -1] - log_q)
    assert posterior_outside.mean() == pytest.approx(0.25, abs=0.005)


def test_as_many_components_are_fitted_as_there_are_clusters():
    rng = np.random.default_rng(3)
    for count in (1, 2, 4):
        centres = 6 * np.array([[np.cos(a), np.sin(a), 0] for a in 2 * np.pi * np.arange(count) / 4])
        points = np.concatenate([c + rng.standard_normal((300, 3)) * [0.3, 0.3, 1.0] for c in centres])
        assert len(fit(points, len(points), rng)) == count


def test_both_walks_end_among_failures_and_near_the_probability():
    alike = lambda u: np.minimum(4.4 - u[:, 0], 4.5 + u[:, 0])  # noqa: E731
    for walk, margin in ((by_levels, alike), (by_scale, alike), (by_scale, opposite)):
        clouds = [walk(Counted(margin, 2), 1000, np.random.default_rng(seed)) for seed in range(8)]
        for cloud in clouds:
            assert np.all(margin(cloud.points) <= 0)
            assert {-1.0, 1.0} == set(np.sign(cloud.points[:, 0]))
        assert np.mean([cloud.log_probability for cloud in clouds]) == pytest.approx(np.log(OPPOSITE), abs=0.5)


def test_systematic_drawing_is_as_often_as_the_weights_say():
    weights = np.array([0.0, 1.0, 2.5, 0.5])
    counts = np.bincount(systematic(weights, 400, np.random.default_rng(1)), minlength=4)
    assert np.abs(counts - 100 * weights).max() <= 1


def test_splitting_is_unbiased():
    g, rng = Counted(lambda u: 3.5 - u[:, 0], 8), np.random.default_rng(4)
    rungs = ladder(g, 1000, rng)
    each = np.array([replicate(g, rungs, 300, rng) for _ in range(200)])
    truth = stats.norm.sf(3.5)
    assert each.mean() == pytest.approx(truth, abs=4 * each.std() / np.sqrt(each.size))
    assert replicate_interval(each, 0.999).holds(truth)
    assert ladder(Counted(lambda u: np.ones(len(u)), 2), 100, rng) is None


def test_the_interval_of_skewed_values_covers_better_than_the_plain_one():
    rng, n, hits, plain = np.random.default_rng(6), 60, 0, 0
    for _ in range(1500):
        x = rng.exponential(size=n) ** 1.5
        mean, error = x.mean(), x.std(ddof=1) / np.sqrt(n)
        truth = 1.329340388179137  # Γ(2.5)
        hits += bool(mean_interval(x, 0.95).holds(truth))
        plain += abs(mean - truth) <= 1.96 * error
    assert hits > plain
    assert hits / 1500 > 0.925


def test_a_search_finds_both_modes_and_says_no_probability():
    told = search(opposite, 4, seed=1, runs=6000)
    assert told.calls <= 6000
    assert np.all(told.margins <= 0)
    assert np.all(opposite(told.points) <= 0)
    assert (told.points[:, 0] > 0).any()
    assert (told.points[:, 0] < 0).any()
    gaps = np.sqrt(((told.points[:, None] - told.points[None]) ** 2).sum(-1)) + 9 * np.eye(len(told.points))
    assert gaps.min() >= 1.0
    assert np.sqrt((told.points[0] ** 2).sum()) < 5.2, "the nearest failure is a plausible one"


def test_what_a_search_knows_moves_where_the_estimate_looks_and_not_what_it_counts():
    known = np.array([[4.6, 0.0], [0.0, 0.0]])
    told = estimate(lambda u: 4.4 - u[:, 0], 2, seed=9, known=known)
    assert told.claims
    assert told.interval.holds(stats.norm.sf(4.4))


@pytest.mark.slow
def test_the_intervals_of_many_repetitions_cover_at_least_92_percent(thorough):
    once = [estimate(opposite, 2, seed) for seed in range(200 if thorough else 40)]
    assert np.mean([one.claims and bool(one.interval.holds(OPPOSITE)) for one in once]) >= 0.92
