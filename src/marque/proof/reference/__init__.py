"""Reference drivers of UN R157 and what they would have prevented; limits of EU 2022/1426. See README.md."""

from marque.proof.reference import eu_2022_1426
from marque.proof.reference.drive import SITUATIONS, drive, kind_of, knows, limits, preventable
from marque.proof.reference.model import RULES, CarFollowing, CutIn, CutOut, Driver, Kind, Mode, Outcomes, Rules, Situation

__all__ = [
    "RULES",
    "SITUATIONS",
    "CarFollowing",
    "CutIn",
    "CutOut",
    "Driver",
    "Kind",
    "Mode",
    "Outcomes",
    "Rules",
    "Situation",
    "drive",
    "eu_2022_1426",
    "kind_of",
    "knows",
    "limits",
    "preventable",
]
