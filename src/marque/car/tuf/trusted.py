"""What a client trusts at one instant, and the only ways to trust more: the client workflow (TUF specification 1.0.33, 5.3 to 5.6).

No file and no network: raw metadata goes in, in the workflow's order; what is refused changes nothing. Metadata values instead of bytes are
taken too, so that what was read from another dialect passes the same checks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf import quorum, reading
from marque.car.tuf.keys import material
from marque.car.tuf.matching import is_bin
from marque.car.tuf.model import Delegations, File, Key, Metadata, Role, Root, Snapshot, Targets, Timestamp

STRONG = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_512", "blake2b"})
"""Hashes that we check. Others that a file names are passed over, but one of these has to be there."""


class Reader(Protocol):
    """Reads files into values. `reading` does; another dialect may, and passes the same checks."""

    def root(self, raw: bytes, file: str, repository: str) -> Metadata[Root]:
        """Of root."""

    def timestamp(self, raw: bytes, file: str, repository: str) -> Metadata[Timestamp]:
        """Of timestamp."""

    def snapshot(self, raw: bytes, file: str, repository: str) -> Metadata[Snapshot]:
        """Of snapshot."""

    def targets(self, raw: bytes, file: str, repository: str) -> Metadata[Targets]:
        """Of targets and of delegated roles."""


class Trusted:
    """Of one repository. targets: by role name; each was verified by the delegator that asked for it last.

    repository: "director" is held to a director's rules: no timestamp and snapshot, and its targets, online, by the director's key alone.
    previous: the snapshot trusted before this refresh, for roll-back checks; it may be of an older version, or expired.
    """

    def __init__(self, root: bytes | Metadata[Root], now: datetime, *, repository: str = "", reader: Reader = reading) -> None:
        self.now, self.repository, self._reader = now, repository, reader
        read = self._read_root(root)
        check_root(read.said, repository)
        quorum.require(read, read.said.roles["root"], read.said.keys, read.said.parties, repository=repository, file="root.json")
        self.root: Metadata[Root] = read
        self.timestamp: Metadata[Timestamp] | None = None
        self.previous: Metadata[Snapshot] | None = None
        self.snapshot: Metadata[Snapshot] | None = None
        self.targets: dict[str, Metadata[Targets]] = {}
        self._delegators: dict[str, str] = {}

    def _read_root(self, root: bytes | Metadata[Root]) -> Metadata[Root]:
        return self._reader.root(root, "root.json", self.repository) if isinstance(root, bytes) else root

    def update_root(self, root: bytes | Metadata[Root]) -> Metadata[Root]:
        """The next root: exactly one version on, signed as the present root asks and as it asks itself. Its expiry is not looked at."""
        new = self._read_root(root)
        check_successor(self.root.said, new, self.repository)
        self.root = new
        return new

    def fresh(self, said: Root | Timestamp | Snapshot | Targets, file: str) -> None:
        """Raises UpdateRefused (FREEZE) when the metadata has expired."""
        if said.expires <= self.now:
            problem = f"expired on {said.expires:%Y-%m-%d at %H:%M:%S} UTC"
            raise UpdateRefused(Attack.FREEZE, self.repository, file, problem, "The repository has to sign it anew, or the clock is wrong.")

    def recall_timestamp(self, raw: bytes | Metadata[Timestamp]) -> None:
        """A timestamp trusted earlier: what follows may not be older. Expired is no matter; signed by other keys it is refused."""
        self.timestamp = self._signed_timestamp(raw)

    def update_timestamp(self, raw: bytes | Metadata[Timestamp]) -> Metadata[Timestamp]:
        """The timestamp that counts now: the new one, or the present one where the new is of the same version."""
        self.fresh(self.root.said, "root.json")
        new, old, file = self._signed_timestamp(raw), self.timestamp, "timestamp.json"
        if old is not None:
            if new.said.version < old.said.version:
                self._older(file, new.said.version, old.said.version)
            if new.said.version == old.said.version:
                new = old
            elif new.said.snapshot.version < old.said.snapshot.version:
                self._older("snapshot.json", new.said.snapshot.version, old.said.snapshot.version)
        self.fresh(new.said, file)
        self.timestamp = new
        return new

    def _signed_timestamp(self, raw: bytes | Metadata[Timestamp]) -> Metadata[Timestamp]:
        new = self._reader.timestamp(raw, "timestamp.json", self.repository) if isinstance(raw, bytes) else raw
        self._signed(new, "timestamp", "timestamp.json")
        return new

    def update_snapshot(self, raw: bytes | Metadata[Snapshot], *, trusted: bool = False) -> Metadata[Snapshot]:
        """The snapshot that the timestamp names. trusted: it is the one trusted earlier; the next one may not be older in any file.

        One trusted earlier that is not the one asked for is remembered for that and refused.
        """
        if self.timestamp is None:
            raise RuntimeError("a snapshot before its timestamp")
        file, listed = "snapshot.json", self.timestamp.said.snapshot
        if not trusted:
            self._listed(raw, listed, file)
        new = self._reader.snapshot(raw, file, self.repository) if isinstance(raw, bytes) else raw
        self._signed(new, "snapshot", file)
        if trusted:
            self.previous = new
            self._listed(raw, listed, file)
        self._version(new.said.version, listed, file)
        for name, earlier in self.previous.said.meta.items() if self.previous is not None else ():
            now = new.said.meta.get(name)
            if now is None:
                raise UpdateRefused(Attack.ROLLBACK, self.repository, file, f"no longer lists {name}")
            if now.version < earlier.version:
                self._older(name, now.version, earlier.version)
        self.fresh(new.said, file)
        self.snapshot = new
        return new

    def update_targets(
        self,
        raw: bytes | Metadata[Targets],
        name: str = "targets",
        delegator: str = "root",
        previous: Metadata[Targets] | None = None,
    ) -> Metadata[Targets]:
        """The targets file of a role, as its delegator and the snapshot ask. previous: the one trusted before it; withdrawals only grow."""
        file = f"{name}.json"
        listed = self.listed(name)
        role, keys = self.rule(name, delegator)
        self._listed(raw, listed, file)
        new = self._reader.targets(raw, file, self.repository) if isinstance(raw, bytes) else raw
        quorum.require(new, role, keys, self.root.said.parties, repository=self.repository, file=file)
        self._version(new.said.version, listed, file)
        self.fresh(new.said, file)
        lost = previous.said.withdrawn.keys() - new.said.withdrawn.keys() if previous is not None else ()
        if lost:
            problem = f"no longer withdraws {min(lost)}"
            raise UpdateRefused(Attack.ROLLBACK, self.repository, file, problem, "What was withdrawn stays withdrawn.")
        self._own(name, delegator, new.said.delegations)
        self.targets[name] = new
        return new

    def verify_again(self, name: str, delegator: str) -> Metadata[Targets]:
        """A role already loaded, for another that delegates to it: its file has to satisfy that one's keys as well."""
        found = self.targets[name]
        role, keys = self.rule(name, delegator)
        quorum.require(found, role, keys, self.root.said.parties, repository=self.repository, file=f"{name}.json")
        self._own(name, delegator, found.said.delegations)
        return found

    def listed(self, name: str) -> File:
        """What the snapshot says of a role's file."""
        if self.snapshot is None:
            raise RuntimeError("targets before their snapshot")
        found = self.snapshot.said.meta.get(f"{name}.json")
        if found is None:
            raise UpdateRefused(Attack.MISSING, self.repository, f"{name}.json", "is not in the snapshot")
        return found

    def rule(self, name: str, delegator: str) -> tuple[Role, Mapping[str, Key]]:
        """Who signs for a role: as root says of the top level, or the delegator's targets file of any other."""
        if (name, delegator) == ("targets", "root"):
            return self.root.said.roles[name], self.root.said.keys
        said = self.targets[delegator].said.delegations if delegator in self.targets else None
        if said is not None:
            for one in said.roles:
                if one.name == name:
                    return one.role, said.keys
            if said.bins is not None and is_bin(name, said.bins):
                return said.bins.role, said.keys
        raise UpdateRefused(Attack.WRONG_ROLE, self.repository, f"{name}.json", f"is no role that {delegator} delegates to")

    def _signed(self, metadata: Metadata[Any], role: str, file: str) -> None:
        root = self.root.said
        if role not in root.roles:
            raise UpdateRefused(Attack.WRONG_ROLE, self.repository, file, f"is of a role that root gives to nobody: {role}")
        quorum.require(metadata, root.roles[role], root.keys, root.parties, repository=self.repository, file=file)

    def _listed(self, raw: bytes | Metadata[Any], listed: File, file: str) -> None:
        raw = raw if isinstance(raw, bytes) else raw.raw
        check_bytes(raw, listed.length, listed.hashes, Attack.MIX_AND_MATCH, self.repository, file)

    def _version(self, version: int, listed: File, file: str) -> None:
        if version != listed.version:
            problem = f"is version {version}, where version {listed.version} is listed"
            raise UpdateRefused(Attack.MIX_AND_MATCH, self.repository, file, problem)

    def _older(self, file: str, new: int, old: int) -> None:
        raise UpdateRefused(Attack.ROLLBACK, self.repository, file, f"would go back from version {old} to {new}")

    def _own(self, name: str, delegator: str, below: Delegations | None) -> None:
        """Where two companies answer, a role has one delegator: nobody inherits what another was trusted for."""
        if not self.root.said.parties:
            return
        claimed = {name: delegator, **{one.name: name for one in (below.roles if below is not None else ())}}
        for role, by in claimed.items():
            if self._delegators.get(role, by) != by or (by == name and role in {"targets", name}):
                problem = f"is delegated by {self._delegators.get(role, by)} and by {by}"
                raise UpdateRefused(Attack.WRONG_ROLE, self.repository, f"{role}.json", problem)
        self._delegators.update(claimed)


