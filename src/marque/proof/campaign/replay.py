"""Cases driven again: their replays, and whether they come out as their lines say, to the byte."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from marque.foundation.compute import Compute, Failure
from marque.proof.campaign.campaign import failed
from marque.proof.campaign.drive import Recording, Task, drive
from marque.proof.suites import Case
from marque.simulation.replay import SUFFIX, write_replay


@dataclass(frozen=True)
class Again:
    """A case driven again. line: as it comes out now, without its end."""

    case: int
    line: bytes


def replay_file(folder: Path, case: int) -> Path:
    """Where a case's replay is kept in a folder of replays."""
    return folder / f"case-{case}{SUFFIX}"


def drive_again(task: Task, replays: Path | None, case: Case) -> bytes:
    """The line of a case; its replay is written into the folder, if there is one, and if anything was driven."""
    return drive(task, case, None if replays is None else partial(_write, case, replays))


def again(task: Task, cases: Sequence[Case], compute: Compute, limit_s: float, replays: Path | None = None) -> Iterator[Again]:
    """Drives cases again, in the order in which they are done. limit_s: wall-clock time of a run. replays: a folder that is there."""
    with compute.run(partial(drive_again, task, replays), cases, limit_s=limit_s) as batch:
        for result in batch:
            case = cases[result.index]
            yield Again(case.index, failed(case, result.value) if isinstance(result.value, Failure) else result.value)


def differing(expected: bytes, found: bytes) -> tuple[str, ...]:
    """What of a line is other than expected: "measures.ttc_min_s: 1.25, now 1.3", sorted by name; empty for the same bytes."""
    if expected == found:
        return ()
    before, now = (_flat(json.loads(line)) for line in (expected, found))
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    told = tuple(f"{name}: {before.get(name, 'nothing')}, now {now.get(name, 'nothing')}" for name in names)
    return told or ("how it is written",)


def _flat(said: Mapping[str, Any], within: str = "") -> dict[str, str]:
    """Each value as JSON, by its name with those that it is in."""
    flat: dict[str, str] = {}
    for name, value in said.items():
        flat |= _flat(value, f"{within}{name}.") if isinstance(value, dict) else {f"{within}{name}": json.dumps(value, ensure_ascii=False)}
    return flat


def _write(case: Case, folder: Path, driven: Recording) -> None:
    write_replay(
        replay_file(folder, case.index), name=f"{case.index} · {case.scenario}", road_map=driven.road_map, step_s=driven.step_s,
        frames=driven.frames, facts=dict(driven.facts),
    )  # fmt: skip
