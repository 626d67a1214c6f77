"""Compiled maps on disk: one .npz each, named by what it was made from and by what."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import os
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

import marque.driving.importers
import marque.driving.map
from marque.common import InputError, Records
from marque.driving.map.model import CONFLICT, CROSSING, GRID, LANE, LANE_CROSSING, PHASE, POINT, SIGNAL, Ignored, MapArrays, RoadMap

# In the order of MapArrays.
_DTYPES: tuple[np.typing.DTypeLike, ...] = (
    POINT,
    LANE,
    "i4",
    "i4",
    CONFLICT,
    CROSSING,
    LANE_CROSSING,
    SIGNAL,
    PHASE,
    GRID,
    "i4",
    "i4",
    "f8",
    "i4",
)


def cached(path: Path, folder: Path, read: Callable[[Path], RoadMap]) -> RoadMap:
    """The map of a file from the folder, or read and put there. The content and the importers' own code decide, not dates."""
    try:
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(path.name, "", f"it cannot be read ({error.strerror or error})") from None
    key = hashlib.sha256(f"{path.name}\0{content}\0{_maker()}".encode()).hexdigest()
    entry = folder / f"{key[:32]}.npz"
    found = load(entry)
    if found is None:
        found = read(path)
        save(found, entry)
    return found


@functools.cache
def _maker() -> str:
    """What compiles maps here: the source of both packages and the version of netconvert."""
    digest = hashlib.sha256(importlib.metadata.version("eclipse-sumo").encode())
    for package in (marque.driving.map, marque.driving.importers):
        for source in sorted(Path(package.__path__[0]).glob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()


def save(road_map: RoadMap, entry: Path) -> None:
    """Writes a map; another process sees all of it or nothing."""
    words = {field.name: getattr(road_map, field.name) for field in fields(RoadMap) if field.name != "arrays"}
    text = np.frombuffer(json.dumps(words).encode(), np.uint8)
    entry.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=entry.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, allow_pickle=False, words=text, **road_map.arrays._asdict())
        Path(name).replace(entry)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load(entry: Path) -> RoadMap | None:
    """The map of an entry; None where there is none or it is damaged."""
    try:
        with entry.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            arrays = MapArrays(*(_checked(kept[name], dtype) for name, dtype in zip(MapArrays._fields, _DTYPES, strict=True)))
            words: dict[str, Any] = json.loads(kept["words"].tobytes())
        words = {name: tuple(value) if isinstance(value, list) else value for name, value in words.items()}
        words["ignored"] = tuple(Ignored(*item) for item in words["ignored"])
        return RoadMap(arrays=arrays, **words)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def _checked(array: Records, dtype: np.typing.DTypeLike) -> Records:
    """An array as it was put there. The file does not keep that records are aligned, for want of which every kernel is compiled again."""
    if array.dtype != np.dtype(dtype) or array.ndim != (2 if array.dtype == "f8" else 1):
        raise ValueError("another layout")
    return array.view(dtype)
