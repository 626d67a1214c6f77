"""Speed profiles: how far and how fast along a line, at tenths of a second for six seconds."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Floats, Ints
from marque.driving.lines import LINES, Lines
from marque.driving.occupancy import FREE, Occupancy
from marque.driving.predict import STEP_S, STEPS
from marque.vehicle import VehicleParameters, kernel, lean

TICK_S = 0.1
TICKS = 61
_FIRST = (-8.0, -5.0, -3.5, -2.2, -1.2, -0.5, 0.0, 0.6, 1.2, 2.0, 3.0)
_FIRST_S = (1.0, 2.2, 4.0)
_THEN = (-3.0, -1.0, 0.0, 1.5)
SAMPLED = len(_FIRST) * len(_FIRST_S) * len(_THEN)
GROUP = SAMPLED // len(_FIRST)
"""Sampled profiles that begin alike for a second, side by side."""
AIMED = 80
"""Room for profiles that arrive at the goal's place, speed and time exactly, or pass it no slower than asked and stop behind it."""
PROFILES = LINES + SAMPLED + AIMED
"""Row i < LINES is the follower's profile of line i."""
_JERK_MPS3 = 9.0
_HARD_JERK_MPS3 = 60.0
_IDM_ACCELERATION = 1.6
_IDM_BRAKING = 2.0
_IDM_HEADWAY_S = 1.0
_IDM_GAP_M = 2.0


class Profiles(NamedTuple):
    """s: m along the line, v: m/s, each (PROFILES, TICKS); the first `used[0]` rows hold."""

    used: Ints  # (1,)
    s: Floats
    v: Floats


def no_profiles() -> Profiles:
    return Profiles(np.zeros(1, np.int32), np.zeros((PROFILES, TICKS)), np.zeros((PROFILES, TICKS)))


