"""Whose fault a collision is. The rules, with their reasons, are in the room's README."""

from __future__ import annotations

import math

import numpy as np

from marque.common import Floats
from marque.driving.map.geometry import wrap
from marque.driving.observation import Kind
from marque.simulation.judge.checks import Trajectory
from marque.simulation.scenario import Scenario
from marque.vehicle import VehicleParameters

STANDING_MPS = 0.1
LOOK_BACK_S = 2.0
COMFORTABLE_BRAKING_MPS2 = 3.0
HARD_BRAKING_MPS2 = 6.0
REACTION_S = 0.35
_SAME_WAY_RAD = math.radians(45.0)
_FARTHER_M = 10.0
"""What the log does not tell of somebody's way any more goes straight on."""


def blame(scenario: Scenario, driven: Trajectory, start: int, hit: int, body: int, vehicle: VehicleParameters) -> tuple[bool, str]:
    """(the ego is at fault, why) for the collision of entry `hit` of the trajectory with a body of the log."""
    other = _Other(scenario, driven, start, body)
    row, _ = scenario.actors.there(start + hit)
    ahead, beside = other.seen_from_ego(hit)
    toward = wrap(float(scenario.actors.heading_rad[row, body]) - float(driven.heading_rad[hit]))
    moves = abs(float(scenario.actors.speed_mps[row, body])) > STANDING_MPS
    window = round(LOOK_BACK_S / scenario.step_s)
    since = max(0, hit - window)

    settled = driven.speed_mps[max(0, hit - round(0.5 / scenario.step_s)) : hit + 1]
    if moves and hit > 0 and np.all(settled < STANDING_MPS):
        return False, "the ego stood and was run into"
    if scenario.actors.kinds[body] == Kind.STATIC or not moves:
        return True, "the ego drove into somebody who stood"
    behind = ahead < -0.25 * vehicle.length_m and abs(toward) < _SAME_WAY_RAD
    if behind and float(scenario.actors.speed_mps[row, body]) > float(driven.speed_mps[hit]):
        kept_lane = other.behind_all_the_time(since, hit, vehicle)
        braking = -np.min(np.diff(driven.speed_mps[since : hit + 1]), initial=0.0) / scenario.step_s
        if kept_lane and (braking <= COMFORTABLE_BRAKING_MPS2 or _somebody_ahead(scenario, driven, start, since, hit, body)):
            return False, "rear-ended by a recorded actor that cannot yield"
        if kept_lane:
            return True, f"rear-ended after braking with {braking:.1f} m/s² for nobody ahead"
        return True, "rear-ended by an actor into whose way it had moved"
    if abs(toward) < _SAME_WAY_RAD and ahead > 0.0:
        entry = other.cut_in(since, hit, vehicle.width_m)
        if entry is not None and _unavoidable(other, entry, vehicle):
            return False, "an actor cut in so closely that no braking could help"
    return True, "no rule excuses the ego" if abs(beside) > 0.0 else "the ego drove into an actor ahead"


