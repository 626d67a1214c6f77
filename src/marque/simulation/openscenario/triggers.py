"""Triggers: groups of conditions, their edges and delays.

A trigger fires when all conditions of one of its groups hold; an empty one never does. An edge compares an instant with the one before
it: at the first there is none. A delayed condition is as it was that long ago, false before that. Source: ASAM OpenSCENARIO XML 1.3,
8.4 (Conditions and triggers).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from marque.simulation.openscenario.conditions import read_condition
from marque.simulation.openscenario.document import Node
from marque.simulation.openscenario.quiet import Test

if TYPE_CHECKING:
    from marque.simulation.openscenario.world import World

_EDGES = ("none", "rising", "falling", "risingOrFalling")


class Condition:
    """One condition with its memory."""

    def __init__(self, node: Node, world: World) -> None:
        node.text("name", "")
        self.edge = node.choice("conditionEdge", _EDGES, "none")
        self.delay_s = node.number("delay", 0.0)
        if self.delay_s < 0.0:
            raise node.fault('"delay" of 0 or more is expected')
        self.test: Test = read_condition(node, world)
        self.forget()

    def forget(self) -> None:
        self._history: deque[tuple[float, bool]] = deque()
        """What the test said, and since when: of a delayed condition, as long as it matters."""
        self._before: bool | None = None

    @property
    def remembers(self) -> bool:
        """Whether what it says depends on earlier instants: then it has to be asked at every one."""
        return self.edge != "none" or self.delay_s > 0.0

    def fires(self, world: World) -> bool:
        """Asked at most once an instant."""
        holds = self._delayed(self.test.holds(world), world.time_s)
        before, self._before = self._before, holds
        if self.edge == "none":
            return holds
        if before is None:
            return False
        rises, falls = holds and not before, before and not holds
        return (rises and self.edge != "falling") or (falls and self.edge != "rising")

    def stays(self, world: World, within_s: float) -> bool:
        """Whether its answer is sure to be the same for so many s, while no action runs."""
        arrives = (at_s + self.delay_s - world.time_s for at_s, _ in self._history)
        return self.test.stays(world, within_s) and not any(-1e-9 < later_s <= within_s + 1e-9 for later_s in arrives)

    def _delayed(self, now: bool, time_s: float) -> bool:
        if self.delay_s == 0.0:
            return now
        if not self._history or self._history[-1][1] != now:
            self._history.append((time_s, now))
        asked = time_s - self.delay_s + 1e-9
        while len(self._history) > 1 and self._history[1][0] <= asked:
            self._history.popleft()
        return self._history[0][0] <= asked and self._history[0][1]


class Trigger:
    """Groups of conditions, any of which will do."""

    def __init__(self, node: Node, world: World) -> None:
        self.groups = [[Condition(child, world) for child in group.each("Condition")] for group in node.each("ConditionGroup")]
        self._remember = any(condition.remembers for group in self.groups for condition in group)

    def forget(self) -> None:
        for group in self.groups:
            for condition in group:
                condition.forget()

    def stays(self, world: World, within_s: float) -> bool:
        """Whether each of its conditions is sure to say the same for so many s, while no action runs."""
        return all(condition.stays(world, within_s) for group in self.groups for condition in group)

    def fires(self, world: World) -> bool:
        """Every condition that remembers is asked, so that it sees every instant; of the others no more than it takes."""
        if not self._remember:
            return any(group and all(condition.fires(world) for condition in group) for group in self.groups)
        fired = [[condition.fires(world) for condition in group] for group in self.groups]
        return any(group and all(group) for group in fired)


def read_trigger(node: Node | None, world: World) -> Trigger | None:
    return None if node is None else Trigger(node, world)
