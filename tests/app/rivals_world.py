"""Two rival carmakers with the same technology partner: each side's tables are full of words that the other must never read.

Every text of a side, in every table, holds its canary; every thing of a side exists twice: one whose id is told to the rival, and one
whose id is never told to anybody, so that it cannot be an echo where it turns up.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

import psycopg
import rivals_product
import rivals_release
from small_alliance import PROCESSES, document, found, noon, propose, sign

from databases import superuser
from marque.alliance import agreements, brands, decisions, requirements, sessions, tokens
from marque.alliance.access import DUTIES, Area
from marque.alliance.requirements import Said
from marque.alliance.transitions import apply_due
from marque.common import new_id
from marque.foundation import Actor, Database
from marque.foundation.embedded import Addresses

RIVALS, PARTNER = ("alcyone", "borealis"), "huaxia"
ABSENT = {"alcyone": "ariadne", "borealis": "bergamot"}
"""Codes of the same form that no organisation has."""
SCOPES = [f"{action}:*" for action in ("view", "create", "edit", "comment", "sell")]
SPOKEN = "spoken-quokka"
"""In what the callers send: it has no business in a log."""


def canary(code: str) -> str:
    return f"canary-of-{code}"


@dataclass
class Side:
    """What one rival has. ids: of its things, by what an address calls them, that its rival is told; codes and words likewise."""

    code: str
    person: UUID
    session: str = ""
    token: str = ""
    ids: dict[str, UUID] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)


@dataclass
class World:
    addresses: Addresses
    sides: dict[str, Side]
    dark: dict[str, frozenset[str]]
    """By side: ids, digests and words of it that nobody but it and the partner may ever be shown."""

    def rival(self, code: str) -> Side:
        return self.sides[next(one for one in RIVALS if one != code)]


def world(database: Database, addresses: Addresses) -> World:
    """It is noon of 1 March 2022; the agreements are in force since 1 July 2021."""
    owner = addresses.owner
    people = found(owner, **dict.fromkeys(RIVALS, "carmaker"), **{PARTNER: "technology"})
    database.clock.set(noon(2021, 6, 1))
    with psycopg.connect(owner) as connection:
        for code in RIVALS:
            connection.execute(
                "update alliance.organisation set name = %s, name_zh = %s where organisation = %s", (canary(code), canary(code), code)
            )
    for code, person in people.items():
        _enlist(database, code, person, "all")
    sides = {code: Side(code, people[code]) for code in RIVALS}
    for side in sides.values():
        _agree(database, side, people)
    database.clock.set(noon(2022, 3, 1))
    for side in sides.values():
        _work(database, side, people)
        rivals_product.furnish(database, side, people, canary(side.code), PARTNER)
        rivals_release.furnish(database, side, canary(side.code))
        for told in (True, False):
            _administer(database, side, told)
    with psycopg.connect(superuser(addresses, _name(owner))) as connection:
        for side in sides.values():
            _elsewhere(connection, side)
        dark = {code: _dark(connection, sides[code]) for code in RIVALS}
    for code, person in people.items():  # what is due is applied before anybody asks, for good
        with database.transaction(Actor(code, person)) as tx:
            apply_due(tx)
    return World(addresses, sides, dark)


def _name(dsn: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])


def _enlist(database: Database, code: str, person: UUID, what: str) -> str:
    email = f"{what}.{canary(code)}@{code}.example"
    with database.transaction(Actor(code)) as tx:
        tx.execute(
            "insert into alliance.person (organisation, id, name, email, duties, created_at) values (%s, %s, %s, %s, %s, %s)",
            (code, person, f"{what} {canary(code)}", email, list(DUTIES), tx.now),
        )
    return email


def _agree(database: Database, side: Side, people: dict[str, UUID]) -> None:
    """Two agreements with the partner, each with a programme; the partner sees everything of both."""
    for told in (True, False):
        code, actor = side.code, Actor(side.code, side.person, "test")
        with database.transaction(actor) as tx:
            agreement = agreements.draft(tx, f"Agreement {canary(code)} {told}")
            name = f"{'Told' if told else 'Dark'}-{canary(code)}"
            programme = agreements.found_programme(tx, code, agreement, name, f"Name {canary(code)}", canary(code))
        roles, sight = {code: "leads", PARTNER: "co-decides"}, {code: "all", PARTNER: "all"}
        text = document(
            agreement, 1, "", date(2021, 7, 1), dict.fromkeys(PROCESSES, roles), dict.fromkeys(PROCESSES, sight),
            parties=sorted(roles), title=f"Title {canary(code)}", sources=[{"text": f"Source {canary(code)}"}],
        )  # fmt: skip
        digest = propose(database, code, agreement, 1, text)
        for one in sorted(roles):
            sign(database, code, agreement, 1, one, people[one])
        if told:
            side.ids |= {"agreement": agreement, "programme": programme.id}
            side.words |= {"programme code": name, "digest": digest}
        else:
            side.ids |= {"dark agreement": agreement, "dark programme": programme.id}


def _work(database: Database, side: Side, people: dict[str, UUID]) -> None:
    """Requirements with both sides, comments and decisions in several areas."""
    word = canary(side.code)
    mine, theirs = Actor(side.code, side.person, "test"), Actor(PARTNER, people[PARTNER], "test")
    for process in ("software-supply", "platform", "sales"):
        for programme in ("programme", "dark programme"):
            area = Area(side.code, side.ids[programme], process)
            for number in range(2):
                said = Said(
                    number=f"N{number}-{word}", title=f"Title {word}", text=f"Text {word}", rationale=f"Why {word}",
                    verification=f"How {word}", identifier=f"I-{word}", attributes=({"name": word, "value": word},),
                )  # fmt: skip
                with database.transaction(mine) as tx:
                    made = requirements.found(tx, area, said).id
                    requirements.comment(tx, made, f"Comment {word}")
                    asked = decisions.open_decision(tx, area, f"subject/{word}/{number}", f"Decide {word}", f"Question {word}").id
                    requirements.edit(tx, made, Said(title=f"Second title {word}", text=f"Second text {word}"), 1)
                with database.transaction(theirs) as tx:
                    requirements.edit(tx, made, Said(title=f"Partner's title {word}", text=f"Partner's text {word}"), 0)
                    other = decisions.open_decision(tx, area, f"other/{word}/{number}", f"Partner asks {word}").id
                    decisions.reject(tx, other, f"Because {word}")
                with database.transaction(mine) as tx:
                    relation = requirements.relate(tx, made, _another(tx, area, made), f"refines {word}", f"R-{word}") if number else None
                if programme == "programme":
                    side.ids |= {"requirement": made, "decision": asked, "other decision": other}
                    side.words |= {"subject": f"subject/{word}/{number}"}
                    side.ids |= {"relation": relation.id} if relation else {}


def _another(tx, area: Area, made: UUID) -> UUID:
    return next(one.id for one in requirements.page(tx, area) if one.id != made)


def _administer(database: Database, side: Side, told: bool) -> None:
    """A person, a token, a session, a brand."""
    word, name = canary(side.code), "told" if told else "dark"
    person = new_id()
    email = _enlist(database, side.code, person, name)
    with database.transaction(Actor(side.code, side.person, "test")) as tx:
        secret, token = tokens.issue(tx, f"{name} {word}", f"Purpose {word}", SCOPES, tx.now + timedelta(days=300))
        session, _ = sessions.start(tx, side.person)
        brands.found(tx, f"{name}-{word}", f"Brand {word}", f"Brand {word}", side.code, date(2020, 1, 1), f"Source {word}")
    if told:
        side.session, side.token = session, secret
        side.ids |= {"person": person, "token": token.id}
        side.words |= {"e-mail": email, "brand": f"{name}-{word}"}


def _elsewhere(connection: psycopg.Connection, side: Side) -> None:
    """What neither the API nor the console reads out as it is: keys, passkeys, sign-ins, events, what transitions left behind."""
    code, word, at = side.code, canary(side.code), noon(2022, 1, 1)
    connection.execute("set session_replication_role = replica")
    connection.execute(
        "update alliance.signature set envelope = %s, confirmation = %s where organisation = %s", (word, json.dumps({"by": word}), code)
    )
    salt = hashlib.sha256(word.encode()).digest()
    for number in range(2):
        salt = hashlib.sha256(salt).digest()
        key, passkey = new_id(), new_id()
        rows = {
            "alliance.key": {
                "id": salt.hex(), "person": side.person, "public_key": salt, "request": word.encode(), "valid_from": at,
                "valid_until": at + timedelta(days=900), "enrolled_at": at, "enrolled_by": side.person,
            },
            "alliance.key_revocation": {
                "key": salt.hex(), "reason": word, "revoked_at": at + timedelta(days=800), "revoked_by": side.person,
            },
            "alliance.passkey": {
                "id": passkey, "person": side.person, "label": f"Label {word}", "credential_id": salt, "cose_key": salt,
                "public_key": salt, "sign_count": 1, "backup_eligible": False, "registered_at": at,
            },
            "alliance.passkey_revocation": {"passkey": passkey, "reason": word, "revoked_at": at, "revoked_by": side.person},
            "alliance.challenge": {
                "id": key, "person": side.person, "challenge": salt, "envelope": word.encode(), "asked_at": at,
                "expires_at": at + timedelta(days=900),
            },
            "alliance.confirmation": {
                "person": side.person, "challenge": salt, "passkey": passkey, "sign_count": 1, "confirmed_at": at,
            },
            "alliance.identity": {"issuer": f"https://{word}.example/{number}", "subject": word, "person": side.person, "linked_at": at},
            "alliance.sign_in": {"state": salt, "return_to": f"/{word}", "expires_at": at + timedelta(days=900)},
            "alliance.frozen": {
                "lead": code, "programme": side.ids["programme"], "process": "platform", "number": 1, "source": f"requirement/{word}",
                "digest": salt.hex(), "body": word, "frozen_at": at,
            },
            "alliance.transition_step": {
                "agreement": side.ids["agreement"], "number": 1, "step": number, "programme": side.ids["programme"], "process": "platform",
                "party": code, "what": "frozen-copy", "rows": 1, "digest": salt.hex(), "applied_at": at,
            },
            "foundation.outbox": {
                "id": key, "kind": "alliance.test", "body": json.dumps({"word": word}), "emitted_at": at, "failure": f"Failure {word}",
            },
            "foundation.handled": {"event": key, "handler": f"handler-{word}", "at": at},
        }  # fmt: skip
        if not number:
            rows["alliance.identity_provider"] = {
                "issuer": f"https://{word}.example", "client_id": word, "changed_at": at, "changed_by": side.person,
            }  # fmt: skip
            side.ids |= {"passkey": passkey, "challenge": key}
            side.words |= {"key": salt.hex()}
        for table, row in rows.items():
            names = ("organisation", *row)
            connection.execute(
                f"insert into {table} ({', '.join(names)}) values ({', '.join(['%s'] * len(names))})",
                (code, *row.values()),
            )


_COLUMNS = """
    select n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('foundation', 'alliance', 'product') and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
    order by 1, a.attnum"""


def columns(connection: psycopg.Connection) -> dict[str, dict[str, str]]:
    """The tables of organisations, and the type of each of their columns."""
    tables: dict[str, dict[str, str]] = {}
    for table, name, kind in connection.execute(_COLUMNS):
        tables.setdefault(table, {})[name] = kind
    return {table: kinds for table, kinds in tables.items() if "organisation" in kinds}


def _dark(connection: psycopg.Connection, side: Side) -> frozenset[str]:
    """Every id that stands in a row which names this side anywhere, and its digests; but for what is the partner's own."""
    known: set[str] = set()
    for table, kinds in columns(connection).items():
        for name in (name for name, kind in kinds.items() if kind == "uuid"):
            asked = f"select {name}::text from {table} t where {name} is not null and t::text like %s"
            known |= {one for (one,) in connection.execute(asked, (f"%{side.code}%",))}
    for table in ("alliance.revision", "product.revision", "product.module", "product.archive"):
        known |= {one for (one,) in connection.execute(f"select digest from {table} where organisation = %s", (side.code,))}
    partners = connection.execute("select id::text from alliance.person where organisation = %s", (PARTNER,))
    return frozenset(known - {one for (one,) in partners} | {canary(side.code), side.code})
