"""A repository's folder looked through as a car would, every file of it: what a car would refuse, and what will expire soon."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from marque.car.attacks import UpdateRefused
from marque.car.tuf.matching import bin_names
from marque.car.tuf.model import Delegations, Target, Targets
from marque.car.tuf.trusted import Trusted
from marque.common import InputError
from marque.release.repository.folder import Folder
from marque.release.repository.root import online_of

SOON_BY_PEOPLE = timedelta(days=30)
"""How long before its expiry a file that people sign should be drafted anew: both organisations need some days."""
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Checked:
    """problems: what a car refuses, one line each. open: targets that not every role of a group lists alike: no car takes them yet.

    expiring: files that people sign whose expiry is near, by name. roots, roles, targets: how many were looked at.
    """

    roots: int
    roles: int
    targets: int
    problems: tuple[str, ...]
    open: tuple[str, ...]
    expiring: dict[str, datetime]


def check(folder: Folder, now: datetime, repository: str = "image") -> Checked:
    """Look through all of it. Raises InputError where there is no first root to begin with."""
    problems: list[str] = []
    raw = folder.read("root", 1)
    try:
        trusted = Trusted(raw, now, repository=repository)
        versions = folder.versions("root")
        for version in range(2, versions[-1] + 1):
            trusted.update_root(folder.read("root", version))
        trusted.update_timestamp(folder.read("timestamp"))
        trusted.update_snapshot(folder.read("snapshot", _listed(trusted)))
        trusted.update_targets(folder.read("targets", trusted.listed("targets").version), "targets", "root")
    except (UpdateRefused, InputError) as fault:
        return Checked(len(folder.versions("root")), 0, 0, (str(fault),), (), {})
    for name, delegator in _below(trusted, problems):
        try:
            trusted.update_targets(folder.read(name, trusted.listed(name).version), name, delegator)
        except (UpdateRefused, InputError) as fault:
            problems.append(str(fault))
    targets = {path: one for role in trusted.targets.values() for path, one in role.said.targets.items()}
    problems += [lacking for one in targets.values() if (lacking := _bytes(folder, one))]
    expiring = {f"{name}.json": role.said.expires for name, role in trusted.targets.items() if role.said.expires < now + SOON_BY_PEOPLE}
    root = trusted.root.said
    if root.expires < now + SOON_BY_PEOPLE:
        expiring["root.json"] = root.expires
    if "targets" in online_of(root):
        expiring.pop("targets.json", None)
    return Checked(versions[-1], len(trusted.targets), len(targets), tuple(problems), tuple(_open(trusted)), expiring)


def _listed(trusted: Trusted) -> int:
    return trusted.timestamp.said.snapshot.version if trusted.timestamp else 0


def _below(trusted: Trusted, problems: list[str]) -> Iterator[tuple[str, str]]:
    """Every delegated role once, after the one that delegates it; what the snapshot lists besides is a problem."""
    waiting, seen = ["targets"], {"targets"}
    while waiting:
        delegator = waiting.pop()
        role = trusted.targets.get(delegator)
        for name in _names(role.said.delegations if role else None):
            if name not in seen:
                seen.add(name)
                yield name, delegator
                waiting.append(name)
    listed = trusted.snapshot.said.meta if trusted.snapshot else {}
    problems += [f"{name}: the snapshot lists it, and nobody delegates it" for name in listed if name.removesuffix(".json") not in seen]


def _names(below: Delegations | None) -> list[str]:
    if below is None:
        return []
    return [*(one.name for one in below.roles), *(bin_names(below.bins) if below.bins else ())]


def _open(trusted: Trusted) -> Iterator[str]:
    for role in trusted.targets.values():
        for group in role.said.delegations.all_of if role.said.delegations else ():
            lists: list[Targets] = [trusted.targets[name].said for name in group if name in trusted.targets]
            paths = sorted({path for one in lists for path in one.targets})
            alike = len(lists) == len(group)
            yield from (path for path in paths if not alike or any(one.targets.get(path) != lists[0].targets.get(path) for one in lists))


def _bytes(folder: Folder, target: Target) -> str:
    place = folder.place(target) if "sha256" in target.hashes else Path()
    if not place.is_file():
        return f"{target.path}: its bytes are not in the folder"
    if place.stat().st_size != target.length:
        return f"{target.path}: its bytes are not as many as listed"
    made = hashlib.sha256()
    with place.open("rb") as file:
        while part := file.read(_CHUNK):
            made.update(part)
    return "" if made.hexdigest() == target.hashes["sha256"] else f"{target.path}: its bytes do not have the SHA-256 that is listed"
