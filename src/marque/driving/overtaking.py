"""On which side one drives past others, and back to the near lane: laws of roads with several lanes, as costs and speeds of the plan.

Sources: StVO § 5 (1), § 7 (2), (2a); Highway Code 264, 268; RTA (Japan) 20, 28; RTSL 44, IR 47; CVC 21754. What differs is in `markets`.
"""

from __future__ import annotations

import math

import numpy as np

from marque.common import Records
from marque.driving.law import Law
from marque.driving.lines import Lines
from marque.driving.path import Paths
from marque.driving.tracks import CAPACITY
from marque.vehicle import VehicleParameters, VehicleState, kernel

_MOTORWAY_MPS, _OUTSIDE_MPS = 27.0, 19.0
"""Roads with such limits, or none, are motorways, or outside towns."""
_QUEUE_MPS = 16.7
"""Past whom is as slow as this (60 km/h) one may drive on the near side, a little faster."""
_LANE_M, _ABREAST_M, _SAME_WAY = 1.8, 5.5, 0.8
_BACK_S, _BACK_M = 12.0, 25.0
"""Back to the near lane where nobody slower is met on it so soon, nor is within this distance, ahead or behind."""
_KEEPS_M = 45.0
"""What staying away from the near lane counts, as a detour: enough to go back, too little not to overtake."""


@kernel
def keep_near(law: Law, state: VehicleState, paths: Paths, tracks: Records) -> None:
    """Make the near lane the cheaper one where the law wants it driven on and nobody slower is on it."""
    side = 2 if law.nearside < 0.0 else 1
    station = paths.station[0, int(max(0.0, paths.path[0].rear_s))]
    if not law.keeps_nearside or paths.path[side].kind < 0 or station.limit < _OUTSIDE_MPS:
        return
    if paths.path[side].cost > paths.path[0].cost + 1.0 or paths.path[side].hold_s < np.inf or paths.path[side].astray_s < np.inf:
        return
    cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
    for slot in range(CAPACITY):
        if tracks[slot].seen:
            dx, dy = tracks[slot].x - state.x_m, tracks[slot].y - state.y_m
            along, beside = dx * cos + dy * sin, law.nearside * (dy * cos - dx * sin)
            if _LANE_M < beside < _ABREAST_M:
                meets = (along - _BACK_M) - _BACK_S * (state.speed_mps - tracks[slot].speed) if along > 0.0 else math.inf
                if abs(along) < _BACK_M or meets < 0.0:
                    return
    paths.path[0].cost += _KEEPS_M
    if paths.path[3 - side].kind >= 0:
        paths.path[3 - side].cost += _KEEPS_M


@kernel
def pass_on_the_far_side(law: Law, state: VehicleState, vehicle: VehicleParameters, lines: Lines, tracks: Records) -> None:
    """On a motorway no line leads past somebody on its near side faster than that one drives, queues apart."""
    if law.passes_nearside or lines.used[0] == 0 or lines.cell[0, 0].limit < _MOTORWAY_MPS:
        return
    front = 0.5 * vehicle.length_m + vehicle.rear_axle_m
    for slot in range(CAPACITY):
        faster = state.speed_mps - tracks[slot].speed
        if not tracks[slot].seen or tracks[slot].speed < _QUEUE_MPS or faster < 0.3:
            continue
        for i in range(lines.used[0]):
            last = lines.line[i].cells - 1
            for c in range(0, last, 2):
                cell = lines.cell[i, c]
                dx, dy = tracks[slot].x - cell.x, tracks[slot].y - cell.y
                along, beside = dx * cell.ux + dy * cell.uy, -law.nearside * (dy * cell.ux - dx * cell.uy)
                if -1.0 <= along < 1.0 and _LANE_M < beside < _ABREAST_M:
                    gap = c - front - 0.5 * tracks[slot].length
                    if math.cos(tracks[slot].heading - cell.heading) > _SAME_WAY and gap > 0.0:
                        for k in range(int(gap * state.speed_mps / faster), last + 1):  # from where it would be beside it on
                            lines.cell[i, k].allowed = min(lines.cell[i, k].allowed, tracks[slot].speed)
                    break
