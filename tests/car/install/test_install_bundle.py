"""The installer, one step at a time."""

from __future__ import annotations

from hashlib import sha256

import pytest
from install_car import BUNDLE, NEW, OLD, SERIALS, all_up, bring, image, installed, provisioned
from install_disk import CutStorage

from marque.car.install.bundle import Installer, NotStaged, look
from marque.car.install.slots import Bundle, Phase, Slot, Slots, place
from marque.car.uptane.vehicle import Installed
from marque.common import InputError


@pytest.fixture
def disk():
    return provisioned()


def staged(disk, serials=SERIALS):
    installer = Installer(disk)
    installer.begin(BUNDLE)
    for serial in serials:
        installer.stage(serial, lambda take, serial=serial: take(image(serial, 2)))
    return installer


def test_a_folder_without_a_car():
    with pytest.raises(InputError, match="marque-car provision"):
        look(CutStorage())
    with pytest.raises(InputError):
        Installer(CutStorage()).begin(BUNDLE)


def test_a_car_is_provisioned_once(disk):
    with pytest.raises(InputError, match="once"):
        Installer(disk).provision({serial: Slots() for serial in SERIALS})


@pytest.mark.parametrize("content", [b"", image(SERIALS[0], 2)[:-1], image(SERIALS[0], 1), image(SERIALS[0], 2) + b"!"])
def test_another_image_is_not_staged(content, disk):
    installer = Installer(disk)
    installer.begin(BUNDLE)
    with pytest.raises(NotStaged):
        installer.stage(SERIALS[0], lambda take: take(content))
    assert installer.lacks() == SERIALS
    with pytest.raises(NotStaged):
        installer.commit()
    assert look(disk).running() == OLD
    bring(disk)
    assert look(disk).running() == NEW


def test_a_slot_that_rotted_after_it_was_staged_is_found_before_the_switch(disk):
    installer = staged(disk)
    name = place(SERIALS[1], Slot.B)
    disk.write(name, 3, b"?")
    with pytest.raises(NotStaged, match="not the image any more"):
        installer.commit()
    assert (look(disk).phase, look(disk).running()) == (Phase.STEADY, OLD)
    bring(disk)
    assert look(disk).running() == NEW


def test_an_image_that_rotted_is_not_started(disk):
    disk.write(place(SERIALS[1], Slot.A), 3, b"?")
    started = []
    met = Installer(disk).boot(lambda slots: started.extend(slots) or ())
    assert met.failing == (SERIALS[1],)
    assert sorted(started) == sorted(set(SERIALS) - {SERIALS[1]})


def test_a_start_that_is_never_heard_of_again_counts(disk):
    """The whole car hangs at each start: it comes back with the old software all the same."""
    staged(disk).commit(boots=2)

    def hangs(_slots):
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            Installer(disk).boot(hangs)
        assert look(disk).running() == NEW
    met = Installer(disk).boot(all_up)
    assert (met.over, met.reason) == (True, "it did not come up")
    assert met.running == look(disk).running() == OLD


def test_it_may_come_up_at_the_last_start(disk):
    staged(disk).commit(boots=3)
    outcomes = iter([[SERIALS[0]], [SERIALS[1]], []])
    met = [Installer(disk).boot(lambda _: next(outcomes)) for _ in range(3)]
    assert [each.over for each in met] == [False, False, True]
    assert look(disk).running() == NEW


def test_what_is_given_up_leaves_the_old(disk):
    installer = staged(disk, SERIALS[:2])
    installer.abandon("the director wants it no longer")
    assert (look(disk).phase, look(disk).running()) == (Phase.STEADY, OLD)
    installer.abandon("twice is once")


def test_a_part_of_the_ecus_is_a_bundle_too(disk):
    part = Bundle({SERIALS[2]: NEW[SERIALS[2]]}, 2)
    bring(disk, part)
    assert look(disk).running() == OLD | dict(part.images)


def test_the_next_bundle_goes_into_the_slots_that_the_last_one_left(disk):
    bring(disk)
    bring(disk, Bundle({serial: installed(serial, 3) for serial in SERIALS}, 3))
    state = look(disk)
    assert {state.slot(serial) for serial in SERIALS} == {Slot.A}
    assert {image.counter for image in state.running().values()} == {3}
    assert all(disk.read(place(serial, Slot.B)) == image(serial, 2) for serial in SERIALS)


def test_a_long_life_keeps_a_short_journal(disk):
    for counter in range(2, 60):
        bring(disk, Bundle({serial: installed(serial, counter) for serial in SERIALS}, counter))
    assert {image.counter for image in look(disk).running().values()} == {59}
    assert len(disk.read("journal").splitlines()) < 300
    assert look(disk).ecus[SERIALS[0]].highest == {"city-pilot": 59}


def test_many_ecus_are_one_bundle():
    serials = [f"ECU-{number}" for number in range(60)]
    storage = CutStorage()
    Installer(storage).provision({serial: Slots() for serial in serials})
    for serial in serials:
        storage.make(place(serial, Slot.A).rpartition("/")[0])
    images = {
        serial: Installed("all", "2", 2, sha256(image(serial, 2)).hexdigest(), len(image(serial, 2)), "all/x", "ab" * 32)
        for serial in serials
    }
    bring(storage, Bundle(images, 1))
    assert look(storage).running() == images
