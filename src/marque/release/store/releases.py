"""Releases, their images and evidence, in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from marque.alliance.access import Area
from marque.foundation import Transaction
from marque.release.model import Cell, Draft, Evidence, Image, Release, State, Withdrawn
from marque.release.repository.roles import KEEP
from marque.release.rules import Standing, listed, stage
from marque.release.store import rows

# What became of a release: the change that put it up for signatures (a dropped one is none), its evidence, and who withdrew that first.
_HEAD = """
    r.id, r.organisation, r.lead, r.programme, r.created_at, r.written_by,
    r.name, r.version, r.counter, r.digest, r.model, r.markets, r.said,
    e.sha256, e.side as proven_by, e.written_by as attached_by, e.created_at as attached_at, e.body as evidence,
    c.id as change, c.created_at as signing_since, c.state, c.closed_at,
    w.side as withdrawn_by, w.written_by as withdrawer, w.created_at as withdrawn_at, w.reason,
    s.change as listing, s.signed_at as listed_at"""
_FROM = """
    from release.release r
    left join lateral (
        select * from release.evidence e where e.release = r.id order by e.created_at desc, e.id desc limit 1
    ) e on true
    left join lateral (
        select c.id, c.created_at, k.state, k.created_at as closed_at
        from release.change c left join release.closing k on k.change = c.id
        where c.lead = r.lead and c.programme = r.programme and c.purpose = 'release' and c.subject = r.id::text
          and k.state is distinct from 'dropped'
        order by c.created_at desc, c.id desc limit 1
    ) c on true
    left join lateral (
        select * from release.withdrawal w
        where w.lead = r.lead and w.programme = r.programme and w.evidence = e.sha256 order by w.created_at, w.id limit 1
    ) w on true
    left join lateral release.list_of(w.lead, w.programme, w.side, w.created_at) s on true"""


@dataclass(frozen=True)
class Row:
    """A release, as stored, and what was done with it."""

    id: UUID
    organisation: str
    lead: str
    programme: UUID
    created_at: datetime
    written_by: UUID | None
    name: str
    version: str
    counter: int
    digest: str
    model: str
    markets: list[str]
    said: dict[str, Any]
    sha256: str | None
    proven_by: str | None
    attached_by: UUID | None
    attached_at: datetime | None
    evidence: dict[str, Any] | None
    change: UUID | None
    signing_since: datetime | None
    state: str | None
    closed_at: datetime | None
    withdrawn_by: str | None
    withdrawer: UUID | None
    withdrawn_at: datetime | None
    reason: str | None
    listing: UUID | None
    listed_at: datetime | None

    def release(self, images: Sequence[Image], newer: tuple[UUID, ...]) -> Release:
        state = None if self.change is None else State(self.state or State.OPEN)
        done = Standing(self.evidence is not None, state, self.withdrawn_at is not None, newer)
        said = self.said
        return Release(
            id=self.id, organisation=self.organisation, lead=self.lead, programme=self.programme,
            said=Draft(
                name=self.name, version=self.version, digest=self.digest, model=self.model, markets=tuple(self.markets),
                rxswin=said["rxswin"], requires=said["requires"],
                conflicts={name: (first, last) for name, (first, last) in said["conflicts"].items()},
                entitlement=said["entitlement"], note=said["note"],
            ),
            counter=self.counter, images=tuple(images), evidence=self._evidence(), stage=stage(done), created_at=self.created_at,
            created_by=self.written_by, change=self.change, signing_since=self.signing_since,
            published_at=self.closed_at if state is State.IN_FORCE else None, withdrawn=self._withdrawn(),
            replaced_by=newer[0] if newer else None, listed=listed(done),
        )  # fmt: skip

    def _evidence(self) -> Evidence | None:
        if self.evidence is None:
            return None
        assert self.sha256 is not None
        assert self.proven_by is not None
        assert self.attached_at is not None
        body = self.evidence
        return Evidence(
            sha256=self.sha256, owner=self.proven_by, attached_by=self.attached_by, attached_at=self.attached_at,
            verified=datetime.fromisoformat(body["verified"]), expires=datetime.fromisoformat(body["expires"]), sequence=body["sequence"],
            summary=body["summary"], runs=body["runs"], signers=body["signers"],
            cells=tuple(Cell(one["model"], one["cell"], one["answer"], tuple(one["reasons"])) for one in body["cells"]),
        )  # fmt: skip

    def _withdrawn(self) -> Withdrawn | None:
        if self.withdrawn_at is None:
            return None
        assert self.sha256 is not None
        assert self.withdrawn_by is not None
        assert self.withdrawer is not None
        return Withdrawn(
            evidence=self.sha256, organisation=self.withdrawn_by, person=self.withdrawer, at=self.withdrawn_at, reason=self.reason or "",
            signed_at=self.listed_at, change=self.listing,
        )  # fmt: skip


@dataclass(frozen=True)
class ImageRow:
    """An image, as stored."""

    release: UUID
    side: str
    path: str
    role: str
    hardware: list[str]
    length: int
    sha256: str

    @property
    def image(self) -> Image:
        return Image(path=self.path, role=self.role, hardware=tuple(self.hardware), length=self.length, sha256=self.sha256, owner=self.side)


@dataclass(frozen=True)
class Named:
    """A published release, as much as tells which comes after which."""

    id: UUID
    lead: str
    programme: UUID
    name: str
    model: str
    counter: int


@dataclass(frozen=True)
class Version:
    """What no second release may be called."""

    name: str
    version: str
    model: str


@dataclass(frozen=True)
class Said:
    """Evidence of earlier releases, as attached."""

    sha256: str
    body: dict[str, Any]


def insert(tx: Transaction, area: Area, given: Draft, counter: int) -> UUID:
    said = {
        "rxswin": dict(given.rxswin), "requires": dict(given.requires), "conflicts": {k: list(v) for k, v in given.conflicts.items()},
        "entitlement": given.entitlement, "note": given.note,
    }  # fmt: skip
    columns = {
        "name": given.name, "version": given.version, "counter": counter, "digest": given.digest, "model": given.model,
        "markets": list(given.markets), "said": Jsonb(said),
    }  # fmt: skip
    return rows.insert(tx, "release", area, columns)


def last_counter(tx: Transaction, area: Area, name: str, model: str) -> int:
    """The highest that was ever given out for this name and model; 0: none."""
    return int(tx.value("select release.last_counter(%s, %s, %s, %s)", (area.lead, area.programme, name, model)))


def names(tx: Transaction, area: Area) -> list[tuple[str, str, str]]:
    """Name, version and model of every visible release."""
    found = tx.rows(
        Version, "select name, version, model from release.release where lead = %s and programme = %s", (area.lead, area.programme)
    )
    return [(one.name, one.version, one.model) for one in found]


def add_image(tx: Transaction, release: Release, image: Image) -> None:
    columns = {
        "release": release.id, "path": image.path, "role": image.role, "hardware": list(image.hardware), "length": image.length,
        "sha256": image.sha256,
    }  # fmt: skip
    rows.insert(tx, "image", release.area, columns)


def remove_image(tx: Transaction, release: UUID, path: str) -> bool:
    """False when there is none, or it is another organisation's."""
    return tx.execute("delete from release.image where release = %s and path = %s", (release, path)) > 0


