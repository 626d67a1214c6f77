"""Circuits as text for tools of others: the format of c2d, which ddnnife and others read."""

from __future__ import annotations

from pathlib import Path

from marque.product.knowledge.circuit import AND, FALSE, LITERAL, TRUE, Circuit


def write(circuit: Circuit, path: Path) -> None:
    """A file in the format of c2d: `nnf NODES EDGES VARIABLES`, then a node a line, children before parents, the root last.

    `L` and a literal; `A` or `O 0`, the number of children, and these. The file is smooth, as readers rely on it: what an edge leaves open,
    and what the root does not mention, becomes an `O` over the two literals of a variable, one for all places that need it.
    """
    text = _Text()
    first, children, literals = circuit.first.tolist(), circuit.children.tolist(), circuit.literals.tolist()
    open_first, opened = circuit.open_first.tolist(), circuit.open.tolist()
    numbers: list[int] = []
    for node, kind in enumerate(circuit.kinds.tolist()):
        edges = range(first[node], first[node + 1])
        if kind == LITERAL:
            numbers.append(text.literal(literals[node]))
        elif kind in (TRUE, AND):
            numbers.append(text.node("A", [numbers[children[edge]] for edge in edges]))
        elif kind == FALSE:
            numbers.append(text.node("O 0", []))
        else:
            smooth = [text.beside(numbers[children[edge]], opened[open_first[edge] : open_first[edge + 1]]) for edge in edges]
            numbers.append(text.node("O 0", smooth))
    if circuit.kinds[-1] != FALSE:
        text.beside(numbers[-1], circuit.free.tolist())
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(f"nnf {len(text.lines)} {text.edges} {circuit.variables}\n")
        file.writelines(line + "\n" for line in text.lines)


class _Text:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.edges = 0
        self._literals: dict[int, int] = {}
        self._either: dict[int, int] = {}

    def literal(self, literal: int) -> int:
        if literal not in self._literals:
            self.lines.append(f"L {literal}")
            self._literals[literal] = len(self.lines) - 1
        return self._literals[literal]

    def node(self, kind: str, children: list[int]) -> int:
        self.lines.append(" ".join((kind, str(len(children)), *map(str, children))))
        self.edges += len(children)
        return len(self.lines) - 1

    def beside(self, node: int, variables: list[int]) -> int:
        """A node, and for each variable its two values."""
        if not variables:
            return node
        for variable in variables:
            if variable not in self._either:
                self._either[variable] = self.node("O 0", [self.literal(variable), self.literal(-variable)])
        return self.node("A", [node, *(self._either[variable] for variable in variables)])
