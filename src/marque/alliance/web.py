"""The alliance as an API: JSON in and out, by a session's person or a service token, each request one transaction of its own.

Whoever calls is given by `calling` (the application knows sessions and tokens). Errors are problem details (RFC 9457).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from marque.alliance import access, agreements, audit, decisions, documents, people, requirements, rules, shapes, tokens
from marque.alliance.access import Action, Area
from marque.alliance.model import Process
from marque.alliance.requirements import Said
from marque.common import ok
from marque.foundation import Transaction


class Caller(Protocol):
    """Who calls: gives transactions as them."""

    def transaction(self) -> AbstractContextManager[Transaction]: ...


def calling(request: Request) -> Caller:
    """The application's answer to who calls (`app.state.calling`); it raises for nobody."""
    caller: Caller = request.app.state.calling(request)
    return caller


Calling = Annotated[Caller, Depends(calling)]
Code = Annotated[str, Path(max_length=40)]
On = Annotated[date | None, Query(description="The day asked about, UTC; today when left out.")]
Before = Annotated[UUID | None, Query(description="The last id of the page before.")]

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {"application/problem+json": {"schema": shapes.Problem.model_json_schema()}}}
    for status, text in (
        (400, "The request cannot be read."), (401, "Nobody is signed in, or the token does not hold."), (403, "Not yours to do."),
        (404, "There is no such thing, or it is not yours to see."), (409, "Not as things stand."), (422, "Something in it is not right."),
        (503, "Try again in a moment."),
    )
}  # fmt: skip
DecisionAct = Literal["approve", "reject", "withdraw", "reopen"]
routes = APIRouter(prefix="/api/v1", responses=PROBLEMS)


@routes.get("/organisations")
def organisations(caller: Calling) -> list[shapes.OrganisationOut]:
    with caller.transaction() as tx:
        found = people.organisations(tx)
    return [shapes.organisation_out(one) for one in found]


@routes.get("/agreements")
def every_agreement(caller: Calling) -> list[shapes.AgreementOut]:
    with caller.transaction() as tx:
        return [shapes.agreement_out(one, tx.now) for one in agreements.all_agreements(tx)]


@routes.post("/agreements", status_code=201)
def draft(caller: Calling, given: shapes.TitleIn) -> shapes.AgreementOut:
    with caller.transaction() as tx:
        made = agreements.draft(tx, given.title)
        return shapes.agreement_out(agreements.agreement(tx, tx.actor.organisation, made), tx.now)


@routes.get("/agreements/{owner}/{agreement}")
def one_agreement(caller: Calling, owner: Code, agreement: UUID) -> shapes.AgreementOut:
    with caller.transaction() as tx:
        return shapes.agreement_out(agreements.agreement(tx, owner, agreement), tx.now)


@routes.get("/agreements/{owner}/{agreement}/revisions/{number}", response_class=Response)
def exact_text(caller: Calling, owner: Code, agreement: UUID, number: Annotated[int, Path(ge=1, lt=1 << 31)]) -> Response:
    """The bytes that are signed."""
    with caller.transaction() as tx:
        return Response(agreements.revision(tx, owner, agreement, number).row.document, media_type="application/json")


@routes.post("/agreements/{owner}/{agreement}/revisions", status_code=201)
def propose(caller: Calling, owner: Code, agreement: UUID, document: dict[str, Any]) -> shapes.RevisionOut:
    """document: as docs/agreements.md says; number, previous and leaving are set by the rules."""
    with caller.transaction() as tx:
        access.require(tx, Action.PROPOSE, access.Agreement(owner, agreement))
        made = agreements.propose(tx, owner, agreement, documents.read(document, "document"))
        return shapes.revision_out(made, tx.now)


@routes.post("/agreements/{owner}/{agreement}/programmes", status_code=201)
def found(caller: Calling, owner: Code, agreement: UUID, given: shapes.ProgrammeIn) -> shapes.ProgrammeOut:
    with caller.transaction() as tx:
        return shapes.programme_out(agreements.found_programme(tx, owner, agreement, given.code, given.name, given.brand))


@routes.get("/programmes")
def programmes(caller: Calling) -> list[shapes.ProgrammeOut]:
    with caller.transaction() as tx:
        return [shapes.programme_out(one) for one in agreements.programmes(tx)]


@routes.get("/programmes/{lead}/{programme}/who")
def who(caller: Calling, lead: Code, programme: UUID, on: On = None) -> shapes.WhoOut:
    """Who decides, sees, signs and sells at the end of a day."""
    with caller.transaction() as tx:
        row = agreements.programme(tx, lead, programme)
        at = tx.now if on is None else datetime.combine(min(on, date(2199, 12, 31)), time(), UTC) + timedelta(days=1, microseconds=-1)
        told = ok(rules.who(agreements.agreement(tx, row.organisation, row.agreement).agreed, row.code, at))
    parts = [shapes.PartOut(process=process, **{name: getattr(part, name) for name in shapes.PartOut.model_fields if name != "process"})
             for process, part in told.processes.items()]  # fmt: skip
    return shapes.WhoOut(
        programme=row.code, on=at, revision=told.force.revision.number, signs=list(told.signs), sells=list(told.sells), processes=parts
    )


@routes.get("/programmes/{lead}/{programme}/{process}/requirements")
def list_requirements(caller: Calling, lead: Code, programme: UUID, process: Process, before: Before = None) -> list[shapes.RequirementOut]:
    with caller.transaction() as tx:
        return [shapes.requirement_out(one) for one in requirements.page(tx, Area(lead, programme, process), before)]


