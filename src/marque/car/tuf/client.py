"""A TUF client on disk: refreshes its trusted metadata, finds targets in it, and downloads them. Stricter where two companies answer.

In a repository with parties a target counts only where both stand behind it: listed by a role that needs keys of each, or alike by every
role of a group (`x-marque-all-of`) whose members are one party's each and together all parties'.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf import files, reading, search
from marque.car.tuf.fetch import Fetcher, NotThere
from marque.car.tuf.model import Delegation, Delegations, Metadata, Root, Target, Targets, Withdrawal
from marque.car.tuf.trusted import Reader, Trusted, rotated
from marque.common import InputError, Missing

WITHDRAWN = "withdrawn-"
"""Roles of the top level whose name begins so say which evidence counts no longer; the rest of the name is the organisation."""


@dataclass(frozen=True)
class Limits:
    """Bytes of each role's file; roots followed in one refresh; roles looked into for one target."""

    root: int = 512_000
    timestamp: int = 16_384
    snapshot: int = 2_000_000
    targets: int = 5_000_000
    roots: int = 256
    roles: int = 32


class Client:
    """folder: of this repository's trusted metadata, under unversioned names. now: aware UTC, the same for all it does."""

    def __init__(
        self,
        folder: Path,
        fetcher: Fetcher,
        now: datetime,
        *,
        repository: str = "image",
        limits: Limits | None = None,
        reader: Reader = reading,
    ) -> None:
        self.folder, self.fetcher, self.now, self.repository = folder, fetcher, now, repository
        self.limits, self._reader = limits or Limits(), reader
        self._trusted: Trusted | None = None
        self._refreshed = False

    @property
    def trusted(self) -> Trusted:
        """What is trusted now; of a client not yet refreshed, its root alone. InputError before `init`."""
        if self._trusted is None:
            raw = self._kept("root")
            if raw is None:
                raise InputError(
                    str(self.folder / "root.json"), "", "there is no trusted root", "Begin with the root that came with the car."
                )
            self._trusted = Trusted(raw, self.now, repository=self.repository, reader=self._reader)
        return self._trusted

    def init(self, root: bytes) -> None:
        """Begins with a root that was handed over in a trusted way. It has to hold by its own rule."""
        trusted = Trusted(root, self.now, repository=self.repository, reader=self._reader)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._keep("root", root)
        self._trusted, self._refreshed = trusted, False

    def refresh(self) -> None:
        """The workflow of the specification: roots, timestamp, snapshot, targets. Each is kept once it holds; an error ends it there."""
        self._trusted, self._refreshed = None, False
        self._roots()
        self._timestamp()
        self._snapshot()
        self._targets("targets", "root")
        self._refreshed = True

    def target(self, path: str) -> Target | None:
        """The target of that path, as the first role in pre-order that speaks for it lists it; None where none does. Refreshes if need be.

        Raises UpdateRefused where what is found may not count: ONE_PARTNER, MIX_AND_MATCH, EVIDENCE_SWAPPED, WRONG_HARDWARE, WRONG_ROLE.
        """
        if not self._refreshed:
            self.refresh()
        return search.find(path, self.trusted, self._targets, self.limits.roles)

    def withdrawn(self) -> Mapping[str, Withdrawal]:
        """Evidence that counts no longer, by SHA-256, as the parties' withdrawal roles say. Refreshes if need be."""
        if not self._refreshed:
            self.refresh()
        said = self.trusted.targets["targets"].said
        found: dict[str, Withdrawal] = {}
        for one in said.delegations.roles if said.delegations is not None else ():
            if one.name.startswith(WITHDRAWN):
                by = one.name.removeprefix(WITHDRAWN)
                self._speaks_for(by, one, said.delegations)
                for evidence, why in self._targets(one.name, "targets").said.withdrawn.items():
                    found.setdefault(evidence, Withdrawal(why.at, why.reason, by))
        return found

    def _speaks_for(self, party: str, one: Delegation, said: Delegations | None) -> None:
        """Nobody withdraws in another's name."""
        keys, parties = said.keys if said is not None else {}, self.trusted.root.said.parties
        if parties and (party not in parties or any(keys[key].organisation != party for key in one.role.keys if key in keys)):
            problem = f"is given to keys that are not {party}'s"
            raise UpdateRefused(Attack.WRONG_ROLE, self.repository, f"{one.name}.json", problem)

    def download(self, target: Target, folder: Path, fetcher: Fetcher | None = None) -> Path:
        """The target's file in `folder`, verified; what is there already is not fetched again, and what was cut off goes on from there.

        fetcher: of the targets; None: they lie where the metadata does.
        """
        consistent = self.trusted.root.said.consistent_snapshot
        return files.download(target, folder, fetcher or self.fetcher, consistent=consistent, repository=self.repository)

    def _roots(self) -> None:
        for _ in range(self.limits.roots):
            version = self.trusted.root.said.version + 1
            try:
                raw = self.fetcher.get(f"{version}.root.json", self.limits.root)
            except NotThere:
                return
            before = self.trusted.root.said
            after = self.trusted.update_root(raw).said
            self._forget_if_rotated(before, after)
            self._keep("root", raw)

    def _forget_if_rotated(self, before: Root, after: Root) -> None:
        if rotated(before, after):  # before the new root is kept, so that a power cut between the two forgets again
            for name in ("timestamp", "snapshot"):
                self._file(name).unlink(missing_ok=True)

    def _timestamp(self) -> None:
        kept = self._kept("timestamp")
        if kept is not None:
            with suppress(UpdateRefused):  # of keys rotated away, or spoilt: as if there were none
                self.trusted.recall_timestamp(kept)
        raw = self._get("timestamp.json", self.limits.timestamp)
        if self.trusted.update_timestamp(raw).raw == raw and raw != kept:
            self._keep("timestamp", raw)

    def _snapshot(self) -> None:
        kept = self._kept("snapshot")
        if kept is not None:
            with suppress(UpdateRefused):
                self.trusted.update_snapshot(kept, trusted=True)
                return
        timestamp = self.trusted.timestamp
        listed = timestamp.said.snapshot if timestamp is not None else None
        if listed is None:
            raise RuntimeError("a snapshot before its timestamp")
        raw = self._get(self._versioned("snapshot", listed.version), self._cap(listed.length, self.limits.snapshot))
        self.trusted.update_snapshot(raw)
        self._keep("snapshot", raw)

    def _targets(self, name: str, delegator: str) -> Metadata[Targets]:
        if name in self.trusted.targets:
            return self.trusted.verify_again(name, delegator)
        listed, kept = self.trusted.listed(name), self._kept(name)
        previous: Metadata[Targets] | None = None
        if kept is not None:
            with suppress(UpdateRefused):
                previous = self._reader.targets(kept, f"{name}.json", self.repository)
                return self.trusted.update_targets(kept, name, delegator)
        raw = self._get(self._versioned(name, listed.version), self._cap(listed.length, self.limits.targets))
        found = self.trusted.update_targets(raw, name, delegator, previous)
        self._keep(name, raw)
        return found

    def _get(self, path: str, at_most: int) -> bytes:
        try:
            return self.fetcher.get(path, at_most)
        except NotThere as error:
            raise UpdateRefused(Attack.MISSING, self.repository, path, "is not to be had from the repository") from error

    def _versioned(self, name: str, version: int) -> str:
        quoted = quote(name, safe="")
        return f"{version}.{quoted}.json" if self.trusted.root.said.consistent_snapshot else f"{quoted}.json"

    @staticmethod
    def _cap(length: int | None, limit: int) -> int:
        return limit if length is None else min(length, limit)

    def _file(self, name: str) -> Path:
        return self.folder / f"{quote(name, safe='')}.json"

    def _kept(self, name: str) -> bytes | None:
        try:
            return self._file(name).read_bytes()
        except FileNotFoundError:
            return None

    def _keep(self, name: str, raw: bytes) -> None:
        files.replace(self._file(name), raw)


def wanted(client: Client, path: str) -> Target:
    """The target of that path. Missing where no role lists it."""
    found = client.target(path)
    if found is None:
        raise Missing(f"target {path}")
    return found
