"""A repository as a folder that any web server can serve, with consistent snapshots (TUF specification 6.2).

    metadata/1.root.json, metadata/7.targets.json, metadata/3.vela-gac.json, metadata/9.snapshot.json, metadata/timestamp.json
    targets/vela/pilot/<sha256>.image.bin

Files are written aside and renamed, targets before the roles that list them, and the timestamp last: whoever reads meanwhile sees the old
state or the new one.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from marque.car.tuf import reading
from marque.car.tuf.model import File, Metadata, Root, Snapshot, Target, Targets
from marque.common import InputError
from marque.release.repository.keys import Signer, signed
from marque.release.repository.online import file_of, snapshot_of, timestamp_of

SNAPSHOT_LIFE = timedelta(days=7)
TIMESTAMP_LIFE = timedelta(days=1)
"""A car that is shown nothing newer knows after a day that it is held back (freeze)."""
_VERSIONED = re.compile(r"([1-9][0-9]*)\.(.+)\.json")


@dataclass(frozen=True)
class Online:
    """Who signs snapshot and timestamp; often one key."""

    snapshot: Signer
    timestamp: Signer


class Folder:
    """One repository. Only one process at a time may write to it."""

    def __init__(self, path: Path) -> None:
        self.metadata, self.targets = path / "metadata", path / "targets"

    def versions(self, role: str) -> list[int]:
        """The versions of a role that are there, growing."""
        found = [_VERSIONED.fullmatch(file.name) for file in self.metadata.glob(f"*.{role}.json")] if self.metadata.is_dir() else []
        return sorted(int(one[1]) for one in found if one and one[2] == role)

    def read(self, role: str, version: int | None = None) -> bytes:
        """A role's file, the newest where no version is said. Raises InputError when there is none."""
        if role == "timestamp":
            return _read(self.metadata / "timestamp.json")
        versions = self.versions(role)
        if not versions:
            raise InputError(self.metadata.name, role, "there is no such metadata", f"{self.metadata} is where it is looked for.")
        return _read(self.metadata / f"{version or versions[-1]}.{role}.json")

    def root(self) -> Metadata[Root]:
        """The newest. Raises InputError, and UpdateRefused where it is none."""
        return reading.root(self.read("root"), "root.json")

    def role(self, name: str) -> Metadata[Targets] | None:
        """The newest targets role of this name; None when there is none. Raises UpdateRefused where it is none."""
        return reading.targets(self.read(name), f"{name}.json") if self.versions(name) else None

    def add_root(self, raw: bytes) -> None:
        """The next root. Raises InputError unless its version follows the newest."""
        version = reading.root(raw, "root.json").said.version
        if version != (self.versions("root") or [0])[-1] + 1:
            raise InputError("root.json", f"version {version}", "it does not follow the newest root of the folder")
        _write(self.metadata / f"{version}.root.json", raw)

    def add_target(self, target: Target, content: bytes) -> Path:
        """A target's bytes under each of its hashes. Raises InputError when they are not those of the target."""
        if len(content) != target.length or hashlib.sha256(content).hexdigest() != target.hashes.get("sha256"):
            raise InputError(target.path, "", "the bytes are not those of the target")
        written = self.place(target)
        _write(written, content)
        return written

    def place(self, target: Target) -> Path:
        """Where a target's bytes lie: its path, the name led by the SHA-256. Raises InputError for a path that leads elsewhere."""
        path = PurePosixPath(target.path)
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise InputError(target.path, "", "a target's path stays in the repository")
        return self.targets.joinpath(*path.parent.parts) / f"{target.hashes['sha256']}.{path.name}"

    def publish(self, roles: Mapping[str, bytes], online: Online, now: datetime, *, by_version_alone: str = "") -> None:
        """Targets roles by name, then a snapshot and a timestamp in which they, and those there before, belong together.

        by_version_alone: roles whose names begin so (bins) are listed without length and hash. Raises InputError for a version that does
        not grow, and UpdateRefused for what is no metadata; then nothing was published.
        """
        meta = dict(self._snapshot().meta) if self.versions("snapshot") else {}
        new: dict[str, File] = {}
        for name, raw in roles.items():
            version = reading.targets(raw, f"{name}.json").said.version
            before = meta.get(f"{name}.json")
            if before is not None and version <= before.version:
                raise InputError(f"{name}.json", f"version {version}", f"version {before.version} is published already")
            light = by_version_alone and name.startswith(by_version_alone)
            new[f"{name}.json"] = File(version) if light else file_of(raw, version)
        for name, raw in roles.items():
            _write(self.metadata / f"{new[f'{name}.json'].version}.{name}.json", raw)
        self._sign(meta | new, online, now)

    def refresh(self, online: Online, now: datetime) -> bool:
        """Snapshot and timestamp signed anew where half their life is over; whether they were."""
        stamp = reading.timestamp(self.read("timestamp"), "timestamp.json").said
        if now < stamp.expires - TIMESTAMP_LIFE / 2:
            return False
        self._sign(self._snapshot().meta, online, now)
        return True

    def _snapshot(self) -> Snapshot:
        return reading.snapshot(self.read("snapshot"), "snapshot.json").said

    def _sign(self, meta: Mapping[str, File], online: Online, now: datetime) -> None:
        number = (self.versions("snapshot") or [0])[-1] + 1
        snapshot = signed(snapshot_of(number, now + SNAPSHOT_LIFE, meta), [online.snapshot])
        stamp = self.metadata / "timestamp.json"
        after = reading.timestamp(_read(stamp), stamp.name).said.version + 1 if stamp.exists() else 1
        _write(self.metadata / f"{number}.snapshot.json", snapshot)
        _write(stamp, signed(timestamp_of(after, now + TIMESTAMP_LIFE, snapshot, number), [online.timestamp]))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise InputError(path.name, "", f"it cannot be read: {fault.strerror}") from fault


def _write(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
