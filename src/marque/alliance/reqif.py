"""Requirements to and from ReqIF 1.2 files.

`export` writes a programme's requirements as the actor's organisation sees them: every visible side, the specification, the relations.
`take_in` reads a file that came from somewhere. It writes the actor's own side and nothing else: what the file says of another side is
compared, and where it differs reported as a proposal to that side. What was changed in the file on an old version, while the side went
on, is a conflict and stays as it is here. All of a file is taken in, or nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from marque.alliance import reqif_sides as sides
from marque.alliance import requirements, rich_text
from marque.alliance.access import Action, Area, Record, allowed, hold, require
from marque.alliance.codevelopment import record
from marque.alliance.model import Process
from marque.alliance.reqif_exchange import Exchange, Link, Node, Object, Value, write
from marque.alliance.reqif_places import Places, arrange, placed
from marque.alliance.reqif_read import read
from marque.alliance.reqif_sides import Heard
from marque.alliance.requirements import RICH, Requirement, Said, Side
from marque.alliance.store import requirements as store
from marque.common import Denied, InputError, Missing, Refused, new_id
from marque.foundation import Transaction


@dataclass(frozen=True)
class Difference:
    """The file says other than what is here. object: its identifier in the file; title: of the requirement here."""

    requirement: UUID
    object: str
    title: str
    side: str
    field: str
    here: str
    file: str


@dataclass(frozen=True)
class Report:
    """What taking in a file did, or would do. related: how many relations are new."""

    created: tuple[UUID, ...]
    updated: tuple[UUID, ...]
    unchanged: int
    related: int
    proposals: tuple[Difference, ...]
    conflicts: tuple[Difference, ...]


def export(tx: Transaction, lead: str, programme: UUID, process: str | None = None) -> bytes:
    """The file, in UTF-8. Raises Missing for a programme or process one does not see, and for who sees nothing of the programme."""
    if process:
        require(tx, Action.VIEW, Area(lead, programme, process))
    elif not store.programme_visible(tx, lead, programme):
        raise Missing("programme")
    me = tx.actor.organisation
    found = requirements.of_programme(tx, lead, programme, process)
    if not found and not any(allowed(tx, Action.VIEW, [Area(lead, programme, one) for one in Process])):
        raise Missing("programme")
    names = _identifiers(found, me)
    everybody = sorted({me, *(side.side for one in found for side in one.sides)})
    objects = tuple(_object(one, names[one.id], me, everybody) for one in found)
    links = tuple(
        Link(one.identifier or f"_{one.id}", one.kind, names[one.source], names[one.target])
        for one in requirements.relations(tx, lead, programme)
        if one.source in names and one.target in names
    )
    now = tx.now.isoformat(timespec="milliseconds")
    title = store.programme_code(tx, lead, programme) + (f" {process}" if process else "")
    tree = _tree(arrange(found, me), names, None)
    return write(Exchange(f"_{new_id()}", title, now, objects, tree, _distinct(links, names), f"Exported for {me}"))


def _identifiers(found: Sequence[Requirement], me: str) -> dict[UUID, str]:
    """What each is called in a file: as another tool calls it, if it came from there."""
    names: dict[UUID, str] = {}
    taken: set[str] = set()
    for one in found:
        mine = one.of(me)
        name = mine.identifier if mine and mine.identifier and not mine.identifier.startswith("_marque") else ""
        names[one.id] = name if name and name not in taken else f"_{one.id}"
        taken.add(names[one.id])
    return names


def _distinct(links: tuple[Link, ...], names: dict[UUID, str]) -> tuple[Link, ...]:
    taken = set(names.values())
    made = []
    for number, one in enumerate(links):
        made.append(replace(one, identifier=f"_relation-{number}") if one.identifier in taken else one)
        taken.add(one.identifier)
    return tuple(made)


def _object(one: Requirement, name: str, me: str, everybody: Sequence[str]) -> Object:
    written: dict[str, Value] = {}
    for organisation in everybody:
        if (side := one.of(organisation)) is not None:
            written |= {value.definition.identifier: value for value in sides.values(organisation, side, mine=organisation == me)}
    for organisation in everybody:
        for value in sides.values(organisation, None, mine=organisation == me) if one.of(organisation) is None else ():
            written.setdefault(value.definition.identifier, value)
    mine = one.of(me) or one.sides[0]
    last = max(side.written_at for side in one.sides).isoformat(timespec="milliseconds")
    return Object(name, mine.title, last, (Value(sides.PROCESS, one.area.process), *written.values()))


def _tree(places: Places, names: dict[UUID, str], above: UUID | None) -> tuple[Node, ...]:
    return tuple(Node(f"_place-{one}", names[one], _tree(places, names, one)) for one in places.children.get(above, ()))


def take_in(tx: Transaction, area: Area, data: bytes, source: str, *, only_look: bool = False) -> Report:
    """Take in a file. area: where requirements go that are new here; source: the file's name, for messages.

    only_look: say what would be done, and do nothing. Raises InputError naming the element for a file that cannot be used; Missing, Denied.
    """
    require(tx, Action.VIEW, area)
    said = read(data, source)
    if not only_look:  # what is compared is what is written on
        hold(tx, area)
        store.lock(tx, area.programme)
    merge = _Merge(tx, area, said, source)
    merge.compare()
    if not only_look:
        merge.write()
        counts = {"created": len(merge.created), "updated": len(merge.updated), "related": len(merge.links)}
        digest = hashlib.sha256(data).hexdigest()
        tx.emit("alliance.requirements-taken-in", {"programme": area.programme, "file": digest} | counts)
        record(tx, area, "requirements-taken-in", {"programme": str(area.programme), "file": digest} | counts, seeing=True)
    touched = {one for one, _ in merge.updated} | {one for one, *_ in merge.created}
    conflicting = {one.requirement for one in merge.conflicts}
    return Report(
        tuple(one for one, *_ in merge.created), tuple(one for one, _ in merge.updated), len(said.objects) - len(touched | conflicting),
        len(merge.links), tuple(merge.proposals), tuple(merge.conflicts),
    )  # fmt: skip


class _Merge:
    """A file against what is here."""

    def __init__(self, tx: Transaction, area: Area, said: Exchange, source: str) -> None:
        self.tx, self.area, self.said, self.source, self.me = tx, area, said, source, tx.actor.organisation
        self.here = {one.id: one for one in requirements.of_programme(tx, area.lead, area.programme)}
        self.ids = self._match()
        self.created: list[tuple[UUID, Said]] = []
        self.updated: list[tuple[UUID, Said]] = []
        self.links: list[tuple[UUID, UUID, Link]] = []
        self.proposals: list[Difference] = []
        self.conflicts: list[Difference] = []

    def _match(self) -> dict[str, UUID]:
        """The requirement of each object: by what this organisation's other tool called it, by our own identifier, or a new one."""
        called = {side.identifier: one.id for one in self.here.values() if (side := one.of(self.me)) and side.identifier}
        called |= {f"_{one}": one for one in self.here if f"_{one}" not in called}
        return {one.identifier: called.get(one.identifier) or new_id() for one in self.said.objects}

    def compare(self) -> None:
        known_places = arrange([one for key in self.ids.values() if (one := self.here.get(key))], self.me)
        places = placed(self.said.tree, self.ids, known_places)
        drafts: dict[UUID, Said] = {}
        for given in self.said.objects:
            requirement = self.ids[given.identifier]
            heard = sides.hear(given, self.me, self.source)
            here = self.here.get(requirement)
            self._compare_others(given, heard, here)
            current = here.of(self.me) if here else None
            if (mine := self._mine(given, heard, here, current)) is not None:
                if requirement in places and (current is not None or here is None):
                    parent, position = places[requirement]
                    stays = requirement in known_places.parents and known_places.parents[requirement] == parent
                    mine = replace(mine, parent=mine.parent if stays else parent, position=position)
                drafts[requirement] = requirements.tidy(mine)
        for requirement, mine in drafts.items():
            here = self.here.get(requirement)
            current = here.of(self.me) if here else None
            if current is None and not _says_something(mine):
                continue
            if here is None:
                self.created.append((requirement, mine))
            elif current is None or current.said != mine:
                self.updated.append((requirement, mine))
        known = {(one.source, one.target, one.kind) for one in requirements.relations(self.tx, self.area.lead, self.area.programme)}
        for link in self.said.links:
            ends = (self.ids[link.source], self.ids[link.target])
            if ends[0] != ends[1] and (*ends, link.kind) not in known:
                known.add((*ends, link.kind))
                self.links.append((*ends, link))

    def _mine(self, given: Object, heard: Heard, here: Requirement | None, current: Side | None) -> Said | None:
        """What the own side would say after this file; None: the file is of an old version, and this side stays as it is."""
        version = heard.versions.get(self.me)
        mine = heard.sides.get(self.me, {})
        base, stale = current, False
        if version is not None and version != (current.version if current else 0) and here is not None:
            stale = True
            base = next((one for one in requirements.history(self.tx, here.id) if one.side == self.me and one.version == version), current)
        changed = {name: value for name, value in mine.items() if not sides.says_the_same(value, name, base)}
        if stale:
            for name, value in changed.items():
                if here is not None and not sides.says_the_same(value, name, current):
                    self.conflicts.append(self._difference(here, given, self.me, name, value, current))
            return None
        said = current.said if current else Said(title=given.name if here is None else "")
        changes: dict[str, Any] = {name: sides.written(value, name, given, self.source) for name, value in changed.items()}
        said = replace(said, **changes)
        if here is None:
            said = replace(said, identifier=given.identifier)
        visible = {self.me, *(side.side for side in here.sides)} if here else {self.me}
        attributes = {one["definition"]: one for one in said.attributes}
        attributes |= {one["definition"]: one for one in heard.attributes if sides.is_foreign(one, visible)}
        for organisation, others in heard.ours.items():
            if organisation not in visible and any(sides.is_said(value) for value in others):
                attributes |= {value.definition.identifier: sides.kept(value) for value in others}
        return replace(said, attributes=tuple(attributes.values()))

    def _compare_others(self, given: Object, heard: Heard, here: Requirement | None) -> None:
        for organisation, theirs in heard.sides.items():
            if organisation == self.me or here is None:
                continue
            now = here.of(organisation)
            version = heard.versions.get(organisation)
            base = now
            if now and version is not None and version != now.version:
                past = requirements.history(self.tx, here.id)
                base = next((one for one in past if one.side == organisation and one.version == version), now)
            self.proposals += [
                self._difference(here, given, organisation, name, value, now)
                for name, value in theirs.items()
                if not sides.says_the_same(value, name, now) and not sides.says_the_same(value, name, base)
            ]

    def _difference(self, here: Requirement, given: Object, side: str, name: str, value: Value, now: Side | None) -> Difference:
        written = sides.written(value, name, given, self.source)
        known = getattr(now, name) if now else ""
        shown = (rich_text.plain(known), rich_text.plain(written)) if name in RICH else (known, written)
        title = next((one.title for one in here.sides if one.title), "")
        return Difference(here.id, given.identifier, title, side, name, *shown)

    def write(self) -> None:
        self._may_write()
        drafts = dict(self.created) | dict(self.updated)
        for requirement in _parents_first(drafts):
            here = self.here.get(requirement)
            current = here.of(self.me) if here else None
            area = here.area if here else self.area
            try:
                version = current.version if current else 0
                requirements.put(self.tx, area, requirement, current, drafts[requirement], version, new=here is None)
            except (Refused, Missing) as fault:
                named = next(name for name, one in self.ids.items() if one == requirement)
                raise InputError(self.source, f"SPEC-OBJECT {named}", str(fault).rstrip("."), "Nothing was taken in.") from fault
        written = {*self.here, *drafts}
        self.links = [one for one in self.links if one[0] in written and one[1] in written]
        for start, end, link in self.links:
            requirements.relate(self.tx, start, end, link.kind, link.identifier)

    def _may_write(self) -> None:
        areas = {self.here[one].area for one, _ in self.updated} | ({self.area} if self.created else set())
        for area in sorted(areas):
            require(self.tx, Action.CREATE, area)
        known = [(self.here[one].area, side) for one, _ in self.updated if (side := self.here[one].of(self.me))]
        if not all(allowed(self.tx, Action.EDIT, [Record(area, side.organisation, side.written_at) for area, side in known])):
            raise Denied("edit: a side in this file is no longer your organisation's to write.")


def _says_something(said: Said) -> bool:
    """A side that somebody began, and not the empty one that stands in a file for whoever has none."""
    return replace(said, parent=None, position=0, identifier="") != Said()


def _parents_first(drafts: dict[UUID, Said]) -> Iterator[UUID]:
    done: set[UUID] = set()
    for one in drafts:
        chain: list[UUID] = []
        above: UUID | None = one
        while above is not None and above in drafts and above not in done and above not in chain:
            chain.append(above)
            above = drafts[above].parent
        for each in reversed(chain):
            done.add(each)
            yield each
