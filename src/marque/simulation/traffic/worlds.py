"""Many worlds of traffic, batch by batch, in this process or over several, with the same bytes whichever way."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from marque.common import Records
from marque.driving.map import RoadMap
from marque.simulation.frame import Frame
from marque.simulation.traffic.traffic import Traffic


@dataclass(frozen=True, eq=False)
class WorldResult:
    """What came of one world; it follows from the map, the seed and the sizes alone."""

    seed: int
    frame: Frame
    """The world at the end."""
    contacts: Records
    """(n,) CONTACT: the latest touches, at most 256 of them."""
    contact_count: int
    """All touches."""
    driven_m: float
    """By all vehicles together."""
    mean_speed_mps: float
    """Of all vehicles over the whole time, standing ones included."""
    flow_per_h: float
    """Vehicles per hour past a place on a lane, averaged over all lanes that traffic uses. Source: Edie 1963, generalised flow."""
    longest_standing_s: float
    """The longest that any vehicle stood in one go, reds not counted."""

    def digest(self) -> str:
        """BLAKE2b of everything above: the same for two results that are the same to the byte."""
        numbers = self.contact_count, self.driven_m, self.mean_speed_mps, self.flow_per_h, self.longest_standing_s, self.frame.time_s
        state = hashlib.blake2b(repr((self.seed, *numbers)).encode(), digest_size=16)
        for column in (*(column for column in self.frame if isinstance(column, np.ndarray)), self.contacts):
            state.update(column.tobytes())
        return state.hexdigest()


def run_worlds(
    road_map: RoadMap, seeds: Iterable[int], *, vehicles: int, pedestrians: int = 0, steps: int, step_s: float = 0.1,
    batch: int = 8, workers: int = 0,
) -> list[WorldResult]:  # fmt: skip
    """Lets one world per seed run for some steps; the results in the order of the seeds.

    batch: worlds that are stepped together; workers: processes that share the batches, 0 for none but this one. Neither changes a byte.
    Workers are spawned, so a script that asks for them keeps its own work under `if __name__ == "__main__"`.
    Raises InputError as Traffic does, before any worker starts.
    """
    every = [int(seed) for seed in seeds]
    batches = [every[first : first + batch] for first in range(0, len(every), batch)]
    run = partial(_run_batch, vehicles=vehicles, pedestrians=pedestrians, steps=steps, step_s=step_s)
    if workers == 0:
        return [result for some in batches for result in run(road_map, some)]
    run(road_map, every[:1], steps=0)  # refuses what has no room, and compiles what the workers will load
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_receive, initargs=(road_map,)) as pool:
        return [result for some in pool.map(partial(_run_received, run), batches) for result in some]


_received: RoadMap
"""A worker's map: sent once, not with every batch."""


def _receive(road_map: RoadMap) -> None:
    global _received  # noqa: PLW0603 - a process pool leaves its workers no other place
    _received = road_map


def _run_received(run: partial[list[WorldResult]], seeds: list[int]) -> list[WorldResult]:
    return run(_received, seeds)


def _run_batch(
    road_map: RoadMap, seeds: list[int], *, vehicles: int, pedestrians: int, steps: int, step_s: float
) -> list[WorldResult]:  # fmt: skip
    traffic = Traffic(road_map, worlds=len(seeds), vehicles=vehicles, pedestrians=pedestrians, seed=seeds, step_s=step_s)
    traffic.step(steps=steps)
    return [_result(traffic, world, seed, steps * step_s) for world, seed in enumerate(seeds)]


def _result(traffic: Traffic, world: int, seed: int, duration_s: float) -> WorldResult:
    clock, lanes = traffic.state.clock[world], traffic.network.lanes
    driven_m, vehicles = float(clock["metres"]), traffic.state.vehicles.shape[1]
    lane_m = float(lanes["length"][lanes["used"] > 0].sum())
    return WorldResult(
        seed=seed,
        frame=traffic.frame(world),
        contacts=traffic.collisions(world),
        contact_count=int(clock["contacts"]),
        driven_m=driven_m,
        mean_speed_mps=driven_m / max(vehicles * duration_s, 1e-9),
        flow_per_h=3600.0 * driven_m / max(lane_m * duration_s, 1e-9),
        longest_standing_s=float(clock["longest_s"]),
    )
