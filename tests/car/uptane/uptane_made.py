"""Vectors of every class of the public Uptane generator, made here, with keys of our own, in its dialect.

`write("director_root_expired", FOLDER)` writes `FOLDER/STEP/director/…` and `FOLDER/STEP/image_repo/…`. What each class makes wrong is
what the public generator (`tuf_vectors/uptane.py`) says of the class of that name.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from uptane_legacy import ECU, HARDWARE

from marque.car.tuf import canonical

PAST, FUTURE = "2017-01-01T00:00:00Z", "2038-01-19T03:14:06Z"
FILE, CONTENT = "file.txt", b"wat wat wat"
KEYS = {"director": {"root": 4, "targets": 5}, "image_repo": {"root": 0, "targets": 1, "snapshot": 2, "timestamp": 3}}
SPARE, DELEGATED = 8, 6


@dataclass(frozen=True)
class Root:
    """keys: of the root role, by number; sign: those that sign; stated: the version that it says, where it is not that of its file."""

    version: int = 1
    keys: tuple[int, ...] = ()
    sign: tuple[int, ...] | None = None
    stated: int = 0


@dataclass(frozen=True)
class Delegated:
    paths: tuple[str, ...] = (FILE,)
    keys: tuple[int, ...] = (DELEGATED,)
    sign: tuple[int, ...] | None = None
    threshold: int | None = None
    listed: bool = True
    bad_ids: bool = False
    name: str = "foo"
    there: bool = True
    version: int = 1
    targets: tuple[tuple[str, str], ...] = ((FILE, ""),)
    expired: bool = False


@dataclass(frozen=True)
class Repository:
    """One repository at one step. wrong: by fault, the roles that have it. targets: names with what is wrong with each."""

    roots: tuple[Root, ...] = (Root(),)
    wrong: dict[str, set[str]] = field(default_factory=dict)
    targets: tuple[tuple[str, str], ...] = ((FILE, ""),)
    version: int = 1
    many: bool = False
    snapshot_says: int = 0
    delegated: Delegated | None = None

    def has(self, fault, role):
        return role in self.wrong.get(fault, ())


@dataclass
class _Writer:
    where: str
    folder: object
    said: Repository
    scheme: str
    encoding: str

    def write(self):
        for one in self.said.roots:
            self._file(f"{one.version}.root.json", self._root(one))
        targets = self._targets()
        self._file("targets.json", targets)
        if self.where == "director":
            return
        meta = {"targets.json": {"version": self.said.snapshot_says or targets["signed"]["version"]}}
        if (below := self.said.delegated) is not None:
            if below.there:
                self._file(f"delegations/{below.name}.json", self._delegated(below))
            if below.name != "skipped":
                meta[f"{below.name}.json"] = {"version": below.version}
        snapshot = self._signed("snapshot", {"meta": meta, "version": 1})
        digest = hashlib.sha256(canonical.encode(snapshot)).hexdigest()
        listed = {"version": 1, "length": len(_indented(snapshot)), "hashes": {"sha256": digest}}
        self._file("snapshot.json", snapshot)
        self._file("timestamp.json", self._signed("timestamp", {"meta": {"snapshot.json": listed}, "version": 1}))
        for name in {FILE, *(name for name, _ in self.said.targets)}:
            (self.folder / name).write_bytes(_content(name))

    def _root(self, one):
        numbers = {role: (number,) for role, number in KEYS[self.where].items()} | ({"root": one.keys} if one.keys else {})
        unmet = self.said.wrong.get("unmet", ())
        numbers = {role: (*found, SPARE) if role in unmet else found for role, found in numbers.items()}
        roles = {
            role: {"keyids": [_id(self.scheme, one) for one in found], "threshold": 0 if self.said.has("zero", role) else len(found)}
            for role, found in numbers.items()
        }
        keys = {}
        for role, found in numbers.items():
            for number in found:
                id_ = _id(self.scheme, number)
                keys[_other(id_) if self.said.has("bad_ids", role) else id_] = _public(self.scheme, number)
        said = {"consistent_snapshot": False, "keys": keys, "roles": roles, "version": one.stated or one.version}
        sign = one.sign if one.sign is not None else (one.keys or (KEYS[self.where]["root"],))
        return self._signed("root", said, sign)

    def _targets(self):
        said = {"targets": {name: self._target(name, fault) for name, fault in self.said.targets}, "version": self.said.version}
        if self.said.many:
            said["targets"] |= {f"{FILE}{number}": self._target(FILE, "") for number in range(1, 1024 * 30)}
        if (below := self.said.delegated) is not None:
            ids = [_id(self.scheme, one) for one in below.keys]
            threshold = len(ids) if below.threshold is None else below.threshold
            role = {"keyids": ids, "name": below.name, "paths": list(below.paths), "terminating": False, "threshold": threshold}
            listed = {(_other(id_) if below.bad_ids else id_): _public(self.scheme, one) for id_, one in zip(ids, below.keys, strict=True)}
            said["delegations"] = {"keys": listed if below.listed else {}, "roles": [role]}
        return self._signed("targets", said)

    def _delegated(self, below):
        targets = {name: self._target(name, fault) for name, fault in below.targets}
        said = {"_type": "Targets", "expires": PAST if below.expired else FUTURE, "targets": targets, "version": 1}
        return self._sealed(said, below.keys if below.sign is None else below.sign)

    def _target(self, name, fault):
        content = _content(name)
        digest = hashlib.sha256(content + (b"?" if fault == "hash" else b"")).hexdigest()
        hardware = HARDWARE + ("-XXX" if fault == "hardware" else "")
        ecu = ECU + ("-XXX" if fault == "ecu" else "")
        custom = {"ecuIdentifiers": {ecu: {"hardwareId": hardware}}} if self.where == "director" else {"hardwareIds": [hardware]}
        return {"custom": custom, "hashes": {"sha256": digest}, "length": len(content) - (fault == "length")}

    def _signed(self, role, said, sign=None):
        sign = (KEYS[self.where][role],) if sign is None else sign
        sign = () if self.said.has("unsigned", role) else sign + sign if self.said.has("doubled", role) else sign
        kind = "invalidrole" if self.said.has("type", role) else role.capitalize()
        return self._sealed({"_type": kind, "expires": PAST if self.said.has("expired", role) else FUTURE} | said, sign)

    def _sealed(self, said, sign):
        return {"signatures": [self._signature(one, canonical.encode(said)) for one in sign], "signed": said}

    def _signature(self, number, payload):
        value = _sign(self.scheme, number, payload)
        text = value.hex() if self.encoding == "hex" else base64.b64encode(value).decode()
        return {"keyid": _id(self.scheme, number), "method": self.scheme, "sig": text}

    def _file(self, name, said):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_indented(said))


def write(name, folder, *, scheme="ed25519", encoding="base64"):
    """The vector of that name, a folder for each of its steps."""
    for number, (director, image) in enumerate(VECTORS[name]):
        for where, said in (("director", director), ("image_repo", image)):
            place = folder / str(number) / where
            place.mkdir(parents=True)
            _Writer(where, place, said, scheme, encoding).write()


def _indented(said):
    return (json.dumps(said, indent=2, sort_keys=True) + "\n").encode()


def _content(name):
    return CONTENT if name == FILE else b"some foobar content"


@cache
def _private(scheme, number):
    if scheme == "ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"vector %d" % number).digest())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _text(scheme, number):
    public = _private(scheme, number).public_key()
    if scheme == "ed25519":
        return public.public_bytes_raw().hex()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().strip()


def _public(scheme, number):
    return {"keytype": "ed25519" if scheme == "ed25519" else "rsa", "keyval": {"public": _text(scheme, number)}}


def _id(scheme, number):
    return hashlib.sha256(canonical.encode(_text(scheme, number))).hexdigest()


def _other(id_):
    return f"{int(id_[:2], 16) ^ 1:02x}{id_[2:]}"


def _sign(scheme, number, payload):
    private = _private(scheme, number)
    if scheme == "ed25519":
        return private.sign(payload)
    digest = hashes.SHA512() if scheme.endswith("512") else hashes.SHA256()
    return private.sign(payload, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)


PLAIN = Repository()


def _one(where, said):
    """One step in which one of the two repositories is not plain."""
    return [(said, PLAIN) if where == "director" else (PLAIN, said)]


def _faults(name, fault):
    """A vector for each role of each repository that has the fault."""
    return {f"{where}_{role}_{name}": _one(where, Repository(wrong={fault: {role}})) for where, roles in KEYS.items() for role in roles}


def _rotations(where):
    old = KEYS[where]["root"]
    then = {
        "": (Root(2, (6,), (old, 6)),),
        "_multiple": (Root(2, (6,), (old, 6)), Root(3, (7,), (6, 7))),
        "_no_original_signature": (Root(2, (6,), (6,)),),
        "_no_new_signature": (Root(2, (6,), (old,)),),
        "_version_unchanged": (Root(2, (6,), (old, 6), stated=1),),
        "_version_skip": (Root(2, (6,), (old, 6), stated=3),),
    }
    return {f"{where}_root_rotation{name}": _one(where, PLAIN) + _one(where, replace(PLAIN, roots=roots)) for name, roots in then.items()}


def _target(fault):
    return Repository(targets=((FILE, fault),))


def _delegation(top=(), **changes):
    return [(PLAIN, Repository(targets=top, delegated=Delegated(**changes)))]


_OTHER = (("file01.txt", ""),)
VECTORS = (
    {"simple": [(PLAIN, PLAIN)]}
    | _faults("expired", "expired")
    | _faults("unmet_threshold", "unmet")
    | _faults("unsigned", "unsigned")
    | _faults("bad_key_ids", "bad_ids")
    | _faults("zero_threshold", "zero")
    | _faults("non_unique_signatures", "doubled")
    | _faults("role_type_mismatch", "type")
    | {f"{where}_targets_too_large": _one(where, Repository(many=True)) for where in KEYS}
    | {f"{where}_target_oversized": _one(where, _target("length")) for where in KEYS}
    | {f"{where}_target_hash_mismatch": _one(where, _target("hash")) for where in KEYS}
    | {f"{where}_bad_hw_id": _one(where, _target("hardware")) for where in KEYS}
    | _rotations("director")
    | _rotations("image_repo")
    | {
        "target_oversized": [(_target("length"), _target("length"))],
        "bad_hw_id": [(_target("hardware"), _target("hardware"))],
        "director_bad_ecu_id": _one("director", _target("ecu")),
        "director_targets_same_ecu": _one("director", Repository(targets=((FILE, ""), ("alt.txt", "")))),
        "director_delegations": _one("director", Repository(delegated=Delegated())),
        "image_repo_snapshot_targets_version_mismatch": _one("image_repo", Repository(snapshot_says=2)),
        "image_repo_metadata_changed_while_version_same": [
            (PLAIN, PLAIN),
            (Repository(targets=_OTHER, version=2), Repository(roots=(Root(1, (6,), (0, 6)),), targets=((FILE, ""), *_OTHER))),
        ],
        "delegation_simple": _delegation(),
        "delegation_redundant": _delegation(top=((FILE, ""),), sign=()),
        "delegation_two_signatures": _delegation(keys=(6, 7)),
        "delegation_unmet_threshold": _delegation(keys=(6, 7), sign=(6,)),
        "delegation_unsigned": _delegation(sign=()),
        "delegation_zero_threshold": _delegation(threshold=0),
        "delegation_non_unique_signatures": _delegation(sign=(6, 6)),
        "delegation_bad_key_ids": _delegation(bad_ids=True),
        "delegation_key_missing": _delegation(listed=False),
        "delegation_path_mismatch": _delegation(paths=("does-not-match",)),
        "delegation_empty": _delegation(targets=()),
        "delegation_hash_mismatch": _delegation(targets=((FILE, "hash"),)),
        "delegation_expired": _delegation(expired=True),
        "delegation_missing": _delegation(name="missing", there=False),
        "delegation_snapshot_missing": _delegation(name="skipped"),
        "delegation_snapshot_version_mismatch": _delegation(version=2),
    }
)
"""By name, the steps: the director and the image repository of each."""
