"""The last step of a compilation: nodes over the reduced formula become a Circuit over the given one."""

from __future__ import annotations

import numpy as np

from marque.product.encoding.cnf import Cnf
from marque.product.knowledge.circuit import AND, FALSE, LITERAL, OR, TRUE, Circuit
from marque.product.knowledge.compile_finish import flattened, mentions, missing, uses
from marque.product.knowledge.compile_state import EDGES, NODES, ROOT, Walk
from marque.product.knowledge.preprocess import Reduced
from marque.vehicle.kernel import kernel


def circuit_of(cnf: Cnf, reduced: Reduced, walk: Walk) -> Circuit:
    """The circuit of a formula, from its reduction and a walk that is done."""
    variables, made = reduced.variables, int(walk.register[NODES])
    offset, root = 2 * variables + 2, int(walk.register[ROOT])
    kind, first = walk.node_kind[:made], walk.node_first[: made + 1]
    kids = walk.node_kids[: int(walk.register[EDGES])]
    used = uses(first, kids, offset, root)
    first, kids, used = flattened(kind, first, kids, offset, used, AND)
    row_first, rows = mentions(first, kids, offset, variables, used)
    open_first, opened = missing(kind, first, kids, offset, variables, used, row_first, rows, OR)

    seen = np.zeros(variables, np.bool_)
    if root >= offset:
        seen[rows[row_first[root - offset] : row_first[root - offset + 1]]] = True
    elif root < 2 * variables:
        seen[root >> 1] = True
    class_first, classes = reduced.classes
    several = np.diff(class_first) > 1
    fixed = reduced.fixed
    loose = np.flatnonzero(several & ~seen).astype(np.int32)
    known = np.zeros(cnf.variables + 1, np.bool_)
    known[0] = True
    known[np.abs(fixed)] = True
    for variable in np.flatnonzero(several | seen):
        known[np.abs(classes[class_first[variable] : class_first[variable + 1]])] = True
    parts = _assembled(kind, first, kids, used, open_first, opened, class_first, classes, fixed, loose, root)
    return _circuit(cnf, *parts, free=np.flatnonzero(~known).astype(np.int32))


def impossible(cnf: Cnf) -> Circuit:
    """The circuit of a formula without a model."""
    empty = np.zeros(0, np.int32)
    zeros = np.zeros(2, np.int32)
    return _circuit(
        cnf, np.array([FALSE], np.uint8), zeros[:1], zeros, empty, zeros[:1], empty, free=np.arange(1, cnf.variables + 1, dtype=np.int32)
    )


def _circuit(
    cnf: Cnf,
    kinds: np.ndarray,
    literals: np.ndarray,
    first: np.ndarray,
    children: np.ndarray,
    open_first: np.ndarray,
    opened: np.ndarray,
    *,
    free: np.ndarray,
) -> Circuit:
    return Circuit(
        variables=cnf.variables,
        counted=cnf.counted,
        kinds=kinds,
        literals=literals,
        first=first,
        children=children,
        open_first=open_first,
        open=opened,
        free=free,
        digest=cnf.digest,
    )


