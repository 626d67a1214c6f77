"""A provisioned car as a folder: what it is, whom it trusts, where it asks, and its keys.

vehicle.json             what the car is (`uptane.vehicle`), as provisioned; what is installed since then, the journal says
settings.json            server, terms of switching, the command that starts an ECU
token                    of this car's registration (0600)
ca.pem                   whose certificates the server has; without it, those that this machine trusts
keys/<ECU>.key           report keys of its ECUs, Ed25519, 64 hexadecimal digits (0600); in a series car they stay in the ECUs
metadata/director, metadata/image      trusted by the primary
ecus/<ECU>/a, b          the slots; ecus/<ECU>/trust: what a secondary trusts on its own
journal  time.json  reports.json  consent.json  driven.json  downloads/
"""

from __future__ import annotations

import fcntl
import json
import os
import ssl
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.car import settings
from marque.car.install.bundle import JOURNAL, Installer, look
from marque.car.install.slots import Slot, Slots, State, folder, place
from marque.car.install.storage import FolderStorage, Storage, holds
from marque.car.link import HttpLink
from marque.car.settings import Settings
from marque.car.tuf import files
from marque.car.tuf.client import Client
from marque.car.tuf.fetch import HttpFetcher
from marque.car.uptane import vehicle as vehicles
from marque.car.uptane.director import Director
from marque.car.uptane.partial import Secondary
from marque.car.uptane.time import SecureTime
from marque.car.uptane.vehicle import Vehicle
from marque.common import InputError, Unavailable

_PRIVATE: Final = 0o600


class Busy(Unavailable):
    """Another process has this car."""


class Car:
    """An opened folder. Cheap: nothing is read before it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.storage: Storage = FolderStorage(path)

    @contextmanager
    def alone(self) -> Iterator[Installer]:
        """The installer, for as long as nobody else has it. `Busy`; InputError where no car was provisioned here."""
        self._check()
        handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(f"{self.path}: another marque-car is at work here. Try again when it is done.") from None
            yield Installer(self.storage)
        finally:
            os.close(handle)

    def look(self) -> State:
        """What runs and what is under way, also while another process is at work. InputError where no car was provisioned here."""
        self._check()
        return look(self.storage)

    def _check(self) -> None:
        if not (self.path / "vehicle.json").is_file():
            raise InputError(str(self.path), "", "is no provisioned car", "Provision it: marque-car provision.")

    def vehicle(self, state: State, damaged: Collection[str] = ()) -> Vehicle:
        """As it is now: with what runs, and the counters below which no ECU goes. damaged: ECUs whose image counts for nothing."""
        provisioned = vehicles.read((self.path / "vehicle.json").read_bytes())
        running = {serial: image for serial, image in state.running().items() if serial not in damaged}
        ecus = {
            serial: replace(ecu, installed=running.get(serial), highest=state.ecus[serial].highest) if serial in state.ecus else ecu
            for serial, ecu in provisioned.ecus.items()
        }
        return replace(provisioned, ecus=ecus)

    def settings(self) -> Settings:
        return settings.read((self.path / settings.FILE).read_bytes())

    def token(self) -> str:
        file = self.path / "token"
        return file.read_text(encoding="utf-8").strip() if file.is_file() else ""

    def link(self) -> HttpLink:
        """To the server of the settings. InputError where the authority is none."""
        file, context = self.path / "ca.pem", None
        if file.is_file():
            try:
                context = ssl.create_default_context(cafile=str(file))
            except ssl.SSLError:
                raise InputError(file.name, "", "is no certificate in PEM") from None
        return HttpLink(self.settings().server, self.token(), context=context)

    def key(self, serial: str) -> Ed25519PrivateKey:
        """Of an ECU's reports."""
        return _key(self.path / "keys", serial)

    def time(self) -> SecureTime:
        return SecureTime(self.path)

    def kept(self, name: str) -> Mapping[str, Any]:
        """A small file of the updater's own, empty where it is not there or was spoilt."""
        try:
            found = json.loads(self.storage.read(f"{name}.json"))
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def trust(self, serial: str) -> Path:
        """Of a secondary."""
        return self.path / "ecus" / folder(serial) / "trust"


