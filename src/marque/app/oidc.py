"""OpenID Connect as a client: discovery, the authorization code flow with PKCE, and what an ID token must be to be believed.

OpenID Connect Core 1.0 (3.1), Discovery 1.0; RFC 7636 (PKCE, S256 only), RFC 9207 (issuer in the answer), RFC 9700 (current practice).
Keys are fetched from the issuer that an organisation has named, and count for that issuer alone. Signature algorithms are asymmetric ones
from a fixed list: `none`, and an HMAC made with a public key, are not among them whatever a token's header says.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ValidationError

from marque.common import MarqueError, Sentence, Unavailable
from marque.foundation import Clock

ALGORITHMS = frozenset({"RS256", "PS256", "ES256", "ES384", "Ed25519", "EdDSA"})
_LEEWAY_S = 60
"""How far the provider's clock may be off."""
_REMEMBER = timedelta(hours=1)
_ASK_AGAIN = timedelta(seconds=30)
_TIMEOUT_S = 5.0


class SignInRefused(MarqueError):
    """What came back from an identity provider is not to be believed, or not complete."""


@dataclass(frozen=True)
class Client:
    """We, as one organisation's provider knows us. secret: empty for a public client, which PKCE alone protects."""

    issuer: str
    client_id: str
    redirect_uri: str
    secret: str = ""


@dataclass(frozen=True)
class Subject:
    """Who signed in, in the words of the provider. email: empty unless the provider has verified it."""

    issuer: str
    subject: str
    email: str


