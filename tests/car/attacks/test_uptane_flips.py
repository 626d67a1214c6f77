"""Bytes changed in anything that a car is sent: it plans what was signed, or refuses by name, and never falls over."""

import os
from functools import cache

import pytest
from attack_world import FullCar, PartialCar, after, first
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.car.attacks import UpdateRefused
from marque.car.uptane.vehicle import read

CARS = {"full": FullCar, "partial": PartialCar}
WORLD = after(first())
NEEDED = [("director", "targets.json"), *(("image", name) for name, raw in sorted(WORLD.image.items()) if first().image.get(name) != raw)]
"""What comes with release 2. What was there before is not sent again."""
UNSEEN = {"timestamp.json", "2.snapshot.json"}
"""By a secondary."""
STRIDE = {True: 5, False: 17}
"""Every so many bytes are changed, thoroughly and otherwise; every one in the tests of `marque.car.tuf`, which these files go through."""


@pytest.fixture(autouse=True, scope="module")
def _no_flushing():
    """No power is cut here, and flushing is what takes the time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda _: None)
        yield


@cache
def _begun(kind, folder):
    """A car with release 1, as files and a vehicle; and what it makes of release 2."""
    car = CARS[kind](folder, first())
    car.update(first())
    files, vehicle = car.state()
    return files, vehicle, car.update(WORLD)


def car_of(kind, folder, begun):
    files, vehicle, _ = begun
    car = CARS[kind](folder, first())
    for name, raw in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(raw)
    car.vehicle = read(vehicle)
    return car


def changed(where, name, raw):
    world = WORLD.changed()
    getattr(world, where)[name] = raw
    role = name.split(".")[-2]
    if where == "image" and role in world.newest:
        world.newest[role] = raw
    return world


def plays(kind, tmp_path_factory, where, name, raw):
    begun = _begun(kind, tmp_path_factory.getbasetemp() / f"begun-{kind}")
    car = car_of(kind, tmp_path_factory.mktemp("car"), begun)
    before = car.state()
    try:
        done = car.update(changed(where, name, raw))
    except UpdateRefused:
        assert car.state() == before
        return False
    assert done == begun[2]
    return True


def flipped(raw, place, by):
    return raw[:place] + bytes([raw[place] ^ by]) + raw[place + 1 :]


@pytest.mark.parametrize("kind", CARS)
@settings(max_examples=15)
@given(st.data())
def test_a_changed_byte_never_changes_what_is_installed(kind, tmp_path_factory, data):
    where, name = data.draw(st.sampled_from(NEEDED))
    raw = getattr(WORLD, where)[name]
    place, by = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(1, 255))
    plays(kind, tmp_path_factory, where, name, flipped(raw, place, by))


@pytest.mark.parametrize("kind", CARS)
@settings(max_examples=15)
@given(st.sampled_from(NEEDED), st.binary(max_size=200))
def test_anything_else_in_the_place_of_a_file_is_refused(kind, tmp_path_factory, needed, raw):
    taken = plays(kind, tmp_path_factory, *needed, raw)
    assert not taken or (kind == "partial" and needed[1] in UNSEEN)


@pytest.mark.slow
@pytest.mark.parametrize("kind", CARS)
@pytest.mark.parametrize("needed", NEEDED, ids="/".join)
def test_no_byte_of_any_file_can_be_changed(kind, needed, tmp_path_factory, thorough):
    where, name = needed
    raw = getattr(WORLD, where)[name]
    taken = [place for place in range(0, len(raw), STRIDE[thorough]) if plays(kind, tmp_path_factory, where, name, flipped(raw, place, 1))]
    assert not taken or (kind == "partial" and name in UNSEEN)
