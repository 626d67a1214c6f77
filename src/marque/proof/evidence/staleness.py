"""What a change makes stale: exactly what depended on it.

A *graph* says what each artefact (runs of a cell, a verdict, a report) is made of: inputs, which have a digest (code of a package, lock,
model, map, suite, policy …), and other artefacts. An artefact is stale when what it was made of, all the way down, is not what would be
taken now: another digest of an input, or another list of parts. Putting an input back as it was makes fresh again what was made with it.

`stale` compares two states at once. `Ledger` follows a history; a change costs as much as there are artefacts that it reaches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

Parts = Mapping[str, frozenset[str]]
JUDGING = frozenset({"baseline", "gate", "policy"})
"""Kinds of input that runs do not depend on, only what is concluded from them."""
OF_A_CELL = frozenset({"map", "suite"})
"""Kinds of input of which the runs of a cell depend on their own alone."""

_Fact = tuple[str, str]
"""(`input`, its name) with a digest, or (`parts`, an artefact) with its parts, told as one text."""


@dataclass(frozen=True)
class Graph:
    """parts: of each artefact, what it is made of directly. A name that has no parts of its own here is an input. Raises ValueError."""

    parts: Parts

    def __post_init__(self) -> None:
        try:
            TopologicalSorter(self.parts).prepare()
        except CycleError as fault:
            raise ValueError(f"an artefact cannot be made of itself: {' ← '.join(fault.args[1])}") from fault

    @property
    def artefacts(self) -> frozenset[str]:
        return frozenset(self.parts)

    @property
    def inputs(self) -> frozenset[str]:
        return frozenset().union(*self.parts.values()) - self.parts.keys()


def stale(old: Mapping[str, str], new: Mapping[str, str], graph: Graph) -> frozenset[str]:
    """Artefacts that were made with the old digests and would come out of others now. An input that is new or gone has changed."""
    users: dict[str, list[str]] = {}
    for artefact, parts in graph.parts.items():
        for part in parts:
            users.setdefault(part, []).append(artefact)
    ahead = [name for name in old.keys() | new.keys() if old.get(name) != new.get(name)]
    found: set[str] = set()
    while ahead:
        reached = [user for user in users.get(ahead.pop(), ()) if user not in found]
        found.update(reached)
        ahead.extend(reached)
    return frozenset(found)


def campaign_graph(inputs: Iterable[str], model: str, cells: Mapping[str, Iterable[str]]) -> Graph:
    """What a release's evidence for a vehicle model is made of.

    inputs: names as in the provenance (`kind` or `kind/which`). cells: by cell, the maps and suites that its cases take.
    Artefacts: `runs/MODEL/CELL`, `verdict/MODEL/CELL`, `summary/MODEL`.
    """
    known = frozenset(inputs)
    kinds = {name: name.partition("/")[0] for name in known}
    judging = {name for name in known if kinds[name] in JUDGING}
    driving = {name for name in known - judging if kinds[name] not in OF_A_CELL | {"model"}} | ({f"model/{model}"} & known)
    parts: dict[str, frozenset[str]] = {}
    for cell, own in cells.items():
        if unknown := sorted(set(own) - known):
            raise ValueError(f"cell {cell} takes what is not among the inputs: {', '.join(unknown)}")
        parts[f"runs/{model}/{cell}"] = frozenset(driving | set(own))
        parts[f"verdict/{model}/{cell}"] = frozenset(judging | {f"runs/{model}/{cell}"})
    parts[f"summary/{model}"] = frozenset(f"verdict/{model}/{cell}" for cell in cells)
    return Graph(parts)


class Ledger:
    """Which artefacts were made of what, and which of them are stale now.

    For each artefact that was made it keeps the facts that this rested on; for each fact, who rests on it; for each artefact, how many of
    its facts hold no more. A change looks at those alone who rest on it.
    """

    def __init__(self, graph: Graph, inputs: Mapping[str, str]) -> None:
        self._parts = dict(graph.parts)
        self._now: dict[_Fact, str] = {("input", name): digest for name, digest in inputs.items()}
        self._now |= {("parts", artefact): _told(parts) for artefact, parts in self._parts.items()}
        self._facts: dict[str, frozenset[tuple[_Fact, str]]] = {}
        self._resting: dict[_Fact, dict[str, frozenset[str]]] = {}
        self._wrong: dict[str, int] = {}
        self._stale: set[str] = set()

    @property
    def stale(self) -> frozenset[str]:
        """Artefacts that were made, and would be made of something else now."""
        return frozenset(self._stale)

    @property
    def missing(self) -> frozenset[str]:
        """Artefacts that were never made."""
        return frozenset(self._parts.keys() - self._facts.keys())

    def change(self, digests: Mapping[str, str | None]) -> frozenset[str]:
        """Inputs have other digests from now on, or none any more; answers what became stale by it."""
        before = set(self._stale)
        for name, digest in digests.items():
            self._set(("input", name), digest)
        return frozenset(self._stale - before)

    def rewire(self, artefact: str, parts: Iterable[str]) -> frozenset[str]:
        """An artefact is made of other parts from now on; answers what became stale by it. Raises ValueError for a circle."""
        before, new = set(self._stale), frozenset(parts)
        if self._reaches(new, artefact):
            raise ValueError(f"an artefact cannot be made of itself: {artefact}")
        self._parts[artefact] = new
        self._set(("parts", artefact), _told(new))
        return frozenset(self._stale - before)

    def made(self, artefact: str) -> None:
        """An artefact was made now, of inputs as they are and other parts as they were made. Raises ValueError when one is missing."""
        facts: set[tuple[_Fact, str]] = {(("parts", artefact), _told(self._parts[artefact]))}
        for part in sorted(self._parts[artefact]):
            if part not in self._parts:
                digest = self._now.get(("input", part))
                if digest is None:
                    raise ValueError(f"{artefact} is made of {part}, of which there is none")
                facts.add((("input", part), digest))
            elif part in self._facts:
                facts |= self._facts[part]
            else:
                raise ValueError(f"{artefact} is made of {part}, which was never made")
        self._rest(artefact, frozenset(facts))

    def _rest(self, artefact: str, facts: frozenset[tuple[_Fact, str]]) -> None:
        for fact, _ in self._facts.get(artefact, ()):
            self._resting[fact].pop(artefact, None)
        self._facts[artefact] = facts
        for fact, value in facts:
            resting = self._resting.setdefault(fact, {})
            resting[artefact] = resting.get(artefact, frozenset()) | {value}
        self._count(artefact, sum(self._now.get(fact) != value for fact, value in facts))

    def _set(self, fact: _Fact, value: str | None) -> None:
        old = self._now.get(fact)
        if old == value:
            return
        if value is None:
            del self._now[fact]
        else:
            self._now[fact] = value
        for artefact, values in self._resting.get(fact, {}).items():
            self._count(artefact, self._wrong[artefact] + (old in values) - (value in values))

    def _count(self, artefact: str, wrong: int) -> None:
        self._wrong[artefact] = wrong
        (self._stale.add if wrong else self._stale.discard)(artefact)

    def _reaches(self, parts: Iterable[str], artefact: str) -> bool:
        ahead, seen = list(parts), set(parts)
        while ahead:
            part = ahead.pop()
            if part == artefact:
                return True
            new = self._parts.get(part, frozenset()) - seen
            seen |= new
            ahead.extend(new)
        return False


def _told(parts: frozenset[str]) -> str:
    return "\0".join(sorted(parts))
