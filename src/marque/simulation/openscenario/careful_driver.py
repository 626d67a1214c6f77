"""The competent and careful human driver of UN Regulation 157, driven in the same closed loop, as a measure of what can be avoided.

Source: UN Regulation 157, Annex 4 – Appendix 3 (performance models): a cut-in is perceived when it leaves the middle of its lane by
0.375 m and would be reached within 2 s; perceiving it takes 0.4 s, braking begins 0.75 s later, 0.774 g are reached at 12.65 m/s³.
A vehicle ahead that brakes harder than 5 m/s² is reacted to after 0.75 s. Else he keeps speed and lane, and brakes as far as is
comfortable for whoever is already ahead in his lane, which the appendix leaves open.
"""

from __future__ import annotations

import math

import numpy as np

from marque.driving.goal import Goal
from marque.driving.interventions import GuardLog
from marque.driving.map import Road, RoadMap
from marque.driving.map.query import locate, pose_at, project
from marque.driving.observation import Observation
from marque.driving.route import FAR_M, best_successor
from marque.driving.view import Reason, View
from marque.vehicle import Command, VehicleParameters, VehicleState

WANDER_M = 0.375
RISK_S = 0.4
DELAY_S = 0.75
BRAKING_MPS2 = 0.774 * 9.81
JERK_MPS3 = 12.65
CRITICAL_S = 2.0
LEAD_BRAKING_MPS2 = 5.0
_COMFORT_MPS2, _HEADWAY_S, _JAM_M = 3.0, 1.5, 3.0
_LOOK_M = 120.0


