"""People sign in at their own organisation's identity provider, and nobody gets in by another way."""

from __future__ import annotations

import re
import socket
import threading
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
from fastapi import Request
from sign_in_served import ORGANISATIONS, ORIGIN, SAME_SITE, browser, enlisted, fields, served

from marque.alliance import sessions, tokens
from marque.app import identity, oidc, sign_in
from marque.foundation import Actor


@pytest.fixture
def people(database, owner_dsn):
    return enlisted(database, owner_dsn)


@pytest.fixture
def app(database, people):
    assert set(people) == set(ORGANISATIONS)
    return served(database)


def chosen(visitor, organisation, person, to=None):
    """Through sign-in and choice; the answer of the provider, which sends the browser back."""
    away = visitor.get(f"/sign-in/{organisation}", params={} if to is None else {"to": to})
    assert away.status_code == 303, away.text
    page = visitor.get(away.headers["location"])
    assert page.status_code == 200, page.text
    return visitor.post(page.url.path, data=fields(page) | {"subject": str(person)}, headers=SAME_SITE)


def signed_in(visitor, organisation, person, to=None):
    return visitor.get(chosen(visitor, organisation, person, to).headers["location"])


def session_of(database, visitor):
    return sessions.find(database, visitor.cookies.get("session") or "")


def test_a_person_signs_in_with_one_choice_and_without_a_script(app, database, people):
    visitor = browser(app)
    back = signed_in(visitor, "gac", people["gac"], "/console/people?on=2025-01-01")
    assert (back.status_code, back.headers["location"]) == (303, "/console/people?on=2025-01-01")
    cookie = next(one for one in back.headers.get_list("set-cookie") if one.startswith("session="))
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    found = session_of(database, visitor)
    assert (found.organisation, found.person) == ("gac", people["gac"])
    assert "sign-in" not in visitor.cookies


