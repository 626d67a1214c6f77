"""Tokens of programs: bound to one organisation, one purpose and named scopes; `mq_<id>_<secret>`, shown once, stored as a digest.

    Authorization: Bearer mq_0197…_Zk3…

What a scope says is `action:process`, as `create:after-sales` or `view:*`. A scope opens nothing that the agreement in force does not give
the organisation; the policies of services say which actions there are.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from marque.alliance import audit
from marque.alliance.access import Action, Organisation, require
from marque.alliance.model import Process
from marque.alliance.store import access as store
from marque.alliance.visitors import Service, ServiceToken
from marque.common import InputError, Missing, Sentence, new_id
from marque.foundation import NOBODY, Database, Transaction

LONGEST = timedelta(days=366)
ACTIONS = (Action.VIEW, Action.CREATE, Action.EDIT, Action.COMMENT, Action.SELL)
"""What a scope can be for."""
_TOUCH = timedelta(minutes=1)
_FORM = re.compile(r"mq_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
_BEARER = re.compile(r"Bearer +(\S+)", re.IGNORECASE)


def issue(tx: Transaction, name: str, purpose: str, scopes: Sequence[str], expires_at: datetime) -> tuple[str, ServiceToken]:
    """A new token of the acting organisation, by one of its administrators. Its text is told here and never again.

    Raises Denied, or InputError for a scope nobody knows, an empty name or purpose, or an end that has passed or is over a year away.
    """
    require(tx, Action.ADMINISTER, Organisation(tx.actor.organisation))
    assert tx.actor.person is not None, "only people administer"
    for given, what in ((name, "name"), (purpose, "purpose")):
        if not given.strip():
            raise InputError("token", what, "it is empty", "Say what the token is for, so that it can be recognised later.")
    wanted = tuple(sorted(set(scopes)))
    known = {f"{action}:{process}" for action in ACTIONS for process in ("*", *Process)}
    if not wanted or (unknown := sorted(set(wanted) - known)):
        problem = Sentence("{given!r} is not a scope", given=unknown[0]) if wanted else "no scope is given"
        remedy = Sentence("A scope is one of {actions}, a colon, and a process or *.", actions=", ".join(ACTIONS))
        raise InputError("token", "scopes", problem, remedy)
    if not tx.now < expires_at <= tx.now + LONGEST:
        raise InputError("token", "expires", "it has to end after now and within a year", "Issue a new one when it ends.")
    token = ServiceToken(new_id(), name.strip(), purpose.strip(), list(wanted), tx.now, tx.actor.person, expires_at)
    secret = secrets.token_urlsafe(32)
    store.add_token(tx, token, _digest(secret))
    told = {"token": str(token.id), "purpose": token.purpose, "scopes": token.scopes, "expires": token.expires_at.isoformat()}
    audit.append(tx, {tx.actor.organisation}, "token-issued", told)
    return f"mq_{token.id.hex}_{secret}", token


def find(database: Database, text: str) -> Service | None:
    """Who shows this token, or None: unknown, ill-formed, expired or revoked. Finding it is using it."""
    if (parts := _FORM.fullmatch(text)) is None:
        return None
    with database.transaction(NOBODY) as tx:
        service, now = store.find_token(tx, UUID(parts[1]), _digest(parts[2])), tx.now
    if service is not None and (service.used_at is None or now - service.used_at >= _TOUCH):
        with database.transaction(service.actor) as tx:
            store.token_used(tx, service.id)
        service = replace(service, used_at=now)
    return service


def bearer(authorization: str) -> str | None:
    """The token of an Authorization header (RFC 6750, 2.1); None for another scheme."""
    found = _BEARER.fullmatch(authorization.strip())
    return found[1] if found else None


def issued(tx: Transaction) -> list[ServiceToken]:
    """The tokens of the acting organisation, for its administrators; the last one first."""
    require(tx, Action.ADMINISTER, Organisation(tx.actor.organisation))
    return store.tokens(tx)


def revoke(tx: Transaction, token: UUID) -> None:
    """From the next question on, also for requests under way. Raises Denied, or Missing when there is none that holds."""
    require(tx, Action.ADMINISTER, Organisation(tx.actor.organisation))
    if not store.revoke_token(tx, token):
        raise Missing("token")
    tell(tx, token)


def revoke_issued_by(tx: Transaction, person: UUID) -> list[UUID]:
    """Those that somebody of the acting organisation was told the text of; returns which. To be logged by whoever calls, with `tell`."""
    return [one.id for one in store.tokens(tx) if one.issued_by == person and store.revoke_token(tx, one.id)]


def tell(tx: Transaction, revoked: UUID) -> None:
    audit.append(tx, {tx.actor.organisation}, "token-revoked", {"token": str(revoked)})


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
