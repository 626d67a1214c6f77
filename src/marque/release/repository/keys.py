"""Who signs metadata: keys in files, keys on a PKCS#11 token, and a public key as metadata lists it.

A person's key is the encrypted file of `marque keys new` or lives on a token; an online key is a plain PEM file that only the server reads.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA as ECDSA_WITH
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

from marque.alliance import key_files, signing
from marque.car.tuf.canonical import encode
from marque.car.tuf.model import Key, Root, Signature, Snapshot, Targets, Timestamp
from marque.common import InputError, Refused
from marque.release.repository import writing

ED25519 = "ed25519"
ECDSA = "ecdsa"
ECDSA_P256 = "ecdsa-sha2-nistp256"
_WITH_SHA256 = ECDSA_WITH(SHA256())


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
    """A key in memory, read from a file: Ed25519, or ECDSA on P-256."""

    def __init__(self, private: Ed25519PrivateKey | EllipticCurvePrivateKey, organisation: str = "") -> None:
        public = private.public_key()
        if isinstance(private, Ed25519PrivateKey):
            self._sign: Callable[[bytes], bytes] = private.sign
            self._key = key_of(public.public_bytes(Encoding.Raw, PublicFormat.Raw), organisation)
        else:
            self._sign = partial(private.sign, signature_algorithm=_WITH_SHA256)
            self._key = key_of(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), organisation)

    @property
    def key(self) -> Key:
        """The public part."""
        return self._key

    def sign(self, payload: bytes) -> bytes:
        """64 bytes of Ed25519 (RFC 8032), or the DER of an ECDSA signature on the payload's SHA-256."""
        return self._sign(payload)

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
        if isinstance(private, Ed25519PrivateKey) or (
            isinstance(private, EllipticCurvePrivateKey) and isinstance(private.curve, SECP256R1)
        ):
            return cls(private)
        raise InputError(path.name, "", "it is not an Ed25519 key, nor one on the curve P-256")

    @classmethod
    def new_online(cls, path: Path, kind: str = ED25519) -> FileSigner:
        """A new online key in a new file, which only its owner can read and which is never written over. Raises InputError.

        kind: ED25519, or ECDSA on P-256, with which a third less processor time goes into a signature and into its verification: right for
        a director, which signs for every car.
        """
        private = Ed25519PrivateKey.generate() if kind == ED25519 else generate_private_key(SECP256R1())
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
