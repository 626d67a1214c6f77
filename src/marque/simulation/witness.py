"""Who watches one self-driving car in the city from outside, step by step, and counts what comes of it.

It judges by the map and the bodies, not by what the pilot says of itself; reasons are written down for people only.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from marque.common import Bools, Floats, Ints
from marque.driving.map import DRIVABLE, Colour, MapArrays, RoadMap
from marque.driving.map.query import on_road, project
from marque.driving.minimal_risk import Mode
from marque.driving.observation import Kind
from marque.driving.pilot import Pilot
from marque.driving.view import Reason
from marque.simulation.frame import Frame
from marque.simulation.metrics.comfort import BOUNDS, felt_along
from marque.vehicle import VehicleParameters, VehicleState, boxes_overlap, kernel

STUCK_S = 180.0
STANDING_MPS = 0.3
LONG_WAIT_S = 30.0
"""Waits from this on are written down; those of three times as long are incidents."""
KEPT = 36_000
"""Steps of which the course is kept: the last hour; a page may be open for days."""
_GONE_M = 3.0
_RED_QUEUE_M = 80.0
"""Who stands this close before a red light's line, and before no junction on the way to it, waits for the light, first or in the queue."""
_NEAR_M = 20.0
_HARD_MPS2, _EASED_MPS2 = -4.05, -1.0
"""Braking harder than nuPlan's comfortable bound is an incident of its own, which ends where it eases."""


@dataclass(slots=True)
class Incident:
    """Something worth a look. kind: collision, stuck, wait, minimal risk manoeuvre or hard braking."""

    kind: str
    time_s: float
    x_m: float
    y_m: float
    facts: dict[str, Any]
    """More of it, by kind: numbers and words for JSON; a wait's or manoeuvre's length grows while it lasts."""


@dataclass(slots=True)
class Record:
    """What one car has done so far. Times in seconds of the city's clock."""

    routes_started: int = 0
    routes_finished: int = 0
    routes_abandoned: int = 0
    """Stuck, or ended by a collision."""
    driven_m: float = 0.0
    longest_wait_s: float = 0.0
    """From coming to a stand until it has driven on, without the time before a red light, first or in the queue."""
    longest_stand_s: float = 0.0
    """The same, red lights counted."""
    off_road_s: float = 0.0
    emergency_s: float = 0.0
    clearances: int = 0
    """How often an operator had to let it drive on after a minimal risk condition."""
    incidents: list[Incident] = field(default_factory=list)
    waits: list[Incident] = field(default_factory=list)
    """All from LONG_WAIT_S on, whether incidents or not."""
    course: deque[tuple[float, float, float]] = field(default_factory=lambda: deque(maxlen=KEPT))
    """Step by step: speed m/s, heading rad, acceleration m/s²; nan where the car was put elsewhere."""

    def of_kind(self, kind: str) -> list[Incident]:
        return [one for one in self.incidents if one.kind == kind]

    @property
    def at_fault(self) -> int:
        """Collisions that were its own fault."""
        return sum(bool(hit.facts["at_fault"]) for hit in self.of_kind("collision"))


