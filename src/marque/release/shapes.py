"""What the API of releases takes and gives, as JSON: plain copies of what the services answer with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from marque.alliance.keys import Asked
from marque.release.model import Change, Document, Draft, KeyHolder, Purpose, Release, Repository, Stage, State, Waiting, Withdrawn

Name = Annotated[str, Field(max_length=80)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Note = Annotated[str, Field(max_length=4_000)]
Counter = Annotated[int, Field(ge=0, lt=1 << 31)]
Models = Annotated[dict[Name, list[Name]], Field(max_length=100)]


class DraftIn(BaseModel):
    """digest: SHA-256 of the release as its evidence names it. rxswin: by regulation (UN R156). requires: by ECU role or release name, the
    least counter that has to be there; conflicts: the first and the last counter that must not. entitlement: of the owner; empty: none.
    """

    name: Name
    version: Name
    digest: Digest
    model: Name
    markets: Annotated[list[Name], Field(min_length=1, max_length=100)]
    rxswin: dict[str, str] = {}
    requires: dict[str, Counter] = {}
    conflicts: dict[str, tuple[Counter, Counter]] = {}
    entitlement: Annotated[str, Field(max_length=200)] = ""
    note: Note = ""

    def draft(self) -> Draft:
        return Draft(**(self.model_dump() | {"markets": tuple(self.markets)}))


class ImageOut(BaseModel):
    path: str
    role: str
    hardware: list[str]
    length: int
    sha256: str


class CellOut(BaseModel):
    model: str
    cell: str
    answer: str
    reasons: list[str]


class EvidenceOut(BaseModel):
    sha256: str
    attached_by: str
    attached_at: datetime
    verified: datetime
    expires: datetime
    sequence: int
    runs: int
    signers: dict[str, str]
    cells: list[CellOut]


class WithdrawnOut(BaseModel):
    """signed_at: since when the organisation's signed list tells it to cars; the server stopped at once."""

    evidence: str
    organisation: str
    at: datetime
    reason: str
    signed_at: datetime | None


class ReleaseOut(BaseModel):
    """change: of its signatures. replaced_by: the release published after it. distributable: whether cars may be given it now."""

    id: UUID
    lead: str
    programme: UUID
    organisation: str
    name: str
    version: str
    counter: int
    digest: str
    model: str
    markets: list[str]
    rxswin: dict[str, str]
    requires: dict[str, int]
    conflicts: dict[str, tuple[int, int]]
    entitlement: str
    note: str
    stage: Stage
    distributable: bool
    images: list[ImageOut]
    evidence: EvidenceOut | None
    created_at: datetime
    change: UUID | None
    published_at: datetime | None
    withdrawn: WithdrawnOut | None
    replaced_by: UUID | None


class SignedOut(BaseModel):
    organisation: str
    person: UUID
    key: str
    at: datetime


class DocumentOut(BaseModel):
    """lacks: by organisation, how many more of its people have to sign. The bytes to sign: `…/payload`."""

    id: UUID
    repository: str
    role: str
    version: int
    digest: str
    signed: list[SignedOut]
    lacks: dict[str, int]


class ChangeOut(BaseModel):
    id: UUID
    lead: str
    programme: UUID
    organisation: str
    purpose: Purpose
    subject: str
    title: str
    state: State
    opened_at: datetime
    closed_at: datetime | None
    reason: str
    documents: list[DocumentOut]


class WaitingOut(BaseModel):
    """organisation: whose turn it is. people: how many of them. subject: a release's or a change's id."""

    organisation: str
    what: str
    people: int
    subject: str
    title: str
    lead: str
    programme: UUID | None


class KeysIn(BaseModel):
    """Ids of enrolled keys, of different people."""

    keys: Annotated[list[Digest], Field(max_length=16)]


class KeyOut(BaseModel):
    organisation: str
    person: UUID
    name: str
    id: str
    valid_until: datetime


class ModelsIn(BaseModel):
    """By vehicle model, the hardware ids of its ECUs. without: parties that the next root names no more."""

    models: Models | None = None
    without: Annotated[list[Name], Field(max_length=16)] = []


class ServedOut(BaseModel):
    repository: str
    name: str
    version: int
    expires: datetime
    length: int
    sha256: str


class RepositoryOut(BaseModel):
    """parties: by the root in force; deciders: by the agreement. outdated: they differ, and nothing new can be signed."""

    parties: list[str]
    deciders: list[str]
    outdated: bool
    models: dict[str, list[str]]
    root_version: int
    root_expires: datetime | None
    each: int
    keys: list[KeyOut]
    named: list[KeyOut]
    pending: UUID | None
    served: list[ServedOut]


