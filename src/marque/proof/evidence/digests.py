"""Digests of what runs depend on: bytes, files, folders, and the code of each package by itself.

By itself, so that a change makes stale no more than it must.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from marque.common import InputError
from marque.proof.evidence import reading


def of_bytes(data: bytes) -> str:
    """SHA-256 in hexadecimal, as everywhere below."""
    return hashlib.sha256(data).hexdigest()


def of_file(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def of_folder(folder: Path, suffixes: Sequence[str] = ()) -> str:
    """SHA-256 of the canonical JSON of all files below: path from here, with `/`, to SHA-256. Empty folders and times do not count.

    suffixes: only files that end so, when given. `__pycache__`, and names that begin with a dot, are no part of it.
    Raises InputError when a folder holds nothing of the kind, or a link: what it leads to would not be bound.
    """
    found = {file.relative_to(folder).as_posix(): of_file(file) for file in _files(folder) if not suffixes or file.suffix in suffixes}
    if not found:
        raise InputError(folder.name, "", "the folder holds no file to take a digest of")
    return of_bytes(reading.canonical(found))


def of_code(root: Path, packages: Iterable[str]) -> dict[str, str]:
    """The digest of each package's files below `root`, by its name as an input: `code/driving`."""
    return {f"code/{package}": of_folder(root / package) for package in packages}


def _files(folder: Path) -> Iterable[Path]:
    for one in sorted(folder.iterdir()):
        if one.name.startswith(".") or one.name == "__pycache__":
            continue
        if one.is_symlink():
            raise InputError(one.name, "", "it is a link, and what it leads to would not be bound", "Put the file itself there.")
        if one.is_dir():
            yield from _files(one)
        else:
            yield one
