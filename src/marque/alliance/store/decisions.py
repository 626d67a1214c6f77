"""Decisions and what people did to them, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from marque.common import new_id
from marque.foundation import Transaction

if TYPE_CHECKING:
    from marque.alliance.access import Area

_COLUMNS = (
    "organisation, id, lead, programme, process, subject, title, question, opened_by, created_at, agreement, number, deciders, round,"
    " state, decided_at"
)
_AREA = "lead = %(lead)s and programme = %(programme)s and process = %(process)s"


@dataclass(frozen=True)
class Row:
    """A decision, as stored."""

    organisation: str
    id: UUID
    lead: str
    programme: UUID
    process: str
    subject: str
    title: str
    question: str
    opened_by: UUID
    created_at: datetime
    agreement: UUID
    number: int
    deciders: list[str]
    round: int
    state: Literal["open", "taken", "refused", "withdrawn"]
    decided_at: datetime | None


@dataclass(frozen=True)
class ActRow:
    """What somebody did, as stored."""

    organisation: str
    decision: UUID
    round: int
    kind: Literal["approve", "reject", "withdraw", "reopen"]
    person: UUID
    reason: str
    created_at: datetime


def _of(area: Area) -> dict[str, Any]:
    return {"lead": area.lead, "programme": area.programme, "process": area.process}


def lock(tx: Transaction, what: str) -> None:
    """Until the end of the transaction, nobody else acts on this."""
    tx.value("select pg_advisory_xact_lock(hashtextextended('marque decision ' || %s, 0))", (what,))


def insert(tx: Transaction, area: Area, decision: UUID, person: UUID, subject: str, title: str, question: str) -> None:
    tx.execute(
        "insert into alliance.decision (organisation, id, lead, programme, process, subject, title, question, opened_by, created_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (tx.actor.organisation, decision, area.lead, area.programme, area.process, subject, title, question, person, tx.now),
    )


def add_act(tx: Transaction, opener: str, decision: UUID, kind: str, person: UUID, reason: str) -> None:
    tx.execute(
        "insert into alliance.decision_act (organisation, id, opener, decision, kind, person, reason, created_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (tx.actor.organisation, new_id(), opener, decision, kind, person, reason, tx.now),
    )


def by_id(tx: Transaction, decision: UUID) -> list[Row]:
    return tx.rows(Row, f"select {_COLUMNS} from alliance.decision where id = %s", (decision,))  # noqa: S608  names only


def about(tx: Transaction, area: Area, subject: str) -> list[Row]:
    sql = f"select {_COLUMNS} from alliance.decision where {_AREA} and subject = %(subject)s order by id desc"  # noqa: S608  names only
    return tx.rows(Row, sql, _of(area) | {"subject": subject})


def page(tx: Transaction, area: Area, before: UUID | None, limit: int) -> list[Row]:
    older = "and id < %(before)s" if before else ""
    sql = f"select {_COLUMNS} from alliance.decision where {_AREA} {older} order by id desc limit %(limit)s"  # noqa: S608  names only
    return tx.rows(Row, sql, _of(area) | {"before": before, "limit": limit})


def waiting(tx: Transaction, limit: int) -> list[Row]:
    sql = f"""
        select {_COLUMNS} from alliance.decision d
        where state = 'open' and %(me)s = any (deciders) and not exists (
            select from alliance.decision_act a
            where a.organisation = %(me)s and a.opener = d.organisation and a.decision = d.id and a.round = d.round
              and a.kind in ('approve', 'reject')
        )
        order by id limit %(limit)s"""  # noqa: S608  names only
    return tx.rows(Row, sql, {"me": tx.actor.organisation, "limit": limit})


def acts(tx: Transaction, decisions: Sequence[Row]) -> list[ActRow]:
    """What was done to these, each in order."""
    sql = """
        select a.organisation, a.decision, a.round, a.kind, a.person, a.reason, a.created_at
        from unnest(%s::text[], %s::uuid[]) as asked (opener, decision)
        join alliance.decision_act a on a.opener = asked.opener and a.decision = asked.decision
        order by a.decision, a.created_at, a.id"""
    return tx.rows(ActRow, sql, ([one.organisation for one in decisions], [one.id for one in decisions]))
