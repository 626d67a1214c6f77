"""What Euro NCAP asks of the cases of its 2023 protocols, as a table.

Source: Euro NCAP, AEB Car-to-Car test protocol 4.x and AEB/LSS VRU test protocol 4.x (which cases there are), Assessment Protocols Safety
Assist – Collision Avoidance and VRU Protection, 2023 (how they are scored). Restated here, not quoted. Where the protocols award part of
the points for less than full avoidance in a way not modelled here (head-on cases, warnings), the full score asks for no contact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Rule(Enum):
    """How a case is scored."""

    NO_CONTACT = "no contact"
    """All or nothing."""
    RELATIVE_SPEED = "relative impact speed below 5 km/h"
    """By the relative speed at impact, in bands (`_BANDS`)."""
    SPEED_REDUCTION = "no contact up to 40 km/h, above it 20 km/h slower"
    """Up to 40 km/h the part of the test speed that was taken off; above, all or nothing for 20 km/h taken off."""


_BANDS_KMH = ((5.0, 1.0), (15.0, 0.75), (25.0, 0.5), (35.0, 0.25))
_AVOID_UP_TO_KMH = 40.0
_REDUCTION_KMH = 20.0

_RULES = {
    "CCRs": Rule.RELATIVE_SPEED,
    "CCRm": Rule.RELATIVE_SPEED,
    "CCRb": Rule.RELATIVE_SPEED,
    "CCR": Rule.RELATIVE_SPEED,
    "CCFtap": Rule.NO_CONTACT,
    "CCFhos": Rule.NO_CONTACT,
    "CCFhol": Rule.NO_CONTACT,
    "CCCscp": Rule.NO_CONTACT,
    "CMCscp": Rule.NO_CONTACT,
    "CPFA": Rule.SPEED_REDUCTION,
    "CPNA": Rule.SPEED_REDUCTION,
    "CPNCO": Rule.SPEED_REDUCTION,
    "CPLA": Rule.SPEED_REDUCTION,
    "CPTA": Rule.NO_CONTACT,
    "CPRA": Rule.NO_CONTACT,
    "CBNA": Rule.SPEED_REDUCTION,
    "CBNAO": Rule.SPEED_REDUCTION,
    "CBFA": Rule.SPEED_REDUCTION,
    "CBLA": Rule.SPEED_REDUCTION,
    "CBTA": Rule.NO_CONTACT,
    "CBDA": Rule.NO_CONTACT,
    "CMRs": Rule.SPEED_REDUCTION,
    "CMRb": Rule.SPEED_REDUCTION,
    "CMFtap": Rule.NO_CONTACT,
    "CMoncoming": Rule.NO_CONTACT,
    "CMovertaking": Rule.NO_CONTACT,
}


@dataclass(frozen=True, slots=True)
class Case:
    """A case of the protocols: its name as the protocols write it, and the rule of its family."""

    name: str
    rule: Rule


def case_of(*names: str) -> Case | None:
    """The case that a scenario is, by its own id or its file's name; None where it is none. The longest family that a word begins with."""
    for name in names:
        for word in re.split(r"[^A-Za-z0-9-]+", name):
            families = [family for family in _RULES if re.match(rf"{family}(?![A-Z])", word)]
            if families:
                return Case(word, _RULES[max(families, key=len)])
    return None


def score(rule: Rule, test_kmh: float, impact_kmh: float | None, own_impact_kmh: float | None) -> float:
    """Part of the full score, 0 to 1. impact_kmh: relative at contact; own_impact_kmh: of the ego; None without a contact."""
    if impact_kmh is None or own_impact_kmh is None:
        return 1.0
    if rule is Rule.RELATIVE_SPEED:
        return next((part for limit, part in _BANDS_KMH if impact_kmh < limit), 0.0)
    if rule is Rule.SPEED_REDUCTION:
        reduction = max(0.0, test_kmh - own_impact_kmh)
        if test_kmh <= _AVOID_UP_TO_KMH:
            return reduction / test_kmh if test_kmh > 0.0 else 0.0
        return 1.0 if reduction >= _REDUCTION_KMH else 0.0
    return 0.0
