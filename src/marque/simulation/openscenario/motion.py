"""How those who are no ego move: exactly as the storyboard leads them, along lanes, trajectories, or straight on."""

from __future__ import annotations

import math

from marque.driving.importers.opendrive import Way
from marque.simulation.openscenario.course import Course
from marque.simulation.openscenario.entities import Entity, Mode
from marque.simulation.openscenario.network import Place
from marque.simulation.openscenario.positions import Spot, Stage, crosses_road

_MAX_BEND = 0.9
"""Share of a bend's radius beyond which a lane cannot be followed to its inside."""


def put(entity: Entity, spot: Spot, stage: Stage) -> None:
    """Puts an entity at a position; it then follows the lane it faces along, if it faces along one."""
    entity.x, entity.y, entity.heading = spot.pose
    entity.placed = True
    entity.course, entity.sideways = None, 0.0
    entity.located = None
    entity.place = spot.place or stage.network.locate(entity.x, entity.y, entity.heading)
    road = stage.network.road(entity.place.road)
    lane = spot.lane if spot.lane is not None else road.lane_at(entity.place.s, entity.place.t)
    here = stage.network.pose(entity.place)[2]
    middle = None if lane is None else road.lane_t(entity.place.s, lane)
    if entity.ego or lane is None or middle is None or crosses_road(entity.heading, here):
        entity.mode = Mode.FREE
        return
    entity.mode, entity.lane = Mode.LANE, lane
    entity.offset = entity.place.t - middle
    entity.forward = math.cos(entity.heading - here) > 0.0


def follow(entity: Entity, course: Course, s: float) -> None:
    """Puts an entity on a course."""
    entity.mode, entity.course, entity.course_s = Mode.COURSE, course, s
    _on_course(entity)
    entity.placed = True


def leave_course(entity: Entity, stage: Stage) -> None:
    """From the end of a trajectory on: along the lane it faces along, else straight on."""
    if entity.mode is Mode.COURSE:
        put(entity, Spot(entity.pose), stage)


def move(entity: Entity, metres: float, stage: Stage) -> None:
    """Moves an entity `metres` along its way (back where below 0); `sideways` is turned into heading by the caller's speed."""
    if entity.mode is Mode.COURSE and entity.course is not None:
        entity.course_s += metres
        _on_course(entity)
    elif entity.mode is Mode.LANE:
        _along_lane(entity, metres, stage)
    else:
        entity.x += metres * math.cos(entity.heading)
        entity.y += metres * math.sin(entity.heading)
        entity.place = None


def _on_course(entity: Entity) -> None:
    assert entity.course is not None
    entity.x, entity.y, along = entity.course.pose(entity.course_s)
    # Who walks faces where it goes: files give pedestrians a heading of the world that their way across a bend does not have, and to
    # everybody who is told of it a speed is one along the heading.
    walks = entity.body.category == "pedestrian" and entity.speed > 0.0
    entity.heading = along if walks else entity.course.facing(entity.course_s)
    entity.place = None


def _along_lane(entity: Entity, metres: float, stage: Stage) -> None:
    """A metre of the entity's own way is 1/(1 − κt) metres of the reference line; by the midpoint rule."""
    assert entity.place is not None
    place, direction = entity.place, 1.0 if entity.forward else -1.0
    road = stage.network.road(place.road)
    half = place.s + 0.5 * direction * metres / _stretch(road.line.curvature(place.s), place.t)
    s = place.s + direction * metres / _stretch(road.line.curvature(half), place.t)
    if not 0.0 <= s <= road.length:
        onward = stage.network.onward(Way(place.road, s > road.length, entity.lane), entity.route)
        if onward is not None:
            over = s - road.length if s > road.length else -s
            turned = onward.forward != (s > road.length)
            road = stage.network.road(onward.road)
            lane = onward.lane if onward.lane is not None else -entity.lane if turned else entity.lane
            s = over if onward.forward else road.length - over
            entity.forward, entity.lane = entity.forward != turned, lane
            entity.offset = -entity.offset if turned else entity.offset
            place = Place(onward.road, s, place.t)
    entity.lane = road.renumbered(entity.lane, min(road.length, max(0.0, place.s)), min(road.length, max(0.0, s)))
    settle(entity, Place(place.road, s, place.t), stage)


def _stretch(curvature: float, t: float) -> float:
    return 1.0 - max(-_MAX_BEND, min(_MAX_BEND, curvature * t))


def settle(entity: Entity, place: Place, stage: Stage) -> None:
    """Puts an entity that follows its lane at a place's s, at its own offset, headed along the lane and as fast sideways as it is."""
    road = stage.network.road(place.road)
    middle = road.lane_t(min(road.length, max(0.0, place.s)), entity.lane)
    t = place.t if middle is None else middle + entity.offset
    entity.place = Place(place.road, place.s, t)
    entity.x, entity.y, along = stage.network.pose(entity.place)
    heading = along if entity.forward else along + math.pi
    if abs(entity.speed) > 1e-6:  # at rest it keeps the heading it was put down with
        entity.heading = heading + math.asin(max(-1.0, min(1.0, entity.sideways / entity.speed)))


def advance(entity: Entity, speed_before: float, step_s: float, stage: Stage) -> None:
    """One step: along its way with the mean of the speeds before and after it."""
    mean = entity.speed if entity.led else 0.5 * (speed_before + entity.speed)
    entity.led = False
    entity.acceleration = (entity.speed - speed_before) / step_s
    if mean != 0.0 or entity.sideways != 0.0:
        onward = math.copysign(math.sqrt(max(0.0, mean * mean - entity.sideways**2)), mean) if entity.mode is Mode.LANE else mean
        move(entity, onward * step_s, stage)
    entity.travelled += abs(mean) * step_s
