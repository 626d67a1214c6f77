"""The fault campaign: every fault in every cell of the operational design domain, driven in a closed loop and judged.

A *cell* is a road, a situation, weather and light, and a speed. A drive is safe when the car never is at fault in a collision (as the
judge of scenarios says), never leaves the road, and ends in the minimal risk condition or, where the fault leaves it inside its domain,
drives on.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from marque.common import Floats
from marque.driving.goal import Goal
from marque.driving.map import Road as RoadUse
from marque.driving.map import RoadMap
from marque.driving.map.query import locate, signal_colours
from marque.driving.minimal_risk import Mode
from marque.driving.observation import Conditions, Observation
from marque.driving.odd import Attribute, Status
from marque.driving.pilot import Pilot
from marque.driving.route import best_successor, cost_to_go, goal_entries
from marque.simulation.commonroad import read_scenario
from marque.simulation.drive import frame_of, initial_state
from marque.simulation.faults import TOLERABLE, Fault, wrong_map
from marque.simulation.frame import Frame
from marque.simulation.injection import Injection
from marque.simulation.judge import Trajectory
from marque.simulation.judge.blame import blame
from marque.simulation.judge.checks import first_collision, first_departure
from marque.simulation.library import junctions, motorways, streets
from marque.simulation.library.actors import CAR, STEP_S, Actor
from marque.simulation.library.actors import drive as scripted
from marque.simulation.library.scene import Scene
from marque.simulation.library.write import document
from marque.simulation.random import Purpose, uniform
from marque.simulation.reactive import Crowd
from marque.simulation.replay import SUFFIX, write_replay
from marque.simulation.scenario import PlanningProblem, Scenario
from marque.simulation.sensors import Sensors, look_before
from marque.vehicle import MODELS, Command, VehicleModel, VehicleState, boxes_overlap, drive, resting
from marque.vehicle.sensors import THREE_LIDARS

SHORTEST_S, LONGEST_S = 20.0, 45.0
"""A drive lasts at least so long; one that is still on its way to the minimal risk condition, at most so long."""
_STANDS_MPS, _STANDS_S = 0.05, 1.5
_ONSET_SPREAD_S = 1.5
_HEADWAY_S, _JAM_M = 1.3, 7.0
_SIGHT_MARGIN_M = 5.0

_DAY = Conditions()
_RAIN = Conditions(rain_mmph=5.0, visibility_m=2000.0, grip=0.75, temperature_c=8.0)
_NIGHT = Conditions(light_lux=10.0, temperature_c=5.0)
_UNLIT = Conditions(light_lux=0.5, temperature_c=5.0)
_MIST = Conditions(visibility_m=250.0, temperature_c=4.0)
_COLD = Conditions(grip=0.55, temperature_c=-5.0)


@dataclass(frozen=True, slots=True)
class Cell:
    """make: the scene of the library with its values; followed: whether a car drives behind the ego."""

    name: str
    make: Callable[[], Scene]
    conditions: Conditions = _DAY
    followed: bool = True


CELLS = (
    Cell("motorway, car ahead brakes", partial(motorways.follow, limit_mps=27.8, gap_m=40.0, slow_mps=17.0, braking_mps2=2.5)),
    Cell("motorway, rain", partial(motorways.follow, limit_mps=22.2, gap_m=35.0, slow_mps=12.0, braking_mps2=2.0), _RAIN),
    Cell("motorway, cut-in from the left", partial(motorways.cut_in_from_left, limit_mps=27.8, gap_m=30.0, slower_mps=4.0)),
    Cell("motorway, cut-in from the right, unlit", partial(
        motorways.cut_in_from_right, limit_mps=27.8, gap_m=35.0, slower_mps=5.0), _UNLIT),
    Cell("motorway, cut-out", partial(motorways.cut_out, limit_mps=22.2, slow_mps=14.0, reveal_m=60.0)),
    Cell("motorway, truck to overtake", partial(motorways.overtake, limit_mps=22.2, truck_mps=12.0, gap_m=70.0, second=False)),
    Cell("motorway, on-ramp", partial(motorways.merge, limit_mps=22.2, traffic_mps=20.0, behind_m=60.0, ahead_m=30.0), followed=False),
    Cell("motorway, exit", partial(motorways.leave, limit_mps=22.2, other_mps=20.0, other_m=110.0)),
    Cell("motorway, end of a jam", partial(motorways.queue, gap_m=50.0, crawl_mps=4.0)),
    Cell("street, car ahead stops", partial(streets.follow, limit_mps=13.9, gap_m=25.0, stops=True, bend_rad=0.0)),
    Cell("street, bend, rain", partial(streets.follow, limit_mps=13.9, gap_m=22.0, stops=False, bend_rad=0.9), _RAIN),
    Cell("street 30 km/h, night", partial(streets.follow, limit_mps=8.3, gap_m=14.0, stops=True, bend_rad=0.0), _NIGHT),
    Cell("road 80 km/h, bend, unlit", partial(streets.follow, limit_mps=22.2, gap_m=45.0, stops=False, bend_rad=0.4), _UNLIT),
    Cell("street, mist", partial(streets.follow, limit_mps=13.9, gap_m=30.0, stops=False, bend_rad=0.0), _MIST),
    Cell("street, cold", partial(streets.follow, limit_mps=8.3, gap_m=18.0, stops=False, bend_rad=0.5), _COLD),
    Cell("street, crossing", partial(streets.pedestrian, limit_mps=13.9, from_right=True, speed_mps=1.4, early_m=40.0, walkers=2)),
    Cell("street, van in the way, oncoming", partial(streets.parked_van, limit_mps=8.3, into_lane_m=1.0, oncoming_m=(40.0, 70.0))),
    Cell("street, road works", partial(streets.works, limit_mps=8.3, length_m=7.5, oncoming_m=(75.0,))),
    Cell("street, cyclist", partial(streets.cyclist, limit_mps=13.9, rides_mps=5.0, gap_m=35.0, oncoming_m=(110.0,), width_m=3.5)),
    Cell("narrow street, oncoming van", partial(streets.narrow, limit_mps=8.3, width_m=2.75, oncoming_mps=6.0, bend_rad=0.0)),
    Cell("junction, left turn", partial(junctions.left_turn, limit_mps=13.9, oncoming_m=(40.0, 15.0), speed_mps=12.0)),
    Cell("junction, right before left", partial(junctions.right_before_left, limit_mps=8.3, from_right_m=60.0, turn="N", waits=False)),
    Cell("junction, give way, night", partial(
        junctions.yield_at_t, limit_mps=13.9, from_left_m=(60.0, 30.0), from_right_m=(50.0,), turn="E"), _NIGHT),
    Cell("junction, red light", partial(junctions.light, limit_mps=13.9, red_s=8.0, amber_first=True, crossing_m=(105.0,))),
    Cell("junction, queue at a light, rain", partial(junctions.turns_green, limit_mps=13.9, red_s=4.0, standing=2), _RAIN),
    Cell("roundabout", partial(junctions.ring, limit_mps=8.3, target="N", circling_m=(70.0, 45.0))),
)  # fmt: skip


class Outcome(StrEnum):
    """What became of a drive."""

    CONDITION = "minimal risk condition"
    CONTINUED = "drove on"
    LEFT = "left its domain in time"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Finding:
    """One drive of the campaign; the same for the same cell, faults, seed, perception and vehicle. None where there is nothing to say."""

    cell: str
    faults: tuple[str, ...]
    seed: int
    perception: str
    """`sensed` through the car's sensors, or `perfect`."""
    vehicle: str
    outcome: Outcome
    why: str
    manoeuvre: str
    reason: str
    noticed_s: float | None
    """From the onset of the (first) fault until the manoeuvre that led to the end began; below 0: the car had begun for another reason."""
    condition_s: float | None
    """From that onset to the minimal risk condition."""
    driven_s: float
    braking_max_mps2: float
    hit: str = ""
    """A collision without fault of the car's own; the drive ends there."""

    @property
    def safe(self) -> bool:
        return self.outcome is not Outcome.FAILED


