"""The driving system in one car: what it remembers, what watches over it, and one cycle after the other (`cycle`)."""

from __future__ import annotations

import math

import numpy as np

from marque.common import Floats, Ints, Records
from marque.driving.act import act_stop
from marque.driving.ahead import Ahead
from marque.driving.alive import Liveness
from marque.driving.cycle import LANE, LINE, PROFILE, cycle, no_mind
from marque.driving.explain import DISTANCE, REASON_SLOT, SUBJECT, TARGET
from marque.driving.goal import Goal
from marque.driving.guard import NOTHING
from marque.driving.held import Held
from marque.driving.interventions import GuardLog, told
from marque.driving.localise import Localisation
from marque.driving.map import Colour, RoadMap
from marque.driving.markets import Market, market_of
from marque.driving.minimal_risk import Fallback, Manoeuvre, Mode, straight_braking
from marque.driving.observation import Observation
from marque.driving.odd import CITY_AND_MOTORWAY, Monitor, Odd
from marque.driving.perceive import no_perception, perceive
from marque.driving.restrain import Restraint
from marque.driving.route import cost_to_go, goal_entries
from marque.driving.speed import TICK_S, TICKS
from marque.driving.tight import tight_lanes
from marque.driving.tracks import NO_ID
from marque.driving.view import Prediction, Reason, View
from marque.driving.worth import Task
from marque.vehicle import BMW_320I, IDEAL, Actuators, Command, VehicleParameters, VehicleState
from marque.vehicle.sensors import THREE_LIDARS


