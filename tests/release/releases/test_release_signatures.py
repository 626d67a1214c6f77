"""What a signature on a document has to be: of a key that counts there, on exactly its bytes, confirmed by its holder, once."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from release_world import PARTY
from signatories import rows

from marque.alliance import keys
from marque.alliance.proofs import proof_text, read_proof, verify_proof
from marque.common import Missing, Refused, ok
from marque.release import releases, signatures, withdrawals
from marque.release.model import RELEASE_METADATA, Stage, State
from marque.release.repository.keys import FileSigner
from marque.release.repository.signed_files import dumps
from marque.release.store import changes as change_store


@pytest.fixture
def asked(begun):
    """A release's change, and the document of the carmaker's."""
    change = begun.asked(begun.attach(begun.drafted(images={"driving": b"x"})))
    return change, next(one for one in change.documents if "gac" in one.lacks)


def begin(begun, who, document, file):
    with begun.acting(who) as tx:
        return signatures.begin_signing(tx, PARTY, document.id, file)


def finish(begun, who, document, question, signature=None, answer=None):
    with begun.acting(who) as tx:
        return signatures.finish_signing(
            tx, PARTY, begun.online, document.id, question.challenge, answer or who.device.get(question.options),
            signature or who.key.sign(document.payload).hex(),
        )  # fmt: skip


def test_a_person_signs_once(begun, asked):
    _, document = asked
    li = begun.managers["gac"][0]
    begun.sign(document, li)
    with pytest.raises(Refused, match="signed this file already"):
        begin(begun, li, document, begun.file(document, li))


def test_the_same_person_twice_is_no_quorum(begun, asked):
    change, document = asked
    li = begun.managers["gac"][0]
    begun.sign(document, li)
    with begun.acting(li) as tx:
        now = signatures.document(tx, document.id)
        assert signatures.to_sign(tx, change.id) == []
    assert now.lacks == {"gac": 1}


def test_the_partners_people_do_not_sign_for_ones_own(begun, asked):
    _, document = asked
    wang = begun.managers["huawei"][0]
    with pytest.raises(Refused, match="does not sign this file"):
        begin(begun, wang, document, begun.file(document, wang))


def test_a_file_that_a_colleague_signed_is_not_ones_own(begun, asked):
    _, document = asked
    li, other = begun.managers["gac"][:2]
    with pytest.raises(Refused, match="not enrolled"):
        begin(begun, li, document, begun.file(document, other))


def test_a_signature_on_another_text_is_refused(begun, asked):
    _, document = asked
    li = begun.managers["gac"][0]
    other = replace(document, payload=document.payload.replace(b'"version":1', b'"version":2'))
    with pytest.raises(Refused, match="another text"):
        begin(begun, li, document, begun.file(other, li))
    mixed = json.loads(begun.file(document, li)) | {"signature": li.key.sign(other.payload).hex()}
    with pytest.raises(Refused, match="does not fit the file and the key"):
        begin(begun, li, document, json.dumps(mixed).encode())


def test_what_is_no_signed_file_is_refused(begun, asked):
    _, document = asked
    li = begun.managers["gac"][0]
    good = json.loads(begun.file(document, li))
    for file in (b"", b"[]", b"{}", json.dumps(good | {"more": 1}).encode(), json.dumps(good | {"signature": "zz"}).encode()):
        with pytest.raises(Refused):
            begin(begun, li, document, file)


def test_the_signature_that_is_handed_in_at_last_is_looked_at_again(begun, asked):
    _, document = asked
    li, other = begun.managers["gac"][:2]
    question = begin(begun, li, document, begun.file(document, li))
    with pytest.raises(Refused, match="does not fit"):
        finish(begun, li, document, question, other.key.sign(document.payload).hex())
    question = begin(begun, li, document, begun.file(document, li))
    with pytest.raises(Refused, match="hexadecimal"):
        finish(begun, li, document, question, "no digits")


def test_only_the_own_passkey_confirms_and_only_this_question(begun, asked):
    _, document = asked
    li, other = begun.managers["gac"][:2]
    question = begin(begun, li, document, begun.file(document, li))
    theirs = begin(begun, other, document, begun.file(document, other))
    with pytest.raises(Refused):
        finish(begun, li, document, question, answer=other.device.get(theirs.options))
    with pytest.raises(Missing), begun.acting(other) as tx:
        signatures.finish_signing(tx, PARTY, begun.online, document.id, question.challenge, {}, "00")


def test_a_key_that_is_revoked_between_question_and_answer_signs_nothing(begun, asked):
    _, document = asked
    li = begun.managers["gac"][0]
    question = begin(begun, li, document, begun.file(document, li))
    with begun.acting(begun.managers["gac"][1]) as tx:
        known = next(one for one in keys.keys_of(tx, "gac") if one.person == li.id)
        ok(keys.revoke_key(tx, known.id, "stolen"))
    with pytest.raises(Refused, match="not valid at that time"):
        finish(begun, li, document, question)


def test_what_is_refused_leaves_not_a_row(begun, asked):
    _, document = asked
    li, wang = begun.managers["gac"][0], begun.managers["huawei"][0]
    before = rows(begun.companies)
    for who, file in ((wang, begun.file(document, wang)), (li, b"{}"), (li, begun.file(document, begun.managers["gac"][1]))):
        with pytest.raises(Refused):
            begin(begun, who, document, file)
    assert rows(begun.companies) == before


def test_who_signed_can_be_proven_offline_from_what_is_kept(begun, asked):
    change, document = asked
    li = begun.managers["gac"][0]
    begun.sign(document, li)
    with begun.acting("huawei") as tx:
        (kept,) = change_store.proofs(tx, [change.id])
    with begun.acting("gac") as tx:
        directory = keys.directory(tx, PARTY)
    proof = ok(read_proof(proof_text(kept.envelope, kept.confirmation)))
    signer = ok(verify_proof(document.payload, proof, directory, RELEASE_METADATA))
    assert (signer.organisation, signer.person, signer.key) == ("gac", li.id, kept.key)


def test_the_last_signatures_of_two_at_the_same_time_publish_once(begun):
    """Two people of one side are asked, both answer; the second finds it in force already, and is told so."""
    change = begun.asked(begun.attach(begun.drafted(images={"driving": b"x"})))
    ours, theirs = (next(one for one in change.documents if organisation in one.lacks) for organisation in ("gac", "huawei"))
    begun.sign(ours, begun.managers["gac"][0])
    for who in begun.managers["huawei"][:2]:
        begun.sign(theirs, who)
    second, third = begun.managers["gac"][1:]
    questions = [begin(begun, who, ours, begun.file(ours, who)) for who in (second, third)]
    assert finish(begun, second, ours, questions[0]).state is State.IN_FORCE
    with pytest.raises(Refused, match="not open any more"):
        finish(begun, third, ours, questions[1])
    with begun.served_to() as tx:
        made = Counter(one for (one,) in tx.connection.execute("select role from release.metadata").fetchall())
    assert made["vela-gac"] == 1
    assert made["snapshot"] == 2


def at_once(*acts):
    """What each answered or raised, all begun together."""
    together = threading.Barrier(len(acts))

    def run(act):
        together.wait()
        try:
            return act()
        except Exception as fault:
            return fault

    with ThreadPoolExecutor(len(acts)) as threads:
        return [one.result() for one in [threads.submit(run, act) for act in acts]]


def test_both_partners_last_signatures_at_once_publish_once(begun):
    change = begun.asked(begun.attach(begun.drafted(images={"driving": b"x"})))
    last = []
    for organisation in ("gac", "huawei"):
        document = next(one for one in change.documents if organisation in one.lacks)
        first, second = begun.managers[organisation][:2]
        begun.sign(document, first)
        last.append((second, document, begin(begun, second, document, begun.file(document, second))))
    done = at_once(*(lambda who=who, document=document, asked=asked: finish(begun, who, document, asked) for who, document, asked in last))
    assert sorted(one.state for one in done) == [State.IN_FORCE, State.OPEN]
    with begun.served_to() as tx:
        made = Counter(one for (one,) in tx.connection.execute("select role from release.metadata").fetchall())
        told = Counter(one for (one,) in tx.connection.execute("select state from release.closing").fetchall())
    assert (made["vela-gac"], made["vela-huawei"], made["timestamp"]) == (1, 1, 2)
    assert told == {"in-force": 2}, "the repository's change and this one"


def test_a_withdrawal_and_the_last_signature_at_once_never_leave_it_published(begun):
    release = begun.attach(begun.drafted(images={"driving": b"x"}))
    change = begun.asked(release)
    begun.sign_all(change, begun.managers["huawei"])
    document = next(one for one in change.documents if "gac" in one.lacks)
    first, second = begun.managers["gac"][:2]
    begun.sign(document, first)
    question = begin(begun, second, document, begun.file(document, second))

    def withdraw():
        with begun.acting("huawei") as tx:
            return withdrawals.withdraw(tx, "gac", begun.programme, release.evidence.sha256, "field reports")

    signed, withdrawn = at_once(lambda: finish(begun, second, document, question), withdraw)
    assert withdrawn.reason == "field reports"
    assert isinstance(signed, Refused) or signed.state is State.IN_FORCE
    with begun.served_to() as tx:
        assert releases.distributable(tx, [release.id]) == frozenset()
    assert begun.one(release.id).stage is Stage.WITHDRAWN


def test_a_dropped_change_is_signed_by_nobody_and_says_why(begun, asked):
    change, document = asked
    with begun.acting("huawei") as tx:
        assert signatures.drop(tx, change.id, "found a fault").reason == "found a fault"
    li = begun.managers["gac"][0]
    with pytest.raises(Refused, match="not open any more"):
        begin(begun, li, document, begun.file(document, li))
    with pytest.raises(Refused, match="not open any more"), begun.acting("gac") as tx:
        signatures.drop(tx, change.id, "again")


def test_a_stranger_to_the_programme_cannot_even_name_the_document(begun, asked):
    _, document = asked
    stranger = begun.companies.appoint("seres", "release-manager", name="stranger")
    with pytest.raises(Missing):
        begin(begun, stranger, document, dumps(document.payload, FileSigner(stranger.key, "seres")))
