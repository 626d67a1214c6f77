"""What the primary hands on to a secondary: the metadata that it trusts itself, and roots from the server as they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.fetch import Fetcher, NotThere


class Handed:
    """A fetcher of metadata. folder: of one repository as the primary trusts it; server: where that repository's roots come from.

    A secondary may be several roots behind; the primary keeps the last alone. What the server does not have is asked for once.
    """

    def __init__(self, folder: Path, server: Fetcher) -> None:
        self._folder, self._server = folder, server
        self._roots: dict[str, bytes | None] = {}

    def get(self, path: str, at_most: int) -> bytes:
        raw = self._root(path, at_most) if path.endswith(".root.json") else self._kept(path)
        if raw is None:
            raise NotThere(path)
        if len(raw) > at_most:
            raise UpdateRefused(Attack.ENDLESS_DATA, "", path, f"is longer than the {at_most} bytes allowed")
        return raw

    def download(self, path: str, length: int, write: Callable[[bytes], object], start: int = 0) -> None:
        write(self.get(path, length)[start:])

    def _root(self, path: str, at_most: int) -> bytes | None:
        if path not in self._roots:
            try:
                self._roots[path] = self._server.get(path, at_most)
            except NotThere:
                self._roots[path] = None
        return self._roots[path]

    def _kept(self, path: str) -> bytes | None:
        file = self._folder / path
        return file.read_bytes() if file.parent == self._folder and file.is_file() else None