def check_root(root: Root, repository: str = "") -> None:
    """Raises UpdateRefused unless the root's rules make sense: with parties, root and targets ask for keys of each, none counted twice.

    A director's root may do without timestamp and snapshot, and its targets are the director's alone.
    """
    director = repository == "director"

    def refuse(problem: str, attack: Attack = Attack.MALFORMED) -> None:
        raise UpdateRefused(attack, repository, "root.json", problem)

    lacking = [name for name in ("root", "targets") if name not in root.roles]
    lacking += [name for name in ("timestamp", "snapshot") if name not in root.roles and not director]
    if lacking:
        refuse(f"gives no keys to {' and '.join(lacking)}")
    if not root.parties:
        if any(role.each for role in root.roles.values()):
            refuse("asks for keys of each party, and names no parties")
        return
    if len(root.parties) < 2:
        refuse("names a single party, where two have to agree", Attack.ONE_PARTNER)
    for name in ("root",) if director else ("root", "targets"):
        role = root.roles[name]
        if role.each < 1:
            refuse(f"lets {name} be signed without keys of each party", Attack.ONE_PARTNER)
        owned: dict[bytes, str] = {}
        for id_ in role.keys:
            key = root.keys.get(id_)
            if key is None or key.organisation not in root.parties:
                refuse(f"gives {name} to key {id_[:16]}, which is of none of the parties")
            elif owned.setdefault(material(key), id_) != id_:
                refuse(f"gives {name} to one key under two ids", Attack.DOUBLED_KEY)
        for party in root.parties:
            count = sum(1 for id_ in role.keys if root.keys[id_].organisation == party)
            if count < role.each:
                refuse(f"asks for {role.each} keys of {party} to sign {name}, and names {count}")