class Pilot:
    """One driving system in one car.

    It knows the road map and, cycle by cycle, its own state and the present `Observation`; never the future. Not thread-safe; any number
    of pilots may share a road map.
    """

    def __init__(
        self, road_map: RoadMap, vehicle: VehicleParameters = BMW_320I, step_s: float = 0.1, *,
        odd: Odd = CITY_AND_MOTORWAY, suite: Records = THREE_LIDARS, market: Market | None = None, actuators: Actuators = IDEAL,
    ) -> None:  # fmt: skip
        """step_s: s between two cycles, for which a command is held; at most 0.5. odd: where it may drive itself.

        market: whose law of the road holds; that of the map's country where none is named.
        suite: (s,) SENSOR the car sees with, where perception is not perfect. actuators: whose dead time is reckoned with.
        """
        self.road_map, self.vehicle, self.step_s = road_map, vehicle, step_s
        self._law = (market or market_of(road_map.country, road_map.right_hand_traffic)).law
        self._monitor = Monitor(odd, road_map, suite)
        self._localisation = Localisation(road_map, vehicle)
        self._liveness = Liveness()
        self._ahead = Ahead(vehicle, actuators, step_s)
        self.fallback = Fallback(self._monitor, step_s, drives_on_the_right=road_map.right_hand_traffic)
        self._mind = no_mind(road_map.arrays, suite, step_s)
        self._held = Held(road_map.arrays, self._mind)
        self._goals: tuple[Goal, ...] = ()
        self._senses = False
        self._farther_m = 0.0
        self._task = self._open_task = _task((), road_map)

    def begin(self, goals: tuple[Goal, ...]) -> None:
        """Start a drive: forget everything seen before."""
        mind = self._mind
        mind = self._mind = mind._replace(perception=no_perception(mind.perception.suite, self.step_s))
        mind.history[:] = -1
        mind.clear_s[:] = -np.inf
        mind.memory[:] = -1
        mind.last[:] = 0.0
        mind.back[:] = 0.0
        mind.last[LINE], mind.last[LANE] = NOTHING, -1.0
        mind.stop.now_s[0] = -1.0
        mind.duties.pair["id"] = NO_ID
        self._monitor.begin()
        self._localisation.begin()
        self._liveness.begin()
        self._ahead.begin()
        self._farther_m = 0.0
        self.fallback.begin()
        self.retarget(goals)

    def retarget(self, goals: tuple[Goal, ...]) -> None:
        """Go somewhere else from here on; at most 8 goals, of which any one will do."""
        self._goals = goals
        tight = tight_lanes(self.road_map, self.vehicle)
        cost_to_go(self.road_map.arrays, goal_entries(self.road_map, goals), tight, self._mind.cost, self._mind.way)
        self._task = _task(goals, self.road_map)
        self._open_task = self._task._replace(timed=np.zeros(1, np.int32))
        centres = [polygon.mean(axis=0) for goal in goals for polygon in goal.polygons] + [
            np.array(c[:2]) for g in goals for c in g.circles
        ]
        self._mind = self._mind._replace(centres=np.array(centres).reshape(-1, 2))
        self._held = Held(self.road_map.arrays, self._mind)

    def look(self, state: VehicleState, seen: Observation) -> None:
        """See and decide nothing: for a car that has been on its way before its drive begins."""
        perceive(self._mind.perception, seen, state, self.step_s)

    def cycle(self, state: VehicleState, seen: Observation) -> Command:
        """One cycle: what to ask of the actuators until the next one."""
        self._senses = not seen.perfect
        for k, goal in enumerate(self._goals):
            self._task.windows[k, :2] = goal.time_s[0] - seen.time_s, goal.time_s[1] - seen.time_s
        state, seen = self._localisation.believe(state, self._liveness.check(seen), self.lane())
        return self._ahead.ask(state, self._decide(state, seen), seen.health)

    def _decide(self, now: VehicleState, seen: Observation) -> Command:
        state, ahead_s = self._ahead.foresee(now, seen.health)
        ask = self._watch(state, seen)
        fallback = self.fallback
        if fallback.mode == Mode.CONDITION:
            return Command(-now.speed_mps / self.step_s, 0.0, 1.0)
        if fallback.manoeuvre == Manoeuvre.IMMEDIATE:
            return self._hold_stop(state)
        if not self._monitor.sees_ahead:  # no camera tells what the lights show
            seen = seen._replace(signals=np.full_like(seen.signals, Colour.RED))
        task = self._task if fallback.mode == Mode.NOMINAL else self._open_task
        self._farther_m = 0.0
        command = Command(*cycle(self._held, task, ask, self._law, now, state, ahead_s, seen, self.step_s, self.vehicle))
        if fallback.manoeuvre == Manoeuvre.STRAIGHT:
            return command._replace(acceleration_mps2=min(command.acceleration_mps2, -self._straight_braking(state)))
        return command

    def late(self, state: VehicleState, seen: Observation) -> Command:
        """What the watchdog asks of the actuators when a cycle's result is not there in time: the stop held is driven.

        Localisation goes on: it is no part of what is late.
        """
        state, _ = self._localisation.believe(state, seen, self.lane())
        self.fallback.note_late(seen.time_s)
        command = self._hold_stop(self._ahead.foresee(state, seen.health)[0])
        return self._ahead.ask(state, command, seen.health)

    def _hold_stop(self, state: VehicleState) -> Command:
        """Drive the guard's stop on; full braking where none is held.

        Whose brakes do less than was planned comes farther: its wheels turn by where it is on the line, not by the time.
        """
        stop = self._mind.stop
        if stop.now_s[0] < 0.0:
            return Command(-self.vehicle.braking_max_mps2, 0.0, 1.0)
        tick = min(len(stop.v) - 1, round(float(stop.now_s[0]) / TICK_S))
        self._farther_m += self.step_s * (state.speed_mps - float(stop.v[tick]))
        stop.now_s[0] += self.step_s
        return Command(*act_stop(stop._replace(s=stop.s + self._farther_m), state, self.step_s, self.vehicle))

    def _straight_braking(self, state: VehicleState) -> float:
        path, half = self._mind.paths.path[0], 0.5 * self.vehicle.width_m
        here = self._mind.paths.station[0, int(path["rear_s"])]
        bend = float(math.tan(state.steering_rad) / self.vehicle.wheelbase_m - here["curvature"])
        room = float(here["left"]) - half, float(here["right"]) - half
        off, turn = float(path["rear_d"]), float(path["rear_turn"])
        nose = self.vehicle.rear_axle_m + 0.5 * self.vehicle.length_m
        return straight_braking(state.speed_mps, off, turn, bend, room, nose, self.vehicle.braking_max_mps2)

    def _watch(self, state: VehicleState, seen: Observation) -> Restraint:
        """Ask the monitor where the car is in its domain, and the fallback what follows from it."""
        place = state.x_m, state.y_m
        border = self._monitor.check(seen.conditions, seen.working, self.lane(), place, self._mind.cost, self.step_s)
        outer = 2 if self.road_map.right_hand_traffic else 1
        outermost = self._mind.paths.path["kind"][outer] < 0
        trust = self._localisation.trust
        return self.fallback.decide(seen.time_s, border, trust, seen.health, seen.conditions, state.speed_mps, bool(outermost))

    @property
    def tracks(self) -> Records:
        """(CAPACITY,) TRACK: whom it takes to be around."""
        return self._mind.perception.tracks

    def reason(self) -> Reason:
        """Why it drives as it does (`View.reason`)."""
        if self.fallback.mode != Mode.NOMINAL:
            return self.fallback.reason
        return Reason(int(self._mind.reason[REASON_SLOT]))

    def guard_log(self) -> GuardLog:
        """What the guard has done since this pilot was made, with the driving system's own ids."""
        return told(self._mind.interventions)

    def lane(self) -> int:
        """The lane it takes itself to be on, −1 for none."""
        return int(self._mind.last[LANE])

    def route(self) -> Ints:
        """The lanes still ahead on its way as far as it looks, the present one first."""
        paths = self._mind.paths
        passed = paths.lane[0, : paths.path["lane_count"][0]]
        ends = passed["start"] + self.road_map.arrays.lanes["length"][passed["lane"]]
        return np.asarray(passed["lane"][ends > paths.path["rear_s"][0]], np.int32)

    def view(self) -> View:
        """What the last cycle thought."""
        mind = self._mind
        line, row = int(mind.last[LINE]), int(mind.last[PROFILE])
        plan = np.empty((0, 4)) if line == NOTHING else self._plan(line, row)
        predictions = []
        for mode in range(int(mind.predictions.used[0])):
            hypothesis, at = mind.predictions.mode[mode], mind.predictions.at[mode, ::3]
            track = mind.perception.tracks[hypothesis["owner"]]
            if track["speed"] > 0.3:
                points = np.column_stack((at["x"], at["y"]))
                predictions.append(Prediction(int(track["id"]), float(hypothesis["probability"]), points))
        subject, distance_m, target_mps = int(mind.reason[SUBJECT]), float(mind.reason[DISTANCE]), float(mind.reason[TARGET])
        route, tracked, hazards = self.route(), self._tracked(), self.fallback.hazards
        reason = self.reason()
        return View(reason, subject, distance_m, target_mps, plan, 3 * TICK_S, route, tuple(predictions), tracked, hazards)

    def _tracked(self) -> Floats:
        tracks = self._mind.perception.tracks
        known = tracks[tracks["seen"] == 1] if self._senses else tracks[:0]
        return np.column_stack((known["id"].astype(np.float64), known["x"], known["y"]))

    def _plan(self, line: int, row: int) -> Floats:
        profiles = self._mind.profiles
        cells = self._mind.lines.cell[line, : self._mind.lines.line["cells"][line]]
        s = np.minimum(profiles.s[row, :TICKS:3], len(cells) - 1.0)
        at = np.arange(len(cells))
        heading = np.interp(s, at, cells["heading"])
        x = np.interp(s, at, cells["x"]) + self.vehicle.rear_axle_m * np.cos(heading)
        y = np.interp(s, at, cells["y"]) + self.vehicle.rear_axle_m * np.sin(heading)
        return np.column_stack((x, y, heading, profiles.v[row, :TICKS:3]))


