"""Agreements from draft to force: drafted, proposed, signed by each party's person, in force from a date on.

Every function belongs in one transaction of the actor, asks the gate first, and leaves an entry in the audit log of all concerned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any
from uuid import UUID

from marque.alliance import access, audit, documents, keys, rules
from marque.alliance.access import Action
from marque.alliance.keys import Asked
from marque.alliance.model import Agreement, Revision, Signature
from marque.alliance.passkeys import RelyingParty
from marque.alliance.store import agreements as store
from marque.alliance.store.agreements import AgreementRow, ForceRow, ProgrammeRow, RevisionRow, SignatureRow
from marque.common import Missing, Refusal, Sentence, new_id, ok
from marque.foundation import Transaction

_LONGEST_TITLE = 200
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .-]{0,39}")


class Status(StrEnum):
    """Where a revision stands at an instant."""

    WAITS = "waits"
    LATER = "later"
    IN_FORCE = "in-force"
    PAST = "past"
    NEVER = "never"


@dataclass(frozen=True)
class RevisionState:
    """A revision with who has signed it, and from when to when it is in force (None: not known yet, or without an end)."""

    row: RevisionRow
    signatures: Mapping[str, SignatureRow]
    force: ForceRow | None
    overtaken: bool

    @cached_property
    def said(self) -> Revision:
        return documents.read(self.row.document, f"revision {self.row.number}")

    @property
    def waits_for(self) -> list[str]:
        return [] if self.overtaken else [one for one in self.row.signatories if one not in self.signatures]

    def status(self, at: datetime) -> Status:
        if self.force is None:
            return Status.NEVER if self.overtaken else Status.WAITS
        if at < self.force.starts:
            return Status.LATER
        return Status.PAST if self.force.ends is not None and self.force.ends <= at else Status.IN_FORCE


@dataclass(frozen=True)
class AgreementState:
    """An agreement as one organisation sees it. revisions: those it signs, by number."""

    row: AgreementRow
    revisions: tuple[RevisionState, ...]
    programmes: tuple[ProgrammeRow, ...]

    def in_force(self, at: datetime) -> RevisionState | None:
        return next((one for one in self.revisions if one.status(at) is Status.IN_FORCE), None)

    @cached_property
    def agreed(self) -> Agreement:
        """As the rules know it."""
        signatures = (
            Signature(one.signatory, revision.row.digest, one.signed_at, one.person)
            for revision in self.revisions
            for one in revision.signatures.values()
        )
        return Agreement(tuple(one.said for one in self.revisions), tuple(signatures))

    @property
    def last(self) -> RevisionState | None:
        return self.revisions[-1] if self.revisions else None


def all_agreements(tx: Transaction) -> list[AgreementState]:
    """Every agreement the actor may see, with the state of each."""
    rows = store.agreements(tx)
    seen = access.allowed(tx, Action.VIEW, [access.Agreement(row.organisation, row.id) for row in rows])
    return [_state(tx, row) for row, visible in zip(rows, seen, strict=True) if visible]


def agreement(tx: Transaction, owner: str, agreement_id: UUID) -> AgreementState:
    """Raises Missing."""
    access.require(tx, Action.VIEW, access.Agreement(owner, agreement_id))
    row = store.agreement(tx, owner, agreement_id)
    if row is None:
        raise Missing("agreement")
    return _state(tx, row)


def revision(tx: Transaction, owner: str, agreement_id: UUID, number: int) -> RevisionState:
    """Raises Missing."""
    found = agreement(tx, owner, agreement_id)
    return next((one for one in found.revisions if one.row.number == number), None) or _missing("revision")


def draft(tx: Transaction, title: str) -> UUID:
    """An agreement of the actor's organisation, with nothing in it yet; its first revision names the others."""
    access.require(tx, Action.DRAFT, access.Organisation(tx.actor.organisation))
    title = " ".join(title.split())
    if not 0 < len(title) <= _LONGEST_TITLE:
        ok(Refusal("an agreement has a title", {"at most": Sentence("{count} characters", count=_LONGEST_TITLE)}))
    made = new_id()
    store.add_agreement(tx, made, title)
    tx.emit("alliance.agreement-drafted", {"agreement": str(made), "title": title})
    audit.append(tx, {tx.actor.organisation}, "agreement-drafted", {"agreement": str(made), "title": title})
    return made


def propose(tx: Transaction, owner: str, agreement_id: UUID, draft: Revision) -> RevisionState:
    """Put the next revision forward. It changes nothing until all its signatories have signed it.

    Its number, what it follows, and who leaves by it are the rules' to say, whatever the draft says. Raises Refused, Missing, Denied.
    """
    access.require(tx, Action.PROPOSE, access.Agreement(owner, agreement_id))
    state = agreement(tx, owner, agreement_id)
    made = ok(rules.propose(state.agreed, replace(draft, agreement=agreement_id), tx.actor.organisation, tx.now))
    store.add_revision(tx, owner, agreement_id, made.number, made.text.decode())
    event = {"owner": owner, "agreement": str(agreement_id), "number": made.number, "digest": made.digest}
    tx.emit("alliance.revision-proposed", event)
    audit.append(tx, set(made.signatories), "revision-proposed", event)
    return revision(tx, owner, agreement_id, made.number)


