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
from marque.simulation.openscenario.measures import Measure, closes_within, closing_on, closing_speed, directed
from marque.simulation.openscenario.positions import entity_name, read_position
from marque.simulation.openscenario.quiet import EntityTest, Range, Test, around, farther, faster, ratio, turned

if TYPE_CHECKING:
    from marque.simulation.openscenario.world import World

_DIRECTIONS = ("longitudinal", "lateral", "vertical")
_ELEMENTS = ("storyboard", "story", "act", "maneuverGroup", "maneuver", "event", "action")
_STATES = ("startTransition", "endTransition", "stopTransition", "skipTransition", "completeState", "runningState", "standbyState")
_INSTANT_S = 1e-5
"""By so much two times of the same instant may differ."""


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

    def there(world: World) -> list[Entity]:
        return [entity for name in names if (entity := world.stage.entities[name]).there]

    def tested(world: World) -> bool:
        entities = there(world)
        return bool(entities) and (all if every else any)(test.holds(world, entity) for entity in entities)

    return Test(tested, lambda world, within_s: all(test.stays(world, entity, within_s) for entity in there(world)))


class _Ruled:
    """A value compared as the element says."""

    def __init__(self, node: Node) -> None:
        self.rule, self.value = node.choice("rule", RULES), node.number("value")

    def holds(self, asked: float) -> bool:
        return holds(asked, self.rule, self.value)

    def test(self, asked: Callable[[World, Entity], float], within: Callable[[World, Entity, float], Range]) -> EntityTest:
        """within: what the value asked for may be in the next so many s."""

        def stays(world: World, entity: Entity, within_s: float) -> bool:
            low, high = within(world, entity, within_s)
            return not low <= self.value <= high

        return EntityTest(lambda world, entity: self.holds(asked(world, entity)), stays)


# By entity


def _relative_distance(node: Node, world: World) -> EntityTest:
    name, measure, ruled = entity_name(node, world.stage), Measure(node), _Ruled(node)

    def gap(world: World, entity: Entity) -> float:
        return measure.between(entity, world.stage.entities[name], world.stage)

    def within(world: World, entity: Entity, within_s: float) -> Range:
        return around(gap(world, entity), measure.changes(entity, world.stage.entities[name], within_s))

    return ruled.test(gap, within)


def _distance(node: Node, world: World) -> EntityTest:
    measure, ruled, position = Measure(node), _Ruled(node), read_position(node.one("Position"), world.stage)

    def tested(world: World, entity: Entity) -> bool:
        spot = position(world.stage)
        return ruled.holds(measure.to(entity, spot.pose, spot.place, world.stage))

    return EntityTest(tested)


def _headway(node: Node, world: World) -> EntityTest:
    """Distance over the triggering entity's speed; who stands or backs has none."""
    name, measure, ruled = entity_name(node, world.stage), Measure(node, _headway_kind(node)), _Ruled(node)

    def headway(world: World, entity: Entity) -> float:
        gap = measure.between(entity, world.stage.entities[name], world.stage)
        return gap / entity.speed if entity.speed > 0.0 else math.inf

    def within(world: World, entity: Entity, within_s: float) -> Range:
        other = world.stage.entities[name]
        gap = around(measure.between(entity, other, world.stage), measure.changes(entity, other, within_s))
        return ratio(gap, around(entity.speed, faster(entity, within_s)))

    return ruled.test(headway, within)


def _headway_kind(node: Node) -> str | None:
    return None if node.has("relativeDistanceType") else "longitudinal" if node.has("coordinateSystem") else None


def _time_to_collision(node: Node, world: World) -> EntityTest:
    """Distance over closing speed, inf while they do not close; to an entity or a position."""
    measure, ruled = Measure(node, _headway_kind(node)), _Ruled(node)
    target = node.one("TimeToCollisionConditionTarget").only()
    if target.tag == "Position":
        position = read_position(target, world.stage)

        def to_position(world: World, entity: Entity) -> bool:
            spot = position(world.stage)
            closing = closing_on(entity, spot.pose[:2], measure, world.stage)
            return ruled.holds(measure.to(entity, spot.pose, spot.place, world.stage) / closing if closing > 0.0 else math.inf)

        return EntityTest(to_position)
    if target.tag != "EntityRef":
        raise target.unsupported("An EntityRef or a Position is expected.")
    name = entity_name(target, world.stage)

    def to_entity(world: World, entity: Entity) -> float:
        other = world.stage.entities[name]
        closing = closing_speed(entity, other, measure, world.stage)
        return measure.between(entity, other, world.stage) / closing if closing > 0.0 else math.inf

    def within(world: World, entity: Entity, within_s: float) -> Range:
        other = world.stage.entities[name]
        gap = around(measure.between(entity, other, world.stage), measure.changes(entity, other, within_s))
        return ratio(gap, closes_within(entity, other, measure, world.stage, within_s))

    return ruled.test(to_entity, within)


def _reach_position(node: Node, world: World) -> EntityTest:
    tolerance, position = node.number("tolerance"), read_position(node.one("Position"), world.stage)
    return EntityTest(lambda world, entity: math.dist((entity.x, entity.y), position(world.stage).pose[:2]) <= tolerance)


def _direction(node: Node) -> str:
    return node.choice("direction", _DIRECTIONS) if node.has("direction") else ""


