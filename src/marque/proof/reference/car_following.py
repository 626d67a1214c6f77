"""Car-following: the one ahead brakes to standstill."""

from __future__ import annotations

import math

from marque.common import Floats, Ints
from marque.proof.reference.checks import gap_along, rss_along
from marque.proof.reference.cut_out import kept_gap
from marque.proof.reference.model import GRAVITY_MPS2, Driver, Outcomes, Rules
from marque.proof.reference.reaction import Sight, alarmed, attentive, calm, fuzzy, next_speed
from marque.vehicle import inlined, kernel

_CC, _FSM, _RSS = int(Driver.CC), int(Driver.FSM), int(Driver.RSS)
_LENGTH_M = 4.3
_DANGEROUS_MPS2 = 5.0
"""What a lead has to brake with for the competent and careful driver to perceive danger (UN R157, Annex 3, deceleration scenario)."""


@inlined
def _look(
    driver: int, gap_m: float, ego_mps: float, lead_mps: float, acceleration_mps2: float, braking_mps2: float, step: int, rules: Rules
) -> Sight:
    if driver == _FSM:
        return fuzzy(gap_m, ego_mps, lead_mps, acceleration_mps2)
    if driver == _RSS:
        return alarmed() if gap_m < rss_along(ego_mps, lead_mps) else calm(False)
    if rules.text and braking_mps2 <= _DANGEROUS_MPS2:
        return calm(True)
    return alarmed() if step >= rules.risk_steps else calm(False)


@inlined
def _run(driver: int, ego_mps: float, braking_mps2: float, gap_m: float, rules: Rules, out: Outcomes, case: int) -> None:
    """Drive one case; what comes of it goes into `out`."""
    ahead = gap_m + _LENGTH_M
    crash, crash_type, impact, pfs, cfs = False, 0, 0.0, 0.0, 0.0
    speed, before, along = ego_mps, ego_mps, 0.0
    x = ego_mps / rules.rate_hz
    reaction = attentive(driver, rules)
    step = 0
    while step < rules.steps - 1:
        lead_mps = max(0.0, ego_mps - step * braking_mps2 / rules.rate_hz)
        along += lead_mps
        apart = along / rules.rate_hz + ahead - x
        if not crash and abs(apart) - _LENGTH_M < 0.0:
            crash, crash_type, impact = True, 1 if apart < 0.0 else 2, speed - lead_mps
        stands = driver == _CC and speed == 0.0
        sight = calm(False)
        if apart >= 0.0:
            sight = _look(driver, gap_along(apart), speed, lead_mps, (speed - before) * rules.rate_hz, braking_mps2, step, rules)
        pfs, cfs = max(pfs, sight.pfs), max(cfs, sight.cfs)
        before = speed
        speed, reaction = next_speed(driver, speed, ego_mps, sight, False, rules, reaction)
        x += speed / rules.rate_hz
        step += 1
        if sight.ends or stands or (rules.text and (crash or speed == 0.0)):
            break
    out.crash[case], out.crash_type[case], out.speed_difference_mps[case] = crash, crash_type, impact
    out.max_pfs[case], out.max_cfs[case], out.steps[case] = pfs, cfs, step
    out.ego_x_end_m[case], out.ego_v_end_mps[case] = x, speed


@kernel
def car_following(
    drivers: Ints, ego_kmh: Floats, lead_braking_g: Floats, gap_m: Floats, rules: Rules,
    out: Outcomes,
) -> None:  # fmt: skip
    """Drive every case. Shapes (cases,); gap_m: nan where the driver keeps its own."""
    for case in range(len(drivers)):
        speed, gap = ego_kmh[case] / 3.6, gap_m[case]
        if math.isnan(gap):
            gap = kept_gap(drivers[case], speed)
        _run(drivers[case], speed, lead_braking_g[case] * GRAVITY_MPS2, gap, rules, out, case)
