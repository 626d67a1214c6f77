"""`marque map`: what a road map holds, as a table and as a picture."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from marque.common import Bools, Records
from marque.driving.importers import load_map
from marque.driving.map import Road, RoadMap

_USERS = {
    "car": Road.CAR,
    "rail": Road.RAIL,
    "bus and delivery": Road.BUS | Road.TRUCK | Road.EMERGENCY,
    "bicycle": Road.BICYCLE,
    "pedestrian": Road.PEDESTRIAN,
}
KINDS = (*_USERS, "closed")
"""What a lane is for: the first of its users."""
_IGNORED_ROWS = 12


def show_map(file: Path, png: Path | None) -> None:
    """Prints what the map in a file holds and what was left out, and draws it to png. Raises InputError where it cannot be read."""
    road_map = load_map(file)
    console = Console()
    for table in (_contents(road_map), _left_out(road_map)):
        if table.row_count:
            console.print(table)
    if png is not None:
        from marque.app.map_picture import draw_map

        draw_map(road_map, png)
        console.print(f"Drawn to {png}")


def lane_kinds(lanes: Records) -> NDArray[np.intp]:
    """Index into KINDS per lane."""
    open_to = [(lanes["road"] & int(users)) != 0 for users in _USERS.values()]
    kinds: NDArray[np.intp] = np.argmax([*open_to, np.ones(lanes.size, bool)], axis=0)
    return kinds


def _contents(road_map: RoadMap) -> Table:
    table = Table(title=f"{road_map.name} ({road_map.source})", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right")
    lanes = road_map.arrays.lanes
    outside = lanes["junction"] < 0
    kinds = lane_kinds(lanes)
    table.add_row("[bold]lanes[/] outside junctions", f"{outside.sum():,}", _km(lanes, outside))
    for k, kind in enumerate(KINDS):
        if (mine := outside & (kinds == k)).any():
            table.add_row(f"  {kind}", f"{mine.sum():,}", _km(lanes, mine))
    table.add_row("lanes inside junctions", f"{(~outside).sum():,}", _km(lanes, ~outside), end_section=True)
    connected = lanes["component"] == 0
    components = int(lanes["component"].max(initial=-1)) + 1
    table.add_row("car lanes that all reach each other", f"{(connected & outside).sum():,}", _km(lanes, connected & outside))
    table.add_row("  strongly connected components", f"{components:,}", "", end_section=True)
    table.add_row("[bold]junctions[/]", f"{len(road_map.junction_ids):,}", "")
    for kind, n in Counter(road_map.junction_kinds).most_common():
        table.add_row(f"  {kind.replace('_', ' ')}", f"{n:,}", "")
    arrays = road_map.arrays
    steered = np.unique(arrays.signals["junction"])
    table.add_row("  with signals", f"{(steered >= 0).sum():,}", "")
    table.add_row("signals", f"{arrays.signals.size:,}", "")
    table.add_row("pedestrian crossings", f"{arrays.crossings.size:,}", "")
    table.add_row("conflicts between lanes", f"{arrays.conflicts.size // 2:,}", "")
    table.add_row("traffic keeps", "", "right" if road_map.right_hand_traffic else "left")
    return table


def _km(lanes: Records, mine: Bools) -> str:
    return f"{lanes['length'][mine].sum() / 1000.0:,.1f} km"


def _left_out(road_map: RoadMap) -> Table:
    table = Table("what", "why", title="left out or read otherwise", title_justify="left")
    table.add_column("times", justify="right")
    ordered = sorted(road_map.ignored, key=lambda item: -item.occurrences)
    for item in ordered[:_IGNORED_ROWS]:
        table.add_row(item.element, item.reason, f"{item.occurrences:,}")
    if rest := ordered[_IGNORED_ROWS:]:
        table.add_row("…", f"{len(rest)} more kinds", f"{sum(item.occurrences for item in rest):,}")
    return table