@kernel
def _assembled(
    kind: np.ndarray,
    first: np.ndarray,
    kids: np.ndarray,
    used: np.ndarray,
    open_first: np.ndarray,
    opened: np.ndarray,
    class_first: np.ndarray,
    classes: np.ndarray,
    fixed: np.ndarray,
    loose: np.ndarray,
    root: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """kinds, literals, first, children, open_first and open of a Circuit.

    fixed: literals that always hold. loose: variables of the reduced formula that are free, but stand for several. root: as the walk
    numbers it.
    """
    variables = len(class_first) - 1
    offset = 2 * variables + 2
    wanted = np.zeros(2 * variables, np.bool_)
    either = np.zeros(variables, np.bool_)
    for variable in loose:
        either[variable] = True
    if root < 2 * variables:
        wanted[root] = True
    wraps = 0
    extra = 0
    for node in range(len(used)):
        if used[node] > 0:
            for at in range(first[node], first[node + 1]):
                if kids[at] < 2 * variables:
                    wanted[kids[at]] = True
                before = extra
                for place in range(open_first[at], open_first[at + 1]):
                    variable = opened[place]
                    if class_first[variable + 1] - class_first[variable] > 1:
                        either[variable] = True
                        extra += 1
                if extra > before:
                    wraps += 1
    for variable in range(variables):
        if either[variable]:
            wanted[2 * variable] = True
            wanted[2 * variable + 1] = True

    room = len(fixed) + 2 * len(classes) + 3 * variables + len(used) + wraps + 4
    kinds = np.zeros(room, np.uint8)
    literals = np.zeros(room, np.int32)
    new_first = np.zeros(room + 1, np.int32)
    edges = len(kids) + extra + wraps + 2 * len(classes) + 2 * variables + len(fixed) + len(loose) + 4
    children = np.empty(edges, np.int32)
    new_open_first = np.zeros(edges + 1, np.int32)
    new_opened = np.empty(len(opened), np.int32)
    nodes = 0
    end = 0
    open_end = 0

    number = np.full(offset + len(used), -1, np.int32)
    for literal in fixed:
        kinds[nodes] = LITERAL
        literals[nodes] = literal
        nodes += 1
        new_first[nodes] = end
    for reduced in range(2 * variables):
        if not wanted[reduced]:
            continue
        begin = class_first[reduced >> 1]
        size = class_first[(reduced >> 1) + 1] - begin
        sign = -1 if reduced & 1 else 1
        for member in range(size):
            kinds[nodes] = LITERAL
            literals[nodes] = sign * classes[begin + member]
            nodes += 1
            new_first[nodes] = end
        if size > 1:
            for member in range(size):
                children[end] = nodes - size + member
                end += 1
            kinds[nodes] = AND
            nodes += 1
            new_first[nodes] = end
        number[reduced] = nodes - 1
    either_node = np.full(variables, -1, np.int32)
    for variable in range(variables):
        if either[variable]:
            children[end] = number[2 * variable]
            children[end + 1] = number[2 * variable + 1]
            end += 2
            kinds[nodes] = OR
            either_node[variable] = nodes
            nodes += 1
            new_first[nodes] = end
    if root == 2 * variables:
        kinds[nodes] = TRUE
        number[root] = nodes
        nodes += 1
        new_first[nodes] = end
    new_open_first[: end + 1] = 0

    wrapped = np.empty(2, np.int32)
    for node in range(len(used)):
        if used[node] == 0:
            continue
        if kind[node] == OR:
            for side in range(first[node + 1] - first[node]):
                at = first[node] + side
                wrapped[side] = number[kids[at]]
                start = end
                for place in range(open_first[at], open_first[at + 1]):
                    if either_node[opened[place]] >= 0 and class_first[opened[place] + 1] - class_first[opened[place]] > 1:
                        children[end] = either_node[opened[place]]
                        end += 1
                        new_open_first[end] = open_end
                if end > start:
                    children[end] = wrapped[side]
                    end += 1
                    new_open_first[end] = open_end
                    kinds[nodes] = AND
                    wrapped[side] = nodes
                    nodes += 1
                    new_first[nodes] = end
            for side in range(first[node + 1] - first[node]):
                at = first[node] + side
                children[end] = wrapped[side]
                for place in range(open_first[at], open_first[at + 1]):
                    if class_first[opened[place] + 1] - class_first[opened[place]] == 1:
                        new_opened[open_end] = classes[class_first[opened[place]]]
                        open_end += 1
                end += 1
                new_open_first[end] = open_end
        else:
            for at in range(first[node], first[node + 1]):
                children[end] = number[kids[at]]
                end += 1
                new_open_first[end] = open_end
        kinds[nodes] = kind[node]
        number[offset + node] = nodes
        nodes += 1
        new_first[nodes] = end

    if len(fixed) + len(loose) > 0:
        for index in range(len(fixed)):
            children[end] = index
            end += 1
            new_open_first[end] = open_end
        for variable in loose:
            children[end] = either_node[variable]
            end += 1
            new_open_first[end] = open_end
        if root != 2 * variables:
            children[end] = number[root]
            end += 1
            new_open_first[end] = open_end
        kinds[nodes] = AND
        nodes += 1
        new_first[nodes] = end
    return kinds[:nodes], literals[:nodes], new_first[: nodes + 1], children[:end], new_open_first[: end + 1], new_opened[:open_end]