def begin_signing(tx: Transaction, party: RelyingParty, owner: str, agreement_id: UUID, number: int, envelope: bytes) -> Asked:
    """Check the envelope made with the person's key, and ask their passkey to confirm it."""
    found = _to_sign(tx, owner, agreement_id, number)
    return ok(keys.begin_confirmation(tx, party, found.row.document.encode(), envelope))


def finish_signing(
    tx: Transaction, party: RelyingParty, owner: str, agreement_id: UUID, number: int, challenge: UUID, response: Mapping[str, Any]
) -> RevisionState:
    """Sign for the actor's organisation: the envelope asked about, with the passkey's answer. With the last signature it takes force."""
    found = _to_sign(tx, owner, agreement_id, number)
    proof = ok(keys.finish_confirmation(tx, party, challenge, found.row.document.encode(), response))
    store.add_signature(tx, found.row, proof.envelope, json.dumps(proof.confirmation))
    signed = revision(tx, owner, agreement_id, number)
    event = {"owner": owner, "agreement": str(agreement_id), "number": number, "digest": signed.row.digest}
    tx.emit("alliance.revision-signed", event | {"complete": not signed.waits_for})
    proven = {"proof": json.loads(proof.dumps())}
    audit.append(tx, set(signed.row.signatories), "revision-signed", event | proven | {"signatory": tx.actor.organisation})
    return signed


def waiting(tx: Transaction) -> list[RevisionRow]:
    """Revisions that wait for the actor's organisation to sign."""
    return store.unsigned(tx)


def found_programme(tx: Transaction, owner: str, agreement_id: UUID, code: str, name: str, brand: str = "") -> ProgrammeRow:
    """A programme under an agreement, known by its code; what its documents say of that code holds for it at once."""
    access.require(tx, Action.CREATE, access.Agreement(owner, agreement_id))
    if not _CODE.fullmatch(code):
        ok(Refusal("a programme's code is 1 to 40 letters, digits, spaces, dots or hyphens, and begins with a letter or digit"))
    if any(one.code == code for one in store.programmes(tx, owner, agreement_id)):
        ok(Refusal("this agreement has a programme with this code", {"code": code}))
    row = ProgrammeRow(owner, new_id(), agreement_id, code, name.strip() or code, brand, tx.now)
    store.add_programme(tx, row)
    event = {"owner": owner, "agreement": str(agreement_id), "programme": str(row.id), "code": code}
    tx.emit("alliance.programme-founded", event)
    last = agreement(tx, owner, agreement_id).last
    audit.append(tx, set(last.row.signatories) if last else {owner}, "programme-founded", event)
    return row


def programmes(tx: Transaction) -> list[ProgrammeRow]:
    return store.programmes(tx)


def programme(tx: Transaction, owner: str, programme_id: UUID) -> ProgrammeRow:
    """Raises Missing."""
    return store.programme(tx, owner, programme_id) or _missing("programme")


def _to_sign(tx: Transaction, owner: str, agreement_id: UUID, number: int) -> RevisionState:
    access.require(tx, Action.SIGN, access.Revision(access.Agreement(owner, agreement_id), number))
    state = agreement(tx, owner, agreement_id)
    found = next(one for one in state.revisions if one.row.number == number)
    ok(rules.sign(state.agreed, number, Signature(tx.actor.organisation, found.row.digest, tx.now, tx.actor.person), tx.now))
    return found


def _state(tx: Transaction, row: AgreementRow) -> AgreementState:
    forces = {one.number: one for one in store.forces(tx, row.organisation, row.id)}
    signed: dict[int, dict[str, SignatureRow]] = {}
    for signature in store.signatures(tx, row.organisation, row.id):
        signed.setdefault(signature.number, {})[signature.signatory] = signature
    revisions = tuple(
        RevisionState(one, signed.get(one.number, {}), forces.get(one.number), _overtaken(one.number, forces, tx.now))
        for one in store.revisions(tx, row.organisation, row.id)
    )
    return AgreementState(row, revisions, tuple(store.programmes(tx, row.organisation, row.id)))


def _overtaken(number: int, forces: Mapping[int, ForceRow], now: datetime) -> bool:
    """Whether a later revision has come into force, so that this one, unless it was before, never will."""
    return number not in forces and any(later > number and force.starts <= now for later, force in forces.items())


def _missing(what: str) -> Any:
    raise Missing(what)