def test_one_process_is_client_and_provider_over_real_sockets_whatever_proxy_is_set(database, people, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(served(database, None, origin, oidc.http_client()), log_level="error"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            with httpx.Client(base_url=origin, trust_env=False) as visitor:
                assert signed_in(visitor, "gac", people["gac"]).status_code == 303
                assert session_of(database, visitor).person == people["gac"]
        finally:
            server.should_exit = True
            thread.join()


def test_the_page_asks_for_the_organisation_and_says_where_it_signs_in(app):
    visitor = browser(app)
    page = visitor.get("/sign-in?to=/console/audit")
    assert page.status_code == 200
    assert fields(page) == {"to": "/console/audit"}
    page = visitor.get("/sign-in?to=/console/audit&organisation=GAC")
    assert 'href="/sign-in/gac?to=%2Fconsole%2Faudit"' in page.text
    assert "localhost" in page.text
    assert '<html lang="zh-Hans">' in visitor.get("/sign-in?lang=zh").text


def test_organisations_that_are_hidden_missing_or_impossible_look_the_same(app):
    visitor = browser(app)
    pages = [visitor.get(f"/sign-in/{code}") for code in ("nobody", "x" * 41, "GAC", "..%2fgac", "gac'--")]
    assert {page.status_code for page in pages} == {404}
    assert len({re.sub(r"\?[^\"]*", "", page.text) for page in pages}) <= len(pages)
    assert all("session" not in page.headers.get("set-cookie", "") for page in pages)
    assert visitor.get("/sign-in?organisation=nobody").status_code == 404


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "/a\r\nSet-Cookie: a=b",
        "/ /evil",
        "console",
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_ours(app, people, to):
    assert signed_in(browser(app), "gac", people["gac"], to).headers["location"] == "/console"


def test_an_answer_comes_back_once(app, database, people):
    visitor = browser(app)
    address = chosen(visitor, "gac", people["gac"]).headers["location"]
    kept = visitor.cookies["sign-in"]
    assert visitor.get(address).status_code == 303
    for _ in range(2):
        visitor.cookies.clear()
        visitor.cookies.set("sign-in", kept)
        assert visitor.get(address).status_code == 403
        assert session_of(database, visitor) is None


def test_a_question_is_answered_once_though_the_provider_answers_it_again(app, database, people):
    visitor = browser(app)
    page = visitor.get(visitor.get("/sign-in/gac").headers["location"])
    kept = visitor.cookies["sign-in"]
    answers = [
        visitor.post(page.url.path, data=fields(page) | {"subject": str(people["gac"])}, headers=SAME_SITE).headers["location"]
        for _ in range(2)
    ]
    assert visitor.get(answers[0]).status_code == 303
    visitor.cookies.clear()
    visitor.cookies.set("sign-in", kept)
    refused = visitor.get(answers[1])
    assert refused.status_code == 403
    assert "has been used before" in refused.text
    assert session_of(database, visitor) is None


def test_an_answer_in_another_browser_signs_nobody_in(app, database, people):
    """Otherwise an attacker could sign a victim in as the attacker, or use an answer that was overheard."""
    address = chosen(browser(app), "gac", people["gac"]).headers["location"]
    victim = browser(app)
    assert victim.get(address).status_code == 403
    victim.get("/sign-in/gac")
    assert victim.get(address).status_code == 403
    assert session_of(database, victim) is None


def test_an_answer_with_another_state_or_none_signs_nobody_in_and_leaves_the_right_one_usable(app, database, people):
    visitor = browser(app)
    address = urlsplit(chosen(visitor, "gac", people["gac"]).headers["location"])
    told = {name: value for name, (value,) in parse_qs(address.query).items()}
    rest = {name: value for name, value in told.items() if name != "state"}
    for state in ({"state": "another"}, {"state": ""}, {}):
        assert visitor.get(address.path, params=rest | state).status_code == 403
        assert session_of(database, visitor) is None
    assert visitor.get(address.path, params=told).status_code == 303
    assert session_of(database, visitor)


def test_an_answer_at_another_organisations_door_signs_nobody_in(app, database, people):
    """Mix-up: what one organisation's provider answered is carried to the callback of another."""
    visitor = browser(app)
    address = chosen(visitor, "gac", people["gac"]).headers["location"]
    assert visitor.get(address.replace("/sign-in/gac/", "/sign-in/huawei/")).status_code == 403
    assert session_of(database, visitor) is None


@pytest.mark.usefixtures("people")
def test_a_provider_cannot_speak_for_a_person_of_another_organisation(database):
    """GAC's provider is Huawei's enemy: it swears that its user is Huawei's Ada, at either door."""

    def lying(organisation):
        return [identity.Somebody("x", "Ada", "ada@huawei.example")] if organisation == "gac" else []

    visitor = browser(served(database, lying))
    refused = signed_in(visitor, "gac", "x")
    assert refused.status_code == 403
    assert "Nobody of this organisation has your e-mail address" in refused.text
    assert "huawei" not in refused.text
    assert session_of(database, visitor) is None
    visitor.get("/sign-in/huawei")
    assert visitor.get(f"/sign-in/huawei/callback?code=a&state=b&iss={ORIGIN}/identity/gac").status_code == 403


def test_an_answer_that_took_too_long_signs_nobody_in(app, database, people):
    visitor = browser(app)
    address = chosen(visitor, "gac", people["gac"]).headers["location"]
    database.clock.advance(timedelta(minutes=10))
    assert visitor.get(address).status_code == 403


def test_signing_in_again_gives_another_session_and_ends_the_one_before(app, database, people):
    visitor = browser(app)
    signed_in(visitor, "gac", people["gac"])
    first = visitor.cookies["session"]
    signed_in(visitor, "huawei", people["huawei"])
    assert visitor.cookies["session"] != first
    assert sessions.find(database, first) is None
    assert session_of(database, visitor).organisation == "huawei"


def test_a_session_that_somebody_planted_before_is_not_the_one_after(app, database, people):
    visitor = browser(app)
    visitor.cookies.set("session", "A" * 43)
    signed_in(visitor, "gac", people["gac"])
    assert sessions.find(database, "A" * 43) is None


def test_signing_out_takes_a_form_of_ours_with_the_mark_of_this_session(app, database, people):
    visitor = browser(app)
    signed_in(visitor, "gac", people["gac"])
    token = visitor.cookies["session"]
    mark = sessions.csrf_token(token)
    for data, headers in (
        ({"csrf": mark}, {"Sec-Fetch-Site": "cross-site"}), ({"csrf": mark}, {"Origin": "https://evil.example"}), ({"csrf": mark}, {}),
        ({"csrf": sessions.csrf_token("another")}, SAME_SITE), ({}, SAME_SITE),
    ):  # fmt: skip
        assert visitor.post("/sign-out", data=data, headers=headers).status_code == 403
        assert sessions.find(database, token)
    assert visitor.post("/sign-out", data={"csrf": mark}, headers=SAME_SITE).headers["location"] == "/sign-in"
    assert sessions.find(database, token) is None
    assert "session" not in visitor.cookies


def test_who_has_left_does_not_come_in(app, database, people):
    visitor = browser(app)
    address = chosen(visitor, "gac", people["gac"]).headers["location"]
    with database.transaction(Actor("gac")) as tx:
        tx.execute("update alliance.person set left_at = %s where id = %s", (tx.now, people["gac"]))
    assert visitor.get(address).status_code == 404, "with its last person the organisation signs in nowhere"
    assert session_of(database, visitor) is None


def test_with_tls_cookies_are_of_this_host_alone():
    assert sign_in.session_cookie("https://marque.example") == "__Host-session"
    assert sign_in.session_cookie(ORIGIN) == "session"


def test_a_request_that_shows_a_token_is_the_programs_or_nobodys(app, database, people):
    visitor = browser(app)
    signed_in(visitor, "gac", people["gac"])
    with database.transaction(Actor("huawei", people["huawei"])) as tx:
        text, issued = tokens.issue(tx, "bench", "for tests", ["view:*"], tx.now + timedelta(days=1))

    def who(headers):
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        return sign_in.visitor(Request({"type": "http", "headers": pairs}), database, ORIGIN)

    cookie = {"Cookie": f"session={visitor.cookies['session']}"}
    assert who(cookie).person == people["gac"]
    assert who({"Authorization": f"Bearer {text}"}).id == issued.id
    assert who(cookie | {"Authorization": f"Bearer {text}"}).id == issued.id
    for shown in ("Bearer mq_0_0", "Basic abc", ""):
        assert who(cookie | {"Authorization": shown}) is None
    assert who({}) is None