class Witness:
    """Watches the car with the id `own` in every frame."""

    def __init__(self, road_map: RoadMap, vehicle: VehicleParameters, step_s: float, own: int) -> None:
        self.arrays, self.vehicle, self.step_s, self.own = road_map.arrays, vehicle, step_s, own
        self.record = Record()
        self.stands_s = self.waits_s = self.condition_s = 0.0
        """So long it has been standing, waiting, in a minimal risk condition."""
        self._last: VehicleState | None = None
        self._stands_at = (0.0, 0.0)
        self._reasons: Counter[Reason] = Counter()
        self._wait: Incident | None = None
        self._manoeuvre: Incident | None = None
        self._brakes: Incident | None = None

    def forget(self) -> None:
        """The car has been put elsewhere."""
        self.stands_s = self.waits_s = self.condition_s = 0.0
        self._last = self._wait = self._manoeuvre = self._brakes = None
        self.record.course.append((math.nan, math.nan, math.nan))

    def see(self, now: Frame, state: VehicleState, pilot: Pilot) -> bool:
        """One step later; whether the trip is over because of what happened: a collision, or nothing for too long."""
        record, reason = self.record, pilot.reason()
        record.driven_m += 0.5 * abs((self._last or state).speed_mps + state.speed_mps) * self.step_s
        self._last = state
        record.course.append((state.speed_mps, state.heading_rad, state.acceleration_mps2))
        record.emergency_s += self.step_s * (reason == Reason.EMERGENCY)
        hit, off_road = _bodily(
            self.arrays, state, self.vehicle, self.own, now.ids, now.x_m, now.y_m, now.heading_rad, now.length_m, now.width_m
        )
        if hit >= 0:
            self._write("collision", now.time_s, state, **collision(now, hit, state, self.vehicle, reason))
            return True
        record.off_road_s += self.step_s * off_road
        self._note_braking(now.time_s, state, reason)
        self._note_manoeuvre(now.time_s, state, pilot)
        self.note_waiting(now, state, pilot.route(), reason)
        if self.waits_s > STUCK_S:
            self._write("stuck", now.time_s, state, reason=self._reasons.most_common(1)[0][0].name)
            return True
        return False

    def _write(self, kind: str, time_s: float, state: VehicleState, **facts: Any) -> Incident:
        one = _at(kind, time_s, state, **facts)
        self.record.incidents.append(one)
        return one

    def _note_braking(self, time_s: float, state: VehicleState, reason: Reason) -> None:
        if self._brakes is None and state.acceleration_mps2 < _HARD_MPS2 and state.speed_mps > STANDING_MPS:
            speed = round(float(state.speed_mps), 2)
            self._brakes = self._write("hard braking", time_s, state, reason=reason.name, speed_mps=speed, braking_mps2=0.0)
        if self._brakes is not None:
            facts = self._brakes.facts
            facts["braking_mps2"] = round(max(facts["braking_mps2"], -float(state.acceleration_mps2)), 2)
            if state.acceleration_mps2 > _EASED_MPS2:
                self._brakes = None

    def _note_manoeuvre(self, time_s: float, state: VehicleState, pilot: Pilot) -> None:
        fallback = pilot.fallback
        self.condition_s = self.condition_s + self.step_s if fallback.mode == Mode.CONDITION else 0.0
        if fallback.mode == Mode.NOMINAL:
            self._manoeuvre = None
            return
        if self._manoeuvre is None:
            self._manoeuvre = self._write(
                "minimal risk manoeuvre", time_s, state, manoeuvre=fallback.manoeuvre.name, reason=fallback.reason.name, lasts_s=0.0,
                condition=False,
            )  # fmt: skip
        facts = self._manoeuvre.facts
        facts["lasts_s"] = round(facts["lasts_s"] + self.step_s, 1)
        facts["condition"] |= fallback.mode == Mode.CONDITION

    def note_waiting(self, now: Frame, state: VehicleState, route: Ints, reason: Reason) -> None:
        """A stand ends some metres further on, back and forth is no way; it is waiting except while a light is red."""
        record = self.record
        if self.stands_s > 0.0:
            gone = state.x_m - self._stands_at[0], state.y_m - self._stands_at[1]
            ahead = gone[0] * math.cos(state.heading_rad) + gone[1] * math.sin(state.heading_rad)
            if state.speed_mps > STANDING_MPS and ahead > _GONE_M:
                self.stands_s = self.waits_s = 0.0
                self._wait = None
                return
        elif abs(state.speed_mps) > STANDING_MPS:
            return
        else:
            self._stands_at = (state.x_m, state.y_m)
            self._reasons.clear()
        self.stands_s += self.step_s
        record.longest_stand_s = max(record.longest_stand_s, self.stands_s)
        if at_red(self.arrays, state, self.vehicle, route, now):
            return
        self._reasons[reason] += 1
        self.waits_s += self.step_s
        record.longest_wait_s = max(record.longest_wait_s, self.waits_s)
        if self.waits_s >= LONG_WAIT_S:
            if self._wait is None:
                self._wait = Incident(
                    "wait", round(now.time_s - self.waits_s, 3), round(float(state.x_m), 2), round(float(state.y_m), 2), {}
                )
                record.waits.append(self._wait)
            if self.waits_s >= 3.0 * LONG_WAIT_S > self.waits_s - self.step_s:
                record.incidents.append(self._wait)
            self._wait.facts.update(waits_s=round(self.waits_s, 1), reason=self._reasons.most_common(1)[0][0].name)


def _at(kind: str, time_s: float, state: VehicleState, **facts: Any) -> Incident:
    return Incident(kind, round(time_s, 3), round(float(state.x_m), 2), round(float(state.y_m), 2), facts)


def at_red(arrays: MapArrays, state: VehicleState, vehicle: VehicleParameters, route: Ints, now: Frame) -> bool:
    """Whether a car with these lanes ahead of it is before a light that does not let it pass."""
    if len(route) == 0:
        return False
    s, _, _ = project(arrays, int(route[0]), state.x_m, state.y_m, -1)
    away = -s - 0.5 * vehicle.length_m
    for lane, following in itertools.pairwise(route):
        after = arrays.lanes[following]
        if away + arrays.lanes[lane]["stop_s"] > _RED_QUEUE_M:
            return False
        if after["signal"] >= 0:
            return bool(Colour.RED <= now.signals[after["signal"]] <= Colour.AMBER)
        if after["conflict_count"] > 0:
            return False
        away += arrays.lanes[lane]["length"]
    return False


