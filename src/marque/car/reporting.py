"""What the car tells of itself: when there is something to tell, under the server's nonce and the car's own counter, until it is heard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from marque.car.folder import Car, digests, knows
from marque.car.install.slots import Phase
from marque.car.install.slots import State as Slots
from marque.car.install.storage import replace
from marque.car.link import Link, Stale
from marque.car.uptane import reports
from marque.car.uptane.director import Director
from marque.car.uptane.reports import Met, State
from marque.car.uptane.vehicle import Vehicle

CONSENT: Final = "consent"
_TOLD: Final = "reports"
_ROAD: Final = "driven"
_COUNTS: Final = ("metres", "disengagements", "minimal_risk_manoeuvres")
_METRES_APART: Final = 10_000
"""So far a car drives until it reports again though nothing else happened."""


@dataclass(frozen=True)
class _Telling:
    """What one manifest says beyond the versions."""

    state: State
    met: Met | None = None
    consented: datetime | None = None


class Reporter:
    def __init__(self, car: Car, link: Link) -> None:
        self._car, self._link = car, link

    def tell(self, slots: Slots, nonce: str, at: datetime, state: State, met: Met | None, consented: datetime | None) -> None:
        """Report, unless the server was told just this. Unavailable when it does not get through: the next call tries again.

        What was installed or rolled back unheard, because the power went or the connection, is told first, in a manifest of its own.
        The counter is on the disk before it is used, so no two manifests ever carry the same.
        """
        telling, unheard = _Telling(state, met, consented), self._unheard(slots)
        if unheard is not None and unheard.state is not state:
            nonce = self._tell(slots, nonce, at, unheard)
            if state is State.CURRENT:
                return
            nonce = nonce or self._link.poll("").nonce
        self._tell(slots, nonce, at, telling)

    def _tell(self, slots: Slots, nonce: str, at: datetime, telling: _Telling) -> str:
        """The nonce for the next."""
        vehicle = self._car.vehicle(slots)
        targets = Director(self._car.path / "metadata" / "director", vehicle.id).targets
        version = targets.said.version if targets is not None else 0
        driven = self.driven()
        heard = [telling.state, str(telling.met), version, sorted(digests(slots).items()), str(telling.consented), _coarse(driven)]
        digest = sha256(json.dumps(heard).encode()).hexdigest()
        kept = dict(self._car.kept(_TOLD))
        if kept.get("told") == digest:
            return nonce
        for last in (False, True):
            kept |= {"counter": int(kept.get("counter", 0)) + 1, "told": ""}
            self._keep(kept)
            try:
                answer = self._link.report(self._manifest(vehicle, nonce, kept["counter"], at, version, telling, driven))
            except Stale:
                if last:
                    raise
                nonce = self._link.poll("").nonce
            else:
                self._keep(kept | {"told": digest} | knows(slots))
                return answer
        raise AssertionError("unreachable: the last try returns or raises")

    def _unheard(self, slots: Slots) -> _Telling | None:
        kept = self._car.kept(_TOLD)
        now = knows(slots)
        if slots.phase is Phase.ON_TRIAL:
            return None
        if now["failed"] and now["failed"] != kept.get("failed"):
            return _Telling(State.ROLLED_BACK)
        return _Telling(State.INSTALLED, None, self._consent(slots)) if now["running"] != kept.get("running") else None

    def _consent(self, slots: Slots) -> datetime | None:
        """To what runs now."""
        kept, running = self._car.kept(CONSENT), digests(slots)
        images = kept.get("images")
        if not isinstance(images, dict) or not images or any(running.get(serial) != digest for serial, digest in images.items()):
            return None
        try:
            return datetime.fromisoformat(str(kept.get("at")))
        except ValueError:
            return None

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
        self, vehicle: Vehicle, nonce: str, counter: int, at: datetime, version: int, telling: _Telling, driven: Mapping[str, int]
    ) -> bytes:
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
            state=telling.state,
            reports=told,
            sign=self._car.key(vehicle.primary.serial).sign,
            met=telling.met,
            consented=telling.consented,
            driven=driven,
        )

    def _keep(self, kept: Mapping[str, Any]) -> None:
        replace(self._car.storage, f"{_TOLD}.json", json.dumps(kept).encode())


def _totals(road: Any) -> dict[str, int]:
    found = road if isinstance(road, dict) else {}
    return {name: found[name] for name in _COUNTS if type(found.get(name)) is int and found[name] >= 0}


def _coarse(driven: Mapping[str, int]) -> list[int]:
    return [driven.get(name, 0) // (_METRES_APART if name == "metres" else 1) for name in _COUNTS]
