"""`marque safety-report`: from evidence to a folder that a safety board reads."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from lxml import etree, html
from typer.testing import CliRunner

from marque.app import safety_report as command
from marque.app.cli import app
from marque.app.safety_report import safety_report
from marque.common import InputError
from marque.foundation import SetClock
from marque.proof.credibility import Credibility, Item, Section

sys.path.insert(0, str(Path(__file__).parents[1] / "proof"))
from report_world import reported
from sealed_world import NOW, sha

FILES = {"index.html", "report.pdf", "safety-case.xmi", "facts.json", "to-answer.json"}
FAILING = {3: "failed", 17: "failed", 210: "failed"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Two releases, and files with everybody's keys."""
    folder = tmp_path_factory.mktemp("bench")
    before = reported(folder, "before", version="1.1.0", failing={3: "failed"}, inputs={"code/driving": sha("old")})
    now = reported(folder, failing=FAILING, baseline=before)
    for code, text in now.directories.items():
        (folder / f"{code}.json").write_bytes(text)
    met = Item("steps", "less than 1 %", "0.2 %", True, "Halving the step changes little.")
    (folder / "credibility.json").write_bytes(Credibility((Section("steps", "Halving the step", (), (met,)),), {}, {}).dumps())
    return folder, before, now


def run(bench, out, evidence=None, **other):
    folder, before, now = bench
    keys = [folder / "gac.json", folder / "huawei.json"]
    given = {"suites": [now.suite], "baseline": before.evidence, "credibility": folder / "credibility.json"} | other
    return safety_report(evidence or now.evidence, keys, out, clock=SetClock(NOW), **given)


def challenges(folder, out):
    """An answer to everything that may be answered, filled into the file that the report asks for them with."""
    asked = json.loads((out / "to-answer.json").read_bytes())
    for one in asked["challenges"]:
        one.update(resolution="It was looked into.", resolved_by="Chen, gac", resolved_on="2026-11-28")
    file = folder / "challenges.json"
    file.write_text(json.dumps(asked))
    return file


def test_a_case_stands_once_every_defeater_is_answered_and_the_page_says_both(bench, tmp_path, capsys):
    assert run(bench, tmp_path / "open") is False
    assert "the safety case does not stand" in capsys.readouterr().out
    assert {one.name for one in (tmp_path / "open").iterdir()} == FILES
    assert "does not stand" in (tmp_path / "open/index.html").read_text()
    file = challenges(tmp_path, tmp_path / "open")
    assert run(bench, tmp_path / "answered", challenges=file) is True
    told = (tmp_path / "answered/index.html").read_text()
    assert "The safety case stands." in told
    assert "It was looked into." in told
    assert json.loads((tmp_path / "answered/facts.json").read_bytes())["safety_case"]["open"] == []


def test_the_folder_holds_a_page_a_pdf_a_case_for_other_tools_and_facts(bench, tmp_path):
    run(bench, tmp_path)
    page = html.fromstring((tmp_path / "index.html").read_text())
    assert page.xpath("string(//h1)") == "pilot 1.2.0 on vela"
    assert page.xpath("//h2[1]")[0].text == "1 Safety case"
    assert len(page.xpath("//section[@aria-labelledby='filings']//table")) == 2, "each filing has a table of its own"
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert etree.parse(tmp_path / "safety-case.xmi").getroot().tag.startswith("{http://omg.sacm/")
    assert json.loads((tmp_path / "facts.json").read_bytes())["sound"] is True


def test_the_worst_runs_lead_to_their_replays(bench, tmp_path):
    replays = tmp_path / "of these runs"
    replays.mkdir()
    (replays / "case-17.html").write_text("<p>17</p>")
    (replays / "case-17.replay").write_bytes(b"17")
    (replays / "case-210.replay").write_bytes(b"210")
    run(bench, tmp_path / "report", replays=replays)
    links = {one.text: one.get("href") for one in html.fromstring((tmp_path / "report/index.html").read_text()).xpath("//table//a")}
    assert links.keys() == {"17", "210"}
    assert (tmp_path / "report" / unquote(links["17"])).read_text() == "<p>17</p>"
    assert (tmp_path / "report" / unquote(links["210"])).read_bytes() == b"210"


def test_evidence_that_is_not_sound_is_reported_as_that_and_nothing_else(bench, tmp_path, capsys):
    _, _, now = bench
    bent = bytearray(now.evidence.read_bytes())
    bent[-5000] ^= 1
    (tmp_path / "bent.evidence").write_bytes(bent)
    run(bench, tmp_path / "report")  # an older report lies there
    assert run(bench, tmp_path / "report", tmp_path / "bent.evidence") is False
    assert "NOT SOUND" in capsys.readouterr().out
    told = (tmp_path / "report/index.html").read_text()
    assert "nothing it says counts" in told
    assert "pilot" not in told
    assert {one.name for one in (tmp_path / "report").iterdir()} == FILES - {"safety-case.xmi", "to-answer.json"}
    assert json.loads((tmp_path / "report/facts.json").read_bytes())["sound"] is False


def test_what_cannot_be_used_is_named(bench, tmp_path):
    folder, _, now = bench
    with pytest.raises(InputError, match="--replays"):
        run(bench, tmp_path, replays=tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"nowhere\.evidence: it cannot be read"):
        run(bench, tmp_path, tmp_path / "nowhere.evidence")
    with pytest.raises(InputError, match="kind"):
        run(bench, tmp_path, credibility=now.suite)
    with pytest.raises(InputError, match="the baseline is not sound"):
        run(bench, tmp_path, baseline=folder / "gac.json")


def test_the_command_line_writes_it_and_its_status_tells_whether_the_case_stands(bench, tmp_path, monkeypatch):
    folder, before, now = bench
    monkeypatch.setattr(command, "SystemClock", lambda: SetClock(NOW))
    words = ["safety-report", now.evidence, "--directory", folder / "gac.json", "--directory", folder / "huawei.json"]
    words += ["--suite", now.suite, "--baseline", before.evidence, "--out", tmp_path / "report"]
    told = CliRunner().invoke(app, [str(word) for word in words])
    assert told.exit_code == 1, told.output
    assert {one.name for one in (tmp_path / "report").iterdir()} == FILES
    assert "open      D10" in told.output