def collision(now: Frame, k: int, state: VehicleState, vehicle: VehicleParameters, reason: Reason) -> dict[str, Any]:
    """Who body k is, which the car touched, and whose fault it is: ours, unless we stood, or were run into from behind."""
    ahead = (now.x_m[k] - state.x_m) * np.cos(state.heading_rad) + (now.y_m[k] - state.y_m) * np.sin(state.heading_rad)
    facing = np.cos(now.heading_rad[k] - state.heading_rad)
    behind = ahead < -0.3 * vehicle.length_m and facing > 0.5 and now.speed_mps[k] > state.speed_mps >= 0.0
    stood = abs(state.speed_mps) < STANDING_MPS
    return {
        "with": int(now.ids[k]),
        "other": Kind(int(now.kinds[k])).name,
        "speed_mps": round(float(state.speed_mps), 2),
        "other_speed_mps": round(float(now.speed_mps[k]), 2),
        "at_fault": not (behind or stood),
        "why": "we stood" if stood else "run into from behind" if behind else "we drove into it",
        "reason": reason.name,
    }


@kernel
def _bodily(
    m: MapArrays, state: VehicleState, vehicle: VehicleParameters, own: int, ids: Ints, x_m: Floats, y_m: Floats, heading_rad: Floats,
    length_m: Floats, width_m: Floats,
) -> tuple[int, bool]:  # fmt: skip
    """(index of a body the car touches, −1 for none; whether a corner of it is off the road)."""
    for k in range(len(ids)):
        near = (x_m[k] - state.x_m) ** 2 + (y_m[k] - state.y_m) ** 2 < _NEAR_M**2 and ids[k] != own
        if near and boxes_overlap(
            state.x_m, state.y_m, state.heading_rad, vehicle.length_m, vehicle.width_m,
            x_m[k], y_m[k], heading_rad[k], length_m[k], width_m[k],
        ):  # fmt: skip
            return k, False
    cos, sin = math.cos(state.heading_rad), math.sin(state.heading_rad)
    for f in (-0.5, 0.5):
        for side in (-0.5, 0.5):
            along, across = f * vehicle.length_m, side * vehicle.width_m
            if not on_road(m, state.x_m + along * cos - across * sin, state.y_m + along * sin + across * cos, DRIVABLE):
                return -1, True
    return -1, False


def comfort(records: list[Record], step_s: float) -> dict[str, Any]:
    """How the drives felt, standing apart: the share of the time driven within nuPlan's bounds, in all and in each, and percentiles.

    Accelerations, jerk and yaw as `metrics.comfort` has them; the last figure is the jerk step by step, of the actuators, unsmoothed.
    """
    bounded: dict[str, list[Floats]] = {name: [np.empty(0)] for name in BOUNDS}
    steps: list[Floats] = [np.empty(0)]
    for record in records:
        course = np.array(record.course).reshape(-1, 3)
        for part in np.split(course, np.flatnonzero(np.isnan(course[:, 0]))):
            part = part[~np.isnan(part[:, 0])]
            if len(part) < 2:
                continue
            moves = np.abs(part[:, 0]) > STANDING_MPS
            for name, values in felt_along(part[:, 0], part[:, 1], step_s).items():
                bounded[name].append(values[moves])
            steps.append(np.diff(part[:, 2], prepend=part[0, 2])[moves] / step_s)
    within: dict[str, Bools] = {}
    for name, (low, high, _) in BOUNDS.items():
        values = np.concatenate(bounded[name])
        within[name] = (low <= values) & (values <= high)
    lateral, jerk = (np.abs(np.concatenate(bounded[name])) for name in ("lateral acceleration", "jerk"))
    return {
        "within": _share(np.logical_and.reduce(list(within.values()))),
        **{f"within {name}": _share(inside) for name, inside in within.items()},
        "lateral_p99_mps2": _percentile(lateral),
        "jerk_p99_mps3": _percentile(jerk),
        "step_jerk_p99_mps3": _percentile(np.abs(np.concatenate(steps))),
    }


def _share(inside: Bools) -> float:
    return round(float(inside.mean()), 5) if inside.size else 1.0


def _percentile(values: Floats) -> float:
    return round(float(np.percentile(values, 99)), 3) if values.size else 0.0
