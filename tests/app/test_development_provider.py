"""The identity provider for development: each organisation by its own, for this machine alone, and strict as a real one."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from in_process import ELSEWHERE
from sign_in_served import ORGANISATIONS, ORIGIN, SAME_SITE, browser, enlisted, served

from marque.alliance.access import DUTIES
from marque.app import identity, sign_in
from marque.app.words import LANGUAGES, words_of


@pytest.fixture
def people(database, owner_dsn):
    return enlisted(database, owner_dsn)


@pytest.fixture
def app(database, people):
    assert set(people) == set(ORGANISATIONS)
    return served(database)


def asked(organisation="gac", **changes):
    said = {
        "response_type": "code", "client_id": identity.CLIENT_ID, "redirect_uri": sign_in.redirect_uri(ORIGIN, organisation),
        "scope": "openid email", "state": "s", "nonce": "n", "code_challenge": create_s256_code_challenge("v" * 43),
        "code_challenge_method": "S256",
    } | changes  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def code_for(visitor, person, **changes):
    answer = visitor.post("/identity/gac/authorize", data=asked(**changes) | {"subject": str(person)}, headers=SAME_SITE)
    return parse_qs(urlsplit(answer.headers["location"]).query)


def redeem(visitor, code, organisation="gac", **changes):
    form = {
        "grant_type": "authorization_code", "code": code, "client_id": identity.CLIENT_ID, "code_verifier": "v" * 43,
        "redirect_uri": sign_in.redirect_uri(ORIGIN, "gac"),
    }  # fmt: skip
    return visitor.post(f"/identity/{organisation}/token", data=form | changes)


def test_a_code_is_good_once_for_a_minute_with_its_verifier_and_address(app, database, people):
    visitor = browser(app)
    for changes in (
        {"code_verifier": "w" * 43}, {"code_verifier": ""}, {"redirect_uri": f"{ORIGIN}/elsewhere"}, {"organisation": "huawei"},
    ):  # fmt: skip
        (code,) = code_for(visitor, people["gac"])["code"]
        assert redeem(visitor, code, **changes).json() == {"error": "invalid_grant"}
        assert redeem(visitor, code).json() == {"error": "invalid_grant"}, "whoever guesses wrong has used it up"
    (code,) = code_for(visitor, people["gac"])["code"]
    assert redeem(visitor, code, client_id="another").status_code == 401
    assert redeem(visitor, code, grant_type="password").json() == {"error": "unsupported_grant_type"}
    assert redeem(visitor, code).status_code == 200
    assert redeem(visitor, code).status_code == 400
    (code,) = code_for(visitor, people["gac"])["code"]
    database.clock.advance(timedelta(seconds=60))
    assert redeem(visitor, code).status_code == 400


def test_nothing_is_answered_to_an_address_or_client_that_is_not_known(app):
    visitor = browser(app)
    for changes in (
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": None},
        {"client_id": "another"},
        {"organisation": "huawei"},
    ):
        assert visitor.get("/identity/gac/authorize", params=asked(**changes)).status_code == 400
        assert visitor.post("/identity/gac/authorize", data=asked(**changes), headers=SAME_SITE).status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_what_is_wrong_with_a_question_is_told_to_the_client(app, people, changes, error):
    answer = browser(app).get("/identity/gac/authorize", params=asked(**changes))
    assert parse_qs(urlsplit(answer.headers["location"]).query) == {"error": [error], "state": ["s"], "iss": [f"{ORIGIN}/identity/gac"]}
    assert code_for(browser(app), people["gac"], **changes)["error"] == [error]


def test_choosing_nobody_or_somebody_of_elsewhere_is_a_refusal(app, people):
    for who in ("", people["huawei"], "eve"):
        assert code_for(browser(app), who)["error"] == ["access_denied"]


def test_only_the_providers_own_page_chooses(app, people):
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = browser(app).post("/identity/gac/authorize", data=asked() | {"subject": str(people["gac"])}, headers=headers)
        assert answer.status_code == 403


def test_the_provider_serves_this_machine_only_and_never_through_a_proxy(app):
    for address in ("/.well-known/openid-configuration", "/keys", "/authorize"):
        assert browser(app, ELSEWHERE).get(f"/identity/gac{address}").status_code == 404
        for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
            assert browser(app).get(f"/identity/gac{address}", headers={header: "192.0.2.7"}).status_code == 404
        assert browser(app).get(f"/identity/gac{address}", headers={"Host": "evil.example"}).status_code == 404
    assert browser(app, ELSEWHERE).post("/identity/gac/token").status_code == 404
    with pytest.raises(ValueError, match="this machine only"):
        identity.router("https://marque.example", lambda _: [], str, None)


def test_each_organisation_has_an_issuer_and_a_key_of_its_own(app):
    visitor = browser(app)
    found = [visitor.get(f"/identity/{code}/keys").json()["keys"] for code in ORGANISATIONS]
    assert [len(keys) for keys in found] == [1, 1]
    assert found[0][0]["kid"] != found[1][0]["kid"]
    assert all("d" not in keys[0] for keys in found)
    metadata = visitor.get("/identity/gac/.well-known/openid-configuration").json()
    assert metadata["issuer"] == f"{ORIGIN}/identity/gac"
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert visitor.get("/identity/nobody/keys").status_code == 404


def test_names_are_text_and_never_markup(app):
    page = browser(app).get("/identity/gac/authorize", params=asked(state='"><script>'))
    assert "Ada of &lt;gac&gt;" in page.text
    assert "<script>" not in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_duties_of_who_may_be_chosen_are_told_in_the_readers_words(database, language):
    somebody = identity.Somebody("1", "Ada", "ada@gac.example", tuple(DUTIES))
    visitor = browser(served(database, lambda _: [somebody]))
    page = visitor.get("/identity/gac/authorize", params=asked(), headers={"accept-language": language})
    words = words_of(language)
    told = words("list.comma").join(words(f"duty.{duty}") for duty in DUTIES)
    assert unescape(re.search(r'<span class="why">(.*?)</span>', page.text)[1]) == f"{somebody.email} · {told}"
