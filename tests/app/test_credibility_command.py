from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from typer.testing import CliRunner

from marque.app import credibility as command
from marque.app.cli import app
from marque.common import InputError
from marque.proof.credibility import read_credibility
from marque.proof.credibility.experiments import other_simulators, parameters


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less of everything, the same in kind."""
    monkeypatch.setattr(other_simulators, "DENSITIES", (15, 20))
    monkeypatch.setattr(other_simulators, "MIXED", (10, 15, 20))
    monkeypatch.setattr(parameters, "SCENES", parameters.SCENES[:1])
    monkeypatch.setattr(parameters, "SEEDS", (2, 3))
    monkeypatch.setattr(command, "TRAJECTORIES", 2)


def written(out: Path, workers: int) -> bytes:
    """Without the digests: whoever works on the code meanwhile changes them."""
    command.write_credibility(out, commonroad=None, suite=None, vehicle="vela", sample=2, sobol=0, workers=workers)
    return dataclasses.replace(read_credibility(out / "credibility.json"), rests_on={}).dumps()


@pytest.mark.slow
@pytest.mark.usefixtures("little")
def test_any_number_of_workers_writes_the_same_bytes_and_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    one = written(tmp_path / "one", 1)
    assert written(tmp_path / "two", 2) == one
    found = read_credibility(tmp_path / "one" / "credibility.json")
    assert {section.name for section in found.sections} == {"step-halving", "cross-check", "sensitivity", "recorded-behaviour"}
    measured = {item.name: item.met for item in found.items}
    assert len(measured) == len(found.items)
    assert measured["same drivers, SUMO's flow"] is True
    assert measured["same drivers, theory's flow"] is True
    assert measured["motorway (US-101), speed"] is None
    assert "code/driving" in found.rests_on
    assert "<svg" in (tmp_path / "one" / "credibility.html").read_text(encoding="utf-8")


def test_a_vehicle_or_folder_that_is_not_there_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such vehicle model"):
        command.write_credibility(tmp_path, commonroad=None, suite=None, vehicle="horse", sample=2, sobol=0, workers=1)
    with pytest.raises(InputError, match="no such folder"):
        command.write_credibility(tmp_path, commonroad=tmp_path / "x", suite=None, vehicle="vela", sample=2, sobol=0, workers=1)


def test_a_refusal_names_what_was_wrong_on_the_command_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["credibility", "--out", str(tmp_path), "--suite", str(tmp_path / "no-suite.json")])
    assert result.exit_code != 0
    assert "no-suite.json" in str(result.output) + str(result.exception)
