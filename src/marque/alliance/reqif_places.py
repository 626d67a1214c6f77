"""Where requirements stand in a specification, and what a file changes of it.

Each side says where the requirement stands in its organisation's own specification; without one, another side's word stands in. Only the
order in a file counts, not numbers: a file whose order is the known one changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from marque.alliance.reqif_exchange import Node
from marque.alliance.requirements import Requirement


@dataclass(frozen=True)
class Places:
    """parents and positions by requirement; children in order, of None those at the top."""

    parents: Mapping[UUID, UUID | None]
    positions: Mapping[UUID, int]
    children: Mapping[UUID | None, tuple[UUID, ...]]


def arrange(found: Sequence[Requirement], organisation: str) -> Places:
    """The specification of an organisation. What stands below something not visible, or below itself by two sides' word, is at the top."""
    said = {one.id: one.of(organisation) or next((side for side in one.sides if side.parent), one.sides[0]) for one in found}
    parents: dict[UUID, UUID | None] = {key: side.parent if side.parent in said else None for key, side in said.items()}
    for start in said:
        above, passed = parents[start], {start}
        while above is not None and above not in passed:
            passed.add(above)
            above = parents[above]
        if above is not None:
            parents[start] = None
    positions = {key: side.position for key, side in said.items()}
    children: dict[UUID | None, list[UUID]] = {}
    for key in sorted(said, key=lambda one: (positions[one], one)):
        children.setdefault(parents[key], []).append(key)
    return Places(parents, positions, {key: tuple(one) for key, one in children.items()})


def placed(tree: Sequence[Node], ids: Mapping[str, UUID], known: Places) -> dict[UUID, tuple[UUID | None, int]]:
    """Parent and position of everything in the file's specifications, where first named; what has not moved keeps its number."""
    order: dict[UUID | None, list[UUID]] = {}
    seen: set[UUID] = set()
    for above, child in _pairs(tree, None):
        key = ids[child]
        if key not in seen:
            seen.add(key)
            order.setdefault(ids[above] if above else None, []).append(key)
    made: dict[UUID, tuple[UUID | None, int]] = {}
    for parent, here in order.items():
        listed = set(here)
        before = [one for one in known.children.get(parent, ()) if one in listed]
        if here[: len(before)] == before and not any(one in known.parents for one in here[len(before) :]):
            last = max((known.positions[one] for one in known.children.get(parent, ())), default=-1)
            numbers = [known.positions[one] for one in before] + [last + 1 + index for index in range(len(here) - len(before))]
        else:
            numbers = list(range(len(here)))
        made |= {one: (parent, number) for one, number in zip(here, numbers, strict=True)}
    return made


def _pairs(nodes: Sequence[Node], parent: str | None) -> Iterator[tuple[str | None, str]]:
    for one in nodes:
        yield parent, one.object
        yield from _pairs(one.children, one.object)
