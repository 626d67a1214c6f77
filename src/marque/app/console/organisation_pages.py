"""The organisations one knows, as a tree, and the brands of them: whose the marks are, and were."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from marque.alliance import access, brands, people
from marque.app.console.visit import Again, Refusing, Submitting, Visit, Visiting, to
from marque.common import InputError, Sentence

routes = APIRouter(prefix="/console")


@routes.get("/organisations")
def listed(visit: Visiting) -> HTMLResponse:
    return _listed(visit)


def _listed(visit: Visit, again: Again | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        known = people.organisations(tx)
        codes = {one.organisation for one in known}
        context = {
            "tree": [(one, [other for other in known if other.parent == one.organisation]) for one in known if one.parent not in codes],
            "organisations": {one.organisation: one for one in known},
            "brands": brands.brands(tx),
            "today": tx.now.date(),
            "may": access.actions_on(tx, access.Organisation(visit.session.organisation)),
            "own": visit.session.organisation,
        }
    return visit.page("organisations.html", context, again)


@routes.post("/brands")
def found(visit: Submitting) -> Response:
    form = visit.form
    name, name_zh = form.get("name", ""), form.get("name_zh", "")
    try:
        since = _day(form.get("since", ""))
        with visit.transaction() as tx:
            brands.found(tx, form.get("code", ""), name, name_zh, form.get("owner", ""), since, form.get("source", ""))
    except Refusing as error:
        return _listed(visit, Again("brand", error))
    return to("/console/organisations#brands")


@routes.post("/brands/{code}/owners")
def pass_on(visit: Submitting, code: str) -> Response:
    form = visit.form
    try:
        since = _day(form.get("since", ""))
        with visit.transaction() as tx:
            brands.pass_on(tx, code, form.get("owner", ""), since, form.get("source", ""))
    except Refusing as error:
        return _listed(visit, Again(f"owner-{code}", error))
    return to("/console/organisations#brands")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError("form", "since", Sentence("{given!r} is not a day", given=text[:20]), "Write YYYY-MM-DD.") from None
