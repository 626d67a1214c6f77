"""JSON of registered cars, as the API takes and gives it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from marque.release.devices.model import Car, Draft, Listed, Reported, read

Short = Annotated[str, Field(min_length=1, max_length=120)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CarsIn(_In):
    """cars: as `marque-car provision` takes each, and "features", the names of what it was built with."""

    cars: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=10_000)]


class EntitlementsIn(_In):
    """entitlements: everything the car's owner is entitled to."""

    entitlements: Annotated[list[Short], Field(max_length=200)]


class RegisteredOut(BaseModel):
    """token: what the car shows; told here and never again."""

    vehicle: str
    token: str


class ListedOut(BaseModel):
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


class InstalledOut(BaseModel):
    release: str
    version: str
    counter: int
    sha256: str
    length: int
    path: str
    evidence: str


class EcuOut(BaseModel):
    serial: str
    hardware: str
    role: str
    primary: bool
    methods: list[str]
    public_key: str
    installed: InstalledOut | None


class CarOut(BaseModel):
    """counter: of the last manifest; attack: what the car says it met; state: how far its last update came."""

    vehicle: str
    organisation: str
    model: str
    market: str
    features: list[str]
    entitlements: list[str]
    ecus: list[EcuOut]
    counter: int
    attack: str
    state: str
    registered_at: datetime
    seen_at: datetime | None
    reported_at: datetime | None
    retired_at: datetime | None


class ReportedOut(BaseModel):
    counter: int
    at: datetime
    digest: str
    attacks: list[str]


def draft(said: dict[str, Any]) -> Draft:
    """Raises InputError."""
    return read(json.dumps(said).encode(), f"car {str(said.get('vehicle', ''))[:60]}".strip())


def listed_out(one: Listed) -> ListedOut:
    return ListedOut(**{name: getattr(one, name) for name in ListedOut.model_fields})


def car_out(car: Car) -> CarOut:
    ecus = [
        EcuOut(
            serial=ecu.serial, hardware=ecu.hardware, role=ecu.role, primary=ecu.primary, methods=list(ecu.methods),
            public_key=ecu.public_key,
            installed=None
            if (there := ecu.installed) is None
            else InstalledOut(**{name: getattr(there, name) for name in InstalledOut.model_fields}),
        )
        for ecu in car.vehicle.ecus.values()
    ]  # fmt: skip
    return CarOut(
        vehicle=car.vehicle.id, organisation=car.organisation, model=car.vehicle.model, market=car.vehicle.market,
        features=list(car.features), entitlements=sorted(car.vehicle.entitlements), ecus=ecus, counter=car.counter, attack=car.attack,
        state=car.state, registered_at=car.registered_at, seen_at=car.seen_at, reported_at=car.reported_at, retired_at=car.retired_at,
    )  # fmt: skip


def reported_out(one: Reported) -> ReportedOut:
    return ReportedOut(counter=one.counter, at=one.at, digest=one.digest, attacks=list(one.attacks))
