"""Every service of `alliance` that reads or writes, called on the world of `bench/alliance.py`, and what the server read for it.

The server counts for each transaction how many rows of which table it looked at (`pg_stat_xact_user_tables`), whoever made it do so: the
statement itself, a policy, a trigger, a foreign key. Each service is called with other rows a dozen times, because from the sixth time on
the plan of a prepared statement may be another one. What it writes is rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import psycopg
from alliance_world import PARTNER, World

from marque.alliance import agreements, audit, brands, decisions, keys, people, reqif, requirements, sessions, tokens, transitions
from marque.alliance.access import Agreement, Area, Organisation, Record, Revision, actions_on
from marque.alliance.requirements import Said
from marque.alliance.store import access as access_store
from marque.alliance.store import requirements as requirement_store
from marque.common import Denied, Missing
from marque.foundation import Actor, Database, Transaction

LARGE = 10_000
"""Rows. What is smaller than this is best read from end to end: organisations, people, agreements of one organisation."""
_CALLS = 12
_READ = b"""
    select relid::regclass::text, seq_scan, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables"""

Act = Callable[[Transaction, Area, int], object]


def _acts(world: World) -> dict[str, Act]:
    def wanted(area: Area, number: int) -> Any:
        return world.requirements[area][number]

    def edited(tx: Transaction, area: Area, number: int) -> None:
        was = requirements.one(tx, wanted(area, number))
        mine = was.of(tx.actor.organisation)
        requirements.edit(tx, was.id, Said(title="Stop sooner", parent=wanted(area, number + 1)), mine.version if mine else 0)

    def approved(tx: Transaction, area: Area, _: int) -> None:
        decisions.approve(tx, decisions.open_decision(tx, area, f"release/{uuid4()}", "Release").id)

    def related(tx: Transaction, area: Area, number: int) -> None:
        made = requirements.relate(tx, wanted(area, number), wanted(area, number + 1), "satisfies")
        requirements.unrelate(tx, made.id)

    def agreed(area: Area) -> tuple[str, Any]:
        return area.lead, world.agreements[area.lead]

    def said(_: Any, change: str) -> Said:
        return Said(title=change, text="The vehicle stops.")

    return {
        "requirements.page": lambda tx, area, _: requirements.page(tx, area),
        "requirements.page, a later one": lambda tx, area, number: requirements.page(tx, area, wanted(area, 100 + number)),
        "requirements.one": lambda tx, area, number: requirements.one(tx, wanted(area, number)),
        "requirements.history": lambda tx, area, number: requirements.history(tx, wanted(area, number)),
        "requirements.found": lambda tx, area, number: requirements.found(tx, area, said(number, "Found")),
        "requirements.edit, in another place": edited,
        "requirements.comment": lambda tx, area, number: requirements.comment(tx, wanted(area, number), "Why?"),
        "requirements.comments": lambda tx, area, number: requirements.comments(tx, wanted(area, number)),
        "requirements.relate, unrelate": related,
        "requirements.relations, of a programme": lambda tx, area, _: requirements.relations(tx, area.lead, area.programme),
        "requirements.of_programme, one process": lambda tx, area, _: requirements.of_programme(
            tx, area.lead, area.programme, area.process
        ),
        "reqif.export, one process": lambda tx, area, _: reqif.export(tx, area.lead, area.programme, area.process),
        "store: last_version": lambda tx, area, number: requirement_store.last_version(tx, wanted(area, number)),
        "decisions.page": lambda tx, area, _: decisions.page(tx, area),
        "decisions.page, a later one": lambda tx, area, number: decisions.page(tx, area, world.decisions[area][number + 10]),
        "decisions.one": lambda tx, area, number: decisions.one(tx, world.decisions[area][number]),
        "decisions.about": lambda tx, area, number: decisions.about(tx, area, f"evidence/{number}"),
        "decisions.waiting": lambda tx, *_: decisions.waiting(tx),
        "decisions.open_decision, approve": approved,
        "access.actions_on, an area": lambda tx, area, _: actions_on(tx, area),
        "access.actions_on, a record": lambda tx, area, _: actions_on(tx, Record(area, PARTNER, tx.now)),
        "access.actions_on, an agreement": lambda tx, area, _: actions_on(tx, Agreement(*agreed(area))),
        "access.actions_on, a revision": lambda tx, area, _: actions_on(tx, Revision(Agreement(*agreed(area)), 1)),
        "access.actions_on, an organisation": lambda tx, area, _: actions_on(tx, Organisation(area.lead)),
        "agreements.all_agreements": lambda tx, *_: agreements.all_agreements(tx),
        "agreements.agreement": lambda tx, area, _: agreements.agreement(tx, *agreed(area)),
        "agreements.waiting": lambda tx, *_: agreements.waiting(tx),
        "agreements.programmes": lambda tx, *_: agreements.programmes(tx),
        "agreements.programme": lambda tx, area, _: agreements.programme(tx, area.lead, area.programme),
        "transitions.apply_due, nothing due": lambda tx, *_: transitions.apply_due(tx),
        "transitions.steps": lambda tx, area, _: transitions.steps(tx, *agreed(area), 2),
        "transitions.frozen": lambda tx, area, number: transitions.frozen(tx, Area(*world.programmes[0], area.process), f"{number:x}"),
        "people.organisations": lambda tx, *_: people.organisations(tx),
        "people.people": lambda tx, *_: people.people(tx),
        "people.me": lambda tx, *_: people.me(tx),
        "brands.brands": lambda tx, *_: brands.brands(tx),
        "keys.keys_of": lambda tx, *_: keys.keys_of(tx, tx.actor.organisation),
        "keys.passkeys_of": lambda tx, *_: keys.passkeys_of(tx, tx.actor.person) if tx.actor.person else None,
        "sessions.start": lambda tx, *_: sessions.start(tx, world.people[tx.actor.organisation]),
        "store: find_session": lambda tx, *_: access_store.find_session(tx, bytes(32)),
        "tokens.issue": lambda tx, *_: tokens.issue(tx, "A", "to measure", ["view:*"], tx.now + timedelta(days=1)),
        "tokens.issued": lambda tx, *_: tokens.issued(tx),
        "store: find_token": lambda tx, *_: access_store.find_token(tx, uuid4(), bytes(32)),
        "audit.append": lambda tx, *_: audit.append(tx, [tx.actor.organisation], "bench", {}),
        "audit.entries": lambda tx, *_: audit.entries(tx),
        "audit.export, without a checkpoint": lambda tx, *_: _export(tx),
    }


def _export(tx: Transaction) -> None:
    with suppress(Missing):
        audit.export(tx, BytesIO(), audit.VerifierKey("bench.example", audit.note.ED25519, bytes(32)))


def walk(database: Database, superuser: str, world: World) -> Iterator[tuple[str, int, int, list[str]]]:
    """By service: how many calls were not refused, the most rows that one made the server look at, large tables read from end to end."""
    with psycopg.connect(superuser) as connection:
        large = {
            name
            for (name,) in connection.execute(
                "select oid::regclass::text from pg_class"
                " where relkind = 'r' and reltuples >= %s and relnamespace = 'alliance'::regnamespace",
                (LARGE,),
            )
        }
    places = {
        kind: [
            area for area in world.areas(kind) if len(world.requirements.get(area, ())) > 150 and len(world.decisions.get(area, ())) > 30
        ]
        for kind in ("all", "own", "kept")
    }
    for name, act in _acts(world).items():
        done, reads, scanned = 0, 0, set[str]()
        for number, kind in zip(range(_CALLS * 3), ("all", "own", "kept") * _CALLS, strict=True):
            area = places[kind][number % len(places[kind])]
            actor = world.actor(PARTNER if number % 4 else area.lead)
            went, looked, ends = _looked(database, actor, act, area, number)
            done, reads, scanned = done + went, max(reads, looked), scanned | (ends & large)
        yield name, done, reads, sorted(scanned)


def _looked(database: Database, actor: Actor, act: Act, area: Area, number: int) -> tuple[bool, int, set[str]]:
    went = False
    with database.transaction(actor) as tx, tx.connection.transaction(force_rollback=True):
        before = _counted(tx)  # what transactions before left is told with this one's, until the server has put it away
        with suppress(Missing, Denied):  # of areas that one sees a part of, some rows are another's; refusing reads, too
            act(tx, area, number)
            went = True
        after = _counted(tx)
    differences = {
        table: (scans - before.get(table, (0, 0))[0], rows - before.get(table, (0, 0))[1]) for table, (scans, rows) in after.items()
    }
    return went, sum(rows for _, rows in differences.values()), {table for table, (scans, _) in differences.items() if scans}


def _counted(tx: Transaction) -> dict[str, tuple[int, int]]:
    return {table: (scans, rows) for table, scans, rows in tx.connection.execute(_READ)}
