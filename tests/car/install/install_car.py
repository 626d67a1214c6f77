"""A small car for tests of the installation: three ECUs, an old and a new image for each, and the program that brings one to the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from hashlib import sha256

from install_disk import CutStorage

from marque.car.install.bundle import Installer
from marque.car.install.slots import Bundle, Phase, Slot, Slots, place
from marque.car.install.storage import Storage
from marque.car.uptane.vehicle import Installed

SERIALS = ("brake-1", "gateway/0", "pilot-7")
LENGTH = 24


def image(serial: str, counter: int, length: int = LENGTH) -> bytes:
    return (f"{counter}:{serial}:" * length).encode()[:length]


def installed(serial: str, counter: int, length: int = LENGTH) -> Installed:
    content = image(serial, counter, length)
    return Installed("city-pilot", f"1.{counter}", counter, sha256(content).hexdigest(), length, f"vela/{serial}", "ab" * 32)


OLD = {serial: installed(serial, 1) for serial in SERIALS}
NEW = {serial: installed(serial, 2) for serial in SERIALS}
BUNDLE = Bundle(NEW, director=2)


def all_up(_: Mapping[str, Slot]) -> Collection[str]:
    return ()


def provisioned() -> CutStorage:
    """With the old software in every ECU, all of it on the disk for certain."""
    storage = CutStorage()
    for serial in SERIALS:
        name = place(serial, Slot.A)
        storage.make(name.rpartition("/")[0])
        storage.write(name, 0, image(serial, 1))
        storage.sync(name)
        storage.sync_folder(name.rpartition("/")[0])
    Installer(storage).provision({serial: Slots(Slot.A, {Slot.A: OLD[serial]}) for serial in SERIALS})
    storage.points = 0
    return storage


def bring(
    storage: Storage,
    bundle: Bundle = BUNDLE,
    comes_up: Callable[[Mapping[str, Slot]], Collection[str]] = all_up,
    told: Callable[[str], object] = lambda _: None,
    pieces: int = 7,
) -> None:
    """What an updater does, from wherever the last one was left. told: hears "committed" and "over" once they hold for certain."""
    installer = Installer(storage)
    state = installer.state
    if state.failed is not None and state.failed.bundle == bundle.id:
        return
    if state.phase is not Phase.ON_TRIAL and all(state.running().get(serial) == each for serial, each in bundle.images.items()):
        return
    if state.phase is not Phase.ON_TRIAL:
        installer.begin(bundle)
        for serial in installer.lacks():
            content = image(serial, bundle.images[serial].counter, bundle.images[serial].length)
            installer.stage(serial, lambda take, content=content: _handed(take, content, pieces))
        installer.commit()
        told("committed")
    while not installer.boot(comes_up).over:
        pass
    told("over")


def _handed(take: Callable[[bytes], None], content: bytes, pieces: int) -> None:
    for at in range(0, len(content), pieces):
        take(content[at : at + pieces])
