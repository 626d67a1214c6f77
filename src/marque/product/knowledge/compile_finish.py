"""What the walk made, made smaller: reachable nodes only, ANDs joined; and what each edge of an OR leaves open."""

from __future__ import annotations

import numpy as np

from marque.vehicle.kernel import kernel


@kernel
def uses(first: np.ndarray, kids: np.ndarray, offset: int, root: int) -> np.ndarray:
    """How many parents each made node has below the root (the root counts one); 0 where it is not reached."""
    used = np.zeros(len(first) - 1, np.int32)
    if root >= offset:
        used[root - offset] = 1
    for node in range(len(first) - 2, -1, -1):
        if used[node] > 0:
            for at in range(first[node], first[node + 1]):
                if kids[at] >= offset:
                    used[kids[at] - offset] += 1
    return used


@kernel
def flattened(
    kind: np.ndarray, first: np.ndarray, kids: np.ndarray, offset: int, used: np.ndarray, and_kind: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same nodes, with the children of an AND that only one other AND uses in their place there. As (first, kids, used)."""
    new_first = np.zeros(len(first), np.int64)
    new_kids = np.empty(len(kids), np.int32)
    joined = np.zeros(len(used), np.bool_)
    for node in range(len(used)):
        if used[node] > 0 and kind[node] == and_kind:
            for at in range(first[node], first[node + 1]):
                kid = kids[at] - offset
                if kid >= 0 and kind[kid] == and_kind and used[kid] == 1:
                    joined[kid] = True
    end = 0
    stack = np.empty(len(kids) + 1, np.int32)
    for node in range(len(used)):
        if used[node] > 0 and not joined[node]:
            height = 0
            for at in range(first[node + 1] - 1, first[node] - 1, -1):
                stack[height] = kids[at]
                height += 1
            while height > 0:
                height -= 1
                kid = stack[height]
                if kid >= offset and joined[kid - offset] and kind[node] == and_kind:
                    for at in range(first[kid - offset + 1] - 1, first[kid - offset] - 1, -1):
                        stack[height] = kids[at]
                        height += 1
                else:
                    new_kids[end] = kid
                    end += 1
        new_first[node + 1] = end
    for node in range(len(used)):
        if joined[node]:
            used[node] = 0
    return new_first, new_kids[:end], used


@kernel
def mentions(first: np.ndarray, kids: np.ndarray, offset: int, variables: int, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The variables below each made node, as rows (first, variables)."""
    row_first = np.zeros(len(first), np.int64)
    rows = np.empty(max(1024, 2 * len(kids)), np.int32)
    seen = np.full(variables, -1, np.int32)
    end = 0
    for node in range(len(first) - 1):
        if used[node] > 0:
            if end + variables > len(rows):
                larger = np.empty(2 * len(rows) + variables, np.int32)
                larger[:end] = rows[:end]
                rows = larger
            for at in range(first[node], first[node + 1]):
                kid = kids[at]
                if kid < 2 * variables:
                    if seen[kid >> 1] != node:
                        seen[kid >> 1] = node
                        rows[end] = kid >> 1
                        end += 1
                elif kid >= offset:
                    for row in range(row_first[kid - offset], row_first[kid - offset + 1]):
                        variable = rows[row]
                        if seen[variable] != node:
                            seen[variable] = node
                            rows[end] = variable
                            end += 1
        row_first[node + 1] = end
    return row_first, rows[:end]


@kernel
def missing(
    kind: np.ndarray,
    first: np.ndarray,
    kids: np.ndarray,
    offset: int,
    variables: int,
    used: np.ndarray,
    row_first: np.ndarray,
    rows: np.ndarray,
    or_kind: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Per edge, the variables that its OR mentions and its child does not; as rows (first, variables)."""
    open_first = np.zeros(len(kids) + 1, np.int64)
    opened = np.empty(1024, np.int32)
    seen = np.full(variables, -1, np.int64)
    end = 0
    for node in range(len(first) - 1):
        for at in range(first[node], first[node + 1]):
            if used[node] > 0 and kind[node] == or_kind:
                if end + variables > len(opened):
                    larger = np.empty(2 * len(opened) + variables, np.int32)
                    larger[:end] = opened[:end]
                    opened = larger
                kid = kids[at]
                if kid < 2 * variables:
                    seen[kid >> 1] = at
                elif kid >= offset:
                    for row in range(row_first[kid - offset], row_first[kid - offset + 1]):
                        seen[rows[row]] = at
                for row in range(row_first[node], row_first[node + 1]):
                    if seen[rows[row]] != at:
                        opened[end] = rows[row]
                        end += 1
            open_first[at + 1] = end
    return open_first, opened[:end]
