"""Agreements: who decides what on which day, how it came to be, and how it is signed."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body
from fastapi.responses import HTMLResponse, JSONResponse, Response

from marque.alliance import access, agreements, people
from marque.alliance.agreements import AgreementState, RevisionState
from marque.alliance.model import Process
from marque.app.console.changes import changes
from marque.app.console.visit import Again, Refusing, Submitting, Visit, Visiting, to
from marque.common import Missing
from marque.foundation import Transaction

routes = APIRouter(prefix="/console/agreements")


def address(state: AgreementState) -> str:
    return f"/console/agreements/{state.row.organisation}/{state.row.id}"


@routes.get("/{owner}/{agreement}")
def show(visit: Visiting, owner: str, agreement: UUID) -> HTMLResponse:
    return _agreement(visit, owner, agreement)


def _agreement(visit: Visit, owner: str, agreement: UUID, again: Again | None = None) -> HTMLResponse:
    at = visit.on()
    with visit.transaction() as tx:
        state = agreements.agreement(tx, owner, agreement)
        context = around(tx, state) | {
            "at": at,
            "force": state.in_force(at),
            "may": access.actions_on(tx, access.Agreement(owner, agreement)),
            "own": visit.session.organisation,
        }
    return visit.page("agreement.html", context, again)


@routes.get("/{owner}/{agreement}/revisions/{number}")
def text(visit: Visiting, owner: str, agreement: UUID, number: int) -> HTMLResponse:
    return _revision(visit, owner, agreement, number)


def _revision(visit: Visit, owner: str, agreement: UUID, number: int, again: Again | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        state = agreements.agreement(tx, owner, agreement)
        shown = _numbered(state, number)
        before = next((one for one in state.revisions if one.row.number == number - 1), None)
        context = around(tx, state) | {
            "at": tx.now,
            "shown": shown,
            "before": before,
            "changes": changes(before.said, shown.said) if before else (),
            "may": access.actions_on(tx, access.Revision(access.Agreement(owner, agreement), number)),
            "own": visit.session.organisation,
            "last": state.last is shown,
            "text_name": _text_name(agreement, number),
        }
    return visit.page("revision.html", context, again)


@routes.get("/{owner}/{agreement}/revisions/{number}/text")
def exact_text(visit: Visiting, owner: str, agreement: UUID, number: int) -> Response:
    """The bytes that are signed."""
    with visit.transaction() as tx:
        shown = agreements.revision(tx, owner, agreement, number)
    disposition = f'attachment; filename="{_text_name(agreement, number)}"'
    return Response(shown.row.document, media_type="application/json", headers={"Content-Disposition": disposition})


def _text_name(agreement: UUID, number: int) -> str:
    """Of the file with a revision's text: by the random end of the id, since ids made within a minute begin alike (RFC 9562, 5.7)."""
    return f"agreement-{agreement.hex[-8:]}-revision-{number}.json"


@routes.post("/{owner}/{agreement}/revisions/{number}/sign")
def begin(visit: Submitting, owner: str, agreement: UUID, number: int) -> HTMLResponse:
    """The envelope is right: the next page asks the passkey."""
    try:
        with visit.transaction() as tx:
            state = agreements.agreement(tx, owner, agreement)
            asked = agreements.begin_signing(tx, visit.platform.party, owner, agreement, number, visit.form.get("envelope", "").encode())
            context = around(tx, state) | {
                "shown": _numbered(state, number),
                "challenge": asked.challenge,
                "options": json.dumps(asked.options),
            }
    except Refusing as error:
        return _revision(visit, owner, agreement, number, Again("sign", error))
    return visit.page("confirm.html", context)


@routes.post("/{owner}/{agreement}/revisions/{number}/confirm/{challenge}")
def finish(
    visit: Submitting, owner: str, agreement: UUID, number: int, challenge: UUID, answer: Annotated[dict[str, Any], Body()]
) -> JSONResponse:
    with visit.transaction() as tx:
        agreements.finish_signing(tx, visit.platform.party, owner, agreement, number, challenge, answer)
    return JSONResponse({"next": f"/console/agreements/{owner}/{agreement}/revisions/{number}"})


@routes.post("/{owner}/{agreement}/programmes")
def found(visit: Submitting, owner: str, agreement: UUID) -> Response:
    said = visit.form
    try:
        with visit.transaction() as tx:
            made = agreements.found_programme(tx, owner, agreement, said.get("code", ""), said.get("name", ""), said.get("brand", ""))
    except Refusing as error:
        return _agreement(visit, owner, agreement, Again("programme", error))
    return to(f"/console/programmes/{made.organisation}/{made.id}")


def around(tx: Transaction, state: AgreementState) -> dict[str, Any]:
    return {
        "agreement": state,
        "address": address(state),
        "organisations": {one.organisation: one for one in people.organisations(tx)},
        "processes": list(Process),
        "now": tx.now,
    }


def _numbered(state: AgreementState, number: int) -> RevisionState:
    for one in state.revisions:
        if one.row.number == number:
            return one
    raise Missing("revision")
