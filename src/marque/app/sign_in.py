"""Signing in and out: every organisation's people at their own identity provider (authorization code flow with PKCE).

/sign-in                          which organisation?
/sign-in/ORGANISATION             off to its identity provider
/sign-in/ORGANISATION/callback    back from there, with a code
/sign-out

A browser that leaves carries one cookie with a random secret; state, nonce and PKCE verifier are made of it, and the server keeps the
digest of the state, which can come back once. Each organisation has a callback of its own, and what arrives there is believed if it comes
from that organisation's issuer: no provider can speak for another organisation's people (RFC 9700, 4.4).
"""

from __future__ import annotations

import base64
import hmac
import logging
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from marque.alliance import sessions, sign_in, tokens
from marque.alliance.visitors import Service, Session
from marque.app.identity import CLIENT_ID, Somebody, issuer_of
from marque.app.oidc import Client, OpenIdClient, SignInRefused
from marque.app.reasons import told as told_in
from marque.app.render import reader, render
from marque.common import Missing, Refusal, Unavailable
from marque.foundation import Actor, Clock, Database

_log = logging.getLogger(__name__)

HOME: Final = "/console"
_PAGE: Final = "sign_in.html"
_PLACE = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
"""An address of ours: one slash, then no second one, no backslash, no blank or control character."""


@dataclass(frozen=True)
class Door:
    """What signing in needs. database, once it runs; origin: ours, as `https://host:port`; http: to reach identity providers.

    client_secrets: by organisation, of those that are confidential clients. listed: organisations to offer on the page, as (code, name).
    development: organisations without an identity provider of their own use the development one, and providers on this machine count.
    """

    database: Callable[[], Database]
    clock: Clock
    origin: str
    http: httpx.Client
    client_secrets: Mapping[str, str] | None = None
    listed: Callable[[], Sequence[tuple[str, str]]] = tuple
    development: bool = False

    def client(self, organisation: str) -> tuple[Actor, Client]:
        """Who signs somebody in, and we as their provider knows us. Raises Missing where nobody signs in: hidden and missing are one."""
        acting = sign_in.actor(organisation)
        if acting is None:
            raise Missing("organisation")
        with self.database().transaction(acting) as tx:
            found = sign_in.provider(tx)
            known = found is not None or (self.development and bool(sign_in.listed(tx)))
        if not known:
            raise Missing("organisation")
        back = redirect_uri(self.origin, organisation)
        if found is None:
            return acting, Client(issuer_of(self.origin, organisation), CLIENT_ID, back)
        return acting, Client(found.issuer, found.client_id, back, (self.client_secrets or {}).get(organisation, ""))


def redirect_uri(origin: str, organisation: str) -> str:
    return f"{origin}/sign-in/{organisation}/callback"


def session_cookie(origin: str) -> str:
    """The name of the session's cookie. With TLS one that a browser takes from this host alone (RFC 6265bis, 4.1.3.2)."""
    return _cookie(origin, "session")


def visitor(request: Request, database: Database, origin: str) -> Session | Service | None:
    """Who sends this request: the program whose token it shows, else the person whose session it carries, else nobody.

    A request that shows a token is its program's or nobody's: a session it carries besides does not count.
    """
    shown = request.headers.get("authorization")
    if shown is not None:
        text = tokens.bearer(shown)
        return None if text is None else tokens.find(database, text)
    return sessions.find(database, request.cookies.get(session_cookie(origin), ""))


def listed_people(database: Callable[[], Database]) -> Callable[[str], list[Somebody]]:
    """For the development identity provider: everybody of an organisation."""

    def people(organisation: str) -> list[Somebody]:
        acting = sign_in.actor(organisation)
        if acting is None:
            return []
        with database().transaction(acting) as tx:
            return [Somebody(str(one.id), one.name, one.email, tuple(one.duties)) for one in sign_in.listed(tx)]

    return people


