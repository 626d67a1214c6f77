"""What a secondary can check of the image repository without its timestamp and snapshot: that both partners' people signed for a target.

Uptane's partial verification trusts the director alone, whose key is online. Here the primary also hands on the files of the roles that
speak for the target; the secondary follows the delegations from its pinned root and asks for the same quorums as the primary does. What it
cannot see is whether newer files exist: of each role it takes none older than it saw, and none that has expired.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf import files, quorum, reading, search
from marque.car.tuf.client import WITHDRAWN, Limits
from marque.car.tuf.fetch import Fetcher, NotThere
from marque.car.tuf.model import File, Metadata, Target, Targets, Withdrawal
from marque.car.tuf.trusted import Trusted
from marque.car.uptane.matching import IMAGE
from marque.common import InputError

_LIMITS = Limits()


class _WithoutSnapshot(Trusted):
    """Each role's file is listed as of the version that it is of."""

    handed: dict[str, int]

    def listed(self, name: str) -> File:
        return File(self.handed[name])


class Partners:
    """folder: `root.json` and the roles' files as last trusted. fetcher: what the primary hands on, `N.root.json` and `ROLE.json`."""

    def __init__(self, folder: Path, fetcher: Fetcher, now: datetime) -> None:
        self._folder, self._fetcher = folder, fetcher
        try:
            raw = (folder / "root.json").read_bytes()
        except FileNotFoundError:
            raise InputError("root.json", "", "is not there: this ECU trusts no image repository yet", "Provision the car.") from None
        self._trusted = _WithoutSnapshot(raw, now, repository=IMAGE)
        self._trusted.handed = {}

    @staticmethod
    def init(folder: Path, root: bytes, now: datetime) -> None:
        """Pins the image repository's root."""
        Trusted(root, now, repository=IMAGE)
        folder.mkdir(parents=True, exist_ok=True)
        files.replace(folder / "root.json", root)

    def target(self, path: str) -> Target | None:
        """The target as those who have to sign it list it; UpdateRefused as `Client.target` does."""
        self._roots()
        return search.find(path, self._trusted, self._load, _LIMITS.roles)

    def withdrawn(self) -> dict[str, Withdrawal]:
        """Evidence that counts no longer, as far as the primary hands it on; never less than was seen before. After `target`."""
        said = self._load("targets", "root").said
        found: dict[str, Withdrawal] = {}
        for one in said.delegations.roles if said.delegations is not None else ():
            if one.name.startswith(WITHDRAWN):
                for evidence, why in self._load(one.name, "targets").said.withdrawn.items():
                    found.setdefault(evidence, Withdrawal(why.at, why.reason, one.name.removeprefix(WITHDRAWN)))
        return found

    def _roots(self) -> None:
        for _ in range(_LIMITS.roots):
            try:
                raw = self._fetcher.get(f"{self._trusted.root.said.version + 1}.root.json", _LIMITS.root)
            except NotThere:
                break
            self._trusted.update_root(raw)
            files.replace(self._folder / "root.json", raw)
        self._trusted.fresh(self._trusted.root.said, "root.json")

    def _load(self, name: str, delegator: str) -> Metadata[Targets]:
        if name in self._trusted.targets:
            return self._trusted.verify_again(name, delegator)
        file = f"{quote(name, safe='')}.json"
        try:
            raw = self._fetcher.get(file, _LIMITS.targets)
        except NotThere:
            raise UpdateRefused(Attack.MISSING, IMAGE, f"{name}.json", "was not handed on by the primary") from None
        new, kept = reading.targets(raw, f"{name}.json", IMAGE), self._kept(file, name, delegator)
        self._trusted.handed[name] = new.said.version
        if kept is not None and new.said.version < kept.said.version:
            problem = f"would go back from version {kept.said.version} to {new.said.version}"
            raise UpdateRefused(Attack.ROLLBACK, IMAGE, f"{name}.json", problem)
        found = self._trusted.update_targets(raw, name, delegator, kept)
        files.replace(self._folder / file, raw)
        return found

    def _kept(self, file: str, name: str, delegator: str) -> Metadata[Targets] | None:
        """What was trusted before, if those who sign the role now stand for it: after a change of keys a thief's version binds nobody."""
        try:
            kept = reading.targets((self._folder / file).read_bytes(), f"{name}.json", IMAGE)
            role, keys = self._trusted.rule(name, delegator)
            quorum.require(kept, role, keys, self._trusted.root.said.parties, repository=IMAGE, file=f"{name}.json")
        except (FileNotFoundError, UpdateRefused):
            return None
        return kept
