"""The console by its answers: who may send what, how it refuses, where it leads, and that nobody's words are more than words in it."""

from __future__ import annotations

import json
import re
import sys
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlsplit

import psycopg
import pytest
from console_crawl import WORDS, Crawl
from console_routes import routes_of, tree
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import browser

from databases import superuser
from marque.alliance import audit, keys, sessions, signing
from marque.app import console
from marque.app.console.join import Console
from marque.app.platform import Platform
from marque.app.settings import Settings
from marque.app.web import create_app
from marque.app.words import LANGUAGES, words_of
from marque.common import ok
from marque.foundation import Actor, Database, SetClock

sys.path.insert(0, str(Path(__file__).parents[1] / "alliance"))
from rivals import ORIGIN, address, opened, swap
from rivals_world import PARTNER, RIVALS, columns, world
from small_alliance import noon

ME, THEM = RIVALS
ROUTES = list(routes_of(console.routes.routes))
GETS = sorted({route.path for method, route in ROUTES if method == "GET"})
POSTS = sorted({route.path for method, route in ROUTES if method == "POST"})
OWN_PAGE = {"sec-fetch-site": "same-origin"}
PAGE = {"accept": "text/html,application/xhtml+xml"}
FORMS = {
    "/console/agreements": {"title": "T"},
    "/console/agreements/{owner}/{agreement}/programmes": {"code": "P9", "name": "Nine", "brand": ""},
    "/console/programmes/{lead}/{programme}/{process}/requirements": {"title": "T", "text": "X", "number": "9", "status": "draft"},
    "/console/programmes/{lead}/{programme}/{process}/decisions": {"title": "T", "subject": "S", "question": "?"},
    "/console/requirements/{requirement}": {"title": "T", "text": "X", "status": "draft", "version": "2"},
    "/console/requirements/{requirement}/accept": {"side": PARTNER, "version": "1"},
    "/console/requirements/{requirement}/comments": {"text": "C"},
    "/console/decisions/{decision}/{act}": {"reason": "R"},
    "/console/people": {"name": "N", "email": "n@n.example", "duty": "viewer"},
    "/console/people/{person}/duties": {"duty": "viewer"},
    "/console/people/{person}/leave": {},
    "/console/brands": {"code": "b", "name": "B", "name_zh": "", "owner": ME, "since": "2022-01-01", "source": "S"},
    "/console/brands/{code}/owners": {"owner": ME, "since": "2022-02-02", "source": "S"},
    "/console/me/passkeys": {"label": "L"},
    "/console/tokens": {"name": "N", "purpose": "P", "scope": "view:*", "expires": "2022-05-05"},
    "/console/tokens/{token}/revoke": {},
}
"""Forms that are taken, as long as they come from one of our pages."""
OTHERS = {"envelope": "{}", "request": "{}", "reason": "R", "mode": "balanced", "effective": "2022-05-05", "title": "T", "party": ME}
"""Fields of the others."""


@pytest.fixture(scope="module")
def bench(shared_database, tmp_path_factory):
    """Two rivals' world, of which no request changes anything unless `bench.database.keeps`."""
    addresses, clock = shared_database.emptied(), SetClock(noon(2021, 6, 1))
    with Database(addresses.app, clock) as database:
        there = world(database, addresses)
    with opened(there, clock, tmp_path_factory.mktemp("console")) as made:
        yield made


@pytest.fixture
def kept(bench):
    bench.database.keeps = True
    yield bench
    bench.database.keeps = False


def database_of(bench):
    """As who sees every row."""
    name = psycopg.conninfo.conninfo_to_dict(bench.world.addresses.owner)["dbname"]
    return psycopg.connect(superuser(bench.world.addresses, str(name)), autocommit=True)


@pytest.fixture
def everything(bench):
    """A digest of every row of every organisation."""
    with database_of(bench) as connection:
        one = "select '{0}' as place, md5(string_agg(t::text, '|' order by t::text)) from {0} t"
        asked = " union all ".join(one.format(table) for table in columns(connection))
        yield lambda: sorted(connection.execute(asked).fetchall())


def place(bench, path, who=ME, **more):
    side = bench.world.sides[who]
    parts = {"owner": who, "lead": who, "number": 1, "process": "platform", "act": "approve", "code": side.words["brand"]}
    parts |= {"key": side.words["key"]} | side.ids | more
    return address(path, parts)


def ask(bench, method, where, who=ME, *, form=None, headers=None, **more):
    """As somebody of `who`, signed in; a form with the session's mark, from one of our own pages."""
    token = bench.world.sides[who].session if who else ""
    headers = {"cookie": f"session={token}"} | (OWN_PAGE if method == "POST" else {}) | (headers or {})
    data = None if form is None else {"csrf": sessions.csrf_token(token)} | form
    return bench.client.request(method, where, headers=headers, data=data, **more)


