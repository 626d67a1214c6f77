"""One request of somebody who has signed in: who it is, a transaction as them, and pages in their words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from marque.alliance import sessions, transitions
from marque.alliance.visitors import Session
from marque.app.platform import Platform
from marque.app.render import reader, render
from marque.app.sign_in import session_cookie
from marque.app.words import Words
from marque.common import Denied, InputError, MarqueError, Missing, Refused, Unavailable
from marque.foundation import Transaction

_LAST = date(2199, 12, 31)
_STATUS: Mapping[type[MarqueError], int] = {Missing: 404, Denied: 403, Refused: 409, InputError: 422, Unavailable: 503}

Form: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class Visit:
    """A signed-in person's request. token: of the session; form: its fields, for a POST that one of our own pages made."""

    request: Request
    platform: Platform
    session: Session
    token: str
    fields: tuple[tuple[str, str], ...] = ()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """As this person, now; what an agreement's change has left to do is done first."""
        with transitions.applied_first(self.platform.database, self.session.actor) as tx:
            yield tx

    @cached_property
    def words(self) -> Words:
        return reader(self.request)

    @cached_property
    def form(self) -> Form:
        return dict(self.fields)

    def all_of(self, name: str) -> list[str]:
        """Every value of a field that may stand more than once."""
        return [value for field, value in self.fields if field == name]

    def on(self) -> datetime:
        """The end of the day asked for by `?on=2023-03-28`, UTC; without one, or with nonsense, the present."""
        try:
            day = date.fromisoformat(self.request.query_params.get("on", ""))
        except ValueError:
            return self.platform.clock.now()
        return datetime.combine(min(day, _LAST), time(), UTC) + timedelta(days=1, microseconds=-1)

    def page(self, template: str, context: dict[str, Any], status: int = 200) -> HTMLResponse:
        around = {"here": "console", "me": self.session, "csrf": sessions.csrf_token(self.token)}
        return render(self.request, f"console/{template}", around | context, status)


def to(address: str) -> RedirectResponse:
    """After a POST: go and see. A reload repeats nothing."""
    return RedirectResponse(address, 303)


def visit(request: Request) -> Visit:
    """The visit, or off to the sign-in and back here."""
    running: Platform = request.app.state.platform()
    token = request.cookies.get(session_cookie(running.settings.public_origin), "")
    session = sessions.find(running.database, token)
    if session is None:
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        raise HTTPException(303, headers={"Location": f"/sign-in?to={quote(here if request.method == 'GET' else '/console', safe='')}"})
    return Visit(request, running, session, token)


async def posted(request: Request) -> tuple[tuple[str, str], ...]:
    """A form's text fields, and small files as text. JSON is the page's own script talking."""
    if request.headers.get("content-type", "").startswith("application/json"):
        return ()
    async with request.form(max_files=4, max_fields=600, max_part_size=4 << 20) as form:
        return tuple(
            [
                (name, value if isinstance(value, str) else (await value.read()).decode("utf-8", "replace"))
                for name, value in form.multi_items()
            ]
        )


def submission(visited: Annotated[Visit, Depends(visit)], fields: Annotated[tuple[tuple[str, str], ...], Depends(posted)]) -> Visit:
    """A POST has to come from one of our own pages, with the session's mark."""
    given = dict(fields).get("csrf", "") or visited.request.headers.get("x-csrf", "")
    own = sessions.from_own_page(visited.request.headers, visited.platform.settings.public_origin)
    if not own or not sessions.csrf_holds(visited.token, given):
        raise HTTPException(403, "this form was not sent from one of our own pages")
    return replace(visited, fields=fields)


Visiting: TypeAlias = Annotated[Visit, Depends(visit)]
Submitting: TypeAlias = Annotated[Visit, Depends(submission)]


def status_of(error: MarqueError) -> int:
    """Of HTTP, for what Marque raises on purpose."""
    return next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 400)


async def told(request: Request, error: Exception) -> Response:
    """What Marque raises on purpose, with the status that fits: a page for people who navigate, a line of text for scripts."""
    assert isinstance(error, MarqueError)
    status = status_of(error)
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(f"{error}\n", status)
    return render(request, "console/trouble.html", {"here": "console", "problem": str(error), "status": status}, status)
