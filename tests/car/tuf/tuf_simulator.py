"""A TUF repository in memory, built with the reference implementation (python-tuf), for our client and for python-tuf's own beside it.

Metadata can be changed in place and is seen by clients once published. What is asked for is recorded, so that tests can say what was not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from securesystemslib.formats import encode_canonical
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, MetaFile, Root, Snapshot, SuccinctRoles, TargetFile, Targets, Timestamp
from tuf.ngclient import FetcherInterface

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.client import Client, Limits
from marque.car.tuf.fetch import NotThere

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
TOP = ("root", "targets", "snapshot", "timestamp")


def signer(organisation: str = "") -> CryptoSigner:
    """A new Ed25519 key, of an organisation where one is named."""
    made = CryptoSigner.generate_ed25519()
    if organisation:
        made.public_key.unrecognized_fields["x-marque-organisation"] = organisation
    return made


class Repository(FetcherInterface):
    """files: everything ever published, by the path it is served under. asked: paths that were fetched, in order."""

    def __init__(self, *, consistent: bool = True, hashes: bool = False) -> None:
        self.hashes = hashes
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.signers: dict[str, list[CryptoSigner]] = {name: [signer()] for name in TOP}
        self.metadata: dict[str, Metadata[Any]] = {
            "targets": Metadata(Targets(expires=LATER)),
            "snapshot": Metadata(Snapshot(expires=LATER)),
            "timestamp": Metadata(Timestamp(expires=LATER)),
            "root": Metadata(Root(expires=LATER, consistent_snapshot=consistent)),
        }
        for name in TOP:
            self.root.add_key(self.signers[name][0].public_key, name)
        self.published: dict[str, bytes] = {}
        self.publish(*TOP, bump=False)

    @property
    def root(self) -> Root:
        return self.said("root")

    @property
    def targets(self) -> Targets:
        return self.said("targets")

    @property
    def snapshot(self) -> Snapshot:
        return self.said("snapshot")

    @property
    def timestamp(self) -> Timestamp:
        return self.said("timestamp")

    def said(self, role: str) -> Any:
        return self.metadata[role].signed

    def publish(self, *roles: str, bump: bool = True) -> None:
        """Signs and serves roles, in this order; targets are listed in the snapshot, the snapshot in the timestamp."""
        for role in roles:
            metadata = self.metadata[role]
            if bump and role in self.published:
                metadata.signed.version += 1
            metadata.signatures.clear()
            for one in self.signers[role]:
                metadata.sign(one, append=True)
            raw = metadata.to_bytes()
            self.published[role] = raw
            self.serve(role, metadata.signed.version, raw)
            listed = MetaFile.from_data(metadata.signed.version, raw, ["sha256"]) if self.hashes else MetaFile(metadata.signed.version)
            if role == "snapshot":
                self.timestamp.snapshot_meta = listed
            elif role not in {"root", "timestamp"}:
                self.snapshot.meta[f"{role}.json"] = listed

    def publish_all(self, *roles: str) -> None:
        """The roles, and snapshot and timestamp after them."""
        self.publish(*roles, "snapshot", "timestamp")

    def serve(self, role: str, version: int, raw: bytes) -> None:
        """Puts a file where clients look for it."""
        plain = role == "timestamp" or (role != "root" and not self.root.consistent_snapshot)
        self.files[f"{role}.json" if plain else f"{version}.{role}.json"] = raw

    def tampered(self, role: str, change: Callable[[dict[str, Any]], object], *, sign: bool = False) -> None:
        """Serves the role's file with a change in its JSON; sign: signed again, as one who holds the keys could."""
        value = json.loads(self.published[role])
        change(value)
        if sign:
            raw = str(encode_canonical(value["signed"])).encode()
            value["signatures"] = [one.sign(raw).to_dict() for one in self.signers[role]]
        self.serve(role, self.said(role).version, json.dumps(value).encode())

    def rotate(self, role: str, *new: CryptoSigner) -> None:
        """Other keys for a role of the top level; root itself is signed by the old ones too."""
        kept = self.signers[role] if role == "root" else []
        for keyid in list(self.root.roles[role].keyids):
            self.root.revoke_key(keyid, role)
        self.signers[role] = [*kept, *(new or (signer(),))]
        for one in self.signers[role][len(kept) :]:
            self.root.add_key(one.public_key, role)

    def delegate(
        self, delegator: str, name: str, paths: Iterable[str] = ("*",), *, by: Iterable[CryptoSigner] = (), **more: Any
    ) -> Targets:
        """A delegated role, with its targets to be filled. more: threshold, terminating, each, hardware."""
        keys = list(by) or [signer()]
        own = {f"x-marque-{field}": more[field] for field in ("each", "hardware") if field in more}
        role = DelegatedRole(name, [], more.get("threshold", 1), more.get("terminating", False), list(paths), unrecognized_fields=own)
        said: Targets = self.said(delegator)
        if said.delegations is None:
            said.delegations = Delegations({}, {})
        assert said.delegations.roles is not None
        said.delegations.roles[name] = role
        for one in keys:
            said.add_key(one.public_key, name)
        self.signers.setdefault(name, []).extend(keys)
        made: Targets = self.metadata.setdefault(name, Metadata(Targets(expires=LATER))).signed
        return made

    def bins(self, delegator: str, bits: int, prefix: str, *, each: int = 0, by: Iterable[CryptoSigner] = ()) -> SuccinctRoles:
        """Hash bins (TAP 15), all published empty at version 1."""
        keys = list(by) or [signer()]
        own: dict[str, Any] = {"x-marque-each": each} if each else {}
        made = SuccinctRoles([], len(keys), bits, prefix, own)
        said: Targets = self.said(delegator)
        said.delegations = Delegations({}, succinct_roles=made)
        for one in keys:
            said.add_key(one.public_key)
        for name in made.get_roles():
            self.metadata[name], self.signers[name] = Metadata(Targets(expires=LATER)), keys
        return made

    def add(self, role: str, path: str, data: bytes, custom: dict[str, Any] | None = None) -> None:
        """A target, and its file to be downloaded."""
        target = TargetFile.from_data(path, data, ["sha256"])
        if custom is not None:
            target.unrecognized_fields["custom"] = custom
        self.said(role).targets[path] = target
        folder, slash, name = path.rpartition("/")
        self.files[f"{folder}{slash}{target.hashes['sha256']}.{name}" if self.root.consistent_snapshot else path] = data

    def get(self, path: str, at_most: int) -> bytes:
        """As Fetcher."""
        path = unquote(path) if "%" in path else path
        self.asked.append(path)
        if path not in self.files:
            raise NotThere(path)
        if len(self.files[path]) > at_most:
            raise UpdateRefused(Attack.ENDLESS_DATA, "", path, "longer than allowed")
        return self.files[path]

    def download(self, path: str, length: int, write: Callable[[bytes], object], start: int = 0) -> None:
        """As Fetcher."""
        write(self.get(path, length)[start:])

    def _fetch(self, url: str) -> Iterator[bytes]:
        """As python-tuf's FetcherInterface."""
        path = unquote(urlsplit(url).path.lstrip("/"))
        self.asked.append(path)
        if path not in self.files:
            raise DownloadHTTPError("not there", 404)
        return iter([self.files[path]])

    def client(self, folder: Path, now: datetime = NOW, **how: Any) -> Client:
        """Our client on this repository."""
        return Client(folder, self, now, repository="image", limits=how.pop("limits", Limits()), **how)

    def begun(self, folder: Path, now: datetime = NOW, **how: Any) -> Client:
        """Our client, with the first root trusted."""
        client = self.client(folder, now, **how)
        client.init(self.files["1.root.json"])
        return client


