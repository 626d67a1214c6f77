"""Perception: what was seen becomes tracks: perfect observations are followed by their ids, detections by the tracker."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Floats, Records
from marque.driving.map.geometry import wrap
from marque.driving.observation import RAYS, Kind, Observation
from marque.driving.tracker import Tracker, no_tracker, track
from marque.driving.tracks import CAPACITY, NO_ID, TREND_S, no_tracks
from marque.vehicle import VehicleState, kernel, lean

_ACCELERATION_GAIN = 0.35
_YAW_GAIN = 0.5
_POSES = 8
_SCAN_M2 = 10_000.0
"""Over so much road a sensor's false detections spread."""
_FADES = 0.08
"""How gradually finding ends at the end of a sensor's range, as a share of it."""
_SHADE_M = 1.0
_EDGE_RAD = 0.05
_HEARD_M = 6.0

# How far each kind is found, as a share of the range for a car; of what sensors' data sheets say, the least.
_REACH = np.ones(len(Kind))
_REACH[[Kind.MOTORCYCLE, Kind.BICYCLE, Kind.PEDESTRIAN, Kind.STATIC]] = 0.6, 0.5, 0.45, 0.6


class Perception(NamedTuple):
    """What perception remembers. s sensors."""

    tracks: Records  # (CAPACITY,) TRACK
    tracker: Tracker
    suite: Records  # (s,) SENSOR
    poses: Floats  # (_POSES, 4) where the car was, oldest first: time s, x m, y m, heading rad
    chances: Floats  # (CAPACITY, s) how probably each sensor reports each road user in this cycle


def no_perception(suite: Records, step_s: float) -> Perception:
    """Nothing seen yet; suite: (s,) SENSOR."""
    tracker = no_tracker(np.maximum(0.02, suite["ghosts"] * step_s) / _SCAN_M2)
    return Perception(no_tracks(), tracker, suite, np.full((_POSES, 4), np.nan), np.zeros((CAPACITY, len(suite))))


@kernel
def perceive(p: Perception, seen: Observation, state: VehicleState, step_s: float) -> None:
    """Bring the tracks up to this instant; state: where the car believes to be."""
    if seen.perfect:
        follow_all(p.tracks, seen, state.x_m, state.y_m, step_s)
    else:
        _track(p, seen, state, step_s)
    hear(p.tracks, seen.sirens)


@kernel
def hear(tracks: Records, sirens: Floats) -> None:
    """Each siren belongs to the nearest vehicle, if one is near enough."""
    for slot in range(CAPACITY):
        tracks[slot].siren = 0
    for k in range(len(sirens)):
        nearest, least = -1, _HEARD_M
        for slot in range(CAPACITY):
            if tracks[slot].seen and tracks[slot].kind not in (Kind.PEDESTRIAN, Kind.BICYCLE, Kind.STATIC):
                away = math.hypot(tracks[slot].x - sirens[k, 0], tracks[slot].y - sirens[k, 1])
                if away < least:
                    nearest, least = slot, away
        if nearest >= 0:
            tracks[nearest].siren = 1


@kernel
def _track(p: Perception, seen: Observation, state: VehicleState, step_s: float) -> None:
    if math.isnan(p.poses[-1, 0]) or seen.time_s - p.poses[-1, 0] > 1.0:
        for k in range(_POSES):  # a beginning: it has been driving like this before
            _place(p.poses, k, state, seen.time_s, (_POSES - 1 - k) * step_s)
    else:
        p.poses[:-1] = p.poses[1:].copy()
        _place(p.poses, _POSES - 1, state, seen.time_s, 0.0)
    for slot in range(CAPACITY):
        if p.tracker.form[slot]:
            x, y = p.tracker.state[slot, 1, 0], p.tracker.state[slot, 1, 1]
            kind = p.tracks[slot].kind if p.tracks[slot].id != NO_ID else Kind.CAR
            _foresee(p, seen, state, slot, x, y, _REACH[kind])
    track(p.tracker, p.tracks, seen.detections, seen.time_s, p.poses, p.chances)
    for slot in range(CAPACITY):  # who is known and only hidden is there all the same
        p.tracks[slot].seen = p.tracks[slot].id != NO_ID


