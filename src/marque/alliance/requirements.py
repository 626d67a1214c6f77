"""Requirements that two companies have together: one object, a side for each of them.

A side is what one organisation says of the requirement: text, status, rationale, verification, its own number, where it stands in the
organisation's own specification. Only that organisation writes it, each time as a new version; nothing is overwritten. Whether the two
agree is not said by anybody: it follows from the sides. What an organisation may not see of a requirement is missing for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from marque.alliance import rich_text
from marque.alliance.access import Action, Area, Record, allowed, hold, require
from marque.alliance.codevelopment import record
from marque.alliance.store import requirements as store
from marque.alliance.store.requirements import Comment, Relation, Row
from marque.common import Missing, Refusal, Sentence, new_id, ok
from marque.foundation import Transaction

STATUSES = ("draft", "proposed", "accepted", "rejected", "withdrawn")
RICH = ("text", "rationale", "verification")
PAGE = 50
MOST = 200
DEEPEST = 64
LONGEST_LINE, LONGEST_COMMENT = 2_000, 100_000
FURTHEST = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a side says. text, rationale and verification: see `rich_text`.

    parent, position: its place in the organisation's own specification. identifier: what another tool calls it. attributes: what came
    from another tool and means nothing here (see `reqif`).
    """

    status: str = "draft"
    number: str = ""
    title: str = ""
    text: str = ""
    rationale: str = ""
    verification: str = ""
    parent: UUID | None = None
    position: int = 0
    identifier: str = ""
    attributes: tuple[dict[str, Any], ...] = ()


FIELDS = tuple(one.name for one in fields(Said))


@dataclass(frozen=True, kw_only=True)
class Side(Said):
    """A version of a side. organisation: whose row it is now; side: whose words they are."""

    organisation: str
    side: str
    version: int
    written_at: datetime
    written_by: UUID | None

    @property
    def said(self) -> Said:
        return Said(**{name: getattr(self, name) for name in FIELDS})


@dataclass(frozen=True)
class Requirement:
    """A requirement as one organisation sees it now: the last version of every side that is visible to it, by organisation."""

    id: UUID
    area: Area
    sides: tuple[Side, ...]

    def of(self, organisation: str) -> Side | None:
        return next((one for one in self.sides if one.side == organisation), None)

    @property
    def state(self) -> str:
        return state(self.sides)


@dataclass(frozen=True)
class Written:
    """A side has a new version."""

    requirement: UUID
    side: str
    version: int
    said: Said


def state(sides: Sequence[Side]) -> str:
    """`one-sided`, `open`, `agreed`, `disagreed` or `withdrawn`.

    Agreed: at least two sides, all accepted, all with the same text, so that any later edit of a text ends the agreement by itself.
    """
    standing = [one for one in sides if one.status != "withdrawn"]
    if sides and not standing:
        return "withdrawn"
    if len(standing) < 2:
        return "one-sided"
    if any(one.status == "rejected" for one in standing):
        return "disagreed"
    if all(one.status == "accepted" for one in standing):
        return "agreed" if len({one.text for one in standing}) == 1 else "disagreed"
    return "open"


def write(current: Side | None, requirement: UUID, organisation: str, said: Said, version: int, last: int) -> Written | Refusal:
    """A side's next version, if `version` is the one it was made on (0: there was none). last: the number given last to this side."""
    if said.status not in STATUSES:
        return Refusal("no such status", {"given": said.status, "possible": ", ".join(STATUSES)})
    if not (said.title or said.text or said.attributes):
        return Refusal("a side says at least a title or a text")
    if max(map(len, (said.title, said.number, said.identifier))) > LONGEST_LINE:
        return Refusal("title, number and identifier have at most 2,000 characters")
    if abs(said.position) > FURTHEST:
        return Refusal("a position is a whole number between -1,000,000,000 and 1,000,000,000")
    if said.parent == requirement:
        return Refusal("a requirement cannot stand below itself")
    if (now := current.version if current else 0) != version:
        return stale(current, said, version, now)
    return Written(requirement, organisation, last + 1, said)


def stale(current: Side | None, said: Said, version: int, now: int) -> Refusal:
    """The edit was made on a version that is no longer the last: both writings, field by field."""
    details = {"yours was made on version": str(version), "now": str(now)}
    for name, yours, theirs in differences(said, current.said if current else Said()):
        details |= {Sentence("{field}, yours", field=name): yours, Sentence("{field}, now", field=name): theirs}
    return Refusal("this side was written since you read it; look at both and write again", details)


def differences(one: Said, other: Said) -> list[tuple[str, str, str]]:
    """Fields in which two sides differ, with both writings."""
    return [(name, _told(one, name), _told(other, name)) for name in FIELDS if getattr(one, name) != getattr(other, name)]


def _told(said: Said, name: str) -> str:
    value = getattr(said, name)
    if name in RICH:
        return rich_text.plain(value)
    return ", ".join(one.get("name", "") for one in value) if name == "attributes" else str(value if value is not None else "")


