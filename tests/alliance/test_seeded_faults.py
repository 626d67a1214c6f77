"""Holes made on purpose, one at a time, in the walls between organisations: each is seen by the comparison of the three readings.

Those that no comparison of rights can see (a definer's view, a single-column foreign key, missing FORCE …) are in tests/test_catalogue.py.
"""

from __future__ import annotations

import re

import psycopg
import pytest
from test_three_walls import different, readings

from marque.alliance import access, terms
from marque.foundation import database as databases
from marque.foundation.gate import Gate

FUNCTIONS = {
    "an unsigned revision is honoured": ("alliance.derive(text, uuid)", "having array_agg(s.signatory) @> r.signatories", ""),
    "one signature is enough": (
        "alliance.derive(text, uuid)", "having array_agg(s.signatory) @> r.signatories", "having array_agg(s.signatory) && r.signatories"
    ),
    "a late signature reaches back": (
        "alliance.derive(text, uuid)", "greatest(r.effective::timestamp at time zone 'UTC', max(s.signed_at))",
        "r.effective::timestamp at time zone 'UTC'",
    ),
    "a date to come does not matter": (
        "alliance.derive(text, uuid)", "greatest(r.effective::timestamp at time zone 'UTC', max(s.signed_at))", "max(s.signed_at)"
    ),
    "an earlier revision stays in force beside the later": (
        "alliance.derive(text, uuid)",
        "coalesce(min(starts) over (order by number rows between 1 following and unbounded following), 'infinity')",
        "'infinity'::timestamptz",
    ),
    "what holds for one programme is left out": (
        "alliance.derive(text, uuid)", "coalesce(deviation #>> array['matrix', process, party], ", "coalesce(null, "
    ),
    "a programme's sight is left out": (
        "alliance.derive(text, uuid)", "coalesce(deviation #>> array['sight', process, party], ", "coalesce(null, "
    ),
    "no sight counts as all": (
        "alliance.derive(text, uuid)", "said #>> array['sight', process, party], 'none')",
        "nullif(said #>> array['sight', process, party], 'none'), 'all')",
    ),
    "who leaves need not sign": (
        "alliance.read_document()", "union all select jsonb_array_elements_text(coalesce(said -> 'leaving', '[]'))", "",
        "and not array(", "and false and not array(",
    ),
}  # fmt: skip
POLICIES = {
    "rights that have not begun": ("r.starts <= ( SELECT foundation.instant() AS instant)", "true"),
    "rights that have ended": ("( SELECT foundation.instant() AS instant) < r.ends", "true"),
    "another process's rights": ("r.process = requirement.process", "true"),
    "another programme's rights": ("r.programme = requirement.programme", "true"),
    "another organisation's rights": ("r.organisation = ( SELECT foundation.organisation() AS organisation)", "true"),
    "own sight opens all": ("r.sight = 'all'::text", "r.sight <> 'none'::text"),
    "everything": (None, "true"),
    "nothing but one's own": (None, "organisation = (select foundation.organisation())"),
}
CEDAR = (
    "record-out-of-sight", "area-not-decided-by-it", "area-without-role", "releases-are-signed-where-releases-are-signed",
    "sales-are-made-where-sales-are-decided", "people-see-records", "product-sells",
)  # fmt: skip


pytestmark = pytest.mark.slow


def told(database, owner_dsn):
    """The first cells on which the readings differ; or why the world's story could not be played: a signature that is due is refused."""
    try:
        found = (different(read) for _, read in readings(database, owner_dsn, [7], 5, carmakers=4, each=2))
        return next(filter(None, found), [])
    except psycopg.errors.InsufficientPrivilege as fault:
        return [fault]


def superuser(addresses):
    return psycopg.connect(addresses.owner.replace("user=marque_owner", "user=postgres"))


@pytest.fixture
def own_database(own_addresses, database):
    """A database of the test's own, through a door like the others'."""
    with databases.Database(own_addresses.app, database.clock) as opened:
        yield opened


def test_without_a_fault_there_is_nothing_to_see(database, owner_dsn):
    assert told(database, owner_dsn) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_fault_in_what_is_derived_is_seen(own_database, own_addresses, name):
    function, *changes = FUNCTIONS[name]
    with superuser(own_addresses) as connection:
        text = connection.execute("select pg_get_functiondef(%s::regprocedure)", (function,)).fetchone()[0]
        for sound, broken in zip(changes[::2], changes[1::2], strict=True):
            assert sound in text, "the fault is not where it was put"
            text = text.replace(sound, broken)
        connection.execute(text.encode())
        connection.execute("alter table alliance.force drop constraint force_check")
    assert told(own_database, own_addresses.owner)


@pytest.mark.parametrize("name", POLICIES)
def test_a_fault_in_a_policy_is_seen(own_database, own_addresses, name):
    sound, broken = POLICIES[name]
    with superuser(own_addresses) as connection:
        sql = "select pg_get_expr(polqual, polrelid) from pg_policy where polrelid = 'alliance.requirement'::regclass and polname = 'seen'"
        if sound is not None:
            text = connection.execute(sql).fetchone()[0]
            assert sound in text, text
            broken = text.replace(sound, broken)
        connection.execute(f"alter policy seen on alliance.requirement using ({broken})".encode())
        if name == "another organisation's rights":  # the second lock on that door: rights are shown to their organisation alone
            connection.execute("alter policy own on alliance.area_right using (true)")
    assert told(own_database, own_addresses.owner)


@pytest.mark.parametrize("name", CEDAR)
def test_a_dropped_clause_of_a_policy_is_seen(database, owner_dsn, monkeypatch, name):
    folder = access.resources.files("marque.alliance") / "policy"
    text = "\n".join(file.read_text() for file in sorted(folder.iterdir(), key=lambda one: one.name) if file.name.endswith(".cedar"))
    fewer = re.sub(rf'@id\("{name}"\)\n.*?;\n', "", text, flags=re.DOTALL)
    assert len(fewer) < len(text)
    gate = Gate(fewer, (folder / "alliance.cedarschema").read_text(), "broken")
    monkeypatch.setattr(access, "gate", lambda: gate)
    assert told(database, owner_dsn)


def test_a_revision_remembered_by_number_instead_of_digest_is_seen(database, owner_dsn, monkeypatch):
    kept = {}
    for name in ("_forces", "_rights"):
        monkeypatch.setattr(terms, name, terms._Remembered(1024))
    monkeypatch.setattr(terms, "_revision", lambda digest, number, load: kept.setdefault(number, terms._read(digest, load(number))))
    assert told(database, owner_dsn)


def test_a_tenant_set_for_the_session_is_seen(database, owner_dsn, monkeypatch):
    assert told(database, owner_dsn) == []
    monkeypatch.setattr(databases, "_BEGIN", databases._BEGIN.replace("true)", "false)"))
    with database.transaction(databases.Actor("w7-a")) as tx:
        assert tx.value("select count(*) from alliance.requirement") > 0
    with database._pool.connection() as connection:
        assert connection.execute("select foundation.organisation()").fetchone()[0] == "w7-a", "the fault is in"
        assert connection.execute("select count(*) from alliance.requirement").fetchone()[0] > 0, "and the wall is open"
