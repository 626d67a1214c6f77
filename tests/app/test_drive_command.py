"""`marque drive`: what it prints, writes and returns, whatever the files hold and however many workers drive."""

import dataclasses
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from marque.app.cli import app
from marque.app.drive import drive_files, exit_status, origin, perceived, scenario_files, summary, table
from marque.common import InputError
from marque.simulation.drive import TIMINGS, Result, facts
from marque.simulation.judge import Verdict
from marque.simulation.library import SOURCE
from scenes import TWO_LANES, document, goal, problem, rectangle, write

WELL = document(TWO_LANES, problem(10.0, 0.0, 10.0, goal(30, 60, region=rectangle(40.0, 3.0, 60.0, 0.0))))
TWICE = document(TWO_LANES, problem(10.0, 0.0, 10.0, goal(20, 20)), problem(10.0, 3.5, 10.0, goal(20, 20), name=10))


def command(*arguments):
    return CliRunner().invoke(app, ["drive", *(str(argument) for argument in arguments)])


def test_a_folder_is_driven_and_told_as_json_and_replays(tmp_path):
    scenes = tmp_path / "scenes"
    (scenes / "deeper").mkdir(parents=True)
    write(scenes, WELL, "b.xml")
    write(scenes / "deeper", TWICE, "a.xml")
    write(scenes, WELL[:-40], "c.xml")
    done = command(scenes, "--json", tmp_path / "out.json", "--replays", tmp_path / "replays")
    assert done.exit_code == 1
    results = json.loads((tmp_path / "out.json").read_text())["results"]
    assert [(r["file"], r["problem"], r["verdict"], r["strict_success"]) for r in results] == [
        ("b.xml", 9, "goal", True),
        ("c.xml", None, "ill_posed", False),
        ("a.xml", 9, "goal", True),
        ("a.xml", 10, "goal", True),
    ]
    assert results[1]["cycle_ms_p50"] is None
    assert results[0]["cycle_ms_p50"] > 0.0
    assert sorted(p.name for p in (tmp_path / "replays").iterdir()) == ["a-10.replay", "a-9.replay", "b.replay"]


def test_success_is_status_0_and_nothing_usable_is_status_2(tmp_path):
    assert command(write(tmp_path, WELL)).exit_code == 0
    assert command(write(tmp_path, "<commonRoad/>", "bad.xml")).exit_code == 2


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        scenario_files([tmp_path / "nowhere.xml"])
    with pytest.raises(InputError, match=r"no \.xml file"):
        scenario_files([tmp_path])
    with pytest.raises(InputError, match="no scenario is named"):
        scenario_files([])


def untimed(found, folder: Path):
    told = [{name: value for name, value in facts(result).items() if name not in TIMINGS} for results in found for result in results]
    return json.dumps(told), {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.slow
def test_results_and_replays_are_the_same_to_the_byte_for_any_number_of_workers(tmp_path):
    files = [write(tmp_path, text, f"{k}.xml") for k, text in enumerate([WELL, TWICE, "<broken", WELL])]
    outcomes = []
    for workers in (1, 3):
        folder = tmp_path / f"replays{workers}"
        folder.mkdir()
        outcomes.append(untimed(drive_files(files, folder, workers), folder))
    assert outcomes[0] == outcomes[1]


def test_another_seed_drives_with_other_errors_of_the_sensors(tmp_path):
    files = [write(tmp_path, WELL, "well.xml")]
    told = [untimed(drive_files(files, None, 1, seed=seed), tmp_path)[0] for seed in (0, 0, 1)]
    assert told[0] == told[1] != told[2]


def die(path: Path, **_):
    if path.name == "deadly.xml":
        os._exit(9)
    return [Result(path.name, path.stem, "", 1, Verdict.GOAL, "", strict_success=True)]


@pytest.mark.slow
def test_a_file_that_kills_its_worker_is_one_error_and_the_others_are_driven(tmp_path, monkeypatch):
    monkeypatch.setattr("marque.app.drive.drive_file", die)
    files = [tmp_path / name for name in ("a.xml", "deadly.xml", "b.xml", "c.xml")]
    verdicts = [result.verdict for results in drive_files(files, None, 2) for result in results]
    assert verdicts == [Verdict.GOAL, Verdict.ERROR, Verdict.GOAL, Verdict.GOAL]


def result(verdict, source, problem=1):
    return Result("f.xml", "f", source, problem, verdict, "", strict_success=verdict is Verdict.GOAL)


def test_the_summary_counts_by_origin_and_leaves_the_ill_posed_out():
    results = [
        result(Verdict.GOAL, "Next Generation Simulation (NGSIM) and OpenStreetMaps (OSM)"),
        result(Verdict.LATE, "OpenStreetMaps, SUMO Traffic Simulator"),
        result(Verdict.ILL_POSED, "hand-crafted"),
        result(Verdict.ILL_POSED, "", None),
    ]
    assert [origin(r) for r in results] == ["recorded", "SUMO", "hand-made", "unreadable"]
    told = summary(results)
    assert "all: 1 of 2 well-posed" in told
    assert "recorded: 1 of 1 well-posed" in told
    assert "hand-made: 0 of 0 well-posed" in told


def test_files_of_one_origin_are_counted_once():
    told = summary([result(Verdict.GOAL, SOURCE), result(Verdict.LATE, SOURCE)])
    assert told.splitlines()[0].startswith("library: 1 of 2 well-posed")
    assert "all:" not in told


def test_it_is_told_what_the_cars_were_given_to_see():
    seen = [dataclasses.replace(result(Verdict.GOAL, ""), perception=kind) for kind in ("sensed", "sensed", "perfect", None)]
    assert perceived(seen) == "perception: sensed in 2 drives, perfect in 1 drives"
    assert perceived(seen[3:]) == "perception: nothing was driven"


def test_a_long_reason_hides_no_verdict():
    console = Console(width=160, file=io.StringIO())
    console.print(table([dataclasses.replace(result(Verdict.ILL_POSED, ""), why="it is not well-formed " * 20)]))
    assert "ill_posed" in console.file.getvalue()


def test_what_cannot_be_written_is_one_message(tmp_path):
    (tmp_path / "taken").touch()
    command = [sys.executable, "-m", "marque.app.cli", "library", "--out", str(tmp_path / "taken")]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (2, f"marque library: {tmp_path / 'taken'}: File exists.\n")


def test_the_exit_status_tells_success_failure_and_nothing_to_drive():
    assert exit_status([result(Verdict.GOAL, "")]) == 0
    assert exit_status([result(Verdict.GOAL, ""), result(Verdict.LATE, "")]) == 1
    assert exit_status([result(Verdict.GOAL, ""), result(Verdict.ILL_POSED, "", None)]) == 1
    assert exit_status([result(Verdict.ILL_POSED, "", None)]) == 2
