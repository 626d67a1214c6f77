"""Random alliances in a real database: a technology partner, rival carmakers, agreements that change and are signed late or never."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
from small_alliance import PROCESSES, document, draft, enlist, found, programme, propose, sign

from marque.common import new_id
from marque.foundation import Database

BEGIN = datetime(2021, 1, 1, 12, tzinfo=UTC)
ROLES, SIGHTS = ("co-decides", "consulted", "supplies", "none"), ("all", "own", "none")


@dataclass
class Alliance:
    """An agreement as it happened: raw documents, and who signed which text when."""

    owner: str
    id: UUID
    parties: list[str]
    programmes: dict[str, UUID] = field(default_factory=dict)
    documents: list[dict] = field(default_factory=list)
    signatures: list[dict] = field(default_factory=list)


@dataclass
class World:
    people: dict[str, UUID]
    alliances: list[Alliance]
    end: datetime


def world(database: Database, owner_dsn: str, seed: int, carmakers: int = 6, each: int = 2) -> World:
    """A world by its number. Every carmaker has agreements with the one partner, some with another carmaker besides."""
    chance = random.Random(seed)
    names = [f"w{seed}-{letter}" for letter in "abcdefgh"[:carmakers]]
    partner = f"w{seed}-partner"
    people = found(owner_dsn, **{name.replace("-", "_"): "carmaker" for name in names}, **{partner.replace("-", "_"): "technology"})
    database.clock.set(BEGIN)
    enlist(database, people)
    alliances = [_alliance(database, chance, name, partner, names, people) for name in names for _ in range(each)]
    return World(people, alliances, max(database.clock.now(), BEGIN) + timedelta(days=1500))


def _alliance(database, chance, owner, partner, names, people) -> Alliance:
    database.clock.set(BEGIN + timedelta(hours=chance.randrange(1, 500)))
    made = Alliance(owner, draft(database, owner), [owner, partner])
    made.programmes = {code: programme(database, owner, made.id, code) for code in ("P1", "P2")}
    previous, bound = "", {owner, partner}
    for number in range(1, chance.randrange(2, 5)):
        others = [name for name in names if name != owner]
        parties = sorted({owner, partner} | set(chance.sample(others, chance.choice([0, 0, 0, 1]))))
        if number > 1 and len(parties) == 2 and chance.random() < 0.1:
            parties = sorted({owner, chance.choice(others)})
        text = _text(chance, made, number, previous, parties, sorted(bound - set(parties)), database.clock.now())
        try:
            previous = propose(database, owner, made.id, number, text)
        except psycopg.Error:
            raise AssertionError(text) from None
        made.documents.append(json.loads(text))
        signatories = sorted(set(parties) | (bound - set(parties)))
        bound |= set(parties)
        chance.shuffle(signatories)
        missing = chance.choice([0, 0, 1]) if number > 1 else 0
        for one in signatories[: len(signatories) - missing]:
            database.clock.advance(timedelta(hours=chance.randrange(0, 24 * 90)))
            sign(database, owner, made.id, number, one, people[one])
            made.signatures.append({"organisation": one, "digest": previous, "at": database.clock.now()})
        database.clock.advance(timedelta(days=chance.randrange(0, 200)))
    return made


def _text(chance, made, number, previous, parties, leaving, now) -> str:
    def rows() -> tuple[dict, dict]:
        matrix, sight = {}, {}
        for process in PROCESSES:
            leader = chance.choice(parties)
            matrix[process] = {one: "leads" if one == leader else chance.choice(ROLES) for one in parties}
            sight[process] = {one: chance.choice(SIGHTS) for one in parties}
        return matrix, sight

    matrix, sight = rows()
    special_matrix, special_sight = rows()
    chosen = chance.sample(PROCESSES, 4)
    special = {"matrix": {one: special_matrix[one] for one in chosen}, "sight": {one: special_sight[one] for one in chosen}}
    effective = (now + timedelta(days=chance.randrange(-100, 300))).date()
    more = {"leaving": leaving} if leaving else {}
    return document(made.id, number, previous, effective, matrix, sight, parties=parties, programmes={"P2": special}, **more)


def fill(owner_dsn: str, made: World) -> list[tuple[str, UUID, str, str, datetime]]:
    """A requirement of every party in every area of its agreement, written down by a superuser, before any of the questions."""
    rows = []
    for one in made.alliances:
        parties = sorted({party for said in one.documents for party in said["parties"]})
        rows += [(one.owner, code, process, party, BEGIN) for code in one.programmes.values() for process in PROCESSES for party in parties]
    with psycopg.connect(owner_dsn.replace("user=marque_owner", "user=postgres")) as connection:
        connection.execute("set session_replication_role = replica")
        with connection.cursor().copy(
            "copy alliance.requirement (organisation, id, side, version, lead, programme, process, created_at, status) from stdin"
        ) as copy:
            for lead, code, process, party, at in rows:
                copy.write_row((party, new_id(), party, 1, lead, code, process, at, "draft"))
        connection.execute("analyze alliance.requirement; analyze alliance.area_right")
    return rows
