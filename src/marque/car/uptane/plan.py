"""What a verified update comes to: which image for which ECU, and the ways there. Values alone; `full` and `partial` make them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from marque.car.tuf.model import Target
from marque.car.uptane.claims import Claims, Delta
from marque.car.uptane.vehicle import Installed


@dataclass(frozen=True)
class Step:
    """One image for one ECU, by serial. deltas: those that the ECU can apply to what it has, smallest first."""

    ecu: str
    target: Target
    claims: Claims
    deltas: tuple[Delta, ...] = ()

    @property
    def installed(self) -> Installed:
        """What the ECU runs once this is done."""
        return Installed(
            release=self.claims.release,
            version=self.claims.version,
            counter=self.claims.counter,
            sha256=self.target.hashes["sha256"],
            length=self.target.length,
            path=self.target.path,
            evidence=self.claims.evidence,
            requires=self.claims.requires,
            conflicts=self.claims.conflicts,
        )


@dataclass(frozen=True)
class Plan:
    """Everything in one bundle: all steps, or none. Empty when there is nothing new.

    evidence: SHA-256 of the sealed files that it rests on. expires: the first of the metadata that it rests on to expire; a bundle that is
    not installed by then has to be verified again.
    """

    steps: tuple[Step, ...]
    director_version: int
    image_snapshot: int
    evidence: frozenset[str]
    expires: datetime

    def __bool__(self) -> bool:
        return bool(self.steps)
