"""The archive of what was sold, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from marque.alliance.access import Area
from marque.foundation import Transaction

_AREA = "lead = %(lead)s and programme = %(programme)s and process = %(process)s"


@dataclass(frozen=True)
class Kept:
    """A text as stored. organisation: whose row it is."""

    organisation: str
    id: UUID
    created_at: datetime
    kind: str
    digest: str
    text: str


def _of(area: Area) -> dict[str, Any]:
    return {"lead": area.lead, "programme": area.programme, "process": area.process}


def insert(tx: Transaction, area: Area, made: UUID, kind: str, text: str) -> None:
    tx.execute(
        "insert into product.archive (organisation, id, lead, programme, process, created_at, kind, digest, text)"
        " values (%s, %s, %s, %s, %s, %s, %s, '', %s)",
        (tx.actor.organisation, made, area.lead, area.programme, area.process, tx.now, kind, text),
    )


def there(tx: Transaction, area: Area, digests: Sequence[str]) -> set[str]:
    """Which of these the acting organisation has rows of its own of: another's may go with it."""
    sql = f"select digest from product.archive where organisation = %(me)s and {_AREA} and digest = any(%(digests)s)"  # noqa: S608  names only
    given = _of(area) | {"me": tx.actor.organisation, "digests": list(digests)}
    return {digest for (digest,) in tx.connection.execute(sql.encode(), given)}


def by_digest(tx: Transaction, area: Area, digests: Sequence[str]) -> list[Kept]:
    """One row for each digest that is visible."""
    sql = f"""
        select distinct on (digest) organisation, id, created_at, kind, digest, text
        from product.archive where {_AREA} and digest = any(%(digests)s)
        order by digest, created_at, id"""  # noqa: S608  names only
    return tx.rows(Kept, sql, _of(area) | {"digests": list(digests)})


def quotes(tx: Transaction, area: Area, before: UUID | None, limit: int) -> list[Kept]:
    older = "and id < %(before)s" if before else ""
    sql = f"""
        select organisation, id, created_at, kind, digest, text
        from product.archive where {_AREA} and kind = 'quote' {older} order by id desc limit %(limit)s"""  # noqa: S608  names only
    return tx.rows(Kept, sql, _of(area) | {"before": before, "limit": limit})
