"""Passkeys in the database: a question is answered once, in time, by its own person and device, or nothing is confirmed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from authenticator import Authenticator
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from equipped import DAY, DOCUMENT, OTHER, PARTY, acting, confirmed, enlisted, later, reason, signatories

from marque.alliance import keys
from marque.alliance.proofs import verify_proof
from marque.alliance.signing import combine, read_envelope, request_enrolment, sign
from marque.common import Denied, Missing, Refusal, new_id, ok
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


def test_a_passkey_stands_for_one_person_only(act, signatory):
    _, device, _ = signatory("gac")
    asked = act("huawei", keys.begin_registration, PARTY)
    assert "registered already" in reason(act("huawei", keys.finish_registration, PARTY, asked.challenge, device.create(asked.options), ""))
    same_key = replace(device, credential_id=b"another id of the same key")
    asked = act("huawei", keys.begin_registration, PARTY)
    answer = act("huawei", keys.finish_registration, PARTY, asked.challenge, same_key.create(asked.options), "")
    assert "registered already" in reason(answer)


def test_who_leaves_later_is_still_here(act, database, people):
    with database.transaction(Actor("gac")) as tx:
        tx.execute("update alliance.person set left_at = %s where id = %s", (tx.now + DAY, people["gac"]))
    key = ok(act("gac", keys.enroll_key, request_enrolment("gac", people["gac"], Ed25519PrivateKey.generate())))
    assert act("gac", keys.keys_of, "gac")[0].valid_until == database.clock.now() + DAY < key.valid_until
    ok(act("gac", keys.begin_registration, PARTY))


@pytest.mark.usefixtures("people")
def test_who_is_nobody_registers_nothing(database):
    with pytest.raises(Missing, match="no such person"), database.transaction(Actor("gac", new_id())) as tx:
        keys.begin_registration(tx, PARTY)


def test_a_registration_is_finished_once_and_only_when_asked(act):
    with pytest.raises(Missing, match="registration under way"):
        act("gac", keys.finish_registration, PARTY, new_id(), {}, "phone")
    asked = ok(act("gac", keys.begin_registration, PARTY))
    elsewhere = Authenticator(site="https://evil.test").create(asked.options)
    assert "could not be registered" in reason(act("gac", keys.finish_registration, PARTY, asked.challenge, elsewhere, "phone"))
    with pytest.raises(Missing, match="registration under way"):
        act("gac", keys.finish_registration, PARTY, asked.challenge, Authenticator().create(asked.options), "phone")


def test_a_passkey_is_revoked_for_a_reason(act, signatory):
    _, _, passkey = signatory("gac")
    assert "has a reason" in reason(act("gac", keys.revoke_passkey, passkey.id, " "))


def test_a_challenge_is_answered_once(act, signatory):
    private, device, _ = signatory("gac")
    asked = ok(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, sign(DOCUMENT, private)))
    answer = device.get(asked.options)
    ok(act("gac", keys.finish_confirmation, PARTY, asked.challenge, DOCUMENT, answer))
    with pytest.raises(Missing):
        act("gac", keys.finish_confirmation, PARTY, asked.challenge, DOCUMENT, answer)


def test_a_wrong_answer_uses_the_challenge_up(act, signatory):
    private, device, _ = signatory("gac")
    asked = ok(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, sign(DOCUMENT, private)))
    assert "origin" in reason(
        act("gac", keys.finish_confirmation, PARTY, asked.challenge, DOCUMENT, replace(device, site="https://evil.test").get(asked.options))
    )
    with pytest.raises(Missing):
        act("gac", keys.finish_confirmation, PARTY, asked.challenge, DOCUMENT, device.get(asked.options))


def test_a_challenge_expires(act, database, signatory):
    private, device, _ = signatory("gac")
    asked = ok(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, sign(DOCUMENT, private)))
    registering = act("gac", keys.begin_registration, PARTY)
    later(database, keys.CHALLENGE_LIFE)
    assert "too long" in reason(act("gac", keys.finish_confirmation, PARTY, asked.challenge, DOCUMENT, device.get(asked.options)))
    answer = Authenticator().create(registering.options)
    assert "too long" in reason(act("gac", keys.finish_registration, PARTY, registering.challenge, answer, ""))


def test_unanswered_challenges_are_swept_away(act, database, signatory, people):
    private, _, _ = signatory("gac")
    for _ in range(3):
        ok(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, sign(DOCUMENT, private)))
        later(database, keys.CHALLENGE_LIFE)
    with database.transaction(Actor("gac", people["gac"])) as tx:
        assert tx.value("select count(*) from alliance.challenge") == 1


def test_an_answer_heard_before_is_no_answer_even_by_a_device_that_does_not_count(act, signatory):
    """The challenge follows from the text, so it is the same the second time; a person confirms a text once."""
    private, _, _ = signatory("gac")
    device = Authenticator(counts=False)
    asked = act("gac", keys.begin_registration, PARTY)
    ok(act("gac", keys.finish_registration, PARTY, asked.challenge, device.create(asked.options), "key ring"))
    asked = ok(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, sign(DOCUMENT, private)))
    heard = device.get(asked.options)
    ok(act("gac", keys.finish_confirmation, PARTY, asked.challenge, DOCUMENT, heard))
    again = ok(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, sign(DOCUMENT, private)))
    assert "confirmed this before" in reason(act("gac", keys.finish_confirmation, PARTY, again.challenge, DOCUMENT, heard))


def test_an_answer_is_not_carried_over_to_another_text(act, signatory):
    private, device, _ = signatory("gac")
    one = ok(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, sign(DOCUMENT, private)))
    two = ok(act("gac", keys.begin_confirmation, PARTY, OTHER, sign(OTHER, private)))
    assert "challenge" in reason(act("gac", keys.finish_confirmation, PARTY, two.challenge, OTHER, device.get(one.options)))
    assert "another text" in reason(act("gac", keys.finish_confirmation, PARTY, one.challenge, OTHER, device.get(one.options)))


def test_somebody_else_cannot_answer_ones_challenge(act, signatory):
    private, device, _ = signatory("gac")
    _, other, _ = signatory("huawei")
    asked = ok(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, sign(DOCUMENT, private)))
    with pytest.raises(Missing):
        act("huawei", keys.finish_confirmation, PARTY, asked.challenge, DOCUMENT, device.get(asked.options))
    answer = other.get(asked.options | {"allowCredentials": []})
    assert "not registered" in reason(act("gac", keys.finish_confirmation, PARTY, asked.challenge, DOCUMENT, answer))


def test_only_one_s_own_single_signature_is_confirmed(act, signatory, people):
    mine, _, _ = signatory("gac")
    theirs, _, _ = signatory("huawei")
    assert "not enrolled" in reason(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, sign(DOCUMENT, theirs)))
    both = ok(combine([sign(DOCUMENT, mine), sign(DOCUMENT, theirs)]))
    assert "not enrolled" in reason(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, both))
    second = Ed25519PrivateKey.generate()
    ok(act("gac", keys.enroll_key, request_enrolment("gac", people["gac"], second)))
    both = ok(combine([sign(DOCUMENT, mine), sign(DOCUMENT, second)]))
    assert "more than your one signature" in reason(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, both))


def test_what_is_revoked_between_question_and_answer_counts_no_more(act, signatory):
    private, device, passkey = signatory("gac")
    asked = ok(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, sign(DOCUMENT, private)))
    ok(act("gac", keys.revoke_passkey, passkey.id, "the phone is lost"))
    answer = act("gac", keys.finish_confirmation, PARTY, asked.challenge, DOCUMENT, device.get(asked.options))
    assert "not registered, or revoked" in reason(answer)
    assert "no passkey" in reason(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, sign(DOCUMENT, private)))
    assert "revoked already" in reason(act("gac", keys.revoke_passkey, passkey.id, "the phone is lost"))

    private, device, _ = signatory("huawei")
    asked = ok(act("huawei", keys.begin_confirmation, PARTY, DOCUMENT, sign(DOCUMENT, private)))
    (key,) = act("huawei", keys.keys_of, "huawei")
    ok(act("huawei", keys.revoke_key, key.id, "stolen"))
    answer = act("huawei", keys.finish_confirmation, PARTY, asked.challenge, DOCUMENT, device.get(asked.options))
    assert "not valid at that time" in reason(answer)


def test_a_confirmation_remains_good_when_its_passkey_is_revoked_later(act, database, signatory):
    private, device, passkey = signatory("gac")
    proof = ok(confirmed(act, "gac", private, device))
    later(database, DAY)
    ok(act("gac", keys.revoke_passkey, passkey.id, "a new phone"))
    directory = act("gac", keys.directory, PARTY)
    assert not isinstance(verify_proof(DOCUMENT, proof, directory), Refusal)
    assert "passkey was not valid" in reason(verify_proof(DOCUMENT, replace(proof, at=database.clock.now()), directory))


def test_the_count_of_a_device_is_remembered(act, signatory, people):
    private, device, _ = signatory("gac")
    ok(confirmed(act, "gac", private, device))
    ok(confirmed(act, "gac", private, device, OTHER))
    (passkey,) = act("gac", keys.passkeys_of, people["gac"])
    assert passkey.sign_count == device.count == 2
    copied = replace(device, count=0)
    third = OTHER.replace(b"2", b"3")
    assert "sign count" in reason(confirmed(act, "gac", private, copied, third))


def test_a_registration_s_challenge_confirms_nothing_and_the_other_way_round(act, signatory):
    private, _, _ = signatory("gac")
    registering = act("gac", keys.begin_registration, PARTY)
    with pytest.raises(Missing):
        act("gac", keys.finish_confirmation, PARTY, registering.challenge, DOCUMENT, {})
    asked = ok(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, sign(DOCUMENT, private)))
    with pytest.raises(Missing):
        act("gac", keys.finish_registration, PARTY, asked.challenge, {}, "")


@pytest.mark.usefixtures("people")
def test_a_service_without_a_person_cannot_confirm(database):
    for service, args in ((keys.begin_registration, (PARTY,)), (keys.begin_confirmation, (PARTY, DOCUMENT, b"{}"))):
        with pytest.raises(Denied), database.transaction(Actor("gac")) as tx:
            service(tx, *args)


def test_the_stored_envelope_is_canonical_however_it_was_handed_in(act, signatory):
    private, device, _ = signatory("gac")
    spaced = sign(DOCUMENT, private).replace(b",", b" ,\n ")
    asked = ok(act("gac", keys.begin_confirmation, PARTY, DOCUMENT, spaced))
    proof = ok(act("gac", keys.finish_confirmation, PARTY, asked.challenge, DOCUMENT, device.get(asked.options)))
    assert proof.envelope.encode() == sign(DOCUMENT, private) == ok(read_envelope(spaced)).dumps()
