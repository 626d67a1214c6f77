"""Sessions of signed-in people: kept on the server, found by a random token of 256 bits of which only the SHA-256 digest is stored.

A session ends when it is not used for a while, in any case after a day's work, at signing out, and in the moment its person leaves.
What the person may do is not in it: duties and agreements are read again by every request.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from marque.alliance.store import access as store
from marque.alliance.visitors import Session
from marque.common import new_id
from marque.foundation import NOBODY, Database, Transaction

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
_TOUCH = timedelta(minutes=1)
_TOKEN_LENGTH = 43


def start(tx: Transaction, person: UUID) -> tuple[str, Session]:
    """A session of a person of the acting organisation who has just signed in. Its token is told here and never again."""
    token = secrets.token_urlsafe(32)
    ends_at = tx.now + LONGEST
    session = Session(tx.actor.organisation, new_id(), person, tx.now, tx.now, min(tx.now + IDLE, ends_at), ends_at)
    store.add_session(tx, session, _digest(token))
    return token, session


def find(database: Database, token: str) -> Session | None:
    """The session of a request, or None: unknown, ended, expired, or its person has left. Finding it is using it."""
    if len(token) != _TOKEN_LENGTH:
        return None
    with database.transaction(NOBODY) as tx:
        session, now = store.find_session(tx, _digest(token)), tx.now
    if session is not None and now - session.seen_at >= _TOUCH:
        with database.transaction(session.actor) as tx:
            store.touch_session(tx, session.id, min(tx.now + IDLE, session.ends_at))
    return session


def end(database: Database, token: str) -> None:
    """Sign out. Whoever signs out twice is signed out."""
    if (session := find(database, token)) is not None:
        with database.transaction(session.actor) as tx:
            store.end_sessions(tx, "id", session.id)


def end_all(tx: Transaction, person: UUID) -> int:
    """Sign a person of the acting organisation out everywhere; how many sessions that ended. Belongs to leaving and to a lost device."""
    return store.end_sessions(tx, "person", person)


def csrf_token(token: str) -> str:
    """What a form of this session carries to show that one of our pages made it. It tells nothing of the session's token."""
    tag = hmac.digest(token.encode(), b"marque csrf", "sha256")
    return base64.urlsafe_b64encode(tag).rstrip(b"=").decode()


def csrf_holds(token: str, given: str) -> bool:
    return hmac.compare_digest(csrf_token(token).encode(), given.encode())


def from_own_page(headers: Mapping[str, str], origin: str) -> bool:
    """Whether a browser says that one of our own pages sent this. origin: ours, as `https://host:port`.

    Sec-Fetch-Site (Fetch Metadata Request Headers) where the browser sends it, else Origin (RFC 6454); with neither it is no.
    """
    if (site := headers.get("sec-fetch-site")) is not None:
        return site == "same-origin"
    return headers.get("origin") == origin


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
