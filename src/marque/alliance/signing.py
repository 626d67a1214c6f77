"""Signatures of people on exact bytes: DSSE envelopes with Ed25519 keys.

What is signed is the pre-authentication encoding (PAE) of a payload type and a payload: `DSSEv1 SP LEN(type) SP type SP LEN(body) SP body`
(DSSE v1, protocol.md). A key belongs to one person of one organisation; rules count organisations by distinct public keys, never by the
names that an envelope gives them. The format and the signing are securesystemslib's; reading is stricter than DSSE asks for: what a later
reader could take differently (unknown or repeated fields, sloppy base64, signatures that nobody vouches for) is refused, not skipped.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib import dsse
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]  # its public face names no __all__
from securesystemslib.signer import Signature as LibrarySignature  # type: ignore[attr-defined]

from marque.common import Refusal, Sentence

AGREEMENT_REVISION = "application/vnd.marque.agreement-revision+json"
KEY_ENROLMENT = "application/vnd.marque.key-enrolment+json"
ENROLMENT_KIND = "https://marque.example/key-enrolment/v1"
MAX_ENVELOPE_BYTES = 4 * 1024 * 1024
MAX_SIGNATURES = 64
_SIGNATURE_BYTES = 64

# With one of these as a public key anybody's signature verifies. y of the eight points whose order divides 8, in every encoding that
# libraries take (little-endian, the sign of x cleared): 0, 1, the two of order 8, p − 1, p, p + 1, with p = 2²⁵⁵ − 19.
_P = 2**255 - 19
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset({0, 1, _ORDER_8, _P - _ORDER_8, _P - 1, _P, _P + 1})


@dataclass(frozen=True)
class PersonKey:
    """A person's public key, as enrolled. public_key: 32 bytes (RFC 8032, 5.1.5). It counts in [valid_from, valid_until) until revoked."""

    organisation: str
    person: UUID
    public_key: bytes
    valid_from: datetime
    valid_until: datetime
    revoked_at: datetime | None = None

    @property
    def id(self) -> str:
        return key_id(self.public_key)

    def counts_at(self, instant: datetime) -> bool:
        """What was signed before a revocation stays signed; what is signed in its very instant is not."""
        return self.valid_from <= instant < self.valid_until and (self.revoked_at is None or instant < self.revoked_at)


@dataclass(frozen=True)
class Signer:
    """Who signed, as verified. key: the id of the public key."""

    organisation: str
    person: UUID
    key: str


@dataclass(frozen=True)
class Signature:
    """One signature of an envelope. key: the id it names, empty when it names none."""

    key: str
    value: bytes


@dataclass(frozen=True)
class Envelope:
    """A DSSE envelope, as read; nothing of it is verified yet."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def pae(self) -> bytes:
        return pae(self.payload_type, self.payload)

    def dumps(self) -> bytes:
        """The one way Marque writes it: canonical JSON (RFC 8785), base64 of the standard alphabet."""
        signatures = [{**({"keyid": one.key} if one.key else {}), "sig": _base64(one.value)} for one in self.signatures]
        return rfc8785.dumps({"payload": _base64(self.payload), "payloadType": self.payload_type, "signatures": signatures})


@dataclass(frozen=True)
class Enrolment:
    """A person's own request to have a public key enrolled, proven to be in their hands by a signature with it."""

    organisation: str
    person: UUID
    public_key: bytes


