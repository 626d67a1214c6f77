"""What the online keys sign: which versions of all metadata belong together (snapshot), and which snapshot is now (timestamp)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from marque.car.tuf.model import File, Snapshot, Timestamp


def file_of(raw: bytes, version: int) -> File:
    """A metadata file with its length and SHA-256."""
    return File(version, len(raw), {"sha256": hashlib.sha256(raw).hexdigest()})


def snapshot_of(version: int, expires: datetime, files: Mapping[str, File]) -> Snapshot:
    """files: `targets.json` and every delegated role's, by file name.

    A file of many (bins) may be listed by version alone, a quarter of the bytes: those who sign it are still the ones who have to sign it.
    """
    return Snapshot(version=version, expires=expires, meta=dict(files))


def timestamp_of(version: int, expires: datetime, snapshot: bytes, snapshot_version: int) -> Timestamp:
    """snapshot: the whole file, signatures and all."""
    return Timestamp(version=version, expires=expires, snapshot=file_of(snapshot, snapshot_version))
