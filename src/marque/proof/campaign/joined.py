"""The cases of a campaign: those of its open suite, then those of the hidden ones, in order of their names, numbered through."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from marque.common import InputError
from marque.proof.campaign.drive import Task
from marque.proof.suites import Case, Suite, cases, read_suite


def suites_of(task: Task) -> tuple[Suite, ...]:
    """The open one first. Raises InputError for one that is wrong, or has a cell that the open one has not as it has it."""
    first = read_suite(task.suite)
    return (first, *(_beside(first, read_suite(hidden.suite)) for hidden in task.hidden))


def joined_cases(task: Task, suites: Sequence[Suite]) -> list[Case]:
    """suites: those of the task. A cell's weights add up to its exposure over all suites together. Raises InputError."""
    seeds = [task.seed, *(hidden_seed(one.salt) for one in task.hidden)]
    drawn = [case for suite, seed in zip(suites, seeds, strict=True) for case in cases(suite, seed)]
    sizes = Counter(case.source.cell for case in drawn)
    cells = suites[0].cells
    return [
        replace(case, index=index, weight=cells[case.source.cell].exposure / sizes[case.source.cell]) for index, case in enumerate(drawn)
    ]


def hidden_seed(salt: str) -> int:
    """Of a hidden suite's samples and sensors' errors: from its salt alone, so that nobody can choose or foresee its cases."""
    return int.from_bytes(hashlib.sha256(b"marque.example/hidden-seed/v1\n" + bytes.fromhex(salt)).digest()[:7])


def _beside(first: Suite, hidden: Suite) -> Suite:
    """A cell of the domain means the same in both: its terms and its exposure are those of the open suite."""
    if hidden.name == first.name:
        raise InputError(hidden.name, "name", "the hidden suite has the name of the open one", "Give it a name of its own.")
    for name, cell in hidden.cells.items():
        if name not in first.cells or first.cells[name].odd != cell.odd:
            raise InputError(hidden.name, f"cells.{name}", f"{first.name} has no such cell", f"It has {', '.join(first.cells)}.")
    return hidden
