"""A scenario played: the storyboard leads everyone else, the ego is driven in a closed loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from marque.common import Floats
from marque.driving.interventions import GuardLog
from marque.driving.map import RoadMap
from marque.driving.map.query import signal_colours
from marque.driving.observation import Observation
from marque.simulation.drive import Driver, Plant, frame_of
from marque.simulation.frame import Frame
from marque.simulation.judge import Trajectory
from marque.simulation.openscenario.calm import Calm, anybody_approaches
from marque.simulation.openscenario.entities import Entity
from marque.simulation.openscenario.mission import Mission, SetSpeed, mission
from marque.simulation.openscenario.scenario import Story
from marque.simulation.openscenario.storyboard import COMPLETE
from marque.simulation.openscenario.world import Bodies, World
from marque.simulation.sensors import Sensors, look_before, recognise_all
from marque.vehicle import IDEAL, Actuators, Command, VehicleParameters, VehicleState, drive, resting, steps

CYCLE_S = 0.1
"""The ego is driven that often."""
LONGEST_S = 600.0
"""Simulated time after which a scenario that does not end by itself is cut off."""
_END_M, _END_S = 10.0, 3.0
"""A scenario ends, too, so far and so long before the ego's road does: what happens at the edge of the world is no test."""
_IDLE_S = 10.0
"""A storyboard without a stop trigger ends so long after its last story."""

MakeDriver = Callable[[RoadMap, VehicleParameters, float], Driver]


@dataclass(frozen=True, slots=True)
class Contact:
    """The first time the ego touched somebody. impact_mps: of the two relative to each other; ego_mps: of the ego over ground."""

    time_s: float
    name: str
    impact_mps: float
    ego_mps: float


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario as it went, at every CYCLE_S from its beginning on. bodies: everyone but the ego."""

    driven: Trajectory
    bodies: list[Bodies]
    frames: list[Frame]
    cycle_ms: Floats
    cpu_s: float
    contact: Contact | None
    set_speed_mps: float | None
    ended: str
    """Why it ended, one clause."""
    cut_off: bool
    """Whether the caller's horizon ended it while something was still to begin or somebody still came nearer."""
    perception: str
    """As in `drive.Result`."""
    guard: GuardLog
    """What the guard did, with the actors' ids."""


def play(
    story: Story, make_driver: MakeDriver, sensors: Sensors | None = None, *, record: bool = False, deadline: float = math.inf,
    actuators: Actuators = IDEAL, plant: Plant | None = None, horizon_s: float = LONGEST_S, settling: bool = False,
) -> Played:  # fmt: skip
    """Runs a story to its end: its stop trigger, the ego's first touch, or the horizon. Raises TimeoutError past the deadline.

    sensors: the ego's; None for perfect perception. actuators: between the driver and the car. plant: in place of these and of the
    vehicle's own dynamics.
    settling: a story ends, too, once all has happened and nothing comes of it any more.
    """
    story.begin()
    world, ego, vehicle = story.world, story.world.ego, story.vehicle
    ticks = round(CYCLE_S / world.step_s)
    limits = SetSpeed(story.road_map)
    driver = make_driver(limits.road_map, vehicle, CYCLE_S)
    initial, world.orders.rerouted = world.orders.speed, True
    state = _state(ego, story)
    states, bodies, frames, cycle_ms = [state], [bodies_of(world)], list[Frame](), list[float]()
    contact, ended, cut_off, idle_s, tick, task = None, "", False, 0.0, 0, Mission((), None)
    calm, held = Calm(CYCLE_S), resting(CYCLE_S)
    began = time.thread_time_ns()
    while not ended:
        if time.monotonic() > deadline:
            raise TimeoutError("the drive took too long")
        limits.set(world.orders.speed)
        if world.orders.rerouted:
            task = mission(story.road_map, ego.pose, world.orders.course)
            driver.begin(task.goals)
            world.orders.rerouted = world.ego_moved = False
        truth = observe(bodies[-1], story.road_map, world.time_s)
        if sensors is not None and len(states) == 1:
            look_before(driver.look, sensors, truth, state, CYCLE_S)
        seen, believed = (truth, state) if sensors is None else sensors.sense(truth, state)
        cycle_began = time.thread_time_ns()
        command = driver.cycle(believed, seen)
        cycle_ms.append((time.thread_time_ns() - cycle_began) * 1e-6)
        if record:
            frames.append(frame_of(state, truth, driver.view(), vehicle))
        if plant is None:
            after, held = drive(state, held, command, CYCLE_S, vehicle, actuators)
        else:
            after = plant(state, command)
        given = command if plant is None and actuators is IDEAL else _given(state, after, command)
        way = steps(state, given, world.step_s, ticks, vehicle).tolist()
        if story.quiet(CYCLE_S):
            tick += ticks
            _lead(ego, way)
            story.leap(tick, ticks)
        else:
            for here in way:
                story.tick()
                tick += 1
                _lead(ego, [here])
                story.look(tick)
                contact = contact or _touched(world)
        state = _state(ego, story) if world.ego_moved else VehicleState(*after)
        world.ego_moved = False
        states.append(state)
        bodies.append(bodies_of(world, bodies[-1]))
        idle_s = idle_s + CYCLE_S if all(part.state == COMPLETE for part in story.storyboard.parts) else 0.0
        ended = _ended(story, contact, idle_s, task)
        if settling and not ended and calm.lasts(story, state, bodies[-1]):
            ended = "nothing more comes of it"
        if not ended and world.time_s >= horizon_s:
            ended = f"its horizon of {horizon_s:.0f} s"
            cut_off = horizon_s < LONGEST_S and (story.storyboard.waits or anybody_approaches(state, bodies[-1]))
    cpu_s = (time.thread_time_ns() - began) * 1e-9
    if record:
        frames.append(frame_of(state, observe(bodies[-1], story.road_map, world.time_s), driver.view(), vehicle))
    columns = np.array(states).T
    driven = Trajectory(*np.ascontiguousarray(columns[:5]))
    guard, perception = driver.guard_log(), "perfect"
    if sensors is not None:
        guard, perception = recognise_all(guard, lambda at_s: observe(bodies[round(at_s / CYCLE_S)], story.road_map, at_s)), "sensed"
    return Played(driven, bodies, frames, np.array(cycle_ms), cpu_s, contact, initial, ended, cut_off, perception, guard)


