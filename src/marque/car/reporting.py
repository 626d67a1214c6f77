"""What the car tells of itself: when there is something to tell, under the server's nonce and the car's own counter, until it is heard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from marque.car.folder import Car
from marque.car.install.slots import State as Slots
from marque.car.install.storage import replace
from marque.car.link import Link, Stale
from marque.car.uptane import reports
from marque.car.uptane.director import Director
from marque.car.uptane.reports import Met, State

_TOLD: Final = "reports"
_ROAD: Final = "driven"
_COUNTS: Final = ("metres", "disengagements", "minimal_risk_manoeuvres")
_METRES_APART: Final = 10_000
"""So far a car drives until it reports again though nothing else happened."""


class Reporter:
    def __init__(self, car: Car, link: Link) -> None:
        self._car, self._link = car, link

    def tell(self, slots: Slots, nonce: str, at: datetime, state: State, met: Met | None, consented: datetime | None) -> None:
        """Report, unless the server was told just this. Unavailable when it does not get through: the next call tries again.

        The counter is on the disk before it is used, so no two manifests ever carry the same.
        """
        vehicle = self._car.vehicle(slots)
        version = self._director_version(vehicle.id)
        running = {serial: image.sha256 for serial, image in slots.running().items()}
        driven = self.driven()
        heard = [state, str(met), version, sorted(running.items()), str(consented), _coarse(driven)]
        digest = sha256(json.dumps(heard).encode()).hexdigest()
        kept = self._car.kept(_TOLD)
        if kept.get("told") == digest:
            return
        counter = int(kept.get("counter", 0))
        for last in (False, True):
            counter += 1
            self._keep(counter, "")
            try:
                self._link.report(self._manifest(slots, nonce, counter, at, version, state, met, consented, driven))
            except Stale:
                if last:
                    raise
                nonce = self._link.poll("").nonce
            else:
                self._keep(counter, digest)
                return

    def driven(self) -> dict[str, int]:
        """Since what runs was installed; empty where the car does not count."""
        road = self._car.kept(_ROAD)
        before = road.get("before")
        return {name: max(0, count - _totals(before).get(name, 0)) for name, count in _totals(road).items()}

    def begin_road(self) -> None:
        """From here on, the road is counted for what runs now."""
        road = self._car.kept(_ROAD)
        replace(self._car.storage, f"{_ROAD}.json", json.dumps({**_totals(road), "before": _totals(road)}).encode())

    def _manifest(
        self,
        slots: Slots,
        nonce: str,
        counter: int,
        at: datetime,
        version: int,
        state: State,
        met: Met | None,
        consented: datetime | None,
        driven: Mapping[str, int],
    ) -> bytes:
        vehicle = self._car.vehicle(slots)
        told = [
            reports.report(ecu.serial, ecu.hardware, ecu.installed, nonce, self._car.key(ecu.serial).sign)
            for ecu in vehicle.ecus.values()
            if ecu.public_key
        ]
        return reports.manifest(
            vehicle=vehicle.id,
            primary=vehicle.primary.serial,
            nonce=nonce,
            counter=counter,
            at=at,
            director_version=version,
            state=state,
            reports=told,
            sign=self._car.key(vehicle.primary.serial).sign,
            met=met,
            consented=consented,
            driven=driven,
        )

    def _director_version(self, vehicle: str) -> int:
        targets = Director(self._car.path / "metadata" / "director", vehicle).targets
        return targets.said.version if targets is not None else 0

    def _keep(self, counter: int, told: str) -> None:
        replace(self._car.storage, f"{_TOLD}.json", json.dumps({"counter": counter, "told": told}).encode())


def _totals(road: Any) -> dict[str, int]:
    found = road if isinstance(road, dict) else {}
    return {name: found[name] for name in _COUNTS if type(found.get(name)) is int and found[name] >= 0}


def _coarse(driven: Mapping[str, int]) -> list[int]:
    return [driven.get(name, 0) // (_METRES_APART if name == "metres" else 1) for name in _COUNTS]
