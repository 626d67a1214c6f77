"""The demonstration's cars: invented ones that answer the director and report as real ones do, with keys and manifests of their own.

What they install they do not run; that a few fail, and a few meet an old copy of the metadata, is decided by their numbers.
"""

from __future__ import annotations

import hashlib
import os
import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.app.demo_people import FOLDER, Manager
from marque.app.platform import Platform
from marque.car.attacks import Attack
from marque.car.uptane import reports
from marque.car.uptane.reports import Met, State
from marque.car.uptane.vehicle import Ecu, Installed, Vehicle
from marque.common import MarqueError, Unavailable
from marque.foundation import Actor, Transaction
from marque.release import releases
from marque.release.devices import cars, manifests
from marque.release.devices import model as devices
from marque.release.devices.model import Draft
from marque.release.devices.nonces import Nonces
from marque.release.model import Release
from marque.release.rollouts import service as rollouts
from marque.release.rollouts.model import State as Standing

CARS = 240
_AT_ONCE, _EVERY_S, _ADVANCE_EVERY = 4, 2.0, 5
_FAILS, _REFUSES = 0.02, 0.015
_log = structlog.get_logger("marque.demonstration")


@dataclass(frozen=True)
class Fleet:
    """reader: who looks at cars. secret: what the cars' report keys are made from; it never leaves this machine."""

    lead: str
    programme: UUID
    reader: Actor
    cars: tuple[str, ...]
    secret: bytes = field(repr=False)

    @property
    def devices(self) -> devices.Fleet:
        return devices.Fleet(self.lead, self.programme)

    def key(self, serial: str) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(self.secret + serial.encode()).digest())


def register(
    platform: Platform, who: Manager, programme: UUID, model: str, markets: Sequence[str], hardware: Mapping[str, str]
) -> Fleet:  # fmt: skip
    """By the carmaker, all at once; what is registered already stays. hardware: ids by ECU role, the primary's first."""
    names = tuple(f"CV{number:06}" for number in range(1, CARS + 1))
    fleet = Fleet(who.organisation, programme, who.actor, names, _secret(platform.settings.keys_folder / FOLDER / "cars.key"))
    drafts = []
    for number, name in enumerate(names):
        ecus = {}
        for place, (role, id_) in enumerate(hardware.items()):
            serial = f"{name}-{role}"
            ecus[serial] = Ecu(serial, id_, role, primary=place == 0, public_key=fleet.key(serial).public_key().public_bytes_raw().hex())
        drafts.append(Draft(Vehicle(name, model, markets[0 if number % 3 else 1], ecus)))
    with platform.database.transaction(who.actor) as tx:
        if not cars.page(tx, who.organisation, programme, names[0]):
            cars.register_all(tx, who.organisation, programme, drafts)
    return fleet


def _secret(file: Path) -> bytes:
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(os.urandom(32))
    return file.read_bytes()


def update(platform: Platform, fleet: Fleet, which: Sequence[str], release: Release) -> int:
    """Those of these cars that are offered the release install it and report; how many did."""
    with platform.database.transaction(_server(fleet)) as tx:
        offered = [one.car for one in rollouts.offers(tx, fleet.lead, fleet.programme, which) if one.release == release.id]
    known = _known(platform, fleet, offered)
    nonces = Nonces(platform.online.records.sign)
    with platform.database.transaction(_server(fleet)) as tx:
        if offered:
            manifests.take(tx, nonces, fleet.devices, {one: _Report(nonces, fleet, tx, known[one]).installed(release) for one in offered})
    return len(offered)


def _known(platform: Platform, fleet: Fleet, which: Sequence[str]) -> dict[str, devices.Car]:
    with platform.database.transaction(fleet.reader) as tx:
        return {one: cars.one(tx, fleet.lead, fleet.programme, one) for one in which}


def _server(fleet: Fleet) -> Actor:
    return Actor(fleet.lead, purpose="demonstration")


