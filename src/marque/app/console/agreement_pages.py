"""Agreements: who decides what on which day, how it came to be, and how it is changed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from marque.alliance import access, agreements, differences, documents, modes, people
from marque.alliance.agreements import AgreementState, RevisionState
from marque.alliance.model import KIND, Matrix, Process, Revision, Role, Sight, What
from marque.app.console.visit import Submitting, Visit, Visiting, to
from marque.common import InputError, Missing, ok
from marque.foundation import Transaction

routes = APIRouter(prefix="/console/agreements")


def address(state: AgreementState) -> str:
    return f"/console/agreements/{state.row.organisation}/{state.row.id}"


@routes.post("")
def draft(visit: Submitting) -> RedirectResponse:
    with visit.transaction() as tx:
        made = agreements.draft(tx, visit.form.get("title", ""))
    return to(f"/console/agreements/{visit.session.organisation}/{made}")


@routes.get("/{owner}/{agreement}")
def show(visit: Visiting, owner: str, agreement: UUID) -> HTMLResponse:
    at = visit.on()
    with visit.transaction() as tx:
        state = agreements.agreement(tx, owner, agreement)
        context = _around(tx, state) | {
            "at": at,
            "force": state.in_force(at),
            "first": next((one for one in state.revisions if one.force), None),
            "may": access.actions_on(tx, access.Agreement(owner, agreement)),
            "own": visit.session.organisation,
        }
    return visit.page("agreement.html", context)


@routes.get("/{owner}/{agreement}/revisions/{number}")
def text(visit: Visiting, owner: str, agreement: UUID, number: int) -> HTMLResponse:
    with visit.transaction() as tx:
        state = agreements.agreement(tx, owner, agreement)
        shown = _numbered(state, number)
        before = next((one for one in state.revisions if one.row.number == number - 1), None)
        context = _around(tx, state) | {
            "at": tx.now,
            "shown": shown,
            "before": before,
            "changes": differences.diff(before.said, shown.said) if before else (),
            "may": access.actions_on(tx, access.Revision(access.Agreement(owner, agreement), number)),
            "own": visit.session.organisation,
            "last": state.last is shown,
        }
    return visit.page("revision.html", context)


@routes.get("/{owner}/{agreement}/revisions/{number}/text")
def exact_text(visit: Visiting, owner: str, agreement: UUID, number: int) -> Response:
    """The bytes that are signed."""
    with visit.transaction() as tx:
        shown = agreements.revision(tx, owner, agreement, number)
    name = f"agreement-{str(agreement)[:8]}-revision-{number}.json"
    return Response(shown.row.document, media_type="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'})


@routes.post("/{owner}/{agreement}/revisions/{number}/sign")
def begin(visit: Submitting, owner: str, agreement: UUID, number: int) -> HTMLResponse:
    """The envelope is right: the next page asks the passkey."""
    with visit.transaction() as tx:
        state = agreements.agreement(tx, owner, agreement)
        asked = agreements.begin_signing(tx, visit.platform.party, owner, agreement, number, visit.form.get("envelope", "").encode())
        context = _around(tx, state) | {
            "shown": _numbered(state, number),
            "challenge": asked.challenge,
            "options": json.dumps(asked.options),
        }
    return visit.page("confirm.html", context)


@routes.post("/{owner}/{agreement}/revisions/{number}/confirm/{challenge}")
def finish(
    visit: Submitting, owner: str, agreement: UUID, number: int, challenge: UUID, answer: Annotated[dict[str, Any], Body()]
) -> JSONResponse:
    with visit.transaction() as tx:
        agreements.finish_signing(tx, visit.platform.party, owner, agreement, number, challenge, answer)
    return JSONResponse({"next": f"/console/agreements/{owner}/{agreement}/revisions/{number}"})


@routes.post("/{owner}/{agreement}/programmes")
def found(visit: Submitting, owner: str, agreement: UUID) -> RedirectResponse:
    said = visit.form
    with visit.transaction() as tx:
        made = agreements.found_programme(tx, owner, agreement, said.get("code", ""), said.get("name", ""), said.get("brand", ""))
    return to(f"/console/programmes/{made.organisation}/{made.id}")


@routes.get("/{owner}/{agreement}/propose")
def ask(visit: Visiting, owner: str, agreement: UUID) -> HTMLResponse:
    """The form, filled with what holds, or with a mode's preset (`?mode=`)."""
    query = visit.request.query_params
    with visit.transaction() as tx:
        state = agreements.agreement(tx, owner, agreement)
        access.require(tx, access.Action.PROPOSE, access.Agreement(owner, agreement))
        known = people.organisations(tx)
        today = tx.now.date()
        context = _around(tx, state)
    parties = sorted({one.strip() for one in query.getlist("party") if one.strip()})
    if not parties:
        parties = sorted(state.last.said.parties) if state.last else [visit.session.organisation]
    context |= {"modes": modes.packaged(), "known": known, "parties": parties, "today": today}
    context["draft"] = _started(visit, state, parties, today) if len(parties) > 1 else None
    return visit.page("propose.html", context)


