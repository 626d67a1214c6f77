"""The console by its answers: how it refuses, where it leads, and that nobody's words are more than words in it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlsplit

import pytest
from console_crawl import WORDS, Crawl
from console_routes import tree
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import browser

from marque.alliance import audit, keys, sessions, signing
from marque.app.console.join import Console
from marque.app.platform import Platform
from marque.app.settings import Settings
from marque.app.web import create_app
from marque.app.words import LANGUAGES, words_of
from marque.common import ok
from marque.foundation import Actor, Database

sys.path.insert(0, str(Path(__file__).parents[1] / "alliance"))
from console_bench import ME, NASTY, OWN_PAGE, PAGE, POSTS, ROUTES, THEM, ask, database_of, place, two_rivals
from rivals import ORIGIN, swap
from rivals_world import PARTNER

GETS = sorted({route.path for method, route in ROUTES if method == "GET"})


@pytest.fixture(scope="module")
def bench(shared_database, tmp_path_factory):
    with two_rivals(shared_database, tmp_path_factory.mktemp("console")) as made:
        yield made


@pytest.fixture
def kept(bench):
    bench.database.keeps = True
    yield bench
    bench.database.keeps = False


# How it refuses --------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def stopped(bench):
    """The same application, whose database does not answer."""
    running = bench.app.state.platform()
    down = Database(running.addresses.app, running.clock)
    made = Platform(running.settings, running.addresses, down, running.party, None, running.log)
    gone = Console(Settings(public_origin=ORIGIN), running.clock, lambda: made)
    return browser(create_app(None, hosts=("localhost",), console=gone), ORIGIN)


REFUSALS = {
    403: ("/console/agreements", {"csrf": ""}),
    404: (f"/console/agreements/{ME}/01890a5d-ac96-774b-bcce-b302099a8057/programmes", {"code": "P"}),
    409: ("/console/agreements", {"title": " "}),
    422: ("/console/tokens", {"name": "N", "expires": "never"}),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", [*REFUSALS, 503])
def test_a_refusal_is_a_page_for_who_navigates_and_a_line_for_a_script_in_the_readers_language(bench, stopped, status, language):
    spoken = {"accept-language": language}

    def answered(headers):
        if status == 503:
            return stopped.get("/console", headers={"cookie": f"session={'A' * 43}"} | headers)
        where, form = REFUSALS[status]
        return ask(bench, "POST", where, form=form, headers=headers)

    page, line = answered(spoken | PAGE), answered(spoken | {"accept": "*/*"})
    assert page.status_code == status
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    said = tree(page.text)
    assert said.get("lang") == words_of(language).html_language
    assert len(said.xpath("//h1")) == len(said.xpath("//main")) == 1
    (alert,) = said.xpath("//*[@role='alert']")
    if status in {403, 404, 503}:
        assert line.headers["content-type"].startswith("text/plain")
        assert line.status_code == status
        assert line.text.endswith("\n")
        assert line.text.count("\n") == 1
    if language == "zh":
        assert re.search(r"[\u4e00-\u9fff]", alert.text_content()), "told in the reader's language"


HIDDEN = [path for path in GETS if "{" in path]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", HIDDEN)
def test_what_is_hidden_and_what_is_missing_are_one_page(bench, path, language):
    hidden = place(bench, path, THEM)
    twins = bench.twins[ME]
    missing = swap(hidden, twins)
    assert hidden != missing
    for headers in (PAGE, {"accept": "*/*"}):
        there, absent = (ask(bench, "GET", one, headers=headers | {"accept-language": language}) for one in (hidden, missing))
        assert there.status_code == 404
        assert (absent.status_code, absent.text, absent.headers) == (404, swap(there.text, twins), there.headers)


# Where it leads --------------------------------------------------------------------------------------------------------------------------


def offered(bench, where):
    """Where the page of sign-in, to which one is led from there, would lead back."""
    away = bench.client.get(where, headers=PAGE)
    assert away.status_code == 303
    assert (split := urlsplit(away.headers["location"])).path == "/sign-in"
    assert (split.scheme, split.netloc, list(parse_qs(split.query))) == ("", "", ["to"])
    page = bench.client.get(away.headers["location"])
    return tree(page.text).xpath("string(//input[@name='to']/@value)")


@pytest.mark.parametrize("path", GETS)
def test_who_is_signed_out_is_led_to_sign_in_and_back_to_where_they_wanted(bench, path):
    where = f"{place(bench, path)}?on=2022-01-01&before=7"
    assert offered(bench, where) == where
    kept = bench.client.get(where, headers={"cookie": f"session={'A' * 43}"})
    assert kept.status_code == 303, "a session that there is not is none"


@settings(max_examples=60)
@given(to=st.text(max_size=20) | st.sampled_from(["//evil.example", "/\\evil", "\\/evil", "https:evil", "/\t/evil", "/a b", "/../x"]))
def test_nobody_is_ever_led_to_an_address_of_others(bench, to):
    page = bench.client.get("/sign-in?" + urlencode({"to": to, "organisation": "nobody"}))
    (led,) = tree(page.text).xpath("//input[@name='to']/@value")
    # A browser takes a backslash for a slash, and leaves tabs and line ends out (WHATWG URL, 4.4).
    assert urlsplit(urljoin(ORIGIN, re.sub(r"[\t\r\n]", "", led).replace("\\", "/"))).netloc == urlsplit(ORIGIN).netloc
    assert led in {to, "/console"}


@settings(max_examples=40)
@given(query=st.text(max_size=20))
def test_whatever_a_signed_out_visitor_asked_for_they_are_led_back_within_the_console(bench, query):
    where = f"/console/history?programme={quote(query)}"
    assert offered(bench, where) == where


# What it shows ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", GETS)
def test_no_answer_with_anybodys_data_is_kept_by_a_browser_or_on_the_way(kept, path):
    answer = ask(kept, "GET", place(kept, path), headers=PAGE)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert ask(kept, "GET", f"{place(kept, path)}/nothing", headers=PAGE).headers["cache-control"] == "no-store"


def test_the_audit_log_is_paged_without_a_gap_and_without_an_entry_twice(kept):
    actor = Actor(ME, kept.world.sides[ME].person, "test")
    with kept.database.transaction(actor) as tx:
        for number in range(120):
            audit.append(tx, {ME}, "test-entry", {"number": number})
        known = [one.index for one in audit.entries(tx, limit=10_000)]
    where, seen, sizes = "/console/audit", [], []
    while where:
        page = tree(ask(kept, "GET", where).text)
        shown = [int(one.text_content()) for one in page.xpath("//main//table//tbody/tr/td[contains(@class, 'number')]")]
        seen, sizes = seen + shown, [*sizes, len(shown)]
        further = [urljoin(where, one) for one in page.xpath("//main//a/@href") if "before=" in one]
        where = next((one for one in further if int(parse_qs(urlsplit(one).query)["before"][0]) <= shown[-1]), "")
        with kept.database.transaction(actor) as tx:  # what is written meanwhile shifts nothing
            audit.append(tx, {ME}, "test-entry", {"meanwhile": len(sizes)})
    assert len(known) > 120
    assert seen == known
    assert set(sizes[:-1]) == {50}


@settings(max_examples=30)
@given(before=NASTY | st.integers().map(str))
def test_a_place_in_the_audit_log_that_is_none_breaks_nothing(bench, before):
    assert ask(bench, "GET", f"/console/audit?before={quote(before)}").status_code == 200


@settings(max_examples=20)
@given(asked=NASTY)
def test_no_place_in_a_list_no_programme_and_no_number_breaks_anything(bench, asked):
    area = place(bench, "/console/programmes/{lead}/{programme}/{process}")
    revisions = place(bench, "/console/agreements/{owner}/{agreement}/revisions")
    for where in (f"{area}?before={quote(asked)}", f"/console/history?programme={quote(asked)}&on={quote(asked)}"):
        assert ask(bench, "GET", where).status_code == 200
    propose = place(bench, "/console/agreements/{owner}/{agreement}/propose")
    named = urlencode({"mode": asked, "party": asked, "carmaker": asked})
    assert ask(bench, "GET", f"{propose}?{named}", headers=PAGE).status_code in {200, 404, 409, 422}
    if asked.strip("./"):
        assert ask(bench, "GET", f"{revisions}/{quote(asked, safe='')}", headers=PAGE).status_code in {200, 404}


def test_whatever_people_write_is_words_and_never_markup_wherever_it_is_shown(kept):
    """A crawler writes the same words into every field of every form; then the partner, who sees most of it, looks in Chinese."""
    with database_of(kept) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "update alliance.organisation set name = %s, name_zh = %s where organisation = any(%s)", (WORDS, WORDS, [ME, PARTNER])
        )
        for table, column in (("person", "name"), ("passkey", "label")):  # what no form of the console writes of oneself
            connection.execute(f"update alliance.{table} set {column} = %s where organisation = any(%s)", (WORDS, [ME, PARTNER]))
        connection.execute("delete from alliance.passkey_revocation where organisation = %s", (ME,))
        (partner,) = connection.execute("select id from alliance.person where organisation = %s limit 1", (PARTNER,)).fetchone()
    person = kept.world.sides[ME].person
    with kept.database.transaction(Actor(ME, person)) as tx:
        ok(keys.enroll_key(tx, signing.request_enrolment(ME, person, Ed25519PrivateKey.generate())))
    with kept.database.transaction(Actor(PARTNER, partner)) as tx:
        tokens = {ME: kept.world.sides[ME].session, PARTNER: sessions.start(tx, partner)[0]}

    def asking(who, language):
        def send(method, where, fields=()):
            headers = {"cookie": f"session={tokens[who]}", "accept-language": language} | PAGE | OWN_PAGE
            body = urlencode(fields) if fields else None
            kind = {"content-type": "application/x-www-form-urlencoded"} if fields else {}
            return kept.client.request(method, where, headers=headers | kind, content=body)

        return send

    routes = [route for _, route in ROUTES]
    writing, reading = Crawl(asking(ME, "en"), routes), Crawl(asking(PARTNER, "zh"), routes, writes=False)
    writing.through("/console")
    reading.through("/console")
    assert writing.wrong + reading.wrong == []
    files = ("/text", "/export", "/directory", "/payload", "/repository/{repository}/{name}", "s/{counter}")
    pages = {path for path in GETS if not path.endswith(files)}
    assert pages - set(writing.seen) == set(), "a page that no link leads to"
    lines = {path for path in pages if path.startswith("/console/product/lines/")}
    assert pages - writing.shown - lines == {"/console/history"}, "the public record alone holds nothing that its readers wrote"
    own = {"/console/me", "/console/tokens", "/console/product/programmes/{lead}/{programme}/propose"}
    assert pages - reading.shown - lines <= {"/console/history"} | own
    taken = {path for path, answers in writing.sent.items() if answers & {200, 303}}
    # What takes a file, and what takes signatures of both sides before it.
    ceremony = (
        "/sign",
        "/me/keys",
        "/images",
        "/evidence",
        "/cars",
        "/ask",
        "/repository/keys",
        "/repository/roots",
        "/renewals",
        "/withdrawals",
    )
    refused = {path for path in POSTS if path.endswith(ceremony)}
    assert {path for path in POSTS if not path.endswith(("{challenge}", "/leave"))} - taken - refused == set(), (
        "a form that was never taken"
    )
