"""What `marque city` prints: cars or runs, comfort, incidents, the longest waits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

_SHOWN = 40
_CAR = {
    "car": "car", "routes_finished": "finished", "routes_abandoned": "abandoned", "driven_m": "metres", "collisions": "collisions",
    "at_fault": "at fault", "stuck": "stuck", "longest_wait_s": "longest wait s", "off_road_s": "off road s",
    "hard_brakings": "hard brakings", "minimal_risk_manoeuvres": "minimal risk",
}  # fmt: skip
_RUN = {
    "seed": "seed", "routes_finished": "finished", "routes_abandoned": "abandoned", "driven_km": "km", "collisions": "collisions",
    "at_fault": "at fault", "stuck": "stuck", "longest_wait_s": "longest wait s", "hard_brakings": "hard brakings",
    "minimal_risk_manoeuvres": "minimal risk", "cycle_ms_p50": "cycle ms", "real_time_factor": "× real time",
}  # fmt: skip
_COMFORT = {
    "within": "all bounds", "within lateral acceleration": "lateral", "within longitudinal acceleration": "longitudinal",
    "within jerk": "jerk", "within longitudinal jerk": "long. jerk", "within yaw rate": "yaw", "within yaw acceleration": "yaw acc.",
    "lateral_p99_mps2": "lateral p99", "jerk_p99_mps3": "jerk p99", "step_jerk_p99_mps3": "step jerk p99",
}  # fmt: skip


def tables(runs: Sequence[dict[str, Any]]) -> Iterator[Table]:
    """Everything worth reading of some runs; of a single one car by car."""
    single = len(runs) == 1
    title = f"{runs[0]['map']}, {runs[0]['hours']:g} h, {runs[0]['perception']}: {finished_share(runs):.1%} of ended routes finished"
    yield _rows(title + (f", seed {runs[0]['seed']}" if single else ""), runs[0]["cars"] if single else runs, _CAR if single else _RUN)
    yield _comfort([("all", runs[0]["comfort"]), *((str(c["car"]), c["comfort"]) for c in runs[0]["cars"])] if single else
                   [(f"seed {run['seed']}", run["comfort"]) for run in runs])  # fmt: skip
    incidents = [one | {"seed": run["seed"]} for run in runs for one in run["incidents"]]
    if incidents:
        told = f"the first {_SHOWN} of {len(incidents)} incidents" if len(incidents) > _SHOWN else "incidents"
        worst = sorted(incidents, key=lambda one: (one["kind"] == "hard braking", one["seed"], one["time_s"]))
        yield _events(told, worst[:_SHOWN])
    waits = sorted((one | {"seed": run["seed"]} for run in runs for one in run["longest_waits"]), key=lambda one: -one["waits_s"])
    if waits:
        yield _events("longest waits", waits[:10])


def finished_share(runs: Sequence[dict[str, Any]]) -> float:
    """Of the routes that ended, those that ended where they should."""
    finished, abandoned = (sum(run[name] for run in runs) for name in ("routes_finished", "routes_abandoned"))
    return float(finished / max(1, finished + abandoned))


def _rows(title: str, rows: Sequence[dict[str, Any]], names: dict[str, str]) -> Table:
    table = Table(title=title)
    for name in names.values():
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*(str(row[key]) for key in names))
    return table


def _comfort(rows: Sequence[tuple[str, dict[str, float]]]) -> Table:
    table = Table(title="share of the time driven within nuPlan's bounds of comfort")
    for name in ("", *_COMFORT.values()):
        table.add_column(name, justify="right")
    for name, felt in rows:
        table.add_row(name, *(f"{felt[key]:.2%}" if key.startswith("within") else f"{felt[key]:.2f}" for key in _COMFORT))
    return table


def _events(title: str, events: Sequence[dict[str, Any]]) -> Table:
    table = Table(title=title)
    for name in ("seed", "car", "at", "what", "place"):
        table.add_column(name, justify="right" if name in {"seed", "car", "at"} else "left")
    table.add_column("more", overflow="fold")
    told = {"seed", "car", "time_s", "kind", "x_m", "y_m"}
    for one in events:
        minutes, seconds = divmod(int(one["time_s"]), 60)
        more = ", ".join(f"{key.removesuffix('_mps').removesuffix('_mps2')} {value}" for key, value in one.items() if key not in told)
        table.add_row(
            str(one["seed"]), str(one["car"]), f"{minutes}:{seconds:02d}", one["kind"], f"({one['x_m']:.0f}, {one['y_m']:.0f})", more
        )
    return table
