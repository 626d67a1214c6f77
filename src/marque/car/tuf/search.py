"""Finding a target among delegated roles: pre-order, depth first (5.6.7), groups that have to agree, and whose hardware."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.matching import bin_name, speaks_for
from marque.car.tuf.model import Delegation, Delegations, Metadata, Target, Targets
from marque.car.tuf.trusted import Trusted

Load = Callable[[str, str], Metadata[Targets]]
"""A role's targets file by role and delegator, verified."""

_EVIDENCE = ("evidence", "verdict", "digest")


@dataclass(frozen=True)
class _Found:
    """both: all parties stand behind it. end: nothing was found, and no other role may speak."""

    target: Target | None = None
    both: bool = False
    end: bool = False


@dataclass
class _Search:
    path: str
    trusted: Trusted
    load: Load
    most: int
    visited: set[str] = field(default_factory=set)

    def refuse(self, attack: Attack, file: str, problem: str) -> UpdateRefused:
        return UpdateRefused(attack, self.trusted.repository, file, problem)

    def role(self, name: str, delegator: str, *, both: bool) -> _Found:
        """What a role and those below it say of the path."""
        if name in self.visited:
            return _Found()
        if len(self.visited) >= self.most:
            raise self.refuse(Attack.ENDLESS_DATA, self.path, f"leads through more than {self.most} roles")
        self.visited.add(name)
        said = self.load(name, delegator).said
        if self.path in said.targets:
            return _Found(said.targets[self.path], both)
        return self.below(name, said.delegations, both=both) if said.delegations is not None else _Found()

    def below(self, name: str, said: Delegations, *, both: bool) -> _Found:
        """The roles that `name` delegates to, in its order; a group where its first member stands.

        both: all parties stand behind `name` itself. Of whom they do not, neither do they of anybody that it trusts.
        """
        if said.bins is not None:
            return self.role(bin_name(said.bins, self.path), name, both=both and said.bins.role.each > 0)
        groups = {member: group for group in said.all_of for member in group}
        by_name = {one.name: one for one in said.roles}
        done: set[str] = set()
        for one in said.roles:
            if one.name in done or not speaks_for(one, self.path):
                continue
            group = groups.get(one.name, (one.name,))
            done.update(group)
            members = [by_name[member] for member in group]
            if len(members) > 1:
                found = self.group(name, members, said, both=both)
            else:
                found = self.role(one.name, name, both=both and one.role.each > 0)
            if found.target is not None:
                self.hardware(found.target, members)
                return found
            if found.end or any(member.terminating for member in members):
                return _Found(end=True)
        return _Found()

    def group(self, delegator: str, members: list[Delegation], said: Delegations, *, both: bool) -> _Found:
        """Every member has to list the target, and all alike."""
        if not all(speaks_for(one, self.path) for one in members):
            names = " and ".join(one.name for one in members)
            raise self.refuse(Attack.ONE_PARTNER, self.path, f"is not for all of {names} to list, which only count together")
        listed = {one.name: self.role(one.name, delegator, both=False) for one in members}
        found = {name: one.target for name, one in listed.items() if one.target is not None}
        if not found:
            return _Found(end=any(one.end for one in listed.values()))
        lacking = [name for name in listed if name not in found]
        if lacking:
            raise self.refuse(Attack.ONE_PARTNER, self.path, f"is listed by {', '.join(found)} and not by {', '.join(lacking)}")
        (first, target), *others = found.items()
        for name, other in others:
            if other != target:
                raise self.refuse(_differing(target, other), self.path, f"is not listed alike by {first} and {name}")
        return _Found(target, both=both and self.together(members, said))

    def together(self, members: list[Delegation], said: Delegations) -> bool:
        """Whether each member is one party's alone and the group is of all parties."""
        parties: set[str] = set()
        for one in members:
            owners = {said.keys[key].organisation for key in one.role.keys if key in said.keys}
            if len(owners) != 1:
                return False
            parties |= owners
        return parties == set(self.trusted.root.said.parties)

    def hardware(self, target: Target, members: list[Delegation]) -> None:
        """A delegation limited to some hardware speaks for no other."""
        claims = target.custom.get("marque")
        claimed = claims.get("hardware") if isinstance(claims, Mapping) else None
        for one in members:
            if one.hardware and not (isinstance(claimed, list) and claimed and all(item in one.hardware for item in claimed)):
                problem = f"is for hardware that {one.name} does not speak for"
                raise self.refuse(Attack.WRONG_HARDWARE, target.path, problem)


def find(path: str, trusted: Trusted, load: Load, most: int) -> Target | None:
    """The target of that path, or None; raises UpdateRefused where what was found may not count (see Client.target)."""
    search = _Search(path, trusted, load, most)
    parties = trusted.root.said.parties
    found = search.role("targets", "root", both=True)
    if found.target is None:
        return None
    if parties and not found.both:
        raise search.refuse(Attack.ONE_PARTNER, path, f"is listed by a role that {' and '.join(parties)} do not answer for together")
    return found.target


def _differing(one: Target, other: Target) -> Attack:
    """The attack that it would be, by what differs: the evidence, the hardware, or anything else."""
    claims, others = _claims(one), _claims(other)
    if (one.length, one.hashes) == (other.length, other.hashes):
        if any(claims.get(name) != others.get(name) for name in _EVIDENCE):
            return Attack.EVIDENCE_SWAPPED
        if claims.get("hardware") != others.get("hardware"):
            return Attack.WRONG_HARDWARE
    return Attack.MIX_AND_MATCH


def _claims(target: Target) -> Mapping[str, Any]:
    claims = target.custom.get("marque")
    return claims if isinstance(claims, Mapping) else {}
