"""Organisations and their people, as the actor may see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marque.foundation import Transaction


@dataclass(frozen=True)
class OrganisationRow:
    organisation: str
    parent: str | None
    name: str
    name_zh: str
    kind: str


@dataclass(frozen=True)
class PersonRow:
    organisation: str
    id: UUID
    name: str
    email: str
    duties: list[str]
    created_at: datetime
    left_at: datetime | None


_PERSON = "organisation, id, name, email, duties, created_at, left_at"


def organisations(tx: Transaction) -> list[OrganisationRow]:
    return tx.rows(OrganisationRow, "select organisation, parent, name, name_zh, kind from alliance.organisation order by organisation")


def people(tx: Transaction) -> list[PersonRow]:
    return tx.rows(PersonRow, f"select {_PERSON} from alliance.person order by left_at is not null, name, id")  # noqa: S608


def person(tx: Transaction, person_id: UUID, *, lock: bool = False) -> PersonRow | None:
    """A person of the actor's own organisation."""
    sql = f"select {_PERSON} from alliance.person where organisation = %s and id = %s{' for update' if lock else ''}"  # noqa: S608
    return tx.row(PersonRow, sql, (tx.actor.organisation, person_id))


def add_person(tx: Transaction, row: PersonRow) -> bool:
    """False when the organisation has somebody with this address already, who has not left."""
    sql = (
        f"insert into alliance.person ({_PERSON}) values (%s, %s, %s, %s, %s, %s, %s)"  # noqa: S608
        " on conflict (organisation, email) where left_at is null do nothing"
    )
    return tx.execute(sql, (row.organisation, row.id, row.name, row.email, row.duties, row.created_at, row.left_at)) == 1


def set_duties(tx: Transaction, person_id: UUID, duties: list[str]) -> None:
    tx.execute("update alliance.person set duties = %s where organisation = %s and id = %s", (duties, tx.actor.organisation, person_id))


def leave(tx: Transaction, person_id: UUID) -> None:
    sql = "update alliance.person set left_at = %s, duties = '{}' where organisation = %s and id = %s"
    tx.execute(sql, (tx.now, tx.actor.organisation, person_id))


def administrators(tx: Transaction) -> set[UUID]:
    """Locked, so that two of them cannot resign at once."""
    sql = (
        "select id from alliance.person where organisation = %s and 'administrator' = any (duties) and left_at is null"
        " order by id for update"
    )
    return {row[0] for row in tx.connection.execute(sql.encode(), (tx.actor.organisation,))}
