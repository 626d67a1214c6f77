"""The demonstration's release managers: invented people with keys in files and a passkey in software, so that both sides can sign.

    KEYS_FOLDER/demonstration/CODE-N.pem             a person's key, encrypted with PASSPHRASE, for `marque release sign`
    KEYS_FOLDER/demonstration/CODE-N.passkey.pem     the device that they do not have

Only where anybody may be anybody (`marque run`). Whoever tries the demonstration may register a passkey of their own beside it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from marque.alliance import installation, key_files, keys, signing
from marque.alliance.passkeys import RelyingParty
from marque.app.platform import Platform
from marque.common import ok
from marque.foundation import Actor

FOLDER = "demonstration"
PASSPHRASE = "demonstration of both"  # noqa: S105  invented people's; told in docs/release.md
MANAGERS = (
    ("Chen Yu", "engineering", ("engineer", "product", "release-manager")),
    ("Zhou Lan", "release-second", ("release-manager",)),
    ("Xu Ming", "release-third", ("release-manager",)),
)
"""Three of each organisation, of whom two sign; the first one is the demonstration's engineer as well."""
_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


@dataclass(frozen=True)
class Device:
    """A passkey in software, ES256, without a counter. Source: W3C Web Authentication Level 3, 5.8.1, 6.1, 6.5.4; RFC 9053 (COSE)."""

    key: ec.EllipticCurvePrivateKey

    @property
    def credential(self) -> bytes:
        return hashlib.sha256(self._point).digest()

    @property
    def _point(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        return numbers.x.to_bytes(32) + numbers.y.to_bytes(32)

    def create(self, options: dict[str, Any], site: str) -> dict[str, Any]:
        """RegistrationResponseJSON to PublicKeyCredentialCreationOptionsJSON, without attestation."""
        x, y = self._point[:32], self._point[32:]
        cose = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + x + b"\x22\x58\x20" + y
        attested = bytes(16) + len(self.credential).to_bytes(2) + self.credential + cose
        data = self._data(options["rp"]["id"], _ATTESTED) + attested
        attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59" + len(data).to_bytes(2) + data
        said = _client_data("webauthn.create", options["challenge"], site)
        return self._answer({"clientDataJSON": _b64(said), "attestationObject": _b64(attestation), "transports": ["internal"]})

    def get(self, options: dict[str, Any], site: str) -> dict[str, Any]:
        """AuthenticationResponseJSON to PublicKeyCredentialRequestOptionsJSON."""
        said, data = _client_data("webauthn.get", options["challenge"], site), self._data(options["rpId"], 0)
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        return self._answer({"clientDataJSON": _b64(said), "authenticatorData": _b64(data), "signature": _b64(signature)})

    def _data(self, party: str, flags: int) -> bytes:
        return hashlib.sha256(party.encode()).digest() + bytes([flags | _PRESENT | _VERIFIED]) + bytes(4)

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        credential = _b64(self.credential)
        return {
            "id": credential, "rawId": credential, "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": {}, "response": response,
        }  # fmt: skip


@dataclass(frozen=True)
class Manager:
    """Somebody who can sign, equipped."""

    organisation: str
    id: UUID
    key: Ed25519PrivateKey
    device: Device

    @property
    def actor(self) -> Actor:
        return Actor(self.organisation, self.id, "demonstration")


def equip(platform: Platform, organisation: str) -> list[Manager]:
    """The organisation's release managers with enrolled keys and registered passkeys; what is there stays. Raises MarqueError."""
    with psycopg.connect(platform.addresses.owner) as owner:
        ids = [
            installation.appoint(owner, organisation, name, f"{post}@{organisation}.example", duties, platform.clock.now())
            for name, post, duties in MANAGERS
        ]
    return [_equipped(platform, organisation, number, person) for number, person in enumerate(ids, 1)]


def _equipped(platform: Platform, organisation: str, number: int, person: UUID) -> Manager:
    folder = platform.settings.keys_folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{organisation}-{number}.pem"
    if not file.exists():
        key_files.write_key(file, Ed25519PrivateKey.generate(), PASSPHRASE)
    made = Manager(organisation, person, key_files.read_key(file, PASSPHRASE), _device(file.with_suffix(".passkey.pem")))
    with platform.database.transaction(made.actor) as tx:
        known = {one.id for one in keys.keys_of(tx, organisation)}
        if signing.key_id(made.key.public_key().public_bytes_raw()) not in known:
            ok(keys.enroll_key(tx, signing.request_enrolment(organisation, person, made.key)))
        if made.device.credential not in {one.credential_id for one in keys.passkeys_of(tx, person)}:
            asked = ok(keys.begin_registration(tx, platform.party))
            answer = made.device.create(asked.options, site_of(platform.party))
            ok(keys.finish_registration(tx, platform.party, asked.challenge, answer, "Demonstration"))
    return made


def site_of(party: RelyingParty) -> str:
    """Where its pages are, as the device is told."""
    return party.origins[0]


def _device(file: Path) -> Device:
    if not file.exists():
        written = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with contextlib.suppress(FileExistsError), os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(written)
    key = load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Device(key)


def _client_data(kind: str, challenge: str, site: str) -> bytes:
    return json.dumps({"type": kind, "challenge": challenge, "origin": site, "crossOrigin": False}, separators=(",", ":")).encode()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
