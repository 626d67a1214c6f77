"""Sessions and tokens: found by a secret that is stored nowhere, for as long as they hold, and gone at once when they end."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_alliance import enlist, found

from marque.alliance import sessions, sign_in, tokens
from marque.alliance.sessions import IDLE, LONGEST, csrf_holds, csrf_token, from_own_page
from marque.common import Denied, InputError, Missing, Refusal, new_id
from marque.foundation import Actor

SECOND, RD = timedelta(seconds=1), "research-and-development"
ORIGIN = "https://marque.example"


@pytest.fixture
def people(database, owner_dsn):
    there = found(owner_dsn, gac="carmaker", huawei="technology")
    enlist(database, there)
    return there


@pytest.fixture
def signed_in(database, people):
    with database.transaction(Actor("gac")) as tx:
        return sessions.start(tx, people["gac"])


@pytest.fixture
def administrator(people):
    return Actor("gac", people["gac"], "console")


def everything_stored(owner_dsn, table):
    with psycopg.connect(re.sub("user=[^ ]+", "user=postgres", owner_dsn)) as connection:
        return connection.execute(f"select to_jsonb(t)::text from {table} t").fetchall()


def test_a_session_is_found_by_its_token_alone_and_the_token_is_stored_nowhere(database, people, signed_in, owner_dsn):
    token, session = signed_in
    found_again = sessions.find(database, token)
    assert (found_again.organisation, found_again.person, found_again.id) == ("gac", people["gac"], session.id)
    assert found_again.actor == Actor("gac", people["gac"], "console")
    stored = everything_stored(owner_dsn, "alliance.session")
    assert len(stored) == 1
    assert token not in stored[0][0]
    assert sessions.find(database, token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    assert sessions.find(database, "") is None


def test_a_session_that_is_not_used_ends_and_use_prolongs_it_but_not_for_ever(database, signed_in):
    token, _ = signed_in
    database.clock.advance(IDLE - SECOND)
    assert sessions.find(database, token)
    database.clock.advance(IDLE - SECOND)
    assert sessions.find(database, token), "finding it was using it"
    database.clock.advance(IDLE)
    assert sessions.find(database, token) is None


def test_a_session_ends_after_its_longest_time_however_much_it_is_used(database, signed_in):
    token, session = signed_in
    for _ in range(int((LONGEST - IDLE) / (IDLE / 2)) + 1):
        database.clock.advance(IDLE / 2)
        assert sessions.find(database, token)
    database.clock.set(session.ends_at - SECOND)
    assert sessions.find(database, token)
    database.clock.set(session.ends_at)
    assert sessions.find(database, token) is None


def test_signing_out_ends_one_session_and_losing_a_device_all_of_a_person(database, people, signed_in):
    token, _ = signed_in
    with database.transaction(Actor("gac")) as tx:
        other, _ = sessions.start(tx, people["gac"])
    with database.transaction(Actor("huawei")) as tx:
        elsewhere, _ = sessions.start(tx, people["huawei"])
        assert sessions.end_all(tx, people["gac"]) == 0, "another organisation's sessions are not its to end"
    sessions.end(database, token)
    sessions.end(database, token)
    assert sessions.find(database, token) is None
    assert sessions.find(database, other)
    with database.transaction(Actor("gac")) as tx:
        assert sessions.end_all(tx, people["gac"]) == 1
    assert sessions.find(database, other) is None
    assert sessions.find(database, elsewhere)


def test_a_session_ends_in_the_moment_its_person_leaves(database, people, signed_in):
    token, _ = signed_in
    with database.transaction(Actor("gac")) as tx:
        tx.execute("update alliance.person set left_at = %s where id = %s", (tx.now + IDLE / 2, people["gac"]))
    assert sessions.find(database, token)
    database.clock.advance(IDLE / 2)
    assert sessions.find(database, token) is None


@pytest.mark.usefixtures("signed_in")
def test_nobody_finds_a_session_by_reading_the_table(database):
    for actor in (Actor(""), Actor("huawei")):
        with database.transaction(actor) as tx:
            assert tx.value("select count(*) from alliance.session") == 0
            assert tx.value("select count(*) from alliance.find_session('\\x00')") == 0


@given(st.text(min_size=1), st.text())
def test_a_form_of_another_session_does_not_hold(token, other):
    assert csrf_holds(token, csrf_token(token))
    assert csrf_holds(token, csrf_token(other)) == (token == other)
    assert not csrf_holds(token, token)


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True),
        ({"sec-fetch-site": "same-site", "origin": ORIGIN}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": ORIGIN}, True),
        ({"origin": ORIGIN + ".evil.example"}, False),
        ({"origin": "http://marque.example"}, False),
        ({"origin": "null"}, False),
        ({}, False),
    ],
)
def test_only_our_own_pages_send_forms(headers, ours):
    assert from_own_page(headers, ORIGIN) is ours


# Tokens


def test_a_token_is_shown_once_and_stored_nowhere(database, administrator, owner_dsn):
    with database.transaction(administrator) as tx:
        text, token = tokens.issue(tx, "bench", "benches report", ["create:after-sales"], tx.now + timedelta(days=1))
    assert re.fullmatch(r"mq_[0-9a-f]{32}_[\w-]{43}", text)
    stored = everything_stored(owner_dsn, "alliance.service_token")
    assert len(stored) == 1
    assert text.split("_", 2)[2] not in stored[0][0]
    service = tokens.find(database, text)
    assert (service.organisation, service.id, service.purpose, service.scopes) == (
        "gac",
        token.id,
        "benches report",
        ["create:after-sales"],
    )
    assert (service.actor.person, service.actor.organisation) == (None, "gac")
    with database.transaction(administrator) as tx:
        assert [(one.id, one.name, one.used_at) for one in tokens.issued(tx)] == [(token.id, "bench", tx.now)]


def test_a_token_holds_until_it_expires_or_is_revoked(database, administrator):
    with database.transaction(administrator) as tx:
        first, _ = tokens.issue(tx, "a", "for tests", ["view:*"], tx.now + timedelta(days=1))
        second, issued = tokens.issue(tx, "b", "for tests", ["view:*"], tx.now + timedelta(days=9))
    database.clock.advance(timedelta(days=1) - SECOND)
    assert tokens.find(database, first)
    database.clock.advance(SECOND)
    assert tokens.find(database, first) is None
    with database.transaction(administrator) as tx:
        tokens.revoke(tx, issued.id)
    assert tokens.find(database, second) is None
    with database.transaction(administrator) as tx, pytest.raises(Missing):
        tokens.revoke(tx, issued.id)


def test_id_and_secret_of_a_token_belong_together(database, administrator):
    with database.transaction(administrator) as tx:
        one, another = (tokens.issue(tx, "a", "for tests", ["view:*"], tx.now + timedelta(days=1))[0] for _ in range(2))
    (_, first, _), (_, _, second) = one.split("_", 2), another.split("_", 2)
    for shown in (f"mq_{first}_{second}", one[:-1], one + "A", one.upper(), f"mq_{first}_", "", "mq__", quote(one) + " "):
        assert tokens.find(database, shown) is None


def test_only_administrators_issue_see_and_revoke_tokens(database, people, administrator):
    with database.transaction(administrator) as tx:
        _, token = tokens.issue(tx, "a", "for tests", ["view:*"], tx.now + timedelta(days=1))
    with database.transaction(Actor("huawei", people["huawei"])) as tx:
        assert tokens.issued(tx) == []
        with pytest.raises(Missing):
            tokens.revoke(tx, token.id)
    with database.transaction(administrator) as tx:
        tx.execute("update alliance.person set duties = '{engineer}' where id = %s", (people["gac"],))
    for act in (
        lambda tx: tokens.issue(tx, "a", "for tests", ["view:*"], tx.now + timedelta(days=1)),
        tokens.issued,
        lambda tx: tokens.revoke(tx, token.id),
    ):
        with database.transaction(administrator) as tx, pytest.raises(Denied):
            act(tx)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["decide:sales"]}, "scopes"),
        ({"scopes": ["administer:*"]}, "scopes"),
        ({"scopes": ["view:everything"]}, "scopes"),
        ({"scopes": ["view"]}, "scopes"),
        ({"name": " "}, "name"),
        ({"purpose": ""}, "purpose"),
        ({"days": 0}, "expires"),
        ({"days": 400}, "expires"),
    ],
)
def test_a_token_nobody_could_judge_is_not_issued(database, administrator, change, place):
    asked = {"name": "a", "purpose": "for tests", "scopes": ["view:*"], "days": 1} | change
    with database.transaction(administrator) as tx, pytest.raises(InputError) as fault:
        tokens.issue(tx, asked["name"], asked["purpose"], asked["scopes"], tx.now + timedelta(days=asked["days"]))
    assert fault.value.place == place


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc", "abc"), ("Basic abc", None), ("Bearer", None), ("Bearer a b", None), ("", None)],
)
def test_a_bearer_token_is_read_from_its_header(header, token):
    assert tokens.bearer(header) == token


# Who somebody is


def who(database, organisation, issuer, subject, email):
    with database.transaction(sign_in.actor(organisation)) as tx:
        return sign_in.person_of(tx, issuer, subject, email)


def test_an_address_counts_once_and_then_the_subject_is_the_person(database, people):
    assert who(database, "gac", "https://a", "s1", "Somebody@GAC.example") == people["gac"]
    assert who(database, "gac", "https://a", "s1", "") == people["gac"]
    assert who(database, "gac", "https://a", "s1", "another@gac.example") == people["gac"]
    assert isinstance(who(database, "gac", "https://a", "s2", "somebody@gac.example"), Refusal), "the address was passed to somebody else"
    assert who(database, "gac", "https://b", "s2", "somebody@gac.example") == people["gac"], "another provider of the organisation"


def test_a_provider_vouches_for_people_of_its_own_organisation_alone(database, people):
    assert isinstance(who(database, "gac", "https://a", "s1", "somebody@huawei.example"), Refusal)
    assert who(database, "huawei", "https://h", "s1", "somebody@huawei.example") == people["huawei"]
    assert isinstance(who(database, "gac", "https://h", "s1", ""), Refusal), "what one organisation linked, another does not know"


def test_an_address_that_is_not_verified_or_whose_person_left_is_nobodys(database, people):
    assert isinstance(who(database, "gac", "https://a", "s1", ""), Refusal)
    who(database, "gac", "https://a", "s1", "somebody@gac.example")
    with database.transaction(Actor("gac")) as tx:
        tx.execute("update alliance.person set left_at = %s where id = %s", (tx.now, people["gac"]))
    assert isinstance(who(database, "gac", "https://a", "s1", "somebody@gac.example"), Refusal)
    assert isinstance(who(database, "gac", "https://a", "s3", "somebody@gac.example"), Refusal)


def test_who_was_enlisted_again_signs_in_as_the_new_person_with_the_account_they_had(database, administrator):
    first = who(database, "gac", "https://a", "s1", "somebody@gac.example")
    with database.transaction(administrator) as tx:
        tx.execute("update alliance.person set left_at = %s where id = %s", (tx.now, first))
    with database.transaction(Actor("gac")) as tx:
        back = new_id()
        tx.execute(
            "insert into alliance.person (organisation, id, name, email, created_at) values ('gac', %s, 'A', 'somebody@gac.example', %s)",
            (back, tx.now),
        )
    assert isinstance(who(database, "gac", "https://a", "s1", ""), Refusal), "by the address alone"
    assert who(database, "gac", "https://a", "s1", "somebody@gac.example") == back != first
    assert who(database, "gac", "https://a", "s1", "") == back


def test_only_an_administrator_says_where_an_organisations_people_sign_in(database, people, administrator):
    with database.transaction(administrator) as tx:
        sign_in.set_provider(tx, "https://id.gac.example/realm", "marque")
        found_again = sign_in.provider(tx)
    assert (found_again.organisation, found_again.issuer, found_again.client_id) == ("gac", "https://id.gac.example/realm", "marque")
    with database.transaction(sign_in.actor("huawei")) as tx:
        assert sign_in.provider(tx) is None
    with database.transaction(Actor("huawei", people["huawei"])) as tx:
        tx.execute("update alliance.person set duties = '{product}' where id = %s", (people["huawei"],))
        with pytest.raises(Denied):
            sign_in.set_provider(tx, "https://id.huawei.example", "marque")


@pytest.mark.parametrize(
    "issuer", ["http://id.gac.example", "https://", "ftp://x", "https://a?b", "https://a#b", "", "http://localhost.evil"]
)
def test_an_issuer_without_tls_is_none(database, administrator, issuer):
    with database.transaction(administrator) as tx, pytest.raises(InputError):
        sign_in.set_provider(tx, issuer, "marque")
