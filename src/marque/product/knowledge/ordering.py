"""In which order to decide: variables that hold a formula together come first, as tree decompositions of it tell.

A tree decomposition comes from eliminating variables one by one, where the neighbours of each become neighbours of each other; what is
left to the end separates what went before.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from marque.product.knowledge.preprocess import Reduced
from marque.product.knowledge.rows import Rows
from marque.vehicle.kernel import kernel

_LARGEST = 20_000
"""Variables that hang together; above it, the square table of the elimination is not worth its memory."""


class Order(StrEnum):
    """CENTRE: the middle of the decomposition by least fill, then the middles of what is left. FILL, DEGREE: backwards through the
    elimination that adds fewest neighbours, or takes who has fewest. OCCURRENCE: what is in many and short clauses, for formulas without
    such a structure.
    """

    CENTRE = "centre"
    FILL = "fill"
    DEGREE = "degree"
    OCCURRENCE = "occurrence"


def ranks(reduced: Reduced, order: Order, near: Rows) -> np.ndarray:
    """int32 [variables]; of the variables that hang together, the one of highest rank is decided first. near: their neighbours."""
    if order is Order.OCCURRENCE:
        return _by_occurrence(reduced)
    rank = np.zeros(reduced.variables, np.int32)
    done = np.zeros(reduced.variables, np.bool_)
    local = np.zeros(reduced.variables, np.int32)
    for start in range(reduced.variables):
        if done[start]:
            continue
        part = _hanging_together(near.first, near.numbers, start, done)
        if len(part) == 1:
            continue
        if len(part) > _LARGEST:
            return _by_occurrence(reduced)
        part.sort()
        local[part] = np.arange(len(part))
        eliminated, table = _elimination(near.first, near.numbers, part, local, order is not Order.DEGREE)
        rank[part[eliminated]] = np.arange(len(part)) if order is not Order.CENTRE else _from_centres(eliminated, table)
    return rank


def _by_occurrence(reduced: Reduced) -> np.ndarray:
    weight = np.zeros(reduced.variables)
    np.add.at(weight, reduced.clauses.numbers >> 1, np.repeat(np.exp2(3.0 - reduced.clauses.lengths), reduced.clauses.lengths))
    np.add.at(weight, reduced.pairs.ravel() >> 1, 2.0)
    np.add.at(weight, reduced.groups.numbers >> 1, np.repeat(2.0 * (reduced.groups.lengths - 1), reduced.groups.lengths))
    rank = np.empty(reduced.variables, np.int32)
    rank[np.argsort(weight, kind="stable")] = np.arange(reduced.variables, dtype=np.int32)
    return rank


def neighbours(reduced: Reduced) -> Rows:
    """Per variable those it shares a constraint with."""
    pairs = reduced.pairs >> 1
    ones, others = [pairs[:, 0], pairs[:, 1]], [pairs[:, 1], pairs[:, 0]]
    for constraints in (reduced.clauses, reduced.groups):
        for length in np.unique(constraints.lengths):
            block = constraints.kept(constraints.lengths == length).numbers.reshape(-1, length) >> 1
            ones.append(np.repeat(block, length, axis=1).ravel())
            others.append(np.tile(block, (1, length)).ravel())
    keys = np.unique(np.concatenate(ones).astype(np.int64) * reduced.variables + np.concatenate(others))
    one, other = keys // max(1, reduced.variables), keys % max(1, reduced.variables)
    apart = one != other
    first = np.zeros(reduced.variables + 1, np.int64)
    np.cumsum(np.bincount(one[apart], minlength=reduced.variables), out=first[1:])
    return Rows(first, other[apart].astype(np.int32))


@kernel
def _hanging_together(first: np.ndarray, near: np.ndarray, start: int, done: np.ndarray) -> np.ndarray:
    found = np.empty(len(done), np.int32)
    found[0] = start
    done[start] = True
    end = 1
    at = 0
    while at < end:
        for place in range(first[found[at]], first[found[at] + 1]):
            if not done[near[place]]:
                done[near[place]] = True
                found[end] = near[place]
                end += 1
        at += 1
    return found[:end].copy()


@kernel
def _ones(word: np.uint64) -> np.int64:
    """How many bits of a uint64 are 1."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def _without(one: np.ndarray, other: np.ndarray) -> int:
    """How many are in a set of bits and not in another."""
    count = np.int64(0)
    for word in range(len(one)):
        bits = one[word] & ~other[word]
        if bits != 0:
            count += _ones(bits)
    return int(count)


@kernel
def _members(bits: np.ndarray, into: np.ndarray) -> int:
    end = 0
    for word in range(len(bits)):
        left = bits[word]
        while left != 0:
            lowest = left & (~left + np.uint64(1))
            into[end] = 64 * word + _ones(lowest - np.uint64(1))
            end += 1
            left ^= lowest
    return end


