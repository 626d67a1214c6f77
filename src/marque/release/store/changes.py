"""Changes, their documents and signatures, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from marque.alliance.access import Area
from marque.alliance.proofs import Proof
from marque.car.tuf.model import Signature
from marque.foundation import Transaction
from marque.release.model import Change, Document, Purpose, Rule, Signed, State
from marque.release.store import rows

_HEAD = """
    c.id, c.organisation, c.lead, c.programme, c.created_at, c.written_by, c.purpose, c.subject, c.title,
    k.state, k.created_at as closed_at, coalesce(k.reason, '') as reason
    from release.change c left join release.closing k on k.change = c.id"""


@dataclass(frozen=True)
class Row:
    """A change, as stored."""

    id: UUID
    organisation: str
    lead: str
    programme: UUID
    created_at: datetime
    written_by: UUID
    purpose: str
    subject: str
    title: str
    state: str | None
    closed_at: datetime | None
    reason: str

    def change(self, documents: Sequence[Document]) -> Change:
        return Change(
            id=self.id, organisation=self.organisation, lead=self.lead, programme=self.programme, purpose=Purpose(self.purpose),
            subject=self.subject, title=self.title, state=State(self.state or State.OPEN), documents=tuple(documents),
            opened_at=self.created_at, opened_by=self.written_by, closed_at=self.closed_at, reason=self.reason,
        )  # fmt: skip


@dataclass(frozen=True)
class DocumentRow:
    """A document, as stored."""

    id: UUID
    change: UUID
    repository: str
    role: str
    version: int
    payload: bytes
    digest: str
    rules: list[dict[str, Any]]

    def document(self, signed: Sequence[Signed]) -> Document:
        return Document(
            id=self.id, change=self.change, repository=self.repository, role=self.role, version=self.version, payload=bytes(self.payload),
            digest=self.digest, rules=tuple(_rule(one) for one in self.rules), signed=tuple(signed),
        )  # fmt: skip


@dataclass(frozen=True)
class SignedRow:
    """A signature, without what it holds."""

    document: UUID
    side: str
    written_by: UUID
    key: str
    created_at: datetime


@dataclass(frozen=True)
class Value:
    """What a signature holds."""

    key: str
    value: bytes


@dataclass(frozen=True)
class Proven:
    """What a person's passkey confirmed, as kept."""

    side: str
    document: UUID
    key: str
    envelope: str
    confirmation: dict[str, Any]


@dataclass(frozen=True)
class Drafted:
    """A document before it is stored."""

    repository: str
    role: str
    version: int
    payload: bytes
    rules: tuple[Rule, ...]


def insert(tx: Transaction, area: Area, purpose: Purpose, subject: str, title: str, documents: Sequence[Drafted]) -> UUID:
    made = rows.insert(tx, "change", area, {"purpose": purpose, "subject": subject, "title": title})
    for position, one in enumerate(documents):
        rules = [
            {"what": rule.what, "each": dict(rule.each), "keys": {who: list(ids) for who, ids in rule.keys.items()}} for rule in one.rules
        ]
        columns = {
            "change": made, "position": position, "repository": one.repository, "role": one.role, "version": one.version,
            "payload": one.payload, "rules": Jsonb(rules), "digest": "",
        }  # fmt: skip
        rows.insert(tx, "document", area, columns)
    return made


def add_signature(tx: Transaction, area: Area, document: UUID, key: str, value: bytes, proof: Proof) -> None:
    columns = {"document": document, "key": key, "value": value, "envelope": proof.envelope, "confirmation": Jsonb(proof.confirmation)}
    rows.insert(tx, "signature", area, columns)


def close(tx: Transaction, area: Area, change: UUID, state: State, reason: str = "") -> None:
    rows.insert(tx, "closing", area, {"change": change, "state": state, "reason": reason})


def by_id(tx: Transaction, change: UUID) -> Change | None:
    found = _assembled(tx, tx.rows(Row, f"select {_HEAD} where c.id = %s", (change,)))
    return found[0] if found else None


def of_document(tx: Transaction, document: UUID) -> UUID | None:
    """The change that a document is of."""
    found: UUID | None = tx.value("select change from release.document where id = %s", (document,))
    return found


def page(tx: Transaction, area: Area, before: UUID | None, limit: int) -> list[Change]:
    """Visible changes, the newest first."""
    older = "and c.id < %(before)s" if before else ""
    sql = f"select {_HEAD} where c.lead = %(lead)s and c.programme = %(programme)s {older} order by c.id desc limit %(limit)s"
    of = {"lead": area.lead, "programme": area.programme, "before": before, "limit": limit}
    return _assembled(tx, tx.rows(Row, sql, of))


def open_of(tx: Transaction, area: Area) -> list[Change]:
    """Changes of a programme that wait for signatures, the oldest first."""
    sql = f"select {_HEAD} where c.lead = %s and c.programme = %s and k.state is null order by c.id"
    return _assembled(tx, tx.rows(Row, sql, (area.lead, area.programme)))


def open_everywhere(tx: Transaction) -> list[Change]:
    """Every visible change that waits for signatures."""
    return _assembled(tx, tx.rows(Row, f"select {_HEAD} where k.state is null order by c.id"))


def signatures(tx: Transaction, document: UUID) -> list[Signature]:
    """As a metadata file carries them."""
    found = tx.rows(Value, "select key, value from release.signature where document = %s order by key", (document,))
    return [Signature(one.key, bytes(one.value)) for one in found]


def proofs(tx: Transaction, changes: Sequence[UUID]) -> list[Proven]:
    """What was signed and confirmed on the documents of these changes."""
    sql = """
        select s.side, s.document, s.key, s.envelope, s.confirmation
        from release.signature s join release.document d on d.id = s.document where d.change = any(%s) order by s.created_at, s.id"""
    return tx.rows(Proven, sql, (list(changes),))


def _assembled(tx: Transaction, found: Sequence[Row]) -> list[Change]:
    changes = [row.id for row in found]
    sql = """
        select s.document, s.side, s.written_by, s.key, s.created_at
        from release.signature s join release.document d on d.id = s.document where d.change = any(%s) order by s.created_at, s.id"""
    signed: dict[UUID, list[Signed]] = {}
    for one in tx.rows(SignedRow, sql, (changes,)):
        signed.setdefault(one.document, []).append(Signed(organisation=one.side, person=one.written_by, key=one.key, at=one.created_at))
    sql = """
        select id, change, repository, role, version, payload, digest, rules from release.document
        where change = any(%s) order by change, position"""
    documents: dict[UUID, list[Document]] = {}
    for row in tx.rows(DocumentRow, sql, (changes,)):
        documents.setdefault(row.change, []).append(row.document(signed.get(row.id, ())))
    return [row.change(documents.get(row.id, ())) for row in found]


def _rule(said: Mapping[str, Any]) -> Rule:
    return Rule(what=said["what"], each=said["each"], keys={who: tuple(ids) for who, ids in said["keys"].items()})
