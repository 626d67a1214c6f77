"""Requirements, their comments and relations, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.types.json import Jsonb

from marque.foundation import Transaction

if TYPE_CHECKING:
    from marque.alliance.access import Area

_SAID = "status, number, title, text, rationale, verification, parent, position, identifier, attributes"
_COLUMNS = f"organisation, id, side, version, lead, programme, process, created_at, written_by, {_SAID}"
_RELATION = "id, organisation, source, target, kind, identifier, process, created_at as related_at"
_AREA = "lead = %(lead)s and programme = %(programme)s and process = %(process)s"


@dataclass(frozen=True)
class Row:
    """A version of a side, as stored."""

    organisation: str
    id: UUID
    side: str
    version: int
    lead: str
    programme: UUID
    process: str
    created_at: datetime
    written_by: UUID | None
    status: str
    number: str
    title: str
    text: str
    rationale: str
    verification: str
    parent: UUID | None
    position: int
    identifier: str
    attributes: list[dict[str, Any]]


@dataclass(frozen=True)
class Comment:
    """What somebody said about a requirement. side: the organisation whose words these are."""

    id: UUID
    requirement: UUID
    side: str
    written_by: UUID | None
    written_at: datetime
    text: str


@dataclass(frozen=True)
class Relation:
    """One requirement stands in a relation to another. identifier: what another tool calls this."""

    id: UUID
    organisation: str
    source: UUID
    target: UUID
    kind: str
    identifier: str
    process: str
    related_at: datetime


@dataclass(frozen=True)
class _Id:
    id: UUID


def _of(area: Area) -> dict[str, Any]:
    return {"lead": area.lead, "programme": area.programme, "process": area.process}


def lock(tx: Transaction, programme: UUID, requirement: UUID | None = None) -> None:
    """Until the end of the transaction nobody else writes a side of this requirement, or of any of the programme."""
    if requirement is None:
        tx.execute("select pg_advisory_xact_lock(hashtextextended('marque requirements ' || %s, 0))", (programme,))
        return
    tx.execute("select pg_advisory_xact_lock_shared(hashtextextended('marque requirements ' || %s, 0))", (programme,))
    tx.execute("select pg_advisory_xact_lock(hashtextextended('marque requirement ' || %s, 0))", (requirement,))


def last_version(tx: Transaction, requirement: UUID) -> int:
    return int(tx.value("select alliance.last_version(%s)", (requirement,)))


def insert(tx: Transaction, area: Area, requirement: UUID, version: int, said: Mapping[str, Any]) -> bool:
    """False: somebody wrote this version first."""
    me = tx.actor.organisation
    values = (me, requirement, me, version, area.lead, area.programme, area.process, tx.now, tx.actor.person)
    given = [said[name] for name in _SAID.split(", ")[:-1]] + [Jsonb(list(said["attributes"]))]
    marks = ", ".join(["%s"] * (len(values) + len(given)))
    sql = f"insert into alliance.requirement ({_COLUMNS}) values ({marks}) on conflict do nothing"  # noqa: S608  names only
    return tx.execute(sql, [*values, *given]) == 1


def sides(tx: Transaction, requirements: Sequence[UUID]) -> list[Row]:
    """The last visible version of each side."""
    sql = f"""
        select distinct on (id, side) {_COLUMNS} from alliance.requirement where id = any(%s)
        order by id, side, version desc, created_at desc"""  # noqa: S608  names only
    return tx.rows(Row, sql, (list(requirements),))


def page(tx: Transaction, area: Area, before: UUID | None, limit: int, whose: str | None) -> list[Row]:
    """A page of an area, newest requirement first. whose: look among this organisation's rows only, because no others are visible.

    Rows are carried along with the ids: looked up again, row-level security would be asked about each of them twice.
    """
    mine = "organisation = %(whose)s and " if whose else ""
    sql = f"""
        select distinct on (id, side) {_COLUMNS}
        from (
            select array_agg(one) as versions from alliance.requirement one
            where {mine}{_AREA} {"and id < %(before)s" if before else ""}
            group by one.id order by one.id desc limit %(limit)s
        ) page cross join lateral unnest(page.versions) r
        order by id desc, side, version desc, created_at desc"""  # noqa: S608  names only
    return tx.rows(Row, sql, _of(area) | {"before": before, "limit": limit, "whose": whose})


def of_programme(tx: Transaction, lead: str, programme: UUID, process: str | None) -> list[Row]:
    narrower = "and process = %(process)s" if process else ""
    sql = f"""
        select distinct on (id, side) {_COLUMNS} from alliance.requirement
        where lead = %(lead)s and programme = %(programme)s {narrower}
        order by id, side, version desc, created_at desc"""  # noqa: S608  names only
    return tx.rows(Row, sql, {"lead": lead, "programme": programme, "process": process})


def history(tx: Transaction, requirement: UUID) -> list[Row]:
    sql = f"select {_COLUMNS} from alliance.requirement where id = %s order by created_at, side, version"  # noqa: S608  names only
    return tx.rows(Row, sql, (requirement,))


def ancestors(tx: Transaction, organisation: str, requirement: UUID, deepest: int) -> list[UUID]:
    """The requirement itself and those above it, in the organisation's own specification."""
    sql = """
        with recursive above (id, level) as (
            select %(start)s::uuid, 1
            union all
            select (
                select r.parent from alliance.requirement r
                where r.organisation = %(organisation)s and r.id = above.id and r.side = %(organisation)s
                order by r.version desc limit 1
            ), level + 1 from above where above.id is not null and level < %(deepest)s
        )
        select id from above where id is not null"""
    return [row.id for row in tx.rows(_Id, sql, {"start": requirement, "organisation": organisation, "deepest": deepest})]


