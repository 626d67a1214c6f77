"""Decisions of an area: asked by one organisation, taken when every organisation that decides there has approved.

Who decides is pinned when a decision is opened: the organisations that lead or co-decide by the revision then in force. A change of the
agreement leaves open decisions as they are or moves them to the new revision, as its transition says (see `transitions`). What state a
decision is in is kept by the database from what people did; nobody can write it.

Other rooms use four names: `open_decision`, `approve`, `reject`, and `about`, which finds a decision by its subject, the name of what is
decided on (`release/2025.22`, `evidence/<digest>`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from marque.alliance import rich_text
from marque.alliance.access import Action, Area, allowed, hold, require
from marque.alliance.codevelopment import record
from marque.alliance.store import decisions as store
from marque.alliance.store.decisions import Row
from marque.common import Missing, Refusal, new_id, ok
from marque.foundation import Transaction

State = Literal["open", "taken", "refused", "withdrawn"]
Kind = Literal["approve", "reject", "withdraw", "reopen"]
PAGE = 50
MOST = 200
LONGEST_LINE, LONGEST_TEXT = 2_000, 100_000


@dataclass(frozen=True)
class Act:
    """What a person did to a decision, for its organisation, in this round of asking."""

    organisation: str
    person: UUID
    kind: Kind
    round: int
    reason: str
    at: datetime


@dataclass(frozen=True)
class Decision:
    """number: of the agreement's revision that says who decides. round: 1, and one more for each time it was reopened."""

    id: UUID
    organisation: str
    area: Area
    subject: str
    title: str
    question: str
    opened_by: UUID
    opened_at: datetime
    agreement: UUID
    number: int
    deciders: tuple[str, ...]
    round: int
    state: State
    decided_at: datetime | None
    acts: tuple[Act, ...]

    def votes(self) -> dict[str, Kind]:
        """Of this round, by organisation that decides."""
        return {
            act.organisation: act.kind
            for act in self.acts
            if act.round == self.round and act.kind in {"approve", "reject"} and act.organisation in self.deciders
        }

    def waited_for(self) -> tuple[str, ...]:
        """Organisations whose approval is missing; none once it is no longer open."""
        return tuple(one for one in self.deciders if one not in self.votes()) if self.state == "open" else ()


@dataclass(frozen=True)
class Done:
    """An act that the rules allow, and the state it leads to."""

    kind: Kind
    state: State


def act(decision: Decision, organisation: str, kind: Kind) -> Done | Refusal:
    """Whether an organisation may do this now, and what follows."""
    decides, votes = organisation in decision.deciders, decision.votes()
    if kind == "reopen":
        if decision.state not in {"refused", "withdrawn"}:
            return Refusal("only a refused or withdrawn decision is reopened; for a taken one, open another", {"state": decision.state})
        if not decides and organisation != decision.organisation:
            return Refusal("a decision is reopened by who asked or who decides", {"deciding": ", ".join(decision.deciders)})
        return Done(kind, "open")
    if decision.state != "open":
        return Refusal("the decision is no longer open", {"state": decision.state})
    if kind == "withdraw":
        return Done(kind, "withdrawn") if organisation == decision.organisation else Refusal("a decision is withdrawn by who asked")
    if not decides:
        details = {"deciding": ", ".join(decision.deciders), "by revision": str(decision.number)}
        return Refusal("your organisation does not decide here", details)
    if organisation in votes:
        return Refusal("your organisation has already answered", {"answer": votes[organisation]})
    if kind == "reject":
        return Done(kind, "refused")
    return Done(kind, "taken" if {organisation, *votes} >= set(decision.deciders) else "open")


def open_decision(tx: Transaction, area: Area, subject: str, title: str, question: str = "") -> Decision:
    """Ask those who decide in an area now. One subject has at most one open or taken decision in it.

    Raises Missing, Denied without a role in the area or without a person who acts, Refused.
    """
    require(tx, Action.PROPOSE, area)
    person = _person(tx)
    subject, title, question = rich_text.line(subject), rich_text.line(title), rich_text.legal(question).strip()
    if not subject or not title:
        ok(Refusal("a decision has a subject and a title"))
    if max(len(subject), len(title)) > LONGEST_LINE or len(question) > LONGEST_TEXT:
        ok(Refusal("subject and title have at most 2,000 characters, a question 100,000"))
    store.lock(tx, f"{area.lead}/{area.programme}/{area.process}/{subject}")
    if standing := [one for one in about(tx, area, subject) if one.state in {"open", "taken"}]:
        ok(Refusal("there is a decision on this", {"decision": str(standing[0].id), "state": standing[0].state}))
    made = new_id()
    store.insert(tx, area, made, person, subject, title, question)
    tx.emit("alliance.decision-opened", {"decision": made, "subject": subject})
    record(tx, area, "decision-opened", {"decision": str(made), "subject": subject, "title": title})
    return one(tx, made)


