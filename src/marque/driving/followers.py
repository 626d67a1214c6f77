"""Who drives behind, and how hard each speed profile would make it brake: nobody is to be run into for driving slowly without need."""

from __future__ import annotations

import numpy as np

from marque.common import Floats, Records
from marque.driving.behind import gap_behind
from marque.driving.path import Paths
from marque.driving.predict import STEP_S, Predictions
from marque.driving.speed import TICK_S, Profiles
from marque.vehicle import VehicleParameters, lean

_LOOKS_S = 4.0
_REACTS_S = 0.8
_FREELY_MPS2, _HARDEST_MPS2 = 3.0, 8.0
"""Braking that costs it nothing; the most it can do."""
_PRESSED = 6.0
"""Per (m/s²)² beyond that, in metres of progress."""
_LIKELY = 0.3


@lean
def follower(tracks: Records, predictions: Predictions, paths: Paths, vehicle: VehicleParameters) -> tuple[int, float]:
    """The slot of the nearest road user behind on the own path, and the gap from its nose to the car's tail, m; (−1, inf) for none."""
    nearest, gap = -1, np.inf
    for mode in range(predictions.used[0]):
        if predictions.mode[mode].probability < _LIKELY:
            continue
        away = gap_behind(tracks, predictions, mode, paths, vehicle)
        if away < gap:
            nearest, gap = predictions.mode[mode].owner, away
    return nearest, gap


@lean
def press(
    tracks: Records, predictions: Predictions, paths: Paths, vehicle: VehicleParameters, profiles: Profiles, cost: Floats
) -> None:  # fmt: skip
    """Fill cost, (PROFILES,): what each profile does to the one behind, who goes on as now until it reacts, then brakes as it must."""
    cost[:] = 0.0
    slot, gap = follower(tracks, predictions, paths, vehicle)
    if slot < 0:
        return
    first_speed = tracks[slot].speed
    goes_on = min(2.5, max(-_HARDEST_MPS2, tracks[slot].acceleration))
    for row in range(profiles.used[0]):
        s, v, hardest = 0.0, first_speed, 0.0
        for t in range(1, int(_LOOKS_S / STEP_S) + 1):
            tick = int(t * STEP_S / TICK_S + 0.5)
            room, own = gap + profiles.s[row, tick] - s, profiles.v[row, tick]
            faster = max(0.0, v - own)
            needs = min(_HARDEST_MPS2, faster * faster / (2.0 * max(0.1, room)))
            a = goes_on
            if t * STEP_S > _REACTS_S:
                hardest = max(hardest, needs)
                a = -needs if needs > 0.5 * _FREELY_MPS2 else min(goes_on, 0.0)
            v_after = max(0.0, v + a * STEP_S)
            s += 0.5 * (v + v_after) * STEP_S
            v = v_after
        over = max(0.0, hardest - _FREELY_MPS2)
        cost[row] = _PRESSED * over * over
