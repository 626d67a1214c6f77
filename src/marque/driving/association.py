"""Which detection belongs to which track: the most probable set of pairs, each detection and each track in at most one."""

from __future__ import annotations

import numpy as np

from marque.common import Floats, Indices
from marque.vehicle import kernel

NOBODY = -1


@kernel
def associate(score: Floats, taken: Indices) -> None:
    """The pairs with the greatest sum of scores → taken (d,): the track of each detection, NOBODY where leaving it alone is better.

    score: (d, t), what a pair is worth against leaving both alone, −inf or below 0 where they cannot belong together. Detections that
    share no track, directly or over others, do not matter to each other: each such cluster is solved alone.
    """
    detections, tracks = score.shape
    taken[:] = NOBODY
    suitors, options = np.zeros(tracks, np.int64), np.zeros(detections, np.int64)
    for i in range(detections):
        for j in range(tracks):
            if score[i, j] > 0.0:
                suitors[j] += 1
                options[i] += 1
    done = np.zeros(detections, np.uint8)
    rows, columns = np.empty(detections, np.int64), np.empty(tracks, np.int64)
    held = np.zeros(tracks, np.uint8)
    for first in range(detections):
        if done[first] or options[first] == 0:
            continue
        n = m = 0
        rows[n], n, done[first] = first, 1, 1
        k = 0
        while k < n:
            i = rows[k]
            k += 1
            for j in range(tracks):
                if score[i, j] <= 0.0 or held[j]:
                    continue
                held[j] = 1
                columns[m] = j
                m += 1
                if suitors[j] > 1:
                    for other in range(detections):
                        if not done[other] and score[other, j] > 0.0:
                            rows[n], n, done[other] = other, n + 1, 1
        if n == 1:
            best = columns[0]
            for c in range(1, m):
                if score[first, columns[c]] > score[first, best]:
                    best = columns[c]
            taken[first] = best
        else:
            _solve(score, rows[:n], columns[:m], taken)


@kernel
def _solve(score: Floats, rows: Indices, columns: Indices, taken: Indices) -> None:
    """One cluster; every row has a column of its own beside the tracks, worth 0, for being left alone."""
    n, m = rows.size, columns.size
    cost = np.full((n, m + n), np.inf)
    for r in range(n):
        for c in range(m):
            if score[rows[r], columns[c]] > 0.0:
                cost[r, c] = -score[rows[r], columns[c]]
        cost[r, m + r] = 0.0
    column = assign(cost)
    for r in range(n):
        taken[rows[r]] = columns[column[r]] if column[r] < m else NOBODY


@kernel
def assign(cost: Floats) -> Indices:
    """The column of each row, all different, with the least sum of costs; cost (n, m), n ≤ m, inf where a pair is impossible.

    A solution of finite cost must exist. Shortest augmenting paths with prices on rows and columns.
    Source: Kuhn 1955 "The Hungarian method"; Jonker, Volgenant 1987 "A shortest augmenting path algorithm".
    """
    n, m = cost.shape
    row_price, column_price = np.zeros(n), np.zeros(m)
    row_of = np.full(m, NOBODY)
    least, before, reached = np.empty(m), np.empty(m, np.int64), np.empty(m, np.uint8)
    for start in range(n):
        least[:] = np.inf
        reached[:] = 0
        row, column = start, NOBODY
        while row != NOBODY:  # grow a tree of alternating paths until it reaches a free column
            step, following = np.inf, NOBODY
            for c in range(m):
                if reached[c]:
                    continue
                slack = cost[row, c] - row_price[row] - column_price[c]
                if slack < least[c]:
                    least[c], before[c] = slack, column
                if least[c] < step:
                    step, following = least[c], c
            row_price[start] += step
            for c in range(m):
                if reached[c]:
                    row_price[row_of[c]] += step
                    column_price[c] -= step
                else:
                    least[c] -= step
            reached[following] = 1
            column, row = following, row_of[following]
        while before[column] != NOBODY:
            row_of[column] = row_of[before[column]]
            column = before[column]
        row_of[column] = start
    chosen = np.full(n, NOBODY)
    for c in range(m):
        if row_of[c] != NOBODY:
            chosen[row_of[c]] = c
    return chosen
