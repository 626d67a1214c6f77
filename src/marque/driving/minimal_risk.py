"""Minimal risk manoeuvres: what the car does when something of it fails or its domain ends, chosen by what still works.

Terms of ISO/TS 5083 and UN Regulation 157: a *minimal risk manoeuvre* leads to the *minimal risk condition*, standstill with hazard lights
where that is safest. Nothing here plans: a manoeuvre is a `Restraint` on the plan, or the guard's held stop.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple

from marque.driving.localise import Trust
from marque.driving.observation import Conditions, Health
from marque.driving.odd import Attribute, Border, Monitor, Status
from marque.driving.restrain import FREE, Restraint
from marque.driving.view import Reason

_SIGHT_BRAKING_MPS2 = 4.0
"""What stopping within the sight the weather leaves may take, on a dry road."""
_HEALTHY_S = 3.0
"""So long everything works again before the manoeuvre is broken off."""
_LATE_CYCLES, _LATE_S = 3, 10.0
"""So many late results within so long are no hiccup."""
_WEAK, _FROZEN = 0.95, 0.1
_DELAY_S = 0.1
_CHANGES_S = 12.0
"""So long the car looks for a way to the road's edge before it stops where it is."""
_REACTS_S, _MARGIN_M = 1.0, 4.0
_CAP_MPS, _LEAST_CAP_MPS = 22.0, 8.0
_STANDS_MPS, _STANDS_S, _WAITS_S = 0.2, 1.0, 12.0
_NEAR_M = 6.0
_BORDER_MARGIN_M, _BORDER_S = 8.0, 4.0


class Mode(IntEnum):
    """The car drives; it carries out a minimal risk manoeuvre; it has reached the minimal risk condition."""

    NOMINAL = 0
    FALLBACK = 1
    CONDITION = 2


class Manoeuvre(IntEnum):
    """The harder, the later; of several that are called for the last one is driven."""

    NONE = 0
    CONTINUE = 1
    """Slower, to a safe place before the domain's border."""
    PULL_OVER = 2
    """To the outermost lane and to the edge of the road, at 1.6 m/s²."""
    IN_LANE = 3
    """Comfortable stop in the own lane, at 2.5 m/s²; UN R157 allows 4."""
    STRAIGHT = 4
    """The wheels cannot be turned: at least 4 m/s² at once."""
    IMMEDIATE = 5
    """The guard's held stop, verified while the surroundings were still seen."""


_BRAKING_MPS2 = {Manoeuvre.CONTINUE: 1.6, Manoeuvre.PULL_OVER: 1.6, Manoeuvre.IN_LANE: 2.5, Manoeuvre.STRAIGHT: 4.0}
_STRAYS_M = 0.8
"""Farther beside the middle of its lane a car whose wheels are stuck must not come to rest, nor so near to the road's edge as below."""
_EDGE_M = 0.25
_BRAKES_S = 0.15
"""So long brakes take to grip."""


class Call(NamedTuple):
    """What is called for, and why."""

    manoeuvre: Manoeuvre
    reason: Reason = Reason.CRUISE


_NOTHING = Call(Manoeuvre.NONE)


def choose(border: Border, covered: tuple[int, int, int, int], trust: Trust, health: Health, late: bool) -> Call:
    """The manoeuvre that is called for now.

    covered: kinds of sensor ahead, left, behind, right (`odd.coverage`). late: results of cycles came too late again and again.
    """
    calls = (
        _for_vehicle(health),
        _for_perception(health, covered),
        _for_place(trust),
        Call(Manoeuvre.PULL_OVER, Reason.COMPUTE_LATE) if late else _NOTHING,
        _for_domain(border),
    )
    call = max(calls, key=lambda one: one.manoeuvre)
    blind = min(covered[1:]) == 0 or trust >= Trust.ASIDE or health.steering < _WEAK
    if call.manoeuvre == Manoeuvre.PULL_OVER and blind:  # who does not see what is beside it, or where it is, keeps its lane
        return Call(Manoeuvre.IN_LANE, call.reason)
    return call


