"""The director of each car: what it is offered now becomes metadata for that car alone, signed online, kept until it changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from marque.car.tuf import canonical
from marque.car.tuf.model import Target
from marque.car.uptane.claims import Delta
from marque.foundation import Transaction
from marque.release import drafts, releases, repositories
from marque.release.devices import deltas, rules, store
from marque.release.devices.model import DIRECTOR_LIFE, DirectorFile, Fleet, Wanted, said_of
from marque.release.devices.store import CarRow
from marque.release.model import DIRECTOR, IMAGE, Image, area_of
from marque.release.repository.director import Assigned, Director, Part, part_of
from marque.release.repository.keys import Signer
from marque.release.rollouts import service as rollouts


@dataclass(frozen=True)
class Versions:
    """Of the newest metadata that a programme's cars can get; 0: there is none yet."""

    director_root: int = 0
    image_root: int = 0
    timestamp: int = 0


def file_of(tx: Transaction, signer: Signer, fleet: Fleet, car: CarRow) -> DirectorFile:
    """The director's metadata of a car, signed anew when what it says has changed or half its life is over.

    In the name of the car's organisation. Its version grows by one with each; two requests at once get the same.
    """
    wanted = wanted_now(tx, fleet, car)
    said = said_of(signer.key.id, wanted)
    kept = store.director_file(tx, fleet, car.vehicle)
    if kept is not None and kept.stands(said, tx.now):
        return kept
    store.one(tx, fleet, car.vehicle, hold=True)
    kept = store.director_file(tx, fleet, car.vehicle)
    if kept is not None and kept.stands(said, tx.now):
        return kept
    made = _signed(signer, car.vehicle, kept.version + 1 if kept else 1, said, wanted, tx.now)
    store.put_director_file(tx, fleet, area_of(fleet.lead, fleet.programme).process, car.vehicle, made)
    return made


def wanted_now(tx: Transaction, fleet: Fleet, car: CarRow) -> tuple[Wanted, ...]:
    """What a car is to have now: the images of the release that it is offered, if it may be installed at this hour; else nothing."""
    offered = [one.release for one in rollouts.offers(tx, fleet.lead, fleet.programme, [car.vehicle]) if one.installable]
    images = targets_of(tx, offered)
    if not images:
        return ()
    vehicle = car.car(store.ecus(tx, fleet, car.organisation, [car.vehicle])).vehicle
    return rules.wanted(vehicle, images, deltas.between(tx, fleet, [image.sha256 for image, _ in images]))


def targets_of(tx: Transaction, offered: Collection[UUID]) -> list[tuple[Image, Target]]:
    """Images of these releases, as far as cars may be given them now, with the targets that list them. By row-level security alone."""
    found = releases.by_ids(tx, offered).values() if offered else ()
    whole = [one for one in found if one.distributable]
    return [pair for release in whole for pair in zip(release.images, drafts.targets_of(release), strict=True)]


def versions(tx: Transaction, fleet: Fleet) -> Versions:
    """One query."""
    newest = {(one.repository, one.role): one.version for one in repositories.served(tx, fleet.lead, fleet.programme)}
    return Versions(
        director_root=newest.get((DIRECTOR, "root"), 0), image_root=newest.get((IMAGE, "root"), 0),
        timestamp=newest.get((IMAGE, "timestamp"), 0),
    )  # fmt: skip


def _signed(signer: Signer, vehicle: str, version: int, said: bytes, wanted: Sequence[Wanted], now: datetime) -> DirectorFile:
    at = now.astimezone(UTC).replace(microsecond=0)
    assigned = [Assigned(_part(one), one.ecus) for one in wanted]
    raw = Director(signer).targets(vehicle, version, at + DIRECTOR_LIFE, assigned)
    return DirectorFile(version=version, said=said, signed_at=at, expires_at=at + DIRECTOR_LIFE, raw=raw)


def _part(one: Wanted) -> Part:
    return _rendered(one.path, one.length, one.sha256, canonical.encode(dict(one.custom)), one.deltas)


@lru_cache(maxsize=1024)
def _rendered(path: str, length: int, sha256: str, custom: bytes, ways: tuple[Delta, ...]) -> Part:
    """A fleet is many cars and few images: what is the same for all of them is rendered once."""
    said: dict[str, Any] = canonical.decode(custom, len(custom), path)
    return part_of(Target(path, length, {"sha256": sha256}, said), ways)
