"""SQL of sign-in, sessions, tokens, and of what a policy decision is about. Everything is read as the actor, behind row-level security."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from marque.alliance.visitors import Service, ServiceToken, Session
from marque.foundation import Transaction


@dataclass(frozen=True)
class Stamp:
    """A revision of a programme's agreement without its text, and who has signed it until now. number: None where there is no revision.

    kept, before: processes of the programme of which rows made before an instant stay readable to the actor's organisation; the instants.
    """

    agreement: UUID
    code: str
    number: int | None
    digest: str
    signed_by: list[str]
    signed_at: list[datetime]
    kept: list[str] = field(default_factory=list)
    before: list[datetime] = field(default_factory=list)


@dataclass(frozen=True)
class FoundOrganisation:
    parent: str | None
    partner: bool


@dataclass(frozen=True)
class IdentityProvider:
    """Where the people of an organisation sign in. issuer: as OpenID Connect Discovery 1.0 has it, compared exactly."""

    organisation: str
    issuer: str
    client_id: str


@dataclass(frozen=True)
class Present:
    """Somebody who is of the organisation now."""

    id: UUID
    name: str
    email: str
    duties: list[str]


# What a decision is about.


def duties(tx: Transaction) -> list[str] | None:
    """Of the acting person; None when there is no such person or they have left."""
    found: list[str] | None = tx.value(
        "select duties from alliance.person where organisation = %s and id = %s and (left_at is null or %s < left_at)",
        (tx.actor.organisation, tx.actor.person, tx.now),
    )
    return found


def scopes(tx: Transaction, token: UUID) -> list[str] | None:
    """Of a token of the acting organisation that holds now."""
    found: list[str] | None = tx.value(
        "select scopes from alliance.service_token where organisation = %s and id = %s and revoked_at is null and %s < expires_at",
        (tx.actor.organisation, token, tx.now),
    )
    return found


def stamps(tx: Transaction, lead: str, programme: UUID) -> list[Stamp]:
    """Every revision that the actor's organisation may see, in order. Empty when it sees no such programme."""
    return tx.rows(
        Stamp,
        """
        select p.agreement, p.code, r.number, coalesce(r.digest, '') as digest,
               coalesce(s.signed_by, '{}') as signed_by, coalesce(s.signed_at, '{}') as signed_at,
               coalesce(k.kept, '{}') as kept, coalesce(k.before, '{}') as before
        from alliance.programme p
        left join alliance.revision r on r.organisation = p.organisation and r.agreement = p.agreement
        cross join lateral (
            select array_agg(s.signatory order by s.signatory) as signed_by, array_agg(s.signed_at order by s.signatory) as signed_at
            from alliance.signature s where s.organisation = p.organisation and s.agreement = p.agreement and s.number = r.number
        ) s
        cross join lateral (
            select array_agg(k.process) as kept, array_agg(k.before) as before
            from alliance.kept k where k.organisation = %s and k.owner = p.organisation and k.programme = p.id
        ) k
        where p.organisation = %s and p.id = %s order by r.number
        """,
        (tx.actor.organisation, lead, programme),
    )


def hold(tx: Transaction, lead: str, programme: UUID) -> None:
    """Until the end of the transaction the programme's agreement stays as it is: who changes it waits. Nothing where one sees none."""
    tx.execute("select alliance.hold(%s, %s)", (lead, programme))


def documents(tx: Transaction, owner: str, agreement: UUID) -> dict[int, str]:
    """The text of every revision that the actor's organisation may see, by number."""
    return dict(
        tx.connection.execute(
            b"select number, document from alliance.revision where organisation = %s and agreement = %s", (owner, agreement)
        ).fetchall()
    )


def takes_part(tx: Transaction, owner: str, agreement: UUID) -> bool | None:
    """Whether the actor's organisation signs the latest text of an agreement; None when it sees no such agreement."""
    found: bool | None = tx.value(
        "select alliance.takes_part(a.organisation, a.id) from alliance.agreement a where a.organisation = %s and a.id = %s",
        (owner, agreement),
    )
    return found


def signatories(tx: Transaction, owner: str, agreement: UUID, number: int) -> list[str] | None:
    found: list[str] | None = tx.value(
        "select signatories from alliance.revision where organisation = %s and agreement = %s and number = %s", (owner, agreement, number)
    )
    return found


def organisation(tx: Transaction, code: str) -> FoundOrganisation | None:
    return tx.row(
        FoundOrganisation,
        "select parent, %s in (select alliance.known()) as partner from alliance.organisation where organisation = %s",
        (code, code),
    )


# Sessions.


def find_session(tx: Transaction, digest: bytes) -> Session | None:
    return tx.row(Session, "select * from alliance.find_session(%s)", (digest,))


def add_session(tx: Transaction, one: Session, digest: bytes) -> None:
    tx.execute(
        "insert into alliance.session (organisation, id, person, digest, started_at, seen_at, expires_at, ends_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (one.organisation, one.id, one.person, digest, one.started_at, one.seen_at, one.expires_at, one.ends_at),
    )


def touch_session(tx: Transaction, session: UUID, expires_at: datetime) -> None:
    tx.execute(
        "update alliance.session set seen_at = %s, expires_at = %s where organisation = %s and id = %s and ended_at is null",
        (tx.now, expires_at, tx.actor.organisation, session),
    )


