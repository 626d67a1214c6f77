"""Which keys an organisation names for the next root, and what it shows of its people's keys, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from marque.alliance.access import Area
from marque.foundation import Transaction
from marque.release.model import KeyHolder
from marque.release.repository.keys import key_of
from marque.release.store import rows


@dataclass(frozen=True)
class Naming:
    """An organisation's keys, as it named them last."""

    side: str
    created_at: datetime
    keys: list[dict[str, Any]]

    @property
    def holders(self) -> tuple[KeyHolder, ...]:
        return tuple(
            KeyHolder(
                organisation=self.side, person=UUID(one["person"]), name=one["name"],
                key=key_of(bytes.fromhex(one["public"]), self.side), named_at=self.created_at,
                valid_until=datetime.fromisoformat(one["until"]),
            )
            for one in self.keys
        )  # fmt: skip


@dataclass(frozen=True)
class Shared:
    """An organisation's directory of keys, as it shared it last."""

    side: str
    text: bytes
    digest: str


@dataclass(frozen=True)
class Place:
    """A programme."""

    lead: str
    programme: UUID


@dataclass(frozen=True)
class Person:
    """A person's name."""

    id: UUID
    name: str


def name(tx: Transaction, area: Area, keys: Sequence[dict[str, str]]) -> None:
    rows.insert(tx, "naming", area, {"keys": Jsonb(list(keys))})


def named(tx: Transaction, area: Area) -> dict[str, tuple[KeyHolder, ...]]:
    """By organisation, the keys that it named last."""
    sql = """
        select distinct on (side) side, created_at, keys from release.naming
        where lead = %s and programme = %s order by side, created_at desc, id desc"""
    return {one.side: one.holders for one in tx.rows(Naming, sql, (area.lead, area.programme))}


def ever_named(tx: Transaction, area: Area) -> dict[str, KeyHolder]:
    """By key id, every key that was ever named in a programme, with its holder."""
    sql = "select side, created_at, keys from release.naming where lead = %s and programme = %s order by created_at, id"
    return {one.key.id: one for naming in tx.rows(Naming, sql, (area.lead, area.programme)) for one in naming.holders}


def share(tx: Transaction, area: Area, text: bytes, digest: str) -> bool:
    """False when it is what was shared last."""
    shared = directories(tx, area).get(tx.actor.organisation)
    if shared is not None and shared == text:
        return False
    rows.insert(tx, "directory", area, {"text": text, "digest": digest})
    return True


def directories(tx: Transaction, area: Area) -> dict[str, bytes]:
    """By organisation, the directory that it shared last."""
    sql = """
        select distinct on (side) side, text, digest from release.directory
        where lead = %s and programme = %s order by side, created_at desc, id desc"""
    return {one.side: bytes(one.text) for one in tx.rows(Shared, sql, (area.lead, area.programme))}


def shared_in(tx: Transaction) -> list[Place]:
    """Programmes with which the acting organisation shares its directory, as long as it works there."""
    sql = """
        select distinct d.lead, d.programme from release.directory d
        where d.side = %s and exists (
            select from alliance.area_right r
            where r.organisation = d.side and r.owner = d.lead and r.programme = d.programme and r.process = d.process and r.role <> 'none'
              and r.starts <= foundation.instant() and foundation.instant() < r.ends
        )"""
    return tx.rows(Place, sql, (tx.actor.organisation,))


def names_of(tx: Transaction, people: Sequence[UUID]) -> dict[UUID, str]:
    """Of the acting organisation's people, by id."""
    sql = "select id, name from alliance.person where organisation = %s and id = any(%s)"
    return {one.id: one.name for one in tx.rows(Person, sql, (tx.actor.organisation, list(people)))}
