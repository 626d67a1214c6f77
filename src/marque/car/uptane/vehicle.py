"""The vehicle as it knows itself: its ECUs, what is installed in each, and what its owner is entitled to.

`read` and `dumps` are the file that a car is provisioned with: JSON
`{"vehicle": id, "model": …, "market": …, "ecus": {serial: {"hardware": …, "role": …, "primary": true, "methods": […], "public_key": hex,
"installed": {"release", "version", "counter", "sha256", "length", "path", "evidence"}}}, "entitlements": […]}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from marque.car.attacks import UpdateRefused
from marque.car.uptane.claims_json import DELTA_METHODS
from marque.car.uptane.fields import Fields
from marque.common import InputError

_REMEDY = "Provision the car again with the file that its registration gave."


@dataclass(frozen=True)
class Installed:
    """What an ECU runs. length in bytes; path: of its target; evidence: SHA-256 of the sealed file that it was installed on."""

    release: str
    version: str
    counter: int
    sha256: str
    length: int
    path: str
    evidence: str


@dataclass(frozen=True)
class Ecu:
    """hardware: its hardware id; role: what it does in the vehicle ("gateway", "brake"); methods: the deltas that it can apply.

    public_key: of its report key, Ed25519, 64 hexadecimal digits; empty: it signs no reports.
    """

    serial: str
    hardware: str
    role: str
    primary: bool = False
    installed: Installed | None = None
    methods: tuple[str, ...] = ()
    public_key: str = ""


@dataclass(frozen=True)
class Vehicle:
    """ecus: by serial; exactly one of them is the primary."""

    id: str
    model: str
    market: str
    ecus: Mapping[str, Ecu]
    entitlements: frozenset[str] = frozenset()

    @property
    def primary(self) -> Ecu:
        return next(ecu for ecu in self.ecus.values() if ecu.primary)

    def having(self, installed: Mapping[str, Installed]) -> Vehicle:
        """The vehicle with that installed in those ECUs, by serial."""
        told = {serial: replace(ecu, installed=installed.get(serial, ecu.installed)) for serial, ecu in self.ecus.items()}
        return replace(self, ecus=told)


def read(raw: bytes, file: str = "vehicle.json") -> Vehicle:
    """The provisioned file. InputError where it is not one."""
    try:
        return _vehicle(Fields(json.loads(raw), file))
    except UpdateRefused as fault:
        raise InputError(file, "", fault.problem, _REMEDY) from None
    except ValueError as fault:
        raise InputError(file, "", f"is not JSON: {fault}".rstrip("."), _REMEDY) from None
    except RecursionError:
        raise InputError(file, "", "is not JSON of sensible depth", _REMEDY) from None


def dumps(vehicle: Vehicle) -> bytes:
    """The inverse of `read`: sorted, indented, ending in a line feed."""
    told = {
        "vehicle": vehicle.id,
        "model": vehicle.model,
        "market": vehicle.market,
        "ecus": {serial: _ecu_json(ecu) for serial, ecu in vehicle.ecus.items()},
        "entitlements": sorted(vehicle.entitlements),
    }
    return json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def installed_json(installed: Installed) -> dict[str, Any]:
    """Also as reports carry it."""
    return {
        "release": installed.release,
        "version": installed.version,
        "counter": installed.counter,
        "sha256": installed.sha256,
        "length": installed.length,
        "path": installed.path,
        "evidence": installed.evidence,
    }


def installed_of(said: Fields) -> Installed:
    installed = Installed(
        release=said.text("release"),
        version=said.text("version"),
        counter=said.count("counter", 1),
        sha256=said.digest("sha256"),
        length=said.count("length"),
        path=said.text("path"),
        evidence=said.digest("evidence"),
    )
    said.end()
    return installed


def _vehicle(said: Fields) -> Vehicle:
    ecus = {serial: _ecu(serial, each) for serial, each in said.members("ecus").items()}
    if sum(ecu.primary for ecu in ecus.values()) != 1:
        said.refuse("ecus", "has not exactly one primary")
    vehicle = Vehicle(
        said.text("vehicle"), said.text("model"), said.text("market"), ecus, frozenset(said.texts("entitlements", optional=True))
    )
    said.end()
    return vehicle


def _ecu(serial: str, said: Fields) -> Ecu:
    methods = said.texts("methods", optional=True)
    if not set(methods) <= set(DELTA_METHODS):
        said.refuse("methods", f"are not of {', '.join(DELTA_METHODS)}")
    ecu = Ecu(
        serial=serial,
        hardware=said.text("hardware"),
        role=said.text("role"),
        primary=said.flag("primary") if said.has("primary") else False,
        installed=installed_of(said.inner("installed")) if said.has("installed") else None,
        methods=methods,
        public_key=said.digest("public_key") if said.has("public_key") else "",
    )
    said.end()
    return ecu


def _ecu_json(ecu: Ecu) -> dict[str, Any]:
    told: dict[str, Any] = {"hardware": ecu.hardware, "role": ecu.role}
    if ecu.primary:
        told["primary"] = True
    if ecu.installed is not None:
        told["installed"] = installed_json(ecu.installed)
    if ecu.methods:
        told["methods"] = list(ecu.methods)
    if ecu.public_key:
        told["public_key"] = ecu.public_key
    return told
