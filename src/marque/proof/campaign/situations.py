"""What a collision was in the terms of UN R157: a cut-in or a vehicle ahead that brakes, with the parameters the reference drivers ask for.

Everything is seen from the ego, along and across its heading. A cut-in begins when the other starts to move across, and the regulation's
drivers are asked to avoid it from there on. What was neither (crossing traffic, somebody from behind, a standing obstacle) is no situation
of these models, and they say nothing of it.
"""

from __future__ import annotations

import numpy as np

from marque.common import Floats
from marque.proof.reference import CarFollowing, CutIn, Driver, Situation, preventable
from marque.simulation.judge import Trajectory
from marque.simulation.scenario import Scenario
from marque.vehicle import VehicleParameters

MODELS = {"competent-and-careful-model": Driver.CC, "fuzzy-safety-model": Driver.FSM}
"""Names of the verdicts of the models of Annex 3, driven through the situation, not through the scenario."""
_ACROSS_MPS, _SAME_WAY = 0.1, 0.5
_KMH, _GRAVITY_MPS2 = 3.6, 9.81


def preventable_by_models(
    scenario: Scenario, driven: Trajectory, vehicle: VehicleParameters, step: int, other: int, start: int = 0
) -> dict[str, bool]:  # fmt: skip
    """By model, whether it would have avoided the ego's collision with `other` at a step of the scenario; empty for no such situation.

    driven: from the scenario's step `start` on.
    """
    found = situation(scenario, driven, vehicle, step, other, start)
    return {} if found is None else {name: bool(preventable(model, found)[0]) for name, model in MODELS.items()}


def situation(
    scenario: Scenario, driven: Trajectory, vehicle: VehicleParameters, step: int, other: int, start: int = 0
) -> Situation | None:  # fmt: skip
    """Arguments as above."""
    log, body = scenario.actors, int(np.flatnonzero(scenario.actors.ids == other)[0])
    last = min(step, log.steps - 1)
    rows = np.flatnonzero(log.present[start : last + 1, body]) + start
    if len(rows) < 3 or rows[-1] != last:
        return None
    rows = rows[np.append(np.flatnonzero(np.diff(rows) > 1) + 1, 0)[0] :]  # the last time it was there without a break
    mine = np.minimum(rows - start, len(driven.x_m) - 1)
    ahead, aside, along = _relative(driven, mine, log.x_m[rows, body], log.y_m[rows, body], log.heading_rad[rows, body])
    speed = log.speed_mps[rows, body] * along
    if along[-1] < _SAME_WAY or ahead[0] <= 0.0:
        return None
    beside = np.abs(aside) - 0.5 * (log.width_m[last, body] + vehicle.width_m)
    across = -np.gradient(np.abs(aside), scenario.step_s)
    came = np.flatnonzero(beside > 0.0)
    if len(came) == 0:
        braking = float(-np.diff(speed).min(initial=0.0)) / scenario.step_s
        return CarFollowing(float(driven.speed_mps[mine[0]]) * _KMH, min(1.0, max(0.0, braking) / _GRAVITY_MPS2))
    began = came[-1]
    while began > 0 and across[began - 1] > _ACROSS_MPS:
        began -= 1
    gap = ahead[began] - 0.5 * (log.length_m[last, body] + vehicle.length_m)
    lateral = float(np.mean(across[began : came[-1] + 1]))
    if lateral <= _ACROSS_MPS:
        return None
    return CutIn(float(driven.speed_mps[mine[began]]) * _KMH, max(0.0, float(speed[began])) * _KMH, float(gap), lateral)


def _relative(driven: Trajectory, mine: Floats, x: Floats, y: Floats, heading: Floats) -> tuple[Floats, Floats, Floats]:
    """Of the other's middle: how far ahead, how far to the left; and the cosine between both headings."""
    dx, dy, own = x - driven.x_m[mine], y - driven.y_m[mine], driven.heading_rad[mine]
    c, s = np.cos(own), np.sin(own)
    return c * dx + s * dy, c * dy - s * dx, np.cos(heading - own)
