"""Every attack of the table, against full and partial verification."""

import os

import pytest
from attack_rows import LEFT, NOTHING, ROWS
from attack_run import play
from attack_world import FullCar, PartialCar


@pytest.fixture(autouse=True)
def _no_flushing(monkeypatch):
    """No power is cut here, and flushing is what takes the time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_full_verification_refuses_and_keeps_what_it_had(row, tmp_path):
    found = play(row, FullCar, tmp_path)
    assert found.told is row.full, found
    assert found.same, "something changed"
    assert found.recovered


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_partial_verification_refuses_what_it_can_see(row, tmp_path):
    found = play(row, PartialCar, tmp_path)
    assert found.told == row.of_partial, found
    assert found.recovered
    if row.of_partial != LEFT:
        assert found.same or found.told == NOTHING
