"""What a suite covers of what it could: cells of the domain, and combinations of parameters' values."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marque.proof.suites import model
from marque.proof.suites.covering import Allowed, levels
from marque.proof.suites.model import Case, Cell, Parameter, Suite, Value

PARTS = model.PARTS


@dataclass(frozen=True)
class Coverage:
    """covered of possible; holes: what is not, the first hundred."""

    covered: int
    possible: int
    holes: tuple[str, ...]


def cell_coverage(suite: Suite, cases: Sequence[Case]) -> Mapping[str, int]:
    """How many cases each cell has; those without any are the known holes."""
    counts = dict.fromkeys(suite.cells, 0)
    for case in cases:
        counts[case.source.cell] += 1
    return counts


def domain_coverage(cells: Mapping[str, Cell], terms: Mapping[str, Sequence[str]]) -> Coverage:
    """Which combinations of an ODD's terms some cell stands for. terms: by attribute of ISO 34503, every term inside the domain."""
    possible = list(itertools.product(*terms.values()))
    known = {tuple(cell.odd.get(name, "") for name in terms) for cell in cells.values()}
    holes = [one for one in possible if one not in known]
    return Coverage(len(possible) - len(holes), len(possible), tuple(" · ".join(one) for one in holes[:100]))


def k_wise(parameters: Sequence[Parameter], cases: Sequence[Case], k: int = 2, constraints: Sequence[str] = ()) -> Coverage:
    """Combinations of k parameters' values (ranges by quarters) that occur in the cases.

    constraints: what they do not allow counts neither as possible nor as a hole; a quarter of a range is tried by its middle.
    """
    known = {one.name: [(_label(one, k), value) for k, value in enumerate(levels(one))] for one in parameters}
    allowed = Allowed(parameters, constraints) if constraints else None
    rows = [{one.name: _level(one, dict(case.parameters)[one.name]) for one in parameters} for case in cases]
    covered = possible = 0
    holes: list[str] = []
    for names in itertools.combinations(known, min(k, len(known))):
        seen = {tuple(row[name] for name in names) for row in rows}
        for combination in itertools.product(*(known[name] for name in names)):
            told = tuple(label for label, _ in combination)
            if told in seen:
                covered += 1
            elif (
                allowed is not None
                and allowed.completed({name: value for name, (_, value) in zip(names, combination, strict=True)}) is None
            ):
                continue
            else:
                holes.append(", ".join(f"{name} = {label}" for name, label in zip(names, told, strict=True)))
            possible += 1
    return Coverage(covered, possible, tuple(holes[:100]))


def _label(parameter: Parameter, number: int) -> str:
    """A value, or a quarter of a range by its ends."""
    if parameter.values:
        return str(parameter.values[number])
    step = (parameter.high - parameter.low) / PARTS
    return f"{parameter.low + step * number:.4g} to {parameter.low + step * (number + 1):.4g}"


def _level(parameter: Parameter, value: Value) -> str:
    if parameter.values or not isinstance(value, float):
        return str(value)
    return _label(parameter, min(PARTS - 1, int(PARTS * (value - parameter.low) / (parameter.high - parameter.low))))
