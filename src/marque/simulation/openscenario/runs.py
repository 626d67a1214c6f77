"""Actions as they run: each on one entity, in the domains it controls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from marque.simulation.openscenario.entities import Entity

if TYPE_CHECKING:
    from marque.simulation.openscenario.world import World

LONGITUDINAL, LATERAL = "longitudinal", "lateral"


class Run:
    """One action on one entity. A later one in a domain of it takes over: the earlier one is stopped."""

    domains: tuple[str, ...] = ()

    def __init__(self, world: World, entity: Entity) -> None:
        self.world, self.entity = world, entity
        self.done = self.stopped = False

    def start(self) -> None:
        for other in list(self.world.running):
            if other.entity is self.entity and set(other.domains) & set(self.domains):
                other.stop()
        self.world.running.append(self)
        self.begin()

    def begin(self) -> None:
        """What happens at once."""

    def step(self, step_s: float) -> None:
        """Sets what it controls to the values at the end of the step that now begins."""

    def finish(self) -> None:
        self.done = True
        if self in self.world.running:
            self.world.running.remove(self)

    def stop(self) -> None:
        if not self.done:
            self.stopped = True
            self.finish()


class Instant(Run):
    """What is done as soon as it is begun."""

    def __init__(self, world: World, entity: Entity, act: Callable[[], None]) -> None:
        super().__init__(world, entity)
        self.act = act

    def begin(self) -> None:
        self.act()
        self.finish()
