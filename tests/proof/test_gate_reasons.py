"""What a verdict says to a manager, and what it counts: limits, hidden suites, fault, the baseline."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from gate_world import FIXED, RULES, SEQUENTIAL, answers, driven_early, reasons, run, written
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from marque.proof.evidence.reading import text
from marque.proof.evidence.statements import Verdict
from marque.proof.gate import judge, read_rules
from marque.proof.gate.reasons import percent
from marque.proof.statistics import comparison

ONE = read_rules(RULES | {"limits": {"a": 0.001}, "least_runs": {"a": 3000}})


def cell(runs, failures=0, **more):
    return [run("a", k < failures, **more) for k in range(runs)]


def test_what_is_not_shown_says_what_would_have_shown_it():
    [said] = reasons(ONE, cell(3400, 2))
    assert said == (
        "2 of 3,400 runs failed; at 95 % confidence at most 0.185 % fail; the policy allows 0.1 %; "
        "2,894 more runs without failure would show it."
    )
    assert answers(ONE, cell(3400 + 2893, 2)) == {"a": "FAILED"}
    assert answers(ONE, cell(3400 + 2894, 2)) == {"a": "PASSED"}


@pytest.mark.parametrize("rules", [FIXED, SEQUENTIAL])
@settings(max_examples=25, deadline=None)
@given(a=st.tuples(st.integers(1, 3000), st.integers(0, 6)), b=st.tuples(st.integers(1, 3000), st.integers(0, 60)))
def test_the_bound_that_is_said_is_below_the_limit_exactly_where_the_cell_is_shown_to_be(rules, a, b):
    loose = replace(rules, least_runs={"a": 1, "b": 1})
    runs = [run(name, k < failures) for name, (count, failures) in zip("ab", (a, b), strict=True) for k in range(max(count, failures))]
    for verdict in ("a", "b"):
        said = reasons(loose, runs, verdict)[0]
        if "at most" in said:
            bound = float(said.split("at most ")[1].split(" %")[0])
            assert (bound <= 2.0) == (answers(loose, runs)[verdict] == "PASSED") or bound == 2.0
        else:
            assert float(said.split("at least ")[1].split(" %")[0]) >= 2.0
            assert answers(loose, runs)[verdict] == "FAILED"


def test_nothing_driven_and_too_few_say_so():
    assert reasons(ONE, []) == (
        "Nothing was driven; the policy allows 0.1 %, and 2,995 runs without failure would show it.",
        "The policy plans 3,000 runs; 0 are too few to conclude from.",
    )


def test_a_release_that_is_good_where_it_was_known_and_bad_where_it_was_hidden_fails_with_that_reason():
    known, hidden = cell(9000), cell(300, 3, hidden=True)
    assert answers(ONE, cell(9300, 3)) == {"a": "PASSED"}
    assert answers(ONE, [*known, *hidden]) == {"a": "FAILED"}
    said = reasons(ONE, [*known, *hidden])
    assert said[0].startswith("3 of 9,300 runs failed; at 95 % confidence at most 0.0834 % fail")
    chance = stats.fisher_exact([[3, 297], [0, 9000]], alternative="greater").pvalue
    assert said[1].startswith("Of 300 runs of hidden suites 3 (1 %) failed, of 9,000 of the open suite 0 (0 %): it does worse")
    assert f"once in {int(1 / chance / 1000) * 1000:,} (Fisher's exact test)" in said[1]


def test_the_hidden_part_is_told_of_where_it_fared_alike_too():
    runs = [*cell(9000, 1), *cell(300, hidden=True)]
    assert answers(ONE, runs) == {"a": "PASSED"}
    assert "of 9,000 of the open suite 1 (0.0111 %): no more of a difference than chance explains." in reasons(ONE, runs)[1]


def test_fitted_to_the_open_suite_is_found_in_a_campaign_that_stops_early_too():
    rules = replace(SEQUENTIAL, limits={"a": 0.02}, least_runs={"a": 3000})
    runs = [run("a", hidden=k % 4 == 0, failed=k % 60 == 0) for k in range(4000)]
    early = driven_early(rules, runs)
    assert answers(rules, early) == {"a": "FAILED"}
    assert "looking often does not change" in "".join(reasons(rules, early))
    assert "fitted to its open suite" in "".join(reasons(rules, early))


def test_a_two_sample_test_under_peeking_is_never_surer_than_the_exact_one_at_one_look():
    for failures in range(1, 12):
        sequential = comparison.log_e_more_often(failures, 300, 3, 3000)
        assert sequential < -math.log(comparison.fisher(failures, 300, 3, 3000))


COLLISION = {"collision": True, "preventable": {"competent-and-careful": False}}


def test_a_collision_that_the_reference_driver_could_not_avoid_counts_unless_the_policy_has_it_otherwise(tmp_path):
    good = [("a", "passed")] * 3400
    runs = written(tmp_path / "runs.jsonl", *good, *[("a", "failed", COLLISION)] * 20)
    [by_both] = judge(ONE, "vela", runs)
    assert by_both.answer == "FAILED"
    assert (
        "20 collisions by the ego's fault that the competent-and-careful driver could not have avoided either count all the same."
        in by_both.reasons
    )
    [by_reference] = judge(replace(ONE, fault="reference"), "vela", runs)
    assert by_reference.answer == "PASSED"
    assert by_reference.reasons[-1].endswith(
        "the competent-and-careful driver would have avoided it; 20 collisions that it would not have avoided are left out."
    )


@pytest.mark.parametrize("other", [{"collision": False}, {"preventable": {"competent-and-careful": True}}, {"preventable": {}}])
def test_what_is_no_collision_or_could_have_been_avoided_or_was_not_asked_of_the_reference_counts_by_every_rule(tmp_path, other):
    runs = written(tmp_path / "runs.jsonl", *[("a", "passed")] * 3400, *[("a", "failed", COLLISION | other)] * 20)
    for fault in ("judge-and-reference", "reference"):
        [verdict] = judge(replace(ONE, fault=fault), "vela", runs)
        assert verdict.answer == "FAILED"


def test_the_baseline_is_told_of_pair_by_pair():
    rules = replace(ONE, baseline="0" * 64, limits={"a": 0.02})
    runs = [run("a", k < 12, same=str(k)) for k in range(3000)]
    before = {"a": {str(k): k == 0 for k in range(3000)}}
    assert answers(rules, runs, before) == {"a": "FAILED"}
    [said] = [one for one in reasons(rules, runs, before=before) if "baseline" in one]
    assert said == (
        "Of 3,000 cases that the baseline drove, too, 11 got worse and 0 better: it is worse than the baseline, "
        "which chance shows at most once in 2,000."
    )


@given(st.floats(1e-12, 1.0))
def test_a_share_is_said_in_three_digits_and_never_as_a_power_of_ten(share):
    said = percent(share)
    assert "e" not in said
    assert float(said.removesuffix(" %")) == pytest.approx(100.0 * share, rel=0.006)


def test_every_reason_can_stand_in_a_signed_verdict():
    runs = [*cell(3000, 40, hidden=True), *cell(10), run("b"), run("c")]
    for one in (reasons(SEQUENTIAL, runs), reasons(FIXED, runs, "b"), reasons(FIXED, runs, "c")):
        assert [text(said) for said in Verdict("vela", "a", "FAILED", one).reasons] == list(one)
