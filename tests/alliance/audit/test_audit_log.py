"""The log in a real database: entries follow each other without gap, each side sees its own, and nothing can be taken back."""

from __future__ import annotations

import io
import threading
from base64 import b64encode
from contextlib import nullcontext

import psycopg
import pytest
import rfc8785
from ledgers import KEYS, LOG, WITNESS_KEYS, WITNESSES, judged_sound

from marque.alliance import audit
from marque.alliance.audit import Keys, Witness, note, tree
from marque.alliance.audit.entry import committed_leaf, link
from marque.alliance.audit.verify import verify_streams
from marque.common import Denied, MarqueError, Missing, Refusal, Unavailable, new_id
from marque.foundation import NOBODY, Actor, Database

GAC, HUAWEI, BYD = Actor("gac"), Actor("huawei"), Actor("byd")


@pytest.fixture
def database(database, owner_dsn):
    """Two pairs of partners: GAC and BYD, rivals, each with Huawei; and Trumpchi, which belongs to GAC."""
    with psycopg.connect(owner_dsn) as connection:
        connection.execute(
            "insert into alliance.organisation (organisation, parent, name, kind) values ('gac', null, 'GAC', 'carmaker'),"
            " ('byd', null, 'BYD', 'carmaker'), ('huawei', null, 'Huawei', 'technology'), ('gac-trumpchi', 'gac', 'Trumpchi', 'brand')"
        )
        connection.execute(
            "insert into alliance.agreement (organisation, id, title, invited, created_at)"
            " select one, gen_random_uuid(), 'An agreement', array[one, 'huawei'], now() from unnest(array['gac', 'byd']) as named (one)"
        )
    return database


def put(database, actor, *concerned, kind="test.happened", **body):
    with database.transaction(actor) as tx:
        return audit.append(tx, {actor.organisation, *concerned}, kind, body)


def signed(database, witnesses=WITNESSES):
    """A checkpoint of now, cosigned as the partners would."""
    with database.transaction(NOBODY) as tx:
        made = audit.sign_checkpoint(tx, LOG)
        size = audit.Checkpoint.parse(made.text).size
        for key in WITNESS_KEYS:
            if key.name in witnesses:
                assert audit.add_cosignature(tx, size, note.cosign(key.name, WITNESSES[key.name], made.text, 1), key) is None
    return size


def exported(database, actor, **more):
    out = io.BytesIO()
    with database.transaction(actor) as tx:
        audit.export(tx, out, LOG.verifier_key, witnesses=WITNESS_KEYS, **more)
    return out.getvalue()


def verified(data, **more):
    return verify_streams(("now", io.BytesIO(data)), KEYS, **{name: (name, io.BytesIO(content)) for name, content in more.items()})


def leaves(database):
    with database.transaction(NOBODY) as tx:
        return tx.connection.execute("select level, index, hash from alliance.audit_node order by level, index").fetchall()


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


def test_a_checkpoint_is_signed_once_and_only_for_what_is_committed(database):
    put(database, GAC)
    with database.transaction(NOBODY) as tx:
        first = audit.sign_checkpoint(tx, LOG)
    with database.transaction(NOBODY) as tx:
        assert audit.sign_checkpoint(tx, LOG) == first
    for nested in (nullcontext, lambda tx: tx.connection.transaction()):
        with database.transaction(GAC) as tx:
            with nested(tx):
                audit.append(tx, {"gac"}, "test", {})
            with pytest.raises(MarqueError, match="transaction of its own"):
                audit.sign_checkpoint(tx, LOG)
    assert audit.Checkpoint.parse(first.text).size == 1


def test_a_checkpoint_that_another_hand_put_there_is_not_signed(database):
    put(database, GAC)
    with database.transaction(GAC) as tx:
        tx.execute("insert into alliance.audit_checkpoint values (1, 'log.example', now())")
    with pytest.raises(MarqueError, match="Nothing was signed"), database.transaction(NOBODY) as tx:
        audit.sign_checkpoint(tx, LOG)


def test_a_signature_that_another_hand_put_there_is_not_passed_off_as_the_logs(database):
    put(database, GAC)
    text = f"log.example\n1\n{b64encode(leaves(database)[0][2]).decode()}\n"
    with database.transaction(GAC) as tx:
        tx.execute("insert into alliance.audit_checkpoint values (1, %s, now())", (text,))
        key_id = LOG.verifier_key.id
        tx.execute("insert into alliance.audit_signature values (1, 'log.example', %s, %s, now())", (key_id, bytes(64)))
    with pytest.raises(MarqueError, match="none of the log's"), database.transaction(NOBODY) as tx:
        audit.sign_checkpoint(tx, LOG)


def test_a_witness_follows_the_log_and_its_answers_are_kept(database, tmp_path):
    key = WITNESS_KEYS[0]
    witness = Witness(key.name, WITNESSES[key.name], LOG.verifier_key, tmp_path / "state")
    witness.begin()
    for _ in range(4):
        put(database, GAC)
        put(database, BYD, "huawei")
        with database.transaction(NOBODY) as tx:
            size = audit.Checkpoint.parse(audit.sign_checkpoint(tx, LOG).text).size
            asked = audit.ask_witness(tx, size, key)
        answer = witness.cosign(asked.dumps(), size)
        assert not isinstance(answer, Refusal)
        with database.transaction(NOBODY) as tx:
            assert audit.add_cosignature(tx, size, answer, key) is None
            assert note.cosigned_at(audit.sign_checkpoint(tx, LOG), key) == size
    assert asked.old == 6


