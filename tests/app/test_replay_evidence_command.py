"""`marque replay-evidence`: whoever has the evidence, the suite and the code drives its runs again, and sees whether they are true."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import rfc8785
from typer.testing import CliRunner

from marque.app import replay_evidence, replay_page
from marque.app.cli import app
from marque.common import InputError
from marque.proof.gate import read_rules
from marque.simulation.replay import read_summary

sys.path.insert(0, str(Path(__file__).parents[1] / "proof"))
from sealed_campaign import sealed
from small_suite import written


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    return written(tmp_path_factory.mktemp("suite"), lambda said: said["sources"][0].update(sample=1))


@pytest.fixture(scope="module")
def hidden(tmp_path_factory):
    def change(said):
        said["name"], said["sources"] = "autumn", [said["sources"][1]]
        said["sources"][0]["parameters"]["runs_mps"]["values"] = [2.5]

    return written(tmp_path_factory.mktemp("hidden"), change)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory, suite, hidden):
    """Of cases 0 to 2, and of the hidden case 3."""
    return sealed(tmp_path_factory.mktemp("sealed"), suite, hidden=hidden, seed=3)


@pytest.fixture
def driven(suite, hidden):
    return ("--suite", suite, "--hidden", hidden)


def said(*words, status=0):
    told = CliRunner().invoke(app, ["replay-evidence", *map(str, words), "--workers", "1"])
    if told.exception is not None and not isinstance(told.exception, SystemExit):
        raise told.exception
    assert told.exit_code == status, told.output
    return told.output


def test_runs_come_out_as_they_were_sealed_with_a_replay_of_each_those_of_a_hidden_suite_too(tmp_path, evidence, driven):
    told = said(evidence.evidence, *driven, "--cases", "0,3", "--replays", tmp_path / "replays", *keys(evidence))
    assert "2 of 2 runs driven again, to the byte; it holds 4" in told
    assert "sound" in told
    assert [read_summary(tmp_path / f"replays/case-{case}.replay").name for case in (0, 3)] == ["0 · cut-in", "3 · child"]
    assert len(list(tmp_path.glob("replays/case-*.html"))) == (2 if replay_page.built() else 0)


def test_a_run_that_was_made_up_is_named_with_what_is_other_about_it(tmp_path, evidence, suite, hidden, driven):
    """All signatures are right, on runs of which somebody changed one."""

    def lie(runs):
        lines = runs.splitlines(keepends=True)
        one = json.loads(lines[1]) | {"why": "all well"}
        one["measures"]["ttc_min_s"] = 9.25
        return b"".join([lines[0], rfc8785.dumps(one) + b"\n", *lines[2:]])

    (tmp_path / "campaign").mkdir()
    shutil.copy(evidence.campaign.folder / "journal.jsonl", tmp_path / "campaign")
    made = sealed(tmp_path, suite, hidden=hidden, seed=3, change=lie)
    told = said(made.evidence, *driven, "--cases", "1", *keys(made), status=1)
    assert "sound" in told
    assert "differs   case 1, line 2 of runs.jsonl: measures.ttc_min_s: 9.25, now " in told
    assert 'why: "all well", now ' in told
    assert "0 of 1 runs" in told


def keys(made):
    return [word for file in made.directories for word in ("--directory", file)]


def test_nothing_is_driven_with_another_suite_unless_asked_to(tmp_path, evidence, hidden):
    other = written(tmp_path, lambda said: said["sources"][0].update(sample=2))
    told = said(evidence.evidence, "--suite", other, "--hidden", hidden, status=1)
    assert "suite/small is another" in told
    assert "nothing was driven" in told
    told = said(evidence.evidence, "--suite", other, "--hidden", hidden, "--anyway", "--cases", "0", status=1)
    assert "suite/small is another" in told
    assert "runs driven again" in told


def test_what_cannot_be_is_said_before_anything_is_driven(tmp_path, evidence, suite, driven, monkeypatch):
    with pytest.raises(InputError, match="it holds the runs of 4 cases"):
        said(evidence.evidence, *driven, "--cases", "4")
    with pytest.raises(InputError, match="numbers with commas"):
        said(evidence.evidence, *driven, "--cases", "1;2")
    with monkeypatch.context() as agreed:
        agreed.setattr(replay_evidence, "read_rules", lambda rules: replace(read_rules(rules), seed=4))
        with pytest.raises(InputError, match="driven with seed 4 and sensed perception"):
            said(evidence.evidence, *driven)
    with pytest.raises(InputError, match="a suite that was hidden was driven, too"):
        said(evidence.evidence, "--suite", suite)
    with pytest.raises(InputError, match="no hidden suite of this name"):
        said(evidence.evidence, "--suite", suite, "--hidden", suite)
    (tmp_path / "x").write_bytes(b"nothing")
    with pytest.raises(InputError, match="Verify the evidence first"):
        said(tmp_path / "x", *driven)
    monkeypatch.setattr(replay_evidence, "MODELS", {})
    with pytest.raises(InputError, match="no such vehicle model"):
        said(evidence.evidence, *driven)


def test_evidence_that_is_not_sound_is_not_driven(tmp_path, evidence, driven):
    text = bytearray(evidence.evidence.read_bytes())
    text[text.index(b'"outcome":"passed"') + 11] ^= 1
    (tmp_path / "bent.evidence").write_bytes(text)
    told = said(tmp_path / "bent.evidence", *driven, *keys(evidence), status=1)
    assert "NOT SOUND" in told
    assert "driven again" not in told
