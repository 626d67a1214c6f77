"""The exceptions a user of Marque may meet.

MarqueError
├── InputError          a file or a value from outside is not usable; says where, what was expected and what to do
├── Missing             there is no such thing, or it is not yours to see: the two cannot be told apart
├── Denied              you see it, but this is not yours to do
├── Refused             it is yours to do, but not in this state; carries the Refusal that a rule answered with
└── Unavailable         something this needs (database, store, peer) does not answer; trying again later is right
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

_Event = TypeVar("_Event")


class MarqueError(Exception):
    """Anything Marque raises on purpose. Its text is a sentence a user can act on."""


class InputError(MarqueError):
    """Input that cannot be used.

    source:   the file (its name, not its path on this machine, is shown) or the option that holds the fault.
    place:    the element in it, in the words of the format ("lanelet 3402", "line 17", "planningProblem 8").
    problem:  what is wrong and what was expected, one clause without a full stop.
    remedy:   what the reader can do about it, one sentence; empty when nothing is known.
    """

    def __init__(self, source: str, place: str, problem: str, remedy: str = "") -> None:
        self.source, self.place, self.problem, self.remedy = source, place, problem, remedy
        where = f"{source}, {place}" if place else source
        super().__init__(f"{where}: {problem}." + (f"\n  {remedy}" if remedy else ""))

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str, str]]:
        return type(self), (self.source, self.place, self.problem, self.remedy)


class Missing(MarqueError):
    """There is no such thing, or it is not the asker's to see. One text for both, so that nothing can be learnt from it."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"There is no such {what}.")

    def __reduce__(self) -> tuple[type[Missing], tuple[str]]:
        return type(self), (self.what,)


class Denied(MarqueError):
    """The asker sees the thing, but this act on it is not theirs. The text names what would be needed."""


class Unavailable(MarqueError):
    """Something outside does not answer; nothing was changed, and trying again later is right."""


@dataclass(frozen=True)
class Refusal:
    """A rule's answer when a command is not possible in the present state: a value, not an exception.

    reason: one sentence without a full stop. details: what a reader or a program needs to mend it, by name.
    """

    reason: str
    details: dict[str, str] = field(default_factory=dict)


class Refused(MarqueError):
    """A Refusal on its way to the user."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        told = ", ".join(f"{name}: {value}" for name, value in refusal.details.items())
        super().__init__(refusal.reason + (f" ({told})." if told else "."))

    def __reduce__(self) -> tuple[type[Refused], tuple[Refusal]]:
        return type(self), (self.refusal,)


def ok(answer: _Event | Refusal) -> _Event:
    """The event a rule answered with; raises Refused when it answered with a refusal."""
    if isinstance(answer, Refusal):
        raise Refused(answer)
    return answer
