"""Every action of the standard that is supported, by its element's name.

A reader checks an action once, when the file is read, and returns what makes its runs when it starts. What changes nothing about who is
where is noted (`World.notes`), never dropped; everything else is refused by name. Source: ASAM OpenSCENARIO XML 1.3, class reference,
`PrivateAction` and `GlobalAction`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from marque.simulation.openscenario.conditions import read_clock
from marque.simulation.openscenario.document import Node
from marque.simulation.openscenario.entities import Entity
from marque.simulation.openscenario.lateral import read_lane_change, read_lane_offset, read_lateral_distance
from marque.simulation.openscenario.longitudinal import Make, read_longitudinal_distance, read_speed, read_speed_profile
from marque.simulation.openscenario.motion import put
from marque.simulation.openscenario.positions import entity_name, read_position
from marque.simulation.openscenario.routing import read_acquire_position, read_assign_route, read_follow_trajectory
from marque.simulation.openscenario.runs import Instant, Run
from marque.simulation.openscenario.synchronize import read_synchronize

if TYPE_CHECKING:
    from marque.simulation.openscenario.world import World

__all__ = ["Run", "read_action", "read_global", "read_private"]


def read_action(node: Node, world: World) -> Callable[[list[str]], list[Run]]:
    """What makes the runs of an `Action`: one for each actor where it is private."""
    if node.tag == "PrivateAction":
        make = read_private(node, world)
        return lambda actors: [make(world.stage.entities[name]) for name in actors]
    if node.tag == "GlobalAction":
        act = read_global(node, world)
        return lambda actors: [Instant(world, world.ego, act)]
    raise node.unsupported("PrivateAction and GlobalAction are supported.")


def read_private(node: Node, world: World) -> Make:
    """What makes the run of a `PrivateAction` on an entity."""
    kind = node.only()
    if kind.tag in _GROUPS:
        kind = kind.only()
    reader = _PRIVATE.get(kind.tag)
    if reader is None:
        raise kind.unsupported(f"{', '.join(sorted(_PRIVATE))} are supported.")
    return reader(kind, world)


_GROUPS = ("LongitudinalAction", "LateralAction", "RoutingAction")


def _teleport(node: Node, world: World) -> Make:
    position = read_position(node.one("Position"), world.stage)

    def act(entity: Entity) -> None:
        put(entity, position(world.stage), world.stage)
        if entity.ego:
            world.ego_moved = True

    return lambda entity: Instant(world, entity, lambda: act(entity))


def _visibility(node: Node, world: World) -> Make:
    _, sensors, traffic = (node.flag(name) for name in ("graphics", "sensors", "traffic"))
    if node.maybe("SensorReferenceSet") is not None:
        raise node.one("SensorReferenceSet").unsupported("Visibility is the same for all sensors.")

    def act(entity: Entity) -> None:
        entity.sensed = sensors and traffic

    return lambda entity: Instant(world, entity, lambda: act(entity))


def _controller(node: Node, world: World) -> Make:
    """Activated or assigned: the ego is driven by the pilot from its first instant on, everyone else as the storyboard says."""
    for child in node.children():
        node.each(child.tag)
        if child.tag == "OverrideControllerValueAction" and not any(part.flag("active") for part in child.children()):
            child.pass_over(*(f"<{part.tag}>" for part in child.children()))  # files of 1.0 have to hold one
            continue
        if child.tag not in ("ActivateControllerAction", "AssignControllerAction", "ObjectControllerAction"):
            raise child.unsupported("The pilot drives the ego; brakes, pedals and gears cannot be overridden from outside.")
        child.pass_over("lateral", "longitudinal", "lighting", "animation", "controllerRef", "activateLateral", "activateLongitudinal",
                        "activateLighting", "activateAnimation", "<Controller>", "<CatalogReference>")  # fmt: skip
    return lambda entity: Instant(world, entity, lambda: None)


def _activate(node: Node, world: World) -> Make:
    node.pass_over("lateral", "longitudinal", "lighting", "animation", "controllerRef")
    return lambda entity: Instant(world, entity, lambda: None)


def _appearance(node: Node, world: World) -> Make:
    kind = node.only()
    node.pass_over(f"<{kind.tag}>")
    return lambda entity: Instant(world, entity, lambda: world.note(f"{kind.tag}: lights and animations are not simulated"))


_PRIVATE: dict[str, Callable[[Node, World], Make]] = {
    "SpeedAction": read_speed,
    "SpeedProfileAction": read_speed_profile,
    "LongitudinalDistanceAction": read_longitudinal_distance,
    "LaneChangeAction": read_lane_change,
    "LaneOffsetAction": read_lane_offset,
    "LateralDistanceAction": read_lateral_distance,
    "SynchronizeAction": read_synchronize,
    "TeleportAction": _teleport,
    "FollowTrajectoryAction": read_follow_trajectory,
    "AssignRouteAction": read_assign_route,
    "AcquirePositionAction": read_acquire_position,
    "VisibilityAction": _visibility,
    "ControllerAction": _controller,
    "ActivateControllerAction": _activate,
    "AppearanceAction": _appearance,
}


def read_global(node: Node, world: World) -> Callable[[], None]:
    """What a `GlobalAction` does."""
    kind = node.only()
    reader = _GLOBAL.get(kind.tag)
    if reader is None:
        raise kind.unsupported(f"{', '.join(sorted(_GLOBAL))} are supported.")
    return reader(kind, world)


def _environment(node: Node, world: World) -> Callable[[], None]:
    environment = node.one("Environment", "CatalogReference").followed()
    if environment.tag != "Environment":
        raise environment.fault("an Environment is expected here")
    name = environment.text("name", "")
    clock = environment.maybe("TimeOfDay")
    moment = None if clock is None else read_clock(clock)
    environment.pass_over("<Weather>", "<RoadCondition>")
    described = environment.maybe("Weather") is not None or environment.maybe("RoadCondition") is not None

    def act() -> None:
        if moment is not None:
            world.clock, world.clock_runs = moment
        if described:
            world.note(f'Environment "{name}": weather and road condition change nothing; the road is dry')

    return act


def _entity(node: Node, world: World) -> Callable[[], None]:
    name, kind = entity_name(node, world.stage), node.only()
    entity = world.stage.entities[name]
    if entity.ego:
        raise node.fault("the ego cannot be added or deleted")
    if kind.tag == "DeleteEntityAction":

        def delete() -> None:
            entity.active = False
            for run in list(world.running):
                if run.entity is entity:
                    run.stop()

        return delete
    if kind.tag != "AddEntityAction":
        raise kind.unsupported("AddEntityAction and DeleteEntityAction are supported.")
    position = read_position(kind.one("Position"), world.stage)

    def add() -> None:
        entity.active = True
        put(entity, position(world.stage), world.stage)

    return add


def _changes(attribute: str) -> Callable[[Node, World], Callable[[], None]]:
    """ParameterAction and VariableAction differ in what they change."""

    def read(node: Node, world: World) -> Callable[[], None]:
        name, kind = node.text(f"{attribute}Ref"), node.only()
        values = world.parameters if attribute == "parameter" else world.variables
        if name not in values:
            raise node.fault(f'the {attribute} "{name}" is not declared')
        if kind.tag in ("SetAction", "ParameterSetAction"):
            value = kind.text("value")
            return lambda: values.update({name: value})
        rule = kind.one("Rule").only()
        if kind.tag not in ("ModifyAction", "ParameterModifyAction") or rule.tag not in ("AddValue", "MultiplyByValue"):
            raise rule.unsupported("AddValue and MultiplyByValue are supported.")
        by = rule.number("value")
        try:
            float(values[name])
        except ValueError:
            raise node.fault(f'the {attribute} "{name}" is no number') from None

        def modify() -> None:
            now = float(values[name])
            values[name] = repr(now + by if rule.tag == "AddValue" else now * by)

        return modify

    return read


_GLOBAL: dict[str, Callable[[Node, World], Callable[[], None]]] = {
    "EnvironmentAction": _environment,
    "EntityAction": _entity,
    "ParameterAction": _changes("parameter"),
    "VariableAction": _changes("variable"),
}
