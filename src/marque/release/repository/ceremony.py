"""A ceremony: one file of metadata on its way from hand to hand until everybody whose signature it needs has signed.

It carries what is signed, the metadata in force that says who has to, and the signatures so far; so whoever holds it can show what changes,
sign, and see who is waited for, on a machine without a network. Copies that were signed side by side are put together again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import rfc8785

from marque.alliance import signing
from marque.car.tuf import keys as car_keys
from marque.car.tuf import quorum, reading
from marque.car.tuf.model import Key, Root, Signature, Targets
from marque.common import InputError, Refusal, Refused
from marque.release.repository import writing
from marque.release.repository.keys import Signer
from marque.release.repository.root import Lack, Rule, each_of, lacks, parties_of, rule_of, rules_of_root

KIND = "https://marque.example/release-ceremony/v1"
MAX_BYTES = 64 << 20
IMAGE, DIRECTOR = "image", "director"
_FIELDS = {"kind", "repository", "role", "payload", "root", "targets", "signatures"}


@dataclass(frozen=True, kw_only=True)
class Ceremony:
    """repository: `image` or `director`. role: `root`, `targets`, or one that targets delegates. payload: what is signed.

    root, targets: the files in force that say who signs; empty where there is none yet, or none is needed.
    """

    repository: str
    role: str
    payload: bytes
    root: bytes = b""
    targets: bytes = b""
    signatures: tuple[Signature, ...] = ()


@dataclass(frozen=True)
class Change:
    """What a root changes. kind: `party-added`, `party-removed`, `key-added`, `key-removed`, `online-key`, `expires` or `quorum`.

    what: the organisation, the role, or how many keys of each; key: which one, where it is about one.
    """

    kind: str
    what: str
    key: Key | None = None


def of_root(repository: str, new: Root, before: bytes = b"") -> Ceremony:
    """A root to be signed. before: the file of the root in force; empty for the first."""
    return Ceremony(repository=repository, role="root", payload=writing.payload(new), root=before)


def of_targets(role: str, new: Targets, root: bytes, targets: bytes = b"") -> Ceremony:
    """A targets file to be signed. root: of the root in force; targets: of the top-level targets, where the role is one it delegates."""
    return Ceremony(repository=IMAGE, role=role, payload=writing.payload(new), root=root, targets=targets)


def dumps(ceremony: Ceremony) -> bytes:
    """The file that goes from hand to hand. Metadata stands in it as text, so that nothing about its bytes can change."""
    said: dict[str, Any] = {
        "kind": KIND,
        "repository": ceremony.repository,
        "role": ceremony.role,
        "payload": ceremony.payload.decode(),
        "root": ceremony.root.decode(),
        "targets": ceremony.targets.decode(),
        "signatures": {one.key: one.value.hex() for one in ceremony.signatures},
    }
    return rfc8785.dumps(said)


def read(raw: bytes, file: str) -> Ceremony:
    """Strictly. file: its name, for messages. Raises InputError, and UpdateRefused for metadata in it that is none."""
    said = signing.read_json(raw, MAX_BYTES, "ceremony")
    if isinstance(said, Refusal):
        raise InputError(file, "", said.reason)
    texts = {name: value for name, value in said.items() if isinstance(value, str)}
    listed = said.get("signatures")
    if said.keys() != _FIELDS or said["kind"] != KIND or texts.keys() != _FIELDS - {"signatures"} or not isinstance(listed, dict):
        raise InputError(file, "", "it is not the file of a ceremony", "Begin one with `marque release ceremony new`.")
    try:
        signatures = tuple(Signature(key, bytes.fromhex(value)) for key, value in listed.items())
    except (ValueError, TypeError) as fault:
        raise InputError(file, "signatures", "a signature is not hexadecimal") from fault
    made = Ceremony(
        repository=texts["repository"], role=texts["role"], payload=texts["payload"].encode(), root=texts["root"].encode(),
        targets=texts["targets"].encode(), signatures=signatures,
    )  # fmt: skip
    if made.repository not in {IMAGE, DIRECTOR}:
        raise InputError(file, "repository", f"it is for {texts['repository'][:20]!r}, and there are image and director")
    if writing.payload(said_of(made)) != made.payload:
        raise InputError(file, "payload", "it says more than Marque writes, or in another form", "Have the ceremony begun again.")
    rules_of(made)
    _in_force(made)
    return made


def said_of(ceremony: Ceremony) -> Root | Targets:
    """What is to be signed. Raises UpdateRefused where it is no such metadata."""
    raw = writing.dumps(ceremony.payload, ceremony.signatures)
    return reading.root(raw).said if ceremony.role == "root" else reading.targets(raw, f"{ceremony.role}.json").said


def before_of(ceremony: Ceremony) -> Root | None:
    """The root in force; None before the first."""
    return reading.root(ceremony.root).said if ceremony.root else None


def rules_of(ceremony: Ceremony) -> list[Rule]:
    """Whose signatures it needs. Raises InputError where the ceremony cannot know."""
    root = before_of(ceremony)
    if ceremony.role == "root":
        new = said_of(ceremony)
        if not isinstance(new, Root) or new.version != (root.version if root else 0) + 1:
            raise InputError(
                "ceremony", "root", f"version {new.version} does not follow the root in force", "Begin it from the newest root."
            )
        return rules_of_root(root, new)
    if root is None:
        raise InputError("ceremony", ceremony.role, "no root in force says who signs this role")
    if ceremony.role == "targets":
        return [rule_of(root, "targets")]
    below = reading.targets(ceremony.targets).said.delegations if ceremony.targets else None
    found = [one for one in below.roles if one.name == ceremony.role] if below else []
    if not below or not found:
        raise InputError("ceremony", ceremony.role, "the targets file in force delegates no such role")
    return [Rule(ceremony.role, found[0].role, below.keys, root.parties)]


def waiting(ceremony: Ceremony) -> list[Lack]:
    """Who still has to sign."""
    return lacks(ceremony.payload, ceremony.signatures, rules_of(ceremony))


def signed_by(ceremony: Ceremony) -> list[Key]:
    """Whose signatures there are and fit."""
    known = {name: key for rule in rules_of(ceremony) for name, key in rule.keys.items() if name in rule.role.keys}
    return [
        known[one.key] for one in ceremony.signatures if one.key in known and car_keys.verifies(known[one.key], one.value, ceremony.payload)
    ]


def sign(ceremony: Ceremony, signer: Signer) -> Ceremony:
    """With one signature more. Raises Refused for a key that nobody asks for here."""
    asked = {car_keys.material(rule.keys[name]): name for rule in rules_of(ceremony) for name in rule.role.keys if name in rule.keys}
    name = asked.get(car_keys.material(signer.key))
    if name is None:
        raise Refused(Refusal("this key is none of those that sign here", {"key": signer.key.id}))
    others = tuple(one for one in ceremony.signatures if one.key != name)
    return replace(ceremony, signatures=(*others, Signature(name, signer.sign(ceremony.payload))))


def together(ceremonies: Sequence[Ceremony]) -> Ceremony:
    """Copies of one ceremony, with the signatures of all that fit. Raises Refused when they are copies of different ones."""
    first = ceremonies[0]
    if any(replace(one, signatures=()) != replace(first, signatures=()) for one in ceremonies):
        raise Refused(Refusal("these are copies of different ceremonies"))
    good = {key.id for one in ceremonies for key in signed_by(one)}
    found = {one.key: one for copy in ceremonies for one in copy.signatures if one.key in good and _fits(copy, one)}
    return replace(first, signatures=tuple(found.values()))


def finish(ceremony: Ceremony) -> bytes:
    """The metadata file. Raises Refused while somebody is waited for, naming whom."""
    open_ = waiting(ceremony)
    if open_:
        lacking = {f"{one.rule}, {one.organisation}".rstrip(", "): f"{one.signed} of {one.needed}" for one in open_}
        raise Refused(Refusal("not everybody has signed", lacking))
    good = {key.id for key in signed_by(ceremony)}
    return writing.dumps(ceremony.payload, [one for one in ceremony.signatures if one.key in good])


def changes(before: Root | None, new: Root) -> list[Change]:
    """What a root changes; of the first one, what it begins with."""
    old = {party.code: party.keys for party in parties_of(before)} if before else {}
    now = {party.code: party.keys for party in parties_of(new)}
    found = [Change("party-removed", code) for code in old if code not in now]
    found += [Change("party-added", code) for code in now if code not in old]
    for code in {**old, **now}:
        found += [Change("key-removed", code, key) for key in old.get(code, ()) if key not in now.get(code, ())]
        found += [Change("key-added", code, key) for key in now.get(code, ()) if key not in old.get(code, ())]
    served, serves = _online(before) if before else {}, _online(new)
    found += [Change("online-key", role, key) for role, key in serves.items() if served.get(role) != key]
    if before is None or each_of(before) != each_of(new):
        found.append(Change("quorum", str(each_of(new))))
    return [*found, Change("expires", _day(new.expires))]


def _online(root: Root) -> Mapping[str, Key]:
    roles: dict[str, Any] = dict(root.roles) | ({"time": root.time} if root.time else {})
    theirs = {key for party in parties_of(root) for key in party.keys}
    keys = {name: [root.keys[one] for one in role.keys] for name, role in roles.items()}
    return {name: listed[0] for name, listed in keys.items() if len(listed) == 1 and listed[0] not in theirs}


def _day(at: datetime) -> str:
    return at.date().isoformat()


def _in_force(ceremony: Ceremony) -> None:
    """What says who signs has to be signed itself: nobody invents the root before, and with it the keys that would do."""
    if not ceremony.root:
        return
    root = reading.root(ceremony.root, "root.json", ceremony.repository)
    require = partial(quorum.require, keys=root.said.keys, parties=root.said.parties, repository=ceremony.repository)
    require(root, root.said.roles["root"], file="root.json")
    if ceremony.targets:
        require(reading.targets(ceremony.targets, "targets.json"), root.said.roles["targets"], file="targets.json")


def _fits(ceremony: Ceremony, signature: Signature) -> bool:
    keys = [rule.keys[signature.key] for rule in rules_of(ceremony) if signature.key in rule.keys]
    return any(car_keys.verifies(key, signature.value, ceremony.payload) for key in keys)
