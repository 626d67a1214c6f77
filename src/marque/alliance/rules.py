"""What follows from agreements: pure decisions on values. No clock, no database; a refusal is an answer, not an exception.

Nothing here takes a stake, an owner of a brand or a parent company: equity never grants access.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from marque.alliance.model import Agreement, Area, Force, Matrix, Process, Reported, Revision, Rights, Role, Sight, Signature, What
from marque.common import Refusal


def forces(revisions: Sequence[Revision], signatures: Iterable[Signature]) -> tuple[Force, ...]:
    """When which revision is in force, in the order of time; the intervals are disjoint and follow one another.

    A revision comes into force when its date has come and all its signatories have signed, and ends when one with a higher number comes
    into force. One that a higher number precedes never is in force.
    """
    agreement = Agreement(tuple(revisions), tuple(signatures))
    found: list[Force] = []
    end: datetime | None = None
    for revision in sorted(revisions, key=lambda one: -one.number):
        start = complete_since(agreement, revision)
        if start is not None and (end is None or start < end):
            found.append(Force(revision, start, end))
            end = start
    return tuple(reversed(found))


def complete_since(agreement: Agreement, revision: Revision) -> datetime | None:
    """The instant at which its date has come and all have signed; None while a signature is missing."""
    signed = agreement.signed_by(revision)
    return max(revision.starts, *signed.values()) if signed.keys() == revision.signatories else None


def in_force(agreement: Agreement, at: datetime) -> Force | None:
    """The revision in force at an instant, and its interval."""
    return next((one for one in forces(agreement.revisions, agreement.signatures) if one.holds(at)), None)


@dataclass(frozen=True)
class Part:
    """What each party does and sees in one process of a programme. Organisations in the order of the alphabet."""

    leads: str
    co_decides: tuple[str, ...]
    consulted: tuple[str, ...]
    supplies: tuple[str, ...]
    sees_all: tuple[str, ...]
    sees_own: tuple[str, ...]

    @property
    def decides(self) -> tuple[str, ...]:
        """Whoever has to approve, the leader first."""
        return (self.leads, *self.co_decides)


@dataclass(frozen=True)
class Who:
    """Who decides and sees what in a programme at an instant, and by which revision."""

    programme: str
    force: Force
    processes: Mapping[Process, Part]

    @property
    def signs(self) -> tuple[str, ...]:
        """Whoever signs a release."""
        return self.processes[Process.RELEASE_SIGNATURE].decides

    @property
    def sells(self) -> tuple[str, ...]:
        return self.processes[Process.SALES].decides


def who(agreement: Agreement, programme: str, at: datetime) -> Who | Refusal:
    """Who decides, sees, signs and sells in a programme of an agreement; refused when no revision is in force."""
    force = in_force(agreement, at)
    if force is None:
        first = forces(agreement.revisions, agreement.signatures)[:1]
        since = {"first in force": first[0].start.date().isoformat()} if first else {}
        return Refusal("no revision is in force at that time", {"at": at.isoformat(), **since})
    return Who(programme, force, {process: part(force.revision, Area(programme, process)) for process in Process})


def part(revision: Revision, area: Area) -> Part:
    """What a revision says about one area."""
    roles = {one: revision.role(one, area.programme, area.process) for one in revision.parties}
    sights = {one: revision.sees(one, area.programme, area.process) for one in revision.parties}

    def having(role: Role) -> tuple[str, ...]:
        return tuple(one for one, its in roles.items() if its is role)

    return Part(
        leads=having(Role.LEADS)[0],
        co_decides=having(Role.CO_DECIDES),
        consulted=having(Role.CONSULTED),
        supplies=having(Role.SUPPLIES),
        sees_all=tuple(one for one, sight in sights.items() if sight is Sight.ALL),
        sees_own=tuple(one for one, sight in sights.items() if sight is Sight.OWN),
    )


def rights(agreement: Agreement, organisation: str, area: Area, at: datetime) -> Rights:
    """Of an organisation in an area; none for who is no party to the revision in force."""
    force = in_force(agreement, at)
    if force is None or organisation not in force.revision.parties:
        return Rights()
    said = force.revision
    return Rights(said.role(organisation, area.programme, area.process), said.sees(organisation, area.programme, area.process), said.number)


def needed(agreement: Agreement, area: Area, at: datetime) -> frozenset[str]:
    """Whose approval a decision opened now in an area takes: everybody who leads or co-decides there. Empty: nothing can be decided."""
    force = in_force(agreement, at)
    return frozenset(part(force.revision, area).decides) if force else frozenset()


def propose(agreement: Agreement, draft: Revision, by: str, now: datetime) -> Revision | Refusal:
    """The draft as the next revision: numbered, bound to the text before it, and with those named that leave by it.

    A new party signs like every other. A party of the revision in force, or of one that is fully signed and waits for its date, that the
    draft no longer names signs its leave: nobody is put out of an agreement by a text that others signed. Who was only invited by a text
    that never came to be need not be asked. The drafting organisation has to be a signatory of the last revision, or a party to a first,
    and it signs what it proposes.
    """
    last = agreement.revisions[-1] if agreement.revisions else None
    if by not in (last.signatories if last else draft.parties):
        return Refusal("only who signs the last revision may propose the next", {"organisation": by})
    if last and draft.agreement != last.agreement:
        return Refusal("the draft is of another agreement", {"expected": str(last.agreement), "got": str(draft.agreement)})
    bound = {one for revision in _binding(agreement, now) for one in revision.parties}
    if last and len(agreement.revisions) < last.number:
        # Who came later does not see every text: whoever signs the last one may be bound by another, and nobody else is.
        bound |= last.signatories
    made = replace(
        draft,
        number=last.number + 1 if last else 1,
        previous=last.digest if last else "",
        leaving=tuple(sorted(bound - set(draft.parties))),
    )
    if by not in made.signatories:
        return Refusal("the organisation is not a party to this revision", {"organisation": by})
    outside = [one.organisation for one in made.transition.clauses if one.organisation not in made.signatories]
    if outside:
        return Refusal("a transition clause names an organisation that does not sign this revision", {"organisation": outside[0]})
    if last and _content(made) == _content(last):
        return Refusal("nothing changes against the last revision", {"number": str(last.number)})
    return made


def _binding(agreement: Agreement, now: datetime) -> list[Revision]:
    """The revision in force, and those that will be without anybody doing anything."""
    return [one.revision for one in forces(agreement.revisions, agreement.signatures) if one.end is None or now < one.end]


def _content(revision: Revision) -> dict[str, object]:
    return {name: value for name, value in revision.document().items() if name not in {"number", "previous", "leaving"}}


@dataclass(frozen=True)
class Signed:
    """A signature that counts. starts: when the revision comes into force, None while signatures are missing (`missing`) or if never."""

    agreement: UUID
    number: int
    signature: Signature
    missing: frozenset[str]
    starts: datetime | None


def sign(agreement: Agreement, number: int, signature: Signature, now: datetime) -> Signed | Refusal:
    """A revision counts as signed by an organisation once one of its people with the right to sign has done so.

    Only the latest proposal can be signed. What was proposed after a text says by its `leaving` who could have been bound by then; were
    the earlier text signed later, a party of it could be put out without having signed its leave.
    """
    revision = next((one for one in agreement.revisions if one.number == number), None)
    if revision is None:
        return Refusal("there is no such revision", {"number": str(number)})
    if isinstance(signature, Reported):
        return Refusal("what is reported is not signed", {"organisation": signature.organisation})
    if signature.digest != revision.digest:
        return Refusal("the signature is for another text", {"expected": revision.digest, "got": signature.digest})
    if signature.organisation not in revision.signatories:
        return Refusal("the organisation is not a party to this revision", {"organisation": signature.organisation})
    signed = agreement.signed_by(revision)
    if signature.organisation in signed:
        return Refusal("already signed", {"by": signature.organisation, "at": signed[signature.organisation].isoformat()})
    if signature.at.utcoffset() is None or signature.at > now:
        return Refusal("the signature is of a time to come", {"at": signature.at.isoformat(), "now": now.isoformat()})
    if revision != agreement.revisions[-1]:
        return Refusal(
            "a later revision was proposed: sign that one, or propose this text again", {"latest": str(agreement.revisions[-1].number)}
        )
    after = Agreement(agreement.revisions, (*agreement.signatures, signature))
    force = next((one for one in forces(after.revisions, after.signatures) if one.revision == revision), None)
    missing = revision.signatories - signed.keys() - {signature.organisation}
    return Signed(revision.agreement, number, signature, missing, force.start if force else None)


@dataclass(frozen=True)
class Step:
    """What a transition does to the rows of one area, made before the new revision came into force.

    keeps-read, frozen-copy: of others' rows, which the organisation could read. returned: its own rows, which become `to`'s. destroyed:
    its own rows, and the copies it was left.
    """

    programme: str
    process: Process
    organisation: str
    what: What
    to: str = ""


@dataclass(frozen=True)
class Moved:
    """Open decisions of an area whose deciders change. needed: who has to approve them from now on."""

    programme: str
    process: Process
    before: frozenset[str]
    needed: frozenset[str]


@dataclass(frozen=True)
class Change:
    """A mode change, or any other: what happens at once when a revision comes into force."""

    steps: tuple[Step, ...]
    decisions: tuple[Moved, ...]


_ORDER = (What.FROZEN_COPY, What.KEEPS_READ, What.RETURNED, What.DESTROYED)


def transition(old: Revision | None, new: Revision, programmes: Sequence[str], kept: Iterable[tuple[str, Area]] = ()) -> Change:
    """What is to be done when `new` comes into force after `old`, in this order: copies before anything is deleted.

    kept: areas that an organisation was left to read by an earlier transition. A clause keeps what was readable and opens nothing; one
    without anything to do makes no step. Programmes in the order given.
    """
    readable = set(kept)
    steps = []
    for clause in sorted(new.transition.clauses, key=lambda one: (_ORDER.index(one.what), str(one.process), one.organisation)):
        for programme in programmes:
            area = Area(programme, clause.process)
            read = old is not None and old.sees(clause.organisation, programme, clause.process) is Sight.ALL
            leader = part(new, area).leads
            if clause.what in {What.KEEPS_READ, What.FROZEN_COPY} and not read and (clause.organisation, area) not in readable:
                continue
            if clause.what is What.RETURNED and leader == clause.organisation:
                continue
            to = leader if clause.what is What.RETURNED else ""
            steps.append(Step(programme, clause.process, clause.organisation, clause.what, to))
    moved = []
    for area in (Area(programme, process) for programme in programmes for process in Process):
        before = frozenset(part(old, area).decides) if old else frozenset()
        after = frozenset(part(new, area).decides)
        if old and before != after:
            moved.append(Moved(area.programme, area.process, before, after if new.transition.open_decisions is Matrix.NEW else before))
    return Change(tuple(steps), tuple(moved))
