"""OpenSCENARIO results for people: the table of `marque drive` for .xosc files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.table import Table

from marque.simulation.judge import Verdict
from marque.simulation.openscenario import StoryResult

_STYLES = {Verdict.GOAL: "green", Verdict.ILL_POSED: "dim", Verdict.ERROR: "bold red"}
_HEADINGS = (
    "scenario",
    "km/h",
    "verdict",
    "hit",
    "impact km/h",
    "own km/h",
    "score",
    "careful driver",
    "brake",
    "lateral",
    "TTC s",
    "p50 ms",
)


def stories_table(results: Sequence[StoryResult]) -> Table:
    """One row for each case: avoided, or how fast it hit; what the protocol makes of it; whether a careful driver had avoided it."""
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for heading in _HEADINGS:
        sheet.add_column(heading, no_wrap=heading != "scenario", justify="left" if heading in ("scenario", "verdict", "hit") else "right")
    sheet.add_column("why", overflow="fold")
    for result in results:
        style = _STYLES.get(result.verdict, "red" if result.at_fault is not False else "yellow")
        sheet.add_row(*_row(result), style=style)
    return sheet


def _row(result: StoryResult) -> list[str]:
    felt, avoids = result.comfort, result.careful_driver_avoids
    varied = " ".join(f"{name}={value}" for name, value in result.case.items() if name != "Scenario_ID")
    return [
        f"{result.name} {varied}".strip(),
        _figure(result.test_speed_kmh, 0),
        str(result.verdict),
        result.hit or "",
        _figure(result.impact_kmh, 1),
        _figure(result.own_impact_kmh, 1),
        _figure(result.score, 2),
        "" if avoids is None else "avoids" if avoids else "hits",
        *(("", "") if felt is None else (f"{felt.braking_max_mps2:.1f}", f"{felt.lateral_max_mps2:.1f}")),
        _figure(result.ttc_min_s, 1),
        _figure(result.cycle_ms_p50, 2),
        result.why,
    ]


def _figure(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def stories_summary(results: Sequence[StoryResult]) -> str:
    """How many cases ran to their end, and by protocol how many have the full score."""
    run = [result for result in results if result.driven_s is not None]
    hits = [result for result in run if result.hit is not None]
    avoidable = sum(result.careful_driver_avoids is True for result in hits)
    lines = [
        f"OpenSCENARIO: {len(run)} of {len(results)} cases ran, {len(run) - len(hits)} without contact; "
        f"{sum(result.at_fault is True for result in hits)} contacts at fault, {avoidable} that a careful driver had avoided"
    ]
    rated: dict[str, list[StoryResult]] = {}
    for result in run:
        if result.protocol_case is not None:
            rated.setdefault(result.protocol_case, []).append(result)
    for name, group in sorted(rated.items()):
        full = sum((result.score or 0.0) >= 1.0 for result in group)
        fastest = max((result.impact_kmh for result in group if result.impact_kmh is not None), default=None)
        worst = "" if fastest is None else f", fastest impact {fastest:.0f} km/h"
        lines.append(f"  {name}: {full} of {len(group)} with the full score ({group[0].full_score_asks}){worst}")
    driven = Counter(result.file for result in results)
    lines += [
        f"  {file}: {driven[file]} of {cases} cases driven, evenly spread"
        for file, cases in sorted({(result.file, result.cases) for result in results})
        if driven[file] < cases and any(result.file == file and result.problem is not None for result in results)
    ]
    return "\n".join(lines)
