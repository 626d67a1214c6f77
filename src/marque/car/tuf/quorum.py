"""Whether enough keys of those who have to sign did sign: distinct public keys, and where two companies answer, enough of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.keys import material, verifies
from marque.car.tuf.model import Key, Metadata, Role


@dataclass(frozen=True)
class Standing:
    """Of one file's signatures before one rule.

    signed: ids of the role's keys whose signature holds. keys: distinct public keys among them. missing: how many keys more are needed in
    all; of: how many more of each party that has too few.
    """

    signed: tuple[str, ...]
    keys: int
    missing: int
    of: Mapping[str, int]

    @property
    def enough(self) -> bool:
        """Whether nobody has to sign any more."""
        return not self.missing and not self.of


def standing(metadata: Metadata[Any], role: Role, keys: Mapping[str, Key], parties: tuple[str, ...]) -> Standing:
    """Who signed and who is missing. A public key under two ids counts once; listed for two organisations, it counts for neither."""
    allowed = frozenset(role.keys)
    signed = [
        one.key
        for one in metadata.signatures
        if one.key in allowed and one.key in keys and one.value and verifies(keys[one.key], one.value, metadata.payload)
    ]
    owners: dict[bytes, set[str]] = {}
    for key in role.keys:
        if key in keys:
            owners.setdefault(material(keys[key]), set()).add(keys[key].organisation)
    distinct = {material(keys[key]) for key in signed}
    of = {}
    if role.each:
        for party in parties:
            lacking = role.each - sum(1 for key in distinct if owners[key] == {party})
            if lacking > 0:
                of[party] = lacking
    return Standing(tuple(signed), len(distinct), max(0, role.threshold - len(distinct)), of)


def require(metadata: Metadata[Any], role: Role, keys: Mapping[str, Key], parties: tuple[str, ...], *, repository: str, file: str) -> None:
    """UpdateRefused (DOUBLED_KEY, ONE_PARTNER, ARBITRARY_SOFTWARE; with who is missing) unless the file is signed as the role asks."""
    found = standing(metadata, role, keys, parties)
    if found.enough:
        return
    if len(set(found.signed)) > found.keys:
        problem = f"{len(found.signed)} signatures are of only {found.keys} distinct keys; {_lack(found)}"
        raise UpdateRefused(Attack.DOUBLED_KEY, repository, file, problem)
    if found.of and found.keys and len(found.of) < len(parties):
        problem = f"not signed by enough keys of {' and '.join(sorted(found.of))}; {_lack(found)}"
        raise UpdateRefused(Attack.ONE_PARTNER, repository, file, problem)
    problem = f"signed by {found.keys} of the {role.threshold} keys it needs; {_lack(found)}"
    raise UpdateRefused(Attack.ARBITRARY_SOFTWARE, repository, file, problem)


def _lack(found: Standing) -> str:
    each = ", ".join(f"{count} more of {party}" for party, count in sorted(found.of.items()))
    return f"missing: {each or f'{found.missing} more'}"