def drive_cell(
    cell: Cell, faults: tuple[Fault, ...], seed: int, *, perfect: bool = False, vehicle: str = "vela", replays: Path | None = None
) -> Finding:  # fmt: skip
    """Drive one cell with some faults.

    seed: moves others, their speeds and the onsets a little, and is that of the sensors' errors. perfect: see `injection.Injection`.
    vehicle: a name in `vehicle.MODELS`. replays: a folder for the drive's replay.
    """
    scene = cell.make()
    truth, problem = _read(scene)
    faults = tuple(_jittered(fault, seed) for fault in faults)
    known = dataclasses.replace(scene, road=wrong_map(scene.road, faults, scene.start, scene.start_mps))
    known_map = truth.road_map if known.road is scene.road else _read(known)[0].road_map
    followers = [_follower(truth.road_map, problem, _goal(truth.road_map, problem))] if cell.followed else []
    crowd = Crowd([*scene.actors, *(one for one in followers if one is not None)], seed=seed)
    loop = _Loop(cell, truth, problem, known_map, crowd, faults, seed, perfect, vehicle, [] if replays is not None else None)
    finding = loop.drive()
    if replays is not None and loop.frames is not None:
        name = "_".join((cell.name, *finding.faults, str(seed), finding.perception)).replace(",", "").replace(" ", "-").replace("/", "")
        write_replay(
            replays / f"{name}{SUFFIX}", name=name, road_map=truth.road_map, step_s=STEP_S, frames=loop.frames, facts=facts(finding)
        )
    return finding


