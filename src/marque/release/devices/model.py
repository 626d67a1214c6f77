"""Frozen values of registered cars and of what they are told. No clock, no database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from marque.car.uptane import vehicle
from marque.car.uptane.claims import Delta
from marque.car.uptane.vehicle import Vehicle
from marque.common import InputError

DIRECTOR_LIFE = timedelta(days=2)
"""How long a car may go on by director metadata without hearing of the director again; made anew when half of it is over."""
POLL_AFTER = timedelta(minutes=5)
"""How long a car is asked to wait between two polls."""
NONCE_LIFE = timedelta(hours=2)
"""How long a manifest may take to answer the server's nonce."""


@dataclass(frozen=True)
class Fleet:
    """The cars of a programme: the organisation in the programme's key, and its id."""

    lead: str
    programme: UUID


@dataclass(frozen=True)
class Draft:
    """A car to be registered: the file it is provisioned with, and the features it was built with, by name."""

    vehicle: Vehicle
    features: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Car:
    """A registered car. organisation: whose row it is.

    vehicle: with what each ECU last reported as installed. counter: of the last manifest that was believed, 0 before the first; attack:
    what that one says the car met, empty for nothing; state: how far it says the update came (`car.uptane.reports.State`).
    """

    organisation: str
    vehicle: Vehicle
    features: tuple[str, ...]
    registered_at: datetime
    counter: int = 0
    attack: str = ""
    state: str = ""
    seen_at: datetime | None = None
    reported_at: datetime | None = None
    retired_at: datetime | None = None


@dataclass(frozen=True)
class Listed:
    """A car in a list. release, version: of its primary; empty: it has not said yet."""

    vehicle: str
    organisation: str
    model: str
    market: str
    release: str
    version: str
    attack: str
    state: str
    seen_at: datetime | None
    reported_at: datetime | None
    retired_at: datetime | None


@dataclass(frozen=True)
class Reported:
    """A manifest as it was taken in. digest: SHA-256 of its bytes; attacks: what the car's control units refused."""

    vehicle: str
    counter: int
    at: datetime
    digest: str
    attacks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An image that a car is to have, as the director will assign it. ecus: hardware id by serial.

    path, length, sha256, custom: as the image repository lists the target; owner: whose blob its bytes are; role: of those ECUs.
    """

    path: str
    role: str
    length: int
    sha256: str
    custom: Mapping[str, Any]
    owner: str
    ecus: Mapping[str, str]
    deltas: tuple[Delta, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DirectorFile:
    """The director's metadata for one car, as signed. said: SHA-256 of what it assigns and of the key that signed it."""

    version: int
    said: bytes
    signed_at: datetime
    expires_at: datetime
    raw: bytes

    def stands(self, said: bytes, now: datetime) -> bool:
        """Whether it may be handed out as it is: it says this, and less than half of its life is over."""
        return self.said == said and now < self.signed_at + (self.expires_at - self.signed_at) / 2


@dataclass(frozen=True)
class Taken:
    """Answer to a manifest that was believed. nonce: for the next one."""

    vehicle: str
    counter: int
    nonce: str


@dataclass(frozen=True)
class Registered:
    """token: what the car shows from now on; told here and never again."""

    vehicle: str
    token: str = field(repr=False)


def read(raw: bytes, file: str = "vehicle.json") -> Draft:
    """A car's provisioned file (`car.uptane.vehicle.read`), which may also have "features": a list of names. Raises InputError."""
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise InputError(file, "", "it is not a JSON object", "Give the file that `marque-car provision` takes.")
    features = said.pop("features", [])
    if not isinstance(features, list) or not all(isinstance(one, str) and 0 < len(one) <= 200 for one in features):
        raise InputError(file, "features", "it is not a list of names")
    return Draft(vehicle.read(json.dumps(said).encode(), file), tuple(sorted(set(features))))


def said_of(key: str, wanted: Sequence[Wanted]) -> bytes:
    """SHA-256 of what a director's file assigns and of the id of the key that signs it: equal files need no new signature."""
    told = [
        [
            one.path,
            one.sha256,
            one.length,
            one.custom,
            dict(one.ecus),
            [[way.method, way.base, way.sha256, way.length] for way in one.deltas],
        ]
        for one in sorted(wanted, key=lambda one: one.path)
    ]
    return hashlib.sha256(json.dumps([key, told], sort_keys=True, separators=(",", ":")).encode()).digest()
