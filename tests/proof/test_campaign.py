"""A campaign gives the same runs for any number of workers, goes on after a kill, and counts what was lost as failed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import broken_drive
import pytest
import rfc8785
from small_suite import written

from marque.alliance.audit import tree
from marque.common import InputError
from marque.foundation.compute_pool import ProcessPool
from marque.proof.campaign import Campaign, Task, drive
from marque.proof.suites import cases, read_suite

ALKS = Path(__file__).parents[3] / "shared" / "data" / "openscenario" / "alks" / "logical_scenarios"
CUT_IN = [
    "$Ego_InitSpeed_Ve0_kph == 60", "$CutInVehicle_RelativeInitSpeed_Ve0_Vo0_kph == -20",
    "$CutInVehicle_HeadwayDistanceTrigger_dx0_m == 40", "$CutInVehicle_LaneChange_MaxLateralVelocity_Vy_mps == 1",
    "$CutInVehicle_Acceleration_Rate_mps2 == 0",
]  # fmt: skip


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    return written(tmp_path_factory.mktemp("suite"))


@pytest.fixture(scope="module")
def lines(suite):
    """Every case driven here, one after the other."""
    return [drive(Task(suite, "vela", 1), case) for case in cases(read_suite(suite), 1)]


def ran(folder, suite, workers=1, **task):
    with ProcessPool(workers) as pool:
        campaign = Campaign(folder, Task(suite, "vela", 1, **task), "r1")
        return campaign, campaign.run(pool, 120.0)


def test_runs_are_canonical_tell_their_case_and_what_came_of_it(lines):
    for index, line in enumerate(lines):
        said = json.loads(line)
        assert rfc8785.dumps(json.loads(line)) == line
        assert said["case"] == index
        assert said["outcome"] == "passed", said["why"]
        assert len(said["trace"]) == 64
        assert said["measures"]["driven_m"] > 30.0


def test_any_number_of_workers_gives_the_bytes_of_driving_one_after_the_other(tmp_path, suite, lines):
    for workers in (1, 2):
        campaign, tally = ran(tmp_path / str(workers), suite, workers)
        assert (campaign.folder / "runs.jsonl").read_bytes() == b"".join(line + b"\n" for line in lines)
        assert tally.done == tally.counts["passed"] == 5
        assert campaign.root() == tree.fold([tree.node_hash(*pairs(lines)), tree.leaf_hash(lines[4])])


def pairs(lines):
    a, b, c, d = (tree.leaf_hash(line) for line in lines[:4])
    return tree.node_hash(a, b), tree.node_hash(c, d)


def test_what_the_journal_holds_is_not_driven_again_and_a_line_cut_off_is(tmp_path, suite, lines):
    Campaign(tmp_path, Task(suite, "vela", 1), "r1")
    known = json.loads(lines[2]) | {"why": "kept"}
    kept = json.dumps(known, sort_keys=True, separators=(",", ":")).encode()
    (tmp_path / "journal.jsonl").write_bytes(kept + b"\n" + lines[0][:40])
    campaign, tally = ran(tmp_path, suite)
    assert (campaign.folder / "runs.jsonl").read_bytes().splitlines() == [*lines[:2], kept, *lines[3:]]
    assert tally.done == 5


def test_another_plan_does_not_go_on_in_the_same_folder(tmp_path, suite):
    Campaign(tmp_path, Task(suite, "vela", 1), "r1")
    for task, release in ((Task(suite, "corvus", 1), "r1"), (Task(suite, "vela", 2), "r1"), (Task(suite, "vela", 1), "r2")):
        with pytest.raises(InputError, match="another plan"):
            Campaign(tmp_path, task, release)


@pytest.mark.slow
def test_what_dies_raises_or_takes_too_long_is_a_run_that_failed(tmp_path, suite, monkeypatch):
    campaign = Campaign(tmp_path, Task(suite, "vela", 1), "r1")
    monkeypatch.setattr("marque.proof.campaign.campaign.drive", broken_drive.drive)
    with ProcessPool(2) as pool:
        tally = campaign.run(pool, 20.0)
    outcomes = [json.loads(line)["outcome"] for line in (tmp_path / "runs.jsonl").read_bytes().splitlines()]
    assert outcomes == ["lost", "aborted", "overdue", "passed", "passed"]
    assert {name: count for name, count in tally.counts.items() if count} == {"lost": 1, "aborted": 1, "overdue": 1, "passed": 2}


@pytest.mark.parametrize(
    ("limit_mps", "outcome", "why"), [(70.0, "outside", "the vehicle drives between"), (120.0, "aborted", "the speed limit '120.0000'")]
)
def test_what_no_vehicle_could_do_is_outside_of_the_domain_and_what_cannot_be_read_is_not(tmp_path, limit_mps, outcome, why):
    path = written(tmp_path, lambda said: said["sources"][1]["parameters"]["limit_mps"].update(values=[limit_mps]))
    said = json.loads(drive(Task(path, "vela", 1), cases(read_suite(path), 1)[3]))
    assert (said["outcome"], said["trace"]) == (outcome, "")
    assert why in said["why"]


def test_a_file_that_is_no_scenario_is_no_way_out_of_the_domain(tmp_path):
    (tmp_path / "broken.xml").write_text("<commonRoad")
    path = written(tmp_path, lambda said: said["sources"].append({"name": "broken", "commonroad": "broken.xml", "cell": "street"}))
    said = json.loads(drive(Task(path, "vela", 1), cases(read_suite(path), 1)[-1]))
    assert said["outcome"] == "aborted"
    assert "broken.xml" in said["why"]


@pytest.mark.skipif(not ALKS.exists(), reason="the ALKS scenarios are not here")
@pytest.mark.parametrize(("horizon_s", "outcome", "why"), [(8, "aborted", "cut off by its horizon of 8 s"), (90, "passed", "stop trigger")])
def test_what_was_cut_off_before_its_end_shows_nothing(tmp_path, horizon_s, outcome, why):
    def cut_in(said):
        target = str(next(ALKS.glob("*4_4_1*")))
        source = {"name": "cut-in", "openscenario": target, "cell": "street", "sample": 1, "horizon_s": horizon_s, "settling": True}
        said["sources"] = [source | {"constraints": CUT_IN}]
        said["cells"] = {"street": {"odd": {}, "exposure": 1}}

    path = written(tmp_path, cut_in)
    said = json.loads(drive(Task(path, "vela", 1), cases(read_suite(path), 1)[0]))
    assert said["outcome"] == outcome
    assert why in said["why"]
    assert said["measures"]["driven_s"] > 7.0


def test_a_campaign_does_not_go_on_with_other_code_than_it_began_with(tmp_path, suite):
    begun = Campaign(tmp_path, Task(suite, "vela", 1), "r1")
    assert {"code/driving", "lock", "model/vela", "simulator/simulation", "suite/small"} <= begun.plan.inputs.keys()
    begun.unchanged()
    other = json.loads((tmp_path / "plan.json").read_text())
    other["inputs"]["code/driving"] = "0" * 64
    (tmp_path / "plan.json").write_bytes(rfc8785.dumps(other))
    with pytest.raises(InputError, match=r"code/driving is not what the campaign here began with[^$]*Put it back"):
        Campaign(tmp_path, Task(suite, "vela", 1), "r1")


DRIVER = """
    import sys
    from pathlib import Path
    from marque.foundation.compute_pool import ProcessPool
    from marque.proof.campaign import Campaign, Task
    if __name__ == "__main__":
        with ProcessPool(2) as pool:
            Campaign(Path(sys.argv[1]), Task(Path(sys.argv[2]), "vela", 1), "r1").run(pool, 120.0)
"""


@pytest.mark.slow
def test_killed_twenty_times_it_ends_with_the_same_root(tmp_path):
    path = written(tmp_path, lambda said: said["sources"][0].update(sample=40))
    straight, _ = ran(tmp_path / "straight", path, 2)
    script = tmp_path / "driver.py"
    script.write_text(textwrap.dedent(DRIVER))
    chance, folder = random.Random(7), tmp_path / "killed"
    command = [sys.executable, str(script), str(folder), str(path)]
    for _ in range(20):
        with subprocess.Popen(command, start_new_session=True) as process:
            time.sleep(chance.uniform(0.5, 5.0))
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    subprocess.run(command, check=True, timeout=300)
    assert Campaign(folder, Task(path, "vela", 1), "r1").root() == straight.root()
