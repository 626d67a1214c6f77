"""The catalogue of modules and where they were offered, in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from marque.foundation import Transaction

if TYPE_CHECKING:
    from marque.product.supply import Module

_COLUMNS = "module as name, version, kind, title, digest, hardware, requires, provides, created_at"


@dataclass(frozen=True)
class Row:
    """A version of a module, as stored."""

    name: str
    version: str
    kind: str
    title: str
    digest: str
    hardware: list[str]
    requires: list[str]
    provides: list[str]
    created_at: datetime
    text: str


@dataclass(frozen=True)
class Binding:
    """A module in a programme. mode: of the agreement's revision that says who decides about it. state: of the decision.

    version: empty where the programme is to have it no longer, and where the row is another's by now.
    """

    lead: str
    programme: UUID
    code: str
    part: str
    version: str
    revision: UUID
    offered_at: datetime
    mode: str
    state: str
    assented_at: datetime | None


def insert(tx: Transaction, module: Module) -> bool:
    """False: there is this version already."""
    sql = """
        insert into product.module
            (organisation, module, version, kind, title, digest, text, requires, provides, hardware, written_by, created_at)
        values (%s, %s, %s, %s, %s, '', %s, %s, %s, %s, %s, %s) on conflict do nothing"""
    given = (
        tx.actor.organisation, module.name, module.version, module.kind, module.title, module.text, list(module.requires),
        list(module.provides), list(module.hardware), tx.actor.person, tx.now,
    )  # fmt: skip
    return tx.execute(sql, given) == 1


def by_version(tx: Transaction, name: str, version: str) -> Row | None:
    sql = f"select {_COLUMNS}, text from product.module where organisation = %s and module = %s and version = %s"  # noqa: S608  names only
    return tx.row(Row, sql, (tx.actor.organisation, name, version))


def catalogue(tx: Transaction) -> list[Row]:
    sql = f"""
        select {_COLUMNS}, '' as text from product.module where organisation = %s
        order by module, created_at desc, version desc"""  # noqa: S608  names only
    return tx.rows(Row, sql, (tx.actor.organisation,))


def bindings(tx: Transaction) -> list[Binding]:
    sql = """
        select r.lead, r.programme, p.code, r.part, coalesce(r.about ->> 'version', '') as version, r.id as revision,
               r.created_at as offered_at, coalesce(a.mode, '') as mode, coalesce(s.state, '') as state, s.assented_at
        from product.revision r
        join alliance.programme p on p.organisation = r.lead and p.id = r.programme
        cross join lateral product.standing(r.lead, r.programme, r.process, r.id) as s
        left join alliance.decision d on d.id = s.decision
        left join alliance.revision a on a.organisation = d.lead and a.agreement = d.agreement and a.number = d.number
        where r.organisation = %(me)s and r.side = %(me)s and r.kind = 'module'
        order by r.part, r.lead, p.code, r.created_at desc, r.id desc"""
    return tx.rows(Binding, sql, {"me": tx.actor.organisation})
