"""How far, at most, what conditions ask for can change in a short time in which no action runs.

Then everybody but the ego goes on along its way at its speed, and the ego within what a vehicle can do. A condition whose answer cannot
change in that time need not be asked in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from marque.simulation.openscenario.entities import Entity

if TYPE_CHECKING:
    from marque.simulation.openscenario.world import World

_EGO_MPS2 = 15.0
_STRETCH = 2.0
"""Along a road's line a body may be so much faster than it is, inside a bend, and so may a corner of it that turns."""
_TURNS_RADPS, _LATERAL_MPS2 = 2.5, 12.0
"""How fast a body turns at most, at low speeds and at high ones."""

Range = tuple[float, float]


class Test(NamedTuple):
    """A question to the world. stays: whether the answer is sure to be the same for so many s, while no action runs."""

    holds: Callable[[World], bool]
    stays: Callable[[World, float], bool]


class EntityTest(NamedTuple):
    """A question about one entity; as `Test`."""

    holds: Callable[[World, Entity], bool]
    stays: Callable[[World, Entity, float], bool] = lambda world, entity, within_s: False


def faster(entity: Entity, within_s: float) -> float:
    """By how much its speed may change, m/s."""
    return _EGO_MPS2 * within_s if entity.ego else 0.0


def farther(entity: Entity, within_s: float) -> float:
    """How far any part of it may come, m, along the line of its road too."""
    return _STRETCH * (abs(entity.speed) + faster(entity, within_s)) * within_s


def turned(entity: Entity, within_s: float) -> float:
    """By how much its heading may change, rad."""
    speed = max(0.1, abs(entity.speed) - faster(entity, within_s))
    moves = entity.speed != 0.0 or entity.ego
    return min(_TURNS_RADPS, _LATERAL_MPS2 / speed) * within_s if moves else 0.0


def approaches(a: Entity, b: Entity, within_s: float) -> float:
    """By how much the distance of two bodies may shrink, m: as they move relative to each other now, and as they may turn and speed up."""
    vx = a.speed * math.cos(a.heading) - b.speed * math.cos(b.heading)
    vy = a.speed * math.sin(a.heading) - b.speed * math.sin(b.heading)
    change = sum(faster(one, within_s) + abs(one.speed) * turned(one, within_s) for one in (a, b))
    return (math.hypot(vx, vy) + change) * within_s + sum(one.body.length_m * turned(one, within_s) for one in (a, b))


def around(value: float, change: float) -> Range:
    return value - change, value + change


def ratio(over: Range, under: Range) -> Range:
    """Of a quotient that is inf where its divisor is 0 or less; over: at least 0."""
    low = math.inf if under[1] <= 0.0 else max(0.0, over[0]) / under[1]
    return low, math.inf if under[0] <= 0.0 else over[1] / under[0]
