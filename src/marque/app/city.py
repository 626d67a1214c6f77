"""`marque city`: hours of the city without a page, several at a time, and what came of them."""

from __future__ import annotations

import json
import multiprocessing
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from marque.app.city_replays import Keeper
from marque.app.city_tables import tables
from marque.app.live import map_cache
from marque.app.terminal import wide_console
from marque.common import InputError
from marque.driving.importers import default_city, load_map
from marque.simulation.city import City
from marque.simulation.witness import Incident, comfort
from marque.vehicle.sensors import THREE_LIDARS

_CHUNK_S = 5.0
_WORST_WAITS = 12


class Run(NamedTuple):
    """One run of the city."""

    map_file: Path | None
    hours: float
    seed: int
    vehicles: int
    pedestrians: int
    cars: int
    perfect: bool
    replays: Path | None


class Told(NamedTuple):
    """How far a run is."""

    seed: int
    time_s: float
    factor: float
    """× real time."""
    finished: int
    incidents: int


def city(runs: Sequence[Run], workers: int, out: Path | None) -> None:
    """Runs the city and prints what came of it. Exit status 1 when a car was at fault in a collision or stuck."""
    for run in runs[:1]:
        if run.replays is not None:
            run.replays.mkdir(parents=True, exist_ok=True)
        load_map(run.map_file or default_city(), cache=map_cache())  # a bad map is one message, and workers find it read
    found: list[dict[str, Any]] = []
    for facts in _run_all(runs, workers):
        found.append(facts)
        if out is not None:  # what is done stays, whatever becomes of the rest
            out.write_text(json.dumps({"runs": found}, indent=1) + "\n", encoding="utf-8")
    console = wide_console()
    for table in tables(found):
        console.print(table)
    raise SystemExit(int(any(facts["at_fault"] > 0 or facts["stuck"] > 0 for facts in found)))


