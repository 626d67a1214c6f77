"""`marque city`: hours of the city without a page, and what came of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from marque.app.live import map_cache
from marque.app.terminal import wide_console
from marque.driving.importers import default_city, load_map
from marque.simulation.city import City, comfort
from marque.vehicle.sensors import THREE_LIDARS

_CHUNK_S = 5.0


def city(
    map_file: Path | None, hours: float, seed: int, vehicles: int, pedestrians: int, cars: int, perfect: bool, out: Path | None
) -> None:
    """Runs the city and prints one line per self-driving car. Exit status 1 when a car was at fault in a collision or stuck."""
    road_map = load_map(map_file or default_city(), cache=map_cache())
    living = City(road_map, seed=seed, vehicles=vehicles, pedestrians=pedestrians, cars=cars, suite=None if perfect else THREE_LIDARS)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(road_map.name, total=hours * 3600.0)
        while living.time_s < hours * 3600.0:
            until = min(hours * 3600.0, living.time_s + _CHUNK_S)
            while living.time_s < until - 1e-6:
                living.step()
            progress.update(task, completed=living.time_s)
    told = facts(living, hours)
    wide_console().print(_table(told))
    if out is not None:
        out.write_text(json.dumps(told, indent=1) + "\n")
    raise SystemExit(int(told["at_fault"] > 0 or told["stuck"] > 0))


def facts(living: City, hours: float) -> dict[str, Any]:
    """Everything counted, ready for JSON; times in seconds, lengths in metres."""
    rows: list[dict[str, Any]] = []
    for number, record in enumerate(living.records, start=1):
        rows.append(
            {
                "car": number,
                "routes_started": record.routes_started,
                "routes_finished": record.routes_finished,
                "routes_abandoned": record.routes_abandoned,
                "driven_m": round(record.driven_m, 1),
                "collisions": record.collisions,
                "stuck": record.stuck,
                "longest_wait_s": round(record.longest_wait_s, 1),
                "longest_stand_s": round(record.longest_stand_s, 1),
                "off_road_s": round(record.off_road_s, 1),
                "emergency_s": round(record.emergency_s, 1),
                **comfort(record),
            }
        )
    ended = sum(row["routes_finished"] + row["routes_abandoned"] for row in rows)
    speeds = living.frame().speed_mps
    return {
        "map": living.road_map.name,
        "hours": hours,
        "seed": living.seed,
        "perception": living.perception,
        "at_fault": sum(bool(hit["at_fault"]) for row in rows for hit in row["collisions"]),
        "collisions": sum(len(row["collisions"]) for row in rows),
        "stuck": sum(len(row["stuck"]) for row in rows),
        "routes_finished_share": round(sum(row["routes_finished"] for row in rows) / max(1, ended), 4),
        "traffic_touches": len(living.traffic.collisions()),
        "mean_speed_mps": round(float(speeds.mean()), 2) if speeds.size else 0.0,
        "cycle_ms_p50": round(float(np.percentile(living.cycle_ms, 50)), 3) if living.cycle_ms else None,
        "cycle_ms_p99": round(float(np.percentile(living.cycle_ms, 99)), 3) if living.cycle_ms else None,
        "cars": rows,
    }


def _table(told: dict[str, Any]) -> Table:
    table = Table(title=f"{told['map']}, seed {told['seed']}: {told['routes_finished_share']:.1%} of ended routes finished")
    names = {
        "car": "car", "routes_finished": "finished", "routes_abandoned": "abandoned", "driven_m": "metres",
        "longest_wait_s": "longest wait s", "off_road_s": "off road s", "emergency_s": "emergency s",
        "lateral_p99_mps2": "lateral p99", "jerk_p99_mps3": "jerk p99",
    }  # fmt: skip
    for title in [*names.values(), "collisions (at fault)", "stuck"]:
        table.add_column(title, justify="right")
    for row in told["cars"]:
        faults = sum(bool(hit["at_fault"]) for hit in row["collisions"])
        table.add_row(*(str(row[name]) for name in names), f"{len(row['collisions'])} ({faults})", str(len(row["stuck"])))
    return table
