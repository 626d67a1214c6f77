"""A programme's repository and its keys: who holds which, what expires when, and the ceremony in which both partners sign.

/console/release/programmes/LEAD/ID/repository       parties, keys, files as cars get them; what has to be done next, and by whom
/console/release/changes/ID                          documents that come into force together, who signed them, who is waited for
/console/release/documents/ID/payload                the bytes that are signed; /sign takes them signed, /confirm/… the passkey's answer
"""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body
from fastapi.responses import HTMLResponse, JSONResponse, Response

from marque.alliance.access import Action
from marque.app.console.release_forms import models_of
from marque.app.console.release_pages import around
from marque.app.console.release_words import names_of_keys
from marque.app.console.visit import Again, Refusing, Submitting, Visit, Visiting, to
from marque.common import ok
from marque.foundation import Transaction
from marque.release import repositories, signatures
from marque.release.model import Change, Document, Purpose, Repository
from marque.release.repository import signed_files
from marque.release.repository.roles import EACH

routes = APIRouter(prefix="/console/release")
_CHANGES = 20


@routes.get("/programmes/{lead}/{programme}/repository")
def show(visit: Visiting, lead: str, programme: UUID) -> HTMLResponse:
    return _page(visit, lead, programme)


def _page(visit: Visit, lead: str, programme: UUID, again: Again | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        found = repositories.state(tx, lead, programme)
        context = around(tx, lead, programme)
        choosing = Action.SIGN in context["may"] and visit.session.organisation in found.deciders
        context |= {
            "tab": "repository", "repository": found, "each": EACH,
            "enrolled": repositories.nameable(tx, lead, programme) if choosing else [],
            "changes": signatures.changes(tx, lead, programme, limit=_CHANGES), "holders": names_of_keys(found),
            "mine": signatures.to_sign(tx, found.pending.id) if found.pending is not None else [],
            "todo": _todo(found),
        }  # fmt: skip
    return visit.page("ceremony.html", context, again)


def _todo(repository: Repository) -> list[tuple[str, str, str]]:
    """The ceremony's steps: (step, done | now | later, organisation whose turn it is; empty for both)."""
    named = {one.organisation for one in repository.named}
    found = [
        ("keys", "done" if one in named or (repository.begun and one in repository.parties) else "now", one) for one in repository.deciders
    ]
    ready = all(state == "done" for _, state, _ in found)
    pending, begun = repository.pending, repository.begun and not repository.outdated
    found.append(("draft", "done" if pending or begun else "now" if ready else "later", ""))
    lacks = pending.lacks if pending is not None else {}
    for one in repository.deciders:
        signed = (begun and pending is None) or (pending is not None and one not in lacks)
        found.append(("sign", "done" if signed else "now" if pending is not None else "later", one))
    found.append(("force", "done" if begun and pending is None else "later", ""))
    return found


@routes.post("/programmes/{lead}/{programme}/repository/keys")
def name_keys(visit: Submitting, lead: str, programme: UUID) -> Response:
    try:
        with visit.transaction() as tx:
            repositories.name_keys(tx, visit.platform.party, lead, programme, visit.all_of("key"))
    except Refusing as error:
        return _page(visit, lead, programme, Again("keys", error))
    return to(f"/console/release/programmes/{lead}/{programme}/repository")


@routes.post("/programmes/{lead}/{programme}/repository/roots")
def root(visit: Submitting, lead: str, programme: UUID) -> Response:
    """The first ones, or those that follow."""
    try:
        models = models_of(visit.form)
        with visit.transaction() as tx:
            if repositories.state(tx, lead, programme).begun:
                made = repositories.next_root(tx, visit.platform.online, lead, programme, models or None, visit.all_of("without"))
            else:
                made = repositories.begin(tx, visit.platform.online, lead, programme, models)
    except Refusing as error:
        return _page(visit, lead, programme, Again("roots", error))
    return to(f"/console/release/changes/{made.id}")


@routes.post("/programmes/{lead}/{programme}/repository/renewals")
def renew(visit: Submitting, lead: str, programme: UUID) -> Response:
    try:
        with visit.transaction() as tx:
            made = repositories.renew(tx, lead, programme)
    except Refusing as error:
        return _page(visit, lead, programme, Again("", error))
    return to(f"/console/release/changes/{made.id}")


@routes.get("/programmes/{lead}/{programme}/repository/{repository}/{name}")
def file(visit: Visiting, lead: str, programme: UUID, repository: str, name: str) -> Response:
    """A file as cars get it."""
    with visit.transaction() as tx:
        around(tx, lead, programme)
        found = repositories.metadata(tx, lead, programme, repository, name)
    return _download(found, name)


@routes.get("/changes/{change}")
def change(visit: Visiting, change: UUID) -> HTMLResponse:
    return _change(visit, change)


def _change(visit: Visit, change: UUID, again: Again | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        found = signatures.change(tx, change)
        repository = repositories.state(tx, found.lead, found.programme)
        context = around(tx, found.lead, found.programme) | {
            "tab": "repository", "change": found, "mine": signatures.to_sign(tx, change), "holders": names_of_keys(repository),
            "droppable": found.purpose is not Purpose.WITHDRAWAL,
        }  # fmt: skip
    return visit.page("ceremony_change.html", context, again)


@routes.post("/changes/{change}/drop")
def drop(visit: Submitting, change: UUID) -> Response:
    try:
        with visit.transaction() as tx:
            signatures.drop(tx, change, visit.form.get("reason", ""))
    except Refusing as error:
        return _change(visit, change, Again("drop", error))
    return to(f"/console/release/changes/{change}")


@routes.get("/documents/{document}/payload")
def payload(visit: Visiting, document: UUID) -> Response:
    """The bytes that are signed."""
    with visit.transaction() as tx:
        found = signatures.document(tx, document)
    return _download(found.payload, file_name(found))


@routes.post("/documents/{document}/sign")
def begin(visit: Submitting, document: UUID) -> HTMLResponse:
    """The signed file is right: the next page asks the passkey."""
    with visit.transaction() as tx:
        found = signatures.document(tx, document)
    handed_in = visit.form.get("signed", "").encode()
    try:
        with visit.transaction() as tx:
            asked = signatures.begin_signing(tx, visit.platform.party, document, handed_in)
            signed = ok(signed_files.read(handed_in))
            context = _around(tx, found) | {
                "document": found, "challenge": asked.challenge, "options": json.dumps(asked.options),
                "signature": signed.signature.value.hex(),
            }  # fmt: skip
    except Refusing as error:
        return _change(visit, found.change, Again(f"sign-{document}", error))
    return visit.page("ceremony_confirm.html", context)


def _around(tx: Transaction, document: Document) -> dict[str, Any]:
    shown: Change = signatures.change(tx, document.change)
    return around(tx, shown.lead, shown.programme) | {"tab": "repository", "change": shown}


@routes.post("/documents/{document}/confirm/{challenge}")
def finish(visit: Submitting, document: UUID, challenge: UUID, answer: Annotated[dict[str, Any], Body()]) -> JSONResponse:
    signature = str(visit.request.query_params.get("signature", ""))
    with visit.transaction() as tx:
        made = signatures.finish_signing(tx, visit.platform.party, visit.platform.online, document, challenge, answer, signature)
    next_ = (
        f"/console/release/releases/{made.subject}#signatures" if made.purpose is Purpose.RELEASE else f"/console/release/changes/{made.id}"
    )
    return JSONResponse({"next": next_})


def file_name(document: Document) -> str:
    """Of the bytes to be signed, as they are kept at home."""
    return f"{document.repository}-{document.version}.{document.role}.json"


def _download(raw: bytes, name: str) -> Response:
    safe = "".join(one for one in name if one.isalnum() or one in "._-")
    return Response(raw, media_type="application/json", headers={"Content-Disposition": f'attachment; filename="{safe}"'})
