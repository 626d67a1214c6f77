"""What one file says, before names are looked up: its sections, its tree, where its constraints stand."""

from __future__ import annotations

from dataclasses import dataclass, field

from marque.product.model import FeatureType, GroupKind, Value
from marque.product.uvl.faults import Source
from marque.product.uvl.tokens import Tokens

RESERVED = frozenset(
    {
        "include",
        "features",
        "imports",
        "namespace",
        "as",
        "constraint",
        "constraints",
        "cardinality",
        "String",
        "Boolean",
        "Integer",
        "Real",
    }
    | {"or", "alternative", "optional", "mandatory", "true", "false"}
)
"""Words that are no name unless they stand in double quotes."""

COMPOSED = "// composed"
"""The first line of a text that holds a composed model in one piece. There a quoted name may hold full stops; what stands before the last
one is the module that owns the feature, and the constraints among its attributes. In other files UVL allows no full stop in a name.
"""


@dataclass(slots=True)
class Branch:
    """A group. kind is as written; children are names, as in the file."""

    kind: GroupKind
    offset: int
    least: int
    most: int | None
    children: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Node:
    """A feature. least and most: None where no cardinality is written; type likewise. alias: of the import, for a reference to its root."""

    name: str
    parent: str
    offset: int
    alias: str = ""
    type: FeatureType | None = None
    least: int | None = None
    most: int | None = None
    attributes: dict[str, Value] = field(default_factory=dict)
    groups: list[Branch] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Import:
    parts: tuple[str, ...]
    offset: int


@dataclass(slots=True)
class Outline:
    """nodes: in the order of the file. formulas: first token of each constraint, one behind its last, and for a composed text its owner.

    uses: of levels, where first.
    """

    source: Source
    tokens: Tokens
    namespace: str = ""
    levels: list[str] = field(default_factory=list)
    imports: dict[str, Import] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    formulas: list[tuple[int, int, str]] = field(default_factory=list)
    owner: str = ""
    """Of what is read now, for a composed text."""
    composed: bool = False
    uses: dict[str, int] = field(default_factory=dict)

    def use(self, level: str, offset: int) -> None:
        self.uses.setdefault(level, offset)
