"""Keys in the database: whose they are, since when and until when, and that nobody gets round it."""

from __future__ import annotations

import threading
from dataclasses import replace

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from equipped import DAY, DOCUMENT, OTHER, PARTY, acting, confirmed, enlisted, later, reason, signatories

from marque.alliance import audit, keys
from marque.alliance.proofs import read_proof, together, verify_proof
from marque.alliance.signing import combine, request_enrolment, sign, verify
from marque.common import Missing, Refusal, new_id, ok
from marque.foundation import Actor


@pytest.fixture
def people(database, owner_dsn):
    return enlisted(database, owner_dsn)


@pytest.fixture
def act(database, people):
    return acting(database, people)


@pytest.fixture
def signatory(act, people):
    return signatories(act, people)


def test_a_person_signs_and_confirms_and_anybody_can_check_it_offline(act, database, signatory, people):
    private, device, _ = signatory("gac")
    later(database, DAY)
    proof = ok(confirmed(act, "gac", private, device))
    assert (proof.organisation, proof.person, proof.at) == ("gac", people["gac"], database.clock.now())
    directory = act("gac", keys.directory, PARTY)
    signer = verify_proof(DOCUMENT, ok(read_proof(proof.dumps())), directory)
    assert (signer.organisation, signer.person) == ("gac", people["gac"])
    assert "another text" in reason(verify_proof(OTHER, proof, directory))


def test_both_sides_proofs_check_against_both_directories_together(act, signatory):
    proofs = [ok(confirmed(act, one, *signatory(one)[:2])) for one in ("gac", "huawei")]
    directories = ok(together([act(one, keys.directory, PARTY) for one in ("gac", "huawei")]))
    assert [verify_proof(DOCUMENT, proof, directories).organisation for proof in proofs] == ["gac", "huawei"]
    both = ok(combine([proof.envelope.encode() for proof in proofs]))
    assert len(verify(both, directories.keys, document=DOCUMENT, at=proofs[1].at)) == 2


def test_a_key_counts_from_its_enrolment_for_two_years(act, database, people):
    key = ok(act("gac", keys.enroll_key, request_enrolment("gac", people["gac"], Ed25519PrivateKey.generate())))
    now = database.clock.now()
    assert (key.valid_from, key.valid_until) == (now, now + keys.KEY_LIFE)
    assert act("gac", keys.keys_of, "gac") == [key]
    for at, counts in [(now - DAY, False), (now, True), (key.valid_until - DAY, True), (key.valid_until, False)]:
        assert act("gac", keys.keys_of, "gac", at) == [key] * counts


def test_a_key_never_counts_before_it_was_enrolled(act, database, people):
    request = request_enrolment("gac", people["gac"], Ed25519PrivateKey.generate())
    key = ok(act("gac", keys.enroll_key, request, database.clock.now() - 100 * DAY, database.clock.now() + DAY))
    assert key.valid_from == database.clock.now()


@pytest.mark.usefixtures("people")
def test_what_is_no_request_enrols_nothing(act):
    assert "not JSON" in reason(act("gac", keys.enroll_key, b"please"))
    assert "not a request" in reason(act("gac", keys.enroll_key, sign(DOCUMENT, Ed25519PrivateKey.generate())))
    assert act("gac", keys.keys_of, "gac") == []


def test_a_span_that_ends_before_it_begins_is_refused(act, database, people):
    request = request_enrolment("gac", people["gac"], Ed25519PrivateKey.generate())
    assert "end before it begins" in reason(act("gac", keys.enroll_key, request, None, database.clock.now()))


