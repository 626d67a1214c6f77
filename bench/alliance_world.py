"""A world for `bench/alliance.py`: a million rows of requirements, with the decisions, comments and relations that go with them.

Twenty carmakers, each with an agreement of two revisions and five programmes; one technology partner in all of them. Under the first
revision it sees everything. Under the second, of every second carmaker, it supplies and sees its own rows, and what was there in half of
the processes it keeps reading (`keeps-read`, applied by the transition itself). Rows are copied past the triggers, by a superuser.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "alliance"))
from small_alliance import PROCESSES, document, draft, enlist, found, noon, programme, propose, sign

from marque.alliance import rich_text, tokens, transitions
from marque.alliance.access import Area
from marque.foundation import Actor, Database, SetClock

PARTNER = "partner"
CARMAKERS = tuple(f"car{number:02}" for number in range(20))
KEPT = PROCESSES[::2]
_BEGAN, _CHANGED, _NOW = noon(2021, 7, 2), date(2022, 1, 1), noon(2022, 6, 1)
_TEXT = "The vehicle comes to a stand within {} m, on a dry road and from 100 km/h, with and without the trailer of the homologation. "
_TEXTS = [rich_text.of(_TEXT.format(number) * 2) for number in range(97)]


@dataclass(frozen=True)
class World:
    """agreements: by carmaker. programmes: (carmaker, id). requirements, decisions: some of each area, the newest first."""

    people: dict[str, UUID]
    program: Actor
    agreements: dict[str, UUID]
    programmes: list[tuple[str, UUID]]
    requirements: dict[Area, list[UUID]]
    decisions: dict[Area, list[UUID]]

    def actor(self, organisation: str) -> Actor:
        return Actor(organisation, self.people[organisation], "console")

    def areas(self, kind: str) -> list[Area]:
        """Those that the partner sees `all` of, its `own` rows of, or has `kept` rows of."""
        return [
            Area(lead, key, process)
            for process in PROCESSES
            for lead, key in self.programmes
            if kind == ("all" if _open(lead) else "kept" if process in KEPT else "own")
        ]


def _open(carmaker: str) -> bool:
    return CARMAKERS.index(carmaker) % 2 == 0


def build(database: Database, owner: str, superuser: str, rows: int) -> World:
    """database: with a `SetClock`, and nothing in it."""
    clock = database.clock
    assert isinstance(clock, SetClock)
    clock.set(noon(2021, 6, 1))
    people = found(owner, **dict.fromkeys(CARMAKERS, "carmaker"), **{PARTNER: "technology"})
    enlist(database, people)
    for one, person in people.items():
        with database.transaction(Actor(one, person)) as tx:
            tx.execute("update alliance.person set duties = '{administrator,engineer,product,signatory}'")
    agreements, programmes = {}, []
    for one in CARMAKERS:
        agreements[one] = draft(database, one)
        programmes += [(one, programme(database, one, agreements[one], f"P{each}")) for each in range(5)]
        _agree(database, one, agreements[one], people)
    clock.set(noon(2022, 1, 2))
    for one in CARMAKERS:
        with database.transaction(Actor(one, people[one])) as tx:
            transitions.apply_due(tx)
    clock.set(_NOW)
    with database.transaction(Actor(PARTNER, people[PARTNER])) as tx:
        text, _ = tokens.issue(tx, "bench", "measuring", ["view:*", "create:*", "edit:*"], _NOW + timedelta(days=90))
    service = tokens.find(database, text)
    assert service is not None
    world = World(people, service.actor, agreements, programmes, {}, {})
    _fill(superuser, world, rows)
    return world


def _agree(database: Database, carmaker: str, agreement: UUID, people: dict[str, UUID]) -> None:
    later = "all" if _open(carmaker) else "own"
    clauses = [] if _open(carmaker) else [{"process": one, "organisation": PARTNER, "what": "keeps-read"} for one in KEPT]
    digest = ""
    for number, (day, role, sight) in enumerate([(date(2021, 7, 1), "co-decides", "all"), (_CHANGED, "supplies", later)], 1):
        text = document(
            agreement, number, digest, day, {one: {carmaker: "leads", PARTNER: role} for one in PROCESSES},
            {one: {carmaker: "all", PARTNER: sight} for one in PROCESSES},
            transition={"clauses": clauses if number == 2 else [], "open-decisions": "old"},
        )  # fmt: skip
        digest = propose(database, carmaker, agreement, number, text)
        for one in (carmaker, PARTNER):
            sign(database, carmaker, agreement, number, one, people[one])


def _fill(superuser: str, world: World, rows: int) -> None:
    chance = random.Random(1)
    with psycopg.connect(superuser) as connection:
        connection.execute("set session_replication_role = replica")
        columns = (
            "organisation, id, side, version, lead, programme, process, created_at, written_by, status, number, title, text, attributes"
        )
        _copy(connection, "requirement", columns, islice(_requirements(world, chance, rows), rows))
        said = list(_said(world, chance, rows // 10))
        columns = "organisation, id, requirement, side, lead, programme, process, created_at, written_by, text"
        _copy(connection, "requirement_comment", columns, said)
        columns = "organisation, id, source, target, kind, lead, programme, process, created_at"
        related = ((one[0], one[1], one[2], said[number - 1][2], "refines", *one[4:8]) for number, one in enumerate(said))
        _copy(connection, "requirement_relation", columns, related)
        decided, acts = _decided(world, chance, rows // 10)
        columns = "organisation, id, lead, programme, process, subject, title, opened_by, created_at"
        columns += ", agreement, number, deciders, state, decided_at"
        _copy(connection, "decision", columns, decided)
        _copy(connection, "decision_act", "organisation, id, opener, decision, round, kind, person, created_at", acts)
        connection.execute(
            """insert into alliance.frozen (organisation, lead, programme, process, number, source, digest, body, frozen_at)
            select %s, lead, programme, process, 2, 'alliance.requirement', md5(id::text || side || version), to_jsonb(r)::text, created_at
            from alliance.requirement r where (lead, programme) in (select organisation, id from alliance.programme where code = 'P0')""",
            (PARTNER,),
        )
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("vacuum analyze")


def _copy(connection: psycopg.Connection[Any], table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor().copy(f"copy alliance.{table} ({columns}) from stdin".encode()) as copy:
        for row in rows:
            copy.write_row(row)


def _id(at: datetime, chance: random.Random) -> UUID:
    return UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62))


def _area(world: World, chance: random.Random) -> Area:
    return Area(*world.programmes[chance.randrange(len(world.programmes))], PROCESSES[chance.randrange(len(PROCESSES))])


def _times(count: float) -> Iterator[datetime]:
    number, length = 0, (_NOW - timedelta(days=10) - _BEGAN) / count
    while True:
        yield _BEGAN + length * number
        number += 1


def _requirements(world: World, chance: random.Random, rows: int) -> Iterator[tuple[Any, ...]]:
    """In six of ten both have a side, in two each one of them alone; a side has 1.4 versions."""
    nothing = Jsonb([])
    for at in _times(rows / (1.6 * 1.4)):
        area, made = _area(world, chance), _id(at, chance)
        world.requirements.setdefault(area, []).insert(0, made)
        for side in chance.choices([(area.lead, PARTNER), (area.lead,), (PARTNER,)], [6, 2, 2])[0]:
            for version in range(1, 1 + chance.choices([1, 2, 3], [7, 2, 1])[0]):
                written = at + timedelta(days=2 * (version - 1), seconds=chance.randrange(3600))
                yield (
                    side, made, side, version, area.lead, area.programme, area.process, written, world.people[side],
                    chance.choice(["draft", "proposed", "accepted"]), f"{area.process[:2]}-{made.int % 9999}", f"Stop {made.int % 97}",
                    _TEXTS[made.int % 97], nothing,
                )  # fmt: skip


def _said(world: World, chance: random.Random, count: int) -> Iterator[tuple[Any, ...]]:
    areas = list(world.requirements)
    for at in islice(_times(count), count):
        area = chance.choice(areas)
        side = chance.choice([area.lead, PARTNER])
        yield (
            side, _id(at, chance), chance.choice(world.requirements[area]), side, area.lead, area.programme, area.process, at,
            world.people[side], "Which trailer?",
        )  # fmt: skip


def _decided(world: World, chance: random.Random, count: int) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Both decide what was opened under the first revision, the carmaker what was later. One of twenty is open."""
    decisions: list[tuple[Any, ...]] = []
    acts: list[tuple[Any, ...]] = []
    for number, at in enumerate(islice(_times(count), count)):
        area, made = _area(world, chance), _id(at, chance)
        world.decisions.setdefault(area, []).insert(0, made)
        first = at.date() < _CHANGED
        deciders = [area.lead, PARTNER] if first else [area.lead]
        opener, state = chance.choice([area.lead, PARTNER]), chance.choices(["taken", "refused", "open"], [17, 2, 1])[0]
        decisions.append((
            opener, made, area.lead, area.programme, area.process, f"evidence/{number}", "Approve the evidence", world.people[opener], at,
            world.agreements[area.lead], 1 if first else 2, deciders, state, None if state == "open" else at + timedelta(days=3),
        ))  # fmt: skip
        voters = deciders if state == "taken" else deciders[: number % len(deciders)] if state == "open" else deciders[:1]
        for one in voters:
            kind = "reject" if state == "refused" else "approve"
            acts.append((one, _id(at, chance), opener, made, 1, kind, world.people[one], at + timedelta(days=1)))
    return decisions, acts
