"""The same attacks against the whole updater, `marque.car.updater`: named, reported, and nothing that runs is touched."""

import os
import sys
from pathlib import Path

import pytest
from attack_rows import ROWS
from attack_world import ECUS, after, first, image_of, sha256

from marque.car.folder import digests
from marque.car.uptane.reports import State

sys.path.insert(0, str(Path(__file__).parents[1]))
from updater_world import SAFE, Server, car_of, updater

OFTEN = 8
"""Every so many rows are played each time, all of them with the slow tests; those over a slow wire are the client's to show."""


@pytest.fixture(autouse=True)
def _no_flushing(monkeypatch):
    """No power is cut here, and flushing is what takes the time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def trusted(car):
    return {path.relative_to(car.path): path.read_bytes() for path in (car.path / "metadata").rglob("*") if path.is_file()}


def passes(car, server, world):
    server.moves_to(world)
    return updater(car, server, start=lambda _: ()).once(SAFE, agrees=True)


def runs(counter):
    return {serial: sha256(image_of(role, counter)) for serial, role in ECUS.items()}


def _row(row, number):
    return pytest.param(row, id=row.name, marks=[] if number % OFTEN == 0 else [pytest.mark.slow])


@pytest.mark.parametrize("row", [_row(row, number) for number, row in enumerate(row for row in ROWS if not row.wire)])
def test_the_updater_names_and_reports_the_attack_and_what_runs_goes_on(row, tmp_path):
    world = first()
    car, server = car_of(tmp_path, world), Server(world)
    for _ in range(row.start - 1):
        world = after(world)
    if row.before:
        row.before(world)
    assert passes(car, server, world).state is State.INSTALLED
    before, honest = trusted(car), after(world)
    attack = honest.changed()
    row.change(attack)

    outcome = passes(car, server, attack)

    assert outcome.state is State.REFUSED, outcome
    assert outcome.met.attack is row.full
    assert server.manifests[-1].met.attack is row.full
    assert digests(car.look()) == runs(row.start)
    if (attack.director, attack.image) != (honest.director, honest.image):
        assert trusted(car) == before
    assert passes(car, server, honest).state is State.INSTALLED
    assert digests(car.look()) == runs(row.start + 1)
