"""What is believed of an identity provider, and above all what is not: every provider here is under the attacker's hand."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from marque.app.oidc import Client, OpenIdClient, SignInRefused
from marque.common import Unavailable
from marque.foundation import SetClock

ISSUER, CALLBACK = "https://id.gac.example", "https://marque.example/sign-in/gac/callback"
CLIENT = Client(ISSUER, "marque", CALLBACK)
RSA, OTHER = RSAKey.generate_key(2048, auto_kid=True), ECKey.generate_key("P-256", auto_kid=True)
EC = ECKey.generate_key("P-256", auto_kid=True)
NONCE, VERIFIER = "the-nonce", "v" * 43


class Provider:
    """A provider that says whatever a test wants it to; the wire is real HTTP messages, the signatures are real."""

    def __init__(self):
        self.clock = SetClock(datetime(2025, 6, 1, 12, tzinfo=UTC))
        self.metadata = {
            "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/authorize", "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys", "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
        }  # fmt: skip
        self.keys = [RSA, EC]
        self.id_token = ""
        self.status = 200
        self.asked = []
        self.client = OpenIdClient(httpx.Client(transport=httpx.MockTransport(self.answer)), self.clock)

    def answer(self, request):
        self.asked.append(request)
        match request.url.path:
            case "/.well-known/openid-configuration":
                return httpx.Response(200, json=self.metadata)
            case "/keys":
                return httpx.Response(
                    200, json={"keys": [key if isinstance(key, dict) else key.as_dict(private=False) for key in self.keys]}
                )
            case "/token":
                tokens = {"access_token": "a", "token_type": "Bearer", "id_token": self.id_token}
                return httpx.Response(self.status, json=tokens if self.status == 200 else {"error": "invalid_grant"})
        return httpx.Response(404)

    def claims(self, **changes):
        now = int(self.clock.now().timestamp())
        said = {
            "iss": ISSUER, "sub": "ada", "aud": "marque", "exp": now + 300, "iat": now, "nonce": NONCE, "email": "ada@gac.example",
            "email_verified": True,
        } | changes  # fmt: skip
        return {name: value for name, value in said.items() if value is not None}

    def sign(self, key=RSA, alg="RS256", kid=True, **changes):
        self.id_token = jwt.encode({"alg": alg} | ({"kid": key.kid} if kid else {}), self.claims(**changes), key, algorithms=[alg])

    def subject(self, client=CLIENT, **answer):
        return self.client.subject(client, {"code": "the-code"} | answer, NONCE, VERIFIER)


@pytest.fixture
def provider():
    return Provider()


def encoded(part):
    return base64.urlsafe_b64encode(part if isinstance(part, bytes) else json.dumps(part).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256")])
def test_a_token_of_the_issuer_for_us_in_answer_to_this_question_is_believed(provider, key, alg):
    provider.metadata["id_token_signing_alg_values_supported"] = [alg]
    provider.sign(key, alg)
    found = provider.subject()
    assert (found.issuer, found.subject, found.email) == (ISSUER, "ada", "ada@gac.example")
    form = parse_qs(next(one for one in provider.asked if one.url.path == "/token").content.decode())
    assert form == {
        "grant_type": ["authorization_code"], "code": ["the-code"], "redirect_uri": [CALLBACK], "code_verifier": [VERIFIER],
        "client_id": ["marque"],
    }  # fmt: skip


def test_the_question_carries_state_nonce_and_the_challenge_of_the_verifier(provider):
    address = urlsplit(provider.client.authorization_url(CLIENT, "the-state", NONCE, VERIFIER))
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{ISSUER}/authorize"
    assert {name: value for name, (value,) in parse_qs(address.query).items()} == {
        "response_type": "code", "scope": "openid email profile", "client_id": "marque", "redirect_uri": CALLBACK, "state": "the-state",
        "nonce": NONCE, "code_challenge": create_s256_code_challenge(VERIFIER), "code_challenge_method": "S256",
    }  # fmt: skip
    assert VERIFIER not in address.query


def test_a_confidential_client_shows_its_secret_form_encoded(provider):
    provider.sign()
    provider.subject(Client(ISSUER, "marque", CALLBACK, "a:b c"))
    request = next(one for one in provider.asked if one.url.path == "/token")
    assert base64.b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"marque:a%3Ab+c"
    assert b"a%3Ab" not in request.content


HOUR = 3600
WRONG = {
    "another issuer": {"iss": "https://id.huawei.example"},
    "an issuer that only begins alike": {"iss": ISSUER + "/"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "somebody-else"},
    "another audience, though we are the party": {"aud": "somebody-else", "azp": "marque"},
    "no audience": {"aud": None},
    "an audience of several without a party": {"aud": ["marque", "somebody-else"]},
    "an audience of several for another party": {"aud": ["marque", "somebody-else"], "azp": "somebody-else"},
    "another party": {"azp": "somebody-else"},
    "expired": {"exp": 1748779200 - HOUR},
    "no expiry": {"exp": None},
    "an expiry that is no number": {"exp": "never"},
    "issued in the future": {"iat": 1748779200 + HOUR},
    "not issued": {"iat": None},
    "not yet valid": {"nbf": 1748779200 + HOUR},
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is no text": {"sub": 7},
    "the hash of another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_a_well_signed_token_that_says_something_else_is_not_believed(provider, changes):
    provider.sign(**changes)
    with pytest.raises(SignInRefused):
        provider.subject()


def test_a_token_without_a_signature_is_not_believed(provider):
    for alg in ("none", "None", "NONE"):
        provider.id_token = f"{encoded({'alg': alg})}.{encoded(provider.claims())}."
        with pytest.raises(SignInRefused):
            provider.subject()


def test_an_hmac_made_with_the_public_key_is_not_believed(provider):
    """The keys are public: whoever may use one as a secret may sign anything."""
    for secret in (RSA.as_pem(private=False), json.dumps(RSA.as_dict(private=False)).encode(), RSA.as_der(private=False)):
        hmac_key = OctKey.import_key(base64.b64encode(secret).decode())
        for header in ({"alg": "HS256"}, {"alg": "HS256", "kid": RSA.kid}):
            provider.id_token = jwt.encode(header, provider.claims(), hmac_key, algorithms=["HS256"])
            with pytest.raises(SignInRefused):
                provider.subject()


def test_a_shared_secret_among_the_keys_is_none_of_them(provider):
    secret = OctKey.generate_key(256, auto_kid=True)
    provider.keys = [RSA, secret.as_dict(private=True)]
    provider.id_token = jwt.encode({"alg": "HS256", "kid": secret.kid}, provider.claims(), secret, algorithms=["HS256"])
    with pytest.raises(SignInRefused):
        provider.subject()


def test_a_signature_by_another_key_is_not_believed_whatever_it_names(provider):
    for header in (
        {"kid": RSA.kid},
        {"kid": EC.kid},
        {"kid": OTHER.kid},
        {},
        {"jwk": OTHER.as_dict(private=False)},
        {"jku": "https://evil"},
    ):
        provider.id_token = jwt.encode({"alg": "ES256"} | header, provider.claims(), OTHER, algorithms=["ES256"])
        with pytest.raises(SignInRefused):
            provider.subject()


def test_a_changed_token_is_not_believed(provider):
    provider.sign()
    text = provider.id_token
    header, _, signature = text.split(".")
    for changed in (f"{header}.{encoded(provider.claims(sub='eve'))}.{signature}", text[:-4], f"{header}..{signature}", "", "a.b.c"):
        provider.id_token = changed
        with pytest.raises(SignInRefused):
            provider.subject()


def test_an_algorithm_that_the_provider_does_not_name_is_not_used(provider):
    provider.metadata["id_token_signing_alg_values_supported"] = ["ES256"]
    provider.sign(RSA, "RS256")
    with pytest.raises(SignInRefused):
        provider.subject()


@pytest.mark.parametrize(
    ("answer", "required"),
    [({"iss": "https://id.huawei.example"}, False), ({"iss": "https://id.huawei.example"}, True), ({}, True), ({"iss": ""}, False)],
)
def test_an_answer_that_another_issuer_gives_is_refused_before_its_code_is_shown_to_anybody(provider, answer, required):
    """The mix-up attack: a code of one provider sent to the token endpoint of another (RFC 9207)."""
    provider.metadata["authorization_response_iss_parameter_supported"] = required
    provider.sign()
    with pytest.raises(SignInRefused, match="another identity provider"):
        provider.subject(**answer)
    assert all(request.url.path != "/token" for request in provider.asked)


@pytest.mark.parametrize("answer", [{"error": "access_denied"}, {"code": ""}])
def test_an_answer_without_a_code_signs_nobody_in(provider, answer):
    provider.sign()
    with pytest.raises(SignInRefused):
        provider.subject(**answer)


def test_a_code_that_the_provider_does_not_redeem_signs_nobody_in(provider):
    provider.sign()
    provider.status = 400
    with pytest.raises(SignInRefused, match="400"):
        provider.subject()


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://id.huawei.example"},
        {"issuer": ISSUER + "/"},
        {"token_endpoint": "http://id.gac.example/token"},
        {"jwks_uri": "http://id.gac.example/keys"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "http://127.0.0.1/token"},
        {"jwks_uri": 7},
        {"jwks_uri": None},
    ],
    ids=str,
)
def test_metadata_of_another_issuer_or_without_tls_is_not_used(provider, change):
    provider.metadata |= change
    provider.sign()
    with pytest.raises(SignInRefused):
        provider.subject()


def test_a_provider_on_this_machine_counts_in_development_only(provider):
    for issuer in ("http://127.0.0.1:8000/identity/gac", "http://localhost/identity/gac"):
        with pytest.raises(SignInRefused, match="TLS"):
            provider.subject(Client(issuer, "marque", CALLBACK))
    assert provider.asked == []


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_that_is_not_verified_is_not_told(provider, verified):
    provider.sign(email_verified=verified)
    assert provider.subject().email == ""


def test_new_keys_of_the_provider_are_fetched_but_not_for_every_token_somebody_makes_up(provider):
    provider.sign()
    provider.subject()
    provider.keys = [OTHER]
    provider.sign(OTHER, "ES256")
    with pytest.raises(SignInRefused):
        provider.subject()
    fetched = len([one for one in provider.asked if one.url.path == "/keys"])
    assert fetched == 1
    provider.clock.advance(timedelta(seconds=31))
    provider.sign(OTHER, "ES256")
    assert provider.subject().subject == "ada"
    assert len([one for one in provider.asked if one.url.path == "/keys"]) == 2


def test_keys_that_were_withdrawn_do_not_count_for_longer_than_an_hour(provider):
    provider.sign()
    provider.subject()
    provider.keys = [OTHER]
    provider.clock.advance(timedelta(hours=1))
    provider.sign(RSA)
    with pytest.raises(SignInRefused):
        provider.subject()


def test_redirections_of_a_provider_are_not_followed(provider):
    """Otherwise it could make us ask what only we reach."""

    def elsewhere(request):
        if request.url.path.startswith("/.well-known/"):
            return httpx.Response(302, headers={"Location": f"{ISSUER}/keys/../.well-known-elsewhere"})
        return provider.answer(request) if "elsewhere" not in request.url.path else httpx.Response(200, json=provider.metadata)

    client = OpenIdClient(httpx.Client(transport=httpx.MockTransport(elsewhere), follow_redirects=True), provider.clock)
    with pytest.raises(Unavailable):
        client.authorization_url(CLIENT, "s", NONCE, VERIFIER)


def test_a_provider_that_does_not_answer_is_unavailable(provider):
    def broken(request):
        raise httpx.ConnectError("no route", request=request)

    for answer in (broken, lambda _: httpx.Response(500)):
        client = OpenIdClient(httpx.Client(transport=httpx.MockTransport(answer)), provider.clock)
        with pytest.raises(Unavailable):
            client.authorization_url(CLIENT, "s", NONCE, VERIFIER)
