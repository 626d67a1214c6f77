"""Tracks of recorded and of simulated vehicles, in the one form that `recorded` reads; and a road without an end to drive on."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from marque.common import Bools, Floats, Indices
from marque.driving.importers.netconvert import run_netconvert
from marque.driving.map import Road, RoadMap
from marque.driving.map.model import MapArrays
from marque.driving.map.query import locate, pose_at
from marque.proof.credibility.recorded import Tracks
from marque.simulation.scenario import Scenario
from marque.simulation.traffic import Traffic
from marque.vehicle import kernel

_CAR = int(Road.CAR)
_HEADING_RAD = 0.8
EDGES = 4
"""Of a ring."""


def of_log(scenario: Scenario) -> Tracks:
    """Of all who move in a recording; nobody who stands from its beginning to its end."""
    log = scenario.actors
    moves = ~log.stands
    columns = [np.ascontiguousarray(one[:, moves]) for one in (log.x_m, log.y_m, log.heading_rad, log.speed_mps, log.length_m)]
    return _tracks(scenario.road_map, scenario.step_s, np.ascontiguousarray(log.present[:, moves]), columns)


def of_traffic(traffic: Traffic, steps: int) -> Tracks:
    """Of the next `steps` steps of its first world; a vehicle is one all the time."""
    rows = []
    for _ in range(steps):
        bodies = traffic.state.bodies[0]
        rows.append([bodies["x"], bodies["y"], np.arctan2(bodies["uy"], bodies["ux"]), bodies["speed"], bodies["length"]])
        rows[-1] = [one.copy() for one in rows[-1]]
        traffic.step()
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return _tracks(traffic.road_map, traffic.step_s, np.ones(columns[0].shape, np.bool_), columns)


def _tracks(road_map: RoadMap, step_s: float, present: Bools, columns: list[Floats]) -> Tracks:
    x, y, heading, speed, length = columns
    lane, along, lateral = np.full(x.shape, -1), np.zeros(x.shape), np.zeros(x.shape)
    _find_lanes(road_map.arrays, present, x, y, heading, lane, along)
    sideways = np.diff(y, axis=0) * np.cos(along[:-1]) - np.diff(x, axis=0) * np.sin(along[:-1])
    lateral[:-1] = np.where(present[1:] & present[:-1] & (lane[:-1] >= 0), sideways / step_s, 0.0)
    return Tracks(step_s, present, x, y, heading, speed, length, lane, lateral)


@kernel
def _find_lanes(road: MapArrays, present: Bools, x: Floats, y: Floats, heading: Floats, lane: Indices, along: Floats) -> None:
    for k in range(x.shape[0]):
        for i in range(x.shape[1]):
            if present[k, i]:
                found, s, _ = locate(road, x[k, i], y[k, i], heading[k, i], _HEADING_RAD, _CAR)
                lane[k, i] = found
                if found >= 0:
                    along[k, i] = pose_at(road, found, s, 0.0, -1)[2]


def beside(road_map: RoadMap) -> dict[int, tuple[frozenset[int], frozenset[int]]]:
    """By lane the lanes to its left, and those to its right: its neighbours and what these lead to. None in junctions."""
    arrays = road_map.arrays
    found = {}
    for lane, row in enumerate(arrays.lanes):
        sides = []
        for neighbour in (int(row["left"]), int(row["right"])):
            onward = arrays.successors[_part(arrays.lanes[neighbour])].tolist() if neighbour >= 0 else []
            known = {neighbour, *onward} if neighbour >= 0 and row["junction"] < 0 else set()
            sides.append(frozenset(one for one in known if arrays.lanes[one]["junction"] < 0))
        found[lane] = (sides[0], sides[1])
    return found


def _part(row: np.void) -> slice:
    first = int(row["successor_first"])
    return slice(first, first + int(row["successor_count"]))


def window(tracks: Tracks, first: int, steps: int, vehicles: Indices) -> Tracks:
    """Some steps of some vehicles."""
    rows = slice(first, first + steps)
    names = ("present", "x_m", "y_m", "heading_rad", "speed_mps", "length_m", "lane", "lateral_mps")
    return Tracks(tracks.step_s, *(getattr(tracks, name)[rows][:, vehicles] for name in names))


def write_ring(folder: Path, round_m: float, lanes: int, limit_mps: float) -> Path:
    """A SUMO network of one circular road, in `EDGES` edges `e0`, `e1` …; returns its file."""
    radius, corners = round_m / (2.0 * math.pi), [2.0 * math.pi * k / EDGES for k in range(EDGES)]
    nodes, edges, made = folder / "ring.nod.xml", folder / "ring.edg.xml", folder / "ring.net.xml"
    nodes.write_text(
        "<nodes>"
        + "".join(f'<node id="n{k}" x="{radius * math.cos(at):.3f}" y="{radius * math.sin(at):.3f}"/>' for k, at in enumerate(corners))
        + "</nodes>"
    )
    written = []
    for k, begin in enumerate(corners):
        arc = np.linspace(begin, begin + 2.0 * math.pi / EDGES, 60)
        shape = " ".join(f"{radius * math.cos(at):.3f},{radius * math.sin(at):.3f}" for at in arc)
        ends = f'from="n{k}" to="n{(k + 1) % EDGES}"'
        written.append(f'<edge id="e{k}" {ends} numLanes="{lanes}" speed="{limit_mps:.3f}" shape="{shape}"/>')
    edges.write_text(f"<edges>{''.join(written)}</edges>")
    given = ["--node-files", str(nodes), "--edge-files", str(edges), "--output-file", str(made)]
    run_netconvert([*given, "--no-turnarounds", "true", "--offset.disable-normalization", "true"], "ring")
    return made
