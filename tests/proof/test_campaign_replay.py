"""A case that is driven again gives its line to the byte, recorded or not; what comes out otherwise is named by its fields."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from small_suite import written

from marque.foundation.compute_pool import ProcessPool
from marque.proof.campaign import Task, drive
from marque.proof.campaign.replay import again, differing, drive_again, replay_file
from marque.proof.suites import cases, read_suite
from marque.simulation.replay import read_replay


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    return Task(written(tmp_path_factory.mktemp("suite")), "vela", 1)


@pytest.fixture(scope="module")
def known(task):
    """(cases, their lines) of two cases of different cells."""
    chosen = [cases(read_suite(task.suite), 1)[index] for index in (1, 3)]
    return chosen, {case.index: drive(task, case) for case in chosen}


def test_recording_a_case_changes_no_byte_of_its_line_and_shows_the_very_run(tmp_path, task, known):
    chosen, lines = known
    for case in chosen:
        assert drive_again(task, tmp_path, case) == lines[case.index]
        said, replay = json.loads(lines[case.index]), read_replay(replay_file(tmp_path, case.index))
        assert (len(replay) - 1) * replay.summary.step_s == pytest.approx(said["measures"]["driven_s"])
        assert replay.summary.facts["verdict"] == "goal"
        [car] = replay.summary.cars
        driven = np.array([(frame.x_m[0], frame.y_m[0]) for frame in replay.frames() if frame.ids[0] == car])
        length_m = np.hypot(*np.diff(driven, axis=0).T).sum()
        assert length_m == pytest.approx(said["measures"]["driven_m"], rel=0.01), "positions are kept to half a centimetre"


def test_driven_again_in_other_processes_a_case_is_the_same_and_a_line_that_lies_is_found_out(tmp_path, task, known):
    chosen, lines = known
    with ProcessPool(1) as pool:
        assert {one.case: one.line for one in again(task, chosen, pool, 120.0, tmp_path)} == lines
    bent = json.loads(lines[3]) | {"outcome": "failed"}
    bent["measures"]["ttc_min_s"] = 0.5
    told = differing(rfc8785.dumps(bent), lines[3])
    assert [one.partition(":")[0] for one in told] == ["measures.ttc_min_s", "outcome"]
    assert told[1] == 'outcome: "failed", now "passed"'
    assert sorted(file.name for file in tmp_path.iterdir()) == ["case-1.replay", "case-3.replay"]


FLAT = st.dictionaries(st.text(max_size=2), st.integers(0, 2), max_size=3)
SAID = st.dictionaries(st.text(max_size=3), st.integers(0, 3) | st.text(max_size=2) | FLAT, max_size=4)


@given(SAID, SAID)
def test_lines_differ_in_something_if_and_only_if_their_bytes_do(one, other):
    before, now = rfc8785.dumps(one), rfc8785.dumps(other)
    assert (differing(before, now) == ()) == (before == now)