def tidy(said: Said) -> Said:
    """In the canonical writing: safe formatted texts, one line for number and title."""
    line, of = rich_text.line, rich_text.of
    return replace(
        said, number=line(said.number), title=line(said.title), text=of(said.text), rationale=of(said.rationale),
        verification=of(said.verification), identifier=line(said.identifier),
    )  # fmt: skip


def found(tx: Transaction, area: Area, said: Said) -> Requirement:
    """A new requirement, with the actor's side. Raises Missing for an area one does not see, Denied without a role in it, Refused."""
    require(tx, Action.CREATE, area)
    return _write(tx, area, new_id(), None, said, 0)


def edit(tx: Transaction, requirement: UUID, said: Said, version: int) -> Requirement:
    """Write the actor's side anew. version: of the actor's side this was made on, 0 if there was none.

    Writing what is there already changes nothing. Raises Missing, Denied, Refused (a stale one shows both writings).
    """
    was = _standing(tx, requirement)
    mine = was.of(tx.actor.organisation)
    _require_writing(tx, was.area, mine)
    return _write(tx, was.area, requirement, mine, said, version)


def accept(tx: Transaction, requirement: UUID, side: str, version: int) -> Requirement:
    """Take over another side's text as it is in this version, and accept it. Raises as `edit`."""
    was = _standing(tx, requirement)
    theirs, mine = was.of(side), was.of(tx.actor.organisation)
    _require_writing(tx, was.area, mine)
    if theirs is None:
        raise Missing("side of this requirement")
    if theirs.version != version:
        ok(stale(theirs, mine.said if mine else Said(), version, theirs.version))
    said = replace(mine.said if mine else Said(title=theirs.title), text=theirs.text, status="accepted")
    return _write(tx, was.area, requirement, mine, said, mine.version if mine else 0)


def _standing(tx: Transaction, requirement: UUID) -> Requirement:
    """As it is while no transition can move or destroy it, and nobody else writes it: until the transaction ends."""
    area = one(tx, requirement).area
    hold(tx, area)
    store.lock(tx, area.programme, requirement)
    return one(tx, requirement)


def _require_writing(tx: Transaction, area: Area, mine: Side | None) -> None:
    if mine is None or mine.organisation != tx.actor.organisation:
        require(tx, Action.CREATE, area)
    else:
        require(tx, Action.EDIT, Record(area, mine.organisation, mine.written_at))


def _write(tx: Transaction, area: Area, requirement: UUID, current: Side | None, said: Said, version: int) -> Requirement:
    event = put(tx, area, requirement, current, said, version)
    written = one(tx, requirement)
    if event:
        body = {"requirement": str(requirement), "side": event.side, "version": event.version}
        record(tx, area, "requirement-written", body, seeing=True)
    return written


def put(
    tx: Transaction, area: Area, requirement: UUID, current: Side | None, said: Said, version: int, *, new: bool = False
) -> Written | None:
    """Write the actor's side, past the gate and without the audit log: both are the caller's. None: it says that already.

    new: nobody knows of this requirement yet, and what it stands below is known to be there.
    """
    said, organisation = tidy(said), tx.actor.organisation
    if current and current.version == version and current.said == said:
        return None
    if not new and said.parent is not None and (current is None or said.parent != current.parent):
        _check_place(tx, area, requirement, said.parent)
    event = ok(write(current, requirement, organisation, said, version, 0 if new else store.last_version(tx, requirement)))
    if not store.insert(tx, area, event.requirement, event.version, {name: getattr(said, name) for name in FIELDS}):
        latest = one(tx, requirement).of(organisation)
        ok(stale(latest, said, version, latest.version if latest else 0))
    tx.emit("alliance.requirement-written", {"requirement": requirement, "side": organisation, "version": event.version})
    return event


def _check_place(tx: Transaction, area: Area, requirement: UUID, parent: UUID) -> None:
    above = one(tx, parent)
    if (above.area.lead, above.area.programme) != (area.lead, area.programme):
        raise Missing("requirement to stand below")
    chain = store.ancestors(tx, tx.actor.organisation, parent, DEEPEST)
    if requirement in chain or len(chain) >= DEEPEST:
        ok(Refusal("a requirement cannot stand below itself, nor deeper than 64 levels"))


def one(tx: Transaction, requirement: UUID) -> Requirement:
    """Raises Missing: there is none, or no side of it is visible to the actor."""
    found_one = _visible(tx, _assembled(store.sides(tx, [requirement])))
    if not found_one:
        raise Missing("requirement")
    return found_one[0]


