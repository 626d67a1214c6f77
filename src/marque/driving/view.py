"""What the driving system shows of its thinking, cycle by cycle: for passengers, engineers and replays."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from marque.common import Floats, Ints


class Reason(IntEnum):
    """Why the car drives as it does right now: the constraint that binds. `subject` names who or what, `distance_m` how far."""

    CRUISE = 0
    """Nothing binds but the speed it wants."""
    SPEED_LIMIT = 1
    CURVE = 2
    FOLLOW = 3
    """subject: the road user ahead."""
    RED_LIGHT = 4
    """subject: the signal."""
    AMBER_LIGHT = 5
    YIELD = 6
    """subject: the road user with right of way."""
    PEDESTRIAN = 7
    """subject: the pedestrian on or about to enter a crossing."""
    OBSTACLE = 8
    """subject: what stands in the way."""
    CHANGE_LEFT = 9
    CHANGE_RIGHT = 10
    PASS = 11
    """subject: who is being passed."""
    ARRIVE = 12
    """The goal's time, speed or place binds."""
    MERGE = 13
    """subject: whom it lets in or follows in."""
    EMERGENCY = 14
    """The guard's stopping trajectory is being driven; subject: what made it necessary."""
    STOP_SIGN = 15
    NO_ROUTE = 16
    BLOCKED = 17
    """The way beyond a junction is full; it waits so as not to block it. subject: who."""
    BACK = 18
    """It drives back a little, or has; subject: whom it makes room for."""
    HIDDEN = 25
    """Somebody may come from where it does not see."""
    SIREN = 26
    """subject: the emergency vehicle that it makes way for."""
    LEAVES_ODD = 19
    """From here on a minimal risk manoeuvre: it leaves, or has left, the domain it is made for."""
    SENSORS_LOST = 20
    LOCALISATION_LOST = 21
    VEHICLE_FAULT = 22
    """Brakes, steering, motor or wheel speeds."""
    COMPUTE_LATE = 23
    CONNECTION_LOST = 24
    GUARD_DISTANCE = 30
    """The guard brakes harder than the plan: it keeps its distance to the one ahead, or to who comes towards it. subject: whom."""
    GUARD_BESIDE = 31
    """The guard keeps the car from moving towards the subject."""
    GUARD_CROSSING = 32
    """The guard brakes before a place where the subject's way crosses or joins."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One hypothesis about one road user: where its centre may go."""

    subject: int
    probability: float
    path_m: Floats
    """(k, 2)"""


@dataclass(frozen=True, slots=True)
class View:
    """One cycle's thinking of one pilot."""

    reason: Reason
    subject: int
    """An actor's id or a signal's index, −1 for none."""
    distance_m: float
    target_speed_mps: float
    plan: Floats
    """(k, 4): x m, y m, heading rad, speed m/s, from now on, `plan_step_s` apart."""
    plan_step_s: float
    route: Ints
    """Lane indices still ahead, the present one first."""
    predictions: tuple[Prediction, ...]
    tracked: Floats = field(default_factory=lambda: np.empty((0, 3)))
    """(k, 3): id, x m, y m of everyone it takes to be there, where perception is not perfect: the ids are its own, not the actors'."""
    hazards: bool = False
    """Its hazard lights are on: a minimal risk manoeuvre, or the condition it led to."""
