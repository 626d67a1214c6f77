"""What this person, or this program, may do: Cedar's answer from the agreement revision in force at the instant of the transaction.

    require(tx, Action.DECIDE, Area("gac", programme, "software-supply"))

Who asks is `tx.actor`. The entities of a question are cut out of the signed documents for it (`alliance.terms`), never stored:
organisations get what their role and sight give, people of them what their duties give, programs what their tokens' scopes give, each
within the former (`policy/*.cedar`). Whatever the asker may not view is Missing, exactly as if it did not exist; what they may view but
not do is Denied.

Nothing here outlives a revision's force. What is kept between requests is keyed by the digest of the signed text; which revision is in
force is worked out by every call, from the signatures its transaction sees and that transaction's instant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache, lru_cache
from importlib import resources
from typing import TypeAlias
from uuid import UUID

from marque.alliance import model
from marque.alliance.store import access as store
from marque.alliance.terms import NOTHING, Rights, in_force_until, rights
from marque.alliance.visitors import token_of
from marque.common import Denied, Either, Every, Missing, Sentence
from marque.foundation import Transaction
from marque.foundation.gate import Decision, Entity, Gate, Question, Uid

_PROCESSES = frozenset(model.Process)
DUTIES = ("viewer", "engineer", "product", "release-manager", "service", "signatory", "administrator")
"""What people do in their organisation; policy/2-people.cedar says what each may."""


class Action(StrEnum):
    VIEW = "view"
    CREATE = "create"
    EDIT = "edit"
    COMMENT = "comment"
    PROPOSE = "propose"
    DECIDE = "decide"
    SIGN = "sign"
    SELL = "sell"
    DRAFT = "draft"
    ADMINISTER = "administer"
    AUDIT = "audit"


@dataclass(frozen=True, order=True)
class Area:
    """A programme's process. lead: the organisation in the programme's key, which drafted the agreement.

    revision: a decision opened under this revision is taken by those whom it names, though another is in force; None for all else.
    """

    lead: str
    programme: UUID
    process: str
    revision: int | None = None


@dataclass(frozen=True)
class Record:
    """A row of an area. owner: the organisation whose row it is."""

    area: Area
    owner: str
    created_at: datetime


@dataclass(frozen=True)
class Agreement:
    owner: str
    id: UUID


@dataclass(frozen=True)
class Revision:
    agreement: Agreement
    number: int


@dataclass(frozen=True)
class Organisation:
    code: str


Resource: TypeAlias = Area | Record | Agreement | Revision | Organisation

ACTIONS: dict[type[Resource], tuple[Action, ...]] = {
    Area: (Action.VIEW, Action.CREATE, Action.PROPOSE, Action.DECIDE, Action.SIGN, Action.SELL),
    Record: (Action.VIEW, Action.EDIT, Action.COMMENT),
    Agreement: (Action.VIEW, Action.CREATE, Action.PROPOSE),
    Revision: (Action.VIEW, Action.SIGN),
    Organisation: (Action.VIEW, Action.DRAFT, Action.ADMINISTER, Action.AUDIT),
}
"""What can be done to what; `create` makes a record in an area, a programme in an agreement; `draft` an agreement in one's organisation."""

_WORDS = {Area: "programme or process", Record: "record", Agreement: "agreement", Revision: "revision", Organisation: "organisation"}


def require(tx: Transaction, action: Action, resource: Resource) -> None:
    """Raises Missing when the asker does not see the resource, Denied when they see it and this act is not theirs.

    What is allowed beyond looking stays allowed until the transaction ends: the agreement is held.
    """
    if action is not Action.VIEW:
        hold(tx, resource)
    asked = [action] if action is Action.VIEW else [Action.VIEW, action]
    answers = _Asking(tx).decide([(one, resource) for one in asked])
    if not answers[0].allowed:
        raise Missing(_WORDS[type(resource)])
    if not answers[-1].allowed:
        raise Denied(_why(tx, action, resource, answers[-1]))


def hold(tx: Transaction, resource: Resource) -> None:
    """Nobody changes the agreement behind an area or record before the transaction ends. Raises Unavailable after waiting too long."""
    area = resource.area if isinstance(resource, Record) else resource
    if isinstance(area, Area):
        store.hold(tx, area.lead, area.programme)