@routes.post("/{owner}/{agreement}/propose")
def propose(visit: Submitting, owner: str, agreement: UUID) -> RedirectResponse:
    with visit.transaction() as tx:
        state = agreements.agreement(tx, owner, agreement)
        made = agreements.propose(tx, owner, agreement, _said(visit, state))
    return to(f"{address(state)}/revisions/{made.row.number}")


def _around(tx: Transaction, state: AgreementState) -> dict[str, Any]:
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


def _started(visit: Visit, state: AgreementState, parties: list[str], today: date) -> Revision:
    """What the form begins with: the last text, or the preset chosen, for these parties."""
    query = visit.request.query_params
    mode = modes.packaged().get(query.get("mode", ""))
    if mode is not None:
        taken = {place: query.get(place, default) for place, default in zip(mode.position_codes, (parties[0], parties[-1]), strict=False)}
        preset = ok(modes.expand(mode, taken))
        programmes = state.last.said.programmes if state.last else {}
        return modes.draft(preset, state.row.id, state.row.title, today, programmes=programmes)
    if state.last is not None:
        return replace(state.last.said, effective=max(today, state.last.said.effective))
    raise InputError("mode", "", "a first revision begins with a mode", "Choose one.")


def _said(visit: Visit, state: AgreementState) -> Revision:
    """The form's fields as a revision; number, previous text and who leaves are the rules' to say."""
    parties = sorted(set(visit.all_of("party")))
    form = visit.form
    document = {
        "kind": KIND, "agreement": str(state.row.id), "title": form.get("title", state.row.title).strip(), "number": 1,
        "previous": "", "effective": form.get("effective", ""), "mode": form.get("mode", ""), "parties": parties,
        "positions": {place: form.get(place, "") for place in ("carmaker", "partner")},
        "matrix": {process: {one: form.get(f"role/{process}/{one}", Role.NONE) for one in parties} for process in Process},
        "sight": {process: {one: form.get(f"sight/{process}/{one}", Sight.NONE) for one in parties} for process in Process},
        "programmes": state.last.said.document()["programmes"] if state.last else {},
        "transition": {"clauses": _clauses(visit), "open-decisions": form.get("open-decisions", Matrix.OLD)},
        "sources": [],
    }  # fmt: skip
    return documents.read(document, "form")


def _clauses(visit: Visit) -> list[dict[str, str]]:
    """Rows of the form: clause/PROCESS/ORGANISATION = what, where something was chosen."""
    found = []
    for name, value in visit.fields:
        kind, _, rest = name.partition("/")
        if kind == "clause" and value in set(What):
            process, _, organisation = rest.partition("/")
            found.append({"process": process, "organisation": organisation, "what": value})
    return found
