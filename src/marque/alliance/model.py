"""Frozen values of the alliance: who there is, what was agreed, and what follows from it. No clock, no database.

An organisation is named by its code, a programme by its code within its agreement. Everything that grants a right is a Revision; brands,
owners and stakes are facts beside it and grant nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import cached_property
from typing import Any
from uuid import UUID

import rfc8785

KIND = "https://marque.example/agreement-revision/v1"


class Process(StrEnum):
    """What a carmaker and a technology partner divide between them, in the order in which people read it."""

    PRODUCT_DEFINITION = "product-definition"
    RESEARCH_AND_DEVELOPMENT = "research-and-development"
    PLATFORM = "platform"
    MANUFACTURE = "manufacture"
    BRAND = "brand"
    MARKETING = "marketing"
    SALES = "sales"
    AFTER_SALES = "after-sales"
    SOFTWARE_SUPPLY = "software-supply"
    EVIDENCE_APPROVAL = "evidence-approval"
    RELEASE_SIGNATURE = "release-signature"
    USER_DATA = "user-data"


class Role(StrEnum):
    """Of an organisation in a process. One leads; a decision needs it and everybody who co-decides."""

    LEADS = "leads"
    CO_DECIDES = "co-decides"
    CONSULTED = "consulted"
    SUPPLIES = "supplies"
    NONE = "none"

    @property
    def decides(self) -> bool:
        return self in {Role.LEADS, Role.CO_DECIDES}


class Sight(StrEnum):
    """Of an organisation on the data of a process: every row, its own, or none but its own."""

    ALL = "all"
    OWN = "own"
    NONE = "none"


class What(StrEnum):
    """What a transition clause does with an organisation's data of a process.

    keeps-read: what it could read until then stays readable. frozen-copy: it is left a copy of that, which nothing changes any more.
    returned: its rows become those of who leads now. destroyed: its rows are deleted.
    """

    KEEPS_READ = "keeps-read"
    FROZEN_COPY = "frozen-copy"
    RETURNED = "returned"
    DESTROYED = "destroyed"


class Matrix(StrEnum):
    """What becomes of decisions that are open when a revision comes into force: decided by the old matrix, or by the new."""

    OLD = "old"
    NEW = "new"


Roles = Mapping[Process, Mapping[str, Role]]
"""By process, then by organisation."""
Sights = Mapping[Process, Mapping[str, Sight]]


@dataclass(frozen=True)
class Organisation:
    """parent: the organisation it belongs to, a matter of ownership that grants no right."""

    code: str
    name: str
    kind: str
    name_zh: str = ""
    parent: str = ""


@dataclass(frozen=True)
class Ownership:
    """Of a brand's marks, from a day on until the day on which the next owner's begins."""

    organisation: str
    since: date
    precision: str = "day"


@dataclass(frozen=True)
class Brand:
    """owners: in the order of time, the present one last."""

    code: str
    name: str
    owners: tuple[Ownership, ...]
    name_zh: str = ""

    def owner(self, on: date) -> str:
        """The organisation that owns the marks on a day; empty before the first."""
        held = [one.organisation for one in self.owners if one.since <= on]
        return held[-1] if held else ""


@dataclass(frozen=True)
class Stake:
    """holder owns percent of another organisation's shares. Grants no right: no rule takes one."""

    holder: str
    held: str
    percent: float
    since: date


@dataclass(frozen=True)
class Programme:
    """A car in the making. Who builds it, whose brand it carries and who leads the programme are three roles, often three organisations."""

    code: str
    name: str
    brand: str
    manufacturer: str
    lead: str
    name_zh: str = ""


@dataclass(frozen=True)
class Source:
    """Where something is told. url: empty where none is known. day: "2021-07-09", or "2021-07" or "2021" when no more is known."""

    text: str
    url: str = ""
    day: str = ""


@dataclass(frozen=True)
class Clause:
    process: Process
    organisation: str
    what: What


@dataclass(frozen=True)
class Transition:
    """What a revision does to what was there before it."""

    clauses: tuple[Clause, ...] = ()
    open_decisions: Matrix = Matrix.OLD


@dataclass(frozen=True)
class Deviation:
    """Where a programme's roles and sights differ from the agreement's; only what differs."""

    matrix: Roles = field(default_factory=dict)
    sight: Sights = field(default_factory=dict)


