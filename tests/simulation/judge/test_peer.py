"""The reader and the judge against CommonRoad's own tools, which run in an environment of their own (bench/peers)."""

import importlib.util
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from marque.simulation.commonroad import read_scenario
from marque.simulation.library import write_library

BENCH = Path(__file__).parents[3] / "bench"
FILES = [
    "DEU_A9-3_1_T-1", "DEU_Ffb-1_6_T-1", "OSC_PedestrianCollision-1_1_T-47", "RUS_Bicycle-4_1_T-1", "USA_Lanker-1_11_T-1",
    "USA_US101-22_2_T-1",
]  # fmt: skip


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_judge", BENCH / "judge.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not module.PEER.exists():
        pytest.skip("bench/peers/make commonroad has not been run")
    return module


@pytest.fixture(scope="module")
def paths(shared_data):
    return [shared_data / "commonroad" / f"{name}.xml" for name in FILES]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return write_library(tmp_path_factory.mktemp("library"))


@pytest.mark.slow
def test_the_judge_and_commonroads_tools_see_the_same_first(bench, paths):
    counts, lines = bench.compare(paths)
    for question in ("collision", "infeasible", "goal"):
        assert counts[f"{question} differ"] == 0, lines
        assert counts[f"{question} agree"] > 0
    # Beyond the end of the map the checker knows no edge at all; the judge lets a lane go on for one length of the body.
    assert counts["edge agree"] >= 0.95 * (counts["edge agree"] + counts["edge differ"]), lines


@pytest.mark.slow
def test_the_library_is_commonroad_by_its_schema_and_its_reader(bench, library):
    job = {"length_m": 1.0, "width_m": 1.0, "files": [{"path": str(path), "trajectories": []} for path in library]}
    answers = bench.ask_peer(job)
    assert {answer["path"]: answer["schema"] for answer in answers if answer["schema"]} == {}
    for answer, path in zip(answers, library, strict=True):
        assert set(answer["actors"]) == {str(name) for name in read_scenario(path).actors.obstacles}


@pytest.mark.slow
def test_the_lanes_of_a_city_leave_no_slit_that_commonroads_tools_would_see(bench, library):
    counts, lines = bench.compare([path for path in library if "City" in path.name][::3])
    assert counts["edge differ"] == 0, lines
    assert counts["edge agree"] > 0


@pytest.mark.slow
def test_every_body_is_where_commonroad_io_puts_it(bench, paths):
    job = {"length_m": 1.0, "width_m": 1.0, "files": [{"path": str(path), "trajectories": []} for path in paths]}
    for answer in bench.ask_peer(job):
        actors = read_scenario(Path(answer["path"])).actors
        assert set(answer["actors"]) == {str(name) for name in actors.obstacles}
        bodies = Counter(actors.obstacles.tolist())
        for column, name in enumerate(actors.obstacles.tolist()):
            for step, corners in answer["actors"][str(name)].items():
                row, there = actors.there(int(step))
                assert there[column] or bodies[name] > 1
                if there[column]:
                    assert holds(actors, row, column, np.array(corners))


def holds(actors, row, column, corners):
    """Whether a body's rectangle holds a polygon, and is hardly larger."""
    heading = actors.heading_rad[row, column]
    local = (corners - (actors.x_m[row, column], actors.y_m[row, column])) @ np.array(
        [[np.cos(heading), -np.sin(heading)], [np.sin(heading), np.cos(heading)]]
    )
    half = 0.5 * np.array([actors.length_m[row, column], actors.width_m[row, column]])
    reach = np.abs(local).max(axis=0)
    return np.all(reach <= half + 0.02) and np.all(reach >= 0.85 * half)
