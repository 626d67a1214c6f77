"""The guard: no command is given that does not leave a verified way to stop.

It does not plan. It takes the planner's candidates in their order and passes the first one after whose first step full braking along
the candidate's line still avoids everyone, even if the one ahead brakes hard. If none passes, the stopping trajectory verified in the
last cycle is driven on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Floats, Ints
from marque.driving.lines import CELLS, Lines
from marque.driving.occupancy import FREE, REASON, Occupancy
from marque.driving.perceive import Tracks
from marque.driving.plan import BEST, Choice
from marque.driving.predict import STEP_S, STEPS
from marque.driving.speed import TICK_S, Profiles
from marque.driving.view import Reason
from marque.vehicle import VehicleState, kernel

BRAKING_MPS2 = 7.5
_LEADER_BRAKING_MPS2 = 7.0
_SURE = 0.3
NOTHING = -1


class Stop(NamedTuple):
    """The stopping trajectory held: a line, and how far along it the car has come. Arrays (CELLS,); at: (2,) m, 1 if held."""

    x: Floats
    y: Floats
    heading: Floats
    curvature: Floats
    at: Floats


def no_stop() -> Stop:
    return Stop(np.zeros(CELLS), np.zeros(CELLS), np.zeros(CELLS), np.zeros(CELLS), np.zeros(2))


@kernel
def verify(lines: Lines, profiles: Profiles, occupancy: Occupancy, tracks: Tracks, i: int, row: int, first_s: float) -> bool:
    """Whether braking at BRAKING_MPS2 after first_s seconds of this candidate touches nobody and stays on the road."""
    tick = max(1, round(first_s / TICK_S))
    s1, v1 = profiles.s[row, tick], profiles.v[row, tick]
    standing_why = occupancy.why[i, 0, 0] if occupancy.risk[i, 0, 0] >= _SURE else NOTHING
    for t in range(1, STEPS):
        after = t * STEP_S - first_s
        if after <= 0.0:
            continue
        braked = min(after, v1 / BRAKING_MPS2)
        s = s1 + v1 * braked - 0.5 * BRAKING_MPS2 * braked * braked
        c = min(lines.cells[i] - 1, int(s + 0.5))
        if occupancy.risk[i, t, c] >= _SURE and occupancy.why[i, t, c] != standing_why:
            return False
        if lines.outside[i, c] and not lines.outside[i, 0]:
            return False
        if after > v1 / BRAKING_MPS2:
            break
    return _leader_may_brake(occupancy, tracks, lines, i, s1, v1)


@kernel
def _leader_may_brake(occupancy: Occupancy, tracks: Tracks, lines: Lines, i: int, s1: float, v1: float) -> bool:
    """RSS's longitudinal rule for the one ahead: if it brakes hard from now on, so can we, and do not touch it.

    Source: Shalev-Shwartz, Shammah, Shashua 2017, definition 1, with our own step as the reaction time.
    """
    ahead = occupancy.next[i, 0, 0]
    if ahead >= FREE or ahead >= lines.cells[i]:
        return True
    why = occupancy.why[i, 0, ahead]
    if why // REASON != Reason.FOLLOW:
        return True
    slot = why % REASON
    lead = tracks.speed[slot] * math.cos(tracks.heading[slot] - lines.heading[i, ahead])
    lead = max(0.0, lead)
    room = ahead + lead * lead / (2.0 * _LEADER_BRAKING_MPS2)
    need = s1 + v1 * v1 / (2.0 * BRAKING_MPS2)
    return need <= room or v1 <= 0.05


@kernel
def guard(
    lines: Lines, profiles: Profiles, occupancy: Occupancy, tracks: Tracks, choice: Choice, state: VehicleState, first_s: float, stop: Stop
) -> int:  # fmt: skip
    """Index of the candidate that may be driven; NOTHING when the stopping trajectory has to be. Updates `stop`."""
    for k in range(BEST):
        if choice.cost[k] == np.inf:
            break
        i, row = choice.line[k], choice.profile[k]
        if verify(lines, profiles, occupancy, tracks, i, row, first_s):
            _keep(lines, i, stop)
            stop.at[0] = profiles.s[row, max(1, round(first_s / TICK_S))]
            return k
    if stop.at[1] > 0.0 and choice.cost[0] < np.inf:
        # The stopping trajectory was verified a cycle ago. If the best candidate brakes as hard on a better line, it is at least as safe.
        i, row = choice.line[0], choice.profile[0]
        if profiles.v[row, 2] <= max(0.0, state.speed_mps - 2.0 * TICK_S * 5.0):
            _keep(lines, i, stop)
            stop.at[0] = profiles.s[row, max(1, round(first_s / TICK_S))]
            return 0
    return NOTHING


@kernel
def _keep(lines: Lines, i: int, stop: Stop) -> None:
    cells = lines.cells[i]
    stop.x[:cells], stop.y[:cells] = lines.x[i, :cells], lines.y[i, :cells]
    stop.heading[:cells], stop.curvature[:cells] = lines.heading[i, :cells], lines.curvature[i, :cells]
    stop.curvature[cells:] = 0.0
    stop.at[1] = 1.0