GAC, HUAWEI = "gac", "huawei"


class TwoParties(Repository):
    """Of two companies: root and targets by 2 of 3 keys of each; vela's targets by a role of each, that only count together."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = {code: [signer(code) for _ in range(3)] for code in (GAC, HUAWEI)}
        both = [one for keys in self.keys.values() for one in keys]
        for name in ("root", "targets"):
            self.rotate(name, *both)
            self.root.roles[name].threshold = 4
            self.root.roles[name].unrecognized_fields["x-marque-each"] = 2
        self.root.unrecognized_fields["x-marque-parties"] = [GAC, HUAWEI]
        self.signers["root"] = both
        self.root.version = 1
        for code in (GAC, HUAWEI):
            self.delegate("targets", f"vela-{code}", ["vela/*/*"], by=self.keys[code], threshold=2, hardware=["ad-1", "hmi-2"])
            self.delegate("targets", f"withdrawn-{code}", [f"withdrawn/{code}/*"], by=[self.keys[code][0]])
        assert self.targets.delegations is not None
        self.targets.delegations.unrecognized_fields["x-marque-all-of"] = [["vela-gac", "vela-huawei"]]
        self.published.clear()
        self.files.clear()
        for metadata in self.metadata.values():
            metadata.signed.version = 1
        self.publish("root", "vela-gac", "vela-huawei", "withdrawn-gac", "withdrawn-huawei", "targets", "snapshot", "timestamp", bump=False)

    def release(self, path: str, data: bytes, **claims: Any) -> None:
        """A target that both list."""
        for code in (GAC, HUAWEI):
            self.add(f"vela-{code}", path, data, {"marque": {"hardware": ["ad-1"], **claims}})
