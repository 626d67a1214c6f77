"""Metadata files read into values, strictly: right types, versions of 1 and more, no field twice. Fields we do not know are left alone.

The fields that Marque adds (`x-marque-…`, see `model`) are read as strictly. A file of one role where another's is asked for is WRONG_ROLE.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

from marque.car.attacks import Attack
from marque.car.tuf import canonical
from marque.car.tuf.fields import Fields
from marque.car.tuf.model import (
    Bins,
    Delegation,
    Delegations,
    File,
    Key,
    Metadata,
    Role,
    Root,
    Signature,
    Snapshot,
    Target,
    Targets,
    Timestamp,
    Withdrawal,
)

LARGEST = 64 * 1024 * 1024
"""Bytes that are read at all; what a role may have is the client's to limit."""

LARGEST_KEYS = 1024
TOP_LEVEL = ("root", "timestamp", "snapshot", "targets")
MOST_BITS = 20
LONGEST_NAME = 200
"""Characters of a role's name once quoted for a URL: what a file name can hold, with room for version and ending."""

_Said = TypeVar("_Said", Root, Timestamp, Snapshot, Targets)


def root(raw: bytes, file: str = "root.json", repository: str = "") -> Metadata[Root]:
    """A root file. Its signatures are kept, not checked; `quorum` does that."""
    return _metadata(raw, file, repository, "root", _root)


def timestamp(raw: bytes, file: str = "timestamp.json", repository: str = "") -> Metadata[Timestamp]:
    """A timestamp file."""
    return _metadata(raw, file, repository, "timestamp", _timestamp)


def snapshot(raw: bytes, file: str = "snapshot.json", repository: str = "") -> Metadata[Snapshot]:
    """A snapshot file."""
    return _metadata(raw, file, repository, "snapshot", _snapshot)


def targets(raw: bytes, file: str = "targets.json", repository: str = "") -> Metadata[Targets]:
    """A targets file: of the top level, of a delegated role, or a director's for one vehicle."""
    return _metadata(raw, file, repository, "targets", _targets)


def _metadata(raw: bytes, file: str, repository: str, kind: str, read: Callable[[Fields], _Said]) -> Metadata[_Said]:
    whole = Fields(canonical.decode(raw, LARGEST, file, repository), file, repository)
    signed = whole.object("signed")
    signatures = _signatures(whole)
    if signed.text("_type") != kind:
        signed.refuse(f"is metadata of the kind {signed.text('_type')[:20]!r}, where {kind!r} was expected", Attack.WRONG_ROLE)
    if signed.text("spec_version").split(".")[0] != "1":
        signed.refuse("is of another major version of the specification than 1")
    said = read(signed)
    try:
        payload = canonical.encode_again(signed.values)
    except ValueError:
        signed.refuse("holds text that is not Unicode")
    return Metadata(said, payload, signatures, raw)


def _signatures(whole: Fields) -> tuple[Signature, ...]:
    found: dict[str, Signature] = {}
    for one in whole.objects("signatures"):
        key, value = one.text("keyid"), one.any("sig")
        if not isinstance(value, str):
            one.refuse("sig is no text")
        if key in found:
            one.refuse(f"key {key[:16]} signs twice", Attack.DOUBLED_KEY)
        try:
            found[key] = Signature(key, bytes.fromhex(value))
        except ValueError:
            found[key] = Signature(key, b"")  # of a scheme that writes otherwise; it counts for nobody
    return tuple(found.values())


def _root(said: Fields) -> Root:
    keys, roles = _keys(said.object("keys")), said.object("roles")
    return Root(
        version=said.version(),
        expires=said.instant("expires"),
        consistent_snapshot=said.flag("consistent_snapshot", otherwise=False),
        keys=keys,
        roles={name: _role(roles.object(name)) for name in roles.values},
        parties=said.distinct("x-marque-parties") if said.has("x-marque-parties") else (),
        time=_role(said.object("x-marque-time")) if said.has("x-marque-time") else None,
    )


def _timestamp(said: Fields) -> Timestamp:
    snapshot = _file(said.object("meta").object("snapshot.json"))
    return Timestamp(version=said.version(), expires=said.instant("expires"), snapshot=snapshot)


def _snapshot(said: Fields) -> Snapshot:
    meta = said.object("meta")
    files = {name: _file(meta.object(name)) for name in meta.values}
    return Snapshot(version=said.version(), expires=said.instant("expires"), meta=files)


def _file(one: Fields) -> File:
    length = one.whole("length", 0) if one.has("length") else None
    return File(one.version(), length, one.hashes("hashes") if one.has("hashes") else {})


