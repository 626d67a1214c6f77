"""Which images of a release go into which control units of a car, and which ways to save bytes come with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from marque.car.attacks import Attack
from marque.car.tuf.model import Target
from marque.car.uptane.claims import Claims, Delta
from marque.car.uptane.vehicle import Vehicle
from marque.release.devices.model import Wanted
from marque.release.model import Image


def wanted(
    vehicle: Vehicle, images: Sequence[tuple[Image, Target]], ways: Mapping[tuple[str, str], Sequence[Delta]] | None = None
) -> tuple[Wanted, ...]:
    """By path: each image with the ECUs of its role and hardware. ECUs that run it already are named too, so that a car whose report was
    lost learns that it is done. ways: deltas by (base, image), SHA-256 of both; those that start from what one of its ECUs runs.

    Where two images fit an ECU the first by path is its.
    """
    taken: set[str] = set()
    told = []
    for image, target in sorted(images, key=lambda one: one[0].path):
        fitting = [
            ecu for ecu in vehicle.ecus.values() if ecu.role == image.role and ecu.hardware in image.hardware and ecu.serial not in taken
        ]
        if not fitting:
            continue
        taken |= {ecu.serial for ecu in fitting}
        able = {(ecu.installed.sha256, method) for ecu in fitting if ecu.installed is not None for method in ecu.methods}
        found = [way for base in sorted({base for base, _ in able}) for way in (ways or {}).get((base, image.sha256), ())]
        deltas = tuple(way for way in found if (way.base, way.method) in able and way.length < image.length)
        told.append(
            Wanted(
                path=target.path, role=image.role, length=target.length, sha256=image.sha256, custom=target.custom, owner=image.owner,
                ecus={ecu.serial: ecu.hardware for ecu in fitting}, deltas=deltas,
            )
        )  # fmt: skip
    return tuple(told)


def stands_against(vehicle: Vehicle, claims: Claims) -> Attack | None:
    """Why a release is not for this car, as the car itself would say it; for clients that verify nothing. None: it is."""
    if claims.verdict != "PASSED":
        return Attack.EVIDENCE_MISSING
    if not any(one.model == vehicle.model and one.market == vehicle.market for one in claims.reach):
        return Attack.EVIDENCE_REACH
    if claims.entitlement and claims.entitlement not in vehicle.entitlements:
        return Attack.NOT_ENTITLED
    reach = {cell for one in claims.reach if one.model == vehicle.model and one.market == vehicle.market for cell in one.cells}
    if reach and not vehicle.domain <= reach:
        return Attack.EVIDENCE_REACH
    if any(ecu.least(claims.release) > claims.counter for ecu in vehicle.ecus.values()):
        return Attack.ROLLBACK
    return None


def complete(vehicle: Vehicle, images: Sequence[Image], installed: Mapping[str, str]) -> bool:
    """Whether every ECU that an image of the release is for runs it. installed: SHA-256 by serial."""
    for ecu in vehicle.ecus.values():
        fitting = [one for one in sorted(images, key=lambda one: one.path) if one.role == ecu.role and ecu.hardware in one.hardware]
        if fitting and installed.get(ecu.serial) != fitting[0].sha256:
            return False
    return True
