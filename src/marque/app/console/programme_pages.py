"""Programmes: who does what in them on a day, and what both sides write down and decide."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from marque.alliance import access, agreements, decisions, model, requirements, rules
from marque.alliance.access import Action, Area
from marque.alliance.model import Process
from marque.alliance.requirements import STATUSES
from marque.app.console.joint_pages import around, side
from marque.app.console.visit import Again, Refusing, Submitting, Visit, Visiting, to
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
        context = around(tx) | {
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
    return _area_page(visit, _area(lead, programme, process))


def _area_page(visit: Visit, where: Area, again: Again | None = None) -> HTMLResponse:
    before = visit.request.query_params.get("before")
    with visit.transaction() as tx:
        row = agreements.programme(tx, where.lead, where.programme)
        state = agreements.agreement(tx, row.organisation, row.agreement)
        force = state.in_force(tx.now)
        context = around(tx) | {
            "programme": row,
            "process": where.process,
            "part": rules.part(force.said, model.Area(row.code, Process(where.process))) if force else None,
            "requirements": requirements.page(tx, where, _identifier(before)),
            "decisions": decisions.page(tx, where),
            "may": access.actions_on(tx, where),
            "statuses": STATUSES,
            "own": visit.session.organisation,
        }
    return visit.page("area.html", context, again)


@routes.post("/programmes/{lead}/{programme}/{process}/requirements")
def require(visit: Submitting, lead: str, programme: UUID, process: str) -> Response:
    where = _area(lead, programme, process)
    try:
        with visit.transaction() as tx:
            made = requirements.found(tx, where, side(visit))
    except Refusing as error:
        return _area_page(visit, where, Again("requirement", error))
    return to(f"/console/requirements/{made.id}")


@routes.post("/programmes/{lead}/{programme}/{process}/decisions")
def ask(visit: Submitting, lead: str, programme: UUID, process: str) -> Response:
    said, where = visit.form, _area(lead, programme, process)
    try:
        with visit.transaction() as tx:
            made = decisions.open_decision(tx, where, said.get("subject", ""), said.get("title", ""), said.get("question", ""))
    except Refusing as error:
        return _area_page(visit, where, Again("decision", error))
    return to(f"/console/decisions/{made.id}")


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