def _read(scene: Scene) -> tuple[Scenario, PlanningProblem]:
    with TemporaryDirectory(prefix="marque-cell-") as folder:
        path = Path(folder) / "cell.xml"
        path.write_bytes(document("ZAM_Cell-1_1_T-1", scene))
        scenario = read_scenario(path)
    return scenario, scenario.problems[0]


def _jittered(fault: Fault, seed: int) -> Fault:
    if fault.onset_s <= 0.0:
        return fault
    kind = sum(ord(letter) for letter in fault.kind)
    return fault._replace(onset_s=fault.onset_s + _ONSET_SPREAD_S * (2.0 * uniform(seed, kind, 0, Purpose.TRIP) - 1.0))


def _goal(road_map: RoadMap, problem: PlanningProblem) -> tuple[Goal, ...]:
    """Whenever it likes, to the lane in which the scene's goal lies."""
    asked = problem.goals[0]
    x, y = asked.polygons[0].mean(axis=0)
    low, high = asked.heading_rad or (0.0, 0.0)
    lane, _, _ = locate(road_map.arrays, float(x), float(y), 0.5 * (low + high), 1.0, int(RoadUse.CAR))
    return (Goal((0.0, math.inf), lanes=(lane,)),) if lane >= 0 else (dataclasses.replace(asked, time_s=(0.0, math.inf)),)


def _follower(road_map: RoadMap, problem: PlanningProblem, goals: tuple[Goal, ...]) -> Actor | None:
    """A car that drives behind the ego on the same way, where there is road enough."""
    arrays = road_map.arrays
    lane, s, _ = locate(arrays, problem.x_m, problem.y_m, problem.heading_rad, 1.0, int(RoadUse.CAR))
    gap = _HEADWAY_S * problem.speed_mps + _JAM_M
    if lane < 0 or s < gap:
        return None
    lanes = len(arrays.lanes)
    cost = np.zeros(lanes)
    cost_to_go(arrays, goal_entries(road_map, goals), np.zeros(lanes, np.bool_), cost, np.zeros(lanes))
    pieces = []
    while lane >= 0:
        first, count = arrays.lanes[lane]["point_first"], arrays.lanes[lane]["point_count"]
        points = arrays.points[first : first + count]
        pieces.append(np.column_stack([points["x"], points["y"], points["heading"]]))
        lane = best_successor(arrays, lane, cost)
    path = np.vstack(pieces)
    kept = np.append(True, np.hypot(*np.diff(path[:, :2], axis=0).T) > 1e-6)
    return scripted(CAR, path[kept], s - gap, [(0.0, problem.speed_mps)])