def _for_vehicle(health: Health) -> Call:
    if health.steering < _FROZEN:
        return Call(Manoeuvre.STRAIGHT, Reason.VEHICLE_FAULT)
    if health.steering < _WEAK or health.delay_s > _DELAY_S:
        return Call(Manoeuvre.IN_LANE, Reason.VEHICLE_FAULT)
    if min(health.braking, health.drive) < _WEAK:
        return Call(Manoeuvre.PULL_OVER, Reason.VEHICLE_FAULT)
    return _NOTHING


def _for_perception(health: Health, covered: tuple[int, int, int, int]) -> Call:
    if health.perception < 0.5 or covered[0] == 0:
        return Call(Manoeuvre.IMMEDIATE, Reason.SENSORS_LOST)
    return Call(Manoeuvre.IN_LANE, Reason.SENSORS_LOST) if covered[0] == 1 else _NOTHING


def _for_place(trust: Trust) -> Call:
    if trust >= Trust.ASIDE:
        return Call(Manoeuvre.IN_LANE, Reason.LOCALISATION_LOST)
    return Call(Manoeuvre.PULL_OVER, Reason.VEHICLE_FAULT) if trust == Trust.SPEED else _NOTHING


def _for_domain(border: Border) -> Call:
    reason = {
        Attribute.SENSORS: Reason.SENSORS_LOST,
        Attribute.LOCALISATION: Reason.LOCALISATION_LOST,
        Attribute.CONNECTION: Reason.CONNECTION_LOST,
    }.get(border.attribute, Reason.LEAVES_ODD)
    if border.status == Status.OUTSIDE:
        return Call(Manoeuvre.IN_LANE if border.attribute == Attribute.LOCALISATION else Manoeuvre.PULL_OVER, reason)
    if border.status == Status.LEAVING:
        return Call(Manoeuvre.CONTINUE if math.isfinite(border.distance_m) else Manoeuvre.PULL_OVER, reason)
    return _NOTHING


def straight_braking(
    speed_mps: float, off_m: float, turn_rad: float, bend: float, room_m: tuple[float, float], nose_m: float, hardest_mps2: float
) -> float:  # fmt: skip
    """How hard to brake when the wheels are stuck, m/s²: 4, or all there is where the car would leave its lane before it stood.

    off_m, turn_rad, bend (1/m): place and heading of the rear axle and curvature of its way relative to its lane's middle. room_m: from
    there how far the body may move to the left and to the right before it leaves the road. nose_m: from the rear axle to the nose, which
    swings out farther.
    """
    way = speed_mps * speed_mps / (2.0 * _BRAKING_MPS2[Manoeuvre.STRAIGHT]) + _BRAKES_S * speed_mps
    rear, nose = (off_m + turn_rad * at + 0.5 * bend * at * at for at in (way, way + nose_m))
    left, right = (max(abs(off_m), min(_STRAYS_M, room - _EDGE_M)) for room in room_m)
    stays = -right <= min(rear, nose) and max(rear, nose) <= left
    return _BRAKING_MPS2[Manoeuvre.STRAIGHT] if stays else hardest_mps2


