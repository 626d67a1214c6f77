"""Transitions and what they left, in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from marque.foundation import Transaction

if TYPE_CHECKING:
    from marque.alliance.access import Area


@dataclass(frozen=True)
class Step:
    """One clause applied in one programme, or one decision moved (party: who had asked).

    rows: how many it concerned. digest: hex SHA-256 of their own digests (hex, sorted, one after the other), each of the row's JSON as
    PostgreSQL writes it; '' of no rows, and where nothing was copied, given or deleted.
    """

    number: int
    step: int
    programme: UUID
    process: str
    party: str
    what: str
    rows: int
    digest: str


@dataclass(frozen=True)
class Frozen:
    """A copy of a row. digest: hex SHA-256 of `body` in UTF-8."""

    number: int
    source: str
    digest: str
    body: str
    frozen_at: datetime


@dataclass(frozen=True)
class Force:
    """A revision whose force has started."""

    organisation: str
    agreement: UUID
    number: int
    applied_at: datetime


def anything_due(tx: Transaction) -> bool:
    return bool(tx.value("select exists (select from alliance.force where applied_at is null and starts <= %s)", (tx.now,)))


def apply_due(tx: Transaction) -> list[Force]:
    """The revisions applied by this call, in order."""
    # Copying an area may take longer than a request; nothing else of this transaction has begun.
    limit = tx.value("select current_setting('statement_timeout')")
    tx.value("select set_config('statement_timeout', '10min', true)")
    applied = tx.rows(Force, "select organisation, agreement, number, applied_at from alliance.apply_due()")
    tx.value("select set_config('statement_timeout', %s, true)", (limit,))
    return applied


def due_organisations(tx: Transaction) -> list[str]:
    return [row[0] for row in tx.connection.execute("select alliance.due_organisations()").fetchall()]


def signatories(tx: Transaction, organisation: str, agreement: UUID, number: int) -> list[str]:
    sql = "select signatories from alliance.revision where organisation = %s and agreement = %s and number = %s"
    return list(tx.value(sql, (organisation, agreement, number)))


def steps(tx: Transaction, organisation: str, agreement: UUID, number: int) -> list[Step]:
    sql = """
        select number, step, programme, process, party, what, rows, digest from alliance.transition_step
        where organisation = %s and agreement = %s and number = %s order by step"""
    return tx.rows(Step, sql, (organisation, agreement, number))


def frozen(tx: Transaction, area: Area, after: str, limit: int) -> list[Frozen]:
    sql = """
        select number, source, digest, body, frozen_at from alliance.frozen
        where organisation = %s and lead = %s and programme = %s and process = %s and digest > %s
        order by digest, number, source limit %s"""
    return tx.rows(Frozen, sql, (tx.actor.organisation, area.lead, area.programme, area.process, after, limit))