class CarefulDriver:
    """A `Driver` that keeps its lane and brakes, as the regulation's model does."""

    def __init__(self, road_map: RoadMap, vehicle: VehicleParameters, step_s: float) -> None:
        self.road_map, self.vehicle, self.step_s = road_map, vehicle, step_s
        self._nowhere = np.full(len(road_map.arrays.lanes), FAR_M)
        self.begin(())

    def begin(self, goals: tuple[Goal, ...]) -> None:
        self._lane = -1
        self._aside: dict[int, float] = {}
        self._speeds: dict[int, float] = {}
        self._perceived: dict[int, float] = {}
        self._braking = 0.0
        self._wanted: float | None = None
        self._subject = -1

    def look(self, state: VehicleState, seen: Observation) -> None:
        """What was before is nothing to him."""

    def cycle(self, state: VehicleState, seen: Observation) -> Command:
        arrays = self.road_map.arrays
        if self._wanted is None:
            self._wanted = state.speed_mps
            self._lane = locate(arrays, state.x_m, state.y_m, state.heading_rad, 1.0, int(Road.CAR))[0]
        s = d = 0.0
        if self._lane >= 0:
            s, d, _ = project(arrays, self._lane, state.x_m, state.y_m)
            if s >= arrays.lanes[self._lane]["length"]:
                following = int(best_successor(arrays, self._lane, self._nowhere))
                self._lane = following if following >= 0 else self._lane
                s, d, _ = project(arrays, self._lane, state.x_m, state.y_m)
        acceleration = self._longitudinal(state, seen, s, d)
        return Command(acceleration, (self._steering(state, s) - state.steering_rad) / self.step_s, 1.0)

    def view(self) -> View:
        reason = Reason.EMERGENCY if self._braking < 0.0 else Reason.CRUISE
        return View(reason, self._subject, math.nan, self._wanted or 0.0, np.empty((0, 4)), self.step_s, np.empty(0, np.int32), ())

    def guard_log(self) -> GuardLog:
        return GuardLog()

    def _steering(self, state: VehicleState, s: float) -> float:
        """Towards the middle of the lane a second and a half ahead (pure pursuit)."""
        if self._lane < 0:
            return 0.0
        ahead = max(6.0, 1.5 * state.speed_mps)
        x, y, _, _ = pose_at(self.road_map.arrays, self._lane, s + ahead, 0.0)
        rear_x = state.x_m - self.vehicle.rear_axle_m * math.cos(state.heading_rad)
        rear_y = state.y_m - self.vehicle.rear_axle_m * math.sin(state.heading_rad)
        bearing = math.atan2(y - rear_y, x - rear_x) - state.heading_rad
        return math.atan(2.0 * self.vehicle.wheelbase_m * math.sin(bearing) / math.hypot(x - rear_x, y - rear_y))

    def _longitudinal(self, state: VehicleState, seen: Observation, s: float, d: float) -> float:
        wanted = self._wanted or 0.0
        comfortable = max(-1.0, min(1.0, wanted - state.speed_mps))
        emergency = False
        for i in range(len(seen.ids)):
            at_s, at_d, heading = self._seen(seen, i, state, s, d)
            gap = (
                at_s
                - s
                - 0.5 * (self.vehicle.length_m + abs(seen.length_m[i] * math.cos(heading)) + abs(seen.width_m[i] * math.sin(heading)))
            )
            if at_s < s or gap > _LOOK_M:
                continue
            along = seen.speed_mps[i] * math.cos(heading)
            closing = state.speed_mps - along
            critical = closing > 0.0 and max(0.0, gap) / closing < CRITICAL_S
            half = 0.5 * (self.vehicle.width_m + abs(seen.width_m[i] * math.cos(heading)) + abs(seen.length_m[i] * math.sin(heading)))
            body = int(seen.ids[i])
            first = self._aside.setdefault(body, at_d)
            inside = abs(at_d - d) < half
            comes = abs(at_d - d) < abs(first - d) - WANDER_M
            brakes = inside and (along - self._speeds.get(body, along)) / self.step_s < -LEAD_BRAKING_MPS2
            self._speeds[body] = along
            if (inside or comes) and critical:
                self._perceived.setdefault(body, seen.time_s + RISK_S)
            if brakes:
                self._perceived[body] = min(self._perceived.get(body, math.inf), seen.time_s)
            if body in self._perceived and closing <= 0.0 and not brakes:
                del self._perceived[body]
            if body in self._perceived and seen.time_s >= self._perceived[body] + DELAY_S:
                emergency, self._subject = True, body
            if inside and abs(first - d) < half + WANDER_M:  # in the lane from the beginning: seen coming
                comfortable = min(comfortable, _following(state.speed_mps, along, gap))
        if emergency:
            self._braking = max(-BRAKING_MPS2, min(self._braking, comfortable) - JERK_MPS3 * self.step_s)
            return self._braking
        self._braking = 0.0
        return comfortable

    def _seen(self, seen: Observation, i: int, state: VehicleState, s: float, d: float) -> tuple[float, float, float]:
        """(s, d, heading relative to the lane) of somebody, on the own lane's coordinates."""
        if self._lane < 0:
            c, n = math.cos(state.heading_rad), math.sin(state.heading_rad)
            dx, dy = seen.x_m[i] - state.x_m, seen.y_m[i] - state.y_m
            return s + dx * c + dy * n, d + dy * c - dx * n, seen.heading_rad[i] - state.heading_rad
        at_s, at_d, _ = project(self.road_map.arrays, self._lane, seen.x_m[i], seen.y_m[i])
        return at_s, at_d, seen.heading_rad[i] - pose_at(self.road_map.arrays, self._lane, at_s, 0.0)[2]


def _following(speed: float, lead: float, gap: float) -> float:
    """No harder than is comfortable: what brings the gap to what is wanted behind whoever is ahead."""
    lead = max(0.0, lead)
    room = gap - _JAM_M - _HEADWAY_S * lead
    closing = speed - lead
    if closing <= 0.0:
        return 1.0 if room > 0.0 else -0.5
    need = closing * closing / (2.0 * max(0.1, room))
    return 1.0 if need < 0.5 * _COMFORT_MPS2 else max(-_COMFORT_MPS2, -need)
