"""Offline verification of an export: against the keys, against an earlier export, and against another organisation's.

Needs the files, the keys, this package's own modules of the same kind (tree, note, checkpoint, entry, bundle), the standard library and
`cryptography`; no server, no database. Files are read once, line by line; memory does not grow with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO

from marque.alliance.audit import entry
from marque.alliance.audit.bundle import Broken, Leaf, Reader
from marque.alliance.audit.checkpoint import Checkpoint, cosigners, verified
from marque.alliance.audit.note import COSIGNATURE_V1, ED25519, Malformed, VerifierKey
from marque.alliance.audit.tree import Frontier

MAX_FINDINGS = 20
"""About entries; what is wrong with a file as a whole is always told."""

Source = tuple[str, BinaryIO]


@dataclass(frozen=True)
class Keys:
    """Whom the reader trusts, from outside the file. Every witness named here has to have cosigned."""

    log: VerifierKey
    witnesses: tuple[VerifierKey, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Keys:
        """Lines `log <verifier key>`, once, and `witness <verifier key>`; empty ones and those after # say nothing. Raises Malformed."""
        found: dict[str, list[VerifierKey]] = {"log": [], "witness": []}
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            role, _, key = line.partition(" ")
            if role not in found:
                raise Malformed(f"line {number} begins neither with `log` nor with `witness`")
            found[role].append(VerifierKey.parse(key.strip()))
        kinds = [("log", ED25519), ("witness", COSIGNATURE_V1)]
        if len(found["log"]) != 1 or any(key.kind != kind for role, kind in kinds for key in found[role]):
            raise Malformed("one log (a key of type 0x01) and its witnesses (keys of type 0x04) were expected")
        if len({(key.name, key.id) for key in found["witness"]}) < len(found["witness"]):
            raise Malformed("a witness is named twice")
        return cls(found["log"][0], tuple(found["witness"]))

    def dumps(self) -> str:
        return "".join(f"{line}\n" for line in [f"log {self.log}", *(f"witness {one}" for one in self.witnesses)])


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be. index: the entry it is about (from 0); None when it is about the file or its checkpoint."""

    file: str
    problem: str
    index: int | None = None

    def __str__(self) -> str:
        return f"{self.file}, entry {self.index}: {self.problem}" if self.index is not None else f"{self.file}: {self.problem}"


@dataclass(frozen=True)
class Report:
    """What was found. findings: the first of them; more: how many beyond. cosigned: by witness, seconds since 1970."""

    organisation: str
    checkpoint: Checkpoint | None
    own_entries: int
    cosigned: dict[str, int]
    findings: tuple[Finding, ...]
    more: int = 0

    @property
    def ok(self) -> bool:
        return not self.findings


def verify(file: Path, keys: Keys, previous: Path | None = None, other: Path | None = None) -> Report:
    """Check an export. Raises OSError when a file cannot be opened; everything wrong inside of one is a finding.

    previous: an earlier export of the same organisation: the log must have grown from it, and nothing in it may be missing now.
    other: an export of another organisation, earlier or later: as far as both reach, it must be the same log; and what concerns both
    organisations, both must have. The witnesses' cosignatures are asked of `file` alone.
    """
    with ExitStack() as stack:
        sources = [(path.name, stack.enter_context(path.open("rb"))) if path else None for path in (file, previous, other)]
        assert sources[0] is not None
        return verify_streams(sources[0], keys, sources[1], sources[2])


def verify_streams(file: Source, keys: Keys, previous: Source | None = None, other: Source | None = None) -> Report:
    """The same for streams that are open already, each with the name that findings give it."""
    told = _Findings()
    main = _Side(file, keys, told, keys.witnesses)
    earlier = [_Comparison(main, _Side(previous, keys, told), must_grow=True)] if previous else []
    ways = earlier + ([_Comparison(main, _Side(other, keys, told))] if other else [])
    for index, (mine, *theirs) in enumerate(zip_longest(main.leaves(), *(way.side.leaves() for way in ways))):
        for way, leaf in zip(ways, theirs, strict=True):
            way.compare(index, mine, leaf)
    for way in ways:
        way.conclude()
    return Report(main.organisation, main.checkpoint, main.own, main.cosigned, tuple(told), told.more)


class _Findings(list[Finding]):
    more = 0

    def tell(self, file: str, problem: str, index: int | None) -> None:
        if index is None or sum(finding.index is not None for finding in self) < MAX_FINDINGS:
            self.append(Finding(file, problem, index))
        else:
            self.more += 1


class _Side:
    """One export on its way through: everything that can be said about it alone."""

    def __init__(self, source: Source, keys: Keys, told: _Findings, witnesses: tuple[VerifierKey, ...] = ()) -> None:
        """witnesses: those that have to have cosigned."""
        self.name, data = source
        self._told, self.faults, self.own = told, 0, 0
        self.organisation, self.shared_with = "", None
        self.checkpoint = None
        self.cosigned = {}
        self._reader, self._seed, self._last, self._frontier = None, None, None, Frontier()
        try:
            self._reader = Reader(data)
            head = self._reader.head
            self.organisation, self.shared_with = head.organisation, head.shared_with
            self._seed = head.scope if isinstance(head.scope, bytes) else None
            self.checkpoint = verified(head.note, keys.log)
            self.cosigned = cosigners(head.note, keys.witnesses)
        except Malformed as fault:
            self.fault(str(fault))
            return
        for witness in witnesses:
            if witness.name not in self.cosigned:
                self.fault(f"the witness {witness.name} ({witness.id.hex()}) has not cosigned this checkpoint")

    shared_with: str | None
    checkpoint: Checkpoint | None
    cosigned: dict[str, int]
    _reader: Reader | None
    _seed: bytes | None
    _last: int | None

    def fault(self, problem: str, index: int | None = None) -> None:
        self.faults += 1
        self._told.tell(self.name, problem, index)

    def leaves(self) -> Iterator[Leaf]:
        """Each leaf, looked at; what is wrong is told. Ends early where the file cannot be read on."""
        if self._reader is None:
            return
        try:
            for index, leaf in enumerate(self._reader.leaves()):
                if not leaf.sound:
                    self.fault("the line is not as it was written, or lines before it were removed, inserted or moved", index)
                if leaf.salt is not None and leaf.document is not None:
                    self._look_at(index, leaf.hash, leaf.salt, leaf.document)
                self._frontier.append(leaf.hash)
                yield leaf
        except Broken as fault:
            self.fault(str(fault), fault.index)
        if self._reader.end is not None:
            self.fault(self._reader.end)
        if self.checkpoint is None:
            return
        if self._frontier.size != self.checkpoint.size:
            self.fault(f"the checkpoint is of {self.checkpoint.size} entries, the file holds {self._frontier.size}")
        elif self._frontier.root() != self.checkpoint.root:
            self.fault("the entries are not those of the signed checkpoint; where it names none, a sound export tells which")

    def _look_at(self, index: int, leaf: bytes, salt: bytes, document: bytes) -> None:
        self.own += 1
        last, self._last = self._last, index
        if entry.committed_leaf(salt, document) != leaf:
            self.fault("its document or salt is not what the log committed to", index)
            return
        try:
            said = entry.read(document)
        except Malformed as fault:
            self.fault(str(fault), index)
            return
        self._last = said.index  # so that one line too many or too few is told of each entry once
        if said.index != index:
            self.fault(f"its document is that of entry {said.index}", index)
        for concerned in filter(None, (self.organisation, self.shared_with)):
            if concerned not in said.concerned:
                self.fault(f"it does not concern {concerned}", index)
        if self._seed is not None and said.concerned.get(self.organisation) != entry.link(self._seed, last):
            before = "the first one" if last is None else f"the next after entry {last}"
            self.fault(f"it is not {before} that concerns {self.organisation}: what came before it is missing here", index)

    def ought_to_have(self, document: bytes) -> bool:
        """Whether a document that another file holds belongs into this one too."""
        if self.organisation.encode() not in document:
            return False
        try:
            concerned = entry.read(document).concerned
        except Malformed:
            return False  # told by the side that holds it
        return self.organisation in concerned and (self.shared_with is None or self.shared_with in concerned)


class _Comparison:
    """Two exports of what should be one log."""

    def __init__(self, main: _Side, side: _Side, *, must_grow: bool = False) -> None:
        """must_grow: the side is an earlier export of the same organisation."""
        self.main, self.side, self._must_grow = main, side, must_grow
        self._forked: int | None = None

    def compare(self, index: int, mine: Leaf | None, theirs: Leaf | None) -> None:
        if mine is None or theirs is None:
            return
        if mine.hash != theirs.hash:
            self._forked = index if self._forked is None else self._forked
        elif mine.document is None and theirs.document is not None:
            self._missing(index, theirs.document, self.main, self.side)
        elif theirs.document is None and mine.document is not None:
            self._missing(index, mine.document, self.side, self.main)

    @staticmethod
    def _missing(index: int, document: bytes, where: _Side, held: _Side) -> None:
        if where.ought_to_have(document):
            where.fault(f"its document is missing here; {held.name} has it, and it concerns {where.organisation}", index)

    def conclude(self) -> None:
        """What only the whole of both files tells."""
        main, side = self.main, self.side
        if self._must_grow and main.organisation and side.organisation and main.organisation != side.organisation:
            side.fault(f"this is an export of {side.organisation}, not an earlier one of {main.organisation}")
        if self._must_grow and main.checkpoint and side.checkpoint and main.checkpoint.size < side.checkpoint.size:
            main.fault(f"the log has shrunk: {side.checkpoint.size} entries in {side.name}, {main.checkpoint.size} here")
        if self._forked is None:
            return
        if main.faults or side.faults:
            main.fault(f"it is another one in {side.name}; what else was found tells which of the two files is wrong", self._forked)
            return
        both = sorted(main.cosigned.keys() & side.cosigned.keys())
        lied = f", and {', '.join(both)} cosigned both" if both else ""
        main.fault(f"it is another one in {side.name}, and the log signed both{lied}: a fork; the two files prove it", self._forked)