def _targets(said: Fields) -> Targets:
    listed = said.object("targets")
    return Targets(
        version=said.version(),
        expires=said.instant("expires"),
        targets={path: _target(path, listed.object(path)) for path in listed.values},
        delegations=_delegations(said.object("delegations")) if said.has("delegations") else None,
        withdrawn=_withdrawn(said.object("x-marque-withdrawn")) if said.has("x-marque-withdrawn") else {},
        vehicle=said.text("x-marque-vehicle") if said.has("x-marque-vehicle") else "",
    )


def _target(path: str, one: Fields) -> Target:
    custom: dict[str, Any] = dict(one.object("custom").values) if one.has("custom") else {}
    return Target(path, one.whole("length", 0), one.hashes("hashes"), custom)


def _withdrawn(listed: Fields) -> dict[str, Withdrawal]:
    found = {}
    for evidence in listed.values:
        one = listed.object(evidence)
        if len(evidence) != 64 or not set(evidence) <= set("0123456789abcdef"):
            one.refuse("is not the SHA-256 of an evidence file")
        found[evidence] = Withdrawal(one.instant("at"), one.text("reason"))
    return found


def _keys(listed: Fields) -> dict[str, Key]:
    if len(listed.values) > LARGEST_KEYS:
        listed.refuse(f"are more than {LARGEST_KEYS}")
    return {id_: _key(id_, listed.object(id_)) for id_ in listed.values}


def _key(id_: str, one: Fields) -> Key:
    organisation = one.text("x-marque-organisation") if one.has("x-marque-organisation") else ""
    return Key(id_, one.text("keytype"), one.text("scheme"), one.object("keyval").text("public"), organisation)


def _role(one: Fields) -> Role:
    keys = one.texts("keyids")
    if len(set(keys)) != len(keys):
        one.refuse("names one key twice", Attack.DOUBLED_KEY)
    return Role(keys, one.whole("threshold", 1), one.whole("x-marque-each", 1) if one.has("x-marque-each") else 0)


def _delegations(said: Fields) -> Delegations:
    if said.has("roles") == said.has("succinct_roles"):
        said.refuse("has to have either roles or succinct_roles")
    roles = tuple(_delegation(one) for one in said.objects("roles")) if said.has("roles") else ()
    names = [one.name for one in roles]
    if len(set(names)) != len(names):
        said.refuse("names one role twice", Attack.WRONG_ROLE)
    return Delegations(
        keys=_keys(said.object("keys")),
        roles=roles,
        bins=_bins(said.object("succinct_roles")) if said.has("succinct_roles") else None,
        all_of=_groups(said, names) if said.has("x-marque-all-of") else (),
    )


def _name(one: Fields, name: str) -> str:
    value = one.text(name)
    try:
        quoted = quote(value, safe="")
    except UnicodeEncodeError:
        one.refuse(f"{name} is not Unicode")
    if len(quoted) > LONGEST_NAME:
        one.refuse(f"{name} is longer than a file name can be")
    return value


def _delegation(one: Fields) -> Delegation:
    name = _name(one, "name")
    if name in TOP_LEVEL:
        one.refuse(f"delegates {name}, which is root's to give", Attack.WRONG_ROLE)
    if one.has("paths") == one.has("path_hash_prefixes"):
        one.refuse("has to have either paths or path_hash_prefixes")
    return Delegation(
        name=name,
        role=_role(one),
        terminating=one.flag("terminating"),
        paths=one.texts("paths") if one.has("paths") else None,
        hash_prefixes=one.texts("path_hash_prefixes") if one.has("path_hash_prefixes") else None,
        hardware=one.distinct("x-marque-hardware") if one.has("x-marque-hardware") else (),
    )


def _bins(one: Fields) -> Bins:
    bits = one.whole("bit_length", 1)
    if bits > MOST_BITS:
        one.refuse(f"bit_length is more than {MOST_BITS}")
    return Bins(_role(one), bits, _name(one, "name_prefix"))


def _groups(said: Fields, names: list[str]) -> tuple[tuple[str, ...], ...]:
    groups = said.any("x-marque-all-of")
    if not isinstance(groups, list):
        said.refuse("x-marque-all-of is no list")
    grouped = tuple(Fields({"group": one}, said.file, said.repository, "x-marque-all-of").distinct("group") for one in groups)
    inside = [name for group in grouped for name in group]
    if any(len(group) < 2 for group in grouped) or len(set(inside)) != len(inside) or not set(inside) <= set(names):
        said.refuse("x-marque-all-of groups too few roles, one in two groups, or one that is not delegated")
    return grouped