def add_evidence(tx: Transaction, release: Release, sha256: str, body: Mapping[str, Any]) -> None:
    rows.insert(tx, "evidence", release.area, {"release": release.id, "sha256": sha256, "body": Jsonb(dict(body))})


def evidence_of(tx: Transaction, area: Area) -> list[Said]:
    """All evidence that was ever attached in a programme."""
    return tx.rows(Said, "select sha256, body from release.evidence where lead = %s and programme = %s", (area.lead, area.programme))


def by_ids(tx: Transaction, releases: Collection[UUID]) -> list[Release]:
    return _assembled(tx, tx.rows(Row, f"select {_HEAD} {_FROM} where r.id = any(%s)", (list(releases),)))


def page(tx: Transaction, area: Area, before: UUID | None, limit: int) -> list[Release]:
    """Visible releases, the newest first."""
    older = "and r.id < %(before)s" if before else ""
    sql = f"select {_HEAD} {_FROM} where r.lead = %(lead)s and r.programme = %(programme)s {older} order by r.id desc limit %(limit)s"
    of = {"lead": area.lead, "programme": area.programme, "before": before, "limit": limit}
    return _assembled(tx, tx.rows(Row, sql, of))


def resting_on(tx: Transaction, area: Area, evidence: str) -> list[Release]:
    """Releases of a programme whose evidence this is."""
    sql = f"select {_HEAD} {_FROM} where r.lead = %s and r.programme = %s and e.sha256 = %s order by r.id"
    return _assembled(tx, tx.rows(Row, sql, (area.lead, area.programme, evidence)))


