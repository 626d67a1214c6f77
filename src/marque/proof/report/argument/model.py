"""An argument that a release is safe enough, in the Goal Structuring Notation, and what of it stands.

Elements and relations: GSN Community Standard, version 3 (2021), part 1; challenges: its dialectic extension. A *defeater* is drawn as a
counter goal that challenges an element. It is resolved by an answer that a named person stands for, and an answer can be challenged
itself. What is challenged by a defeater that is not resolved is defeated, and so is everything that rests on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from graphlib import CycleError, TopologicalSorter


class Kind(StrEnum):
    """Of an element."""

    GOAL = "goal"
    STRATEGY = "strategy"
    SOLUTION = "solution"
    CONTEXT = "context"
    ASSUMPTION = "assumption"
    JUSTIFICATION = "justification"


class Status(StrEnum):
    """Of an element. A goal that is not supported is no claim that anybody may rely on."""

    SUPPORTED = "supported"
    UNDEVELOPED = "undeveloped"
    DEFEATED = "defeated"


_SUPPORT: Mapping[Kind, frozenset[Kind]] = {
    Kind.GOAL: frozenset({Kind.GOAL, Kind.STRATEGY, Kind.SOLUTION}),
    Kind.STRATEGY: frozenset({Kind.GOAL}),
}
_CONTEXT: Mapping[Kind, frozenset[Kind]] = dict.fromkeys(_SUPPORT, frozenset({Kind.CONTEXT, Kind.ASSUMPTION, Kind.JUSTIFICATION}))
"""What may support what, and what may stand beside what: GSN version 3, 1:2.3."""
_ID = re.compile(r"[A-Z][A-Za-z]{0,3}[0-9]*(?:\.\S{1,2000})?")


@dataclass(frozen=True)
class Cited:
    """A piece of evidence that a solution rests on. file: its name; digest: its SHA-256 in hexadecimal; place: where in it, or empty."""

    file: str
    digest: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.file}{f', {self.place}' if self.place else ''} (SHA-256 {self.digest})"


@dataclass(frozen=True)
class Element:
    """One node. id: stable from release to release. text: whole sentences. supported_by, in_context_of: ids of others, in order.

    cited: of a solution alone. A goal or strategy that nothing supports is undeveloped.
    """

    id: str
    kind: Kind
    text: str
    supported_by: tuple[str, ...] = ()
    in_context_of: tuple[str, ...] = ()
    cited: tuple[Cited, ...] = ()


@dataclass(frozen=True)
class Defeater:
    """A reason to doubt. challenges: an element, or another defeater, of which it doubts the answer.

    raised_by, on: who, and the day (ISO 8601); a rule of ours has no day. final: no answer can resolve it, only other evidence can.
    resolution, resolved_by: the answer and who stands for it; empty as long as there is none.
    """

    id: str
    challenges: str
    text: str
    raised_by: str
    on: str = ""
    final: bool = False
    resolution: str = ""
    resolved_by: str = ""
    resolved_on: str = ""

    def __post_init__(self) -> None:
        if bool(self.resolution) != bool(self.resolved_by):
            raise ValueError(f"{self.id}: an answer needs somebody who stands for it, and nobody stands for none")
        if self.final and self.resolution:
            raise ValueError(f"{self.id}: no answer resolves it; only other evidence does")


@dataclass(frozen=True)
class Argument:
    """top: the goal of it all. elements: each reached from the top. Raises ValueError for what is no argument in GSN."""

    top: str
    elements: tuple[Element, ...]
    defeaters: tuple[Defeater, ...] = ()

    def __post_init__(self) -> None:
        _unique([one.id for one in self.elements] + [one.id for one in self.defeaters])
        if self.top not in self._elements or self._elements[self.top].kind is not Kind.GOAL:
            raise ValueError(f"the top of an argument is a goal, not {self.top}")
        for element in self.elements:
            _related(element, self._elements)
        for defeater in self.defeaters:
            self._rightly(defeater)
        if stray := sorted(self._elements.keys() - {one.id for _, one, _ in self.walk()}):
            raise ValueError(f"nothing rests on {', '.join(stray)}")
        self._order  # noqa: B018  asked for because it raises for a circle

    @property
    def supported(self) -> bool:
        """Whether the top goal is: nothing under it is defeated or undeveloped."""
        return self.statuses[self.top] is Status.SUPPORTED

    @cached_property
    def statuses(self) -> Mapping[str, Status]:
        """Of every element."""
        found: dict[str, Status] = {}
        for name in self._order:
            if name in self._elements:
                found[name] = self._status(self._elements[name], found)
        return found

    @cached_property
    def open(self) -> tuple[Defeater, ...]:
        """Defeaters that are not resolved: without an answer, or with one that an open defeater challenges."""
        found: set[str] = set()
        for name in self._order:
            if name in self._defeaters and (not self._defeaters[name].resolution or found.intersection(self._challengers[name])):
                found.add(name)
        return tuple(one for one in self.defeaters if one.id in found)

    @property
    def undeveloped(self) -> tuple[Element, ...]:
        """Goals and strategies that nothing supports."""
        return tuple(one for one in self.elements if one.kind in _SUPPORT and not one.supported_by)

    def element(self, name: str) -> Element:
        """Raises KeyError."""
        return self._elements[name]

    def status(self, name: str) -> Status:
        """Of an element. Raises KeyError."""
        return self.statuses[name]

    def challengers(self, name: str) -> tuple[Defeater, ...]:
        """Of an element or a defeater, in order."""
        return tuple(self._defeaters[one] for one in self._challengers[name])

    def walk(self) -> Iterator[tuple[int, Element, bool]]:
        """From the top down: depth, element, and whether it stood higher up before, where what is below it is not walked again.

        What stands beside an element comes before what supports it.
        """
        ahead, seen = [(0, self.top)], set()
        while ahead:
            depth, name = ahead.pop()
            element = self._elements[name]
            yield depth, element, name in seen
            if name not in seen:
                seen.add(name)
                ahead.extend((depth + 1, one) for one in reversed(element.in_context_of + element.supported_by))

    def with_defeater(self, defeater: Defeater) -> Argument:
        """With one more, or with this one in place of the one of the same id."""
        others = tuple(one for one in self.defeaters if one.id != defeater.id)
        return replace(self, defeaters=(*others, defeater))

    @cached_property
    def _elements(self) -> dict[str, Element]:
        return {one.id: one for one in self.elements}

    @cached_property
    def _defeaters(self) -> dict[str, Defeater]:
        return {one.id: one for one in self.defeaters}

    @cached_property
    def _challengers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {name: [] for name in (*self._elements, *self._defeaters)}
        for one in self.defeaters:
            found[one.challenges].append(one.id)
        return found

    @cached_property
    def _challenged(self) -> frozenset[str]:
        """By defeaters that are open."""
        return frozenset(one.challenges for one in self.open)

    @cached_property
    def _order(self) -> tuple[str, ...]:
        """All ids, each behind everything that its status follows from."""
        beside = {one.id: one.supported_by + one.in_context_of for one in self.elements}
        before = {name: (*beside.get(name, ()), *challengers) for name, challengers in self._challengers.items()}
        try:
            return tuple(TopologicalSorter(before).static_order())
        except CycleError as fault:
            raise ValueError(f"an argument cannot rest on itself: {' ← '.join(fault.args[1])}") from fault

    def _status(self, element: Element, found: Mapping[str, Status]) -> Status:
        below = [found[one] for one in element.supported_by]
        beside = [found[one] for one in element.in_context_of]
        if Status.DEFEATED in below + beside or element.id in self._challenged:
            return Status.DEFEATED
        if Status.UNDEVELOPED in below or (element.kind in _SUPPORT and not below):
            return Status.UNDEVELOPED
        return Status.SUPPORTED

    def _rightly(self, defeater: Defeater) -> None:
        if defeater.challenges not in self._elements and defeater.challenges not in self._defeaters:
            raise ValueError(f"{defeater.id} challenges {defeater.challenges}, which is not there")
        if (other := self._defeaters.get(defeater.challenges)) and not other.resolution:
            raise ValueError(f"{defeater.id} challenges the answer to {other.id}, and there is none")


def _unique(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if not _ID.fullmatch(name):
            raise ValueError(f"an id is of letters and a number, and perhaps a dot and a name, not {name[:80]!r}")
        if name in seen:
            raise ValueError(f"{name} stands there twice")
        seen.add(name)


def _related(element: Element, known: Mapping[str, Element]) -> None:
    for relation, others, allowed in (
        ("be supported by", element.supported_by, _SUPPORT.get(element.kind, frozenset())),
        ("stand in the context of", element.in_context_of, _CONTEXT.get(element.kind, frozenset())),
    ):
        for name in others:
            if name not in known:
                raise ValueError(f"{element.id} names {name}, which is not there")
            if known[name].kind not in allowed:
                raise ValueError(f"a {element.kind} cannot {relation} a {known[name].kind}: {element.id}, {name}")
    if bool(element.cited) != (element.kind is Kind.SOLUTION):
        raise ValueError(f"{element.id}: a solution cites evidence, and nothing else does")
