"""`marque city`: what it counts, prints and keeps."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from marque.app.city import Run, drive_city, runs_of
from marque.app.city_replays import AFTER_S, Keeper
from marque.app.city_tables import finished_share, tables
from marque.app.cli import app
from marque.driving.importers import default_city, load_map
from marque.simulation.city import City
from marque.simulation.replay import read_replay
from marque.simulation.witness import Incident

SHORT = Run(None, hours=0.002, seed=3, vehicles=20, pedestrians=0, cars=2, perfect=False, replays=None)
TIMINGS = {"cycle_ms_p50", "cycle_ms_p99", "real_time_factor"}


def but_timings(facts):
    return {name: value for name, value in facts.items() if name not in TIMINGS}


def test_facts_add_up_over_cars_and_are_json():
    told = []
    facts = drive_city(SHORT, told.append)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert facts["hours"] == pytest.approx(SHORT.hours)
    assert facts["perception"] == "sensed"
    assert len(facts["cars"]) == SHORT.cars
    for name in ("routes_started", "routes_finished", "collisions", "at_fault", "stuck", "hard_brakings"):
        assert facts[name] == sum(car[name] for car in facts["cars"])
    assert 0.0 <= facts["comfort"]["within"] <= min(facts["comfort"][f"within {name}"] for name in ("jerk", "lateral acceleration"))
    assert [one.seed for one in told] == [SHORT.seed] * len(told)
    assert told[0].time_s < told[-1].time_s <= SHORT.hours * 3600.0


def test_the_command_writes_all_runs_and_prints_them(tmp_path):
    out = tmp_path / "hour.json"
    arguments = ["--hours", "0.001", "--seeds", "2", "--vehicles", "10", "--pedestrians", "0", "--cars", "1", "--json", str(out)]
    result = CliRunner().invoke(app, ["city", *arguments])
    assert result.exit_code == 0
    runs = json.loads(out.read_text())["runs"]
    assert [run["seed"] for run in runs] == [1, 2]
    assert "nuPlan" in result.stdout


@pytest.mark.slow
def test_workers_find_what_one_process_finds(tmp_path):
    out = tmp_path / "hour.json"
    arguments = [
        "--hours",
        "0.002",
        "--seed",
        "3",
        "--seeds",
        "2",
        "--workers",
        "2",
        "--vehicles",
        "20",
        "--pedestrians",
        "0",
        "--cars",
        "2",
    ]
    assert CliRunner().invoke(app, ["city", *arguments, "--json", str(out)]).exit_code == 0
    alone = [drive_city(run, lambda _: None) for run in runs_of(SHORT, 2)]
    assert [but_timings(run) for run in json.loads(out.read_text())["runs"]] == [but_timings(run) for run in alone]


def test_around_an_incident_there_is_a_replay_of_the_car_it_is_about(tmp_path):
    city = City(load_map(default_city()), seed=3, vehicles=30, pedestrians=0, cars=2)
    keeper = Keeper(city, tmp_path)
    for step in range(round(AFTER_S / city.step_s) + 25):
        city.step()
        if step == 20:
            car = city._cars[1]
            happened_s = city.time_s
            car.record.incidents.append(Incident("hard braking", happened_s, car.state.x_m, car.state.y_m, {"reason": "FOLLOW"}))
        keeper.keep()
    keeper.end()
    (path,) = tmp_path.iterdir()
    replay = read_replay(path)
    assert replay.summary.facts["reason"] == "FOLLOW"
    assert replay.summary.cars == (city.id_of(1),)
    times = [frame.time_s for frame in replay.frames()]
    assert times[0] < happened_s < times[-1] <= happened_s + AFTER_S + city.step_s
    assert all(city.id_of(1) in frame.ids for frame in replay.frames())


def run(seed, finished, abandoned, **more):
    felt = dict.fromkeys(
        ["within", *(f"within {name}" for name in ("lateral acceleration", "longitudinal acceleration", "jerk", "longitudinal jerk"))],
        0.995,
    )
    felt |= {
        "within yaw rate": 1.0,
        "within yaw acceleration": 1.0,
        "lateral_p99_mps2": 2.0,
        "jerk_p99_mps3": 3.0,
        "step_jerk_p99_mps3": 9.0,
    }
    counted = dict.fromkeys(
        ("driven_km", "collisions", "at_fault", "stuck", "longest_wait_s", "hard_brakings", "minimal_risk_manoeuvres"), 0
    )
    facts = {"map": "town", "hours": 1.0, "perception": "sensed", "seed": seed, "routes_finished": finished, "routes_abandoned": abandoned}
    return facts | counted | {"comfort": felt, "incidents": [], "longest_waits": [], "cycle_ms_p50": 1.5, "real_time_factor": 5.0} | more


def test_the_share_of_finished_routes_is_that_of_all_runs_together():
    assert finished_share([run(1, 90, 10), run(2, 10, 0)]) == pytest.approx(100 / 110)
    assert finished_share([run(1, 0, 0)]) == 0.0


def test_the_longest_waits_of_all_runs_come_first_with_their_places():
    waits = [{"kind": "wait", "car": 1, "time_s": 61.0, "x_m": 10.0, "y_m": 20.0, "waits_s": s, "reason": "YIELD"} for s in (40.0, 95.0)]
    *_, table = tables([run(1, 1, 0, longest_waits=waits[:1]), run(2, 1, 0, longest_waits=waits[1:])])
    assert table.title == "longest waits"
    columns = [list(column.cells) for column in table.columns]
    assert columns[0] == ["2", "1"]
    assert columns[2] == ["1:01", "1:01"]
    assert columns[4] == ["(10, 20)", "(10, 20)"]
