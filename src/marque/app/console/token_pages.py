"""Tokens of programs: what one's organisation has issued, a new one (shown once), and the end of one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from marque.alliance import people, tokens
from marque.alliance.model import Process
from marque.app.console.visit import Again, Refusing, Submitting, Visit, Visiting, to
from marque.common import InputError, Sentence

routes = APIRouter(prefix="/console/tokens")
_USUAL = timedelta(days=90)


@routes.get("")
def listed(visit: Visiting) -> HTMLResponse:
    return _page(visit)


@routes.post("")
def issue(visit: Submitting) -> HTMLResponse:
    """The answer shows the token: it is told once, and a reload asks again for another."""
    form = visit.form
    try:
        ends = _end_of(form.get("expires", ""))
        with visit.transaction() as tx:
            secret, made = tokens.issue(tx, form.get("name", ""), form.get("purpose", ""), visit.all_of("scope"), ends)
    except Refusing as error:
        return _page(visit, Again("token", error))
    return _page(visit, secret=(made.name, secret))


@routes.post("/{token}/revoke")
def revoke(visit: Submitting, token: UUID) -> Response:
    try:
        with visit.transaction() as tx:
            tokens.revoke(tx, token)
    except Refusing as error:
        return _page(visit, Again("", error))
    return to("/console/tokens")


def _page(visit: Visit, again: Again | None = None, secret: tuple[str, str] | None = None) -> HTMLResponse:
    with visit.transaction() as tx:
        found = tokens.issued(tx)
        today = tx.now.date()
        context = {
            "tokens": found,
            "names": {one.id: one.name for one in people.people(tx)},
            "now": tx.now,
            "first": today + timedelta(days=1),
            "usual": today + _USUAL,
            "last": today + tokens.LONGEST - timedelta(days=1),
            "actions": tokens.ACTIONS,
            "processes": ["*", *Process],
            "secret": secret,
        }
    return visit.page("tokens.html", context, again)


def _end_of(text: str) -> datetime:
    """The last instant of a day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InputError("form", "expires", Sentence("{given!r} is not a day", given=text[:20]), "Write YYYY-MM-DD.") from None
    return datetime.combine(day, time(), UTC) + timedelta(days=1, microseconds=-1)
