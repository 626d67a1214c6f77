"""An identity provider for development: real OpenID Connect, with people to choose from instead of passwords.

One issuer for each organisation, `{origin}/identity/{organisation}`, each with a key of its own: discovery, keys, the authorization code
flow with PKCE (S256, required), a token endpoint. Whoever reaches it may be anybody it lists; so it answers only this machine, never
through a proxy, and only where the application includes it. Keys and codes live in memory and end with the process.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import ECKey

from marque.alliance.sessions import from_own_page
from marque.app.oidc import is_loopback
from marque.app.render import render
from marque.foundation import Clock

CLIENT_ID: Final = "marque"
PATH: Final = "/identity"
_CODE_LIVES = timedelta(seconds=60)
_TOKEN_LIVES = timedelta(minutes=5)
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


@dataclass(frozen=True)
class Somebody:
    """A person to choose. subject: what the provider calls them for ever."""

    subject: str
    name: str
    email: str
    duties: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Grant:
    organisation: str
    redirect_uri: str
    challenge: str
    nonce: str
    person: Somebody
    at: datetime


class _Refused(Exception):
    """An error of the protocol, told to the client by redirection (RFC 6749, 4.1.2.1)."""


def issuer_of(origin: str, organisation: str) -> str:
    return f"{origin}{PATH}/{organisation}"


def router(origin: str, people: Callable[[str], Sequence[Somebody]], redirect_uri: Callable[[str], str], clock: Clock) -> APIRouter:
    """The provider's routes.

    origin:       our own, as `http://127.0.0.1:8000`; ValueError unless it is on this machine.
    people:       who may be chosen, by organisation; nobody means there is no such organisation.
    redirect_uri: the one address to which an organisation's answers go.
    """
    if not is_loopback(urlsplit(origin).hostname or ""):
        raise ValueError(f"the development identity provider serves this machine only, not {origin}")
    provider = _Provider(origin, people, redirect_uri, clock)
    routes = APIRouter(prefix=f"{PATH}/{{organisation}}", dependencies=[Depends(_only_this_machine)], include_in_schema=False)

    @routes.get("/.well-known/openid-configuration")
    def discovery(organisation: str) -> dict[str, Any]:
        provider.listed(organisation)
        return provider.metadata(organisation)

    @routes.get("/keys")
    def keys(organisation: str) -> dict[str, Any]:
        provider.listed(organisation)
        return {"keys": [provider.key(organisation).as_dict(private=False, use="sig", alg="ES256")]}

    @routes.get("/authorize")
    def ask(request: Request, organisation: str) -> Response:
        asked = dict(request.query_params)
        listed = provider.listed(organisation)
        try:
            provider.check(organisation, asked)
        except _Refused as fault:
            return _answer(asked, {"error": str(fault), "iss": issuer_of(origin, organisation)})
        return render(request, "identity.html", {"organisation": organisation, "people": listed, "asked": asked})

    @routes.post("/authorize")
    async def choose(request: Request, organisation: str) -> Response:
        if not from_own_page(request.headers, origin):
            raise HTTPException(403, "only the provider's own page may say who signs in")
        given = {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
        who = given.pop("subject", "")
        issuer = issuer_of(origin, organisation)
        try:
            provider.check(organisation, given)
            return _answer(given, {"code": provider.grant(organisation, given, who), "iss": issuer})
        except _Refused as fault:
            return _answer(given, {"error": str(fault), "iss": issuer})

    @routes.post("/token")
    def token(
        organisation: str,
        grant_type: Annotated[str, Form()] = "",
        code: Annotated[str, Form()] = "",
        client_id: Annotated[str, Form()] = "",
        redirect_uri: Annotated[str, Form()] = "",
        code_verifier: Annotated[str, Form()] = "",
    ) -> Response:
        headers = {"Cache-Control": "no-store"}
        if grant_type != "authorization_code":
            return JSONResponse({"error": "unsupported_grant_type"}, 400, headers)
        if client_id != CLIENT_ID:
            return JSONResponse({"error": "invalid_client"}, 401, headers)
        tokens = provider.redeem(organisation, code, redirect_uri, code_verifier)
        return JSONResponse({"error": "invalid_grant"} if tokens is None else tokens, 400 if tokens is None else 200, headers)

    return routes


class _Provider:
    def __init__(self, origin: str, people: Callable[[str], Sequence[Somebody]], redirect_uri: Callable[[str], str], clock: Clock) -> None:
        self._origin, self._people, self._redirect_uri, self._clock = origin, people, redirect_uri, clock
        self._keys: dict[str, ECKey] = {}
        self._grants: dict[str, _Grant] = {}
        self._lock = threading.Lock()

    def listed(self, organisation: str) -> Sequence[Somebody]:
        if not (listed := self._people(organisation)):
            raise HTTPException(404)
        return listed

    def metadata(self, organisation: str) -> dict[str, Any]:
        issuer = issuer_of(self._origin, organisation)
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys",
            "scopes_supported": ["openid", "email", "profile"],
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "name", "email", "email_verified"],
            "authorization_response_iss_parameter_supported": True,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
        }

    def key(self, organisation: str) -> ECKey:
        with self._lock:
            if organisation not in self._keys:
                self._keys[organisation] = ECKey.generate_key("P-256", auto_kid=True)
            return self._keys[organisation]

    def check(self, organisation: str, asked: Mapping[str, str]) -> None:
        """Whether the request may be answered. Client and address first: an answer may go nowhere else (RFC 6749, 4.1.2.1)."""
        if asked.get("client_id") != CLIENT_ID or asked.get("redirect_uri") != self._redirect_uri(organisation):
            raise HTTPException(400, "unknown client or redirect_uri")
        if asked.get("response_type") != "code":
            raise _Refused("unsupported_response_type")
        if "openid" not in asked.get("scope", "").split():
            raise _Refused("invalid_scope")
        if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:
            raise _Refused("invalid_request")
        if "none" in asked.get("prompt", "").split():
            raise _Refused("login_required")

    def grant(self, organisation: str, asked: Mapping[str, str], subject: str) -> str:
        """A code for this person, good once and for a minute."""
        person = next((one for one in self.listed(organisation) if one.subject == subject), None)
        if person is None:
            raise _Refused("access_denied")
        code, now = secrets.token_urlsafe(32), self._clock.now()
        grant = _Grant(organisation, asked["redirect_uri"], asked["code_challenge"], asked.get("nonce", ""), person, now)
        with self._lock:
            self._grants = {key: one for key, one in self._grants.items() if now - one.at < _CODE_LIVES} | {code: grant}
        return code

    def redeem(self, organisation: str, code: str, redirect_uri: str, verifier: str) -> dict[str, Any] | None:
        """Tokens, or None: whoever guesses wrong has used the code up."""
        with self._lock:
            grant = self._grants.pop(code, None)
        now = self._clock.now()
        if grant is None or now - grant.at >= _CODE_LIVES or (grant.organisation, grant.redirect_uri) != (organisation, redirect_uri):
            return None
        if not secrets.compare_digest(create_s256_code_challenge(verifier), grant.challenge):
            return None
        key = self.key(organisation)
        at = int(now.timestamp())
        claims = {
            "iss": issuer_of(self._origin, organisation), "sub": grant.person.subject, "aud": CLIENT_ID, "iat": at, "auth_time": at,
            "exp": at + int(_TOKEN_LIVES.total_seconds()), "name": grant.person.name, "email": grant.person.email, "email_verified": True,
        }  # fmt: skip
        if grant.nonce:
            claims["nonce"] = grant.nonce
        signed = jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)
        lives = int(_TOKEN_LIVES.total_seconds())
        return {"access_token": secrets.token_urlsafe(32), "token_type": "Bearer", "expires_in": lives, "id_token": signed}


def _only_this_machine(request: Request) -> None:
    here = request.client is not None and is_loopback(request.client.host) and is_loopback(request.url.hostname or "")
    if not here or any(header in request.headers for header in _FORWARDED):
        raise HTTPException(404)


def _answer(asked: Mapping[str, str], told: dict[str, str]) -> RedirectResponse:
    state = {"state": asked["state"]} if "state" in asked else {}
    return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(told | state)}", 303)