def key_id(public_key: bytes) -> str:
    """SHA-256 in hex of the key's canonical description, as TUF and in-toto count it (securesystemslib's default)."""
    return _library_key(public_key).keyid


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that a signature covers (DSSE v1, protocol.md, "Signature Definition")."""
    return dsse.Envelope(payload, payload_type, {}).pae()


def sign(document: bytes, key: Ed25519PrivateKey, payload_type: str = AGREEMENT_REVISION) -> bytes:
    """An envelope of these exact bytes with one signature."""
    envelope = dsse.Envelope(document, payload_type, {})
    made = envelope.sign(CryptoSigner(key))
    return Envelope(payload_type, document, (Signature(made.keyid, bytes.fromhex(made.signature)),)).dumps()


def combine(envelopes: Sequence[bytes]) -> bytes | Refusal:
    """One envelope with the signatures of several on the same text, each once, for tools that know DSSE and not Marque."""
    read: list[Envelope] = []
    for one in envelopes:
        envelope = read_envelope(one)
        if isinstance(envelope, Refusal):
            return envelope
        read.append(envelope)
    if not read:
        return Refusal("there is no envelope to combine")
    if len({envelope.pae for envelope in read}) > 1:
        return Refusal("the envelopes hold different texts")
    signatures = dict.fromkeys(signature for envelope in read for signature in envelope.signatures)
    if len(signatures) > MAX_SIGNATURES:
        return Refusal("together the envelopes hold too many signatures", {"at most": str(MAX_SIGNATURES)})
    return Envelope(read[0].payload_type, read[0].payload, tuple(signatures)).dumps()


def verify(
    envelope: bytes, keys: Iterable[PersonKey], *, document: bytes, at: datetime, payload_type: str = AGREEMENT_REVISION
) -> tuple[Signer, ...] | Refusal:
    """Who signed exactly this document, each key once, in the order of the envelope; or why the envelope as a whole is not accepted.

    keys: every key that may have signed, of all organisations. at: when the signature was received, by the server's record.
    A signature of an unknown key, a wrong one, or one of a key that did not count at that time refuses the envelope.
    """
    read = read_envelope(envelope)
    if isinstance(read, Refusal):
        return read
    if read.payload_type != payload_type:
        return Refusal("the envelope holds another type of payload", {"expected": payload_type, "found": read.payload_type[:80]})
    if read.payload != document:
        return Refusal("the signature is for another text")
    known = _one_holder_each(keys)
    if isinstance(known, Refusal):
        return known
    signers: dict[str, Signer] = {}
    for number, signature in enumerate(read.signatures, 1):
        candidates = [known[signature.key]] if signature.key in known else list(known.values()) if not signature.key else []
        key = next((one for one in candidates if _verifies(one.public_key, signature.value, read.pae)), None)
        place = {"signature": str(number)}
        if not candidates:
            return Refusal("a signature is by a key that is not enrolled", place)
        if key is None:
            return Refusal("a signature does not fit the text and its key", place)
        if not key.counts_at(at):
            return Refusal("a signature is by a key that was not valid at that time", place | {"at": at.isoformat()})
        signers.setdefault(key.id, Signer(key.organisation, key.person, key.id))
    return tuple(signers.values())


def read_envelope(text: bytes) -> Envelope | Refusal:
    """The envelope, strictly: `payload`, `payloadType` and `signatures` of `sig` and, where given, `keyid`; no other field, none twice.

    Both base64 alphabets are read, as DSSE demands (protocol.md), each with padding and without bits to spare.
    """
    said = read_json(text, MAX_ENVELOPE_BYTES, "envelope")
    if isinstance(said, Refusal):
        return said
    if said.keys() != {"payload", "payloadType", "signatures"}:
        return Refusal("an envelope has the fields payload, payloadType and signatures, and no others")
    payload, kind, listed = _from_base64(said["payload"]), said["payloadType"], said["signatures"]
    if payload is None:
        return Refusal("the payload is not base64 with padding")
    if not isinstance(kind, str) or not kind.isprintable():
        return Refusal("the payload type is not a line of text")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_SIGNATURES:
        return Refusal("an envelope holds a list of signatures", {"at least": "1", "at most": str(MAX_SIGNATURES)})
    signatures: list[Signature] = []
    for number, one in enumerate(listed, 1):
        place = {"signature": str(number)}
        if not isinstance(one, dict) or not {"sig"} <= one.keys() <= {"sig", "keyid"}:
            return Refusal("a signature has the fields sig and keyid, and no others", place)
        value, named = _from_base64(one["sig"]), one.get("keyid", "")
        if value is None or len(value) != _SIGNATURE_BYTES:
            return Refusal("a signature is not 64 bytes in base64 with padding", place)
        if not isinstance(named, str):
            return Refusal("a key id is not text", place)
        signatures.append(Signature(named, value))
    return Envelope(kind, payload, tuple(signatures))


def request_enrolment(organisation: str, person: UUID, key: Ed25519PrivateKey) -> bytes:
    """What a person hands in to have the public part enrolled: an envelope, signed with the key it is about."""
    said = {
        "kind": ENROLMENT_KIND,
        "organisation": organisation,
        "person": str(person),
        "publicKey": key.public_key().public_bytes_raw().hex(),
    }
    return sign(rfc8785.dumps(said), key, KEY_ENROLMENT)


def read_enrolment(request: bytes) -> Enrolment | Refusal:
    """The request, if its one signature is by the very key it wants enrolled."""
    envelope = read_envelope(request)
    if isinstance(envelope, Refusal):
        return envelope
    if envelope.payload_type != KEY_ENROLMENT or len(envelope.signatures) != 1:
        return Refusal("this is not a request to enrol a key", {"expected": KEY_ENROLMENT, "found": envelope.payload_type[:80]})
    said = read_json(envelope.payload, MAX_ENVELOPE_BYTES, "request")
    if isinstance(said, Refusal):
        return said
    texts = {name: value for name, value in said.items() if isinstance(value, str)}
    if texts.keys() != {"kind", "organisation", "person", "publicKey"} or texts["kind"] != ENROLMENT_KIND or len(said) != len(texts):
        return Refusal("a request to enrol a key has the fields kind, organisation, person and publicKey", {"kind": ENROLMENT_KIND})
    try:
        person, public_key = UUID(texts["person"]), bytes.fromhex(texts["publicKey"])
    except ValueError:
        return Refusal("the person is no UUID, or the public key not hexadecimal")
    if (weak := refuse_weak(public_key)) is not None:
        return weak
    if not _verifies(public_key, envelope.signatures[0].value, envelope.pae):
        return Refusal("the request is not signed with the key it wants enrolled")
    return Enrolment(texts["organisation"], person, public_key)


def refuse_weak(public_key: bytes) -> Refusal | None:
    """Why these bytes may not be anybody's Ed25519 public key: wrong length, or a point for which everybody can sign."""
    if len(public_key) != 32:
        return Refusal("an Ed25519 public key has 32 bytes", {"found": str(len(public_key))})
    if int.from_bytes(public_key, "little") & (1 << 255) - 1 in _SMALL_ORDER:
        return Refusal("this public key is a point of small order: anybody could sign for it")
    return None


