"""`marque suite`: what a suite consists of, and what it covers of what it could."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from marque.app.terminal import wide_console
from marque.proof.suites import DATA, Case, Source, Suite, cases, k_wise, read_suite
from marque.proof.suites.coverage import Coverage, domain_coverage

_HOLES_TOLD = 8
_MOST_LEVELS = 400
"""Pairs of parameters with more values than this are not counted out: nobody covers them."""


@dataclass(frozen=True)
class Told:
    """A suite, its cases and its coverage. by_source: None where nothing varies, or by more values than are counted out."""

    suite: Suite
    cases: Sequence[Case]
    by_source: dict[str, Coverage | None]
    domain: Coverage


def list_suites(as_json: bool) -> None:
    """Suites that come with Marque."""
    found = [read_suite(path) for path in sorted(DATA.glob("*.json"))]
    rows = [{"name": one.name, "cells": len(one.cells), "sources": len(one.sources), "digest": one.digest} for one in found]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("suite", "cells", "sources", "digest"):
        sheet.add_column(heading, justify="right" if heading in ("cells", "sources") else "left", no_wrap=True)
    for row in rows:
        sheet.add_row(*(str(value) for value in row.values()))
    wide_console().print(sheet)


def show_suite(suite: Path, seed: int, as_json: bool) -> None:
    """Cells, sources and coverage of a suite. Raises InputError for what is wrong with it."""
    told = told_of(read_suite(suite), seed)
    if as_json:
        print(json.dumps(_json(told), indent=2, ensure_ascii=False))
        return
    console = wide_console()
    console.print(f"{told.suite.name}: {len(told.cases)} cases, sha256 {told.suite.digest}\n", highlight=False)
    console.print(_cells(told))
    console.print()
    console.print(_sources(told))
    console.print()
    for line in _holes(told):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def told_of(suite: Suite, seed: int) -> Told:
    """What there is to say of a suite. seed: of its samples."""
    found = cases(suite, seed)
    by_source = {one.name: _combinations(one, [case for case in found if case.source is one]) for one in suite.sources}
    return Told(suite, found, by_source, domain_coverage(suite.cells, suite.domain))


def _combinations(source: Source, found: Sequence[Case]) -> Coverage | None:
    varied = [one for one in source.parameters if len(one.values) != 1]
    if len(varied) < 2 or max(len(one.values) for one in varied) > _MOST_LEVELS:
        return None
    return k_wise(varied, found, _together(source), source.constraints)


def _together(source: Source) -> int:
    return source.k_wise or 2


def _cells(told: Told) -> Table:
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("cell", "cases", "exposure", "terms of the domain (ISO 34503)", "exposure is"):
        sheet.add_column(heading, justify="right" if heading in ("cases", "exposure") else "left")
    counts = Counter(case.source.cell for case in told.cases)
    for name, cell in told.suite.cells.items():
        terms = ", ".join(f"{attribute}: {term}" for attribute, term in cell.odd.items())
        sheet.add_row(name, str(counts[name]), f"{100 * cell.exposure:g} %", terms, cell.basis or "not stated from where")
    return sheet


def _sources(told: Told) -> Table:
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("source", "cases", "what", "cell", "combinations of values that occur"):
        sheet.add_column(heading, justify="right" if heading == "cases" else "left")
    counts = Counter(case.source.name for case in told.cases)
    for source in told.suite.sources:
        where = f" on {source.map}" if source.map else ""
        found = told.by_source[source.name]
        sheet.add_row(source.name, str(counts[source.name]), f"{source.target}{where}", source.cell, _share(found, _together(source)))
    return sheet


def _share(found: Coverage | None, together: int) -> str:
    if found is None or not found.possible:
        return "–"
    return f"{100 * found.covered / found.possible:.1f} % of {found.possible} {'pairs' if together == 2 else f'{together}-wise'}"


def _holes(told: Told) -> list[str]:
    """What is known not to be covered."""
    lines = []
    if told.suite.domain:
        lines.append(f"Of {told.domain.possible} combinations of the domain's terms {told.domain.covered} have a cell.")
        lines += [f"  no cell: {hole}" for hole in told.domain.holes]
    driven = {case.source.cell for case in told.cases}
    lines += [f"  no case: {name}" for name in told.suite.cells if name not in driven]
    for name, found in told.by_source.items():
        if found is not None and found.holes:
            lines.append(f"{name}: {found.possible - found.covered} combinations do not occur, as")
            lines += [f"  {hole}" for hole in found.holes[:_HOLES_TOLD]]
    return lines


def _json(told: Told) -> dict[str, Any]:
    counts = Counter(case.source.cell for case in told.cases)
    by_source = Counter(case.source.name for case in told.cases)
    return {
        "suite": told.suite.name,
        "digest": told.suite.digest,
        "cases": len(told.cases),
        "files": dict(told.suite.files),
        "cells": [
            {"name": name, "cases": counts[name], "odd": dict(cell.odd), "exposure": cell.exposure, "basis": cell.basis}
            for name, cell in told.suite.cells.items()
        ],
        "sources": [
            {
                "name": one.name, "kind": str(one.kind), "target": one.target, "map": one.map, "cell": one.cell,
                "cases": by_source[one.name], "together": _together(one), "coverage": _said(told.by_source[one.name]),
                "parameters": [asdict(parameter) for parameter in one.parameters], "constraints": list(one.constraints),
            }
            for one in told.suite.sources
        ],
        "domain": {"terms": {name: list(terms) for name, terms in told.suite.domain.items()}, "coverage": _said(told.domain)},
    }  # fmt: skip


def _said(found: Coverage | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)
