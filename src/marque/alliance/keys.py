"""Keys and passkeys of an organisation's people: enrolled, registered, used to confirm, revoked.

Each function acts for the transaction's actor, at the transaction's instant, on the actor's own organisation; whether the actor may do it
is the policy gate's question, asked by whoever calls. Refusals are values; nothing is written when one is returned, except that a
challenge that was answered is gone, and a passkey's count has risen if its answer was genuine. What became of a key or passkey stands in
the organisation's audit log.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from marque.alliance import audit
from marque.alliance.passkeys import (
    CEREMONY_MS,
    Passkey,
    RelyingParty,
    assertion_options,
    challenge_of,
    credential_id_of,
    registration_options,
    verify_assertion,
    verify_registration,
)
from marque.alliance.proofs import Directory, Proof
from marque.alliance.signing import AGREEMENT_REVISION, Envelope, PersonKey, read_enrolment, read_envelope, verify
from marque.alliance.store import keys as store
from marque.common import Denied, Missing, Refusal, new_id, ok
from marque.foundation import Transaction

KEY_LIFE = timedelta(days=2 * 365)
"""How long a key counts unless said otherwise: NIST SP 800-57 part 1, 5.3.6, one to three years for private signature keys."""
CHALLENGE_LIFE = timedelta(milliseconds=CEREMONY_MS)
_MAX_LABEL = 80


@dataclass(frozen=True)
class Asked:
    """A question for the person's passkey. options: what the browser's `navigator.credentials` takes, as JSON values."""

    challenge: UUID
    options: dict[str, Any]


def enroll_key(
    tx: Transaction, request: bytes, valid_from: datetime | None = None, valid_until: datetime | None = None
) -> PersonKey | Refusal:
    """Enrol the public key of a person's own signed request (`marque keys new`). From now on and for KEY_LIFE, unless said otherwise.

    Raises Missing when the request names nobody of the actor's organisation.
    """
    enrolment = read_enrolment(request)
    if isinstance(enrolment, Refusal):
        return enrolment
    person = store.person(tx, enrolment.person) if enrolment.organisation == tx.actor.organisation else None
    if person is None:
        raise Missing("person")
    if person.left_at is not None and person.left_at <= tx.now:
        return Refusal("this person has left")
    starts = max(valid_from or tx.now, tx.now)
    key = PersonKey(enrolment.organisation, enrolment.person, enrolment.public_key, starts, valid_until or starts + KEY_LIFE)
    if key.valid_until <= key.valid_from:
        return Refusal("the key would end before it begins", {"from": key.valid_from.isoformat(), "until": key.valid_until.isoformat()})
    if not store.add_key(tx, key, request):
        return Refusal(
            "this public key is enrolled already; a key stands for one person only, and is never enrolled again", {"key": key.id}
        )
    _tell(tx, "key-enrolled", {"key": key.id, "person": str(key.person), "until": key.valid_until.isoformat()})
    return key


def revoke_key(tx: Transaction, key_id: str, reason: str) -> PersonKey | Refusal:
    """From this instant on nothing signed with the key is accepted; what was received before stays signed. Raises Missing."""
    key = store.key(tx, key_id)
    if key is None:
        raise Missing("key")
    if not reason.strip():
        return Refusal("a revocation has a reason")
    if not store.revoke_key(tx, key_id, reason.strip()):
        return Refusal("this key is revoked already", {"key": key_id})
    _tell(tx, "key-revoked", {"key": key_id, "person": str(key.person), "reason": reason.strip()})
    return PersonKey(key.organisation, key.person, key.public_key, key.valid_from, key.valid_until, tx.now)


def keys_of(tx: Transaction, organisation: str, at: datetime | None = None) -> list[PersonKey]:
    """An organisation's keys, all that ever were, or those that count at an instant. Another organisation's are not yours to see: none."""
    return [key for key in store.keys(tx, organisation) if at is None or key.counts_at(at)]


def passkeys_of(tx: Transaction, person: UUID) -> list[Passkey]:
    """Every passkey of a person of the actor's organisation, also revoked ones."""
    return store.passkeys_of_person(tx, person)


def directory(tx: Transaction, party: RelyingParty) -> Directory:
    """The actor's organisation's keys and passkeys, to be handed to those who want to check its signatures offline."""
    organisation = tx.actor.organisation
    return Directory(party, tuple(store.keys(tx, organisation)), tuple(store.passkeys(tx, organisation)))


def begin_registration(tx: Transaction, party: RelyingParty) -> Asked | Refusal:
    """Ask the acting person's device for a new passkey."""
    whose = _acting_person(tx)
    person = store.person(tx, whose)
    if person is None:
        raise Missing("person")
    if person.left_at is not None and person.left_at <= tx.now:
        return Refusal("this person has left")
    challenge = os.urandom(32)
    known = [one for one in store.passkeys_of_person(tx, whose) if one.counts_at(tx.now)]
    return _asked(tx, challenge, None, registration_options(party, whose, person.name, challenge, known))


