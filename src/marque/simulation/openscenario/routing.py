"""Routing actions: trajectories followed, routes assigned, positions acquired. For the ego they say where the pilot is to go."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from marque.simulation.openscenario.document import Node
from marque.simulation.openscenario.entities import Entity
from marque.simulation.openscenario.longitudinal import Make
from marque.simulation.openscenario.motion import follow, leave_course, put
from marque.simulation.openscenario.network import Route
from marque.simulation.openscenario.positions import Position, Spot, read_position, read_route, station
from marque.simulation.openscenario.runs import LATERAL, LONGITUDINAL, Instant, Run
from marque.simulation.openscenario.trajectories import Trajectory, read_trajectory

if TYPE_CHECKING:
    from marque.simulation.openscenario.world import World

_ON_COURSE_M = 0.5
"""An entity that near to a trajectory it is to follow goes on from where it is; farther away it is put at its beginning."""


class FollowTrajectory(Run):
    """Leads an entity exactly along a trajectory: at the times of the file, or as fast as it is driven otherwise."""

    def __init__(self, world: World, entity: Entity, trajectory: Trajectory, offset_m: float, clock: Clock | None, joins: bool) -> None:
        super().__init__(world, entity)
        self.trajectory, self.offset_m, self.clock, self.joins = trajectory, offset_m, clock, joins
        self.domains = (LATERAL,) if clock is None else (LATERAL, LONGITUDINAL)

    def begin(self) -> None:
        entity = self.entity
        stage = self.world.stage
        course = self.trajectory.course(stage, entity.pose if entity.placed else None)
        s = self.offset_m
        if self.joins and entity.placed:
            near, beside = course.project(entity.x, entity.y)
            s = max(s, near) if abs(beside) < _ON_COURSE_M else s
        if self.clock is not None:
            self.places, self.times = self.trajectory.times(course, stage)
            self.began_s = self.world.time_s
            s = max(s, self._due(0.0))
        follow(entity, course, s)

    def _due(self, passed_s: float) -> float:
        assert self.clock is not None
        now = passed_s if self.clock.relative else self.began_s + passed_s
        return float(np.interp(now * self.clock.scale + self.clock.offset_s, self.times, self.places))

    def _over(self, passed_s: float) -> bool:
        assert self.clock is not None
        now = passed_s if self.clock.relative else self.began_s + passed_s
        return bool(now * self.clock.scale + self.clock.offset_s >= self.times[-1] - 1e-9)

    def step(self, step_s: float) -> None:
        entity = self.entity
        assert entity.course is not None
        if self.clock is None:
            if entity.course_s >= entity.course.length - 1e-9 and entity.speed >= 0.0:
                leave_course(entity, self.world.stage)
                self.finish()
            return
        passed = self.world.time_s - self.began_s
        if self._over(passed):
            leave_course(entity, self.world.stage)
            self.finish()
            return
        # The mean of the speeds at the ends of a step is what moves it: that mean has to lead to the place that is due.
        due = self._due(passed + step_s)
        entity.speed = max(0.0, (due - entity.course_s) / step_s)
        entity.led = True


class Clock:
    """`TimeReference`: trajectory time = scale · time + offset, from the simulation's or the action's beginning."""

    def __init__(self, node: Node) -> None:
        self.relative = node.choice("domainAbsoluteRelative", ("absolute", "relative")) == "relative"
        self.scale, self.offset_s = node.number("scale"), node.number("offset")


def read_follow_trajectory(node: Node, world: World) -> Make:
    reference = node.maybe("TrajectoryRef")
    trajectory = read_trajectory(reference.only() if reference else node.one("Trajectory", "CatalogReference"), world.stage)
    timing = node.one("TimeReference").only()
    if timing.tag not in ("Timing", "None"):
        raise timing.unsupported("Timing and None are supported.")
    clock = Clock(timing) if timing.tag == "Timing" else None
    if clock is not None and not trajectory.timed:
        raise trajectory.node.fault("it is to be followed in time, but not every vertex has one")
    mode = node.maybe("TrajectoryFollowingMode", "TrajectoryFollowingModeType")
    joins = mode is not None and mode.choice("followingMode", ("follow", "position")) == "follow"
    offset = node.number("initialDistanceOffset", 0.0)

    def make(entity: Entity) -> Run:
        if entity.ego:
            return Instant(world, entity, lambda: _lead_ego(world, entity, trajectory, offset))
        return FollowTrajectory(world, entity, trajectory, offset, clock, joins)

    return make


def _lead_ego(world: World, ego: Entity, trajectory: Trajectory, offset: float) -> None:
    course = trajectory.course(world.stage, ego.pose if ego.placed else None)
    if not ego.placed:
        x, y, _ = course.pose(offset)
        put(ego, Spot((x, y, course.facing(offset))), world.stage)
    world.orders.want_course(course)


def read_assign_route(node: Node, world: World) -> Make:
    route = read_route(node.only(), world.stage)
    return lambda entity: Instant(world, entity, lambda: _assign(world, entity, route))


def _assign(world: World, entity: Entity, route: Route) -> None:
    if entity.ego:
        world.orders.want_course(route.course)
    else:
        entity.route = route


def read_acquire_position(node: Node, world: World) -> Make:
    position = read_position(node.one("Position"), world.stage)
    return lambda entity: Instant(world, entity, lambda: _acquire(node, world, entity, position))


def _acquire(node: Node, world: World, entity: Entity, position: Position) -> None:
    stage = world.stage
    here = stage.place(stage.entity(entity.name))
    forward = math.cos(entity.heading - stage.network.pose(here)[2]) >= 0.0
    route = stage.network.route([(here, forward), station(position(stage), stage)])
    if route is None:
        raise node.fault(f'no road leads "{entity.name}" to the position')
    _assign(world, entity, route)
