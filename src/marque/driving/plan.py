"""The plan: every candidate line with every speed profile, the cheapest first (`worth`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marque.common import Floats, Ints
from marque.driving.lines import CELLS, LINES, Lines
from marque.driving.occupancy import Occupancy
from marque.driving.path import Paths
from marque.driving.speed import PROFILES, TICKS, Profiles, aim, pass_and_stop
from marque.driving.worth import HORIZON_S, Task, Terms, comfort, goal_cells, line_terms, speeding, worth
from marque.vehicle import VehicleParameters, VehicleState, kernel, lean

BEST = 8
CANDIDATES = BEST + LINES
"""The guard is asked in this order: the best of all, by cost; then, when none of those will do, the best of each line, by cost."""
_ROUNDING = 1e-6
"""A bound on a cost and the cost itself are added up in different orders."""


class Choice(NamedTuple):
    """The best candidates, inf in cost where there are fewer; arrays of (CANDIDATES + 1,), the last row is scratch."""

    line: Ints
    profile: Ints
    cost: Floats
    rank: Ints  # (PROFILES,) scratch: sampled profiles, the most promising first
    least: Floats  # (PROFILES,) scratch: what each costs at least
    allowed: Floats  # (CELLS,) scratch: the speed that some line allows there


def no_choice() -> Choice:
    rows = CANDIDATES + 1
    return Choice(
        np.zeros(rows, np.int32), np.zeros(rows, np.int32), np.full(rows, np.inf), np.zeros(PROFILES, np.int32), np.zeros(PROFILES),
        np.zeros(CELLS),
    )  # fmt: skip


@lean
def aim_profiles(lines: Lines, state: VehicleState, profiles: Profiles, task: Task, vehicle: VehicleParameters) -> None:
    """Add profiles that meet a timed goal: early, middle and late, near, middle and far, slow and fast; or as slow as it allows."""
    for goal in range(len(task.windows)):
        early, late, slow, fast = task.windows[goal]
        if early > HORIZON_S or late < 0.15:
            continue
        for i in range(lines.used[0]):
            first, last = goal_cells(lines, i, goal)
            if first < 0:
                continue
            if slow > 0.0:
                for brake in (2.5, 4.0, 6.0, 8.0):
                    pass_and_stop(state.speed_mps, slow + 0.2, brake, first + 0.7, early + 0.05, late, vehicle, profiles)
            for at in (0.5, 0.0, 1.0):
                arrival = min(HORIZON_S, max(0.2, early, early + at * (min(late, HORIZON_S) - early)))
                for part in (0.5, 0.08, 0.25, 0.75, 0.92):
                    way = first + part * (last - first)
                    natural = 2.0 * way / arrival - state.speed_mps
                    low, high = max(0.0, slow + 0.2), min(45.0, fast - 0.2)
                    aim(state.speed_mps, way, min(high, max(low, natural)), arrival, vehicle, profiles)
                    aim(state.speed_mps, way, min(high, max(low, 1.3 * natural - 0.3 * state.speed_mps)), arrival, vehicle, profiles)
            break


@kernel
def efforts(profiles: Profiles, pressed: Floats, task: Task) -> Floats:
    """(PROFILES,) what each profile costs on any line. pressed: (PROFILES,) what it does to the one behind (`followers.press`)."""
    effort = np.zeros(PROFILES)
    for row in range(profiles.used[0]):
        effort[row] = comfort(profiles, row, task.timed[0] == 1) + pressed[row]
    return effort


@lean
def choose(
    lines: Lines, paths: Paths, profiles: Profiles, occupancy: Occupancy, task: Task, effort: Floats, cycle: Terms, last_kind: int,
    last_target: float, out: Choice,
) -> None:  # fmt: skip
    """Weigh every pair of line and profile that may be among the best, and keep the BEST.

    effort: (PROFILES,) of `efforts`. last_kind, last_target: path and offset driven in the last cycle.
    """
    out.cost[:] = np.inf
    _rank(lines, profiles, effort, cycle.eager, task.timed[0] == 1, out)
    for i in range(lines.used[0]):
        _choose_on(lines, paths, profiles, occupancy, task, effort, cycle, i, last_kind, last_target, 0, BEST, out)


@lean
def choose_each(
    lines: Lines, paths: Paths, profiles: Profiles, occupancy: Occupancy, task: Task, effort: Floats, cycle: Terms, last_kind: int,
    last_target: float, out: Choice,
) -> None:  # fmt: skip
    """Keep the best of each line, too, by cost, behind the BEST. Arguments as of `choose`, which has been asked before."""
    for i in range(lines.used[0]):
        out.cost[CANDIDATES] = np.inf
        _choose_on(lines, paths, profiles, occupancy, task, effort, cycle, i, last_kind, last_target, CANDIDATES, CANDIDATES + 1, out)
        if out.cost[CANDIDATES] < np.inf:
            insert(out, BEST, CANDIDATES, i, out.profile[CANDIDATES], out.cost[CANDIDATES])


@lean
def _choose_on(
    lines: Lines, paths: Paths, profiles: Profiles, occupancy: Occupancy, task: Task, effort: Floats, cycle: Terms, i: int, last_kind: int,
    last_target: float, first: int, end: int, out: Choice,
) -> None:  # fmt: skip
    """Keep in rows first..end (exclusive) what on line i costs less than what is there.

    Without a time to keep, what a pair gains is what it drives: profiles are taken by what they cost and gain on an empty line, and once
    that alone is more than what is kept already, so is everything behind it.
    """
    line = line_terms(lines, paths, i, cycle, last_kind, last_target)
    at_best = line.base + min(0.0, line.remains)
    for k in range(LINES - 1, profiles.used[0]):  # its follower first: what costs more than that need not be weighed to its end
        row = i if k < LINES else out.rank[k]
        limit = out.cost[end - 1]
        if k >= LINES and at_best + out.least[row] > limit + _ROUNDING and not task.timed[0]:
            break
        cost = worth(lines, paths, profiles, occupancy, task, effort[row], cycle, line, i, row, limit)
        if cost < limit:
            insert(out, first, end, i, row, cost)


@lean
def _rank(lines: Lines, profiles: Profiles, effort: Floats, eager: float, timed: bool, out: Choice) -> None:
    """Fill `rank` and `least`: what a profile costs and gains on an empty line that allows all that any of them does."""
    out.allowed[:] = 0.0
    for i in range(lines.used[0]):
        last = lines.line[i].cells - 1
        for c in range(CELLS):
            out.allowed[c] = max(out.allowed[c], lines.cell[i, min(c, last)].allowed)
    for row in range(LINES, profiles.used[0]):
        least = effort[row] - eager * profiles.s[row, TICKS - 1] + (0.0 if timed else speeding(profiles, row, out.allowed))
        out.least[row] = least
        at = row
        while at > LINES and out.least[out.rank[at - 1]] > least:
            out.rank[at] = out.rank[at - 1]
            at -= 1
        out.rank[at] = row


@lean
def insert(out: Choice, first: int, end: int, line: int, profile: int, cost: float) -> None:
    """Into rows first..end (exclusive), which are sorted by cost; the last one is dropped."""
    at = end - 1
    while at > first and out.cost[at - 1] > cost:
        out.line[at], out.profile[at], out.cost[at] = out.line[at - 1], out.profile[at - 1], out.cost[at - 1]
        at -= 1
    out.line[at], out.profile[at], out.cost[at] = line, profile, cost
