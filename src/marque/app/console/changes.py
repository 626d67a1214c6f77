"""What changes from one revision to the next, as rows of a table: each in the words of catalogues, none of them told in English here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from marque.alliance.differences import diff
from marque.alliance.model import Clause, Revision


@dataclass(frozen=True)
class Change:
    """what: `role`, `sight`, or what else of the text differs. process, organisation, programme: empty where it is not about one.

    before, after: codes that catalogues know for roles, sights, modes and the like; organisations for `parties` and `leaving`; (position,
    organisation) for `positions`; clauses for `clauses`; text for the rest. Empty for nothing.
    """

    what: str
    before: tuple[object, ...] = ()
    after: tuple[object, ...] = ()
    process: str = ""
    organisation: str = ""
    programme: str = field(default="")


def changes(old: Revision, new: Revision) -> list[Change]:
    """The whole text first, then its matrix, then what deviates in programmes."""
    found = [
        Change(what, tuple(before), tuple(after))
        for what, before, after in (
            ("title", [old.title], [new.title]),
            ("effective", [old.effective], [new.effective]),
            ("mode", [old.mode], [new.mode]),
            ("parties", old.parties, new.parties),
            ("leaving", old.leaving, new.leaving),
            ("positions", sorted(old.positions.items()), sorted(new.positions.items())),
            ("clauses", _clauses(old.transition.clauses), _clauses(new.transition.clauses)),
            ("open-decisions", [old.transition.open_decisions], [new.transition.open_decisions]),
        )
        if list(before) != list(after)
    ]
    for one in diff(old, new):
        if one.process:
            before, after = ((said,) if said else () for said in (one.before, one.after))
            found.append(Change(one.what, before, after, one.process, one.organisation, one.programme))
    return found


def _clauses(clauses: Iterable[Clause]) -> list[Clause]:
    return sorted(clauses, key=lambda one: (one.process, one.organisation, one.what))
