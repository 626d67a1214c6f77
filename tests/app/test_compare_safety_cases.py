"""Two releases' safety cases, compared from their files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "proof"))
from argued_facts import DAY_CELL, facts
from typer.testing import CliRunner

from marque.app.cli import app
from marque.proof.report import sacm
from marque.proof.report.argument import Argument, Challenge, argument

QUIET = argument(facts())
ANSWERS = tuple(Challenge(one.id, one.challenges, one.text, "Marque", "2026-11-27", "Seen to.", "Chen", "2026-11-28") for one in QUIET.open)
STANDS, LOST = argument(facts(), ANSWERS), argument(facts({0: "lost"}), ANSWERS)


@pytest.fixture
def compared(tmp_path):
    def run(before: Argument, after: Argument) -> tuple[int, list[str]]:
        for name, one in (("before.xmi", before), ("after.xmi", after)):
            (tmp_path / name).write_bytes(sacm.dumps(one))
        told = CliRunner().invoke(app, ["compare-safety-cases", str(tmp_path / "before.xmi"), str(tmp_path / "after.xmi")])
        return told.exit_code, told.stdout.splitlines()

    return run


def test_what_fell_since_the_release_before_is_told_and_ends_with_one(compared):
    code, lines = compared(STANDS, LOST)
    assert code == 1
    assert lines[0].startswith(f"new        D5.{DAY_CELL}: In {DAY_CELL} nobody knows what came of some runs: 1 lost.")
    assert any(line.startswith(f"supported → defeated  G2.{DAY_CELL}: In {DAY_CELL}") for line in lines)
    assert any(line.startswith("supported → defeated  G1: ") for line in lines)
    assert lines[-1] == "the safety case does not stand; before it stood; 5 things stand less than before"


def test_what_stands_again_is_told_and_ends_with_zero(compared):
    code, lines = compared(LOST, STANDS)
    assert code == 0
    assert any(line.startswith(f"gone       D5.{DAY_CELL}") for line in lines)
    assert any(line.startswith("defeated → supported  G1") for line in lines)
    assert lines[-1] == "the safety case stands; before it did not stand; 0 things stand less than before"


def test_an_answer_that_is_taken_back_is_told(compared):
    code, lines = compared(STANDS, QUIET)
    assert code == 1
    assert any(line.startswith("resolved → open  D15: ") for line in lines)


def test_the_same_case_differs_in_nothing(compared):
    assert compared(LOST, LOST) == (0, ["the safety case does not stand; before it did not stand; 0 things stand less than before"])
