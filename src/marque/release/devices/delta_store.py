"""Patches between images, and images' older digests, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from marque.alliance.model import Process
from marque.foundation import Transaction
from marque.release.devices.model import Fleet


@dataclass(frozen=True)
class Row:
    """A patch. base, image, sha256: SHA-256 of what it starts from, of what it makes, and of itself; side: whose blob it is."""

    base: str
    image: str
    method: str
    length: int
    sha256: str
    side: str


@dataclass(frozen=True)
class Pair:
    """An image and one before it in the same control units; made: methods of which there is a patch."""

    base: str
    base_owner: str
    image: str
    image_owner: str
    made: list[str]


@dataclass(frozen=True)
class ImageRow:
    """owner: whose blob it is."""

    sha256: str
    owner: str


@dataclass(frozen=True)
class Listing:
    """An image as a release lists it. owner: whose blob it is; length in bytes."""

    release: UUID
    owner: str
    length: int


@dataclass(frozen=True)
class Digests:
    """Of an image's bytes, hexadecimal."""

    sha256: str
    sha1: str
    md5: str
    length: int


def listings(tx: Transaction, fleet: Fleet, path: str, sha256: str) -> list[Listing]:
    """Releases that list an image under this path, as far as their rows are visible."""
    sql = """
        select release, side as owner, length from release.image
        where lead = %s and programme = %s and path = %s and sha256 = %s order by release desc"""
    return tx.rows(Listing, sql, (fleet.lead, fleet.programme, path, sha256))


def images(tx: Transaction, fleet: Fleet, release: UUID) -> list[ImageRow]:
    """Of a release, as far as its rows are visible."""
    sql = "select distinct sha256, side as owner from release.image where lead = %s and programme = %s and release = %s order by sha256"
    return tx.rows(ImageRow, sql, (fleet.lead, fleet.programme, release))


def pairs(tx: Transaction, fleet: Fleet, release: UUID, most: int) -> list[Pair]:
    """For each image of a release, images of earlier releases of its name in the same role and hardware: first what most cars run."""
    sql = """
        select b.base, b.base_owner, n.sha256 as image, n.side as image_owner,
               array(select d.method from release.delta d
                     where d.lead = n.lead and d.programme = n.programme and d.base = b.base and d.image = n.sha256) as made
        from release.image n
        join release.release r on r.id = n.release and r.lead = n.lead and r.programme = n.programme
        cross join lateral (
            select p.sha256 as base, min(p.side) as base_owner, max(q.counter) as counter,
                   (select count(*) from release.ecu e
                    where e.lead = n.lead and e.programme = n.programme and e.sha256 = p.sha256) as running
            from release.image p
            join release.release q on q.id = p.release and q.lead = p.lead and q.programme = p.programme
            where q.lead = r.lead and q.programme = r.programme and q.name = r.name and q.model = r.model and q.counter < r.counter
              and p.role = n.role and p.hardware && n.hardware and p.sha256 <> n.sha256
              and release.published(q.lead, q.programme, q.id)
            group by p.sha256 order by running desc, counter desc limit %(most)s
        ) as b
        where n.lead = %(lead)s and n.programme = %(programme)s and n.release = %(release)s
        order by n.path, b.running desc, b.counter desc"""
    return tx.rows(Pair, sql, {"lead": fleet.lead, "programme": fleet.programme, "release": release, "most": most})


def put(tx: Transaction, fleet: Fleet, row: Row) -> None:
    """Nothing happens where there is one."""
    tx.execute(
        """
        insert into release.delta (organisation, side, lead, programme, process, base, image, method, created_at, length, sha256)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing""",
        (
            tx.actor.organisation, row.side, fleet.lead, fleet.programme, Process.RELEASE_SIGNATURE, row.base, row.image, row.method,
            tx.now, row.length, row.sha256,
        ),
    )  # fmt: skip


def to_images(tx: Transaction, fleet: Fleet, images: Sequence[str]) -> list[Row]:
    sql = """
        select distinct on (image, base, method) base, image, method, length, sha256, side from release.delta
        where lead = %s and programme = %s and image = any (%s) order by image, base, method, length"""
    return tx.rows(Row, sql, (fleet.lead, fleet.programme, list(images)))


def by_file(tx: Transaction, fleet: Fleet, sha256: str) -> Row | None:
    sql = """
        select base, image, method, length, sha256, side from release.delta
        where lead = %s and programme = %s and sha256 = %s limit 1"""
    return tx.row(Row, sql, (fleet.lead, fleet.programme, sha256))


def digests(tx: Transaction, fleet: Fleet, images: Sequence[str]) -> dict[str, Digests]:
    sql = """
        select distinct on (sha256) sha256, sha1, md5, length from release.digests
        where lead = %s and programme = %s and sha256 = any (%s) order by sha256"""
    return {one.sha256: one for one in tx.rows(Digests, sql, (fleet.lead, fleet.programme, list(images)))}


def put_digests(tx: Transaction, fleet: Fleet, one: Digests) -> None:
    """Nothing happens where they are."""
    tx.execute(
        """
        insert into release.digests (organisation, side, lead, programme, process, sha256, created_at, sha1, md5, length)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing""",
        (
            tx.actor.organisation, tx.actor.organisation, fleet.lead, fleet.programme, Process.RELEASE_SIGNATURE, one.sha256, tx.now,
            one.sha1, one.md5, one.length,
        ),
    )  # fmt: skip