def approve(tx: Transaction, decision: UUID, reason: str = "") -> Decision:
    """For the actor's organisation. Raises Missing, Denied, Refused (not open, not one who decides, answered already)."""
    return _act(tx, decision, "approve", reason)


def reject(tx: Transaction, decision: UUID, reason: str) -> Decision:
    """One rejection refuses. Raises as `approve`."""
    if not rich_text.legal(reason).strip():
        ok(Refusal("a rejection has a reason"))
    return _act(tx, decision, "reject", reason)


def withdraw(tx: Transaction, decision: UUID, reason: str = "") -> Decision:
    """By the organisation that asked. Raises as `approve`."""
    return _act(tx, decision, "withdraw", reason)


def reopen(tx: Transaction, decision: UUID, reason: str = "") -> Decision:
    """Ask again after a refusal or a withdrawal: everybody who decides by the revision in force now answers anew. Raises as `approve`."""
    return _act(tx, decision, "reopen", reason)


def _act(tx: Transaction, decision: UUID, kind: Kind, reason: str) -> Decision:
    person, reason = _person(tx), rich_text.legal(reason).strip()
    if len(reason) > LONGEST_TEXT:
        ok(Refusal("a reason has at most 100,000 characters"))
    store.lock(tx, str(decision))
    hold(tx, one(tx, decision).area)
    was = one(tx, decision)
    require(tx, Action.DECIDE if kind in {"approve", "reject"} else Action.PROPOSE, replace(was.area, revision=_pinned(was, kind)))
    if kind == "reopen":
        store.lock(tx, f"{was.area.lead}/{was.area.programme}/{was.area.process}/{was.subject}")
        if any(other.id != decision and other.state in {"open", "taken"} for other in about(tx, was.area, was.subject)):
            ok(Refusal("there is another decision on this by now"))
    done = ok(act(was, tx.actor.organisation, kind))
    store.add_act(tx, was.organisation, decision, kind, person, reason)
    tx.emit(f"alliance.decision-{_PAST[kind]}", {"decision": decision, "subject": was.subject, "state": done.state})
    record(tx, was.area, f"decision-{_PAST[kind]}", {"decision": str(decision), "subject": was.subject, "state": done.state})
    return one(tx, decision)


def _pinned(decision: Decision, kind: Kind) -> int | None:
    return None if kind == "reopen" else decision.number


_PAST: dict[Kind, str] = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn", "reopen": "reopened"}


def _person(tx: Transaction) -> UUID:
    if tx.actor.person is None:
        ok(Refusal("decisions are made by people: sign in as one"))
    assert tx.actor.person is not None
    return tx.actor.person


def one(tx: Transaction, decision: UUID) -> Decision:
    """Raises Missing."""
    found = _assembled(tx, store.by_id(tx, decision))
    if not found or not allowed(tx, Action.VIEW, [replace(found[0].area, revision=found[0].number)])[0]:
        raise Missing("decision")
    return found[0]


def about(tx: Transaction, area: Area, subject: str) -> list[Decision]:
    """Decisions on a subject, the newest first: the first one that is `taken` is what holds."""
    return _assembled(tx, store.about(tx, area, rich_text.line(subject)))


def page(tx: Transaction, area: Area, before: UUID | None = None, limit: int = PAGE) -> list[Decision]:
    """The newest decisions of an area first. Raises Missing for an area one has no right in."""
    require(tx, Action.VIEW, area)
    return _assembled(tx, store.page(tx, area, before, max(1, min(limit, MOST))))


def waiting(tx: Transaction, limit: int = PAGE) -> list[Decision]:
    """Open decisions that wait for the actor's organisation, the oldest first."""
    return _assembled(tx, store.waiting(tx, max(1, min(limit, MOST))))


def _assembled(tx: Transaction, rows: Sequence[Row]) -> list[Decision]:
    acts: dict[UUID, list[Act]] = {}
    for row in store.acts(tx, rows):
        acts.setdefault(row.decision, []).append(Act(row.organisation, row.person, row.kind, row.round, row.reason, row.created_at))
    return [
        Decision(
            row.id, row.organisation, Area(row.lead, row.programme, row.process), row.subject, row.title, row.question, row.opened_by,
            row.created_at, row.agreement, row.number, tuple(row.deciders), row.round, row.state, row.decided_at,
            tuple(acts.get(row.id, ())),
        )
        for row in rows
    ]  # fmt: skip
