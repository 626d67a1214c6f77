"""Metadata of TUF repositories written: from values to the canonical bytes that are signed, and to the file that carries the signatures.

The inverse of `marque.car.tuf.reading`: what is written here reads back equal. Formats: TUF specification 1.0.33, section 4; what ours adds
stands in `x-marque-…` fields and is left out where there is nothing to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from marque.car.tuf.canonical import encode
from marque.car.tuf.model import (
    Bins,
    Delegation,
    Delegations,
    File,
    Key,
    Role,
    Root,
    Signature,
    Snapshot,
    Target,
    Targets,
    Timestamp,
    Withdrawal,
)

SPECIFICATION = "1.0.33"
_CONTROLS = bytes(range(0x20))
_ESCAPED = {byte: f"\\u{byte:04x}".encode() for byte in range(0x20)} | {0x09: b"\\t", 0x0A: b"\\n", 0x0D: b"\\r"}


def payload(said: Root | Timestamp | Snapshot | Targets) -> bytes:
    """The canonical bytes that a signature covers."""
    match said:
        case Root():
            return encode(_root(said))
        case Timestamp():
            return encode(_head(said, "timestamp") | {"meta": {"snapshot.json": _file(said.snapshot)}})
        case Snapshot():
            return encode(_head(said, "snapshot") | {"meta": {name: _file(one) for name, one in said.meta.items()}})
        case Targets():
            return encode(_targets(said))


def dumps(payload: bytes, signatures: Iterable[Signature]) -> bytes:
    """The file: the payload as it was signed, and the signatures in order of their keys' ids, each key once.

    Canonical JSON (OLPC) leaves control characters raw inside its strings; JSON does not allow that, so they are escaped here.
    """
    once = {one.key: one for one in signatures}
    listed = ",".join(f'{{"keyid":{json.dumps(key)},"sig":"{once[key].value.hex()}"}}' for key in sorted(once))
    return b'{"signatures":[' + listed.encode() + b'],"signed":' + json_of(payload) + b"}"


def json_of(payload: bytes) -> bytes:
    """Canonical bytes as JSON: between its strings they hold no control character, so any there is stands in a string."""
    if len(payload.translate(None, _CONTROLS)) == len(payload):
        return payload
    for byte, escaped in _ESCAPED.items():
        payload = payload.replace(bytes([byte]), escaped)
    return payload


def instant(at: datetime) -> str:
    """As metadata writes it, `2026-11-29T14:00:00Z`: whole seconds, later fractions cut off."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def key_json(key: Key) -> dict[str, Any]:
    """A key as root and delegations list it."""
    ours = {"x-marque-organisation": key.organisation} if key.organisation else {}
    return {"keytype": key.kind, "scheme": key.scheme, "keyval": {"public": key.public}} | ours


def target_json(target: Target) -> dict[str, Any]:
    """A target as a targets file lists it, under its path."""
    custom = {"custom": dict(target.custom)} if target.custom else {}
    return {"length": target.length, "hashes": dict(target.hashes)} | custom


def _head(said: Root | Timestamp | Snapshot | Targets, kind: str) -> dict[str, Any]:
    return {"_type": kind, "spec_version": SPECIFICATION, "version": said.version, "expires": instant(said.expires)}


def _root(root: Root) -> dict[str, Any]:
    said = _head(root, "root") | {
        "consistent_snapshot": root.consistent_snapshot,
        "keys": _keys(root.keys),
        "roles": {name: _role(role) for name, role in root.roles.items()},
    }
    if root.parties:
        said["x-marque-parties"] = list(root.parties)
    if root.time is not None:
        said["x-marque-time"] = _role(root.time)
    return said


def _targets(targets: Targets) -> dict[str, Any]:
    said = _head(targets, "targets") | {"targets": {path: target_json(one) for path, one in targets.targets.items()}}
    if targets.delegations is not None:
        said["delegations"] = _delegations(targets.delegations)
    if targets.withdrawn:
        said["x-marque-withdrawn"] = {evidence: _withdrawal(one) for evidence, one in targets.withdrawn.items()}
    if targets.vehicle:
        said["x-marque-vehicle"] = targets.vehicle
    return said


def _delegations(delegations: Delegations) -> dict[str, Any]:
    said: dict[str, Any] = {"keys": _keys(delegations.keys)}
    if delegations.bins is not None:
        said["succinct_roles"] = _bins(delegations.bins)
    if delegations.roles or delegations.bins is None:
        said["roles"] = [_delegation(one) for one in delegations.roles]
    if delegations.all_of:
        said["x-marque-all-of"] = [list(group) for group in delegations.all_of]
    return said


def _delegation(one: Delegation) -> dict[str, Any]:
    said = _role(one.role) | {"name": one.name, "terminating": one.terminating}
    if one.paths is not None:
        said["paths"] = list(one.paths)
    if one.hash_prefixes is not None:
        said["path_hash_prefixes"] = list(one.hash_prefixes)
    if one.hardware:
        said["x-marque-hardware"] = list(one.hardware)
    return said


def _bins(bins: Bins) -> dict[str, Any]:
    return _role(bins.role) | {"bit_length": bins.bits, "name_prefix": bins.prefix}


def _role(role: Role) -> dict[str, Any]:
    each = {"x-marque-each": role.each} if role.each else {}
    return {"keyids": list(role.keys), "threshold": role.threshold} | each


def _keys(keys: Mapping[str, Key]) -> dict[str, Any]:
    return {name: key_json(key) for name, key in keys.items()}


def _file(file: File) -> dict[str, Any]:
    said: dict[str, Any] = {"version": file.version}
    if file.length is not None:
        said["length"] = file.length
    return said | ({"hashes": dict(file.hashes)} if file.hashes else {})


def _withdrawal(one: Withdrawal) -> dict[str, str]:
    return {"at": instant(one.at), "reason": one.reason}
