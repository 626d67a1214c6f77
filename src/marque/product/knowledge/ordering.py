"""In which order to decide: variables that hold a formula together come first, as a tree decomposition of it tells."""

from __future__ import annotations

import heapq

import numpy as np

from marque.product.knowledge.preprocess import Reduced


def ranks(reduced: Reduced) -> np.ndarray:
    """int32 [variables]: later eliminated, higher."""
    order = elimination(reduced)
    rank = np.zeros(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank


def elimination(reduced: Reduced) -> list[int]:
    """Variables, next the one with fewest neighbours; its neighbours become neighbours of each other."""
    near: list[set[int]] = [set() for _ in range(reduced.variables)]
    for clause in (*reduced.clauses.lists(), *reduced.pairs.tolist(), *reduced.groups.lists()):
        variables = [literal >> 1 for literal in clause]
        for variable in variables:
            near[variable].update(variables)
    for variable, others in enumerate(near):
        others.discard(variable)
    heap = [(len(others), variable) for variable, others in enumerate(near)]
    heapq.heapify(heap)
    order: list[int] = []
    gone = [False] * len(near)
    while heap:
        count, variable = heapq.heappop(heap)
        if gone[variable] or count != len(near[variable]):
            continue
        gone[variable] = True
        order.append(variable)
        for other in near[variable]:
            near[other] |= near[variable]
            near[other] -= {variable, other}
            heapq.heappush(heap, (len(near[other]), other))
    return order
