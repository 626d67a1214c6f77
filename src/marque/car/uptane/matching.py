"""Must-match: the rules by which a target's claims are held against the other repository, the vehicle, and what is installed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.model import Target, Withdrawal
from marque.car.uptane.claims import Claims, Delta
from marque.car.uptane.claims_json import claims_of
from marque.car.uptane.vehicle import Ecu, Vehicle

PASSED = "PASSED"
DIRECTOR, IMAGE = "director", "image"


def check_hardware(ecu: Ecu, assigned: str, claims: Claims, file: str) -> None:
    """The ECU is of the hardware that the director says, and the software is for it."""
    if assigned != ecu.hardware:
        raise UpdateRefused(Attack.WRONG_HARDWARE, DIRECTOR, file, f"is for {ecu.serial} as {assigned}, and it is {ecu.hardware}")
    if ecu.hardware not in claims.hardware:
        raise UpdateRefused(Attack.WRONG_HARDWARE, DIRECTOR, file, f"does not run on {ecu.hardware}, which {ecu.serial} is")


def check_same(wanted: Target, signed: Target, claims: Claims) -> None:
    """What the director wants is what the image repository's signers stand for, in every claim and every byte."""
    path = wanted.path
    theirs = claims_of(signed.custom, path, IMAGE)
    if (claims.evidence, claims.verdict, claims.digest) != (theirs.evidence, theirs.verdict, theirs.digest):
        problem = f"claims evidence {claims.evidence[:12]}…, and the image repository {theirs.evidence[:12]}…, or another verdict or digest"
        raise UpdateRefused(Attack.EVIDENCE_SWAPPED, DIRECTOR, path, problem)
    if beyond := sorted(set(claims.hardware) - set(theirs.hardware)):
        problem = f"is not for {', '.join(beyond)}, for which the director wants it"
        raise UpdateRefused(Attack.WRONG_HARDWARE, IMAGE, path, problem)
    if set(claims.hardware) != set(theirs.hardware):
        raise UpdateRefused(Attack.WRONG_HARDWARE, DIRECTOR, path, "claims other hardware than in the image repository")
    if claims != theirs:
        problem = f"claims another {_differing(claims, theirs)} than in the image repository"
        raise UpdateRefused(Attack.MIX_AND_MATCH, DIRECTOR, path, problem)
    if wanted.length != signed.length or dict(wanted.hashes) != dict(signed.hashes):
        raise UpdateRefused(Attack.MIX_AND_MATCH, DIRECTOR, path, "has another length or other hashes than in the image repository")
    if "sha256" not in wanted.hashes:
        raise UpdateRefused(Attack.MALFORMED, DIRECTOR, path, "has no SHA-256")


def check_claims(claims: Claims, file: str, vehicle: Vehicle, withdrawn: Mapping[str, Withdrawal], repository: str = IMAGE) -> None:
    """The evidence passed, stands, and reaches this vehicle; its owner is entitled."""
    if claims.verdict != PASSED:
        problem = f"claims the verdict {claims.verdict}, and only {PASSED} is installed"
        raise UpdateRefused(Attack.EVIDENCE_MISSING, repository, file, problem)
    if claims.evidence in withdrawn:
        found = withdrawn[claims.evidence]
        by = f" by {found.by}" if found.by else ""
        problem = f"rests on evidence withdrawn{by} at {found.at:%Y-%m-%dT%H:%M:%SZ}: {found.reason}".rstrip(".")
        raise UpdateRefused(Attack.EVIDENCE_WITHDRAWN, repository, file, problem)
    reached = [reach for reach in claims.reach if (reach.model, reach.market) == (vehicle.model, vehicle.market)]
    if not reached:
        problem = f"has no evidence for {vehicle.model} in {vehicle.market}"
        raise UpdateRefused(Attack.EVIDENCE_REACH, repository, file, problem)
    cells = {cell for reach in reached for cell in reach.cells}
    beyond = sorted(vehicle.domain - cells) if cells else []
    if beyond:
        problem = f"has no evidence for {', '.join(beyond)}, in which this vehicle may drive itself"
        raise UpdateRefused(Attack.EVIDENCE_REACH, repository, file, problem)
    if claims.entitlement and claims.entitlement not in vehicle.entitlements:
        raise UpdateRefused(Attack.NOT_ENTITLED, repository, file, f"needs {claims.entitlement}, which this vehicle is not entitled to")


def check_order(ecu: Ecu, claims: Claims, target: Target) -> bool:
    """Whether this is new to the ECU. ROLLBACK where it is a step back; MIX_AND_MATCH where it is another image of the version there."""
    least = ecu.least(claims.release)
    if claims.counter < least:
        problem = f"is {claims.release} {claims.counter}, and {ecu.serial} had {least} already"
        raise UpdateRefused(Attack.ROLLBACK, DIRECTOR, target.path, problem)
    here = ecu.installed
    if here is None or (here.release, here.counter) != (claims.release, claims.counter):
        return True
    if here.sha256 != target.hashes.get("sha256"):
        problem = f"is another image of {claims.release} {claims.counter} than {ecu.serial} has"
        raise UpdateRefused(Attack.MIX_AND_MATCH, DIRECTOR, target.path, problem)
    return False


def deltas_for(ecu: Ecu, target: Target, offered: Iterable[Delta]) -> tuple[Delta, ...]:
    """Those that start from what the ECU has, that it can apply, and that save bytes; smallest first."""
    if ecu.installed is None:
        return ()
    base = ecu.installed.sha256
    usable = (delta for delta in offered if delta.base == base and delta.method in ecu.methods and delta.length < target.length)
    return tuple(sorted(usable, key=lambda delta: (delta.length, delta.method)))


def _differing(one: Claims, other: Claims) -> str:
    names = ("release", "version", "counter", "reach", "rxswin", "requires", "conflicts", "entitlement", "hardware")
    return " and ".join(name for name in names if getattr(one, name) != getattr(other, name))
