"""Suite files: JSON that says which scenarios, in which cells, how many cases of each.

{"kind": "https://marque.example/suite/v1", "name": "alks",
 "cells": {"motorway": {"odd": {"drivable area": "motorway"}, "exposure": 1.0}},
 "sources": [
    {"name": "cut-in", "openscenario": "cut_in_variation.xosc", "cell": "motorway", "sample": 8000, "horizon_s": 60, "settling": true},
    {"name": "cut-in of ours", "library": "motorways.cut_in_from_left", "cell": "motorway", "sample": 500,
     "parameters": {"limit_mps": {"values": [22.2, 27.8]}, "gap_m": {"low": 12, "high": 60}, "slower_mps": {"low": 0, "high": 9}},
     "constraints": ["$gap_m > 0.5 * $limit_mps"]},
    {"name": "left turns", "city": "unprotected-left", "map": "adlershof", "cell": "junction", "sample": {"k-wise": 2},
     "parameters": {"place": {"most": 12}, "gap_s": {"low": 1, "high": 4}}},
    {"name": "recorded", "commonroad": "ngsim", "cell": "motorway"}]}
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rfc8785

from marque.common import InputError
from marque.driving.odd import Area
from marque.proof.suites.model import Cell, Kind, Parameter, Source, Suite, Value
from marque.proof.suites.odd import fault_of
from marque.proof.suites.places import PLACE, map_file, parameters_of, road_map
from marque.simulation.library import LOGICAL
from marque.simulation.openscenario import files_of
from marque.simulation.places import KINDS

KIND = "https://marque.example/suite/v1"
LONGEST_S = 600.0
DATA = Path(__file__).parent / "data"
"""Suites that come with Marque, by name."""
_LOGICAL = (Kind.LIBRARY, Kind.CITY)


def read_suite(path: Path) -> Suite:
    """A suite in a file, or one that comes with Marque, by its name.

    Raises InputError, which names the place, for whatever is wrong with it or with a file it names.
    """
    path = located(path)
    try:
        said = json.loads(path.read_bytes(), parse_constant=lambda word: _refuse(path, "", f"{word} is no number of JSON"))
    except OSError as fault:
        raise InputError(str(path), "", f"it cannot be read: {fault.strerror}") from fault
    except ValueError as fault:
        raise InputError(str(path), "", f"it is not JSON: {fault}") from fault
    place = _Place(path, "", said)
    if place.text("kind") != KIND:
        raise place.fault(f'"kind" is not {KIND}')
    cells = {name: _cell(name, one) for name, one in place.each("cells")}
    total = sum(cell.exposure for cell in cells.values())
    if abs(total - 1.0) > 1e-9:
        raise place.fault(f"the exposures of the cells add up to {total:g}, not to 1")
    folder = path.parent
    sources = tuple(_source(one, cells, folder) for one in place.listed("sources"))
    if twice := [one.name for one in sources if [other.name for other in sources].count(one.name) > 1]:
        raise place.fault(f'two sources are named "{twice[0]}"')
    domain = {name: _terms(name, one) for name, one in place.each("domain")} if "domain" in place.said else {}
    place.only("kind", "name", "domain", "cells", "sources")
    files = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in sorted(_files(folder, sources, path))}
    digest = hashlib.sha256(rfc8785.dumps({"suite": said, "files": files})).hexdigest()
    return Suite(place.text("name"), folder, cells, sources, files, digest, domain)


def located(suite: Path) -> Path:
    """The file of a suite: the path itself, or of one without ending, where no file is, what comes with Marque under its name."""
    known = DATA / f"{suite.name}.json"
    return known if not suite.suffix and not suite.is_file() and known.exists() else suite


def _files(folder: Path, sources: tuple[Source, ...], path: Path) -> Iterator[tuple[str, Path]]:
    """(what it is called, where it is) of every file that a suite names."""
    for number, source in enumerate(sources):
        if source.kind is Kind.LIBRARY:
            continue
        if source.kind is Kind.CITY:
            yield map_file(folder, source.map)
            continue
        target = folder / source.target
        if not target.exists():
            raise InputError(str(path), f"sources[{number}]", f'there is no "{source.target}"')
        found = members(target) if source.kind is Kind.COMMONROAD else files_of(target)
        if not found:
            raise InputError(str(path), f"sources[{number}]", f'"{source.target}" holds no scenario')
        for file in found:
            yield Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix(), file


def members(target: Path) -> list[Path]:
    """The CommonRoad files of a source, in order."""
    return sorted(target.rglob("*.xml")) if target.is_dir() else [target]


def _cell(name: str, place: _Place) -> Cell:
    odd = {}
    for attribute, one in place.each("odd"):
        odd[attribute] = one.string()
        if (fault := fault_of(attribute, odd[attribute])) is not None:
            raise one.fault(fault)
    place.only("odd", "exposure", "basis")
    return Cell(name, odd, place.number("exposure", 0.0, 1.0), place.text("basis") if "basis" in place.said else "")


def _terms(attribute: str, place: _Place) -> tuple[str, ...]:
    terms = tuple(one.string() for one in place.items())
    for term in terms:
        if (fault := fault_of(attribute, term)) is not None:
            raise place.fault(fault)
    return terms


def _source(place: _Place, cells: dict[str, Cell], folder: Path) -> Source:
    kinds = [kind for kind in Kind if kind in place.said]
    if len(kinds) != 1:
        raise place.fault(f"it is exactly one of {', '.join(Kind)}")
    kind, target = kinds[0], place.text(kinds[0])
    if (cell := place.text("cell")) not in cells:
        raise place.fault(f'there is no cell "{cell}"', f"There are {', '.join(cells)}.")
    given = dict(place.each("parameters")) if "parameters" in place.said else {}
    constraints = tuple(one.string() for one in place.listed("constraints")) if "constraints" in place.said else ()
    if given and kind not in _LOGICAL:
        raise place.fault("parameters of its own has only a logical scenario of ours", "Write them into the scenario file.")
    if constraints and kind is Kind.COMMONROAD:
        raise place.fault("constraints has only what has parameters")
    own = kind is Kind.CITY
    parameters = _city(place, target, given, folder) if own else tuple(_parameter(name, one) for name, one in given.items())
    if kind is Kind.LIBRARY:
        _check_library(place, target, parameters)
    sample, k_wise = _sample(place, kind, parameters)
    horizon_s = place.number("horizon_s", 1.0, LONGEST_S) if "horizon_s" in place.said else LONGEST_S
    settling = bool(place.said.get("settling", False))
    place.only(
        "name", kind, "cell", "sample", "horizon_s", "settling", "parameters", "constraints", *(("map",) if kind is Kind.CITY else ())
    )
    road = place.text("map") if kind is Kind.CITY else ""
    return Source(place.text("name"), kind, target, cell, sample, horizon_s, settling, parameters, constraints, road, k_wise)


def _sample(place: _Place, kind: Kind, parameters: tuple[Parameter, ...]) -> tuple[int | None, int]:
    """How many cases by chance, or which combinations are all to be there."""
    if isinstance(place.said.get("sample"), dict):
        within = dict(place.each("sample"))
        if kind not in _LOGICAL or set(within) != {"k-wise"}:
            raise place.fault('"sample" is a number, or {"k-wise": 2} for a logical scenario of ours')
        return None, int(_Place(place.path, f"{place.where}.sample", place.said["sample"]).number("k-wise", 1, 6))
    sample = int(place.number("sample", 1, 10_000_000)) if "sample" in place.said else None
    if sample is None and any(not one.values for one in parameters):
        raise place.fault("a parameter between two values has no end of cases", 'Say "sample".')
    return sample, 0


def _city(place: _Place, kind: str, given: dict[str, _Place], folder: Path) -> tuple[Parameter, ...]:
    if kind not in KINDS:
        raise place.fault(f'there is no "{kind}"', f"There are {', '.join(KINDS)}.")
    name = place.text("map")
    if not map_file(folder, name)[1].is_file():
        raise place.fault(f'there is no map "{name}"', "Say the path of a file, or adlershof, ingolstadt, braunschweig or motorway.")
    most, area = _spread(given.pop(PLACE)) if PLACE in given and "values" not in given[PLACE].said else (None, None)
    chosen = {one: _parameter(one, at) for one, at in given.items()}
    try:
        return parameters_of(kind, road_map(folder, name), chosen, most, area)
    except InputError as error:
        raise place.fault(str(error)) from error


def _spread(place: _Place) -> tuple[int | None, Area | None]:
    """How many places, and in which area of the domain."""
    place.only("most", "area")
    most = int(place.number("most", 1, 10_000)) if "most" in place.said else None
    area = place.text("area") if "area" in place.said else None
    if area is not None and (fault := fault_of("drivable area", area)) is not None:
        raise place.fault(fault)
    return most, None if area is None else Area[area.upper()]


def _check_library(place: _Place, target: str, parameters: tuple[Parameter, ...]) -> None:
    if target not in LOGICAL:
        raise place.fault(f'the library has no "{target}"', f"It has {', '.join(sorted(LOGICAL))}.")
    asked, given = set(LOGICAL[target].parameters), {one.name for one in parameters}
    if asked != given:
        raise place.fault(f"it asks for {', '.join(sorted(asked))}; given are {', '.join(sorted(given)) or 'none'}")


def _parameter(name: str, place: _Place) -> Parameter:
    if "values" in place.said:
        place.only("values")
        return Parameter(name, values=tuple(one.value() for one in place.listed("values")))
    low, high = place.number("low"), place.number("high")
    if not low < high:
        raise place.fault('"low" is below "high"')
    if "mean" not in place.said:
        place.only("low", "high")
        return Parameter(name, low=low, high=high)
    place.only("low", "high", "mean", "deviation")
    return Parameter(name, low=low, high=high, mean=place.number("mean"), deviation=place.number("deviation", 1e-12))


def _refuse(path: Path, where: str, why: str) -> Any:
    raise InputError(str(path), where, why)


class _Place:
    """A value of the file, and where it stands."""

    def __init__(self, path: Path, where: str, said: Any) -> None:
        self.path, self.where, self.said = path, where, said

    def fault(self, why: str, remedy: str = "") -> InputError:
        return InputError(str(self.path), self.where, why, remedy)

    def _at(self, name: str) -> _Place:
        if not isinstance(self.said, dict):
            raise self.fault("an object is expected here")
        if name not in self.said:
            raise self.fault(f'"{name}" is missing')
        return _Place(self.path, f"{self.where}.{name}".lstrip("."), self.said[name])

    def text(self, name: str) -> str:
        return self._at(name).string()

    def string(self) -> str:
        if not isinstance(self.said, str) or not self.said:
            raise self.fault("a text is expected here")
        return self.said

    def number(self, name: str, low: float = float("-inf"), high: float = float("inf")) -> float:
        at = self._at(name)
        if isinstance(at.said, bool) or not isinstance(at.said, int | float) or not low <= at.said <= high:
            raise at.fault(f"a number from {low:g} to {high:g} is expected here")
        return float(at.said)

    def value(self) -> Value:
        if isinstance(self.said, list) and all(isinstance(one, int | float) for one in self.said):
            return tuple(float(one) for one in self.said)
        if isinstance(self.said, bool | str):
            return self.said
        if isinstance(self.said, int | float):
            return float(self.said)
        raise self.fault("a number, a text, true, false or a list of numbers is expected here")

    def each(self, name: str) -> Iterator[tuple[str, _Place]]:
        at = self._at(name)
        if not isinstance(at.said, dict):
            raise at.fault("an object is expected here")
        for key, value in at.said.items():
            yield key, _Place(self.path, f"{at.where}.{key}", value)

    def listed(self, name: str) -> Iterator[_Place]:
        return self._at(name).items()

    def items(self) -> Iterator[_Place]:
        if not isinstance(self.said, list) or not self.said:
            raise self.fault("a list with something in it is expected here")
        for number, value in enumerate(self.said):
            yield _Place(self.path, f"{self.where}[{number}]", value)

    def only(self, *names: str) -> None:
        if unknown := sorted(set(self.said) - set(names)):
            raise self.fault(f'"{unknown[0]}" is not known here', f"Known are {', '.join(names)}.")
