"""Two companies of a joint development whose cars are registered: the ground on which devices are tested, in a real database."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

sys.path.insert(0, str(Path(__file__).parents[2] / "alliance"))

from joint_development import Joint, colleague, join
from small_alliance import noon

from marque.car.uptane.vehicle import Ecu, Installed, Vehicle
from marque.foundation import Database
from marque.release.devices import cars
from marque.release.devices.model import Draft, Registered

__all__ = ["CARMAKER", "PARTNER", "RELEASES", "Fleetworld", "colleague", "fleet_world", "noon", "vehicle"]
CARMAKER, PARTNER = "gac", "huawei"
RELEASES = "release-signature"
BOTH = {CARMAKER: "leads", PARTNER: "co-decides"}
OPEN = {CARMAKER: "all", PARTNER: "all"}


@dataclass
class Fleetworld:
    """The joint development in force, and the private keys of the control units that were made."""

    joint: Joint
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)

    @property
    def of(self) -> tuple[str, object]:
        return CARMAKER, self.joint.programme

    def acting(self, organisation: str):
        return self.joint.acting(organisation)

    def draft(self, car: str = "V-1", model: str = "Vela", market: str = "cn", features: tuple[str, ...] = (), **more) -> Draft:
        return Draft(vehicle(self.keys, car, model, market, **more), features)

    def register(self, *drafts: Draft, by: str = CARMAKER) -> list[Registered]:
        with self.acting(by) as tx:
            return cars.register_all(tx, *self.of, drafts)


def vehicle(
    keys: dict[str, Ed25519PrivateKey], car: str = "V-1", model: str = "Vela", market: str = "cn", *,
    units: dict[str, str] | None = None, installed: dict[str, Installed] | None = None, methods: tuple[str, ...] = ("zstd-patch", "bsdiff"),
) -> Vehicle:  # fmt: skip
    """A car of a gateway and the control units given: hardware id by role."""
    ecus = {}
    for number, (role, hardware) in enumerate((units or {"gateway": "gw-1", "pilot": "soc-2"}).items()):
        serial = f"{car}-{role}"
        keys[serial] = Ed25519PrivateKey.generate()
        public = keys[serial].public_key().public_bytes_raw().hex()
        ecus[serial] = Ecu(serial, hardware, role, number == 0, (installed or {}).get(role), methods, public)
    return Vehicle(car, model, market, ecus)


def fleet_world(database: Database, owner_dsn: str) -> Fleetworld:
    joint = join(database, owner_dsn)
    joint.agree(date(2022, 2, 1), {RELEASES: BOTH}, {RELEASES: OPEN})
    return Fleetworld(joint)