def _run_all(runs: Sequence[Run], workers: int) -> Iterator[dict[str, Any]]:
    """The facts of every run in order, with a bar that moves meanwhile."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[clock]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bars = {run.seed: progress.add_task(f"seed {run.seed}", total=run.hours * 3600.0, clock="", start=False) for run in runs}

        def tell(told: Told) -> None:
            _advance(progress, bars[told.seed], told)

        if workers <= 1 or len(runs) == 1:
            for run in runs:
                yield drive_city(run, tell)
            return
        channel = multiprocessing.get_context("spawn").Queue()
        with ProcessPoolExecutor(
            min(workers, len(runs)), mp_context=multiprocessing.get_context("spawn"), initializer=_connect, initargs=(channel,)
        ) as pool:
            futures: list[Future[dict[str, Any]]] = [pool.submit(_drive_in_worker, run) for run in runs]
            for future in futures:
                while not wait([future], timeout=0.2).done:
                    _hear(channel, tell)
                yield future.result()


def _advance(progress: Progress, bar: TaskID, told: Told) -> None:
    progress.start_task(bar)
    minutes, seconds = divmod(int(told.time_s), 60)
    clock = f"{minutes}:{seconds:02d} at {told.factor:.1f} × real time, {told.finished} trips, {told.incidents} incidents"
    progress.update(bar, completed=told.time_s, clock=clock)


_channel: Any = None
"""In a worker: where it tells how far it is."""


def _connect(channel: Any) -> None:
    global _channel  # noqa: PLW0603  a worker has one, from its beginning to its end
    _channel = channel
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Hours of work for nobody are not to go on."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _drive_in_worker(run: Run) -> dict[str, Any]:
    return drive_city(run, _channel.put)


def _hear(channel: Any, tell: Callable[[Told], None]) -> None:
    while True:
        try:
            tell(channel.get_nowait())
        except queue.Empty:
            return


def drive_city(run: Run, tell: Callable[[Told], None]) -> dict[str, Any]:
    """One run from its beginning to its end, as facts."""
    road_map = load_map(run.map_file or default_city(), cache=map_cache())
    suite = None if run.perfect else THREE_LIDARS
    city = City(road_map, seed=run.seed, vehicles=run.vehicles, pedestrians=run.pedestrians, cars=run.cars, suite=suite)
    keeper = None if run.replays is None else Keeper(city, run.replays)
    total_s, next_s = run.hours * 3600.0, 0.0
    began_s, began_cpu_s, first_s = time.monotonic(), time.process_time(), 0.0
    while city.time_s < total_s - 1e-6:
        city.step()
        if first_s == 0.0:  # the first step loads the kernels, or compiles them
            first_s, began_s, began_cpu_s = city.time_s, time.monotonic(), time.process_time()
        if keeper is not None:
            keeper.keep()
        if city.time_s >= next_s:
            next_s = city.time_s + _CHUNK_S
            records = city.records
            factor = (city.time_s - first_s) / max(1e-3, time.monotonic() - began_s)
            finished, incidents = sum(one.routes_finished for one in records), sum(len(one.incidents) for one in records)
            tell(Told(run.seed, city.time_s, factor, finished, incidents))
    if keeper is not None:
        keeper.end()
    return facts_of(city, (city.time_s - first_s) / max(1e-3, time.process_time() - began_cpu_s))


def facts_of(city: City, factor: float) -> dict[str, Any]:
    """Everything counted, ready for JSON; times in seconds, lengths in metres. factor: × real time, by CPU time."""
    records = city.records
    rows = [
        {
            "car": number,
            "routes_started": record.routes_started,
            "routes_finished": record.routes_finished,
            "routes_abandoned": record.routes_abandoned,
            "driven_m": round(record.driven_m, 1),
            "collisions": len(record.of_kind("collision")),
            "at_fault": record.at_fault,
            "stuck": len(record.of_kind("stuck")),
            "longest_wait_s": round(record.longest_wait_s, 1),
            "longest_stand_s": round(record.longest_stand_s, 1),
            "off_road_s": round(record.off_road_s, 1),
            "emergency_s": round(record.emergency_s, 1),
            "hard_brakings": len(record.of_kind("hard braking")),
            "minimal_risk_manoeuvres": len(record.of_kind("minimal risk manoeuvre")),
            "clearances": record.clearances,
            "comfort": comfort([record], city.step_s),
        }
        for number, record in enumerate(records, start=1)
    ]
    finished, abandoned = sum(one.routes_finished for one in records), sum(one.routes_abandoned for one in records)
    speeds = city.frame().speed_mps
    waits = [_told(number, wait) for number, record in enumerate(records, start=1) for wait in record.waits]
    incidents = [_told(number, one) for number, record in enumerate(records, start=1) for one in record.incidents]
    return {
        "map": city.road_map.name,
        "hours": round(city.time_s / 3600.0, 4),
        "seed": city.seed,
        "perception": city.perception,
        "routes_started": sum(one.routes_started for one in records),
        "routes_finished": finished,
        "routes_abandoned": abandoned,
        "routes_finished_share": round(finished / max(1, finished + abandoned), 4),
        "driven_km": round(sum(one.driven_m for one in records) / 1000.0, 2),
        "at_fault": sum(one.at_fault for one in records),
        "collisions": sum(len(one.of_kind("collision")) for one in records),
        "stuck": sum(len(one.of_kind("stuck")) for one in records),
        "minimal_risk_manoeuvres": sum(len(one.of_kind("minimal risk manoeuvre")) for one in records),
        "clearances": sum(one.clearances for one in records),
        "hard_brakings": sum(len(one.of_kind("hard braking")) for one in records),
        "longest_wait_s": round(max((one.longest_wait_s for one in records), default=0.0), 1),
        "comfort": comfort(records, city.step_s),
        "traffic_touches": len(city.traffic.collisions()),
        "mean_speed_mps": round(float(speeds.mean()), 2) if speeds.size else 0.0,
        "cycle_ms_p50": round(float(np.percentile(city.cycle_ms, 50)), 3) if city.cycle_ms else None,
        "cycle_ms_p99": round(float(np.percentile(city.cycle_ms, 99)), 3) if city.cycle_ms else None,
        "real_time_factor": round(factor, 2),
        "incidents": sorted(incidents, key=lambda one: one["time_s"]),
        "longest_waits": sorted(waits, key=lambda one: -one["waits_s"])[:_WORST_WAITS],
        "cars": rows,
    }


def _told(number: int, one: Incident) -> dict[str, Any]:
    return {"kind": one.kind, "car": number, "time_s": one.time_s, "x_m": one.x_m, "y_m": one.y_m, **one.facts}


def runs_of(base: Run, seeds: int) -> list[Run]:
    """The runs of so many seeds, from the base's on."""
    if seeds < 1:
        raise InputError("--seeds", "", f"{seeds} is no number of seeds", "Ask for 1 or more.")
    return [base._replace(seed=base.seed + k) for k in range(seeds)]
