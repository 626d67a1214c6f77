"""How long a file may take: driving counts, compiling does not."""

from __future__ import annotations

import pytest

from marque.driving.pilot import Pilot
from marque.simulation import drive
from marque.simulation.drive import Verdict, drive_file
from scenes import TWO_LANES, document, goal, problem, rectangle, write


@pytest.fixture
def path(tmp_path):
    return write(tmp_path, document(TWO_LANES, problem(15.0, 0.0, 10.0, goal(0, 40, region=rectangle(20.0, 3.5, 35.0, 0.0)))))


def test_what_compiling_takes_is_not_taken_from_the_drive(path, monkeypatch):
    """On a fresh checkout it takes minutes, more than a file may; whoever needs the kernels first waits for them."""
    clock, compiled = [0.0], list[bool]()

    def compile_once():
        if not compiled:
            clock[0] += 1_000.0
            compiled.append(True)

    class Compiling(Pilot):
        def begin(self, goals):
            compile_once()
            super().begin(goals)

    monkeypatch.setattr(drive.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(drive, "warm_up", compile_once)
    assert [one.verdict for one in drive_file(path, make_driver=Compiling, limit_s=60.0)] == [Verdict.GOAL]


def test_a_drive_that_takes_longer_than_it_may_says_so(path):
    (one,) = drive_file(path, limit_s=0.0)
    assert (one.verdict, one.why) == (Verdict.ERROR, "TimeoutError: the drive took too long")
