"""`marque policy`, `prove`, `gate`: from what both sides demand to evidence that a third party checks, by the command line alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import rfc8785
from typer.testing import CliRunner

from marque.alliance.key_files import write_key
from marque.app.cli import app
from marque.common import InputError
from marque.foundation import SystemClock
from marque.proof.campaign import seeds_digest
from marque.proof.evidence import digests
from marque.proof.gate import judge, read_rules

sys.path.insert(0, str(Path(__file__).parents[1] / "proof"))
from sealed_world import DAY, LI, WANG, directory, key_of
from small_suite import written

RULES = {
    "reference": "competent-and-careful", "confidence": 0.9, "limits": {"motorway": 0.7, "street": 0.7}, "outside": [],
    "least_runs": {"motorway": 3, "street": 2}, "baseline": "", "margin": None,
}  # fmt: skip
PASSPHRASE = "correct horse battery staple"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A folder with a suite, rules, keys and directories of both partners."""
    folder = tmp_path_factory.mktemp("bench")
    suite, now = written(folder), SystemClock().now()
    (folder / "rules.json").write_text(json.dumps(RULES))
    (folder / "passphrase").write_text(PASSPHRASE)
    (folder / "draft/keys").mkdir(parents=True)
    spans = {"valid_from": now - DAY, "valid_until": now + 300 * DAY}
    for code, private, person in (("gac", LI, 1), ("huawei", WANG, 2)):
        write_key(folder / f"{code}.key", private, PASSPHRASE)
        for place in (folder / "draft/keys" / f"{code}.json", folder / f"{code}.json"):
            place.write_bytes(directory(key_of(private, code, person, **spans)))
    return folder, suite


def said(*words, status=0):
    told = CliRunner().invoke(app, [str(word) for word in words])
    if told.exception is not None and not isinstance(told.exception, SystemExit):
        raise told.exception
    assert told.exit_code == status, told.output
    return told.output


def signs(folder, part, *codes):
    for code in codes:
        said("sign-evidence", folder / "draft", part, "--key", folder / f"{code}.key", "--passphrase-file", folder / "passphrase")


def test_from_the_policy_of_both_to_evidence_that_a_third_party_checks(bench, tmp_path):
    folder, suite = bench
    draft, evidence = folder / "draft", tmp_path / "release.evidence"
    said("policy", draft, "--rules", folder / "rules.json", "--suite", suite, "--party", "gac", "--party", "huawei")
    driving = (
        "prove", suite, "--out", tmp_path / "campaign", "--release", "pilot@1.2.0", "--workers", 1, "--draft", draft, "--runner", "huawei",
    )  # fmt: skip
    with pytest.raises(InputError, match="nobody has signed"):
        said(*driving)
    assert not (tmp_path / "campaign").exists(), "nothing is driven before the policy is signed"
    signs(folder, "policy", "gac", "huawei")
    assert "provenance and test result are there" in said(*driving)
    signs(folder, "provenance", "huawei")
    signs(folder, "test-result", "huawei")
    told = said("gate", draft, "--sequence", 1)
    assert "PASSED      vela in motorway" in told
    assert "0 of 3 runs failed" in told
    signs(folder, "verification-summary", "gac", "huawei")
    said("seal-evidence", draft, "--out", evidence)
    given = ("--directory", folder / "gac.json", "--directory", folder / "huawei.json")
    assert "PASSED" in said("verify-evidence", evidence, *given)
    bent = bytearray(evidence.read_bytes())
    bent[bent.index(b'"outcome":"passed"') + 11] ^= 1
    (tmp_path / "bent.evidence").write_bytes(bent)
    assert "runs.jsonl" in said("verify-evidence", tmp_path / "bent.evidence", *given, status=1)


def test_a_suite_that_the_policy_does_not_name_is_not_driven_for_it(bench, tmp_path):
    folder, suite = bench
    other = written(tmp_path, lambda said: said["sources"][0].update(sample=4))
    said("policy", tmp_path / "draft", "--rules", folder / "rules.json", "--suite", suite, "--party", "gac", "--party", "huawei")
    key = ("--key", folder / "gac.key", "--passphrase-file", folder / "passphrase")
    said("sign-evidence", tmp_path / "draft", "policy", *key)
    with pytest.raises(InputError, match="not a suite of the policy"):
        said("prove", other, "--out", tmp_path / "campaign", "--draft", tmp_path / "draft", "--runner", "gac")