class _Loop:
    """One drive. frames: where to keep it for a replay, None to keep none."""

    def __init__(
        self, cell: Cell, truth: Scenario, problem: PlanningProblem, known_map: RoadMap, crowd: Crowd, faults: tuple[Fault, ...], seed: int,
        perfect: bool, vehicle: str, frames: list[Frame] | None,
    ) -> None:  # fmt: skip
        self.cell, self.truth, self.crowd, self.faults, self.seed = cell, truth, crowd, faults, seed
        self.perfect, self.vehicle, self.frames = perfect, vehicle, frames
        self.model: VehicleModel = MODELS[vehicle]
        self.body = self.model.vehicle
        self.state = initial_state(problem, self.body)
        self.held = resting(STEP_S)
        sensors = Sensors(THREE_LIDARS, seed=seed, conditions=cell.conditions, road_map=truth.road_map)
        self.injection = Injection(faults, sensors, self.model.actuators, heading_rad=problem.heading_rad, perfect=perfect)
        self.pilot = Pilot(known_map, self.body, STEP_S, suite=THREE_LIDARS, actuators=self.model.actuators)
        self.pilot.begin(_goal(known_map, problem))
        self.states = [self.state]
        self.signals = np.zeros(len(truth.road_map.signal_ids), np.uint8)
        if not perfect:
            look_before(self.pilot.look, sensors, self._observe(0.0), self.state, STEP_S)
        self.left_domain: Attribute = Attribute.NONE
        self.too_fast_s = 0.0
        self.began_s = self.reached_s = math.nan
        self._stands_s = 0.0

    def drive(self) -> Finding:
        steps, touched = 0, False
        while steps * STEP_S < LONGEST_S and not touched:
            self._cycle(steps * STEP_S)
            steps += 1
            touched = self._touches()
            mode = self.pilot.fallback.mode
            if (mode == Mode.CONDITION and self._stands_s > _STANDS_S) or (mode == Mode.NOMINAL and steps * STEP_S > SHORTEST_S):
                break
        return self._judge(steps * STEP_S)

    def _observe(self, now: float) -> Observation:
        signal_colours(self.truth.road_map.arrays, now, self.signals)
        return self.crowd.observation(self.signals.copy())

    def _cycle(self, now: float) -> None:
        truth, pilot = self._observe(now), self.pilot
        seen, believed = self.injection.sense(truth, self.state)
        self.injection.renumber(pilot.tracks, now)
        command: Command = pilot.late(believed, seen) if self.injection.is_late(now) else pilot.cycle(believed, seen)
        self._note(now)
        if self.frames is not None:
            self.frames.append(frame_of(self.state, truth, pilot.view(), self.body))
        actuators = self.injection.actuators_at(now)
        braking = min(actuators.brake.left, actuators.grip) * self.body.braking_max_mps2
        stops_m = self.state.speed_mps**2 / (2.0 * braking)
        self.too_fast_s += STEP_S * (stops_m + _SIGHT_MARGIN_M > self.injection.sensors.conditions.visibility_m)
        self.crowd.step(self.state, self.body)
        state, self.held = drive(self.state, self.held, command, STEP_S, self.body, actuators)
        self.state = VehicleState(*state)
        self.states.append(self.state)
        self._stands_s = self._stands_s + STEP_S if abs(self.state.speed_mps) < _STANDS_MPS else 0.0

    def _note(self, now: float) -> None:
        fallback = self.pilot.fallback
        border = fallback.border
        if border.status == Status.OUTSIDE and border.attribute not in (Attribute.SENSORS, Attribute.LOCALISATION, Attribute.CONNECTION):
            self.left_domain = border.attribute
        if fallback.mode == Mode.NOMINAL:
            self.began_s = math.nan
        elif math.isnan(self.began_s):
            self.began_s = now
        if fallback.mode == Mode.CONDITION and math.isnan(self.reached_s):
            self.reached_s = now

    def _touches(self) -> bool:
        there, poses = self.crowd.present(), self.crowd.poses()
        length, width = self.crowd.sizes()
        return any(
            boxes_overlap(
                self.state.x_m, self.state.y_m, self.state.heading_rad, self.body.length_m, self.body.width_m,
                x, y, heading, length[i], width[i],
            )
            for i, (x, y, heading) in enumerate(poses.tolist())
            if there[i]
        )  # fmt: skip

    def _judge(self, now: float) -> Finding:
        columns = np.ascontiguousarray(np.array(self.states).T)
        driven = Trajectory(*columns[:5])
        self.crowd.step(self.state, self.body)  # one row more: the log has as many as the trajectory
        scenario = dataclasses.replace(self.truth, actors=self.crowd.log())
        outcome, why, hit = self._outcome(scenario, driven)
        fallback = self.pilot.fallback
        speeds: Floats = np.diff(driven.speed_mps) / STEP_S
        onset = min((fault.onset_s for fault in self.faults), default=0.0)
        noticed, reached = (round(at - onset, 1) if math.isfinite(at) else None for at in (self.began_s, self.reached_s))
        return Finding(
            self.cell.name, tuple(str(fault.kind) for fault in self.faults), self.seed, "perfect" if self.perfect else "sensed",
            self.vehicle, outcome, why, fallback.manoeuvre.name.lower(), fallback.reason.name.lower(), noticed, reached, round(now, 1),
            round(float(-speeds.min(initial=0.0)), 2), hit,
        )  # fmt: skip

    def _outcome(self, scenario: Scenario, driven: Trajectory) -> tuple[Outcome, str, str]:
        log = scenario.actors
        k, body = first_collision(
            driven, 0, self.body.length_m, self.body.width_m, log.x_m, log.y_m, log.heading_rad, log.length_m, log.width_m, log.present,
            log.stands,
        )  # fmt: skip
        hit = ""
        if k >= 0:
            at_fault, why = blame(scenario, driven, 0, k, body, self.body)
            said = f"touches {log.ids[body]} after {k * STEP_S:.1f} s: {why}"
            if at_fault:
                return Outcome.FAILED, said, ""
            hit = said
        left = first_departure(driven, self.body.length_m, self.body.width_m, scenario.road_map.arrays)
        if left >= 0:
            return Outcome.FAILED, f"leaves the road after {left * STEP_S:.1f} s", hit
        if self.too_fast_s > 1.0:
            return Outcome.FAILED, f"for {self.too_fast_s:.1f} s too fast for the sight there was", hit
        fallback = self.pilot.fallback
        stands = self._stands_s > _STANDS_S
        if fallback.mode != Mode.NOMINAL and (stands or hit):
            outside = self.left_domain != Attribute.NONE
            return (Outcome.LEFT, self.left_domain.name.lower(), hit) if outside else (Outcome.CONDITION, "", hit)
        if fallback.mode != Mode.NOMINAL:
            return Outcome.FAILED, f"still drives with {driven.speed_mps[-1]:.1f} m/s after {len(self.states) * STEP_S:.0f} s", hit
        intolerable = [fault.kind for fault in self.faults if fault.kind not in TOLERABLE]
        if intolerable and not hit:
            return Outcome.FAILED, f"drives on with {', '.join(intolerable)}", hit
        return Outcome.CONTINUED, "stands" if stands else "", hit


def facts(finding: Finding) -> dict[str, Any]:
    """A finding as JSON values."""
    return {**dataclasses.asdict(finding), "outcome": finding.outcome.value, "faults": list(finding.faults)}
