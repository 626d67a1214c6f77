"""What revisions say of areas, ready for policy decisions: read from signed text by `documents` and `rules`, remembered by its digest.

What is remembered cannot go stale: a digest names one text, and the forces of an agreement are remembered by everything they follow from
(its texts and who signed when). Which of them holds is asked anew with every instant.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from marque.alliance import documents, rules
from marque.alliance.model import Area, Force, Process, Revision, Signature
from marque.alliance.store.access import Stamp
from marque.common import MarqueError

_Value = TypeVar("_Value")
_PROCESSES = frozenset(Process)


@dataclass(frozen=True)
class Rights:
    """Of the organisations in one area: who sees all of it, who their own part, who has a role, who decides."""

    sees_all: frozenset[str] = frozenset()
    sees_own: frozenset[str] = frozenset()
    works: frozenset[str] = frozenset()
    decides: frozenset[str] = frozenset()


NOTHING = Rights()


class _Remembered(Generic[_Value]):
    """The values used last, by key."""

    def __init__(self, most: int) -> None:
        self._most, self._values, self._lock = most, OrderedDict[Hashable, _Value](), threading.Lock()

    def get(self, key: Hashable, make: Callable[[], _Value]) -> _Value:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value


_revisions: _Remembered[Revision] = _Remembered(1024)
_forces: _Remembered[tuple[Force, ...]] = _Remembered(1024)
_rights: _Remembered[Rights] = _Remembered(16384)


def in_force_until(stamps: Sequence[Stamp], now: datetime, load: Callable[[int], str]) -> list[Revision]:
    """The revisions of an agreement that have come into force until now, in their order. The last is in force, unless there is none.

    load: the text of a revision, by its number. Raises MarqueError for a text that has not the digest it is found by.
    """
    key = tuple((one.number, one.digest, *one.signed_by, *one.signed_at) for one in stamps)
    return [force.revision for force in _forces.get(key, lambda: _forces_of(stamps, load)) if force.start <= now]


def rights(revision: Revision, programme: str, process: str) -> Rights:
    """What a revision says of a process of the programme with this code. NOTHING for a process nobody knows."""
    if process not in _PROCESSES:
        return NOTHING
    area = Area(programme, Process(process))
    return _rights.get((revision.digest, area), lambda: _said(revision, area))


def _forces_of(stamps: Sequence[Stamp], load: Callable[[int], str]) -> tuple[Force, ...]:
    revisions: list[Revision] = []
    signatures: list[Signature] = []
    for stamp in stamps:
        if stamp.number is not None:
            revisions.append(_revision(stamp.digest, stamp.number, load))
            signatures += [Signature(one, stamp.digest, at) for one, at in zip(stamp.signed_by, stamp.signed_at, strict=True)]
    return rules.forces(revisions, signatures)


def _revision(digest: str, number: int, load: Callable[[int], str]) -> Revision:
    return _revisions.get(digest, lambda: _read(digest, load(number)))


def _read(digest: str, text: str) -> Revision:
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        raise MarqueError(f"The text of revision {digest[:12]}… is not the one with this digest: the database was tampered with.")
    return documents.read(text, f"revision {digest[:12]}…")


def _said(revision: Revision, area: Area) -> Rights:
    part = rules.part(revision, area)
    decides = frozenset(part.decides)
    works = decides | frozenset(part.consulted) | frozenset(part.supplies)
    return Rights(frozenset(part.sees_all), frozenset(part.sees_own), works, decides)
