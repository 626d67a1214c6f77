"""Frozen values of suites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

PARTS = 4
"""A range counts as so many values: its quarters."""

Value = float | bool | str | tuple[float, ...]


class Kind(StrEnum):
    """What a source's scenarios are written in."""

    OPENSCENARIO = "openscenario"
    LIBRARY = "library"
    COMMONROAD = "commonroad"
    CITY = "city"


@dataclass(frozen=True)
class Cell:
    """A cell of the operational design domain. odd: terms of ISO 34503 by attribute (`odd.TERMS`); exposure: its share of what is driven,

    0 to 1; basis: where that is from, or that it is assumed.
    """

    name: str
    odd: Mapping[str, str]
    exposure: float
    basis: str = ""


@dataclass(frozen=True)
class Parameter:
    """What one parameter of a logical scenario may be: one of `values`, or between low and high, uniform or normal cut off there."""

    name: str
    values: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0
    mean: float | None = None
    deviation: float = 0.0


@dataclass(frozen=True)
class Source:
    """Scenarios of one kind.

    target: an OpenSCENARIO scenario or variation, a file or folder of CommonRoad scenarios, `module.function` of our library, or a kind of
    `simulation.places`, on `map`. sample: so many cases, None for all there are; k_wise: in its place so many as hold every combination
    of that many parameters' values, 0 for a sample by chance. horizon_s, settling: when an OpenSCENARIO case is over, see
    `openscenario.play`.
    """

    name: str
    kind: Kind
    target: str
    cell: str
    sample: int | None
    horizon_s: float
    settling: bool
    parameters: tuple[Parameter, ...]
    constraints: tuple[str, ...]
    map: str = ""
    k_wise: int = 0


@dataclass(frozen=True)
class Suite:
    """A suite as read. folder: what the targets of its sources are relative to. digest: sha256 (hex) of it and of every file it names.

    domain: by attribute, the terms that the release claims; empty where the suite does not say.
    """

    name: str
    folder: Path
    cells: Mapping[str, Cell]
    sources: tuple[Source, ...]
    files: Mapping[str, str]
    digest: str
    domain: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One concrete scenario. seed: of the sensors' errors. weight: its share of what is driven; a cell's add up to its exposure.

    member: which scenario of a source of several files; else "". suite: the name of the one that it is of.
    """

    index: int
    source: Source
    member: str
    parameters: tuple[tuple[str, Value], ...]
    seed: int
    weight: float
    suite: str = ""

    @property
    def scenario(self) -> str:
        return f"{self.source.name}/{self.member}" if self.member else self.source.name
