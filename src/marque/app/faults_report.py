"""What a campaign of faults comes to, for who has to answer for the car: what failed first, then every fault and every cell."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from marque.simulation.campaign import CELLS, Finding, Outcome
from marque.simulation.faults import FaultKind

_LETTERS = {
    Outcome.FAILED: "[bold red]F[/]",
    Outcome.LEFT: "[yellow]l[/]",
    Outcome.CONDITION: "[cyan]m[/]",
    Outcome.CONTINUED: "[green]·[/]",
}
"""The worst first: of several drives in one place of the table the first letter is shown."""
_FEW = 40
"""Up to so many drives each has a row of its own."""


def report(console: Console, findings: Sequence[Finding]) -> None:
    """Print it all."""
    for finding in findings:
        if not finding.safe:
            what = " and ".join(finding.faults) or "no fault"
            console.print(f"FAILED {finding.cell}, {what}, seed {finding.seed}: {finding.why}", highlight=False, style="red")
            console.print(f"       {_manoeuvre(finding)}; again: {again(finding)}", highlight=False)
    if len(findings) <= _FEW:
        console.print(drives(findings))
    else:
        console.print(matrix(findings))
        for number, cell in enumerate(CELLS, start=1):
            if any(finding.cell == cell.name for finding in findings):
                console.print(f"{number:>3} {cell.name}", highlight=False)
        console.print(figures("fault", [(kind.value, [one for one in findings if kind in one.faults]) for kind in FaultKind]))
        console.print(figures("cell", [(cell.name, [one for one in findings if one.cell == cell.name]) for cell in CELLS]))
    for line in outside(findings):
        console.print(line, highlight=False)
    console.print(summary(findings), highlight=False)


def again(finding: Finding) -> str:
    """The command that drives just this one, and keeps a replay."""
    words = ["./marque", "faults", "--cell", finding.cell]
    for fault in finding.faults:
        words += ["--fault", fault]
    words += ["--pairs"] * (len(finding.faults) == 2) + ["--seed", str(finding.seed)] + ["--perfect"] * (finding.perception == "perfect")
    words += ["--vehicle", finding.vehicle] * (finding.vehicle != "vela") + ["--replays", "replays"]
    return shlex.join(words)


def _manoeuvre(finding: Finding) -> str:
    if finding.manoeuvre == "none":
        return "no manoeuvre"
    told = f"{finding.manoeuvre.replace('_', ' ')} because of {finding.reason.replace('_', ' ')}"
    return told if finding.noticed_s is None else f"{told}, begun {finding.noticed_s:.1f} s after the onset"


def drives(findings: Sequence[Finding]) -> Table:
    """A row per drive."""
    sheet = _sheet("cell", "faults", "seed", "outcome", "manoeuvre", "reason", "noticed s", "condition s", "braking m/s²")
    for one in sorted(findings, key=lambda finding: finding.safe):
        sheet.add_row(
            one.cell, " and ".join(one.faults), str(one.seed), one.outcome.value, one.manoeuvre.replace("_", " "),
            one.reason.replace("_", " "), _number(one.noticed_s), _number(one.condition_s), f"{one.braking_max_mps2:.1f}",
        )  # fmt: skip
    return sheet


def matrix(findings: Sequence[Finding]) -> Table:
    """A row per fault, a column per cell; a drive with two faults counts for both."""
    names = [cell.name for cell in CELLS if any(finding.cell == cell.name for finding in findings)]
    numbers = {cell.name: number for number, cell in enumerate(CELLS, start=1)}
    sheet = _sheet("fault")
    sheet.caption = "m minimal risk condition, l left its domain in time, · drove on, F failed"
    for name in names:
        sheet.add_column(str(numbers[name]), justify="right")
    for kind in FaultKind:
        mine = [finding for finding in findings if kind in finding.faults]
        if mine:
            sheet.add_row(kind.value, *(_letter([finding.outcome for finding in mine if finding.cell == name]) for name in names))
    return sheet


def _letter(outcomes: list[Outcome]) -> str:
    return next((letter for outcome, letter in _LETTERS.items() if outcome in outcomes), "")


def figures(what: str, groups: Sequence[tuple[str, Sequence[Finding]]]) -> Table:
    """A row per group of drives: how they ended, by which manoeuvres, how soon and how hard; the failing ones first."""
    ends = (outcome.name.lower() for outcome in Outcome)
    sheet = _sheet(what, "drives", *ends, "manoeuvres", "noticed s", "condition s", "braking m/s²")
    sheet.caption = "noticed, condition: from the onset of the fault to the manoeuvre, to the minimal risk condition; median (greatest)"
    for name, mine in sorted(groups, key=lambda group: -sum(not one.safe for one in group[1])):
        if mine:
            counts = Counter(one.outcome for one in mine)
            manoeuvres = Counter(one.manoeuvre.replace("_", " ") for one in mine if one.manoeuvre != "none")
            sheet.add_row(
                name, str(len(mine)), *(str(counts[outcome]) for outcome in Outcome),
                ", ".join(f"{manoeuvre} {count}" for manoeuvre, count in manoeuvres.most_common()),
                _spread([one.noticed_s for one in mine]), _spread([one.condition_s for one in mine]),
                _spread([one.braking_max_mps2 for one in mine]),
            )  # fmt: skip
    return sheet


def _sheet(*columns: str) -> Table:
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for k, column in enumerate(columns):
        text = k == 0 or column in ("faults", "outcome", "manoeuvre", "manoeuvres", "reason")
        sheet.add_column(column, justify="left" if text else "right", no_wrap=k == 0)
    return sheet


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _spread(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{median(known):.1f} ({max(known):.1f})" if known else ""


def outside(findings: Sequence[Finding]) -> list[str]:
    """What the monitor left its domain for, and where."""
    left = [one for one in findings if one.outcome is Outcome.LEFT]
    lines = []
    for attribute in sorted({one.why for one in left}):
        cells = {one.cell for one in left if one.why == attribute}
        worst = max((one.condition_s for one in left if one.why == attribute and one.condition_s is not None), default=0.0)
        lines.append(f"outside the domain by {attribute}, left in time: {len(cells)} cells, at the latest {worst:.1f} s after the onset")
    return lines


def totals(findings: Sequence[Finding]) -> dict[str, int]:
    """How many drives there were, how many were safe, and how many ended in each way."""
    counts = Counter(finding.outcome for finding in findings)
    return {
        "drives": len(findings),
        "safe": sum(finding.safe for finding in findings),
        "run_into_without_fault": sum(bool(finding.hit) for finding in findings),
        **{outcome.name.lower(): counts[outcome] for outcome in Outcome},
    }


def summary(findings: Sequence[Finding]) -> str:
    """In one line."""
    told = totals(findings)
    share = 100.0 * told["safe"] / max(1, told["drives"])
    ends = ", ".join(f"{outcome.value} {told[outcome.name.lower()]}" for outcome in Outcome)
    how = " and ".join(sorted({f"{one.perception} perception" for one in findings}))
    excused = f"run into without fault of its own: {told['run_into_without_fault']}"
    return f"{how}: {told['safe']} of {told['drives']} drives safe ({share:.2f} %): {ends}; {excused}"
