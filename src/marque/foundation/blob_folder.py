"""Blobs in a folder of this machine: the embedded default.

A blob is written beside the others under a name nobody reads, flushed to the disk, then renamed; the rename is flushed too. (obstore's
LocalStore renames as well but flushes nothing: after a power cut its names may stand for empty files.)
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from marque.common import Unavailable
from marque.foundation.blobs import CAP_BYTES, CHUNK_BYTES, Blob, Digest, Reading, Source, blob_key, copy, missing, owner_key, verified

_INCOMING = ".incoming"
_ABANDONED_S = 24 * 3600.0
"""Whatever was last written to so long ago under a temporary name, its writer is dead."""
_BLOB = re.compile(r"[0-9a-f]{64}")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SHUT = {errno.EACCES, errno.EPERM, errno.EROFS}


class FolderBlobs:
    """A BlobStore in a folder, which is made when it is missing. Only one machine may write to it; any number of its processes may.

    Raises common.Unavailable if the folder cannot be made.
    """

    def __init__(self, root: Path, cap_bytes: int = CAP_BYTES) -> None:
        self.root, self.cap_bytes = root, cap_bytes
        with self.telling():
            (root / _INCOMING).mkdir(parents=True, exist_ok=True)
            for folder in (root, root.resolve().parent):
                _flush_folder(folder)
            for left in (root / _INCOMING).iterdir():
                with suppress(FileNotFoundError):
                    if left.stat().st_mtime < time.time() - _ABANDONED_S:
                        left.unlink()

    def of(self, organisation: str) -> _OrganisationFolder:
        return _OrganisationFolder(self, owner_key(organisation))

    def check(self) -> None:
        with self.incoming() as (file, _):
            _write_all(file, b"\0")

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What the operating system says, as a sentence with the place and the remedy."""
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                problem, remedy = "no room is left", "Free some space or raise the quota, then put it again."
            elif error.errno in _SHUT:
                problem, remedy = "it may not be written or read", "Give the user that Marque runs as the right to this folder."
            else:
                problem, remedy = "the disk does not serve it", "Look at the machine's disk and its log, then try again."
            said = f"{problem} ({error.strerror}); what was stored before is as it was"
            raise Unavailable(f"blobs in {self.root}: {said}.\n  {remedy}") from error

    @contextmanager
    def incoming(self) -> Iterator[tuple[BinaryIO, Path]]:
        """A file to write into, gone when left unless it was renamed before. OSErrors within become sentences."""
        path = self.root / _INCOMING / uuid4().hex
        with self.telling():
            file = path.open("xb", buffering=0)
            try:
                yield file, path
            finally:
                file.close()
                path.unlink(missing_ok=True)


class _OrganisationFolder:
    def __init__(self, store: FolderBlobs, organisation: str) -> None:
        self._store, self._home = store, store.root / organisation

    def put(self, source: Source) -> Digest:
        with self._store.incoming() as (file, path):
            digest = copy(source, lambda chunk: _write_all(file, chunk), self._store.cap_bytes)
            os.fsync(file.fileno())
            target = self._home / blob_key(digest)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
            # A folder that is new, even by another's hand a moment ago, is durable only once the folder above it was flushed.
            for folder in (target.parent, self._home, self._store.root):
                _flush_folder(folder)
        return digest

    def open(self, digest: str) -> BinaryIO:
        with self._store.telling():
            try:
                file = (self._home / blob_key(digest)).open("rb", buffering=0)
            except FileNotFoundError:
                raise missing(digest) from None
        return BufferedReader(Reading(verified(self._chunks(file), digest, f"blobs in {self._store.root}"), file.close))

    def _chunks(self, file: BinaryIO) -> Iterator[bytes]:
        with self._store.telling():
            yield from iter(lambda: file.read(CHUNK_BYTES), b"")

    def read(self, digest: str) -> bytes:
        with self.open(digest) as file:
            return file.read()

    def exists(self, digest: str) -> bool:
        with self._store.telling():
            return (self._home / blob_key(digest)).is_file()

    def delete(self, digest: str) -> None:
        path = self._home / blob_key(digest)
        with self._store.telling(), suppress(FileNotFoundError):
            path.unlink()
            _flush_folder(path.parent)

    def list(self) -> Iterator[Blob]:
        with self._store.telling():
            for folder in sorted(self._home.glob("[0-9a-f][0-9a-f]/")):
                for path in sorted(folder.iterdir()):
                    with suppress(FileNotFoundError):
                        if _BLOB.fullmatch(path.name):
                            told = path.stat()
                            yield Blob(Digest(path.name), told.st_size, datetime.fromtimestamp(told.st_mtime, UTC))


def _write_all(file: BinaryIO, data: bytes | memoryview) -> None:
    """A disk that is nearly full takes a part, and refuses only what comes after."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _flush_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