def _ended(story: Story, contact: Contact | None, idle_s: float, task: Mission) -> str:
    if contact is not None:
        return f"touched {contact.name}"
    if story.over:
        return "the storyboard's stop trigger"
    if story.storyboard.stopper is None and idle_s >= _IDLE_S:
        return "every story is over"
    ego = story.world.ego
    at_the_end = task.end is not None and math.dist((ego.x, ego.y), task.end) < _END_M + _END_S * abs(ego.speed)
    return "the ego's road" if at_the_end else ""


def bodies_of(world: World, before: Bodies | None = None) -> Bodies:
    """Everyone but the ego, as they are now. before: the same at another instant; what each is does not change."""
    others = [entity for entity in world.others if entity.body.solid]
    if before is None:
        ids, kinds = np.arange(1, len(others) + 1, dtype=np.int32), np.array([entity.body.kind for entity in others], np.uint8)
        sizes = np.array([(entity.body.length_m, entity.body.width_m) for entity in others]).reshape(-1, 2)
        length_m, width_m = np.ascontiguousarray(sizes.T)
    else:
        ids, kinds, length_m, width_m = before.ids, before.kinds, before.length_m, before.width_m
    now = [(*entity.centre, entity.speed, entity.there, entity.sensed) for entity in others]
    x_m, y_m, heading_rad, speed_mps, present, sensed = np.ascontiguousarray(np.array(now, float).reshape(-1, 6).T)
    return Bodies(ids, kinds, present > 0.0, sensed > 0.0, x_m, y_m, heading_rad, speed_mps, length_m, width_m)


def observe(bodies: Bodies, road_map: RoadMap, time_s: float) -> Observation:
    """What the driving system is told: a copy of who is there now, and the signals."""
    here = bodies.present & bodies.sensed
    signals = np.zeros(len(road_map.signal_ids), np.uint8)
    if len(signals):
        signal_colours(road_map.arrays, time_s, signals)
    return Observation(
        time_s, bodies.ids[here], bodies.kinds[here], bodies.x_m[here], bodies.y_m[here], bodies.heading_rad[here],
        bodies.speed_mps[here], bodies.length_m[here], bodies.width_m[here], signals,
    )  # fmt: skip


def _state(ego: Entity, story: Story) -> VehicleState:
    """The ego's state where the file puts it; the wheel is turned as its road bends there."""
    stage, vehicle = story.world.stage, story.vehicle
    place = stage.place(ego)
    bend = stage.network.road(place.road).line.curvature(place.s)
    along = math.cos(ego.heading - stage.network.pose(place)[2])
    on_lane = abs(along) > 0.9 and stage.network.on_road(place)
    curvature = math.copysign(1.0, along) * bend / max(0.1, 1.0 - bend * place.t) if on_lane else 0.0
    x, y, heading = ego.centre
    steering = max(-vehicle.steering_max_rad, min(vehicle.steering_max_rad, math.atan(curvature * vehicle.wheelbase_m)))
    return VehicleState(x, y, heading, ego.speed, steering, 0.0)


def _given(before: VehicleState, after: VehicleState, asked: Command) -> Command:
    """What the actuators gave of a command, in the mean of a cycle."""
    return Command(
        (after.speed_mps - before.speed_mps) / CYCLE_S, (after.steering_rad - before.steering_rad) / CYCLE_S, asked.gear
    )  # fmt: skip


def _lead(ego: Entity, way: list[list[float]]) -> None:
    """The ego where its vehicle is. way: the vehicle's states on the way there, columns as in `VehicleState`."""
    ahead, left = ego.body.centre_x_m, ego.body.centre_y_m
    x, y = ego.x, ego.y
    for middle_x, middle_y, heading, speed, _, acceleration in way:
        c, s = math.cos(heading), math.sin(heading)
        ego.x, ego.y = middle_x - ahead * c + left * s, middle_y - ahead * s - left * c
        ego.travelled += math.hypot(ego.x - x, ego.y - y)
        x, y = ego.x, ego.y
        ego.heading, ego.speed, ego.acceleration = heading, speed, acceleration


def _touched(world: World) -> Contact | None:
    ego = world.ego
    for name in sorted(world.touching(ego)):
        other = world.stage.entities[name]
        vx = ego.speed * math.cos(ego.heading) - other.speed * math.cos(other.heading)
        vy = ego.speed * math.sin(ego.heading) - other.speed * math.sin(other.heading)
        return Contact(world.time_s, name, math.hypot(vx, vy), abs(ego.speed))
    return None
