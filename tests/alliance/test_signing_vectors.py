"""DSSE envelopes against what others have published, and another implementation of them."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from envelopes import GAC, KEYS, LI, NOW, verified
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib import dsse
from securesystemslib.signer import CryptoSigner, SSlibKey

from marque.alliance.signing import PersonKey, Signer, key_id, pae, sign

# RFC 8032, 7.1, TEST 1 and 2
RFC_8032 = (
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    ),
)


def test_the_pae_of_the_specification_s_own_example():
    """DSSE v1, protocol.md, "Test Vectors": the PAE as printed, and the signature printed with it, which fits only these bytes."""
    data = pae("http://example.com/HelloWorld", b"hello world")
    assert data == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    x = 46950820868899156662930047687818585632848591499744589407958293238635476079160
    y = 5640078356564379163099075877009565129882514886557779369047442380624545832820
    printed = base64.b64decode("A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==")
    signature = encode_dss_signature(int.from_bytes(printed[:32]), int.from_bytes(printed[32:]))
    ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key().verify(signature, data, ec.ECDSA(SHA256()))


@pytest.mark.parametrize(
    ("kind", "payload", "key", "expected"),
    [
        (
            "application/vnd.in-toto+json",
            "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ==",
            0,
            "2WAfaHm5jluo0w+0rk8uVkluELJYWjSmU9x7EUzx+AyteDGJ4/nqyJXfmAUVFIAoQafWm7AxBZNw5M9ixNHiCA==",
        ),
        (
            "application/vnd.in-toto+json",
            "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ==",
            1,
            "c1+67/aT0yqEpwx8PsVY3MLHsj9D0CZ014/Fv/QlG59P+9CobUZ7xECJ/V3USG0Ob9CiE5LjReEZUzNF2l7eBw==",
        ),
        (
            "application/vnd.exämple+json",
            "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ==",
            0,
            "xmSk/ug66ysT7ayhkCIjhAq42zgZXSsEWuzUaNL7w2eGAdF/NU6/fRXPtmfN+5DNSAs5/i2lUnHjbbjPsu0tAw==",
        ),
        (
            "application/vnd.in-toto+json",
            "",
            0,
            "gSggCAaTLTYyRH6FIDBem6meyIynsYy8RTHVzwx9tnTb7Bg/1jMWnuVgI/gffqmbsC2VX5/jHfkkDqsj7CDbDg==",
        ),
    ],
)
def test_signing_gives_the_signatures_of_the_published_vectors(kind, payload, key, expected):
    """secure-systems-lab/dsse, testvectors/vectors.json; its keys are those of RFC 8032. Ed25519 is deterministic, so bytes are equal."""
    seed, public = RFC_8032[key]
    made = json.loads(sign(base64.b64decode(payload), Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)), kind))
    assert made == {
        "payload": payload,
        "payloadType": kind,
        "signatures": [{"keyid": key_id(bytes.fromhex(public)), "sig": expected}],
    }


def test_the_published_vector_in_the_other_alphabet_is_read():
    """Same source, "url-safe-base64": a verifier must take either alphabet."""
    signature = "P-_KHICeR7tI6S_YyejJTRtrXhcQyQ2LYPaL8h90KjC9qN8HU_svOQ6TuDOT1HIrsGW886DbWNWcCmX5twLrAw=="
    envelope = {"payload": "-_-_Pj8=", "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": signature}]}
    holder = PersonKey("gac", LI, bytes.fromhex(RFC_8032[0][1]), NOW, NOW + timedelta(days=1))
    answer = verified(json.dumps(envelope).encode(), [holder], bytes.fromhex("fbffbf3e3f"), payload_type="application/vnd.in-toto+json")
    assert answer == (Signer("gac", LI, holder.id),)


@given(st.text(max_size=40).filter(str.isprintable), st.binary(max_size=200))
def test_our_envelopes_verify_with_securesystemslib_and_its_envelopes_with_ours(kind, payload):
    library_key = SSlibKey.from_crypto(GAC.public_key())
    ours = dsse.Envelope.from_dict(json.loads(sign(payload, GAC, kind)))
    assert ours.verify([library_key], 1) == {library_key.keyid: library_key}
    theirs = dsse.Envelope(payload, kind, {})
    theirs.sign(CryptoSigner(GAC))
    answer = verified(json.dumps(theirs.to_dict(), indent=2).encode(), KEYS, payload, payload_type=kind)
    assert answer == (Signer("gac", LI, library_key.keyid),)
