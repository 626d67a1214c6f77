"""The exceptions a user of Marque may meet.

MarqueError
└── InputError          a file or a value from outside is not usable; says where, what was expected and what to do
"""

from __future__ import annotations


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
