"""Hidden suites and early stopping by the command line: from the commitment to sealed evidence that opens it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from marque.alliance.key_files import write_key
from marque.app.cli import app
from marque.common import InputError
from marque.foundation import SystemClock
from marque.proof.campaign import Hidden, Task, inputs_of, joined_cases, suites_of

sys.path.insert(0, str(Path(__file__).parents[1] / "proof"))
import quick_drive
from sealed_world import DAY, LI, WANG, directory, key_of
from small_suite import SUITE

RULES = {
    "reference": "competent-and-careful", "confidence": 0.95, "limits": {"motorway": 0.05}, "outside": ["street"],
    "least_runs": {"motorway": 200}, "baseline": "", "margin": None,
}  # fmt: skip
PASSPHRASE = "correct horse battery staple"


def suite(path, name, sample):
    source = {**SUITE["sources"][0], "sample": sample}
    path.write_text(json.dumps({**SUITE, "name": name, "sources": [source]}))
    return path


class Bench:
    """A folder with keys and directories of both partners, and commands in it."""

    def __init__(self, folder):
        self.folder, self.draft, now = folder, folder / "draft", SystemClock().now()
        (self.draft / "keys").mkdir(parents=True)
        (folder / "passphrase").write_text(PASSPHRASE)
        spans = {"valid_from": now - DAY, "valid_until": now + 300 * DAY}
        for code, private, person in (("gac", LI, 1), ("huawei", WANG, 2)):
            write_key(folder / f"{code}.key", private, PASSPHRASE)
            for place in (self.draft / "keys" / f"{code}.json", folder / f"{code}.json"):
                place.write_bytes(directory(key_of(private, code, person, **spans)))

    def says(self, *words, status=0):
        told = CliRunner().invoke(app, [str(word) for word in words])
        if told.exception is not None and not isinstance(told.exception, SystemExit):
            raise told.exception
        assert told.exit_code == status, told.output
        return told.output

    def policy(self, open_suite, *more, **rules):
        (self.folder / "rules.json").write_text(json.dumps(RULES | rules))
        parties = ("--party", "gac", "--party", "huawei")
        return self.says("policy", self.draft, "--rules", self.folder / "rules.json", "--suite", open_suite, *parties, *more)

    def signs(self, part, *codes):
        for code in codes:
            key = ("--key", self.folder / f"{code}.key", "--passphrase-file", self.folder / "passphrase")
            self.says("sign-evidence", self.draft, part, *key)

    def proves(self, open_suite, *more, release="pilot@1.2.0", status=0):
        out, who = self.folder / "campaign", ("--draft", self.draft, "--runner", "huawei", "--workers", 1)
        return self.says("prove", open_suite, "--out", out, "--release", release, *who, *more, status=status)

    def gate(self, *more, status=0):
        self.signs("provenance", "huawei")
        self.signs("test-result", "huawei")
        return self.says("gate", self.draft, "--sequence", 1, *more, status=status)

    def sealed(self):
        self.signs("verification-summary", "gac", "huawei")
        evidence = self.folder / "release.evidence"
        self.says("seal-evidence", self.draft, "--out", evidence)
        return self.says("verify-evidence", evidence, "--directory", self.folder / "gac.json", "--directory", self.folder / "huawei.json")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Nothing is driven, and inputs are taken once in a test: somebody may be at work on the code meanwhile."""
    monkeypatch.setattr("marque.proof.campaign.campaign.drive", quick_drive.drive)
    known = {}

    def taken(task, suites):
        return known[task] if task in known else known.setdefault(task, inputs_of(task, suites))

    monkeypatch.setattr("marque.proof.campaign.campaign.inputs_of", taken)


def opening(bench, name="hidden", sample=60):
    """(options of the policy, options of the campaign) with a hidden suite."""
    hidden, salt = suite(bench.folder / f"{name}.json", name, sample), bench.folder / f"{name}.salt"
    return ("--hidden", hidden, "--salt-file", salt), ("--hidden", hidden, "--salt-file", salt)


def test_a_hidden_suite_is_committed_to_driven_beside_the_open_one_and_opened_by_the_evidence(tmp_path):
    bench, known = Bench(tmp_path), suite(tmp_path / "open.json", "open", 300)
    hiding, opens = opening(bench)
    bench.policy(known, *hiding)
    policy = (bench.draft / "policy.json").read_text()
    salt = (tmp_path / "hidden.salt").read_text().strip()
    assert salt not in policy
    assert (tmp_path / "hidden.salt").stat().st_mode & 0o077 == 0
    bench.signs("policy", "gac", "huawei")
    with pytest.raises(InputError, match="the policy asks for hidden, too"):
        bench.proves(known)
    (tmp_path / "wrong.salt").write_text("00" * 32)
    with pytest.raises(InputError, match="not those that the policy committed to"):
        bench.proves(known, "--hidden", tmp_path / "hidden.json", "--salt-file", tmp_path / "wrong.salt")
    assert not (tmp_path / "campaign").exists()
    bench.proves(known, *opens)
    lines = [json.loads(line) for line in (bench.draft / "runs.jsonl").read_bytes().splitlines()]
    assert [line["suite"] for line in lines] == ["open"] * 300 + ["hidden"] * 60
    assert [line["case"] for line in lines] == list(range(360))
    assert sum(line["weight"] for line in lines) == pytest.approx(0.75), "both together weigh what the cell is driven"
    provenance = json.loads((bench.draft / "provenance.json").read_text())
    inputs = {one["name"]: one for one in provenance["predicate"]["buildDefinition"]["resolvedDependencies"]}
    assert inputs["suite/hidden"]["annotations"]["salt"] == salt
    assert "Of 60 runs of hidden suites 0 (0 %) failed" in bench.gate()
    assert "sound" in bench.sealed()
    directories = ("--directory", tmp_path / "gac.json", "--directory", tmp_path / "huawei.json", "--opened", tmp_path / "seen.json")
    for _ in range(2):
        bench.says("verify-evidence", tmp_path / "release.evidence", *directories)
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert len(seen["opened"]) == 2
    (tmp_path / "seen.json").write_text(json.dumps(seen | {"opened": dict.fromkeys(seen["opened"], "0" * 64)}))
    told = bench.says("verify-evidence", tmp_path / "release.evidence", *directories, status=1)
    assert "it had been opened before, for another release: suite/hidden" in told