@lean
def _place(poses: Floats, k: int, state: VehicleState, time_s: float, ago_s: float) -> None:
    way = -ago_s * state.speed_mps
    poses[k, 0], poses[k, 3] = time_s - ago_s, state.heading_rad
    poses[k, 1], poses[k, 2] = state.x_m + way * math.cos(state.heading_rad), state.y_m + way * math.sin(state.heading_rad)


@lean
def _foresee(p: Perception, seen: Observation, state: VehicleState, slot: int, x: float, y: float, kind_reach: float) -> None:
    """Fill a slot's chances: 0 for a sensor that does not look there, does not work, or from whose eye somebody hides it."""
    cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
    dx, dy = x - state.x_m, y - state.y_m
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    for e in range(len(seen.eyes)):
        ex, ey = along - seen.eyes[e, 0], across - seen.eyes[e, 1]
        away = math.hypot(ex, ey) - 0.5 * p.tracker.size[slot, 2] - _SHADE_M
        hidden = True
        off = int(math.atan2(0.5 * p.tracker.size[slot, 2], max(1.0, away)) * (RAYS / (2.0 * math.pi)))
        ray = round(math.atan2(ey, ex) * (RAYS / (2.0 * math.pi)))
        for turn in (-off, 0, off):
            hidden = hidden and seen.free_m[e, (ray + turn) % RAYS] < away
        for s in range(len(p.suite)):
            if seen.eye_of[s] != e:
                continue
            p.chances[slot, s] = 0.0
            bearing = math.atan2(across - p.suite[s].y, along - p.suite[s].x)
            inside = abs(wrap(bearing - p.suite[s].yaw)) < p.suite[s].half_angle - _EDGE_RAD
            if seen.working[s] and inside and not hidden:
                reach = max(1.0, seen.range_m[s] * kind_reach)
                p.chances[slot, s] = p.suite[s].detects / (1.0 + math.exp((away / reach - 1.0) / _FADES))


@kernel
def follow_all(tracks: Records, seen: Observation, ego_x: float, ego_y: float, step_s: float) -> None:
    """Speeds are taken as observed, rates by first-order filters of their differences."""
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
            tracks[free].acceleration = tracks[free].trend = tracks[free].yaw_rate = tracks[free].standing_s = 0.0
            _take(tracks, free, seen, int(i))


@lean
def _follow(tracks: Records, slot: int, seen: Observation, i: int, step_s: float) -> None:
    acceleration = (seen.speed_mps[i] - tracks[slot].speed) / step_s
    turned = wrap(seen.heading_rad[i] - tracks[slot].heading)
    first = tracks[slot].cycles == 1
    tracks[slot].acceleration += (1.0 if first else _ACCELERATION_GAIN) * (min(9.0, max(-10.0, acceleration)) - tracks[slot].acceleration)
    tracks[slot].trend += min(1.0, step_s / TREND_S) * (tracks[slot].acceleration - tracks[slot].trend)
    tracks[slot].yaw_rate += (1.0 if first else _YAW_GAIN) * (turned / step_s - tracks[slot].yaw_rate)
    tracks[slot].standing_s = tracks[slot].standing_s + step_s if abs(seen.speed_mps[i]) < 0.2 else 0.0
    _take(tracks, slot, seen, i)


@lean
def _take(tracks: Records, slot: int, seen: Observation, i: int) -> None:
    tracks[slot].kind = seen.kinds[i]
    tracks[slot].x, tracks[slot].y = seen.x_m[i], seen.y_m[i]
    tracks[slot].heading, tracks[slot].speed = seen.heading_rad[i], seen.speed_mps[i]
    tracks[slot].length, tracks[slot].width = seen.length_m[i], seen.width_m[i]
    tracks[slot].cycles += 1
    tracks[slot].seen = 1
