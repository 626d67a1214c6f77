"""What credibility drives of a suite is what a campaign drives of it."""

from __future__ import annotations

from pathlib import Path

from small_suite import written

from marque.app.credibility import _cases
from marque.proof.campaign import Task
from marque.proof.campaign.drive import run
from marque.proof.credibility.experiments.closed_loop import drive
from marque.proof.suites import cases, read_suite


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
