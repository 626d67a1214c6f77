"""One request of somebody who has signed in: who it is, a transaction as them, and pages in their words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Any, BinaryIO, TypeAlias, cast
from urllib.parse import quote

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException as FormRefused

from marque.alliance import access, sessions, transitions
from marque.alliance.access import Action
from marque.alliance.model import Process
from marque.alliance.visitors import Session
from marque.app.bounds import BODY_MAX_BYTES, TooMuch
from marque.app.platform import Platform
from marque.app.reasons import told
from marque.app.render import reader, render
from marque.app.sign_in import session_cookie
from marque.app.words import Words
from marque.common import Denied, InputError, MarqueError, Missing, Refused, Sentence, Unavailable
from marque.foundation import Transaction

_LAST = date(2199, 12, 31)
_DIGITS = 9
_PARTIES = 40
_FIELDS_MAX = _PARTIES * (3 * len(Process) + 1) + 20
"""Of the longest form, a revision of so many parties: role, sight and clause of each in each process, its name, and what stands once."""
_FILES_MAX = 4
_STATUS: Mapping[type[MarqueError], int] = {Missing: 404, Denied: 403, Refused: 409, InputError: 422, Unavailable: 503}

Form: TypeAlias = Mapping[str, str]
Refusing = (Refused, InputError, Denied, Missing)
"""What a form can be shown again for, with what was typed and why it was not taken."""
_SECTIONS = (
    ("/console", "home", ("/console/agreements",), None),
    ("/console/programmes", "programmes", ("/console/requirements", "/console/decisions"), None),
    ("/console/product", "product", (), None),
    ("/console/release", "release", (), None),
    ("/console/organisations", "organisations", ("/console/brands",), None),
    ("/console/history", "history", (), None),
    ("/console/people", "people", (), Action.ADMINISTER),
    ("/console/tokens", "tokens", (), Action.ADMINISTER),
    ("/console/audit", "audit", (), Action.AUDIT),
    ("/console/me", "me", (), None),
)
"""Address, name, what else belongs to it, and what one has to be allowed in one's organisation to find anything there."""


@dataclass(frozen=True)
class Again:
    """What was not taken: the form's name on the page, empty where nothing was typed, and why."""

    form: str
    error: MarqueError


@dataclass(frozen=True)
class Sent:
    """A file of a form. name: as it was called where it came from; empty when none was chosen."""

    name: str
    file: BinaryIO


@dataclass(frozen=True)
class Visit:
    """A signed-in person's request. token: of the session; form: its fields, for a POST that one of our own pages made.

    files: what came with it, as bytes, for a form that takes them so. may: what they may do in their organisation, known from the first
    transaction on.
    """

    request: Request
    platform: Platform
    session: Session
    token: str
    fields: tuple[tuple[str, str], ...] = ()
    files: Mapping[str, Sent] = field(default_factory=dict)
    may: set[Action] = field(default_factory=set)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """As this person, now; what an agreement's change has left to do is done first."""
        with transitions.applied_first(self.platform.database, self.session.actor) as tx:
            self.may.update(access.actions_on(tx, access.Organisation(self.session.organisation)))
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

    def number(self, name: str) -> int:
        """A field that our own page filled with a whole number. Raises InputError."""
        given = self.form.get(name, "")
        if not given.isascii() or not given.isdecimal() or len(given) > _DIGITS:
            raise InputError("form", name, "it is no whole number", "Open the page again and write from there.")
        return int(given)

    def page(self, template: str, context: dict[str, Any], again: Again | None = None) -> HTMLResponse:
        """again: the form on it that was just refused; it keeps what was typed."""
        refused: dict[str, Any] = {"again": None, "trouble": None}
        if again is not None:
            refused = {"again": again.form, "trouble": told(self.words, again.error)}
        kept = {"kept": self._kept(again), "kept_all": self._kept_all(again)}
        status = 200 if again is None else status_of(again.error)
        return render(self.request, f"console/{template}", around(self.request, self) | kept | refused | context, status)

    def _kept(self, again: Again | None) -> Callable[..., object]:
        """For templates, of a form's field: what was typed into it, where the form is shown again."""

        def kept(form: str, name: str, otherwise: object = "") -> object:
            return self.form.get(name, "") if again is not None and again.form == form else otherwise

        return kept

    def _kept_all(self, again: Again | None) -> Callable[..., object]:
        def kept_all(form: str, name: str, otherwise: object = ()) -> object:
            return self.all_of(name) if again is not None and again.form == form else otherwise

        return kept_all


