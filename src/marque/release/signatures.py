"""Signatures on changes: each document by its organisations' people, with their own keys, confirmed by their passkeys.

A person gets a document's payload (`Document.payload`), signs it at home (`marque release sign`), and hands in the file, JSON of
`{"envelope": DSSE of type RELEASE_METADATA, "signature": hexadecimal}`: the envelope is what their passkey confirms, the signature is
TUF's, over the payload itself; both by the same enrolled key. With the last signature that is missing the change comes into force in that
transaction: metadata is published, snapshot and timestamp are signed by the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from marque.alliance import keys
from marque.alliance.access import Action, Record, allowed
from marque.alliance.signing import key_id
from marque.car.tuf.keys import verifies
from marque.common import Missing, Refusal, ok
from marque.foundation import Transaction
from marque.release import acts, publishing, rules
from marque.release.drafts import Held
from marque.release.model import RELEASE_METADATA, Change, Document, Purpose, Release, State, area_of
from marque.release.repositories import as_it_stands
from marque.release.repository import signed_files
from marque.release.repository.keys import key_of
from marque.release.store import changes as store
from marque.release.store import releases as release_store
from marque.release.store import rows
from marque.release.store import withdrawals as withdrawal_store

if TYPE_CHECKING:
    from marque.alliance.keys import Asked
    from marque.alliance.passkeys import RelyingParty
    from marque.release.online_keys import OnlineKeys

PAGE, MOST = 50, 200


def change(tx: Transaction, change: UUID) -> Change:
    """Raises Missing."""
    found = store.by_id(tx, change)
    if found is None or not _seen(tx, found):
        raise Missing("change")
    return found


def document(tx: Transaction, document: UUID) -> Document:
    """Raises Missing."""
    return _document(tx, document)[1]


def changes(tx: Transaction, lead: str, programme: UUID, before: UUID | None = None, limit: int = PAGE) -> list[Change]:
    """Every change of a programme's repository, the newest first. Raises Missing."""
    area = area_of(lead, programme)
    found = store.page(tx, area, before, max(1, min(limit, MOST)))
    seen = [one for one in found if _seen(tx, one)]
    if not seen and not allowed(tx, Action.VIEW, [area])[0]:
        raise Missing("programme or process")
    return seen


def to_sign(tx: Transaction, change_id: UUID) -> list[Document]:
    """Its documents that the acting person can sign and has not: one of their keys counts there. Raises Missing."""
    found = change(tx, change_id)
    if found.state is not State.OPEN or not allowed(tx, Action.SIGN, [area_of(found.lead, found.programme)])[0]:
        return []
    mine = {one.id for one in keys.keys_of(tx, tx.actor.organisation, tx.now) if one.person == tx.actor.person}
    return [one for one in found.documents if (mine & one.signers) and not any(signed.key in mine for signed in one.signed)]


def begin_signing(tx: Transaction, party: RelyingParty, document_id: UUID, file: bytes) -> Asked:
    """Check what the person's key made, and ask their passkey to confirm it. Raises Missing, Denied, Refused."""
    found, asked = _to_sign(tx, document_id)
    read = ok(signed_files.read(file))
    question = ok(keys.begin_confirmation(tx, party, asked.payload, read.envelope, RELEASE_METADATA))
    mine = [one for one in keys.keys_of(tx, tx.actor.organisation, tx.now) if one.person == tx.actor.person]
    used = next(one for one in mine if one.id == read.signature.key)
    _fits(asked, used.public_key, read.signature.value)
    _still(tx, found)
    return question


def finish_signing(
    tx: Transaction,
    party: RelyingParty,
    online: OnlineKeys,
    document_id: UUID,
    challenge: UUID,
    response: Mapping[str, Any],
    signature: str,
) -> Change:
    """Sign. signature: the hexadecimal of the file begun with, checked again. The change as it stands then, perhaps in force."""
    found, asked = _to_sign(tx, document_id)
    area = area_of(found.lead, found.programme)
    proof = ok(keys.finish_confirmation(tx, party, challenge, asked.payload, response, RELEASE_METADATA))
    try:
        value = bytes.fromhex(signature)
    except ValueError:
        ok(Refusal("a signed file holds an envelope, and a signature in hexadecimal digits"))
    _fits(asked, proof.public_key, value)
    _still(tx, found)
    key = key_id(proof.public_key)
    store.add_signature(tx, area, document_id, key, value, proof)
    now = change(tx, found.id)
    told = {"change": str(found.id), "purpose": found.purpose, "subject": found.subject, "file": asked.file, "digest": asked.digest}
    if now.lacks:
        acts.told(tx, area, "change-signed", told | {"key": key})
        return now
    before = publishing.now_held(tx, area)
    publishing.publish(tx, online, area, now.documents, before)
    store.close(tx, area, found.id, State.IN_FORCE)
    _in_force(tx, found, before)
    acts.told(tx, area, "change-signed", told | {"key": key, "in_force": True})
    return change(tx, found.id)


