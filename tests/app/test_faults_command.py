"""`marque faults`: which drives it does, what it prints, keeps and writes, and its exit status."""

from __future__ import annotations

import dataclasses
import json
import shlex

import pytest
from typer.testing import CliRunner

from marque.app.cli import app
from marque.app.faults import Job, Way, chosen_cells, chosen_faults, code, drive_jobs, jobs, kept
from marque.app.faults_report import again, drives, figures, matrix, outside, summary, totals
from marque.common import InputError
from marque.simulation.campaign import CELLS, Finding, Outcome, facts
from marque.simulation.faults import FaultKind
from marque.simulation.replay import read_summary

FOUND = Finding(
    CELLS[0].name, ("fog",), 1, "sensed", "vela", Outcome.CONDITION, "because", "pull_over", "leaves_odd", 0.5, 8.0, 20.0, 1.6
)  # fmt: skip


def finding(outcome, kinds=("fog",), **words):
    return dataclasses.replace(FOUND, outcome=outcome, faults=kinds, **words)


def run(*words):
    return CliRunner().invoke(app, ["faults", *words])


def test_one_fault_in_one_cell_is_driven_told_written_and_kept(tmp_path):
    out, replays = tmp_path / "deeper" / "out.json", tmp_path / "replays"
    done = run("--cell", "mist", "--fault", "fog", "--json", str(out), "--replays", str(replays))
    assert done.exit_code == 0, done.output
    assert "sensed perception: 1 of 1 drives safe" in done.output
    told = json.loads(out.read_text())
    assert told["totals"]["safe"] == 1
    assert [(f["cell"], f["faults"], f["outcome"]) for f in told["findings"]] == [("street, mist", ["fog"], "left its domain in time")]
    assert [read_summary(file).facts for file in replays.iterdir()] == told["findings"]


def test_what_a_file_holds_is_not_driven_again(tmp_path):
    file = tmp_path / "found.jsonl"
    words = ("--cell", "mist", "--fault", "fog", "--findings", str(file))
    assert "drives safe" in run(*words).output
    once = file.read_text()
    file.write_text(once.replace('"why": "visibility"', '"why": "as I said"') + '{"cut sho')
    assert "as I said" in run(*words).output
    assert file.read_text().count("\n") == 1
    assert kept(file, Way(perfect=True)) == {}


def test_what_other_code_found_counts_for_nothing(tmp_path):
    file = tmp_path / "found.jsonl"
    file.write_text(json.dumps({"code": "older", **facts(FOUND)}) + "\n" + json.dumps({"code": code(), **facts(FOUND)}) + "\n")
    assert list(kept(file, Way()).values()) == [FOUND]
    file.write_text(json.dumps({"code": "older", **facts(FOUND)}) + "\n")
    assert kept(file, Way()) == {}


def test_a_file_of_something_else_is_named(tmp_path):
    file = tmp_path / "found.jsonl"
    file.write_text('{"cell": "moon"}\n' + json.dumps({"code": code(), **facts(FOUND)}) + "\n")
    with pytest.raises(InputError, match="line 1"):
        kept(file, Way())


def test_unknown_cells_faults_and_vehicles_are_named_with_those_there_are():
    with pytest.raises(InputError, match="roundabout"):
        chosen_cells(["moon"])
    with pytest.raises(InputError, match="brakes"):
        chosen_faults(["gremlins"])
    assert "vela" in str(run("--vehicle", "tricycle").exception)


def test_the_whole_name_of_a_cell_means_that_cell():
    assert all(chosen_cells([cell.name]) == [k] for k, cell in enumerate(CELLS))


def test_singles_and_pairs_are_every_combination_once():
    kinds = list(FaultKind)
    singles, pairs = jobs(range(3), kinds, seeds=range(1, 3), pairs=False), jobs(range(3), kinds, seeds=[1], pairs=True)
    assert len(set(singles)) == len(singles) == 3 * len(kinds) * 2
    assert len(set(pairs)) == len(pairs) == 3 * len(kinds) * (len(kinds) - 1) // 2
    assert all(len(job.kinds) == 2 for job in pairs)


@pytest.mark.parametrize("sample", [2, 7])
def test_a_sample_takes_its_share_of_every_fault_and_cell_and_all_parts_are_everything_once(sample):
    every, *parts = (
        jobs(range(20), list(FaultKind), seeds=[1], pairs=True, sample=n, part=k)
        for n, k in [(1, 0), *((sample, k) for k in range(sample))]
    )
    some = parts[0]
    assert abs(len(some) - len(every) / sample) < len(every) / sample / 10
    assert {job.cell for job in some} == set(range(20))
    assert {kind for job in some for kind in job.kinds} == set(FaultKind)
    assert sorted(job for part in parts for job in part) == sorted(every)


def test_the_worst_drive_is_what_the_matrix_shows_and_what_was_not_its_fault_is_counted():
    found = [finding(Outcome.CONTINUED), finding(Outcome.FAILED), finding(Outcome.CONDITION, ("fog", "rain"), hit="the ego stood")]
    assert [list(column.cells) for column in matrix(found).columns] == [["rain", "fog"], ["[cyan]m[/]", "[bold red]F[/]"]]
    assert totals(found)["safe"] == 2
    assert totals(found)["run_into_without_fault"] == 1
    assert "2 of 3 drives safe (66.67 %)" in summary(found)


def test_failing_drives_come_first_and_medians_leave_out_what_never_was():
    found = [finding(Outcome.CONTINUED, noticed_s=None, condition_s=None), finding(Outcome.FAILED, ("rain",)), finding(Outcome.CONDITION)]
    assert next(iter(drives(found).columns[1].cells)) == "rain"
    groups = [(kind, [one for one in found if kind in one.faults]) for kind in ("fog", "rain")]
    rows = list(zip(*(column.cells for column in figures("fault", groups).columns), strict=True))
    assert [row[0] for row in rows] == ["rain", "fog"]
    assert rows[1][-2] == "8.0 (8.0)"


def test_what_was_left_in_time_is_listed_with_its_cells():
    left = [finding(Outcome.LEFT, why="visibility", cell=cell.name, condition_s=9.0 + k) for k, cell in enumerate(CELLS[:3])]
    assert outside(left) == ["outside the domain by visibility, left in time: 3 cells, at the latest 11.0 s after the onset"]


@pytest.mark.parametrize("kinds", [("fog",), ("fog", "rain")])
def test_the_command_that_drives_one_again_drives_just_this_one(kinds, monkeypatch):
    asked = []
    monkeypatch.setattr("marque.app.faults.faults", lambda *files, **words: asked.append((files, words)))
    program, *words = shlex.split(again(finding(Outcome.FAILED, kinds, seed=7, perception="perfect")))
    assert program == "./marque"
    CliRunner().invoke(app, words)
    (_, told), way = asked[0], asked[0][1]["way"]
    seeds = range(told["first_seed"], told["first_seed"] + told["seeds"])
    todo = jobs(chosen_cells(told["cells"]), chosen_faults(told["kinds"]), seeds=seeds, pairs=told["pairs"], sample=told["sample"], part=0)
    assert [(job.cell, set(job.kinds), job.seed) for job in todo] == [(0, set(kinds), 7)]
    assert (way.perfect, way.vehicle, str(way.replays)) == (True, "vela", "replays")


@pytest.mark.slow
def test_findings_are_the_same_for_any_number_of_workers():
    todo = [Job(cell, (kind,), 1) for cell in (12, 20) for kind in (FaultKind.BRAKES, FaultKind.PLACE_JUMP)]
    assert list(drive_jobs(todo, 2)) == list(drive_jobs(todo, 1))
