"""What a compilation consists of at any moment: flat arrays and a few registers, so that it can be stopped, kept in a file and continued.

A literal is 2 · variable for the variable itself and 2 · variable + 1 for its negation, variables from 0. A node below 2 · variables is a
literal; then TRUE and FALSE; then what the search makes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Registers of the search.
TRAIL, HEAD, LEVEL, CLAUSES, POOL, ORIGINAL, CONFLICT, OTHER, LEARNT, BACK, STAMP, CONFLICTS, DECISIONS = range(13)
# Registers of the walk over components.
FRAMES, KIDS, WAITING, ENTRIES, KEYS, NODES, EDGES, HITS, STATE, ROOT, DEEPEST = range(11)
REGISTERS = 16

BRANCH, NEXT, CLOSE = range(3)
"""What the walk does next with the decision on top: begin a branch, go into a waiting component, make the branch's node."""

DONE, ROOM, PAUSED = range(3)
"""Why the walk stopped: finished; some array is too small; as many steps as asked for are done."""

FACT = -1
"""A reason: none, of a decision or of what holds anyway. Other reasons: a clause's number, or −2 − p when the true literal p was enough."""


class Formula(NamedTuple):
    """The constraints as they were given; none of it changes. The entries of `x_first` say where those of a literal, variable or group
    begin.

    implied: literals that follow from a literal by a clause of two. groups: those a literal is in; of a group's members at most one is
    true. members: literals of a group. occurs: longer clauses that mention a variable. rank: of a variable, the highest of a component is
    decided first.
    """

    implied_first: np.ndarray
    implied: np.ndarray
    groups_first: np.ndarray
    groups: np.ndarray
    members_first: np.ndarray
    members: np.ndarray
    occurs_first: np.ndarray
    occurs: np.ndarray
    rank: np.ndarray


class Search(NamedTuple):
    """Propagation and learning. value: per literal, 1 true, −1 false, 0 open. Clauses: literals pool[at[c]:at[c] + size[c]], the first two
    watched; watcher 2 c + i looks at the i-th; watch_head, watch_next: lists of watchers per literal. trail, limits: literals in the order
    they became true, and how many there were before each level. phase: the value of a variable in a model of its component.
    learnt, seen: of the analysis of a conflict.
    """

    register: np.ndarray
    value: np.ndarray
    level: np.ndarray
    reason: np.ndarray
    trail: np.ndarray
    limits: np.ndarray
    phase: np.ndarray
    seen: np.ndarray
    learnt: np.ndarray
    pool: np.ndarray
    at: np.ndarray
    size: np.ndarray
    watch_head: np.ndarray
    watch_next: np.ndarray


class Walk(NamedTuple):
    """Components, their cache, and the nodes made so far.

    An entry of the cache is a component: key[key_at[e]:key_at[e + 1]] holds how many variables it has, these ascending, and the clauses
    that it has only in part; entry_node: its node, −1 while it is worked on. entry_slots, node_slots: hash tables, −1 where empty.
    frame_*: decisions under way: entry, literal of the first branch (−1 at the root, which has one branch and no decision), which branch,
    where its results and waiting components begin, the first branch's node, how many components the branch waited for at first.
    kids: results of branches under way. waiting: entries to be worked on. node_kind: 3 AND, 4 OR. node_first, node_kids as in a Circuit.
    label, queue, group_stamp, clause_stamp: of the search for components.
    """

    register: np.ndarray
    key: np.ndarray
    key_at: np.ndarray
    entry_node: np.ndarray
    entry_hash: np.ndarray
    entry_slots: np.ndarray
    node_slots: np.ndarray
    node_kind: np.ndarray
    node_hash: np.ndarray
    node_first: np.ndarray
    node_kids: np.ndarray
    frame_entry: np.ndarray
    frame_literal: np.ndarray
    frame_branch: np.ndarray
    frame_kids: np.ndarray
    frame_waiting: np.ndarray
    frame_node: np.ndarray
    frame_parts: np.ndarray
    kids: np.ndarray
    waiting: np.ndarray
    label: np.ndarray
    queue: np.ndarray
    group_stamp: np.ndarray
    clause_stamp: np.ndarray