def test_a_witness_whose_answer_was_lost_is_asked_from_where_it_says_it_is(database, tmp_path):
    key = WITNESS_KEYS[0]
    witness = Witness(key.name, WITNESSES[key.name], LOG.verifier_key, tmp_path / "state")
    witness.begin()
    for _ in range(2):
        put(database, GAC)
        with database.transaction(NOBODY) as tx:
            size = audit.Checkpoint.parse(audit.sign_checkpoint(tx, LOG).text).size
            answer = witness.cosign(audit.ask_witness(tx, size, key).dumps(), 1)
    assert isinstance(answer, Refusal)
    with database.transaction(NOBODY) as tx:
        again = audit.ask_witness(tx, size, key, old=int(answer.details["cosigned"]))
    assert not isinstance(witness.cosign(again.dumps(), 1), Refusal)


def test_an_answer_that_is_no_cosignature_of_that_checkpoint_is_not_kept(database):
    put(database, GAC)
    size = signed(database, witnesses={})
    one, two = WITNESS_KEYS
    with database.transaction(NOBODY) as tx:
        text = audit.sign_checkpoint(tx, LOG).text
        for answer in (
            note.cosign(one.name, WITNESSES[two.name], text, 1),
            note.cosign(two.name, WITNESSES[two.name], text, 1),
            note.cosign(one.name, WITNESSES[one.name], text.replace("1", "2"), 1),
            note.sign(one.name, WITNESSES[one.name], text),
        ):
            assert isinstance(audit.add_cosignature(tx, size, answer, one), Refusal)
        assert len(audit.sign_checkpoint(tx, LOG).signatures) == 1
        with pytest.raises(Missing):
            audit.add_cosignature(tx, 7, note.cosign(one.name, WITNESSES[one.name], text, 1), one)


def test_what_each_side_takes_away_is_sound_and_is_one_log(database):
    for number in range(20):
        put(database, GAC, *["huawei"] * (number % 2))
        put(database, BYD, "huawei")
    signed(database)
    before = exported(database, GAC)
    for number in range(15):
        put(database, HUAWEI, ("gac", "byd")[number % 2])
    assert exported(database, GAC) == before, "until the next checkpoint"
    signed(database)
    sides = {actor.organisation: exported(database, actor) for actor in (GAC, BYD, HUAWEI)}
    for data in sides.values():
        assert verified(data).findings == ()
        assert judged_sound(data)
    report = verified(sides["gac"], previous=before, other=sides["huawei"])
    assert (report.findings, report.own_entries, report.checkpoint.size) == ((), 28, 55)
    shown = exported(database, HUAWEI, shared_with="gac")
    assert verified(sides["gac"], other=shown).findings == ()
    assert b"byd" not in shown


def test_no_body_and_no_salt_of_a_rival_leaves_with_an_export(database):
    put(database, BYD, "huawei", canary="the rival's secret")
    put(database, GAC, "huawei", canary="our own")
    signed(database)
    data = exported(database, GAC)
    assert b"rival" not in data
    with database.transaction(BYD) as tx:
        salts = [bytes(salt).hex().encode() for (salt,) in tx.connection.execute("select salt from alliance.audit_entry")]
    assert len(salts) == 1
    assert salts[0] not in data


def test_there_is_no_export_before_everybody_asked_for_has_signed(database):
    put(database, GAC)
    signed(database, witnesses={WITNESS_KEYS[0].name: None})
    with pytest.raises(Missing), database.transaction(GAC) as tx:
        audit.export(tx, io.BytesIO(), LOG.verifier_key, witnesses=WITNESS_KEYS)
    with database.transaction(GAC) as tx:
        out = io.BytesIO()
        audit.export(tx, out, LOG.verifier_key)
    assert verify_streams(("now", io.BytesIO(out.getvalue())), Keys(LOG.verifier_key)).ok


def test_a_fork_in_the_database_itself_is_found_by_whoever_kept_an_export(database, owner_dsn):
    """What no trigger prevents: somebody with the owner's rights and the log's key rewrites an entry and everything after it."""
    for number in range(6):
        put(database, GAC, "huawei", number=number)
    signed(database)
    kept = exported(database, HUAWEI)
    with psycopg.connect(owner_dsn) as connection:
        for table in ("node", "entry", "signature", "checkpoint"):
            connection.execute(f"alter table alliance.audit_{table} disable trigger user")
        for statement in ("signature", "checkpoint", "entry where index >= 4", "node where (index + 1) << level > 4"):
            connection.execute(f"delete from alliance.audit_{statement}")
        for table in ("node", "entry", "signature", "checkpoint"):
            connection.execute(f"alter table alliance.audit_{table} enable trigger user")
    for number in range(6):
        put(database, GAC, "huawei", number=number, said="otherwise")
    signed(database)
    assert verified(exported(database, GAC)).ok, "in itself it is sound"
    report = verified(exported(database, GAC), other=kept)
    assert [(finding.index, "a fork" in finding.problem) for finding in report.findings] == [(4, True)]
