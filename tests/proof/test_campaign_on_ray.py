"""Where a campaign is driven leaves no trace in its runs: on a Ray cluster it writes the bytes of this machine's processes."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest
from small_suite import written

from marque.foundation.compute_pool import ProcessPool
from marque.proof.campaign import Campaign, Task

ROOT = Path(__file__).parents[2]
RAY = ROOT / "bench/peers/.venv-ray/bin/python"


@pytest.mark.slow
def test_a_campaign_on_ray_writes_the_bytes_of_one_on_processes(tmp_path):
    """Ray from its own environment, everything else from this one: both pin what they share alike."""
    if not RAY.exists():
        pytest.skip("made by: bench/peers/make ray")
    suite = written(tmp_path)
    with ProcessPool(2) as pool:
        here = Campaign(tmp_path / "pool", Task(suite, "vela", 1), "r1")
        here.run(pool, 300.0)
    own = next((ROOT / "bench/peers/.venv-ray/lib").glob("python3*/site-packages"))
    found = os.pathsep.join([str(ROOT / "src"), str(own), sysconfig.get_paths()["purelib"]])
    words = [RAY, Path(__file__).with_name("ray_campaign.py"), tmp_path / "ray", suite]
    told = subprocess.run(words, cwd=ROOT, env=os.environ | {"PYTHONPATH": found}, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr[-8000:]
    assert (tmp_path / "ray/runs.jsonl").read_bytes() == (tmp_path / "pool/runs.jsonl").read_bytes()
    assert (tmp_path / "ray/runs.jsonl").read_bytes().count(b'"outcome":"passed"') == 5
