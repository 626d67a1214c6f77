"""A refused update leaves what a car trusts as it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marque.car.tuf import files


@contextmanager
def trial(folder: Path) -> Iterator[Path]:
    """A copy of a folder of trusted metadata to work in. What changed there is taken over file by file if all went well; else nothing is.

    Taking over may be cut at any file: metadata of which some is newer is what a client meets after any cut, and checks again anyway.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder.with_name(f".{folder.name}.trial")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    try:
        yield copy
        _take_over(copy, folder)
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _take_over(copy: Path, folder: Path) -> None:
    there = {path.relative_to(copy) for path in copy.rglob("*") if path.is_file()}
    for name in sorted(there):
        raw, kept = (copy / name).read_bytes(), folder / name
        if not kept.exists() or kept.read_bytes() != raw:
            kept.parent.mkdir(parents=True, exist_ok=True)
            files.replace(kept, raw)
    for path in [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder) not in there]:
        path.unlink()
