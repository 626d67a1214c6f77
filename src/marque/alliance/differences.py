"""Two revisions compared, in the words of the matrix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from marque.alliance.model import Process, Revision


@dataclass(frozen=True)
class Difference:
    """One thing in which two revisions differ. process, programme: empty where it is not about one. before, after: empty for nothing.

    what: "role", "sight", or the key of the document ("effective", "parties", "positions", "transition", …).
    """

    what: str
    before: str
    after: str
    process: str = ""
    organisation: str = ""
    programme: str = ""

    def __str__(self) -> str:
        place = " · ".join(one for one in (self.programme, self.process, self.organisation) if one)
        name = "" if self.what == "role" else "sees" if self.what == "sight" else self.what
        return f"{': '.join(one for one in (place, name) if one)}: {self.before or '–'} → {self.after or '–'}"


def diff(old: Revision, new: Revision) -> tuple[Difference, ...]:
    """What changes from one revision to another, as it works: a deviation that says what holds anyway is no difference.

    Programmes are compared only where what changes for them is not what changes for the agreement as a whole. Sources, numbers and
    digests are left out.
    """
    found = [
        Difference(what, before, after)
        for what, before, after in (
            ("title", old.title, new.title),
            ("effective", str(old.effective), str(new.effective)),
            ("mode", old.mode, new.mode),
            ("parties", _list(old.parties), _list(new.parties)),
            ("leaving", _list(old.leaving), _list(new.leaving)),
            ("positions", _pairs(old.positions), _pairs(new.positions)),
        )
        if before != after
    ]
    found += _differing(old, new, "")
    general = {(one.process, one.organisation, one.what, one.before, one.after) for one in found}
    for programme in sorted({*old.programmes, *new.programmes}):
        special = _differing(old, new, programme)
        if {(one.process, one.organisation, one.what, one.before, one.after) for one in special} != {one for one in general if one[0]}:
            found += special
    old_clauses, new_clauses = (
        {f"{one.process} {one.organisation} {one.what}" for one in revision.transition.clauses} for revision in (old, new)
    )
    found += [Difference("transition", one, "") for one in sorted(old_clauses - new_clauses)]
    found += [Difference("transition", "", one) for one in sorted(new_clauses - old_clauses)]
    if old.transition.open_decisions is not new.transition.open_decisions:
        found.append(Difference("open-decisions", old.transition.open_decisions, new.transition.open_decisions))
    return tuple(found)


def _differing(old: Revision, new: Revision, programme: str) -> list[Difference]:
    """The roles and sights that differ in a programme; for '', those of the agreement as a whole."""
    found = []
    for process in Process:
        for one in sorted({*old.parties, *new.parties}):
            pairs = {
                "role": tuple(_said(revision, one, revision.role(one, programme, process)) for revision in (old, new)),
                "sight": tuple(_said(revision, one, revision.sees(one, programme, process)) for revision in (old, new)),
            }
            found += [Difference(what, pair[0], pair[1], process, one, programme) for what, pair in pairs.items() if pair[0] != pair[1]]
    return found


def _said(revision: Revision, organisation: str, word: StrEnum) -> str:
    return str(word) if organisation in revision.parties else ""


def _pairs(said: Mapping[str, str]) -> str:
    return _list(f"{name} {one}" for name, one in sorted(said.items()))


def _list(words: Iterable[str]) -> str:
    return ", ".join(str(one) for one in words)
