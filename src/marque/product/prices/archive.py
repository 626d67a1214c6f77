"""Where the documents of quotes are kept: by the digest of their bytes, so that nothing in it can change."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Protocol

from marque.common import InputError, Missing
from marque.product.prices.strict import digest as digest_of

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Archive(Protocol):
    """get gives what put was given. Raises Missing for a digest that was never put."""

    def put(self, content: bytes) -> str: ...

    def get(self, digest: str) -> bytes: ...


class MemoryArchive:
    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        digest = digest_of(content)
        self._kept[digest] = content
        return digest

    def get(self, digest: str) -> bytes:
        if digest not in self._kept:
            raise Missing("document in the archive")
        return self._kept[digest]


class FolderArchive:
    """FOLDER/FIRST TWO DIGITS/DIGEST. A file appears whole or not at all; many processes may put at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        digest = digest_of(content)
        place = self._folder / digest[:2] / digest
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as draft:
                draft.write(content)
            Path(draft.name).replace(place)
        return digest

    def get(self, digest: str) -> bytes:
        if not _DIGEST.fullmatch(digest):
            raise Missing("document in the archive")
        try:
            return (self._folder / digest[:2] / digest).read_bytes()
        except FileNotFoundError as fault:
            raise Missing("document in the archive") from fault


def fetched(archive: Archive, digest: str, what: str) -> bytes:
    """Checked against its digest, whatever the archive is. Raises Missing, or InputError for a document that was changed."""
    try:
        content = archive.get(digest)
    except Missing as fault:
        raise Missing(f"{what} with the digest {digest} in the archive") from fault
    if digest_of(content) != digest:
        raise InputError(
            f"archive{os.sep}{digest[:12]}…", "", f"the {what} kept there is not what was put there", "Restore it from a backup."
        )
    return content
