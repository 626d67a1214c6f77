"""A scenario as data: the road, who else is there and when, and what the ego is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from marque.common import Bools, Bytes, Floats, Ints
from marque.driving.goal import Goal
from marque.driving.map import RoadMap


@dataclass(frozen=True, slots=True)
class ActorLog:
    """Everyone else, as recorded; T steps from 0, n bodies. Where `present` is false the other values mean nothing.

    An obstacle whose shape is no rectangle is several bodies. Nobody who moves is there after the last step; who `stands` stays.
    """

    ids: Ints  # (n,) distinct; the file's own where an obstacle is one body
    obstacles: Ints  # (n,) ids of the file
    kinds: Bytes  # (n,) `driving.Kind`
    stands: Bools  # (n,)
    present: Bools  # (T, n)
    length_m: Floats  # (T, n)
    width_m: Floats
    x_m: Floats  # (T, n) centre of the body
    y_m: Floats
    heading_rad: Floats
    speed_mps: Floats
    sirens: Bools | None = None
    """(n,) who drives with siren and lights on; None for nobody."""

    @property
    def steps(self) -> int:
        return int(self.present.shape[0])

    def there(self, step: int) -> tuple[int, Bools]:
        """The row of the log that holds for a step, and who is there (n,)."""
        return (step, self.present[step]) if step < self.steps else (self.steps - 1, self.stands)


@dataclass(frozen=True, slots=True)
class PlanningProblem:
    """What the ego is asked: a start, and goals of which any one will do.

    start_step: index of the step at which the ego appears. Poses as everywhere: centre of the body.
    """

    id: int
    start_step: int
    x_m: float
    y_m: float
    heading_rad: float
    speed_mps: float
    yaw_rate_radps: float
    acceleration_mps2: float
    goals: tuple[Goal, ...]

    def last_step(self, step_s: float) -> int:
        """The last step at which any goal may still be reached."""
        return max(round(goal.time_s[1] / step_s) for goal in self.goals)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario file, read and checked."""

    name: str
    source: str
    step_s: float
    road_map: RoadMap
    actors: ActorLog
    problems: tuple[PlanningProblem, ...]
    tags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader repaired or left out, by name."""