def drop(tx: Transaction, change_id: UUID, reason: str) -> Change:
    """Leave an open change, by an organisation that signs it; a withdrawal cannot be dropped. Raises Missing, Denied, Refused."""
    found = change(tx, change_id)
    area = area_of(found.lead, found.programme)
    acts.by_person(tx, Action.SIGN, area)
    rows.lock(tx, found.programme)
    found = change(tx, change_id)
    if found.state is not State.OPEN:
        ok(Refusal("this change is not open any more", {"state": found.state}))
    if found.purpose is Purpose.WITHDRAWAL:
        ok(Refusal("what was withdrawn stays withdrawn; its list cannot be dropped"))
    if not 0 < len(reason.strip()) <= rules.LONGEST_NOTE or "\0" in reason:
        ok(Refusal("give a reason of at most 4,000 characters"))
    store.close(tx, area, found.id, State.DROPPED, reason.strip())
    said = {"change": str(found.id), "purpose": found.purpose, "subject": found.subject, "reason": reason.strip()}
    acts.told(tx, area, "change-dropped", said)
    return change(tx, change_id)


def _to_sign(tx: Transaction, document_id: UUID) -> tuple[Change, Document]:
    """An open change, held until the transaction ends, and the document of it, which the acting organisation signs."""
    found, _ = _document(tx, document_id)
    acts.by_person(tx, Action.SIGN, area_of(found.lead, found.programme))
    rows.lock(tx, found.programme)
    found, asked = _document(tx, document_id)
    if found.state is not State.OPEN:
        ok(Refusal("this change is not open any more", {"state": found.state}))
    if not any(tx.actor.organisation in rule.each for rule in asked.rules):
        ok(Refusal("your organisation does not sign this file", {"file": asked.file}))
    return found, asked


def _document(tx: Transaction, document_id: UUID) -> tuple[Change, Document]:
    of = store.of_document(tx, document_id)
    if of is None:
        raise Missing("document")
    found = change(tx, of)
    return found, next(one for one in found.documents if one.id == document_id)


def _fits(asked: Document, public: bytes, value: bytes) -> None:
    """That this key's signature counts, is not there yet, and is on the payload. Raises Refused."""
    key = key_of(public)
    if key.id not in asked.signers:
        ok(Refusal("this key is not among those that sign this file", {"key": key.id, "file": asked.file}))
    if any(one.key == key.id for one in asked.signed):
        ok(Refusal("you have signed this file already", {"file": asked.file}))
    if not verifies(key, value, asked.payload):
        ok(Refusal("the signature does not fit the file and the key", {"file": asked.file}))


def _still(tx: Transaction, found: Change) -> None:
    """That what was drafted may still come into force. Raises Refused."""
    area = area_of(found.lead, found.programme)
    if found.purpose in {Purpose.REPOSITORY, Purpose.WITHDRAWAL}:
        return
    if (closed := rules.usable(as_it_stands(tx, area))) is not None:
        ok(closed)
    if found.purpose is Purpose.RELEASE and (gone := rules.holds(_release(tx, found), tx.now)) is not None:
        ok(gone)


def _release(tx: Transaction, found: Change) -> Release:
    return release_store.by_ids(tx, [UUID(found.subject)])[0]


def _in_force(tx: Transaction, found: Change, before: Held) -> None:
    """What follows; told before the log's lock is taken."""
    said = {"lead": found.lead, "programme": str(found.programme), "change": str(found.id)}
    if found.purpose is Purpose.RELEASE:
        tx.emit("release.published", said | acts.about(_release(tx, found)))
    elif found.purpose is Purpose.REPOSITORY:
        tx.emit("release.repository-in-force", said | {"begun": before.root is None})
    elif found.purpose is Purpose.WITHDRAWAL:
        signed = [one.evidence for one in withdrawal_store.by_side(tx, area_of(found.lead, found.programme), tx.actor.organisation)]
        tx.emit("release.withdrawal-signed", said | {"organisation": tx.actor.organisation, "evidence": signed})


def _seen(tx: Transaction, one: Change) -> bool:
    return allowed(tx, Action.VIEW, [Record(area_of(one.lead, one.programme), one.organisation, one.opened_at)])[0]
