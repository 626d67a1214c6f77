"""Conditions: what the standard lets a trigger ask of the world.

Each reader checks its element once and returns a test of the present instant; edges and delays are `triggers`' matter. Source: ASAM
OpenSCENARIO XML 1.3, class reference, `ByEntityCondition` and `ByValueCondition`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from marque.simulation.openscenario.document import RULES, Node, compare, holds
from marque.simulation.openscenario.entities import Entity
from marque.simulation.openscenario.measures import Measure, closing_on, closing_speed, directed
from marque.simulation.openscenario.positions import entity_name, read_position

if TYPE_CHECKING:
    from marque.simulation.openscenario.world import World

Test = Callable[["World"], bool]
EntityTest = Callable[["World", Entity], bool]

_DIRECTIONS = ("longitudinal", "lateral", "vertical")
_ELEMENTS = ("storyboard", "story", "act", "maneuverGroup", "maneuver", "event", "action")
_STATES = ("startTransition", "endTransition", "stopTransition", "skipTransition", "completeState", "runningState", "standbyState")


def read_condition(node: Node, world: World) -> Test:
    """The test of a `Condition`."""
    child = node.only()
    if child.tag == "ByEntityCondition":
        return _by_entity(child, world)
    if child.tag == "ByValueCondition":
        kind = child.only()
        reader = _BY_VALUE.get(kind.tag)
        if reader is None:
            raise kind.unsupported(f"{', '.join(sorted(_BY_VALUE))} can be tested.")
        return reader(kind, world)
    raise child.unsupported()


def _by_entity(node: Node, world: World) -> Test:
    triggering = node.one("TriggeringEntities")
    every = triggering.choice("triggeringEntitiesRule", ("any", "all")) == "all"
    names = [entity_name(child, world.stage) for child in triggering.each("EntityRef")]
    kind = node.one("EntityCondition").only()
    reader = _BY_ENTITY.get(kind.tag)
    if reader is None:
        raise kind.unsupported(f"{', '.join(sorted(_BY_ENTITY))} can be tested.")
    test = reader(kind, world)

    def tested(world: World) -> bool:
        there = [entity for name in names if (entity := world.stage.entities[name]).there]
        return bool(there) and (all if every else any)(test(world, entity) for entity in there)

    return tested


def _ruled(node: Node) -> Callable[[float], bool]:
    rule, value = node.choice("rule", RULES), node.number("value")
    return lambda asked: holds(asked, rule, value)


# By entity


def _relative_distance(node: Node, world: World) -> EntityTest:
    name, measure, ruled = entity_name(node, world.stage), Measure(node), _ruled(node)
    return lambda world, entity: ruled(measure.between(entity, world.stage.entities[name], world.stage))


def _distance(node: Node, world: World) -> EntityTest:
    measure, ruled, position = Measure(node), _ruled(node), read_position(node.one("Position"), world.stage)

    def tested(world: World, entity: Entity) -> bool:
        spot = position(world.stage)
        return ruled(measure.to(entity, spot.pose, spot.place, world.stage))

    return tested


def _headway(node: Node, world: World) -> EntityTest:
    """Distance over the triggering entity's speed; who stands or backs has none."""
    name, measure, ruled = entity_name(node, world.stage), Measure(node, _headway_kind(node)), _ruled(node)

    def tested(world: World, entity: Entity) -> bool:
        gap = measure.between(entity, world.stage.entities[name], world.stage)
        return ruled(gap / entity.speed if entity.speed > 0.0 else math.inf)

    return tested


def _headway_kind(node: Node) -> str | None:
    return None if node.has("relativeDistanceType") else "longitudinal" if node.has("coordinateSystem") else None


def _time_to_collision(node: Node, world: World) -> EntityTest:
    """Distance over closing speed, inf while they do not close; to an entity or a position."""
    measure, ruled = Measure(node, _headway_kind(node)), _ruled(node)
    target = node.one("TimeToCollisionConditionTarget").only()
    if target.tag == "Position":
        position = read_position(target, world.stage)

        def to_position(world: World, entity: Entity) -> bool:
            spot = position(world.stage)
            closing = closing_on(entity, spot.pose[:2], measure, world.stage)
            return ruled(measure.to(entity, spot.pose, spot.place, world.stage) / closing if closing > 0.0 else math.inf)

        return to_position
    if target.tag != "EntityRef":
        raise target.unsupported("An EntityRef or a Position is expected.")
    name = entity_name(target, world.stage)

    def to_entity(world: World, entity: Entity) -> bool:
        other = world.stage.entities[name]
        closing = closing_speed(entity, other, measure, world.stage)
        return ruled(measure.between(entity, other, world.stage) / closing if closing > 0.0 else math.inf)

    return to_entity


def _reach_position(node: Node, world: World) -> EntityTest:
    tolerance, position = node.number("tolerance"), read_position(node.one("Position"), world.stage)
    return lambda world, entity: math.dist((entity.x, entity.y), position(world.stage).pose[:2]) <= tolerance


def _direction(node: Node) -> str:
    return node.choice("direction", _DIRECTIONS) if node.has("direction") else ""


def _speed(node: Node, world: World) -> EntityTest:
    ruled, direction = _ruled(node), _direction(node)
    return lambda world, entity: ruled(directed(entity.speed, entity, entity.heading, direction))


def _relative_speed(node: Node, world: World) -> EntityTest:
    name, ruled, direction = entity_name(node, world.stage), _ruled(node), _direction(node)

    def tested(world: World, entity: Entity) -> bool:
        other = world.stage.entities[name]
        return ruled(directed(entity.speed, entity, entity.heading, direction) - directed(other.speed, entity, other.heading, direction))

    return tested