def test_nobody_can_foresee_a_hidden_suites_cases_without_its_salt(tmp_path):
    known, hidden = suite(tmp_path / "open.json", "open", 30), suite(tmp_path / "hidden.json", "hidden", 30)
    drawn = []
    for salt in ("00" * 32, "01" * 32):
        task = Task(known, "vela", 1, hidden=(Hidden("hidden", hidden, salt),))
        drawn.append([(case.suite, case.parameters, case.seed) for case in joined_cases(task, suites_of(task))])
    assert drawn[0][:30] == drawn[1][:30]
    assert not {one[1:] for one in drawn[0][30:]} & {one[1:] for one in (*drawn[1][30:], *drawn[0][:30])}


@pytest.mark.slow
def test_a_release_that_is_good_on_the_open_suite_and_bad_on_the_hidden_one_fails_with_that_reason(tmp_path):
    bench, known = Bench(tmp_path), suite(tmp_path / "open.json", "open", 900)
    hiding, opens = opening(bench, "hidden-bad", 100)
    bench.policy(known, *hiding)
    bench.signs("policy", "gac", "huawei")
    bench.proves(known, *opens, status=1)
    told = bench.gate(status=1)
    assert "FAILED      vela in motorway" in told
    assert "The release is fitted to its open suite" in told
    assert "FAILED" in bench.sealed(), "and that, too, is evidence"


@pytest.mark.slow
def test_a_hidden_suite_that_was_opened_for_one_release_is_hidden_for_no_other(tmp_path):
    memory, known = tmp_path / "memory.json", suite(tmp_path / "open.json", "open", 300)
    (tmp_path / "first").mkdir()
    bench = Bench(tmp_path / "first")
    hiding, opens = opening(bench)
    bench.policy(known, *hiding, "--memory", memory)
    bench.signs("policy", "gac", "huawei")
    bench.proves(known, *opens, "--memory", memory)
    bench.gate("--memory", memory)
    (tmp_path / "first/campaign").rename(tmp_path / "first/before")
    with pytest.raises(InputError, match="was opened before, for another release"):
        bench.proves(known, *opens, "--memory", memory, release="pilot@1.2.1")
    (tmp_path / "second").mkdir()
    again = Bench(tmp_path / "second")
    with pytest.raises(InputError, match="it is hidden no more"):
        again.policy(known, "--hidden", tmp_path / "first/hidden.json", "--salt-file", tmp_path / "new.salt", "--memory", memory)
    assert not (again.draft / "policy.json").exists()
    assert not (tmp_path / "new.salt").exists()


def test_a_campaign_that_stops_early_is_sealed_with_what_was_not_needed(tmp_path):
    bench, known = Bench(tmp_path), suite(tmp_path / "open.json", "open", 900)
    hiding, opens = opening(bench)
    bench.policy(known, *hiding, stopping="sequential", least_runs={"motorway": 1})
    bench.signs("policy", "gac", "huawei")
    told = bench.proves(known, *opens, "--stop-early")
    assert "not-needed" in told
    counted = json.loads((bench.draft / "test-result.json").read_text())["predicate"]
    counts = next(value for name, value in counted.items() if name.startswith("https://"))["counts"]["motorway"]
    assert counts.keys() == {"passed", "not-needed"}
    assert 60 <= counts["passed"] <= 200
    assert counted["result"] == "PASSED"
    assert "PASSED      vela in motorway" in (said := bench.gate())
    assert "not needed" in said
    assert "sound" in bench.sealed()


def test_stopping_early_has_to_be_in_the_policy(tmp_path):
    bench, known = Bench(tmp_path), suite(tmp_path / "open.json", "open", 300)
    bench.policy(known)
    bench.signs("policy", "gac", "huawei")
    with pytest.raises(InputError, match="the policy has every case driven"):
        bench.proves(known, "--stop-early")
    assert not (tmp_path / "campaign").exists()


def test_a_policy_that_its_suites_cannot_satisfy_is_refused(tmp_path):
    bench, known = Bench(tmp_path), suite(tmp_path / "open.json", "open", 100)
    with pytest.raises(InputError, match="the suites have 100 cases there, fewer than the 200 that are planned"):
        bench.policy(known)
    with pytest.raises(InputError, match=r"without a failure \d+ runs would show less than 0\.01; the suites have 100 cases"):
        bench.policy(known, stopping="sequential", least_runs={"motorway": 1}, limits={"motorway": 0.01})
