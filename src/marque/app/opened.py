"""Hidden suites that were opened: a small file, so that one which was used once is never taken for hidden again.

Who has driven a hidden suite knows it. Whatever release comes after may have been fitted to it, so it may prove that one release alone,
on each of its vehicle models. Keep one file for each product, wherever policies are written, suites driven and releases judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import rfc8785

from marque.alliance import signing
from marque.alliance.signing import MAX_ENVELOPE_BYTES
from marque.app.small_files import read_small
from marque.common import InputError, Refusal

KIND = "https://marque.example/opened-suites/v1"
_ROTATE = "Hide another suite, or the same ranges with another salt and another name."


@dataclass(frozen=True)
class Opened:
    """The file. Methods raise InputError for one that is not what it should be."""

    file: Path

    def known(self) -> Mapping[str, str]:
        """By SHA-256 of a suite, or commitment to one: the digest of the release that it was opened for. Empty without the file."""
        if not self.file.exists():
            return {}
        said = signing.read_json(read_small(self.file, MAX_ENVELOPE_BYTES), MAX_ENVELOPE_BYTES, "memory")
        if isinstance(said, Refusal) or said.get("kind") != KIND or not _digests(said.get("opened")):
            raise InputError(self.file.name, "", "it is not a memory of hidden suites", "Name another file; the first time it is made.")
        found: Mapping[str, str] = said["opened"]
        return found

    def refuse(self, committed: Mapping[str, Iterable[str]], release: str | None) -> None:
        """committed: by name, the digests that stand for a hidden suite. release: for which it is to be opened; None: for one to come.

        Raises InputError for a suite that was opened before, for another release.
        """
        known = self.known()
        for name, digests in committed.items():
            if any(known.get(one, release) != release for one in digests):
                why = f"the hidden suite {name} was opened before, for another release: it is hidden no more"
                raise InputError(self.file.name, name, why, _ROTATE)

    def remember(self, committed: Mapping[str, Iterable[str]], release: str) -> None:
        found = {**self.known(), **{one: release for digests in committed.values() for one in digests}}
        draft = self.file.with_name(f".{self.file.name}.draft")
        draft.write_bytes(rfc8785.dumps({"kind": KIND, "opened": found}))
        draft.replace(self.file)


def _digests(said: object) -> bool:
    return isinstance(said, dict) and all(isinstance(one, str) for one in said.values())
