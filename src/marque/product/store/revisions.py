"""Revisions, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from marque.alliance.access import Area
from marque.foundation import Transaction
from marque.product.rules import PROCESS, Draft, Effectivity, Kind, Revision, Where

_HEAD = """
    r.id, r.organisation, r.side, r.kind, r.part, r.lead, r.programme, r.process, r.created_at, r.written_by, r.previous, r.digest,
    octet_length(r.text) as length, r.note, r.starts, r.ends, r.markets, r.plants, r.model_years,
    s.decision, coalesce(s.state, '') as state, s.assented_at, r.about"""
_FROM = "from product.revision r cross join lateral product.standing(r.lead, r.programme, r.process, r.id) as s"
_PART = "r.lead = %(lead)s and r.programme = %(programme)s and r.process = %(process)s and r.kind = %(kind)s and r.part = %(part)s"


@dataclass(frozen=True)
class Row:
    """A revision without its text, as stored."""

    id: UUID
    organisation: str
    side: str
    kind: str
    part: str
    lead: str
    programme: UUID
    process: str
    created_at: datetime
    written_by: UUID
    previous: str
    digest: str
    length: int
    note: str
    starts: date | None
    ends: date | None
    markets: list[str]
    plants: list[str]
    model_years: list[int]
    decision: UUID | None
    state: str
    assented_at: datetime | None
    about: dict[str, Any]

    @property
    def revision(self) -> Revision:
        return Revision(
            id=self.id, organisation=self.organisation, side=self.side, kind=Kind(self.kind), part=self.part,
            area=Area(self.lead, self.programme, self.process), created_at=self.created_at, written_by=self.written_by,
            previous=self.previous, digest=self.digest, length=self.length, note=self.note,
            effectivity=Effectivity(
                self.starts, self.ends, frozenset(self.markets), frozenset(self.plants), frozenset(self.model_years)
            ),
            decision=self.decision, state=self.state, assented_at=self.assented_at, about=self.about,
        )  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A part of a programme, and how many visible revisions it has."""

    kind: str
    part: str
    revisions: int


@dataclass(frozen=True)
class Text:
    """A revision's text. digest: hex SHA-256 of it in UTF-8."""

    digest: str
    text: str


def _of(lead: str, programme: UUID, kind: Kind, part: str) -> dict[str, Any]:
    return {"lead": lead, "programme": programme, "process": PROCESS[kind], "kind": kind, "part": part}


def lock(tx: Transaction, programme: UUID, kind: Kind, part: str) -> None:
    """Until the end of the transaction nobody else writes a revision of this part."""
    tx.value("select pg_advisory_xact_lock(hashtextextended('marque product ' || %s, 0))", (f"{programme}/{kind}/{part}",))


def insert(tx: Transaction, area: Area, revision: UUID, draft: Draft) -> None:
    me, effectivity = tx.actor.organisation, draft.effectivity
    tx.execute(
        "insert into product.revision (organisation, id, side, kind, part, lead, programme, process, created_at, written_by, previous,"
        " text, note, starts, ends, markets, plants, model_years, about)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            me, revision, me, draft.kind, draft.part, area.lead, area.programme, area.process, tx.now, tx.actor.person, draft.base,
            draft.text, draft.note, effectivity.starts, effectivity.ends, sorted(effectivity.markets), sorted(effectivity.plants),
            sorted(effectivity.model_years), Jsonb(dict(draft.about)),
        ),
    )  # fmt: skip


def by_id(tx: Transaction, revision: UUID) -> Revision | None:
    row = tx.row(Row, f"select {_HEAD} {_FROM} where r.id = %s", (revision,))
    return None if row is None else row.revision


def text(tx: Transaction, revision: UUID) -> str:
    return str(tx.value("select text from product.revision where id = %s", (revision,)))


def last(tx: Transaction, lead: str, programme: UUID, kind: Kind, part: str) -> Revision | None:
    """The part's last visible revision, whatever became of it."""
    found = of_part(tx, lead, programme, kind, part, 1)
    return found[0] if found else None


def of_part(tx: Transaction, lead: str, programme: UUID, kind: Kind, part: str, limit: int) -> list[Revision]:
    """Visible revisions of a part, the last written first."""
    sql = f"select {_HEAD} {_FROM} where {_PART} order by r.created_at desc, r.id desc limit %(limit)s"
    return [row.revision for row in tx.rows(Row, sql, _of(lead, programme, kind, part) | {"limit": limit})]


def page(tx: Transaction, area: Area, before: UUID | None, limit: int) -> list[Revision]:
    """Visible revisions of an area, the newest first."""
    older = "and r.id < %(before)s" if before else ""
    sql = f"""
        select {_HEAD} {_FROM}
        where r.lead = %(lead)s and r.programme = %(programme)s and r.process = %(process)s {older}
        order by r.id desc limit %(limit)s"""
    of = {"lead": area.lead, "programme": area.programme, "process": area.process, "before": before, "limit": limit}
    return [row.revision for row in tx.rows(Row, sql, of)]


def parts(tx: Transaction, lead: str, programme: UUID) -> list[Part]:
    sql = """
        select kind, part, count(*) as revisions from product.revision where lead = %s and programme = %s
        group by kind, part order by kind, part"""
    return tx.rows(Part, sql, (lead, programme))


def in_force(tx: Transaction, lead: str, programme: UUID, kind: Kind, part: str, where: Where) -> UUID | None:
    """The id of the revision that holds, visible or not; None: there is none, or nothing of this area concerns who asks."""
    sql = """
        select product.in_force(%(lead)s, %(programme)s, %(process)s, %(kind)s, %(part)s, %(day)s, %(market)s, %(plant)s, %(year)s)"""
    at = {"day": where.day, "market": where.market, "plant": where.plant, "year": where.model_year}
    found: UUID | None = tx.value(sql, _of(lead, programme, kind, part) | at)
    return found


def by_digest(tx: Transaction, lead: str, programme: UUID, digests: Sequence[str]) -> list[Revision]:
    """Visible revisions of a programme with these texts; of the same text the one that counts, else the last, comes first."""
    sql = f"""
        select {_HEAD} {_FROM} where r.lead = %s and r.programme = %s and r.digest = any(%s)
        order by s.assented_at nulls last, r.created_at desc, r.id desc"""
    return [row.revision for row in tx.rows(Row, sql, (lead, programme, list(digests)))]


def texts(tx: Transaction, revisions: Sequence[UUID]) -> dict[str, str]:
    """By digest."""
    found = tx.rows(Text, "select digest, text from product.revision where id = any(%s)", (list(revisions),))
    return {one.digest: one.text for one in found}
