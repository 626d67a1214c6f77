"""What the runs of a release cover of what they could: cells, combinations of the domain's terms, pairs of parameters' values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from marque.proof.gate import GateRules
from marque.proof.report.facts import CoverageFacts
from marque.proof.report.runs import Lines
from marque.proof.suites import Case, Kind, Parameter, Source, Suite, k_wise
from marque.proof.suites.coverage import PARTS, Coverage, domain_coverage
from marque.simulation.openscenario import variation_of

_MOST_VALUES = 200
"""A list of values longer than this is a range in disguise: pairs of its values say little."""


def coverage(rules: GateRules, lines: Lines, suites: Sequence[Suite]) -> tuple[CoverageFacts, ...]:
    """Of the claimed cells, and of each suite that the reader has; what was driven outside of the domain covers nothing."""
    driven = {cell: sum(runs for runs, _ in found.by_weight.values()) for cell, found in lines.cells.items()}
    planned = {cell: driven.get(cell, 0) >= rules.least_runs[cell] for cell in rules.limits}
    found = [_cells("planned", "claimed cells in which the planned runs were driven", planned)]
    for suite in suites:
        touched = {cell: driven.get(cell, 0) > 0 for cell in suite.cells}
        found.append(_cells(f"{suite.name}/cells", f"{suite.name}: cells in which anything was driven", touched))
        if terms := _terms(suite):
            name = f"{suite.name}: combinations of the domain's terms that a cell stands for"
            found.append(_told(f"{suite.name}/terms", name, domain_coverage(suite.cells, terms)))
        found.extend(_pairs(suite, source, lines) for source in suite.sources if len(_parameters(suite, source)) > 1)
    return tuple(found)


def _cells(key: str, name: str, met: Mapping[str, bool]) -> CoverageFacts:
    return CoverageFacts(name, sum(met.values()), len(met), tuple(cell for cell, holds in sorted(met.items()) if not holds), key)


def _terms(suite: Suite) -> Mapping[str, Sequence[str]]:
    """By attribute, the terms that the suite claims; where it does not say, every term that some cell has, if two attributes have two."""
    if suite.domain:
        return suite.domain
    terms: dict[str, list[str]] = {}
    for cell in suite.cells.values():
        for attribute, term in cell.odd.items():
            known = terms.setdefault(attribute, [])
            if term not in known:
                known.append(term)
    return terms if sum(len(known) > 1 for known in terms.values()) > 1 else {}


def _pairs(suite: Suite, source: Source, lines: Lines) -> CoverageFacts:
    parameters = _parameters(suite, source)
    cases = [
        Case(0, source, "", tuple((one.name, _value(one, said[one.name])) for one in parameters), 0, 0.0)
        for said in _driven(suite, source, lines)
        if all(one.name in said for one in parameters)
    ]
    found = k_wise(parameters, cases, constraints=source.constraints)
    told = replace(found, holes=tuple(_spelled(hole, parameters) for hole in found.holes))
    return _told(f"{suite.name}/{source.name}/pairs", f"{suite.name}: {source.name}, pairs of values", told)


def _driven(suite: Suite, source: Source, lines: Lines) -> Iterator[Mapping[str, Any]]:
    """Lines of before suites were named in them say none."""
    for name in (suite.name, ""):
        yield from lines.driven.get((name, source.name, source.cell), ())


def _spelled(hole: str, parameters: Sequence[Parameter]) -> str:
    """Quarters of a range by their ends: `gap_m = 3` as `gap_m = 50 to 60`."""
    told: dict[str, str] = {}
    for one in parameters:
        step = (one.high - one.low) / PARTS
        ends = [f"{one.low + step * k:.4g}" for k in range(PARTS + 1)]
        told |= {f"{one.name} = {k}": f"{one.name} = {ends[k]} to {ends[k + 1]}" for k in range(PARTS) if not one.values}
    return ", ".join(told.get(part, part) for part in hole.split(", "))


def _parameters(suite: Suite, source: Source) -> tuple[Parameter, ...]:
    """What varies from case to case. Of a variation's dimension, whose values change together, the one with the most values."""
    if source.kind is not Kind.OPENSCENARIO:
        return tuple(one for one in source.parameters if len(one.values) != 1)
    variation = variation_of(suite.folder / source.target)
    found = []
    for dimension in variation.dimensions if variation is not None else ():
        values = {name: list(dict.fromkeys(one.get(name, "") for one in dimension)) for name in dimension[0]}
        name = max(values, key=lambda one: len(values[one]))
        if 1 < len(values[name]) <= _MOST_VALUES:
            found.append(Parameter(name, values=tuple(values[name])))
    return tuple(found)


def _value(parameter: Parameter, said: Any) -> Any:
    """As the suite has it: a line writes whole numbers without their fraction and lists as a text."""
    for value in parameter.values:
        spelled = ", ".join(map(str, value)) if isinstance(value, tuple) else value
        if spelled == said and isinstance(value, bool) == isinstance(said, bool):
            return value
    return float(said) if isinstance(said, int) and not isinstance(said, bool) else said


def _told(key: str, name: str, found: Coverage) -> CoverageFacts:
    return CoverageFacts(name, found.covered, found.possible, found.holes, key)
