"""Programmes: who does what in them on a day, and what both sides write down and decide."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse

from marque.alliance import access, agreements, decisions, model, people, requirements, rules
from marque.alliance.access import Action, Area
from marque.alliance.model import Process
from marque.alliance.requirements import STATUSES, Said
from marque.app.console.visit import Submitting, Visit, Visiting, to
from marque.common import Missing
from marque.foundation import Transaction

routes = APIRouter(prefix="/console")


@routes.get("/programmes")
def every(visit: Visiting) -> HTMLResponse:
    with visit.transaction() as tx:
        found = [(one, one.in_force(tx.now)) for one in agreements.all_agreements(tx)]
    return visit.page("programmes.html", {"found": found})


@routes.get("/programmes/{lead}/{programme}")
def show(visit: Visiting, lead: str, programme: UUID) -> HTMLResponse:
    at = visit.on()
    with visit.transaction() as tx:
        row = agreements.programme(tx, lead, programme)
        state = agreements.agreement(tx, row.organisation, row.agreement)
        context = _around(tx) | {
            "programme": row,
            "agreement": state,
            "at": at,
            "who": rules.who(state.agreed, row.code, at),
            "force": state.in_force(at),
            "open": set(_visible(tx, lead, programme)),
        }
    return visit.page("programme.html", context)


@routes.get("/programmes/{lead}/{programme}/{process}")
def area(visit: Visiting, lead: str, programme: UUID, process: str) -> HTMLResponse:
    where = _area(lead, programme, process)
    before = visit.request.query_params.get("before")
    with visit.transaction() as tx:
        row = agreements.programme(tx, lead, programme)
        state = agreements.agreement(tx, row.organisation, row.agreement)
        force = state.in_force(tx.now)
        context = _around(tx) | {
            "programme": row,
            "process": process,
            "part": rules.part(force.said, model.Area(row.code, Process(process))) if force else None,
            "requirements": requirements.page(tx, where, _identifier(before)),
            "decisions": decisions.page(tx, where),
            "may": access.actions_on(tx, where),
            "statuses": STATUSES,
            "own": visit.session.organisation,
        }
    return visit.page("area.html", context)


@routes.post("/programmes/{lead}/{programme}/{process}/requirements")
def require(visit: Submitting, lead: str, programme: UUID, process: str) -> RedirectResponse:
    with visit.transaction() as tx:
        made = requirements.found(tx, _area(lead, programme, process), _side(visit))
    return to(f"/console/requirements/{made.id}")


@routes.post("/programmes/{lead}/{programme}/{process}/decisions")
def ask(visit: Submitting, lead: str, programme: UUID, process: str) -> RedirectResponse:
    said = visit.form
    with visit.transaction() as tx:
        made = decisions.open_decision(
            tx, _area(lead, programme, process), said.get("subject", ""), said.get("title", ""), said.get("question", "")
        )
    return to(f"/console/decisions/{made.id}")


@routes.get("/requirements/{requirement}")
def requirement(visit: Visiting, requirement: UUID) -> HTMLResponse:
    with visit.transaction() as tx:
        found = requirements.one(tx, requirement)
        context = _around(tx) | {
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
    return visit.page("requirement.html", context)


@routes.post("/requirements/{requirement}")
def write(visit: Submitting, requirement: UUID) -> RedirectResponse:
    with visit.transaction() as tx:
        found = requirements.one(tx, requirement)
        mine = found.of(visit.session.organisation)
        requirements.edit(tx, requirement, _side(visit, mine.said if mine else Said()), int(visit.form.get("version", "0") or 0))
    return to(f"/console/requirements/{requirement}")


@routes.post("/requirements/{requirement}/accept")
def accept(visit: Submitting, requirement: UUID) -> RedirectResponse:
    with visit.transaction() as tx:
        requirements.accept(tx, requirement, visit.form.get("side", ""), int(visit.form.get("version", "0") or 0))
    return to(f"/console/requirements/{requirement}")


@routes.post("/requirements/{requirement}/comments")
def comment(visit: Submitting, requirement: UUID) -> RedirectResponse:
    with visit.transaction() as tx:
        requirements.comment(tx, requirement, visit.form.get("text", ""))
    return to(f"/console/requirements/{requirement}#comments")


@routes.get("/decisions/{decision}")
def decision(visit: Visiting, decision: UUID) -> HTMLResponse:
    with visit.transaction() as tx:
        found = decisions.one(tx, decision)
        pinned = Area(found.area.lead, found.area.programme, found.area.process, found.number)
        context = _around(tx) | {
            "decision": found,
            "programme": agreements.programme(tx, found.area.lead, found.area.programme),
            "may": access.actions_on(tx, pinned),
            "own": visit.session.organisation,
        }
    return visit.page("decision.html", context)


@routes.post("/decisions/{decision}/{act}")
def answer(visit: Submitting, decision: UUID, act: str) -> RedirectResponse:
    acts = {"approve": decisions.approve, "reject": decisions.reject, "withdraw": decisions.withdraw, "reopen": decisions.reopen}
    if act not in acts:
        raise Missing("page")
    with visit.transaction() as tx:
        acts[act](tx, decision, visit.form.get("reason", ""))
    return to(f"/console/decisions/{decision}")


def _around(tx: Transaction) -> dict[str, Any]:
    known = {one.organisation: one for one in people.organisations(tx)}
    return {"organisations": known, "processes": list(Process), "now": tx.now}


def _visible(tx: Transaction, lead: str, programme: UUID) -> list[str]:
    """The processes the visitor sees something of."""
    seen = access.allowed(tx, Action.VIEW, [Area(lead, programme, process) for process in Process])
    return [process for process, visible in zip(Process, seen, strict=True) if visible]


def _area(lead: str, programme: UUID, process: str) -> Area:
    if process not in set(Process):
        raise Missing("process")
    return Area(lead, programme, process)


def _identifier(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _side(visit: Visit, before: Said | None = None) -> Said:
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
