"""Partial verification, as a secondary does it: one small file of the director, its own claims, and both partners' signatures.

Uptane Standard 2.1.0, 5.4.4.1 asks a secondary for the director's targets alone. Ours also asks for the files in which both partners'
people sign for its image (`partners`), so that neither a stolen director key nor a compromised primary brings software in that nobody
released.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.fetch import Fetcher
from marque.car.tuf.model import Target
from marque.car.uptane.director import Director
from marque.car.uptane.full import assignments
from marque.car.uptane.keeping import trial
from marque.car.uptane.matching import DIRECTOR, IMAGE, check_claims, check_hardware, check_order, check_same, deltas_for
from marque.car.uptane.partners import Partners
from marque.car.uptane.plan import Step
from marque.car.uptane.vehicle import Vehicle


class Secondary:
    """One ECU on its own. folder: its `director/` and `image/`. vehicle: as this ECU knows it; of the other ECUs it needs to know nothing.

    ecu: its serial.
    """

    def __init__(self, folder: Path, ecu: str, vehicle: Vehicle) -> None:
        self._folder, self._ecu, self._vehicle = folder, vehicle.ecus[ecu], vehicle

    def init(self, director_root: bytes, image_root: bytes, now: datetime) -> None:
        """Pins both roots."""
        Director(self._folder / DIRECTOR, self._vehicle.id).init(director_root)
        Partners.init(self._folder / IMAGE, image_root, now)

    def verify(self, director: Fetcher, image: Fetcher, now: datetime) -> Step | None:
        """What this ECU is to install; None where nothing new is for it. director, image: what the primary hands on.

        UpdateRefused as `full.verify`, but for what concerns several ECUs (INCOMPATIBLE) and what only a snapshot shows (that something
        newer is withheld, until what is handed on expires). Refused, the folder stays byte for byte as it was.
        """
        with trial(self._folder) as folder:
            return self._verified(folder, director, image, now)

    def _verified(self, folder: Path, director: Fetcher, image: Fetcher, now: datetime) -> Step | None:
        wanted = Director(folder / DIRECTOR, self._vehicle.id).poll(director, now)
        mine = [each for each in assignments(wanted.said) if self._ecu.serial in each[2].ecus]
        if not mine:
            return None
        target, claims, assignment = mine[0]
        check_hardware(self._ecu, assignment.ecus[self._ecu.serial], claims, target.path)
        partners = Partners(folder / IMAGE, image, now)
        signed = partners.target(target.path)
        if signed is None:
            problem = "is wanted by the director, and nobody of the image repository stands for it"
            raise UpdateRefused(Attack.ARBITRARY_SOFTWARE, IMAGE, target.path, problem)
        check_same(target, signed, claims)
        check_claims(claims, target.path, self._vehicle, partners.withdrawn())
        if not check_order(self._ecu, claims, target):
            return None
        return Step(self._ecu.serial, target, claims, deltas_for(self._ecu, target, assignment.deltas))


def check_image(target: Target, image: bytes) -> None:
    """What a secondary does with the bytes it is handed: length and every hash that it knows. ENDLESS_DATA, ARBITRARY_SOFTWARE."""
    if len(image) > target.length:
        raise UpdateRefused(Attack.ENDLESS_DATA, IMAGE, target.path, f"is {len(image)} bytes long, and {target.length} were signed for")
    digest = hashlib.sha256(image).hexdigest()
    if len(image) < target.length or digest != target.hashes.get("sha256"):
        raise UpdateRefused(Attack.ARBITRARY_SOFTWARE, IMAGE, target.path, "is not the file that was signed for")
