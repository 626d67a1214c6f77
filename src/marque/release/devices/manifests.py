"""What cars say, believed or not: signatures, nonce and counter are checked, what is installed is kept, and roll-outs are told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from marque.car.attacks import Attack, UpdateRefused
from marque.car.uptane import reports
from marque.car.uptane.reports import Manifest, State
from marque.car.uptane.vehicle import Vehicle
from marque.foundation import Transaction
from marque.release.devices import manifest_store, rules, store
from marque.release.devices.model import Fleet, Reported, Taken
from marque.release.devices.nonces import Nonces
from marque.release.model import area_of
from marque.release.rollouts import service as rollouts
from marque.release.rollouts import store as rollout_store
from marque.release.rollouts.model import CarEvent, Road, Told

MOST_AT_ONCE = 500
_TOLD = {
    State.REFUSED: Told.REFUSED,
    State.WAITING: Told.STARTED,
    State.TRYING: Told.STARTED,
    State.INSTALLED: Told.INSTALLED,
    State.ROLLED_BACK: Told.FAILED,
    State.FAILED: Told.FAILED,
    State.CURRENT: Told.ROAD,
}
_PROBLEM = {
    State.ROLLED_BACK: "the new software did not start and the car went back to the old one",
    State.FAILED: "the update could not be begun or finished",
}


@dataclass(frozen=True)
class _Believed:
    """A manifest and the car that it is of, as it was before."""

    vehicle: Vehicle
    manifest: Manifest

    @property
    def attacks(self) -> tuple[Attack, ...]:
        met = [self.manifest.met, *(one.met for one in self.manifest.reports.values())]
        return tuple(sorted({one.attack for one in met if one is not None}))

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.manifest.raw).hexdigest()


def take(tx: Transaction, nonces: Nonces, fleet: Fleet, said: Mapping[str, bytes]) -> dict[str, Taken | UpdateRefused]:
    """Manifests of cars of the acting organisation, by vehicle: for each the answer, or why it is not believed.

    In this transaction what is believed is stored, what control units run is kept, and roll-outs learn of it. The number of queries does
    not grow with the cars. A vehicle that is not the organisation's is refused as WRONG_VEHICLE.
    """
    rows = {row.vehicle: row for row in manifest_store.cars(tx, fleet, sorted(said))}
    ecus: dict[str, list[store.EcuRow]] = {}
    for ecu in store.ecus(tx, fleet, tx.actor.organisation, sorted(rows)):
        ecus.setdefault(ecu.vehicle, []).append(ecu)
    answers: dict[str, Taken | UpdateRefused] = {}
    believed: list[_Believed] = []
    for vehicle, raw in said.items():
        if vehicle not in rows:
            answers[vehicle] = UpdateRefused(Attack.WRONG_VEHICLE, "", "manifest.json", "is of a car that is not registered")
            continue
        try:
            car = rows[vehicle].car(ecus.get(vehicle, [])).vehicle
            one = _Believed(car, _checked(tx, nonces, fleet, car, raw, rows[vehicle].counter))
        except UpdateRefused as refused:
            answers[vehicle] = refused
            continue
        believed.append(one)
    # Signatures are checked before anything is locked; then roll-outs before cars, as everywhere, and the counters once more.
    if believed:
        rollout_store.alone(tx, fleet.lead, fleet.programme)
    last = {row.vehicle: row.counter for row in manifest_store.cars(tx, fleet, sorted(one.vehicle.id for one in believed), hold=True)}
    new = [one for one in believed if one.manifest.counter > last.get(one.vehicle.id, one.manifest.counter)]
    _keep(tx, fleet, new)
    for one in believed:
        answers[one.vehicle.id] = UpdateRefused(Attack.REPLAYED_REPORT, "", "manifest.json", "was told before, a moment ago")
    for one in new:
        answers[one.vehicle.id] = Taken(one.vehicle.id, one.manifest.counter, nonces.of(fleet, one.vehicle.id, tx.now))
    return answers


def _checked(tx: Transaction, nonces: Nonces, fleet: Fleet, car: Vehicle, raw: bytes, last: int) -> Manifest:
    shown = _nonce_in(raw)
    nonce = shown if nonces.holds(shown, fleet, car.id, tx.now) else nonces.of(fleet, car.id, tx.now)
    known = {serial: ecu.public_key for serial, ecu in car.ecus.items() if ecu.public_key}
    return reports.check(raw, known, nonce, last, vehicle=car.id, primary=car.primary.serial)


def _nonce_in(raw: bytes) -> str:
    """The nonce that a manifest says it answers; whether it is one of ours, and signed, is found out afterwards."""
    try:
        said = json.loads(raw)["signed"]["nonce"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return said if isinstance(said, str) and said.isascii() else ""


def _keep(tx: Transaction, fleet: Fleet, believed: Sequence[_Believed]) -> None:
    if not believed:
        return
    process = area_of(fleet.lead, fleet.programme).process
    manifest_store.put(
        tx, fleet, process,
        [(Reported(one.vehicle.id, one.manifest.counter, tx.now, one.digest, one.attacks), one.manifest.raw) for one in believed],
    )  # fmt: skip
    manifest_store.put_installed(
        tx, fleet, [(one.vehicle.id, serial, said.installed) for one in believed for serial, said in one.manifest.reports.items()]
    )
    manifest_store.put_said(
        tx, fleet,
        [(one.vehicle.id, one.manifest.counter, one.attacks[0] if one.attacks else "", one.manifest.state, dict(one.manifest.driven))
         for one in believed],
    )  # fmt: skip
    ran = _ran(tx, fleet, believed)
    rollouts.record(tx, fleet.lead, fleet.programme, [_event(one, ran.get(one.vehicle.id)) for one in believed])


def _ran(tx: Transaction, fleet: Fleet, believed: Sequence[_Believed]) -> dict[str, UUID]:
    """By vehicle, the release that it now runs whole: of those that its control units name, the newest."""
    named = {
        (one.vehicle.model, said.installed.release, said.installed.counter)
        for one in believed
        for said in one.manifest.reports.values()
        if said.installed is not None
    }
    known = manifest_store.releases_named(tx, fleet, sorted(named))
    told: dict[str, UUID] = {}
    for one in believed:
        there = {serial: said.installed for serial, said in one.manifest.reports.items() if said.installed is not None}
        hashes = {serial: installed.sha256 for serial, installed in there.items()}
        keys = {(one.vehicle.model, installed.release, installed.counter) for installed in there.values()}
        whole = [found.id for key in keys if (found := known.get(key)) is not None and rules.complete(one.vehicle, found.images, hashes)]
        if whole:
            told[one.vehicle.id] = max(whole)
    return told


def _event(one: _Believed, ran: UUID | None) -> CarEvent:
    said = one.manifest
    told = _TOLD[said.state]
    if told is Told.INSTALLED and ran is None:
        told = Told.STARTED  # some control unit does not run it yet
    if said.state is State.CURRENT and ran is not None:
        told = Told.INSTALLED  # the report that said so first was lost
    driven = said.driven
    return CarEvent(
        car=one.vehicle.id, counter=said.counter, told=told, at=said.at, release=ran if told is Told.INSTALLED else None,
        problem=said.met.problem if said.met is not None else _PROBLEM.get(said.state, ""),
        attack=(one.attacks[0] if one.attacks else None) if told is Told.REFUSED else None, manifest=one.digest,
        road=Road(
            km=driven.get("metres", 0) / 1000, disengagements=driven.get("disengagements", 0),
            minimal_risk=driven.get("minimal_risk_manoeuvres", 0),
        ),
        consented=said.consented,
    )  # fmt: skip