class Provider(BaseModel, frozen=True):
    """A provider's metadata (Discovery 1.0, section 3), as far as we use it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(BaseModel):
    id_token: str
    access_token: str = ""


@dataclass(frozen=True)
class _Known:
    provider: Provider
    keys: KeySet
    at: datetime


def http_client() -> httpx.Client:
    """To reach identity providers: through the system's proxy where there is one, but never to this machine."""
    return httpx.Client(timeout=_TIMEOUT_S, mounts={f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")})


class OpenIdClient:
    """Talks to identity providers. What it has read of them it remembers for an hour; threads may share it."""

    def __init__(self, http: httpx.Client, clock: Clock, *, loopback: bool = False) -> None:
        """loopback: whether providers on this machine, without TLS, are believed; for development only."""
        self._http, self._clock, self._loopback = http, clock, loopback
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def authorization_url(self, client: Client, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser. Raises Unavailable or SignInRefused as the provider's metadata cannot be read or used."""
        provider = self._of(client.issuer).provider
        asked = {
            "response_type": "code", "scope": "openid email profile", "client_id": client.client_id, "redirect_uri": client.redirect_uri,
            "state": state, "nonce": nonce, "code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256",
        }  # fmt: skip
        joint = "&" if urlsplit(provider.authorization_endpoint).query else "?"
        return f"{provider.authorization_endpoint}{joint}{urlencode(asked)}"

    def subject(self, client: Client, answer: Mapping[str, str], nonce: str, verifier: str) -> Subject:
        """Redeem the code of an authorization response (its query parameters) and believe the ID token, or raise SignInRefused.

        The caller has compared the state before.
        """
        known = self._of(client.issuer)
        told = answer.get("iss")
        if told != client.issuer and (told is not None or known.provider.authorization_response_iss_parameter_supported):
            raise SignInRefused("The answer comes from another identity provider than the question went to.")
        if "error" in answer or not answer.get("code"):
            raise SignInRefused(Sentence("The identity provider did not sign you in ({error}).", error=answer.get("error", "no code")[:64]))
        tokens = self._redeem(client, known.provider, answer["code"], verifier)
        claims = self._believe(client, tokens, nonce)
        verified = claims.get("email_verified") is True and isinstance(claims.get("email"), str)
        return Subject(client.issuer, claims["sub"], claims["email"] if verified else "")

    def _redeem(self, client: Client, provider: Provider, code: str, verifier: str) -> _Tokens:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect_uri, "code_verifier": verifier}
        login = httpx.USE_CLIENT_DEFAULT
        if not client.secret:
            form["client_id"] = client.client_id
        elif "client_secret_basic" in provider.token_endpoint_auth_methods_supported:
            login = httpx.BasicAuth(_quoted(client.client_id), _quoted(client.secret))  # type: ignore[assignment]
        else:
            form |= {"client_id": client.client_id, "client_secret": client.secret}
        try:
            response = self._http.post(provider.token_endpoint, data=form, auth=login, timeout=_TIMEOUT_S, follow_redirects=False)
        except httpx.HTTPError as fault:
            raise Unavailable("The identity provider does not answer. Try to sign in again.") from fault
        if response.status_code != 200:
            raise SignInRefused(Sentence("The identity provider did not redeem its code (status {status}).", status=response.status_code))
        try:
            return _Tokens.model_validate_json(response.content)
        except ValidationError as fault:
            raise SignInRefused("The identity provider gave no ID token.") from fault

    def _believe(self, client: Client, tokens: _Tokens, nonce: str) -> dict[str, Any]:
        """The claims of an ID token that is signed by this issuer, for us, now, in answer to this very question (Core 1.0, 3.1.3.7)."""
        try:
            token = self._verified(client.issuer, tokens.id_token)
            options = {"iss": {"essential": True, "value": client.issuer}, "aud": {"essential": True, "value": client.client_id}}
            params = {"nonce": nonce, "client_id": client.client_id, "access_token": tokens.access_token}
            claims = CodeIDToken(token.claims, token.header, options, params)
            claims.validate(now=int(self._clock.now().timestamp()), leeway=_LEEWAY_S)
        except (JoseError, ValueError) as fault:
            raise SignInRefused(
                Sentence("The identity provider's token is not to be believed ({fault}).", fault=type(fault).__name__)
            ) from fault
        if not claims["sub"]:
            raise SignInRefused("The identity provider does not say who you are.")
        return dict(claims)

    def _verified(self, issuer: str, text: str) -> jwt.Token:
        known = self._of(issuer)
        algorithms = sorted(ALGORITHMS.intersection(known.provider.id_token_signing_alg_values_supported))
        try:
            return jwt.decode(text, known.keys, algorithms=algorithms)
        except (JoseError, ValueError):
            # A provider that has just changed its keys: look once more, but not for every token that somebody makes up.
            if self._clock.now() - known.at < _ASK_AGAIN:
                raise
            return jwt.decode(text, self._read(issuer).keys, algorithms=algorithms)

    def _of(self, issuer: str) -> _Known:
        with self._lock:
            known = self._known.get(issuer)
        if known is None or self._clock.now() - known.at >= _REMEMBER:
            known = self._read(issuer)
        return known

    def _read(self, issuer: str) -> _Known:
        self._check(issuer)
        try:
            provider = Provider.model_validate(self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
            if provider.issuer != issuer:
                raise SignInRefused("The identity provider says that it is another one.")
            for address in (provider.authorization_endpoint, provider.token_endpoint, provider.jwks_uri):
                self._check(address)
            usable = [key for key in self._get(provider.jwks_uri)["keys"] if key.get("kty") != "oct" and key.get("use", "sig") == "sig"]
            known = _Known(provider, KeySet.import_key_set({"keys": usable}), self._clock.now())
        except (ValidationError, JoseError, KeyError, TypeError, AttributeError, ValueError) as fault:
            raise SignInRefused("What the identity provider says of itself cannot be used.") from fault
        with self._lock:
            self._known[issuer] = known
        return known

    def _get(self, address: str) -> Any:
        try:
            return self._http.get(address, timeout=_TIMEOUT_S, follow_redirects=False).raise_for_status().json()
        except httpx.HTTPError as fault:
            raise Unavailable("The identity provider does not answer. Try to sign in again.") from fault

    def _check(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme == "https" and parts.hostname:
            return
        if not (self._loopback and parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise SignInRefused("The identity provider is not reached over TLS.")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _quoted(value: str) -> str:
    """RFC 6749, 2.3.1: form-encoded before it becomes a part of HTTP Basic."""
    return urlencode({"": value})[1:]
