"""The JRC's reference drivers once more, written from the description of its semantics with numpy arrays and nothing of ours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

STEPS, RATE, G = 350, 10, 9.81
LENGTH, WIDTH, LANE = 4.3, 1.9, 3.5
CC, FSM, RSS, REG = range(4)


@dataclass
class Run:
    crash: bool = False
    crash_type: int = 0
    pfs: float = 0.0
    cfs: float = 0.0
    x_end: float = 0.0
    v_end: float = 0.0
    steps: int = 0
    lead_crash: bool = False


class Brake:
    """From perceiving to braking."""

    def __init__(self, driver, wanted):
        self.driver, self.wanted = driver, wanted
        self.left = 0.35 if driver == REG else 0.75
        self.decel, self.reacted = np.float64(0.0), False

    def next(self, v, safe, pfs, cfs):
        if safe:
            return v if self.reacted else v + np.clip(self.wanted - v, -0.1, 0.1)
        self.reacted = True
        if self.left > 0:
            self.left -= 0.1
            if self.driver == CC:
                self.decel = np.float64(0.4)
                return v - self.decel / RATE
            return v
        if self.driver == REG:
            return np.maximum(v - np.float64(6) / RATE, 0.0)
        limits = [self.decel + 1.265, 0.774 * G]
        if self.driver == FSM:
            limits.append(cfs * (6 - 4) + 4 if cfs > 0 else pfs * 4)
        self.decel = np.min(limits)
        return np.maximum(v - self.decel / RATE, 0.0)


def square(value):
    return value * value


def pfs_of(gap, ve, vc):
    t, d = 0.75, gap - 2
    ds = ve * t + square(ve) / (2 * 4) - square(vc) / (2 * 7) + 2
    du = ve * t + square(ve) / (2 * 6) - square(vc) / (2 * 7)
    return 0.0 if d > ds else 1.0 if d < du else (d - ds) / (du - ds)


def cfs_of(gap, ve, vc, a):
    if ve <= vc:
        return 0.0
    t, kept = 0.75, np.maximum(a, -4)
    u = ve + t * kept
    if u < vc:
        return 1.0 if gap < square(ve - vc) / np.abs(2 * a) else 0.0
    first = (ve + kept * t / 2 - vc) * t
    ds, du = first + square(u - vc) / (2 * 4), first + square(u - vc) / (2 * 6)
    return 0.0 if gap > ds else 1.0 if gap < du else (gap - ds) / (du - ds)


def rss_distance(ve, vc):
    r = 0.75
    return ve * r + 3 * square(r) / 2 + square(ve + 3 * r) / (2 * 6) - square(vc) / (2 * 6)


def rss_beside(vy):
    r, s = 0.75, np.abs(vy)
    return 0.3 + np.abs((2 * s + 1 * r) * r / 2) + square(s + 1 * r) / (2 * 1)


def moving_steps(lateral):
    steps = 10 * LANE / lateral
    return STEPS if steps > STEPS else int(math.floor(steps) + 1)


def challenger(vc, gap, lateral):
    """(steps of the prelude, x, y, vy) at every instant."""
    ramp = np.arange(0, -lateral, -0.15) if lateral > 0 else np.zeros(0)
    n = len(ramp)
    vy = np.zeros(STEPS)
    if lateral > 0:
        vy[: moving_steps(lateral)] = -lateral
    before_x = np.cumsum(np.full(n, -vc) / RATE)[::-1] + (gap + LENGTH)
    before_y = np.cumsum(-ramp[::-1] / RATE)[::-1] + LANE
    after_x = np.concatenate(([0.0], np.cumsum(np.full(STEPS, vc)))) / RATE + (gap + LENGTH)
    after_y = np.concatenate(([0.0], np.cumsum(vy))) / RATE + LANE
    return n, np.concatenate((before_x, after_x)), np.concatenate((before_y, after_y)), np.concatenate((ramp, vy, [0.0]))


def cut_in(driver, ego_kmh, cut_in_kmh, gap_m, lateral):
    with np.errstate(all="ignore"):
        return _cut_in(driver, np.float64(ego_kmh) / 3.6, np.float64(cut_in_kmh) / 3.6, np.float64(gap_m), np.float64(lateral))


def _cut_in(driver, ve, vc, gap_m, lateral):
    n, cx, cy, vy = challenger(vc, gap_m, lateral)
    count = STEPS + n
    v, x, run, brake = np.zeros(count + 1), np.zeros(count + 1), Run(), Brake(driver, ve)
    v[0] = ve
    x[0] = np.cumsum(np.full(n, -ve) / RATE)[-1] if n else 0.0
    for i in range(count):
        dx = cx[i] - x[i]
        gap, gy = dx - LENGTH / 2 - LENGTH / 2, np.abs(cy[i]) - WIDTH / 2 - WIDTH / 2
        if np.abs(cy[i]) - WIDTH < 0 and np.abs(dx) - LENGTH < 0 and not run.crash:
            run.crash, run.crash_type = True, 1 if x[i] > cx[i] else 2
        safe, ends, pfs, cfs = True, False, 0.0, 0.0
        if x[i] > cx[i]:
            pass
        elif driver == CC:
            ends = bool(gy <= 0 and np.abs(gap / (v[i] - vc)) > 2)
            safe = gy > 0 or ends
        elif driver == REG:
            safe = gy > 0.5 or np.abs(gap / (v[i] - vc)) > (v[i] - vc) / (2 * 6) + 0.35 + 0.1
        elif driver == RSS:
            safe = not (gap < rss_distance(v[i], vc) and gy < rss_beside(vy[i]))
        else:
            s = -vy[i]
            passes = gy > 0 and (s <= 0 or gy / s > (dx + LENGTH) / (v[i] - vc) + 0.1)
            if not passes:
                pfs, cfs = pfs_of(gap, v[i], vc), cfs_of(gap, v[i], vc, (v[i] - v[i - 1]) * 10)
                safe = cfs + pfs == 0
                run.pfs, run.cfs = max(run.pfs, pfs), max(run.cfs, cfs)
        v[i + 1] = brake.next(v[i], safe, pfs, cfs)
        x[i + 1] = x[i] + v[i + 1] / RATE
        run.steps = i + 1
        if ends:
            break
    run.x_end, run.v_end = x[run.steps], v[run.steps]
    return run


def own_gap(driver, v):
    if driver == CC:
        return 2 * v
    if driver == RSS:
        return rss_distance(v, np.maximum(0.0, v - 6 * 0.75)) + 6 * square(0.75) / 2
    return v * 0.75 + square(v) / (2 * 4) - square(v) / (2 * 7) + 4


def car_following(driver, ego_kmh, braking_g):
    with np.errstate(all="ignore"):
        return _car_following(driver, np.float64(ego_kmh) / 3.6, np.float64(braking_g) * G)


def _car_following(driver, ve, braking):
    lead_v = np.maximum(0.0, ve - np.arange(STEPS) * braking / RATE)
    lead_x = np.cumsum(lead_v) / RATE + (own_gap(driver, ve) + LENGTH)
    v, x, run, brake = np.zeros(STEPS), np.zeros(STEPS), Run(), Brake(driver, ve)
    v[0], x[0] = ve, ve / RATE
    for i in range(STEPS - 1):
        dx = lead_x[i] - x[i]
        gap = dx - LENGTH / 2 - LENGTH / 2
        if np.abs(dx) - LENGTH < 0 and not run.crash:
            run.crash, run.crash_type = True, 1 if x[i] > lead_x[i] else 2
        safe, pfs, cfs = True, 0.0, 0.0
        if x[i] > lead_x[i]:
            pass
        elif driver == CC:
            safe = False
        elif driver == RSS:
            safe = not gap < rss_distance(v[i], lead_v[i])
        else:
            pfs, cfs = pfs_of(gap, v[i], lead_v[i]), cfs_of(gap, v[i], lead_v[i], (v[i] - v[i - 1]) * 10 if i else 0.0)
            safe = cfs + pfs == 0
            run.pfs, run.cfs = max(run.pfs, pfs), max(run.cfs, cfs)
        v[i + 1] = brake.next(v[i], safe, pfs, cfs)
        x[i + 1] = x[i] + v[i + 1] / RATE
        run.steps = i + 1
        if driver == CC and v[i] == 0:
            break
    run.x_end, run.v_end = x[run.steps], v[run.steps]
    return run


def cut_out(driver, ego_kmh, front_gap, lateral):
    with np.errstate(all="ignore"):
        return _cut_out(driver, np.float64(ego_kmh) / 3.6, np.float64(front_gap), np.float64(lateral))


def _cut_out(driver, ve, front_gap, lateral):
    ahead = own_gap(driver, ve) + LENGTH
    standing = ahead + front_gap + LENGTH
    vy = np.zeros(STEPS)
    if lateral > 0:
        vy[: moving_steps(lateral)] = -lateral
    lead_x, lead_y = np.cumsum(np.full(STEPS, ve)) / RATE + ahead, np.cumsum(vy) / RATE
    v, x, run, brake = np.full(STEPS, ve), np.cumsum(np.full(STEPS, ve)) / RATE, Run(), Brake(driver, ve)
    stands_at, length, looked, stored = standing, 5.0, False, False
    for i in range(STEPS - 1):
        if not run.lead_crash and np.abs(standing - lead_x[i]) - (LENGTH + 5.0) / 2 < 0 and np.abs(lead_y[i]) - WIDTH < 0:
            run.lead_crash, stands_at, length = True, lead_x[i], LENGTH
        dx = stands_at - x[i]
        gap = dx - LENGTH / 2 - length / 2
        if np.abs(dx) - (LENGTH + length) / 2 < 0 and not run.crash:
            run.crash, run.crash_type = True, 1 if x[i] > stands_at else 2
        safe, pfs, cfs = True, 0.0, 0.0
        if run.lead_crash or lead_y[i] < -0.375:
            looked = True
            if x[i] > stands_at:
                pass
            elif driver == CC:
                safe = False
            elif driver == RSS:
                safe = not gap < rss_distance(v[i], 0.0)
            else:
                pfs, cfs = pfs_of(gap, v[i], 0.0), cfs_of(gap, v[i], 0.0, (v[i] - v[i - 1]) * 10 if i else 0.0)
                safe = cfs + pfs == 0
                if not stored:
                    run.pfs, run.cfs = pfs, cfs
            stored = True
        v[i + 1] = brake.next(v[i], safe, pfs, cfs)
        if looked:
            x[i + 1] = x[i] + v[i + 1] / RATE
        run.steps = i + 1
        if driver == CC and v[i] == 0:
            break
    if run.lead_crash:
        run.pfs = run.cfs = 0.0
    run.x_end, run.v_end = x[run.steps], v[run.steps]
    return run
