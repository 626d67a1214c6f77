"""Cut-in: somebody slower comes into the lane ahead, driven through by each driver."""

from __future__ import annotations

import math

import numpy as np

from marque.common import Floats, Ints
from marque.proof.reference.checks import comes_in_front, gap_across, gap_along, intrusion_limit, rss_across, rss_along
from marque.proof.reference.model import Driver, Outcomes, Rules
from marque.proof.reference.reaction import Sight, alarmed, attentive, calm, fuzzy, next_speed
from marque.vehicle import inlined, kernel

_CC, _FSM, _RSS = int(Driver.CC), int(Driver.FSM), int(Driver.RSS)
_LENGTH_M, _WIDTH_M, _ASIDE_M = 4.3, 1.9, 3.5
_WANDER_M = 0.375
_CRITICAL_S = 2.0
_INTRUSION_M = 0.5
"""Left between the sides when the other is 0.3 m beyond the lane marking (UN R157, 5.2.5.2), in a lane of 3.5 m."""


@inlined
def _look(
    driver: int, apart_m: float, aside_m: float, sideways_mps: float, ego_mps: float, other_mps: float, acceleration_mps2: float,
    noticed: int, moving: int, reacted: bool, rules: Rules,
) -> Sight:  # fmt: skip
    """What the driver makes of the other; noticed, moving: steps since it left the middle of its lane by the wander, since it moves."""
    closing = ego_mps - other_mps
    gap, beside = gap_along(apart_m), gap_across(aside_m)
    if driver == _FSM:
        if beside > 0.0 and not comes_in_front(beside, sideways_mps, apart_m, closing):
            return calm(False)
        return fuzzy(gap, ego_mps, other_mps, acceleration_mps2)
    if driver == _RSS:
        return alarmed() if beside < rss_across(sideways_mps) and gap < rss_along(ego_mps, other_mps) else calm(False)
    if driver != _CC:
        if beside > _INTRUSION_M or moving < rules.seen_steps:
            return calm(False)
        return calm(False) if abs(gap / closing) > intrusion_limit(closing) + 1.0 / rules.rate_hz else alarmed()
    if not rules.text:
        if beside > 0.0:
            return calm(False)
        return calm(True) if abs(gap / closing) > _CRITICAL_S else alarmed()
    if reacted:
        return alarmed() if closing > 0.0 else calm(False)
    if noticed <= rules.risk_steps:
        return calm(False)
    return calm(True) if closing <= 0.0 or gap / closing > _CRITICAL_S else alarmed()


@kernel
def _approach(ego_mps: float, other_mps: float, ahead_m: float, ramp: int, rules: Rules, track: Floats) -> float:
    """Where both were while the other gained its lateral speed: fills track (2, ramp), returns where the ego was first."""
    ego = along = across = 0.0
    for back in range(ramp):
        step = ramp - 1 - back
        ego += -ego_mps / rules.rate_hz
        along += -other_mps / rules.rate_hz
        across += step * (rules.ramp_mps2 / rules.rate_hz) / rules.rate_hz
        track[0, step] = along + ahead_m
        track[1, step] = across + _ASIDE_M
    return ego


@kernel
def ramp_steps(lateral_mps: float, rules: Rules) -> int:
    """Steps in which the other gains its lateral speed."""
    if rules.ramp_mps2 == 0.0 or lateral_mps <= 0.0:
        return 0
    return math.ceil(lateral_mps / (rules.ramp_mps2 / rules.rate_hz))


@inlined
def _run(
    driver: int, ego_mps: float, other_mps: float, gap_m: float, lateral_mps: float, rules: Rules, track: Floats, out: Outcomes, case: int
) -> None:
    """Drive one case; what comes of it goes into `out`."""
    ramp, ahead = ramp_steps(lateral_mps, rules), gap_m + _LENGTH_M
    x = _approach(ego_mps, other_mps, ahead, ramp, rules, track)
    across_steps = np.floor(rules.rate_hz * _ASIDE_M / lateral_mps) + 1.0 if lateral_mps > 0.0 else 0.0
    crash, crash_type, impact, pfs, cfs = False, 0, 0.0, 0.0, 0.0
    speed, before, along, across, noticed = ego_mps, ego_mps, 0.0, 0.0, 0
    reaction = attentive(driver, rules)
    step = 0
    while step < rules.steps + ramp:
        since = step - ramp
        if since < 0:
            there, aside, sideways = track[0, step], track[1, step], step * (rules.ramp_mps2 / rules.rate_hz)
        else:
            if since > 0:
                along += other_mps
                across += -lateral_mps if since - 1 < across_steps else 0.0
            there, aside = along / rules.rate_hz + ahead, across / rules.rate_hz + _ASIDE_M
            sideways = lateral_mps if since < across_steps else 0.0
        if not crash and abs(aside) - _WIDTH_M < 0.0 and abs(there - x) - _LENGTH_M < 0.0:
            crash, crash_type, impact = True, 1 if x > there else 2, speed - other_mps
        noticed += 1 if aside < _ASIDE_M - _WANDER_M else 0
        sight = calm(False)
        if x <= there:
            acceleration = (speed - before) * rules.rate_hz
            sight = _look(driver, there - x, aside, sideways, speed, other_mps, acceleration, noticed, since, reaction.reacted, rules)
        pfs, cfs = max(pfs, sight.pfs), max(cfs, sight.cfs)
        before = speed
        wrapped = since >= across_steps
        speed, reaction = next_speed(driver, speed, ego_mps, sight, wrapped, rules, reaction)
        x += speed / rules.rate_hz
        step += 1
        if sight.ends or (rules.text and _over(crash, there - x, speed, other_mps, reaction.reacted or ego_mps <= other_mps)):
            break
    out.crash[case], out.crash_type[case], out.speed_difference_mps[case] = crash, crash_type, impact
    out.max_pfs[case], out.max_cfs[case], out.steps[case] = pfs, cfs, step
    out.ego_x_end_m[case], out.ego_v_end_mps[case] = x, speed


@inlined
def _over(crash: bool, apart_m: float, speed_mps: float, other_mps: float, stays_slow: bool) -> bool:
    """Whether nothing can change any more: they touched, or the ego has passed, or it is behind and falls back."""
    return crash or apart_m < -_LENGTH_M or (stays_slow and speed_mps <= other_mps and apart_m > _LENGTH_M)


@kernel
def cut_in(
    drivers: Ints, ego_kmh: Floats, cut_in_kmh: Floats, gap_m: Floats, lateral_mps: Floats, rules: Rules, track: Floats,
    out: Outcomes,
) -> None:  # fmt: skip
    """Drive every case. Shapes (cases,); track: (2, most `ramp_steps`), room to work in."""
    for case in range(len(drivers)):
        _run(drivers[case], ego_kmh[case] / 3.6, cut_in_kmh[case] / 3.6, gap_m[case], lateral_mps[case], rules, track, out, case)
