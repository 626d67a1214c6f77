"""Circuits as text for tools of others: the format of c2d, which ddnnife and others read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from marque.product.knowledge.circuit import AND, FALSE, LITERAL, TRUE, Circuit


def write(circuit: Circuit, path: Path) -> None:
    """A file in the format of c2d: `nnf NODES EDGES VARIABLES`, then a node a line, children before parents, the root last.

    `L` and a literal; `A` or `O 0`, the number of children, and these. What an edge leaves open is not written, readers smooth by
    themselves; variables that the root does not mention are, each as an `O` over its two literals, so that a reader knows of every
    variable.
    """
    lines = list(_lines(circuit))
    edges = sum(len(line.split()) - (2 if line[0] == "A" else 3) for line in lines if line[0] in "AO")
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(f"nnf {len(lines)} {edges} {circuit.variables}\n")
        file.writelines(line + "\n" for line in lines)


def _lines(circuit: Circuit) -> Iterator[str]:
    first, children = circuit.first.tolist(), circuit.children.tolist()
    literals = circuit.literals.tolist()
    for node, kind in enumerate(circuit.kinds.tolist()):
        below = children[first[node] : first[node + 1]]
        numbers = "".join(f" {child}" for child in below)
        if kind == LITERAL:
            yield f"L {literals[node]}"
        elif kind == TRUE:
            yield "A 0"
        elif kind == FALSE:
            yield "O 0 0"
        elif kind == AND:
            yield f"A {len(below)}{numbers}"
        else:
            yield f"O 0 {len(below)}{numbers}"
    root = len(circuit.kinds) - 1
    if circuit.kinds[root] == FALSE or not len(circuit.free):
        return
    parts = [root]
    number = root
    for variable in circuit.free.tolist():
        yield f"L {variable}"
        yield f"L -{variable}"
        yield f"O 0 2 {number + 1} {number + 2}"
        number += 3
        parts.append(number)
    yield f"A {len(parts)}" + "".join(f" {part}" for part in parts)
