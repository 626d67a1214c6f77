"""The organisations one knows, as a tree, and the brands of them: whose the marks are, and were."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse

from marque.alliance import access, brands, people
from marque.app.console.visit import Submitting, Visiting, to
from marque.common import InputError

routes = APIRouter(prefix="/console")


@routes.get("/organisations")
def listed(visit: Visiting) -> HTMLResponse:
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
    return visit.page("organisations.html", context)


@routes.post("/brands")
def found(visit: Submitting) -> RedirectResponse:
    form = visit.form
    with visit.transaction() as tx:
        name, name_zh = form.get("name", ""), form.get("name_zh", "")
        brands.found(tx, form.get("code", ""), name, name_zh, form.get("owner", ""), _day(form.get("since", "")), form.get("source", ""))
    return to("/console/organisations#brands")


@routes.post("/brands/{code}/owners")
def pass_on(visit: Submitting, code: str) -> RedirectResponse:
    form = visit.form
    with visit.transaction() as tx:
        brands.pass_on(tx, code, form.get("owner", ""), _day(form.get("since", "")), form.get("source", ""))
    return to("/console/organisations#brands")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError("form", "since", f"{text[:20]!r} is not a day", "Write YYYY-MM-DD.") from None
