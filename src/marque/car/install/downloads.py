"""Files on their way into the car: gone on with where they stopped, and believed only when all of it has been read back from the disk."""

from __future__ import annotations

from typing import Final

from marque.car.attacks import Attack, UpdateRefused
from marque.car.install.storage import Full, Storage, folder_of, holds
from marque.car.tuf.fetch import Fetcher, NotThere

FOLDER: Final = "downloads"
RESERVE: Final = 1 << 20
"""Bytes that a download leaves free: the journal and the metadata have to fit always."""
_SYNC_EVERY: Final = 8 << 20
"""Bytes after which what came is made to last: so much is fetched again after a power cut, at most."""


def place(sha256: str) -> str:
    return f"{FOLDER}/{sha256}"


def fetch(storage: Storage, fetcher: Fetcher, remote: str, *, length: int, sha256: str, file: str, repository: str = "image") -> str:
    """The name in `storage` of a file of that length and SHA-256. remote: where the fetcher has it; file: as refusals call it.

    A part that is there is gone on with; where the whole is wrong then, it is fetched once from the beginning. UpdateRefused
    (ARBITRARY_SOFTWARE, MISSING, ENDLESS_DATA, SLOW_RETRIEVAL), `Full` and Unavailable; what came before the last two is kept.
    """
    name = place(sha256)
    storage.make(FOLDER)
    there = storage.size(name)
    if there == length and holds(storage, name, length, sha256):
        return name
    if there is not None and there >= length:
        storage.remove(name)
        there = None
    _fetch(storage, fetcher, remote, name, there or 0, length, file, repository)
    if there and not holds(storage, name, length, sha256):
        storage.remove(name)
        _fetch(storage, fetcher, remote, name, 0, length, file, repository)
    if not holds(storage, name, length, sha256):
        storage.remove(name)
        raise UpdateRefused(Attack.ARBITRARY_SOFTWARE, repository, file, "is not the file that was signed for")
    return name


def keep_only(storage: Storage, names: frozenset[str]) -> None:
    """Remove all downloads but those."""
    for each in storage.names(FOLDER):
        if f"{FOLDER}/{each}" not in names:
            storage.remove(f"{FOLDER}/{each}")


def _fetch(storage: Storage, fetcher: Fetcher, remote: str, name: str, start: int, length: int, file: str, repository: str) -> None:
    if storage.free() < length - start + RESERVE:
        raise Full(file)
    at = synced = start
    if start == 0:
        storage.write(name, 0, b"")
        storage.sync_folder(folder_of(name))

    def take(piece: bytes) -> None:
        nonlocal at, synced
        storage.write(name, at, piece)
        at += len(piece)
        if at - synced >= _SYNC_EVERY:
            storage.sync(name)
            synced = at

    try:
        fetcher.download(remote, length, take, start)
    except NotThere:
        raise UpdateRefused(Attack.MISSING, repository, file, "is not to be had from the repository") from None
    except UpdateRefused as refused:
        if refused.attack is not Attack.SLOW_RETRIEVAL:
            storage.remove(name)
        raise
    finally:
        if storage.size(name) is not None:
            storage.sync(name)
            storage.sync_folder(folder_of(name))
