"""Power goes at every boundary and every byte: the car runs the old software or the new in all its ECUs, and the next start finishes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from install_car import BUNDLE, NEW, OLD, SERIALS, all_up, bring, image, provisioned
from install_disk import CutStorage, Fate, PowerCut

from marque.car.install.bundle import JOURNAL, Installer
from marque.car.install.slots import Phase, Slot, State, place
from marque.common import MarqueError

FATES: tuple[Fate, ...] = ("lost", "kept", "any")
TELLS_OF: Mapping[str, Mapping[str, object]] = {"old": OLD, "new": NEW}


def brake_stays_down(slots: Mapping[str, Slot]) -> Collection[str]:
    """New software lies in slot B here."""
    return [serial for serial, slot in slots.items() if serial == "brake-1" and slot is Slot.B]


def cut(at: int, before: CutStorage, run: Callable[[CutStorage, list[str]], None]) -> tuple[CutStorage, list[str]]:
    """The disk at the instant that the power goes, and what had been told by then."""
    told: list[str] = []
    disk = before.after_cut("kept", Random(0))
    disk.cut_at = at
    with pytest.raises(PowerCut):
        run(disk, told)
    return disk, told


def runs(disk: CutStorage) -> str:
    """ "old" or "new": what all ECUs start from, whose images lie there byte for byte."""
    state = Installer(disk).state
    for serial, each in state.running().items():
        assert disk.read(place(serial, state.slot(serial))) == image(serial, each.counter), f"{serial} has no whole image"
    return one_of_both(state)


def one_of_both(state: State) -> str:
    for name, whole in TELLS_OF.items():
        if state.running() == whole:
            return name
    raise AssertionError(f"mixed: {state.running()}")


def forward(disk: CutStorage, told: list[str]) -> None:
    bring(disk, told=told.append)


def points(run: Callable[[CutStorage, list[str]], None], thin: int = 1) -> list[int]:
    """Of one whole, undisturbed run: every boundary, every byte of every image, and one in `thin` of the journal's bytes."""
    disk = provisioned()
    run(disk, [])
    found = {point for first, last, name in disk.passed for point in range(first, last + 1, thin if name == JOURNAL else 1)}
    return sorted(found | {last for _, last, _ in disk.passed})


def check_one(at: int, fate: Fate, seed: int, run: Callable[[CutStorage, list[str]], None], ends: str) -> None:
    broken, told = cut(at, provisioned(), run)
    disk = broken.after_cut(fate, Random(seed))
    left = runs(disk)
    if "over" in told:
        assert left == ends, f"cut at {at}, {fate}: what had been told is forgotten"
    elif "committed" in told and ends == "new":
        assert left == "new", f"cut at {at}, {fate}: a committed bundle is forgotten"
    run(disk, [])
    assert runs(disk) == ends, f"cut at {at}, {fate}: the next start does not finish"
    assert Installer(disk).state.phase is Phase.STEADY


def backward(disk: CutStorage, told: list[str]) -> None:
    bring(disk, comes_up=brake_stays_down, told=told.append)


@pytest.mark.parametrize("fate", FATES)
def test_a_cut_anywhere_leaves_old_or_new_and_the_next_start_finishes(fate: Fate) -> None:
    where = points(forward, thin=97)
    assert len(where) > 3 * 24, "every byte of every image is a point"
    for at in where:
        check_one(at, fate, at, forward, "new")


def test_a_cut_anywhere_in_an_update_that_does_not_come_up_ends_with_the_old() -> None:
    for at in points(backward, thin=97):
        check_one(at, "any", at, backward, "old")


def test_a_car_whose_updater_is_killed_goes_on_where_it_was() -> None:
    """The system lives on: nothing is lost, also not what was not synced."""
    for at in points(forward, thin=31):
        broken, _ = cut(at, provisioned(), forward)
        broken.cut_at = None
        forward(broken, [])
        assert runs(broken) == "new"


@settings(max_examples=40)
@given(cuts=st.lists(st.tuples(st.integers(1, 4000), st.sampled_from(FATES), st.integers(0, 2**32)), min_size=2, max_size=6))
def test_cut_after_cut_is_no_other_matter(cuts: list[tuple[int, Fate, int]]) -> None:
    disk = provisioned()
    for at, fate, seed in cuts:
        disk.points, disk.cut_at = 0, at
        try:
            forward(disk, [])
        except PowerCut:
            disk = disk.after_cut(fate, Random(seed))
        disk.cut_at = None
        assert runs(disk) in TELLS_OF
    boots_lost = Installer(disk).state.failed is not None
    forward(disk, [])
    assert runs(disk) == ("old" if boots_lost or Installer(disk).state.failed else "new")


@pytest.mark.slow
@pytest.mark.parametrize(("run", "ends"), [(forward, "new"), (backward, "old")], ids=["comes up", "does not come up"])
@pytest.mark.parametrize("fate", FATES)
def test_every_byte_and_every_boundary(fate: Fate, run: Callable[[CutStorage, list[str]], None], ends: str, thorough: bool) -> None:
    for at in points(run):
        for seed in range(4 if thorough and fate == "any" else 1):
            check_one(at, fate, 1000 * at + seed, run, ends)


def sweep_all(run: Callable[[CutStorage, list[str]], None]) -> None:
    for at in points(run, thin=97):
        check_one(at, "any", at, run, "new")


def test_the_disk_of_these_tests_forgets_what_was_not_synced() -> None:
    """A test of the test: without the syncs there would be something to find."""
    disk = CutStorage()
    disk.write("a", 0, b"content")
    assert disk.after_cut("lost", Random(0)).size("a") is None
    disk.sync_folder("")
    assert disk.after_cut("lost", Random(0)).read("a") == b""
    disk.sync("a")
    assert disk.after_cut("lost", Random(0)).read("a") == b"content"
    torn = {disk_of_torn(seed) for seed in range(200)}
    assert {b"old", b"new"} < torn
    assert len(torn) > 3


def disk_of_torn(seed: int) -> bytes:
    disk = CutStorage()
    disk.write("a", 0, b"old")
    disk.sync("a")
    disk.sync_folder("")
    disk.write("a", 0, b"new")
    return disk.after_cut("any", Random(seed)).read("a")


@pytest.mark.parametrize("unsynced", ["ecus/", "journal"])
def test_without_its_syncs_a_car_would_be_mixed_or_forget(unsynced: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep sees what it is there for: leave syncs out, and it finds a car with half an image, or one that forgot what it had told."""
    sync = CutStorage.sync
    monkeypatch.setattr(CutStorage, "sync", lambda self, name: None if name.startswith(unsynced) else sync(self, name))
    with pytest.raises((AssertionError, MarqueError)):
        sweep_all(forward)


def test_the_car_of_these_tests_starts_with_the_old_and_ends_with_the_new() -> None:
    disk = provisioned()
    assert runs(disk) == "old"
    bring(disk, BUNDLE, all_up)
    assert runs(disk) == "new"
    assert set(Installer(disk).state.ecus) == set(SERIALS)
