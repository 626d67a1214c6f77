"""Full verification, as the primary does it: a bundle is installed only if both repositories say the same and the evidence reaches here.

Uptane Standard 2.1.0, 5.4.4.2; what goes beyond it: both partners sign (`tuf.quorum`), and the claims of a release have to match.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.model import Metadata, Target, Targets, Withdrawal
from marque.car.tuf.trusted import Trusted
from marque.car.uptane.claims import Assignment, Claims
from marque.car.uptane.claims_json import assignment_of, claims_of
from marque.car.uptane.director import Director
from marque.car.uptane.matching import DIRECTOR, IMAGE, check_claims, check_hardware, check_order, check_same, deltas_for
from marque.car.uptane.plan import Plan, Step
from marque.car.uptane.vehicle import Ecu, Vehicle

_TARGETS = "targets.json"


class Image(Protocol):
    """The image repository, refreshed: `marque.car.tuf.client.Client`."""

    @property
    def trusted(self) -> Trusted: ...

    def target(self, path: str) -> Target | None: ...

    def withdrawn(self) -> Mapping[str, Withdrawal]: ...


def verify(vehicle: Vehicle, director: Director, image: Image, now: datetime) -> Plan:
    """What to install, all of it or nothing. director: polled; image: refreshed; both at `now`.

    UpdateRefused names the attack. Beside those of `Director.poll` and of the client: DOUBLED_ECU, WRONG_VEHICLE (an ECU that is not here),
    WRONG_HARDWARE, ARBITRARY_SOFTWARE (nobody of the image repository stands for it), MIX_AND_MATCH, EVIDENCE_MISSING, EVIDENCE_SWAPPED,
    EVIDENCE_WITHDRAWN, EVIDENCE_REACH, ROLLBACK, INCOMPATIBLE, NOT_ENTITLED.
    """
    wanted = director.targets
    if wanted is None:
        raise UpdateRefused(Attack.MISSING, DIRECTOR, _TARGETS, "is not there", "Poll the director.")
    if wanted.said.expires <= now:
        raise UpdateRefused(Attack.FREEZE, DIRECTOR, _TARGETS, "has expired", "Poll the director.")
    assigned = assignments(wanted.said)
    _here(assigned, vehicle)
    withdrawn = image.withdrawn()
    steps = []
    for target, claims, assignment in assigned:
        check_same(target, _of_image(image, target.path), claims)
        check_claims(claims, target.path, vehicle, withdrawn)
        for serial in assignment.ecus:
            ecu = vehicle.ecus[serial]
            if check_order(ecu, claims, target):
                steps.append(Step(serial, target, claims, deltas_for(ecu, target, assignment.deltas)))
    after = vehicle.having({step.ecu: step.installed for step in steps})
    compatible(after, steps)
    return Plan(
        steps=tuple(sorted(steps, key=lambda step: step.ecu)),
        director_version=wanted.said.version,
        image_snapshot=_snapshot(image),
        evidence=frozenset(claims.evidence for _, claims, _ in assigned),
        expires=min(_expiries(wanted, image)),
    )


def assignments(wanted: Targets) -> tuple[tuple[Target, Claims, Assignment], ...]:
    """Targets of a director's metadata with what they claim and whom they are for. DOUBLED_ECU, EVIDENCE_MISSING, MALFORMED."""
    seen: dict[str, str] = {}
    found = []
    for path, target in sorted(wanted.targets.items()):
        assignment = assignment_of(target.custom, path, DIRECTOR)
        for serial in assignment.ecus:
            if serial in seen:
                raise UpdateRefused(Attack.DOUBLED_ECU, DIRECTOR, path, f"is for {serial}, and so is {seen[serial]}")
            seen[serial] = path
        found.append((target, claims_of(target.custom, path, DIRECTOR), assignment))
    return tuple(found)


def _here(assigned: Iterable[tuple[Target, Claims, Assignment]], vehicle: Vehicle) -> None:
    """Each ECU is of this vehicle, and of the hardware that is said."""
    for target, claims, assignment in assigned:
        for serial, hardware in assignment.ecus.items():
            if serial not in vehicle.ecus:
                raise UpdateRefused(Attack.WRONG_VEHICLE, DIRECTOR, target.path, f"is for {serial}, which this vehicle does not have")
            check_hardware(vehicle.ecus[serial], hardware, claims, target.path)


def _of_image(image: Image, path: str) -> Target:
    found = image.target(path)
    if found is None:
        problem = "is wanted by the director, and nobody of the image repository stands for it"
        raise UpdateRefused(Attack.ARBITRARY_SOFTWARE, IMAGE, path, problem)
    return found


def compatible(vehicle: Vehicle, steps: Iterable[Step]) -> None:
    """Over what the vehicle has once the bundle is in: what the new and what stays require is there, and nothing conflicts."""
    new = {step.ecu: step.target.path for step in steps}
    for ecu in vehicle.ecus.values():
        if ecu.installed is None:
            continue
        here = ecu.installed
        file = new.get(ecu.serial, here.path)
        for name, least in here.requires.items():
            others = _counters(vehicle, name)
            if not others or min(others) < least:
                there = f"{min(others)} is there" if others else "there is none"
                raise UpdateRefused(Attack.INCOMPATIBLE, IMAGE, file, f"requires {name} from {least} on, and {there}")
        for name, (first, last) in here.conflicts.items():
            clashing = [counter for counter in _counters(vehicle, name) if first <= counter <= last]
            if clashing:
                raise UpdateRefused(Attack.INCOMPATIBLE, IMAGE, file, f"conflicts with {name} {clashing[0]}")


def _counters(vehicle: Vehicle, name: str) -> list[int]:
    """What ECUs of that role, or with that release, run."""

    def named(ecu: Ecu) -> bool:
        return ecu.installed is not None and name in (ecu.role, ecu.installed.release)

    return [ecu.installed.counter for ecu in vehicle.ecus.values() if ecu.installed is not None and named(ecu)]


def _snapshot(image: Image) -> int:
    snapshot = image.trusted.snapshot
    return snapshot.said.version if snapshot else 0


def _expiries(wanted: Metadata[Targets], image: Image) -> Iterator[datetime]:
    yield wanted.said.expires
    for metadata in (image.trusted.timestamp, image.trusted.snapshot, *image.trusted.targets.values()):
        if metadata is not None:
            yield metadata.said.expires
