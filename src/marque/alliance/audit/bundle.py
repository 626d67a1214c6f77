"""The file an organisation takes away: every leaf hash of the log, its own entries, and a checkpoint; written and read as a stream.

docs/audit.md describes it byte by byte. Lines of UTF-8, each with a newline; each leaf's line ends with a running check, so that damage
has a place, and the file with its digest, so that none is missed. Neither is a proof against somebody who writes the file anew: that is
what commitments, root and signatures are for. Standard library and `cryptography` only.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from marque.alliance.audit.entry import MAX_DOCUMENT_BYTES
from marque.alliance.audit.note import MAX_NOTE_BYTES, Malformed, Note

MAGIC = b"marque-audit-export/v1\n"
_ORGANISATION = re.compile(rb"organisation ([a-z][a-z0-9-]{0,39})\n")
_SCOPE = re.compile(rb"(?:seed ([0-9a-f]{64})|shared with ([a-z][a-z0-9-]{0,39}))\n")
_LEAF = re.compile(rb"([0-9a-f]{64})(?: ([0-9a-f]{64}) ([^\n]+))? ([0-9a-f]{8})\n")
_END = re.compile(rb"sha256 ([0-9a-f]{64})\n")
_MAX_LINE = MAX_DOCUMENT_BYTES + 256


@dataclass(frozen=True)
class Head:
    """Whose export it is, and the checkpoint it belongs to, with signatures.

    scope: for itself, with all its entries, the secret that links them (32 bytes); to be shown to another organisation, with only what
    concerns both, that one's code.
    """

    organisation: str
    scope: bytes | str
    note: Note

    @property
    def shared_with(self) -> str | None:
        return self.scope if isinstance(self.scope, str) else None

    def dumps(self) -> bytes:
        scope = f"seed {self.scope.hex()}" if isinstance(self.scope, bytes) else f"shared with {self.scope}"
        return MAGIC + f"organisation {self.organisation}\n{scope}\n\n".encode() + self.note.dumps() + b"\n"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry: its leaf hash; salt and document where it concerns the export's organisation. sound: whether the line's check holds."""

    hash: bytes
    salt: bytes | None = None
    document: bytes | None = None
    sound: bool = True


class Broken(Malformed):
    """The file cannot be read on. index: of the entry where it ends to make sense; None outside of the entries."""

    def __init__(self, problem: str, index: int | None = None) -> None:
        super().__init__(problem)
        self.index = index


class Writer:
    """Writes head, leaves in the log's order, and the end. Nothing is kept in memory."""

    def __init__(self, out: BinaryIO, head: Head) -> None:
        self._out, self._digest, self._check = out, hashlib.sha256(), 0
        self._write(head.dumps())

    def leaf(self, leaf: Leaf) -> None:
        own = b"" if leaf.salt is None or leaf.document is None else f" {leaf.salt.hex()} ".encode() + leaf.document
        self._write(leaf.hash.hex().encode() + own + b" ")
        self._write(f"{self._check:08x}\n".encode())

    def end(self) -> None:
        self._out.write(f"sha256 {self._digest.hexdigest()}\n".encode())

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._digest.update(data)
        self._check = zlib.crc32(data, self._check)


class Reader:
    """Reads the same, a line at a time. After the last leaf, `end` is None, or says how the file fails to end as it should."""

    def __init__(self, data: BinaryIO) -> None:
        """Reads the head. Raises Broken."""
        self._data, self._digest, self._check = data, hashlib.sha256(), 0
        self.end: str | None = "the file is cut off"
        if self._line() != MAGIC:
            raise Broken("this is not an export of an audit log (marque-audit-export/v1)")
        organisation, scope = _ORGANISATION.fullmatch(self._line()), _SCOPE.fullmatch(self._line())
        if not organisation or not scope or self._line() != b"\n":
            raise Broken("the head does not name an organisation and its seed, or whom it is shared with")
        try:
            note = Note.parse(self._block() + b"\n" + self._block())
        except Malformed as fault:
            raise Broken(f"the checkpoint cannot be read: {fault}") from fault
        self.head = Head(organisation[1].decode(), scope[2].decode() if scope[2] else bytes.fromhex(scope[1].decode()), note)

    def leaves(self) -> Iterator[Leaf]:
        """Raises Broken at a line that is neither a leaf nor the end."""
        index = 0
        while line := self._data.readline(_MAX_LINE):
            match = _LEAF.fullmatch(line)
            if match is None:
                self._finish(line, index)
                return
            said, before = int(match[4], 16), line[:-9]
            sound = zlib.crc32(before, self._check) == said
            self._check = zlib.crc32(line[-9:], said)  # from what it says, so that one wrong line does not spoil the next
            self._digest.update(line)
            salt = bytes.fromhex(match[2].decode()) if match[2] else None
            yield Leaf(bytes.fromhex(match[1].decode()), salt, match[3], sound)
            index += 1

    def _finish(self, line: bytes, index: int) -> None:
        match = _END.fullmatch(line)
        if match is None:
            raise Broken("this line is neither an entry nor the end of the file", index)
        if match[1].decode() != self._digest.hexdigest():
            self.end = "the file is not as it was written: its digest is another"
        elif self._data.read(1):
            self.end = "something follows the end of the file"
        else:
            self.end = None

    def _line(self) -> bytes:
        line = self._data.readline(_MAX_LINE)
        self._digest.update(line)
        self._check = zlib.crc32(line, self._check)
        return line

    def _block(self) -> bytes:
        """Lines up to an empty one, without it."""
        lines: list[bytes] = []
        while (line := self._line()) not in (b"\n", b""):
            lines.append(line)
            if sum(map(len, lines)) > MAX_NOTE_BYTES:
                raise Broken("the checkpoint is too large")
        return b"".join(lines)