def test_neither_seed_nor_perception_is_chosen_after_the_policy_is_signed(bench, tmp_path):
    folder, suite = bench
    (tmp_path / "rules.json").write_text(json.dumps(RULES | {"seed": 7}))
    draft = tmp_path / "draft"
    said("policy", draft, "--rules", tmp_path / "rules.json", "--suite", suite, "--party", "gac", "--party", "huawei")
    said("sign-evidence", draft, "policy", "--key", folder / "gac.key", "--passphrase-file", folder / "passphrase")
    driving = ("prove", suite, "--out", tmp_path / "campaign", "--release", "pilot@1.2.0", "--draft", draft, "--runner", "huawei")
    for other in (("--seed", 8), ("--perfect",)):
        with pytest.raises(InputError, match="the policy has it driven with seed 7 and sensed perception"):
            said(*driving, *other)
    assert not (tmp_path / "campaign").exists()
    said(*driving, "--workers", 1)
    assert json.loads((tmp_path / "campaign/plan.json").read_bytes())["seed"] == 7, "the policy's, without being asked for"


def test_the_gate_does_not_judge_runs_of_another_seed(bench, tmp_path):
    folder, suite = bench
    draft = tmp_path / "draft"
    said("policy", draft, "--rules", folder / "rules.json", "--suite", suite, "--party", "gac", "--party", "huawei")
    said("sign-evidence", draft, "policy", "--key", folder / "gac.key", "--passphrase-file", folder / "passphrase")
    said("prove", suite, "--out", tmp_path / "c", "--release", "pilot@1.2.0", "--draft", draft, "--runner", "huawei", "--workers", 1)
    provenance = json.loads((draft / "provenance.json").read_bytes())
    [seeds] = [one for one in provenance["predicate"]["buildDefinition"]["resolvedDependencies"] if one["name"] == "seeds"]
    seeds["digest"]["sha256"] = seeds_digest(2, perfect=False)
    (draft / "provenance.json").write_bytes(rfc8785.dumps(provenance))
    with pytest.raises(InputError, match="seed 1 and sensed perception"):
        said("gate", draft, "--sequence", 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"confidence": 1.0}, "confidence"),
        ({"limits": {}}, "limits"),
        ({"limits": {"motorway": 0.7}}, "least_runs"),
        ({"least_runs": {"motorway": 1, "street": 2}}, "3 runs are needed"),
        ({"least_runs": {"motorway": 2, "street": 2}}, "3 runs are needed"),
        ({"stopping": "when it looks good"}, "stopping"),
        ({"fault": "nobody's"}, "fault"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"perception": "good"}, "perception"),
        ({"reference": "nobody"}, "reference"),
        ({"baseline": "abc"}, "baseline"),
        ({"margin": 2}, "margin"),
        ({"outside": ["street"]}, "outside"),
        ({"more": 1}, "exactly"),
    ],
)
def test_rules_that_cannot_be_judged_by_are_refused(change, told):
    with pytest.raises(InputError, match=told):
        read_rules(RULES | change)


def runs(path, **outcomes):
    """A file of runs, by cell: their outcomes."""
    lines = [
        {"case": k, "cell": cell, "outcome": outcome, "scenario": cell, "parameters": {"k": k}, "seed": k}
        for cell, listed in outcomes.items()
        for k, outcome in enumerate(listed)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def answers(rules, path, baseline=None):
    return {one.cell: one.answer for one in judge(read_rules(rules), "vela", path, baseline)}


def test_missing_lost_and_too_few_runs_do_not_pass_and_what_is_not_claimed_is_outside(tmp_path):
    rules = RULES | {"limits": {"motorway": 0.2, "street": 0.2}, "least_runs": {"motorway": 30, "street": 30}, "outside": ["rain"]}
    good = ["passed"] * 30
    assert answers(rules, runs(tmp_path / "a", motorway=good, street=good, rain=["failed"])) == {
        "motorway": "PASSED", "street": "PASSED", "rain": "OUTSIDE ODD",
    }  # fmt: skip
    for few in ([], good[:29], ["lost"] * 6 + good[6:], ["outside", *good[1:]]):
        found = answers(rules, runs(tmp_path / "b", motorway=good, street=few))
        assert found == {"motorway": "PASSED", "street": "FAILED"}, few


def test_a_release_that_got_worse_than_its_baseline_fails_though_it_is_below_the_limit(tmp_path):
    before = runs(tmp_path / "before", motorway=["passed"] * 400, street=["passed"] * 400)
    limits = {"motorway": 0.2, "street": 0.2}
    rules = RULES | {"limits": limits, "least_runs": {"motorway": 400, "street": 400}, "baseline": digests.of_file(before)}
    now = runs(tmp_path / "now", motorway=["failed"] * 20 + ["passed"] * 380, street=["passed"] * 400)
    assert answers(rules, now, before) == {"motorway": "FAILED", "street": "PASSED"}
    with pytest.raises(InputError, match="the policy compares with the runs of a baseline"):
        answers(rules, now)
    with pytest.raises(InputError, match="not the baseline's"):
        answers(rules, now, now)