def _task(goals: tuple[Goal, ...], road_map: RoadMap) -> Task:
    """The goals as arrays; lanes and circles become polygons."""
    polygons: list[Floats] = []
    owners: list[int] = []
    for k, goal in enumerate(goals):
        shapes = [np.asarray(polygon, float) for polygon in goal.polygons]
        around = np.linspace(0.0, 2.0 * np.pi, 32, endpoint=False)
        shapes += [np.column_stack((x + r * np.cos(around), y + r * np.sin(around))) for x, y, r in goal.circles]
        for lane in goal.lanes:
            record = road_map.arrays.lanes[lane]
            points = road_map.arrays.points[record["point_first"] : record["point_first"] + record["point_count"]]
            left = np.column_stack((points["left_x"], points["left_y"]))
            right = np.column_stack((points["right_x"], points["right_y"]))
            shapes.append(np.concatenate((left, right[::-1])))
        shapes = shapes or [np.empty((0, 2))]
        polygons += shapes
        owners += [k] * len(shapes)
    windows = np.zeros((len(goals), 4))
    headings = np.zeros((len(goals), 2))
    for k, goal in enumerate(goals):
        slow, fast = goal.speed_mps or (-np.inf, np.inf)
        windows[k] = goal.time_s[0], goal.time_s[1], slow, fast
        low, high = goal.heading_rad or (0.0, 2.0 * np.pi)
        headings[k] = low, high - low
    starts = np.concatenate(([0], np.cumsum([len(p) for p in polygons]))).astype(np.int32)
    corners = np.concatenate([*polygons, np.empty((0, 2))])
    timed = int(any(np.isfinite(goal.time_s[1]) for goal in goals))
    return Task(windows, starts, corners, np.array(owners, np.int32), headings, np.array([timed], np.int32))