def end_sessions(tx: Transaction, column: str, value: UUID) -> int:
    """column: id or person."""
    sql = {
        "id": "update alliance.session set ended_at = %s where organisation = %s and id = %s and ended_at is null",
        "person": "update alliance.session set ended_at = %s where organisation = %s and person = %s and ended_at is null",
    }[column]
    return tx.execute(sql, (tx.now, tx.actor.organisation, value))


# Tokens of services.


def find_token(tx: Transaction, token: UUID, digest: bytes) -> Service | None:
    return tx.row(Service, "select * from alliance.find_token(%s, %s)", (token, digest))


def add_token(tx: Transaction, one: ServiceToken, digest: bytes) -> None:
    tx.execute(
        "insert into alliance.service_token (organisation, id, name, purpose, scopes, digest, issued_at, issued_by, expires_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            tx.actor.organisation, one.id, one.name, one.purpose, list(one.scopes), digest, one.issued_at, one.issued_by, one.expires_at,
        ),
    )  # fmt: skip


def tokens(tx: Transaction) -> list[ServiceToken]:
    return tx.rows(
        ServiceToken,
        "select id, name, purpose, scopes, issued_at, issued_by, expires_at, used_at, revoked_at from alliance.service_token"
        " where organisation = %s order by issued_at desc, id desc",
        (tx.actor.organisation,),
    )


def token_used(tx: Transaction, token: UUID) -> None:
    tx.execute("update alliance.service_token set used_at = %s where organisation = %s and id = %s", (tx.now, tx.actor.organisation, token))


def revoke_token(tx: Transaction, token: UUID) -> bool:
    """False when there is no such token, or it was revoked before."""
    return (
        tx.execute(
            "update alliance.service_token set revoked_at = %s where organisation = %s and id = %s and revoked_at is null",
            (tx.now, tx.actor.organisation, token),
        )
        == 1
    )


# Sign-in.


def identity_provider(tx: Transaction) -> IdentityProvider | None:
    return tx.row(
        IdentityProvider,
        "select organisation, issuer, client_id from alliance.identity_provider where organisation = %s",
        (tx.actor.organisation,),
    )


def set_identity_provider(tx: Transaction, issuer: str, client_id: str) -> None:
    tx.execute(
        "insert into alliance.identity_provider (organisation, issuer, client_id, changed_at, changed_by) values (%s, %s, %s, %s, %s)"
        " on conflict (organisation) do update set issuer = excluded.issuer, client_id = excluded.client_id,"
        " changed_at = excluded.changed_at, changed_by = excluded.changed_by",
        (tx.actor.organisation, issuer, client_id, tx.now, tx.actor.person),
    )


def begin_sign_in(tx: Transaction, state: bytes, return_to: str, expires_at: datetime) -> None:
    tx.execute("delete from alliance.sign_in where organisation = %s and expires_at <= %s", (tx.actor.organisation, tx.now))
    tx.execute(
        "insert into alliance.sign_in (organisation, state, return_to, expires_at) values (%s, %s, %s, %s)",
        (tx.actor.organisation, state, return_to, expires_at),
    )


def take_sign_in(tx: Transaction, state: bytes) -> str | None:
    """Where to go afterwards; the sign-in is gone then, so that nothing comes back twice."""
    found: str | None = tx.value(
        "delete from alliance.sign_in where organisation = %s and state = %s and %s < expires_at returning return_to",
        (tx.actor.organisation, state, tx.now),
    )
    return found


def person_of_subject(tx: Transaction, issuer: str, subject: str) -> UUID | None:
    found: UUID | None = tx.value(
        "select person from alliance.identity where organisation = %s and issuer = %s and subject = %s",
        (tx.actor.organisation, issuer, subject),
    )
    return found


def person_of_email(tx: Transaction, email: str) -> UUID | None:
    """The present person with this address, capital or small. None when several have it."""
    found = tx.value(
        "select array_agg(id) from alliance.person where organisation = %s and lower(email) = lower(%s)"
        " and (left_at is null or %s < left_at)",
        (tx.actor.organisation, email, tx.now),
    )
    return found[0] if found and len(found) == 1 else None


def is_present(tx: Transaction, person: UUID) -> bool:
    return bool(
        tx.value(
            "select exists (select from alliance.person where organisation = %s and id = %s and (left_at is null or %s < left_at))",
            (tx.actor.organisation, person, tx.now),
        )
    )


def unlink_identity(tx: Transaction, issuer: str, subject: str) -> None:
    tx.execute(
        "delete from alliance.identity where organisation = %s and issuer = %s and subject = %s", (tx.actor.organisation, issuer, subject)
    )


def link_identity(tx: Transaction, issuer: str, subject: str, person: UUID) -> bool:
    """False when the person, or the subject, is linked to another one of this issuer."""
    return (
        tx.execute(
            "insert into alliance.identity (organisation, issuer, subject, person, linked_at) values (%s, %s, %s, %s, %s)"
            " on conflict do nothing",
            (tx.actor.organisation, issuer, subject, person, tx.now),
        )
        == 1
    )


def present(tx: Transaction) -> list[Present]:
    return tx.rows(
        Present,
        "select id, name, email, duties from alliance.person"
        " where organisation = %s and (left_at is null or %s < left_at) order by name, id",
        (tx.actor.organisation, tx.now),
    )
