"""What the gate decides, and how often it is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from marque.proof.statistics import Counts, Reason, Rules, Strata, Verdict, decide, settled, shown, verdicts

PLAIN = Rules()


def one(rules=PLAIN, **counts):
    return decide(Counts.of(**{name: [value] for name, value in counts.items()}), rules).cells[0]


def test_a_cell_passes_by_what_was_shown_and_not_by_what_was_not_seen():
    assert one(runs=299, failures=0, limit=0.01).verdict is Verdict.PASSED
    little = one(runs=298, failures=0, limit=0.01)
    assert (little.verdict, little.reasons) == (Verdict.UNDECIDED, (Reason.LIMIT_NOT_SHOWN,))
    nothing = one(runs=0, failures=0, limit=0.01)
    assert (nothing.verdict, nothing.reasons) == (Verdict.UNDECIDED, (Reason.NO_RUNS, Reason.LIMIT_NOT_SHOWN))
    assert (nothing.interval.low, nothing.interval.high) == (0.0, 1.0)


def test_a_cell_fails_above_its_limit():
    cell = one(runs=300, failures=15, limit=0.01)
    assert (cell.verdict, cell.reasons) == (Verdict.FAILED, (Reason.ABOVE_LIMIT,))


def test_a_regression_fails_a_cell_that_keeps_its_limit():
    cell = one(runs=10_000, failures=20, limit=0.01, worse=12, better=0, pairs=10_000)
    assert (cell.verdict, cell.reasons) == (Verdict.FAILED, (Reason.WORSE_THAN_BASELINE, Reason.BELOW_LIMIT))


def test_with_a_margin_non_inferiority_has_to_be_shown():
    rules = Rules(margin=0.005)
    assert one(rules, runs=300, failures=0, limit=0.01, worse=0, better=0, pairs=300).reasons == (
        Reason.NON_INFERIORITY_NOT_SHOWN,
        Reason.BELOW_LIMIT,
    )
    passed = one(rules, runs=3000, failures=5, limit=0.01, worse=2, better=2, pairs=3000)
    assert (passed.verdict, passed.reasons) == (Verdict.PASSED, (Reason.BELOW_LIMIT, Reason.NON_INFERIOR))
    assert one(rules, runs=3000, failures=5, limit=0.01).verdict is Verdict.UNDECIDED, "without pairs nothing is shown"


cells = st.lists(
    st.tuples(st.integers(0, 3000), st.floats(0, 1), st.floats(1e-3, 0.5), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=6
)


@given(cells, st.booleans(), st.sampled_from([None, 0.01]))
def test_every_verdict_has_its_reasons(rows, peeking, margin):
    rules = Rules(peeking=peeking, margin=margin)
    n, share, limit, worse, better = (np.array(column, float) for column in zip(*rows, strict=True))
    told = decide(Counts.of(n, np.floor(n * share), limit, worse, better, worse + better), rules)
    for cell in told.cells:
        bad = {Reason.ABOVE_LIMIT, Reason.WORSE_THAN_BASELINE} & set(cell.reasons)
        open_ = {Reason.LIMIT_NOT_SHOWN, Reason.NON_INFERIORITY_NOT_SHOWN} & set(cell.reasons)
        expected = Verdict.FAILED if bad else Verdict.UNDECIDED if open_ else Verdict.PASSED
        assert cell.verdict is expected
        assert not {Reason.ABOVE_LIMIT, Reason.BELOW_LIMIT} <= set(cell.reasons)


@given(cells, st.booleans())
def test_many_releases_are_decided_as_each_alone(rows, peeking):
    rules = Rules(peeking=peeking)
    n, share, limit, worse, better = (np.array(column, float) for column in zip(*rows, strict=True))
    alone = Counts.of(n, np.floor(n * share), limit, worse, better, worse + better)
    many = Counts(*(np.stack([getattr(alone, name)] * 3) for name in ("runs", "failures", "limit", "worse", "better", "pairs")))
    passed, failed = verdicts(shown(many, rules), rules)
    for i, cell in enumerate(decide(alone, rules).cells):
        assert (passed[1, i], failed[1, i]) == (cell.verdict is Verdict.PASSED, cell.verdict is Verdict.FAILED)


def at_most(alpha, releases):
    """The most wrong ones a rule of level α shows in so many releases, but for a chance of 1e-4."""
    return stats.binom.ppf(1 - 1e-4, releases, alpha)


@pytest.mark.parametrize("at_limit", [1, 5])
def test_two_thousand_releases_at_the_limit_are_passed_no_more_often_than_alpha(at_limit):
    rng, limit, runs = np.random.default_rng(11), 0.01, 1500
    p = np.where(np.arange(5) < at_limit, limit, limit / 20)
    rules = Rules()
    passed, _ = verdicts(shown(Counts.of(runs, rng.binomial(runs, p, (2000, 5)), limit), rules), rules)
    wrong = passed[:, :at_limit].any(axis=1).sum()
    assert 10 < wrong <= at_most(rules.alpha, 2000)
    assert passed[:, at_limit:].all(axis=0).sum() == 0 or passed[:, at_limit:].mean() > 0.95


def test_two_thousand_releases_at_the_limit_are_passed_no_more_often_than_alpha_by_those_who_peek():
    rng, limit, rules = np.random.default_rng(12), 0.02, Rules(peeking=True)
    failures, wrong = np.zeros((2000, 4)), np.zeros(2000, bool)
    naive = np.zeros(2000, bool)
    for runs in range(50, 2001, 50):
        failures += rng.binomial(50, limit, failures.shape)
        counts = Counts.of(runs, failures, limit)
        wrong |= verdicts(shown(counts, rules), rules)[0].any(axis=1)
        naive |= verdicts(shown(counts, Rules()), Rules())[0].any(axis=1)
    assert 5 < wrong.sum() <= at_most(rules.alpha, 2000)
    assert naive.sum() > 1.5 * at_most(rules.alpha, 2000), "which fixed plans do not stand"


def test_releases_like_their_baseline_are_rejected_no_more_often_than_alpha():
    rng = np.random.default_rng(13)
    differ = rng.binomial(2000, 0.02, (2000, 6))
    worse = rng.binomial(differ, 0.5)
    for rules in (Rules(), Rules(peeking=True)):
        counts = Counts.of(2000, rng.binomial(2000, 0.02, worse.shape), 0.05, worse, differ - worse, 2000)
        _, failed = verdicts(shown(counts, rules), rules)
        assert failed.any(axis=1).sum() <= at_most(rules.alpha, 2000)


def test_weighted_cells_are_held_against_the_risk_of_their_exposure():
    groups = Strata([0.99, 0.01], [3000, 300], [0, 30])
    counts = Counts.of([3300], [30], [0.005])
    plain, weighted = decide(counts, Rules()).cells[0], decide(counts, Rules(), [groups]).cells[0]
    assert (plain.verdict, weighted.verdict) == (Verdict.FAILED, Verdict.PASSED)
    assert weighted.estimate == pytest.approx(0.001)
    peeked = decide(counts, Rules(peeking=True), [groups], [np.array([3000.0, 300.0])]).cells[0]
    assert peeked.verdict is Verdict.PASSED
    with pytest.raises(ValueError, match="planned"):
        decide(counts, Rules(peeking=True), [groups])


def test_more_cells_ask_for_more_evidence():
    alone = decide(Counts.of([320], [0], [0.01]), Rules()).cells[0]
    among = decide(Counts.of([320, 100], [0, 0], [0.01, 0.01]), Rules()).cells[0]
    assert (alone.verdict, among.verdict) == (Verdict.PASSED, Verdict.UNDECIDED)


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="failures"):
        Counts.of([10], [11], [0.1])
    with pytest.raises(ValueError, match="one release"):
        decide(Counts.of([[10]], [[1]], [[0.1]]), Rules())


def test_a_cell_that_fails_more_often_where_it_was_hidden_fails_below_its_limit_and_only_if_that_was_asked():
    counts = {"runs": 9300, "failures": 3, "limit": 0.01, "hidden": 300, "hidden_failures": 3}
    for peeking in (False, True):
        found = one(Rules(peeking=peeking, hidden=True), **counts)
        assert (found.verdict, found.reasons) == (Verdict.FAILED, (Reason.WORSE_WHERE_HIDDEN, Reason.BELOW_LIMIT))
        assert one(Rules(peeking=peeking), **counts).verdict is Verdict.PASSED


def test_releases_that_fail_alike_where_it_was_hidden_are_rejected_no_more_often_than_alpha():
    rng, shape = np.random.default_rng(14), (2000, 4)
    known, hidden = rng.binomial(900, 0.02, shape), rng.binomial(100, 0.02, shape)
    for rules in (Rules(hidden=True), Rules(hidden=True, peeking=True)):
        counts = Counts.of(1000, known + hidden, 0.05, hidden=100, hidden_failures=hidden)
        _, failed = verdicts(shown(counts, rules), rules)
        assert failed.any(axis=1).sum() <= at_most(rules.alpha, 2000)


@given(cells, st.sampled_from([None, 0.01]), st.data())
def test_what_is_settled_stays_as_it_is_whatever_the_others_further_runs_say(rows, margin, data):
    rules = Rules(peeking=True, margin=margin)
    n, share, limit, worse, better = (np.array(column, float) for column in zip(*rows, strict=True))
    now = Counts.of(n, np.floor(n * share), limit, worse, better, worse + better)
    done = settled(now, rules)
    more = np.array(data.draw(st.lists(st.integers(0, 500), min_size=n.size, max_size=n.size)), float) * ~done
    failing = np.array(data.draw(st.lists(st.booleans(), min_size=n.size, max_size=n.size)))
    after = Counts.of(n + more, now.failures + more * failing, limit, worse, better, worse + better)
    for was, found, is_settled in zip(decide(now, rules).cells, decide(after, rules).cells, done, strict=True):
        assert not is_settled or was.verdict is found.verdict or found.verdict is Verdict.FAILED