@routes.post("/programmes/{lead}/{programme}/{process}/requirements", status_code=201)
def require(caller: Calling, lead: Code, programme: UUID, process: Process, given: shapes.SideIn) -> shapes.RequirementOut:
    with caller.transaction() as tx:
        return shapes.requirement_out(requirements.found(tx, Area(lead, programme, process), given.said(Said())))


@routes.get("/requirements/{requirement}")
def one_requirement(caller: Calling, requirement: UUID) -> shapes.RequirementOut:
    with caller.transaction() as tx:
        return shapes.requirement_out(requirements.one(tx, requirement))


@routes.put("/requirements/{requirement}")
def write(caller: Calling, requirement: UUID, given: shapes.SideIn) -> shapes.RequirementOut:
    """Your side, anew; the other's is never touched."""
    with caller.transaction() as tx:
        mine = requirements.one(tx, requirement).of(tx.actor.organisation)
        return shapes.requirement_out(requirements.edit(tx, requirement, given.said(mine.said if mine else Said()), given.version))


@routes.post("/requirements/{requirement}/accept")
def accept(caller: Calling, requirement: UUID, given: shapes.AcceptIn) -> shapes.RequirementOut:
    with caller.transaction() as tx:
        return shapes.requirement_out(requirements.accept(tx, requirement, given.side, given.version))


@routes.get("/requirements/{requirement}/history")
def history(caller: Calling, requirement: UUID) -> list[shapes.SideOut]:
    with caller.transaction() as tx:
        return [shapes.side_out(one) for one in requirements.history(tx, requirement)]


@routes.get("/requirements/{requirement}/comments")
def comments(caller: Calling, requirement: UUID) -> list[shapes.CommentOut]:
    with caller.transaction() as tx:
        return [shapes.comment_out(one) for one in requirements.comments(tx, requirement)]


@routes.post("/requirements/{requirement}/comments", status_code=201)
def comment(caller: Calling, requirement: UUID, given: shapes.CommentIn) -> shapes.CommentOut:
    with caller.transaction() as tx:
        made = requirements.comment(tx, requirement, given.text)
    return shapes.comment_out(made)


@routes.get("/programmes/{lead}/{programme}/{process}/decisions")
def list_decisions(caller: Calling, lead: Code, programme: UUID, process: Process, before: Before = None) -> list[shapes.DecisionOut]:
    with caller.transaction() as tx:
        return [shapes.decision_out(one) for one in decisions.page(tx, Area(lead, programme, process), before)]


@routes.post("/programmes/{lead}/{programme}/{process}/decisions", status_code=201)
def ask(caller: Calling, lead: Code, programme: UUID, process: Process, given: shapes.QuestionIn) -> shapes.DecisionOut:
    with caller.transaction() as tx:
        return shapes.decision_out(decisions.open_decision(tx, Area(lead, programme, process), given.subject, given.title, given.question))


@routes.get("/decisions/{decision}")
def one_decision(caller: Calling, decision: UUID) -> shapes.DecisionOut:
    with caller.transaction() as tx:
        return shapes.decision_out(decisions.one(tx, decision))


@routes.post("/decisions/{decision}/{act}")
def answer(caller: Calling, decision: UUID, act: DecisionAct, given: shapes.ReasonIn) -> shapes.DecisionOut:
    acts = {"approve": decisions.approve, "reject": decisions.reject, "withdraw": decisions.withdraw, "reopen": decisions.reopen}
    with caller.transaction() as tx:
        return shapes.decision_out(acts[act](tx, decision, given.reason))


@routes.get("/people")
def list_people(caller: Calling) -> list[shapes.PersonOut]:
    with caller.transaction() as tx:
        return [shapes.person_out(one) for one in people.people(tx)]


@routes.post("/people", status_code=201)
def enlist(caller: Calling, given: shapes.PersonIn) -> shapes.PersonOut:
    with caller.transaction() as tx:
        return shapes.person_out(people.enlist(tx, given.name, given.email, given.duties))


@routes.put("/people/{person}/duties")
def set_duties(caller: Calling, person: UUID, given: shapes.DutiesIn) -> shapes.PersonOut:
    with caller.transaction() as tx:
        return shapes.person_out(people.set_duties(tx, person, given.duties))


@routes.delete("/people/{person}", status_code=204)
def leave(caller: Calling, person: UUID) -> None:
    """They have left; what they signed stays signed."""
    with caller.transaction() as tx:
        people.leave(tx, person)


@routes.get("/audit/entries")
def entries(caller: Calling, before: Annotated[int | None, Query(ge=0, lt=1 << 53)] = None) -> list[shapes.EntryOut]:
    """What concerns your organisation, the newest first, 50 at once."""
    with caller.transaction() as tx:
        access.require(tx, Action.AUDIT, access.Organisation(tx.actor.organisation))
        found = audit.entries(tx, before=before)
    return [shapes.EntryOut(index=one.index, at=one.at, by=one.by["organisation"], kind=one.kind, body=dict(one.body)) for one in found]


@routes.get("/tokens")
def list_tokens(caller: Calling) -> list[shapes.TokenOut]:
    with caller.transaction() as tx:
        return [shapes.token_out(one) for one in tokens.issued(tx)]


@routes.post("/tokens", status_code=201)
def issue(caller: Calling, given: shapes.TokenIn) -> shapes.NewTokenOut:
    expires = given.expires_at if given.expires_at.tzinfo else given.expires_at.replace(tzinfo=UTC)
    with caller.transaction() as tx:
        secret, made = tokens.issue(tx, given.name, given.purpose, given.scopes, expires)
    return shapes.NewTokenOut(secret=secret, **shapes.token_out(made).model_dump())


@routes.delete("/tokens/{token}", status_code=204)
def revoke(caller: Calling, token: UUID) -> None:
    with caller.transaction() as tx:
        tokens.revoke(tx, token)