@dataclass(frozen=True)
class _Report:
    """What one car says in this transaction."""

    nonces: Nonces
    fleet: Fleet
    tx: Transaction
    known: devices.Car

    def installed(self, release: Release) -> bytes:
        assert release.evidence is not None
        evidence = release.evidence.sha256
        now = {
            one.role: Installed(release.name, release.version, release.counter, one.sha256, one.length, one.path, evidence)
            for one in release.images
        }
        return self._manifest(State.INSTALLED, now, consented=True)

    def failed(self) -> bytes:
        return self._manifest(State.ROLLED_BACK)

    def refused(self) -> bytes:
        met = Met(Attack.FREEZE, "image", "timestamp.json", "it expired before it came: an old copy was handed to the car")
        return self._manifest(State.REFUSED, met=met)

    def driven(self, said: Mapping[str, int]) -> bytes:
        """In all, since what it runs was installed."""
        return self._manifest(State.CURRENT, driven=said)

    def _manifest(
        self, state: State, now: Mapping[str, Installed] | None = None, met: Met | None = None, driven: Mapping[str, int] | None = None,
        *, consented: bool = False,
    ) -> bytes:  # fmt: skip
        fleet, vehicle, at = self.fleet, self.known.vehicle, self.tx.now
        nonce = self.nonces.of(fleet.devices, vehicle.id, at)
        told = [
            reports.report(one.serial, one.hardware, (now or {}).get(one.role, one.installed), nonce, fleet.key(one.serial).sign)
            for one in vehicle.ecus.values()
        ]
        return reports.manifest(
            vehicle=vehicle.id, primary=vehicle.primary.serial, nonce=nonce, counter=self.known.counter + 1, at=at, director_version=1,
            state=state, reports=told, sign=fleet.key(vehicle.primary.serial).sign, met=met, consented=at if consented else None,
            driven=driven,
        )  # fmt: skip


class Road:
    """How far each car has come with what it runs, as it counts itself."""

    def __init__(self) -> None:
        self._chance = random.Random(7)
        self._driven: dict[str, dict[str, int]] = {}

    def happens(self, share: float) -> bool:
        return self._chance.random() < share

    def further(self, car: str) -> dict[str, int]:
        """Some days of driving more than the last time."""
        old = self._driven.get(car, {})
        self._driven[car] = {
            "metres": old.get("metres", 0) + self._chance.randint(20_000, 200_000),
            "disengagements": old.get("disengagements", 0) + self.happens(0.12),
            "minimal_risk_manoeuvres": old.get("minimal_risk_manoeuvres", 0) + self.happens(0.02),
        }
        return self._driven[car]

    def anew(self, car: str) -> None:
        self._driven.pop(car, None)


def live(platform: Platform, fleet: Fleet, stop: threading.Event) -> None:
    """A few cars each moment: who is offered something tries it, who has the newest release tells what was driven. Until told to stop."""
    road, turn = Road(), 0
    while not stop.wait(_EVERY_S):
        batch = [fleet.cars[(turn * _AT_ONCE + step) % len(fleet.cars)] for step in range(_AT_ONCE)]
        turn += 1
        try:
            moment(platform, fleet, batch, road)
            if turn % _ADVANCE_EVERY == 0:
                _advance(platform, fleet)
        except Unavailable:
            continue  # busy, or the server is stopping, and this thread with it
        except MarqueError as fault:
            _log.warning("demonstration-cars", fault=str(fault))


def moment(platform: Platform, fleet: Fleet, batch: Sequence[str], road: Road) -> None:
    """These cars poll, once."""
    known, nonces = _known(platform, fleet, batch), Nonces(platform.online.records.sign)
    with platform.database.transaction(_server(fleet)) as tx:
        offered = {one.car: one for one in rollouts.offers(tx, fleet.lead, fleet.programme, batch)}
        given = releases.by_ids(tx, {one.release for one in offered.values()})
        said = {}
        for car in batch:
            report = _Report(nonces, fleet, tx, known[car])
            offer = offered.get(car)
            if offer is None:
                if known[car].state in {State.INSTALLED, State.CURRENT} and road.happens(0.5):
                    said[car] = report.driven(road.further(car))
            elif offer.attempt == 1 and road.happens(_REFUSES):
                said[car] = report.refused()
            elif offer.attempt == 1 and road.happens(_FAILS):
                said[car] = report.failed()
            else:
                road.anew(car)
                said[car] = report.installed(given[offer.release])
        if said:
            manifests.take(tx, nonces, fleet.devices, said)


def _advance(platform: Platform, fleet: Fleet) -> None:
    """What the worker does each minute, so that somebody who looks on sees it sooner."""
    with platform.database.transaction(fleet.reader) as tx:
        due = [one.id for one in rollouts.page(tx, fleet.lead, fleet.programme) if one.state is Standing.RUNNING]
    for one in due:
        with platform.database.transaction(_server(fleet)) as tx:
            rollouts.advance(tx, one)