def test_one_public_key_is_never_enrolled_for_two_persons_or_organisations(act, database, people):
    private = Ed25519PrivateKey.generate()
    ok(act("gac", keys.enroll_key, request_enrolment("gac", people["gac"], private)))
    colleague = new_id()
    with database.transaction(Actor("gac")) as tx:
        sql = "insert into alliance.person (organisation, id, name, email, created_at) values ('gac', %s, 'Chen', 'chen@gac.example', %s)"
        tx.execute(sql, (colleague, tx.now))
    for organisation, person in (("gac", people["gac"]), ("gac", colleague), ("huawei", people["huawei"])):
        answer = act(organisation, keys.enroll_key, request_enrolment(organisation, person, private))
        assert "enrolled already" in reason(answer)
    assert act("huawei", keys.keys_of, "huawei") == []


def test_a_revoked_key_is_not_enrolled_again(act, people):
    private = Ed25519PrivateKey.generate()
    request = request_enrolment("gac", people["gac"], private)
    key = ok(act("gac", keys.enroll_key, request))
    ok(act("gac", keys.revoke_key, key.id, "the laptop is lost"))
    assert "enrolled already" in reason(act("gac", keys.enroll_key, request))


def test_two_organisations_at_the_same_moment_cannot_both_have_a_key(act, database, people):
    private = Ed25519PrivateKey.generate()
    answers = {}
    with database.transaction(Actor("gac", people["gac"])) as first:
        ok(keys.enroll_key(first, request_enrolment("gac", people["gac"], private)))
        request = request_enrolment("huawei", people["huawei"], private)
        second = threading.Thread(target=lambda: answers.update(huawei=act("huawei", keys.enroll_key, request)))
        second.start()
    second.join()
    assert "enrolled already" in reason(answers["huawei"])


def test_a_request_for_somebody_of_another_organisation_is_answered_as_if_there_were_nobody(act, people):
    theirs = request_enrolment("huawei", people["huawei"], Ed25519PrivateKey.generate())
    nobody = request_enrolment("gac", new_id(), Ed25519PrivateKey.generate())
    smuggled = request_enrolment("gac", people["huawei"], Ed25519PrivateKey.generate())
    for request in (theirs, nobody, smuggled):
        with pytest.raises(Missing, match="There is no such person"):
            act("gac", keys.enroll_key, request)


def test_what_was_signed_before_a_revocation_stays_signed_and_what_comes_after_does_not(act, database, signatory):
    private, device, _ = signatory("gac")
    before = ok(confirmed(act, "gac", private, device))
    later(database, DAY)
    (key,) = act("gac", keys.keys_of, "gac")
    revoked = ok(act("gac", keys.revoke_key, key.id, "the laptop is lost"))
    assert act("gac", keys.keys_of, "gac") == [revoked]
    assert revoked.revoked_at == database.clock.now()
    directory = act("gac", keys.directory, PARTY)
    assert not isinstance(verify_proof(DOCUMENT, before, directory), Refusal)
    assert "not valid at that time" in reason(verify_proof(DOCUMENT, replace(before, at=revoked.revoked_at), directory))
    assert "not valid at that time" in reason(act("gac", keys.begin_confirmation, PARTY, OTHER, sign(OTHER, private)))


def test_a_key_is_revoked_once_with_a_reason_by_its_own_organisation(act, people):
    key = ok(act("gac", keys.enroll_key, request_enrolment("gac", people["gac"], Ed25519PrivateKey.generate())))
    assert "has a reason" in reason(act("gac", keys.revoke_key, key.id, " "))
    with pytest.raises(Missing):
        act("huawei", keys.revoke_key, key.id, "why not")
    ok(act("gac", keys.revoke_key, key.id, "lost"))
    assert "revoked already" in reason(act("gac", keys.revoke_key, key.id, "lost"))