def read_json(text: bytes, at_most: int, what: str) -> dict[str, Any] | Refusal:
    """A JSON object in UTF-8 of at most so many bytes, in which no field stands twice."""
    if len(text) > at_most:
        return Refusal(Sentence("the {what} is too large", what=what), {"bytes": str(len(text)), "at most": str(at_most)})
    try:
        said = json.loads(text.decode(), object_pairs_hook=_once_each, parse_constant=_no_constant)
    except _RepeatedError as fault:
        return Refusal(Sentence("a field stands twice in the {what}", what=what), {"field": str(fault)})
    except (ValueError, RecursionError):
        return Refusal(Sentence("the {what} is not JSON in UTF-8", what=what))
    return said if isinstance(said, dict) else Refusal(Sentence("the {what} is not a JSON object", what=what))


class _RepeatedError(Exception):
    pass


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedError(next(name for name in names if names.count(name) > 1)[:40])
    return said


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _one_holder_each(keys: Iterable[PersonKey]) -> dict[str, PersonKey] | Refusal:
    known: dict[str, PersonKey] = {}
    for key in keys:
        if (weak := refuse_weak(key.public_key)) is not None:
            return weak
        before = known.setdefault(key.id, key)
        if before != key:
            return Refusal("one public key stands for two holders or two spans of time", {"key": key.id})
    return known


def _verifies(public_key: bytes, signature: bytes, data: bytes) -> bool:
    key = _library_key(public_key)
    try:
        key.verify_signature(LibrarySignature(key.keyid, signature.hex()), data)
    except UnverifiedSignatureError:
        return False
    return True


def _library_key(public_key: bytes) -> SSlibKey:
    return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(public_key))


def _base64(data: bytes) -> str:
    return base64.standard_b64encode(data).decode()


def _from_base64(text: Any) -> bytes | None:
    if not isinstance(text, str) or not text.isascii():
        return None
    standard = text if "+" in text or "/" in text else text.replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(standard, validate=True)
    except binascii.Error:
        return None
    return data if _base64(data) == standard else None
