"""What revisions say of areas, ready for policy decisions; remembered by the digest of the signed text, which never says anything else."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from marque.alliance.store.access import RevisionStamp
from marque.common import MarqueError

PROCESSES = (
    "product-definition", "research-and-development", "platform", "manufacture", "brand", "marketing", "sales", "after-sales",
    "software-supply", "evidence-approval", "release-signature", "user-data",
)  # fmt: skip
_KEPT = 2048
_DECIDES = frozenset({"leads", "co-decides"})


@dataclass(frozen=True)
class Rights:
    """Of the organisations in one area: who sees all of it, who their own part, who has a role, who decides."""

    sees_all: frozenset[str] = frozenset()
    sees_own: frozenset[str] = frozenset()
    works: frozenset[str] = frozenset()
    decides: frozenset[str] = frozenset()


NOTHING = Rights()


@dataclass(frozen=True)
class Terms:
    """A revision's text, read. effective: the midnight, UTC, on which it begins at the earliest."""

    number: int
    digest: str
    effective: datetime
    signatories: frozenset[str]
    _said: Mapping[str, Any]

    def rights(self, programme: str, process: str) -> Rights:
        """In a process of the programme with this code, where what deviates for it comes first."""
        special = self._said.get("programmes", {}).get(programme, {})
        said = [self._said.get(what, {}).get(process, {}) | special.get(what, {}).get(process, {}) for what in ("matrix", "sight")]
        roles, sights = ({one: value for one, value in row.items() if one in self._said["parties"]} for row in said)
        return Rights(
            sees_all=frozenset(one for one, sight in sights.items() if sight == "all"),
            sees_own=frozenset(one for one, sight in sights.items() if sight == "own"),
            works=frozenset(one for one, role in roles.items() if role != "none"),
            decides=frozenset(one for one, role in roles.items() if role in _DECIDES),
        )


_lock = threading.Lock()
_known: OrderedDict[str, Terms] = OrderedDict()


def terms_of(digest: str, load: Callable[[], str]) -> Terms:
    """The terms of the text with this digest, which is loaded unless it was before. Raises MarqueError for a text with another digest."""
    with _lock:
        if digest in _known:
            _known.move_to_end(digest)
            return _known[digest]
    text = load()
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        raise MarqueError(f"The text of revision {digest[:12]}… is not the one that has this digest: the database was tampered with.")
    said = json.loads(text)
    signatories = frozenset(said["parties"]) | frozenset(said.get("leaving", []))
    effective = datetime.combine(date.fromisoformat(said["effective"]), time(), UTC)
    terms = Terms(said["number"], digest, effective, signatories, said)
    with _lock:
        _known[digest] = terms
        while len(_known) > _KEPT:
            _known.popitem(last=False)
    return terms


def in_force_until(stamps: Sequence[RevisionStamp], now: datetime, load: Callable[[int], str]) -> list[Terms]:
    """The terms that have come into force until now, in their order: the last one is in force, unless there is none.

    A revision comes into force when its date has come and all who have to have signed, unless one with a higher number is in force then.
    """
    came: list[tuple[datetime, Terms]] = []
    for stamp in stamps:
        terms = terms_of(stamp.digest, lambda number=stamp.number: load(number))  # type: ignore[misc]
        signed = dict(zip(stamp.signed_by, stamp.signed_at, strict=True))
        if terms.signatories <= signed.keys():
            start = max(terms.effective, *(signed[one] for one in terms.signatories))
            if start <= now:
                came = [(earlier, one) for earlier, one in came if earlier < start]
                came.append((start, terms))
    return [terms for _, terms in came]
