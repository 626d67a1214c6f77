"""Driving backwards by order: straight back at a set speed, and to a halt before anybody who is or comes there.

The pilot itself drives backwards only to make room (`back`). This is for who asks for more: a car that is told to leave a place in
reverse. Pure Python: at walking pace ten decisions a second need no kernel.
"""

from __future__ import annotations

import math

import numpy as np

from marque.common import Floats, Records
from marque.driving.goal import Goal
from marque.driving.interventions import GuardLog
from marque.driving.observation import Observation
from marque.driving.perceive import no_perception, perceive
from marque.driving.view import Reason, View
from marque.vehicle import Command, VehicleParameters, VehicleState, boxes_overlap
from marque.vehicle.sensors import THREE_LIDARS

_HORIZON_S, _TICK_S = 4.0, 0.1
_REACTS_S = 0.3
"""How long it still drives on before it would begin to brake, if it did not brake now."""
_BRAKING_MPS2, _ACCELERATION_MPS2 = 4.0, 1.0
_ALONG_MARGIN_M, _ASIDE_MARGIN_M = 0.5, 0.3
_NEAR_M = 30.0


class Reverser:
    """A driver of one car in reverse; `begin` and `cycle` as those of the `Pilot`."""

    def __init__(self, vehicle: VehicleParameters, speed_mps: float, step_s: float = 0.1, *, suite: Records = THREE_LIDARS) -> None:
        """speed_mps: how fast it is to drive backwards, above 0. suite: (s,) SENSOR it sees with, where perception is not perfect."""
        self.vehicle, self.speed_mps, self.step_s = vehicle, speed_mps, step_s
        self._perception = no_perception(suite, step_s)
        self._senses = False
        self._heading: float | None = None
        self._subject = -1

    def begin(self, goals: tuple[Goal, ...]) -> None:  # noqa: ARG002  straight back, wherever they lie
        """Forget everything; it keeps the heading it then has."""
        self._perception = no_perception(self._perception.suite, self.step_s)
        self._heading, self._subject = None, -1

    def look(self, state: VehicleState, seen: Observation) -> None:
        """See and decide nothing."""
        self._senses = not seen.perfect
        perceive(self._perception, seen, state, self.step_s)

    def cycle(self, state: VehicleState, seen: Observation) -> Command:
        if self._heading is None:
            self._heading = state.heading_rad
        self.look(state, seen)
        self._subject = self._in_the_way(state, self._known())
        speed = -state.speed_mps
        wanted = 0.0 if self._subject >= 0 else self.speed_mps
        change = (wanted - speed) / self.step_s
        change = max(-_BRAKING_MPS2, min(_ACCELERATION_MPS2, change))
        # Backwards a turn of the wheel to the left turns the car to the right.
        steering = max(-0.2, min(0.2, state.heading_rad - self._heading))
        return Command(-change, (steering - state.steering_rad) / self.step_s, -1.0)

    def view(self) -> View:
        reason = Reason.OBSTACLE if self._subject >= 0 else Reason.BACK
        wanted = 0.0 if self._subject >= 0 else -self.speed_mps
        return View(reason, self._subject, math.nan, wanted, np.empty((0, 4)), _TICK_S, np.empty(0, np.int32), (), tracked=self._tracked())

    def guard_log(self) -> GuardLog:
        """It has no guard beside itself."""
        return GuardLog()

    def _known(self) -> Records:
        known: Records = self._perception.tracks[self._perception.tracks["seen"] == 1]
        return known

    def _tracked(self) -> Floats:
        known = self._known() if self._senses else self._perception.tracks[:0]
        return np.column_stack((known["id"].astype(np.float64), known["x"], known["y"]))

    def _in_the_way(self, state: VehicleState, known: Records) -> int:
        """Whoever it would come too near to if it drove on a little and only then braked; −1 for nobody.

        Everybody is expected to go on as now. Where the car has come to rest it is looked after for as long as the horizon reaches.
        """
        vehicle = self.vehicle
        length, width = vehicle.length_m + 2.0 * _ALONG_MARGIN_M, vehicle.width_m + 2.0 * _ASIDE_MARGIN_M
        c, s = math.cos(state.heading_rad), math.sin(state.heading_rad)
        near = known[np.hypot(known["x"] - state.x_m, known["y"] - state.y_m) < _NEAR_M]
        speed, back = max(-state.speed_mps, 0.3 * self.speed_mps), 0.0
        for k in range(round(_HORIZON_S / _TICK_S)):
            t = k * _TICK_S
            x, y = state.x_m - back * c, state.y_m - back * s
            for one in near:
                going = t * one["speed"]
                at_x, at_y = one["x"] + going * math.cos(one["heading"]), one["y"] + going * math.sin(one["heading"])
                behind = (at_x - x) * c + (at_y - y) * s < 0.0
                if behind and boxes_overlap(
                    x, y, state.heading_rad, length, width, at_x, at_y, one["heading"], one["length"], one["width"]
                ):
                    return int(one["id"])
            speed = speed if t < _REACTS_S else max(0.0, speed - _BRAKING_MPS2 * _TICK_S)
            back += speed * _TICK_S
        return -1
