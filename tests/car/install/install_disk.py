"""A disk that loses power: a `Storage` in memory whose cut may come at any operation and within any write, at any byte.

What a cut leaves follows POSIX and no more. Content that was not synced may be gone, be there, or be there in part; a file may have grown
without its content (zeros). Names of a folder that was not synced may be as before, or changed as far as any of its pending changes.
Each pending change goes its own way: nothing says that the earlier one is there when the later one is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeAlias

from marque.car.install.storage import Full

Fate: TypeAlias = Literal["lost", "kept", "any"]
"""Of what was not synced: nothing of it, all of it, or some, torn anywhere."""


class PowerCut(BaseException):
    """Not an Exception: nothing in the car catches it, as nothing survives the real one."""


@dataclass
class _File:
    durable: bytes = b""
    content: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Writes (at, data) and cuts (size, None)."""


_Names: TypeAlias = dict[str, _File]
_Change: TypeAlias = Callable[[_Names], None]


@dataclass
class _Folder:
    durable: _Names = field(default_factory=dict)
    names: _Names = field(default_factory=dict)
    pending: list[_Change] = field(default_factory=list)


class CutStorage:
    """points: boundaries passed so far: one before each change, sync and rename, and one after each byte of a write.

    passed: of each step, its first point, the last and the name of its file.

    cut_at: the point at which the power goes; None: never. room: bytes that fit; None: any number.
    """

    def __init__(self, cut_at: int | None = None, room: int | None = None) -> None:
        self.points = 0
        self.passed: list[tuple[int, int, str]] = []
        self.cut_at = cut_at
        self.room = room
        self._folders: dict[str, _Folder] = {"": _Folder()}

    def size(self, name: str) -> int | None:
        found = self._find(name)
        return None if found is None else len(found.content)

    def read(self, name: str, start: int = 0, length: int = -1) -> bytes:
        content = self._open(name).content
        return content[start:] if length < 0 else content[start : start + length]

    @contextmanager
    def view(self, name: str) -> Iterator[memoryview]:
        yield memoryview(self._open(name).content)

    def names(self, folder: str) -> tuple[str, ...]:
        return tuple(sorted(self._folders[folder].names)) if folder in self._folders else ()

    def make(self, folder: str) -> None:
        self._folders.setdefault(folder, _Folder())

    def write(self, name: str, at: int, data: bytes) -> None:
        self._point(name)
        file = self._find(name)
        if file is None:
            file = _File()
            self._change(name, _named(_last(name), file))
        assert at <= len(file.content), "a hole"
        if self.room is not None and at + len(data) - len(file.content) > self.room - self._used():
            raise Full(name)
        until = len(data) if self.cut_at is None else min(len(data), self.cut_at - self.points)
        self.points += until
        self.passed.append((self.points - until, self.points, name))
        if until:
            file.pending.append((at, data[:until]))
            file.content = _written(file.content, at, data[:until])
        if self.points == self.cut_at:
            raise PowerCut

    def cut(self, name: str, size: int) -> None:
        self._point(name)
        file = self._open(name)
        file.pending.append((size, None))
        file.content = file.content[:size]

    def sync(self, name: str) -> None:
        self._point(name)
        file = self._open(name)
        file.durable, file.pending = file.content, []

    def sync_folder(self, folder: str) -> None:
        self._point(folder)
        there = self._folders[folder]
        there.durable, there.pending = dict(there.names), []

    def rename(self, old: str, new: str) -> None:
        self._point(new)
        assert old.rpartition("/")[0] == new.rpartition("/")[0], "a rename is within one folder"
        self._change(old, _renamed(_last(old), _last(new), self._open(old)))

    def remove(self, name: str) -> None:
        if self._find(name) is not None:
            self._point(name)
            self._change(name, _removed(_last(name)))

    def free(self) -> int:
        return 1 << 40 if self.room is None else self.room - self._used()

    def after_cut(self, fate: Fate, random: Random) -> CutStorage:
        """The disk when the power is back."""
        left = CutStorage(room=self.room)
        files: dict[int, _File] = {}
        for name, folder in self._folders.items():
            names = _survived_names(folder, fate, random)
            kept = {entry: files.setdefault(id(file), _after(file, fate, random)) for entry, file in names.items()}
            left._folders[name] = _Folder(durable=dict(kept), names=dict(kept))
        return left

    def contents(self) -> dict[str, bytes]:
        return {f"{folder}/{name}": file.content for folder, there in self._folders.items() for name, file in there.names.items()}

    def _point(self, name: str) -> None:
        if self.points == self.cut_at:
            raise PowerCut
        self.points += 1
        self.passed.append((self.points, self.points, name))
        if self.points == self.cut_at:
            raise PowerCut

    def _change(self, name: str, change: _Change) -> None:
        folder = self._folders[name.rpartition("/")[0]]
        change(folder.names)
        folder.pending.append(change)

    def _find(self, name: str) -> _File | None:
        folder = self._folders.get(name.rpartition("/")[0])
        return None if folder is None else folder.names.get(_last(name))

    def _open(self, name: str) -> _File:
        found = self._find(name)
        if found is None:
            raise FileNotFoundError(name)
        return found

    def _used(self) -> int:
        return sum(len(content) for content in self.contents().values())


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _named(name: str, file: _File) -> _Change:
    return lambda names: names.__setitem__(name, file)


def _removed(name: str) -> _Change:
    return lambda names: names.pop(name, None) and None


def _renamed(old: str, new: str, file: _File) -> _Change:
    def change(names: _Names) -> None:
        names.pop(old, None)
        names[new] = file

    return change


def _written(content: bytes, at: int, data: bytes) -> bytes:
    return content[:at] + b"\0" * (at - len(content)) + data + content[at + len(data) :]


def _survived_names(folder: _Folder, fate: Fate, random: Random) -> _Names:
    names = dict(folder.durable)
    for change in folder.pending:
        if fate == "kept" or (fate == "any" and random.random() < 0.5):
            change(names)
    return names


def _after(file: _File, fate: Fate, random: Random) -> _File:
    content = file.durable
    for at, data in file.pending:
        if fate == "lost" or (fate == "any" and random.random() < 0.3):
            continue
        if data is None:
            content = content[:at]
        elif fate == "kept" or random.random() < 0.3:
            content = _written(content, at, data)
        elif random.random() < 0.5:
            content = _written(content, at, data[: random.randrange(len(data) + 1)])
        else:
            content = _written(content, at, b"\0" * len(data))
    return _File(durable=content, content=content)