def unfinished(tx: Transaction) -> list[Release]:
    """Every release of the acting organisation's that nobody was asked to sign yet."""
    sql = f"select {_HEAD} {_FROM} where r.organisation = %s and c.id is null order by r.id"
    return _assembled(tx, tx.rows(Row, sql, (tx.actor.organisation,)))


def published(tx: Transaction, area: Area, name: str, model: str) -> int:
    """The highest counter that is published of a name and model; 0: none."""
    sql = """
        select coalesce(max(r.counter), 0) from release.release r
        where r.lead = %s and r.programme = %s and r.name = %s and r.model = %s and release.published(r.lead, r.programme, r.id)"""
    return int(tx.value(sql, (area.lead, area.programme, name, model)))


def distributable(tx: Transaction, releases: Collection[UUID]) -> list[UUID]:
    """Published, still listed, and not withdrawn."""
    sql = """
        select r.id from release.release r
        where r.id = any(%s) and release.published(r.lead, r.programme, r.id)
          and not exists (
              select from (select * from release.evidence e where e.release = r.id order by e.created_at desc, e.id desc limit 1) e
              join release.withdrawal w on w.lead = r.lead and w.programme = r.programme and w.evidence = e.sha256
          )
          and (
              select count(*) from (
                  select from release.release n
                  where n.lead = r.lead and n.programme = r.programme and n.name = r.name and n.model = r.model and n.counter > r.counter
                    and release.published(n.lead, n.programme, n.id)
                  limit %s  -- no more are looked for than matter
              ) newer
          ) < %s"""
    return [one for (one,) in tx.connection.execute(sql.encode(), (list(releases), KEEP, KEEP)).fetchall()]


def _assembled(tx: Transaction, found: Sequence[Row]) -> list[Release]:
    images: dict[UUID, list[Image]] = {}
    sql = "select release, side, path, role, hardware, length, sha256 from release.image where release = any(%s) order by path"
    for one in tx.rows(ImageRow, sql, ([row.id for row in found],)):
        images.setdefault(one.release, []).append(one.image)
    return [row.release(images.get(row.id, ()), newer) for row, newer in zip(found, _newer(tx, found), strict=True)]


def _newer(tx: Transaction, found: Sequence[Row]) -> list[tuple[UUID, ...]]:
    """For each, the published releases of its name and model with a higher counter, the next one first."""
    keys = sorted({(row.lead, row.programme, row.name, row.model) for row in found})
    sql = """
        select r.id, r.lead, r.programme, r.name, r.model, r.counter
        from unnest(%s::text[], %s::uuid[], %s::text[], %s::text[]) as of (lead, programme, name, model)
        join release.release r on r.lead = of.lead and r.programme = of.programme and r.name = of.name and r.model = of.model
        where (r.lead, r.programme, r.id::text) in (
            select c.lead, c.programme, c.subject from release.change c join release.closing k on k.change = c.id
            where c.purpose = 'release' and k.state = 'in-force'
        )
        order by r.counter"""
    published: dict[tuple[str, UUID, str, str], list[Named]] = {}
    for one in tx.rows(Named, sql, [list(column) for column in zip(*keys, strict=True)] if keys else [[], [], [], []]):
        published.setdefault((one.lead, one.programme, one.name, one.model), []).append(one)
    return [
        tuple(one.id for one in published.get((row.lead, row.programme, row.name, row.model), ()) if one.counter > row.counter)
        for row in found
    ]