@dataclass(frozen=True)
class Reach:
    """kept: a transition left the actor rows of others to read here. all: those of others are open to it now."""

    kept: bool
    all: bool


def reach(tx: Transaction, area: Area) -> Reach:
    sql = """
        select exists (
            select from alliance.kept where owner = %(lead)s and programme = %(programme)s and process = %(process)s
        ) as kept, exists (
            select from alliance.area_right
            where organisation = %(me)s and owner = %(lead)s and programme = %(programme)s and process = %(process)s
              and starts <= %(now)s and %(now)s < ends and sight = 'all'
        ) as all"""
    found = tx.row(Reach, sql, _of(area) | {"me": tx.actor.organisation, "now": tx.now})
    assert found is not None
    return found


def add_comment(tx: Transaction, area: Area, made: Comment) -> None:
    tx.execute(
        "insert into alliance.requirement_comment"
        " (organisation, id, requirement, side, lead, programme, process, created_at, written_by, text)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            made.side, made.id, made.requirement, made.side, area.lead, area.programme, area.process, made.written_at, made.written_by,
            made.text,
        ),
    )  # fmt: skip


def comments(tx: Transaction, requirement: UUID) -> list[Comment]:
    sql = """
        select id, requirement, side, written_by, created_at as written_at, text
        from alliance.requirement_comment where requirement = %s order by id"""
    return tx.rows(Comment, sql, (requirement,))


def add_relation(tx: Transaction, area: Area, made: Relation) -> None:
    tx.execute(
        "insert into alliance.requirement_relation"
        " (organisation, id, source, target, kind, identifier, lead, programme, process, created_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            made.organisation, made.id, made.source, made.target, made.kind, made.identifier, area.lead, area.programme, area.process,
            tx.now,
        ),
    )  # fmt: skip


def remove_relation(tx: Transaction, relation: UUID) -> bool:
    sql = "delete from alliance.requirement_relation where organisation = %s and id = %s"
    return tx.execute(sql, (tx.actor.organisation, relation)) == 1


def relations_from(tx: Transaction, source: UUID) -> list[Relation]:
    sql = f"select {_RELATION} from alliance.requirement_relation where source = %s order by id"  # noqa: S608  names only
    return tx.rows(Relation, sql, (source,))


def relations(tx: Transaction, lead: str, programme: UUID) -> list[Relation]:
    sql = f"""
        select {_RELATION} from alliance.requirement_relation
        where lead = %s and programme = %s order by id"""  # noqa: S608  names only
    return tx.rows(Relation, sql, (lead, programme))


def programme_visible(tx: Transaction, lead: str, programme: UUID) -> bool:
    return bool(tx.value("select exists (select from alliance.programme where organisation = %s and id = %s)", (lead, programme)))


def programme_code(tx: Transaction, lead: str, programme: UUID) -> str:
    return str(tx.value("select code from alliance.programme where organisation = %s and id = %s", (lead, programme)) or "")
