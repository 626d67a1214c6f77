"""The evidence file: a tar archive (POSIX.1-1988, ustar) of which exactly one byte sequence is valid for given contents.

Names, their order and every field of every header are given; nothing is compressed; two blocks of zeros end it. So a reader compares
instead of interpreting: nothing can hide in a header, in padding, behind the end, or under a name that leads elsewhere. `tar -xf` unpacks
it.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from marque.alliance.signing import MAX_ENVELOPE_BYTES
from marque.proof.evidence.reading import ORGANISATION

POLICY, PROVENANCE, TEST_RESULT, SUMMARY = (f"{name}.dsse.json" for name in ("policy", "provenance", "test-result", "verification-summary"))
ENVELOPES = (POLICY, PROVENANCE, TEST_RESULT, SUMMARY)
LEAVES, RUNS = "runs.leaves", "runs.jsonl"
MOST_PARTIES = 16
MOST_DIRECTORY_BYTES = 2 * MAX_ENVELOPE_BYTES
MOST_RUNS_BYTES = 8**11 - 1
"""What the size field of a ustar header holds: 8 GiB."""
_BLOCK = 512
_KEYS = re.compile(r"keys/(" + ORGANISATION.pattern + r")\.json")
_SIZE = re.compile(rb"[0-7]{11}\x00")


class Broken(Exception):
    """The archive is not as it has to be. file: the member it is about, or the archive itself when empty."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(problem)
        self.file, self.problem = file, problem


@dataclass(frozen=True)
class Member:
    """Where a file's bytes are in the archive: [start, end)."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Archive:
    """An evidence file, laid open. Its contents are read from the mapped file when asked for."""

    data: mmap.mmap
    members: Mapping[str, Member]

    def __getitem__(self, name: str) -> bytes:
        one = self.members[name]
        return self.data[one.start : one.end]

    @property
    def organisations(self) -> tuple[str, ...]:
        return tuple(match[1] for name in self.members if (match := _KEYS.fullmatch(name)))


def keys_file(organisation: str) -> str:
    return f"keys/{organisation}.json"


def write(out: BinaryIO, files: Mapping[str, bytes], runs: Callable[[], Iterator[bytes]], runs_bytes: int) -> None:
    """files: everything but the runs, by name. runs: their bytes in pieces. Raises ValueError for files that do not belong into it."""
    organisations = sorted(match[1] for name in files if (match := _KEYS.fullmatch(name)))
    expected = [*ENVELOPES, *map(keys_file, organisations), LEAVES]
    if files.keys() != set(expected):
        raise ValueError(f"an evidence file holds {', '.join(expected)} and {RUNS}")
    out.writelines(header(name, len(files[name])) + files[name] + bytes(-len(files[name]) % _BLOCK) for name in expected)
    out.write(header(RUNS, runs_bytes))
    written = sum(out.write(piece) for piece in runs())
    if written != runs_bytes:
        raise ValueError("the runs changed while they were written")
    out.write(bytes(-runs_bytes % _BLOCK) + bytes(2 * _BLOCK))


def header(name: str, size: int) -> bytes:
    """512 bytes: name, mode 0644, owners, size, time 0, checksum, an ordinary file, the magic; the rest zeros. Raises ValueError."""
    if size > MOST_RUNS_BYTES:
        raise ValueError(f"{name} is larger than {MOST_RUNS_BYTES} bytes")
    before = name.encode("ascii").ljust(100, b"\0") + b"0000644\0" + 2 * b"0000000\0" + b"%011o\0" % size + b"00000000000\0"
    after = b"0" + bytes(100) + b"ustar\00000" + bytes(247)
    return before + b"%06o\0 " % (sum(before) + 8 * ord(" ") + sum(after)) + after


@contextmanager
def opened(path: Path, organisations: Sequence[str] | None = None) -> Iterator[Archive]:
    """organisations: whose directories of keys it has to hold; any when it is None. Raises Broken, and OSError when it cannot be read."""
    with path.open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise Broken("", "the file is empty") from None
        with data:
            yield Archive(data, _members(data, organisations))


def _members(data: mmap.mmap, organisations: Sequence[str] | None) -> dict[str, Member]:
    found: dict[str, Member] = {}
    at = 0
    for name in ENVELOPES:
        at = _take(data, at, name, found, MAX_ENVELOPE_BYTES)
    for name in _any_keys(data, at) if organisations is None else map(keys_file, organisations):
        at = _take(data, at, name, found, MOST_DIRECTORY_BYTES)
    at = _take(data, at, LEAVES, found, MOST_RUNS_BYTES)
    at = _take(data, at, RUNS, found, MOST_RUNS_BYTES)
    if len(data) - at != 2 * _BLOCK or any(data[at:]):
        raise Broken("", "it does not end as it should: cut off, or something was added")
    return found


def _any_keys(data: mmap.mmap, at: int) -> list[str]:
    """Names of the directories of keys from here on, as their headers have them."""
    names: list[str] = []
    while _KEYS.fullmatch(name := _name_at(data, at)) and len(names) < MOST_PARTIES:
        if names and name <= names[-1]:
            raise Broken(name, "the directories of keys are not in order")
        size = data[at + 124 : at + 136]
        names.append(name)
        at += _BLOCK + -(-int(size[:11], 8) // _BLOCK) * _BLOCK if _SIZE.fullmatch(size) else len(data)
    return names


def _take(data: mmap.mmap, at: int, name: str, found: dict[str, Member], most: int) -> int:
    """Lays open the member that has to be here; answers where the next one begins."""
    head = data[at : at + _BLOCK]
    size = int(head[124:135], 8) if _SIZE.fullmatch(head[124:136]) else -1
    if size < 0 or head != header(name, size):
        told = _name_at(data, at)
        raise Broken(name, "its header is not as it was written" if told == name else f"it was expected here, not {_shown(told)!r}")
    start, end = at + _BLOCK, at + _BLOCK + size
    after = end + -size % _BLOCK
    if size > most:
        raise Broken(name, f"it is larger than {most} bytes")
    if after > len(data):
        raise Broken(name, "the file is cut off inside of it")
    if any(data[end:after]):
        raise Broken(name, "something was written behind its end")
    found[name] = Member(name, start, end)
    return after


def _name_at(data: mmap.mmap, at: int) -> str:
    return data[at : at + 100].rstrip(b"\0").decode("ascii", "replace")


def _shown(name: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in name) or "nothing"
