"""Covering samples: so few cases that every combination of k parameters' values that the constraints allow is in one of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from allpairspy import AllPairs

from marque.common import InputError
from marque.proof.suites.model import PARTS, Parameter, Value
from marque.simulation.openscenario import holds

_MOST_ASSIGNMENTS = 200_000
_NAME = re.compile(r"\$([A-Za-z_][\w.]*)")

Assignment = Mapping[str, Value]


def levels(parameter: Parameter) -> tuple[Value, ...]:
    """A list's values; of a range the middles of its quarters."""
    step = (parameter.high - parameter.low) / PARTS
    return parameter.values or tuple(parameter.low + (part + 0.5) * step for part in range(PARTS))


class Allowed:
    """What constraints leave of parameters' levels. Raises InputError where they are about too many of them to be tried one by one."""

    def __init__(self, parameters: Sequence[Parameter], constraints: Sequence[str]) -> None:
        names = {name for text in constraints for name in _NAME.findall(text)}
        self.bound = [one for one in parameters if one.name in names]
        choices = [levels(one) for one in self.bound]
        count = 1
        for choice in choices:
            count *= len(choice)
        if count > _MOST_ASSIGNMENTS:
            raise InputError(
                "constraints", "", f"they are about {count:,} combinations of values", "Say fewer values, or a number for sample."
            )
        self.known = [
            dict(zip((one.name for one in self.bound), values, strict=True))
            for values in itertools.product(*choices)
            if all(holds(text, spelled(dict(zip((one.name for one in self.bound), values, strict=True)))) for text in constraints)
        ]

    def completed(self, chosen: Assignment) -> Assignment | None:
        """The first way to choose what is bound by constraints and still open; None where there is none."""
        fixed = {name: value for name, value in chosen.items() if any(one.name == name for one in self.bound)}
        return next((one for one in self.known if all(one[name] == value for name, value in fixed.items())), None)


def spelled(values: Assignment) -> dict[str, str]:
    """As a condition reads them."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}


def covering(parameters: Sequence[Parameter], constraints: Sequence[str], k: int) -> Iterator[dict[str, Value]]:
    """Rows of values; the same for the same parameters, without chance. Raises InputError where nothing satisfies the constraints.

    Found pair by pair (`allpairspy`, which leaves out what its order of search meets too late), and what is left one row for each that
    no row yet holds.
    """
    allowed = Allowed(parameters, constraints)
    if allowed.completed({}) is None:
        raise InputError("constraints", "", "nothing satisfies them")
    names, choices = [one.name for one in parameters], [list(levels(one)) for one in parameters]
    k = min(k, len(parameters))
    rows = list(_paired(names, choices, allowed, k))
    yield from rows
    met = {key for row in rows for key in _combinations(row, names, k)}
    for chosen in itertools.combinations(range(len(names)), k):
        for values in itertools.product(*(choices[i] for i in chosen)):
            key = tuple((names[i], value) for i, value in zip(chosen, values, strict=True))
            completed = None if key in met else allowed.completed(dict(key))
            if completed is not None:
                row = {name: dict(key).get(name, completed.get(name, choice[0])) for name, choice in zip(names, choices, strict=True)}
                met.update(_combinations(row, names, k))
                yield row


def _paired(names: Sequence[str], choices: list[list[Value]], allowed: Allowed, k: int) -> Iterator[dict[str, Value]]:
    if len(names) == 1 or k == 1:
        return
    found: Any = AllPairs(choices, filter_func=lambda row: allowed.completed(dict(zip(names, row, strict=False))) is not None, n=k)
    for row in found:
        yield dict(zip(names, row, strict=True))


def _combinations(row: Assignment, names: Sequence[str], k: int) -> Iterator[tuple[tuple[str, Value], ...]]:
    return itertools.combinations(((name, row[name]) for name in names), k)
