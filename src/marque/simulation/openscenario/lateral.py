"""Lateral actions: lane changes, offsets within and across lanes, lateral distances."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from marque.simulation.openscenario.course import wrapped
from marque.simulation.openscenario.document import Node
from marque.simulation.openscenario.entities import Entity, Mode
from marque.simulation.openscenario.longitudinal import Constraints, Make, left_to_pilot
from marque.simulation.openscenario.measures import Measure
from marque.simulation.openscenario.motion import put, settle
from marque.simulation.openscenario.positions import Spot, entity_name, shifted
from marque.simulation.openscenario.runs import LATERAL, Run
from marque.simulation.openscenario.transitions import SHAPES, Dynamics, duration_at, read_dynamics, share, slope

if TYPE_CHECKING:
    from marque.simulation.openscenario.world import World


class Sideways(Run):
    """A change of the offset from the middle of a lane, by a shape over time or over the way driven."""

    domains = (LATERAL,)

    def __init__(self, world: World, entity: Entity, node: Node, shape: str) -> None:
        super().__init__(world, entity)
        self.node, self.shape = node, shape
        self.duration_s = self.over_m = 0.0
        self.stays = False

    def on_lane(self) -> int:
        """The lane the entity is on now, which it then follows. Raises InputError where it is on none."""
        entity = self.entity
        if entity.mode is not Mode.LANE:
            put(entity, Spot(entity.pose), self.world.stage)
        lane = self.world.stage.lane(entity)
        if entity.mode is not Mode.LANE or lane is None:
            raise self.node.fault(f'"{entity.name}" does not follow a lane when it begins')
        self.onto(lane)
        return lane

    def onto(self, lane: int) -> None:
        """Counts the offset from the middle of a lane; the entity stays where it is."""
        entity = self.entity
        assert entity.place is not None
        middle = self.world.stage.network.road(entity.place.road).lane_t(entity.place.s, lane)
        if middle is None:
            raise self.node.fault(f'the road "{entity.place.road}" has no lane {lane} where "{entity.name}" is')
        entity.lane, entity.offset = lane, entity.place.t - middle

    def change_to(self, offset: float) -> None:
        self.first, self.last = self.entity.offset, offset
        self.passed_s, self.passed_m = 0.0, self.entity.travelled

    def begun(self) -> None:
        """Ends at once what takes no time."""
        if self.duration_s == 0.0 and self.over_m == 0.0:
            self._arrive()

    def _arrive(self) -> None:
        entity = self.entity
        entity.offset, entity.sideways = self.last, 0.0
        assert entity.place is not None
        settle(entity, entity.place, self.world.stage)
        if not self.stays:
            self.finish()

    def step(self, step_s: float) -> None:
        entity = self.entity
        self.passed_s += step_s
        if self.over_m > 0.0:
            driven = entity.travelled - self.passed_m + abs(entity.speed) * step_s
            tau, rate = driven / self.over_m, abs(entity.speed) / self.over_m
        else:
            tau = self.passed_s / self.duration_s if self.duration_s > 0.0 else 1.0
            rate = 1.0 / self.duration_s if self.duration_s > 0.0 else 0.0
        if tau >= 1.0 - 1e-9:
            self._arrive()
            return
        change = self.last - self.first
        entity.offset = self.first + change * share(self.shape, tau)
        entity.sideways = change * slope(self.shape, tau) * rate * (1.0 if entity.forward else -1.0)

    def stop(self) -> None:
        self.entity.sideways = 0.0
        super().stop()


class LaneChange(Sideways):
    def __init__(
        self, world: World, entity: Entity, node: Node, dynamics: Dynamics, target: Callable[[Entity], int], offset: float
    ) -> None:
        super().__init__(world, entity, node, dynamics.shape)
        self.dynamics, self.target, self.offset = dynamics, target, offset

    def begin(self) -> None:
        self.on_lane()
        self.onto(self.target(self.entity))
        self.change_to(self.offset)
        if self.dynamics.dimension == "distance" and self.shape != "step":
            self.over_m = self.dynamics.value
        else:
            self.duration_s = self.dynamics.duration(self.last - self.first)
        self.begun()


def read_lane_change(node: Node, world: World) -> Make:
    dynamics, offset = read_dynamics(node.one("LaneChangeActionDynamics")), node.number("targetLaneOffset", 0.0)
    target = node.one("LaneChangeTarget").only()
    if target.tag == "AbsoluteTargetLane":
        lane = target.whole("value")
        wanted = _always(lane)
    elif target.tag == "RelativeTargetLane":
        wanted = _relative_lane(target, world)
    else:
        raise target.unsupported("AbsoluteTargetLane and RelativeTargetLane are supported.")

    def make(entity: Entity) -> Run:
        return left_to_pilot(node, world, entity) or LaneChange(world, entity, node, dynamics, wanted, offset)

    return make


def _relative_lane(node: Node, world: World) -> Callable[[Entity], int]:
    name, lanes = entity_name(node, world.stage), node.whole("value")

    def lane(entity: Entity) -> int:
        other = world.stage.entity(name)
        its = world.stage.lane(other)
        if its is None:
            raise node.fault(f'"{name}" is on no lane')
        return shifted(its, lanes * _direction(other, world))

    return lane


T = TypeVar("T")


def _always(value: T) -> Callable[[Entity], T]:
    return lambda entity: value


def _direction(entity: Entity, world: World) -> int:
    """1 where an entity's left is the left of its road, −1 where it faces the other way."""
    here = world.stage.network.pose(world.stage.place(entity))[2]
    return 1 if abs(wrapped(entity.heading - here)) <= 0.5 * math.pi else -1


