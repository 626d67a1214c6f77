"""Contingency: one first second for every future that matters, and a continuation of its own for each.

A plan of one profile has to suit every hypothesis at once: it brakes now for somebody who probably does not come. But a second from now
more will be known. Profiles that begin alike for a second are one group; what a group is worth is what its best continuation costs where
the one in doubt comes into the way, and its best where not, weighed by how probable each is. The guard still demands a stop for the worst.
Source: Hardy, Campbell 2013, "Contingency planning over probabilistic obstacle predictions for autonomous road vehicles", IEEE
Transactions on Robotics 29(4).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marque.common import Floats
from marque.driving.lines import LINES, Lines
from marque.driving.occupancy import REASON, Occupancy, look_ahead, no_occupancy
from marque.driving.path import Paths
from marque.driving.plan import BEST, Choice, insert
from marque.driving.predict import STEPS
from marque.driving.speed import GROUP, SAMPLED, Profiles
from marque.driving.tracks import CAPACITY
from marque.driving.view import Reason
from marque.driving.worth import Task, Terms, line_terms, worth
from marque.vehicle import kernel

_COMES = 0.1
"""How probably somebody comes out of where the car does not see, the moment it gets there."""
_SURE, _NEGLIGIBLE = 0.9, 0.03
"""Probabilities beyond which there is no doubt."""
_WORTH = 1.0
"""A group is driven when it is worth so much more, in metres of progress, than the best single profile."""
_NOBODY, _HIDDEN = -1, CAPACITY


class Futures(NamedTuple):
    """The occupancy of the best line as it is if the one in doubt comes into the way, and if not. Scratch of `branch`."""

    comes: Occupancy
    stays: Occupancy


def no_futures() -> Futures:
    return Futures(no_occupancy(), no_occupancy())


@kernel
def branch(
    lines: Lines, paths: Paths, profiles: Profiles, occupancy: Occupancy, task: Task, effort: Floats, cycle: Terms, last_kind: int,
    last_target: float, futures: Futures, out: Choice,
) -> None:  # fmt: skip
    """Put the best group, its careful continuation standing for it, before the candidates of `plan.choose` where it is worth more.

    Arguments as of `plan.choose`; only its best line is looked at. What is driven until the next cycle is common to the whole group.
    """
    if out.cost[0] == np.inf:
        return
    i = out.line[0]
    who, probability = _in_doubt(lines, occupancy, i)
    if who == _NOBODY:
        return
    _part(lines, occupancy, i, who, futures)
    line = line_terms(lines, paths, i, cycle, last_kind, last_target)
    best, best_row = out.cost[0] - _WORTH, -1
    for first in range(LINES, LINES + SAMPLED, GROUP):
        comes, stays, careful = np.inf, np.inf, -1
        for row in range(first, first + GROUP):
            at_worst = worth(lines, paths, profiles, futures.comes, task, effort[row], cycle, line, i, row, comes)
            if at_worst < comes:
                comes, careful = at_worst, row
            stays = min(stays, worth(lines, paths, profiles, futures.stays, task, effort[row], cycle, line, i, row, stays))
        likely = probability * comes + (1.0 - probability) * stays
        if likely < best:
            best, best_row = likely, careful
    if best_row >= 0:
        insert(out, 0, BEST, i, best_row, best)


@kernel
def _in_doubt(lines: Lines, occupancy: Occupancy, i: int) -> tuple[int, float]:
    """(slot, or _HIDDEN, of whom it is in doubt whether it comes into line i, and matters most; how probably it does)."""
    stake, probable = np.zeros(CAPACITY + 1), np.zeros(CAPACITY + 1)
    for t in range(STEPS):
        for c in range(1, lines.line[i].cells):
            risk = occupancy.risk[i, t, c]
            if risk <= 0.0:
                continue
            reason, slot = occupancy.why[i, t, c] // REASON, occupancy.why[i, t, c] % REASON
            if reason == Reason.HIDDEN:
                slot, risk = _HIDDEN, _COMES
            elif _gives_way(reason):
                risk = risk if risk >= 1.0 else 0.5 * risk  # `rules` doubles it
            elif reason != Reason.FOLLOW:
                continue
            stake[slot] += risk
            probable[slot] = max(probable[slot], risk)
    best, most = _NOBODY, 0.0
    for slot in range(CAPACITY + 1):
        if _NEGLIGIBLE < probable[slot] < _SURE and stake[slot] > most:
            best, most = slot, stake[slot]
    return best, (probable[best] if best != _NOBODY else 0.0)


@kernel
def _gives_way(reason: int) -> bool:
    return reason == Reason.YIELD or reason == Reason.MERGE


@kernel
def _part(lines: Lines, occupancy: Occupancy, i: int, who: int, out: Futures) -> None:
    """The two occupancies of line i: what the one in doubt may take is taken, and is free."""
    for t in range(STEPS):
        for c in range(lines.line[i].cells):
            risk, why = occupancy.risk[i, t, c], occupancy.why[i, t, c]
            reason = why // REASON
            comes = reason == Reason.FOLLOW or _gives_way(reason)
            its = risk > 0.0 and (reason == Reason.HIDDEN if who == _HIDDEN else comes and why % REASON == who)
            out.comes.risk[i, t, c] = 1.0 if its else risk
            out.stays.risk[i, t, c] = 0.0 if its else risk
            out.comes.why[i, t, c] = out.stays.why[i, t, c] = why
    out.comes.marked[i] = out.stays.marked[i] = True
    look_ahead(lines, i, out.comes)
    look_ahead(lines, i, out.stays)
