"""Texts that what was sold stands on, by their digest: an archive of the sales area that quotes are frozen into and come back from.

What is kept, another service has asked the gate for. What is read is what row-level security shows of the area: it stays with whoever the
agreement leaves the sales to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal
from uuid import UUID

from marque.alliance.access import Area
from marque.common import Missing, new_id
from marque.foundation import Transaction
from marque.product.prices.strict import digest as digest_of
from marque.product.store import archive as store
from marque.product.store.archive import Kept


def keep(tx: Transaction, area: Area, text: str, kind: Literal["text", "quote"] = "text") -> str:
    """Into the archive of an area of sales; what is there already is not kept twice. Returns its digest."""
    digest = digest_of(text.encode())
    if digest not in store.there(tx, area, [digest]):
        store.insert(tx, area, new_id(), kind, text)
    return digest


def keep_all(tx: Transaction, area: Area, texts: Mapping[str, str]) -> None:
    """texts: by digest."""
    there = store.there(tx, area, list(texts))
    for digest in sorted(texts.keys() - there):
        store.insert(tx, area, new_id(), "text", texts[digest])


def texts(tx: Transaction, area: Area, digests: Sequence[str]) -> dict[str, str]:
    """By digest. Raises Missing where one is not there."""
    found = {one.digest: one.text for one in store.by_digest(tx, area, digests)}
    if set(digests) - found.keys():
        raise Missing("document in the archive")
    return found


def quote(tx: Transaction, area: Area, digest: str) -> Kept:
    """A quote's row. Raises Missing."""
    found = [one for one in store.by_digest(tx, area, [digest]) if one.kind == "quote"]
    if not found:
        raise Missing("quote")
    return found[0]


def quotes(tx: Transaction, area: Area, before: UUID | None, limit: int) -> list[Kept]:
    """The newest first."""
    return store.quotes(tx, area, before, limit)


class SalesArchive:
    """`prices.Archive` of an area, in one transaction."""

    def __init__(self, tx: Transaction, area: Area) -> None:
        self._tx, self._area = tx, area

    def put(self, content: bytes) -> str:
        return keep(self._tx, self._area, content.decode(), _kind(content))

    def get(self, digest: str) -> bytes:
        return texts(self._tx, self._area, [digest])[digest].encode()


def _kind(content: bytes) -> Literal["text", "quote"]:
    from marque.product.prices.quotes import QUOTE_KIND

    return "quote" if f'"kind":"{QUOTE_KIND}"'.encode() in content and content.startswith(b"{") else "text"
