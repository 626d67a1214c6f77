"""SQL of keys, passkeys, challenges and confirmations; row-level security leaves only the actor's organisation's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marque.alliance.passkeys import NewPasskey, Passkey
from marque.alliance.signing import PersonKey
from marque.foundation import Transaction

# A key or passkey of somebody who left counts until that moment.
_KEYS = """
    select k.organisation, k.person, k.public_key, k.valid_from, least(k.valid_until, p.left_at) as valid_until, r.revoked_at
    from alliance.key k
    join alliance.person p on p.organisation = k.organisation and p.id = k.person
    left join alliance.key_revocation r on r.organisation = k.organisation and r.key = k.id
"""
_PASSKEYS = """
    select k.organisation, k.person, k.credential_id, k.public_key, k.registered_at, least(r.revoked_at, p.left_at) as revoked_at,
           k.id, k.label, k.cose_key, k.sign_count, k.backup_eligible
    from alliance.passkey k
    join alliance.person p on p.organisation = k.organisation and p.id = k.person
    left join alliance.passkey_revocation r on r.organisation = k.organisation and r.passkey = k.id
"""


@dataclass(frozen=True)
class Challenge:
    """A question that awaits its answer. envelope: what is to be confirmed; None for a registration."""

    challenge: bytes
    envelope: bytes | None
    expires_at: datetime


@dataclass(frozen=True)
class Person:
    """As much of a person as keys are concerned with."""

    name: str
    left_at: datetime | None


def person(tx: Transaction, of: UUID) -> Person | None:
    """Locked against leaving until the transaction ends."""
    return tx.row(
        Person,
        "select name, left_at from alliance.person where organisation = %s and id = %s for share",
        (tx.actor.organisation, of),
    )


def keys(tx: Transaction, organisation: str) -> list[PersonKey]:
    return tx.rows(PersonKey, f"{_KEYS} where k.organisation = %s order by k.enrolled_at, k.id", (organisation,))


def key(tx: Transaction, key_id: str) -> PersonKey | None:
    return tx.row(PersonKey, f"{_KEYS} where k.organisation = %s and k.id = %s", (tx.actor.organisation, key_id))


def add_key(tx: Transaction, one: PersonKey, request: bytes) -> bool:
    """False when the public key stands for somebody already, in whatever organisation."""
    added = tx.execute(
        "insert into alliance.key (organisation, id, person, public_key, request, valid_from, valid_until, enrolled_at, enrolled_by)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        (
            one.organisation,
            one.id,
            one.person,
            one.public_key,
            request,
            one.valid_from,
            one.valid_until,
            tx.now,
            tx.actor.person,
        ),
    )
    return added == 1


def revoke_key(tx: Transaction, key_id: str, reason: str) -> bool:
    """False when it is revoked already."""
    return tx.execute(_revocation("key"), (tx.actor.organisation, key_id, reason, tx.now, tx.actor.person)) == 1


def passkeys(tx: Transaction, organisation: str) -> list[Passkey]:
    return tx.rows(Passkey, f"{_PASSKEYS} where k.organisation = %s order by k.registered_at, k.id", (organisation,))


def passkeys_of_person(tx: Transaction, of: UUID) -> list[Passkey]:
    sql = f"{_PASSKEYS} where k.organisation = %s and k.person = %s order by k.registered_at, k.id"
    return tx.rows(Passkey, sql, (tx.actor.organisation, of))


def passkey(tx: Transaction, passkey_id: UUID) -> Passkey | None:
    return tx.row(Passkey, f"{_PASSKEYS} where k.organisation = %s and k.id = %s", (tx.actor.organisation, passkey_id))


def passkey_by_credential(tx: Transaction, of: UUID, credential_id: bytes) -> Passkey | None:
    """Locked: one answer of a passkey is looked at after the other, so that its count cannot be used twice."""
    sql = f"{_PASSKEYS} where k.organisation = %s and k.person = %s and k.credential_id = %s for no key update of k"
    return tx.row(Passkey, sql, (tx.actor.organisation, of, credential_id))


def add_passkey(tx: Transaction, passkey_id: UUID, of: UUID, label: str, new: NewPasskey) -> bool:
    """False when the credential is somebody's already."""
    added = tx.execute(
        "insert into alliance.passkey"
        " (organisation, id, person, label, credential_id, cose_key, public_key, sign_count, backup_eligible, registered_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        (
            tx.actor.organisation,
            passkey_id,
            of,
            label,
            new.credential_id,
            new.cose_key,
            new.public_key,
            new.sign_count,
            new.backup_eligible,
            tx.now,
        ),
    )
    return added == 1


def revoke_passkey(tx: Transaction, passkey_id: UUID, reason: str) -> bool:
    """False when it is revoked already."""
    return tx.execute(_revocation("passkey"), (tx.actor.organisation, passkey_id, reason, tx.now, tx.actor.person)) == 1


def ask(tx: Transaction, challenge_id: UUID, of: UUID, challenge: bytes, envelope: bytes | None, expires_at: datetime) -> None:
    """Put a question down, and sweep away the person's own that nobody answered in time."""
    tx.execute(
        "delete from alliance.challenge where organisation = %s and person = %s and expires_at <= %s",
        (tx.actor.organisation, of, tx.now),
    )
    tx.execute(
        "insert into alliance.challenge (organisation, id, person, challenge, envelope, asked_at, expires_at)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (tx.actor.organisation, challenge_id, of, challenge, envelope, tx.now, expires_at),
    )


def take(tx: Transaction, challenge_id: UUID, of: UUID) -> Challenge | None:
    """The question, gone with this: a second answer, even at the same moment, finds none."""
    return tx.row(
        Challenge,
        "delete from alliance.challenge where organisation = %s and id = %s and person = %s returning challenge, envelope, expires_at",
        (tx.actor.organisation, challenge_id, of),
    )


def confirm(tx: Transaction, by: Passkey, challenge: bytes, sign_count: int) -> bool:
    """Note a confirmation and the passkey's count; False when this person has confirmed this before."""
    noted = tx.execute(
        "insert into alliance.confirmation (organisation, person, challenge, passkey, sign_count, confirmed_at)"
        " values (%s, %s, %s, %s, %s, %s) on conflict do nothing",
        (by.organisation, by.person, challenge, by.id, sign_count, tx.now),
    )
    tx.execute(
        "update alliance.passkey set sign_count = %s where organisation = %s and id = %s",
        (sign_count, by.organisation, by.id),
    )
    return noted == 1


def _revocation(of: str) -> str:
    return (
        f"insert into alliance.{of}_revocation (organisation, {of}, reason, revoked_at, revoked_by)"  # noqa: S608  two names, both ours
        " values (%s, %s, %s, %s, %s) on conflict do nothing"
    )
