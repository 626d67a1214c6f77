"""Frozen values of TUF metadata (specification 1.0.33, 4), and what ours says beyond it. No clock, no file, no network.

What Marque adds stands in fields that other clients skip, so stock clients read the same files, more trustingly:
`x-marque-organisation` on a key, `x-marque-each` on a role, `x-marque-parties` in root, `x-marque-all-of` and `x-marque-hardware` among
delegations, `x-marque-withdrawn` and `x-marque-vehicle` in targets, `x-marque-time` in root.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar


@dataclass(frozen=True)
class Key:
    """A public key. id: as its file calls it, never trusted. public: PEM, or 64 hexadecimal digits of an Ed25519 key.

    organisation: whose key it is, by code; empty where the file does not say.
    """

    id: str
    kind: str
    scheme: str
    public: str
    organisation: str = ""


@dataclass(frozen=True)
class Role:
    """Who signs: `threshold` distinct public keys of `keys` (ids) and, where `each` is not 0, so many of each party's organisation."""

    keys: tuple[str, ...]
    threshold: int
    each: int = 0


@dataclass(frozen=True, kw_only=True)
class Root:
    """roles: of root, timestamp, snapshot, targets. parties: the organisations that `each` is about; empty: an ordinary repository.

    time: who attests the present to cars; None: nobody does.
    """

    version: int
    expires: datetime
    consistent_snapshot: bool
    keys: Mapping[str, Key]
    roles: Mapping[str, Role]
    parties: tuple[str, ...] = ()
    time: Role | None = None


@dataclass(frozen=True)
class File:
    """Of a metadata file, as timestamp or snapshot lists it. length None: not said; hashes: by algorithm, hexadecimal; may be empty."""

    version: int
    length: int | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Timestamp:
    version: int
    expires: datetime
    snapshot: File


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """meta: by file name, `targets.json`."""

    version: int
    expires: datetime
    meta: Mapping[str, File]


@dataclass(frozen=True)
class Target:
    """A file that may be installed. path: its name, "/" between parts. length in bytes; custom: JSON as it stands there."""

    path: str
    length: int
    hashes: Mapping[str, str]
    custom: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Delegation:
    """A role that another trusts for some targets: those matching `paths` (fnmatch, part by part), or whose path's SHA-256 begins so.

    hardware: it speaks for these hardware ids alone; empty: for any.
    """

    name: str
    role: Role
    terminating: bool = False
    paths: tuple[str, ...] | None = None
    hash_prefixes: tuple[str, ...] | None = None
    hardware: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bins:
    """`succinct_roles` (TAP 15): 2**bits roles `NAME-HEX`, chosen by the leading bits of the path's SHA-256."""

    role: Role
    bits: int
    prefix: str


@dataclass(frozen=True, kw_only=True)
class Delegations:
    """all_of: groups of role names that have to list a target alike before any of them counts (multi-role delegation, after TAP 3)."""

    keys: Mapping[str, Key]
    roles: tuple[Delegation, ...] = ()
    bins: Bins | None = None
    all_of: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Withdrawal:
    """Evidence that counts no longer. by: the organisation whose role says so."""

    at: datetime
    reason: str
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class Targets:
    """withdrawn: by SHA-256 of an evidence file. vehicle: of a director's metadata, for which vehicle alone it is; empty: for any."""

    version: int
    expires: datetime
    targets: Mapping[str, Target]
    delegations: Delegations | None = None
    withdrawn: Mapping[str, Withdrawal] = field(default_factory=dict)
    vehicle: str = ""


Signed = TypeVar("Signed", Root, Timestamp, Snapshot, Targets)


@dataclass(frozen=True)
class Signature:
    key: str
    value: bytes


@dataclass(frozen=True)
class Metadata(Generic[Signed]):
    """One file as read: what it says, the canonical bytes that were signed, the signatures, and the file's own bytes."""

    said: Signed
    payload: bytes
    signatures: tuple[Signature, ...]
    raw: bytes
