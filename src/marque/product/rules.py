"""Decisions about revisions: what may be proposed, and which one holds where and when. No clock, no database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from marque.alliance.access import Area
from marque.alliance.model import Process
from marque.common import Refusal

LONGEST_TEXT = 4_000_000
LONGEST_NOTE = 2_000
MOST_NAMES = 200
_PART = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,119}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
CAR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
"""The number of a car, as its maker writes it."""


class Kind(StrEnum):
    """What a revision is of. vehicle, rules, module: feature models in UVL. line: which of them make a model line.

    bill: a 150 % bill of materials. software: what may be used, subscribed, bought. publication: what a storefront offers.
    """

    VEHICLE = "vehicle"
    RULES = "rules"
    LINE = "line"
    MODULE = "module"
    SOFTWARE = "software"
    BILL = "bill"
    PRICES = "prices"
    TAXES = "taxes"
    PUBLICATION = "publication"


PROCESS: Mapping[Kind, Process] = {
    Kind.VEHICLE: Process.PRODUCT_DEFINITION,
    Kind.RULES: Process.PRODUCT_DEFINITION,
    Kind.LINE: Process.PRODUCT_DEFINITION,
    Kind.MODULE: Process.SOFTWARE_SUPPLY,
    Kind.SOFTWARE: Process.SOFTWARE_SUPPLY,
    Kind.BILL: Process.MANUFACTURE,
    Kind.PRICES: Process.SALES,
    Kind.TAXES: Process.SALES,
    Kind.PUBLICATION: Process.SALES,
}
"""Whose matter each is: who leads and co-decides there decides on it. The schema says the same."""
UVL = (Kind.VEHICLE, Kind.RULES, Kind.MODULE)


@dataclass(frozen=True)
class Where:
    """A place and a day to be asked about. An empty market or plant and model year 0: none in particular."""

    day: date
    market: str = ""
    plant: str = ""
    model_year: int = 0


@dataclass(frozen=True)
class Effectivity:
    """Where a revision is meant to hold: from `starts` on, before `ends`; None: without a bound. An empty set: everywhere."""

    starts: date | None = None
    ends: date | None = None
    markets: frozenset[str] = frozenset()
    plants: frozenset[str] = frozenset()
    model_years: frozenset[int] = frozenset()

    def holds(self, where: Where) -> bool:
        return (
            (self.starts is None or self.starts <= where.day)
            and (self.ends is None or where.day < self.ends)
            and (not self.markets or where.market in self.markets)
            and (not self.plants or where.plant in self.plants)
            and (not self.model_years or where.model_year in self.model_years)
        )


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What somebody wants to propose. base: the digest of the part's last revision that it was made on, empty for the first.

    about: of a module, what its catalogue says of it.
    """

    kind: Kind
    part: str
    text: str
    base: str = ""
    note: str = ""
    effectivity: Effectivity = field(default_factory=Effectivity)
    about: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A revision without its text. organisation: whose row it is now; side: whose words they are.

    state: of the decision about it; empty where there is none. assented_at: since when it counts.
    """

    id: UUID
    organisation: str
    side: str
    kind: Kind
    part: str
    area: Area
    created_at: datetime
    written_by: UUID
    previous: str
    digest: str
    length: int
    note: str
    effectivity: Effectivity
    decision: UUID | None
    state: str
    assented_at: datetime | None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def withdrawn_part(self) -> bool:
        """It says that the part is no longer used."""
        return self.length == 0


def in_force(revisions: Iterable[Revision], where: Where, at: datetime) -> Revision | None:
    """Of one part's revisions, the one that holds there: the last written of those that count at this instant and are meant for it."""
    counting = [one for one in revisions if one.assented_at is not None and one.assented_at <= at and one.effectivity.holds(where)]
    return max(counting, key=lambda one: (one.created_at, one.id), default=None)


def propose(last: Revision | None, draft: Draft) -> Draft | Refusal:
    """Whether this may be put forward. last: the part's last revision that the proposer sees."""
    if not _PART.fullmatch(draft.part):
        return Refusal("a part's name has at most 120 letters, digits, dots, dashes, slashes and underscores, and begins with a letter")
    if not draft.text and (draft.kind is not Kind.MODULE or last is None):
        return Refusal("a revision says something; only a module that was in use can be left out from now on")
    if len(draft.text.encode()) > LONGEST_TEXT or len(draft.note) > LONGEST_NOTE:
        return Refusal("a revision has at most 4 MB of text, its note 2,000 characters")
    if "\0" in draft.text or "\0" in draft.note:
        return Refusal("a text holds no NUL characters")
    if (refused := _unfit(draft.effectivity)) is not None:
        return refused
    if (standing := last.digest if last else "") != draft.base:
        details = {"yours was made on": draft.base or "–", "now": standing or "–"}
        return Refusal("another revision of this part was written meanwhile; look at it and write again", details)
    return draft


def _unfit(effectivity: Effectivity) -> Refusal | None:
    names = [*effectivity.markets, *effectivity.plants]
    if effectivity.starts is not None and effectivity.ends is not None and effectivity.starts >= effectivity.ends:
        return Refusal("its last day is not before its first")
    if len(names) + len(effectivity.model_years) > MOST_NAMES or not all(map(_NAME.fullmatch, names)):
        return Refusal("markets and plants are at most 200 short names of letters, digits, dots, dashes and underscores")
    if not all(1900 <= year < 2200 for year in effectivity.model_years):
        return Refusal("a model year is a year")
    return None
