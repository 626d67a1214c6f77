"""Passkeys: an assertion confirms exactly what was signed, here, by this device with its owner verified; nothing else does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import cbor2
import pytest
from authenticator import ATTESTED, BACKED_UP, EDDSA, ES256, EXTENDED, PRESENT, RS256, VERIFIED, Authenticator, b64url, cose, from_b64url
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from marque.alliance.passkeys import (
    Assertion,
    Passkey,
    RelyingParty,
    assertion_options,
    challenge_of,
    registration_options,
    verify_assertion,
    verify_confirmation,
    verify_registration,
)
from marque.alliance.signing import AGREEMENT_REVISION, pae, read_envelope, sign
from marque.common import Refusal

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
LI = UUID(int=1)
PARTY = RelyingParty("marque.example", "Marque", ("https://marque.example", "https://console.marque.example:8443"))
DOCUMENT = b'{"title":"AH8"}'
ENVELOPE = read_envelope(sign(DOCUMENT, Ed25519PrivateKey.from_private_bytes(bytes(32))))
CHALLENGE = challenge_of(ENVELOPE)


def registered(device, party=PARTY):
    challenge = bytes(range(32))
    new = verify_registration(device.create(registration_options(party, LI, "Li Wei", challenge, [])), challenge, party)
    assert not isinstance(new, Refusal), new
    return Passkey(
        organisation="gac",
        person=LI,
        credential_id=new.credential_id,
        public_key=new.public_key,
        registered_at=NOW - timedelta(days=1),
        revoked_at=None,
        id=UUID(int=7),
        label="phone",
        cose_key=new.cose_key,
        sign_count=new.sign_count,
        backup_eligible=new.backup_eligible,
    )


def answered(device, passkey, **changes):
    return verify_assertion(device.get(assertion_options(PARTY, CHALLENGE, [passkey]), **changes), CHALLENGE, PARTY, passkey)


def reason(answer):
    assert isinstance(answer, Refusal), f"accepted: {answer}"
    return " ".join([answer.reason, *answer.details.values()])


DEVICE = Authenticator(key=ec.derive_private_key(2025, ec.SECP256R1()), credential_id=bytes(range(32)))
PASSKEY = registered(DEVICE)
ASSERTION, _ = answered(DEVICE, PASSKEY)


def confirmation(assertion=ASSERTION, challenge=CHALLENGE, party=PARTY, public_key=PASSKEY.public_key):
    return verify_confirmation(assertion, challenge, party, public_key)


def resigned(device=DEVICE, **changes):
    """An assertion whose authenticator really signed what is changed."""
    parts = {"authenticator_data": ASSERTION.authenticator_data, "client_data": ASSERTION.client_data} | changes
    signed = device.key.sign(parts["authenticator_data"] + hashlib.sha256(parts["client_data"]).digest(), ec.ECDSA(SHA256()))
    return replace(ASSERTION, **parts, signature=signed)


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
@pytest.mark.parametrize("synced", [False, True])
@pytest.mark.parametrize("counts", [False, True])
def test_every_common_kind_of_device_registers_and_confirms(algorithm, synced, counts):
    device = Authenticator(algorithm=algorithm, synced=synced, counts=counts)
    passkey = registered(device)
    assertion, confirmed = answered(device, passkey)
    assert (confirmed.origin, confirmed.sign_count, confirmed.backup_eligible) == (device.site, int(counts), synced)
    assert confirmation(assertion, public_key=passkey.public_key) == confirmed


def test_the_challenge_is_the_hash_of_what_was_signed():
    assert hashlib.sha256(pae(AGREEMENT_REVISION, DOCUMENT)).digest() == CHALLENGE
    assert json.loads(ASSERTION.client_data)["challenge"] == b64url(CHALLENGE)


def test_every_origin_of_the_installation_will_do():
    device = Authenticator(site="https://console.marque.example:8443")
    assert not isinstance(answered(device, registered(device)), Refusal)


# Tampering -----------------------------------------------------------------------------------------------------------------------------


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("part", ["authenticator_data", "client_data", "signature"])
def test_every_changed_bit_of_an_assertion_is_refused(part):
    """Every one of them: the parts are short."""
    whole = getattr(ASSERTION, part)
    assert not isinstance(confirmation(), Refusal)
    for bit in range(8 * len(whole)):
        reason(confirmation(replace(ASSERTION, **{part: flipped(whole, bit)})))


@given(st.data())
def test_any_changed_bit_of_the_signed_text_is_refused(data):
    whole = ENVELOPE.pae
    other = flipped(whole, data.draw(st.integers(0, 8 * len(whole) - 1)))
    assert "confirmed something else" in reason(confirmation(challenge=hashlib.sha256(other).digest()))


@given(st.sampled_from(["authenticatorData", "clientDataJSON", "signature"]), st.integers(0, 10_000))
def test_any_changed_bit_is_refused_while_the_device_is_asked_too(part, bit):
    def tamper(parts):
        parts[part] = flipped(parts[part], bit % (8 * len(parts[part])))

    device = replace(DEVICE, count=70)
    reason(answered(device, PASSKEY, tamper=tamper))


@given(st.dictionaries(st.text(max_size=12), st.one_of(st.none(), st.text(), st.binary().map(b64url)), max_size=6))
def test_no_answer_whatever_raises(said):
    for response in (said, said | {"response": said}, {"id": "AA", "rawId": "AA", "type": "public-key", "response": said}):
        reason(verify_assertion(response, CHALLENGE, PARTY, PASSKEY))
        reason(verify_registration(response, CHALLENGE, PARTY))


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80))
def test_no_bytes_whatever_raise(credential_id, authenticator_data, client_data, signature):
    reason(confirmation(Assertion(credential_id, authenticator_data, client_data, signature)))
    reason(confirmation(ASSERTION, public_key=signature))


# One thing wrong at a time, and properly signed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "changes", "said"),
    [
        ({"verified": False}, {}, "user was not verified"),
        ({"present": False}, {}, "not present"),
        ({"site": "https://marque.example.evil.test"}, {}, "origin"),
        ({"site": "http://marque.example"}, {}, "origin"),
        ({}, {"crossOrigin": True}, "inside a frame"),
        ({}, {"topOrigin": "https://evil.test"}, "inside a frame"),
        ({}, {"type": "webauthn.create"}, "client data type"),
        ({}, {"challenge": b64url(bytes(32))}, "challenge"),
        ({"user_handle": UUID(int=2).bytes}, {}, "belongs to somebody else"),
    ],
)
def test_an_answer_with_one_thing_wrong_is_refused(device, changes, said):
    genuine = Authenticator()
    passkey = registered(genuine)
    other = replace(genuine, **device)
    assert said in reason(answered(other, passkey, **changes))


def test_an_answer_for_another_relying_party_is_refused():
    elsewhere = replace(PARTY, id="evil.test")
    response = DEVICE.get(assertion_options(elsewhere, CHALLENGE, [PASSKEY]))
    assert "RP ID" in reason(verify_assertion(response, CHALLENGE, PARTY, PASSKEY))
    assert "another relying party" in reason(confirmation(party=elsewhere))


def test_an_answer_by_another_passkey_is_refused():
    other = Authenticator()
    registered(other)
    response = other.get(assertion_options(PARTY, CHALLENGE, []))
    assert "another passkey" in reason(verify_assertion(response, CHALLENGE, PARTY, PASSKEY))


def test_another_key_under_the_same_credential_is_refused():
    impostor = Authenticator(credential_id=DEVICE.credential_id, user_handle=DEVICE.user_handle, count=9)
    assert "signature" in reason(answered(impostor, PASSKEY))


@pytest.mark.parametrize(
    ("known", "answers", "accepted"), [(0, 0, True), (0, 1, True), (5, 6, True), (5, 5, False), (5, 4, False), (5, 0, False)]
)
def test_a_count_that_does_not_rise_is_refused_unless_nobody_counts(known, answers, accepted):
    device = replace(DEVICE, counts=False, count=answers)
    answer = answered(device, replace(PASSKEY, sign_count=known))
    assert isinstance(answer, tuple) if accepted else "sign count" in reason(answer)


def test_a_passkey_that_turns_into_a_copied_one_is_refused():
    assert "copied to other devices" in reason(answered(replace(DEVICE, synced=True, count=50), PASSKEY))


def test_backed_up_without_being_eligible_is_a_contradiction():
    data = bytearray(ASSERTION.authenticator_data)
    data[32] |= BACKED_UP
    assert "contradicts" in reason(confirmation(resigned(authenticator_data=bytes(data))))


def with_flags(data, flags):
    return data[:32] + bytes([flags]) + data[33:]


@pytest.mark.parametrize(
    ("authenticator_data", "said"),
    [
        (with_flags(ASSERTION.authenticator_data, VERIFIED), "nobody was present"),
        (with_flags(ASSERTION.authenticator_data, PRESENT), "did not verify the person"),
        (with_flags(ASSERTION.authenticator_data, PRESENT | VERIFIED | ATTESTED), "does not belong"),
        (with_flags(ASSERTION.authenticator_data, PRESENT | VERIFIED | EXTENDED), "does not belong"),
        (ASSERTION.authenticator_data[:-1], "wrong length"),
        (ASSERTION.authenticator_data + b"x", "does not belong"),
        (ASSERTION.authenticator_data + bytes(20_000), "wrong length"),
    ],
)
def test_authenticator_data_of_another_shape_is_refused_even_when_signed(authenticator_data, said):
    assert said in reason(confirmation(resigned(authenticator_data=authenticator_data)))


def test_extensions_in_the_authenticator_data_do_no_harm():
    data = bytearray(ASSERTION.authenticator_data + cbor2.dumps({"credProtect": 2}))
    data[32] |= 0x80
    assert not isinstance(confirmation(resigned(authenticator_data=bytes(data))), Refusal)


@pytest.mark.parametrize(
    ("client_data", "said"),
    [
        (ASSERTION.client_data[:-1] + b',"origin":"https://marque.example"}', "stands twice"),
        (ASSERTION.client_data.replace(b"false", b"0"), "inside a frame"),
        (ASSERTION.client_data + b" " * 20_000, "too large"),
        (b"[]", "not a JSON object"),
        (ASSERTION.client_data.replace(b"webauthn.get", b"webauthn.create"), "another kind of question"),
        (ASSERTION.client_data.replace(b'"https://marque.example"', b'["https://marque.example"]'), "another site"),
    ],
)
def test_client_data_of_another_shape_is_refused_even_when_signed(client_data, said):
    assert said in reason(confirmation(resigned(client_data=client_data)))


def test_new_members_of_the_client_data_do_no_harm():
    """WebAuthn Level 3, 5.8.1: browsers add some at random, to keep readers from comparing templates."""
    assertion, _ = answered(replace(DEVICE, count=60), PASSKEY, extra="data")
    assert json.loads(assertion.client_data)["extra"] == "data"


P384 = ec.derive_private_key(7, ec.SECP384R1()).public_key().public_numbers()


# Registration --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "changes", "said"),
    [
        ({"verified": False}, {}, "user was not verified"),
        ({"present": False}, {}, "not present"),
        ({"site": "https://evil.test"}, {}, "origin"),
        ({}, {"crossOrigin": True}, "inside a frame"),
        ({}, {"type": "webauthn.get"}, "client data type"),
        ({}, {"challenge": b64url(bytes(32))}, "challenge"),
    ],
)
def test_a_registration_with_one_thing_wrong_is_refused(device, changes, said):
    challenge = bytes(range(32))
    response = Authenticator(**device).create(registration_options(PARTY, LI, "Li Wei", challenge, []), **changes)
    assert said in reason(verify_registration(response, challenge, PARTY))


def with_key(response, length, key):
    """The registration with another COSE key in place of its own, which takes up so many bytes."""
    attestation = cbor2.loads(from_b64url(response["response"]["attestationObject"]))
    attestation["authData"] = attestation["authData"][:-length] + cbor2.dumps(key)
    response["response"]["attestationObject"] = b64url(cbor2.dumps(attestation))
    return response


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ({1: 1, 3: EDDSA, -1: 6, -2: (1).to_bytes(32, "little")}, "small order"),
        (cose(rsa.generate_private_key(65537, 1024)), "kind that is not accepted"),
        ({1: 2, 3: ES256, -1: 2, -2: P384.x.to_bytes(48), -3: P384.y.to_bytes(48)}, "kind that is not accepted"),
        ({1: 2, 3: ES256, -1: 1, -2: bytes(32), -3: bytes(32)}, "could not be registered"),
        ({1: 2, 3: -35, -1: 2, -2: P384.x.to_bytes(48), -3: P384.y.to_bytes(48)}, "could not be registered"),
        ({}, "could not be registered"),
    ],
)
def test_a_passkey_with_a_key_of_another_kind_too_small_or_too_weak_is_refused(key, said):
    challenge = bytes(range(32))
    response = Authenticator(algorithm=EDDSA).create(registration_options(PARTY, LI, "Li Wei", challenge, []))
    assert said in reason(
        verify_registration(with_key(response, len(cbor2.dumps({1: 1, 3: EDDSA, -1: 6, -2: bytes(32)})), key), challenge, PARTY)
    )


def test_a_signature_by_a_curve_that_is_not_accepted_confirms_nothing():
    key = ec.derive_private_key(7, ec.SECP384R1())
    signature = key.sign(ASSERTION.authenticator_data + hashlib.sha256(ASSERTION.client_data).digest(), ec.ECDSA(SHA256()))
    public_key = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert "signature does not fit" in reason(confirmation(replace(ASSERTION, signature=signature), public_key=public_key))


def test_a_device_need_not_say_whose_passkey_it_is():
    response = replace(DEVICE, count=80).get(assertion_options(PARTY, CHALLENGE, [PASSKEY]))
    del response["response"]["userHandle"]
    assert not isinstance(verify_assertion(response, CHALLENGE, PARTY, PASSKEY), Refusal)


def test_a_passkey_counts_from_its_registration_to_its_revocation():
    spans = [(PASSKEY.registered_at, True), (PASSKEY.registered_at - timedelta(microseconds=1), False), (NOW, True)]
    assert [PASSKEY.counts_at(at) for at, _ in spans] == [counts for _, counts in spans]
    revoked = replace(PASSKEY, revoked_at=NOW)
    assert [revoked.counts_at(NOW + timedelta(microseconds=step)) for step in (-1, 0, 1)] == [True, False, False]


def test_the_person_is_not_asked_to_register_a_device_twice():
    options = registration_options(PARTY, LI, "Li Wei", bytes(32), [PASSKEY])
    assert [one["id"] for one in options["excludeCredentials"]] == [b64url(PASSKEY.credential_id)]
    assert from_b64url(options["user"]["id"]) == LI.bytes
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert assertion_options(PARTY, CHALLENGE, [PASSKEY])["userVerification"] == "required"
