"""Modes of cooperation: presets of roles and sights by position, each a data file. A file more is a mode more.

A mode is where an agreement starts from. What is signed is the expanded matrix, so a file that changes later changes no agreement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from uuid import UUID

from marque.alliance.documents import Reader
from marque.alliance.model import Deviation, Process, Revision, Role, Roles, Sight, Sights, Source, Transition
from marque.common import InputError, Refusal

_KEYS = ("name", "name-zh", "meaning", "meaning-zh", "positions", "matrix", "sight", "sources")


@dataclass(frozen=True)
class Position:
    """Who somebody is in a mode: the carmaker, the technology partner."""

    code: str
    name: str
    name_zh: str


@dataclass(frozen=True)
class Mode:
    """matrix, sight: by process, then by position. meaning: what it is, in a few sentences for people."""

    code: str
    name: str
    name_zh: str
    meaning: str
    meaning_zh: str
    positions: tuple[Position, ...]
    matrix: Roles
    sight: Sights
    sources: tuple[Source, ...]

    @property
    def position_codes(self) -> tuple[str, ...]:
        return tuple(one.code for one in self.positions)


@dataclass(frozen=True)
class Preset:
    """A mode with organisations in its positions."""

    mode: str
    parties: tuple[str, ...]
    positions: Mapping[str, str]
    matrix: Roles
    sight: Sights


@cache
def packaged() -> Mapping[str, Mode]:
    """The modes that come with Marque, by code."""
    return _in_folder(files("marque.alliance") / "modes")


def load(*folders: Path) -> dict[str, Mode]:
    """The packaged modes, and those in the .json files of the folders. A folder may add modes, not redefine one.

    Raises InputError, which names the file and the place in it.
    """
    modes = dict(packaged())
    for folder in folders:
        if not folder.is_dir():
            raise InputError(folder.name, "", "there is no such folder", "Name a folder that holds a .json file for each mode.")
        for code, mode in _in_folder(folder).items():
            if code in modes:
                remedy = "Give the file another name; agreements say by its name what they started from."
                raise InputError(f"{code}.json", "", f"there is a mode {code!r} already", remedy)
            modes[code] = mode
    return modes


def _in_folder(folder: Traversable | Path) -> dict[str, Mode]:
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".json")), key=lambda one: one.name)
    return {one.name.removesuffix(".json"): read(one.read_bytes(), one.name) for one in found}


def read(text: bytes, name: str) -> Mode:
    """A mode from its file. name: the file's, which without .json is the mode's code. Raises InputError."""
    reader = Reader(name, noun="position")
    said: Any = reader.parsed(text)
    reader.keys(said, "$", _KEYS)
    if not isinstance(said["positions"], Mapping) or len(said["positions"]) < 2:
        reader.fault("$.positions", "expected an object of at least two", 'As {"carmaker": {"name": "Carmaker", "name-zh": "车企"}, …}.')
    positions = []
    for code, one in said["positions"].items():
        place = f"$.positions.{code}"
        reader.keys(one, place, ("name", "name-zh"))
        names = [reader.words(one[key], f"{place}.{key}") for key in ("name", "name-zh")]
        positions.append(Position(reader.code(code, place), *names))
    columns = [one.code for one in positions]
    matrix = reader.rows(said["matrix"], "$.matrix", Role, columns, whole=True)
    for process, row in matrix.items():
        reader.one_leader(row, f"$.matrix.{process}")
    code = reader.code(name.removesuffix(".json"), "$")
    name_, name_zh, meaning, meaning_zh = (reader.words(said[key], f"$.{key}") for key in ("name", "name-zh", "meaning", "meaning-zh"))
    sight = reader.rows(said["sight"], "$.sight", Sight, columns, whole=True)
    return Mode(code, name_, name_zh, meaning, meaning_zh, tuple(positions), matrix, sight, reader.sources(said["sources"]))


def expand(mode: Mode, positions: Mapping[str, str]) -> Preset | Refusal:
    """The mode's matrix and sights with organisations for positions. Every position is taken, each by another organisation."""
    if missing := [one for one in mode.position_codes if one not in positions]:
        return Refusal("a position of the mode is not taken", {"mode": mode.code, "position": missing[0]})
    if surplus := [one for one in positions if one not in mode.position_codes]:
        return Refusal("the mode has no such position", {"mode": mode.code, "position": surplus[0]})
    if len(set(positions.values())) < len(positions):
        return Refusal("one organisation takes two positions", {"mode": mode.code})
    return Preset(
        mode.code,
        tuple(sorted(positions.values())),
        dict(positions),
        placed(mode.matrix, positions),
        placed(mode.sight, positions),
    )


def placed(rows: Mapping[Process, Mapping[str, Any]], positions: Mapping[str, str]) -> dict[Process, dict[str, Any]]:
    """Rows by position as rows by organisation, the organisations in the order of the alphabet."""
    return {process: dict(sorted((positions[one], word) for one, word in row.items())) for process, row in rows.items()}


def draft(
    preset: Preset,
    agreement: UUID,
    title: str,
    effective: date,
    deviation: Deviation = Deviation(),  # noqa: B008  frozen
    programmes: Mapping[str, Deviation] | None = None,
    transition: Transition = Transition(),  # noqa: B008  frozen
    sources: tuple[Source, ...] = (),
) -> Revision:
    """A revision to be proposed (`rules.propose` numbers it and binds it). deviation: what holds otherwise than in the preset, for all."""
    matrix = {process: {**row, **deviation.matrix.get(process, {})} for process, row in preset.matrix.items()}
    sight = {process: {**row, **deviation.sight.get(process, {})} for process, row in preset.sight.items()}
    return Revision(
        agreement,
        title,
        1,
        "",
        effective,
        preset.mode,
        preset.parties,
        preset.positions,
        matrix,
        sight,
        programmes or {},
        transition,
        sources,
    )


def written(mode: Mode) -> bytes:
    """The mode as its file says it: `read(written(mode), …)` is the mode."""
    said = {
        "name": mode.name,
        "name-zh": mode.name_zh,
        "meaning": mode.meaning,
        "meaning-zh": mode.meaning_zh,
        "positions": {one.code: {"name": one.name, "name-zh": one.name_zh} for one in mode.positions},
        "matrix": mode.matrix,
        "sight": mode.sight,
        "sources": [
            {key: value for key, value in (("text", one.text), ("url", one.url), ("date", one.day)) if value} for one in mode.sources
        ],
    }
    return json.dumps(said, ensure_ascii=False, indent=2).encode()
