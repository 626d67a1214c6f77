"""The facts of a release's report, against counts and intervals worked out otherwise."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from dataclasses import replace

import pytest
import report_world
from report_world import CELLS, RULES, reported
from scipy import stats
from sealed_world import DAY, NOW, World, packed, run_line, sha, written

from marque.common import InputError
from marque.proof.evidence import Verdict, archive
from marque.proof.gate import read_rules
from marque.proof.report import Facts, Unsound, facts_of
from marque.proof.report.argument import argument
from marque.proof.report.runs import badness, read
from marque.proof.report.view import view
from marque.proof.statistics.sequential import confidence_sequence

FAILING = {3: "failed", 17: "failed", 60: "lost", 210: "failed", 215: "failed", 230: "overdue", 242: "outside"}
FAILED = {"failed", "lost", "aborted", "overdue"}


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """A baseline, and a release that is held against it."""
    folder = tmp_path_factory.mktemp("releases")
    before = reported(
        folder, "before", failing={3: "failed", 50: "failed"}, version="1.1.0", inputs={"code/driving": sha("old"), "code/a": sha("a")}
    )
    return before, reported(folder, failing=FAILING, baseline=before)


@pytest.fixture(scope="module")
def facts(releases):
    before, now = releases
    return told(now, baseline=before.evidence, suites=[now.suite])


def told(release, **other) -> Facts:
    found = facts_of(release.evidence, release.directories, now=NOW, **other)
    assert isinstance(found, Facts), found
    return found


def lines(release):
    return [json.loads(line) for line in release.runs.read_bytes().splitlines()]


def test_counts_and_exact_intervals_are_those_of_the_lines(releases, facts):
    for cell in facts.cells:
        outcomes = Counter(one["outcome"] for one in lines(releases[1]) if one["cell"] == cell.cell)
        assert cell.counts == outcomes
        failures, count = sum(outcomes[one] for one in FAILED), outcomes.total() - outcomes["outside"]
        assert (cell.failures, cell.runs) == (failures, count)
        expected = stats.binomtest(failures, count).proportion_ci(0.95, "exact")
        assert (float(cell.share.low), float(cell.share.high)) == pytest.approx((expected.low, expected.high))
        assert cell.odd == CELLS[cell.cell]["odd"]
    assert [one.cell for one in facts.cells] == ["motorway", "street", "tunnel"], "what is claimed first, by exposure"


def test_risk_weighs_each_claimed_cell_by_what_is_driven_in_it(facts):
    claimed = {one.cell: one for one in facts.claimed}
    whole = CELLS["motorway"]["exposure"] + CELLS["street"]["exposure"]
    expected = sum(CELLS[name]["exposure"] / whole * one.failures / one.runs for name, one in claimed.items())
    assert facts.risk.estimate == pytest.approx(expected)
    assert facts.risk.interval.low < expected < facts.risk.interval.high
    assert facts.risk.exposure == pytest.approx(whole)
    assert sum(one.unknown for one in facts.cells) == pytest.approx(1.0)


def test_pairs_with_the_baseline_are_counted_case_by_case(releases, facts):
    before, now = map(lines, releases)
    for cell in facts.cells:
        pairs = [
            (a["outcome"] in FAILED, b["outcome"] in FAILED)
            for a, b in zip(before, now, strict=True)
            if a["cell"] == cell.cell and "outside" not in (a["outcome"], b["outcome"])
        ]
        worse, better = pairs.count((False, True)), pairs.count((True, False))
        assert (cell.baseline.worse, cell.baseline.better, cell.baseline.pairs) == (worse, better, len(pairs))
        if worse + better:
            assert cell.baseline.p_worse == pytest.approx(stats.binomtest(worse, worse + better, 0.5, alternative="greater").pvalue)
    assert facts.baseline.worse == (17, 60, 210, 215, 230)


def test_what_changed_is_exactly_the_inputs_that_differ(releases, facts):
    old, new = ({one.name: one.digest for one in each.provenance.inputs} for each in (told(releases[0]), facts))
    expected = {name: (old.get(name, ""), new.get(name, "")) for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    assert {one.name: (one.before, one.after) for one in facts.changes} == expected
    assert expected.keys() == {"code/driving", "code/a", "policy"}


def test_pairs_of_values_are_covered_as_brute_force_has_it(releases, facts):
    driven = [one["parameters"] for one in lines(releases[1]) if one["scenario"] == "cut-in"]
    levels = {"limit_mps": lambda v: v, "gap_m": lambda v: int((v - 20) / 10), "slower_mps": lambda v: int(v / 1.5)}
    seen = {
        (a, levels[a](one[a]), b, levels[b](one[b])) for one in driven for a, b in itertools.combinations(sorted(levels), 2)
    }  # fmt: skip
    [found] = [one for one in facts.coverage if one.key == "city/cut-in/pairs"]
    assert (found.covered, found.possible) == (len(seen), 2 * 4 + 2 * 4 + 4 * 4)
    [tunnel] = [one for one in facts.coverage if one.key == "city/cut-in of a tunnel/pairs"]
    assert tunnel.possible - tunnel.covered == len(tunnel.holes)
    assert "gap_m = 20 to 30, slower_mps = 0 to 1.5" in tunnel.holes


def test_a_cell_without_its_planned_runs_and_combinations_without_a_cell_are_known_holes(tmp_path):
    release = reported(tmp_path, rules={"least_runs": {"motorway": 300, "street": 20}})
    found = {one.key: one for one in told(release, suites=[release.suite]).coverage}
    assert found["planned"].holes == ("motorway",)
    assert found["city/cells"].holes == ()
    assert set(found["city/terms"].holes) == {"motorway · lit night", "street · day", "street · unlit night"}


def test_the_worst_runs_are_the_worst_of_all(releases, facts):
    ranked = sorted(lines(releases[1]), key=badness)
    assert [one.case for one in facts.worst] == [one["case"] for one in ranked][:10]
    told_impacts = [one.measures["impact_mps"] for one in facts.worst if one.outcome == "failed"]
    assert told_impacts == sorted(told_impacts, reverse=True)
    failed = [one.outcome in FAILED for one in facts.worst]
    assert failed == sorted(failed, reverse=True)
    assert failed.count(True) == 6
    near = [one.measures["ttc_min_s"] for one in facts.worst if one.outcome == "passed"]
    assert near == sorted(near)
    assert not any(one.outcome == "outside" for one in facts.worst)


def test_the_worst_of_many_lines_are_found_in_whatever_order_they_come():
    chance = random.Random(5)
    many = [
        run_line(
            case, chance.choice(["passed", "failed", "lost"]), collision=chance.random() < 0.5,
            measures={"ttc_min_s": chance.random()} | ({"impact_mps": chance.random()} if chance.random() < 0.5 else {}),
        )
        for case in range(700)
    ]  # fmt: skip
    expected = sorted((json.loads(one) for one in many), key=badness)[:10]
    for _ in range(5):
        chance.shuffle(many)
        assert list(read(many, read_rules(RULES)).worst) == expected


def test_evidence_that_is_bent_expired_or_of_other_keys_gives_no_facts(releases):
    _, now = releases
    text = now.evidence.read_bytes()
    for at in random.Random(3).sample(range(len(text)), 12):
        bent = bytearray(text)
        bent[at] ^= 1
        other = now.evidence.with_name("bent.evidence")
        other.write_bytes(bent)
        assert isinstance(facts_of(other, now.directories, now=NOW), Unsound), at
    assert isinstance(facts_of(now.evidence, now.directories, now=NOW + 200 * DAY), Unsound)
    assert isinstance(facts_of(now.evidence, {"gac": now.directories["gac"]}, now=NOW), Unsound)


@pytest.mark.parametrize(
    "wrong", [{"weight": "much"}, {"measures": {"ttc_min_s": "none"}}, {"weight": 2.0}, {"parameters": []}, {"collision": 3}]
)
def test_lines_that_were_signed_and_say_no_run_give_no_facts(tmp_path, releases, wrong):
    _, now = releases
    runs = now.runs.read_bytes().splitlines(keepends=True)
    said = json.loads(runs[5])
    runs[5] = run_line(**{**{key: said[key] for key in ("case", "cell", "outcome")}, **wrong})
    evidence = tmp_path / "odd.evidence"
    evidence.write_bytes(packed(replace(now.world, runs=b"".join(runs)).parts()))
    found = facts_of(evidence, now.directories, now=NOW)
    assert isinstance(found, Unsound)
    assert found.findings[0].file == archive.RUNS


def test_a_verdict_that_does_not_follow_from_the_runs_is_doubted(tmp_path):
    release = reported(tmp_path, failing=dict.fromkeys(range(40), "failed"))
    assert {one.cell: one.answer for one in told(release).cells}["motorway"] == "FAILED"
    assert not [one for one in told(release).doubts if one.subject == "verdict"]
    mild = tuple(replace(one, answer="PASSED") if one.cell == "motorway" else one for one in release.world.verdicts)
    bought = reported(tmp_path, "bought", failing=dict.fromkeys(range(40), "failed"), verdicts=mild)
    [doubt] = [one for one in told(bought).doubts if one.subject == "verdict"]
    assert doubt.text.startswith("motorway:")
    assert "FAILED" in doubt.text


def test_what_is_not_at_hand_is_doubted_and_what_is_another_is_refused(tmp_path, releases, facts):
    before, now = releases
    assert {one.subject for one in told(now).doubts} == {"baseline", "coverage"}
    assert not facts.doubts
    (tmp_path / "other.json").write_text(now.suite.read_text().replace("200", "201"))
    with pytest.raises(InputError, match="is not in the evidence"):
        told(now, suites=[tmp_path / "other.json"])
    with pytest.raises(InputError, match="the very evidence"):
        told(now, baseline=now.evidence)
    third = reported(tmp_path, "third", version="1.1.5", failing={1: "failed"})
    assert [one.text for one in told(now, suites=[now.suite], baseline=third.evidence).doubts] == [
        "The evidence given as the baseline is not of the runs that the policy compares with."
    ]
    bent = bytearray(before.evidence.read_bytes())
    bent[-3000] ^= 1
    (tmp_path / "bent.evidence").write_bytes(bent)
    with pytest.raises(InputError, match="the baseline is not sound"):
        told(now, baseline=tmp_path / "bent.evidence")


def test_a_baseline_may_have_expired(tmp_path, releases):
    before, now = releases
    old = tmp_path / "old.evidence"
    old.write_bytes(packed(replace(before.world, verified=NOW - 4 * DAY, expires=NOW - DAY).parts()))
    assert told(now, suites=[now.suite], baseline=old).baseline.worse == (17, 60, 210, 215, 230)


def test_a_cell_of_which_nobody_knows_how_much_is_driven_leaves_the_risk_open(tmp_path):
    rules = {"limits": {"motorway": 0.1, "bridge": 0.1}, "least_runs": {"motorway": 100, "bridge": 100}, "outside": ["tunnel", "street"]}
    release = reported(tmp_path, rules=rules)
    found = told(release)
    assert found.risk is None
    assert {one.cell: one.answer for one in found.claimed} == {"motorway": "PASSED", "bridge": "FAILED"}


def test_a_policy_that_forgives_what_the_reference_driver_does_no_better_is_followed(tmp_path, monkeypatch):
    made = report_world.run_of
    monkeypatch.setattr(
        report_world, "run_of", lambda case, failing: replace(one := made(case, failing), preventable=dict.fromkeys(one.preventable, False))
    )
    failing = dict.fromkeys(range(8), "failed") | {8: "lost"}
    strict, mild = (
        told(reported(tmp_path, fault, failing=failing, rules={"fault": fault})).cells[0] for fault in ("judge-and-reference", "reference")
    )
    assert (strict.runs, strict.failures, strict.forgiven) == (200, 9, 0)
    assert (mild.runs, mild.failures, mild.forgiven) == (200, 1, 8)
    assert mild.share.high < strict.share.high


def test_a_campaign_driven_with_another_seed_than_was_agreed_blocks_whatever_its_verdicts_say(tmp_path):
    agreed = told(reported(tmp_path, "agreed"))
    chosen = told(reported(tmp_path, "chosen", rules={"seed": 2}))
    assert not [one for one in agreed.doubts if one.text.startswith("seeds")]
    [doubt] = [one for one in chosen.doubts if one.text.startswith("seeds")]
    assert doubt.subject == "verdict", "no answer resolves it"


def test_intervals_of_a_campaign_that_may_stop_early_hold_whenever_it_does(tmp_path):
    fixed, early = (
        told(reported(tmp_path, stopping, failing=FAILING, rules={"stopping": stopping})) for stopping in ("fixed", "sequential")
    )
    for one, other in zip(fixed.claimed, early.claimed, strict=True):
        expected = confidence_sequence(other.failures, other.runs, 0.95)
        assert (other.share.low, other.share.high) == (expected.low, expected.high)
        assert other.share.low <= one.share.low <= one.share.high <= other.share.high
    assert early.risk.estimate == fixed.risk.estimate
    assert early.risk.interval.low < fixed.risk.interval.low < fixed.risk.interval.high < early.risk.interval.high


def test_runs_of_hidden_suites_are_counted_by_themselves_too(tmp_path):
    runs = b"".join(
        run_line(case, "failed" if case in (1, 45) else "passed", "motorway", weight=0.01, suite="autumn" if case >= 40 else "alks")
        for case in range(60)
    )
    rules = RULES | {"limits": {"motorway": 0.3}, "least_runs": {"motorway": 50}, "outside": []}
    world = World()
    world = replace(world, policy=replace(world.policy, rules=rules), runs=runs, verdicts=(Verdict("vela", "motorway", "PASSED"),))
    found = facts_of(written(tmp_path / "hidden.evidence", world), world.directories, now=NOW)
    assert isinstance(found, Facts)
    [cell] = found.cells
    assert (cell.runs, cell.failures, cell.hidden) == (60, 2, (20, 1))
    assert "20 of hidden suites, of which 1 failed" in view(found, argument(found), ())["risk"]["cells"][0]["other"]
