"""Withdrawn evidence, in SQL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marque.alliance.access import Area
from marque.foundation import Transaction
from marque.release.model import Withdrawn
from marque.release.store import rows


@dataclass(frozen=True)
class Row:
    """A withdrawal, as stored; the change of its list, and since when that is in force."""

    evidence: str
    side: str
    written_by: UUID
    created_at: datetime
    reason: str
    change: UUID | None
    signed_at: datetime | None

    @property
    def withdrawn(self) -> Withdrawn:
        return Withdrawn(
            evidence=self.evidence, organisation=self.side, person=self.written_by, at=self.created_at, reason=self.reason,
            signed_at=self.signed_at, change=self.change,
        )  # fmt: skip


def insert(tx: Transaction, area: Area, evidence: str, reason: str) -> None:
    rows.insert(tx, "withdrawal", area, {"evidence": evidence, "reason": reason})


def page(tx: Transaction, area: Area) -> list[Withdrawn]:
    """The newest first."""
    sql = """
        select w.evidence, w.side, w.written_by, w.created_at, w.reason, l.change, l.signed_at
        from release.withdrawal w, release.list_of(w.lead, w.programme, w.side, w.created_at) as l
        where w.lead = %s and w.programme = %s order by w.created_at desc, w.id desc"""
    return [row.withdrawn for row in tx.rows(Row, sql, (area.lead, area.programme))]


def among(tx: Transaction, lead: str, programme: UUID, evidence: Collection[str]) -> frozenset[str]:
    """Those that were withdrawn."""
    sql = "select distinct evidence from release.withdrawal where lead = %s and programme = %s and evidence = any(%s)"
    return frozenset(one for (one,) in tx.connection.execute(sql.encode(), (lead, programme, list(evidence))).fetchall())


def by_side(tx: Transaction, area: Area, side: str) -> list[Withdrawn]:
    """What one organisation withdrew, the first first."""
    return [one for one in reversed(page(tx, area)) if one.organisation == side]
