"""Agreements, their revisions, signatures and programmes, as the actor may see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from marque.foundation import Transaction


@dataclass(frozen=True)
class AgreementRow:
    """organisation: who drafted it; the key is the pair."""

    organisation: str
    id: UUID
    title: str
    created_at: datetime


@dataclass(frozen=True)
class RevisionRow:
    """document: the text that is signed, exactly."""

    organisation: str
    agreement: UUID
    number: int
    document: str
    digest: str
    effective: date
    mode: str
    signatories: list[str]
    proposed_by: str
    proposed_at: datetime


@dataclass(frozen=True)
class SignatureRow:
    number: int
    signatory: str
    person: UUID
    envelope: str
    confirmation: dict[str, str]
    signed_at: datetime


@dataclass(frozen=True)
class ForceRow:
    number: int
    starts: datetime
    ends: datetime | None
    applied_at: datetime | None


@dataclass(frozen=True)
class ProgrammeRow:
    organisation: str
    id: UUID
    agreement: UUID
    code: str
    name: str
    brand: str
    created_at: datetime


_REVISION = "organisation, agreement, number, document, digest, effective, mode, signatories, proposed_by, proposed_at"
_PROGRAMME = "organisation, id, agreement, code, name, brand, created_at"


def add_agreement(tx: Transaction, agreement: UUID, title: str) -> None:
    sql = "insert into alliance.agreement (organisation, id, title, invited, created_at) values (%s, %s, %s, %s, %s)"
    tx.execute(sql, (tx.actor.organisation, agreement, title, [tx.actor.organisation], tx.now))


def agreements(tx: Transaction) -> list[AgreementRow]:
    return tx.rows(AgreementRow, "select organisation, id, title, created_at from alliance.agreement order by title, id")


def agreement(tx: Transaction, organisation: str, agreement_id: UUID) -> AgreementRow | None:
    sql = "select organisation, id, title, created_at from alliance.agreement where organisation = %s and id = %s"
    return tx.row(AgreementRow, sql, (organisation, agreement_id))


def add_revision(tx: Transaction, organisation: str, agreement_id: UUID, number: int, document: str) -> None:
    """The table's trigger reads everything else from the document, and makes sure that it follows the last one."""
    sql = (
        "insert into alliance.revision (organisation, agreement, number, document, proposed_by, proposed_at)"
        " values (%s, %s, %s, %s, %s, %s)"
    )
    tx.execute(sql, (organisation, agreement_id, number, document, tx.actor.organisation, tx.now))


def revisions(tx: Transaction, organisation: str, agreement_id: UUID) -> list[RevisionRow]:
    """By number."""
    sql = f"select {_REVISION} from alliance.revision where organisation = %s and agreement = %s order by number"  # noqa: S608
    return tx.rows(RevisionRow, sql, (organisation, agreement_id))


def revision(tx: Transaction, organisation: str, agreement_id: UUID, number: int) -> RevisionRow | None:
    sql = f"select {_REVISION} from alliance.revision where organisation = %s and agreement = %s and number = %s"  # noqa: S608
    return tx.row(RevisionRow, sql, (organisation, agreement_id, number))


def unsigned(tx: Transaction) -> list[RevisionRow]:
    """Revisions that wait for the actor's organisation, oldest first: those no later one has overtaken in force."""
    sql = (
        f"select {_REVISION} from alliance.revision r where %(me)s = any (signatories)"  # noqa: S608
        " and not exists (select from alliance.signature s where s.signatory = %(me)s"
        "   and (s.organisation, s.agreement, s.number) = (r.organisation, r.agreement, r.number))"
        " and not exists (select from alliance.force f"
        "   where (f.organisation, f.agreement) = (r.organisation, r.agreement) and f.number > r.number)"
        " order by proposed_at, number"
    )
    return tx.rows(RevisionRow, sql, {"me": tx.actor.organisation})


def add_signature(tx: Transaction, row: RevisionRow, envelope: str, confirmation: str) -> None:
    """confirmation: JSON. The rights that follow are derived by the database in the same transaction."""
    sql = (
        "insert into alliance.signature (organisation, agreement, number, signatory, person, envelope, confirmation, signed_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)"
    )
    key = (row.organisation, row.agreement, row.number)
    tx.execute(sql, (*key, tx.actor.organisation, tx.actor.person, envelope, confirmation, tx.now))


def signatures(tx: Transaction, organisation: str, agreement_id: UUID) -> list[SignatureRow]:
    sql = (
        "select number, signatory, person, envelope, confirmation, signed_at from alliance.signature"
        " where organisation = %s and agreement = %s order by number, signed_at, signatory"
    )
    return tx.rows(SignatureRow, sql, (organisation, agreement_id))


def forces(tx: Transaction, organisation: str, agreement_id: UUID) -> list[ForceRow]:
    sql = (
        "select number, starts, nullif(ends, 'infinity') as ends, applied_at from alliance.force"
        " where organisation = %s and agreement = %s order by number"
    )
    return tx.rows(ForceRow, sql, (organisation, agreement_id))


def add_programme(tx: Transaction, row: ProgrammeRow) -> None:
    sql = f"insert into alliance.programme ({_PROGRAMME}) values (%s, %s, %s, %s, %s, %s, %s)"  # noqa: S608
    tx.execute(sql, (row.organisation, row.id, row.agreement, row.code, row.name, row.brand, row.created_at))


def programmes(tx: Transaction, organisation: str | None = None, agreement_id: UUID | None = None) -> list[ProgrammeRow]:
    """Every programme the actor sees, or those of one agreement, by code."""
    sql = (
        f"select {_PROGRAMME} from alliance.programme where (%(of)s::text is null or organisation = %(of)s)"  # noqa: S608
        " and (%(agreement)s::uuid is null or agreement = %(agreement)s) order by code, id"
    )
    return tx.rows(ProgrammeRow, sql, {"of": organisation, "agreement": agreement_id})


def programme(tx: Transaction, organisation: str, programme_id: UUID) -> ProgrammeRow | None:
    sql = f"select {_PROGRAMME} from alliance.programme where organisation = %s and id = %s"  # noqa: S608
    return tx.row(ProgrammeRow, sql, (organisation, programme_id))
