"""Where images, slots and the journal lie, and what may be believed of it after a power cut.

The rules of every file system that is worth the name, and no more: what was written is there for certain only after `sync` of the file;
that a name is there, is gone or was renamed, only after `sync_folder` of its folder. Until then any part of it may be there after a cut. A
rename within a folder is one step. Names are relative, "/" between parts.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from hashlib import sha256 as _sha256
from pathlib import Path
from typing import Final, Protocol

from marque.common import InputError, Unavailable

_CHUNK: Final = 1 << 20


class Full(Unavailable):
    """There is no room left; nothing that was in use is lost."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place}: there is no room left in the car's storage. Nothing was changed; the update goes on when there is.")


class Storage(Protocol):
    """A tree of files. What fails, fails as OSError of the system, but for `Full`."""

    def size(self, name: str) -> int | None:
        """In bytes; None where there is no such file."""

    def read(self, name: str, start: int = 0, length: int = -1) -> bytes:
        """From `start`, at most `length` bytes; -1: to the end."""

    def view(self, name: str) -> AbstractContextManager[memoryview]:
        """The whole file to read, without a copy of it in memory where that is possible."""

    def names(self, folder: str) -> tuple[str, ...]:
        """Of the files in a folder, sorted; none where there is no such folder."""

    def make(self, folder: str) -> None:
        """The folder is there for certain from here on."""

    def write(self, name: str, at: int, data: bytes) -> None:
        """`data` from byte `at` on; `at` is at most the size. Makes the file."""

    def cut(self, name: str, size: int) -> None:
        """Only the first `size` bytes stay."""

    def sync(self, name: str) -> None: ...

    def sync_folder(self, folder: str) -> None: ...

    def rename(self, old: str, new: str) -> None:
        """Within one folder; what was called `new` is gone."""

    def remove(self, name: str) -> None:
        """Nothing where there is no such file."""

    def free(self) -> int:
        """Bytes that may still be written."""


def folder_of(name: str) -> str:
    """The part before the last "/"; empty: the root."""
    return name.rpartition("/")[0]


def replace(storage: Storage, name: str, data: bytes) -> None:
    """The file is `data` and nothing else, or as it was: for certain when this returns."""
    fresh = name + ".new"
    storage.remove(fresh)
    storage.write(fresh, 0, data)
    storage.sync(fresh)
    storage.rename(fresh, name)
    storage.sync_folder(folder_of(name))


def holds(storage: Storage, name: str, length: int, sha256: str) -> bool:
    """Whether a file is there, of that length and SHA-256, as read back now."""
    if storage.size(name) != length:
        return False
    met = _sha256()
    for at in range(0, length, _CHUNK):
        met.update(storage.read(name, at, _CHUNK))
    return met.hexdigest() == sha256


class FolderStorage:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def size(self, name: str) -> int | None:
        try:
            return self._at(name).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, name: str, start: int = 0, length: int = -1) -> bytes:
        with self._at(name).open("rb") as file:
            file.seek(start)
            return file.read(length)

    @contextmanager
    def view(self, name: str) -> Iterator[memoryview]:
        with self._at(name).open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                yield memoryview(b"")
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as seen:
                yield seen

    def names(self, folder: str) -> tuple[str, ...]:
        try:
            return tuple(sorted(entry.name for entry in self._at(folder).iterdir() if entry.is_file()))
        except FileNotFoundError:
            return ()

    def make(self, folder: str) -> None:
        path = self._at(folder)
        missing = [each for each in (path, *path.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            _sync_folder(each.parent)

    def write(self, name: str, at: int, data: bytes) -> None:
        with _told_when_full(name):
            handle = os.open(self._at(name), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                left = memoryview(data)
                while left:
                    done = os.pwrite(handle, left, at)
                    left, at = left[done:], at + done
            finally:
                os.close(handle)

    def cut(self, name: str, size: int) -> None:
        os.truncate(self._at(name), size)

    def sync(self, name: str) -> None:
        with _told_when_full(name):
            handle = os.open(self._at(name), os.O_RDWR | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def sync_folder(self, folder: str) -> None:
        _sync_folder(self._at(folder))

    def rename(self, old: str, new: str) -> None:
        self._at(old).replace(self._at(new))

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._at(name).unlink()

    def free(self) -> int:
        told = os.statvfs(self._root)
        return told.f_bavail * told.f_frsize

    def _at(self, name: str) -> Path:
        parts = name.split("/") if name else []
        if any(part in {"", ".", ".."} or "\0" in part for part in parts):
            raise InputError(name, "", "is not a name inside the car's storage")
        return self._root.joinpath(*parts)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told_when_full(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        if fault.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise Full(name) from fault
        raise