def finish_registration(
    tx: Transaction, party: RelyingParty, challenge: UUID, response: Mapping[str, Any], label: str
) -> Passkey | Refusal:
    """Keep the passkey that the device made. label: what the person calls it. Raises Missing when nothing of the kind was asked."""
    whose = _acting_person(tx)
    asked = store.take(tx, challenge, whose)
    if asked is None or asked.envelope is not None:
        raise Missing("registration under way")
    if asked.expires_at <= tx.now:
        return Refusal("that took too long; begin again", {"expired": asked.expires_at.isoformat()})
    new = verify_registration(dict(response), asked.challenge, party)
    if isinstance(new, Refusal):
        return new
    passkey = new_id()
    if not store.add_passkey(tx, passkey, whose, label.strip()[:_MAX_LABEL] or "passkey", new):
        return Refusal("this passkey is registered already; a passkey stands for one person only")
    registered = _own_passkey(tx, passkey)
    _tell(tx, "passkey-registered", {"passkey": str(passkey), "person": str(whose)})
    return registered


def revoke_passkey(tx: Transaction, passkey: UUID, reason: str) -> Passkey | Refusal:
    """From this instant on it confirms nothing; what it confirmed before stays confirmed. Raises Missing."""
    known = _own_passkey(tx, passkey)
    if not reason.strip():
        return Refusal("a revocation has a reason")
    if not store.revoke_passkey(tx, passkey, reason.strip()):
        return Refusal("this passkey is revoked already", {"passkey": str(passkey)})
    revoked = _own_passkey(tx, passkey)
    _tell(tx, "passkey-revoked", {"passkey": str(passkey), "person": str(known.person), "reason": reason.strip()})
    return revoked


def begin_confirmation(
    tx: Transaction, party: RelyingParty, document: bytes, envelope: bytes, payload_type: str = AGREEMENT_REVISION
) -> Asked | Refusal:
    """Ask the acting person's passkey to confirm what their own key signed: this very document, in an envelope with that one signature."""
    whose = _acting_person(tx)
    signed = _signed_by(tx, whose, document, envelope, payload_type)
    if isinstance(signed, Refusal):
        return signed
    known = [one for one in store.passkeys_of_person(tx, whose) if one.counts_at(tx.now)]
    if not known:
        return Refusal("there is no passkey to confirm with; register one first")
    challenge = challenge_of(signed[0])
    return _asked(tx, challenge, signed[0].dumps(), assertion_options(party, challenge, known))


def finish_confirmation(
    tx: Transaction,
    party: RelyingParty,
    challenge: UUID,
    document: bytes,
    response: Mapping[str, Any],
    payload_type: str = AGREEMENT_REVISION,
) -> Proof | Refusal:
    """The proof that the acting person signed and confirmed exactly this document, now; to be stored with what it is for.

    Key and passkey are looked at again: what was revoked since the question was asked counts no more.
    Raises Missing when nothing of the kind was asked, or it has been answered.
    """
    whose = _acting_person(tx)
    asked = store.take(tx, challenge, whose)
    if asked is None or asked.envelope is None:
        raise Missing("confirmation under way")
    if asked.expires_at <= tx.now:
        return Refusal("that took too long; begin again", {"expired": asked.expires_at.isoformat()})
    signed = _signed_by(tx, whose, document, asked.envelope, payload_type)
    if isinstance(signed, Refusal):
        return signed
    passkey = store.passkey_by_credential(tx, whose, credential_id_of(response))
    if passkey is None or not passkey.counts_at(tx.now):
        return Refusal("the answer is by a passkey that is not registered, or revoked")
    verified = verify_assertion(dict(response), asked.challenge, party, passkey)
    if isinstance(verified, Refusal):
        return verified
    assertion, confirmed = verified
    if not store.confirm(tx, passkey, asked.challenge, confirmed.sign_count):
        return Refusal("you have confirmed this before")
    envelope, key = signed
    return Proof(passkey.organisation, whose, tx.now, envelope.dumps().decode(), key.public_key, passkey.public_key, assertion)


def _signed_by(tx: Transaction, person: UUID, document: bytes, envelope: bytes, payload_type: str) -> tuple[Envelope, PersonKey] | Refusal:
    keys = {key.id: key for key in store.keys(tx, tx.actor.organisation) if key.person == person}
    signers = verify(envelope, keys.values(), document=document, at=tx.now, payload_type=payload_type)
    if isinstance(signers, Refusal):
        return signers
    read = ok(read_envelope(envelope))
    if len(read.signatures) != 1:
        return Refusal("the envelope holds more than your one signature")
    return read, keys[signers[0].key]


def _asked(tx: Transaction, challenge: bytes, envelope: bytes | None, options: dict[str, Any]) -> Asked:
    asked = Asked(new_id(), options)
    store.ask(tx, asked.challenge, _acting_person(tx), challenge, envelope, tx.now + CHALLENGE_LIFE)
    return asked


def _tell(tx: Transaction, kind: str, event: dict[str, str]) -> None:
    tx.emit(f"alliance.{kind}", event)
    audit.append(tx, {tx.actor.organisation}, kind, event)


def _acting_person(tx: Transaction) -> UUID:
    if tx.actor.person is None:
        raise Denied("A passkey belongs to a person: sign in as one; a service cannot do this.")
    return tx.actor.person


def _own_passkey(tx: Transaction, passkey: UUID) -> Passkey:
    known = store.passkey(tx, passkey)
    if known is None:
        raise Missing("passkey")
    return known
