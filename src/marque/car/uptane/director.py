"""The director as a car trusts it: its root, and the one targets file that is for this vehicle."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Protocol

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf import files, quorum, reading
from marque.car.tuf.fetch import Fetcher, NotThere
from marque.car.tuf.model import Metadata, Root, Targets
from marque.car.tuf.trusted import check_root, check_successor
from marque.car.uptane.matching import DIRECTOR
from marque.common import InputError

ROOT_AT_MOST = 512 * 1024
TARGETS_AT_MOST = 1024 * 1024
"""Bytes. A vehicle of two hundred ECUs, each with its own target and four deltas, has half of it."""
ROOTS_AT_MOST = 1024
"""Successive roots taken in one poll: a car that slept for decades still catches up, and nobody keeps it busy for ever."""

_ROOT, _TARGETS = "root.json", "targets.json"


class Reader(Protocol):
    """How bytes become values: `marque.car.tuf.reading`, or another dialect of the same metadata."""

    def root(self, raw: bytes, file: str = ..., repository: str = ...) -> Metadata[Root]: ...

    def targets(self, raw: bytes, file: str = ..., repository: str = ...) -> Metadata[Targets]: ...


class Director:
    """folder: `root.json` and `targets.json` as last trusted, each written whole. vehicle: the id that the metadata has to be for.

    It has neither timestamp nor snapshot, which the Uptane Standard 2.1.0 (5.4.4.2) asks a primary to look at: with one file for each
    vehicle, signed online, short-lived and numbered, they could say nothing that this file does not say itself.
    """

    def __init__(self, folder: Path, vehicle: str, *, reader: Reader | None = None) -> None:
        self._folder, self._vehicle = folder, vehicle
        self._reader: Reader = reader or reading
        self._targets: Metadata[Targets] | None = None

    def init(self, root: bytes) -> None:
        """Pins the root of a new car. UpdateRefused where it does not satisfy its own rule."""
        read = self._reader.root(root, _ROOT, DIRECTOR)
        check_root(read.said, DIRECTOR)
        quorum.require(read, read.said.roles["root"], read.said.keys, read.said.parties, repository=DIRECTOR, file=_ROOT)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / _TARGETS).unlink(missing_ok=True)
        files.replace(self._folder / _ROOT, root)

    @property
    def root(self) -> Root:
        """As trusted now. InputError before `init`."""
        return self._root().said

    @property
    def targets(self) -> Metadata[Targets] | None:
        """As `poll` took them last, or as kept from an earlier start; None where none that satisfy the present root are there."""
        if self._targets is None:
            self._targets = self._kept(self._root())
        return self._targets

    def update_root(self, fetcher: Fetcher) -> Root:
        """Follows the chain of roots as far as there are any. Whether the last has expired is for `poll` to ask, once the time is known."""
        trusted = self._root()
        for _ in range(ROOTS_AT_MOST):
            file = f"{trusted.said.version + 1}.root.json"
            try:
                raw = fetcher.get(file, ROOT_AT_MOST)
            except NotThere:
                break
            new = self._reader.root(raw, _ROOT, DIRECTOR)
            check_successor(trusted.said, new, DIRECTOR)
            files.replace(self._folder / _ROOT, raw)
            trusted, self._targets = new, None
        return trusted.said

    def poll(self, fetcher: Fetcher, now: datetime) -> Metadata[Targets]:
        """What the director wants now. UpdateRefused, and what is on disk stays.

        FREEZE, ROLLBACK, MIX_AND_MATCH (two files of one version), WRONG_VEHICLE, WRONG_ROLE (it delegates), ENDLESS_DATA, MALFORMED,
        MISSING, and what `quorum` raises.
        """
        root = self.update_root(fetcher)
        _fresh(root.expires, now, _ROOT)
        try:
            raw = fetcher.get(_TARGETS, TARGETS_AT_MOST)
        except NotThere:
            raise UpdateRefused(Attack.MISSING, DIRECTOR, _TARGETS, "is not there", "Ask for it again; it has to be there.") from None
        new = self._reader.targets(raw, _TARGETS, DIRECTOR)
        quorum.require(new, root.roles["targets"], root.keys, root.parties, repository=DIRECTOR, file=_TARGETS)
        self._check(new.said)
        self._order(self._kept(self._root()), new)
        _fresh(new.said.expires, now, _TARGETS)
        files.replace(self._folder / _TARGETS, raw)
        self._targets = new
        return new

    def _check(self, said: Targets) -> None:
        if said.vehicle != self._vehicle:
            problem = f"is for {said.vehicle}" if said.vehicle else "is for no vehicle in particular"
            raise UpdateRefused(Attack.WRONG_VEHICLE, DIRECTOR, _TARGETS, f"{problem}, and this is {self._vehicle}")
        if said.delegations is not None:
            raise UpdateRefused(Attack.WRONG_ROLE, DIRECTOR, _TARGETS, "delegates, which a director may not")

    def _order(self, old: Metadata[Targets] | None, new: Metadata[Targets]) -> None:
        if old is None:
            return
        if new.said.version < old.said.version:
            problem = f"has version {new.said.version}, and version {old.said.version} was there already"
            raise UpdateRefused(Attack.ROLLBACK, DIRECTOR, _TARGETS, problem)
        if new.said.version == old.said.version and new.payload != old.payload:
            problem = f"is another file than the one of version {old.said.version} that was there already"
            raise UpdateRefused(Attack.MIX_AND_MATCH, DIRECTOR, _TARGETS, problem)

    def _root(self) -> Metadata[Root]:
        try:
            raw = (self._folder / _ROOT).read_bytes()
        except FileNotFoundError:
            raise InputError(_ROOT, "", "is not there: this car trusts no director yet", "Provision the car.") from None
        return self._reader.root(raw, _ROOT, DIRECTOR)

    def _kept(self, root: Metadata[Root]) -> Metadata[Targets] | None:
        """The targets on disk, if the present root still stands for them: after a change of keys a thief's version number binds nobody."""
        try:
            kept = self._reader.targets((self._folder / _TARGETS).read_bytes(), _TARGETS, DIRECTOR)
            said = root.said
            quorum.require(kept, said.roles["targets"], said.keys, said.parties, repository=DIRECTOR, file=_TARGETS)
        except (FileNotFoundError, UpdateRefused):
            return None
        return kept


def _fresh(expires: datetime, now: datetime, file: str) -> None:
    if expires <= now:
        problem = f"expired at {expires:%Y-%m-%dT%H:%M:%SZ}"
        raise UpdateRefused(Attack.FREEZE, DIRECTOR, file, problem, "The director has to sign a new one, or this car's clock is wrong.")
