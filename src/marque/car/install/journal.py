"""What happened, record after record, in one file that grows: a record is there whole and for certain, or it never was.

A line is `CHECK NUMBER JSON`: the number counts from 1 without a gap, the check is the SHA-256 of the rest of the line before it. A power
cut leaves at most one broken line, the last; it is cut off before the next is written. A broken line with whole ones after it is no power
cut but damage, and is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from marque.car.install.storage import Storage, folder_of, replace
from marque.common import InputError

_CHECK: Final = 64
_REMEDY: Final = "The storage is damaged: have the workshop provision the car again."


class Journal:
    """`records` are all there are, oldest first; `append` adds one. One process at a time."""

    def __init__(self, storage: Storage, name: str) -> None:
        self._storage, self._name = storage, name
        self.records: list[Mapping[str, Any]] = []
        self._number = 0
        self._whole = 0
        size = storage.size(name)
        self._there = size is not None
        if size:
            self._load(storage.read(name))
        self._torn = (size or 0) > self._whole

    def append(self, record: Mapping[str, Any]) -> None:
        """It is there for certain when this returns; where this does not return, it may or may not be."""
        self._mend()
        line = _line(self._number + 1, record)
        self._torn = True
        self._storage.write(self._name, self._whole, line)
        self._storage.sync(self._name)
        if not self._there:
            self._storage.sync_folder(folder_of(self._name))
            self._there = True
        self._torn = False
        self._number += 1
        self._whole += len(line)
        self.records.append(record)

    def settle(self) -> None:
        """What `records` says is there for certain, also where the power went while the last record was written.

        A record that is read back whole may still lie in a cache alone; nothing may be done on its strength before this.
        """
        if self._there:
            self._mend()
            self._storage.sync(self._name)
            self._storage.sync_folder(folder_of(self._name))

    def restart(self, record: Mapping[str, Any]) -> None:
        """One record in the place of all: what they came to. The old ones are there until it is."""
        line = _line(self._number + 1, record)
        replace(self._storage, self._name, line)
        self._there, self._torn = True, False
        self._number += 1
        self._whole = len(line)
        self.records = [record]

    def _mend(self) -> None:
        if self._torn:
            self._storage.cut(self._name, self._whole)
            self._storage.sync(self._name)
            self._torn = False

    def _load(self, raw: bytes) -> None:
        lines = raw.split(b"\n")
        for at, line in enumerate(lines[:-1]):
            found = _read(line)
            if found is None and not any(_read(later) for later in lines[at + 1 :]):
                return
            number, record = found or (0, {})
            if number == 0 or (self.records and number != self._number + 1):
                raise InputError(self._name, f"record {at + 1}", "is damaged", _REMEDY)
            self._number = number
            self._whole += len(line) + 1
            self.records.append(record)


def _line(number: int, record: Mapping[str, Any]) -> bytes:
    said = f"{number} {json.dumps(record, sort_keys=True, separators=(',', ':'))}".encode()
    return b"%s %s\n" % (sha256(said).hexdigest().encode(), said)


def _read(line: bytes) -> tuple[int, Mapping[str, Any]] | None:
    check, said = line[:_CHECK], line[_CHECK + 1 :]
    if line[_CHECK : _CHECK + 1] != b" " or sha256(said).hexdigest().encode() != check:
        return None
    number, _, text = said.partition(b" ")
    return int(number), json.loads(text)
