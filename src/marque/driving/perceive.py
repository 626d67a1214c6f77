"""Tracked surroundings: what was seen, carried from cycle to cycle so that acceleration and turning become visible."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Bytes, Floats, Ints
from marque.driving.observation import Observation
from marque.vehicle import kernel

CAPACITY = 96
"""Road users tracked at once; the nearest are kept."""
_ACCELERATION_GAIN = 0.35
_YAW_GAIN = 0.5
_NONE = -(2**31)


class Tracks(NamedTuple):
    """Up to CAPACITY road users, slot by slot; `ids` is _NONE in an empty slot. World frame, SI, centres of bodies."""

    ids: Ints
    kinds: Bytes
    x: Floats
    y: Floats
    heading: Floats
    speed: Floats
    acceleration: Floats
    yaw_rate: Floats
    length: Floats
    width: Floats
    standing_s: Floats  # how long it has not moved
    cycles: Ints  # how often it has been seen
    seen: Bytes  # in this cycle


def no_tracks() -> Tracks:
    def values() -> Floats:
        return np.zeros(CAPACITY)

    return Tracks(
        np.full(CAPACITY, _NONE, np.int32),
        np.zeros(CAPACITY, np.uint8),
        values(),
        values(),
        values(),
        values(),
        values(),
        values(),
        values(),
        values(),
        values(),
        np.zeros(CAPACITY, np.int32),
        np.zeros(CAPACITY, np.uint8),
    )


@kernel
def perceive(tracks: Tracks, seen: Observation, ego_x: float, ego_y: float, step_s: float) -> None:
    """Bring the tracks up to this instant. Speeds are taken as observed, rates by first-order filters of their differences."""
    n = len(seen.ids)
    chosen = np.arange(n)
    if n > CAPACITY:
        distance = np.empty(n)
        for i in range(n):
            distance[i] = math.hypot(seen.x_m[i] - ego_x, seen.y_m[i] - ego_y)
        chosen = np.argsort(distance)[:CAPACITY]
    tracks.seen[:] = 0
    for i in chosen:
        for slot in range(CAPACITY):
            if tracks.ids[slot] == seen.ids[i]:
                _follow(tracks, slot, seen, i, step_s)
                break
    for slot in range(CAPACITY):
        if not tracks.seen[slot]:
            tracks.ids[slot] = _NONE
            tracks.cycles[slot] = 0
    free = 0
    for i in chosen:
        known = False
        for slot in range(CAPACITY):
            known = known or tracks.ids[slot] == seen.ids[i]
        if not known:
            while tracks.ids[free] != _NONE:
                free += 1
            tracks.ids[free] = seen.ids[i]
            tracks.acceleration[free] = tracks.yaw_rate[free] = tracks.standing_s[free] = 0.0
            _take(tracks, free, seen, i)


@kernel
def _follow(tracks: Tracks, slot: int, seen: Observation, i: int, step_s: float) -> None:
    acceleration = (seen.speed_mps[i] - tracks.speed[slot]) / step_s
    turned = (seen.heading_rad[i] - tracks.heading[slot] + math.pi) % (2.0 * math.pi) - math.pi
    first = tracks.cycles[slot] == 1
    tracks.acceleration[slot] += (1.0 if first else _ACCELERATION_GAIN) * (min(9.0, max(-10.0, acceleration)) - tracks.acceleration[slot])
    tracks.yaw_rate[slot] += (1.0 if first else _YAW_GAIN) * (turned / step_s - tracks.yaw_rate[slot])
    tracks.standing_s[slot] = tracks.standing_s[slot] + step_s if abs(seen.speed_mps[i]) < 0.2 else 0.0
    _take(tracks, slot, seen, i)


@kernel
def _take(tracks: Tracks, slot: int, seen: Observation, i: int) -> None:
    tracks.kinds[slot] = seen.kinds[i]
    tracks.x[slot], tracks.y[slot] = seen.x_m[i], seen.y_m[i]
    tracks.heading[slot], tracks.speed[slot] = seen.heading_rad[i], seen.speed_mps[i]
    tracks.length[slot], tracks.width[slot] = seen.length_m[i], seen.width_m[i]
    tracks.cycles[slot] += 1
    tracks.seen[slot] = 1