def test_a_key_of_somebody_who_left_counts_no_more(act, database, signatory, people):
    private, device, _ = signatory("gac")
    before = ok(confirmed(act, "gac", private, device))
    later(database, DAY)
    with database.transaction(Actor("gac")) as tx:
        tx.execute("update alliance.person set left_at = %s where id = %s", (tx.now, people["gac"]))
    assert act("gac", keys.keys_of, "gac", database.clock.now()) == []
    assert "not valid at that time" in reason(act("gac", keys.begin_confirmation, PARTY, OTHER, sign(OTHER, private)))
    assert not isinstance(verify_proof(DOCUMENT, before, act("gac", keys.directory, PARTY)), Refusal)
    assert "has left" in reason(act("gac", keys.enroll_key, request_enrolment("gac", people["gac"], Ed25519PrivateKey.generate())))
    assert "has left" in reason(act("gac", keys.begin_registration, PARTY))


def test_another_organisation_sees_neither_keys_nor_passkeys_nor_challenges(act, database, signatory, people):
    private, _, passkey = signatory("gac")
    ok(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, sign(DOCUMENT, private)))
    assert act("huawei", keys.keys_of, "gac") == []
    assert act("huawei", keys.passkeys_of, people["gac"]) == []
    with pytest.raises(Missing):
        act("huawei", keys.revoke_passkey, passkey.id, "why not")
    with database.transaction(Actor("huawei", people["huawei"])) as tx:
        for table in ("key", "key_revocation", "passkey", "passkey_revocation", "challenge", "confirmation"):
            assert tx.value(f"select count(*) from alliance.{table}") == 0


@pytest.mark.parametrize(
    "sql",
    [
        "update alliance.key set valid_until = valid_until + interval '1 year'",
        "delete from alliance.key_revocation",
        "update alliance.passkey set public_key = ''",
        "update alliance.confirmation set sign_count = 0",
        "update alliance.challenge set expires_at = 'infinity'",
    ],
)
def test_what_was_enrolled_or_revoked_cannot_be_rewritten(database, people, sql):
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(Actor("gac", people["gac"])) as tx:
        tx.execute(sql)


def test_nobody_backdates_a_revocation(act, database, people):
    key = ok(act("gac", keys.enroll_key, request_enrolment("gac", people["gac"], Ed25519PrivateKey.generate())))
    sql = "insert into alliance.key_revocation (organisation, key, reason, revoked_at, revoked_by) values ('gac', %s, 'x', %s, %s)"
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(Actor("gac", people["gac"])) as tx:
        tx.execute(sql, (key.id, tx.now - DAY, people["gac"]))


def test_whoever_has_to_know_is_told(act, addresses, signatory):
    _, _, passkey = signatory("gac")
    (key,) = act("gac", keys.keys_of, "gac")
    ok(act("gac", keys.revoke_key, key.id, "lost"))
    ok(act("gac", keys.revoke_passkey, passkey.id, "lost"))
    with psycopg.connect(addresses.worker) as connection:
        told = connection.execute(
            "select organisation, kind, coalesce(body ->> 'key', body ->> 'passkey') from foundation.outbox order by id"
        )
        assert told.fetchall() == [
            ("gac", "alliance.key-enrolled", key.id),
            ("gac", "alliance.passkey-registered", str(passkey.id)),
            ("gac", "alliance.key-revoked", key.id),
            ("gac", "alliance.passkey-revoked", str(passkey.id)),
        ]


def test_what_becomes_of_keys_and_passkeys_stands_in_the_log_of_their_organisation_alone(act, signatory):
    _, _, passkey = signatory("gac")
    (key,) = act("gac", keys.keys_of, "gac")
    ok(act("gac", keys.revoke_key, key.id, "lost"))
    ok(act("gac", keys.revoke_passkey, passkey.id, "lost"))
    assert isinstance(act("gac", keys.revoke_key, key.id, "lost again"), Refusal)
    written = [(one.kind, one.body.get("key", one.body.get("passkey")), one.body["person"]) for one in act("gac", audit.entries)]
    assert written == [
        ("passkey-revoked", str(passkey.id), str(passkey.person)),
        ("key-revoked", key.id, str(key.person)),
        ("passkey-registered", str(passkey.id), str(passkey.person)),
        ("key-enrolled", key.id, str(key.person)),
    ]
    assert act("huawei", audit.entries) == []
