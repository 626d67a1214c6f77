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

from marque.foundation import Transaction
from marque.release.model import Change, Document

if TYPE_CHECKING:
    from marque.alliance.keys import Asked
    from marque.alliance.passkeys import RelyingParty
    from marque.release.online_keys import OnlineKeys


def change(tx: Transaction, change: UUID) -> Change:
    """Raises Missing."""
    raise NotImplementedError


def document(tx: Transaction, document: UUID) -> Document:
    """Raises Missing."""
    raise NotImplementedError


def changes(tx: Transaction, lead: str, programme: UUID, before: UUID | None = None, limit: int = 50) -> list[Change]:
    """Every change of a programme's repository, the newest first. Raises Missing."""
    raise NotImplementedError


def to_sign(tx: Transaction, change: UUID) -> list[Document]:
    """Its documents that the acting person can sign and has not: one of their keys counts there. Raises Missing."""
    raise NotImplementedError


def begin_signing(tx: Transaction, party: RelyingParty, document: UUID, file: bytes) -> Asked:
    """Check what the person's key made, and ask their passkey to confirm it. Raises Missing, Denied, Refused."""
    raise NotImplementedError


def finish_signing(
    tx: Transaction, party: RelyingParty, online: OnlineKeys, document: UUID, challenge: UUID, response: Mapping[str, Any], signature: str
) -> Change:
    """Sign. signature: the hexadecimal of the file begun with, checked again. The change as it stands then, perhaps in force."""
    raise NotImplementedError


def drop(tx: Transaction, change: UUID, reason: str) -> Change:
    """Leave an open change, by an organisation that signs it; a withdrawal cannot be dropped. Raises Missing, Denied, Refused."""
    raise NotImplementedError
