"""Campaigns that may stop early: which cases come next, in an order that nobody chose, until each cell is decided.

The order follows from the policy, which both partners signed before anything was driven: cases by the SHA-256 of the order's key and their
number. They are driven in rounds, each of those next in the order whose cells are open; between rounds is looked. What is driven therefore
depends on policy, cases and what came of them alone, not on workers; from the runs everybody can see that it was so, and that no run that
came out badly was called not needed. The numbers at a look are e-values, which allow for any number of looks (`statistics.sequential`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marque.proof.gate.counting import Before, CellCount, Seen, counts_of, statistical
from marque.proof.gate.rules import GateRules
from marque.proof.statistics import Rules, settled, shown, verdicts

LEAST_ROUND, GROWTH = 64, 8
"""Runs between two looks: so many, or an eighth of those that are done, so that a large cluster has work and late looks are few."""


@dataclass(frozen=True)
class Course:
    """How far the rounds have come. driven: cases of rounds that are over; due: of the next one, those not driven yet, none at the end."""

    driven: tuple[int, ...]
    due: tuple[int, ...]


def in_order(key: str, cases: int) -> list[int]:
    """key: 64 hexadecimal digits, a policy's SHA-256. Cases by SHA-256( key ‖ number ), the number in 8 bytes, the highest first."""
    drawn = [hashlib.sha256(bytes.fromhex(key) + case.to_bytes(8)).digest() for case in range(cases)]
    return sorted(range(cases), key=drawn.__getitem__)


@dataclass(frozen=True)
class Cases:
    """All of a campaign, by their numbers. cells: of each, its cell. hidden: whether any of them is of a hidden suite."""

    cells: Sequence[str]
    hidden: bool


def course(rules: GateRules, key: str, cases: Cases, known: Mapping[int, Seen], before: Before) -> Course:
    """known: runs that are there, by case. Cells that the policy does not claim are not driven."""
    cells, how = cases.cells, statistical(rules, cases.hidden)
    ahead = [case for case in in_order(key, len(cells)) if cells[case] in rules.limits]
    found = {cell: CellCount() for cell in rules.limits}
    driven: list[int] = []
    open_ = set(rules.limits)
    while ahead:
        size = max(LEAST_ROUND, len(driven) // GROWTH)
        due, ahead = ahead[:size], ahead[size:]
        if missing := tuple(case for case in due if case not in known):
            return Course(tuple(driven), missing)
        for case in due:
            found[cells[case]].add(known[case], before.get(cells[case], {}))
        driven += due
        if (now := _open(rules, how, found)) != open_:
            ahead = [case for case in ahead if cells[case] in now]
            open_ = now
    return Course(tuple(driven), ())


def _open(rules: GateRules, how: Rules, found: Mapping[str, CellCount]) -> set[str]:
    """Cells that a further run may decide. One that has fewer runs than planned may fail, and does not pass."""
    counts = counts_of(rules, found)
    closed, (_, failed) = settled(counts, how), verdicts(shown(counts, how), how)
    return {
        cell
        for at, cell in enumerate(sorted(rules.limits))
        if not closed[at] or (not failed[at] and found[cell].runs < rules.least_runs[cell])
    }
