"""People of one's own organisation, and one's own keys and passkeys."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body
from fastapi.responses import HTMLResponse, JSONResponse, Response

from marque.alliance import keys, people
from marque.alliance.access import DUTIES
from marque.app.console.visit import Again, Refusing, Submitting, Visit, Visiting, to
from marque.common import Denied, ok

routes = APIRouter(prefix="/console")


@routes.get("/people")
def listed(visit: Visiting) -> HTMLResponse:
    return _people(visit)


def _people(visit: Visit, again: Again | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        context = {"people": people.people(tx), "duties": DUTIES, "own": visit.session.person}
    return visit.page("people.html", context, again)


@routes.post("/people")
def enlist(visit: Submitting) -> Response:
    try:
        with visit.transaction() as tx:
            people.enlist(tx, visit.form.get("name", ""), visit.form.get("email", ""), visit.all_of("duty"))
    except Refusing as error:
        return _people(visit, Again("person", error))
    return to("/console/people")


@routes.post("/people/{person}/duties")
def set_duties(visit: Submitting, person: UUID) -> Response:
    try:
        with visit.transaction() as tx:
            people.set_duties(tx, person, visit.all_of("duty"))
    except Refusing as error:
        return _people(visit, Again(f"duties-{person}", error))
    return to("/console/people")


@routes.post("/people/{person}/leave")
def leave(visit: Submitting, person: UUID) -> Response:
    try:
        with visit.transaction() as tx:
            people.leave(tx, person)
    except Refusing as error:
        return _people(visit, Again(f"duties-{person}", error))
    return to("/console/people")


@routes.get("/me")
def me(visit: Visiting) -> HTMLResponse:
    return _me(visit)


def _me(visit: Visit, again: Again | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        myself = people.me(tx)
        own = [one for one in keys.keys_of(tx, visit.session.organisation) if one.person == myself.id]
        context = {"person": myself, "keys": own, "passkeys": keys.passkeys_of(tx, myself.id), "now": tx.now}
    return visit.page("me.html", context, again)


@routes.get("/me/directory")
def directory(visit: Visiting) -> Response:
    """Every public key and passkey of one's organisation: what others check its signatures with, without us."""
    with visit.transaction() as tx:
        written = keys.directory(tx, visit.platform.party).dumps()
    name = f"keys-{visit.session.organisation}.json"
    return Response(written, media_type="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'})


@routes.post("/me/keys")
def enrol(visit: Submitting) -> Response:
    """Of the visitor themselves: the request is signed with the key, and names the person."""
    try:
        with visit.transaction() as tx:
            key = ok(keys.enroll_key(tx, visit.form.get("request", "").encode()))
            if key.person != visit.session.person:
                raise Denied("This is another person's key; they hand it in themselves.")
    except Refusing as error:
        return _me(visit, Again("key", error))
    return to("/console/me")


@routes.post("/me/keys/{key}/revoke")
def revoke(visit: Submitting, key: str) -> Response:
    try:
        with visit.transaction() as tx:
            revoked = ok(keys.revoke_key(tx, key, visit.form.get("reason", "")))
            if revoked.person != visit.session.person:
                raise Denied("This is another person's key.")
    except Refusing as error:
        return _me(visit, Again(f"key-{key}", error))
    return to("/console/me")


@routes.post("/me/passkeys")
def begin(visit: Submitting) -> HTMLResponse:
    try:
        with visit.transaction() as tx:
            asked = ok(keys.begin_registration(tx, visit.platform.party))
    except Refusing as error:
        return _me(visit, Again("passkey", error))
    label = visit.form.get("label", "").strip() or "Passkey"
    return visit.page("register.html", {"challenge": asked.challenge, "options": json.dumps(asked.options), "label": label})


@routes.post("/me/passkeys/{challenge}")
def finish(visit: Submitting, challenge: UUID, answer: Annotated[dict[str, Any], Body()]) -> JSONResponse:
    label = str(visit.request.query_params.get("label", "Passkey"))
    with visit.transaction() as tx:
        ok(keys.finish_registration(tx, visit.platform.party, challenge, answer, label))
    return JSONResponse({"next": "/console/me"})


@routes.post("/me/passkeys/{passkey}/revoke")
def forget(visit: Submitting, passkey: UUID) -> Response:
    try:
        with visit.transaction() as tx:
            revoked = ok(keys.revoke_passkey(tx, passkey, visit.form.get("reason", "")))
            if revoked.person != visit.session.person:
                raise Denied("This is another person's passkey.")
    except Refusing as error:
        return _me(visit, Again(f"passkey-{passkey}", error))
    return to("/console/me")
