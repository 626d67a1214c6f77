"""What the reference drivers are asked and what they answer, and the two sets of rules they drive by.

Every parameter is an array with one element per case; any of them may be given once for all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from marque.common import Bools, Floats, Ints


class Driver(IntEnum):
    """The models of UN R157 and of the JRC's comparison of them (Mattas et al. 2022, Accident Analysis & Prevention 174:106743)."""

    CC = 0
    """Competent and careful human driver: performance model 1 of UN R157, Annex 3 (00 series: Annex 4 – Appendix 3)."""
    FSM = 1
    """Fuzzy Safety Model: performance model 2 there; brakes gently before it has to."""
    RSS = 2
    """Responsibility-Sensitive Safety with the JRC's parameters; part of the comparison, not of the regulation."""
    REG157 = 3
    """What UN R157 paragraph 5.2.5.2 demands of the system in a cut-in, as a driver; it says nothing of other situations."""


class Kind(Enum):
    """Situations of UN R157, Annex 3: traffic disturbances ahead on a motorway."""

    CUT_IN = "cut-in"
    CUT_OUT = "cut-out"
    CAR_FOLLOWING = "car-following"


class Mode(Enum):
    """Whose reading of the rules: the JRC's program, or the regulation's text."""

    JRC = "jrc"
    TEXT = "text"


class Rules(NamedTuple):
    """All in which the two modes differ."""

    rate_hz: float
    """Steps per second."""
    steps: int
    reaction_steps: int
    """From danger perceived to braking: 0.75 s (Annex 3, table of performance model factors), in whole steps."""
    intrusion_steps: int
    """The same of what 5.2.5.2 demands: 0.35 s."""
    text: bool
    """Perceive as the regulation says: past 0.375 m of wandering the risk is evaluated for 0.4 s; a lead is a danger above 5 m/s²."""
    risk_steps: int
    """How long the risk is evaluated: 0.4 s."""
    seen_steps: int
    """5.2.5.2: the other's movement has to be visible for 0.72 s before the reference point."""
    ramp_mps2: float
    """How fast somebody gains its lateral speed before the case begins; 0: it has it."""
    jerk_step_mps2: float
    """What is gained per step towards full braking: 0.774 g (with AEB 0.85 g) within 0.6 s, 12.65 m/s³."""
    release_mps2: float
    """Deceleration of a released pedal, within the reaction time of the competent and careful driver."""
    wrapped_braking_mps2: float
    """What is braked with once the other is in front over the full width (AEB, UN R152)."""
    stopped_length_m: float
    """Of the car that stands behind the one which cuts out."""


GRAVITY_MPS2 = 9.81
FULL_BRAKING_MPS2 = 0.774 * GRAVITY_MPS2

JRC = Rules(10.0, 350, 8, 4, False, 0, 0, 1.5, 1.265, 0.4, FULL_BRAKING_MPS2, 5.0)
"""As the JRC's program drives: 0.1 s, perception where the lanes overlap, no AEB. Whole steps: 0.8 s and 0.4 s."""
TEXT = Rules(100.0, 3500, 75, 35, True, 40, 72, 0.0, 0.1265, 0.0, 0.85 * GRAVITY_MPS2, 4.3)
"""As the regulation says, in steps of 0.01 s."""
RULES = {Mode.JRC: JRC, Mode.TEXT: TEXT}


@dataclass(frozen=True)
class CutIn:
    """Somebody slower changes into the lane ahead. Shapes: (cases,) or scalars."""

    ego_kmh: ArrayLike
    cut_in_kmh: ArrayLike
    gap_m: ArrayLike
    """Bumper to bumper along the road when it starts to move across; below 0 the two are side by side."""
    lateral_mps: ArrayLike
    """Speed across the road, towards the ego, from 3.5 m beside it; 0: it stays there."""


@dataclass(frozen=True)
class CutOut:
    """The one ahead, as fast as the ego, leaves the lane, and a car stands there."""

    ego_kmh: ArrayLike
    front_gap_m: ArrayLike
    """From the one ahead to the standing car."""
    lateral_mps: ArrayLike
    """Speed across the road of the one that leaves."""
    gap_m: ArrayLike = math.nan
    """From the ego to the one ahead; nan: what the driver keeps by itself (`kept_gap`)."""


@dataclass(frozen=True)
class CarFollowing:
    """The one ahead, as fast as the ego, brakes to standstill."""

    ego_kmh: ArrayLike
    lead_braking_g: ArrayLike
    """Its deceleration, in units of 9.81 m/s², from the first instant."""
    gap_m: ArrayLike = math.nan


Situation = CutIn | CutOut | CarFollowing


class Outcomes(NamedTuple):
    """What came of each case; every array has shape (cases,)."""

    crash: Bools
    crash_type: Ints
    """0 none; 1 the ego was ahead of the other (its middle beyond the other's), 2 it ran into the other."""
    max_pfs: Floats
    """Greatest Proactive Fuzzy Surrogate Safety Metric in the run, 0–1; 0 of drivers that do not use it."""
    max_cfs: Floats
    """The same of the Critical one."""
    ego_x_end_m: Floats
    """Where the ego's middle was when the run ended; 0 where it was when the case began."""
    ego_v_end_mps: Floats
    steps: Ints
    speed_difference_mps: Floats
    """How much faster than the other the ego was when they touched first; 0 without a crash."""
    lead_crash: Bools
    """Cut-out: whether the one that leaves hits the standing car."""


def no_outcomes(cases: int) -> Outcomes:
    """Room for what comes of so many cases."""
    values, counts, flags = (
        [np.zeros(cases) for _ in range(5)],
        [np.zeros(cases, np.int32) for _ in range(2)],
        [np.zeros(cases, np.bool_) for _ in range(2)],
    )
    return Outcomes(flags[0], counts[0], values[0], values[1], values[2], values[3], counts[1], values[4], flags[1])
