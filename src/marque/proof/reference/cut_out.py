"""Cut-out: the one ahead leaves the lane, and a car stands there."""

from __future__ import annotations

import math

import numpy as np

from marque.common import Floats, Ints
from marque.proof.reference.checks import HALF_LENGTH_M, fsm_gap, gap_along, rss_along, rss_gap
from marque.proof.reference.model import Driver, Outcomes, Rules
from marque.proof.reference.reaction import Sight, alarmed, attentive, calm, fuzzy, next_speed
from marque.vehicle import inlined, kernel

_CC, _FSM, _RSS = int(Driver.CC), int(Driver.FSM), int(Driver.RSS)
_LENGTH_M, _WIDTH_M, _LANE_M = 4.3, 1.9, 3.5
_WANDER_M = 0.375
_HEADWAY_S = 2.0


@kernel
def kept_gap(driver: int, speed_mps: float) -> float:
    """The gap to somebody ahead and as fast that a driver keeps by itself, m.

    The competent and careful one keeps 2 s (UN R157, Annex 3); the others as much as they find safe.
    """
    if driver == _FSM:
        return fsm_gap(speed_mps)
    return rss_gap(speed_mps) if driver == _RSS else _HEADWAY_S * speed_mps


@inlined
def _look(driver: int, gap_m: float, ego_mps: float, acceleration_mps2: float, seen: int, rules: Rules) -> Sight:
    """What the driver makes of somebody who stands in its lane; seen: steps since it could be seen."""
    if driver == _FSM:
        return fuzzy(gap_m, ego_mps, 0.0, acceleration_mps2)
    if driver == _RSS:
        return alarmed() if gap_m < rss_along(ego_mps, 0.0) else calm(False)
    return alarmed() if seen > rules.risk_steps else calm(False)


@inlined
def _run(driver: int, ego_mps: float, front_gap_m: float, lateral_mps: float, gap_m: float, rules: Rules, out: Outcomes, case: int) -> None:
    """Drive one case; what comes of it goes into `out`."""
    ahead = gap_m + _LENGTH_M
    standing = ahead + front_gap_m + _LENGTH_M
    half_standing = rules.stopped_length_m / 2.0
    across_steps = np.floor(rules.rate_hz * _LANE_M / lateral_mps) + 1.0 if lateral_mps > 0.0 else 0.0
    crash, crash_type, impact, pfs, cfs, lead_crash = False, 0, 0.0, 0.0, 0.0, False
    speed, before, along, across, seen = ego_mps, ego_mps, 0.0, 0.0, 0
    x = ego_mps / rules.rate_hz
    reaction = attentive(driver, rules)
    step = 0
    while step < rules.steps - 1:
        if not lead_crash:
            along += ego_mps
        across += lateral_mps if step < across_steps else 0.0
        lead, aside = along / rules.rate_hz + ahead, across / rules.rate_hz
        if abs(standing - lead) - (HALF_LENGTH_M + half_standing) < 0.0 and aside - _WIDTH_M < 0.0:
            lead_crash = True
        # The one that hits the standing car stops there at once, and is what the ego has to stop for.
        apart = (lead if lead_crash else standing) - x
        gap = gap_along(apart) if lead_crash else apart - HALF_LENGTH_M - half_standing
        touching = abs(apart) - _LENGTH_M if lead_crash else abs(apart) - (HALF_LENGTH_M + half_standing)
        if not crash and touching < 0.0:
            crash, crash_type, impact = True, 1 if apart < 0.0 else 2, speed
        stands = driver == _CC and speed == 0.0
        sight = calm(False)
        if aside > _WANDER_M or lead_crash:
            seen += 1
            if apart >= 0.0:
                sight = _look(driver, gap, speed, (speed - before) * rules.rate_hz, seen, rules)
        if rules.text or seen == 1:
            pfs, cfs = max(pfs, sight.pfs), max(cfs, sight.cfs)
        before = speed
        speed, reaction = next_speed(driver, speed, ego_mps, sight, False, rules, reaction)
        x = x + speed / rules.rate_hz if seen > 0 else (along + ego_mps) / rules.rate_hz
        step += 1
        if stands or (rules.text and (crash or speed == 0.0)):
            break
    if lead_crash and not rules.text:
        pfs = cfs = 0.0
    out.crash[case], out.crash_type[case], out.speed_difference_mps[case] = crash, crash_type, impact
    out.max_pfs[case], out.max_cfs[case], out.steps[case] = pfs, cfs, step
    out.ego_x_end_m[case], out.ego_v_end_mps[case] = x, speed
    out.lead_crash[case] = lead_crash


@kernel
def cut_out(
    drivers: Ints, ego_kmh: Floats, front_gap_m: Floats, lateral_mps: Floats, gap_m: Floats, rules: Rules,
    out: Outcomes,
) -> None:  # fmt: skip
    """Drive every case. Shapes (cases,); gap_m: nan where the driver keeps its own."""
    for case in range(len(drivers)):
        speed, gap = ego_kmh[case] / 3.6, gap_m[case]
        if math.isnan(gap):
            gap = kept_gap(drivers[case], speed)
        _run(drivers[case], speed, front_gap_m[case], lateral_mps[case], gap, rules, out, case)
