"""Ways to save bytes: patches from images that cars run to the image that follows, made once by a job when a release is published.

`zstd-patch`: a zstd frame (RFC 8878) with the base as raw-content dictionary, the window as wide as base and image together; `bsdiff`: as
bsdiff4 writes it. What is kept is what saves something; which of the two a car takes, its control units say. A patch is signed by nobody
but the director: the car believes the image's hash alone (`car.install.deltas`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from marque.car.uptane.claims import Delta
from marque.common import InputError, Unavailable
from marque.foundation import Actor, Database, Event, Job, Transaction
from marque.release.devices import delta_store
from marque.release.devices.delta_store import Pair
from marque.release.devices.model import Fleet

if TYPE_CHECKING:
    from marque.foundation.blobs import BlobStore

ZSTD_PATCH, BSDIFF = "zstd-patch", "bsdiff"
METHODS = (ZSTD_PATCH, BSDIFF)
MOST_BASES = 4
"""For each image, from so many of its predecessors: those that most cars run."""
_LEAST_SAVING = 0.1
_LEVEL = 19
_BSDIFF_LARGEST = 64 << 20
"""bytes; bsdiff's suffix sort takes 17 times as much memory as the base."""


@dataclass(frozen=True)
class Made:
    """A patch and the method that made it."""

    method: str
    patch: bytes


def make(method: str, base: bytes, image: bytes) -> bytes:
    """The patch that turns the base into the image. Raises InputError for a method that nobody knows."""
    if method == ZSTD_PATCH:
        import zstandard

        if not base or not image:
            return zstandard.ZstdCompressor(level=_LEVEL).compress(image)
        # Wide enough that the whole base is within reach from the image's last byte.
        wide = min((len(base) + len(image)).bit_length(), zstandard.WINDOWLOG_MAX)
        parameters = zstandard.ZstdCompressionParameters.from_level(
            _LEVEL, source_size=len(image), dict_size=len(base), window_log=max(wide, zstandard.WINDOWLOG_MIN), write_content_size=True,
            write_dict_id=False, enable_ldm=True,
        )  # fmt: skip
        dictionary = zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        return zstandard.ZstdCompressor(dict_data=dictionary, compression_params=parameters).compress(image)
    if method == BSDIFF:
        import bsdiff4

        return bytes(bsdiff4.diff(base, image))
    raise InputError("delta", "method", f"{method!r} is none of {', '.join(METHODS)}")


def worthwhile(base: bytes, image: bytes, methods: Sequence[str] = METHODS) -> list[Made]:
    """The patches that save at least a tenth of the image, the smallest first."""
    able = [one for one in methods if one != BSDIFF or max(len(base), len(image)) <= _BSDIFF_LARGEST]
    made = [Made(one, make(one, base, image)) for one in able]
    return sorted((one for one in made if len(one.patch) <= len(image) * (1 - _LEAST_SAVING)), key=lambda one: (len(one.patch), one.method))


def between(tx: Transaction, fleet: Fleet, images: Sequence[str]) -> dict[tuple[str, str], list[Delta]]:
    """Every patch to these images (SHA-256), by (base, image). One query, by row-level security alone."""
    told: dict[tuple[str, str], list[Delta]] = {}
    for one in delta_store.to_images(tx, fleet, images) if images else ():
        told.setdefault((one.base, one.image), []).append(Delta(one.method, one.base, f"deltas/{one.sha256}", one.length, one.sha256))
    return told


def after_publication(tx: Transaction, event: Event) -> None:
    """Of `release.published`: have its deltas made."""
    told = {name: str(event.body[name]) for name in ("lead", "programme", "release")}
    tx.defer("make-deltas", told, once=f"deltas of {told['release']}", alone="make-deltas")


def make_all(database: Database, job: Job, blobs: BlobStore) -> None:
    """The job `make-deltas`: body {lead, programme, release}. What was made is not made again, so it goes on where a kill left it.

    Raises Unavailable when the worker ends, to be run again.
    """
    fleet, release = Fleet(str(job.body["lead"]), UUID(str(job.body["programme"]))), UUID(str(job.body["release"]))
    actor = Actor(job.organisation, purpose="job make-deltas")
    with database.transaction(actor) as tx:
        images = delta_store.images(tx, fleet, release)
        pairs = delta_store.pairs(tx, fleet, release, MOST_BASES)
    for one in images:
        _stop(job.stopping)
        put_digests(database, actor, fleet, blobs, one.sha256, one.owner)
    for pair in pairs:
        _stop(job.stopping)
        _make(database, actor, fleet, blobs, pair)


def put_digests(database: Database, actor: Actor, fleet: Fleet, blobs: BlobStore, sha256: str, owner: str) -> None:
    """MD5 and SHA-1 of an image, which clients of DDI ask for beside the SHA-256."""
    with database.transaction(actor) as tx:
        if delta_store.digests(tx, fleet, [sha256]):
            return
    sha1, md5, length = hashlib.sha1(usedforsecurity=False), hashlib.md5(usedforsecurity=False), 0
    with blobs.of(owner).open(sha256) as file:
        while chunk := file.read(1 << 20):
            sha1.update(chunk)
            md5.update(chunk)
            length += len(chunk)
    with database.transaction(actor) as tx:
        delta_store.put_digests(tx, fleet, delta_store.Digests(sha256, sha1.hexdigest(), md5.hexdigest(), length))


def _make(database: Database, actor: Actor, fleet: Fleet, blobs: BlobStore, pair: Pair) -> None:
    if not (lacking := [one for one in METHODS if one not in pair.made]):
        return
    base, image = blobs.of(pair.base_owner).read(pair.base), blobs.of(pair.image_owner).read(pair.image)
    for made in worthwhile(base, image, lacking):
        sha256 = blobs.of(actor.organisation).put(made.patch)
        with database.transaction(actor) as tx:
            delta_store.put(tx, fleet, delta_store.Row(pair.base, pair.image, made.method, len(made.patch), sha256, actor.organisation))


def _stop(stopping: Callable[[], bool]) -> None:
    if stopping():
        raise Unavailable("The worker ends; the rest of the deltas is made by the next run.")
