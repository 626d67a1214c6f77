"""How near a drive came to harm, step by step, and through whom."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Bools, Floats, Ints
from marque.simulation.judge.checks import Trajectory
from marque.simulation.judge.metrics import time_to_collision
from marque.simulation.metrics.course import NO_ONE, Course
from marque.simulation.scenario import Scenario
from marque.vehicle import VehicleParameters, boxes_overlap, kernel

ENCROACHMENT_S = 4.0
"""Who comes to a place later than this does not encroach upon anybody."""
_AHEAD_RAD, _BEHIND_RAD = math.radians(30.0), math.radians(150.0)
_STANDING_MPS = 0.1


class Criticality(NamedTuple):
    """Per step (n,). Times are inf, decelerations 0 where nobody is concerned; bodies of the log, NO_ONE without."""

    ttc_s: Floats
    """Time to collision if everybody keeps speed and heading (Hayward 1972), the least over all bodies."""
    ttc_body: Ints
    bound_ttc_s: Floats
    """The same over bodies ahead, and beside while the ego is in a junction or over a border; none while it stands (nuPlan's selection)."""
    bound_body: Ints
    pet_s: Floats
    """Post-encroachment time (Allen, Shin, Cooper 1978): between the ego's being where it is and somebody else's, whoever came first."""
    pet_body: Ints
    thw_s: Floats
    """Time headway to the leader: gap over own speed."""
    drac_mps2: Floats
    """Deceleration that avoids the crash with the leader if it keeps its speed (Almqvist, Hydén, Risser 1991): closing² / (2 · gap)."""
    btn: Floats
    """Brake threat number (Brännström, Sjöberg, Coelingh 2008): the deceleration that avoids it if the leader goes on braking as it does,
    over the greatest the ego has; from 1 on braking alone no longer helps."""


def criticality(scenario: Scenario, driven: Trajectory, start: int, vehicle: VehicleParameters, course: Course) -> Criticality:
    """All of it for a trajectory that begins at step `start` of the scenario."""
    n, actors = driven.x_m.size, scenario.actors
    lanes = scenario.road_map.arrays.lanes
    beside_counts = course.crosses_border | (lanes["junction"][course.lane] >= 0) | (course.lane < 0)
    ttc, bound, pet = np.full(n, np.inf), np.full(n, np.inf), np.full(n, np.inf)
    bodies = np.full((3, n), NO_ONE, np.int32)
    log = (actors.x_m, actors.y_m, actors.heading_rad, actors.speed_mps, actors.length_m, actors.width_m, actors.present, actors.stands)
    _times_to_collision(driven, start, vehicle.length_m, vehicle.width_m, *log, beside_counts, ttc, bodies[0], bound, bodies[1])
    _encroachments(driven, start, vehicle.length_m, vehicle.width_m, *log, scenario.step_s, pet, bodies[2])
    thw, drac, btn = _behind_leader(scenario, driven, start, vehicle, course)
    return Criticality(ttc, bodies[0], bound, bodies[1], pet, bodies[2], thw, drac, btn)


@kernel
def _times_to_collision(
    driven: Trajectory, start: int, length_m: float, width_m: float, x: Floats, y: Floats, heading: Floats, speed: Floats,
    lengths: Floats, widths: Floats, present: Bools, stands: Bools, beside_counts: Bools,
    ttc: Floats, ttc_body: Ints, bound: Floats, bound_body: Ints,
) -> None:  # fmt: skip
    for k in range(driven.x_m.size):
        row = min(start + k, present.shape[0] - 1)
        cos, sin = math.cos(driven.heading_rad[k]), math.sin(driven.heading_rad[k])
        for i in range(present.shape[1]):
            there = stands[i] if start + k >= present.shape[0] else present[row, i]
            if not there:
                continue
            found = time_to_collision(
                driven.x_m[k], driven.y_m[k], driven.heading_rad[k], driven.speed_mps[k], length_m, width_m,
                x[row, i], y[row, i], heading[row, i], speed[row, i], lengths[row, i], widths[row, i],
            )  # fmt: skip
            if found < ttc[k]:
                ttc[k], ttc_body[k] = found, i
            dx, dy = x[row, i] - driven.x_m[k], y[row, i] - driven.y_m[k]
            bearing = abs(math.atan2(dy * cos - dx * sin, dx * cos + dy * sin))
            concerns = bearing <= _AHEAD_RAD or (beside_counts[k] and bearing < _BEHIND_RAD)
            if concerns and driven.speed_mps[k] > _STANDING_MPS and found < bound[k]:
                bound[k], bound_body[k] = found, i


@kernel
def _encroachments(
    driven: Trajectory, start: int, length_m: float, width_m: float, x: Floats, y: Floats, heading: Floats, speed: Floats,
    lengths: Floats, widths: Floats, present: Bools, stands: Bools, step_s: float, pet: Floats, pet_body: Ints,
) -> None:  # fmt: skip
    """Only bodies that do not stand by nature, at steps at which they or the ego move: who stands encroaches upon nobody."""
    reach = int(ENCROACHMENT_S / step_s)
    half = 0.5 * math.hypot(length_m, width_m)
    for i in range(present.shape[1]):
        if stands[i]:
            continue
        for k in range(driven.x_m.size):
            row = start + k
            for apart in range(min(reach, int(pet[k] / step_s) if pet[k] < math.inf else reach) + 1):
                for side in range(2 if apart > 0 else 1):
                    j = row - apart if side == 0 else row + apart
                    if j < 0 or j >= present.shape[0] or not present[j, i] or apart * step_s >= pet[k]:
                        continue
                    far = half + 0.5 * (lengths[j, i] + widths[j, i])
                    if abs(x[j, i] - driven.x_m[k]) > far or abs(y[j, i] - driven.y_m[k]) > far:
                        continue
                    if speed[j, i] < _STANDING_MPS and driven.speed_mps[k] < _STANDING_MPS:
                        continue
                    if boxes_overlap(
                        driven.x_m[k], driven.y_m[k], driven.heading_rad[k], length_m, width_m,
                        x[j, i], y[j, i], heading[j, i], lengths[j, i], widths[j, i],
                    ):  # fmt: skip
                        pet[k], pet_body[k] = apart * step_s, i


def _behind_leader(
    scenario: Scenario, driven: Trajectory, start: int, vehicle: VehicleParameters, course: Course
) -> tuple[Floats, Floats, Floats]:
    """(time headway, deceleration rate to avoid a crash, brake threat number) per step."""
    actors, step_s = scenario.actors, scenario.step_s
    led = np.flatnonzero(course.leader != NO_ONE)
    thw, drac, btn = np.full(driven.x_m.size, np.inf), np.zeros(driven.x_m.size), np.zeros(driven.x_m.size)
    rows = np.minimum(start + led, actors.steps - 1)
    bodies = course.leader[led]
    way = np.cos(actors.heading_rad[rows, bodies] - driven.heading_rad[led])
    its = np.maximum(0.0, actors.speed_mps[rows, bodies] * way)
    before = np.maximum(0, rows - 1)
    seen = actors.present[before, bodies] & (rows > before)
    braking = np.where(seen, np.maximum(0.0, actors.speed_mps[before, bodies] - actors.speed_mps[rows, bodies]) / step_s, 0.0)
    own, gap = driven.speed_mps[led], np.maximum(course.gap_m[led], 1e-3)
    thw[led] = np.where(own > _STANDING_MPS, gap / np.maximum(own, _STANDING_MPS), np.inf)
    closing = np.maximum(0.0, own - its)
    drac[led] = 0.5 * closing**2 / gap
    # Either the ego is as slow as the leader while that one still brakes, or the leader has come to rest and the ego stops behind it.
    behind_it = 0.5 * own**2 / (gap + 0.5 * its**2 / np.maximum(braking, 1e-6))
    still_moving = 2.0 * gap * braking <= its * closing
    needed = np.where(still_moving, braking + drac[led], behind_it)
    btn[led] = np.where(own > _STANDING_MPS, needed / vehicle.braking_max_mps2, 0.0)
    return thw, drac, btn
