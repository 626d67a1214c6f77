"""Proofs that leave the house: a signed and confirmed text, and the directory of keys to check it against, as files.

A proof says who signed which exact bytes, confirmed by whose passkey, received when. It carries the public keys, so that it can be read
alone; whether they are really those persons' keys, only a directory can say that the reader has from the organisations themselves
(docs/signing.md). Both files are canonical JSON (RFC 8785); instants are UTC with microseconds, so they sort as text.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import rfc8785

from marque.alliance.passkeys import Assertion, PublicPasskey, RelyingParty, challenge_of, verify_confirmation
from marque.alliance.signing import AGREEMENT_REVISION, MAX_ENVELOPE_BYTES, PersonKey, Signer, read_envelope, read_json, verify
from marque.common import Refusal, ok

PROOF_KIND = "https://marque.example/signed-and-confirmed/v1"
DIRECTORY_KIND = "https://marque.example/key-directory/v1"
_MAX_BYTES = 2 * MAX_ENVELOPE_BYTES
_INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True)
class Proof:
    """One person's signature and confirmation. at: when the server received both; envelope: the DSSE envelope's text."""

    organisation: str
    person: UUID
    at: datetime
    envelope: str
    public_key: bytes
    passkey: bytes
    assertion: Assertion

    @property
    def confirmation(self) -> dict[str, Any]:
        """Everything but the envelope, as JSON values: what is stored beside it."""
        said = self.assertion
        return {
            "organisation": self.organisation,
            "person": str(self.person),
            "at": stamp(self.at),
            "publicKey": self.public_key.hex(),
            "confirmation": {
                "credentialId": _base64(said.credential_id),
                "publicKey": _base64(self.passkey),
                "authenticatorData": _base64(said.authenticator_data),
                "clientDataJSON": _base64(said.client_data),
                "signature": _base64(said.signature),
            },
        }

    def dumps(self) -> bytes:
        return proof_text(self.envelope, self.confirmation)


@dataclass(frozen=True)
class Directory:
    """Keys and passkeys of organisations, and the installation that the passkeys answer to."""

    party: RelyingParty
    keys: tuple[PersonKey, ...]
    passkeys: tuple[PublicPasskey, ...]

    def dumps(self) -> bytes:
        return rfc8785.dumps(
            {
                "kind": DIRECTORY_KIND,
                "relyingParty": {"id": self.party.id, "name": self.party.name, "origins": list(self.party.origins)},
                "keys": [
                    {
                        **_holder(one),
                        "id": one.id,
                        "publicKey": one.public_key.hex(),
                        "from": stamp(one.valid_from),
                        "until": stamp(one.valid_until),
                        "revoked": _stamp_or_empty(one.revoked_at),
                    }
                    for one in self.keys
                ],
                "passkeys": [
                    {
                        **_holder(one),
                        "credentialId": _base64(one.credential_id),
                        "publicKey": _base64(one.public_key),
                        "from": stamp(one.registered_at),
                        "revoked": _stamp_or_empty(one.revoked_at),
                    }
                    for one in self.passkeys
                ],
            }
        )


def proof_text(envelope: str, confirmation: dict[str, Any]) -> bytes:
    """The proof as a file, from what is stored: an envelope's text and a `Proof.confirmation`."""
    return rfc8785.dumps({"kind": PROOF_KIND, "envelope": json.loads(envelope), **confirmation})


def verify_proof(document: bytes, proof: Proof, directory: Directory, payload_type: str = AGREEMENT_REVISION) -> Signer | Refusal:
    """Who signed and confirmed exactly this document, by keys that the directory vouches for at the proof's time. Needs no network."""
    signers = verify(proof.envelope.encode(), directory.keys, document=document, at=proof.at, payload_type=payload_type)
    if isinstance(signers, Refusal):
        return signers
    envelope = ok(read_envelope(proof.envelope.encode()))
    holder = (proof.organisation, proof.person)
    if [(one.organisation, one.person) for one in signers] != [holder]:
        return Refusal("the proof is not of exactly the person whose key signed", {"person": str(proof.person)})
    passkeys = [one for one in directory.passkeys if one.credential_id == proof.assertion.credential_id]
    if len(passkeys) != 1:
        return Refusal("the passkey is not exactly once in the directory", {"found": str(len(passkeys))})
    passkey = passkeys[0]
    if (passkey.organisation, passkey.person) != holder:
        return Refusal("the passkey is not of the person whose key signed", {"person": str(proof.person)})
    if not passkey.counts_at(proof.at):
        return Refusal("the passkey was not valid at that time", {"at": proof.at.isoformat()})
    key = next(one for one in directory.keys if one.id == signers[0].key)
    if (key.public_key, passkey.public_key) != (proof.public_key, proof.passkey):
        return Refusal("the proof carries other public keys than the directory")
    confirmed = verify_confirmation(proof.assertion, challenge_of(envelope), directory.party, passkey.public_key)
    return confirmed if isinstance(confirmed, Refusal) else signers[0]