@dataclass(frozen=True)
class Revision:
    """One text of an agreement, complete in itself.

    mode: the preset it started from; a word, what holds is the matrix. positions: who is what in that preset. leaving: organisations that
    were parties until now; they sign their leave. previous: the digest of the text before it, empty for the first.
    """

    agreement: UUID
    title: str
    number: int
    previous: str
    effective: date
    mode: str
    parties: tuple[str, ...]
    positions: Mapping[str, str]
    matrix: Roles
    sight: Sights
    programmes: Mapping[str, Deviation] = field(default_factory=dict)
    transition: Transition = Transition()
    sources: tuple[Source, ...] = ()
    leaving: tuple[str, ...] = ()

    @property
    def signatories(self) -> frozenset[str]:
        """Who has to sign: its parties, and those that leave by it."""
        return frozenset(self.parties) | frozenset(self.leaving)

    @property
    def starts(self) -> datetime:
        """The instant at which it comes into force at the earliest: midnight, UTC, of its effective date."""
        return datetime.combine(self.effective, time(), UTC)

    def role(self, organisation: str, programme: str, process: Process) -> Role:
        """Role.NONE for who is no party."""
        special = self.programmes[programme].matrix.get(process, {}) if programme in self.programmes else {}
        return special.get(organisation, self.matrix[process].get(organisation, Role.NONE))

    def sees(self, organisation: str, programme: str, process: Process) -> Sight:
        """Sight.NONE for who is no party."""
        special = self.programmes[programme].sight.get(process, {}) if programme in self.programmes else {}
        return special.get(organisation, self.sight[process].get(organisation, Sight.NONE))

    def document(self) -> dict[str, Any]:
        """As JSON says it: what `documents.read` reads back as an equal value."""
        said: dict[str, Any] = {
            "kind": KIND, "agreement": str(self.agreement), "title": self.title, "number": self.number, "previous": self.previous,
            "effective": self.effective.isoformat(), "mode": self.mode, "parties": list(self.parties), "positions": dict(self.positions),
            "matrix": _plain(self.matrix), "sight": _plain(self.sight),
            "programmes": {code: {"matrix": _plain(one.matrix), "sight": _plain(one.sight)} for code, one in self.programmes.items()},
            "transition": {
                "clauses": [
                    {"process": str(one.process), "organisation": one.organisation, "what": str(one.what)}
                    for one in self.transition.clauses
                ],
                "open-decisions": str(self.transition.open_decisions),
            },
            "sources": [_told(one) for one in self.sources],
        }  # fmt: skip
        return said | ({"leaving": list(self.leaving)} if self.leaving else {})

    @cached_property
    def text(self) -> bytes:
        """The canonical bytes (RFC 8785) that are signed."""
        return _canonical(self.document())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hashlib.sha256(self.text).hexdigest()


_ASTRAL = re.compile("[\ud800-\U0010ffff]")


def _canonical(said: dict[str, Any]) -> bytes:
    """As `rfc8785.dumps`, ten times as quickly: without fractions the encoder of Python differs from it in the order of keys alone, and
    only where characters come after U+D7FF.
    """
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return rfc8785.dumps(said) if _ASTRAL.search(text) else text.encode()


def _plain(rows: Mapping[Process, Mapping[str, StrEnum]]) -> dict[str, dict[str, str]]:
    return {str(process): {one: str(value) for one, value in row.items()} for process, row in rows.items()}


def _told(source: Source) -> dict[str, str]:
    said = {"text": source.text, "url": source.url, "date": source.day}
    return {name: value for name, value in said.items() if value or name == "text"}


@dataclass(frozen=True)
class Signature:
    """By one of an organisation's people, on one text, at an instant (UTC). What it holds cryptographically is checked elsewhere."""

    organisation: str
    digest: str
    at: datetime
    person: UUID | None = None


@dataclass(frozen=True)
class Reported(Signature):
    """Not a signature: the public record tells that an organisation agreed. precision: "day", "month" or "year", how well `at` is known.

    History is replayed with these by the rules that hold for signed texts; no text can be signed with one.
    """

    precision: str = "day"


@dataclass(frozen=True)
class Agreement:
    """Its revisions in the order of their numbers, and the signatures on them in any order."""

    revisions: tuple[Revision, ...] = ()
    signatures: tuple[Signature, ...] = ()

    def signed_by(self, revision: Revision) -> dict[str, datetime]:
        """The signatories that have signed it, and when they first did."""
        signed: dict[str, datetime] = {}
        for one in self.signatures:
            if one.digest == revision.digest and one.organisation in revision.signatories:
                signed[one.organisation] = min(one.at, signed.get(one.organisation, one.at))
        return signed


@dataclass(frozen=True)
class Area:
    """What rows of data and decisions belong to: a process of a programme."""

    programme: str
    process: Process


@dataclass(frozen=True)
class Force:
    """A revision in force from `start` until before `end` (UTC); None: until something changes."""

    revision: Revision
    start: datetime
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True)
class Rights:
    """Of an organisation in an area at an instant, and by which revision; none: no revision is in force, and there is no right."""

    role: Role = Role.NONE
    sight: Sight = Sight.NONE
    revision: int | None = None

    @property
    def decides(self) -> bool:
        return self.role.decides

    @property
    def works(self) -> bool:
        """May add rows and change its own."""
        return self.role is not Role.NONE

    @property
    def sees_all(self) -> bool:
        return self.sight is Sight.ALL
