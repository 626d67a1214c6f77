"""`marque faults`: which drives it does, what it prints and writes, and its exit status."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from marque.app.cli import app
from marque.app.faults import Job, chosen_cells, chosen_faults, drive_jobs, jobs, summary, table, totals
from marque.common import InputError
from marque.simulation.campaign import CELLS, Finding, Outcome
from marque.simulation.faults import FaultKind


def finding(outcome, kinds=("fog",), cell=CELLS[0].name, hit=""):
    return Finding(cell, kinds, 1, outcome, "because", "none", "cruise", 20.0, 1.0, hit)


def test_one_fault_in_one_cell_is_driven_told_and_written(tmp_path):
    out = tmp_path / "deeper" / "out.json"
    done = CliRunner().invoke(app, ["faults", "--cell", "mist", "--fault", "fog", "--json", str(out)])
    assert done.exit_code == 0, done.output
    assert "1 of 1 drives safe" in done.output
    told = json.loads(out.read_text())
    assert told["totals"]["safe"] == 1
    assert [(f["cell"], f["faults"], f["outcome"]) for f in told["findings"]] == [("street, mist", ["fog"], "left its domain in time")]


def test_unknown_cells_and_faults_are_named_with_those_there_are():
    with pytest.raises(InputError, match="roundabout"):
        chosen_cells(["moon"])
    with pytest.raises(InputError, match="brakes"):
        chosen_faults(["gremlins"])


def test_singles_and_pairs_are_every_combination_once():
    kinds = list(FaultKind)
    singles, pairs = jobs(range(3), kinds, seeds=2, pairs=False), jobs(range(3), kinds, seeds=1, pairs=True)
    assert len(set(singles)) == len(singles) == 3 * len(kinds) * 2
    assert len(set(pairs)) == len(pairs) == 3 * len(kinds) * (len(kinds) - 1) // 2
    assert all(len(job.kinds) == 2 for job in pairs)


@pytest.mark.parametrize("sample", [2, 7])
def test_a_sample_takes_its_share_of_every_fault_and_cell(sample):
    every, some = (jobs(range(20), list(FaultKind), seeds=1, pairs=True, sample=n) for n in (1, sample))
    assert set(some) < set(every)
    assert abs(len(some) - len(every) / sample) < len(every) / sample / 10
    assert {job.cell for job in some} == set(range(20))
    assert {kind for job in some for kind in job.kinds} == set(FaultKind)


def test_the_worst_drive_is_what_the_table_shows_and_what_was_not_its_fault_is_counted():
    found = [finding(Outcome.CONTINUED), finding(Outcome.FAILED), finding(Outcome.CONDITION, ("fog", "rain"), hit="the ego stood")]
    sheet = table(found)
    assert [next(iter(column.cells)) for column in sheet.columns] == ["rain", "[cyan]m[/]", "1", "0", "0", "0"]
    assert [list(column.cells)[1] for column in sheet.columns] == ["fog", "[bold red]F[/]", "1", "1", "0", "1"]
    assert totals(found)["safe"] == 2
    assert totals(found)["run_into_without_fault"] == 1
    assert "2 of 3 drives safe (66.67 %)" in summary(found)


@pytest.mark.slow
def test_findings_are_the_same_for_any_number_of_workers():
    todo = [Job(cell, (kind,), 1) for cell in (12, 20) for kind in (FaultKind.BRAKES, FaultKind.PLACE_JUMP)]
    assert list(drive_jobs(todo, 2)) == list(drive_jobs(todo, 1))
