"""A log in memory, with everything random drawn from a seed: exports as they should be, and as somebody who lies would write them."""

from __future__ import annotations

import io
import random
import re
import types
from dataclasses import dataclass, field
from pathlib import Path

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.alliance.audit import Checkpoint, Keys, LogKey, Note, VerifierKey, note, tree
from marque.alliance.audit.bundle import Head, Leaf, Writer
from marque.alliance.audit.entry import committed_leaf, link


def private_key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32))


LOG = LogKey("log.example", private_key(1))
WITNESSES = {f"witness.{code}.example": private_key(number) for number, code in enumerate(("gac", "huawei"), 2)}
WITNESS_KEYS = tuple(VerifierKey(name, note.COSIGNATURE_V1, key.public_key().public_bytes_raw()) for name, key in WITNESSES.items())
KEYS = Keys(LOG.verifier_key, WITNESS_KEYS)


@dataclass
class Ledger:
    """What the server has: documents with salts, whom they concern, and the seeds."""

    number: int = 0
    entries: list[tuple[bytes, bytes, set[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.number)
        self.last: dict[str, int] = {}

    def seed(self, code: str) -> bytes:
        return random.Random(code).randbytes(32)

    def add(self, *concerned: str, kind: str = "test.happened", **body: object) -> None:
        index = len(self.entries)
        links = {code: link(self.seed(code), self.last.get(code)) for code in concerned}
        self.last |= dict.fromkeys(concerned, index)
        by = {"organisation": concerned[0], "person": None}
        said = {"at": "2025-06-01T12:00:00+00:00", "body": body, "by": by, "concerned": links, "index": index, "kind": kind}
        self.entries.append((self.chance.randbytes(32), rfc8785.dumps(said), set(concerned)))

    def fill(self, count: int) -> Ledger:
        """Entries of two partners and of a rival, alone and together."""
        for number in range(count):
            self.add(
                *self.chance.choice([("gac",), ("huawei",), ("gac", "huawei"), ("byd",), ("byd", "huawei")]),
                number=number,
                text="Größe 尺寸",
            )
        return self

    def leaves(self) -> list[bytes]:
        return [committed_leaf(salt, document) for salt, document, _ in self.entries]

    def checkpoint(self, size: int) -> Checkpoint:
        frontier = tree.Frontier()
        for leaf in self.leaves()[:size]:
            frontier.append(leaf)
        return Checkpoint(LOG.name, size, frontier.root())

    def note(self, size: int, witnesses: dict[str, Ed25519PrivateKey] = WITNESSES, log: LogKey = LOG) -> Note:
        text = self.checkpoint(size).text
        cosigned = [note.cosign(name, key, text, 1748779200) for name, key in witnesses.items()]
        return Note(text, (note.sign(log.name, log.key, text), *cosigned))

    def export(self, code: str, size: int | None = None, shared_with: str = "", signed: Note | None = None) -> bytes:
        size = len(self.entries) if size is None else size
        own = {index for index, (_, _, concerned) in enumerate(self.entries) if {code, shared_with or code} <= concerned}
        rows = [(leaf, *self.entries[index][:2]) if index in own else (leaf,) for index, leaf in enumerate(self.leaves()[:size])]
        return written(Head(code, shared_with or self.seed(code), signed or self.note(size)), rows)


def written(head: Head, rows: list[tuple[bytes, ...]]) -> bytes:
    """A file whose checks and digest are right, whatever it says."""
    out = io.BytesIO()
    writer = Writer(out, head)
    for row in rows:
        writer.leaf(Leaf(*row))
    writer.end()
    return out.getvalue()


def listing() -> str:
    """The verifier that docs/audit.md prints, which shares no line with the package."""
    page = (Path(__file__).parents[3] / "docs" / "audit.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return found


independent = types.ModuleType("independent")
exec(compile(listing(), "docs/audit.md", "exec"), independent.__dict__)


def judged_sound(data: bytes) -> bool:
    """By that verifier, with the keys of this module."""
    try:
        independent.check(data, (LOG.name, KEYS.log.public_key), [(key.name, key.public_key) for key in WITNESS_KEYS])
    except Exception:  # whatever it fails with, it does not pass
        return False
    return True


def flipped(data: bytes, bit: int) -> bytes:
    """One bit changed; bits count on from the first byte's lowest."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
