"""Attacks on a car's clock and on what it reports: each is tried and has to be refused with the attack that stands beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from attack_world import BRAKE, GATEWAY, NOW, PILOT, THIEF, TIME, VEHICLE, director_root, signer

from marque.car.attacks import Attack
from marque.car.tuf import canonical
from marque.car.uptane import reports
from marque.car.uptane.time import ANSWER_WITHIN_S, SecureTime, attestation

NONCE, LATER = "a1" * 16, timedelta(minutes=5)
ECU_KEYS = {serial: signer(serial) for serial in (PILOT, GATEWAY, BRAKE)}
KNOWN = {serial: one.key.public for serial, one in ECU_KEYS.items()}


@dataclass(frozen=True)
class Besides:
    """tries: does it, in an empty folder. by: who refuses it."""

    name: str
    by: str
    tries: Callable[[object], object]
    attack: Attack


def _clock(folder):
    elapsed = [0.0]
    clock = SecureTime(folder, monotonic=lambda: elapsed[0])
    clock.begin(NOW)
    return clock, elapsed


def _attest(nonces, at, by=TIME, expires=None):
    return attestation(nonces, at, expires or at + timedelta(hours=1), [(by.key.id, by.sign)])


def _time(at=NOW + LATER, by=TIME, *, answer=True, late=False, expires=None):
    def tries(folder):
        clock, elapsed = _clock(folder)
        nonce = clock.nonce()
        raw = _attest([nonce if answer else NONCE], at, by, expires)
        elapsed[0] += ANSWER_WITHIN_S + 1 if late else 0.0
        return clock.learn(raw, director_root())

    return tries


def _time_twice(folder):
    clock, _ = _clock(folder)
    raw = _attest([clock.nonce()], NOW + LATER)
    clock.learn(raw, director_root())
    return clock.learn(raw, director_root())


def _time_without_role(folder):
    clock, _ = _clock(folder)
    return clock.learn(_attest([clock.nonce()], NOW), replace(director_root(), time=None))


def manifest(nonce=NONCE, counter=7, by=GATEWAY, reported=tuple(KNOWN), vehicle=VEHICLE.id, **changes):
    """As the vehicle sends it. changes: of one ECU's report, by serial, what it is replaced with."""
    told = [
        changes.get(serial) or reports.report(serial, VEHICLE.ecus[serial].hardware, None, nonce, ECU_KEYS[serial].sign)
        for serial in reported
    ]
    return reports.manifest(
        vehicle=vehicle,
        primary=GATEWAY,
        nonce=nonce,
        counter=counter,
        at=NOW,
        director_version=3,
        state=reports.State.CURRENT,
        reports=told,
        sign=ECU_KEYS[by].sign if by in ECU_KEYS else THIEF.sign,
    )


def check(raw, nonce=NONCE, last=6):
    return reports.check(raw, KNOWN, nonce, last, vehicle=VEHICLE.id, primary=GATEWAY)


def _report(last=6, **changes):
    return lambda _folder: check(manifest(**changes), last=last)


def _old_report_inside(_folder):
    old = reports.report(PILOT, VEHICLE.ecus[PILOT].hardware, None, "b2" * 16, ECU_KEYS[PILOT].sign)
    return check(manifest(**{PILOT: old}))


def _of_another_ecu(_folder):
    """The brake's report under the pilot's name, in a manifest that the primary signed so."""
    whole = json.loads(manifest())
    told = whole["signed"]["reports"]
    told[PILOT] = reports.report(BRAKE, VEHICLE.ecus[BRAKE].hardware, None, NONCE, ECU_KEYS[PILOT].sign)
    return check(
        canonical.encode({"signed": whole["signed"], "signature": ECU_KEYS[GATEWAY].sign(canonical.encode(whole["signed"])).hex()})
    )


def _changed(_folder):
    return check(manifest().replace(b'"director_version":3', b'"director_version":4'))


CAR, SERVER = "the car's clock", "the server"
A = Attack
BESIDES = (
    Besides("an attestation of time that answers somebody else's question", CAR, _time(answer=False), A.WRONG_TIME),
    Besides("an attestation of time once more", CAR, _time_twice, A.WRONG_TIME),
    Besides("an attestation of time held back for more than five minutes", CAR, _time(late=True), A.WRONG_TIME),
    Besides("an attestation of time that runs backwards", CAR, _time(NOW - timedelta(days=1)), A.WRONG_TIME),
    Besides("an attestation of time that had expired", CAR, _time(expires=NOW), A.FREEZE),
    Besides("an attestation of time by a stranger", CAR, _time(by=THIEF), A.ARBITRARY_SOFTWARE),
    Besides("an attestation of time where root names nobody for it", CAR, _time_without_role, A.WRONG_ROLE),
    Besides("a vehicle's manifest once more", SERVER, _report(last=7), A.REPLAYED_REPORT),
    Besides("a vehicle's manifest to another nonce", SERVER, _report(nonce="c3" * 16), A.REPLAYED_REPORT),
    Besides("an old report of an ECU in a new manifest", SERVER, _old_report_inside, A.REPLAYED_REPORT),
    Besides("a vehicle's manifest of another vehicle", SERVER, _report(vehicle="LVELA000000000002"), A.WRONG_VEHICLE),
    Besides("a vehicle's manifest signed by a secondary", SERVER, _report(by=BRAKE), A.ARBITRARY_SOFTWARE),
    Besides("a vehicle's manifest signed by a stranger", SERVER, _report(by="a stranger"), A.ARBITRARY_SOFTWARE),
    Besides("a vehicle's manifest changed on its way", SERVER, _changed, A.ARBITRARY_SOFTWARE),
    Besides("one ECU's report in another's name", SERVER, _of_another_ecu, A.DOUBLED_ECU),
)
