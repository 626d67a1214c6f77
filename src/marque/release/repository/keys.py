"""Who signs metadata: keys in files, keys on a PKCS#11 token, and a public key as metadata lists it.

A person's key is the encrypted file of `marque keys new` or lives on a token; an online key is a plain PEM file that only the server reads.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from marque.alliance import key_files, signing
from marque.car.tuf.canonical import encode
from marque.car.tuf.model import Key, Root, Signature, Snapshot, Targets, Timestamp
from marque.common import InputError, Refused
from marque.release.repository import writing

ED25519 = "ed25519"
ECDSA = "ecdsa"
ECDSA_P256 = "ecdsa-sha2-nistp256"


class Signer(Protocol):
    """Somebody who can sign with one key. Raises InputError or Unavailable when the key is not to be had."""

    @property
    def key(self) -> Key:
        """The public part."""

    def sign(self, payload: bytes) -> bytes:
        """The signature of these bytes in the scheme of the key."""


def key_of(public: bytes | str, organisation: str = "") -> Key:
    """The 32 bytes of an Ed25519 key, or the PEM of an ECDSA key on P-256, as metadata lists it.

    The id is the SHA-256 of the key's canonical description, the organisation left out: the same id that `marque keys` shows.
    Raises Refused for an Ed25519 point of small order.
    """
    if isinstance(public, bytes):
        if (weak := signing.refuse_weak(public)) is not None:
            raise Refused(weak)
        kind, scheme, text = ED25519, ED25519, public.hex()
    else:
        kind, scheme, text = ECDSA, ECDSA_P256, public
    described = {"keytype": kind, "scheme": scheme, "keyval": {"public": text}}
    return Key(hashlib.sha256(encode(described)).hexdigest(), kind, scheme, text, organisation)


def by_id(keys: Sequence[Key]) -> dict[str, Key]:
    """As metadata lists them. Raises InputError where one key is said to be of two organisations."""
    listed: dict[str, Key] = {}
    for key in keys:
        if listed.setdefault(key.id, key) != key:
            raise InputError("keys", key.id[:12], f"one key is listed for {listed[key.id].organisation} and for {key.organisation}")
    return listed


class FileSigner:
    """An Ed25519 key in memory, read from a file."""

    def __init__(self, private: Ed25519PrivateKey, organisation: str = "") -> None:
        self._private = private
        self._key = key_of(private.public_key().public_bytes_raw(), organisation)

    @property
    def key(self) -> Key:
        """The public part."""
        return self._key

    def sign(self, payload: bytes) -> bytes:
        """64 bytes (RFC 8032)."""
        return self._private.sign(payload)

    @classmethod
    def of_person(cls, path: Path, passphrase: str, organisation: str) -> FileSigner:
        """From the encrypted file of `marque keys new`. Raises InputError."""
        return cls(key_files.read_key(path, passphrase), organisation)

    @classmethod
    def online(cls, path: Path) -> FileSigner:
        """From the plain PEM of an online key, readable by its owner alone. Raises InputError."""
        try:
            if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise InputError(path.name, "", "others can read the private key", f"chmod 600 {path.name}; if others did, make a new one.")
            private = load_pem_private_key(path.read_bytes(), None)
        except OSError as fault:
            raise InputError(path.name, "", f"it cannot be read: {fault.strerror}") from fault
        except (ValueError, TypeError) as fault:
            raise InputError(path.name, "", "it is not a private key in plain PEM") from fault
        if not isinstance(private, Ed25519PrivateKey):
            raise InputError(path.name, "", "it is not an Ed25519 key")
        return cls(private)

    @classmethod
    def new_online(cls, path: Path) -> FileSigner:
        """A new online key in a new file, which only its owner can read and which is never written over. Raises InputError."""
        private = Ed25519PrivateKey.generate()
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as fault:
            raise InputError(path.name, "", "the file is already there", "A key is never written over; choose another name.") from fault
        except OSError as fault:
            raise InputError(path.name, "", f"it cannot be written: {fault.strerror}") from fault
        with os.fdopen(descriptor, "wb") as file:
            file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            file.flush()
            os.fsync(file.fileno())
        return cls(private)


def signed(said: Root | Timestamp | Snapshot | Targets, signers: Sequence[Signer]) -> bytes:
    """The file of these values with a signature of each signer."""
    payload = writing.payload(said)
    return writing.dumps(payload, [Signature(one.key.id, one.sign(payload)) for one in signers])