def around(request: Request, visited: Visit | None) -> dict[str, Any]:
    """What every page of the console shows around its own: where one is, who one is, and the way out."""
    path = request.url.path
    sections = []
    for address, name, others, needed in _SECTIONS:
        below = any(path == one or path.startswith(f"{one}/") for one in ((address, *others) if address != "/console" else others))
        if needed is None or (visited is not None and needed in visited.may):
            sections.append((address, name, "page" if path == address else "true" if below else ""))
    known = {"me": None, "csrf": ""} if visited is None else {"me": visited.session, "csrf": sessions.csrf_token(visited.token)}
    return {"here": "console", "sections": sections, "again": None, "trouble": None} | known


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
    request.state.visit = Visit(request, running, session, token)
    return cast("Visit", request.state.visit)


async def posted(request: Request) -> tuple[tuple[str, str], ...]:
    """A form's text fields, and small files as text. JSON is the page's own script talking. Raises InputError and TooMuch."""
    if request.headers.get("content-type", "").startswith("application/json"):
        return ()
    form = await _form(request)
    try:
        return tuple([(name, await _text(name, value)) for name, value in form.multi_items()])
    finally:
        await form.close()


async def sent(request: Request) -> AsyncIterator[FormData]:
    """A form whose files stay what they are, open until it has been answered. Raises as `posted`."""
    form = await _form(request)
    try:
        yield form
    finally:
        await form.close()


async def _form(request: Request) -> FormData:
    try:
        return await request.form(max_files=_FILES_MAX, max_fields=_FIELDS_MAX, max_part_size=BODY_MAX_BYTES)
    except FormRefused as fault:
        if isinstance(fault, TooMuch):
            raise
        if str(fault.detail).startswith("Too many"):  # fields or files: the only word of the parser that tells them from a broken form
            said = Sentence("A form has at most {fields} fields and {files} files.", fields=_FIELDS_MAX, files=_FILES_MAX)
            raise TooMuch(said) from None
        raise InputError("form", "", "it is no form as a page of ours sends it", "Open the page again and write from there.") from None


async def _text(name: str, value: str | UploadFile) -> str:
    try:
        text = value if isinstance(value, str) else (await value.read()).decode()
    except UnicodeDecodeError:
        raise InputError("form", name, "it is no text in UTF-8", "Choose the file that the command wrote, as it is.") from None
    return _storable(name, text)


def _storable(name: str, text: str) -> str:
    if "\0" in text:
        raise InputError("form", name, "it holds a character that cannot be stored", "Remove control characters from it.")
    return text


def submission(visited: Annotated[Visit, Depends(visit)], fields: Annotated[tuple[tuple[str, str], ...], Depends(posted)]) -> Visit:
    """A POST has to come from one of our own pages, with the session's mark."""
    given = dict(fields).get("csrf", "") or visited.request.headers.get("x-csrf", "")
    own = sessions.from_own_page(visited.request.headers, visited.platform.settings.public_origin)
    if not own or not sessions.csrf_holds(visited.token, given):
        raise Denied("This form was not sent from one of our own pages, or its session has ended.")
    return replace(visited, fields=fields)


def upload(visited: Annotated[Visit, Depends(visit)], form: Annotated[FormData, Depends(sent)]) -> Visit:
    """The same, of a form that takes files as bytes."""
    fields = tuple((name, _storable(name, value)) for name, value in form.multi_items() if isinstance(value, str))
    files = {name: Sent(value.filename or "", value.file) for name, value in form.items() if isinstance(value, UploadFile)}
    return replace(submission(visited, fields), files=files)


Visiting: TypeAlias = Annotated[Visit, Depends(visit)]
Submitting: TypeAlias = Annotated[Visit, Depends(submission)]
Uploading: TypeAlias = Annotated[Visit, Depends(upload)]


def status_of(error: MarqueError) -> int:
    """Of HTTP, for what Marque raises on purpose."""
    return next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 400)


async def answered(request: Request, error: Exception) -> Response:
    """What Marque raises on purpose, with the status that fits: a page for people who navigate, a line of text for scripts."""
    assert isinstance(error, MarqueError)
    status, trouble = status_of(error), told(reader(request), error)
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(f"{trouble.line}\n", status)
    context = around(request, getattr(request.state, "visit", None))
    return render(request, "console/trouble.html", context | {"trouble": trouble, "status": status}, status)
