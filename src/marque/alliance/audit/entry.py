"""What an entry of the log commits to, and how the entries that concern one organisation hang together. Standard library only.

The log holds, for each entry, a commitment: SHA-256 over a line that says what this is, 32 random bytes (salt), and the entry's document.
Without salt and document nobody can tell, nor guess and try, what it is of; with them it can be of nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marque.alliance.audit.note import Malformed
from marque.alliance.audit.tree import leaf_hash

DOMAIN = b"marque.example/audit-entry/v1\n"
SALT_BYTES = SEED_BYTES = 32
MAX_DOCUMENT_BYTES = 1 << 20
_FIELDS = {"at", "body", "by", "concerned", "index", "kind"}


@dataclass(frozen=True)
class Statement:
    """A document, read.

    index: the entry's place in the log, from 0. at: RFC 3339. by: organisation and person that acted. concerned: a link (64 hexadecimal
    digits) by organisation. kind, body: what happened, in the words of whoever wrote it down.
    """

    index: int
    at: str
    by: Mapping[str, Any]
    concerned: Mapping[str, str]
    kind: str
    body: Mapping[str, Any]


def commitment(salt: bytes, document: bytes) -> bytes:
    """SHA-256(DOMAIN ‖ salt ‖ document): the entry as the Merkle tree sees it. A salt has 32 bytes, so no two inputs are one."""
    return hashlib.sha256(DOMAIN + salt + document).digest()


def committed_leaf(salt: bytes, document: bytes) -> bytes:
    """The leaf hash of that commitment: SHA-256(0x00 ‖ commitment)."""
    return leaf_hash(commitment(salt, document))


def link(seed: bytes, previous: int | None) -> str:
    """What an entry says about the one before it that concerns the same organisation, in hexadecimal: SHA-256(seed ‖ index as 8 bytes).

    Whoever has the organisation's seed can tell that nothing was left out in between; the others concerned cannot tell how much there is.
    seed: 32 bytes, so that no two inputs are one. previous: None before the first, which counts as −1 (two's complement, big-endian).
    """
    return hashlib.sha256(seed + (-1 if previous is None else previous).to_bytes(8, signed=True)).hexdigest()


def read(document: bytes) -> Statement:
    """Raises Malformed when it is not a JSON object with exactly the fields of a statement, each once and of its type."""
    try:
        said = json.loads(document.decode(), object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        raise Malformed("the document is not JSON in UTF-8 with every field once") from None
    if not isinstance(said, dict) or said.keys() != _FIELDS:
        raise Malformed(f"a document has the fields {', '.join(sorted(_FIELDS))}")
    typed = type(said["index"]) is int and all(isinstance(said[name], str) for name in ("at", "kind"))
    if not typed or not all(isinstance(said[name], dict) for name in ("by", "concerned", "body")):
        raise Malformed("a field of the document is of another type than it should be")
    return Statement(**said)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) < len(pairs):
        raise ValueError
    return said
