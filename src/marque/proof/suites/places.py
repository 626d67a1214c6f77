"""City sources: which map, at which places, and what of a kind's parameters a suite leaves open."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from marque.common import InputError
from marque.driving.importers import load_map, wheel_maps
from marque.driving.map import RoadMap
from marque.driving.odd import Area, areas
from marque.proof.suites.model import Case, Parameter, Value
from marque.simulation.places import CONDITIONS, KINDS, Concrete, Range, concrete, places

PLACE = "place"


def map_file(folder: Path, name: str) -> tuple[str, Path]:
    """(what it is called in a suite's files, where it is): a map by name, as `adlershof`, or a file relative to a suite's folder."""
    known = wheel_maps()
    return (f"maps/{name}", known[name]) if name in known else (name, folder / name)


def road_map(folder: Path, name: str) -> RoadMap:
    """Raises InputError for what is no map."""
    path = map_file(folder, name)[1]
    return _loaded(path, hashlib.sha256(path.read_bytes()).digest())


@lru_cache(maxsize=4)
def _loaded(path: Path, _: bytes) -> RoadMap:
    return load_map(path)


def parameters_of(
    kind: str, found: RoadMap, given: Mapping[str, Parameter], most: int | None, area: Area | None = None
) -> tuple[Parameter, ...]:  # fmt: skip
    """Every parameter of a kind, those that are given as given, after the place.

    most: so many places, evenly spread over all; area: where the ego meets the others there.

    Raises InputError for what the kind does not have or the map does not hold.
    """
    known = KINDS[kind].ranges
    if unknown := sorted(set(given) - {PLACE, *known, *CONDITIONS}):
        raise InputError(
            kind, unknown[0], "it has no such parameter", f"It has {', '.join((PLACE, *known))}; any has {', '.join(CONDITIONS)}."
        )
    for name, parameter in given.items():
        if name != PLACE:
            _within(kind, name, parameter, known.get(name) or CONDITIONS[name])
    conditions = tuple(given[name] for name in CONDITIONS if name in given)
    return (
        _places(kind, found, given.get(PLACE), most, area),
        *(given.get(name) or _open(name, one) for name, one in known.items()),
        *conditions,
    )


def staged(folder: Path, case: Case) -> Concrete:
    """The scene of a case. folder: of its suite."""
    values = dict(case.parameters)
    return concrete(case.source.target, road_map(folder, case.source.map), str(values.pop(PLACE)), values)


def _places(kind: str, found: RoadMap, given: Parameter | None, most: int | None, area: Area | None) -> Parameter:
    lies = areas(found)
    known = [name for name, place in places(kind, found).items() if area is None or lies[place.lane] == area]
    if not known:
        raise InputError(found.name, kind, "the map has no place for it", "Choose another kind, map or area.")
    if given is not None:
        if unknown := [value for value in given.values if value not in known]:
            raise InputError(kind, PLACE, f'the map has no "{unknown[0]}"', f"It has {len(known)}, as {known[0]}.")
        return given
    count = len(known) if most is None else min(most, len(known))
    return Parameter(PLACE, values=tuple(known[k * len(known) // count] for k in range(count)))


def _open(name: str, known: Range) -> Parameter:
    return Parameter(name, values=known.values) if known.values else Parameter(name, low=known.low, high=known.high)


def _within(kind: str, name: str, given: Parameter, known: Range) -> None:
    if known.values:
        bad = [value for value in given.values or ("a range",) if value not in known.values]
        said = ", ".join(str(value) for value in known.values)
    else:
        bad = [value for value in given.values or (given.low, given.high) if not _lies(value, known)]
        said = f"{known.low:g} to {known.high:g}"
    if bad:
        raise InputError(kind, name, f"{bad[0]} is not within {said}", "Outside of that no scene is sure to be one.")


def _lies(value: Value, known: Range) -> bool:
    return isinstance(value, float) and known.low <= value <= known.high
