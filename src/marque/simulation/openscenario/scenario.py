"""A scenario file read whole: roads, entities, storyboard; everything checked, nothing run yet."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from marque.common import InputError
from marque.driving.importers import load_map
from marque.driving.importers.opendrive import Roads, read_roads
from marque.driving.map import RoadMap
from marque.simulation.openscenario.actions import read_global, read_private
from marque.simulation.openscenario.document import Document, Node
from marque.simulation.openscenario.entities import Entity, body_of, read_entities, vehicle_of
from marque.simulation.openscenario.motion import advance
from marque.simulation.openscenario.network import Network
from marque.simulation.openscenario.positions import NotPlacedError, Stage, entity_name
from marque.simulation.openscenario.runs import Run
from marque.simulation.openscenario.storyboard import COMPLETE, Storyboard
from marque.simulation.openscenario.world import World, variables_of
from marque.vehicle import VehicleParameters

_AHEAD = 5
"""So many times as long as it has to be quiet it is asked about at once."""
TICK_S = 0.01
"""The storyboard's step: triggers are asked, and everyone but the ego is led, that often."""


@dataclass(slots=True)
class Story:
    """One concrete scenario, ready to begin."""

    name: str
    author: str
    road_map: RoadMap
    vehicle: VehicleParameters
    world: World
    storyboard: Storyboard
    init_global: list[Callable[[], None]]
    init_private: list[tuple[Node, Entity, Callable[[Entity], Run]]]
    quiet_until_s: float = -math.inf
    """Until then nothing happens, as far as is known."""

    @property
    def over(self) -> bool:
        return self.storyboard.state == COMPLETE

    def begin(self) -> None:
        """Does what `Init` says. What is relative to somebody waits until that one has a place."""
        for act in self.init_global:
            act()
        waiting = self.init_private
        while waiting:
            left: list[tuple[Node, Entity, Callable[[Entity], Run]]] = []
            held: set[str] = set()
            for node, entity, make in waiting:
                if entity.name not in held:
                    run = make(entity)
                    try:
                        run.start()
                        continue
                    except NotPlacedError:
                        run.stop()
                        held.add(entity.name)  # its later actions follow from this one
                left.append((node, entity, make))
            if len(left) == len(waiting):
                raise left[0][0].fault("it is relative to an entity that has no position", "Give that entity a TeleportAction in Init.")
            waiting = left
        if not self.world.ego.placed:
            raise InputError(self.name, f'Init, Private "{self.world.ego.name}"', "the ego is given no position")
        self.world.begun = True
        self.storyboard.update()

    def tick(self) -> None:
        """One step of everyone but the ego, and of the storyboard's clock. The ego is moved by the caller, before `look`."""
        world = self.world
        before = {entity.name: entity.speed for entity in world.others}
        for run in list(world.running):
            if not run.done and run.entity.active:
                run.step(world.step_s)
        for entity in world.others:
            if entity.there:
                advance(entity, before[entity.name], world.step_s, world.stage)

    def look(self, tick: int) -> None:
        """The instant after `tick` steps, everyone moved: states that last are counted on, and the storyboard sees it."""
        world = self.world
        world.time_s = round(tick * world.step_s, 6)
        world.tick()
        self.storyboard.update()

    def quiet(self, within_s: float) -> bool:
        """Whether nothing will happen for so many s: no action runs, no condition changes, nobody touches the ego.

        Then `leap` leads to the same instant as step by step, up to rounding.
        """
        world = self.world
        if world.watch_roads:
            return False
        for ahead_s in (_AHEAD * within_s, within_s):
            if self.quiet_until_s >= world.time_s + within_s - 1e-9:
                return True
            if self.storyboard.quiet(ahead_s) and world.keeps_away(world.ego, ahead_s):
                self.quiet_until_s = world.time_s + ahead_s
        return self.quiet_until_s >= world.time_s + within_s - 1e-9

    def leap(self, tick: int, ticks: int) -> None:
        """The instant after `tick` steps, of which nothing happens in the last `ticks`; the ego is moved by the caller."""
        world = self.world
        for entity in world.others:
            if entity.there:
                advance(entity, entity.speed, ticks * world.step_s, world.stage)
        world.time_s = round(tick * world.step_s, 6)
        world.tick(ticks)


@functools.lru_cache(maxsize=16)
def _roads(path: Path) -> tuple[RoadMap, Roads]:
    return load_map(path), read_roads(path)


def read_story(
    path: Path, parameters: Mapping[str, str] | None = None, vehicle: VehicleParameters | None = None, *, tick_s: float = TICK_S
) -> Story:
    """Reads a scenario file with some of its parameters replaced. Raises InputError for anything that is wrong or not supported.

    vehicle: takes the place of the ego that the file describes, whose rear axle is where the file puts it.
    """
    document = Document(path, parameters)
    root = document.root
    header = root.one("FileHeader")
    header.pass_over("revMajor", "revMinor", "date", "description", "<License>", "<Properties>")
    author = header.text("author", "")
    if root.maybe("Catalog") is not None:
        raise InputError(path.name, "Catalog", "a catalog is no scenario", "Drive the scenario that refers to it.")
    root.maybe("ParameterDeclarations")
    document.catalogs()
    road_map, network = _read_roads(root.one("RoadNetwork"), path)
    stage = Stage(network, read_entities(root))
    ego = next(entity for entity in stage.entities.values() if entity.ego)
    if vehicle is None:
        vehicle = vehicle_of(ego.body)
    else:
        ego.body = body_of(vehicle)
    world = World(stage, ego, tick_s, dict(document.parameters), dict(variables_of(root)))
    node = root.one("Storyboard")
    init_global, init_private = _read_init(node.one("Init").one("Actions"), world)
    storyboard = Storyboard(node, world)
    root.refuse_unread()
    return Story(path.stem, author, road_map, vehicle, world, storyboard, init_global, init_private)


def _read_roads(node: Node, path: Path) -> tuple[RoadMap, Network]:
    file = node.one("LogicFile")
    node.pass_over("<SceneGraphFile>", "<UsedArea>")
    signals = node.maybe("TrafficSignals")
    if signals is not None and signals.children():
        raise signals.unsupported("Signals show the programs of the road network; controllers of the scenario are not run.")
    target = path.parent / file.text("filepath").replace("\\", "/")
    if not target.is_file():
        raise file.fault(f'there is no file "{target.name}" where it points')
    road_map, roads = _roads(target.resolve())
    return road_map, Network(roads)


def _read_init(actions: Node, world: World) -> tuple[list[Callable[[], None]], list[tuple[Node, Entity, Callable[[Entity], Run]]]]:
    everywhere = [read_global(child, world) for child in actions.each("GlobalAction")]
    private = []
    for child in actions.each("Private"):
        entity = world.stage.entities[entity_name(child, world.stage)]
        private += [(action, entity, read_private(action, world)) for action in child.each("PrivateAction")]
    return everywhere, private
