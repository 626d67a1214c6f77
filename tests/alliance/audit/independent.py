"""A second verifier, written from docs/audit.md alone: it shares no line with the package, so that the two can judge each other.

Slow and whole in memory, on purpose. `check(data, log, witnesses)` raises AssertionError or ValueError for a file that is not sound.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def root(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    half = 1
    while 2 * half < len(leaves):
        half *= 2
    return sha256(b"\1", root(leaves[:half]), root(leaves[half:]))


def check(data: bytes, log: tuple[str, bytes], witnesses: list[tuple[str, bytes]]) -> int:
    """log, witnesses: names and public keys. Returns how many entries there are."""
    body, _, end = data[:-1].rpartition(b"\n")
    assert data.endswith(b"\n")
    assert end == b"sha256 " + sha256(body, b"\n").hex().encode()
    front, text, signed, rest = (body + b"\n").split(b"\n\n", 3)
    magic, organisation, scope = front.decode().split("\n")
    assert magic == "marque-audit-export/v1"
    organisation = organisation.removeprefix("organisation ")

    origin, size, encoded = text.decode().split("\n")
    assert origin == log[0]
    assert size == str(int(size))
    signatures = [line.split(" ") for line in signed.decode().split("\n")]
    for kind, (name, public) in [(b"\1", log), *((b"\4", witness) for witness in witnesses)]:
        key_id = sha256(name.encode(), b"\n", kind, public)[:4]
        values = [base64.b64decode(value, validate=True) for dash, named, value in signatures if dash == "—" and named == name]
        values = [value[4:] for value in values if value[:4] == key_id]
        assert values, f"{name} has not signed"
        for value in values:
            stamp, signature = (value[:8], value[8:]) if kind == b"\4" else (b"", value)
            before = b"cosignature/v1\ntime %d\n" % int.from_bytes(stamp) if stamp else b""
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(signature, before + text + b"\n")
            except InvalidSignature:
                raise AssertionError(name) from None

    leaves, at, last = [], len(body) + 1 - len(rest), -1
    for index, line in enumerate(rest[:-1].split(b"\n") if rest else []):
        content, check = line[:-8], line[-8:]
        assert check == b"%08x" % zlib.crc32(data[: at + len(content)])
        at += len(line) + 1
        fields = content[:-1].split(b" ", 2)
        leaf = bytes.fromhex(fields[0].decode())
        leaves.append(leaf)
        if len(fields) == 1:
            continue
        salt, document = bytes.fromhex(fields[1].decode()), fields[2]
        assert leaf == sha256(b"\0", sha256(b"marque.example/audit-entry/v1\n", salt, document))
        said = json.loads(document)
        assert said["index"] == index
        if scope.startswith("seed "):
            link = sha256(bytes.fromhex(scope.removeprefix("seed ")), last.to_bytes(8, signed=True)).hex()
            assert said["concerned"][organisation] == link
        else:
            assert {organisation, scope.removeprefix("shared with ")} <= said["concerned"].keys()
        last = index
    assert len(leaves) == int(size)
    assert base64.standard_b64encode(root(leaves)).decode() == encoded
    return len(leaves)
