"""Replays: a drive kept as compact columns, viewable without the map file it was driven on.

A replay file is a chain of parcels (`simulation.columns`): first the ground with the drive's name, step and facts, then the moments,
256 at a time, each block complete in itself. Positions are kept to ±0.5 cm, headings to ±0.0005 rad, speeds to ±0.5 cm/s, sizes to
±0.5 cm; everything else exactly (distances, target speeds and probabilities as 32-bit floats).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marque.common import InputError
from marque.driving.map.model import RoadMap
from marque.simulation.columns import HEADER_MAX, pack, peek, unpack
from marque.simulation.frame import Frame
from marque.simulation.ground import ground_columns, origin_of
from marque.simulation.moments import moments_of, moments_to_columns

SUFFIX = ".replay"
_REMEDY = "Write the replay again; if it was copied from elsewhere, copy it again."
BLOCK_STEPS = 256


@dataclass(frozen=True, slots=True)
class Summary:
    """What a replay says about itself before its moments are opened."""

    name: str
    step_s: float
    steps: int
    origin_m: tuple[float, float]
    """In the map's frame: what the ground's coordinates count from."""
    cars: tuple[int, ...]
    """The ids of the cars our system drove, in order of first appearance."""
    facts: dict[str, Any]
    """The verdict and whatever else its maker wrote down; JSON."""


@dataclass(frozen=True, slots=True)
class Replay:
    """An opened replay. Blocks are decoded when a frame of theirs is asked for."""

    summary: Summary
    ground: bytes
    """The first parcel as it is in the file: the ground and the summary."""
    _source: str
    _data: bytes
    _offsets: tuple[int, ...]
    _last: dict[int, list[Frame]] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.summary.steps

    def frame(self, step: int) -> Frame:
        """The world at a step, 0 ≤ step < len(self); IndexError outside."""
        if not 0 <= step < len(self):
            raise IndexError(step)
        block, place = divmod(step, BLOCK_STEPS)
        frames = self._last.get(block)
        if frames is None:
            frames = self._block(block)
            self._last.clear()
            self._last[block] = frames
        return frames[place]

    def frames(self) -> Iterator[Frame]:
        for block in range(len(self._offsets)):
            yield from self._block(block)

    def _block(self, block: int) -> list[Frame]:
        place = f"block {block}"
        parcel = unpack(self._data, self._offsets[block], self._source)
        try:
            frames = moments_of(parcel.columns)
        except (ValueError, KeyError, IndexError, OverflowError) as fault:
            raise InputError(self._source, place, f"its columns do not fit together ({fault})", _REMEDY) from fault
        if len(frames) != min(BLOCK_STEPS, len(self) - block * BLOCK_STEPS):
            raise InputError(self._source, place, f"it holds {len(frames)} moments, not as many as its place asks for", _REMEDY)
        return frames


def write_replay(path: Path, *, name: str, road_map: RoadMap, step_s: float, frames: Sequence[Frame], facts: dict[str, Any]) -> None:
    """Write a drive to `path`; the file appears whole or not at all. facts must be JSON; values that are not finite are a ValueError."""
    cars = list(dict.fromkeys(car for frame in frames for car in frame.views))
    meta = {"name": name, "step_s": step_s, "steps": len(frames), "origin_m": origin_of(road_map), "cars": cars, "facts": facts}
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pack(meta, ground_columns(road_map)))
            for first in range(0, len(frames), BLOCK_STEPS):
                file.write(pack({"first": first}, moments_to_columns(frames[first : first + BLOCK_STEPS])))
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_summary(path: Path) -> Summary:
    """What a replay is, read from its beginning alone. Raises InputError as `read_replay` does."""
    return _summary(_read(path, HEADER_MAX), path.name)[0]


def read_replay(path: Path) -> Replay:
    """Open a replay; InputError names the file and the place where it is broken, cut short, or of another version."""
    data, source = _read(path), path.name
    summary, end = _summary(data, source)
    offsets, at = [], end
    for _ in range(0, summary.steps, BLOCK_STEPS):
        offsets.append(at)
        _, at = peek(data, at, source)
    if at != len(data):
        problem = "the file ends in the middle" if at > len(data) else "there is more than the moments it announces"
        raise InputError(source, f"byte {min(at, len(data))}", problem, _REMEDY)
    unpack(data, 0, source)
    return Replay(summary, data[:end], source, data, tuple(offsets))


def _read(path: Path, size: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as fault:
        raise InputError(path.name, "", f"cannot be read: {fault.strerror}", "Check the name and the right to read it.") from fault


def _summary(data: bytes, source: str) -> tuple[Summary, int]:
    meta, end = peek(data, 0, source)
    try:
        x, y = map(float, meta["origin_m"])
        cars = tuple(map(int, meta["cars"]))
        summary = Summary(str(meta["name"]), float(meta["step_s"]), int(meta["steps"]), (x, y), cars, dict(meta["facts"]))
    except (KeyError, TypeError, ValueError) as fault:
        raise InputError(source, "header", f"name, step, length or facts are missing ({fault!r})", _REMEDY) from fault
    if not (summary.step_s > 0.0 and summary.steps >= 0):
        raise InputError(source, "header", "step and number of moments must be positive", _REMEDY)
    return summary, end