def read_proof(text: bytes) -> Proof | Refusal:
    """A proof from its file, strictly: unknown, missing and repeated fields are refused."""
    said = read_json(text, _MAX_BYTES, "proof")
    if isinstance(said, Refusal):
        return said
    try:
        _only(said, "kind", "envelope", "organisation", "person", "at", "publicKey", "confirmation")
        if said["kind"] != PROOF_KIND:
            return Refusal("this is not a proof", {"expected": PROOF_KIND})
        one = _only(said["confirmation"], "credentialId", "publicKey", "authenticatorData", "clientDataJSON", "signature")
        data = {name: _bytes(value) for name, value in one.items()}
        return Proof(
            organisation=_text(said["organisation"]),
            person=_person(said["person"]),
            at=read_stamp(said["at"]),
            envelope=rfc8785.dumps(said["envelope"]).decode(),
            public_key=_hex(said["publicKey"]),
            passkey=data["publicKey"],
            assertion=Assertion(data["credentialId"], data["authenticatorData"], data["clientDataJSON"], data["signature"]),
        )
    except (ValueError, rfc8785.CanonicalizationError) as fault:
        return Refusal("the proof cannot be read", {"because": str(fault)[:200]})


def read_directory(text: bytes) -> Directory | Refusal:
    """A directory from its file, as strictly."""
    said = read_json(text, _MAX_BYTES, "directory")
    if isinstance(said, Refusal):
        return said
    try:
        _only(said, "kind", "relyingParty", "keys", "passkeys")
        if said["kind"] != DIRECTORY_KIND:
            return Refusal("this is not a directory of keys", {"expected": DIRECTORY_KIND})
        party = _only(said["relyingParty"], "id", "name", "origins")
        return Directory(
            RelyingParty(_text(party["id"]), _text(party["name"]), tuple(_text(one) for one in _list(party["origins"]))),
            tuple(_key(one) for one in _list(said["keys"])),
            tuple(_passkey(one) for one in _list(said["passkeys"])),
        )
    except ValueError as fault:
        return Refusal("the directory cannot be read", {"because": str(fault)[:200]})


def together(directories: Sequence[Directory]) -> Directory | Refusal:
    """One directory of those that several organisations handed out."""
    if not directories:
        return Refusal("there is no directory of keys")
    if len({one.party for one in directories}) > 1:
        return Refusal("the directories are of different installations", {"ids": ", ".join(sorted({one.party.id for one in directories}))})
    keys = dict.fromkeys(key for one in directories for key in one.keys)
    return Directory(directories[0].party, tuple(keys), tuple(dict.fromkeys(key for one in directories for key in one.passkeys)))


def stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime(_INSTANT)


def read_stamp(text: Any) -> datetime:
    """Raises ValueError unless it is exactly what `stamp` writes."""
    instant = datetime.strptime(_text(text), _INSTANT).replace(tzinfo=UTC)
    if stamp(instant) != text:
        raise ValueError(f"{text!r} is not an instant like 2025-06-01T12:00:00.000000Z")
    return instant


def _key(said: Any) -> PersonKey:
    _only(said, "organisation", "person", "id", "publicKey", "from", "until", "revoked")
    key = PersonKey(
        organisation=_text(said["organisation"]),
        person=_person(said["person"]),
        public_key=_hex(said["publicKey"]),
        valid_from=read_stamp(said["from"]),
        valid_until=read_stamp(said["until"]),
        revoked_at=_stamp_or_none(said["revoked"]),
    )
    if key.id != said["id"]:
        raise ValueError(f"key {str(said['id'])[:64]} has another public key than its id says")
    return key


def _passkey(said: Any) -> PublicPasskey:
    _only(said, "organisation", "person", "credentialId", "publicKey", "from", "revoked")
    return PublicPasskey(
        organisation=_text(said["organisation"]),
        person=_person(said["person"]),
        credential_id=_bytes(said["credentialId"]),
        public_key=_bytes(said["publicKey"]),
        registered_at=read_stamp(said["from"]),
        revoked_at=_stamp_or_none(said["revoked"]),
    )


def _holder(one: PersonKey | PublicPasskey) -> dict[str, str]:
    return {"organisation": one.organisation, "person": str(one.person)}


def _only(said: Any, *names: str) -> dict[str, Any]:
    if not isinstance(said, dict) or said.keys() != set(names):
        raise ValueError(f"expected the fields {', '.join(names)}, and no others")
    return said


def _list(said: Any) -> Iterable[Any]:
    if not isinstance(said, list):
        raise ValueError("expected a list")  # noqa: TRY004  a reader's fault is one kind of error here
    return said


def _text(said: Any) -> str:
    if not isinstance(said, str):
        raise ValueError("expected text")  # noqa: TRY004  as above
    return said


def _person(said: Any) -> UUID:
    person = UUID(_text(said))
    if str(person) != said:
        raise ValueError("expected a UUID in lower case with hyphens")
    return person


def _hex(said: Any) -> bytes:
    data = bytes.fromhex(_text(said))
    if data.hex() != said:
        raise ValueError("expected hexadecimal in lower case")
    return data


def _bytes(said: Any) -> bytes:
    try:
        data = base64.b64decode(_text(said), validate=True)
    except binascii.Error as fault:
        raise ValueError("expected base64") from fault
    if _base64(data) != said:
        raise ValueError("expected base64 with padding and no bits to spare")
    return data


def _base64(data: bytes) -> str:
    return base64.standard_b64encode(data).decode()


def _stamp_or_empty(instant: datetime | None) -> str:
    return "" if instant is None else stamp(instant)


def _stamp_or_none(text: Any) -> datetime | None:
    return None if text == "" else read_stamp(text)
