"""Signing in, as far as it is the alliance's: where an organisation's people prove who they are, and which person somebody is then.

An identity provider speaks for the organisation that named it and for no other: whoever it vouches for is looked up among that
organisation's people alone, whatever address it claims. What is on the wire belongs to the application.
"""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from uuid import UUID

from marque.alliance import access, audit
from marque.alliance.store import access as store
from marque.alliance.store.access import IdentityProvider, Present
from marque.common import InputError, Refusal
from marque.foundation import Actor, Transaction

PURPOSE = "sign-in"
LIVES = timedelta(minutes=10)
"""For so long an identity provider may take."""
_CODE = re.compile(r"[a-z][a-z0-9-]{0,39}")
_ISSUER = re.compile(r"https://[^/?#\s]+[^?#\s]*|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^?#\s]*)?")


def actor(organisation: str) -> Actor | None:
    """Who signs somebody in: the organisation, before the person is known. None for what is no code of an organisation."""
    return Actor(organisation, None, PURPOSE) if _CODE.fullmatch(organisation) else None


def provider(tx: Transaction) -> IdentityProvider | None:
    """The acting organisation's identity provider."""
    return store.identity_provider(tx)


def set_provider(tx: Transaction, issuer: str, client_id: str) -> None:
    """From now on the acting organisation's people sign in there; by an administrator. Links to subjects of another issuer stay, unused."""
    access.require(tx, access.Action.ADMINISTER, access.Organisation(tx.actor.organisation))
    if not _ISSUER.fullmatch(issuer):
        remedy = "Write https://…, exactly as the provider names itself."
        raise InputError("identity provider", "issuer", f"{issuer!r} is not an issuer", remedy)
    if not client_id.strip():
        raise InputError("identity provider", "client_id", "it is empty", "Register Marque with the provider; it gives out the id.")
    store.set_identity_provider(tx, issuer, client_id.strip())
    audit.append(tx, {tx.actor.organisation}, "identity-provider-set", {"issuer": issuer, "client": client_id.strip()})


def begin(tx: Transaction, state: str, return_to: str) -> None:
    """A sign-in goes out with this state, which comes back once at most."""
    store.begin_sign_in(tx, _digest(state), return_to, tx.now + LIVES)


def take(tx: Transaction, state: str) -> str | None:
    """Where to go once the person is known; None for a state that was never sent, has come back before, or took too long."""
    return store.take_sign_in(tx, _digest(state))


def person_of(tx: Transaction, issuer: str, subject: str, email: str) -> UUID | Refusal:
    """The acting organisation's person that this subject of its provider is.

    email: as the provider has verified it, else empty. It counts once: afterwards the subject is that person though addresses change,
    until that person leaves. Who came back since was enlisted anew, and is found by the address again.
    """
    linked = store.person_of_subject(tx, issuer, subject)
    if linked is not None and store.is_present(tx, linked):
        return linked
    person = store.person_of_email(tx, email) if email else None
    if person is None:
        return Refusal(
            "this person has left the organisation"
            if linked is not None
            else "nobody of this organisation has your e-mail address; ask its administrator"
            if email
            else "the identity provider has not verified your e-mail address"
        )
    if linked is not None:
        store.unlink_identity(tx, issuer, subject)
    if not store.link_identity(tx, issuer, subject, person):
        return Refusal("the person with your e-mail address signs in with another account; ask your administrator")
    return person


def listed(tx: Transaction) -> list[Present]:
    """Everybody who could sign in; for the development identity provider."""
    return store.present(tx)


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
