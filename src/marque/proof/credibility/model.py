"""What is known of how far the simulator can be believed: frozen values, and the file they are kept in.

The file is canonical JSON (RFC 8785): the same code and data give the same bytes. All figures in it have six significant digits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import rfc8785

from marque.common import InputError

KIND = "https://marque.example/credibility/v1"
_LARGEST_BYTES = 16 << 20
Row = tuple[float | str | None, ...]


@dataclass(frozen=True)
class Item:
    """One claim on the simulator, held against a criterion that does not move with it.

    met: None where it could not be measured here, of which `sentence` says why.
    """

    name: str
    criterion: str
    measured: str
    met: bool | None
    sentence: str


@dataclass(frozen=True)
class Series:
    """One line of a chart: as many x as y."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Chart:
    """Series over one axis. x, y: what the axes say, units included.

    steps: drawn as a histogram, x being where each bin begins; marks: with points; lines: with lines; logarithmic: the y axis.
    """

    title: str
    x: str
    y: str
    series: tuple[Series, ...]
    steps: bool = False
    marks: bool = False
    lines: bool = True
    logarithmic: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of numbers and words below the names of their columns; None: there is nothing to say."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Section:
    """What one kind of measurement found. told: what was done, a sentence each."""

    name: str
    title: str
    told: tuple[str, ...]
    items: tuple[Item, ...]
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True)
class Credibility:
    """All of it. rests_on: SHA-256 (hex) of the code and data measured, by name; settings: what was chosen, by name."""

    sections: tuple[Section, ...]
    rests_on: Mapping[str, str]
    settings: Mapping[str, str]

    @property
    def items(self) -> tuple[Item, ...]:
        """Of all sections, in their order."""
        return tuple(item for section in self.sections for item in section.items)

    def dumps(self) -> bytes:
        """Canonical JSON; a figure that is not finite becomes null."""
        return rfc8785.dumps({"kind": KIND, **_plain(asdict(self))})


def read_credibility(path: Path) -> Credibility:
    """The content of a `credibility.json`. Raises InputError, naming the file, for whatever is not one."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(path.name, "", f"it is larger than {_LARGEST_BYTES >> 20} MiB")
        said = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(path.name, "", f"it cannot be read ({error.strerror or error})") from None
    except (ValueError, RecursionError) as error:
        raise InputError(path.name, "", f"it is not JSON ({error})") from None
    if not isinstance(said, dict) or said.get("kind") != KIND:
        raise InputError(path.name, "kind", f'expected "{KIND}"', "Make one with `marque credibility --out FOLDER`.")
    try:
        return Credibility(tuple(_section(one) for one in said["sections"]), _texts(said["rests_on"]), _texts(said["settings"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(path.name, "", f"something in it is missing or of the wrong kind ({error})") from None


def rounded(value: float) -> float:
    """To six significant digits: more would be the noise of the last bits."""
    return float(f"{value:.6g}") + 0.0 if math.isfinite(value) else value


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [_plain(one) for one in value]
    return rounded(float(value)) if math.isfinite(value) else None


def _section(said: Any) -> Section:
    return Section(
        str(said["name"]), str(said["title"]), tuple(map(str, said["told"])), tuple(_item(one) for one in said["items"]),
        tuple(_table(one) for one in said["tables"]), tuple(_chart(one) for one in said["charts"]),
    )  # fmt: skip


def _item(said: Any) -> Item:
    if said["met"] not in (True, False, None):
        raise ValueError("met")
    return Item(str(said["name"]), str(said["criterion"]), str(said["measured"]), said["met"], str(said["sentence"]))


def _table(said: Any) -> Table:
    return Table(str(said["title"]), tuple(map(str, said["columns"])), tuple(tuple(_cell(one) for one in row) for row in said["rows"]))


def _cell(value: Any) -> float | str | None:
    return value if value is None or isinstance(value, str) else float(value)


def _chart(said: Any) -> Chart:
    series = tuple(Series(str(one["name"]), _numbers(one["x"]), _numbers(one["y"])) for one in said["series"])
    if any(len(one.x) != len(one.y) for one in series):
        raise ValueError("series")
    drawn = [bool(said[name]) for name in ("steps", "marks", "lines", "logarithmic")]
    return Chart(str(said["title"]), str(said["x"]), str(said["y"]), series, *drawn)


def _numbers(said: Any) -> tuple[float, ...]:
    return tuple(math.nan if one is None else float(one) for one in said)


def _texts(said: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in said.items()}
