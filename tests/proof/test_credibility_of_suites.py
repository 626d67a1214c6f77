"""What credibility drives of a suite is what a campaign drives of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_suite import written

from marque.app.credibility import _cases
from marque.proof.campaign import Task
from marque.proof.campaign.drive import run
from marque.proof.credibility.experiments.closed_loop import can_slip, drive
from marque.proof.credibility.step_halving import apart
from marque.proof.suites import cases, located, read_suite


def test_cases_of_a_suite_come_out_as_in_a_campaign(tmp_path: Path):
    path = written(tmp_path)
    known = cases(read_suite(path), 1)
    trials, rests_on, settings = _cases(path, "vela", 2)
    assert [trial.scene for trial in trials] == [0, len(known) - 1]
    assert rests_on == {"suite/small": read_suite(path).digest}
    assert settings == {"cases": f"2 of {len(known)} cases of small"}
    for trial in trials:
        ran, found = run(known[trial.scene], Task(path, "vela", 1)), drive(trial)
        assert ran.outcome == ("failed" if found.failed else "passed")
        assert min(found.ttc_min_s, 1e9) == ran.measures.get("ttc_min_s", 1e9)
        assert len(found.places_m) == round(ran.measures["driven_s"] / 0.1) + 1


@pytest.mark.slow
def test_a_scene_on_a_map_comes_out_as_in_a_campaign_and_nearly_so_at_half_the_step():
    trials, _, _ = _cases(Path("city"), "vela", 2)
    path, trial = located(Path("city")), trials[0]
    case = cases(read_suite(path), 1)[trial.scene]
    ran, found = run(case, Task(path, "vela", 1)), drive(trial)
    assert ran.outcome == ("failed" if found.failed else "passed")
    assert min(found.ttc_min_s, 1e9) == ran.measures.get("ttc_min_s", 1e9)
    assert not can_slip(trial)
    half, quarter = (drive(replace(trial, parts=parts)) for parts in (2, 4))
    assert half.verdict == quarter.verdict == found.verdict
    assert apart(half.places_m, quarter.places_m) < apart(found.places_m, quarter.places_m)