def _speed(node: Node, world: World) -> EntityTest:
    ruled, direction = _Ruled(node), _direction(node)

    def speed(world: World, entity: Entity) -> float:
        return directed(entity.speed, entity, entity.heading, direction)

    return ruled.test(speed, lambda world, entity, within_s: around(speed(world, entity), faster(entity, within_s)))


def _relative_speed(node: Node, world: World) -> EntityTest:
    name, ruled, direction = entity_name(node, world.stage), _Ruled(node), _direction(node)

    def difference(world: World, entity: Entity) -> float:
        other = world.stage.entities[name]
        return directed(entity.speed, entity, entity.heading, direction) - directed(other.speed, entity, other.heading, direction)

    def within(world: World, entity: Entity, within_s: float) -> Range:
        other = world.stage.entities[name]
        turns = 0.0 if direction == "" else turned(entity, within_s) + turned(other, within_s)
        change = faster(entity, within_s) + faster(other, within_s) + turns * (abs(other.speed) + faster(other, within_s))
        return around(difference(world, entity), change)

    return ruled.test(difference, within)


def _acceleration(node: Node, world: World) -> EntityTest:
    ruled, direction = _Ruled(node), _direction(node)

    def stays(world: World, entity: Entity, within_s: float) -> bool:
        return not entity.ego and entity.acceleration == 0.0

    return EntityTest(lambda world, entity: ruled.holds(directed(entity.acceleration, entity, entity.heading, direction)), stays)


def _stand_still(node: Node, world: World) -> EntityTest:
    duration = node.number("duration")
    return EntityTest(
        lambda world, entity: entity.stood_s >= duration - 1e-9 and entity.stood_s > 0.0,
        lambda world, entity, within_s: entity.stood_s + within_s < duration - _INSTANT_S,
    )


def _travelled(node: Node, world: World) -> EntityTest:
    value = node.number("value")
    return EntityTest(
        lambda world, entity: entity.travelled >= value,
        lambda world, entity, within_s: not 0.0 <= value - entity.travelled <= farther(entity, within_s),
    )


def _off_road(node: Node, world: World) -> EntityTest:
    duration = node.number("duration")
    world.watch_roads = True
    return EntityTest(lambda world, entity: entity.off_road_s > 0.0 and entity.off_road_s >= duration - 1e-9)


def _end_of_road(node: Node, world: World) -> EntityTest:
    duration = node.number("duration")
    world.watch_roads = True
    return EntityTest(lambda world, entity: entity.at_end_s > 0.0 and entity.at_end_s >= duration - 1e-9)


def _collision(node: Node, world: World) -> EntityTest:
    target = node.only()
    if target.tag == "EntityRef":
        name = entity_name(target, world.stage)
        return EntityTest(lambda world, entity: name in world.touching(entity), _keeps_away)
    if target.tag == "ByType":
        kind = target.choice("type", ("vehicle", "pedestrian", "miscellaneous"))
        kinds = {name: entity.body.category for name, entity in world.stage.entities.items()}
        return EntityTest(lambda world, entity: any(kinds[name] == kind for name in world.touching(entity)), _keeps_away)
    raise target.unsupported("An EntityRef or a ByType is expected.")


def _keeps_away(world: World, entity: Entity, within_s: float) -> bool:
    return world.keeps_away(entity, within_s)


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

    return EntityTest(clear)


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
    ruled = _Ruled(node)

    def stays(world: World, within_s: float) -> bool:
        return not -_INSTANT_S <= ruled.value - world.time_s <= within_s + _INSTANT_S

    return Test(lambda world: ruled.holds(world.time_s), stays)


def _time_of_day(node: Node, world: World) -> Test:
    rule, moment = node.choice("rule", RULES), _moment(node, node.text("dateTime"))

    def tested(world: World) -> bool:
        if world.clock is None:
            raise node.fault("no environment sets a time of day", "Give the Environment a TimeOfDay.")
        return holds((world.clock - moment).total_seconds(), rule, 0.0)

    return Test(tested, lambda world, within_s: not world.clock_runs)


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
    return Test(lambda world: compare(world.parameters[name], rule, value), _stays)


def _variable(node: Node, world: World) -> Test:
    name, rule, value = node.text("variableRef"), node.choice("rule", RULES), node.text("value")
    if name not in world.variables:
        raise node.fault(f'the variable "{name}" is not declared')
    return Test(lambda world: compare(world.variables[name], rule, value), _stays)


def _element_state(node: Node, world: World) -> Test:
    kind, state = node.choice("storyboardElementType", _ELEMENTS), node.choice("state", _STATES)
    name = node.text("storyboardElementRef")
    world.referred.append((node, kind, name))

    def tested(world: World) -> bool:
        return any(element.shows(state) for element in world.elements_named(kind, name))

    return Test(tested, _stays)


def _stays(world: World, within_s: float) -> bool:
    """Of what only actions and the storyboard change."""
    return True


_BY_VALUE: dict[str, Callable[[Node, World], Test]] = {
    "SimulationTimeCondition": _simulation_time,
    "TimeOfDayCondition": _time_of_day,
    "ParameterCondition": _parameter,
    "VariableCondition": _variable,
    "StoryboardElementStateCondition": _element_state,
}