def _acceleration(node: Node, world: World) -> EntityTest:
    ruled, direction = _ruled(node), _direction(node)
    return lambda world, entity: ruled(directed(entity.acceleration, entity, entity.heading, direction))


def _stand_still(node: Node, world: World) -> EntityTest:
    duration = node.number("duration")
    return lambda world, entity: entity.stood_s >= duration - 1e-9 and entity.stood_s > 0.0


def _travelled(node: Node, world: World) -> EntityTest:
    value = node.number("value")
    return lambda world, entity: entity.travelled >= value


def _off_road(node: Node, world: World) -> EntityTest:
    duration = node.number("duration")
    world.watch_roads = True
    return lambda world, entity: entity.off_road_s > 0.0 and entity.off_road_s >= duration - 1e-9


def _end_of_road(node: Node, world: World) -> EntityTest:
    duration = node.number("duration")
    world.watch_roads = True
    return lambda world, entity: entity.at_end_s > 0.0 and entity.at_end_s >= duration - 1e-9


def _collision(node: Node, world: World) -> EntityTest:
    target = node.only()
    if target.tag == "EntityRef":
        name = entity_name(target, world.stage)
        return lambda world, entity: name in world.touching(entity)
    if target.tag == "ByType":
        kind = target.choice("type", ("vehicle", "pedestrian", "miscellaneous"))
        return lambda world, entity: any(world.stage.entities[n].body.category == kind for n in world.touching(entity))
    raise target.unsupported("An EntityRef or a ByType is expected.")


def _clearance(node: Node, world: World) -> EntityTest:
    """Whether nobody is on the lanes asked for, so far behind and ahead (1.2)."""
    stage = world.stage
    behind, ahead, free = node.number("distanceBackward", 0.0), node.number("distanceForward", 0.0), node.flag("freeSpace")
    opposite = node.flag("oppositeLanes")
    names = [entity_name(child, stage) for child in node.each("EntityRef")] or list(stage.entities)
    ranges = [(child.whole("from", -1000), child.whole("to", 1000)) for child in node.each("RelativeLaneRange")]

    def clear(world: World, entity: Entity) -> bool:
        lane, here = world.stage.lane(entity), world.stage.place(entity)
        for name in names:
            other = world.stage.entities[name]
            its = world.stage.lane(other) if other is not entity and other.there else None
            if its is None or lane is None:
                continue
            away = (its - lane) * (1 if lane < 0 else -1)
            elsewhere = bool(ranges) and not any(low <= away <= high for low, high in ranges)
            if elsewhere or ((its > 0) != (lane > 0) and not opposite):
                continue
            along = world.stage.network.along(here, world.stage.place(other)) * (1.0 if lane < 0 else -1.0)
            reach = 0.5 * (entity.body.length_m + other.body.length_m) if free else 0.0
            if -behind - reach <= along <= ahead + reach:
                return False
        return True

    return clear


_BY_ENTITY: dict[str, Callable[[Node, World], EntityTest]] = {
    "RelativeDistanceCondition": _relative_distance,
    "DistanceCondition": _distance,
    "TimeHeadwayCondition": _headway,
    "TimeToCollisionCondition": _time_to_collision,
    "ReachPositionCondition": _reach_position,
    "SpeedCondition": _speed,
    "RelativeSpeedCondition": _relative_speed,
    "AccelerationCondition": _acceleration,
    "StandStillCondition": _stand_still,
    "TraveledDistanceCondition": _travelled,
    "OffroadCondition": _off_road,
    "EndOfRoadCondition": _end_of_road,
    "CollisionCondition": _collision,
    "RelativeClearanceCondition": _clearance,
}


# By value


def _simulation_time(node: Node, world: World) -> Test:
    ruled = _ruled(node)
    return lambda world: ruled(world.time_s)


def _time_of_day(node: Node, world: World) -> Test:
    rule, moment = node.choice("rule", RULES), _moment(node, node.text("dateTime"))

    def tested(world: World) -> bool:
        if world.clock is None:
            raise node.fault("no environment sets a time of day", "Give the Environment a TimeOfDay.")
        return holds((world.clock - moment).total_seconds(), rule, 0.0)

    return tested


def _moment(node: Node, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise node.fault(f'"{text[:40]}" is no date and time') from None


def read_clock(node: Node) -> tuple[datetime, bool]:
    """(date and time, whether it goes on) of a `TimeOfDay`."""
    return _moment(node, node.text("dateTime")), node.flag("animation")


def _parameter(node: Node, world: World) -> Test:
    name, rule, value = node.text("parameterRef"), node.choice("rule", RULES), node.text("value")
    if name not in world.parameters:
        raise node.fault(f'the parameter "{name}" is not declared')
    return lambda world: compare(world.parameters[name], rule, value)


def _variable(node: Node, world: World) -> Test:
    name, rule, value = node.text("variableRef"), node.choice("rule", RULES), node.text("value")
    if name not in world.variables:
        raise node.fault(f'the variable "{name}" is not declared')
    return lambda world: compare(world.variables[name], rule, value)


def _element_state(node: Node, world: World) -> Test:
    kind, state = node.choice("storyboardElementType", _ELEMENTS), node.choice("state", _STATES)
    name = node.text("storyboardElementRef")
    world.referred.append((node, kind, name))

    def tested(world: World) -> bool:
        return any(element.shows(state) for element in world.elements_named(kind, name))

    return tested


_BY_VALUE: dict[str, Callable[[Node, World], Test]] = {
    "SimulationTimeCondition": _simulation_time,
    "TimeOfDayCondition": _time_of_day,
    "ParameterCondition": _parameter,
    "VariableCondition": _variable,
    "StoryboardElementStateCondition": _element_state,
}
