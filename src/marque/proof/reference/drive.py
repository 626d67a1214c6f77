"""Reference drivers driven through many cases at once."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from marque.common import Bools, Floats, Ints
from marque.proof.reference.car_following import car_following
from marque.proof.reference.cut_in import cut_in, ramp_steps
from marque.proof.reference.cut_out import cut_out
from marque.proof.reference.model import RULES, CarFollowing, CutIn, CutOut, Driver, Kind, Mode, Outcomes, Situation, no_outcomes

SITUATIONS: dict[Kind, type[Situation]] = {Kind.CUT_IN: CutIn, Kind.CUT_OUT: CutOut, Kind.CAR_FOLLOWING: CarFollowing}
FASTEST_KMH, FASTEST_ACROSS_MPS, FARTHEST_M, HARDEST_G = 500.0, 30.0, 1e5, 5.0
LIMITS: dict[str, tuple[float, float]] = {
    "ego_kmh": (0.0, FASTEST_KMH),
    "cut_in_kmh": (0.0, FASTEST_KMH),
    "lateral_mps": (0.0, FASTEST_ACROSS_MPS),
    "front_gap_m": (0.0, FARTHEST_M),
    "lead_braking_g": (0.0, HARDEST_G),
}
"""Between which a parameter makes sense, both included; distances between the cars in front of each other have their own in `limits`."""


def limits(kind: Kind, parameter: str) -> tuple[float, float]:
    """Lowest and highest value of a parameter. Side by side at first makes sense in a cut-in alone."""
    if parameter == "gap_m":
        return (-FARTHEST_M if kind is Kind.CUT_IN else 0.0), FARTHEST_M
    return LIMITS[parameter]


def kind_of(situation: Situation) -> Kind:
    return next(kind for kind, its in SITUATIONS.items() if isinstance(situation, its))


def knows(driver: Driver, kind: Kind) -> bool:
    """Whether the model says anything of such a situation: paragraph 5.2.5.2 speaks of cut-ins alone."""
    return driver is not Driver.REG157 or kind is Kind.CUT_IN


def drive(driver: Driver | Ints, situation: Situation, mode: Mode) -> Outcomes:
    """How the driver (or for each case its own, an array of their numbers) fares in every case.

    Raises ValueError when a parameter is outside its `limits`, shapes do not fit, or a driver does not know the situation.
    """
    kind, rules = kind_of(situation), RULES[mode]
    drivers, columns = _columns(driver, situation, kind)
    out = no_outcomes(len(drivers))
    if isinstance(situation, CutIn):
        most = ramp_steps(float(columns["lateral_mps"].max(initial=0.0)), rules)
        track = np.empty((2, max(most, 1)))
        cut_in(drivers, columns["ego_kmh"], columns["cut_in_kmh"], columns["gap_m"], columns["lateral_mps"], rules, track, out)
    elif isinstance(situation, CutOut):
        cut_out(drivers, columns["ego_kmh"], columns["front_gap_m"], columns["lateral_mps"], columns["gap_m"], rules, out)
    else:
        car_following(drivers, columns["ego_kmh"], columns["lead_braking_g"], columns["gap_m"], rules, out)
    return out


def preventable(driver: Driver | Ints, situation: Situation, mode: Mode = Mode.TEXT) -> Bools:
    """Whether the driver would have come through each case without a collision: shape (cases,). Arguments as for `drive`.

    UN R157, Annex 3: what the model avoids is preventable, and an automated system has to avoid it as well.
    """
    return ~drive(driver, situation, mode).crash


def _columns(driver: Driver | Ints, situation: Situation, kind: Kind) -> tuple[Ints, dict[str, Floats]]:
    names = [field.name for field in fields(situation)]
    given: list[Any] = [np.asarray(getattr(situation, name), np.float64) for name in names]
    drivers, *columns = np.broadcast_arrays(np.atleast_1d(np.asarray(driver, np.int32)), *given)
    if drivers.ndim != 1:
        raise ValueError(f"parameters of shape {drivers.shape}: one value per case is needed")
    for name, column in zip(names, columns, strict=True):
        _must_be_within(name, column, kind)
    for number in np.unique(drivers):
        if not knows(Driver(number), kind):
            raise ValueError(f"{Driver(number).name} says nothing of a {kind.value}")
    return np.array(drivers, np.int32), {name: np.array(column) for name, column in zip(names, columns, strict=True)}


def _must_be_within(name: str, values: ArrayLike, kind: Kind) -> None:
    lowest, highest = limits(kind, name)
    own = name == "gap_m" and kind is not Kind.CUT_IN
    column = np.asarray(values)
    wrong = ~((column >= lowest) & (column <= highest) | (np.isnan(column) & own))
    if wrong.any():
        raise ValueError(f"{name} is {column[wrong][0]!s}, it has to be from {lowest:g} to {highest:g}")
