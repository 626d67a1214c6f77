"""Longitudinal actions: speeds, speed profiles, distances kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from marque.simulation.openscenario.document import Node
from marque.simulation.openscenario.entities import Entity
from marque.simulation.openscenario.measures import Measure
from marque.simulation.openscenario.motion import move
from marque.simulation.openscenario.positions import entity_name
from marque.simulation.openscenario.runs import LONGITUDINAL, Instant, Run
from marque.simulation.openscenario.transitions import Dynamics, read_dynamics, share

if TYPE_CHECKING:
    from marque.simulation.openscenario.world import World

Make = Callable[[Entity], Run]

_TELLING_MPS = 0.3
"""So near the speed wanted, the ego counts as having it."""


class Speed(Run):
    """From the speed it has to a target, which may be another's speed and follow that."""

    domains = (LONGITUDINAL,)

    def __init__(self, world: World, entity: Entity, dynamics: Dynamics, target: Callable[[], float], follows: bool) -> None:
        super().__init__(world, entity)
        self.dynamics, self.target, self.follows = dynamics, target, follows

    def begin(self) -> None:
        self.first, self.last, self.passed_s = self.entity.speed, self.target(), 0.0
        self.duration_s = self._duration()
        if self.duration_s == 0.0:
            self._arrive()

    def _duration(self) -> float:
        if self.dynamics.dimension == "distance" and self.dynamics.shape != "step":
            mean = 0.5 * abs(self.first + self.last)  # of every shape, as each is symmetric
            return self.dynamics.value / mean if mean > 0.0 else math.inf
        return self.dynamics.duration(self.last - self.first)

    def _arrive(self) -> None:
        self.entity.speed = self.target() if self.follows else self.last
        if not self.follows:
            self.finish()

    def step(self, step_s: float) -> None:
        self.passed_s += step_s
        if self.passed_s >= self.duration_s - 1e-9:
            self._arrive()
            return
        if self.follows:
            self.last = self.target()
        self.entity.speed = self.first + (self.last - self.first) * share(self.dynamics.shape, self.passed_s / self.duration_s)


class EgoSpeed(Run):
    """A speed asked of the ego: what it begins with, later the pilot's set speed. Over when the ego has it."""

    domains = (LONGITUDINAL,)

    def __init__(self, world: World, entity: Entity, target: Callable[[], float], follows: bool) -> None:
        super().__init__(world, entity)
        self.target, self.follows = target, follows

    def begin(self) -> None:
        self.world.orders.speed = self.target()
        if not self.world.begun:
            self.entity.speed = self.target()

    def step(self, step_s: float) -> None:
        if self.follows:
            self.world.orders.speed = self.target()
        elif abs(self.entity.speed - (self.world.orders.speed or 0.0)) < _TELLING_MPS:
            self.finish()


def read_speed(node: Node, world: World) -> Make:
    dynamics = read_dynamics(node.one("SpeedActionDynamics"))
    target = node.one("SpeedActionTarget").only()
    if target.tag == "AbsoluteTargetSpeed":
        wanted, follows = _constant(target.number("value")), False
    elif target.tag == "RelativeTargetSpeed":
        wanted, follows = _relative_speed(target, world)
    else:
        raise target.unsupported("AbsoluteTargetSpeed and RelativeTargetSpeed are supported.")

    def make(entity: Entity) -> Run:
        if entity.ego:
            return EgoSpeed(world, entity, wanted, follows)
        return Speed(world, entity, dynamics, wanted, follows)

    return make


def _constant(value: float) -> Callable[[], float]:
    return lambda: value


def _relative_speed(node: Node, world: World) -> tuple[Callable[[], float], bool]:
    name, value = entity_name(node, world.stage), node.number("value")
    delta = node.choice("speedTargetValueType", ("delta", "factor")) == "delta"

    def target() -> float:
        speed = world.stage.entity(name).speed
        return speed + value if delta else speed * value

    return target, node.flag("continuous")


class SpeedProfile(Run):
    """Speeds one after the other, each reached with a constant acceleration (1.2)."""

    domains = (LONGITUDINAL,)

    def __init__(self, world: World, entity: Entity, entries: list[tuple[float, float | None]], base: Callable[[], float]) -> None:
        super().__init__(world, entity)
        self.entries, self.base = entries, base

    def begin(self) -> None:
        self.left = list(self.entries)
        self._next()

    def _next(self) -> None:
        if not self.left:
            self.finish()
            return
        speed, seconds = self.left.pop(0)
        self.first, self.last, self.passed_s = self.entity.speed, self.base() + speed, 0.0
        if seconds is None:
            limit = self.entity.body.acceleration_max_mps2 if self.last > self.first else self.entity.body.braking_max_mps2
            seconds = abs(self.last - self.first) / limit
        self.duration_s = seconds
        if seconds <= 0.0:
            self.entity.speed = self.last
            self._next()

    def step(self, step_s: float) -> None:
        self.passed_s += step_s
        part = min(1.0, self.passed_s / self.duration_s)
        self.entity.speed = self.first + (self.last - self.first) * part
        if part >= 1.0 - 1e-9:
            self.entity.speed = self.last
            self._next()


