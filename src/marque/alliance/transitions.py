"""What a change of the agreement does to data, when its force has started.

From that instant on, access is already what the new revision says: rights follow from signed documents by themselves. What remains to be
done once is what the transition clauses say, for each process and organisation of every programme: it is left a copy of what it could
read (`frozen-copy`), keeps reading it (`keeps-read`), its rows are deleted (`destroyed`) or given to who leads now (`returned`). All of
them happen in one transaction, in that order: copies first, so that none is lost to a deletion; gifts last, so that none is deleted with
the rows of who received it. Rows made under the new revision are touched by none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marque.alliance.access import Action, Agreement, Area, Record, Revision, allowed, require
from marque.alliance.codevelopment import record_for
from marque.alliance.store import transitions as store
from marque.alliance.store.transitions import Frozen, Step
from marque.common import Missing
from marque.foundation import Actor, Database, Transaction


@dataclass(frozen=True)
class Applied:
    """A revision whose transition was applied, and the steps of it."""

    organisation: str
    agreement: UUID
    number: int
    at: datetime
    steps: tuple[Step, ...]


def apply_due(tx: Transaction) -> list[Applied]:
    """Apply every transition of the actor's agreements that is due; nothing when none is, which one look at an index finds out.

    Called before requests (`applied_first`), and by a periodic job for the organisations of `due_organisations`. Who comes second waits,
    and then finds nothing to do. Raises Unavailable after waiting too long.
    """
    if not store.anything_due(tx):
        return []
    applied = [
        Applied(
            one.organisation, one.agreement, one.number, one.applied_at, tuple(store.steps(tx, one.organisation, one.agreement, one.number))
        )
        for one in store.apply_due(tx)
    ]
    for one in applied:
        told = {"agreement": str(one.agreement), "number": one.number}
        done = [
            {"programme": str(step.programme), "process": step.process, "party": step.party, "what": step.what, "rows": step.rows,
             "digest": step.digest}
            for step in one.steps
        ]  # fmt: skip
        tx.emit("alliance.transition-applied", told | {"steps": done})
        record_for(tx, store.signatories(tx, one.organisation, one.agreement, one.number), "transition-applied", told | {"steps": done})
    return applied


@contextmanager
def applied_first(database: Database, actor: Actor) -> Iterator[Transaction]:
    """A transaction of the actor in which nothing of its agreements is due.

    What was has been applied in one before: it ends with entries in the audit log, whose lock nobody may hold who goes on to lock
    something else.
    """
    while True:
        with database.transaction(actor) as tx:
            if not apply_due(tx):
                yield tx
                return


def due_organisations(tx: Transaction) -> list[str]:
    """For whom `apply_due` would do something now: one organisation for each agreement. Only the worker's role may ask."""
    return store.due_organisations(tx)


def steps(tx: Transaction, organisation: str, agreement: UUID, number: int) -> list[Step]:
    """What applying a revision's transition did. Raises Missing for a revision that one does not see."""
    require(tx, Action.VIEW, Revision(Agreement(organisation, agreement), number))
    return store.steps(tx, organisation, agreement, number)


def frozen(tx: Transaction, area: Area, after: str = "", limit: int = 200) -> list[Frozen]:
    """The actor's copies of an area, by digest; after: continue behind this one. Raises Missing when there are none at all."""
    seen = allowed(tx, Action.VIEW, [Record(area, tx.actor.organisation, tx.now)])[0]
    found = store.frozen(tx, area, after, max(1, min(limit, 1000))) if seen else []
    if not found and not after:
        raise Missing("frozen copy")
    return found