def allowed(tx: Transaction, action: Action, resources: Iterable[Resource]) -> list[bool]:
    """The answer for each, in order; for lists and for choosing what to show."""
    return [one.allowed for one in _Asking(tx).decide([(action, resource) for resource in resources])]


def actions_on(tx: Transaction, resource: Resource) -> frozenset[Action]:
    """Everything the asker may do to this one; empty when they do not see it."""
    known = ACTIONS[type(resource)]
    answers = _Asking(tx).decide([(action, resource) for action in known])
    return frozenset(action for action, answer in zip(known, answers, strict=True) if answer.allowed and answers[0].allowed)


@cache
def gate() -> Gate:
    """The policies of this room, parsed and checked when first asked for."""
    folder = resources.files("marque.alliance") / "policy"
    texts = sorted((one.name, one.read_text("utf-8")) for one in folder.iterdir() if one.name.endswith(".cedar"))
    return Gate("\n".join(text for _, text in texts), (folder / "alliance.cedarschema").read_text("utf-8"), "alliance/policy")


@dataclass(frozen=True)
class _Programme:
    """past: the revisions that have been in force until now. kept: by process, see `store.Stamp`."""

    code: str
    past: list[model.Revision]
    kept: dict[str, datetime]


class _Asking:
    """The questions of one call: every fact is read once, and equal questions are asked once."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self.entities: dict[Uid, Entity] = {}
        self._found: dict[Area | Agreement | Revision | Organisation, Entity | None] = {}
        self._programmes: dict[tuple[str, UUID], _Programme | None] = {}

    def decide(self, asked: Sequence[tuple[Action, Resource]], duty: str | None = None) -> list[Decision]:
        """The answers in order. duty: as for somebody of the acting organisation who has this duty alone."""
        if unfit := [(action, resource) for action, resource in asked if action not in ACTIONS[type(resource)]]:
            raise ValueError(f"nobody can {unfit[0][0]} this: {unfit[0][1]}")
        processes = _PROCESSES & {_process(resource) for _, resource in asked}
        principal = self._principal(processes) if duty is None else _person(self.tx.actor.organisation, duty, [duty])
        if principal is None:
            return [Decision(allowed=False)] * len(asked)
        self.entities[principal.uid] = principal
        questions: dict[tuple[Action, Uid], int] = {}
        answers: list[int | None] = []
        for action, resource in asked:
            entity = self._entity(resource)
            if entity is None:
                answers.append(None)
                continue
            self.entities[entity.uid] = entity
            answers.append(questions.setdefault((action, entity.uid), len(questions)))
        told = gate().decide_all(
            [Question(principal.uid, Uid("Action", action), uid) for action, uid in questions], list(self.entities.values())
        )
        return [Decision(allowed=False) if answer is None else told[answer] for answer in answers]

    def _principal(self, processes: Collection[str]) -> Entity | None:
        """Who asks; None for somebody who has left, a token that no longer holds, and whoever is neither person nor program.

        processes: those that are asked about; of a program's scopes only these matter.
        """
        actor = self.tx.actor
        if actor.person is not None:
            duties = store.duties(self.tx)
            return None if duties is None else _person(actor.organisation, str(actor.person), duties)
        token = token_of(actor)
        scopes = None if token is None else store.scopes(self.tx, token)
        if scopes is None:
            return None
        return Entity(Uid("Service", str(token)), {"organisation": _organisation(actor.organisation), "scopes": _scopes(scopes, processes)})

    def _entity(self, resource: Resource) -> Entity | None:
        """None: there is none, as far as row-level security tells."""
        if isinstance(resource, Record):
            return self._record(resource.area, resource.owner, resource.created_at)
        if resource not in self._found:
            self._found[resource] = self._read(resource)
        return self._found[resource]

    def _read(self, resource: Area | Agreement | Revision | Organisation) -> Entity | None:
        match resource:
            case Area():
                return self._read_area(resource)
            case Agreement(owner, agreement):
                takes_part = store.takes_part(self.tx, owner, agreement)
                if takes_part is None:
                    return None
                # Of others no more is known here than that they are not the one who asks.
                me = [self.tx.actor.organisation]
                attributes = {"invited": _organisations(me), "signatories": _organisations(me if takes_part else [])}
                return Entity(Uid("Agreement", f"{owner}/{agreement}"), attributes)
            case Revision(Agreement(owner, agreement), number):
                named = store.signatories(self.tx, owner, agreement, number)
                uid = Uid("Revision", f"{owner}/{agreement}/{number}")
                return None if named is None else Entity(uid, {"signatories": _organisations(named)})
            case Organisation(code):
                known = store.organisation(self.tx, code)
                if known is None:
                    return None
                partners = [self.tx.actor.organisation] if known.partner and code != self.tx.actor.organisation else []
                parent = {} if known.parent is None else {"parent": _organisation(known.parent)}
                return Entity(_organisation(code), {"partners": _organisations(partners)} | parent)

    def _read_area(self, area: Area) -> Entity | None:
        if (programme := self._programme(area)) is None:
            return None
        code, past = programme.code, programme.past
        now = rights(past[-1], code, area.process) if past else NOTHING
        if area.revision is None:
            return _area_entity(area, now, now.decides)
        opened = next((one for one in past if one.number == area.revision), None)
        return _area_entity(area, now, rights(opened, code, area.process).decides if opened else NOTHING.decides)

    def _programme(self, area: Area) -> _Programme | None:
        key = (area.lead, area.programme)
        if key not in self._programmes:
            self._programmes[key] = self._read_programme(*key)
        return self._programmes[key]

    def _read_programme(self, lead: str, programme: UUID) -> _Programme | None:
        stamps = store.stamps(self.tx, lead, programme)
        if not stamps:
            return None
        first = stamps[0]
        texts = cache(lambda: store.documents(self.tx, lead, first.agreement))  # read once, and only when one is not remembered
        past = in_force_until(stamps, self.tx.now, lambda number: texts()[number])
        return _Programme(first.code, past, dict(zip(first.kept, first.before, strict=True)))

    def _record(self, area: Area, owner: str, created_at: datetime) -> Entity | None:
        """Records that no policy can tell apart are one entity: a page of somebody's rows is one question."""
        of, programme = self._entity(area), self._programme(area)
        if of is None or programme is None:
            return None
        self.entities[of.uid] = of
        before = programme.kept.get(area.process)
        kept = before is not None and created_at < before
        attributes = {
            "area": of.uid,
            "owner": _organisation(owner),
            "keptBy": _organisations([self.tx.actor.organisation] if kept else []),
        }
        return Entity(Uid("Record", f"{owner}{'/kept' if kept else ''}@{of.uid.id}"), attributes)


