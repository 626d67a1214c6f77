"""Brands and the owners of their marks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from marque.foundation import Transaction


@dataclass(frozen=True)
class BrandRow:
    organisation: str
    code: str
    name: str
    name_zh: str


@dataclass(frozen=True)
class OwnerRow:
    organisation: str
    brand: str
    since: date
    owner: str
    source: str
    recorded_at: datetime


def brands(tx: Transaction) -> list[BrandRow]:
    return tx.rows(BrandRow, "select organisation, code, name, name_zh from alliance.brand order by name, organisation")


def brand(tx: Transaction, code: str) -> BrandRow | None:
    """Of the actor's own organisation."""
    sql = "select organisation, code, name, name_zh from alliance.brand where organisation = %s and code = %s"
    return tx.row(BrandRow, sql, (tx.actor.organisation, code))


def owners(tx: Transaction) -> list[OwnerRow]:
    """Of every visible brand, the earliest first."""
    return tx.rows(
        OwnerRow,
        "select organisation, brand, since, owner, source, recorded_at from alliance.brand_owner order by organisation, brand, since",
    )


def add(tx: Transaction, row: BrandRow) -> bool:
    """False when the organisation keeps a brand with this code."""
    sql = (
        "insert into alliance.brand (organisation, code, name, name_zh, created_at) values (%s, %s, %s, %s, %s)"
        " on conflict (organisation, code) do nothing"
    )
    return tx.execute(sql, (row.organisation, row.code, row.name, row.name_zh, tx.now)) == 1


def show(tx: Transaction, code: str, organisation: str) -> None:
    """A brand of the actor's organisation, to another one besides."""
    sql = (
        "update alliance.brand set shown_to = array(select distinct one from unnest(shown_to || %s::text) as named (one) order by one)"
        " where organisation = %s and code = %s"
    )
    tx.execute(sql, (organisation, tx.actor.organisation, code))


def add_owner(tx: Transaction, row: OwnerRow) -> bool:
    """False when an owner is recorded for this day."""
    sql = (
        "insert into alliance.brand_owner (organisation, brand, since, owner, source, recorded_at) values (%s, %s, %s, %s, %s, %s)"
        " on conflict (organisation, brand, since) do nothing"
    )
    return tx.execute(sql, (row.organisation, row.brand, row.since, row.owner, row.source, tx.now)) == 1
