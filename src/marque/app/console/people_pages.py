"""People of one's own organisation, and one's own keys and passkeys."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from marque.alliance import keys, people
from marque.alliance.access import DUTIES
from marque.app.console.visit import Submitting, Visiting, to
from marque.common import Denied, ok

routes = APIRouter(prefix="/console")


@routes.get("/people")
def listed(visit: Visiting) -> HTMLResponse:
    with visit.transaction() as tx:
        context = {"people": people.people(tx), "duties": DUTIES, "organisations": people.organisations(tx)}
    return visit.page("people.html", context)


@routes.post("/people")
def enlist(visit: Submitting) -> RedirectResponse:
    with visit.transaction() as tx:
        people.enlist(tx, visit.form.get("name", ""), visit.form.get("email", ""), visit.all_of("duty"))
    return to("/console/people")


@routes.post("/people/{person}/duties")
def set_duties(visit: Submitting, person: UUID) -> RedirectResponse:
    with visit.transaction() as tx:
        people.set_duties(tx, person, visit.all_of("duty"))
    return to("/console/people")


@routes.post("/people/{person}/leave")
def leave(visit: Submitting, person: UUID) -> RedirectResponse:
    with visit.transaction() as tx:
        people.leave(tx, person)
    return to("/console/people")


@routes.get("/me")
def me(visit: Visiting) -> HTMLResponse:
    with visit.transaction() as tx:
        myself = people.me(tx)
        own = [one for one in keys.keys_of(tx, visit.session.organisation) if one.person == myself.id]
        context = {"person": myself, "keys": own, "passkeys": keys.passkeys_of(tx, myself.id), "now": tx.now}
    return visit.page("me.html", context)


@routes.post("/me/keys")
def enrol(visit: Submitting) -> RedirectResponse:
    """Of the visitor themselves: the request is signed with the key, and names the person."""
    with visit.transaction() as tx:
        key = ok(keys.enroll_key(tx, visit.form.get("request", "").encode()))
        if key.person != visit.session.person:
            raise Denied("This is another person's key; they hand it in themselves.")
    return to("/console/me")


@routes.post("/me/keys/{key}/revoke")
def revoke(visit: Submitting, key: str) -> RedirectResponse:
    with visit.transaction() as tx:
        revoked = ok(keys.revoke_key(tx, key, visit.form.get("reason", "")))
        if revoked.person != visit.session.person:
            raise Denied("This is another person's key.")
    return to("/console/me")


@routes.post("/me/passkeys")
def begin(visit: Submitting) -> HTMLResponse:
    with visit.transaction() as tx:
        asked = ok(keys.begin_registration(tx, visit.platform.party))
    label = visit.form.get("label", "").strip() or "Passkey"
    return visit.page("register.html", {"challenge": asked.challenge, "options": json.dumps(asked.options), "label": label})


@routes.post("/me/passkeys/{challenge}")
def finish(visit: Submitting, challenge: UUID, answer: Annotated[dict[str, Any], Body()]) -> JSONResponse:
    label = str(visit.request.query_params.get("label", "Passkey"))
    with visit.transaction() as tx:
        ok(keys.finish_registration(tx, visit.platform.party, challenge, answer, label))
    return JSONResponse({"next": "/console/me"})


@routes.post("/me/passkeys/{passkey}/revoke")
def forget(visit: Submitting, passkey: UUID) -> RedirectResponse:
    with visit.transaction() as tx:
        revoked = ok(keys.revoke_passkey(tx, passkey, visit.form.get("reason", "")))
        if revoked.person != visit.session.person:
            raise Denied("This is another person's passkey.")
    return to("/console/me")
