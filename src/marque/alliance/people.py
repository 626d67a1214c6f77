"""The organisations one knows, and the people of one's own: who they are, what their duties are, and that they have left."""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID

from marque.alliance import access, audit, sessions, tokens
from marque.alliance.access import DUTIES, Action
from marque.alliance.store import people as store
from marque.alliance.store.people import OrganisationRow, PersonRow
from marque.common import Missing, Refusal, Sentence, new_id, ok
from marque.foundation import Transaction

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_LONGEST_NAME = 120


def organisations(tx: Transaction) -> list[OrganisationRow]:
    """Those the actor's organisation knows: itself, its own tree, and those it has agreements with."""
    rows = store.organisations(tx)
    seen = access.allowed(tx, Action.VIEW, [access.Organisation(row.organisation) for row in rows])
    return [row for row, visible in zip(rows, seen, strict=True) if visible]


def people(tx: Transaction) -> list[PersonRow]:
    """Everybody of the actor's organisation, also who has left."""
    access.require(tx, Action.ADMINISTER, access.Organisation(tx.actor.organisation))
    return store.people(tx)


def me(tx: Transaction) -> PersonRow:
    """The acting person. Raises Missing for a program."""
    found = store.person(tx, tx.actor.person) if tx.actor.person else None
    if found is None:
        raise Missing("person")
    return found


def enlist(tx: Transaction, name: str, email: str, duties: Iterable[str]) -> PersonRow:
    """A new person of the actor's organisation, who can sign in from now on with this address."""
    access.require(tx, Action.ADMINISTER, access.Organisation(tx.actor.organisation))
    name, email = " ".join(name.split()), email.strip().lower()
    if not 0 < len(name) <= _LONGEST_NAME:
        ok(Refusal("a person has a name", {"at most": Sentence("{count} characters", count=_LONGEST_NAME)}))
    if not _EMAIL.fullmatch(email):
        ok(Refusal("this is not an e-mail address"))
    row = PersonRow(tx.actor.organisation, new_id(), name, email, _checked(duties), tx.now, None)
    if not store.add_person(tx, row):
        ok(Refusal("your organisation has somebody with this e-mail address"))
    _tell(tx, "person-enlisted", row.id, row.duties)
    return row


def set_duties(tx: Transaction, person: UUID, duties: Iterable[str]) -> PersonRow:
    """What somebody may do from now on, also in sessions that are open. The last administrator stays one."""
    row, wanted = _to_change(tx, person), _checked(duties)
    if "administrator" not in wanted:
        _keep_an_administrator(tx, row)
    store.set_duties(tx, person, wanted)
    _tell(tx, "duties-set", person, wanted)
    return store.person(tx, person) or row


def leave(tx: Transaction, person: UUID) -> None:
    """Somebody is not of the organisation any more: no sign-in, no session, no duty, and no token whose text they were told.

    What they signed stays signed.
    """
    _keep_an_administrator(tx, _to_change(tx, person))
    store.leave(tx, person)
    sessions.end_all(tx, person)
    revoked = tokens.revoke_issued_by(tx, person)
    _tell(tx, "person-left", person, [])
    for one in revoked:
        tokens.tell(tx, one)


def _to_change(tx: Transaction, person: UUID) -> PersonRow:
    access.require(tx, Action.ADMINISTER, access.Organisation(tx.actor.organisation))
    store.administrators(tx)  # locked first, in one order, whoever of them is changed: else two that resign at once wait for each other
    row = store.person(tx, person, lock=True)
    if row is None:
        raise Missing("person")
    if row.left_at is not None:
        ok(Refusal("this person has left", {"at": row.left_at.isoformat()}))
    return row


def _keep_an_administrator(tx: Transaction, row: PersonRow) -> None:
    others = store.administrators(tx) - {row.id}
    if "administrator" in row.duties and not others:
        ok(Refusal("this is the last administrator of your organisation; make somebody else one first"))


def _checked(duties: Iterable[str]) -> list[str]:
    wanted = sorted(set(duties))
    if unknown := [one for one in wanted if one not in DUTIES]:
        ok(Refusal("there is no such duty", {"duty": unknown[0][:200], "one of": ", ".join(DUTIES)}))
    return wanted


def _tell(tx: Transaction, kind: str, person: UUID, duties: list[str]) -> None:
    event = {"person": str(person), "duties": duties}
    tx.emit(f"alliance.{kind}", event)
    audit.append(tx, {tx.actor.organisation}, kind, event)