# Forms of other sites --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", POSTS)
def test_a_form_counts_only_from_one_of_our_pages_with_the_mark_of_this_session(kept, everything, path):
    where, form, token = place(kept, path), FORMS.get(path, OTHERS), kept.world.sides[ME].session
    right, before = sessions.csrf_token(token), everything()
    for mark, headers in (
        (None, OWN_PAGE), ("", OWN_PAGE), (right[:-1], OWN_PAGE), (sessions.csrf_token(kept.world.sides[THEM].session), OWN_PAGE),
        (token, OWN_PAGE), (right, {}), (right, {"sec-fetch-site": "cross-site"}), (right, {"sec-fetch-site": "same-site"}),
        (right, {"sec-fetch-site": "none"}), (right, {"origin": "https://evil.example"}), (right, {"origin": "null"}),
        (right, {"sec-fetch-site": "cross-site", "origin": ORIGIN}),
    ):  # fmt: skip
        marked = {} if mark is None else {"csrf": mark}
        ways = [{"data": form | marked}, {"content": "{}", "headers": {"content-type": "application/json", "x-csrf": mark or ""}}]
        for way in ways:
            sent = {"cookie": f"session={token}"} | headers | way.pop("headers", {})
            answer = kept.client.post(where, headers=sent, **way)
            assert answer.status_code == 403, (mark, headers)
    assert kept.client.post(f"{where}?csrf={right}", headers={"cookie": f"session={token}"} | OWN_PAGE, data=form).status_code == 403
    assert everything() == before


@pytest.mark.parametrize("path", POSTS)
def test_the_same_form_from_one_of_our_pages_is_taken_or_refused_for_what_it_says(bench, path):
    json_ = path.endswith("{challenge}")
    body = {"content": "{}"} if json_ else {"form": FORMS.get(path, OTHERS)}
    marked = {"content-type": "application/json", "x-csrf": sessions.csrf_token(bench.world.sides[ME].session)} if json_ else {}
    answer = ask(bench, "POST", place(bench, path), headers=marked, **body)
    assert answer.status_code in ({200, 303} if path in FORMS else {404, 409, 422}), answer.text


@pytest.mark.parametrize("path", POSTS)
def test_a_form_of_somebody_who_is_signed_out_is_not_read(kept, everything, path):
    before = everything()
    answer = kept.client.post(place(kept, path), headers=OWN_PAGE, data=FORMS.get(path, OTHERS))
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?to=%2Fconsole")
    assert everything() == before


# What cannot be taken --------------------------------------------------------------------------------------------------------------------

NASTY = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["\0", "a\0b", "9" * 20, "-1", "1e3", "٣", "²", "null", "2022-02-30", "9999-12-31", "0001-01-01", "x" * 5000]),
)


@pytest.mark.parametrize("path", [one for one in POSTS if not one.endswith("{challenge}")])
@settings(max_examples=8)
@given(data=st.data())
def test_no_form_whatever_stands_in_it_breaks_anything(bench, path, data):
    form = FORMS.get(path, OTHERS) | {"version": "1"}
    chosen = data.draw(st.sets(st.sampled_from(sorted(form)), min_size=1))
    drawn = {name: data.draw(NASTY) for name in sorted(chosen)}
    answer = ask(bench, "POST", place(bench, path), form=form | drawn, headers=PAGE)
    assert answer.status_code in {200, 303, 403, 404, 409, 422}


NAMES = st.sampled_from(["id", "rawId", "type", "response", "clientDataJSON"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=8,
)


@pytest.mark.parametrize("path", [one for one in POSTS if one.endswith("{challenge}")])
@settings(max_examples=25)
@given(said=JSON)
def test_no_answer_of_a_passkey_whatever_it_says_breaks_anything(bench, path, said):
    marked = {"content-type": "application/json", "x-csrf": sessions.csrf_token(bench.world.sides[ME].session)}
    answer = ask(bench, "POST", place(bench, path), headers=marked, content=json.dumps(said))
    assert answer.status_code in {404, 409, 422}


@pytest.mark.parametrize(
    ("path", "field"),
    [("/console/me/keys", "request"), ("/console/agreements/{owner}/{agreement}/revisions/{number}/sign", "envelope")],
)
@settings(max_examples=15)
@given(content=st.binary(max_size=200) | st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xfe{\0}\0", b"{" * 3000, b" " * (5 << 20)]))
def test_a_file_that_is_none_of_ours_is_refused(bench, path, field, content):
    files = {field: ("file", content, "application/octet-stream")}
    answer = ask(bench, "POST", place(bench, path), form={}, files=files, headers=PAGE)
    assert answer.status_code in {409, 422}
    assert tree(answer.text).xpath("//*[@role='alert']")


@settings(max_examples=40)
@given(asked=st.text(max_size=12) | st.dates().map(str))
def test_a_day_that_is_none_is_today_and_every_other_one_is_shown(bench, asked):
    for path in ("/console/agreements/{owner}/{agreement}", "/console/programmes/{lead}/{programme}"):
        answer = ask(bench, "GET", f"{place(bench, path)}?on={quote(asked)}")
        assert answer.status_code == 200
        try:
            day = min(date.fromisoformat(asked), date(2199, 12, 31))
        except ValueError:
            day = bench.database.clock.now().date()
        assert tree(answer.text).xpath("string(//input[@name='on']/@value)") == day.isoformat()


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
    pages = {path for path in GETS if not path.endswith(("/text", "/export", "/directory"))}
    assert pages - set(writing.seen) == set(), "a page that no link leads to"
    assert pages - writing.shown == {"/console/history"}, "the public record alone holds nothing that its readers wrote"
    assert pages - reading.shown <= {"/console/history", "/console/me", "/console/tokens"}
    taken = {path for path, answers in writing.sent.items() if answers & {200, 303}}
    refused = {path for path in POSTS if path.endswith(("/sign", "/me/keys"))}
    assert {path for path in POSTS if not path.endswith(("{challenge}", "/leave"))} - taken - refused == set(), (
        "a form that was never taken"
    )