def read_speed_profile(node: Node, world: World) -> Make:
    node.choice("followingMode", ("position", "follow"))
    entries = [(child.number("speed"), child.number("time") if child.has("time") else None) for child in node.each("SpeedProfileEntry")]
    if not entries:
        raise node.fault("it has no SpeedProfileEntry")
    if node.maybe("DynamicConstraints") is not None:
        raise node.one("DynamicConstraints").unsupported("Give every SpeedProfileEntry a time.")
    name = entity_name(node, world.stage) if node.has("entityRef") else None

    def base() -> float:
        return 0.0 if name is None else world.stage.entity(name).speed

    def make(entity: Entity) -> Run:
        if entity.ego:
            return EgoSpeed(world, entity, lambda: base() + entries[-1][0], False)
        return SpeedProfile(world, entity, entries, base)

    return make


class Constraints:
    """`DynamicConstraints`: what a body may do to keep a distance. Without them it is where it should be at once."""

    def __init__(self, node: Node | None) -> None:
        self.rigid = node is None
        if node is not None:
            self.acceleration = node.number("maxAcceleration", math.inf)
            self.braking = node.number("maxDeceleration", math.inf)
            self.speed = node.number("maxSpeed", math.inf)
            node.pass_over("maxAccelerationRate", "maxDecelerationRate")
            self.rigid = math.isinf(self.acceleration) and math.isinf(self.braking) and math.isinf(self.speed)


class LongitudinalDistance(Run):
    """Keeps a gap to another entity. A time gap is that of whichever of the two drives behind."""

    domains = (LONGITUDINAL,)
    _NEAR_M = 0.05
    _FOLD_S = 1.0

    def __init__(self, world: World, entity: Entity, node: Node) -> None:
        super().__init__(world, entity)
        self.other = entity_name(node, world.stage)
        self.measure = Measure(node, "longitudinal")
        self.distance = node.number("distance") if node.has("distance") else None
        self.gap_s = node.number("timeGap") if node.has("timeGap") else None
        if (self.distance is None) == (self.gap_s is None):
            raise node.fault("either a distance or a timeGap is expected")
        self.side = node.choice("displacement", ("any", "leadingReferencedEntity", "trailingReferencedEntity"), "trailingReferencedEntity")
        self.follows = node.flag("continuous")
        self.constraints = Constraints(node.maybe("DynamicConstraints"))

    def begin(self) -> None:
        self._leads = self._ahead() if self.side == "any" else self.side == "leadingReferencedEntity"
        if self.constraints.rigid:
            self._place()
            if not self.follows:
                self.finish()

    def _ahead(self) -> bool:
        mine, its = self.measure.intervals(self.world.stage.entity(self.other), self.entity, self.world.stage)
        return sum(its) > sum(mine)

    def _missing(self) -> float:
        """Metres that the entity has to go on along its own way to have the gap."""
        other = self.world.stage.entity(self.other)
        mine, its = self.measure.intervals(other, self.entity, self.world.stage)
        if self.measure.system != "entity" and not _grows(other, self.world):
            mine, its = (-mine[1], -mine[0]), (-its[1], -its[0])
        follower = other if self._leads else self.entity
        wanted = self.distance if self.distance is not None else (self.gap_s or 0.0) * max(0.0, follower.speed)
        short = wanted - (its[0] - mine[1]) if self._leads else (mine[0] - its[1]) - wanted
        along = math.cos(self.entity.heading - other.heading)
        return short * (1.0 if along >= 0.0 else -1.0)

    def _place(self) -> None:
        for _ in range(4):  # in a bend a metre of way is not a metre of the axis
            missing = self._missing()
            if abs(missing) < 1e-6 or math.isinf(missing):
                break
            move(self.entity, missing, self.world.stage)

    def step(self, step_s: float) -> None:
        other = self.world.stage.entity(self.other)
        if self.constraints.rigid:
            self._place()
            self.entity.speed = other.speed * (1.0 if math.cos(self.entity.heading - other.heading) >= 0.0 else -1.0)
            return
        missing = self._missing()
        wanted = max(0.0, min(self.constraints.speed, other.speed + missing / self._FOLD_S))
        change = (wanted - self.entity.speed) / step_s
        self.entity.speed += step_s * max(-self.constraints.braking, min(self.constraints.acceleration, change))
        if not self.follows and abs(missing) < self._NEAR_M:
            self.finish()


def _grows(entity: Entity, world: World) -> bool:
    return math.cos(entity.heading - world.stage.network.pose(world.stage.place(entity))[2]) >= 0.0


def read_longitudinal_distance(node: Node, world: World) -> Make:
    LongitudinalDistance(world, world.ego, node)  # reads every attribute, so that what is wrong is told before the drive

    def make(entity: Entity) -> Run:
        return left_to_pilot(node, world, entity) or LongitudinalDistance(world, entity, node)

    return make


def left_to_pilot(node: Node, world: World, entity: Entity) -> Run | None:
    """For the ego: an action that prescribes how it is driven is the pilot's own affair."""
    if not entity.ego:
        return None
    return Instant(world, entity, lambda: world.note(f"{node.tag} of the ego is left to the pilot"))
