"""Small alliances in a real database, founded with raw SQL and raw documents, so that what is tested is not what builds them."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from uuid import UUID

import psycopg
import rfc8785

from marque.common import new_id
from marque.foundation import Actor, Database

PROCESSES = (
    "product-definition", "research-and-development", "platform", "manufacture", "brand", "marketing", "sales", "after-sales",
    "software-supply", "evidence-approval", "release-signature", "user-data",
)  # fmt: skip


def found(owner_dsn: str, **kinds: str) -> dict[str, UUID]:
    """Organisations by code and kind, each with one person of every duty. Codes as keywords: `_` stands for `-`. Returns the persons."""
    people = {}
    with psycopg.connect(owner_dsn) as connection:
        for keyword, kind in kinds.items():
            code = keyword.replace("_", "-")
            connection.execute(
                "insert into alliance.organisation (organisation, name, kind) values (%s, %s, %s)", (code, code.upper(), kind)
            )
            people[code] = new_id()
    return people


def enlist(database: Database, people: dict[str, UUID]) -> None:
    """The persons `found` named become people of their organisations."""
    for code, person in people.items():
        with database.transaction(Actor(code)) as tx:
            tx.execute(
                "insert into alliance.person (organisation, id, name, email, duties, created_at) values (%s, %s, %s, %s, %s, %s)",
                (code, person, f"Somebody of {code}", f"somebody@{code}.example", ["signatory", "administrator"], tx.now),
            )


def document(
    agreement: UUID,
    number: int,
    previous: str,
    effective: date,
    matrix: dict[str, dict[str, str]],
    sight: dict[str, dict[str, str]],
    **more: object,
) -> str:
    """A revision's canonical text. Processes left out of the matrix are led by the first party in the order of the alphabet."""
    parties = sorted(more.pop("parties", None) or {one for row in matrix.values() for one in row})
    full = {process: matrix.get(process, {one: "leads" if one == parties[0] else "none" for one in parties}) for process in PROCESSES}
    seen = {process: sight.get(process, dict.fromkeys(parties, "own")) for process in PROCESSES}
    said = {
        "kind": "https://marque.example/agreement-revision/v1", "agreement": str(agreement), "title": "An agreement", "number": number,
        "previous": previous, "effective": effective.isoformat(), "mode": "balanced", "parties": parties,
        "positions": {"carmaker": parties[0], "partner": parties[-1]}, "matrix": full, "sight": seen, "programmes": {},
        "transition": {"clauses": [], "open-decisions": "old"}, "sources": [],
    }  # fmt: skip
    return rfc8785.dumps(said | more).decode()


def draft(database: Database, by: str) -> UUID:
    """A new agreement without a revision."""
    agreement = new_id()
    with database.transaction(Actor(by)) as tx:
        tx.execute(
            "insert into alliance.agreement (organisation, id, title, invited, created_at) values (%s, %s, 'An agreement', %s, %s)",
            (by, agreement, [by], tx.now),
        )
    return agreement


def propose(database: Database, owner: str, agreement: UUID, number: int, text: str, by: str | None = None) -> str:
    """Put a revision's text forward; returns its digest."""
    with database.transaction(Actor(by or owner)) as tx:
        tx.execute(
            "insert into alliance.revision (organisation, agreement, number, document, proposed_by, proposed_at)"
            " values (%s, %s, %s, %s, %s, %s)",
            (owner, agreement, number, text, by or owner, tx.now),
        )
    return hashlib.sha256(text.encode()).hexdigest()


def sign(database: Database, owner: str, agreement: UUID, number: int, signatory: str, person: UUID) -> None:
    """Record a signature; what the envelope holds is the service's concern, not the table's."""
    with database.transaction(Actor(signatory, person)) as tx:
        tx.execute(
            "insert into alliance.signature (organisation, agreement, number, signatory, person, envelope, confirmation, signed_at)"
            " values (%s, %s, %s, %s, %s, '', '{}', %s)",
            (owner, agreement, number, signatory, person, tx.now),
        )


def programme(database: Database, owner: str, agreement: UUID, code: str) -> UUID:
    made = new_id()
    with database.transaction(Actor(owner)) as tx:
        tx.execute(
            "insert into alliance.programme (organisation, id, agreement, code, name, created_at) values (%s, %s, %s, %s, %s, %s)",
            (owner, made, agreement, code, code, tx.now),
        )
    return made


def noon(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


def someone(database: Database, people: dict[str, UUID], organisation: str, *duties: str) -> Actor:
    """The actor that is the organisation's person, with exactly these duties from now on."""
    with database.transaction(Actor(organisation)) as tx:
        tx.execute("update alliance.person set duties = %s where id = %s", (list(duties), people[organisation]))
    return Actor(organisation, people[organisation], "console")
