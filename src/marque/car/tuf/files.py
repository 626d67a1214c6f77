"""Files on disk that are whole or not there, and target files fetched with what is there already."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import quote

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.fetch import CHUNK, Fetcher, NotThere
from marque.car.tuf.model import Target
from marque.car.tuf.trusted import STRONG

LONGEST = 200
"""Characters of a file name of ours."""


def replace(path: Path, raw: bytes) -> None:
    """Writes a file so that after any power cut the old or the new one is there, whole."""
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def local_name(path: str) -> str:
    """The file name for a target: its path, quoted, so that no path leads out of a folder; of a long one, its SHA-256."""
    name = quote(path, safe="")
    if name.startswith("."):
        name = "%2E" + name[1:]
    return name if len(name) <= LONGEST else hashlib.sha256(path.encode()).hexdigest()


def remote_path(target: Target, *, consistent: bool) -> str:
    """Where a repository has it: with consistent snapshots, the hash stands before the file's name."""
    folder, slash, name = target.path.rpartition("/")
    if consistent:
        algorithm = min(STRONG & target.hashes.keys(), key=lambda one: (one != "sha256", one))
        name = f"{target.hashes[algorithm]}.{name}"
    return quote(f"{folder}{slash}{name}")


def verified(file: Path, target: Target) -> bool:
    """Whether the file is there, as long as the target and with all its hashes."""
    try:
        if file.stat().st_size != target.length:
            return False
        digests = {name: hashlib.new(name) for name in STRONG & target.hashes.keys()}
        with file.open("rb") as stream:
            while piece := stream.read(CHUNK):
                for digest in digests.values():
                    digest.update(piece)
    except FileNotFoundError:
        return False
    return bool(digests) and all(digest.hexdigest() == target.hashes[name] for name, digest in digests.items())


def download(target: Target, folder: Path, fetcher: Fetcher, *, consistent: bool, repository: str) -> Path:
    """The target's file, verified, in place in `folder`. A part that is there goes on; if the whole is wrong then, once from the beginning.

    Raises UpdateRefused (ARBITRARY_SOFTWARE, MISSING and what the fetcher meets) and Unavailable; then the part stays for the next try,
    unless it was wrong.
    """
    if not STRONG & target.hashes.keys():
        raise UpdateRefused(Attack.MALFORMED, repository, target.path, f"is listed without a hash of {', '.join(sorted(STRONG))}")
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / local_name(target.path)
    if verified(whole, target):
        return whole
    part = whole.with_name(f".{whole.name}.{min(target.hashes.values())[:16]}.part")
    resumed = part.exists() and 0 < part.stat().st_size <= target.length
    _fetch(part, target, fetcher, remote_path(target, consistent=consistent), repository, anew=not resumed)
    if resumed and not verified(part, target):
        _fetch(part, target, fetcher, remote_path(target, consistent=consistent), repository, anew=True)
    if not verified(part, target):
        part.unlink()
        raise UpdateRefused(Attack.ARBITRARY_SOFTWARE, repository, target.path, "is not the file that was signed for")
    part.replace(whole)
    sync_folder(folder)
    return whole


def _fetch(part: Path, target: Target, fetcher: Fetcher, remote: str, repository: str, *, anew: bool) -> None:
    try:
        with part.open("wb" if anew else "ab") as file:
            try:
                fetcher.download(remote, target.length, file.write, file.tell())
            finally:
                file.flush()
                os.fsync(file.fileno())
    except NotThere as error:
        part.unlink()
        raise UpdateRefused(Attack.MISSING, repository, target.path, "is not to be had from the repository") from error
    except UpdateRefused as error:
        if error.attack is not Attack.SLOW_RETRIEVAL:  # a slow server's bytes may be right
            part.unlink()
        raise
