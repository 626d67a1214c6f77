"""Frozen values of a release and of the repository that it is published in. No clock, no database.

A *repository* is of a programme: its parties are the organisations that lead or co-decide in `release-signature`, by the agreement's
revision in force. What is to be signed is a *change*: documents that come into force together once each has its quorum: a new root of the
image repository and of the director with its delegations; a release's role files; one organisation's list of withdrawn evidence.

Withdrawing is two acts. `withdrawals.withdraw` (one person of either party, with a reason: a form post, no signature) stops distribution in
that very transaction; it also opens a change of one document, the organisation's signed list, which any one of its key holders signs so
that cars learn it too. Nobody can undo a withdrawal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from marque.alliance.access import Area
from marque.alliance.model import Process
from marque.car.tuf.model import Key
from marque.car.uptane.claims import Claims, Reach

RELEASE_METADATA = "application/vnd.marque.release-metadata+json"
"""The payload type of the envelope that a passkey confirms. Its payload is the canonical `signed` part of a TUF file."""
IMAGE, DIRECTOR = "image", "director"
"""Repositories of a programme, as `UpdateRefused.repository` calls them."""


def area_of(lead: str, programme: UUID) -> Area:
    """Whose rows releases, keys and metadata are."""
    return Area(lead, programme, Process.RELEASE_SIGNATURE)


class Stage(StrEnum):
    """Of a release, in the order of its life. It is never stored: it follows from what was done.

    draft: no evidence yet. proven: evidence that holds is attached. signing: its role files wait for signatures. published: cars may be
    given it. superseded: published, and a later counter of the same release and model is too. withdrawn: its evidence counts no longer.
    """

    DRAFT = "draft"
    PROVEN = "proven"
    SIGNING = "signing"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True)
class Image:
    """A file for one ECU role. path: its name as a target, `MODEL/RELEASE-VERSION/FILE`; hardware: ids that it runs on. length in bytes.

    owner: the organisation whose blob it is.
    """

    path: str
    role: str
    hardware: tuple[str, ...]
    length: int
    sha256: str
    owner: str = ""


@dataclass(frozen=True)
class Cell:
    """What the gate said of a vehicle model in a cell of the operational design domain: PASSED, FAILED or OUTSIDE ODD."""

    model: str
    cell: str
    answer: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A sealed file, verified when it was attached. sha256: of the file, its name in the blob store. It counts in [verified, expires).

    sequence: of the verdict; a higher one on the same product and model replaces it. signers: of the verdict, by organisation, person ids.
    """

    sha256: str
    owner: str
    attached_by: UUID | None
    attached_at: datetime
    verified: datetime
    expires: datetime
    sequence: int
    summary: str
    runs: int
    cells: tuple[Cell, ...]
    signers: Mapping[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> tuple[Cell, ...]:
        return tuple(one for one in self.cells if one.answer == "PASSED")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a release says of itself before anything is proven.

    digest: SHA-256 of the release as its evidence names it (`proof.evidence.release_digest`). model: vehicle model; markets: where it is
    meant to be handed out. rxswin: by regulation (UN R156). requires, conflicts, entitlement: as `car.uptane.claims.Claims`.
    """

    name: str
    version: str
    digest: str
    model: str
    markets: tuple[str, ...]
    rxswin: Mapping[str, str] = field(default_factory=dict)
    requires: Mapping[str, int] = field(default_factory=dict)
    conflicts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    entitlement: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Withdrawn:
    """Evidence that counts no longer. organisation, person: who said so. signed_at: since when its signed list says it to cars; None: it
    waits for one of that organisation's keys. change: of that list.
    """

    evidence: str
    organisation: str
    person: UUID
    at: datetime
    reason: str
    signed_at: datetime | None = None
    change: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Release:
    """A version of the smart car's software for a vehicle model. organisation: who drafted it, whose row it is.

    counter: grows by one with every release of that name and model. reach: from the evidence's passed cells and the draft's markets; empty
    before there is evidence. change: of its signatures, open or in force. replaced_by: what was published after it; listed: whether the
    repository still lists it, which it does until so many newer ones are (`repository.roles.KEEP`).
    """

    id: UUID
    organisation: str
    lead: str
    programme: UUID
    said: Draft
    counter: int
    images: tuple[Image, ...]
    evidence: Evidence | None
    stage: Stage
    created_at: datetime
    created_by: UUID | None
    change: UUID | None = None
    signing_since: datetime | None = None
    published_at: datetime | None = None
    withdrawn: Withdrawn | None = None
    replaced_by: UUID | None = None
    listed: bool = True

    @property
    def name(self) -> str:
        return self.said.name

    @property
    def version(self) -> str:
        return self.said.version

    @property
    def model(self) -> str:
        return self.said.model

    @property
    def digest(self) -> str:
        return self.said.digest

    @property
    def area(self) -> Area:
        return area_of(self.lead, self.programme)

    @property
    def reach(self) -> tuple[Reach, ...]:
        if self.evidence is None:
            return ()
        cells = tuple(one.cell for one in self.evidence.passed if one.model == self.model)
        return tuple(Reach(self.model, market, cells) for market in self.said.markets)

    @property
    def distributable(self) -> bool:
        """Whether cars may be given it now: published, still listed, and nobody has withdrawn its evidence."""
        return self.stage in {Stage.PUBLISHED, Stage.SUPERSEDED} and self.listed

    def claims(self, image: Image) -> Claims:
        """What both repositories say of one of its images. Raises ValueError without evidence: nothing is claimed that is not proven."""
        if self.evidence is None:
            raise ValueError("a release without evidence claims nothing")
        return Claims(
            release=self.name, version=self.version, counter=self.counter, digest=self.digest, evidence=self.evidence.sha256,
            verdict="PASSED", reach=self.reach, hardware=image.hardware, rxswin=self.said.rxswin, requires=self.said.requires,
            conflicts=self.said.conflicts, entitlement=self.said.entitlement,
        )  # fmt: skip


class Purpose(StrEnum):
    """What a change is for. repository: roots and delegations. release: a release's role files. withdrawal: an organisation's list.

    renewal: role files that would expire, with what they say unchanged.
    """

    REPOSITORY = "repository"
    RELEASE = "release"
    WITHDRAWAL = "withdrawal"
    RENEWAL = "renewal"


class State(StrEnum):
    """Of a change. open: signatures are missing. in-force: published. dropped: by somebody, before it was."""

    OPEN = "open"
    IN_FORCE = "in-force"
    DROPPED = "dropped"


@dataclass(frozen=True, kw_only=True)
class KeyHolder:
    """A release key of a party: of a person, by the id that `alliance.signing.key_id` and TUF both give it."""

    organisation: str
    person: UUID
    name: str
    key: Key
    named_at: datetime
    valid_until: datetime


@dataclass(frozen=True, kw_only=True)
class Signed:
    """One person's signature on a document, confirmed by their passkey. key: its id."""

    organisation: str
    person: UUID
    key: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Whose signatures a document needs: of each organisation so many distinct keys of these.

    what: `this` for its own rule; `before` for that of the root which a new one succeeds.
    """

    what: str
    each: Mapping[str, int]
    keys: Mapping[str, tuple[str, ...]]

    def lacks(self, signed: Sequence[Signed]) -> dict[str, int]:
        """By organisation, how many signatures are missing; empty: complete."""
        have = {one: {each.key for each in signed} & set(keys) for one, keys in self.keys.items()}
        missing = {one: many - len(have.get(one, ())) for one, many in self.each.items()}
        return {one: many for one, many in missing.items() if many > 0}


@dataclass(frozen=True, kw_only=True)
class Document:
    """One metadata file to be signed. repository: IMAGE or DIRECTOR; role: `root`, `targets`, `vela-gac` …; payload: the exact bytes."""

    id: UUID
    change: UUID
    repository: str
    role: str
    version: int
    payload: bytes
    digest: str
    rules: tuple[Rule, ...]
    signed: tuple[Signed, ...]

    @property
    def file(self) -> str:
        """Its name in the repository."""
        return f"{self.version}.{self.role}.json"

    @property
    def lacks(self) -> dict[str, int]:
        """By organisation, how many more of its people have to sign."""
        missing: dict[str, int] = {}
        for rule in self.rules:
            for organisation, many in rule.lacks(self.signed).items():
                missing[organisation] = max(many, missing.get(organisation, 0))
        return missing

    @property
    def signers(self) -> frozenset[str]:
        """Ids of the keys whose signature counts."""
        return frozenset(key for rule in self.rules for keys in rule.keys.values() for key in keys)


@dataclass(frozen=True, kw_only=True)
class Change:
    """subject: the release's id, or the organisation whose list it is, or empty. title: in words for people."""

    id: UUID
    organisation: str
    lead: str
    programme: UUID
    purpose: Purpose
    subject: str
    title: str
    state: State
    documents: tuple[Document, ...]
    opened_at: datetime
    opened_by: UUID
    closed_at: datetime | None = None
    reason: str = ""

    @property
    def lacks(self) -> dict[str, int]:
        """By organisation, the most people that any of its documents still waits for."""
        missing: dict[str, int] = {}
        for document in self.documents:
            for organisation, many in document.lacks.items():
                missing[organisation] = max(many, missing.get(organisation, 0))
        return missing


class What(StrEnum):
    """What something waits for. ask: somebody who decides asks for signatures; renewal: what people signed expires soon."""

    IMAGES = "images"
    ASK = "ask"
    EVIDENCE = "evidence"
    KEYS = "keys"
    REPOSITORY = "repository"
    SIGNATURES = "signatures"
    WITHDRAWAL = "withdrawal"
    RENEWAL = "renewal"


@dataclass(frozen=True)
class Waiting:
    """organisation: whose turn it is; people: how many of them. subject: a release's or change's id, as `what` says; title: in words."""

    organisation: str
    what: What
    people: int = 1
    subject: str = ""
    title: str = ""
    lead: str = ""
    programme: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Served:
    """A metadata file as cars get it. length in bytes."""

    repository: str
    name: str
    role: str
    version: int
    expires: datetime
    length: int
    sha256: str
    made_at: datetime


@dataclass(frozen=True, kw_only=True)
class Repository:
    """Of a programme, as it stands. parties: as its root in force says, empty before the first; deciders: as the agreement says now.

    models: vehicle models that are delegated, with the hardware ids each delegation speaks for.
    keys: by the root in force;
    named: those that each organisation has named for the first or the next one. each: how many of a party's have to sign. pending: the open
    change of roots and delegations.
    """

    lead: str
    programme: UUID
    parties: tuple[str, ...]
    deciders: tuple[str, ...]
    models: Mapping[str, tuple[str, ...]]
    root_version: int
    root_expires: datetime | None
    keys: tuple[KeyHolder, ...]
    named: tuple[KeyHolder, ...]
    each: int
    pending: Change | None
    served: tuple[Served, ...]

    @property
    def begun(self) -> bool:
        return self.root_version > 0

    @property
    def outdated(self) -> bool:
        """Others decide by the agreement than its root says: until a new root is signed by the old quorum, nothing new is signable."""
        return self.begun and self.parties != self.deciders
