"""Signed notes and verifier keys as C2SP signed-note defines them, read strictly. Standard library and `cryptography` only.

    <text, ending in a newline>
    <empty line>
    — <key name> <base64 of key id (4 bytes) ‖ signature>

A key's id is the first 4 bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key). Types here: 0x01, Ed25519 over the text; 0x04, the
timestamped cosignature of C2SP tlog-cosignature. A verifier key in text is `<name>+<id in hex>+<base64 of type ‖ public key>`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519, COSIGNATURE_V1 = 0x01, 0x04
MAX_NOTE_BYTES = 1 << 20
MAX_SIGNATURES = 64
_MARK = "— "


class Malformed(ValueError):
    """Text that is not what it should be; says what was expected, a clause without a full stop."""


@dataclass(frozen=True)
class VerifierKey:
    """A name, what kind of signature is expected, and the Ed25519 public key (32 bytes, RFC 8032, 5.1.5) that makes it."""

    name: str
    kind: int
    public_key: bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_base64(bytes([self.kind]) + self.public_key)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Raises Malformed for a broken text, an id that does not belong to the key, and other kinds of keys."""
        name, identifier, encoded = [*text.split("+", 2), "", ""][:3]
        material = from_base64(encoded)
        if not is_name(name) or material is None or len(material) != 33 or material[0] not in (ED25519, COSIGNATURE_V1):
            raise Malformed("a verifier key is <name>+<8 hexadecimal digits>+<base64 of 0x01 or 0x04 and 32 bytes>")
        key = cls(name, material[0], material[1:])
        if identifier != key.id.hex():
            raise Malformed(f"the key's id is {key.id.hex()}, not {identifier[:20]!r}")
        return key


@dataclass(frozen=True)
class Signature:
    """One signature line; nothing of it is verified yet. value: what follows the key's id."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """With its newline."""
        return f"{_MARK}{self.name} {_base64(self.key_id + self.value)}\n"

    @classmethod
    def parse(cls, line: str) -> Signature:
        """line: without its newline. Raises Malformed."""
        name, _, encoded = line.removeprefix(_MARK).partition(" ")
        blob = from_base64(encoded)
        if not line.startswith(_MARK) or not is_name(name) or blob is None or len(blob) < 5:
            raise Malformed("a signature line is an em dash, a name, and base64 of a key id and a signature")
        return cls(name, blob[:4], blob[4:])

    def is_of(self, key: VerifierKey) -> bool:
        """Whether it claims to be by this key."""
        return (self.name, self.key_id) == (key.name, key.id)


@dataclass(frozen=True)
class Note:
    """Text and signature lines, as read."""

    text: str
    signatures: tuple[Signature, ...]

    def dumps(self) -> bytes:
        return (self.text + "\n" + "".join(one.line for one in self.signatures)).encode()

    def also(self, *signatures: Signature) -> Note:
        """With further signatures; one that is there already is not repeated."""
        return replace(self, signatures=tuple(dict.fromkeys([*self.signatures, *signatures])))

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Raises Malformed. What it accepts is exactly what `dumps` writes."""
        if len(data) > MAX_NOTE_BYTES:
            raise Malformed(f"a note has at most {MAX_NOTE_BYTES} bytes")
        try:
            said = data.decode()
        except UnicodeDecodeError:
            raise Malformed("a note is UTF-8") from None
        if any(character < " " and character != "\n" for character in said):
            raise Malformed("a note holds no control characters but newlines")
        text, gap, tail = said.rpartition("\n\n")
        if not gap or not text or not tail.endswith("\n"):
            raise Malformed("a note is text, an empty line and signature lines, each with a newline")
        lines = tail[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise Malformed(f"a note has at most {MAX_SIGNATURES} signatures")
        return cls(text + "\n", tuple(map(Signature.parse, lines)))


def sign(name: str, key: Ed25519PrivateKey, text: str) -> Signature:
    """A plain signature (type 0x01) on the text, its final newline included."""
    return Signature(name, VerifierKey(name, ED25519, key.public_key().public_bytes_raw()).id, key.sign(text.encode()))


def cosign(name: str, key: Ed25519PrivateKey, text: str, seconds: int) -> Signature:
    """A timestamped cosignature (type 0x04). seconds: since 1970-01-01 UTC, 0 ≤ seconds < 2⁶³."""
    stamp = seconds.to_bytes(8)
    known = VerifierKey(name, COSIGNATURE_V1, key.public_key().public_bytes_raw())
    return Signature(name, known.id, stamp + key.sign(_cosigned(seconds, text)))


def is_signed(note: Note, key: VerifierKey) -> bool:
    """Whether a signature of this key stands on it. Raises Malformed when one that claims to be its does not verify (C2SP signed-note)."""
    found = [one for one in note.signatures if one.is_of(key)]
    for one in found:
        if not _verifies(key, one.value, note.text):
            raise Malformed(f"the signature of {key.name} does not fit the text and the key {key.id.hex()}")
    return bool(found)


def cosigned_at(note: Note, key: VerifierKey) -> int | None:
    """When this witness cosigned, last if it did more than once, in seconds since 1970; None without. Raises Malformed as above."""
    if key.kind != COSIGNATURE_V1:
        raise Malformed(f"{key.name} is not the key of a witness (type 0x04)")
    if not is_signed(note, key):
        return None
    return max(int.from_bytes(one.value[:8]) for one in note.signatures if one.is_of(key))


def is_name(name: str) -> bool:
    return name != "" and not any(character.isspace() or character < " " or character == "+" for character in name)


def from_base64(text: str) -> bytes | None:
    """The bytes, if this is exactly how they are written (RFC 4648, section 4, padding and no spare bits)."""
    try:
        data = base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _base64(data) == text else None


def _verifies(key: VerifierKey, value: bytes, text: str) -> bool:
    stamp, signature = (value[:8], value[8:]) if key.kind == COSIGNATURE_V1 else (b"", value)
    seconds = int.from_bytes(stamp)
    if len(signature) != 64 or seconds >= 1 << 63:
        return False
    message = _cosigned(seconds, text) if key.kind == COSIGNATURE_V1 else text.encode()
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _cosigned(seconds: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _base64(data: bytes) -> str:
    return base64.standard_b64encode(data).decode()
