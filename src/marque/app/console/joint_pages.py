"""What both companies write and decide: a requirement with its sides, a decision with its answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from marque.alliance import access, agreements, decisions, people, requirements
from marque.alliance.access import Area
from marque.alliance.model import Process
from marque.alliance.requirements import STATUSES, Said
from marque.app.console.visit import Again, Refusing, Submitting, Visit, Visiting, to
from marque.common import Missing
from marque.foundation import Transaction

routes = APIRouter(prefix="/console")


@routes.get("/requirements/{requirement}")
def requirement(visit: Visiting, requirement: UUID) -> HTMLResponse:
    return _requirement(visit, requirement)


def _requirement(visit: Visit, requirement: UUID, again: Again | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        found = requirements.one(tx, requirement)
        context = around(tx) | {
            "requirement": found,
            "programme": agreements.programme(tx, found.area.lead, found.area.programme),
            "process": found.area.process,
            "mine": found.of(visit.session.organisation),
            "history": requirements.history(tx, requirement),
            "comments": requirements.comments(tx, requirement),
            "may": access.actions_on(tx, found.area),
            "statuses": STATUSES,
            "own": visit.session.organisation,
        }
    return visit.page("requirement.html", context, again)


@routes.post("/requirements/{requirement}")
def write(visit: Submitting, requirement: UUID) -> Response:
    try:
        with visit.transaction() as tx:
            found = requirements.one(tx, requirement)
            mine = found.of(visit.session.organisation)
            requirements.edit(tx, requirement, side(visit, mine.said if mine else Said()), visit.number("version"))
    except Refusing as error:
        return _requirement(visit, requirement, Again("side", error))
    return to(f"/console/requirements/{requirement}")


@routes.post("/requirements/{requirement}/accept")
def accept(visit: Submitting, requirement: UUID) -> Response:
    try:
        with visit.transaction() as tx:
            requirements.accept(tx, requirement, visit.form.get("side", ""), visit.number("version"))
    except Refusing as error:
        return _requirement(visit, requirement, Again("", error))
    return to(f"/console/requirements/{requirement}")


@routes.post("/requirements/{requirement}/comments")
def comment(visit: Submitting, requirement: UUID) -> Response:
    try:
        with visit.transaction() as tx:
            requirements.comment(tx, requirement, visit.form.get("text", ""))
    except Refusing as error:
        return _requirement(visit, requirement, Again("comment", error))
    return to(f"/console/requirements/{requirement}#comments")


@routes.get("/decisions/{decision}")
def decision(visit: Visiting, decision: UUID) -> HTMLResponse:
    return _decision(visit, decision)


def _decision(visit: Visit, decision: UUID, again: Again | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        found = decisions.one(tx, decision)
        pinned = Area(found.area.lead, found.area.programme, found.area.process, found.number)
        context = around(tx) | {
            "decision": found,
            "programme": agreements.programme(tx, found.area.lead, found.area.programme),
            "may": access.actions_on(tx, pinned),
            "own": visit.session.organisation,
        }
    return visit.page("decision.html", context, again)


@routes.post("/decisions/{decision}/{act}")
def answer(visit: Submitting, decision: UUID, act: str) -> Response:
    acts = {"approve": decisions.approve, "reject": decisions.reject, "withdraw": decisions.withdraw, "reopen": decisions.reopen}
    if act not in acts:
        raise Missing("page")
    try:
        with visit.transaction() as tx:
            acts[act](tx, decision, visit.form.get("reason", ""))
    except Refusing as error:
        return _decision(visit, decision, Again("answer", error))
    return to(f"/console/decisions/{decision}")


def around(tx: Transaction) -> dict[str, Any]:
    """What pages of programmes, requirements and decisions have in common."""
    known = {one.organisation: one for one in people.organisations(tx)}
    return {"organisations": known, "processes": list(Process), "now": tx.now}


def side(visit: Visit, before: Said | None = None) -> Said:
    """The form's fields; what the form does not show stays as it was."""
    was, form = before or Said(), visit.form
    return Said(
        status=form.get("status", was.status),
        number=form.get("number", was.number),
        title=form.get("title", was.title),
        text=form.get("text", was.text),
        rationale=form.get("rationale", was.rationale),
        verification=form.get("verification", was.verification),
        parent=was.parent,
        position=was.position,
        identifier=was.identifier,
        attributes=was.attributes,
    )