def make_keys(vehicle: Path, keys: Path) -> Vehicle:
    """A report key for every ECU that has none; its public half goes into the vehicle's file, which is then ready to be registered."""
    said = vehicles.read(vehicle.read_bytes(), vehicle.name)
    ecus = {}
    for serial, ecu in said.ecus.items():
        if not ecu.public_key:
            private = Ed25519PrivateKey.generate()
            _write_private(keys / f"{folder(serial)}.key", private.private_bytes_raw().hex())
            ecu = replace(ecu, public_key=private.public_key().public_bytes_raw().hex())
        ecus[serial] = ecu
    done = replace(said, ecus=ecus)
    files.replace(vehicle, vehicles.dumps(done))
    return done


def provision(
    path: Path,
    *,
    vehicle: bytes,
    root_image: bytes,
    root_director: bytes,
    told: Settings,
    now: datetime,
    keys: Path | None = None,
    token: str = "",
    authority: bytes = b"",
    images: Mapping[str, Path] | None = None,
) -> Car:
    """Make a car of an empty folder. images: what lies in the ECUs already, by serial, where the vehicle's file says that it is installed.

    The file vehicle.json is written last: a folder without it is no car, and provisioning it again begins anew.
    """
    if (path / "vehicle.json").exists():
        raise InputError(str(path), "", "is a car already", "Take another folder.")
    said = vehicles.read(vehicle)
    path.mkdir(parents=True, exist_ok=True)
    car = Car(path)
    car.storage.remove(JOURNAL)
    Director(path / "metadata" / "director", said.id).init(root_director)
    Client(path / "metadata" / "image", HttpFetcher(told.server), now).init(root_image)
    for serial, ecu in said.ecus.items():
        if not ecu.primary:
            Secondary(car.trust(serial), serial, said).init(root_director, root_image, now)
        if ecu.public_key:
            _take_key(path / "keys", keys, serial, ecu.public_key)
    _write_private(path / "token", token)
    files.replace(path / settings.FILE, settings.dumps(told))
    if authority:
        files.replace(path / "ca.pem", authority)
        car.link().close()
    car.time().begin(now)
    installer = Installer(car.storage)
    installer.provision({serial: _slots(car.storage, said, serial, (images or {}).get(serial)) for serial in said.ecus})
    files.replace(path / "reports.json", json.dumps(knows(installer.state)).encode())
    files.replace(path / "vehicle.json", vehicles.dumps(said))
    return car


def knows(slots: State) -> dict[str, Any]:
    """What a server that was told all knows of the slots."""
    failed = slots.failed
    return {"running": digests(slots), "failed": f"{failed.bundle} {failed.director}" if failed is not None else ""}


def digests(slots: State) -> dict[str, str]:
    return {serial: image.sha256 for serial, image in slots.running().items()}


def _slots(storage: Storage, vehicle: Vehicle, serial: str, image: Path | None) -> Slots:
    ecu = vehicle.ecus[serial]
    if ecu.installed is None:
        if image is not None:
            raise InputError(image.name, "", f"is for {serial}, which has nothing installed as its vehicle's file says")
        return Slots(highest=ecu.highest)
    if image is None:
        raise InputError(
            "--image", serial, "is missing: its vehicle's file says what is installed there, and the image has to be in its slot"
        )
    name = place(serial, Slot.A)
    storage.make(name.rpartition("/")[0])
    storage.remove(name)
    storage.write(name, 0, image.read_bytes())
    storage.sync(name)
    storage.sync_folder(name.rpartition("/")[0])
    if not holds(storage, name, ecu.installed.length, ecu.installed.sha256):
        raise InputError(image.name, "", f"is not what is installed in {serial} as its vehicle's file says")
    return Slots(Slot.A, {Slot.A: ecu.installed}, ecu.running(ecu.installed).highest)


def _take_key(own: Path, given: Path | None, serial: str, public: str) -> None:
    if given is None:
        raise InputError("--keys", serial, "is missing: its vehicle's file names a report key", "marque-car keys makes them.")
    key = _key(given, serial)
    if key.public_key().public_bytes_raw().hex() != public:
        raise InputError(f"{folder(serial)}.key", "", f"is not the report key that the vehicle's file names for {serial}")
    _write_private(own / f"{folder(serial)}.key", key.private_bytes_raw().hex())


def _key(keys: Path, serial: str) -> Ed25519PrivateKey:
    file = keys / f"{folder(serial)}.key"
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(file.read_text(encoding="ascii").strip()))
    except FileNotFoundError:
        raise InputError(file.name, "", f"is not there: the report key of {serial}", "marque-car keys makes it.") from None
    except ValueError:
        raise InputError(file.name, "", "is no Ed25519 key of 64 hexadecimal digits") from None


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=_PRIVATE)
    path.chmod(_PRIVATE)
    path.write_text(text + "\n", encoding="utf-8")
