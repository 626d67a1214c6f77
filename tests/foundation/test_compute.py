"""The compute port on processes of this machine, and on Ray where its environment was made."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import compute_functions as functions
import pytest
from compute_conformance import ComputeConformance, until, values

from marque.foundation.compute import ComputeError, Failure
from marque.foundation.compute_pool import ProcessPool
from marque.foundation.compute_ray import RayCluster

ROOT = Path(__file__).parents[2]
RAY = ROOT / "bench/peers/.venv-ray/bin/python"


@pytest.fixture(scope="module")
def two():
    with ProcessPool(2) as pool:
        yield pool


class TestProcesses(ComputeConformance):
    @pytest.fixture
    def make(self):
        made = []

        def make(workers):
            made.append(ProcessPool(workers))
            return made[-1]

        yield make
        for pool in made:
            pool.close()


class TestProcessesAlone:
    def test_how_a_worker_died_is_told(self):
        with ProcessPool(1) as pool:
            told = values(pool.run(functions.fragile, ["leave", "kill"]))
        assert told == {
            0: Failure("died", "its worker ended itself with status 3"),
            1: Failure("died", "its worker was ended by SIGKILL (somebody's, or for lack of memory)"),
        }

    def test_an_overdue_worker_is_killed_with_what_it_started(self, tmp_path):
        with ProcessPool(1) as pool:
            assert values(pool.run(partial(functions.signed_and_hang, tmp_path), [0], limit_s=1.0))[0].kind == "overdue"
        until(lambda: not any(map(runs, pids(tmp_path / "0"))))

    def test_workers_end_with_a_parent_that_is_killed(self, tmp_path):
        script = (
            "import sys; from functools import partial; from pathlib import Path; import compute_functions as functions\n"
            "from marque.foundation.compute_pool import ProcessPool\n"
            "if __name__ == '__main__': list(ProcessPool(1).run(partial(functions.signed_and_hang, Path(sys.argv[1])), [0]))"
        )
        parent = subprocess.Popen([sys.executable, "-c", script, tmp_path], env=paths())
        until((tmp_path / "0").exists)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        until(lambda: not any(map(runs, pids(tmp_path / "0"))))

    def test_a_script_that_forgot_its_main_guard_is_told_so(self, tmp_path):
        script = tmp_path / "script.py"
        script.write_text(
            "import compute_functions as functions; from marque.foundation.compute_pool import ProcessPool\n"
            "print(list(ProcessPool(1).run(functions.square, [1])))\n"
        )
        told = subprocess.run([sys.executable, script], env=paths(), capture_output=True, text=True, check=False)
        assert told.returncode == 1
        assert "ComputeError: 3 workers in a row ended before they were ready; the last one ended itself with status 1." in told.stderr
        assert "A script that runs batches does so below `if __name__ == '__main__':`" in told.stderr


def pids(path):
    return [int(pid) for pid in path.read_text().split()]


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def paths():
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(Path(__file__).parent)])}


def test_without_ray_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ComputeError, match=r"Ray is not installed\.\n  Install it with .* -r bench/peers/ray\.lock"):
        RayCluster()


def test_the_lock_of_ray_installs_on_top_of_marques_own():
    base, ray = (
        dict(re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^ ;\\]+)", (ROOT / lock).read_text(), re.MULTILINE))
        for lock in ("requirements/base.lock", "bench/peers/ray.lock")
    )
    shared = base.keys() & ray.keys()
    assert {"numpy", "psycopg", "obstore", "procrastinate"} <= shared
    assert {name: ray[name] for name in shared} == {name: base[name] for name in shared}


@pytest.mark.slow
def test_ray_keeps_the_same_promises():
    """In an environment of its own, on a cluster of this machine."""
    if not RAY.exists():
        pytest.skip("made by: bench/peers/make ray")
    suite = [RAY, "-m", "pytest", "-q", "-m", "", "--noconftest", "-p", "no:cacheprovider", Path(__file__).with_name("ray_conformance.py")]
    told = subprocess.run(suite, cwd=ROOT, env=paths(), capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout[-8000:]
