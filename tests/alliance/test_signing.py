"""DSSE envelopes: what counts as a person's signature on exactly these bytes, and everything that does not."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from envelopes import DOCUMENT, GAC, HUAWEI, KEYS, LI, NOW, STRANGER, WANG, key_of, verified
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib._vendor.ed25519 import ed25519 as reference

from marque.alliance.signing import (
    AGREEMENT_REVISION,
    KEY_ENROLMENT,
    MAX_ENVELOPE_BYTES,
    MAX_SIGNATURES,
    Envelope,
    PersonKey,
    Signature,
    Signer,
    combine,
    pae,
    read_enrolment,
    read_envelope,
    request_enrolment,
    sign,
)
from marque.common import Refusal


def changed(envelope, **fields):
    return json.dumps(json.loads(envelope) | fields).encode()


def reason(answer):
    assert isinstance(answer, Refusal), f"accepted: {answer}"
    return answer.reason


def test_both_sides_signatures_combine_into_one_envelope():
    both = combine([sign(DOCUMENT, GAC), sign(DOCUMENT, HUAWEI), sign(DOCUMENT, GAC)])
    assert [(one.organisation, one.person) for one in verified(both)] == [("gac", LI), ("huawei", WANG)]
    assert len(read_envelope(both).signatures) == 2


def test_different_texts_do_not_combine():
    assert reason(combine([sign(DOCUMENT, GAC), sign(DOCUMENT + b" ", HUAWEI)])) == "the envelopes hold different texts"
    assert reason(combine([sign(DOCUMENT, GAC), sign(DOCUMENT, HUAWEI, KEY_ENROLMENT)])) == "the envelopes hold different texts"
    assert "no envelope" in reason(combine([]))
    assert "not JSON" in reason(combine([sign(DOCUMENT, GAC), b""]))


def test_too_many_signatures_do_not_combine():
    many = [sign(DOCUMENT, Ed25519PrivateKey.from_private_bytes(seed.to_bytes(32))) for seed in range(MAX_SIGNATURES + 1)]
    assert len(read_envelope(combine(many[:-1])).signatures) == MAX_SIGNATURES
    assert "too many" in reason(combine(many))


def test_one_key_signing_twice_counts_once():
    twice = changed(sign(DOCUMENT, GAC), signatures=json.loads(sign(DOCUMENT, GAC))["signatures"] * 2)
    assert len(verified(twice)) == 1


def test_two_keys_of_one_organisation_are_one_organisation():
    second = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)
    answer = verified(combine([sign(DOCUMENT, GAC), sign(DOCUMENT, second)]), [*KEYS, key_of(second, "gac", UUID(int=3))])
    assert {one.organisation for one in answer} == {"gac"}


def test_one_public_key_for_two_holders_is_refused():
    for other in (key_of(GAC, "huawei", LI), key_of(GAC, "gac", WANG), key_of(GAC, valid_until=NOW + timedelta(days=9))):
        assert "two holders" in reason(verified(sign(DOCUMENT, GAC), [*KEYS, other]))


def test_a_key_given_twice_is_the_same_key():
    assert len(verified(sign(DOCUMENT, GAC), [*KEYS, *KEYS])) == 1


def test_the_key_id_is_a_hint_and_may_be_missing():
    envelope = json.loads(sign(DOCUMENT, HUAWEI))
    del envelope["signatures"][0]["keyid"]
    assert [one.organisation for one in verified(json.dumps(envelope).encode())] == ["huawei"]


def test_a_key_id_of_somebody_else_does_not_make_them_the_signer():
    envelope = json.loads(sign(DOCUMENT, STRANGER))
    envelope["signatures"][0]["keyid"] = KEYS[0].id
    assert "does not fit" in reason(verified(json.dumps(envelope).encode()))


def test_a_stranger_s_signature_beside_a_good_one_refuses_the_envelope():
    assert "not enrolled" in reason(verified(combine([sign(DOCUMENT, GAC), sign(DOCUMENT, STRANGER)])))


@pytest.mark.parametrize(
    ("spans", "counts"),
    [
        ({"valid_from": NOW}, True),
        ({"valid_from": NOW + timedelta(microseconds=1)}, False),
        ({"valid_until": NOW + timedelta(microseconds=1)}, True),
        ({"valid_until": NOW}, False),
        ({"revoked_at": NOW + timedelta(microseconds=1)}, True),
        ({"revoked_at": NOW}, False),
        ({"revoked_at": NOW - timedelta(hours=1)}, False),
    ],
)
def test_a_signature_counts_by_the_instant_it_was_received(spans, counts):
    answer = verified(sign(DOCUMENT, GAC), [key_of(GAC, **spans)])
    assert (answer == (Signer("gac", LI, KEYS[0].id),)) if counts else ("not valid at that time" in reason(answer))


def test_another_payload_type_is_refused_even_with_the_same_bytes():
    assert "another type" in reason(verified(sign(DOCUMENT, GAC, "application/vnd.in-toto+json")))
    assert "does not fit" in reason(verified(changed(sign(DOCUMENT, GAC, KEY_ENROLMENT), payloadType=AGREEMENT_REVISION)))


def test_the_same_document_written_otherwise_is_another_text():
    same_meaning = json.dumps(json.loads(DOCUMENT)).encode()
    assert json.loads(same_meaning) == json.loads(DOCUMENT)
    assert "another text" in reason(verified(sign(same_meaning, GAC)))


ENVELOPE = sign(DOCUMENT, GAC)
SIGNATURES = json.loads(ENVELOPE)["signatures"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xef\xbb\xbf" + ENVELOPE, "not JSON"),
        (ENVELOPE.decode().encode("utf-16"), "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"payload":NaN}', "not JSON"),
        (b'{"payload":' + b"9" * 5000 + b"}", "not JSON"),
        (ENVELOPE[:-1] + b',"payload":""}', "stands twice"),
        (ENVELOPE.replace(b'{"keyid"', b'{"sig":"","keyid"'), "stands twice"),
        (b" " * MAX_ENVELOPE_BYTES + ENVELOPE, "too large"),
        (changed(ENVELOPE, extra=1), "and no others"),
        (b'{"payload":"","payloadType":"x"}', "and no others"),
        (changed(ENVELOPE, payload=7), "payload is not base64"),
        (changed(ENVELOPE, payload="QQ"), "payload is not base64"),
        (changed(ENVELOPE, payload="QR=="), "payload is not base64"),
        (changed(ENVELOPE, payload="Q Q="), "payload is not base64"),
        (changed(ENVELOPE, payload="+_=="), "payload is not base64"),
        (changed(ENVELOPE, payload="ＱＱ=="), "payload is not base64"),
        (changed(ENVELOPE, payloadType=None), "not a line of text"),
        (changed(ENVELOPE, payloadType="a\nb"), "not a line of text"),
        (changed(ENVELOPE, payloadType="\ud800"), "not a line of text"),
        (changed(ENVELOPE, signatures=[]), "list of signatures"),
        (changed(ENVELOPE, signatures={"a": 1}), "list of signatures"),
        (changed(ENVELOPE, signatures=[{"sig": 7}]), "64 bytes"),
        (changed(ENVELOPE, signatures=SIGNATURES * (MAX_SIGNATURES + 1)), "list of signatures"),
        (changed(ENVELOPE, signatures=["x"]), "sig and keyid"),
        (changed(ENVELOPE, signatures=[{"keyid": ""}]), "sig and keyid"),
        (changed(ENVELOPE, signatures=[SIGNATURES[0] | {"cert": "x"}]), "sig and keyid"),
        (changed(ENVELOPE, signatures=[SIGNATURES[0] | {"keyid": 1}]), "not text"),
        (changed(ENVELOPE, signatures=[SIGNATURES[0] | {"sig": "QUJD"}]), "64 bytes"),
        (changed(ENVELOPE, signatures=[SIGNATURES[0] | {"keyid": "0" * 64}]), "not enrolled"),
    ],
)
def test_what_is_not_exactly_an_envelope_is_refused_with_its_reason(text, said):
    assert said in reason(verified(text))


@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise(text):
    assert isinstance(read_envelope(text), Refusal)


@given(st.integers(0, 8 * len(DOCUMENT) - 1))
def test_any_changed_bit_of_the_payload_is_refused(bit):
    other = flipped(DOCUMENT, bit)
    assert "another text" in reason(verified(ENVELOPE, document=other))
    moved = Envelope(AGREEMENT_REVISION, other, read_envelope(ENVELOPE).signatures).dumps()
    assert "another text" in reason(verified(moved))
    assert "does not fit" in reason(verified(moved, document=other))


@given(st.integers(0, 8 * 64 - 1), st.booleans())
def test_any_changed_bit_of_the_signature_is_refused(bit, named):
    (one,) = read_envelope(ENVELOPE).signatures
    other = Envelope(AGREEMENT_REVISION, DOCUMENT, (Signature(one.key if named else "", flipped(one.value, bit)),))
    assert "does not fit" in reason(verified(other.dumps()))


@given(st.data())
def test_any_changed_bit_of_the_pae_is_refused(data):
    """What is signed is the PAE and nothing shorter: a signature on any neighbour of it is none."""
    whole = pae(AGREEMENT_REVISION, DOCUMENT)
    other = flipped(whole, data.draw(st.integers(0, 8 * len(whole) - 1)))
    forged = Envelope(AGREEMENT_REVISION, DOCUMENT, (Signature(KEYS[0].id, GAC.sign(other)),))
    assert "does not fit" in reason(verified(forged.dumps()))


@given(st.integers(0, 8 * len(ENVELOPE) - 1))
def test_any_changed_bit_of_the_envelope_s_text_is_refused(bit):
    """Also the bits that JSON or base64 would forgive."""
    answer = verified(flipped(ENVELOPE, bit))
    assert isinstance(answer, Refusal), read_envelope(flipped(ENVELOPE, bit))


@given(st.binary(max_size=60), st.text(max_size=20), st.binary(max_size=60), st.text(max_size=20))
def test_no_two_messages_share_a_pae(body, kind, other_body, other_kind):
    assert (pae(kind, body) == pae(other_kind, other_body)) == ((kind, body) == (other_kind, other_body))


def test_a_signature_with_a_second_form_of_its_number_is_refused():
    """S + L instead of S verifies in careless implementations (RFC 8032, 5.1.7 forbids it)."""
    (one,) = read_envelope(ENVELOPE).signatures
    order = 2**252 + 27742317777372353535851937790883648493
    second = one.value[:32] + (int.from_bytes(one.value[32:], "little") + order).to_bytes(32, "little")
    assert "does not fit" in reason(verified(Envelope(AGREEMENT_REVISION, DOCUMENT, (Signature(one.key, second),)).dumps()))


def flipped(data, bit):
    changed_bytes = bytearray(data)
    changed_bytes[bit // 8] ^= 1 << bit % 8
    return bytes(changed_bytes)


# Enrolment -----------------------------------------------------------------------------------------------------------------------------


def test_a_request_to_enrol_names_the_person_and_is_signed_with_the_key():
    answer = read_enrolment(request_enrolment("gac", LI, GAC))
    assert (answer.organisation, answer.person, answer.public_key) == ("gac", LI, GAC.public_key().public_bytes_raw())


def test_somebody_else_s_public_key_cannot_be_put_up_for_enrolment():
    said = {"kind": "https://marque.example/key-enrolment/v1", "organisation": "huawei", "person": str(WANG)}
    stolen = rfc8785.dumps(said | {"publicKey": GAC.public_key().public_bytes_raw().hex()})
    assert "not signed with the key" in reason(read_enrolment(sign(stolen, STRANGER, KEY_ENROLMENT)))


@given(st.data())
def test_any_changed_bit_of_a_request_is_refused(data):
    request = request_enrolment("gac", LI, GAC)
    envelope = read_envelope(request)
    bit = data.draw(st.integers(0, 8 * len(envelope.payload) - 1))
    assert isinstance(read_enrolment(Envelope(KEY_ENROLMENT, flipped(envelope.payload, bit), envelope.signatures).dumps()), Refusal)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "other"}, "has the fields"),
        ({"extra": "x"}, "has the fields"),
        ({"extra": 7}, "has the fields"),
        ({"person": 7}, "has the fields"),
        ({"person": "Li"}, "no UUID"),
        ({"publicKey": "zz"}, "no UUID"),
        ({"publicKey": "00"}, "32 bytes"),
        ({"publicKey": (1).to_bytes(32, "little").hex()}, "small order"),
    ],
)
def test_a_request_with_other_contents_is_refused(fields, said):
    whole = json.loads(read_envelope(request_enrolment("gac", LI, GAC)).payload) | fields
    assert said in reason(read_enrolment(sign(rfc8785.dumps(whole), GAC, KEY_ENROLMENT)))


def test_what_is_not_one_person_s_request_is_refused():
    assert "not a request" in reason(read_enrolment(ENVELOPE))
    assert "not JSON" in reason(read_enrolment(b""))
    request = request_enrolment("gac", LI, GAC)
    twice = combine([request, sign(read_envelope(request).payload, STRANGER, KEY_ENROLMENT)])
    assert "not a request" in reason(read_enrolment(twice))


def small_order_points():
    """The eight points of small order, found by the library's reference arithmetic: L times any point of the curve is one of them."""
    for y in range(2, 40):
        try:
            torsion = reference.scalarmult(reference.decodepoint(y.to_bytes(32, "little")), reference.l)
        except ValueError:  # not on the curve
            continue
        multiples = {reference.encodepoint(reference.scalarmult(torsion, times)) for times in range(8)}
        if len(multiples) == 8:
            return multiples
    raise AssertionError("no point of order 8 found")


def test_every_point_of_small_order_in_every_encoding_is_refused_as_a_key():
    for point in small_order_points():
        y = int.from_bytes(point, "little") & (1 << 255) - 1
        for encoded in (y, y + reference.q):
            if encoded < 1 << 255:
                for sign_of_x in (0, 1 << 255):
                    weak = (encoded | sign_of_x).to_bytes(32, "little")
                    assert "small order" in reason(verified(ENVELOPE, [PersonKey("gac", LI, weak, NOW, NOW + timedelta(days=1))]))


def test_a_key_for_which_everybody_can_sign_is_refused():
    """With the neutral point as public key, R = neutral and S = 0 is a signature on everything."""
    neutral = (1).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(neutral).verify(neutral + bytes(32), b"whatever")
    weak = PersonKey("gac", LI, neutral, NOW, NOW + timedelta(days=1))
    forged = Envelope(AGREEMENT_REVISION, DOCUMENT, (Signature(weak.id, neutral + bytes(32)),))
    assert "small order" in reason(verified(forged.dumps(), [weak]))
