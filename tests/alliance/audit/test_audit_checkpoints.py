"""What the log in a real database gives out: checkpoints signed once, witnesses that follow, exports that each side can check."""

from __future__ import annotations

import io
from base64 import b64encode
from contextlib import nullcontext

import psycopg
import pytest
from ledgers import LOG, WITNESS_KEYS, WITNESSES, judged_sound
from logged import BYD, GAC, HUAWEI, exported, found_two_pairs, leaves, put, signed, verified

from marque.alliance import audit
from marque.alliance.audit import Keys, Witness, note
from marque.alliance.audit.verify import verify_streams
from marque.common import MarqueError, Missing, Refusal
from marque.foundation import NOBODY


@pytest.fixture
def database(database, owner_dsn):
    found_two_pairs(owner_dsn)
    return database


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
