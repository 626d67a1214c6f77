"""Two entities that meet: one drives so that it is at its place when the other is at its own.

The way there is the one of least effort – of all speeds over the time left, the one with the least ∫a² – so that planning anew at every
step, as the other one's arrival is estimated anew, changes nothing while that estimate holds. Who would have to back waits instead. From
the steady state on it keeps the final speed, whatever the other one does. Source: ASAM OpenSCENARIO XML 1.3, class reference,
`SynchronizeAction`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marque.simulation.openscenario.course import Course
from marque.simulation.openscenario.document import Node
from marque.simulation.openscenario.entities import Entity, Mode
from marque.simulation.openscenario.longitudinal import Make, left_to_pilot
from marque.simulation.openscenario.positions import Position, Spot, Stage, entity_name, read_position, station
from marque.simulation.openscenario.runs import LONGITUDINAL, Run

if TYPE_CHECKING:
    from marque.simulation.openscenario.world import World

_STANDS_MPS = 0.01
_ASKED = 2.0
"""So many times the acceleration of an even start over the way there."""


@dataclass(frozen=True, slots=True)
class Final:
    """The speed on arrival; how long before it is kept: metres or seconds, whichever is given."""

    speed: Callable[[], float]
    steady_m: float
    steady_s: float


class Synchronize(Run):
    domains = (LONGITUDINAL,)

    def __init__(
        self, world: World, entity: Entity, master: str, there: Position, here: Position, final: Final | None, reach: tuple[float, float]
    ) -> None:
        super().__init__(world, entity)
        self.master, self.there, self.here, self.final, self.reach = master, there, here, final, reach

    def begin(self) -> None:
        stage = self.world.stage
        self._leads = Progress(stage.entity(self.master), self.there(stage), stage)
        self._own = Progress(self.entity, self.here(stage), stage)
        self._steady = False
        body, left = self.entity.body, self._own.left() - (0.0 if self.final is None else self._steady_m(self.final))
        # Positions and speeds of the file come first: they may ask of a body more than its performance, and get it.
        asked = 0.0 if self.final is None else _ASKED * self.final.speed() ** 2 / (2.0 * max(0.1, left))
        self._fastest, self._hardest = max(body.acceleration_max_mps2, asked), body.braking_max_mps2

    @staticmethod
    def _steady_m(final: Final) -> float:
        return max(final.steady_m, final.steady_s * final.speed())

    def step(self, step_s: float) -> None:
        left = self._own.left()
        if left <= self.reach[1]:
            self.finish()
            return
        master = self.world.stage.entity(self.master)
        ahead = self._leads.left()
        pace = abs(master.speed)
        seconds = 0.0 if ahead <= self.reach[0] else ahead / pace if pace > _STANDS_MPS else math.inf
        wanted, now = self._wanted(left, ahead, seconds, step_s), self.entity.speed
        self.entity.speed = max(now - self._hardest * step_s, min(now + self._fastest * step_s, wanted))

    def _wanted(self, left: float, ahead: float, seconds: float, step_s: float) -> float:
        now = self.entity.speed
        if self.final is None:  # no speed is asked for: the one that brings it there in time
            return left / max(seconds, step_s) if math.isfinite(seconds) else now
        final, steady_m = self.final.speed(), self._steady_m(self.final)
        if self._steady or left <= steady_m + 1e-9 or ahead <= 0.0:
            self._steady = self._steady or steady_m > 0.0
            return final
        return approach(now, final, left - steady_m, seconds - (steady_m / final if final > 0.0 else 0.0), step_s)


def approach(speed: float, final: float, metres: float, seconds: float, step_s: float) -> float:
    """The speed one step later on the way of least effort that covers `metres` in `seconds` and ends with `final` m/s.

    Of all v(t) with the ends and the distance given, v is the quadratic with v̇(0) = 6·metres/T² − (4·v0 + 2·v1)/T. Where that one falls
    below 0 there is time to wait: braking and starting at the same rate, standing between.
    """
    if seconds <= step_s:
        return final
    if math.isfinite(seconds):
        start = 6.0 * metres / seconds**2 - (4.0 * speed + 2.0 * final) / seconds
        rise = 2.0 * ((final - speed) / seconds - start) / seconds
        lowest = -start / rise if rise != 0.0 else -1.0
        if not 0.0 < lowest < seconds or speed + 0.5 * start * lowest >= -1e-9:
            return max(0.0, speed + start * step_s + 0.5 * rise * step_s * step_s)
    if speed <= _STANDS_MPS:
        return 0.0
    rate = (speed * speed + final * final) / (2.0 * max(0.1, metres))
    return max(0.0, speed - rate * step_s)


class Progress:
    """How far an entity still has to go to a place: along its trajectory or route, else along the roads that lead there."""

    def __init__(self, entity: Entity, spot: Spot, stage: Stage) -> None:
        self.entity, self.spot = entity, spot
        course = spot.course or _own_course(entity) or _by_road(entity, spot, stage)
        self.course = course
        self._own = entity.mode is Mode.COURSE and entity.course is not None and course is not None and _same(entity.course, course)
        if course is not None:
            self.target = spot.course_s if spot.course is course else course.project(*spot.pose[:2])[0]
            self._near = course.project(entity.x, entity.y)[0]

    def left(self) -> float:
        entity = self.entity
        if self.course is None:
            return math.dist((entity.x, entity.y), self.spot.pose[:2])
        if self._own and entity.mode is Mode.COURSE:
            return self.target - entity.course_s
        self._near = self.course.project(entity.x, entity.y, self._near)[0]
        return self.target - self._near


def _own_course(entity: Entity) -> Course | None:
    if entity.mode is Mode.COURSE:
        return entity.course
    return None if entity.route is None else entity.route.course


def _by_road(entity: Entity, spot: Spot, stage: Stage) -> Course | None:
    here = stage.place(entity)
    forward = math.cos(entity.heading - stage.network.pose(here)[2]) >= 0.0
    there, _ = station(spot, stage)
    route = stage.network.route([(here, forward), (there, None)])
    return None if route is None or route.length < 1e-6 else route.course


def _same(a: Course, b: Course) -> bool:
    return a is b or (len(a.s) == len(b.s) and bool((a.x == b.x).all()) and bool((a.y == b.y).all()))


def read_synchronize(node: Node, world: World) -> Make:
    stage = world.stage
    master = entity_name(node, stage, "masterEntityRef")
    there, here = read_position(node.one("TargetPositionMaster"), stage), read_position(node.one("TargetPosition"), stage)
    reach = max(0.0, node.number("targetToleranceMaster", 0.0)), max(0.0, node.number("targetTolerance", 0.0))
    given = node.maybe("FinalSpeed")
    final = None if given is None else _final(given, world, master)

    def make(entity: Entity) -> Run:
        return left_to_pilot(node, world, entity) or Synchronize(world, entity, master, there, here, final, reach)

    return make


def _final(node: Node, world: World, master: str) -> Final:
    kind = node.only()
    metres = seconds = 0.0
    steady = kind.maybe("TargetDistanceSteadyState", "TargetTimeSteadyState")
    if steady is not None and steady.tag == "TargetDistanceSteadyState":
        metres = steady.number("distance")
    elif steady is not None:
        seconds = steady.number("time")
    value = kind.number("value")
    if kind.tag == "AbsoluteSpeed":
        return Final(lambda: value, metres, seconds)
    if kind.tag != "RelativeSpeedToMaster":
        raise kind.unsupported("AbsoluteSpeed and RelativeSpeedToMaster are supported.")
    delta = kind.choice("speedTargetValueType", ("delta", "factor")) == "delta"

    def relative() -> float:
        speed = world.stage.entity(master).speed
        return speed + value if delta else speed * value

    return Final(relative, metres, seconds)
