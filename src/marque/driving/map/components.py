"""Which lanes a car can keep driving on: strongly connected components."""

from __future__ import annotations

import numpy as np

from marque.common import Ints
from marque.vehicle import kernel


@kernel
def strong_components(first: Ints, target: Ints) -> Ints:
    """Component of every node of a directed graph in CSR form (first: (n + 1,)), numbered in order of completion.

    Tarjan 1972, without recursion.
    """
    n = first.size - 1
    order, low, component = np.full(n, -1, np.int32), np.zeros(n, np.int32), np.full(n, -1, np.int32)
    edge = first[:-1].copy()
    stack, path = np.empty(n, np.int32), np.empty(n, np.int32)
    held, depth, visited, found = 0, 0, 0, 0
    for root in range(n):
        if order[root] >= 0:
            continue
        path[0] = root
        depth = 1
        while depth > 0:
            node = path[depth - 1]
            if order[node] < 0:
                order[node] = low[node] = visited
                visited += 1
                stack[held] = node
                held += 1
            if edge[node] < first[node + 1]:
                other = target[edge[node]]
                edge[node] += 1
                if order[other] < 0:
                    path[depth] = other
                    depth += 1
                elif component[other] < 0:
                    low[node] = min(low[node], order[other])
                continue
            depth -= 1
            if depth > 0:
                low[path[depth - 1]] = min(low[path[depth - 1]], low[node])
            if low[node] == order[node]:
                while True:
                    held -= 1
                    component[stack[held]] = found
                    if stack[held] == node:
                        break
                found += 1
    return component
