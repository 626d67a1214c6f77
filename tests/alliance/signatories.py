"""Companies with people who can sign for real: keys, passkeys on a device in software, and the services between them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from authenticator import Authenticator
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.alliance import agreements, installation, keys, modes, signing
from marque.alliance.agreements import RevisionState
from marque.alliance.model import Revision, Transition
from marque.alliance.passkeys import RelyingParty
from marque.common import ok
from marque.foundation import Actor, Database, Transaction

PARTY = RelyingParty("marque.example", "Marque", ("https://marque.example",))
JULY = date(2021, 7, 1)
KINDS = {"gac": "carmaker", "huawei": "technology", "seres": "carmaker"}


@dataclass
class Person:
    organisation: str
    id: UUID
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    device: Authenticator = field(default_factory=Authenticator)

    @property
    def actor(self) -> Actor:
        return Actor(self.organisation, self.id, "console")


@dataclass
class Companies:
    """people: somebody of each, who drafts, signs, administers and takes decisions."""

    database: Database
    owner_dsn: str
    people: dict[str, Person] = field(default_factory=dict)

    def acting(self, who: str | Person) -> AbstractContextManager[Transaction]:
        return self.database.transaction((who if isinstance(who, Person) else self.people[who]).actor)

    def at(self, *day: int) -> None:
        """The clock stands at noon of this day."""
        self.database.clock.set(datetime(*day, 12, tzinfo=UTC))  # type: ignore[attr-defined, misc, arg-type]

    def later(self, **step: float) -> None:
        self.database.clock.advance(timedelta(**step))  # type: ignore[attr-defined]

    def appoint(self, organisation: str, *duties: str, name: str = "somebody") -> Person:
        """A person with a key and a passkey."""
        with psycopg.connect(self.owner_dsn) as owner:
            at = self.database.clock.now()
            made = Person(organisation, installation.appoint(owner, organisation, name, f"{name}@{organisation}.example", duties, at))
        with self.acting(made) as tx:
            ok(keys.enroll_key(tx, signing.request_enrolment(organisation, made.id, made.key)))
            asked = ok(keys.begin_registration(tx, PARTY))
            ok(keys.finish_registration(tx, PARTY, asked.challenge, made.device.create(asked.options), "phone"))
        return made

    def draft(self, by: str = "gac", title: str = "AH8 together") -> UUID:
        with self.acting(by) as tx:
            return agreements.draft(tx, title)

    def propose(self, agreement: UUID, draft: Revision, by: str = "gac", owner: str = "gac") -> RevisionState:
        with self.acting(by) as tx:
            return agreements.propose(tx, owner, agreement, draft)

    def sign(self, agreement: UUID, number: int, who: str | Person, owner: str = "gac") -> RevisionState:
        """Key and passkey, as the console asks for them."""
        person = who if isinstance(who, Person) else self.people[who]
        with self.acting(person) as tx:
            text = agreements.revision(tx, owner, agreement, number).row.document.encode()
            asked = agreements.begin_signing(tx, PARTY, owner, agreement, number, signing.sign(text, person.key))
        with self.acting(person) as tx:
            return agreements.finish_signing(tx, PARTY, owner, agreement, number, asked.challenge, person.device.get(asked.options))

    def agreed(self, agreement: UUID, draft: Revision, by: str = "gac", owner: str = "gac") -> RevisionState:
        """Proposed, and signed by all now."""
        made = self.propose(agreement, draft, by, owner)
        for one in made.row.signatories:
            made = self.sign(agreement, made.row.number, one, owner)
        return made


def companies(database: Database, owner_dsn: str) -> Companies:
    """GAC, Huawei and SERES on 1 June 2021."""
    made = Companies(database, owner_dsn)
    made.at(2021, 6, 1)
    with psycopg.connect(owner_dsn) as owner:
        for code, kind in KINDS.items():
            installation.found(owner, code, code.upper(), kind)
    for code in KINDS:
        made.people[code] = made.appoint(code, "administrator", "product", "signatory")
    return made


def a_draft(agreement: UUID, effective: date, mode: str = "joint-development", carmaker: str = "gac", partner: str = "huawei",
            transition: Transition = Transition()) -> Revision:  # fmt: skip  # noqa: B008  frozen
    """A preset with these two in it."""
    preset = ok(modes.expand(modes.packaged()[mode], {"carmaker": carmaker, "partner": partner}))
    return modes.draft(preset, agreement, "AH8 together", effective, transition=transition)


def rows(there: Companies) -> dict[str, int]:
    """How many rows there are in each table of each room, as the superuser counts."""
    with psycopg.connect(there.owner_dsn.replace("user=marque_owner", "user=postgres")) as connection:
        tables = connection.execute(
            "select string_agg(format('select %L, count(*) from %1$s', c.oid::regclass), ' union all ')"
            " from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r'"
            " and n.nspname in ('alliance', 'foundation')"
        ).fetchone()[0]
        return dict(connection.execute(tables).fetchall())


def refused(
    there: Companies, who: str | Person, fault: type[Exception], words: str, service: Callable[..., object], *given: object
) -> None:
    """The service refuses with these words, and not a row is more or fewer."""
    before = rows(there)
    with pytest.raises(fault, match=words), there.acting(who) as tx:
        service(tx, *given)
    assert rows(there) == before


def text_of(there: Companies, agreement: UUID, number: int = 1, who: str | Person = "gac") -> bytes:
    with there.acting(who) as tx:
        return agreements.revision(tx, "gac", agreement, number).row.document.encode()


def asked(there: Companies, agreement: UUID, who: str | Person, number: int = 1) -> keys.Asked:
    """A signature begun: the question for the passkey."""
    person = there.people[who] if isinstance(who, str) else who
    envelope = signing.sign(text_of(there, agreement, number, person), person.key)
    with there.acting(person) as tx:
        return agreements.begin_signing(tx, PARTY, "gac", agreement, number, envelope)


def state_of(there: Companies, agreement: UUID, who: str = "gac") -> agreements.AgreementState:
    with there.acting(who) as tx:
        return agreements.agreement(tx, "gac", agreement)