class ReasonIn(BaseModel):
    reason: Note


class WithdrawalIn(BaseModel):
    """evidence: SHA-256 of the sealed file."""

    evidence: Digest
    reason: Note


class SigningIn(BaseModel):
    """The file of `marque release sign`."""

    envelope: dict[str, Any]
    signature: Annotated[str, Field(max_length=20_000)]


class AskedOut(BaseModel):
    """options: for the browser's navigator.credentials.get."""

    challenge: UUID
    options: dict[str, Any]


class ConfirmedIn(BaseModel):
    """response: the passkey's answer. signature: as in the file that signing was begun with."""

    challenge: UUID
    response: dict[str, Any]
    signature: Annotated[str, Field(max_length=20_000)]


def release_out(one: Release) -> ReleaseOut:
    said, evidence, withdrawn = one.said, one.evidence, one.withdrawn
    return ReleaseOut(
        id=one.id, lead=one.lead, programme=one.programme, organisation=one.organisation, name=one.name, version=one.version,
        counter=one.counter, digest=one.digest, model=one.model, markets=list(said.markets), rxswin=dict(said.rxswin),
        requires=dict(said.requires), conflicts=dict(said.conflicts), entitlement=said.entitlement, note=said.note, stage=one.stage,
        distributable=one.distributable,
        images=[
            ImageOut(path=image.path, role=image.role, hardware=list(image.hardware), length=image.length, sha256=image.sha256)
            for image in one.images
        ],
        evidence=None if evidence is None else EvidenceOut(
            sha256=evidence.sha256, attached_by=evidence.owner, attached_at=evidence.attached_at, verified=evidence.verified,
            expires=evidence.expires, sequence=evidence.sequence, runs=evidence.runs, signers=dict(evidence.signers),
            cells=[CellOut(model=cell.model, cell=cell.cell, answer=cell.answer, reasons=list(cell.reasons)) for cell in evidence.cells],
        ),
        created_at=one.created_at, change=one.change, published_at=one.published_at,
        withdrawn=None if withdrawn is None else withdrawn_out(withdrawn), replaced_by=one.replaced_by,
    )  # fmt: skip


def withdrawn_out(one: Withdrawn) -> WithdrawnOut:
    return WithdrawnOut(evidence=one.evidence, organisation=one.organisation, at=one.at, reason=one.reason, signed_at=one.signed_at)


def document_out(one: Document) -> DocumentOut:
    return DocumentOut(
        id=one.id, repository=one.repository, role=one.role, version=one.version, digest=one.digest, lacks=one.lacks,
        signed=[SignedOut(organisation=by.organisation, person=by.person, key=by.key, at=by.at) for by in one.signed],
    )  # fmt: skip


def change_out(one: Change) -> ChangeOut:
    return ChangeOut(
        id=one.id, lead=one.lead, programme=one.programme, organisation=one.organisation, purpose=one.purpose, subject=one.subject,
        title=one.title, state=one.state, opened_at=one.opened_at, closed_at=one.closed_at, reason=one.reason,
        documents=[document_out(each) for each in one.documents],
    )  # fmt: skip


def waiting_out(one: Waiting) -> WaitingOut:
    return WaitingOut(
        organisation=one.organisation, what=one.what, people=one.people, subject=one.subject, title=one.title, lead=one.lead,
        programme=one.programme,
    )  # fmt: skip


def key_out(one: KeyHolder) -> KeyOut:
    return KeyOut(organisation=one.organisation, person=one.person, name=one.name, id=one.key.id, valid_until=one.valid_until)


def repository_out(one: Repository) -> RepositoryOut:
    return RepositoryOut(
        parties=list(one.parties), deciders=list(one.deciders), outdated=one.outdated,
        models={model: list(hardware) for model, hardware in one.models.items()}, root_version=one.root_version,
        root_expires=one.root_expires, each=one.each, keys=[key_out(key) for key in one.keys], named=[key_out(key) for key in one.named],
        pending=one.pending.id if one.pending else None,
        served=[
            ServedOut(
                repository=file.repository, name=file.name, version=file.version, expires=file.expires, length=file.length,
                sha256=file.sha256,
            )
            for file in one.served
        ],
    )  # fmt: skip


def asked_out(one: Asked) -> AskedOut:
    return AskedOut(challenge=one.challenge, options=one.options)