def router(door: Door) -> APIRouter:
    """The routes of signing in and out."""
    openid = OpenIdClient(door.http, door.clock, loopback=door.development)
    routes = APIRouter(include_in_schema=False)
    leaving = _cookie(door.origin, "sign-in")

    @routes.get("/sign-in")
    def ask(request: Request, organisation: str = "", to: str = HOME) -> Response:
        code, place = organisation.strip().lower(), _ours(to)
        if not code:
            return _page(door, request, place)
        try:
            _, client = door.client(code)
        except Missing:
            return _page(door, request, place, code, "sign-in.unknown", status=404)
        begin = f"/sign-in/{code}?{urlencode({'to': place})}"
        return _page(door, request, place, code, begin=begin, provider=urlsplit(client.issuer).hostname)

    @routes.get("/sign-in/{organisation}")
    def leave(request: Request, organisation: str, to: str = HOME) -> Response:
        try:
            acting, client = door.client(organisation)
            secret = secrets.token_urlsafe(32)
            address = openid.authorization_url(client, *_made_of(secret))
        except Missing:
            return _page(door, request, _ours(to), organisation, "sign-in.unknown", status=404)
        except (SignInRefused, Unavailable) as fault:
            return _failed(door, request, organisation, fault)
        with door.database().transaction(acting) as tx:
            sign_in.begin(tx, _made_of(secret)[0], _ours(to))
        answer = RedirectResponse(address, 303)
        _set(answer, door.origin, leaving, secret, int(sign_in.LIVES.total_seconds()))
        return answer

    @routes.get("/sign-in/{organisation}/callback")
    def come_back(request: Request, organisation: str) -> Response:
        try:
            place, token, session = arrive(request, organisation)
        except Missing:
            return _page(door, request, HOME, organisation, "sign-in.unknown", status=404)
        except (SignInRefused, Unavailable) as fault:
            return _failed(door, request, organisation, fault)
        answer = RedirectResponse(place, 303)
        _set(answer, door.origin, session_cookie(door.origin), token, int((session.ends_at - session.started_at).total_seconds()))
        _unset(answer, door.origin, leaving)
        return answer

    def arrive(request: Request, organisation: str) -> tuple[str, str, Session]:
        """Where to go, and the new session with its token; the one this browser had is over."""
        acting, client = door.client(organisation)
        told = dict(request.query_params)
        state, nonce, verifier = _made_of(request.cookies.get(leaving, ""))
        if not hmac.compare_digest(told.get("state", "").encode(), state.encode()):
            raise SignInRefused("This sign-in was not begun in this browser, or too long ago. Begin again.")
        with door.database().transaction(acting) as tx:
            place = sign_in.take(tx, state)
        if place is None:
            raise SignInRefused("This sign-in has been used before, or was begun too long ago. Begin again.")
        subject = openid.subject(client, told, nonce, verifier)
        with door.database().transaction(acting) as tx:
            person = sign_in.person_of(tx, subject.issuer, subject.subject, subject.email)
            if isinstance(person, Refusal):
                raise SignInRefused(person.reason)
            token, session = sessions.start(tx, person)
        sessions.end(door.database(), request.cookies.get(session_cookie(door.origin), ""))
        return place, token, session

    @routes.post("/sign-out")
    def sign_out(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        token = request.cookies.get(session_cookie(door.origin), "")
        if not sessions.from_own_page(request.headers, door.origin) or not sessions.csrf_holds(token, csrf):
            raise HTTPException(403, "this form was not sent from one of our own pages")
        sessions.end(door.database(), token)
        answer = RedirectResponse("/sign-in", 303)
        _unset(answer, door.origin, session_cookie(door.origin))
        return answer

    return routes


def _page(door: Door, request: Request, to: str, organisation: str = "", problem: str = "", *, status: int = 200, **more: Any) -> Response:
    said = {"to": to, "organisation": organisation, "problem": problem, "detail": "", "listed": door.listed(), "begin": "", "provider": ""}
    return render(request, _PAGE, said | more, status)


def _failed(door: Door, request: Request, organisation: str, fault: SignInRefused | Unavailable) -> Response:
    """The reason, for who signs in and for whoever runs this; neither token nor address is part of it."""
    _log.warning("a sign-in of %s failed: %s", organisation, fault)
    status = 503 if isinstance(fault, Unavailable) else 403
    detail = told_in(reader(request), fault).sentence
    return _page(door, request, HOME, organisation, "sign-in.failed", status=status, detail=detail, begin=f"/sign-in/{organisation}")


def _made_of(secret: str) -> tuple[str, str, str]:
    """State, nonce and PKCE verifier (43 characters of RFC 7636's alphabet) of one sign-in; none tells of the others."""
    return tuple(  # type: ignore[return-value]
        base64.urlsafe_b64encode(hmac.digest(secret.encode(), what, "sha256")).rstrip(b"=").decode()
        for what in (b"state", b"nonce", b"verifier")
    )


def _ours(to: str) -> str:
    """The address to go to afterwards, if it is one of ours."""
    return to if _PLACE.fullmatch(to) else HOME


def _cookie(origin: str, name: str) -> str:
    return f"__Host-{name}" if origin.startswith("https:") else name


def _set(answer: Response, origin: str, name: str, value: str, lives_s: int) -> None:
    answer.set_cookie(name, value, max_age=lives_s, path="/", secure=origin.startswith("https:"), httponly=True, samesite="lax")


def _unset(answer: Response, origin: str, name: str) -> None:
    answer.delete_cookie(name, path="/", secure=origin.startswith("https:"), httponly=True, samesite="lax")
