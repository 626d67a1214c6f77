"""Signatures against the reference implementation's signers, keys that are too weak, and when two keys are one."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from marque.car.tuf.keys import material, verifies
from marque.car.tuf.model import Key

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
SCHEMES = {
    "ed25519": CryptoSigner.generate_ed25519(),
    "ecdsa": CryptoSigner.generate_ecdsa(),
    "pss": CryptoSigner.generate_rsa(),
    "pkcs1": CryptoSigner.generate_rsa(scheme="rsa-pkcs1v15-sha256"),
    "p384": CryptoSigner(ec.generate_private_key(ec.SECP384R1())),
}


def key_of(signer: CryptoSigner) -> Key:
    public = signer.public_key
    return Key(public.keyid, public.keytype, public.scheme, public.keyval["public"])


def pem(public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> str:
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("name", SCHEMES)
def test_signatures_of_the_reference_implementation_hold_for_their_bytes_alone(name: str) -> None:
    signer = SCHEMES[name]
    signature = bytes.fromhex(signer.sign(b"payload").signature)
    assert verifies(key_of(signer), signature, b"payload")
    assert not verifies(key_of(signer), signature, b"payloae")
    assert not verifies(key_of(signer), b"", b"payload")
    assert not any(verifies(key_of(other), signature, b"payload") for other in SCHEMES.values() if other is not signer)


@given(st.sampled_from(sorted(SCHEMES)), st.integers(min_value=0), st.integers(0, 7))
def test_a_signature_with_a_flipped_bit_does_not_hold(name: str, place: int, bit: int) -> None:
    signer = SCHEMES[name]
    signature = bytearray(bytes.fromhex(signer.sign(b"payload").signature))
    signature[place % len(signature)] ^= 1 << bit
    assert not verifies(key_of(signer), bytes(signature), b"payload")


def order(y: int) -> int:
    """Of a point of Ed25519 with this y, doubled until it is the neutral one; 0: more than 8, or no such point."""
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P:
        return 0
    for doublings in range(4):
        if (x, y) == (0, 1):
            return int(2**doublings)
        t = D * x * x * y * y % P
        x, y = 2 * x * y * pow(1 + t, -1, P) % P, (y * y + x * x) * pow(1 - t, -1, P) % P
    return 0


SMALL = [
    0,
    1,
    P - 1,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
]


def test_the_points_of_small_order_are_those_five_values_of_y() -> None:
    assert [order(y) for y in SMALL] == [4, 1, 2, 8, 8]
    assert order(4 * pow(5, -1, P) % P) == 0  # the base point


@pytest.mark.parametrize("y", [*SMALL, P, P + 1])
@pytest.mark.parametrize("sign", [0, 1])
def test_a_weak_ed25519_key_verifies_nothing(y: int, sign: int) -> None:
    public = (y | sign << 255).to_bytes(32, "little").hex()
    identity_signature = (1).to_bytes(32, "little") + bytes(32)  # holds under such keys for many messages, where they are let through
    assert not any(verifies(Key("k", "ed25519", "ed25519", public), identity_signature, bytes([byte])) for byte in range(32))


@pytest.mark.parametrize(
    "key",
    [
        Key("k", "rsa", "rsassa-pss-sha256", pem(rsa.generate_private_key(65537, 1024).public_key())),
        Key("k", "ecdsa", "ecdsa-sha2-nistp256", pem(ec.generate_private_key(ec.SECP384R1()).public_key())),
        Key("k", "ecdsa", "ecdsa-sha2-nistp256", pem(ed25519.Ed25519PrivateKey.generate().public_key())),
        Key("k", "ed25519", "ed25519", pem(ed25519.Ed25519PrivateKey.generate().public_key())),
        Key("k", "ed25519", "ed25519", "ab" * 31),
        Key("k", "ed25519", "ed25519", " " + "ab" * 32),
        Key("k", "rsa", "rsassa-pss-md5", key_of(SCHEMES["pss"]).public),
        Key("k", "rsa", "ed25519", key_of(SCHEMES["pss"]).public),
        Key("k", "sigstore-oidc", "Fulcio", "somebody"),
        Key("k", "ecdsa", "ecdsa-sha2-nistp256", "not a key"),
        Key("k", "ecdsa", "ecdsa-sha2-nistp256", "é" * 9000),
    ],
)
def test_a_key_that_cannot_be_used_verifies_nothing_and_breaks_nothing(key: Key) -> None:
    assert not verifies(key, b"s" * 64, b"payload")
    assert material(key)


def test_one_key_is_one_whatever_its_id_scheme_owner_and_spelling() -> None:
    one = key_of(SCHEMES["ed25519"])
    assert material(one) == material(Key("other", "ed25519", "ed25519", one.public.upper(), "gac"))
    two = key_of(SCHEMES["pss"])
    assert material(two) == material(Key("other", "rsa", "rsa-pkcs1v15-sha256", two.public.replace("\n", "\r\n")))
    assert len({material(key_of(signer)) for signer in SCHEMES.values()}) == len(SCHEMES)
