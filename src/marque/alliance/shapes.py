"""What the alliance's API takes and gives, as JSON: plain copies of what the services answer with."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from marque.alliance import agreements, requirements
from marque.alliance.agreements import AgreementState, RevisionState
from marque.alliance.decisions import Decision
from marque.alliance.model import Process
from marque.alliance.requirements import Requirement, Said, Side
from marque.alliance.store.agreements import ProgrammeRow
from marque.alliance.store.people import OrganisationRow, PersonRow
from marque.alliance.store.requirements import Comment
from marque.alliance.visitors import ServiceToken

Line = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=100_000)]
Version = Annotated[int, Field(ge=0, lt=1 << 31)]


class Problem(BaseModel):
    """RFC 9457. type is always about:blank: the status says what kind it is, detail what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class OrganisationOut(BaseModel):
    code: str
    name: str
    name_zh: str
    kind: str
    parent: str | None


class SignatureOut(BaseModel):
    organisation: str
    signed_at: datetime


class RevisionOut(BaseModel):
    number: int
    digest: str
    effective: date
    mode: str
    status: agreements.Status
    in_force_from: datetime | None
    in_force_until: datetime | None
    signatories: list[str]
    signatures: list[SignatureOut]
    waits_for: list[str]
    proposed_by: str
    proposed_at: datetime


class ProgrammeOut(BaseModel):
    lead: str
    id: UUID
    agreement: UUID
    code: str
    name: str
    brand: str


class AgreementOut(BaseModel):
    owner: str
    id: UUID
    title: str
    in_force: int | None
    revisions: list[RevisionOut]
    programmes: list[ProgrammeOut]


class PartOut(BaseModel):
    process: Process
    leads: str
    co_decides: list[str]
    consulted: list[str]
    supplies: list[str]
    sees_all: list[str]
    sees_own: list[str]


class WhoOut(BaseModel):
    programme: str
    on: datetime
    revision: int
    signs: list[str]
    sells: list[str]
    processes: list[PartOut]


class TitleIn(BaseModel):
    title: Line


class ProgrammeIn(BaseModel):
    code: Annotated[str, Field(max_length=40)]
    name: Line = ""
    brand: Annotated[str, Field(max_length=40)] = ""


class SideIn(BaseModel):
    """version: of your side that this was written on; 0 for the first."""

    version: Version = 0
    status: Literal["draft", "proposed", "accepted", "rejected", "withdrawn"] = "draft"
    number: Annotated[str, Field(max_length=60)] = ""
    title: Line = ""
    text: Text = ""
    rationale: Text = ""
    verification: Text = ""

    def said(self, before: Said) -> Said:
        return Said(**{**{name: getattr(before, name) for name in requirements.FIELDS}, **self.model_dump(exclude={"version"})})


class SideOut(BaseModel):
    side: str
    version: int
    status: str
    number: str
    title: str
    text: str
    rationale: str
    verification: str
    written_at: datetime


class RequirementOut(BaseModel):
    id: UUID
    lead: str
    programme: UUID
    process: str
    state: str
    sides: list[SideOut]


class AcceptIn(BaseModel):
    side: Annotated[str, Field(max_length=40)]
    version: Version


class CommentIn(BaseModel):
    text: Text


class CommentOut(BaseModel):
    id: UUID
    side: str
    written_at: datetime
    text: str


class QuestionIn(BaseModel):
    subject: Line
    title: Line
    question: Text = ""


class ReasonIn(BaseModel):
    reason: Text = ""


class ActOut(BaseModel):
    organisation: str
    kind: str
    round: int
    reason: str
    at: datetime


class DecisionOut(BaseModel):
    id: UUID
    asked_by: str
    lead: str
    programme: UUID
    process: str
    subject: str
    title: str
    question: str
    revision: int
    state: str
    deciders: list[str]
    waits_for: list[str]
    acts: list[ActOut]


class PersonOut(BaseModel):
    id: UUID
    name: str
    email: str
    duties: list[str]
    left_at: datetime | None


class PersonIn(BaseModel):
    name: Line
    email: Annotated[str, Field(max_length=320)]
    duties: Annotated[list[str], Field(max_length=20)] = []


class DutiesIn(BaseModel):
    duties: Annotated[list[str], Field(max_length=20)]


class EntryOut(BaseModel):
    index: int
    at: str
    by: str
    kind: str
    body: dict[str, Any]


class TokenIn(BaseModel):
    name: Line
    purpose: Line
    scopes: Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=60)]
    expires_at: datetime


class TokenOut(BaseModel):
    id: UUID
    name: str
    purpose: str
    scopes: list[str]
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class NewTokenOut(TokenOut):
    """secret: told once."""

    secret: str


def agreement_out(state: AgreementState, now: datetime) -> AgreementOut:
    force = state.in_force(now)
    return AgreementOut(
        owner=state.row.organisation, id=state.row.id, title=state.row.title, in_force=force.row.number if force else None,
        revisions=[revision_out(one, now) for one in state.revisions], programmes=[programme_out(one) for one in state.programmes],
    )  # fmt: skip


def revision_out(state: RevisionState, now: datetime) -> RevisionOut:
    row, force = state.row, state.force
    return RevisionOut(
        number=row.number, digest=row.digest, effective=row.effective, mode=row.mode, status=state.status(now),
        in_force_from=force.starts if force else None, in_force_until=force.ends if force else None, signatories=row.signatories,
        signatures=[SignatureOut(organisation=one.signatory, signed_at=one.signed_at) for one in state.signatures.values()],
        waits_for=state.waits_for, proposed_by=row.proposed_by, proposed_at=row.proposed_at,
    )  # fmt: skip


def programme_out(row: ProgrammeRow) -> ProgrammeOut:
    return ProgrammeOut(lead=row.organisation, id=row.id, agreement=row.agreement, code=row.code, name=row.name, brand=row.brand)


def side_out(side: Side) -> SideOut:
    return SideOut(**{name: getattr(side, name) for name in SideOut.model_fields})


def requirement_out(one: Requirement) -> RequirementOut:
    area = one.area
    return RequirementOut(
        id=one.id,
        lead=area.lead,
        programme=area.programme,
        process=area.process,
        state=one.state,
        sides=[side_out(side) for side in one.sides],
    )


def decision_out(one: Decision) -> DecisionOut:
    return DecisionOut(
        id=one.id, asked_by=one.organisation, lead=one.area.lead, programme=one.area.programme, process=one.area.process,
        subject=one.subject, title=one.title, question=one.question, revision=one.number, state=one.state, deciders=list(one.deciders),
        waits_for=list(one.waited_for()), acts=[ActOut(**{name: getattr(act, name) for name in ActOut.model_fields}) for act in one.acts],
    )  # fmt: skip


def person_out(row: PersonRow) -> PersonOut:
    return PersonOut(**{name: getattr(row, name) for name in PersonOut.model_fields})


def comment_out(one: Comment) -> CommentOut:
    return CommentOut(**{name: getattr(one, name) for name in CommentOut.model_fields})


def token_out(one: ServiceToken) -> TokenOut:
    return TokenOut(**{name: getattr(one, name) for name in TokenOut.model_fields})


def organisation_out(one: OrganisationRow) -> OrganisationOut:
    return OrganisationOut(code=one.organisation, name=one.name, name_zh=one.name_zh, kind=one.kind, parent=one.parent)