def page(tx: Transaction, area: Area, before: UUID | None = None, limit: int = PAGE) -> list[Requirement]:
    """The newest requirements of an area first; before: the last id of the page that went before. At most 200 at once.

    Raises Missing for an area that one sees nothing of.
    """
    limit, reach = max(1, min(limit, MOST)), store.reach(tx, area)
    if not reach.kept:
        require(tx, Action.VIEW, area)
    whose = None if reach.kept or reach.all else tx.actor.organisation
    found = _assembled(store.page(tx, area, before, limit, whose))
    return _visible(tx, found) if reach.kept else found


def _visible(tx: Transaction, found: list[Requirement]) -> list[Requirement]:
    """The gate's answer for each side; row-level security has given its own already."""
    asked = [Record(one.area, side.organisation, side.written_at) for one in found for side in one.sides]
    answers = iter(allowed(tx, Action.VIEW, asked))
    seen = [replace(one, sides=tuple(side for side in one.sides if next(answers))) for one in found]
    return [one for one in seen if one.sides]


def of_programme(tx: Transaction, lead: str, programme: UUID, process: str | None = None) -> list[Requirement]:
    """Every visible requirement of a programme, or of one process of it, oldest first: for exports."""
    return _visible(tx, _assembled(store.of_programme(tx, lead, programme, process)))


def history(tx: Transaction, requirement: UUID) -> list[Side]:
    """Every visible version of every side, in the order written."""
    rows = store.history(tx, requirement)
    asked = [Record(Area(row.lead, row.programme, row.process), row.organisation, row.created_at) for row in rows]
    versions = [_side(row) for row, seen in zip(rows, allowed(tx, Action.VIEW, asked), strict=True) if seen]
    if not versions:
        raise Missing("requirement")
    return versions


def comment(tx: Transaction, requirement: UUID, text: str) -> Comment:
    """Say something about a requirement; nobody changes it afterwards."""
    was = _standing(tx, requirement)
    require(tx, Action.COMMENT, Record(was.area, was.sides[0].organisation, was.sides[0].written_at))
    if not 0 < len(kept := rich_text.legal(text).strip()) <= LONGEST_COMMENT:
        ok(Refusal("a comment says something, in at most 100,000 characters"))
    made = Comment(new_id(), requirement, tx.actor.organisation, tx.actor.person, tx.now, kept)
    store.add_comment(tx, was.area, made)
    tx.emit("alliance.requirement-commented", {"requirement": requirement, "comment": made.id})
    return made


def comments(tx: Transaction, requirement: UUID) -> list[Comment]:
    """Visible comments, oldest first. Who sees a side of a requirement sees what its organisations let it see of the talk."""
    one(tx, requirement)
    return store.comments(tx, requirement)


def relate(tx: Transaction, source: UUID, target: UUID, kind: str, identifier: str = "") -> Relation:
    """Say that one requirement refines, satisfies … another of the same programme. The same again changes nothing."""
    start, end = _standing(tx, source), one(tx, target)
    require(tx, Action.CREATE, start.area)
    if (start.area.lead, start.area.programme) != (end.area.lead, end.area.programme):
        raise Missing("requirement")
    kind = rich_text.line(kind)
    if source == target or not 0 < len(kind) <= LONGEST_LINE:
        ok(Refusal("a relation has two ends, and a kind of at most 2,000 characters"))
    same = [known for known in store.relations_from(tx, source) if (known.target, known.kind) == (target, kind)]
    if same:
        return same[0]
    made = Relation(new_id(), tx.actor.organisation, source, target, kind, rich_text.line(identifier), start.area.process, tx.now)
    store.add_relation(tx, start.area, made)
    tx.emit("alliance.requirement-related", {"relation": made.id})
    return made


def unrelate(tx: Transaction, relation: UUID) -> None:
    """Take back a relation of one's own. Raises Missing."""
    if not store.remove_relation(tx, relation):
        raise Missing("relation")
    tx.emit("alliance.requirement-unrelated", {"relation": relation})


def relations(tx: Transaction, lead: str, programme: UUID) -> list[Relation]:
    """Every visible relation of a programme, oldest first."""
    found = store.relations(tx, lead, programme)
    asked = [Record(Area(lead, programme, relation.process), relation.organisation, relation.related_at) for relation in found]
    return [relation for relation, seen in zip(found, allowed(tx, Action.VIEW, asked), strict=True) if seen]


def _side(row: Row) -> Side:
    return Side(
        organisation=row.organisation, side=row.side, version=row.version, written_at=row.created_at, written_by=row.written_by,
        status=row.status, number=row.number, title=row.title, text=row.text, rationale=row.rationale, verification=row.verification,
        parent=row.parent, position=row.position, identifier=row.identifier, attributes=tuple(row.attributes),
    )  # fmt: skip


def _assembled(rows: Sequence[Row]) -> list[Requirement]:
    grouped: dict[UUID, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.id, []).append(row)
    return [
        Requirement(key, Area(of[0].lead, of[0].programme, of[0].process), tuple(map(_side, sorted(of, key=lambda row: row.side))))
        for key, of in grouped.items()
    ]
