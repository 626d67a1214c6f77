"""What changes from one revision to the next, as rows of a table: each in the words of catalogues, none of them told in English here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from marque.alliance.differences import diff
from marque.alliance.model import Clause, Revision


@dataclass(frozen=True)
class Change:
    """what: `rights`, or what else of the text differs. process, organisation, programme: empty where it is not about one.

    before, after: (`role` or `sight`, its code) for `rights`; codes that catalogues know for modes and the like; organisations for
    `parties` and `leaving`; (position, organisation) for `positions`; clauses for `clauses`; text for the rest. Empty for nothing.
    """

    what: str
    before: tuple[object, ...] = ()
    after: tuple[object, ...] = ()
    process: str = ""
    organisation: str = ""
    programme: str = ""


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
    return found + _rights(old, new)


def _rights(old: Revision, new: Revision) -> list[Change]:
    """What differs for an organisation in a process, role and sight together."""
    found: dict[tuple[str, str, str], Change] = {}
    for one in diff(old, new):
        if one.process:
            key = (one.programme, one.process, one.organisation)
            was = found.get(key, Change("rights", (), (), one.process, one.organisation, one.programme))
            before, after = (((one.what, said),) if said else () for said in (one.before, one.after))
            found[key] = replace(was, before=was.before + before, after=was.after + after)
    return list(found.values())


def _clauses(clauses: Iterable[Clause]) -> list[Clause]:
    return sorted(clauses, key=lambda one: (one.process, one.organisation, one.what))
