"""A campaign's folder as it looks while somebody drives it: lines come to its journal, of cases that nobody has driven."""

from __future__ import annotations

import json
from pathlib import Path

from sealed_world import outcome_of, run_line

PLAN = {"suite": "small", "suite_digest": "0" * 64, "vehicle": "vela", "release": "pilot@1.2.0", "seed": 1, "perfect": False, "cases": 60}


def begun(folder: Path, **plan: object) -> Path:
    """A campaign in which nothing was driven yet."""
    folder.mkdir(exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(PLAN | plan))
    (folder / "started").write_text("2026-11-28T12:00:00+00:00")
    return folder


def lines(count: int, outcome=outcome_of) -> list[bytes]:
    """Of so many cases, with their ends."""
    return [run_line(case, outcome(case), ("motorway/day", "urban/rain")[case % 2]) for case in range(count)]


def comes(folder: Path, data: bytes) -> None:
    """Is added to the journal."""
    with (folder / "journal.jsonl").open("ab") as journal:
        journal.write(data)