@kernel
def _elimination(first: np.ndarray, near: np.ndarray, part: np.ndarray, local: np.ndarray, by_fill: bool) -> tuple[np.ndarray, np.ndarray]:
    """The order in which variables of a part go, and per variable, as bits, its neighbours when it went. All numbered within the part.

    by_fill: next who needs fewest new neighbourhoods, then who has fewest neighbours; else the second alone. The fill of all is kept up to
    date edge by edge.
    """
    size = len(part)
    one = np.uint64(1)
    table = np.zeros((size, (size + 63) // 64), np.uint64)
    degree = np.zeros(size, np.int64)
    fill = np.zeros(size, np.int64)
    for variable in range(size):
        for place in range(first[part[variable]], first[part[variable] + 1]):
            other = local[near[place]]
            table[variable, other >> 6] |= one << np.uint64(other & 63)
            degree[variable] += 1
    mine = np.empty(size, np.int32)
    common = np.empty(size, np.int32)
    both = np.empty(table.shape[1], np.uint64)
    if by_fill:
        for variable in range(size):
            missing = 0
            for index in range(_members(table[variable], mine)):
                missing += _without(table[variable], table[mine[index]]) - 1
            fill[variable] = missing // 2
    gone = np.zeros(size, np.bool_)
    order = np.empty(size, np.int64)
    for step in range(size):
        best = -1
        for variable in range(size):
            if not gone[variable] and (
                best < 0 or fill[variable] < fill[best] or (fill[variable] == fill[best] and degree[variable] < degree[best])
            ):
                best = variable
        order[step] = best
        gone[best] = True
        count = _members(table[best], mine)
        for index in range(count):
            a = mine[index]
            table[a, best >> 6] &= ~(one << np.uint64(best & 63))
            degree[a] -= 1
        if by_fill:
            for index in range(count):
                fill[mine[index]] -= _without(table[mine[index]], table[best])
        for index in range(count):
            a = mine[index]
            if _without(table[best], table[a]) == 1:
                continue  # it is itself the only one that is not its neighbour
            for later in range(index + 1, count):
                b = mine[later]
                if table[a, b >> 6] & (one << np.uint64(b & 63)) == 0:
                    if by_fill:
                        fill[a] += _without(table[a], table[b])
                        fill[b] += _without(table[b], table[a])
                        for word in range(len(both)):
                            both[word] = table[a, word] & table[b, word]
                        for place in range(_members(both, common)):
                            fill[common[place]] -= 1
                    table[a, b >> 6] |= one << np.uint64(b & 63)
                    table[b, a >> 6] |= one << np.uint64(a & 63)
                    degree[a] += 1
                    degree[b] += 1
    return order, table


@kernel
def _from_centres(order: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The rank of order[i]: first the bag in the middle of the decomposition tree, then those in the middle of each tree that is left."""
    size = len(order)
    position = np.empty(size, np.int64)
    position[order] = np.arange(size)
    above = np.full(size, -1, np.int64)
    mine = np.empty(size, np.int32)
    for step in range(size):
        for index in range(_members(table[order[step]], mine)):
            other = position[mine[index]]
            if above[step] < 0 or other < above[step]:
                above[step] = other
    level = np.full(size, -1, np.int64)
    alive = np.ones(size, np.bool_)
    below = np.empty(size, np.int64)
    largest = np.empty(size, np.int64)
    root = np.empty(size, np.int64)
    centre = np.empty(size, np.int64)
    depth = 0
    while alive.any():
        below[:] = 1
        largest[:] = 0
        for step in range(size):
            if alive[step] and above[step] >= 0 and alive[above[step]]:
                below[above[step]] += below[step]
                largest[above[step]] = max(largest[above[step]], below[step])
        centre[:] = -1
        for step in range(size - 1, -1, -1):
            if alive[step]:
                root[step] = root[above[step]] if above[step] >= 0 and alive[above[step]] else step
                largest[step] = max(largest[step], below[root[step]] - below[step])
                if centre[root[step]] < 0 or largest[step] < largest[centre[root[step]]]:
                    centre[root[step]] = step
        for step in range(size):
            if centre[step] >= 0:
                middle = centre[step]
                alive[middle] = False
                if level[middle] < 0:
                    level[middle] = depth
                for index in range(_members(table[order[middle]], mine)):
                    if level[position[mine[index]]] < 0:
                        level[position[mine[index]]] = depth
        depth += 1
    rank = np.empty(size, np.int32)
    rank[np.argsort(-level * size + np.arange(size), kind="mergesort")] = np.arange(size).astype(np.int32)
    return rank
