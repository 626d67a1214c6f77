"""The world of a running scenario: who is where, what time it is, what the file's parameters and variables hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from marque.common import Bools, Bytes, Floats, Ints
from marque.simulation.openscenario.course import Course
from marque.simulation.openscenario.document import Node
from marque.simulation.openscenario.entities import Entity
from marque.simulation.openscenario.measures import least_apart, touching
from marque.simulation.openscenario.positions import Stage
from marque.simulation.openscenario.quiet import approaches, farther

if TYPE_CHECKING:
    from marque.simulation.openscenario.runs import Run
    from marque.simulation.openscenario.storyboard import Element


@dataclass(slots=True)
class Orders:
    """What the file asks of the ego, which the pilot makes of it what it can. speed: m/s wanted, below 0 backwards; None: not said."""

    speed: float | None = None
    course: Course | None = None
    rerouted: bool = False
    """Whether there is a course since this was last looked at."""

    def want_course(self, course: Course) -> None:
        self.course, self.rerouted = course, True


@dataclass(frozen=True, slots=True)
class Bodies:
    """Everyone but the ego at one instant: struct of arrays, all (n,), n the entities of the file; SI units, centres of bodies."""

    ids: Ints
    kinds: Bytes
    present: Bools
    sensed: Bools
    x_m: Floats
    y_m: Floats
    heading_rad: Floats
    speed_mps: Floats
    length_m: Floats
    width_m: Floats


@dataclass(slots=True)
class World:
    """Everything that a storyboard may ask for or change."""

    stage: Stage
    ego: Entity
    step_s: float
    parameters: dict[str, str]
    variables: dict[str, str]
    time_s: float = 0.0
    begun: bool = False
    """Whether `Init` is over."""
    clock: datetime | None = None
    clock_runs: bool = False
    orders: Orders = field(default_factory=Orders)
    ego_moved: bool = False
    """Whether an action has put the ego elsewhere since this was last looked at."""
    notes: list[str] = field(default_factory=list)
    """What the file holds that changes nothing here, by name."""
    watch_roads: bool = False
    """Whether some condition asks if anyone is off the road or at its end."""
    referred: list[tuple[Node, str, str]] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    stirred: set[Element] = field(default_factory=set)
    """Those of the elements of which conditions see, or will see, a transition."""
    running: list[Run] = field(default_factory=list)
    _found: dict[tuple[str, str], list[Element]] = field(default_factory=dict)
    _touching: dict[str, set[str]] = field(default_factory=dict)

    @property
    def others(self) -> Iterator[Entity]:
        return (entity for entity in self.stage.entities.values() if not entity.ego)

    def elements_named(self, kind: str, name: str) -> list[Element]:
        """The elements of the storyboard that a reference means: by name, or by as much of the names above it as it gives (`a::b`)."""
        key = (kind, name)
        if key not in self._found:
            wanted = name.split("::")
            self._found[key] = [element for element in self.elements if element.kind == kind and element.path()[-len(wanted) :] == wanted]
        return self._found[key]

    def check_references(self) -> None:
        """Raises InputError where a condition refers to an element of the storyboard that is not there."""
        for node, kind, name in self.referred:
            if not self.elements_named(kind, name):
                raise node.fault(f'the storyboard has no {kind} "{name}"')

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def touching(self, entity: Entity) -> set[str]:
        """Whom an entity touches now; found out at most once an instant."""
        found = self._touching.get(entity.name)
        if found is None:
            found = self._touching[entity.name] = set()
            if entity.there and entity.body.solid:
                found |= {other.name for other in self.stage.entities.values() if _touch(entity, other)}
        return found

    def keeps_away(self, entity: Entity, within_s: float) -> bool:
        """Whether nobody can touch an entity in the next so many s, in which no action runs."""
        for other in self.stage.entities.values():
            coarse = _ORIGINS_M + farther(entity, within_s) + farther(other, within_s)
            if _near(entity, other, coarse) and least_apart(entity.corners(), other.corners()) <= approaches(entity, other, within_s):
                return False
        return True

    def tick(self, ticks: int = 1) -> None:
        """So many steps are over: what follows from where everyone is now has to be found out anew."""
        step_s = ticks * self.step_s
        if self.clock is not None and self.clock_runs:
            self.clock += timedelta(seconds=step_s)
        self._touching.clear()
        for entity in self.stage.entities.values():
            if not entity.there:
                continue
            entity.stood_s = entity.stood_s + step_s if abs(entity.speed) < STANDING_MPS else 0.0
            if self.watch_roads:
                place = self.stage.place(entity)
                road = self.stage.network.road(place.road)
                at_end = not 0.0 < place.s < road.length and not self.stage.network.on_road(place)
                off = not at_end and not self.stage.network.on_road(place)
                entity.at_end_s = entity.at_end_s + step_s if at_end else 0.0
                entity.off_road_s = entity.off_road_s + step_s if off else 0.0


STANDING_MPS = 0.01
_ORIGINS_M = 3.0
"""So much nearer may the middles of two bodies be than their origins."""


def _touch(a: Entity, b: Entity) -> bool:
    return _near(a, b, _ORIGINS_M) and touching(a.corners(), b.corners())


def _near(a: Entity, b: Entity, apart_m: float) -> bool:
    """Whether two bodies may touch if their middles are so much nearer than their origins, m."""
    if a is b or not (b.there and b.body.solid):
        return False
    reach = 0.5 * (a.body.length_m + a.body.width_m + b.body.length_m + b.body.width_m) + apart_m
    return abs(a.x - b.x) < reach and abs(a.y - b.y) < reach


def variables_of(root: Node) -> Mapping[str, str]:
    """The variables of a file with their first values."""
    declared = root.maybe("VariableDeclarations")
    found = {}
    for node in declared.each("VariableDeclaration") if declared else ():
        node.text("variableType")
        found[node.text("name")] = node.text("value")
    return found
