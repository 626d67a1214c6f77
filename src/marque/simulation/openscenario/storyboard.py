"""The storyboard: stories of acts of manoeuvre groups of manoeuvres of events of actions, each with a state.

standby → running → complete, by the transitions start, end, stop and skip. States hold until they change; a transition is seen by
conditions for one instant, the one after it happened. Source: ASAM OpenSCENARIO XML 1.3, 8.3 (Storyboard runtime behaviour).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from marque.simulation.openscenario.actions import Run, read_action
from marque.simulation.openscenario.document import Node
from marque.simulation.openscenario.positions import entity_name
from marque.simulation.openscenario.triggers import Trigger, read_trigger

if TYPE_CHECKING:
    from marque.simulation.openscenario.world import World

STANDBY, RUNNING, COMPLETE = "standbyState", "runningState", "completeState"


class Element:
    """One element of the storyboard at the present instant."""

    def __init__(self, world: World, kind: str, name: str, parent: Element | None) -> None:
        self.world, self.kind, self.name, self.parent = world, kind, name, parent
        self.state = STANDBY
        self.seen: set[str] = set()
        self.happened: set[str] = set()
        self.parts: list[Element] = []
        self.triggers: list[Trigger] = []
        """All that it may ask."""
        self.executions = 0
        world.elements.append(self)

    def path(self) -> list[str]:
        return [*([] if self.parent is None else self.parent.path()), self.name]

    def shows(self, state: str) -> bool:
        """Whether a condition that asks for a state or a transition holds."""
        return self.state == state or state in self.seen

    def start(self) -> None:
        self.state = RUNNING
        self.executions += 1
        self.happens("startTransition")

    def end(self, transition: str = "endTransition", after: str = COMPLETE) -> None:
        self.state = after
        self.happens(transition)

    def happens(self, transition: str) -> None:
        self.happened.add(transition)
        self.world.stirred.add(self)

    def stop(self) -> None:
        """Ends it with everything below, for good."""
        for part in self.parts:
            if part.state != COMPLETE:
                part.stop()
        self.end("stopTransition")

    def update(self) -> None:
        """One instant of a running element."""

    def start_parts(self) -> None:
        for part in self.parts:
            part.start()

    def update_parts(self) -> None:
        """One instant of those that run."""
        for part in self.parts:
            if part.state == RUNNING:
                part.update()

    @property
    def done(self) -> bool:
        return all(part.state == COMPLETE for part in self.parts)


class ActionElement(Element):
    """An action; for a private one, as many runs as the manoeuvre group has actors."""

    def __init__(self, node: Node, world: World, parent: Element, actors: list[str]) -> None:
        super().__init__(world, "action", node.text("name", ""), parent)
        self.node, self.actors = node, actors
        self.make: Callable[[list[str]], list[Run]] = read_action(node.only(), world)
        self.runs: list[Run] = []

    def start(self) -> None:
        super().start()
        self.runs = self.make(self.actors)
        for run in self.runs:
            run.start()

    def stop(self) -> None:
        for run in self.runs:
            run.stop()
        super().stop()

    def update(self) -> None:
        if all(run.done for run in self.runs):
            self.end("stopTransition" if any(run.stopped for run in self.runs) else "endTransition")


class Event(Element):
    def __init__(self, node: Node, world: World, parent: Maneuver, actors: list[str]) -> None:
        super().__init__(world, "event", node.text("name", ""), parent)
        self.priority = node.choice("priority", ("override", "overwrite", "parallel", "skip"))
        self.limit = node.whole("maximumExecutionCount", 1)
        self.trigger = read_trigger(node.maybe("StartTrigger"), world)
        self.triggers = [one for one in (self.trigger,) if one is not None]
        self.parts = [ActionElement(child, world, self, actors) for child in node.each("Action")]
        if not self.parts:
            raise node.fault("it has no Action")

    def consider(self, others: list[Event]) -> None:
        """Starts it where its trigger fires and its priority lets it."""
        if self.trigger is not None and not self.trigger.fires(self.world):
            return
        running = [event for event in others if event.state == RUNNING]
        if self.priority == "skip" and running:
            self.executions += 1
            self.happens("skipTransition")
            if self.executions >= self.limit:
                self.state = COMPLETE
            return
        if self.priority in ("override", "overwrite"):
            for event in running:
                event.stop()
        self.start()
        self.start_parts()

    def update(self) -> None:
        self.update_parts()
        if self.done:
            again = self.executions < self.limit
            self.end(after=STANDBY if again else COMPLETE)
            if again:
                for part in self.parts:
                    part.state = STANDBY
                if self.trigger is not None:
                    self.trigger.forget()


class Maneuver(Element):
    def __init__(self, node: Node, world: World, parent: Element, actors: list[str]) -> None:
        super().__init__(world, "maneuver", node.element.get("name", ""), parent)
        node.pass_over("name")
        self.events = [Event(child, world, self, actors) for child in node.each("Event")]
        self.parts = list(self.events)

    def start(self) -> None:
        super().start()
        for event in self.events:
            event.state, event.executions = STANDBY, 0
            if event.trigger is not None:
                event.trigger.forget()

    def update(self) -> None:
        self.update_parts()
        for event in self.events:
            if event.state == STANDBY:
                event.consider([other for other in self.events if other is not event])
        if self.done:
            self.end()


class ManeuverGroup(Element):
    def __init__(self, node: Node, world: World, parent: Element) -> None:
        super().__init__(world, "maneuverGroup", node.text("name", ""), parent)
        self.limit = node.whole("maximumExecutionCount", 1)
        actors = node.one("Actors")
        if actors.flag("selectTriggeringEntities"):
            raise actors.fault('"selectTriggeringEntities" true is not supported', "Name the actors by EntityRef.")
        names = [entity_name(child, world.stage) for child in actors.each("EntityRef")]
        references = [child.followed() for child in node.children() if child.tag in ("CatalogReference", "Maneuver")]
        node.each("CatalogReference", "Maneuver")
        for reference in references:
            if reference.tag != "Maneuver":
                raise reference.fault("a Maneuver is expected here")
        self.parts = [Maneuver(reference, world, self, names) for reference in references]

    def start(self) -> None:
        super().start()
        self.start_parts()

    def update(self) -> None:
        self.update_parts()
        if self.done:
            self.end()
            if self.executions < self.limit:
                self.start()


class Act(Element):
    def __init__(self, node: Node, world: World, parent: Element) -> None:
        super().__init__(world, "act", node.text("name", ""), parent)
        self.parts = [ManeuverGroup(child, world, self) for child in node.each("ManeuverGroup")]
        self.trigger = read_trigger(node.maybe("StartTrigger"), world)
        self.stopper = read_trigger(node.maybe("StopTrigger"), world)
        self.triggers = [one for one in (self.trigger, self.stopper) if one is not None]

    def update(self) -> None:
        if self.state == STANDBY and (self.trigger is None or self.trigger.fires(self.world)):
            self.start()
            self.start_parts()
        if self.state != RUNNING:
            return
        if self.stopper is not None and self.stopper.fires(self.world):
            self.stop()
            return
        self.update_parts()
        if self.done:
            self.end()


class Story(Element):
    def __init__(self, node: Node, world: World, parent: Element) -> None:
        super().__init__(world, "story", node.text("name", ""), parent)
        self.parts = [Act(child, world, self) for child in node.each("Act")]

    def update(self) -> None:
        for part in self.parts:
            if part.state != COMPLETE:
                part.update()
        if self.done:
            self.end()


class Storyboard(Element):
    """The whole of it."""

    def __init__(self, node: Node, world: World) -> None:
        super().__init__(world, "storyboard", "Storyboard", None)
        self.parts = [Story(child, world, self) for child in node.each("Story")]
        self.stopper = read_trigger(node.maybe("StopTrigger"), world)
        self.triggers = [one for one in (self.stopper,) if one is not None]
        world.check_references()

    @property
    def waits(self) -> bool:
        """Whether an act or an event has not begun yet."""
        return any(one.state == STANDBY and one.executions == 0 for one in self.world.elements if one.kind in ("act", "event"))

    def quiet(self, within_s: float) -> bool:
        """Whether nothing will happen for so many s: nothing did at this instant, no action runs, and all conditions stay as they are."""
        if self.world.stirred or self.world.running:
            return False
        asked = (trigger for element in self.world.elements if element.state != COMPLETE for trigger in element.triggers)
        return all(trigger.stays(self.world, within_s) for trigger in asked)

    def update(self) -> None:
        """The instant that the world shows. Afterwards `state` says whether the storyboard has been stopped."""
        for element in list(self.world.stirred):
            element.seen, element.happened = element.happened, set()
            if not element.seen:
                self.world.stirred.remove(element)
        if self.state == STANDBY:
            self.start()
            self.start_parts()
        if self.stopper is not None and self.stopper.fires(self.world):
            self.stop()
            return
        self.update_parts()
