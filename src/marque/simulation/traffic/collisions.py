"""Oriented-box collision checks among all bodies of a world, every step."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Ints, Record, Records
from marque.driving.map import RoadMap
from marque.vehicle import inlined, lean

CELL_M = 13.0
"""At least the longest body: two that touch are in the same cell or in neighbouring ones."""


class Hash(NamedTuple):
    """A grid of bodies, used again for every step and world."""

    origin: tuple[float, float]
    columns: int
    rows: int
    head: Ints  # (rows · columns,) −1 between uses
    next: Ints  # (bodies,)
    cell: Ints  # (bodies,)


def build_hash(road_map: RoadMap, bodies: int) -> Hash:
    """A grid over the whole map with a margin of one cell, in which bodies beyond the map are kept too."""
    points = road_map.arrays.points
    low_x, low_y = float(points["x"].min()) - 2.0 * CELL_M, float(points["y"].min()) - 2.0 * CELL_M
    columns = int((float(points["x"].max()) - low_x) / CELL_M) + 4
    rows = int((float(points["y"].max()) - low_y) / CELL_M) + 4
    return Hash(
        (low_x, low_y), columns, rows, np.full(rows * columns, -1, np.int32), np.zeros(bodies, np.int32), np.zeros(bodies, np.int32)
    )


@inlined
def overlap(a: Record, b: Record) -> bool:
    """Whether two bodies share more than a point: separating axes, directions given as unit vectors."""
    dx, dy = b.x - a.x, b.y - a.y
    al, aw, bl, bw = 0.5 * a.length, 0.5 * a.width, 0.5 * b.length, 0.5 * b.width
    reach = al + aw + bl + bw
    if dx * dx + dy * dy > reach * reach:
        return False
    cos_ab, sin_ab = abs(a.ux * b.ux + a.uy * b.uy), abs(a.uy * b.ux - a.ux * b.uy)
    if abs(dx * a.ux + dy * a.uy) >= al + bl * cos_ab + bw * sin_ab:
        return False
    if abs(dy * a.ux - dx * a.uy) >= aw + bl * sin_ab + bw * cos_ab:
        return False
    if abs(dx * b.ux + dy * b.uy) >= bl + al * cos_ab + aw * sin_ab:
        return False
    return not abs(dy * b.ux - dx * b.uy) >= bw + al * sin_ab + aw * cos_ab


@lean
def find_contacts(bodies: Records, walkers: int, grid: Hash, clock: Records, contacts: Records, step: int) -> None:
    """Records every pair of bodies that touch; pedestrians among themselves make way and are not counted."""
    low_x, low_y = grid.origin
    first_walker = bodies.size - walkers
    for b in range(bodies.size):
        grid.cell[b] = -1
        if bodies[b].length == 0.0 or not math.isfinite(bodies[b].x):
            continue
        column = min(grid.columns - 2, max(1, int((bodies[b].x - low_x) / CELL_M)))
        row = min(grid.rows - 2, max(1, int((bodies[b].y - low_y) / CELL_M)))
        cell = row * grid.columns + column
        grid.cell[b] = cell
        # Those already in the nine cells around are compared once, when the later body comes in.
        for r in range(cell - grid.columns, cell + grid.columns + 1, grid.columns):
            for c in range(r - 1, r + 2):
                other = grid.head[c]
                while other >= 0:
                    if (other < first_walker or b < first_walker) and overlap(bodies[other], bodies[b]):
                        _record(clock, contacts, step, other, b)
                    other = grid.next[other]
        grid.next[b] = grid.head[cell]
        grid.head[cell] = b
    for b in range(bodies.size):
        if grid.cell[b] >= 0:
            grid.head[grid.cell[b]] = -1


@lean
def _record(clock: Record, contacts: Records, step: int, a: int, b: int) -> None:
    kept = min(clock.contacts, contacts.size)
    for k in range(kept):
        contact = contacts[k]
        if contact.a == a and contact.b == b and contact.until >= step - 1:
            contact.until = step
            return
    contact = contacts[clock.contacts % contacts.size]
    contact.step, contact.a, contact.b, contact.until = step, a, b, step
    clock.contacts += 1