def check_successor(old: Root, new: Metadata[Root], repository: str = "") -> None:
    """Raises UpdateRefused unless `new` may follow `old`: the next version, signed by the quorum of the old rule and of its own."""
    file = "root.json"
    if new.said.version <= old.version:
        raise UpdateRefused(Attack.ROLLBACK, repository, file, f"is version {new.said.version}, after version {old.version}")
    if new.said.version != old.version + 1:
        problem = f"is version {new.said.version}, where version {old.version + 1} follows"
        raise UpdateRefused(Attack.FAST_FORWARD, repository, file, problem)
    quorum.require(new, old.roles["root"], old.keys, old.parties, repository=repository, file=file)
    check_root(new.said, repository)
    quorum.require(new, new.said.roles["root"], new.said.keys, new.said.parties, repository=repository, file=file)


def rotated(old: Root, new: Root) -> bool:
    """Whether timestamp or snapshot lost a key: then what was seen under it counts no longer (recovery from fast-forward, 5.3.11)."""

    def held(root: Root, role: str) -> set[bytes]:
        keys = root.roles[role].keys if role in root.roles else ()
        return {material(root.keys[one]) for one in keys if one in root.keys}

    return any(held(old, role) - held(new, role) for role in ("timestamp", "snapshot"))


def check_bytes(raw: bytes, length: int | None, hashes: Mapping[str, str], attack: Attack, repository: str, file: str) -> None:
    """Raises UpdateRefused unless the bytes are as long as said, and have the hashes that are said, where any are."""
    if length is not None and len(raw) > length:
        raise UpdateRefused(Attack.ENDLESS_DATA, repository, file, f"is {len(raw)} bytes long, where {length} are listed")
    if length is not None and len(raw) != length:
        raise UpdateRefused(attack, repository, file, f"is {len(raw)} bytes long, where {length} are listed")
    if not hashes:
        return
    known = STRONG & hashes.keys()
    if not known:
        raise UpdateRefused(Attack.MALFORMED, repository, file, f"is listed without a hash of {', '.join(sorted(STRONG))}")
    for name in sorted(known):
        if hashlib.new(name, raw).hexdigest() != hashes[name]:
            raise UpdateRefused(attack, repository, file, f"does not have the {name} that is listed")
