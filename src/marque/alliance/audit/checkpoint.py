"""Checkpoints: a log's size and root at one moment, as C2SP tlog-checkpoint writes them; and how a witness is asked to cosign one.

The text of a checkpoint is the log's name (origin), the number of entries in decimal, the root in base64, a line each; this log adds no
extension lines and accepts none. Standard library and `cryptography` only.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from marque.alliance.audit import note
from marque.alliance.audit.note import Malformed, Note
from marque.alliance.audit.tree import EMPTY_ROOT, HASH_BYTES

MAX_PROOF = 63
_SIZE = re.compile("0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """size: entries. root: 32 bytes, the Merkle tree hash over their leaf hashes (RFC 9162, 2.1.1)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.standard_b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Raises Malformed. What it accepts is exactly what `text` writes."""
        origin, size, encoded, *rest = [*text.split("\n"), "", "", ""]
        root = note.from_base64(encoded)
        if rest != ["", "", "", ""] or not note.is_name(origin) or not _SIZE.fullmatch(size) or root is None or len(root) != HASH_BYTES:
            raise Malformed("a checkpoint is three lines: the log's name, its size, its root of 32 bytes in base64")
        if size == "0" and root != EMPTY_ROOT:
            raise Malformed("the root of no entries is that of the empty tree")
        return cls(origin, int(size), root)


@dataclass(frozen=True)
class Request:
    """What a witness is asked (C2SP tlog-witness, add-checkpoint). old: the size it cosigned last. proof: from there to the checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    def dumps(self) -> bytes:
        proof = [base64.standard_b64encode(one).decode() for one in self.proof]
        return "".join(f"{line}\n" for line in [f"old {self.old}", *proof, ""]).encode() + self.note.dumps()

    @classmethod
    def parse(cls, data: bytes) -> Request:
        """Raises Malformed. What it accepts is exactly what `dumps` writes."""
        head, gap, tail = data.partition(b"\n\n")
        first, *lines = head.decode(errors="replace").split("\n")
        proof = [note.from_base64(line) for line in lines]
        whole = [one for one in proof if one is not None and len(one) == HASH_BYTES]
        size = first.removeprefix("old ")
        if not gap or not first.startswith("old ") or not _SIZE.fullmatch(size) or len(whole) != len(lines) or len(whole) > MAX_PROOF:
            raise Malformed(f"a request is `old <size>`, at most {MAX_PROOF} hashes in base64, an empty line and a checkpoint")
        return cls(int(size), tuple(whole), Note.parse(tail))


def verified(data: Note, log: note.VerifierKey) -> Checkpoint:
    """The checkpoint of a note that this log signed. Raises Malformed when it did not, or when the checkpoint is of another log."""
    checkpoint = Checkpoint.parse(data.text)
    if checkpoint.origin != log.name:
        raise Malformed(f"the checkpoint is of the log {checkpoint.origin[:80]!r}, not of {log.name!r}")
    if not note.is_signed(data, log):
        raise Malformed(f"the checkpoint carries no signature of the log's key {log.id.hex()}")
    return checkpoint


def cosigners(data: Note, witnesses: Sequence[note.VerifierKey]) -> dict[str, int]:
    """Which of these witnesses cosigned, by name, and when (seconds since 1970). Raises Malformed when a signature does not fit."""
    times = {witness.name: note.cosigned_at(data, witness) for witness in witnesses}
    return {name: seconds for name, seconds in times.items() if seconds is not None}
