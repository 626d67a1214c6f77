"""Root: whose keys both partners' trust hangs on, the first one and every successor, and who still has to sign.

A root is good when each party has signed it with enough of its keys; a successor when it is good by the rules of the root before it as well
as by its own. That is how a key that was lost or a partner who leaves is taken out: by those whom the root in force names, never by fewer.
Pure: values in, values out; keys sign elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from marque.car.tuf.keys import material
from marque.car.tuf.model import Key, Metadata, Role, Root, Signature
from marque.car.tuf.quorum import Standing, standing
from marque.common import InputError
from marque.release.repository.keys import by_id
from marque.release.repository.roles import EACH, Party, alone, quorum

SIGNED_BY_PEOPLE = ("root", "targets")
ONLINE = ("snapshot", "timestamp")


@dataclass(frozen=True)
class Rule:
    """Whose signatures something needs. name: whose rule it is, for people ("root 3", "vela-gac")."""

    name: str
    role: Role
    keys: Mapping[str, Key]
    parties: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lack:
    """An organisation that has not signed enough. signed of needed distinct keys; may: the keys of it that could still sign.

    organisation: empty where the keys do not say whose they are.
    """

    rule: str
    organisation: str
    signed: int
    needed: int
    may: tuple[Key, ...]


def first_root(
    parties: Sequence[Party], online: Mapping[str, Key], expires: datetime, *, each: int = EACH, time: Key | None = None
) -> Root:
    """Version 1. online: by role, the one key that signs it on the server; the other roles are signed by the parties' people.

    Of an image repository `snapshot` and `timestamp` are online; of a director `targets` too. time: attests the present to cars.
    Raises InputError for keys that cannot make the quorum, or an online key that is somebody's own.
    """
    empty = Root(version=0, expires=expires, consistent_snapshot=True, keys={}, roles={})
    return successor(empty, parties, online, expires, each=each, time=time)


def successor(
    before: Root, parties: Sequence[Party], online: Mapping[str, Key], expires: datetime, *, each: int = EACH, time: Key | None = None
) -> Root:
    """The next root with these parties, keys and online keys whatever they were before: what every change below comes down to.

    Raises InputError as `first_root`.
    """
    people = quorum(parties, each) if len(parties) > 1 else alone(parties[0], each)
    served = [*online.values(), *([time] if time else [])]
    theirs = {key.public for party in parties for key in party.keys}
    if any(key.public in theirs or key.organisation for key in served):
        raise InputError("root", "online keys", "a person's key would be signed with by the server", "Online keys are nobody's own.")
    missing = [name for name in ONLINE if name not in online]
    if missing or "root" in online:
        raise InputError("root", ", ".join(missing or ["root"]), "snapshot and timestamp are signed online, root never is")
    roles = {name: people for name in SIGNED_BY_PEOPLE if name not in online}
    return replace(
        before,
        version=before.version + 1,
        expires=expires,
        keys=by_id([*(key for party in parties for key in party.keys), *served]),
        roles=roles | {name: Role((key.id,), 1) for name, key in online.items()},
        parties=tuple(party.code for party in parties) if len(parties) > 1 else (),
        time=Role((time.id,), 1) if time else None,
    )


def renew(before: Root, expires: datetime) -> Root:
    """The same, for longer."""
    return replace(before, version=before.version + 1, expires=expires)


def replace_lost(before: Root, lost: str, new: Key, expires: datetime) -> Root:
    """One person's key for another of the same organisation: lost, stolen, or its holder left. lost: the key's id. Raises InputError."""
    old = before.keys.get(lost)
    if old is None or not old.organisation:
        raise InputError("root", lost[:12], "no person's key of this root has that id", "`marque release ceremony show` lists them.")
    if new.organisation != old.organisation:
        raise InputError("root", lost[:12], f"a key of {old.organisation} is replaced by one of {old.organisation} alone")
    parties = [Party(one.code, tuple(new if key.id == lost else key for key in one.keys)) for one in parties_of(before)]
    return successor(before, parties, online_of(before), expires, each=each_of(before), time=_time_of(before))


def rotate(before: Root, organisation: str, keys: Sequence[Key], expires: datetime) -> Root:
    """All of an organisation's keys for new ones. Raises InputError."""
    _known(before, organisation)
    parties = [Party(one.code, tuple(keys)) if one.code == organisation else one for one in parties_of(before)]
    return successor(before, parties, online_of(before), expires, each=each_of(before), time=_time_of(before))


