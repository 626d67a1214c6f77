"""The arrays of a compilation: as they begin, and with more room."""

from __future__ import annotations

import numpy as np

from marque.product.knowledge.compile_state import (
    CLAUSES,
    EDGES,
    ENTRIES,
    FRAMES,
    KEYS,
    KIDS,
    NODES,
    ORIGINAL,
    POOL,
    REGISTERS,
    WAITING,
    Formula,
    Search,
    Walk,
)
from marque.product.knowledge.compile_walk import fill_slots, watch
from marque.product.knowledge.rows import Rows, gathered


def formula_arrays(variables: int, clauses: Rows, pairs: np.ndarray, groups: Rows, rank: np.ndarray) -> Formula:
    """The constraints, indexed by literal, variable and group, and the order to decide in."""
    implied = gathered((pairs ^ 1).ravel(), pairs[:, ::-1].ravel(), 2 * variables)
    memberships = gathered(groups.numbers, groups.owners, 2 * variables)
    occurrences = gathered(clauses.numbers >> 1, clauses.owners, variables)
    return Formula(*implied, *memberships, *groups, *occurrences, rank)


def search_arrays(variables: int, given: Rows) -> Search:
    """Nothing assumed, the longer clauses watched."""
    at, pool = given
    clauses = len(given)
    room = clauses + 5000
    register = np.zeros(REGISTERS, np.int64)
    register[CLAUSES] = register[ORIGINAL] = clauses
    register[POOL] = len(pool)
    search = Search(
        register,
        np.zeros(2 * variables, np.int8),
        np.zeros(variables, np.int32),
        np.full(variables, -1, np.int32),
        np.zeros(variables + 1, np.int32),
        np.zeros(variables + 2, np.int32),
        np.zeros(variables, np.int8),
        np.zeros(variables, np.int8),
        np.zeros(variables + 2, np.int32),
        np.zeros(len(pool) + 20 * variables + 100_000, np.int32),
        np.zeros(room, np.int32),
        np.zeros(room, np.int32),
        np.full(2 * variables, -1, np.int32),
        np.full(2 * room, -1, np.int32),
    )
    search.pool[: len(pool)] = pool
    search.at[:clauses] = at[:-1]
    search.size[:clauses] = np.diff(at)
    watch(search)
    return search


def walk_arrays(variables: int, clauses: Rows, groups: Rows) -> Walk:
    """Nothing done; the whole formula waits as the first entry."""
    register = np.zeros(REGISTERS, np.int64)

    def numbers(size: int, kind: type = np.int32, value: int = 0) -> np.ndarray:
        return np.full(size, value, kind)

    walk = Walk(
        register=register,
        key=numbers(10 * variables + len(clauses) + 10000),
        key_at=numbers(variables + 1002, np.int64),
        entry_node=numbers(variables + 1001),
        entry_hash=numbers(variables + 1001, np.int64),
        entry_slots=numbers(1 << (4 * variables + 1000).bit_length(), np.int32, -1),
        node_slots=numbers(4096, np.int32, -1),
        node_kind=numbers(1000, np.uint8),
        node_hash=numbers(1000, np.int64),
        node_first=numbers(1001, np.int64),
        node_kids=numbers(10000 + 4 * variables),
        frame_entry=numbers(variables + 2),
        frame_literal=numbers(variables + 2),
        frame_branch=numbers(variables + 2, np.int8),
        frame_kids=numbers(variables + 2),
        frame_waiting=numbers(variables + 2),
        frame_node=numbers(variables + 2),
        frame_parts=numbers(variables + 2),
        kids=numbers(8 * variables + 1000),
        waiting=numbers(8 * variables + 1000),
        label=numbers(variables, np.int32, -1),
        queue=numbers(variables + 1),
        group_stamp=numbers(len(groups)),
        clause_stamp=numbers(len(clauses)),
    )
    walk.key[0] = variables
    walk.key[1 : variables + 1] = np.arange(variables)
    walk.key_at[1] = variables + 1
    walk.entry_node[0] = -1
    register[KEYS] = variables + 1
    register[ENTRIES] = 1
    walk.frame_literal[0] = -1
    register[FRAMES] = 1
    return walk


def _grown(array: np.ndarray, used: int, value: int = 0) -> np.ndarray:
    grown = np.full(len(array) + len(array) // 2 + 1024, value, array.dtype)
    grown[:used] = array[:used]
    return grown


def _slots(digests: np.ndarray, size: int) -> np.ndarray:

    slots = np.full(size, -1, np.int32)
    fill_slots(slots, digests)
    return slots


def roomier(search: Search, walk: Walk) -> tuple[Search, Walk]:
    """Arrays that may be too small for the next step, enlarged."""
    variables = len(walk.label)
    use, made = search.register, walk.register
    if use[CLAUSES] + 1 >= len(search.at) or use[POOL] + variables >= len(search.pool):
        search = search._replace(
            at=_grown(search.at, use[CLAUSES]),
            size=_grown(search.size, use[CLAUSES]),
            watch_next=_grown(_grown(search.watch_next, 2 * use[CLAUSES], -1), 2 * use[CLAUSES], -1),
            pool=_grown(search.pool, use[POOL]),
        )
    if made[KEYS] + 3 * variables + use[ORIGINAL] >= len(walk.key):
        walk = walk._replace(key=_grown(walk.key, made[KEYS]))
    if made[ENTRIES] + variables + 1 >= len(walk.entry_node):
        walk = walk._replace(
            key_at=_grown(walk.key_at, made[ENTRIES] + 1),
            entry_node=_grown(walk.entry_node, made[ENTRIES]),
            entry_hash=_grown(walk.entry_hash, made[ENTRIES]),
        )
    if 2 * (made[ENTRIES] + variables) >= len(walk.entry_slots):
        walk = walk._replace(entry_slots=_slots(walk.entry_hash[1 : made[ENTRIES]], 2 * len(walk.entry_slots)))
        walk.entry_slots[walk.entry_slots >= 0] += 1
    if made[NODES] + 4 >= len(walk.node_kind):
        walk = walk._replace(
            node_kind=_grown(walk.node_kind, made[NODES]),
            node_hash=_grown(walk.node_hash, made[NODES]),
            node_first=_grown(walk.node_first, made[NODES] + 1),
        )
    if 2 * (made[NODES] + 4) >= len(walk.node_slots):
        walk = walk._replace(node_slots=_slots(walk.node_hash[: made[NODES]], 2 * len(walk.node_slots)))
    if made[EDGES] + 2 * variables + 8 >= len(walk.node_kids):
        walk = walk._replace(node_kids=_grown(walk.node_kids, made[EDGES]))
    if made[KIDS] + 2 * variables + 8 >= len(walk.kids):
        walk = walk._replace(kids=_grown(walk.kids, made[KIDS]))
    if made[WAITING] + variables >= len(walk.waiting):
        walk = walk._replace(waiting=_grown(walk.waiting, made[WAITING]))
    return search, walk
