"""How the drivers answer to what they see: one step of their speed."""

from __future__ import annotations

from typing import NamedTuple

from marque.proof.reference.checks import critical, proactive
from marque.proof.reference.model import FULL_BRAKING_MPS2, Driver, Rules
from marque.vehicle import inlined

_CC, _FSM, _REG157 = int(Driver.CC), int(Driver.FSM), int(Driver.REG157)
_RECOVERY_MPS2 = 1.0
_REGULATION_MPS2 = 6.0
_FSM_GENTLE_MPS2, _FSM_HARD_MPS2 = 4.0, 6.0


class Reaction(NamedTuple):
    """What a driver keeps in mind from step to step."""

    waiting: int
    """Steps till it brakes, once it has to."""
    braking_mps2: float
    reacted: bool


class Sight(NamedTuple):
    """What a driver makes of the situation in one step."""

    safe: bool
    ends: bool
    """There is nothing more to be feared: the run is over after this step."""
    pfs: float
    cfs: float


@inlined
def attentive(driver: int, rules: Rules) -> Reaction:
    """At the beginning of a case."""
    return Reaction(rules.intrusion_steps if driver == _REG157 else rules.reaction_steps, 0.0, False)


@inlined
def calm(ends: bool) -> Sight:
    return Sight(True, ends, 0.0, 0.0)


@inlined
def alarmed() -> Sight:
    return Sight(False, False, 0.0, 0.0)


@inlined
def fuzzy(gap_m: float, ego_mps: float, lead_mps: float, acceleration_mps2: float) -> Sight:
    """What the Fuzzy Safety Model makes of somebody in front."""
    pfs, cfs = proactive(gap_m, ego_mps, lead_mps), critical(gap_m, ego_mps, lead_mps, acceleration_mps2)
    return Sight(cfs + pfs == 0.0, False, pfs, cfs)


@inlined
def next_speed(
    driver: int, speed_mps: float, wanted_mps: float, sight: Sight, wrapped: bool, rules: Rules, before: Reaction
) -> tuple[float, Reaction]:
    """Speed after one step, and what is kept in mind.

    wanted_mps: what it drove at first; a driver that never had to react returns to it. wrapped: the other is in front over the full
    width, so that AEB helps the competent and careful driver.
    """
    if sight.safe:
        if before.reacted:
            return speed_mps, before
        most = _RECOVERY_MPS2 / rules.rate_hz
        return speed_mps + min(max(wanted_mps - speed_mps, -most), most), before
    if before.waiting > 0:
        release = rules.release_mps2 if driver == _CC else 0.0
        return speed_mps - release / rules.rate_hz, Reaction(before.waiting - 1, release, True)
    if driver == _REG157:
        braking = _REGULATION_MPS2
    else:
        full = rules.wrapped_braking_mps2 if wrapped and driver == _CC else FULL_BRAKING_MPS2
        braking = min(before.braking_mps2 + rules.jerk_step_mps2 * (full / FULL_BRAKING_MPS2), full)
        if driver == _FSM:
            gentle = sight.pfs * _FSM_GENTLE_MPS2
            hard = sight.cfs * (_FSM_HARD_MPS2 - _FSM_GENTLE_MPS2) + _FSM_GENTLE_MPS2
            braking = min(braking, hard if sight.cfs > 0.0 else gentle)
    return max(0.0, speed_mps - braking / rules.rate_hz), Reaction(0, braking, True)
