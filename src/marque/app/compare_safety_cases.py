"""`marque compare-safety-cases`: what the safety case of a release says otherwise than the one before, from two files `safety-case.xmi`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer

from marque.proof.report.argument import Argument, Comparison, compare
from marque.proof.report.sacm_read import read_case

_WORSE = {("supported", "undeveloped"), ("supported", "defeated"), ("resolved", "open")}


def compare_safety_cases(before: Path, after: Path, echo: Callable[[str], object] = typer.echo) -> bool:
    """Tells what is new, gone, of another status, or told otherwise; whether nothing stands less than before. Raises InputError."""
    then, now = read_case(before), read_case(after)
    found = compare(then, now)
    worse = _worse(now, found)
    for name in found.new:
        echo(f"new        {name}: {_text(now, name)}")
    for name in found.gone:
        echo(f"gone       {name}: {_text(then, name)}")
    for one in found.changed:
        echo(f"{one.before} → {one.after}  {one.id}: {_text(now, one.id)}")
    if found.reworded:
        echo(f"with other figures or evidence: {', '.join(found.reworded)}")
    stands = "stands" if now.supported else "does not stand"
    echo(f"the safety case {stands}; before it {'stood' if then.supported else 'did not stand'}; {_counted(len(worse))} less than before")
    return not worse


def _worse(now: Argument, found: Comparison) -> list[str]:
    """What fell, and what is new and does not hold."""
    fell = [one.id for one in found.changed if (one.before, one.after) in _WORSE]
    open_ = {one.id for one in now.open}
    return fell + [name for name in found.new if name in open_ or now.statuses.get(name, "supported") != "supported"]


def _text(argument: Argument, name: str) -> str:
    known = {one.id: one.text for one in argument.elements} | {one.id: one.text for one in argument.defeaters}
    return known[name]


def _counted(number: int) -> str:
    return f"{number} {'thing stands' if number == 1 else 'things stand'}"
