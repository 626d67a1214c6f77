"""The keys that the server itself signs with: plain files that only it can read, made at the first start.

What can be done with them alone: keep cars on what both partners signed (timestamp, snapshot), choose among it (director), attest the
time, sign records. What cannot: make a car install anything that the people of both partners have not signed.

To rotate one, a second file is put beside it, `release-ROLE.next.pem`: the next root names that one, and from the instant at which this
root is in force it is the one that signs (`signing`); the first file may go then.
"""

from __future__ import annotations

import contextlib
from functools import cached_property
from pathlib import Path
from typing import Literal

from marque.car.tuf.model import Root
from marque.common import InputError, Unavailable
from marque.release.repository.keys import ECDSA, ED25519, FileSigner, Signer

Online = Literal["timestamp", "snapshot", "director", "time", "records"]


class OnlineKeys:
    """Of one installation, for all its programmes. folder: `settings.keys_folder`."""

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

    def newest(self, role: Online) -> Signer:
        """The one that the next root names."""
        following = self._folder / f"release-{role}.next.pem"
        return FileSigner.online(following) if following.exists() else self._current(role)

    def signing(self, role: Online, root: Root) -> Signer:
        """The one that the root in force names. root: of the image repository, for `director` the director's. Raises Unavailable."""
        named = root.time if role == "time" else root.roles["targets" if role == "director" else role]
        for one in (self._current(role), self.newest(role)):
            if named is not None and one.key.id in named.keys:
                return one
        raise Unavailable(
            f"The server's key release-{role}.pem is not the one that root {root.version} names; put that one back, or sign another root."
        )

    def _current(self, role: Online) -> Signer:
        signer: Signer = getattr(self, role)
        return signer

    def _key(self, role: Online) -> FileSigner:
        file = self._folder / f"release-{role}.pem"
        if not file.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(InputError):  # another process was first
                return FileSigner.new_online(file, ECDSA if role == "director" else ED25519)
        return FileSigner.online(file)