@kernel
def sample_profiles(speed: float, acceleration: float, vehicle: VehicleParameters, out: Profiles) -> None:
    """The family of one acceleration for a while, then another, with limited jerk except where braking is hard."""
    row, now = LINES, np.empty(GROUP)
    for first in _FIRST:
        now[:] = acceleration
        out.s[row : row + GROUP, 0], out.v[row : row + GROUP, 0] = 0.0, speed
        for t in range(1, TICKS):
            for k in range(GROUP):  # side by side: none of them waits for another's last step
                wanted = first if t * TICK_S <= _FIRST_S[k // len(_THEN)] else _THEN[k % len(_THEN)]
                jerk = _HARD_JERK_MPS3 if wanted < -4.0 else _JERK_MPS3
                now[k] += min(jerk * TICK_S, max(-jerk * TICK_S, wanted - now[k]))
                v = out.v[row + k, t - 1]
                out.s[row + k, t], out.v[row + k, t] = _advance(out.s[row + k, t - 1], v, _possible(now[k], v, vehicle))
        row += GROUP
    out.used[0] = row


@kernel
def _possible(a: float, v: float, vehicle: VehicleParameters) -> float:
    highest = vehicle.acceleration_max_mps2
    if v > vehicle.speed_switch_mps:
        highest *= vehicle.speed_switch_mps / v
    return min(a, highest)


@kernel
def _advance(s: float, v: float, a: float) -> tuple[float, float]:
    after = v + a * TICK_S
    if after < 0.0:
        return s + v * v / max(1e-6, -2.0 * a), 0.0
    return s + 0.5 * (v + after) * TICK_S, after


@lean
def aim(speed: float, distance: float, arrival_speed: float, arrival_s: float, vehicle: VehicleParameters, out: Profiles) -> None:
    """Add the profile of two constant accelerations that is `distance` metres on at arrival_s with arrival_speed, if there is one.

    With halves h = arrival_s / 2: distance = speed·2h + 1.5·h²·a1 + 0.5·h²·a2 and arrival_speed = speed + h·(a1 + a2).
    """
    if out.used[0] >= PROFILES or arrival_s < 0.15 or arrival_s > (TICKS - 1) * TICK_S:
        return
    h = 0.5 * arrival_s
    both = (arrival_speed - speed) / h
    a1 = (distance - 2.0 * h * speed) / (h * h) - 0.5 * both
    a2 = both - a1
    if min(a1, a2) < -8.5 or max(a1, a2) > 6.0 or speed + a1 * h < 0.0:
        return
    row = out.used[0]
    out.used[0] += 1
    s, v = 0.0, speed
    out.s[row, 0], out.v[row, 0] = s, v
    for t in range(1, TICKS):
        end = t * TICK_S
        share = min(1.0, max(0.0, (h - (end - TICK_S)) / TICK_S))
        a = a1 * share + a2 * (1.0 - share)
        if end > arrival_s + 0.5 * TICK_S:
            a = 0.0
        s, v = _advance(s, v, _possible(a, v, vehicle))
        out.s[row, t], out.v[row, t] = s, v


@lean
def pass_and_stop(
    speed: float, pace: float, brake: float, distance: float, earliest_s: float, latest_s: float, vehicle: VehicleParameters, out: Profiles
) -> None:
    """Add the profile that goes over to `pace` with `brake` m/s² (> 0), holds it until it is `distance` metres on, earliest_s is over
    and it is not slower than that, and brakes to a halt from there; none where that is later than latest_s.

    For who has to be slow because of what comes after the goal, but in the goal not as slow as that.
    """
    if out.used[0] >= PROFILES:
        return
    row = out.used[0]
    s, v, passed_s = 0.0, speed, np.inf
    for t in range(TICKS):
        out.s[row, t], out.v[row, t] = s, v
        if passed_s == np.inf and s >= distance and t * TICK_S >= earliest_s and v > pace - 1e-6:
            passed_s = t * TICK_S
        a = -brake if passed_s < np.inf else min(brake, max(-brake, (pace - v) / TICK_S))
        s, v = _advance(s, v, _possible(a, v, vehicle))
    if passed_s <= latest_s:
        out.used[0] += 1


@lean
def follow(lines: Lines, i: int, speed: float, acceleration: float, wish: float, occupancy: Occupancy, out: Profiles) -> None:
    """The follower's profile of line i: the Intelligent Driver Model against whatever is blocked ahead at each instant.

    wish: a speed the goal asks for; the line's own allowed speed holds besides. Source: Treiber, Hennecke, Helbing 2000.
    """
    s, v, a = 0.0, speed, acceleration
    out.s[i, 0], out.v[i, 0] = s, v
    last = lines.line[i].cells - 1
    for t in range(1, TICKS):
        cell = min(last, int(s + 0.5))
        instant = min(STEPS - 1, int((t - 1) * TICK_S / STEP_S))
        desired = max(0.5, min(wish, lines.cell[i, min(last, cell + 1)].allowed))
        ratio = v / desired
        wanted = _IDM_ACCELERATION * (1.0 - ratio**4) if ratio <= 1.0 else -min(3.0, 1.5 * (v - desired))
        ahead = occupancy.next[i, instant, cell]
        if ahead < FREE:
            later = occupancy.next[i, min(STEPS - 1, instant + 3), cell]
            lead = (later - ahead) / (3.0 * STEP_S) if later < FREE and instant + 3 < STEPS else 0.0
            if later >= FREE:
                lead = v
            lead = min(40.0, max(0.0, lead))
            gap = max(0.1, ahead - s - 0.3)
            need = _IDM_GAP_M * min(1.0, 0.3 + 0.7 * lead) + max(
                0.0, _IDM_HEADWAY_S * min(v, lead + 2.0) + v * (v - lead) / (2.0 * math.sqrt(_IDM_ACCELERATION * _IDM_BRAKING))
            )
            wanted = min(wanted, _IDM_ACCELERATION * (1.0 - (need / gap) ** 2))
        wanted = max(-8.0, wanted)
        jerk = _HARD_JERK_MPS3 if wanted < -4.0 else _JERK_MPS3
        a += min(jerk * TICK_S, max(-jerk * TICK_S, wanted - a))
        s, v = _advance(s, v, a)
        out.s[i, t], out.v[i, t] = s, v
