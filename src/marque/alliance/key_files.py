"""A person's private key as a file of their own: PKCS#8, encrypted with a passphrase. It never reaches a server.

PBES2 (RFC 8018, 6.2) with scrypt (RFC 7914, 7.1) and AES-256-CBC, in PEM: what `openssl pkey -in FILE` reads. `cryptography` reads this
form but writes only PBKDF2 with 2,048 rounds, which a guesser goes through in no time, so it is put together here.
"""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from marque.common import InputError

LEAST_PASSPHRASE = 12
"""Characters. NIST SP 800-63B-4, 3.1.1.2, asks for 15 where a passphrase stands alone and for 8 beside another factor, here a passkey."""
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**14, 8, 5
"""16 MiB, five times over: OWASP's setting for N = 2^14, the largest N that every OpenSSL reads without being told a memory limit."""

_SEQUENCE, _INTEGER, _OCTETS = 0x30, 0x02, 0x04
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_SCRYPT = bytes.fromhex("06092b06010401da47040b")
_AES_256_CBC = bytes.fromhex("060960864801650304012a")


def encrypt(key: Ed25519PrivateKey, passphrase: str) -> bytes:
    """The PEM of an EncryptedPrivateKeyInfo (RFC 5958, 3)."""
    salt, vector = os.urandom(16), os.urandom(16)
    derived = Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase.encode())
    padder, cipher = PKCS7(128).padder(), Cipher(algorithms.AES256(derived), modes.CBC(vector)).encryptor()
    plain = padder.update(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())) + padder.finalize()
    costs = b"".join(_integer(cost) for cost in (SCRYPT_N, SCRYPT_R, SCRYPT_P))
    derivation = _der(_SEQUENCE, _SCRYPT + _der(_SEQUENCE, _der(_OCTETS, salt) + costs))
    encryption = _der(_SEQUENCE, _AES_256_CBC + _der(_OCTETS, vector))
    algorithm = _der(_SEQUENCE, _PBES2 + _der(_SEQUENCE, derivation + encryption))
    info = base64.encodebytes(_der(_SEQUENCE, algorithm + _der(_OCTETS, cipher.update(plain) + cipher.finalize()))).replace(b"\n", b"")
    lines = [info[start : start + 64] for start in range(0, len(info), 64)]
    return b"\n".join([b"-----BEGIN ENCRYPTED PRIVATE KEY-----", *lines, b"-----END ENCRYPTED PRIVATE KEY-----", b""])


def write_key(path: Path, key: Ed25519PrivateKey, passphrase: str) -> None:
    """A new file that only its owner can read; an existing one is never written over. Raises InputError."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise InputError(
            "passphrase", "", f"it has fewer than {LEAST_PASSPHRASE} characters", "Four words chosen at random are easy to keep."
        )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as fault:
        raise InputError(path.name, "", "the file is already there", "A key is never written over; choose another name.") from fault
    except OSError as fault:
        raise InputError(path.name, "", f"it cannot be written: {fault.strerror}") from fault
    with os.fdopen(descriptor, "wb") as file:
        file.write(encrypt(key, passphrase))
        file.flush()
        os.fsync(file.fileno())


def read_key(path: Path, passphrase: str) -> Ed25519PrivateKey:
    """The private key of a file that nobody else can read. Raises InputError."""
    try:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise InputError(path.name, "", "others can read the private key", f"chmod 600 {path.name}; if others did read it, revoke it.")
        key = load_pem_private_key(path.read_bytes(), passphrase.encode())
    except OSError as fault:
        raise InputError(path.name, "", f"it cannot be read: {fault.strerror}") from fault
    except (ValueError, TypeError) as fault:
        raise InputError(path.name, "", "it is not a private key encrypted with this passphrase") from fault
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(path.name, "", "it is not an Ed25519 key", "Make one with `marque keys new`.")
    return key


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 0x80 else bytes([0x80 | (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag]) + length + content


def _integer(value: int) -> bytes:
    return _der(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1))
