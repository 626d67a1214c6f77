"""What waits for the visitor's organisation, and every agreement it has."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from marque.alliance import access, agreements, decisions, people
from marque.app.console.release_words import place_of
from marque.app.console.visit import Again, Refusing, Submitting, Visit, Visiting, to
from marque.release import waiting

routes = APIRouter()


@routes.get("/console")
def home(visit: Visiting) -> HTMLResponse:
    return _home(visit)


@routes.post("/console/agreements")
def draft(visit: Submitting) -> Response:
    try:
        with visit.transaction() as tx:
            made = agreements.draft(tx, visit.form.get("title", ""))
    except Refusing as error:
        return _home(visit, Again("draft", error))
    return to(f"/console/agreements/{visit.session.organisation}/{made}")


def _home(visit: Visit, again: Again | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        found = agreements.all_agreements(tx)
        own = visit.session.organisation
        context = {
            "person": people.me(tx),
            "organisations": {one.organisation: one for one in people.organisations(tx)},
            "agreements": [(one, one.in_force(tx.now)) for one in found],
            "to_sign": [(one, one.last) for one in found if one.last and own in one.last.waits_for],
            "to_decide": decisions.waiting(tx),
            "to_release": [(one, place_of(one)) for one in waiting.for_me(tx)],
            "may": access.actions_on(tx, access.Organisation(own)),
        }
    return visit.page("home.html", context, again)
