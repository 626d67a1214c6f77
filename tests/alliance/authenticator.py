"""A passkey device in software: what a browser and an authenticator answer to WebAuthn's options, with real keys, COSE and CBOR.

Every part can be made to lie by itself (`site`, `verified`, `tamper`, …), so that a test changes exactly one thing.
Source: W3C Web Authentication Level 3, 5.8.1 (client data), 6.1 (authenticator data), 6.5.4 (attestation object); RFC 9053 (COSE keys).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED, EXTENDED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
ES256, EDDSA, RS256 = -7, -8, -257


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def generate(algorithm: int) -> Any:
    if algorithm == EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == RS256:
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def cose(key: Any) -> dict[int, Any]:
    """The public part as a COSE_Key."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {1: 1, 3: EDDSA, -1: 6, -2: key.public_key().public_bytes_raw()}
    numbers = key.public_key().public_numbers()
    if isinstance(key, rsa.RSAPrivateKey):
        return {1: 3, 3: RS256, -1: numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8), -2: numbers.e.to_bytes(3)}
    return {1: 2, 3: ES256, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}


def signature(key: Any, data: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), SHA256())
    return key.sign(data, ec.ECDSA(SHA256(), deterministic_signing=True))


@dataclass
class Authenticator:
    """One device with one credential, once registered.

    counts: whether it keeps a signature counter; synced: whether its credential may be copied to other devices (and is);
    verified: whether it checks fingerprint, face or PIN; site: the origin its browser is on.
    """

    site: str = "https://marque.example"
    algorithm: int = ES256
    counts: bool = True
    synced: bool = False
    verified: bool = True
    present: bool = True
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    key: Any = None
    user_handle: bytes = b""
    count: int = 0
    aaguid: bytes = bytes(16)

    def __post_init__(self) -> None:
        self.key = self.key or generate(self.algorithm)

    def create(self, options: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """RegistrationResponseJSON to PublicKeyCredentialCreationOptionsJSON. changes: fields of the client data."""
        assert any(one["alg"] == self.algorithm for one in options["pubKeyCredParams"]), "the site does not take what this device makes"
        self.user_handle = from_b64url(options["user"]["id"])
        client_data = self._client_data("webauthn.create", options["challenge"], changes)
        attested = self.aaguid + len(self.credential_id).to_bytes(2) + self.credential_id + cbor2.dumps(cose(self.key))
        data = self._data(options["rp"]["id"], ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"clientDataJSON": b64url(client_data), "attestationObject": b64url(attestation), "transports": ["internal"]})

    def get(self, options: dict[str, Any], tamper: Callable[[dict[str, bytes]], None] = lambda _: None, **changes: Any) -> dict[str, Any]:
        """AuthenticationResponseJSON to PublicKeyCredentialRequestOptionsJSON. tamper: may change the three parts after signing."""
        allowed = [from_b64url(one["id"]) for one in options.get("allowCredentials", [])]
        assert not allowed or self.credential_id in allowed, "none of the allowed passkeys is on this device"
        self.count += self.counts
        parts = {
            "clientDataJSON": self._client_data("webauthn.get", options["challenge"], changes),
            "authenticatorData": self._data(options["rpId"], 0),
        }
        parts["signature"] = signature(self.key, parts["authenticatorData"] + hashlib.sha256(parts["clientDataJSON"]).digest())
        tamper(parts)
        return self._answer({name: b64url(part) for name, part in parts.items()} | {"userHandle": b64url(self.user_handle)})

    def _client_data(self, kind: str, challenge: str, changes: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.site, "crossOrigin": False} | changes
        return json.dumps(said, separators=(",", ":")).encode()

    def _data(self, party: str, flags: int) -> bytes:
        flags |= PRESENT * self.present | VERIFIED * self.verified | (ELIGIBLE | BACKED_UP) * self.synced
        return hashlib.sha256(party.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        credential = b64url(self.credential_id)
        return {
            "id": credential,
            "rawId": credential,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }
