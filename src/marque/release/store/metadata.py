"""Metadata files as cars get them, in SQL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marque.alliance.access import Area
from marque.foundation import Transaction
from marque.release.model import Served
from marque.release.store import rows

TIMESTAMP = "timestamp"
UNVERSIONED = "timestamp.json"


@dataclass(frozen=True)
class Row:
    """A file without its bytes."""

    repository: str
    role: str
    version: int
    expires: datetime
    length: int
    sha256: str
    created_at: datetime

    @property
    def served(self) -> Served:
        name = UNVERSIONED if self.role == TIMESTAMP else f"{self.version}.{self.role}.json"
        return Served(
            repository=self.repository, name=name, role=self.role, version=self.version, expires=self.expires, length=self.length,
            sha256=self.sha256, made_at=self.created_at,
        )  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """A repository that the server keeps fresh, and an organisation in whose name it may."""

    organisation: str
    lead: str
    programme: UUID


@dataclass(frozen=True)
class Expiring:
    """A programme, and the roles of it whose newest files expire soon."""

    lead: str
    programme: UUID
    roles: list[str]


@dataclass(frozen=True)
class File:
    """A file."""

    repository: str
    role: str
    version: int
    raw: bytes


def insert(tx: Transaction, area: Area, repository: str, role: str, version: int, expires: datetime, raw: bytes) -> None:
    rows.insert(tx, "metadata", area, {"repository": repository, "role": role, "version": version, "expires": expires, "raw": raw})


def served(tx: Transaction, lead: str, programme: UUID) -> list[Served]:
    """The newest file of each role of both repositories."""
    sql = """
        select distinct on (repository, role) repository, role, version, expires, length, sha256, created_at from release.metadata
        where lead = %s and programme = %s order by repository, role, version desc"""
    return [row.served for row in tx.rows(Row, sql, (lead, programme))]


def newest(tx: Transaction, lead: str, programme: UUID) -> list[File]:
    """The newest file of each role of both repositories, whole."""
    sql = """
        select distinct on (repository, role) repository, role, version, raw from release.metadata
        where lead = %s and programme = %s order by repository, role, version desc"""
    return [File(one.repository, one.role, one.version, bytes(one.raw)) for one in tx.rows(File, sql, (lead, programme))]


def roots(tx: Transaction, lead: str, programme: UUID, repository: str) -> list[bytes]:
    """Every root, the first one first."""
    sql = """
        select repository, role, version, raw from release.metadata
        where lead = %s and programme = %s and repository = %s and role = 'root' order by version"""
    return [bytes(one.raw) for one in tx.rows(File, sql, (lead, programme, repository))]


def raw(tx: Transaction, lead: str, programme: UUID, repository: str, role: str, version: int | None) -> bytes | None:
    """The newest where no version is said."""
    sql = """
        select raw from release.metadata
        where lead = %(lead)s and programme = %(programme)s and repository = %(repository)s and role = %(role)s
          and (%(version)s::integer is null or version = %(version)s)
        order by version desc limit 1"""
    of = {"lead": lead, "programme": programme, "repository": repository, "role": role, "version": version}
    found = tx.value(sql, of)
    return None if found is None else bytes(found)


def prune(tx: Transaction, lead: str, programme: UUID, roles: Collection[str], before: datetime) -> int:
    """Files of these roles, made before an instant by the acting organisation, that are neither the newest nor the one before it."""
    sql = """
        delete from release.metadata m
        where m.lead = %(lead)s and m.programme = %(programme)s and m.role = any(%(roles)s) and m.created_at < %(before)s
          and m.version < (
              select max(n.version) from release.metadata n
              where n.lead = m.lead and n.programme = m.programme and n.repository = m.repository and n.role = m.role
          ) - 1"""
    return tx.execute(sql, {"lead": lead, "programme": programme, "roles": list(roles), "before": before})


def expiring(tx: Transaction, until: datetime) -> list[Expiring]:
    """Programmes with files that people signed and whose newest version expires before an instant, and the roles of these."""
    sql = """
        select lead, programme, array_agg(distinct role order by role) as roles
        from (
            select distinct on (lead, programme, repository, role) lead, programme, role, expires from release.metadata
            where role not in ('timestamp', 'snapshot') order by lead, programme, repository, role, version desc
        ) newest
        where expires < %s group by lead, programme order by lead, programme"""
    return tx.rows(Expiring, sql, (until,))


def repositories(tx: Transaction) -> list[Kept]:
    """Every repository that is begun. For the worker."""
    return tx.rows(Kept, "select organisation, lead, programme from release.repositories()")