def _person(organisation: str, person: str, duties: Iterable[str]) -> Entity:
    return Entity(Uid("Person", f"{organisation}/{person}"), {"organisation": _organisation(organisation), "duties": sorted(duties)})


@lru_cache(maxsize=4096)
def _area_entity(area: Area, now: Rights, decides: frozenset[str]) -> Entity:
    attributes = {
        "process": area.process,
        "seesAll": _organisations(now.sees_all),
        "seesOwn": _organisations(now.sees_own),
        "works": _organisations(now.works),
        "decides": _organisations(decides),
    }
    opened = "" if area.revision is None else f"/{area.revision}"
    return Entity(Uid("Area", f"{area.lead}/{area.programme}/{area.process}{opened}"), attributes)


def _organisation(code: str) -> Uid:
    return Uid("Organisation", code)


def _organisations(codes: Iterable[str]) -> list[Uid]:
    return [_organisation(code) for code in sorted(codes)]


def _scopes(scopes: Iterable[str], processes: Collection[str]) -> list[dict[str, str]]:
    pairs = (scope.split(":", 1) for scope in scopes)
    return [{"action": action, "process": one} for action, process in pairs for one in sorted(processes) if process in {"*", one}]


def _process(resource: Resource) -> str:
    """Of an area or record; empty for what belongs to none."""
    area = resource.area if isinstance(resource, Record) else resource
    return area.process if isinstance(area, Area) else ""


def _why(tx: Transaction, action: Action, resource: Resource, answer: Decision) -> Sentence:
    """What would be needed: another agreement, or another duty."""
    if answer.reasons or answer.errors or tx.actor.person is None:
        pattern = "{organisation} has no right to {action} here under the revision in force ({why})."
        return Sentence(pattern, organisation=tx.actor.organisation, action=action, why=Every(answer.reasons or ("no scope for it",)))
    asking = _Asking(tx)
    holders = [duty for duty in DUTIES if asking.decide([(action, resource)], duty)[0].allowed]
    pattern = "To {action} here takes another duty in {organisation} than yours: {duty}."
    return Sentence(pattern, action=action, organisation=tx.actor.organisation, duty=Either(holders))
