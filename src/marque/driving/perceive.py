"""Tracked surroundings: what was seen, carried from cycle to cycle so that acceleration and turning become visible."""

from __future__ import annotations

import math

import numpy as np

from marque.common import Records
from marque.driving.map.geometry import wrap
from marque.driving.observation import Observation
from marque.vehicle import kernel

CAPACITY = 96
"""Road users tracked at once; the nearest are kept."""
_ACCELERATION_GAIN = 0.35
_YAW_GAIN = 0.5
NO_ID = -(2**31)


TRACK = np.dtype(
    [
        ("id", "i8"),  # NO_ID in an empty slot
        ("kind", "i8"),  # `Kind`
        ("x", "f8"),  # centre of the body, m, world frame
        ("y", "f8"),
        ("heading", "f8"),
        ("speed", "f8"),
        ("acceleration", "f8"),
        ("yaw_rate", "f8"),
        ("length", "f8"),
        ("width", "f8"),
        ("standing_s", "f8"),  # how long it has not moved
        ("cycles", "i8"),  # how often it has been seen
        ("seen", "i8"),  # in this cycle
    ],
    align=True,
)


def no_tracks() -> Records:
    """(CAPACITY,) TRACK: road users slot by slot."""
    tracks = np.zeros(CAPACITY, TRACK)
    tracks["id"] = NO_ID
    return tracks


@kernel
def perceive(tracks: Records, seen: Observation, ego_x: float, ego_y: float, step_s: float) -> None:
    """Bring the tracks up to this instant. Speeds are taken as observed, rates by first-order filters of their differences."""
    n = len(seen.ids)
    chosen = np.arange(n)
    if n > CAPACITY:
        distance = np.empty(n)
        for k in range(n):
            distance[k] = math.hypot(seen.x_m[k] - ego_x, seen.y_m[k] - ego_y)
        chosen = np.argsort(distance)[:CAPACITY]
    for slot in range(CAPACITY):
        tracks[slot].seen = 0
    for i in chosen:
        for slot in range(CAPACITY):
            if tracks[slot].id == seen.ids[i]:
                _follow(tracks, slot, seen, int(i), step_s)
                break
    for slot in range(CAPACITY):
        if not tracks[slot].seen:
            tracks[slot].id = NO_ID
            tracks[slot].cycles = 0
    free = 0
    for i in chosen:
        known = False
        for slot in range(CAPACITY):
            known = known or tracks[slot].id == seen.ids[i]
        if not known:
            while tracks[free].id != NO_ID:
                free += 1
            tracks[free].id = seen.ids[i]
            tracks[free].acceleration = tracks[free].yaw_rate = tracks[free].standing_s = 0.0
            _take(tracks, free, seen, int(i))


@kernel
def _follow(tracks: Records, slot: int, seen: Observation, i: int, step_s: float) -> None:
    acceleration = (seen.speed_mps[i] - tracks[slot].speed) / step_s
    turned = wrap(seen.heading_rad[i] - tracks[slot].heading)
    first = tracks[slot].cycles == 1
    tracks[slot].acceleration += (1.0 if first else _ACCELERATION_GAIN) * (min(9.0, max(-10.0, acceleration)) - tracks[slot].acceleration)
    tracks[slot].yaw_rate += (1.0 if first else _YAW_GAIN) * (turned / step_s - tracks[slot].yaw_rate)
    tracks[slot].standing_s = tracks[slot].standing_s + step_s if abs(seen.speed_mps[i]) < 0.2 else 0.0
    _take(tracks, slot, seen, i)


@kernel
def _take(tracks: Records, slot: int, seen: Observation, i: int) -> None:
    tracks[slot].kind = seen.kinds[i]
    tracks[slot].x, tracks[slot].y = seen.x_m[i], seen.y_m[i]
    tracks[slot].heading, tracks[slot].speed = seen.heading_rad[i], seen.speed_mps[i]
    tracks[slot].length, tracks[slot].width = seen.length_m[i], seen.width_m[i]
    tracks[slot].cycles += 1
    tracks[slot].seen = 1
