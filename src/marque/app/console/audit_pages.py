"""The audit log, as far as it concerns the visitor's organisation."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from marque.alliance import access, agreements, audit, people
from marque.alliance.access import Action
from marque.app.console.visit import Visiting
from marque.app.words import Words
from marque.foundation import Transaction

routes = APIRouter(prefix="/console/audit")
_PAGE = 50
_CALLED = ("title", "subject", "code", "brand", "purpose", "issuer")


@routes.get("")
def log(visit: Visiting) -> HTMLResponse:
    asked = visit.request.query_params.get("before", "")
    before = int(asked) if asked.isdecimal() and len(asked) < 18 else None
    with visit.transaction() as tx:
        access.require(tx, Action.AUDIT, access.Organisation(visit.session.organisation))
        found = audit.entries(tx, before=before, limit=_PAGE + 1)
        known = {one.organisation: one for one in people.organisations(tx)}
        names = _names(tx)
    told = [(one, _about(visit.words, names, one.body), _whole(one.body)) for one in found[:_PAGE]]
    more = found[_PAGE - 1].index if len(found) > _PAGE else None
    return visit.page("audit.html", {"entries": told, "more": more, "organisations": known})


def _whole(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, indent=1, sort_keys=True)


def _names(tx: Transaction) -> dict[str, str]:
    """What people call the things that entries name by their ids."""
    found = agreements.all_agreements(tx)
    return {str(one.row.id): one.row.title for one in found} | {str(one.id): one.code for state in found for one in state.programmes}


def _about(words: Words, names: Mapping[str, str], body: Mapping[str, Any]) -> str:
    """Which thing an entry is about, as far as it says so; the whole of it stands below."""
    parts = [names[one] for one in (str(body.get("agreement", "")), str(body.get("programme", ""))) if one in names]
    if isinstance(number := body.get("number"), int):
        parts.append(words("agreement.revision", number=number))
    said = next((str(body[name]) for name in _CALLED if isinstance(body.get(name), str) and body[name]), "")
    return " · ".join([*parts, *([said] if said and said not in parts else [])])


@routes.get("/export")
def export(visit: Visiting) -> Response:
    """Everything of the log that is the visitor's organisation's to have, to be checked by `marque audit verify`."""
    written = io.BytesIO()
    with visit.platform.database.transaction(visit.session.actor) as tx:
        audit.sign_checkpoint(tx, visit.platform.log)
    with visit.transaction() as tx:
        access.require(tx, Action.AUDIT, access.Organisation(visit.session.organisation))
        made = audit.export(tx, written, visit.platform.log.verifier_key)
    name = f"audit-{visit.session.organisation}-{made.size}.jsonl"
    return Response(
        written.getvalue(), media_type="application/x-ndjson", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