class _Other:
    """A body of the log as the ego saw it, step by step."""

    def __init__(self, scenario: Scenario, driven: Trajectory, start: int, body: int) -> None:
        self.scenario, self.driven, self.start, self.body = scenario, driven, start, body

    def present(self, k: int) -> bool:
        return bool(self.scenario.actors.there(self.start + k)[1][self.body])

    def seen_from_ego(self, k: int) -> tuple[float, float]:
        """How far ahead and how far to the left of the ego's centre, m."""
        row, _ = self.scenario.actors.there(self.start + k)
        heading = float(self.driven.heading_rad[k])
        dx = float(self.scenario.actors.x_m[row, self.body] - self.driven.x_m[k])
        dy = float(self.scenario.actors.y_m[row, self.body] - self.driven.y_m[k])
        return dx * math.cos(heading) + dy * math.sin(heading), dy * math.cos(heading) - dx * math.sin(heading)

    def behind_all_the_time(self, first: int, last: int, vehicle: VehicleParameters) -> bool:
        """Whether the ego's tail was in the way of this body, ahead of it, from step to step: nobody moved in front of anybody.

        Its way is what it drives on to, too: in a bend, straight ahead of a body is beside its way.
        """
        actors = self.scenario.actors
        rows = [actors.there(self.start + k)[0] for k in range(first, last + round(LOOK_BACK_S / self.scenario.step_s)) if self.present(k)]
        way = np.column_stack((actors.x_m[rows, self.body], actors.y_m[rows, self.body]))
        heading = float(actors.heading_rad[rows[-1], self.body])
        way = np.vstack((way, way[-1] + _FARTHER_M * np.array((math.cos(heading), math.sin(heading)))))
        reach = 0.5 * (vehicle.width_m + float(np.max(actors.width_m[:, self.body])))
        here = [k for k in range(first, last + 1) if self.present(k)]
        heading_rad, half = self.driven.heading_rad, 0.5 * vehicle.length_m
        tail = np.column_stack((self.driven.x_m - half * np.cos(heading_rad), self.driven.y_m - half * np.sin(heading_rad)))
        return all(_beside(way[n:], tail[k]) <= reach for n, k in enumerate(here))

    def cut_in(self, first: int, last: int, ego_width: float) -> int | None:
        """The step at which this body began to overlap the ego's way from the side; None if it was in it all the time."""
        for k in range(last, first - 1, -1):
            row, _ = self.scenario.actors.there(self.start + k)
            apart = 0.5 * (ego_width + float(self.scenario.actors.width_m[row, self.body]))
            if not self.present(k) or abs(self.seen_from_ego(k)[1]) > apart:
                return k + 1 if k < last else last
        return None


def _beside(way: Floats, point: Floats) -> float:
    """How far from a line of points, (n, 2), a point is that lies ahead of its first one, m; inf for one that does not."""
    steps = np.diff(way, axis=0)
    lengths = np.maximum(np.hypot(steps[:, 0], steps[:, 1]), 1e-9)
    along = np.sum((point - way[:-1]) * steps, axis=1) / lengths
    feet = way[:-1] + steps * (np.clip(along, 0.0, lengths) / lengths)[:, None]
    away = np.hypot(*(point - feet).T)
    nearest = int(np.argmin(away))
    return math.inf if nearest == 0 and along[0] <= 0.0 else float(away[nearest])


def _unavoidable(other: _Other, entry: int, vehicle: VehicleParameters) -> bool:
    """UN Regulation 157, 5.2.5.2: a cut-in need not be survived when TTC ≤ v_rel / (2 · 6 m/s²) + 0.35 s at the intrusion."""
    row, _ = other.scenario.actors.there(other.start + entry)
    ahead, _ = other.seen_from_ego(entry)
    gap = ahead - 0.5 * (vehicle.length_m + float(other.scenario.actors.length_m[row, other.body]))
    closing = float(other.driven.speed_mps[entry]) - float(other.scenario.actors.speed_mps[row, other.body])
    return closing > 0.0 and max(0.0, gap) / closing <= closing / (2.0 * HARD_BRAKING_MPS2) + REACTION_S


def _somebody_ahead(scenario: Scenario, driven: Trajectory, start: int, first: int, last: int, body: int) -> bool:
    """Whether braking had a cause: another body in front of the ego, nearer than three seconds."""
    for k in range(first, last + 1):
        row, present = scenario.actors.there(start + k)
        heading = driven.heading_rad[k]
        dx, dy = scenario.actors.x_m[row] - driven.x_m[k], scenario.actors.y_m[row] - driven.y_m[k]
        ahead = dx * np.cos(heading) + dy * np.sin(heading)
        beside = np.abs(dy * np.cos(heading) - dx * np.sin(heading))
        near = present & (ahead > 0.0) & (ahead < 10.0 + 3.0 * driven.speed_mps[k]) & (beside < 2.5)
        near[body] = False
        if np.any(near):
            return True
    return False