def revoke_partner(before: Root, organisation: str, expires: datetime) -> Root:
    """Without one of the parties. It needs the quorum of the root in force, so of both; signed beforehand and kept, it is an exit root.

    One party left makes an ordinary repository, of so many of that party's keys as signed before.
    """
    _known(before, organisation)
    remaining = [one for one in parties_of(before) if one.code != organisation]
    if not remaining:
        raise InputError("root", organisation, "nobody would be left")
    return successor(before, remaining, online_of(before), expires, each=each_of(before), time=_time_of(before))


def add_partner(before: Root, partner: Party, expires: datetime) -> Root:
    """With one party more, which signs this root as well. Raises InputError."""
    parties = [*parties_of(before), partner]
    return successor(before, parties, online_of(before), expires, each=each_of(before), time=_time_of(before))


def new_online_keys(before: Root, online: Mapping[str, Key], expires: datetime, *, time: Key | None = None) -> Root:
    """Other keys for the roles that the server signs, by role; the others stay. Raises InputError."""
    return successor(
        before, parties_of(before), online_of(before) | dict(online), expires, each=each_of(before), time=time or _time_of(before)
    )


def parties_of(root: Root) -> list[Party]:
    """Who signs root, with their keys; of a root that one organisation signs alone, that one."""
    keys = [root.keys[name] for name in root.roles["root"].keys]
    codes = root.parties or tuple(dict.fromkeys(key.organisation for key in keys))
    return [Party(code, tuple(key for key in keys if key.organisation == code)) for code in codes]


def online_of(root: Root) -> dict[str, Key]:
    """The roles that a single key without an organisation signs, by role."""
    signing = {name: [root.keys[one] for one in role.keys] for name, role in root.roles.items()}
    return {name: keys[0] for name, keys in signing.items() if len(keys) == 1 and not keys[0].organisation}


def each_of(root: Root) -> int:
    """How many keys of each party sign root."""
    role = root.roles["root"]
    return role.each or role.threshold


def rule_of(root: Root, role: str) -> Rule:
    """What root asks of one of its own roles."""
    return Rule(f"root {root.version}" if role == "root" else role, root.roles[role], root.keys, root.parties)


def rules_of_root(before: Root | None, new: Root) -> list[Rule]:
    """What a root needs: the rule of the one before it, and its own."""
    return [*([rule_of(before, "root")] if before else []), rule_of(new, "root")]


def lacks(payload: bytes, signatures: Sequence[Signature], rules: Sequence[Rule]) -> list[Lack]:
    """Who still has to sign, by rule and organisation; empty: everybody has. Keys are counted by what they are, not by their ids."""
    file = Metadata[Any](None, payload, tuple(signatures), b"")
    return [one for rule in rules for one in _lacks(rule, standing(file, rule.role, rule.keys, rule.parties))]


def _lacks(rule: Rule, found: Standing) -> list[Lack]:
    if found.enough:
        return []
    listed = {name: rule.keys[name] for name in rule.role.keys if name in rule.keys}
    signed = {material(listed[name]) for name in found.signed}
    open_ = [key for key in listed.values() if material(key) not in signed]
    if not found.of:
        whose = {key.organisation for key in listed.values()}
        return [Lack(rule.name, whose.pop() if len(whose) == 1 else "", found.keys, found.keys + found.missing, tuple(open_))]
    return [
        Lack(rule.name, party, rule.role.each - lacking, rule.role.each, tuple(key for key in open_ if key.organisation == party))
        for party, lacking in found.of.items()
    ]


def _time_of(root: Root) -> Key | None:
    return root.keys[root.time.keys[0]] if root.time else None


def _known(root: Root, organisation: str) -> None:
    codes = [party.code for party in parties_of(root)]
    if organisation not in codes:
        raise InputError("root", organisation, "it is no party of this root", f"The parties are {', '.join(codes)}.")
