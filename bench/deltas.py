"""Deltas as Markdown: real shared libraries of two versions of a wheel, patched by both methods and applied as the car does.

python bench/deltas.py [--wheels FOLDER] [NAME OLD NEW]...

The wheels come by pip into FOLDER (a temporary one without it) and are not installed. `smallest` is what the car would take, as a share of
the new file. `apply` is CPU time of the car's own code from base and patch to the image in a file: reading, checking, patching, hashing and
writing, the least of five; beside it what bsdiff4's own function takes for the patching alone. Bars: all of a wheel's changed libraries
together at most 12 %, each apply at most 0.5 s. A library that another compiler built is more than that alone; it is named.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import bsdiff4

from marque.car.install.deltas import BSDIFF, ZSTD_PATCH, apply
from marque.car.install.storage import FolderStorage
from marque.release.devices.deltas import make

PAIRS = (("cryptography", "45.0.6", "45.0.7"), ("numpy", "2.2.5", "2.2.6"), ("zstandard", "0.24.0", "0.25.0"))
LARGEST = 4
"""Libraries of each wheel."""
SHARE, APPLY_S = 0.12, 0.5


def wheel(folder: Path, name: str, version: str) -> Path:
    """The wheel for this machine's Python."""
    found = list(folder.glob(f"{name}-{version}-*.whl"))
    if not found:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
        subprocess.run([*pip, f"{name}=={version}"], check=True, stderr=subprocess.DEVNULL)
        found = list(folder.glob(f"{name}-{version}-*.whl"))
    return found[0]


def libraries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.endswith(".so") or ".so." in name}


def pairs(folder: Path, name: str, old: str, new: str) -> Iterator[tuple[str, bytes, bytes]]:
    """Libraries that are in both versions and differ, the largest first."""
    before, after = libraries(wheel(folder, name, old)), libraries(wheel(folder, name, new))
    changed = [each for each in after if each in before and before[each] != after[each]]
    for each in sorted(changed, key=lambda each: -len(after[each]))[:LARGEST]:
        yield each.rpartition("/")[2], before[each], after[each]


def least_s(work: Callable[[], object]) -> float:
    def once() -> float:
        begun = time.process_time()
        work()
        return time.process_time() - begun

    return min(once() for _ in range(5))


def install(storage: FolderStorage, method: str, patch: bytes, length: int, sha256: str) -> None:
    """From `old` to `new`."""
    at = 0

    def write(piece: bytes) -> None:
        nonlocal at
        storage.write("new", at, piece)
        at += len(piece)

    storage.remove("new")
    with storage.view("old") as base:
        apply(method, base, patch, write, length=length, sha256=sha256)


@dataclass(frozen=True)
class Row:
    """Of one library. length in bytes; patches: bytes by method; seconds: to apply, by method; plain: bsdiff4 alone."""

    name: str
    length: int
    patches: dict[str, int]
    seconds: dict[str, float]
    plain: float

    @property
    def smallest(self) -> str:
        return min(self.patches, key=lambda method: self.patches[method])

    def __str__(self) -> str:
        shares = {method: f"{patch / self.length:.2%}" for method, patch in self.patches.items()}
        cells = [self.name, f"{self.length / 1e6:.1f} MB", *shares.values(), f"{shares[self.smallest]} ({self.smallest})"]
        cells += [*(f"{each:.3f} s" for each in self.seconds.values()), f"{self.plain:.3f} s"]
        return "| " + " | ".join(cells) + " |"


def measured(storage: FolderStorage, name: str, old: bytes, new: bytes) -> Row:
    storage.remove("old")
    storage.write("old", 0, old)
    patches, seconds = {}, {}
    for method in (ZSTD_PATCH, BSDIFF):
        patch = make(method, old, new)
        patches[method] = len(patch)
        seconds[method] = least_s(partial(install, storage, method, patch, len(new), hashlib.sha256(new).hexdigest()))
        if storage.read("new") != new:
            raise SystemExit(f"{name}: {method} makes another file")
    return Row(name, len(new), patches, seconds, least_s(lambda: bsdiff4.patch(old, patch)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", type=Path)
    parser.add_argument("pairs", nargs="*", metavar="NAME OLD NEW")
    asked = parser.parse_args()
    if len(asked.pairs) % 3:
        parser.error("a pair is NAME OLD NEW")
    wanted = [tuple(asked.pairs[at : at + 3]) for at in range(0, len(asked.pairs), 3)] or PAIRS
    print("| library | size | zstd-patch | bsdiff | smallest | apply zstd-patch | apply bsdiff | bsdiff4 alone |")
    print("|---|---|---|---|---|---|---|---|")
    good, told = True, []
    with tempfile.TemporaryDirectory() as place:
        wheels = asked.wheels or Path(place)
        wheels.mkdir(parents=True, exist_ok=True)
        for name, old, new in wanted:
            rows = []
            for each in pairs(wheels, name, old, new):
                rows.append(measured(FolderStorage(Path(place)), *each))
                print(rows[-1], flush=True)
            share = sum(row.patches[row.smallest] for row in rows) / sum(row.length for row in rows)
            slowest = max(max(row.seconds.values()) for row in rows)
            large = [row.name for row in rows if row.patches[row.smallest] > SHARE * row.length]
            good &= share <= SHARE and slowest <= APPLY_S
            alone = f"{' and '.join(large) or 'None'} above {SHARE:.0%} alone."
            told.append(f"{name} {old} to {new}: {share:.2%} together, applied in at most {slowest:.3f} CPU-s. {alone}")
    print("\n" + "\n".join(told) + f"\n\nBars: {'met' if good else 'NOT MET'}")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
