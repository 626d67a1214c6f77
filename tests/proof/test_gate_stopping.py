"""A campaign that may stop early: its order nobody chose, what it drives follows from what came of it, and who cheats does not pass."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from gate_world import FIXED, KEY, NOT_NEEDED, SEQUENTIAL, answers, driven_early, left_out, reasons, run
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from marque.proof.gate import Cases, course
from marque.proof.gate.rules import runs_needed, short_of
from marque.proof.gate.stopping import in_order
from marque.proof.statistics import sequential


@given(st.integers(0, 300), st.binary(min_size=32, max_size=32))
def test_the_order_holds_every_case_once_and_follows_from_its_key(cases, key):
    order = in_order(key.hex(), cases)
    assert sorted(order) == list(range(cases))
    assert order == in_order(key.hex(), cases)
    by_hand = sorted((hashlib.sha256(key + case.to_bytes(8, "big")).digest(), case) for case in range(cases))
    assert order == [case for _, case in by_hand]


def test_another_policy_has_another_order():
    assert in_order(KEY, 200) != in_order(hashlib.sha256(b"another").hexdigest(), 200)


outcomes = st.lists(st.tuples(st.sampled_from("aab"), st.integers(0, 99)), min_size=1, max_size=700).map(
    lambda rows: [run(cell, chance == 0) for cell, chance in rows]
)


@settings(max_examples=30, deadline=None)
@given(outcomes, st.randoms(use_true_random=False))
def test_what_is_driven_does_not_depend_on_which_of_a_round_are_done_first(outcomes, chance):
    expected = driven_early(SEQUENTIAL, outcomes)
    cases, known = Cases([one.cell for one in outcomes], hidden=False), {}
    while due := course(SEQUENTIAL, KEY, cases, known, {}).due:
        for case in chance.sample(due, chance.randint(1, len(due))):  # a kill in the middle of a round
            known[case] = outcomes[case]
    assert [case for case, one in enumerate(expected) if one.outcome != NOT_NEEDED] == sorted(known)


def test_a_release_without_failures_passes_with_the_runs_that_its_limit_needs_and_no_more_than_a_round_beyond():
    runs = driven_early(SEQUENTIAL, [run("ab"[k % 2]) for k in range(4000)])
    driven = sum(one.outcome != NOT_NEEDED for one in runs)
    assert 2 * runs_needed(SEQUENTIAL, "a") <= driven <= 2 * runs_needed(SEQUENTIAL, "a", 2.0) + 64
    assert answers(SEQUENTIAL, runs) == {"a": "PASSED", "b": "PASSED"}
    [first, second] = reasons(SEQUENTIAL, runs)
    assert "0 of" in first
    assert "not needed" in second


def test_a_cell_that_is_decided_is_left_while_another_goes_on():
    bad = np.random.default_rng(3).random(4000) < 0.012
    runs = driven_early(SEQUENTIAL, [run("a") if k % 2 else run("b", bool(bad[k])) for k in range(4000)])
    driven = {cell: sum(one.outcome != NOT_NEEDED for one in runs if one.cell == cell) for cell in "ab"}
    assert driven["a"] < driven["b"] == 2000
    assert answers(SEQUENTIAL, runs)["a"] == "PASSED"


def test_a_bad_release_fails_early():
    runs = driven_early(SEQUENTIAL, [run("ab"[k % 2], k % 5 == 0) for k in range(4000)])
    assert sum(one.outcome != NOT_NEEDED for one in runs) <= 400
    assert set(answers(SEQUENTIAL, runs).values()) == {"FAILED"}
    assert "at least" in reasons(SEQUENTIAL, runs)[0]


def test_no_cell_passes_with_fewer_runs_than_planned_and_those_that_are_not_claimed_are_not_driven():
    rules = replace(SEQUENTIAL, least_runs={"a": 700, "b": 1})
    runs = driven_early(rules, [run("abc"[k % 3]) for k in range(6000)])
    driven = {cell: sum(one.outcome != NOT_NEEDED for one in runs if one.cell == cell) for cell in "abc"}
    assert driven["a"] >= 700 > driven["b"] > driven["c"] == 0
    assert answers(rules, runs) == {"a": "PASSED", "b": "PASSED", "c": "OUTSIDE ODD"}


def honest():
    rng = np.random.default_rng(8)
    return driven_early(SEQUENTIAL, [run("ab"[k % 2], bool(rng.random() < 0.004)) for k in range(4000)])


def test_a_run_that_failed_and_is_called_not_needed_does_not_pass():
    runs = honest()
    assert set(answers(SEQUENTIAL, runs).values()) == {"PASSED"}
    for case in [case for case, one in enumerate(runs) if one.failed]:
        bent = [left_out(one) if at == case else one for at, one in enumerate(runs)]
        assert answers(SEQUENTIAL, bent)[runs[case].cell] == "FAILED"
        assert any("against the order" in reason for reason in reasons(SEQUENTIAL, bent, runs[case].cell))


def test_runs_beyond_the_decision_and_another_order_do_not_pass():
    runs = honest()
    beyond = next(case for case, one in enumerate(runs) if one.outcome == NOT_NEEDED)
    more = [run(one.cell) if at == beyond else one for at, one in enumerate(runs)]
    assert answers(SEQUENTIAL, more)[runs[beyond].cell] == "FAILED"
    assert set(answers(SEQUENTIAL, runs, key=hashlib.sha256(b"a luckier one").hexdigest()).values()) == {"FAILED"}
    assert set(answers(SEQUENTIAL, runs, key="").values()) == {"FAILED"}, "without its order nothing can be told of it"


def test_under_a_policy_that_has_every_case_driven_nothing_is_left_out():
    runs = [run("a") for _ in range(400)] + [run("b") for _ in range(400)]
    assert set(answers(FIXED, runs).values()) == {"PASSED"}
    assert answers(FIXED, [*runs, left_out(run("a"))]) == {"a": "FAILED", "b": "PASSED"}
    assert "1 case was left out; the policy has every case driven." in reasons(FIXED, [*runs, left_out(run("a"))])


def test_a_sequential_policy_that_was_driven_whole_is_judged_by_the_same_e_values():
    runs = [run("a", k < 2) for k in range(400)] + [run("b") for _ in range(400)]
    assert answers(FIXED, runs)["a"] == "PASSED"
    assert np.exp(-sequential.log_e_below(2, 400, 0.02)) > 0.05
    assert answers(SEQUENTIAL, runs)["a"] == "FAILED"


def test_rules_that_so_many_cases_could_not_satisfy_are_found_out_and_those_that_they_could_pass():
    needed = short_of(SEQUENTIAL, {"a": 10, "b": 10_000})
    assert needed.keys() == {"a"}
    assert short_of(SEQUENTIAL, {"a": needed["a"], "b": 10_000}) == {}
    runs = [run("a") for _ in range(needed["a"])] + [run("b") for _ in range(10_000)]
    assert set(answers(SEQUENTIAL, runs).values()) == {"PASSED"}
    assert short_of(FIXED, {"a": 150, "b": 182}) == {"a": 183, "b": 183}
    assert short_of(FIXED, {"a": 149, "b": 183}) == {}


def most(alpha, releases):
    """The most wrong ones a rule of level α shows in so many releases, but for a chance of 1e-4."""
    return stats.binom.ppf(1 - 1e-4, releases, alpha)


@pytest.mark.parametrize("at_limit", ["ab", "a"])
def test_releases_at_the_limit_pass_no_more_often_than_alpha_though_the_campaign_stops_when_it_likes(at_limit):
    rng, releases, wrong = np.random.default_rng(21), 60, 0
    for _ in range(releases):
        failed = rng.random(1000) < np.where(np.isin(np.array(list("ab") * 500), list(at_limit)), 0.02, 0.002)
        runs = driven_early(SEQUENTIAL, [run("ab"[k % 2], bool(one)) for k, one in enumerate(failed)])
        found = answers(SEQUENTIAL, runs)
        wrong += any(found[cell] == "PASSED" for cell in at_limit)
    assert wrong <= most(0.05, releases)
