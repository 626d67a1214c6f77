"""Signatures of the schemes that TUF names, on `cryptography`; and when two keys are one.

A key that cannot be used (unknown scheme, wrong curve, short modulus, weak point) verifies nothing; it is no error, as the
specification lets a file name keys that a client does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from marque.car.tuf.model import Key

LEAST_RSA_BITS = 2048
LONGEST_PUBLIC = 8192
"""Characters of a public key's text."""

_P = 2**255 - 19
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_WEAK_Y = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})
"""The y of Ed25519's eight points of small order: under such a key one signature fits many messages."""

_CURVES: dict[str, tuple[type[ec.EllipticCurve], hashes.HashAlgorithm]] = {
    "ecdsa-sha2-nistp256": (ec.SECP256R1, hashes.SHA256()),
    "ecdsa-sha2-nistp384": (ec.SECP384R1, hashes.SHA384()),
}
_DIGESTS: dict[str, hashes.HashAlgorithm] = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_KINDS = {"ed25519": "ed25519", "ecdsa": "ecdsa", "ecdsa-sha2-nistp256": "ecdsa", "ecdsa-sha2-nistp384": "ecdsa", "rsa": "rsa"}

_Verify = Callable[[bytes, bytes], None]


def verifies(key: Key, signature: bytes, payload: bytes) -> bool:
    """Whether the key made this signature over these bytes."""
    verify = _verifier(key.kind, key.scheme, key.public)
    if verify is None:
        return False
    try:
        verify(signature, payload)
    except InvalidSignature:
        return False
    return True


def material(key: Key) -> bytes:
    """What makes two keys the same key, whatever their ids, schemes and spelling: the public key's DER, or an Ed25519 key's 32 bytes.

    Of a key that cannot be read, its text.
    """
    return _material(key.kind, key.public)


@lru_cache(maxsize=1024)
def _material(kind: str, public: str) -> bytes:
    if _KINDS.get(kind) == "ed25519":
        try:
            return bytes.fromhex(public)
        except ValueError:
            return public.encode(errors="replace")
    loaded = _pem(public)
    if loaded is None:
        return public.encode(errors="replace")
    return loaded.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _pem(public: str) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey | None:
    if len(public) > LONGEST_PUBLIC:
        return None
    try:
        loaded = load_pem_public_key(public.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return loaded if isinstance(loaded, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)) else None


@lru_cache(maxsize=1024)
def _verifier(kind: str, scheme: str, public: str) -> _Verify | None:
    kind = _KINDS.get(kind, "")
    if kind == "ed25519" and scheme == "ed25519":
        return _ed25519(public)
    loaded = _pem(public)
    if kind == "ecdsa" and scheme in _CURVES and isinstance(loaded, ec.EllipticCurvePublicKey):
        curve, digest = _CURVES[scheme]
        return _ecdsa(loaded, digest) if isinstance(loaded.curve, curve) else None
    if kind == "rsa" and isinstance(loaded, rsa.RSAPublicKey) and loaded.key_size >= LEAST_RSA_BITS:
        return _rsa(loaded, scheme)
    return None


def _ed25519(public: str) -> _Verify | None:
    try:
        raw = bytes.fromhex(public)
        y = int.from_bytes(raw, "little") & (2**255 - 1)
        if len(public) != 64 or y >= _P or y in _WEAK_Y:
            return None
        return ed25519.Ed25519PublicKey.from_public_bytes(raw).verify
    except ValueError:
        return None


def _ecdsa(public: ec.EllipticCurvePublicKey, digest: hashes.HashAlgorithm) -> _Verify:
    return lambda signature, payload: public.verify(signature, payload, ec.ECDSA(digest))


def _rsa(public: rsa.RSAPublicKey, scheme: str) -> _Verify | None:
    way, _, name = scheme.rpartition("-")
    digest = _DIGESTS.get(name)
    if digest is None:
        return None
    if way == "rsassa-pss":
        pss = padding.PSS(padding.MGF1(digest), padding.PSS.AUTO)
        return lambda signature, payload: public.verify(signature, payload, pss, digest)
    if way == "rsa-pkcs1v15":
        return lambda signature, payload: public.verify(signature, payload, padding.PKCS1v15(), digest)
    return None
