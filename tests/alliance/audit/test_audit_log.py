"""The log in a real database: entries follow each other without gap, each side sees its own, and nothing can be taken back."""

from __future__ import annotations

import threading

import psycopg
import pytest
import rfc8785
from logged import BYD, GAC, HUAWEI, exported, found_two_pairs, leaves, put, signed, verified

from marque.alliance import audit
from marque.alliance.audit import tree
from marque.alliance.audit.entry import committed_leaf, link
from marque.common import Denied, Missing, Unavailable, new_id
from marque.foundation import NOBODY, Actor, Database


@pytest.fixture
def database(database, owner_dsn):
    found_two_pairs(owner_dsn)
    return database


def test_entries_are_numbered_from_zero_and_seen_by_whom_they_concern(database):
    assert put(database, GAC, "huawei", said="yes") == 0
    assert put(database, BYD, "huawei", said="no") == 1
    assert put(database, GAC, "gac-trumpchi") == 2
    seen = {}
    for actor in (GAC, BYD, HUAWEI, Actor("gac-trumpchi"), NOBODY):
        with database.transaction(actor) as tx:
            seen[actor.organisation] = [one.index for one in audit.entries(tx)]
    assert seen == {"gac": [2, 0], "byd": [1], "huawei": [1, 0], "gac-trumpchi": [2], "": []}


def test_an_entry_says_who_when_and_what(database):
    person = new_id()
    put(database, Actor("gac", person), "huawei", kind="agreement.signed", number=2)
    with database.transaction(HUAWEI) as tx:
        (one,) = audit.entries(tx)
        assert tx.now.isoformat() == one.at
    assert one.by == {"organisation": "gac", "person": str(person)}
    assert (one.kind, one.body, set(one.concerned)) == ("agreement.signed", {"number": 2}, {"gac", "huawei"})


def test_entries_are_paged_from_the_newest_back(database):
    for _ in range(5):
        put(database, GAC)
    with database.transaction(GAC) as tx:
        assert [one.index for one in audit.entries(tx, limit=2)] == [4, 3]
        assert [one.index for one in audit.entries(tx, before=3, limit=2)] == [2, 1]


def test_the_database_computes_the_tree_of_the_definition(database):
    frontier, roots = tree.Frontier(), [tree.EMPTY_ROOT]
    for number in range(37):
        put(database, GAC, *["huawei"] * (number % 3 == 0), number=number)
    hashes = {(level, index): node for level, index, node in leaves(database)}
    with database.transaction(GAC) as tx:
        own = tx.connection.execute("select salt, document from alliance.audit_entry order by index").fetchall()
    for index, (salt, document) in enumerate(own):
        assert hashes[0, index] == committed_leaf(salt, document.encode())
        frontier.append(hashes[0, index])
        roots.append(frontier.root())
    for size, root in enumerate(roots):
        assert tree.carry_out(tree.root_plan(size), hashes) == [root]
    with database.transaction(BYD) as tx:
        for size in (1, 32, 37):
            for index in range(size):
                assert tree.includes(hashes[0, index], index, size, audit.inclusion(tx, index, size), roots[size])
        for place in ((37, 37), (0, 38), (-1, 3)):
            with pytest.raises(Missing):
                audit.inclusion(tx, *place)


def test_several_entries_of_one_transaction_follow_each_other_and_none_is_left_of_one_rolled_back(database):
    put(database, GAC)
    before = leaves(database)

    def fail():
        with database.transaction(GAC) as tx:
            assert [audit.append(tx, {"gac"}, "test", {}) for _ in range(3)] == [1, 2, 3]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert leaves(database) == before
    assert put(database, GAC) == 1


def test_a_connection_cut_in_the_middle_leaves_nothing_and_holds_nobody_up(database, owner_dsn):
    put(database, GAC)
    before = leaves(database)

    def cut():
        with database.transaction(GAC) as tx:
            audit.append(tx, {"gac"}, "test", {})
            with psycopg.connect(owner_dsn.replace("user=marque_owner", "user=postgres")) as superuser:
                superuser.execute("select pg_terminate_backend(%s, 5000)", (tx.connection.info.backend_pid,))
            audit.append(tx, {"gac"}, "test", {})

    with pytest.raises(Unavailable):
        cut()
    assert leaves(database) == before
    assert put(database, HUAWEI) == 1


def test_many_at_once_get_one_place_each_without_gap(database, addresses):
    with Database(addresses.app, database.clock, connections=12, wait_s=60) as crowd:
        places, start = [], threading.Barrier(12)

        def work(number):
            start.wait()
            for _ in range(10):
                actor = (GAC, BYD, HUAWEI)[number % 3]
                places.append(put(crowd, actor, *["huawei"] * (number % 2)))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(places) == list(range(120))
        assert signed(crowd) == 120
        for actor in (GAC, BYD, HUAWEI):
            report = verified(exported(crowd, actor))
            assert report.findings == ()


