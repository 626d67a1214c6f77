"""Short replays of what is worth a look in the city: the last moments are kept, and written when something has happened."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from marque.simulation.city import City
from marque.simulation.frame import Frame
from marque.simulation.replay import SUFFIX, write_replay
from marque.simulation.witness import Incident

BEFORE_S, AFTER_S = 20.0, 5.0
_EVERY = 2
"""Steps between two moments of a replay."""
_AROUND_M = 150.0


class Keeper:
    """Watches a city step by step and writes a replay around each incident into a folder."""

    def __init__(self, city: City, folder: Path) -> None:
        self.city, self.folder = city, folder
        self._every_s = _EVERY * city.step_s
        self._kept: deque[Frame] = deque(maxlen=round((BEFORE_S + AFTER_S) / self._every_s))
        self._seen = [0] * len(city.records)
        self._due: list[tuple[float, int, Incident]] = []
        self._step = 0

    def keep(self) -> None:
        """After every step of the city."""
        self._step += 1
        if self._step % _EVERY == 0:
            self._kept.append(self.city.frame())
        for car, record in enumerate(self.city.records):
            for one in record.incidents[self._seen[car] :]:
                self._due.append((self.city.time_s + AFTER_S, car, one))
            self._seen[car] = len(record.incidents)
        while self._due and self._due[0][0] <= self.city.time_s:
            self._write(*self._due.pop(0)[1:])

    def end(self) -> None:
        """Write what is still waiting for its last seconds."""
        for _, car, one in self._due:
            self._write(car, one)
        self._due.clear()

    def _write(self, car: int, one: Incident) -> None:
        name = f"seed{self.city.seed}-{one.time_s:06.0f}s-car{car + 1}-{one.kind.replace(' ', '-')}"
        frames = [_around(frame, one, self.city.id_of(car)) for frame in self._kept]
        facts = {"kind": one.kind, "seed": self.city.seed, "car": car + 1, "time_s": one.time_s, **one.facts}
        write_replay(
            self.folder / f"{name}{SUFFIX}", name=name, road_map=self.city.road_map, step_s=self._every_s, frames=frames, facts=facts
        )


def _around(frame: Frame, one: Incident, own: int) -> Frame:
    """Who is near the place, and the thoughts of the car it is about."""
    near = (frame.x_m - one.x_m) ** 2 + (frame.y_m - one.y_m) ** 2 < _AROUND_M**2
    return frame._replace(
        ids=frame.ids[near], kinds=frame.kinds[near], x_m=frame.x_m[near], y_m=frame.y_m[near], heading_rad=frame.heading_rad[near],
        speed_mps=frame.speed_mps[near], length_m=frame.length_m[near], width_m=frame.width_m[near], flags=frame.flags[near],
        views={car: view for car, view in frame.views.items() if car == own},
    )  # fmt: skip
