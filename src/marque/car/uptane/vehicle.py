"""The vehicle as it knows itself: its ECUs, what is installed in each, and what its owner is entitled to.

`read` and `dumps` are the file that a car is provisioned with: JSON
`{"vehicle": id, "model": …, "market": …, "ecus": {serial: {"hardware": …, "role": …, "primary": true, "methods": […], "public_key": hex,
"highest": {release: counter}, "installed": {"release", "version", "counter", "sha256", "length", "path", "evidence"}}}, "domain": […],
"entitlements": […]}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from marque.car.attacks import UpdateRefused
from marque.car.uptane.claims_json import DELTA_METHODS, conflicts_of, counts_of, requirements_json, requires_of
from marque.car.uptane.fields import Fields
from marque.common import InputError

_REMEDY = "Provision the car again with the file that its registration gave."


@dataclass(frozen=True)
class Installed:
    """What an ECU runs. length in bytes; path: of its target; evidence: SHA-256 of the sealed file that it was installed on.

    requires, conflicts: as it claimed when it was installed, so that nothing beside it is changed to what it cannot work with.
    """

    release: str
    version: str
    counter: int
    sha256: str
    length: int
    path: str
    evidence: str
    requires: Mapping[str, int] = field(default_factory=dict)
    conflicts: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Ecu:
    """hardware: its hardware id; role: what it does in the vehicle ("gateway", "brake"); methods: the deltas that it can apply.

    public_key: of its report key, Ed25519, 64 hexadecimal digits; empty: it signs no reports. highest: by release name, the greatest
    counter that it ever ran, so that no way through another release leads back.
    """

    serial: str
    hardware: str
    role: str
    primary: bool = False
    installed: Installed | None = None
    methods: tuple[str, ...] = ()
    public_key: str = ""
    highest: Mapping[str, int] = field(default_factory=dict)

    def least(self, release: str) -> int:
        """The least counter of that release that is no step back."""
        there = self.installed.counter if self.installed and self.installed.release == release else 0
        return max(there, self.highest.get(release, 0))

    def running(self, installed: Installed) -> Ecu:
        """The ECU with that installed."""
        return replace(
            self, installed=installed, highest={**self.highest, installed.release: max(self.least(installed.release), installed.counter)}
        )


@dataclass(frozen=True)
class Vehicle:
    """ecus: by serial; exactly one of them is the primary.

    domain: cells of the operational design domain in which its driving function is enabled; software that drives has to have passed in all.
    """

    id: str
    model: str
    market: str
    ecus: Mapping[str, Ecu]
    entitlements: frozenset[str] = frozenset()
    domain: frozenset[str] = frozenset()

    @property
    def primary(self) -> Ecu:
        return next(ecu for ecu in self.ecus.values() if ecu.primary)

    def having(self, installed: Mapping[str, Installed]) -> Vehicle:
        """The vehicle with that installed in those ECUs, by serial."""
        told = {serial: ecu.running(installed[serial]) if serial in installed else ecu for serial, ecu in self.ecus.items()}
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
        "domain": sorted(vehicle.domain),
    }
    return json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def installed_json(installed: Installed) -> dict[str, Any]:
    """Also as reports carry it."""
    told: dict[str, Any] = {
        "release": installed.release,
        "version": installed.version,
        "counter": installed.counter,
        "sha256": installed.sha256,
        "length": installed.length,
        "path": installed.path,
        "evidence": installed.evidence,
    }
    return told | requirements_json(installed.requires, installed.conflicts)


def installed_of(said: Fields) -> Installed:
    installed = Installed(
        release=said.text("release"),
        version=said.text("version"),
        counter=said.count("counter", 1),
        sha256=said.digest("sha256"),
        length=said.count("length"),
        path=said.text("path"),
        evidence=said.digest("evidence"),
        requires=requires_of(said),
        conflicts=conflicts_of(said),
    )
    said.end()
    return installed


def _vehicle(said: Fields) -> Vehicle:
    ecus = {serial: _ecu(serial, each) for serial, each in said.members("ecus").items()}
    if sum(ecu.primary for ecu in ecus.values()) != 1:
        said.refuse("ecus", "has not exactly one primary")
    vehicle = Vehicle(
        id=said.text("vehicle"),
        model=said.text("model"),
        market=said.text("market"),
        ecus=ecus,
        entitlements=frozenset(said.texts("entitlements", optional=True)),
        domain=frozenset(said.texts("domain", optional=True)),
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
        highest=counts_of(said, "highest"),
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
    if ecu.highest:
        told["highest"] = dict(ecu.highest)
    return told