class LaneOffset(Sideways):
    def __init__(
        self, world: World, entity: Entity, node: Node, shape: str, limit: float, target: Callable[[Entity], float], stays: bool
    ) -> None:
        super().__init__(world, entity, node, shape)
        self.limit, self.target, self.stays = limit, target, stays

    def begin(self) -> None:
        self.on_lane()
        self.change_to(self.target(self.entity))
        self.duration_s = duration_at(self.shape, self.last - self.first, self.limit)
        self.begun()


def read_lane_offset(node: Node, world: World) -> Make:
    dynamics = node.one("LaneOffsetActionDynamics")
    shape, limit = dynamics.choice("dynamicsShape", SHAPES), dynamics.number("maxLateralAcc", math.inf)
    stays = node.flag("continuous")
    target = node.one("LaneOffsetTarget").only()
    if target.tag == "AbsoluteTargetLaneOffset":
        wanted = _always(target.number("value"))
    elif target.tag == "RelativeTargetLaneOffset":
        wanted = _relative_offset(target, world)
    else:
        raise target.unsupported("AbsoluteTargetLaneOffset and RelativeTargetLaneOffset are supported.")

    def make(entity: Entity) -> Run:
        return left_to_pilot(node, world, entity) or LaneOffset(world, entity, node, shape, limit, wanted, stays)

    return make


def _relative_offset(node: Node, world: World) -> Callable[[Entity], float]:
    """Beside another entity: t of its origin and so much to its left, as an offset from the middle of the own lane."""
    name, value = entity_name(node, world.stage), node.number("value")

    def offset(entity: Entity) -> float:
        other = world.stage.entity(name)
        its, mine = world.stage.place(other), world.stage.place(entity)
        middle = world.stage.network.road(mine.road).lane_t(mine.s, entity.lane) or 0.0
        return its.t + value * _direction(other, world) - middle

    return offset


class LateralDistance(Sideways):
    """Keeps a distance to the side of another entity, on the side it is on."""

    _FOLD_S = 1.0
    _NEAR_M = 0.02

    def __init__(self, world: World, entity: Entity, node: Node) -> None:
        super().__init__(world, entity, node, "step")
        self.other, self.measure = entity_name(node, world.stage), Measure(node, "lateral")
        self.distance = node.number("distance", 0.0)
        self.stays = node.flag("continuous")
        self.side = node.choice("displacement", ("any", "leftToReferencedEntity", "rightToReferencedEntity"), "any")
        self.constraints = Constraints(node.maybe("DynamicConstraints"))

    def begin(self) -> None:
        self.on_lane()
        if self.constraints.rigid:
            self.last = self._wanted()
            self._arrive()

    def _wanted(self) -> float:
        """The offset from the middle of the own lane at which the distance is kept."""
        other = self.world.stage.entity(self.other)
        mine, its = self.measure.intervals(other, self.entity, self.world.stage)
        left = sum(its) >= sum(mine) if self.side == "any" else self.side == "leftToReferencedEntity"
        short = self.distance - (its[0] - mine[1] if left else mine[0] - its[1])
        toward = short if left else -short
        return self.entity.offset + toward * (_direction(other, self.world) if self.measure.system == "entity" else 1)

    def step(self, step_s: float) -> None:
        if self.constraints.rigid:
            self.last = self._wanted()
            self._arrive()
            return
        missing = self._wanted() - self.entity.offset
        side = 1.0 if self.entity.forward else -1.0
        now = self.entity.sideways * side
        wanted = max(-self.constraints.speed, min(self.constraints.speed, missing / self._FOLD_S))
        change = max(-self.constraints.braking, min(self.constraints.acceleration, (wanted - now) / step_s))
        self.entity.offset += (now + 0.5 * change * step_s) * step_s
        self.entity.sideways = (now + change * step_s) * side
        if not self.stays and abs(missing) < self._NEAR_M and abs(self.entity.sideways) < self._NEAR_M:
            self.entity.sideways = 0.0
            self.finish()


def read_lateral_distance(node: Node, world: World) -> Make:
    LateralDistance(world, world.ego, node)  # reads every attribute, so that what is wrong is told before the drive

    def make(entity: Entity) -> Run:
        return left_to_pilot(node, world, entity) or LateralDistance(world, entity, node)

    return make
