"""The agreements' documents read with plain loops, Cedar's answers, and the rows that PostgreSQL shows: the same in every cell.

A cell is one question about one organisation, one area and one instant: does it see this row of that owner, does it decide, does it have a
role, does it sign, does it sell. The documents' answer is the oracle's (`agreement_oracle.py`), which shares no code with either wall.
"""

from __future__ import annotations

import random
from datetime import timedelta

import agreement_oracle as oracle
import pytest
from small_alliance import PROCESSES
from worlds import BEGIN, fill, world

from marque.alliance import access
from marque.alliance.access import DUTIES, Action, Area, Record
from marque.foundation import Actor


def cells(database, made, rows, instant):
    """Every cell of a world at an instant: (question, what the documents say, what Cedar says, what PostgreSQL says)."""
    database.clock.set(instant)
    of_programme = {(one.owner, key): (one, code) for one in made.alliances for code, key in one.programmes.items()}
    areas = [(lead, key, process) for lead, key in of_programme for process in PROCESSES]
    force = {one.id: oracle.in_force(one.documents, one.signatures, instant) for one in made.alliances}

    def said(table, organisation, lead, key, process):
        one, code = of_programme[lead, key]
        return oracle.word(force[one.id], table, organisation, code, process)

    for organisation, person in made.people.items():
        with database.transaction(Actor(organisation, person, "test")) as tx:
            shown = set(tx.connection.execute("select lead, programme, process, organisation from alliance.requirement").fetchall())
            kept = tx.connection.execute(
                "select owner, programme, process, role from alliance.area_right"
                " where starts <= foundation.instant() and foundation.instant() < ends"
            ).fetchall()
            roles = {(lead, key, process): role for lead, key, process, role in kept}
            records = [Record(Area(lead, key, process), owner, at) for lead, key, process, owner, at in rows]
            seen = access.allowed(tx, Action.VIEW, records)
            asked = [Area(*one) for one in areas]
            acts = {action: access.allowed(tx, action, asked) for action in (Action.DECIDE, Action.CREATE, Action.SIGN, Action.SELL)}
        for (lead, key, process, owner, _), cedar in zip(rows, seen, strict=True):
            documents = owner == organisation or said("sight", organisation, lead, key, process) == "all"
            yield ("sees", organisation, lead, key, process, owner, instant), documents, cedar, (lead, key, process, owner) in shown
        for place, (lead, key, process) in enumerate(areas):
            role, row = said("matrix", organisation, lead, key, process), roles.get((lead, key, process), "none")
            decides = {"leads", "co-decides"}
            truth = {
                Action.DECIDE: (role in decides, row in decides),
                Action.CREATE: (role != "none", row != "none"),
                Action.SIGN: (process == "release-signature" and role in decides, process == "release-signature" and row in decides),
                Action.SELL: (process == "sales" and role in decides, process == "sales" and row in decides),
            }
            for action, (documents, sql) in truth.items():
                yield (action, organisation, lead, key, process, "", instant), documents, acts[action][place], sql


def readings(database, owner_dsn, seeds, instants, **size):
    """The cells of each of these worlds at each of some instants: (the world, its cells as of `cells`)."""
    for seed in seeds:
        made = world(database, owner_dsn, seed, **size)
        for organisation, person in made.people.items():
            with database.transaction(Actor(organisation, person)) as tx:
                tx.execute("update alliance.person set duties = %s", (list(DUTIES),))
        rows = fill(owner_dsn, made)
        chance = random.Random(seed)
        edges = [signature["at"] for one in made.alliances for signature in one.signatures]
        for number in range(instants):
            inside = BEGIN + timedelta(hours=chance.randrange(24 * int((made.end - BEGIN) / timedelta(days=1))))
            yield made, list(cells(database, made, rows, chance.choice(edges) if number % 2 else inside))


def different(found):
    """Those of some cells on which the three do not agree."""
    return [(question, answers) for question, *answers in found if len(set(answers)) > 1]


def disagreements(database, owner_dsn, seeds, instants):
    """How many alliances and cells there were, how many of these were a yes, and every one on which the three do not agree."""
    alliances, counted, positive, found = set(), 0, 0, []
    for made, read in readings(database, owner_dsn, seeds, instants):
        alliances |= {one.id for one in made.alliances}
        counted += len(read)
        positive += sum(documents for _, documents, *_ in read)
        found += different(read)
    return len(alliances), counted, positive, found


def test_three_readings_of_some_alliances_agree_in_every_cell(database, owner_dsn):
    alliances, counted, positive, found = disagreements(database, owner_dsn, range(2), 2)
    assert found[:5] == []
    assert counted > 20_000
    assert counted / 20 < positive < counted / 2, "a world in which everything, or nothing, is allowed shows nothing"
    assert alliances == 24


@pytest.mark.slow
def test_three_readings_of_many_alliances_agree_in_every_cell(database, owner_dsn, thorough):
    """Thoroughly: of a thousand, in a million cells."""
    worlds = 84 if thorough else 12
    alliances, counted, _, found = disagreements(database, owner_dsn, range(100, 100 + worlds), 2)
    assert found[:5] == []
    assert alliances >= 1_000 * worlds // 84
    assert counted >= 1_000_000 * worlds // 84