def test_whoever_comes_second_waits_until_the_first_has_decided(database, addresses):
    """An append beside one that is still open neither takes its place nor leaves one free."""
    with Database(addresses.app, database.clock) as crowd:
        done = threading.Event()
        places = []

        def second():
            places.append(put(crowd, HUAWEI))
            done.set()

        with crowd.transaction(GAC) as tx:
            places.append(audit.append(tx, {"gac"}, "test", {}))
            thread = threading.Thread(target=second)
            thread.start()
            assert not done.wait(0.3)
        thread.join()
        assert places == [0, 1]


def test_what_is_said_of_another_organisation_needs_a_tie_to_it(database):
    for actor, concerned in ((GAC, "byd"), (BYD, "gac-trumpchi"), (Actor("gac-trumpchi"), "huawei")):
        with pytest.raises(Denied, match="nothing to do with"), database.transaction(actor) as tx:
            audit.append(tx, {actor.organisation, concerned}, "test", {})
    for actor, concerned in ((GAC, {"huawei"}), (NOBODY, {"gac"}), (GAC, set())):
        with pytest.raises(Denied, match="the organisation that acts"), database.transaction(actor) as tx:
            audit.append(tx, concerned, "test", {})
    assert leaves(database) == []


@pytest.mark.parametrize(
    "body", [{"n": 2**53}, {"n": float("nan")}, {1: "key"}, {"x": object()}, {"x": "y" * (1 << 20)}, {"x": "\0"}, {"\\\0": 1}]
)
def test_a_body_that_is_not_canonical_json_is_refused(database, body):
    with pytest.raises((ValueError, TypeError)), database.transaction(GAC) as tx:
        audit.append(tx, {"gac"}, "test", body)
    assert leaves(database) == []


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "Größe 尺寸 🚗", '"\\\n\r\t', "\u2028", "é e\u0301"])
def test_any_text_comes_out_as_it_went_in(database, text):
    put(database, GAC, text=text, **{text: [text, {"deep": [None, True, 1.5, -0.0, 1e300]}]})
    with database.transaction(GAC) as tx:
        assert audit.entries(tx)[0].body == {"text": text, text: [text, {"deep": [None, True, 1.5, 0, 1e300]}]}
    signed(database)
    assert verified(exported(database, GAC)).findings == ()


STATEMENTS = {
    "a node added": "insert into alliance.audit_node values (0, 5, sha256('x'))",
    "a node changed": "update alliance.audit_node set hash = sha256('x')",
    "a node removed": "delete from alliance.audit_node",
    "an entry added": "insert into alliance.audit_entry values ('gac', 5, sha256('x'), '{}')",
    "an entry changed": "update alliance.audit_entry set document = '{}'",
    "an entry removed": "delete from alliance.audit_entry",
    "a seed changed": "update alliance.audit_seed set seed = sha256('x')",
    "a checkpoint changed": "update alliance.audit_checkpoint set text = ''",
    "a signature removed": "delete from alliance.audit_signature",
    "all nodes at once": "truncate alliance.audit_node",
    "all entries at once": "truncate alliance.audit_entry",
    "the lock alone": "select alliance.audit_lock()",
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_serving_role_can_only_add_through_the_functions(database, name):
    put(database, GAC, "huawei")
    signed(database)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(GAC) as tx:
        tx.execute(STATEMENTS[name])


@pytest.mark.parametrize("name", [name for name in STATEMENTS if "add" not in name and "lock" not in name])
def test_not_even_the_owner_changes_or_removes_by_mistake(database, owner_dsn, name):
    put(database, GAC, "huawei")
    signed(database)
    with psycopg.connect(owner_dsn) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        connection.execute(STATEMENTS[name])


FORGERIES = {
    "of another place": {"index": 5},
    "of a place that is taken": {"index": 0},
    "without a place": {"index": None},
    "of another time": {"at": "2020-01-01T00:00:00+00:00"},
    "by another organisation": {"by": {"organisation": "huawei", "person": None}},
    "by a person that does not act": {"by": {"organisation": "gac", "person": "01890000-0000-7000-8000-000000000000"}},
    "that skips one of an organisation": {"concerned": {"gac": link(bytes(32), None)}},
    "that concerns a rival": {"concerned": {"gac": "", "byd": ""}},
    "that concerns nobody": {"concerned": {}},
}


@pytest.mark.parametrize("name", FORGERIES)
def test_the_database_refuses_a_document(database, name):
    put(database, GAC)

    def forge():
        with database.transaction(GAC) as tx:
            place, links = tx.connection.execute("select next, links from alliance.audit_open(array['gac'])").fetchone()
            by = {"organisation": "gac", "person": None}
            said = {"at": tx.now.isoformat(), "body": {}, "by": by, "concerned": links, "index": place, "kind": "test"}
            tx.execute("select alliance.audit_append(%s, %s)", (bytes(32), rfc8785.dumps(said | FORGERIES[name]).decode()))

    with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.InsufficientPrivilege)):
        forge()
