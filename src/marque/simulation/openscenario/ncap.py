"""What Euro NCAP asks of the cases of its 2023 protocols, as a table, each rule with where it stands. Restated here, not quoted.

Cars: Assessment Protocol Safety Assist – Collision Avoidance, implementation 2023, version 10.4.1 (February 2024), read in full.
Vulnerable road users: the text of the 2023 assessment protocol (VRU Protection 11.x) was not to be had; its rule for braking is that of
version 10.0.3 (June 2020), as public restatements of both give it. Where nothing was found no contact is asked, which no protocol exceeds.
What is scored by warnings (the fastest CPLA, CBLA) is scored by contact: this car has nobody to warn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Rule(Enum):
    """How a case is scored, in words for tables."""

    NO_CONTACT = "no contact"
    """All or nothing."""
    IMPACT_SPEED = "impact below 5 km/h, up to 20 km/h no contact"
    """By the speed at impact, in bands (`_BANDS_KMH`), of a car that ran into one ahead."""
    RELATIVE_IMPACT_SPEED = "relative impact speed below 5 km/h"
    """The same of the relative speed."""
    CROSSING = "no contact; half of it for 30 km/h slower, from 40 km/h on"
    HEAD_ON = "20 km/h slower; half of it for 10 km/h"
    """The other car comes on in the ego's lane, whatever the ego does: what it can do is to slow down."""
    SPEED_REDUCTION = "no contact up to 40 km/h, above it 20 km/h slower"
    """Up to 40 km/h the part of the test speed that was taken off; above, all or nothing."""


# A part of the full score by the impact speed at a test speed of 50 km/h. For other test speeds the protocol draws them in a figure, of
# which only the first band is certain: there whatever is worse counts as nothing, which is too little rather than too much.
_BANDS_KMH = ((5.0, 1.0), (15.0, 0.75), (30.0, 0.5), (40.0, 0.25))
_BANDS_AT_KMH = 50.0
_STOPS_UP_TO_KMH = 20.0
_AVOID_UP_TO_KMH = 40.0
_REDUCTION_KMH, _HALF_REDUCTION_KMH = 20.0, 10.0
_CROSSING_FROM_KMH, _CROSSING_REDUCTION_KMH = 40.0, 30.0

_CARS = "Safety Assist – Collision Avoidance 10.4.1, section"
_VRU = "VRU Protection 10.0.3, AEB VRU; the section of 11.x not seen"
_UNSEEN = "the section of VRU Protection 11.x not seen: the strictest is asked"

_RULES = {
    "CCRs": (Rule.IMPACT_SPEED, f"{_CARS} 3.3, 3.3.1, 3.3.2"),
    "CCRb": (Rule.IMPACT_SPEED, f"{_CARS} 3.3.1, 3.3.2"),
    "CCRm": (Rule.RELATIVE_IMPACT_SPEED, f"{_CARS} 3.3.1, 3.3.2"),
    "CCR": (Rule.IMPACT_SPEED, f"{_CARS} 3.3.1, 3.3.2"),
    "CCFtap": (Rule.NO_CONTACT, f"{_CARS} 3.3.1, 3.3.3"),
    "CCCscp": (Rule.CROSSING, f"{_CARS} 3.3.4"),
    "CCFhos": (Rule.HEAD_ON, f"{_CARS} 3.3.5"),
    "CCFhol": (Rule.HEAD_ON, f"{_CARS} 3.3.5"),
    "CPFA": (Rule.SPEED_REDUCTION, _VRU),
    "CPNA": (Rule.SPEED_REDUCTION, _VRU),
    "CPNCO": (Rule.SPEED_REDUCTION, _VRU),
    "CPLA": (Rule.SPEED_REDUCTION, _VRU),
    "CPTA": (Rule.NO_CONTACT, _UNSEEN),
    "CPRA": (Rule.NO_CONTACT, _UNSEEN),
    "CBNA": (Rule.SPEED_REDUCTION, _VRU),
    "CBNAO": (Rule.SPEED_REDUCTION, _VRU),
    "CBFA": (Rule.SPEED_REDUCTION, _VRU),
    "CBLA": (Rule.SPEED_REDUCTION, _VRU),
    "CBTA": (Rule.NO_CONTACT, _UNSEEN),
    "CBDA": (Rule.NO_CONTACT, _UNSEEN),
    "CMRs": (Rule.NO_CONTACT, _UNSEEN),
    "CMRb": (Rule.NO_CONTACT, _UNSEEN),
    "CMCscp": (Rule.NO_CONTACT, _UNSEEN),
    "CMFtap": (Rule.NO_CONTACT, _UNSEEN),
    "CMoncoming": (Rule.NO_CONTACT, _UNSEEN),
    "CMovertaking": (Rule.NO_CONTACT, _UNSEEN),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A case of the protocols: its name as the protocols write it, the rule of its family, and where that stands."""

    name: str
    rule: Rule
    source: str


def case_of(*names: str) -> Case | None:
    """The case that a scenario is, by its own id or its file's name; None where it is none. The longest family that a word begins with."""
    for name in names:
        for word in re.split(r"[^A-Za-z0-9-]+", name):
            families = [family for family in _RULES if re.match(rf"{family}(?![A-Z])", word)]
            if families:
                return Case(word, *_RULES[max(families, key=len)])
    return None


def score(rule: Rule, test_kmh: float, impact_kmh: float | None, own_impact_kmh: float | None) -> float:
    """Part of the full score, 0 to 1. impact_kmh: relative at contact; own_impact_kmh: of the ego; None without a contact."""
    if impact_kmh is None or own_impact_kmh is None:
        return 1.0
    reduction = max(0.0, test_kmh - own_impact_kmh)
    match rule:
        case Rule.IMPACT_SPEED:
            return 0.0 if test_kmh <= _STOPS_UP_TO_KMH else _banded(test_kmh, own_impact_kmh)
        case Rule.RELATIVE_IMPACT_SPEED:
            return _banded(test_kmh, impact_kmh)
        case Rule.CROSSING:
            return 0.5 if test_kmh >= _CROSSING_FROM_KMH and reduction >= _CROSSING_REDUCTION_KMH else 0.0
        case Rule.HEAD_ON:
            return 1.0 if reduction >= _REDUCTION_KMH else 0.5 if reduction >= _HALF_REDUCTION_KMH else 0.0
        case Rule.SPEED_REDUCTION if test_kmh > _AVOID_UP_TO_KMH:
            return 1.0 if reduction >= _REDUCTION_KMH else 0.0
        case Rule.SPEED_REDUCTION:
            return reduction / test_kmh if test_kmh > 0.0 else 0.0
    return 0.0


def _banded(test_kmh: float, impact_kmh: float) -> float:
    known = _BANDS_KMH if test_kmh == _BANDS_AT_KMH else _BANDS_KMH[:1]
    return next((part for limit, part in known if impact_kmh < limit), 0.0)
