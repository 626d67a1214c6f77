"""The keys that the server itself signs with: plain files that only it can read, made at the first start.

What can be done with them alone: keep cars on what both partners signed (timestamp, snapshot), choose among it (director), attest the
time, sign records. What cannot: make a car install anything that the people of both partners have not signed.
"""

from __future__ import annotations

import contextlib
from functools import cached_property
from pathlib import Path

from marque.common import InputError
from marque.release.repository.keys import FileSigner, Signer


class OnlineKeys:
    """Of one installation, for all its programmes. folder: `settings.keys_folder`.

    To rotate one: move its file away, draft the next roots (`repositories.next_root`), have them signed. Until they are in force, what the
    new key signs is refused by cars; so put the file in place just before the last signature.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def timestamp(self) -> Signer:
        """Of the image repositories' timestamp role."""
        return self._key("timestamp")

    @cached_property
    def snapshot(self) -> Signer:
        """Of their snapshot role."""
        return self._key("snapshot")

    @cached_property
    def director(self) -> Signer:
        """Of the directors' targets role."""
        return self._key("director")

    @cached_property
    def time(self) -> Signer:
        """Of `x-marque-time`: attests the present to cars."""
        return self._key("time")

    @cached_property
    def records(self) -> Signer:
        """Signs the records of updates; no car trusts it."""
        return self._key("records")

    def _key(self, role: str) -> FileSigner:
        file = self._folder / f"release-{role}.pem"
        if not file.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(InputError):  # another process was first
                return FileSigner.new_online(file)
        return FileSigner.online(file)