class Fallback:
    """The state machine of one car: nominal → manoeuvre → condition. `decide` is asked once per cycle."""

    def __init__(self, monitor: Monitor, step_s: float, *, drives_on_the_right: bool = True) -> None:
        self.monitor, self._step_s = monitor, step_s
        self._outwards = -1.0 if drives_on_the_right else 1.0
        self.begin()

    def begin(self) -> None:
        """A new drive, or clearance after a minimal risk condition."""
        self.mode, self.manoeuvre, self.reason = Mode.NOMINAL, Manoeuvre.NONE, Reason.CRUISE
        self.border = Border(Status.INSIDE)
        self._stop_m = math.inf
        self._cap_mps = math.inf
        self._since_s = self._healthy_s = self._stands_s = 0.0
        self._late: list[float] = []

    @property
    def hazards(self) -> bool:
        return self.mode != Mode.NOMINAL

    def note_late(self, time_s: float) -> None:
        """A cycle's result came too late."""
        self._late.append(time_s)

    def decide(
        self, time_s: float, border: Border, trust: Trust, health: Health, conditions: Conditions, speed_mps: float, outermost: bool
    ) -> Restraint:
        """What is asked of the plan in this cycle. outermost: whether there is no further lane towards the road's edge."""
        self.border = border
        self._late = [late_s for late_s in self._late if time_s - late_s < _LATE_S]
        call = choose(border, self.monitor.covered, trust, health, len(self._late) >= _LATE_CYCLES)
        in_time = border.distance_m > self._needs(speed_mps, 1.2) + _BORDER_S * speed_mps
        if call.manoeuvre == Manoeuvre.CONTINUE and self.mode == Mode.NOMINAL and in_time:
            call = _NOTHING
        self._change_mode(call, speed_mps)
        sight = max(_LEAST_CAP_MPS, math.sqrt(2.0 * _SIGHT_BRAKING_MPS2 * min(1.0, conditions.grip) * conditions.visibility_m))
        if self.mode == Mode.NOMINAL:
            return FREE._replace(speed_mps=sight)
        self._since_s += self._step_s
        self._place_stop(border, speed_mps, outermost)
        self._note_standstill(speed_mps)
        sideways = self.manoeuvre in (Manoeuvre.CONTINUE, Manoeuvre.PULL_OVER)
        return Restraint(
            speed_mps=min(sight, self._cap_mps),
            stop_m=self._stop_m,
            braking_mps2=_BRAKING_MPS2.get(self.manoeuvre, 4.0),
            aside=self._outwards if sideways else 0.0,
            keeps_lane=0.0 if sideways else 1.0,
        )

    def _change_mode(self, call: Call, speed_mps: float) -> None:
        if self.mode == Mode.CONDITION:
            return
        if call.manoeuvre > self.manoeuvre:
            if self.mode == Mode.NOMINAL:
                self._since_s = self._stands_s = 0.0
                self._cap_mps = max(_LEAST_CAP_MPS, min(_CAP_MPS, speed_mps))
            if call.manoeuvre >= Manoeuvre.IN_LANE:
                self._stop_m = math.inf
            self.mode, self.manoeuvre, self.reason = Mode.FALLBACK, call.manoeuvre, call.reason
        self._healthy_s = self._healthy_s + self._step_s if call.manoeuvre == Manoeuvre.NONE else 0.0
        if self.mode == Mode.FALLBACK and self._healthy_s > _HEALTHY_S:
            self.mode, self.manoeuvre, self.reason, self._stop_m = Mode.NOMINAL, Manoeuvre.NONE, Reason.CRUISE, math.inf

    def _place_stop(self, border: Border, speed_mps: float, outermost: bool) -> None:
        """The place to stop stays where it is while the car comes nearer to it.

        Who is to stop in the lane and was slowed down more than that asks stops sooner: it does not creep on to a place chosen at speed.
        """
        if self.manoeuvre == Manoeuvre.CONTINUE:
            if math.isfinite(border.distance_m):
                self._stop_m = max(0.0, border.distance_m - _BORDER_MARGIN_M)
            return
        if math.isfinite(self._stop_m):
            self._stop_m = max(0.0, self._stop_m - speed_mps * self._step_s)
            if self.manoeuvre >= Manoeuvre.IN_LANE:
                self._stop_m = min(self._stop_m, self._needs(speed_mps, _BRAKING_MPS2.get(self.manoeuvre, 4.0)))
        elif self.manoeuvre >= Manoeuvre.IN_LANE or outermost or self._since_s > _CHANGES_S:
            self._stop_m = self._needs(speed_mps, _BRAKING_MPS2.get(self.manoeuvre, 4.0))

    def _needs(self, speed_mps: float, braking_mps2: float) -> float:
        return speed_mps * speed_mps / (2.0 * braking_mps2) + _REACTS_S * speed_mps + _MARGIN_M

    def _note_standstill(self, speed_mps: float) -> None:
        """It is the condition where the place to stop is reached, or where something else keeps the car from going there.

        What stands and has just healed waits whether it stays so.
        """
        self._stands_s = self._stands_s + self._step_s if abs(speed_mps) < _STANDS_MPS and self._healthy_s == 0.0 else 0.0
        there = self._stop_m < _NEAR_M or self.manoeuvre >= Manoeuvre.STRAIGHT
        if self._stands_s > (_STANDS_S if there else _WAITS_S):
            self.mode = Mode.CONDITION
