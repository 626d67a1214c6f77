"""What every row of a release has, and how one is written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from marque.alliance.access import Area
from marque.common import new_id
from marque.foundation import Transaction


def insert(tx: Transaction, table: str, area: Area, columns: Mapping[str, Any], made: UUID | None = None) -> UUID:
    """A row of the acting organisation, in the name of who acts. table, columns: names of ours, never from outside."""
    me, row = tx.actor.organisation, made or new_id()
    head = {
        "organisation": me, "id": row, "side": me, "lead": area.lead, "programme": area.programme, "process": area.process,
        "created_at": tx.now, "written_by": tx.actor.person,
    }  # fmt: skip
    said = head | dict(columns)
    places = ", ".join(["%s"] * len(said))
    tx.execute(f"insert into release.{table} ({', '.join(said)}) values ({places})", tuple(said.values()))  # noqa: S608  names, all ours
    return row


def lock(tx: Transaction, programme: UUID) -> None:
    """Until the end of the transaction nobody else opens, signs or publishes a change, or gives out a counter, in this programme."""
    tx.value("select pg_advisory_xact_lock(hashtextextended('marque release ' || %s, 0))", (str(programme),))


def patient(tx: Transaction, span: timedelta) -> None:
    """The server bears with this transaction for so long while nothing is asked of it."""
    tx.value("select set_config('idle_in_transaction_session_timeout', %s, true)", (str(int(span.total_seconds() * 1000)),))


def parties(tx: Transaction, area: Area) -> tuple[str, ...]:
    """Whose people sign by the agreement's revision in force, in order; none for who has nothing to do with the area."""
    return tuple(tx.value("select release.parties(%s, %s)", (area.lead, area.programme)))
